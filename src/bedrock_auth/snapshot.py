"""What a Refresher knows, as one immutable value, and the pure rules over it: what state it is in, what comes next.

The times are seconds since the epoch. Nothing here locks, waits or fetches; `bedrock_auth.refresh` tells when these rules
are applied and its docstring is their specification.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from bedrock_auth.contracts import Stability
from bedrock_auth.errors import ConfigurationError, CredentialError, DeniedError, RetrievalError
from bedrock_auth.policy import BACKOFF, MEMORY, Moments, RefreshPolicy, moments, unexpiring

if TYPE_CHECKING:
    from collections.abc import Callable

    from bedrock_auth.contracts import Traits
    from bedrock_auth.credentials import Credentials

LONGEST_RETRY_AFTER = 3600.0
_NOTHING = Moments(-math.inf, -math.inf, -math.inf)


class State(Enum):
    """What the next call does."""

    INITIAL = "nothing yet: fetch, callers wait"
    VALID = "use the set"
    LIMITED = "a recent failure: wait before asking again"
    ADVISORY = "refresh, nobody waits"
    MANDATORY = "refresh, callers wait"


@frozen
class Rules:
    """What does not change from fetch to fetch: the provider's traits, the user's policy, and chance."""

    traits: Traits
    policy: RefreshPolicy
    draw: Callable[[float, float], float]


@frozen
class Hold:
    """The source is left alone for a while: callers get the set, or the remembered error where there is one."""

    started: float
    until: float
    error: CredentialError | None = None

    def is_on(self, now: float) -> bool:
        """Whether it lasts. A clock that was set back to before its start ends it, so no clock step prolongs it."""
        return self.started <= now < self.until


def _quiet_until(snapshot: Snapshot) -> float:
    settled = snapshot.credentials is not None and snapshot.hold is None and not snapshot.invalidated
    return snapshot.moments.advisory if settled else -math.inf


@frozen
class Snapshot:
    """One moment of a Refresher; replaced as a whole, never changed."""

    credentials: Credentials | None = None
    moments: Moments = _NOTHING
    generation: int = 0
    """How many sets have been installed."""
    flight: int = 0
    """Number of the fetch that brought the set; the highest number wins."""
    hold: Hold | None = None
    invalidated: bool = False
    closed: bool = False
    quiet_until: float = field(init=False)
    """Until then there is nothing to decide: the hot path's one comparison."""

    @quiet_until.default
    def _default_quiet_until(self) -> float:
        return _quiet_until(self)

    def state(self, now: float) -> State:
        """The state at this time."""
        if self.hold is not None and self.hold.is_on(now):
            return State.LIMITED
        if self.credentials is None:
            return State.INITIAL
        if self.invalidated or now >= self.moments.mandatory:
            return State.MANDATORY
        return State.ADVISORY if now >= self.moments.advisory else State.VALID

    def servable(self, now: float, stability: Stability) -> bool:
        """Whether the set may be handed out while its source is failing."""
        return self.credentials is not None and (now < self.moments.expiry or stability is Stability.STABLE)

    def rejected(self) -> Snapshot:
        """AWS refused the set: the next call refreshes; the set is kept."""
        return evolve(self, invalidated=True)

    def succeeded(self, credentials: Credentials, now: float, flight: int, rules: Rules) -> Snapshot:
        """The set is installed and everything earlier forgotten."""
        if credentials.expiration is None:
            schedule = unexpiring(now, rules.traits.revalidate_after)
        else:
            schedule = moments(now, credentials.expiration.timestamp(), rules.policy, rules.draw)
        if rules.traits.interactive:  # a person is asked as late and as rarely as possible
            schedule = evolve(schedule, advisory=schedule.mandatory)
        return Snapshot(credentials, schedule, generation=self.generation + 1, flight=flight)

    def failed(self, error: CredentialError, now: float, rules: Rules, *, nobody_waits: bool) -> Snapshot:
        """The source did not deliver: remember the error, or keep the set and wait."""
        lasting = isinstance(error, DeniedError | ConfigurationError)
        still_good = now < self.moments.mandatory and not self.invalidated
        if lasting and not (nobody_waits and still_good):
            return evolve(self, hold=Hold(now, now + rules.draw(*MEMORY), error))
        if self.credentials is None:
            return self
        if not self.servable(now, rules.traits.stability):
            return evolve(self, hold=Hold(now, now + rules.draw(*MEMORY), error))
        return evolve(self, hold=Hold(now, self._backoff_end(error, now, rules)))

    def _backoff_end(self, error: CredentialError, now: float, rules: Rules) -> float:
        wait = rules.draw(*BACKOFF)
        asked = error.retry_after if isinstance(error, RetrievalError) else None
        if isinstance(asked, int | float):  # a user's own provider may have put anything there
            wait = max(wait, min(asked, LONGEST_RETRY_AFTER))
        if now < self.moments.mandatory:
            return min(now + wait, self.moments.mandatory)
        if rules.traits.stability is Stability.STRICT:
            return min(now + wait, self.moments.expiry)
        return now + wait
