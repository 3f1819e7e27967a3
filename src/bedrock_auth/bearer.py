"""`bearer_token`: a provider becomes a short-term Bedrock API key that renews itself, for clients that take such keys.

For boto3 there is ``create_session(provider, auth="bearer")``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bedrock_auth.api_key import LONGEST_LIFETIME, BearerToken
from bedrock_auth.errors import ConfigurationError
from bedrock_auth.scope import RequestScope
from bedrock_auth.session import DEFAULT, region_of, source_of
from bedrock_auth.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from bedrock_auth.contracts import CredentialProvider, CredentialSource
    from bedrock_auth.policy import RefreshPolicy


def bearer_token(
    provider: CredentialProvider | CredentialSource | Settings | Callable[[], Any] | None = DEFAULT,
    region_name: str | None = None,
    *,
    lifetime: float | timedelta = LONGEST_LIFETIME,
    policy: RefreshPolicy | None = None,
    expected_account: str | None = None,
) -> BearerToken:
    """A short-term Bedrock API key of this provider's identity, current whenever it is asked for.

    Nothing is fetched before the first call. Tokens and sessions of equal providers share one set of credentials. The key is
    valid in one region, for Bedrock's runtime and control plane, not for agents and knowledge bases, and the identity needs
    ``bedrock:CallWithBearerToken``.

    Args:
        provider: a provider, a source such as a `Refresher`, a `Settings`, or a function that returns credentials; by default
            AWS's own order of sources, `Default`. ``None`` is refused, and so is a `RequestScope`, whose callers differ.
        region_name: by default the settings', the provider's hint, ``AWS_REGION``, ``AWS_DEFAULT_REGION``, then the profile's.
        lifetime: seconds or ``timedelta`` that a key lives at most, 1 second to 12 hours; no key outlives its credentials.
        policy: refresh policy of the credentials; not for a source, which has its own.
        expected_account: twelve digits; credentials of any other account are refused before a key is made of them.

    Raises:
        ConfigurationError: something among these is not usable, or no region is known.
    """
    if isinstance(provider, RequestScope):
        msg = "a bearer token is one identity's, and the callers of a RequestScope differ: make one of a caller's provider"
        raise ConfigurationError(msg, setting="provider")
    if isinstance(provider, Settings):
        region_name = region_name or provider.region_name
        provider = provider.provider
    region = region_name or region_of(provider) or _region_of_profile()
    if region is None:
        msg = "no region is set, and a Bedrock API key is valid in one only: pass region_name=, or set AWS_REGION"
        raise ConfigurationError(msg, setting="region_name")
    return BearerToken(source_of(provider, policy, expected_account, region), region, lifetime)


def _region_of_profile() -> str | None:
    from bedrock_auth.aws import new_botocore_session  # noqa: PLC0415 - only where nothing else names a region

    region: str | None = new_botocore_session().get_config_variable("region")
    return region
