"""What happened to credentials, as frozen events for anybody who listens.

A `Listener` is any callable that takes one event. Events say what was fetched, for whom, when it expires and what
failed; of a key they hold at most the last four characters. `LogListener` writes them to a logger, one line each.
A listener that raises is logged and skipped: auditing never stops a request.
"""

from __future__ import annotations

import logging
import threading
import weakref
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol, TypeAlias

from attrs import asdict, field, frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

_log = logging.getLogger("bedrock_auth.audit")


@frozen(kw_only=True)
class Retrieved:
    """A source delivered a set and it is in use."""

    provider: str
    at: float
    """Seconds since the epoch."""
    key_hint: str
    """The last four characters of the access key id."""
    expiration: datetime | None
    account_id: str | None
    seconds: float
    """How long the source took."""
    background: bool
    """Whether a daemon thread fetched it while callers went on."""


@frozen(kw_only=True)
class RefreshFailed:
    """A source was asked and did not deliver."""

    provider: str
    at: float
    error: str
    """Name of the error's class."""
    code: str
    message: str
    """The error's text with anything that looks like a key masked."""
    next_attempt_at: float | None
    """When the source is asked again, seconds since the epoch; ``None`` where the next call asks at once."""
    still_serving: bool
    """Whether an earlier set stays in use."""


@frozen(kw_only=True)
class ServedStale:
    """An expired set is being served because its STABLE source is down; told once per waiting period."""

    provider: str
    at: float
    key_hint: str
    expiration: datetime | None


@frozen(kw_only=True)
class Invalidated:
    """AWS rejected the set in use; the next call fetches."""

    provider: str
    at: float
    key_hint: str


@frozen(kw_only=True)
class Skipped:
    """A chain went past a source that is not set up here."""

    provider: str
    at: float
    reason: str


Event: TypeAlias = Retrieved | RefreshFailed | ServedStale | Invalidated | Skipped


class Listener(Protocol):
    """Anything that can be called with an event."""

    def __call__(self, event: Event, /) -> None:
        """Take note of the event; quickly, since a caller may be waiting."""


def tell(listeners: Iterable[Listener], event: Event) -> None:
    """Hand the event to each listener; one that raises is logged with its traceback and skipped."""
    for listener in listeners:
        try:
            listener(event)
        except Exception:  # noqa: BLE001 - whatever it is, it is the listener's
            _log.exception("the listener %r failed on %s", listener, type(event).__name__)


class Audience:
    """Listeners that are told for as long as somebody else keeps them alive. Any thread may come or tell at any time."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._known: tuple[weakref.ref[Listener], ...] = ()
        self._lock = threading.RLock()

    def after_fork(self) -> None:
        """Start the child with a lock that nobody holds."""
        self._lock = threading.RLock()

    def admit(self, listener: Listener) -> None:
        """Tell this one from now on, once per event however often it came."""
        with self._lock:
            others = tuple(known for known in self._known if known() is not None and known() is not listener)
            self._known = (*others, weakref.ref(listener))

    def tell(self, event: Event) -> None:
        """Tell all that are alive."""
        tell([listener for known in self._known if (listener := known()) is not None], event)


_ear: ContextVar[Callable[[Event], None] | None] = ContextVar("bedrock_auth.ear", default=None)


@contextmanager
def listening(hear: Callable[[Event], None]) -> Iterator[None]:
    """Hear what sources `note` while they fetch inside the block."""
    token = _ear.set(hear)
    try:
        yield
    finally:
        _ear.reset(token)


def note(event: Event) -> None:
    """Tell whoever listens to the fetch under way; sources know no listeners."""
    hear = _ear.get()
    if hear is not None:
        hear(event)


@frozen(eq=False)
class Listeners:
    """Several listeners as one; sessions hold it, Refreshers know it weakly."""

    members: tuple[Listener, ...]

    def __call__(self, event: Event, /) -> None:
        """Tell them all."""
        tell(self.members, event)


_LEVELS = {Retrieved: logging.INFO, Skipped: logging.DEBUG}


@frozen
class LogListener:
    """Writes one line per event: failures, invalidations and stale keys as warnings, the rest at INFO or below."""

    logger: logging.Logger = field(factory=lambda: logging.getLogger("bedrock_auth.audit"))

    def __call__(self, event: Event, /) -> None:
        """Log the event's name and fields."""
        said = " ".join(f"{name}={value!s}" for name, value in asdict(event).items() if name != "at")
        self.logger.log(_LEVELS.get(type(event), logging.WARNING), "%s %s", type(event).__name__, said)
