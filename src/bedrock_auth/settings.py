"""`Settings`: environment variables become a provider and a region, in one documented order.

The first of these that is set wins:

1. a provider passed in code
2. web identity: ``AWS_WEB_IDENTITY_TOKEN_FILE`` with ``AWS_ROLE_ARN``
3. role: ``AWS_ROLE_ARN`` alone, with ``AWS_EXTERNAL_ID``, ``AWS_ROLE_SESSION_NAME`` and ``AWS_ROLE_SESSION_DURATION`` (seconds),
   assumed with the keys of the first of the following that is set
4. profile: ``AWS_PROFILE``
5. static keys: ``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``
6. vending: ``AWS_GET_TEMP_CREDS_API_URL`` with ``AWS_GET_TEMP_CREDS_API_KEY``
7. the default chain

Web identity comes before the role: with both variables set, as EKS does it, "role first" would make the pod's role assume
itself. Nothing is read at import, no ``.env`` file is ever loaded, and nothing is fetched.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from attrs import frozen

from bedrock_auth.contracts import CredentialProvider, traits
from bedrock_auth.errors import ConfigurationError
from bedrock_auth.host import Host
from bedrock_auth.providers.assume_role import AssumeRole
from bedrock_auth.providers.chain import Chain
from bedrock_auth.providers.default import ORDER, Default
from bedrock_auth.providers.environment import Environment
from bedrock_auth.providers.http_vending import HttpVendingFromEnvironment
from bedrock_auth.providers.profile import Profile
from bedrock_auth.providers.web_identity import WebIdentityFromEnvironment

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)

ROLE, TOKEN_FILE = "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"
_DURATION = "AWS_ROLE_SESSION_DURATION"


@frozen
class _Method:
    """One way of naming credentials in the environment."""

    label: str
    variables: tuple[str, ...]
    """It is set where all of these are."""
    make: Callable[[Host], CredentialProvider]

    def is_set(self, host: Host) -> bool:
        return all(host.setting(name) for name in self.variables)

    def __str__(self) -> str:
        return f"{self.label} ({', '.join(self.variables)})" if self.variables else self.label


def _web_identity(host: Host) -> CredentialProvider:
    return WebIdentityFromEnvironment(host=host)


def _role(host: Host) -> CredentialProvider:
    base = next(method for method in (*_BASES, _CHAIN_WITHOUT_WEB_IDENTITY) if method.is_set(host))
    return AssumeRole(
        host.setting(ROLE) or "",
        source=base.make(host),
        external_id=host.setting("AWS_EXTERNAL_ID"),
        duration=_session_duration(host),
        session_name=host.setting("AWS_ROLE_SESSION_NAME"),
        host=host,
    )


def _session_duration(host: Host) -> int:
    text = host.setting(_DURATION)
    if text is None:
        return 3600
    if text.isdecimal():
        return int(text)
    msg = f"{_DURATION} must be a whole number of seconds such as 3600, not {text!r}"
    raise ConfigurationError(msg, setting=_DURATION)


def _rest_of_the_chain(host: Host) -> CredentialProvider:
    """The default chain without the web identity, whose role is the one that is to be assumed."""
    return Chain(*(kind(host=host) for kind in ORDER if kind is not WebIdentityFromEnvironment), host=host)


_BASES = (
    _Method("profile", ("AWS_PROFILE",), lambda host: Profile(host=host)),
    _Method("static keys", ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), lambda host: Environment(host=host)),
    _Method("vending", ("AWS_GET_TEMP_CREDS_API_URL",), lambda host: HttpVendingFromEnvironment(host=host)),
)
_CHAIN_WITHOUT_WEB_IDENTITY = _Method("default chain", (), _rest_of_the_chain)
_METHODS = (
    _Method("web identity", (TOKEN_FILE, ROLE), _web_identity),
    _Method("role", (ROLE,), _role),
    *_BASES,
    _Method("default chain", (), lambda host: Default(host=host)),
)


@frozen
class Settings:
    """A provider and a region, and how they were chosen; ``create_session(settings)`` takes it as it is."""

    provider: CredentialProvider
    region_name: str | None
    method: str
    """What won, such as ``web identity (AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN)``."""
    unused: tuple[tuple[str, str], ...] = ()
    """What else was set, and why it lost."""
    warnings: tuple[str, ...] = ()

    @classmethod
    def from_environ(
        cls, *, provider: CredentialProvider | None = None, region_name: str | None = None, host: Host | None = None
    ) -> Settings:
        """Read the environment as it is now; the warnings are logged as well.

        Args:
            provider: explicit; wins over everything in the environment.
            region_name: explicit; else the provider's hint, ``AWS_REGION`` or ``AWS_DEFAULT_REGION``.
            host: whose environment; by default this process's.

        Raises:
            ConfigurationError: variables contradict each other or are not usable; the message names them.
        """
        world = host or Host.system()
        _refuse_halves(world)
        found = [method for method in _METHODS if method.is_set(world)]
        if provider is not None:
            chosen, label, lost = provider, "provider passed in code", found[:-1]
        else:
            chosen, label, lost = found[0].make(world), str(found[0]), found[1:-1]
        region = region_name or traits(chosen).region_name or world.region()
        settings = cls(chosen, region, label, _reasons(label, lost, world), _warnings(label, chosen, lost, region, world))
        for warning in settings.warnings:
            _log.warning("%s", warning)
        return settings

    def describe(self) -> str:
        """What won, what else was set and why it lost, and the region; several lines, no secrets."""
        lines = [f"credentials: {self.method}: {self.provider.name}"]
        lines += [f"not used: {what}: {why}" for what, why in self.unused]
        lines.append(f"region: {self.region_name or 'none'}")
        lines += [f"warning: {warning}" for warning in self.warnings]
        return "\n".join(lines)


def _refuse_halves(host: Host) -> None:
    if host.setting(TOKEN_FILE) and not host.setting(ROLE):
        msg = f"{TOKEN_FILE} is set and {ROLE} is not: set the role that the token is for, or unset the token file"
        raise ConfigurationError(msg, setting=ROLE)
    key_id, secret = _BASES[1].variables
    if bool(host.setting(key_id)) != bool(host.setting(secret)):
        missing, given = (secret, key_id) if host.setting(key_id) else (key_id, secret)
        raise ConfigurationError(f"{given} is set and {missing} is not: set both or neither", setting=missing)
    if host.setting("AWS_GET_TEMP_CREDS_API_KEY") and not host.setting("AWS_GET_TEMP_CREDS_API_URL"):
        msg = "AWS_GET_TEMP_CREDS_API_KEY is set and AWS_GET_TEMP_CREDS_API_URL is not: set the URL of the vending API"
        raise ConfigurationError(msg, setting="AWS_GET_TEMP_CREDS_API_URL")


def _reasons(winner: str, lost: list[_Method], host: Host) -> tuple[tuple[str, str], ...]:
    base = next((method for method in _BASES if method.is_set(host)), None)
    reasons = []
    for method in lost:
        if method.label == "role" and winner.startswith("web identity"):
            continue  # the same variable, not a method of its own
        used = method is base and winner.startswith("role")
        reasons.append((str(method), "its keys assume the role" if used else f"{winner} comes first"))
    return tuple(reasons)


def _warnings(winner: str, provider: CredentialProvider, lost: list[_Method], region: str | None, host: Host) -> tuple[str, ...]:
    warnings = []
    unused = [what for what, why in _reasons(winner, lost, host) if why.endswith("comes first")]
    if unused:
        warnings.append(f"several ways to get credentials are set: {winner} is used, {' and '.join(unused)} not")
    if region is None:
        warnings.append("no region is set: set AWS_REGION, or pass region_name=")
    if isinstance(provider, Environment) and not host.setting("AWS_SESSION_TOKEN") and not host.setting("AWS_SECURITY_TOKEN"):
        warnings.append("only long-lived keys were found (AWS_ACCESS_KEY_ID without AWS_SESSION_TOKEN): prefer a role")
    return tuple(warnings)
