"""`WebIdentity`: the keys of an IAM role, from AWS STS, for a token that another issuer signed (OpenID Connect).

Kubernetes (EKS with IAM roles for service accounts), GitHub Actions and other issuers put such a token into a file and replace
it before it expires; a function can fetch one as well. Each fetch reads the token anew and makes one
``sts:AssumeRoleWithWebIdentity`` call, which is not signed: the token says who asks, and no keys are needed or used.

The region whose STS is asked: ``region_name``, else ``AWS_REGION`` or ``AWS_DEFAULT_REGION``, else the first region of the role's
partition.

What an answer means follows AWS's refresh specification: a refusal, a rejected token, a wrong policy or a disabled region stays
that way; an expired token, an issuer that STS cannot reach, throttling, server errors and timeouts may pass.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from bedrock_auth.contracts import Stability
from bedrock_auth.errors import ConfigurationError, DeniedError, NotConfiguredError, RetrievalError
from bedrock_auth.host import Host
from bedrock_auth.providers import _role, _tokens
from bedrock_auth.providers._base import fetch
from bedrock_auth.providers._settings import wrong
from bedrock_auth.providers._sts import CALL_TIMEOUT, Sts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import timedelta

    from bedrock_auth.credentials import Credentials

_KIND = "web-identity"
_ROLE, _FILE = "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"
_LONGEST_TOKEN = 20_000
"""Characters that STS takes."""

_NOT_TRUSTED = (
    "AWS does not say what is missing, it may be that the role does not exist, that its trust policy does not allow "
    "sts:AssumeRoleWithWebIdentity to the token's issuer (Principal Federated), or that its conditions do not fit the token's "
    "aud and sub"
)
_NOT_ACCEPTED = (
    "check that the role's account has an IAM OIDC provider for the token's issuer (iss), that the token's aud is one of its "
    "audiences, that AWS can fetch the issuer's keys, and that the issuer's certificate fits the provider's thumbprint"
)
_EXPIRED = "whatever issues the token must renew it before it expires; it is read again at the next attempt; check the clock too"
_MEANINGS = {
    "AccessDenied": (DeniedError, _NOT_TRUSTED),
    "AccessDeniedException": (DeniedError, _NOT_TRUSTED),
    "InvalidIdentityToken": (DeniedError, _NOT_ACCEPTED),
    "IDPRejectedClaim": (DeniedError, "the token's issuer does not stand by it, as when it was revoked; get a new token"),
    "IDPCommunicationError": (RetrievalError, "AWS could not reach the token's issuer; it must answer to the internet"),
    "ExpiredToken": (RetrievalError, _EXPIRED),
    "ExpiredTokenException": (RetrievalError, _EXPIRED),
}


def _role_arn(value: str) -> str:
    return _role.text(_KIND, "role_arn", value)


def _token_file(value: str | os.PathLike[str] | None) -> str | None:
    if value is None:
        return None
    path = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if isinstance(path, str) and path.strip() and "\0" not in path:
        return path
    raise wrong(_KIND, "token_file", "must be the path of a file that holds the token")


def _token(value: Callable[[], str] | None) -> Callable[[], str] | None:
    if isinstance(value, str | bytes):
        raise wrong(_KIND, "token", "must be a function that returns the token: a token in code grows old; or give token_file")
    return None if value is None else _tokens.plain_function(_KIND, "token", value)


def _session_name(value: str | None) -> str | None:
    return _role.optional_text(_KIND, "session_name", value)


def _duration(value: float | timedelta) -> int:
    return _role.whole_seconds(_KIND, value, 1)


def _policy(value: Mapping[str, Any] | str | None) -> str | None:
    return _role.canonical_policy(_KIND, value)


def _policy_arns(value: Sequence[str]) -> tuple[str, ...]:
    return _role.policy_arns(_KIND, value)


def _region_name(value: str | None) -> str | None:
    return _role.optional_text(_KIND, "region_name", value)


@frozen
class WebIdentity:
    """The keys of a role, asked for with a token.

    Args:
        role_arn: such as ``arn:aws:iam::123456789012:role/Bedrock``, of any partition.
        token_file: path of the file that holds the token; read at every fetch, links followed. Either this or ``token``.
        token: a function that returns the token, called at every fetch.
        session_name: what CloudTrail calls the session; by default ``AWS_ROLE_SESSION_NAME``, the Lambda function's name, or
            ``bedrock-auth-<user>-<hostname>``, in the characters that STS takes.
        duration: seconds (or ``timedelta``), 900 to 43200 and at most what the role allows. With an isolated host, as for a local
            stand-in of STS, it may be shorter.
        policy: session policy that narrows the role down, as a dict or JSON text.
        policy_arns: at most ten managed policies that do the same.
        region_name: whose STS to ask, and the hint for sessions.

    Raises:
        ConfigurationError: one of these is not usable; the message names it.
    """

    role_arn: str = field(converter=_role_arn)
    token_file: str | None = field(default=None, kw_only=True, converter=_token_file)
    token: Callable[[], str] | None = field(default=None, kw_only=True, converter=_token, repr=False)
    session_name: str | None = field(default=None, kw_only=True, converter=_session_name)
    duration: int = field(default=3600, kw_only=True, converter=_duration)
    policy: str | None = field(default=None, kw_only=True, converter=_policy)
    policy_arns: tuple[str, ...] = field(default=(), kw_only=True, converter=_policy_arns)
    region_name: str | None = field(default=None, kw_only=True, converter=_region_name)
    host: Host = field(factory=Host.system, kw_only=True, repr=False)

    stability = Stability.STABLE
    """AWS runs the issuer of the keys."""
    timeout = CALL_TIMEOUT
    """Seconds of the call; reading the token comes on top."""

    def __attrs_post_init__(self) -> None:
        """Check what concerns two settings."""
        if (self.token_file is None) == (self.token is None):
            raise wrong(_KIND, "token_file", "or token must be given, and not both")
        if self.host is Host.system() and self.duration < _role.SHORTEST_DURATION:
            raise wrong(_KIND, "duration", f"must be {_role.SHORTEST_DURATION} seconds or more")

    @property
    def name(self) -> str:
        """``web-identity`` and the role."""
        return f"{_KIND} {self.role_arn}"

    def retrieve(self) -> Credentials:
        """Read the token and exchange it for the role's keys.

        Raises:
            ConfigurationError: the file cannot be read, there is no token, or STS does not accept a setting.
            DeniedError: STS refuses, or does not accept the token.
            RetrievalError: STS cannot be reached, fails, or finds the token expired.
            CredentialError: what the ``token`` function raises.
        """
        token = self._current_token()
        sts = Sts(self.host, self._region(), self.name, meanings=_MEANINGS)
        answer = sts.ask("assume_role_with_web_identity", self._request(token), None, [token])
        return sts.credentials(answer).unexpired(self.host.clock())

    def _current_token(self) -> str:
        if self.token is not None:
            return _tokens.from_function(self.name, "token", self.token, _LONGEST_TOKEN)
        return _tokens.from_file(self.name, "token_file", str(self.token_file), _LONGEST_TOKEN)

    def _request(self, token: str) -> dict[str, Any]:
        request = {
            "RoleArn": self.role_arn,
            "RoleSessionName": self.session_name or _role.default_session_name(self.host),
            "WebIdentityToken": token,
            "DurationSeconds": self.duration,
            "Policy": self.policy,
            "PolicyArns": [{"arn": arn} for arn in self.policy_arns],
        }
        return {name: value for name, value in request.items() if value}

    def _region(self) -> str:
        region = self.region_name or self.host.region() or _role.partition_region(self.role_arn)
        if region is None:
            msg = f"{self.name}: no region is known for this partition; set region_name"
            raise ConfigurationError(msg, provider=self.name, setting="region_name")
        return region


@frozen
class WebIdentityFromEnvironment:
    """The same for the role and token file that the environment names at the moment of the fetch, as in a pod of EKS.

    ``AWS_WEB_IDENTITY_TOKEN_FILE`` and ``AWS_ROLE_ARN``, and ``AWS_ROLE_SESSION_NAME`` where it is set. A role without a token
    file is meant for other sources: then this one is not set up.
    """

    host: Host = field(factory=Host.system, kw_only=True, repr=False)

    name = f"{_KIND} environment"
    stability = Stability.STABLE
    timeout = CALL_TIMEOUT

    def retrieve(self) -> Credentials:
        """Read the variables and the token, and exchange it.

        Raises:
            NotConfiguredError: no token file is named.
            ConfigurationError: the token file is named without a role, or what is named is not usable.
            CredentialError: as `WebIdentity.retrieve`.
        """
        role_arn, token_file = self._variables()
        try:
            named = WebIdentity(role_arn, token_file=token_file, host=self.host)
            keys = fetch(named, asker=self.name, now=self.host.clock())
        except ConfigurationError as error:
            raise self._by_variable(error) from None
        return evolve(keys, source=self.name)

    def _variables(self) -> tuple[str, str]:
        role_arn, token_file = self.host.setting(_ROLE), self.host.setting(_FILE)
        if token_file is None:
            raise NotConfiguredError(f"{self.name}: {_FILE} is not set", provider=self.name)
        if role_arn is None:
            raise wrong(self.name, _ROLE, f"is not set although {_FILE} is; set both or neither")
        return role_arn, token_file

    def _by_variable(self, error: ConfigurationError) -> ConfigurationError:
        """The same error, with the variable in place of the setting that it stands for."""
        variable = {"role_arn": _ROLE, "token_file": _FILE}.get(error.setting)
        if variable is None:
            return error
        return wrong(self.name, variable, error.message.partition(f"{error.setting} ")[2])
