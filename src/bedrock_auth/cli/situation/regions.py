"""The region of a command, and what names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from bedrock_auth.cli.situation.config import AmbientConfig
    from bedrock_auth.host import Host

_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")


@frozen
class Region:
    """A region and where it is named."""

    name: str
    origin: str
    """An option, a variable, the provider or a profile."""


def region_of(option: str | None, hint: str | None, config: AmbientConfig, host: Host) -> Region | None:
    """The region that a session gets; ``None`` where nothing names one.

    Args:
        option: of the command line.
        hint: the provider's, which may repeat the environment's.
        config: the config files.
        host: whose environment.
    """
    if option:
        return Region(option, "--region")
    variable = next((name for name in _VARIABLES if host.setting(name)), None)
    stated = host.region()
    if hint and hint != stated:
        return Region(hint, "the provider of the credentials")
    if stated and variable:
        return Region(stated, variable)
    return Region(config.region_name, f"profile {config.applying}") if config.region_name else None
