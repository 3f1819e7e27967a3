"""Calls to an Amazon Cognito identity pool, none of them signed, and what each of its answers means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import ConfigurationError, CredentialError, DeniedError
from bedrock_auth.providers._api import Api

if TYPE_CHECKING:
    from bedrock_auth.host import Host
    from bedrock_auth.providers._api import Fault

_IDENTITY_ID = re.compile(r"[\w-]{1,18}:[0-9a-f-]{1,36}", re.ASCII)
_REFUSED, _UNKNOWN = "NotAuthorizedException", "ResourceNotFoundException"
UNKNOWN_OR_REFUSED = frozenset({_REFUSED, _UNKNOWN})
"""How Cognito answers for an identity that is no longer good; also for a pool that does not exist or lets nobody in."""

_MISCONFIGURED = {
    _UNKNOWN: ("identity_pool_id", "there is no such pool in the region that identity_pool_id begins with"),
    "InvalidIdentityPoolConfigurationException": (
        "identity_pool_id",
        "give the pool roles for guests and logins that trust cognito-identity.amazonaws.com with this pool as aud",
    ),
    "InvalidParameterException": ("", "check role_arn, account_id and the names in logins"),
}
_NO_CLASSIC_FLOW = "flow", "allow the basic (classic) flow in the pool's settings, or leave flow at 'enhanced'"


@frozen
class IdentityPool:
    """An identity pool, as one provider asks it for one identity."""

    host: Host
    pool_id: str
    account_id: str | None
    asker: str
    """Name of the provider, for messages."""
    tokens: Mapping[str, str] = field(repr=False)
    """Login token by provider name; none for a guest."""
    refusal_hint: str
    """What may be done about a refusal."""

    @property
    def region(self) -> str:
        """The part of the id before the colon."""
        return self.pool_id.partition(":")[0]

    def new_identity(self) -> str:
        """The id of the identity that these logins have, or of a new guest."""
        answer = self._ask("get_id", {"IdentityPoolId": self.pool_id, "AccountId": self.account_id})
        identity = answer.get("IdentityId")
        if not isinstance(identity, str) or not _IDENTITY_ID.fullmatch(identity):
            raise self._api.unreadable("no identity id")
        return identity

    def credentials(self, identity: str, role_arn: str | None) -> Credentials:
        """The identity's keys, of a role that the pool chooses unless one of several is named."""
        answer = self._ask("get_credentials_for_identity", {"IdentityId": identity, "CustomRoleArn": role_arn})
        issued = answer.get("Credentials")
        if not isinstance(issued, Mapping) or not issued.get("SessionToken") or not issued.get("Expiration"):
            raise self._api.unreadable("no usable key, session token and expiration")
        return Credentials.from_answer({**issued, "SecretAccessKey": issued.get("SecretKey")}, source=self.asker)

    def open_id_token(self, identity: str) -> str:
        """A token that STS takes for the identity."""
        token = self._ask("get_open_id_token", {"IdentityId": identity}).get("Token")
        if not isinstance(token, str) or not token:
            raise self._api.unreadable("no token")
        return token

    @property
    def _api(self) -> Api:
        return Api(self.host, "cognito-identity", "Cognito", self.region, self.asker)

    def _ask(self, operation: str, request: Mapping[str, str | None]) -> Mapping[str, Any]:
        given = {name: value for name, value in {**request, "Logins": self.tokens}.items() if value}
        secrets = [*self.tokens.values(), request.get("IdentityId") or ""]  # a guest's id alone is enough to get its keys
        return self._api.ask(operation, given, self._meaning, secrets=secrets)

    def _meaning(self, fault: Fault) -> CredentialError:
        code, text = fault.code, f"{self.asker}: {fault.said}"
        if code == _REFUSED:
            return DeniedError(f"{text}; {self.refusal_hint}", provider=self.asker, code=code)
        if code == "ResourceConflictException":
            fix = "one of the logins belongs to another identity of the pool"
            return DeniedError(f"{text}; {fix}", provider=self.asker, code=code)
        if code in _MISCONFIGURED:
            setting, fix = _NO_CLASSIC_FLOW if "classic" in fault.said.lower() else _MISCONFIGURED[code]
            return ConfigurationError(f"{text}; {fix}", provider=self.asker, code=code, setting=setting)
        return self._api.failed(fault)
