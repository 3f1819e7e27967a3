"""`ExpectedAccount`: a provider whose keys are used only if they belong to the right account.

Each fetch asks AWS whose keys they are (``sts:GetCallerIdentity``, which needs no permission) before anything else is signed
with them. What the source itself says about the account is not taken on trust.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from bedrock_auth.contracts import CredentialProvider, Traits, is_provider, traits
from bedrock_auth.errors import ConfigurationError
from bedrock_auth.host import Host
from bedrock_auth.providers._base import fetch
from bedrock_auth.providers._settings import wrong
from bedrock_auth.providers._sts import CALL_TIMEOUT, Sts
from bedrock_auth.providers._wrapper import Wrapper

if TYPE_CHECKING:
    from bedrock_auth.credentials import Credentials

_KIND = "expected_account"
_DEFAULT_REGION = "us-east-1"
_ACCOUNT_ID = re.compile(r"\d{12}", re.ASCII)


def _provider(value: CredentialProvider) -> CredentialProvider:
    if is_provider(value):
        return value
    raise wrong(_KIND, "provider", "must have a name and retrieve()")


def _account_id(value: str) -> str:
    if isinstance(value, str) and _ACCOUNT_ID.fullmatch(value):
        return value
    raise wrong(_KIND, _KIND, "must be an account's twelve digits, as text")


@frozen
class ExpectedAccount(Wrapper):
    """Another provider's keys, refused unless they belong to this account. Name and traits are the other provider's.

    Args:
        provider: where the keys come from.
        account_id: twelve digits, as text.
        sts_region: whose STS to ask; keys are known in the regions of their own partition only. By default the provider's
            hint, the environment's region or us-east-1.

    Raises:
        ConfigurationError: one of these is not usable.
    """

    provider: CredentialProvider = field(converter=_provider)
    account_id: str = field(converter=_account_id)
    sts_region: str | None = field(default=None, kw_only=True)
    host: Host = field(kw_only=True, repr=False)

    @host.default
    def _host_of_the_provider(self) -> Host:
        return getattr(self.provider, "host", None) or Host.system()

    @property
    def name(self) -> str:
        """The provider's."""
        return self.provider.name

    @property
    def _traits(self) -> Traits:
        return traits(self.provider)

    @property
    def timeout(self) -> float:
        """Seconds: the provider's and those of the question."""
        return self._traits.timeout + CALL_TIMEOUT

    def retrieve(self) -> Credentials:
        """Fetch the provider's keys and ask AWS whose they are.

        Raises:
            ConfigurationError: they belong to another account.
            RetrievalError: AWS cannot be asked, or does not know the keys.
            CredentialError: the provider's own.
        """
        credentials = fetch(self.provider, asker=self.name, now=self.host.clock())
        found = self._account_of(credentials)
        if found != self.account_id:
            msg = (
                f"{self.name}: its keys belong to account {found}, but {_KIND} is {self.account_id}; nothing is signed with them"
            )
            raise ConfigurationError(msg, provider=self.name, setting=_KIND)
        return evolve(credentials, account_id=found)

    def _account_of(self, credentials: Credentials) -> str:
        region = self.sts_region or self.region_name or self.host.region() or _DEFAULT_REGION
        sts = Sts(self.host, region, self.name)
        return sts.account(sts.ask("get_caller_identity", {}, credentials))

    def invalidate(self, access_key_id: str) -> None:
        """Tell the provider, where it wants to know."""
        forget = getattr(self.provider, "invalidate", None)
        if forget is not None:
            forget(access_key_id)
