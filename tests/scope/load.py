"""Five hundred callers at once over threads and asyncio, each request judged where it arrives.

``python tests/scope/load.py`` (or ``nox -s load``) sends 200 000 requests; ``--requests`` so many. A second process runs
LocalBedrock, which verifies each signature with the secret that belongs to the key. Each request says in its signed body whom
it was made for, and each key id says whom it was issued to, so the server sees a mix-up without believing any client. Keys
expire, the server throttles, fails, hangs up and answers ExpiredToken, issuers fail, tasks are cancelled, blocks end out of
order, and code that outlived its block goes on calling, for ``nobody``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextvars
import functools
import hashlib
import itertools
import json
import logging
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import attrs
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from bedrock_auth import Credentials, RequestScope, Static, create_session
from bedrock_auth.contracts import SHAREABLE
from bedrock_auth.errors import CredentialError, MissingIdentityError, RetrievalError
from bedrock_auth.testing import Cut, ExpiredToken, LocalBedrock, ServiceError, Throttle
from bedrock_auth.testing.received import read_request

IDENTITIES = 500
REQUESTS = 200_000
THREADS = 12
TASKS = 12
NOBODY = "nobody"
REFUSED, NO_KEYS = "refused as it must be", "no keys"
FAULTS = [Throttle(), ExpiredToken(), ExpiredToken(), ServiceError("InternalServerException", 500), Cut(1)]
FAULTY = 0.03
"""Share of the requests that the server answers with a fault."""
FAILING = 0.02
"""Share of the fetches that fail."""
LIFETIMES = (4, 6, 9)
"""Seconds that temporary keys live; Refreshers renew them after two thirds of it."""
WAITED_OUT = {"ThrottlingException", "ExpiredTokenException", "InternalServerException"}
PERSISTENT = 60
"""So many callers stay open from beginning to end, while their keys expire."""


# ------------------------------------------------------------ keys that say whose they are


def key_id(identity: int, expires: int) -> str:
    return f"ASIA{identity:05d}E{expires:011d}N{random.getrandbits(40):013d}"


@functools.lru_cache(4096)
def keys_of(key_id: str) -> Credentials | None:
    """What belongs to a key id; the server needs no list of what was issued."""
    try:
        identity, expires = identity_of(key_id), int(key_id[10:21])
    except ValueError:
        return None
    secret = hashlib.sha256(f"the secret of {key_id}".encode()).hexdigest()
    expiration = datetime.fromtimestamp(expires, UTC) if expires else None
    return Credentials(key_id, secret, f"the token of {identity} for {key_id}", expiration)


def identity_of(key_id: str) -> int:
    return int(key_id[4:9])


# ------------------------------------------------------------ the server, in a process of its own


class Judge(LocalBedrock):
    """LocalBedrock that judges each request as it arrives, and keeps counts instead of requests."""

    def __init__(self) -> None:
        super().__init__(keys_of)
        self.counts: Counter[str] = Counter()
        self.callers: set[int] = set()
        self.wrong: list[str] = []
        self._expired: dict[str, str] = {}
        self._judging = threading.Lock()

    def _respond(self, request: Any) -> Any:
        received = read_request(request, time.time())
        received, answer = self._answer(request, received)
        fault = random.choice(FAULTS) if answer.status == 200 and random.random() < FAULTY else None
        if fault is not None:
            answer = fault.apply(lambda answer=answer: answer)
        error = answer.headers.get("x-amzn-ErrorType")
        with self._judging:
            self.counts[(error or "answered") if fault is None else type(fault).__name__] += 1
            self._judge(received, error)
        return answer

    def _judge(self, received: Any, error: str | None) -> None:
        said = received.body.get("requestMetadata", {})
        signer = identity_of(received.access_key_id) if received.access_key_id else None
        self.counts["requests"] += 1
        if error is not None and error not in WAITED_OUT:
            self._accuse("unverified", f"{error} for {said} signed by {signer}")
        if str(signer) != said.get("caller"):
            self._accuse("mix-ups", f"{said} signed by {signer}")
        rejected = self._expired.pop(said.get("request", ""), None)
        if rejected is not None:
            self.counts["renewed"] += 1
            if rejected == received.access_key_id:
                self._accuse("mix-ups", f"{said} sent again with the rejected key")
        if error == "ExpiredTokenException":
            self._expired[said["request"]] = received.access_key_id
        self.callers.add(signer)

    def _accuse(self, what: str, how: str) -> None:
        self.counts[what] += 1
        self.wrong = [*self.wrong[-9:], how]

    def verdict(self) -> dict[str, Any]:
        return {**self.counts, "callers": len(self.callers), "wrong": self.wrong}


def serve() -> None:
    """Say where, serve until the other process ends or closes the pipe, say what arrived."""
    with Judge() as judge:
        print(judge.endpoint_url, flush=True)
        sys.stdin.read()
        print(json.dumps(judge.verdict()), flush=True)


# ------------------------------------------------------------ identities, in every form that a user may hand over


@attrs.frozen
class Issuer:
    """A provider of keys that live for seconds; it fails now and then."""

    identity: int
    secret: str = attrs.field(default="something that only the caller knows", repr=False)
    name = "issuer"

    def retrieve(self) -> Credentials:
        if random.random() < FAILING:
            msg = "the issuer failed"
            raise RetrievalError(msg)
        return new_keys(self.identity, random.choice(LIFETIMES))


@attrs.frozen
class SharedIssuer(Issuer):
    """The same with nothing secret in it: all callers with the same identity share its keys."""

    secret: str = attrs.field(default="", repr=False, metadata=SHAREABLE)


def new_keys(identity: int, lifetime: int | None = None) -> Credentials:
    made = keys_of(key_id(identity, 0 if lifetime is None else int(time.time()) + lifetime))
    assert made is not None
    return made


def given(identity: int) -> Any:
    kind = identity % 5
    if kind == 0:
        keys = new_keys(identity)
        return Static(keys.access_key_id, keys.secret_access_key, keys.session_token)
    if kind == 1:
        return new_keys(identity, 600)
    if kind == 2:
        return Issuer(identity).retrieve
    return (Issuer if kind == 3 else SharedIssuer)(identity)


# ------------------------------------------------------------ what callers do


class Load:
    """All that runs against one endpoint."""

    def __init__(self, endpoint_url: str, requests: int) -> None:
        self.requests = requests
        self.numbers = itertools.count(1)
        self.arrived = 0
        self.cancelled = 0
        self.counting = threading.Lock()
        self.outcomes: Counter[str] = Counter()
        self.turns = itertools.cycle(random.sample(range(IDENTITIES), IDENTITIES))
        self.scope = RequestScope()
        session = create_session(self.scope, region_name="us-east-1")
        self.setup = {"endpoint_url": endpoint_url, "config": Config(max_pool_connections=100, retries={"mode": "standard"})}
        self.client = session.client("bedrock-runtime", **self.setup)
        self.executor = ThreadPoolExecutor(8)
        self.persistent = [(number, self.scope.bind(given(number))) for number in range(2, IDENTITIES, IDENTITIES // PERSISTENT)]

    @property
    def is_over(self) -> bool:
        return self.arrived >= self.requests

    def call(self, identity: int | str, client: Any = None, *, outlived: bool = False) -> None:
        """One API call for this identity; everything that may go wrong in this world is counted."""
        try:
            (client or self.client).converse(**self.conversation(identity))
            outcome = "answered"
        except MissingIdentityError:
            outcome = REFUSED if outlived or identity == NOBODY else "UNEXPECTED MissingIdentityError"
        except CredentialError:
            outcome = NO_KEYS
        except ClientError as error:
            code = error.response["Error"]["Code"]
            outcome = code if code in WAITED_OUT else f"UNEXPECTED {code}"
        except BotoCoreError as error:  # the server hung up
            outcome = type(error).__name__
        self.count(outcome)

    def conversation(self, identity: int | str) -> dict[str, Any]:
        """Parameters that say for whom and, so that the server knows a request that is sent again, a number."""
        said = {"caller": str(identity), "request": str(next(self.numbers))}
        return {"modelId": "m", "messages": [{"role": "user", "content": [{"text": "hi"}]}], "requestMetadata": said}

    def count(self, outcome: str) -> None:
        with self.counting:
            self.outcomes[outcome] += 1
            self.arrived += outcome not in {REFUSED, NO_KEYS}

    def own_client(self, caller: Any) -> Any:
        return caller.client("bedrock-runtime", **self.setup)

    def one(self) -> int:
        return next(self.turns)

    # -------------------------------------------------------- in threads

    def a_block(self) -> None:
        one = self.one()
        with self.scope.use(given(one)):
            for _ in range(4):
                self.call(one)

    def nested_blocks(self) -> None:
        one, other = self.one(), self.one()
        with self.scope.use(given(one)):
            self.call(one)
            with self.scope.use(given(other)):
                self.call(other)
                inside = contextvars.copy_context()
            self.call(one)
            inside.run(self.call, NOBODY)

    def blocks_that_end_out_of_order(self) -> None:
        one, other = self.one(), self.one()
        first, second = self.scope.use(given(one)), self.scope.use(given(other))
        first.__enter__()
        second.__enter__()
        first.__exit__()
        self.call(other)
        second.__exit__()
        self.call(NOBODY)

    def a_block_that_fails(self) -> None:
        one = self.one()
        try:
            with self.scope.use(given(one)) as caller:
                client = self.own_client(caller)
                self.call(one, client)
                raise LookupError(one)
        except LookupError:
            self.call(NOBODY, client)
            self.call(NOBODY)

    def a_bound_client_in_other_threads(self) -> None:
        one, other = self.one(), self.one()
        with self.scope.bind(given(one)) as caller, self.scope.use(given(other)):
            client = self.own_client(caller)
            calls = [self.executor.submit(self.call, one, client) for _ in range(4)]
            self.call(other)
            self.call(one, client)
            for made in calls:
                made.result()

    def a_caller_that_stays(self) -> None:
        one, caller = random.choice(self.persistent)
        client = self.own_client(caller)
        for _ in range(3):
            self.call(one, client)

    def a_decorated_function(self) -> None:
        one = self.one()
        self.scope.use(given(one))(self.call)(one)

    def streams_read_in_turn(self) -> None:
        one, other = self.one(), self.one()
        with self.scope.bind(given(one)) as first, self.scope.bind(given(other)) as second:
            streams = [self.stream(one, self.own_client(first)), self.stream(other, self.own_client(second))]
            for _ in itertools.zip_longest(*streams):
                pass

    def stream(self, identity: int, client: Any) -> Iterator[Any]:
        try:
            yield from client.converse_stream(**self.conversation(identity))["stream"]
        except CredentialError:
            self.count(NO_KEYS)
        except (ClientError, BotoCoreError, HTTPError) as error:
            self.count(f"a stream's {type(error).__name__}")
        else:
            self.count("streamed")

    # -------------------------------------------------------- in tasks

    async def a_block_in_a_task(self) -> None:
        one = self.one()
        with self.scope.use(given(one)):
            for _ in range(3):
                await asyncio.to_thread(self.call, one)
                await asyncio.sleep(0)

    async def a_task_group(self) -> None:
        one, other = self.one(), self.one()
        with self.scope.use(given(one)):
            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(asyncio.to_thread(self.call, one))
                with self.scope.use(given(other)):
                    await asyncio.to_thread(self.call, other)

    async def a_cancelled_task(self) -> None:
        """The thread underneath cannot be cancelled and may still be about to call when the block is over."""
        one = self.one()
        with self.scope.use(given(one)):
            try:
                async with asyncio.timeout(random.uniform(0, 0.02)):
                    for _ in range(4):
                        await asyncio.to_thread(self.call, one, outlived=True)
            except TimeoutError:
                self.cancelled += 1
        await asyncio.to_thread(self.call, NOBODY)

    async def a_task_that_outlives_its_block(self) -> None:
        one = self.one()
        with self.scope.use(given(one)):
            runs_on = asyncio.create_task(asyncio.to_thread(self.call, one, outlived=True))
            await asyncio.sleep(random.choice([0, 0.005]))
        with self.scope.use(given(other := self.one())):
            await asyncio.to_thread(self.call, other)
        await runs_on

    async def a_bound_client_in_an_executor(self) -> None:
        one, other = self.one(), self.one()
        loop = asyncio.get_running_loop()
        with self.scope.bind(given(one)) as caller, self.scope.use(given(other)):
            client = self.own_client(caller)
            await asyncio.gather(*(loop.run_in_executor(self.executor, self.call, one, client) for _ in range(3)))

    # -------------------------------------------------------- all at once

    def visits(self, *ways: Callable[[], None]) -> None:
        while not self.is_over:
            contextvars.copy_context().run(random.choice(ways))

    async def visits_in_tasks(self, *ways: Callable[[], Any]) -> None:
        async def visit() -> None:
            while not self.is_over:
                await random.choice(ways)()

        async with asyncio.TaskGroup() as group:
            for _ in range(TASKS):
                group.create_task(visit())

    def run(self) -> None:
        in_threads = [
            self.a_block, self.nested_blocks, self.blocks_that_end_out_of_order, self.a_block_that_fails,
            self.a_bound_client_in_other_threads, self.a_caller_that_stays, self.a_decorated_function, self.streams_read_in_turn,
        ]  # fmt: skip
        in_tasks = [
            self.a_block_in_a_task, self.a_task_group, self.a_cancelled_task, self.a_task_that_outlives_its_block,
            self.a_bound_client_in_an_executor,
        ]  # fmt: skip
        with self.executor, ThreadPoolExecutor(THREADS + 1) as threads:
            running = [threads.submit(self.visits, *in_threads) for _ in range(THREADS)]
            running.append(threads.submit(lambda: asyncio.run(self.visits_in_tasks(*in_tasks))))
            for thread in running:
                thread.result()
        for _, caller in self.persistent:
            caller.close()


@attrs.frozen
class Report:
    """What the server saw, and what the callers met."""

    seen: dict[str, Any]
    met: dict[str, int]
    seconds: float

    @property
    def is_clean(self) -> bool:
        return not self.wrong

    @property
    def wrong(self) -> list[str]:
        unexpected = [what for what in self.met if what.startswith("UNEXPECTED")]
        return [*self.seen["wrong"], *unexpected]

    def print(self) -> None:
        seen = self.seen
        print(
            f"{seen['requests']} requests of {seen['callers']} callers: {seen.get('mix-ups', 0)} mix-ups, "
            f"{seen.get('unverified', 0)} not verified, {seen['requests'] / self.seconds:.0f} requests/s, {self.seconds:.0f} s"
        )
        told = {name: count for name, count in sorted(seen.items()) if name not in {"requests", "callers", "wrong"}}
        print("  the server answered:", ", ".join(f"{name} {count}" for name, count in told.items()))
        print("  the callers met:", ", ".join(f"{name} {count}" for name, count in sorted(self.met.items())))
        for line in self.wrong:
            print("  WRONG:", line)


def measure(requests: int) -> Report:
    """Run the load against a server of its own."""
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            load = Load(server.stdout.readline().strip(), requests)
            started = time.perf_counter()
            load.run()
            seconds = time.perf_counter() - started
        finally:
            server.stdin.close()
        seen = json.loads(server.stdout.read())
    return Report(seen, {**load.outcomes, "cancelled": load.cancelled}, seconds)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--requests", type=int, default=REQUESTS)
    options.add_argument("--serve", action="store_true", help="run the server only")
    said = options.parse_args()
    if said.serve:
        serve()
        return 0
    logging.disable(logging.WARNING)  # keys that cannot be renewed any more, as it must be
    report = measure(said.requests)
    report.print()
    return 0 if report.is_clean and report.seen["requests"] >= said.requests else 1


if __name__ == "__main__":
    raise SystemExit(main())
