"""`AssumeRole`: the keys of an IAM role, from AWS STS, asked for with the keys of another source.

Each fetch takes the source's keys of that moment and makes one ``sts:AssumeRole`` call signed with them; nothing ambient ever
signs it. Where AWS says that those keys are no longer good and the source can be told, it is told, and the call is made once
more if it then has other keys.

The region whose STS is asked: ``region_name``, else ``AWS_REGION`` or ``AWS_DEFAULT_REGION``, else the source's hint, else the
first region of the role's partition.

What an answer means follows AWS's refresh specification: a refusal, a wrong policy or a disabled region stays that way;
throttling, server errors, timeouts and keys that AWS does not know may pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.contracts import SHAREABLE, Stability, traits
from bedrock_auth.errors import ConfigurationError, CredentialError, DeniedError, RetrievalError
from bedrock_auth.host import Host
from bedrock_auth.providers import _role
from bedrock_auth.providers._base import as_provider, fetch, foreign, usable_base
from bedrock_auth.providers._settings import wrong
from bedrock_auth.providers._sts import CALL_TIMEOUT, REJECTED_KEYS, Sts
from bedrock_auth.redaction import presentable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import timedelta

    from bedrock_auth.contracts import CredentialProvider, Traits
    from bedrock_auth.credentials import Credentials

_KIND = "assume-role"
_MAY_BE_MISSING = (
    "; AWS does not say what is missing, it may be that the role does not exist, that its trust policy does not name the caller, "
    "that the caller's policies do not allow sts:AssumeRole on it, or that the trust policy asks for"
)


def _role_arn(value: str) -> str:
    return _role.text(_KIND, "role_arn", value)


def _external_id(value: str | None) -> str | None:
    return _role.optional_text(_KIND, "external_id", value)


def _session_name(value: str | None) -> str | None:
    return _role.optional_text(_KIND, "session_name", value)


def _source_identity(value: str | None) -> str | None:
    return _role.optional_text(_KIND, "source_identity", value)


def _mfa_serial(value: str | None) -> str | None:
    return _role.optional_text(_KIND, "mfa_serial", value)


def _region_name(value: str | None) -> str | None:
    return _role.optional_text(_KIND, "region_name", value)


def _duration(value: float | timedelta) -> int:
    return _role.whole_seconds(_KIND, value, 1)


def _policy(value: Mapping[str, Any] | str | None) -> str | None:
    return _role.canonical_policy(_KIND, value)


def _policy_arns(value: Sequence[str]) -> tuple[str, ...]:
    return _role.policy_arns(_KIND, value)


def _tags(value: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    return _role.sorted_tags(_KIND, value)


def _tag_keys(value: Sequence[str]) -> tuple[str, ...]:
    return _role.tag_keys(_KIND, value)


def _source(value: object) -> Any:
    return usable_base(_KIND, "source", value)


def _mfa_token(value: Callable[[], str] | None) -> Callable[[], str] | None:
    if value is None or callable(value):
        return value
    raise wrong(_KIND, "mfa_token", "must be a function that returns six digits, such as lambda: input('MFA code: ')")


@frozen
class AssumeRole:
    """The keys of a role, asked for with the keys of ``source``.

    Args:
        role_arn: such as ``arn:aws:iam::123456789012:role/Bedrock``, of any partition.
        source: whose keys ask for the role: a provider, a `CredentialSource` or a boto3 session; by default `Default`.
        external_id: 2 to 1224 characters, where the trust policy wants one.
        duration: seconds (or ``timedelta``), 900 to 43200 and at most what the role allows; 3600 at most where the source's keys
            are a role's too. With an isolated host, as for a local stand-in of STS, it may be shorter.
        session_name: what CloudTrail calls the session; by default ``AWS_ROLE_SESSION_NAME``, the Lambda function's name, or
            ``bedrock-auth-<user>-<hostname>``, in the characters that STS takes.
        policy: session policy that narrows the role down, as a dict or JSON text.
        policy_arns: at most ten managed policies that do the same.
        tags: at most fifty session tags.
        transitive_tag_keys: those of them that are handed on to further roles.
        source_identity: 2 to 64 characters that stay with the session and with every role assumed from it.
        mfa_serial: ARN or serial number of the MFA device; together with ``mfa_token``.
        mfa_token: asked for the six digits at every fetch, which is then never in the background.
        region_name: whose STS to ask, and the hint for sessions.

    Raises:
        ConfigurationError: one of these is not usable; the message names it and never shows its value.
    """

    role_arn: str = field(converter=_role_arn)
    host: Host = field(factory=Host.system, kw_only=True, repr=False)
    source: Any = field(kw_only=True, converter=_source)
    external_id: str | None = field(default=None, kw_only=True, converter=_external_id, repr=False, metadata=SHAREABLE)
    duration: int = field(default=3600, kw_only=True, converter=_duration)
    session_name: str | None = field(default=None, kw_only=True, converter=_session_name)
    policy: str | None = field(default=None, kw_only=True, converter=_policy)
    policy_arns: tuple[str, ...] = field(default=(), kw_only=True, converter=_policy_arns)
    tags: tuple[tuple[str, str], ...] = field(default=None, kw_only=True, converter=_tags)
    transitive_tag_keys: tuple[str, ...] = field(default=(), kw_only=True, converter=_tag_keys)
    source_identity: str | None = field(default=None, kw_only=True, converter=_source_identity)
    mfa_serial: str | None = field(default=None, kw_only=True, converter=_mfa_serial)
    mfa_token: Callable[[], str] | None = field(default=None, kw_only=True, converter=_mfa_token, repr=False)
    region_name: str | None = field(default=None, kw_only=True, converter=_region_name)

    stability = Stability.STABLE
    """AWS runs the issuer."""

    @source.default
    def _default_chain(self) -> CredentialProvider:
        from bedrock_auth.providers.default import Default  # noqa: PLC0415 - which has this provider among its own parts

        return Default(host=self.host)

    def __attrs_post_init__(self) -> None:
        """Check what concerns two settings."""
        if (self.mfa_serial is None) != (self.mfa_token is None):
            missing = "mfa_serial" if self.mfa_serial is None else "mfa_token"
            raise wrong(_KIND, missing, "is missing: mfa_serial and mfa_token are given together")
        if self.host is Host.system() and self.duration < _role.SHORTEST_DURATION:
            raise wrong(_KIND, "duration", f"must be {_role.SHORTEST_DURATION} seconds or more")

    @property
    def name(self) -> str:
        """``assume-role`` and the role."""
        return f"{_KIND} {self.role_arn}"

    @property
    def timeout(self) -> float:
        """Seconds: those of the source and of the call."""
        return self._base_traits.timeout + CALL_TIMEOUT

    @property
    def interactive(self) -> bool:
        """Whether a person is asked, for the MFA code or by the source."""
        return self.mfa_token is not None or self._base_traits.interactive

    @property
    def _base_traits(self) -> Traits:
        return traits(as_provider(self.source))

    def retrieve(self) -> Credentials:
        """Fetch the source's keys and exchange them for the role's.

        Raises:
            DeniedError: STS refuses, or no MFA code was given.
            ConfigurationError: STS does not accept a setting.
            RetrievalError: STS cannot be reached, fails, or does not accept the source's keys.
            CredentialError: the source's own, where it has no keys.
        """
        base = as_provider(self.source)
        keys = fetch(base, asker=self.name, now=self.host.clock())
        request = self._request()
        try:
            return self._exchange(keys, request, base)
        except RetrievalError as error:
            newer = self._newer_keys(base, keys) if error.code in REJECTED_KEYS else None
            if newer is None:
                raise
        return self._exchange(newer, request, base)

    def _exchange(self, keys: Credentials, request: dict[str, Any], base: CredentialProvider) -> Credentials:
        sts = Sts(self.host, self._region(base), self.name, self._refusal_hint())
        answer = sts.ask("assume_role", request, keys, [self.external_id or "", request.get("TokenCode", "")])
        return sts.credentials(answer).unexpired(self.host.clock())

    def _newer_keys(self, base: CredentialProvider, rejected: Credentials) -> Credentials | None:
        """The source's keys once it knows that AWS rejected these; ``None`` where it has no others."""
        invalidate = getattr(base, "invalidate", None)
        if invalidate is None:
            return None
        invalidate(rejected.access_key_id)
        newer = fetch(base, asker=self.name, now=self.host.clock())
        return None if newer.access_key_id == rejected.access_key_id else newer

    def _request(self) -> dict[str, Any]:
        request = {
            "RoleArn": self.role_arn,
            "RoleSessionName": self.session_name or _role.default_session_name(self.host),
            "DurationSeconds": self.duration,
            "ExternalId": self.external_id,
            "Policy": self.policy,
            "PolicyArns": [{"arn": arn} for arn in self.policy_arns],
            "Tags": [{"Key": name, "Value": value} for name, value in self.tags],
            "TransitiveTagKeys": list(self.transitive_tag_keys),
            "SourceIdentity": self.source_identity,
            "SerialNumber": self.mfa_serial,
            "TokenCode": self._mfa_code(),
        }
        return {name: value for name, value in request.items() if value}

    def _mfa_code(self) -> str | None:
        if self.mfa_token is None:
            return None
        try:
            code = self.mfa_token()
        except CredentialError:
            raise
        except Exception as error:  # noqa: BLE001 - becomes the cause, where it may be shown
            raise foreign(error, self.name, doing="mfa_token") from presentable(error)
        if isinstance(code, str) and _role.MFA_CODE.fullmatch(code.strip()):
            return code.strip()
        msg = f"{self.name}: mfa_token gave no code of six digits; enter the one that the MFA device shows now"
        raise DeniedError(msg, provider=self.name, code="NoMfaCode")

    def _region(self, base: CredentialProvider) -> str:
        region = self.region_name or self.host.region() or traits(base).region_name or _role.partition_region(self.role_arn)
        if region is None:
            msg = f"{self.name}: no region is known for this partition; set region_name"
            raise ConfigurationError(msg, provider=self.name, setting="region_name")
        return region

    def _refusal_hint(self) -> str:
        external_id = "another external id" if self.external_id else "an external id (none was given)"
        code = "another MFA code" if self.mfa_token else "an MFA code (none was given)"
        return f"{_MAY_BE_MISSING} {external_id} or {code}"
