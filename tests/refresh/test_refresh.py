"""The refresh engine with real threads, forks, event loops and time, where the machine with its fake ones cannot look."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import gc
import logging
import os
import pickle
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from bedrock_auth.audit import Invalidated, Listeners, RefreshFailed, Retrieved, ServedStale
from bedrock_auth.contracts import CredentialSource, Stability
from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import (
    ConfigurationError,
    CredentialsExpiredError,
    DeniedError,
    MissingIdentityError,
    NotConfiguredError,
    RetrievalError,
)
from bedrock_auth.policy import RefreshPolicy
from bedrock_auth.refresh import Refresher
from support.worlds import START, Clock, Source, fails, world

HOUR = 3600.0


class Gate:
    """A behaviour that holds the fetch until the test opens it."""

    def __init__(self, then) -> None:
        self.then = then
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self) -> Credentials:
        self.entered.set()
        assert self.open.wait(20)
        return self.then()


class Pickled:
    """A source that crosses process borders."""

    name = "pickled"

    def retrieve(self) -> Credentials:
        return Credentials("ASIAPICKLEDPICKLED00", "s", "t", datetime(2999, 1, 1, tzinfo=UTC))


@pytest.fixture
def clock() -> Clock:
    return Clock()


def made(clock: Clock, source: Source, **policy) -> Refresher:
    return Refresher(source, RefreshPolicy(**policy), world(clock))


def settle(refresher: Refresher, seconds: float = 5.0) -> None:
    """Wait until nothing is in the air."""
    deadline = time.monotonic() + seconds
    while refresher._flight is not None:
        assert time.monotonic() < deadline, "a fetch never landed"
        time.sleep(0.002)


# -------------------------------------------------------------------- nobody waits


def test_it_is_a_credential_source(clock):
    assert isinstance(made(clock, Source(clock)), CredentialSource)


def test_nobody_waits_in_the_advisory_window(clock):
    source = Source(clock)
    gate = Gate(source.gives(HOUR))
    source.behaviours = [source.gives(HOUR), gate]
    refresher = made(clock, source)
    first = refresher.current()
    clock.now += HOUR - 11 * 60

    with ThreadPoolExecutor(16) as people:
        answers = list(people.map(lambda _: refresher.current(), range(64)))

    assert all(answer is first for answer in answers)
    assert gate.entered.wait(5)
    gate.open.set()
    settle(refresher)
    assert source.calls == 2
    assert refresher.current() is not first


def test_a_background_fetch_runs_in_a_copy_of_the_callers_context(clock):
    who = contextvars.ContextVar("who", default="nobody")
    seen = []
    source = Source(clock)
    good = source.gives(HOUR)
    source.behaviours = [lambda: (seen.append((who.get(), threading.current_thread())), good())[1]]
    refresher = made(clock, source)
    refresher.current()
    clock.now += HOUR - 600
    who.set("the caller")
    refresher.current()
    settle(refresher)
    assert [name for name, _ in seen] == ["nobody", "the caller"]
    assert seen[0][1] is threading.current_thread()
    assert seen[1][1].daemon
    assert seen[1][1] is not threading.current_thread()


def test_the_fetch_is_inline_where_the_runtime_freezes_between_requests(clock):
    source = Source(clock)
    source.behaviours = [source.gives(HOUR)]
    refresher = Refresher(source, host=world(clock, {"AWS_LAMBDA_FUNCTION_NAME": "chat"}))
    first = refresher.current()
    clock.now += HOUR - 600
    assert refresher.current() is not first
    assert source.calls == 2


def test_a_caller_fetches_inline_where_no_thread_can_start(clock, monkeypatch):
    source = Source(clock)
    source.behaviours = [source.gives(HOUR)]
    refresher = made(clock, source, advisory_refresh="background")
    first = refresher.current()
    clock.now += HOUR - 600

    def refuse(self) -> None:
        msg = "can't start new thread"
        raise RuntimeError(msg)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert refresher.current() is not first


def test_a_provider_that_asks_a_person_is_left_alone_until_its_mandatory_moment(clock):
    source = Source(clock)
    source.behaviours = [source.gives(HOUR)]
    source.interactive = True
    refresher = made(clock, source)
    first = refresher.current()
    clock.now += HOUR - 61
    assert refresher.current() is first
    settle(refresher)
    assert source.calls == 1, "not even in the background"
    clock.now += 2
    assert refresher.current() is not first


# -------------------------------------------------------------------- single flight


def test_callers_who_must_wait_share_one_fetch(clock):
    source = Source(clock)
    gate = Gate(source.gives(HOUR))
    source.behaviours = [gate]
    refresher = made(clock, source)
    with ThreadPoolExecutor(20) as people:
        waiting = [people.submit(refresher.current) for _ in range(20)]
        assert gate.entered.wait(5)
        time.sleep(0.05)
        gate.open.set()
        answers = {id(future.result(5)) for future in waiting}
    assert len(answers) == 1
    assert source.calls == 1


def test_callers_who_must_wait_share_one_failure(clock):
    source = Source(clock)
    gate = Gate(fails(RetrievalError("the network is down", provider="x", code="Down")))
    source.behaviours = [gate]
    refresher = made(clock, source)
    with ThreadPoolExecutor(20) as people:
        waiting = [people.submit(refresher.current) for _ in range(20)]
        assert gate.entered.wait(5)
        time.sleep(0.1)
        gate.open.set()
        errors = [future.exception(5) for future in waiting]
    assert source.calls == 1
    assert {type(error) for error in errors} == {RetrievalError}
    assert {error.code for error in errors} == {"Down"}
    assert len({id(error) for error in errors}) == 20, "each thread has a traceback of its own"


def test_no_lock_is_held_while_the_source_is_asked(clock):
    source = Source(clock)
    gate = Gate(source.gives(HOUR))
    source.behaviours = [source.gives(HOUR), gate]
    refresher = made(clock, source)
    key = refresher.current().access_key_id
    clock.now += HOUR - 30
    with ThreadPoolExecutor(1) as one:
        waiting = one.submit(refresher.current)
        assert gate.entered.wait(5)
        refresher.peek()
        refresher.invalidate(key)
        refresher.subscribe(Listeners(()))
        gate.open.set()
        assert waiting.result(5).access_key_id != key


# -------------------------------------------------------------------- load timeout and abandoned fetches


def test_a_fetch_that_outlives_its_time_is_abandoned_and_the_newest_result_wins(clock):
    source = Source(clock)
    slow, good = Gate(source.gives(2 * HOUR)), source.gives(HOUR)
    source.behaviours = [slow, good]
    refresher = made(clock, source, load_timeout=0.1)
    with ThreadPoolExecutor(2) as people:
        stuck = people.submit(refresher.current)
        assert slow.entered.wait(5)
        with pytest.raises(RetrievalError, match="did not answer within 0.1 seconds"):
            refresher.current()
        newest = refresher.current()
        assert source.calls == 2
        slow.open.set()
        assert stuck.result(5) is newest, "who waited for the old one gets the newest set"
    assert refresher.peek() is newest


def test_there_is_never_a_third_fetch(clock):
    source = Source(clock)
    gates = [Gate(source.gives(HOUR)), Gate(source.gives(HOUR))]
    source.behaviours = [*gates, fails(AssertionError("a third fetch"))]
    refresher = made(clock, source, load_timeout=0.05)
    with ThreadPoolExecutor(2) as people:
        stuck = [people.submit(refresher.current)]
        assert gates[0].entered.wait(5)
        time.sleep(0.06)
        stuck.append(people.submit(refresher.current))
        assert gates[1].entered.wait(5)
        for _ in range(5):
            with pytest.raises(RetrievalError, match="did not answer"):
                refresher.current()
        assert source.calls == 2
        for gate in gates:
            gate.open.set()
        assert [future.result(5) for future in stuck]
    assert refresher.current() is refresher.peek()


def test_a_late_answer_is_taken_when_nothing_newer_came(clock):
    source = Source(clock)
    slow = Gate(source.gives(HOUR))
    source.behaviours = [slow]
    refresher = made(clock, source, load_timeout=0.05)
    with ThreadPoolExecutor(1) as one:
        stuck = one.submit(refresher.current)
        assert slow.entered.wait(5)
        with pytest.raises(RetrievalError):
            refresher.current()
        slow.open.set()
        late = stuck.result(5)
    assert refresher.current() is late


def test_a_timeout_while_a_good_set_is_held_starts_a_wait_and_serves_the_set(clock):
    source = Source(clock)
    slow = Gate(source.gives(HOUR))
    source.behaviours = [source.gives(HOUR), slow]
    refresher = made(clock, source, load_timeout=0.05, advisory_refresh="inline")
    first = refresher.current()
    clock.now += HOUR - 50
    with ThreadPoolExecutor(1) as one:
        stuck = one.submit(refresher.current)
        assert slow.entered.wait(5)
        assert refresher.current() is first
        started = time.monotonic()
        assert refresher.current() is first
        assert time.monotonic() - started < 0.04, "the wait spares everybody else the timeout"
        slow.open.set()
        stuck.result(5)


def test_a_providers_own_timeout_lengthens_the_load_timeout(clock):
    source = Source(clock)
    source.timeout = 60.0
    assert made(clock, source)._load_timeout == 60.0
    source.timeout = 1.0
    assert made(clock, source)._load_timeout == 22.0
    source.interactive = True
    assert made(clock, source)._load_timeout == 300.0


def test_a_fetch_that_is_interrupted_frees_those_who_wait(clock):
    source = Source(clock)
    gate = Gate(fails(KeyboardInterrupt()))
    source.behaviours = [gate]
    refresher = made(clock, source)
    with ThreadPoolExecutor(2) as people:
        mine = people.submit(refresher.current)
        assert gate.entered.wait(5)
        other = people.submit(refresher.current)
        time.sleep(0.05)
        gate.open.set()
        assert isinstance(mine.exception(5), KeyboardInterrupt)
        assert isinstance(other.exception(5), RetrievalError)


# -------------------------------------------------------------------- failures


def test_a_stable_source_serves_an_expired_set_with_one_warning_and_one_event_per_wait(clock, caplog):
    source = Source(clock, stability=Stability.STABLE)
    source.behaviours = [source.gives(HOUR), fails(RetrievalError("down"))]
    heard = []
    refresher = made(clock, source, advisory_refresh="inline")
    listener = Listeners((heard.append,))
    refresher.subscribe(listener)
    first = refresher.current()
    clock.now += HOUR + 1
    with caplog.at_level(logging.WARNING):
        assert [refresher.current() for _ in range(5)] == [first] * 5
        assert [type(event) for event in heard] == [Retrieved, RefreshFailed, ServedStale]
        clock.now += 700
        assert [refresher.current() for _ in range(5)] == [first] * 5
    assert [type(event) for event in heard[3:]] == [RefreshFailed, ServedStale]
    assert source.calls == 3
    assert sum("expired credentials stay in use" in record.message for record in caplog.records) == 2


def test_a_stable_sources_wait_that_began_before_expiry_tells_of_stale_keys_once_they_are(clock):
    source = Source(clock, stability=Stability.STABLE)
    source.behaviours = [source.gives(HOUR), fails(RetrievalError("down"))]
    heard = []
    refresher = made(clock, source, advisory_refresh="inline")
    listener = Listeners((heard.append,))
    refresher.subscribe(listener)
    first = refresher.current()
    clock.now += HOUR - 10
    assert refresher.current() is first
    assert ServedStale not in map(type, heard)
    clock.now += 20
    assert refresher.current() is first
    assert [type(event) for event in heard].count(ServedStale) == 1
    assert source.calls == 2


def test_a_strict_source_never_serves_expired_credentials_and_is_not_hammered(clock):
    source = Source(clock)
    source.behaviours = [source.gives(HOUR), fails(RetrievalError("down"))]
    refresher = made(clock, source)
    refresher.current()
    clock.now += HOUR + 1
    for _ in range(50):
        with pytest.raises(RetrievalError, match="down"):
            refresher.current()
    assert source.calls == 2
    clock.now += 6
    with pytest.raises(RetrievalError):
        refresher.current()
    assert source.calls == 3


def test_a_refusal_in_the_background_turns_no_valid_keys_into_errors(clock):
    source = Source(clock)
    source.behaviours = [source.gives(HOUR), fails(DeniedError("no longer trusted"))]
    heard = []
    refresher = made(clock, source)
    listener = Listeners((heard.append,))
    refresher.subscribe(listener)
    first = refresher.current()
    clock.now += HOUR - 600
    for _ in range(10):
        assert refresher.current() is first
        settle(refresher)
    assert source.calls == 2
    assert [type(event) for event in heard] == [Retrieved, RefreshFailed]
    assert heard[1].still_serving
    clock.now += 590
    with pytest.raises(DeniedError, match="no longer trusted"):
        refresher.current()


def test_a_wait_after_a_failure_lasts_five_to_ten_minutes(clock):
    for seed in range(60):
        source = Source(clock)
        source.behaviours = [source.gives(12 * HOUR), fails(RetrievalError("busy"))]
        refresher = Refresher(source, RefreshPolicy(advisory_refresh="inline"), world(clock, seed=seed))
        refresher.current()
        clock.now += 11.5 * HOUR
        refresher.current()
        clock.now += 299
        refresher.current()
        assert source.calls == 2
        clock.now += 302
        refresher.current()
        assert source.calls == 3


def test_retry_after_lengthens_a_wait(clock):
    source = Source(clock)
    source.behaviours = [source.gives(12 * HOUR), fails(RetrievalError("busy", retry_after=1500))]
    refresher = made(clock, source, advisory_refresh="inline")
    refresher.current()
    clock.now += 11.5 * HOUR
    refresher.current()
    clock.now += 1499
    refresher.current()
    assert source.calls == 2
    clock.now += 2
    refresher.current()
    assert source.calls == 3


def test_not_configured_is_passed_on_at_first_and_survived_later(clock):
    source = Source(clock)
    source.behaviours = [fails(NotConfiguredError("no file")), source.gives(HOUR), fails(NotConfiguredError("no file"))]
    refresher = made(clock, source)
    with pytest.raises(NotConfiguredError):
        refresher.current()
    first = refresher.current()
    clock.now += HOUR - 30
    assert refresher.current() is first
    clock.now += 31
    with pytest.raises(RetrievalError, match="no file"):
        refresher.current()


def test_a_foreign_exception_becomes_a_retrieval_error_with_its_secrets_masked(clock):
    source = Source(clock, fails(ValueError('bad: {"SecretAccessKey": "wJalrXUtnFEMI"}')))
    with pytest.raises(RetrievalError, match="the scripted source failed with ValueError") as caught:
        made(clock, source).current()
    assert "wJalrXUtnFEMI" not in str(caught.value)
    assert caught.value.provider == source.name


def test_an_expired_answer_never_replaces_a_good_set(clock):
    source = Source(clock)
    source.behaviours = [source.gives(HOUR), source.gives(-1)]
    refresher = made(clock, source)
    first = refresher.current()
    clock.now += HOUR - 30
    assert refresher.current() is first
    clock.now += 31
    with pytest.raises(CredentialsExpiredError):
        refresher.current()


def test_a_provider_that_returns_something_else_is_named(clock):
    source = Source(clock, lambda: {"AccessKeyId": "x"})
    with pytest.raises(ConfigurationError, match="the scripted source: retrieve\\(\\) returned dict"):
        made(clock, source).current()


@pytest.mark.parametrize("thing", [object(), Source, None])
def test_something_that_is_no_provider_is_refused_at_once(thing):
    with pytest.raises(ConfigurationError, match="must have a name and retrieve"):
        Refresher(thing)


# -------------------------------------------------------------------- sets without expiration


def test_a_set_without_expiration_is_fetched_once(clock):
    source = Source(clock)
    source.behaviours = [source.gives(None)]
    refresher = made(clock, source)
    first = refresher.current()
    clock.now += 1e9
    assert refresher.current() is first


def test_a_set_without_expiration_is_read_again_where_its_provider_asks_for_it(clock):
    source = Source(clock)
    source.behaviours = [source.gives(None)]
    source.revalidate_after = 60.0
    refresher = made(clock, source)
    first = refresher.current()
    clock.now += 59
    assert refresher.current() is first
    clock.now += 2
    assert refresher.current() is first, "read again in the background"
    settle(refresher)
    assert refresher.current() is not first


def test_rejected_keys_without_expiration_are_fetched_again(clock):
    source = Source(clock)
    source.behaviours = [source.gives(None)]
    refresher = made(clock, source)
    first = refresher.current()
    refresher.invalidate(first.access_key_id)
    assert refresher.current() is not first


# -------------------------------------------------------------------- invalidate, close, listeners


def test_invalidate_tells_the_provider_and_the_listeners_once(clock):
    source = Source(clock)
    source.behaviours = [source.gives(HOUR)]
    forgotten, heard = [], []
    source.invalidate = forgotten.append
    refresher = made(clock, source)
    listener = Listeners((heard.append,))
    refresher.subscribe(listener)
    key = refresher.current().access_key_id
    refresher.invalidate(key)
    refresher.invalidate(key)
    refresher.invalidate("ASIAOTHER")
    assert forgotten == [key]
    assert [type(event) for event in heard] == [Retrieved, Invalidated]
    assert heard[1].key_hint == key[-4:]


def test_invalidate_does_not_bypass_a_wait(clock):
    source = Source(clock)
    source.behaviours = [source.gives(HOUR), fails(RetrievalError("down"))]
    refresher = made(clock, source, advisory_refresh="inline")
    first = refresher.current()
    clock.now += HOUR - 600
    refresher.current()
    refresher.invalidate(first.access_key_id)
    assert refresher.current() is first
    assert source.calls == 2


def test_a_closed_refresher_forgets_its_set_and_never_fetches(clock):
    source = Source(clock)
    slow = Gate(source.gives(HOUR))
    source.behaviours = [source.gives(HOUR), slow]
    refresher = made(clock, source)
    refresher.current()
    clock.now += HOUR - 600
    refresher.current()
    assert slow.entered.wait(5)
    refresher.close()
    slow.open.set()
    settle(refresher)
    assert refresher.peek() is None
    with pytest.raises(MissingIdentityError, match="has been closed"):
        refresher.current()
    with pytest.raises(MissingIdentityError):
        asyncio.run(refresher.acurrent())
    assert source.calls == 2


def test_a_caller_that_waits_while_the_refresher_is_closed_gets_no_keys(clock):
    source = Source(clock)
    slow = Gate(source.gives(HOUR))
    source.behaviours = [slow]
    refresher = made(clock, source)
    with ThreadPoolExecutor(1) as one:
        waiting = one.submit(refresher.current)
        assert slow.entered.wait(5)
        refresher.close()
        slow.open.set()
        assert isinstance(waiting.exception(5), MissingIdentityError)


def test_a_listener_that_raises_stops_nothing(clock, caplog):
    source = Source(clock)
    source.behaviours = [source.gives(HOUR)]
    heard = []

    def broken(event) -> None:
        msg = "not my day"
        raise ValueError(msg)

    refresher = made(clock, source)
    listener = Listeners((broken, heard.append))
    refresher.subscribe(listener)
    assert refresher.current() is refresher.peek()
    assert len(heard) == 1
    assert "not my day" in caplog.text


def test_a_listener_that_nobody_holds_is_forgotten(clock):
    source = Source(clock)
    source.behaviours = [source.gives(HOUR)]
    heard = []
    refresher = made(clock, source)
    listener = Listeners((heard.append,))
    refresher.subscribe(listener)
    refresher.current()
    del listener
    gc.collect()
    refresher.invalidate(refresher.current().access_key_id)
    assert len(heard) == 1


def test_what_is_told_of_a_fetch(clock):
    source = Source(clock)
    source.behaviours = [source.gives(HOUR)]
    heard = []
    refresher = made(clock, source)
    listener = Listeners((heard.append,))
    refresher.subscribe(listener)
    credentials = refresher.current()
    (event,) = heard
    assert (event.provider, event.key_hint, event.expiration, event.background) == (
        source.name, credentials.access_key_id[-4:], credentials.expiration, False,
    )  # fmt: skip
    assert event.at == START
    assert "secret-1" not in repr(event)


def test_listeners_that_come_and_go_disturb_no_caller(clock):
    """Sessions that are made for each request subscribe to a Refresher that others are using."""
    source = Source(clock)
    source.behaviours = [source.gives(HOUR)]
    refresher = made(clock, source)
    stop, errors = threading.Event(), []

    def subscribe() -> None:
        while not stop.is_set():
            refresher.subscribe(Listeners((lambda _: None,)))

    others = [threading.Thread(target=subscribe) for _ in range(2)]
    for other in others:
        other.start()
    try:
        for _ in range(400):
            refresher.invalidate(refresher.current().access_key_id)
    except RuntimeError as error:
        errors.append(error)
    stop.set()
    for other in others:
        other.join(10)
    assert errors == []
    assert len(refresher._audience._known) < 1000, "listeners that are gone are forgotten"


def test_a_failure_that_cannot_be_counted_does_not_stop_refreshing_for_ever(clock):
    class OddError(RetrievalError):
        def __init__(self) -> None:
            Exception.__init__(self, "odd")

    source = Source(clock)
    source.behaviours = [
        source.gives(12 * HOUR),
        fails(OddError()),
        fails(RetrievalError("x", retry_after="30")),
        source.gives(HOUR),
    ]
    refresher = made(clock, source, advisory_refresh="inline")
    first = refresher.current()
    clock.now += 11.5 * HOUR
    for _ in range(2):
        with suppress(AttributeError):
            refresher.current()
        clock.now += 601
    assert refresher._flight is None
    clock.now += 10
    assert refresher.current() is not first


def test_a_source_that_needs_its_own_keys_says_so_at_once(clock):
    refreshers = []

    def behave() -> Credentials:
        return refreshers[0].current()

    refreshers.append(made(clock, Source(clock, behave)))
    started = time.monotonic()
    with pytest.raises(ConfigurationError, match="needs its own credentials in order to fetch them"):
        refreshers[0].current()
    assert time.monotonic() - started < 5


def test_a_failure_that_a_newer_set_has_overtaken_turns_no_fresh_keys_into_errors(clock):
    source = Source(clock)
    gates = [Gate(source.gives(HOUR)), Gate(fails(DeniedError("no longer trusted")))]
    source.behaviours = list(gates)
    refresher = made(clock, source, load_timeout=0.05)
    with ThreadPoolExecutor(2) as people:
        first = people.submit(refresher.current)
        assert gates[0].entered.wait(5)
        time.sleep(0.06)
        second = people.submit(refresher.current)
        assert gates[1].entered.wait(5)
        gates[0].open.set()
        fresh_set = first.result(5)
        gates[1].open.set()
        assert second.result(5) is fresh_set
    assert refresher.current() is fresh_set


def test_a_provider_that_cannot_forget_hides_nothing(clock, caplog):
    source = Source(clock)
    source.behaviours = [source.gives(HOUR)]

    def stumble(access_key_id: str) -> None:
        raise KeyError(access_key_id[:4])

    source.invalidate = stumble
    refresher = made(clock, source)
    first = refresher.current()
    refresher.invalidate(first.access_key_id)
    assert "failed to forget a rejected key" in caplog.text
    assert refresher.current() is not first


def test_a_signal_handler_may_sign_in_the_middle_of_a_decision(clock):
    source = Source(clock)
    source.behaviours = [source.gives(HOUR)]
    refresher = made(clock, source)
    refresher.current()
    clock.now += HOUR - 600
    with refresher._lock:
        assert refresher.current() is refresher.peek()


def test_awaiting_a_fetch_that_hangs_leaves_nothing_behind(clock):
    source = Source(clock)
    gate = Gate(source.gives(HOUR))
    source.behaviours = [gate, gate]
    refresher = made(clock, source, load_timeout=0.05)

    async def scene() -> None:
        for _ in range(50):
            with pytest.raises(RetrievalError):
                await refresher.acurrent()

    asyncio.run(scene())
    assert len(refresher._flight.future._done_callbacks) < 5
    gate.open.set()
    settle(refresher)


# -------------------------------------------------------------------- prefetch


def test_prefetch_asks_no_person(clock):
    source = Source(clock, fails(AssertionError("asked")))
    source.interactive = True
    made(clock, source).prefetch()
    assert source.calls == 0


def test_a_refusal_that_prefetch_meets_turns_no_valid_keys_into_errors(clock):
    source = Source(clock)
    source.behaviours = [source.gives(HOUR), fails(DeniedError("no"))]
    refresher = made(clock, source, advisory_refresh="inline")
    first = refresher.current()
    clock.now += HOUR - 600
    refresher.prefetch()
    settle(refresher)
    assert source.calls == 2
    assert refresher.current() is first


def test_prefetch_fetches_in_the_background_and_swallows_failures(clock):
    source = Source(clock)
    gate = Gate(source.gives(HOUR))
    source.behaviours = [fails(RetrievalError("down")), gate]
    refresher = made(clock, source)
    refresher.prefetch()
    settle(refresher)
    assert refresher.peek() is None
    refresher.prefetch()
    assert gate.entered.wait(5)
    gate.open.set()
    settle(refresher)
    assert refresher.peek() is refresher.current()
    refresher.prefetch()
    assert source.calls == 2
    refresher.close()
    refresher.prefetch()


# -------------------------------------------------------------------- fork, pickle, copy


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_that_is_forked_in_the_middle_of_a_refresh_signs_and_refreshes(clock):
    source = Source(clock)
    gate = Gate(source.gives(HOUR))
    source.behaviours = [source.gives(HOUR), gate, source.gives(HOUR)]
    refresher = made(clock, source)
    first = refresher.current()
    clock.now += HOUR - 30
    with ThreadPoolExecutor(1) as one:
        waiting = one.submit(refresher.current)
        assert gate.entered.wait(5)
        with refresher._lock:
            child = os.fork()
            if child == 0:
                signal.alarm(10)
                answer = refresher.current()
                os._exit(0 if refresher.peek() is answer and answer is not first and source.calls == 3 else 1)
        _, status = os.waitpid(child, 0)
        gate.open.set()
        waiting.result(5)
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_keeps_the_set_at_hand(clock):
    source = Source(clock)
    source.behaviours = [source.gives(HOUR)]
    refresher = made(clock, source)
    first = refresher.current()
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        os._exit(0 if refresher.current() is first and source.calls == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_copies_and_pickles_keep_the_set_and_share_no_lock():
    refresher = Refresher(Pickled())
    credentials = refresher.current()
    for twin in (copy.copy(refresher), copy.deepcopy(refresher), pickle.loads(pickle.dumps(refresher))):
        assert twin.current() == credentials
        assert twin._lock is not refresher._lock
        assert twin.policy == refresher.policy
        assert twin.host is refresher.host


# -------------------------------------------------------------------- asyncio


def test_two_hundred_tasks_share_one_fetch_and_the_loop_goes_on(clock):
    source = Source(clock)
    gate = Gate(source.gives(HOUR))
    source.behaviours = [gate]
    refresher = made(clock, source)

    async def everybody() -> tuple[set[int], int]:
        beats = 0
        tasks = [asyncio.create_task(refresher.acurrent()) for _ in range(200)]
        while not gate.entered.is_set():
            await asyncio.sleep(0.001)
        for _ in range(20):
            await asyncio.sleep(0.001)
            beats += 1
        gate.open.set()
        return {id(answer) for answer in await asyncio.gather(*tasks)}, beats

    answers, beats = asyncio.run(everybody())
    assert len(answers) == 1
    assert beats == 20
    assert source.calls == 1


def test_cancelling_one_awaiter_changes_nothing_for_the_others(clock):
    source = Source(clock)
    gate = Gate(source.gives(HOUR))
    source.behaviours = [gate]
    refresher = made(clock, source)

    async def scene() -> Credentials:
        first, second = (asyncio.create_task(refresher.acurrent()) for _ in range(2))
        while not gate.entered.is_set():
            await asyncio.sleep(0.001)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        gate.open.set()
        return await second

    assert asyncio.run(scene()) is refresher.peek()
    assert source.calls == 1


def test_threads_and_tasks_share_the_same_fetch(clock):
    source = Source(clock)
    gate = Gate(source.gives(HOUR))
    source.behaviours = [gate]
    refresher = made(clock, source)

    async def scene(thread) -> bool:
        task = asyncio.create_task(refresher.acurrent())
        await asyncio.sleep(0.05)
        gate.open.set()
        return await task is await asyncio.wrap_future(thread)

    with ThreadPoolExecutor(1) as one:
        thread = one.submit(refresher.current)
        assert gate.entered.wait(5)
        assert asyncio.run(scene(thread))
    assert source.calls == 1


def test_a_failure_that_nobody_awaits_any_more_is_not_complained_about(clock, caplog):
    source = Source(clock)
    gate = Gate(fails(RetrievalError("down")))
    source.behaviours = [gate]
    refresher = made(clock, source)

    async def scene() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(refresher.acurrent(), 0.05)

    asyncio.run(scene())
    gate.open.set()
    settle(refresher)
    gc.collect()
    assert caplog.records == []


def test_an_awaiter_waits_no_longer_than_the_load_timeout(clock):
    source = Source(clock)
    gate = Gate(source.gives(HOUR))
    source.behaviours = [gate]
    refresher = made(clock, source, load_timeout=0.05)
    with pytest.raises(RetrievalError, match="did not answer"):
        asyncio.run(refresher.acurrent())
    gate.open.set()


def test_an_awaiter_in_the_advisory_window_gets_the_set_at_once(clock):
    source = Source(clock)
    gate = Gate(source.gives(HOUR))
    source.behaviours = [source.gives(HOUR), gate]
    refresher = made(clock, source)
    first = asyncio.run(refresher.acurrent())
    clock.now += HOUR - 600
    assert asyncio.run(refresher.acurrent()) is first
    gate.open.set()
    settle(refresher)
    assert asyncio.run(refresher.acurrent()) is not first


def test_an_awaiter_never_fetches_on_the_loops_thread(clock, monkeypatch):
    source = Source(clock, fails(AssertionError("fetched on the loop")))
    refresher = made(clock, source)

    async def scene() -> None:
        def refuse(self) -> None:
            msg = "can't start new thread"
            raise RuntimeError(msg)

        monkeypatch.setattr(threading.Thread, "start", refuse)
        try:
            await refresher.acurrent()
        finally:
            monkeypatch.undo()

    with pytest.raises(RetrievalError, match="no thread can be started"):
        asyncio.run(scene())
    assert source.calls == 0
