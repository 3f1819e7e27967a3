"""How the settings of providers are checked: converters that name the setting and never show its value."""

from __future__ import annotations

import math
from datetime import timedelta

from bedrock_auth.errors import ConfigurationError


def wrong(kind: str, setting: str, problem: str) -> ConfigurationError:
    """The error for a setting of this kind of provider; ``problem`` says what to do and holds no value."""
    return ConfigurationError(f"{kind}: {setting} {problem}", provider=kind, setting=setting)


def seconds(kind: str, setting: str, value: float | timedelta) -> float:
    """A positive, finite number of seconds, from a number or a ``timedelta``."""
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number) or number <= 0:
        raise wrong(kind, setting, "must be a positive number of seconds or a timedelta")
    return float(number)
