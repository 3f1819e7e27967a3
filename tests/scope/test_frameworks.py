"""Web frameworks: where a block works, where it fails closed, and that concurrent requests never mix."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Header
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from bedrock_auth.errors import ConfigurationError, MissingIdentityError
from scope.people import ANN, BEN, CAT, PATIENCE, ask, signers

PEOPLE = {"ann": ANN, "ben": BEN, "cat": CAT}


def serve(app, *names: str) -> list[str]:
    """The answers to concurrent requests of these people, in order."""

    async def fetch() -> list[str]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service", timeout=PATIENCE) as browser:
            answers = await asyncio.gather(*(browser.get("/", headers={"caller": name}) for name in names))
        return [answer.text for answer in answers]

    return asyncio.run(fetch())


def together(bedrock, count: int) -> None:
    """Have the model answer nobody before so many have asked, each with the name of whoever signed."""
    barrier = threading.Barrier(count)

    def answer(request) -> str:
        barrier.wait(PATIENCE)
        return next(name for name, keys in PEOPLE.items() if keys.access_key_id == request.access_key_id)

    bedrock.reply(answer)


# ---------------------------------------------------------------- Starlette


def streaming(answers) -> Starlette:
    """An application that streams what a synchronous generator gives; Starlette reads it in a pool of threads."""
    return Starlette(routes=[Route("/", lambda request: StreamingResponse(answers(PEOPLE[request.headers["caller"]])))])


def test_a_streamed_response_whose_generator_has_a_block_is_refused(scope, client, bedrock):
    def answers(keys):
        with scope.use(keys):
            yield ask(client)

    with pytest.raises(ConfigurationError, match="generator"):
        serve(streaming(answers), "ann")
    assert bedrock.requests == []


def test_streamed_responses_whose_generators_bind_sign_as_their_own_callers(scope, session, bedrock):
    together(bedrock, 3)

    def answers(keys):
        with scope.bind(keys) as caller:
            own = caller.client("bedrock-runtime")
            for _ in range(5):
                yield f"{ask(own)} "

    assert serve(streaming(answers), "ann", "ben", "cat") == ["ann " * 5, "ben " * 5, "cat " * 5]
    assert sorted(signers(bedrock)) == ["ann"] * 5 + ["ben"] * 5 + ["cat"] * 5


def test_a_response_that_streams_after_the_block_was_left_signs_as_nobody(scope, client, bedrock):
    def endpoint(request):
        def answers():
            yield ask(client)

        with scope.use(PEOPLE[request.headers["caller"]]):
            ask(client)
            return StreamingResponse(answers())

    with pytest.raises(MissingIdentityError):
        serve(Starlette(routes=[Route("/", endpoint)]), "ann")
    assert signers(bedrock) == ["ann"]


class AsCaller:
    """Middleware in ASGI's own form: its block lasts until the last byte of the response."""

    def __init__(self, app, scope) -> None:
        self.app = app
        self.callers = scope

    async def __call__(self, scope, receive, send) -> None:
        name = dict(scope["headers"])[b"caller"].decode()
        with self.callers.use(PEOPLE[name]):
            await self.app(scope, receive, send)


def test_a_block_in_asgi_middleware_covers_threads_of_the_pool_and_streamed_responses(scope, client, bedrock):
    together(bedrock, 3)

    def endpoint(_):
        def answers():
            for _ in range(3):
                yield f"{ask(client)} "

        return StreamingResponse(answers(), headers={"first": ask(client)})

    app = Starlette(routes=[Route("/", endpoint)], middleware=[Middleware(AsCaller, scope=scope)])
    assert serve(app, "ann", "ben", "cat") == ["ann " * 3, "ben " * 3, "cat " * 3]
    assert sorted(signers(bedrock)) == ["ann"] * 4 + ["ben"] * 4 + ["cat"] * 4
    assert scope.caller is None


def test_a_block_in_dispatch_middleware_covers_the_endpoint_but_not_what_it_streams(scope, client, bedrock):
    class InDispatch(BaseHTTPMiddleware):
        async def dispatch(self, request, call_next):
            with scope.use(PEOPLE[request.headers["caller"]]):
                return await call_next(request)

    def endpoint(request):
        return PlainTextResponse(ask(client))

    left = threading.Event()

    def streams(request):
        def answers():
            yield "begun"
            assert left.wait(PATIENCE)
            yield ask(client)

        return StreamingResponse(answers())

    class Left:
        """Says when the dispatch around the endpoint has been left: its response is being sent."""

        def __init__(self, app) -> None:
            self.app = app

        async def __call__(self, scope, receive, send) -> None:
            async def sending(message) -> None:
                left.set()
                await send(message)

            await self.app(scope, receive, sending)

    middleware = [Middleware(Left), Middleware(InDispatch)]
    together(bedrock, 2)
    assert serve(Starlette(routes=[Route("/", endpoint)], middleware=middleware), "ann", "ben") == ["ann", "ben"]
    left.clear()
    with pytest.raises(Exception, match="closed") as caught:
        serve(Starlette(routes=[Route("/", streams)], middleware=middleware), "ann")
    assert MissingIdentityError in {type(error) for error in flat(caught.value)}
    assert sorted(signers(bedrock)) == ["ann", "ben"]


def flat(error: BaseException) -> list[BaseException]:
    """The errors of a group, or the one."""
    return [leaf for inner in error.exceptions for leaf in flat(inner)] if isinstance(error, BaseExceptionGroup) else [error]


# ---------------------------------------------------------------- FastAPI

Caller = Annotated[str, Header()]


def test_a_block_in_a_synchronous_dependency_signs_as_nobody(scope, client, bedrock):
    """FastAPI runs it in a thread and a context of its own; what it opens is not there in the endpoint."""
    seen = []

    def signed_in(caller: Caller):
        with scope.use(PEOPLE[caller]) as opened:
            seen.append(opened)
            yield

    app = FastAPI()

    @app.get("/", dependencies=[Depends(signed_in)])
    def endpoint() -> str:
        return ask(client)

    with pytest.raises(MissingIdentityError):
        serve(app, "ann")
    assert [caller.is_closed for caller in seen] == [True]
    assert bedrock.requests == []


@pytest.mark.parametrize("kind", ["asynchronous", "synchronous"])
def test_a_block_in_an_asynchronous_dependency_covers_the_endpoint(scope, client, bedrock, kind):
    together(bedrock, 3)
    seen = []

    async def signed_in(caller: Caller):
        with scope.use(PEOPLE[caller]) as opened:
            seen.append(opened)
            yield opened

    app = FastAPI()
    if kind == "asynchronous":

        @app.get("/", dependencies=[Depends(signed_in)])
        async def endpoint() -> str:
            return await asyncio.to_thread(ask, client)
    else:

        @app.get("/", dependencies=[Depends(signed_in)])
        def endpoint() -> str:
            return ask(client)

    assert serve(app, "ann", "ben", "cat") == ['"ann"', '"ben"', '"cat"']
    assert [caller.is_closed for caller in seen] == [True] * 3
    assert sorted(signers(bedrock)) == ["ann", "ben", "cat"]


def test_an_exception_in_an_endpoint_closes_the_dependencys_caller(scope, client, bedrock):
    seen = []

    async def signed_in(caller: Caller):
        with scope.use(PEOPLE[caller]) as opened:
            seen.append(opened)
            yield

    app = FastAPI()

    @app.get("/", dependencies=[Depends(signed_in)])
    def endpoint() -> str:
        ask(client)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        serve(app, "ann")
    assert [caller.is_closed for caller in seen] == [True]


@pytest.mark.parametrize("kind", ["asynchronous", "synchronous"])
def test_a_bound_client_from_any_dependency_signs_as_its_caller(scope, session, bedrock, kind):
    together(bedrock, 3)
    seen = []

    def signed_in(caller: Caller):
        with scope.bind(PEOPLE[caller]) as opened:
            seen.append(opened)
            yield opened.client("bedrock-runtime")

    async def signed_in_async(caller: Caller):
        with scope.bind(PEOPLE[caller]) as opened:
            seen.append(opened)
            yield opened.client("bedrock-runtime")

    app = FastAPI()

    @app.get("/")
    def endpoint(own: Annotated[Any, Depends(signed_in if kind == "synchronous" else signed_in_async)]) -> str:
        return ask(own)

    assert serve(app, "ann", "ben", "cat") == ['"ann"', '"ben"', '"cat"']
    assert [caller.is_closed for caller in seen] == [True] * 3
    assert sorted(signers(bedrock)) == ["ann", "ben", "cat"]


def test_requests_that_take_turns_at_every_step_never_mix(scope, client, bedrock):
    """Each request calls several times, and all the others call in between."""
    app = FastAPI()
    names = list(PEOPLE) * 5
    together(bedrock, len(names))

    @app.get("/")
    async def endpoint(caller: Caller) -> str:
        with scope.use(PEOPLE[caller]):
            said = [await asyncio.to_thread(ask, client) for _ in range(3)]
        return " ".join(said)

    async def roomy() -> list[str]:
        with ThreadPoolExecutor(len(names)) as pool:
            asyncio.get_running_loop().set_default_executor(pool)
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://service", timeout=PATIENCE) as browser:
                answers = await asyncio.gather(*(browser.get("/", headers={"caller": name}) for name in names))
        return [answer.json() for answer in answers]

    assert asyncio.run(roomy()) == [" ".join([name] * 3) for name in names]
    assert len(bedrock.requests) == 3 * len(names)
