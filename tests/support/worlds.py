"""A clock to turn by hand and a source that does as it is told."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bedrock_auth.contracts import Stability
from bedrock_auth.credentials import Credentials
from bedrock_auth.host import Host

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

START = 1_800_000_000.0


class Clock:
    """Wall-clock seconds; a test turns it."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Source:
    """A provider that counts its calls and runs one behaviour after the other; the last one repeats."""

    name = "the scripted source"

    def __init__(self, clock: Clock, *behaviours: Callable[[], Credentials], stability: Stability = Stability.STRICT) -> None:
        self.clock = clock
        self.behaviours = list(behaviours)
        self.stability = stability
        self.calls = 0
        self.numbers = itertools.count(1)

    def retrieve(self) -> Credentials:
        self.calls += 1
        behave = self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]
        return behave()

    def gives(self, lifetime: float | None) -> Callable[[], Credentials]:
        """Deliver a new set that lives so many seconds from the moment of the call."""

        def deliver() -> Credentials:
            number = next(self.numbers)
            expiration = None if lifetime is None else datetime.fromtimestamp(self.clock.now + lifetime, UTC)
            return Credentials(f"ASIATESTTESTTEST{number:04d}", f"secret-{number}", "token", expiration, source=self.name)

        return deliver


def fails(error: Exception) -> Callable[[], Credentials]:
    """Raise this error."""

    def behave() -> Credentials:
        raise error

    return behave


def world(clock: Clock, environ: Mapping[str, str] | None = None, seed: int = 1) -> Host:
    """A host with this clock."""
    return Host.isolated(environ or {}, clock=clock, seed=seed)
