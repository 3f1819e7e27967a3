"""Blocks that are left while something of them runs on: tasks, threads, other contexts, forked children, retries."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import multiprocessing
import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from bedrock_auth import RequestScope, create_session
from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import ConfigurationError, DeniedError, MissingIdentityError
from bedrock_auth.testing import ExpiredToken, LocalBedrock, Throttle
from scope.people import ANN, BEN, CAT, PATIENCE, ask, in_thread, keys_of, signers

# ---------------------------------------------------------------- blocks in one context


def test_outside_of_every_block_nothing_is_sent(client, bedrock, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ANN.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", ANN.secret_access_key)
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "somebody-else")
    with pytest.raises(MissingIdentityError, match=r"scope\.use"):
        ask(client)
    assert bedrock.requests == []


def test_a_bearer_token_that_lies_around_is_never_used(scope, bedrock, monkeypatch):
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "somebody-else")
    client = create_session(scope, region_name="us-east-1").client("bedrock-runtime")
    with scope.use(ANN) as ann:
        ask(client)
        ask(ann.client("bedrock-runtime"))
    with scope.use(BEN), pytest.raises(Exception, match=r"[Tt]oken|[Bb]earer"):
        ask(scope.caller.client("bedrock-runtime", config=Config(auth_scheme_preference="httpBearerAuth")))
    assert signers(bedrock) == ["ann", "ann"]
    assert {request.signed for request in bedrock.requests} == {"sigv4"}


def test_nested_blocks_sign_as_the_innermost(scope, client, bedrock):
    with scope.use(ANN):
        ask(client)
        with scope.use(BEN):
            ask(client)
            with scope.use(ANN):
                ask(client)
            ask(client)
        ask(client)
    assert signers(bedrock) == ["ann", "ben", "ann", "ben", "ann"]


def test_an_exception_ends_the_block_and_stays_itself(scope, client, bedrock):
    opened = []

    def fail() -> None:
        with scope.use(ANN) as ann:
            opened.append(ann)
            ask(client)
            raise KeyError("mine")

    with scope.use(BEN):
        with pytest.raises(KeyError, match="mine"):
            fail()
        assert opened[0].is_closed
        ask(client)
    assert scope.caller is None
    assert signers(bedrock) == ["ann", "ben"]


def test_a_failed_call_does_not_move_on_to_the_block_around(scope, client, bedrock):
    def no_keys() -> Credentials:
        raise DeniedError("no keys for you")

    with scope.use(ANN), scope.use(no_keys), pytest.raises(DeniedError, match="no keys for you"):
        ask(client)
    assert bedrock.requests == []


def test_blocks_that_end_out_of_order_never_sign_as_a_closed_caller(scope, client, bedrock):
    first, second = scope.use(ANN), scope.use(BEN)
    ann, ben = first.__enter__(), second.__enter__()
    first.__exit__(None, None, None)
    assert ann.is_closed
    ask(client)
    second.__exit__(None, None, None)
    assert ben.is_closed
    with pytest.raises(MissingIdentityError, match="closed"):
        ask(client)
    with scope.use(CAT):
        ask(client)
    assert signers(bedrock) == ["ben", "cat"]


def test_a_block_may_be_left_in_a_foreign_context(scope, client, bedrock):
    block, here, there = scope.use(ANN), contextvars.copy_context(), contextvars.copy_context()
    ann = here.run(block.__enter__)
    with scope.use(BEN):
        there.run(block.__exit__, None, None, None)
        assert ann.is_closed
        ask(client)
    with pytest.raises(MissingIdentityError, match="closed"):
        here.run(ask, client)
    with pytest.raises(MissingIdentityError):
        there.run(ask, client)
    assert signers(bedrock) == ["ben"]


def test_leaving_a_foreign_block_does_not_put_its_surroundings_in_force(scope, client):
    with scope.use(ANN):
        block = scope.use(BEN)
        contextvars.copy_context().run(block.__enter__)
    with scope.use(CAT) as cat:
        block.__exit__(None, None, None)
        assert scope.caller is cat


def test_the_same_block_cannot_be_entered_twice(scope, client, bedrock):
    block = scope.use(ANN)
    with block:
        with pytest.raises(ConfigurationError, match="open already"):
            block.__enter__()
        ask(client)
    block.__exit__(None, None, None)
    assert scope.caller is None
    assert signers(bedrock) == ["ann"]


def test_a_block_that_was_left_may_be_entered_again_as_another_caller_object(scope, client, bedrock):
    block = scope.use(ANN)
    with block as once:
        ask(client)
    with block as again:
        ask(client)
    assert once is not again
    assert once.is_closed
    assert signers(bedrock) == ["ann", "ann"]


def test_two_scopes_know_nothing_of_each_other(scope, client, bedrock):
    other = RequestScope()
    client_of_other = create_session(other, region_name="us-east-1").client("bedrock-runtime")
    with scope.use(ANN), other.use(BEN):
        ask(client)
        ask(client_of_other)
    with scope.use(ANN), pytest.raises(MissingIdentityError):
        ask(client_of_other)
    assert signers(bedrock) == ["ann", "ben"]


def test_the_decorator_opens_a_block_of_its_own_at_each_call(scope, client, bedrock):
    callers = []

    @scope.use(ANN)
    def answer(text: str, *, depth: int = 0) -> str:
        """Say something."""
        callers.append(scope.caller)
        return answer(text, depth=depth - 1) if depth else ask(client, text)

    assert "Hello" in answer("Hello", depth=2)
    assert answer.__name__ == "answer"
    assert len(set(map(id, callers))) == 3
    assert all(caller.is_closed for caller in callers)
    in_thread(answer, "from a thread")
    assert signers(bedrock) == ["ann", "ann"]


def test_the_decorator_keeps_a_coroutine_functions_block_open_until_it_ends(scope, client, bedrock):
    @scope.use(ANN)
    async def answer() -> str:
        await asyncio.sleep(0)
        return await asyncio.to_thread(ask, client)

    async def serve() -> None:
        with scope.use(BEN):
            await asyncio.gather(answer(), answer(), asyncio.to_thread(ask, client))

    asyncio.run(serve())
    assert sorted(signers(bedrock)) == ["ann", "ann", "ben"]


@pytest.mark.parametrize("function", [copy.copy, copy.deepcopy, pickle.dumps], ids=lambda function: function.__name__)
def test_scopes_and_callers_cannot_be_copied_or_pickled(scope, client, function):
    with scope.use(ANN) as ann:
        for thing in (scope, ann):
            with pytest.raises(TypeError, match="cannot be pickled or copied") as caught:
                function(thing)
            assert ANN.secret_access_key not in str(caught.value)


def test_no_repr_shows_a_secret(scope, session, client):
    block = scope.use(ANN)
    with block as ann:
        shown = repr([scope, ann, block, session, client, session.get_credentials(), ann.client("bedrock-runtime")])
    assert ANN.secret_access_key not in shown
    assert ANN.session_token not in shown
    assert ANN.access_key_id not in shown


# ---------------------------------------------------------------- tasks and threads


def test_a_task_that_outlives_its_block_cannot_sign(scope, client, bedrock):
    async def serve() -> None:
        left = asyncio.Event()

        async def run_on() -> None:
            await asyncio.to_thread(ask, client)
            begun.set()
            await left.wait()
            with pytest.raises(MissingIdentityError, match="closed"):
                await asyncio.to_thread(ask, client)

        begun = asyncio.Event()
        with scope.use(ANN):
            task = asyncio.create_task(run_on())
            await begun.wait()
        with scope.use(BEN):
            left.set()
            await task

    asyncio.run(serve())
    assert signers(bedrock) == ["ann"]


def test_a_task_that_opens_a_block_of_its_own_may_outlive_the_one_around(scope, client, bedrock):
    async def serve() -> None:
        left = asyncio.Event()

        async def run_on() -> None:
            with scope.use(BEN):
                await left.wait()
                await asyncio.to_thread(ask, client)
            with pytest.raises(MissingIdentityError, match="closed"):
                await asyncio.to_thread(ask, client)

        with scope.use(ANN):
            task = asyncio.create_task(run_on())
            await asyncio.sleep(0)
        left.set()
        await task

    asyncio.run(serve())
    assert signers(bedrock) == ["ben"]


def test_a_thread_in_a_copy_of_the_context_cannot_sign_once_the_block_is_left(scope, client, bedrock):
    left = threading.Event()
    outcomes = []

    def run_on() -> None:
        ask(client)
        begun.set()
        assert left.wait(PATIENCE)
        try:
            ask(client)
        except MissingIdentityError as error:
            outcomes.append(error)

    begun = threading.Event()
    with scope.use(ANN):
        thread = threading.Thread(target=contextvars.copy_context().run, args=(run_on,))
        thread.start()
        assert begun.wait(PATIENCE)
    with scope.use(BEN):
        left.set()
        thread.join(PATIENCE)
    assert [type(outcome) for outcome in outcomes] == [MissingIdentityError]
    assert signers(bedrock) == ["ann"]


def test_threads_of_a_pool_are_outside_of_every_block_and_work_with_bind(scope, client, bedrock):
    with ThreadPoolExecutor(2) as pool:
        with scope.use(ANN), pytest.raises(MissingIdentityError, match="with a client of scope.bind"):
            pool.submit(ask, client).result(PATIENCE)
        with scope.bind(ANN) as ann, scope.bind(BEN) as ben:
            clients = [ann.client("bedrock-runtime"), ben.client("bedrock-runtime")] * 5
            list(pool.map(ask, clients))
        with pytest.raises(MissingIdentityError, match="closed"):
            pool.submit(ask, clients[0]).result(PATIENCE)
    assert sorted(signers(bedrock)) == ["ann"] * 5 + ["ben"] * 5


def test_a_client_of_a_block_cannot_sign_when_the_block_is_left(scope, session, bedrock):
    with scope.use(ANN) as ann:
        kept = ann.client("bedrock-runtime")
        in_thread(ask, kept)
    with scope.use(BEN), pytest.raises(MissingIdentityError, match="closed"):
        ask(kept)
    with pytest.raises(MissingIdentityError, match="closed"):
        ann.client("bedrock-runtime")
    assert signers(bedrock) == ["ann"]


def test_a_call_of_a_bound_client_leaves_the_block_around_in_force(scope, client, bedrock):
    with scope.bind(ANN) as ann, scope.use(BEN) as ben:
        ask(ann.client("bedrock-runtime"))
        assert scope.caller is ben
        ask(client)
        with pytest.raises(ClientError):
            ann.client("bedrock-runtime").converse(modelId="m", messages=[{"role": "assistant", "content": [{"text": "Hi"}]}])
        ask(client)
    assert signers(bedrock) == ["ann", "ben", "ben"]


def test_closing_a_callers_client_leaves_everybody_elses_connections_open(scope, client, bedrock):
    with scope.bind(ANN) as ann, scope.bind(BEN) as ben:
        ann.client("bedrock-runtime").close()
        ask(ben.client("bedrock-runtime"))
        ask(ann.client("bedrock-runtime"))
    assert signers(bedrock) == ["ben", "ann"]


def test_a_call_that_is_under_way_ends_although_its_block_is_left(scope, client, bedrock):
    served, left = threading.Event(), threading.Event()

    def slowly(_):
        served.set()
        assert left.wait(PATIENCE)
        return "done"

    bedrock.reply(slowly)
    answers = []
    with scope.use(ANN):
        thread = threading.Thread(target=contextvars.copy_context().run, args=(lambda: answers.append(ask(client)),))
        thread.start()
        assert served.wait(PATIENCE)
    left.set()
    thread.join(PATIENCE)
    assert answers == ["done"]
    assert signers(bedrock) == ["ann"]


# ---------------------------------------------------------------- retries


class Rotating:
    """A provider that gives other keys at each fetch."""

    name = "rotating"

    def __init__(self, who: str, bedrock: LocalBedrock) -> None:
        self.sets = [keys_of(who, number) for number in range(5)]
        self.asked = 0
        for keys in self.sets:
            bedrock.add_key(keys)

    def retrieve(self) -> Credentials:
        self.asked += 1
        return self.sets[self.asked - 1]


def key_ids(bedrock: LocalBedrock) -> list[str]:
    return [request.access_key_id for request in bedrock.requests]


@pytest.mark.parametrize("explicit", [False, True])
def test_expired_keys_are_renewed_for_whoever_made_the_call(scope, client, bedrock, explicit):
    dan, eve = Rotating("dan", bedrock), Rotating("eve", bedrock)
    with scope.bind(eve) as other:
        others = other.client("bedrock-runtime")
        ask(others)
        bedrock.fault(ExpiredToken())
        with scope.use(dan) as caller:
            ask(caller.client("bedrock-runtime") if explicit else client)
        ask(others)
    old, new, unharmed = (keys.access_key_id for keys in (dan.sets[0], dan.sets[1], eve.sets[0]))
    assert key_ids(bedrock) == [unharmed, old, new, unharmed]
    assert eve.asked == 1


def test_a_provider_may_open_blocks_of_its_own_while_it_fetches(scope, client, bedrock):
    def with_the_help_of_ben() -> Credentials:
        with scope.use(BEN):
            ask(client)
        return ANN

    with scope.use(with_the_help_of_ben):
        ask(client)
        ask(client)
    assert signers(bedrock) == ["ben", "ann", "ann"]


def test_retries_act_for_whoever_made_the_call(scope, session, bedrock):
    retrying = session.client("bedrock-runtime", config=Config(retries={"mode": "standard", "total_max_attempts": 3}))
    bedrock.fault(Throttle())
    with scope.use(ANN):
        context = contextvars.copy_context()
        with scope.use(BEN):
            context.run(ask, retrying)
    assert key_ids(bedrock) == [ANN.access_key_id] * 2


def closing(caller, fault):
    """A fault that closes the caller while the request is being answered."""

    class Closing:
        def apply(self, normal):
            caller.close()
            return fault.apply(normal)

    return Closing()


def test_the_first_error_stands_where_the_caller_is_closed_before_its_keys_are_renewed(scope, session, bedrock):
    ann = Rotating("dan", bedrock)
    with scope.bind(ann) as caller, scope.use(BEN):
        bedrock.fault(closing(caller, ExpiredToken()))
        with pytest.raises(ClientError, match="ExpiredTokenException"):
            ask(caller.client("bedrock-runtime"))
    assert key_ids(bedrock) == [ann.sets[0].access_key_id]
    assert ann.asked == 1


@pytest.mark.parametrize(
    ("fault", "said"), [(Throttle(), MissingIdentityError), (ExpiredToken(), ClientError)], ids=["throttled", "expired"]
)
def test_a_closed_callers_call_is_not_sent_again(scope, session, bedrock, fault, said):
    with scope.bind(ANN) as caller, scope.use(BEN):
        bedrock.fault(closing(caller, fault))
        with pytest.raises(said):
            ask(caller.client("bedrock-runtime"))
    assert key_ids(bedrock) == [ANN.access_key_id]


def test_keys_without_a_renewal_are_not_sent_again(scope, client, bedrock):
    bedrock.fault(ExpiredToken())
    with scope.use(ANN), pytest.raises(ClientError, match="ExpiredTokenException"):
        ask(client)
    assert key_ids(bedrock) == [ANN.access_key_id]


# ---------------------------------------------------------------- fork

forking = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]


def in_forked_child(function) -> str:
    """What the function returns in a child of `os.fork`, as text."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = str(function())
        except Exception as error:  # noqa: BLE001 - whatever it is, the parent shall hear of it
            answer = f"{type(error).__name__}: {error}"
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read().decode()
    os.waitpid(child, 0)
    return answer


class TestFork:
    pytestmark = forking

    def test_a_childs_inherited_block_cannot_sign(self, scope, client, bedrock):
        with scope.use(ANN):
            ask(client)
            said = in_forked_child(lambda: ask(client))
            ask(client)
        assert said.startswith("MissingIdentityError")
        assert "parent process" in said
        assert signers(bedrock) == ["ann", "ann"]

    def test_a_childs_inherited_client_cannot_sign(self, scope, session, bedrock):
        with scope.bind(ANN) as ann:
            own = ann.client("bedrock-runtime")
            ask(own)
            assert in_forked_child(lambda: ask(own)).startswith("MissingIdentityError")
            assert in_forked_child(lambda: ann.is_closed) == "True"
            assert in_forked_child(lambda: ann.client("bedrock-runtime")).startswith("MissingIdentityError")
            ask(own)
        assert signers(bedrock) == ["ann", "ann"]

    def test_a_child_opens_blocks_of_its_own(self, scope, client, bedrock):
        def serve() -> str:
            with scope.use(BEN) as ben:
                ask(client)
                ask(ben.client("bedrock-runtime"))
            return "served"

        with scope.use(ANN):
            ask(client)
            assert in_forked_child(serve) == "served"
        assert signers(bedrock) == ["ann", "ben", "ben"]

    def test_a_child_shares_no_client_of_callers_with_its_parent(self, scope, session, bedrock):
        def serve() -> int:
            before = len(scope.clients)
            with scope.bind(BEN) as ben:
                twin = ben.client("bedrock-runtime")
                return (before, twin._endpoint is mine._endpoint)

        with scope.bind(ANN) as ann:
            mine = ann.client("bedrock-runtime")
            ask(mine)
            assert in_forked_child(serve) == "(0, False)"
            assert ann.client("bedrock-runtime")._endpoint is mine._endpoint
        assert len(scope.clients) == 1

    def test_a_fork_while_another_thread_makes_a_client_stops_nobody(self, scope, session, bedrock):
        with scope.clients._lock:

            def serve() -> str:
                with scope.bind(BEN) as ben:
                    return in_thread(ask, ben.client("bedrock-runtime"), "from the child")

            assert "from the child" in in_forked_child(serve)

    def test_a_child_of_multiprocessing_is_a_child_too(self, scope, client, bedrock):
        context = multiprocessing.get_context("fork")
        answers = context.SimpleQueue()

        def serve() -> None:
            try:
                ask(client)
            except MissingIdentityError:
                with scope.use(BEN):
                    answers.put(ask(client, "from the child"))
            else:
                answers.put("signed as the parent's caller")

        with scope.use(ANN):
            child = context.Process(target=serve)
            child.start()
            answer = answers.get()
            child.join(PATIENCE)
            ask(client)
        assert "from the child" in answer
        assert signers(bedrock) == ["ben", "ann"]
