"""`Environment`: keys from environment variables, by AWS's names, read anew at every fetch.

================================================  =============================================================
``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``  both or neither
``AWS_SESSION_TOKEN``                             for temporary keys; ``AWS_SECURITY_TOKEN`` is its old name
``AWS_CREDENTIAL_EXPIRATION``                     ISO 8601 with ``Z`` or an offset
``AWS_ACCOUNT_ID``                                the account that the keys belong to
================================================  =============================================================

Blank counts as unset and surrounding white space is dropped, as in AWS's SDKs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from bedrock_auth.credentials import Credentials, parse_expiration
from bedrock_auth.errors import ConfigurationError, NotConfiguredError
from bedrock_auth.host import Host
from bedrock_auth.providers._settings import wrong

if TYPE_CHECKING:
    from datetime import datetime

_KIND = "environment"
_KEY_ID, _SECRET = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
_TOKEN, _OLD_TOKEN = "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"
_EXPIRATION = "AWS_CREDENTIAL_EXPIRATION"


@frozen
class Environment:
    """The keys in the environment, whatever they are at the moment of the fetch."""

    host: Host = field(factory=Host.system, kw_only=True, repr=False)

    @property
    def name(self) -> str:
        """``environment``."""
        return _KIND

    def retrieve(self) -> Credentials:
        """Read the variables.

        Raises:
            NotConfiguredError: neither of the two keys is set.
            ConfigurationError: one of the two is missing, or a variable cannot be what it should be.
            CredentialsExpiredError: the keys say that they have expired.
        """
        key_id, secret = self._pair()
        token = _TOKEN if self.host.setting(_TOKEN) else _OLD_TOKEN
        expiration = self._expiration()
        account = self.host.setting("AWS_ACCOUNT_ID")
        try:
            credentials = Credentials(key_id, secret, self.host.setting(token), expiration, account, _KIND)
        except ConfigurationError as error:
            variable = {"access_key_id": _KEY_ID, "secret_access_key": _SECRET}.get(error.setting, token)
            raise wrong(_KIND, variable, "is not one line of text; set it as AWS issued it") from None
        return credentials.unexpired(self.host.clock())

    def _pair(self) -> tuple[str, str]:
        key_id, secret = self.host.setting(_KEY_ID), self.host.setting(_SECRET)
        if key_id and secret:
            return key_id, secret
        if key_id or secret:
            missing, given = (_SECRET, _KEY_ID) if key_id else (_KEY_ID, _SECRET)
            raise wrong(_KIND, missing, f"is not set although {given} is; set both or neither")
        msg = f"{_KIND}: neither {_KEY_ID} nor {_SECRET} is set"
        raise NotConfiguredError(msg, provider=_KIND)

    def _expiration(self) -> datetime | None:
        text = self.host.setting(_EXPIRATION)
        try:
            return None if text is None else parse_expiration(text)
        except ValueError as error:
            raise wrong(_KIND, _EXPIRATION, f"is {error}") from None
