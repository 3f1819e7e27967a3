"""Many callers behind one client, against a model written from the docstring of `RequestScope` that shares no code with it.

The model knows whose block each context is in, and which callers are open. Every request that reaches the wire is verified there
with the secret of the key that it names, and that key must have been issued to the very identity that the model expects. What
goes wrong on the wire is recorded and asserted in an invariant: botocore takes an exception there for a fault of the network.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import json
import os
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import attrs
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from bedrock_auth import Credentials, FromCallable, Host, RefreshPolicy, RequestScope, Static, create_session
from bedrock_auth.contracts import SHAREABLE
from bedrock_auth.errors import CredentialError, MissingIdentityError, RetrievalError
from bedrock_auth.pool import shared
from bedrock_auth.refresh import Refresher
from bedrock_auth.testing.verify import HttpRequest, Refused, verify
from support.wire import Body
from support.worlds import Clock, world

FINE, THROTTLED, EXPIRED, DENIED = "fine", "ThrottlingException", "ExpiredTokenException", "AccessDeniedException"
MISSING, NO_KEYS = "a missing identity", "no keys"
STATUS = {FINE: 200, THROTTLED: 429, EXPIRED: 403, DENIED: 403}
MEMORY = 6.0
"""Seconds after which a failed fetch is not remembered any more where there are no keys at hand."""
INLINE = RefreshPolicy(advisory_refresh="inline")
CALL = {"modelId": "m", "messages": [{"role": "user", "content": [{"text": "hi"}]}]}


@attrs.define(eq=False)
class Identity:
    """A principal, and the issuer of its keys."""

    number: int
    kind: str
    lifetime: int
    clock: Clock
    issued: dict[str, tuple[Identity, Credentials]]
    down: bool = False
    failed_at: float | None = None
    refresher: Refresher | None = None

    def source(self, host: Host) -> Refresher:
        """A source that is the user's own: the same for all callers, none of whom may close it."""
        self.refresher = self.refresher or Refresher(Private(self, host), INLINE)
        return self.refresher

    def issue(self) -> Credentials:
        if self.down:
            self.failed_at = self.clock.now
            msg = f"the issuer of {self.number} is down"
            raise RetrievalError(msg)
        key_id = f"ASIATEST{self.number:04d}X{len(self.issued):07d}"
        expiration = datetime.fromtimestamp(self.clock.now + self.lifetime, UTC) if self.is_renewable else None
        keys = Credentials(key_id, f"the secret of {key_id}", f"the token of {key_id}", expiration)
        self.issued[key_id] = (self, keys)
        return keys

    @property
    def is_renewable(self) -> bool:
        return self.kind not in {"static", "credentials"}

    @property
    def is_sound(self) -> bool:
        """Whether it has answered always."""
        return not self.down and self.failed_at is None

    @property
    def is_well(self) -> bool:
        """Whether its callers must be served, if not with newer keys."""
        return not self.down and (self.failed_at is None or self.clock.now - self.failed_at > MEMORY)


@attrs.frozen
class Private:
    """A provider with something that only its owner knows."""

    identity: Identity = attrs.field(repr=False)
    host: Host = attrs.field(repr=False)
    name = "private"

    def retrieve(self) -> Credentials:
        return self.identity.issue()


@attrs.frozen
class Shared:
    """A provider whose settings anybody may see; callers with equal ones share their keys."""

    number: int
    host: Host = attrs.field(repr=False)
    identity: Identity = attrs.field(repr=False, eq=False, metadata=SHAREABLE)
    name = "shared"

    def retrieve(self) -> Credentials:
        return self.identity.issue()


GIVEN: dict[str, Callable[[Identity, Host], Any]] = {
    "static": lambda who, host: _static(who.issue(), host),
    "credentials": lambda who, host: who.issue(),
    "private": Private,
    "shared": lambda who, host: Shared(who.number, host, who),
    "function": lambda who, host: FromCallable(who.issue, name="function", host=host),
    "source": lambda who, host: who.source(host),
}
"""How users hand over who signs."""


def _static(keys: Credentials, host: Host) -> Static:
    return Static(keys.access_key_id, keys.secret_access_key, keys.session_token, host=host)


@attrs.define(eq=False)
class Owner:
    """A caller of the model, and the real one."""

    identity: Identity
    real: Any
    open: bool = True


@attrs.define(eq=False)
class Context:
    """A context, and the caller whose block the model says it is in."""

    real: contextvars.Context = attrs.field(factory=contextvars.Context)
    here: Owner | None = None

    def copied(self) -> Context:
        return Context(self.real.copy(), self.here)


@attrs.define(eq=False)
class Block:
    real: Any
    owner: Owner
    around: Owner | None
    left: bool = False


@attrs.define(eq=False)
class Form:
    """A client: everybody's, or an owner's own."""

    real: Any
    owner: Owner | None = None


@attrs.define(eq=False)
class Pages:
    """What a paginator gives, and whom it was made for."""

    real: Any
    owner: Owner | None


@attrs.define(eq=False)
class Call:
    """The API call under way."""

    owner: Owner | None
    answers: list[str]
    before_signing: Callable[[], None]
    before_retrying: Callable[[], None]
    key_ids: list[str] = attrs.Factory(list)


# ------------------------------------------------------------ where code may run

Place = Callable[[Context, Callable[[Context], Any]], Any]


def here(context: Context, run: Callable[[Context], Any]) -> Any:
    return context.real.run(run, context)


def in_a_copy(context: Context, run: Callable[[Context], Any]) -> Any:
    return here(context.copied(), run)


def in_a_thread(context: Context, run: Callable[[Context], Any]) -> Any:
    """A plain thread starts with a context of its own, outside of every block."""
    answer: list[Any] = []
    thread = threading.Thread(target=lambda: answer.append(run(Context())))
    thread.start()
    thread.join()
    return answer[0]


def in_to_thread(context: Context, run: Callable[[Context], Any]) -> Any:
    async def main() -> Any:
        return await asyncio.to_thread(run, Context(here=context.here))

    return context.real.run(asyncio.run, main())


def in_a_task(context: Context, run: Callable[[Context], Any]) -> Any:
    async def body() -> Any:
        return run(Context(here=context.here))

    async def main() -> Any:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(body())
        return task.result()

    return context.real.run(asyncio.run, main())


PLACES = [here, here, in_a_copy, in_a_thread, in_to_thread, in_a_task]
EVENTS = ["nothing", "nothing", "nothing", "the caller is closed", "somebody else enters a block"]
ANSWERS = [[], [], [THROTTLED], [EXPIRED], [EXPIRED, THROTTLED], [THROTTLED, EXPIRED], [EXPIRED, EXPIRED], [DENIED]]


class Callers(RuleBasedStateMachine):
    contexts = Bundle("contexts")
    blocks = Bundle("blocks")
    owners = Bundle("owners")
    forms = Bundle("forms")
    pages = Bundle("pages")

    def __init__(self) -> None:
        super().__init__()
        self.patch = mock.patch("botocore.retries.standard.ExponentialBackoff.delay_amount", return_value=0)
        self.patch.start()
        self.clock = Clock()
        self.host = world(self.clock)
        self.identities: list[Identity] = []
        self.issued: dict[str, tuple[Identity, Credentials]] = {}
        self.violations: list[str] = []
        self.call: Call | None = None
        self.tokens = itertools.count()
        self.scope = RequestScope(policy=INLINE)
        session = create_session(self.scope, region_name="us-east-1")
        session._session.set_config_variable("retry_mode", "standard")  # older botocore has another default
        session.events.register("before-call", self.prepared)
        session.events.register("before-send", self.arrived)
        self.everybodys = session.client("bedrock-runtime")

    def teardown(self) -> None:
        self.patch.stop()

    @initialize(target=contexts)
    def the_first_context(self) -> Context:
        return Context()

    @initialize(target=forms)
    def everybodys_client(self) -> Form:
        return Form(self.everybodys)

    # ------------------------------------------------------------ on the wire

    def prepared(self, **_: Any) -> None:
        assert self.call is not None
        self.call.before_signing()

    def arrived(self, request: Any, **_: Any) -> AWSResponse:
        """Judge a request by the model; then answer it as planned."""
        assert self.call is not None
        self.judge(self.call, request)
        answer = self.call.answers.pop(0) if self.call.answers else FINE
        if len(self.call.key_ids) == 1:
            self.call.before_retrying()
        document = {"nextToken": str(next(self.tokens))} if answer == FINE else {"__type": answer, "message": "as planned"}
        return AWSResponse(request.url, STATUS[answer], {"Content-Type": "application/json"}, Body(json.dumps(document).encode()))

    def judge(self, call: Call, request: Any) -> None:
        try:
            keys = verify(
                as_received(request), lambda key_id: self.issued[key_id][1] if key_id in self.issued else None, now=self.clock.now
            )
        except Refused as refused:
            self.violations.append(refused.message)
            return
        call.key_ids.append(keys.access_key_id)
        signer = self.issued[keys.access_key_id][0]
        if call.owner is None:
            self.violations.append(f"{signer.number} signed a call that nobody makes")
        elif not call.owner.open:
            self.violations.append(f"{signer.number} signed a call of {call.owner.identity.number}, which is closed")
        elif signer is not call.owner.identity:
            self.violations.append(f"{signer.number} signed a call of {call.owner.identity.number}")

    # ------------------------------------------------------------ callers come and go

    @staticmethod
    def somebody() -> st.SearchStrategy[tuple[str, int, bool]]:
        """Kind and lifetime of a new identity, or the last one once more."""
        return st.tuples(st.sampled_from(sorted(GIVEN)), st.sampled_from([20, 400, 3600]), st.booleans())

    def identity(self, kind: str, lifetime: int, again: bool) -> Identity:  # noqa: FBT001 - a drawn tuple's last part
        if not (again and self.identities and not self.identities[-1].down):
            self.identities.append(Identity(len(self.identities), kind, lifetime, self.clock, self.issued))
        return self.identities[-1]

    def enter(self, context: Context, who: tuple[str, int, bool]) -> Block:
        """Enter a block in the context that the code runs in."""
        identity = self.identity(*who)
        block = self.scope.use(GIVEN[identity.kind](identity, self.host))
        entered = Block(block, Owner(identity, block.__enter__()), context.here)
        context.here = entered.owner
        return entered

    @rule(target=blocks, context=contexts, who=somebody(), answers=st.sampled_from(ANSWERS))
    def a_block_is_entered(self, context: Context, who: Any, answers: list[str]) -> Block:
        entered = here(context, lambda _: self.enter(context, who))
        self.make_call(context, Form(self.everybodys), answers=answers)
        return entered

    @rule(block=blocks, context=contexts)
    def a_block_is_left(self, block: Block, context: Context) -> None:
        """In whatever context, in whatever order; leaving one again changes nothing."""
        context.real.run(block.real.__exit__, None, None, None)
        block.owner.open = False
        if context.here is block.owner and not block.left:
            context.here = block.around
        block.left = True
        self.make_call(context, Form(self.everybodys))

    @rule(block=blocks, target=owners)
    def somebody_keeps_the_caller_of_a_block(self, block: Block) -> Owner:
        return block.owner

    @rule(target=owners, who=somebody())
    def a_caller_is_bound(self, who: Any) -> Owner:
        identity = self.identity(*who)
        return Owner(identity, self.scope.bind(GIVEN[identity.kind](identity, self.host)))

    @rule(owner=owners)
    def a_caller_is_closed(self, owner: Owner) -> None:
        self.close(owner)

    def close(self, owner: Owner | None) -> None:
        if owner is not None:
            owner.real.close()
            owner.open = False

    @rule(target=contexts, context=contexts)
    def a_context_is_copied(self, context: Context) -> Context:
        return context.copied()

    @rule(target=forms, owner=owners, context=contexts, answers=st.sampled_from(ANSWERS))
    def a_caller_makes_a_client(self, owner: Owner, context: Context, answers: list[str]) -> Any:
        if owner.open:
            form = Form(context.real.run(owner.real.client, "bedrock-runtime"), owner)
            self.make_call(context, form, answers=answers)
            self.make_call(context, Form(self.everybodys))
            return form
        with pytest.raises(MissingIdentityError):
            owner.real.client("bedrock-runtime")
        return multiple()

    @rule(seconds=st.sampled_from([1, 6, 30, 300, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.clock.now += seconds

    @rule(owner=owners, down=st.booleans())
    def an_issuer_breaks_or_recovers(self, owner: Owner, *, down: bool) -> None:
        owner.identity.down = down

    # ------------------------------------------------------------ calls

    @rule(context=contexts, form=forms, place=st.sampled_from(PLACES))
    def somebody_calls(self, context: Context, form: Form, place: Place) -> None:
        self.make_call(context, form, place)

    @rule(
        target=blocks,
        context=contexts,
        form=forms,
        place=st.sampled_from(PLACES),
        answers=st.sampled_from(ANSWERS),
        before_signing=st.sampled_from(EVENTS),
        before_retrying=st.sampled_from(EVENTS),
        who=somebody(),
    )
    def somebody_calls_while_things_happen(self, context, form, place, **happens: Any) -> Any:
        return multiple(*self.make_call(context, form, place, **happens))

    def make_call(
        self,
        context: Context,
        form: Form,
        place: Place = here,
        answers: Sequence[str] = (),
        before_signing: str = "nothing",
        before_retrying: str = "nothing",
        who: Any = None,
    ) -> list[Block]:
        """One API call; the blocks that were entered under way."""
        entered: list[Block] = []

        def run(current: Context) -> None:
            owner = form.owner or current.here
            events = {
                "nothing": lambda: None,
                "the caller is closed": lambda: self.close(owner),
                "somebody else enters a block": lambda: entered.append(self.enter(current, who)),
            }
            self.call = Call(owner, list(answers), events[before_signing], events[before_retrying])
            foreseen = self.foreseen(answers, before_signing, before_retrying)
            self.check(self.outcome(lambda: form.real.converse(**CALL)), foreseen, answers)

        place(context, run)
        return entered

    def foreseen(
        self, answers: Sequence[str], before_signing: str = "nothing", before_retrying: str = "nothing"
    ) -> tuple[int, str]:
        """How many requests go out, and what the user sees, if the issuer answers."""
        owner = self.call.owner
        if owner is None or not owner.open or before_signing == "the caller is closed":
            return 0, MISSING
        closed = before_retrying == "the caller is closed"
        renewed = False
        for sent, answer in enumerate([*answers, FINE], 1):
            if answer in {FINE, DENIED}:
                return sent, answer
            if answer == EXPIRED:
                if renewed or closed or not owner.identity.is_renewable:
                    return sent, EXPIRED
                renewed = True
            elif closed:
                return sent, MISSING
        raise AssertionError

    def outcome(self, call: Callable[[], Any]) -> str:
        try:
            call()
        except MissingIdentityError:
            return MISSING
        except CredentialError:
            return NO_KEYS
        except ClientError as error:
            return error.response["Error"]["Code"]
        return FINE

    def check(self, outcome: str, foreseen: tuple[int, str], answers: Sequence[str]) -> None:
        call, self.call = self.call, None
        happened = (len(call.key_ids), outcome)
        if call.owner is None or call.owner.identity.is_sound or foreseen == (0, MISSING):
            assert happened == foreseen
        else:
            assert happened == foreseen or outcome == NO_KEYS or (outcome == EXPIRED and EXPIRED in answers)
            assert outcome != NO_KEYS or not call.owner.identity.is_well
        if EXPIRED in answers[:1] and len(call.key_ids) > 1:
            assert call.key_ids[0] != call.key_ids[1]

    @rule(context=contexts, place=st.sampled_from(PLACES), who=somebody())
    def a_decorated_function_calls(self, context, place, who) -> None:
        identity = self.identity(*who)
        call = self.scope.use(GIVEN[identity.kind](identity, self.host))(lambda: self.everybodys.converse(**CALL))

        def run(_: Context) -> None:
            self.call = Call(Owner(identity, None), [], lambda: None, lambda: None)
            self.check(self.outcome(call), (1, FINE), [])

        place(context, run)

    # ------------------------------------------------------------ pages

    @rule(target=pages, context=contexts, form=forms, place=st.sampled_from(PLACES))
    def somebody_begins_to_page(self, context, form, place) -> Any:
        def run(current: Context) -> Any:
            owner = form.owner or current.here
            if owner is None:
                with pytest.raises(MissingIdentityError):
                    form.real.get_paginator("list_async_invokes")
                return multiple()
            return Pages(iter(form.real.get_paginator("list_async_invokes").paginate()), owner)

        return place(context, run)

    @rule(context=contexts, pages=pages, place=st.sampled_from(PLACES), answers=st.sampled_from([[], [THROTTLED], [EXPIRED]]))
    def somebody_turns_a_page(self, context, pages, place, answers) -> None:
        """The next page is asked for wherever the reader happens to be."""
        if pages.owner is None:
            return

        def run(_: Context) -> None:
            self.call = Call(pages.owner, list(answers), lambda: None, lambda: None)
            foreseen = self.foreseen(answers)
            outcome = self.outcome(lambda: next(pages.real))
            if outcome != FINE:
                pages.owner = None  # an iterator that failed has ended
            self.check(outcome, foreseen, answers)

        place(context, run)

    # ------------------------------------------------------------ what always holds

    @invariant()
    def every_request_was_signed_by_its_own_caller(self) -> None:
        assert not self.violations

    @invariant()
    def what_callers_bring_along_never_enters_the_pool(self) -> None:
        assert {type(provider) for provider, _ in shared._refreshers} <= {Shared}


def as_received(request: Any) -> HttpRequest:
    """A request that is about to be sent, as a server would see it."""
    parts = urlsplit(request.url)
    headers = {"host": parts.netloc}
    for name, value in request.headers.items():
        headers[name.lower()] = value.decode("latin-1") if isinstance(value, bytes) else value
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    return HttpRequest(request.method, target, headers, request.body or b"")


# Whoever only asks whether broken code is caught (tests/break_the_engine.py) has no use for the smallest example, and wants
# rare ones to come up.
ONLY_CATCH = "ONLY_CATCH" in os.environ
TestCallers = Callers.TestCase
TestCallers.settings = settings(
    max_examples=600 if ONLY_CATCH else 200,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate] if ONLY_CATCH else [phase for phase in Phase if phase is not Phase.explain],
)
TestCallers.pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]
