"""What the demo shows, scene by scene; each yields what happened as `Seen` lines and draws nothing itself."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from attrs import Factory, define, frozen
from rich.markup import escape

from bedrock_auth.audit import Listeners, RefreshFailed, Retrieved
from bedrock_auth.bedrock import BedrockError, BedrockRuntime, ConnectionLostError, IncompleteStreamError
from bedrock_auth.cli.commands.demo.stage import FastClock, Reissued, environment
from bedrock_auth.policy import RefreshPolicy
from bedrock_auth.redaction import redact
from bedrock_auth.refresh import Refresher
from bedrock_auth.session import create_session, whoami
from bedrock_auth.testing import Cut, LocalBedrock, Truncate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import boto3

    from bedrock_auth.audit import Event
    from bedrock_auth.cli.commands.demo.stage import Stage
    from bedrock_auth.contracts import CredentialProvider
    from bedrock_auth.credentials import Credentials

SPEED = 600
"""An hour in six seconds."""
FETCH_SECONDS = 0.2
UNNOTICED = FETCH_SECONDS / 2
"""Seconds: who got keys faster than this has not waited for a fetch, which takes FETCH_SECONDS."""
_QUESTION = "Who signed this request?"


@frozen
class Seen:
    """One line of the table at the end."""

    what: str
    how: str
    passed: bool = True


@frozen
class Pace:
    """How the traffic of a scene goes."""

    workers: int
    pause: float
    """Seconds between two requests of a worker."""
    seconds: float
    renewals: int
    """How often keys are renewed at least in that time."""
    patience: float
    """Seconds in which a refresh surely falls due."""


LOCAL_PACE = Pace(workers=6, pause=0.002, seconds=13.0, renewals=2, patience=8.0)
LIVE_PACE = Pace(workers=2, pause=3.0, seconds=27.0, renewals=1, patience=27.0)


def sources(stage: Stage, say: Callable[[str], None]) -> Iterator[Seen]:
    """Each source: a session, who signs with it, and a streamed answer."""
    for label, provider in stage.sources:
        say(f"\n[bold]{label}[/bold]  ")
        try:
            yield _one_source(stage, label, provider, say)
        except Exception as error:  # noqa: BLE001 - the next source is shown all the same
            yield Seen(label, told(error), passed=False)


def _one_source(stage: Stage, label: str, provider: CredentialProvider, say: Callable[[str], None]) -> Seen:
    session = create_session(provider, region_name=stage.region_name)
    identity = whoami(session)
    say(f"signs as [cyan]{escape(identity.arn)}[/cyan]\n  ")
    with BedrockRuntime(session).converse_stream(stage.model_id, _QUESTION, max_tokens=60) as stream:
        for piece in stream.text_stream:
            say(escape(piece))
    tokens = "" if stream.response.usage is None else f", {stream.response.usage.output_tokens} tokens"
    key = session.get_credentials().access_key  # type: ignore[union-attr]  # sessions of ours have them
    proof, passed = _proof(stage, key)
    return Seen(
        label, f"{identity.arn.rpartition(':')[2]}, key …{key[-4:]}{proof}{tokens}", passed=passed and bool(stream.response.text)
    )


def _proof(stage: Stage, key: str) -> tuple[str, bool]:
    """What the endpoint says about who signed, where it is ours."""
    if stage.bedrock is None:
        return "", True
    received = stage.bedrock.requests[-1]
    if (received.access_key_id, received.signed, received.status) == (key, "sigv4", 200):
        return ", signature verified", True
    return f", but the endpoint saw {received.signed} of {received.access_key_id and received.access_key_id[-4:]}", False


@define
class Traffic:
    """Requests of several threads, and how long each of them waited for its keys."""

    sent: int = 0
    failures: list[str] = Factory(list)
    longest_wait: float = 0.0
    _lock: threading.Lock = Factory(threading.Lock)

    def note_wait(self, seconds: float) -> None:
        """Keep the longest."""
        with self._lock:
            self.longest_wait = max(self.longest_wait, seconds)

    def first_failure(self) -> str:
        """For the table, where there was one."""
        return f" ({self.failures[0]})" if self.failures else ""

    def run(self, stage: Stage, refresher: Refresher, pace: Pace, is_over: Callable[[], bool]) -> None:
        """Send requests from all workers until it is over."""
        runtime = BedrockRuntime(create_session(_Watched(refresher, self), region_name=stage.region_name))

        def work() -> None:
            while not is_over():
                self._send_one(runtime, stage.model_id)
                time.sleep(pace.pause)

        workers = [threading.Thread(target=work) for _ in range(pace.workers)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def _send_one(self, runtime: BedrockRuntime, model_id: str) -> None:
        failures = []
        try:
            runtime.converse(model_id, _QUESTION, max_tokens=16)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is counted
            failures.append(told(error))
        with self._lock:
            self.failures += failures
            self.sent += 1


class _Watched:
    """The refresher as a source that notes how long its callers wait."""

    def __init__(self, refresher: Refresher, traffic: Traffic) -> None:
        self.provider = refresher.provider
        self.name = refresher.name
        self._refresher, self._traffic = refresher, traffic

    def current(self) -> Credentials:
        started = time.perf_counter()
        try:
            return self._refresher.current()
        finally:
            self._traffic.note_wait(time.perf_counter() - started)

    def invalidate(self, access_key_id: str) -> None:
        self._refresher.invalidate(access_key_id)


def renewal(stage: Stage, say: Callable[[str], None]) -> Iterator[Seen]:
    """Keys expire in the middle of traffic, then their source dies; nobody notices either."""
    with ExitStack() as stack:
        if stage.bedrock is None:
            provider = Reissued(stage.renewable, time.time, lifetime=70, slow=FETCH_SECONDS)
            refresher, pace = Refresher(provider, RefreshPolicy(advisory_window=60)), LIVE_PACE
            say("\nYour keys are said to live 70 seconds, so that they are renewed while you look. ")
        else:
            clock = FastClock(SPEED)
            bedrock = stack.enter_context(LocalBedrock(clock=clock))
            stack.enter_context(environment(**bedrock.environ))
            provider = Reissued(stage.renewable, clock, bedrock.add_key, slow=FETCH_SECONDS)
            refresher, pace = Refresher(provider), LOCAL_PACE
            say(
                f"\nThe clock runs {SPEED} times as fast: keys live an hour, which takes 6 s; a fetch takes {FETCH_SECONDS:g} s. "
            )
        yield _while_keys_are_renewed(stage, refresher, pace, say)
        provider.dead = True
        stage.kill_sources()
        yield _while_the_source_is_dead(stage, refresher, pace, say)


def _while_keys_are_renewed(stage: Stage, refresher: Refresher, pace: Pace, say: Callable[[str], None]) -> Seen:
    fetched: list[Retrieved] = []
    traffic = Traffic()

    def hear(event: Event) -> None:
        if isinstance(event, Retrieved):
            fetched.append(event)
            how = "in the background" if event.background else "at first"
            say(f"\n  new keys …{escape(event.key_hint)}, fetched {how} after {traffic.sent} requests")

    listener = Listeners((hear,))
    refresher.subscribe(listener)
    say(f"{pace.workers} threads ask on and on:")
    refresher.current()
    end = time.monotonic() + pace.seconds
    traffic.run(stage, refresher, pace, lambda: time.monotonic() > end)
    enough = len(fetched) > pace.renewals
    return Seen(
        "keys expire in the middle",
        f"{traffic.sent} requests over {len(fetched)} sets of keys, {len(traffic.failures)} failed, "
        f"longest wait for keys {traffic.longest_wait * 1000:.1f} ms{traffic.first_failure()}",
        passed=enough and not traffic.failures and traffic.longest_wait < UNNOTICED,
    )


def _while_the_source_is_dead(stage: Stage, refresher: Refresher, pace: Pace, say: Callable[[str], None]) -> Seen:
    failed: list[float] = []
    listener = Listeners((lambda event: failed.append(time.monotonic()) if isinstance(event, RefreshFailed) else None,))
    refresher.subscribe(listener)
    traffic, end = Traffic(), time.monotonic() + pace.patience
    say("\n  now the source is dead, and they ask on …")
    traffic.run(stage, refresher, pace, lambda: time.monotonic() > end or (bool(failed) and time.monotonic() > failed[0] + 0.5))
    asked = "once" if len(failed) == 1 else f"{len(failed)} times"
    return Seen(
        "the source of the keys dies",
        f"{traffic.sent} requests, {len(traffic.failures)} failed; the dead source was asked {asked}, "
        f"longest wait for keys {traffic.longest_wait * 1000:.1f} ms{traffic.first_failure()}",
        passed=len(failed) == 1 and not traffic.failures and traffic.longest_wait < UNNOTICED,
    )


def broken_streams(stage: Stage, say: Callable[[str], None]) -> Iterator[Seen]:
    """An answer that is cut, and one that just ends: both are typed errors with what had come."""
    if stage.bedrock is None:
        yield Seen("a stream is cut", "not shown live: AWS does not cut streams on demand")
        return
    session = create_session(stage.renewable, region_name=stage.region_name)
    for what, fault, expected in (
        ("the connection is cut", Cut(after_events=8), ConnectionLostError),
        ("a stream ends too early, politely", Truncate(after_events=8), IncompleteStreamError),
    ):
        say(f"\n[bold]{what}[/bold]\n  ")
        stage.bedrock.fault(fault)
        yield _one_broken_stream(session, stage.model_id, what, expected, say)


def _one_broken_stream(
    session: boto3.Session, model_id: str, what: str, expected: type[BedrockError], say: Callable[[str], None]
) -> Seen:
    try:
        with BedrockRuntime(session).converse_stream(model_id, _QUESTION) as stream:
            for piece in stream.text_stream:
                say(escape(piece))
    except BedrockError as error:
        had = error.partial.text if error.partial is not None else ""
        say(f" [red]{type(error).__name__}[/red]")
        return Seen(
            what, f"{type(error).__name__} with the partial answer {had!r}", passed=isinstance(error, expected) and bool(had)
        )
    return Seen(what, "the stream looked complete", passed=False)


def told(error: BaseException) -> str:
    """An error on one line, with anything like a key masked."""
    return redact(f"{type(error).__name__}: {' '.join(str(error).split())}")
