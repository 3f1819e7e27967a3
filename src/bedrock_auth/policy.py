"""When a set of credentials is refreshed: `RefreshPolicy` and the pure rules, lifetime and time in, moments out.

The windows are those of AWS's refresh specification for its SDKs, with two additions for short lifetimes. Let L be the
lifetime that a set had left when it arrived:

- advisory window W: 5 minutes where L <= 20 minutes, 15 minutes where L < 90 minutes, else 60 minutes;
- mandatory window M = min(60 s, 0.75 W, L/3);
- the advisory moment is drawn once per set in [expiry - W, expiry - 0.75 W], never after the mandatory moment, so that
  a fleet does not refresh in step;
- a set that arrives inside its own window (L <= W) is not asked for again before its mandatory moment;
- what is refreshed for another process (``hand_off``) with L > 30 minutes has W of at least 24 minutes and M = 17 minutes: a
  receiver with botocore's fixed window asks again at every request for a set that has less than 15 minutes left.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from attrs import field, frozen

from bedrock_auth.cache_entry import HAND_OFF_MARGIN, LONG_LIFETIME
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE = 60.0
SHORTEST_ADVISORY_WINDOW = MINUTE
LONGEST_MANDATORY_WINDOW = MINUTE
BACKOFF = (5 * MINUTE, 10 * MINUTE)
"""Range, in seconds, of the wait after a failure while usable keys exist."""
HAND_OFF_ADVISORY, HAND_OFF_MANDATORY = 24 * MINUTE, HAND_OFF_MARGIN + MINUTE
"""Windows, in seconds, of sets for other processes that live longer than `bedrock_auth.cache_entry.LONG_LIFETIME`."""
MEMORY = (1.0, 5.0)
"""Range, in seconds, for which a refusal, or a failure with nothing left to serve, is remembered and raised again."""


def positive_seconds(value: object) -> float | None:
    """A duration as a positive, finite number of seconds; ``None`` where it is none."""
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number) or number <= 0:
        return None
    return float(number)


def seconds(value: float | timedelta, setting: str) -> float:
    """A duration as seconds.

    Raises:
        ConfigurationError: not a finite, positive number of seconds or ``timedelta``.
    """
    number = positive_seconds(value)
    if number is None:
        msg = f"{setting} must be a positive number of seconds or a timedelta, not {value!r}"
        raise ConfigurationError(msg, setting=setting)
    return number


def _window(value: float | timedelta | None) -> float | None:
    if value is None:
        return None
    window = seconds(value, "advisory_window")
    if window < SHORTEST_ADVISORY_WINDOW:
        msg = f"advisory_window must be at least {SHORTEST_ADVISORY_WINDOW:.0f} seconds, not {window:g}"
        raise ConfigurationError(msg, setting="advisory_window")
    return window


def _load_timeout(value: float | timedelta) -> float:
    return seconds(value, "load_timeout")


def _mode(value: str) -> str:
    if value not in {"auto", "background", "inline"}:
        msg = f"advisory_refresh must be 'auto', 'background' or 'inline', not {value!r}"
        raise ConfigurationError(msg, setting="advisory_refresh")
    return value


@frozen
class RefreshPolicy:
    """What a user may choose about refreshing; the defaults follow AWS.

    Args:
        advisory_window: seconds (or ``timedelta``) before expiration from which a refresh is sought without anybody
            waiting, at least 60; by default derived from the lifetime.
        advisory_refresh: ``"background"`` refreshes in a daemon thread, ``"inline"`` on the calling thread; ``"auto"``
            is inline where the runtime freezes between requests (AWS Lambda) and in the background elsewhere.
        load_timeout: seconds that a caller waits for another thread's fetch before it counts as failed; a provider
            that says it may take longer raises it.
        hand_off: refresh early enough for other processes to take the set over.
    """

    advisory_window: float | None = field(default=None, converter=_window)
    advisory_refresh: Literal["auto", "background", "inline"] = field(default="auto", converter=_mode)
    load_timeout: float = field(default=22.0, converter=_load_timeout)
    hand_off: bool = field(default=False, kw_only=True)


@frozen
class Moments:
    """When a set should be refreshed, when it must be, and when it is dead; seconds since the epoch, infinite for never."""

    advisory: float
    mandatory: float
    expiry: float


def advisory_window(lifetime: float, policy: RefreshPolicy) -> float:
    """W in seconds for a set that has ``lifetime`` seconds left on arrival."""
    if policy.advisory_window is not None:
        return policy.advisory_window
    if lifetime <= 20 * MINUTE:
        return 5 * MINUTE
    return 15 * MINUTE if lifetime < 90 * MINUTE else 60 * MINUTE


def mandatory_window(lifetime: float, window: float) -> float:
    """M in seconds."""
    return min(LONGEST_MANDATORY_WINDOW, 0.75 * window, lifetime / 3)


def moments(arrived: float, expiry: float, policy: RefreshPolicy, draw: Callable[[float, float], float]) -> Moments:
    """The moments of a set that arrived at ``arrived`` and dies at ``expiry``; ``draw(low, high)`` is the jitter."""
    lifetime = expiry - arrived
    window = advisory_window(lifetime, policy)
    must = mandatory_window(lifetime, window)
    if policy.hand_off and lifetime > LONG_LIFETIME:
        window, must = max(window, HAND_OFF_ADVISORY), HAND_OFF_MANDATORY
    mandatory = expiry - must
    if lifetime <= window:
        return Moments(mandatory, mandatory, expiry)
    return Moments(min(draw(expiry - window, expiry - 0.75 * window), mandatory), mandatory, expiry)


def unexpiring(arrived: float, revalidate_after: float | None) -> Moments:
    """The moments of a set without expiration: read again after a while where its provider asks for that, else never."""
    again = math.inf if revalidate_after is None else arrived + revalidate_after
    return Moments(again, math.inf, math.inf)
