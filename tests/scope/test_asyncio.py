"""asyncio: tasks, task groups and `asyncio.to_thread` are inside of a block; the loop never waits; executors need bind."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import CredentialError, DeniedError, MissingIdentityError
from scope.people import ANN, BEN, CAT, NAMES, PATIENCE, ask, signers

EVERYBODY = [ANN, BEN, CAT]


def name_back(bedrock) -> None:
    """Have the model answer with the name of whoever signed."""
    bedrock.reply(lambda request: NAMES[request.access_key_id])


def test_tasks_at_once_sign_as_their_own_callers(scope, client, bedrock):
    name_back(bedrock)

    async def request(keys) -> list[str]:
        with scope.use(keys):
            said = []
            for _ in range(5):
                said.append(await asyncio.to_thread(ask, client))
                await asyncio.sleep(0)
        return said

    async def serve() -> list[list[str]]:
        return await asyncio.gather(*(request(keys) for keys in EVERYBODY * 4))

    assert asyncio.run(serve()) == [[NAMES[keys.access_key_id]] * 5 for keys in EVERYBODY * 4]


def test_the_tasks_of_a_group_are_inside_the_block_that_surrounds_it(scope, client, bedrock):
    async def request(keys) -> None:
        with scope.use(keys):
            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(asyncio.to_thread(ask, client))

    async def serve() -> None:
        async with asyncio.TaskGroup() as group:
            for keys in EVERYBODY:
                group.create_task(request(keys))

    asyncio.run(serve())
    assert sorted(signers(bedrock)) == ["ann"] * 3 + ["ben"] * 3 + ["cat"] * 3


def test_a_block_in_a_task_does_not_reach_the_task_that_started_it(scope, client, bedrock):
    async def serve() -> None:
        async def inner() -> None:
            with scope.use(BEN):
                entered.set()
                await leave.wait()
                await asyncio.to_thread(ask, client)

        entered, leave = asyncio.Event(), asyncio.Event()
        with scope.use(ANN) as ann:
            task = asyncio.create_task(inner())
            await entered.wait()
            assert scope.caller is ann
            await asyncio.to_thread(ask, client)
            leave.set()
            await task

    asyncio.run(serve())
    assert signers(bedrock) == ["ann", "ben"]


def test_entering_a_block_asks_for_nothing_and_the_loop_goes_on_while_keys_are_fetched(scope, client, bedrock):
    """The source answers only when the loop has turned meanwhile: a loop that waited would never get there."""
    asked, turned = threading.Event(), threading.Event()

    def slow_source() -> Credentials:
        asked.set()
        if not turned.wait(PATIENCE):
            raise DeniedError("the loop stood still")
        return ANN

    async def serve() -> None:
        with scope.use(slow_source):
            assert not asked.is_set()
            call = asyncio.create_task(asyncio.to_thread(ask, client))
            while not asked.is_set():
                await asyncio.sleep(0.001)
            turned.set()
            await call

    asyncio.run(serve())
    assert signers(bedrock) == ["ann"]


def test_a_source_that_is_a_coroutine_function_works(scope, client, bedrock):
    async def source() -> Credentials:
        await asyncio.sleep(0)
        return ANN

    async def serve() -> None:
        with scope.use(source):
            await asyncio.gather(asyncio.to_thread(ask, client), asyncio.to_thread(ask, client))

    asyncio.run(serve())
    assert signers(bedrock) == ["ann", "ann"]


def test_a_cancelled_task_leaves_its_block_and_what_it_started_cannot_sign(scope, client, bedrock):
    served, cancelled = threading.Event(), threading.Event()
    outcomes = []

    def slowly(_) -> str:
        served.set()
        assert cancelled.wait(PATIENCE)
        return "done"

    bedrock.reply(slowly)

    def twice() -> None:
        outcomes.append(ask(client))
        try:
            ask(client)
        except CredentialError as error:
            outcomes.append(type(error))

    async def request() -> None:
        with scope.use(ANN):
            await asyncio.to_thread(twice)

    async def serve() -> None:
        task = asyncio.create_task(request())
        while not served.is_set():
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with scope.use(BEN):
            cancelled.set()
            await asyncio.to_thread(ask, client)

    asyncio.run(serve())
    assert outcomes == ["done", MissingIdentityError]
    assert sorted(signers(bedrock)) == ["ann", "ben"]


def test_a_timeout_leaves_the_block(scope, client, bedrock):
    opened = []

    async def linger() -> None:
        with scope.use(ANN) as ann:
            opened.append(ann)
            await asyncio.sleep(PATIENCE)

    async def serve() -> None:
        with scope.use(BEN):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(linger(), 0.01)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await linger()
            assert [caller.is_closed for caller in opened] == [True, True]
            await asyncio.to_thread(ask, client)

    asyncio.run(serve())
    assert signers(bedrock) == ["ben"]


def test_a_failure_in_a_group_closes_every_callers_block(scope, client, bedrock):
    opened = []

    async def request(keys) -> None:
        with scope.use(keys) as caller:
            opened.append(caller)
            await asyncio.sleep(0)
            if keys is BEN:
                raise KeyError("mine")
            await asyncio.sleep(PATIENCE)

    async def serve() -> None:
        async with asyncio.TaskGroup() as group:
            for keys in EVERYBODY:
                group.create_task(request(keys))

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(serve())
    assert caught.group_contains(KeyError, match="mine")
    assert [caller.is_closed for caller in opened] == [True] * 3


def test_an_executor_is_outside_of_the_block_and_works_with_bind(scope, client, bedrock):
    """`run_in_executor` hands no context over, unlike `asyncio.to_thread`."""

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        with scope.use(ANN) as ann:
            with pytest.raises(MissingIdentityError, match=r"scope\.bind"):
                await loop.run_in_executor(None, ask, client)
            await loop.run_in_executor(None, ask, ann.client("bedrock-runtime"))
            await loop.run_in_executor(None, contextvars.copy_context().run, ask, client)
        with scope.bind(BEN) as ben:
            await loop.run_in_executor(None, ask, ben.client("bedrock-runtime"))

    asyncio.run(serve())
    assert signers(bedrock) == ["ann", "ann", "ben"]


def test_callbacks_of_the_loop_that_run_after_the_block_cannot_sign(scope, client, bedrock):
    outcomes = []

    def call_later() -> None:
        try:
            ask(client)
        except MissingIdentityError as error:
            outcomes.append(str(error))

    async def serve() -> None:
        with scope.use(ANN):
            asyncio.get_running_loop().call_soon(call_later)
        await asyncio.sleep(0)

    asyncio.run(serve())
    assert len(outcomes) == 1
    assert "closed" in outcomes[0]
    assert bedrock.requests == []


def test_many_tasks_share_one_fetch_of_their_caller(scope, client, bedrock):
    calls = []

    def source() -> Credentials:
        calls.append(1)
        return ANN

    async def serve() -> None:
        with scope.use(source):
            async with asyncio.TaskGroup() as group:
                for _ in range(10):
                    group.create_task(asyncio.to_thread(ask, client))

    asyncio.run(serve())
    assert len(calls) == 1
    assert signers(bedrock) == ["ann"] * 10
