"""The refresh engine: `Refresher` turns a provider, which fetches once, into a source that always has a current set.

This docstring is the specification. Windows and moments are defined in `bedrock_auth.policy`.

**States**, from the immutable snapshot and the time: INITIAL (nothing yet), VALID, LIMITED (a recent failure: wait),
ADVISORY (refresh, nobody waits), MANDATORY (refresh, callers wait).

**Hot path.** While VALID a call is one attribute read, one clock read and one comparison; no lock, no allocation.

**ADVISORY.** The first caller past the advisory moment starts a fetch in a daemon thread, in a copy of its own context, and
gets the set at once, as everybody does. Where the runtime freezes between requests, where the policy says so, or where no
thread can start, that one caller fetches inline; nobody else waits. A provider that may ask a person is not asked before
its mandatory moment.

**Single flight.** At most one fetch at a time. INITIAL and MANDATORY callers share the fetch under way and its outcome,
success or failure; the first of them runs it on its own thread. No lock is held during a fetch.

**Load timeout.** A caller waits for another thread's fetch at most ``max(policy.load_timeout, provider's timeout, 5 minutes
where interactive)`` seconds from the fetch's start, then counts it as a recoverable failure. A fetch that outlived this
time is abandoned: one other may start beside it, never a third; the newest result wins. The thread that runs a fetch
itself is bound by the provider's own timeouts only.

**Recoverable failure** (anything but the next kind). With a servable set: it stays in use and the source is left alone for
a random 300-600 s, or longer where the error's ``retry_after`` says so. That wait ends at the mandatory moment at the latest
if it began before; if it began later, at expiry for a STRICT source, while a STABLE one is given the whole wait. Without a
set: the error is raised, and the next call tries again. With an expired set of a STRICT source: the error is raised, and
remembered for a random 1-5 s. A clock that is set back to before the failure ends the wait.

**STABLE sources** go on serving the set past its expiry while the source fails, with a warning and one `ServedStale` event
per wait. STRICT sources never serve an expired set.

**Non-recoverable failure** (`DeniedError`, `ConfigurationError`). Raised, and remembered for a random 1-5 s. In a background
refresh before the mandatory moment it only counts like a recoverable one: valid keys are not turned into errors.

**An expired answer** is a failure and never replaces a good set. `NotConfiguredError` from a source that has delivered
before counts as recoverable, and so does every exception that is not a `CredentialError`; it is wrapped in
`RetrievalError`.

**invalidate(access_key_id)**. If that is the current set, the next call must refresh; the set is kept and a wait is not
bypassed. Any other key id changes nothing.

**Processes and tasks.** After a fork the child keeps the snapshot and never inherits a lock or a fetch. Copies and pickles
(they hold the keys) likewise. `Refresher.acurrent` shares the fetches of all threads and loops; cancelling one awaiter
changes nothing for the others, and no loop is ever blocked.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import math
import threading
import time
from concurrent.futures import wait
from typing import TYPE_CHECKING, Any

from bedrock_auth.audit import Audience, Event, Invalidated, Listener, RefreshFailed, Retrieved, ServedStale, listening
from bedrock_auth.contracts import CredentialProvider, is_provider, is_shareable, traits
from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import (
    ConfigurationError,
    CredentialError,
    MissingIdentityError,
    NotConfiguredError,
    RetrievalError,
    fresh,
)
from bedrock_auth.flight import FLYING, Flight
from bedrock_auth.host import Host, call_after_fork
from bedrock_auth.policy import RefreshPolicy
from bedrock_auth.redaction import presentable, redact
from bedrock_auth.snapshot import Hold, Rules, Snapshot, State

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)

INTERACTIVE_LOAD_TIMEOUT = 300.0


class Refresher:
    """A `CredentialSource` over one provider; see the module's docstring for what it promises.

    Args:
        provider: where sets come from.
        policy: what may be chosen about refreshing.
        host: clock and chance; by default the provider's own host, else the system's.
    """

    def __init__(self, provider: CredentialProvider, policy: RefreshPolicy | None = None, host: Host | None = None) -> None:
        """Check the provider's form; nothing is fetched before the first call."""
        if not is_provider(provider):
            msg = f"provider must have a name and retrieve(); {type(provider).__name__} has not"
            raise ConfigurationError(msg, setting="provider")
        self.provider = provider
        self.policy = policy or RefreshPolicy()
        self.host: Host = host or getattr(provider, "host", None) or Host.system()
        self._now: Callable[[], float] = self.host.clock
        self._snapshot = Snapshot()
        self._audience = Audience()
        self._flights = 0
        self._begin()
        call_after_fork(self)

    def _begin(self) -> None:
        self._lock = threading.RLock()  # a signal handler may sign in the middle of a decision
        self._flight: Flight | None = None
        self._abandoned: Flight | None = None
        self._stale_told: Hold | None = None

    def after_fork(self) -> None:
        """Start the child with the set at hand and nothing in the air."""
        self._begin()
        self._audience.after_fork()

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles carry provider, policy, host and the snapshot."""
        return _revive, (self.provider, self.policy, self.host, self._snapshot)

    def __repr__(self) -> str:
        """Show whose keys these are."""
        return f"<Refresher {self.name}>"

    @property
    def name(self) -> str:
        """The provider's."""
        return self.provider.name

    @property
    def is_shareable(self) -> bool:
        """Whether its provider is, see `bedrock_auth.contracts.is_shareable`."""
        return is_shareable(self.provider)

    @property
    def _rules(self) -> Rules:
        """Read anew at each decision: a chain has the traits of its winner."""
        return Rules(traits(self.provider), self.policy, self.host.uniform)

    @property
    def _load_timeout(self) -> float:
        said = traits(self.provider)
        return max(self.policy.load_timeout, said.timeout, INTERACTIVE_LOAD_TIMEOUT if said.interactive else 0)

    # ---------------------------------------------------------------- what callers ask

    def current(self) -> Credentials:
        """The set to sign with right now; fetches, and waits, only as the module's docstring says.

        Raises:
            CredentialError: there is no usable set.
        """
        snapshot = self._snapshot
        if self._now() < snapshot.quiet_until:
            return snapshot.credentials  # type: ignore[return-value]  # never None before quiet_until
        seat = self._board()
        if isinstance(seat, Credentials):
            return seat
        flight, mine = seat
        if mine:
            self._fly(flight)
        return self._wait(flight)

    async def acurrent(self) -> Credentials:
        """The same for asyncio: a fetch runs in a thread, the loop never blocks, cancelling concerns nobody else.

        Raises:
            CredentialError: there is no usable set.
        """
        snapshot = self._snapshot
        if self._now() < snapshot.quiet_until:
            return snapshot.credentials  # type: ignore[return-value]
        seat = self._board()
        if isinstance(seat, Credentials):
            return seat
        flight, mine = seat
        if mine and not self._launch(flight):
            self._land(flight, RetrievalError(f"{self.name}: no thread can be started to fetch in", provider=self.name))
        if flight.patience() > 0:
            landing = asyncio.wrap_future(flight.future)
            try:
                await asyncio.wait({landing}, timeout=flight.patience())
            finally:
                landing.cancel()
        return self._outcome(flight)

    def peek(self) -> Credentials | None:
        """The set at hand, however old, or ``None``. Never fetches."""
        return self._snapshot.credentials

    def prefetch(self) -> None:
        """Start a fetch in the background where one is due, and return at once; failures reach listeners only.

        Does nothing where a person would be asked.
        """
        if self._rules.traits.interactive:
            return
        try:
            seat = self._board()
        except CredentialError:
            return
        if isinstance(seat, Credentials) or not seat[1]:
            return
        seat[0].nobody_waits = True
        if not self._launch(seat[0]):
            self._land(seat[0], RetrievalError(f"{self.name}: no thread can be started to fetch in", provider=self.name))

    def invalidate(self, access_key_id: str) -> None:
        """Say that AWS refused this key. If it is the current one the next call must refresh; else nothing changes."""
        with self._lock:
            held = self._snapshot.credentials
            if held is None or held.access_key_id != access_key_id or self._snapshot.invalidated:
                return
            self._snapshot = self._snapshot.rejected()
        self._have_it_forgotten(access_key_id)
        self._audience.tell(Invalidated(provider=self.name, at=self._now(), key_hint=access_key_id[-4:]))

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._snapshot.closed

    def close(self) -> None:
        """Forget the set and never fetch again: from here on every call raises `MissingIdentityError`."""
        error = MissingIdentityError(f"{self.name}: this source has been closed", provider=self.name)
        with self._lock:
            self._snapshot = Snapshot(hold=Hold(-math.inf, math.inf, error), closed=True)

    def subscribe(self, listener: Listener) -> None:
        """Tell the listener what happens from now on, for as long as somebody else keeps it alive."""
        self._audience.admit(listener)

    def _have_it_forgotten(self, access_key_id: str) -> None:
        forget = getattr(self.provider, "invalidate", None)
        if forget is None:
            return
        try:
            forget(access_key_id)
        except Exception:  # noqa: BLE001 - the provider's trouble must not hide what AWS said
            _log.exception("%s failed to forget a rejected key", self.name)

    # ---------------------------------------------------------------- deciding

    def _board(self) -> Credentials | tuple[Flight, bool]:
        """What this caller does: use a set, or wait for a flight, which is its own to run where the second value says so."""
        with self._lock:
            now, snapshot = self._now(), self._snapshot
            state = snapshot.state(now)
            if state in {State.INITIAL, State.ADVISORY, State.MANDATORY}:
                flight, mine = self._seat(nobody_waits=state is State.ADVISORY)
        if state is State.LIMITED:
            return self._limited(snapshot, now)
        if state is State.VALID or (state is State.ADVISORY and not self._must_run(flight, mine=mine)):
            return snapshot.credentials  # type: ignore[return-value]  # both states have a set
        return flight, mine

    def _seat(self, *, nobody_waits: bool) -> tuple[Flight, bool]:
        """The flight under way, or a new one; under the lock."""
        flight = self._flight
        if flight in FLYING.get():
            msg = f"{self.name} needs its own credentials in order to fetch them; give it another session to work with"
            raise ConfigurationError(msg, provider=self.name)
        if flight is not None:
            if flight.patience() > 0 or self._abandoned is not None:
                return flight, False
            self._abandoned = flight
        self._flights += 1
        nobody_waits = nobody_waits and self._in_background()
        self._flight = Flight(
            self._flights, self._snapshot.generation, nobody_waits=nobody_waits, load_timeout=self._load_timeout
        )
        return self._flight, True

    def _in_background(self) -> bool:
        if self.policy.advisory_refresh == "auto":
            return not self.host.freezes_between_requests()
        return self.policy.advisory_refresh == "background"

    def _must_run(self, flight: Flight, *, mine: bool) -> bool:
        """Whether an ADVISORY caller has to run its flight inline."""
        return mine and not (flight.nobody_waits and self._launch(flight))

    def _limited(self, snapshot: Snapshot, now: float) -> Credentials:
        hold = snapshot.hold
        if hold is not None and hold.error is not None:
            raise fresh(hold.error)
        self._tell_if_stale(snapshot, now)
        return snapshot.credentials  # type: ignore[return-value]  # a hold without an error has a set

    # ---------------------------------------------------------------- fetching

    def _launch(self, flight: Flight) -> bool:
        """Run the flight in a daemon thread; ``False`` where no thread can start."""
        work = contextvars.copy_context().run
        name = f"bedrock-auth refresh {flight.number}"
        try:
            threading.Thread(target=work, args=(self._fly, flight), kwargs={"background": True}, name=name, daemon=True).start()
        except RuntimeError:  # at the limit of threads, or the interpreter is shutting down
            flight.nobody_waits = False
            return False
        return True

    def _fly(self, flight: Flight, *, background: bool = False) -> None:
        """Fetch once and land, whatever happens."""
        started, token = time.monotonic(), FLYING.set((*FLYING.get(), flight))
        try:
            outcome: Credentials | CredentialError = self._retrieve()
        except CredentialError as error:
            outcome = error
        except BaseException as error:
            self._land(
                flight, RetrievalError(f"{self.name}: the fetch was broken off by {type(error).__name__}", provider=self.name)
            )
            raise
        finally:
            FLYING.reset(token)
        self._land(flight, outcome, seconds=time.monotonic() - started, background=background)

    def _retrieve(self) -> Credentials:
        try:
            with listening(self._audience.tell):
                return self._checked(self.provider.retrieve())
        except NotConfiguredError as error:
            if self._snapshot.credentials is None:
                raise
            raise RetrievalError(error.message, provider=error.provider, code=error.code) from error
        except CredentialError:
            raise
        except Exception as error:  # noqa: BLE001 - becomes the cause, where it may be shown
            msg = f"{self.name} failed with {type(error).__name__}: {redact(str(error))}"
            raise RetrievalError(msg, provider=self.name) from presentable(error)

    def _checked(self, answer: object) -> Credentials:
        if not isinstance(answer, Credentials):
            msg = f"{self.name}: retrieve() returned {type(answer).__name__}, not Credentials"
            raise ConfigurationError(msg, provider=self.name)
        return answer.unexpired(self._now())

    def _land(
        self, flight: Flight, outcome: Credentials | CredentialError, *, seconds: float = 0.0, background: bool = False
    ) -> None:
        """Take the outcome over, release the waiters, tell the listeners."""
        try:
            with self._lock:
                if isinstance(outcome, Credentials):
                    news = self._install(flight, outcome, seconds, background=background)
                else:
                    news = self._count_failure(flight, outcome)
        finally:  # whatever a user's provider makes of this, nobody waits for ever
            self._free_seat(flight)
            flight.future.set_result(outcome)
        if news is not None:
            self._audience.tell(news)

    def _free_seat(self, flight: Flight) -> None:
        with self._lock:
            if self._flight is flight:
                self._flight = None
            if self._abandoned is flight:
                self._abandoned = None

    def _install(self, flight: Flight, credentials: Credentials, seconds: float, *, background: bool) -> Event | None:
        snapshot, now = self._snapshot, self._now()
        if snapshot.closed or flight.number < snapshot.flight:
            return None
        self._snapshot = snapshot.succeeded(credentials, now, flight.number, self._rules)
        return Retrieved(
            provider=self.name,
            at=now,
            key_hint=credentials.access_key_id[-4:],
            expiration=credentials.expiration,
            account_id=credentials.account_id,
            seconds=seconds,
            background=background,
        )

    def _count_failure(self, flight: Flight, error: CredentialError) -> Event | None:
        """Let a flight's failure count, once, unless something newer has been installed; under the lock."""
        snapshot, now = self._snapshot, self._now()
        if flight.counted or snapshot.closed or flight.number <= snapshot.flight:
            return None
        flight.counted = True
        overtaken = snapshot.generation != flight.generation  # a set came meanwhile: this failure concerns nobody at once
        remembered = fresh(error)
        remembered.__cause__ = None  # its traceback would keep the variables of whoever asked, a caller's keys among them
        after = snapshot.failed(remembered, now, self._rules, nobody_waits=flight.nobody_waits or overtaken)
        self._snapshot = after
        return RefreshFailed(
            provider=self.name,
            at=now,
            error=type(error).__name__,
            code=error.code,
            message=redact(error.message),
            next_attempt_at=None if after.hold is None else after.hold.until,
            still_serving=after.hold is not None and after.hold.error is None,
        )

    # ---------------------------------------------------------------- waiting

    def _wait(self, flight: Flight) -> Credentials:
        wait([flight.future], timeout=flight.patience())
        return self._outcome(flight)

    def _outcome(self, flight: Flight) -> Credentials:
        """What a caller that waited gets: the set, the earlier one where that may still serve, or the error."""
        outcome = flight.future.result() if flight.future.done() else self._give_up(flight)
        if isinstance(outcome, Credentials):
            return self._newest(flight, outcome)
        snapshot, now = self._snapshot, self._now()
        remembered = snapshot.hold is not None and snapshot.hold.error is not None
        if remembered or not snapshot.servable(now, self._rules.traits.stability):
            raise fresh(outcome)
        self._tell_if_stale(snapshot, now)
        return snapshot.credentials  # type: ignore[return-value]  # servable

    def _newest(self, flight: Flight, delivered: Credentials) -> Credentials:
        """A flight that was overtaken gives way to the set that is in use."""
        snapshot = self._snapshot
        if snapshot.closed:
            return self._limited(snapshot, self._now())
        return snapshot.credentials if snapshot.credentials is not None and snapshot.flight > flight.number else delivered

    def _give_up(self, flight: Flight) -> CredentialError:
        msg = f"{self.name} did not answer within {self._load_timeout:g} seconds"
        error = RetrievalError(msg, provider=self.name, code="LoadTimeout")
        with self._lock:
            news = self._count_failure(flight, error)
        if news is not None:
            self._audience.tell(news)
        return error

    # ---------------------------------------------------------------- telling

    def _tell_if_stale(self, snapshot: Snapshot, now: float) -> None:
        held = snapshot.credentials
        if held is None or now < snapshot.moments.expiry:
            return
        with self._lock:
            if self._stale_told is snapshot.hold:
                return
            self._stale_told = snapshot.hold
        _log.warning("%s is failing; its expired credentials stay in use until it answers", self.name)
        self._audience.tell(ServedStale(provider=self.name, at=now, key_hint=held.access_key_id[-4:], expiration=held.expiration))


def _revive(provider: CredentialProvider, policy: RefreshPolicy, host: Host, snapshot: Snapshot) -> Refresher:
    refresher = Refresher(provider, policy, host)
    refresher._snapshot = snapshot  # noqa: SLF001 - the second half of the constructor
    refresher._flights = snapshot.flight  # noqa: SLF001
    return refresher
