"""`Default`: where AWS's SDKs look for credentials, in their order, as one chain.

1. `Environment` - ``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``
2. `WebIdentityFromEnvironment` - ``AWS_WEB_IDENTITY_TOKEN_FILE`` and ``AWS_ROLE_ARN``, as EKS sets them
3. `Profile` - the shared config and credentials files: role, IAM Identity Center, keys, login, process
4. `Container` - the endpoint of ECS, Fargate and EKS Pod Identity
5. `InstanceMetadata` - the role of an EC2 instance

The order is that of the AWS SDKs and Tools Reference Guide ("Standardized credential providers"). botocore asks for a
profile's role before the web identity; here the identity that the platform gave to the workload comes first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from bedrock_auth.contracts import SHAREABLE, Traits, traits
from bedrock_auth.host import Host
from bedrock_auth.providers._wrapper import Wrapper
from bedrock_auth.providers.chain import Chain
from bedrock_auth.providers.container import Container
from bedrock_auth.providers.environment import Environment
from bedrock_auth.providers.instance_metadata import InstanceMetadata
from bedrock_auth.providers.profile import Profile
from bedrock_auth.providers.web_identity import WebIdentityFromEnvironment

if TYPE_CHECKING:
    from bedrock_auth.contracts import CredentialProvider
    from bedrock_auth.credentials import Credentials

ORDER = (Environment, WebIdentityFromEnvironment, Profile, Container, InstanceMetadata)


@frozen
class Default(Wrapper):
    """AWS's own order of sources; the rules are those of `Chain`."""

    host: Host = field(factory=Host.system, kw_only=True, repr=False)
    chain: Chain = field(init=False, eq=False, repr=False, metadata=SHAREABLE)
    """The sources in order."""

    @chain.default
    def _chain(self) -> Chain:
        return Chain(*(kind(host=self.host) for kind in ORDER), host=self.host)

    @property
    def name(self) -> str:
        """``default chain``."""
        return "default chain"

    @property
    def winner(self) -> CredentialProvider | None:
        """The source that delivered first; ``None`` before."""
        return self.chain.winner

    @property
    def _traits(self) -> Traits:
        return traits(self.chain)

    def retrieve(self) -> Credentials:
        """Ask the winner, or the sources in order until one is it.

        Raises:
            ChainError: none of them is set up here.
            CredentialError: the first that is set up failed; or the winner did.
        """
        return self.chain.retrieve()

    def invalidate(self, access_key_id: str) -> None:
        """Tell the winner that AWS refused the key."""
        self.chain.invalidate(access_key_id)
