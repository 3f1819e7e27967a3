"""The shared config files as one value, readable or not, and the profile of theirs that the environment names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from bedrock_auth.errors import ConfigurationError
from bedrock_auth.providers import _shared_config
from bedrock_auth.providers._profile_steps import SharedConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bedrock_auth.host import Host

_DEFAULT = "default"


@frozen
class AmbientConfig:
    """What the files say to botocore in this environment."""

    shared: SharedConfig = field(factory=SharedConfig)
    """Empty where a file cannot be read."""
    problem: str | None = None
    """Why a file cannot be read; nothing of its content."""
    named: str | None = None
    """The profile that the environment names; a blank variable names the one with the empty name, as botocore has it."""

    @property
    def profile(self) -> str:
        """The profile that botocore looks for."""
        return _DEFAULT if self.named is None else self.named

    @property
    def is_missing(self) -> bool:
        """Whether a profile is named that is not there."""
        return self.named is not None and self.shared.section(self.named) is None

    @property
    def applying(self) -> str:
        """The profile that gives sessions of this library region and endpoints; one that is not there counts as none."""
        return _DEFAULT if self.is_missing else self.profile

    @property
    def region_name(self) -> str | None:
        """The region that it names."""
        return self.shared.region(self.applying)


def ambient_config(host: Host) -> AmbientConfig:
    """Read the files; one that cannot be read is a finding, not an error."""
    named = _named(host.environ)
    try:
        return AmbientConfig(_shared_config.read(host), None, named)
    except ConfigurationError as error:
        return AmbientConfig(SharedConfig(), error.message, named)


def _named(environ: Mapping[str, str]) -> str | None:
    return next((environ[name] for name in ("AWS_DEFAULT_PROFILE", "AWS_PROFILE") if name in environ), None)
