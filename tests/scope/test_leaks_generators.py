"""Generators: the reader of a suspended one runs on in the same context, so a block must not stand in it."""

from __future__ import annotations

import asyncio
import functools
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager

import pytest

from bedrock_auth.errors import ConfigurationError, MissingIdentityError
from scope.people import ANN, BEN, CAT, ask, signers


def test_a_block_in_a_generator_is_refused_before_anything_is_signed(scope, client, bedrock):
    def answers():
        with scope.use(ANN):
            yield ask(client)

    with pytest.raises(ConfigurationError, match=r"generator.*scope\.bind") as caught:
        next(answers())
    assert caught.value.setting == "use"
    assert scope.caller is None
    assert bedrock.requests == []


def test_a_refused_block_leaves_the_readers_own_block_in_force(scope, client, bedrock):
    def answers():
        with scope.use(ANN):
            yield

    with scope.use(BEN):
        with pytest.raises(ConfigurationError):
            next(answers())
        ask(client)
    assert signers(bedrock) == ["ben"]


def test_a_block_in_an_asynchronous_generator_is_refused(scope):
    async def answers():
        with scope.use(ANN):
            yield

    async def read() -> None:
        with pytest.raises(ConfigurationError, match="generator"):
            await anext(answers())
        assert scope.caller is None

    asyncio.run(read())


def test_an_exit_stack_in_a_generator_is_no_way_around(scope):
    def answers():
        with ExitStack() as stack:
            yield stack.enter_context(scope.use(ANN))

    async def answers_async():
        async with AsyncExitStack() as stack:
            yield stack.enter_context(scope.use(ANN))

    async def read() -> None:
        with pytest.raises(ConfigurationError, match="generator"):
            await anext(answers_async())

    with pytest.raises(ConfigurationError, match="generator"):
        next(answers())
    asyncio.run(read())
    assert scope.caller is None


def test_a_context_manager_in_a_generator_is_no_way_around(scope):
    @contextmanager
    def as_ann():
        with scope.use(ANN) as caller:
            yield caller

    def answers():
        with as_ann():
            yield

    with pytest.raises(ConfigurationError, match="generator"):
        next(answers())
    assert scope.caller is None


def test_a_block_in_a_generator_that_another_one_delegates_to_is_refused(scope):
    def inner():
        with scope.use(ANN):
            yield

    def outer():
        yield from inner()

    with pytest.raises(ConfigurationError, match="generator"):
        next(outer())


def test_a_block_that_opens_and_ends_between_two_items_is_fine(scope, client, bedrock):
    def one_answer(keys):
        with scope.use(keys):
            return ask(client)

    def answers(keys):
        yield one_answer(keys)
        yield one_answer(keys)

    for _ in zip(answers(ANN), answers(BEN), strict=True):
        assert scope.caller is None
    assert signers(bedrock) == ["ann", "ben"] * 2


@pytest.mark.parametrize("nested", [False, True])
def test_context_managers_made_of_generators_work(scope, client, bedrock, nested):
    @contextmanager
    def as_caller(keys):
        with scope.use(keys) as caller:
            yield caller

    @contextmanager
    def around(keys):
        with as_caller(keys) as caller:
            yield caller

    with (around if nested else as_caller)(ANN) as ann:
        ask(client)
        with as_caller(BEN):
            ask(client)
        ask(client)
    assert ann.is_closed
    assert scope.caller is None
    assert signers(bedrock) == ["ann", "ben", "ann"]


def test_asynchronous_context_managers_made_of_generators_work(scope, client, bedrock):
    @asynccontextmanager
    async def as_caller(keys):
        await asyncio.sleep(0)
        with scope.use(keys) as caller:
            yield caller

    async def serve() -> None:
        async with as_caller(ANN) as ann:
            await asyncio.to_thread(ask, client)
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(as_caller(BEN))
                await asyncio.to_thread(ask, client)
            await asyncio.to_thread(ask, client)
        assert ann.is_closed
        assert scope.caller is None

    asyncio.run(serve())
    assert signers(bedrock) == ["ann", "ben", "ann"]


def test_context_managers_that_are_classes_work(scope, client, bedrock):
    class AsCaller:
        def __init__(self, keys) -> None:
            self.block = scope.use(keys)

        def __enter__(self):
            return self.block.__enter__()

        def __exit__(self, *exc_info) -> None:
            self.block.__exit__(*exc_info)

        async def __aenter__(self):
            return self.__enter__()

        async def __aexit__(self, *exc_info) -> None:
            self.__exit__(*exc_info)

    async def serve() -> None:
        async with AsCaller(BEN):
            await asyncio.to_thread(ask, client)

    with AsCaller(ANN):
        ask(client)
    asyncio.run(serve())
    with ExitStack() as stack:
        stack.enter_context(AsCaller(CAT))
        ask(client)
    assert scope.caller is None
    assert signers(bedrock) == ["ann", "ben", "cat"]


def test_a_class_that_enters_for_a_generator_is_refused(scope):
    class AsAnn:
        def __enter__(self):
            self.block = scope.use(ANN)
            return self.block.__enter__()

        def __exit__(self, *exc_info) -> None:
            self.block.__exit__(*exc_info)

    def answers():
        with AsAnn():
            yield

    with pytest.raises(ConfigurationError, match="generator"):
        next(answers())


def test_interleaved_generators_that_bind_sign_as_their_own_callers(scope, session, bedrock):
    def answers(keys):
        with scope.bind(keys) as caller:
            client = caller.client("bedrock-runtime")
            for _ in range(3):
                yield ask(client)

    for _ in zip(answers(ANN), answers(BEN), answers(CAT), strict=True):
        assert scope.caller is None
    assert signers(bedrock) == ["ann", "ben", "cat"] * 3


def test_a_generator_that_binds_is_no_matter_of_its_readers_block(scope, client, bedrock):
    def answers():
        with scope.bind(ANN) as caller:
            own = caller.client("bedrock-runtime")
            yield ask(own)
            yield ask(own)

    with scope.use(BEN):
        for _ in answers():
            ask(client)
    assert signers(bedrock) == ["ann", "ben", "ann", "ben"]


def test_a_bound_generator_that_is_left_half_read_has_closed_its_caller_when_it_is_dropped(scope, session, bedrock):
    callers = []

    def answers():
        with scope.bind(ANN) as caller:
            callers.append(caller)
            while True:
                yield ask(caller.client("bedrock-runtime"))

    reading = answers()
    next(reading)
    assert not callers[0].is_closed
    reading.close()
    assert callers[0].is_closed
    assert scope.caller is None


def test_a_generator_signs_as_the_block_in_which_it_is_read(scope, client, bedrock):
    def answers():
        while True:
            yield ask(client)

    reading = answers()
    with pytest.raises(MissingIdentityError):
        next(reading)
    reading = answers()
    with scope.use(ANN):
        next(reading)
    with scope.use(BEN):
        next(reading)
    with pytest.raises(MissingIdentityError):
        next(reading)
    assert signers(bedrock) == ["ann", "ben"]


def test_an_asynchronous_generator_signs_as_the_block_in_which_it_is_read(scope, client, bedrock):
    async def answers():
        while True:
            yield await asyncio.to_thread(ask, client)

    async def read() -> None:
        reading = answers()
        with scope.use(ANN):
            await anext(reading)
        with scope.use(BEN):
            await anext(reading)
        with pytest.raises(MissingIdentityError):
            await anext(reading)

    asyncio.run(read())
    assert signers(bedrock) == ["ann", "ben"]


def test_the_decorator_refuses_generator_functions(scope):
    def answers():
        yield

    async def answers_async():
        yield

    for function in (answers, answers_async, functools.partial(answers)):
        with pytest.raises(ConfigurationError, match=r"generator function.*scope\.bind"):
            scope.use(ANN)(function)


def test_what_a_decorated_function_leaves_to_run_later_is_refused(scope, client, bedrock):
    def answers():
        yield ask(client)

    async def answer():
        return ask(client)

    for later in (answers, answer):
        with pytest.raises(ConfigurationError, match="runs after its call"):
            scope.use(ANN)(lambda: later())()  # noqa: B023, PLW0108 - a function that is no generator function itself
    assert bedrock.requests == []


def test_a_stream_that_is_left_half_read_leaves_nothing_behind(scope, client, bedrock):
    message = [{"role": "user", "content": [{"text": "Hi"}]}]
    with scope.use(ANN):
        body = client.converse_stream(modelId="m", messages=message)["stream"]
        stream = iter(body)
        next(stream)
    with scope.use(BEN):
        next(stream)
        ask(client)
        next(stream)
    with pytest.raises(MissingIdentityError):
        ask(client)
    body.close()
    assert signers(bedrock) == ["ann", "ben"], "reading signs nothing"
