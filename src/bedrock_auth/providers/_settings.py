"""How the settings of providers are checked: converters that name the setting and never show its value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_auth.errors import ConfigurationError
from bedrock_auth.policy import positive_seconds

if TYPE_CHECKING:
    from datetime import timedelta


def wrong(kind: str, setting: str, problem: str) -> ConfigurationError:
    """The error for a setting of this kind of provider; ``problem`` says what to do and holds no value."""
    return ConfigurationError(f"{kind}: {setting} {problem}", provider=kind, setting=setting)


def seconds(kind: str, setting: str, value: float | timedelta) -> float:
    """A positive, finite number of seconds, from a number or a ``timedelta``."""
    number = positive_seconds(value)
    if number is None:
        raise wrong(kind, setting, "must be a positive number of seconds or a timedelta")
    return number
