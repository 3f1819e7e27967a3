"""Calls to AWS STS as somebody, and what each of its answers means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import ConfigurationError, CredentialError, DeniedError, RetrievalError
from bedrock_auth.providers._api import Api, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bedrock_auth.host import Host

CALL_TIMEOUT = 31.0
"""Seconds that one call takes at most: two attempts, each with its time to connect and to answer."""

REJECTED_KEYS = frozenset({"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"})
"""The keys that signed the call are not, or no longer, good."""
_OTHER_KEY_TROUBLE = frozenset(
    {"SignatureDoesNotMatch", "IncompleteSignature", "InvalidAccessKeyId", "MissingAuthenticationToken"}
)
_REFUSALS = frozenset({"AccessDenied", "AccessDeniedException"})
_LASTING = {
    "MalformedPolicyDocument": "correct the session policy",
    "PackedPolicyTooLarge": "shorten the session policy and tags: together they must fit AWS's packed size limit",
    "RegionDisabledException": "enable STS in this region for the account, or choose another region_name",
}
_INVALID = frozenset({"ValidationError", "ValidationException", "InvalidParameterValue", "InvalidParameterCombination"})
_FIXES = (
    ("role chaining", "duration", "a role assumed with another role's keys lives one hour at most: set duration=3600 or less"),
    ("MaxSessionDuration", "duration", "set duration to what the role allows, or raise its maximum session duration"),
)
_LONGEST_TOKEN = 16_384


@frozen
class Sts:
    """STS in one region, as one provider asks it."""

    host: Host
    region: str
    asker: str
    """Name of the provider, for messages."""
    refusal_hint: str = ""
    """What may be done about a refusal."""
    meanings: Mapping[str, tuple[type[CredentialError], str]] = field(factory=dict, kw_only=True)
    """Codes that mean something of their own to this provider: class and fix."""

    @property
    def _api(self) -> Api:
        return Api(self.host, "sts", "STS", self.region, self.asker)

    def ask(
        self, operation: str, request: Mapping[str, Any], keys: Credentials | None, secrets: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """One operation, signed with these keys; see `Api.ask`.

        Args:
            operation: as the client's method is called, such as ``assume_role``.
            request: its parameters, which the caller has checked.
            keys: who asks; ``None`` where a token in the request says so.
            secrets: texts of the request that no message may repeat.

        Raises:
            CredentialError: by what STS said, or why it could not say anything; ``code`` is STS's.
        """
        return self._api.ask(operation, request, lambda fault: self._meaning(fault, keys), keys=keys, secrets=secrets)

    def credentials(self, answer: Mapping[str, Any]) -> Credentials:
        """The keys of a role session from STS's answer.

        Raises:
            RetrievalError: they are not all there.
        """
        issued: dict[str, Any] = answer.get("Credentials", {})
        token = issued.get("SessionToken", "")
        if not token or not issued.get("Expiration") or len(token) > _LONGEST_TOKEN:
            raise self._api.unreadable("no usable key, session token and expiration")
        arn = str(answer.get("AssumedRoleUser", {}).get("Arn", "")).split(":")
        account = arn[4] if len(arn) > 4 else None  # noqa: PLR2004 - arn:partition:sts::account:…
        return Credentials.from_answer({**issued, "AccountId": account}, source=self.asker)

    def account(self, answer: Mapping[str, Any]) -> str:
        """The account in STS's answer about a caller.

        Raises:
            RetrievalError: there is none.
        """
        if not answer.get("Account"):
            raise self._api.unreadable("no account")
        return str(answer["Account"])

    def _meaning(self, fault: Fault, signer: Credentials | None) -> CredentialError:
        """The error of ours for what STS answered."""
        code, said, asker = fault.code, fault.said, self.asker
        if code in self.meanings:
            error, fix = self.meanings[code]
            return error(f"{asker}: {said}; {fix}", provider=asker, code=code)
        if code in _LASTING:
            return DeniedError(f"{asker}: {said}; {_LASTING[code]}", provider=asker, code=code)
        if code in _INVALID:
            return _invalid(code, said, asker)
        return self._api.failed(fault) if signer is None else self._of_the_signer(fault, signer.source)

    def _of_the_signer(self, fault: Fault, signer: str) -> CredentialError:
        code, said, asker = fault.code, fault.said, self.asker
        if code in _REFUSALS:
            return DeniedError(f"{asker} was refused to {signer}: {said}{self.refusal_hint}", provider=asker, code=code)
        if code in REJECTED_KEYS | _OTHER_KEY_TROUBLE:
            fix = "check that the source issues current keys, of the partition of this region, and the clock of this machine"
            return RetrievalError(f"{asker}: AWS does not accept the keys of {signer}: {said}; {fix}", provider=asker, code=code)
        return self._api.failed(fault)


def _invalid(code: str, said: str, asker: str) -> ConfigurationError:
    for sign, setting, fix in _FIXES:
        if sign in said:
            return ConfigurationError(f"{asker}: {said}; {fix}", provider=asker, code=code, setting=setting)
    return ConfigurationError(f"{asker}: STS does not accept a setting: {said}", provider=asker, code=code)
