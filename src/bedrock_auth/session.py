"""`create_session`: a provider becomes an ordinary `boto3.Session`; `whoami`: who signs with a session.

The identity is the provider's, always. No environment variable, profile or bearer token changes who signs. Everything else
— region, endpoints, retries, proxies, certificates — works as in boto3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from bedrock_auth.audit import Listeners
from bedrock_auth.contracts import CredentialProvider, CredentialSource, is_source, traits
from bedrock_auth.errors import ConfigurationError
from bedrock_auth.host import Host
from bedrock_auth.policy import RefreshPolicy
from bedrock_auth.pool import shared
from bedrock_auth.providers.default import Default
from bedrock_auth.providers.expected_account import ExpectedAccount
from bedrock_auth.providers.from_callable import provider_of
from bedrock_auth.providers.from_source import FromSource
from bedrock_auth.redaction import redact
from bedrock_auth.scope import RequestScope
from bedrock_auth.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from typing import Literal

    import boto3
    from botocore.config import Config

    from bedrock_auth.audit import Listener

DEFAULT = Default()
SIGV4: Final = "sigv4"
BEARER: Final = "bearer"
CONNECT_TIMEOUT, READ_TIMEOUT = 5, 20
"""Seconds."""


def create_session(  # noqa: PLR0913 - one setting each, all of them optional
    provider: CredentialProvider | CredentialSource | RequestScope | Settings | Callable[[], Any] | None = DEFAULT,
    *,
    region_name: str | None = None,
    policy: RefreshPolicy | None = None,
    auth: Literal["sigv4", "bearer"] = SIGV4,
    expected_account: str | None = None,
    listeners: Iterable[Listener] = (),
) -> boto3.Session:
    """A real ``boto3.Session`` whose clients all sign as this provider, with keys that are always current.

    Nothing is fetched before the first request. Sessions from equal providers share one set of keys and one refresh.

    Args:
        provider: a provider, a source such as a `Refresher`, a `RequestScope` where each call has a caller of its own (the first
            session that is made of a scope is the one that `Caller.client` uses), a `Settings`, or a function that returns
            credentials; by default AWS's own order of sources, `Default`. ``None`` is refused: nothing falls back silently.
        region_name: by default the provider's hint, ``AWS_REGION``, ``AWS_DEFAULT_REGION``, then the profile's.
        policy: refresh policy; not for a source or a scope, which have their own.
        auth: ``"bearer"`` calls Bedrock's runtime and control plane with short-term API keys that are made of the provider's
            credentials, see `bedrock_auth.api_key`; all other services, agents and knowledge bases among them, take only
            SigV4, and get it from the same credentials. A client's own ``config=`` may state another scheme.
        expected_account: twelve digits; keys of any other account are refused before anything is signed with them. Costs
            one ``sts:GetCallerIdentity`` per fetched set, which needs no permission.
        listeners: called with each audit event of this session's keys; not for a scope, which has its own.

    Raises:
        ConfigurationError: something among these is not usable; nothing falls back silently.
    """
    if auth not in (SIGV4, BEARER):
        msg = f"auth must be 'sigv4' or 'bearer', not {auth!r}"
        raise ConfigurationError(msg, setting="auth")
    if isinstance(provider, Settings):
        region_name = region_name or provider.region_name
        provider = provider.provider
    import boto3  # noqa: PLC0415 - only whoever makes a session pays for boto3

    from bedrock_auth.aws import new_botocore_session  # noqa: PLC0415 - the same
    from bedrock_auth.bound_clients import bound  # noqa: PLC0415 - the same
    from bedrock_auth.bridge import connect, connect_scope  # noqa: PLC0415 - the same

    inner = new_botocore_session()
    region = region_name or region_of(provider) or inner.get_config_variable("region")
    region = region or inner.get_scoped_config().get("region")  # an empty AWS_DEFAULT_REGION would hide it from botocore
    session = boto3.Session(botocore_session=inner, region_name=region)
    if isinstance(provider, RequestScope):
        bearer = auth if auth == BEARER else None
        _refuse_for_scope(auth=bearer, policy=policy, expected_account=expected_account, listeners=tuple(listeners) or None)
        connect_scope(inner, provider)
        provider.clients.come_from(session, bound)
    else:
        source = source_of(provider, policy, expected_account, region)
        connect(inner, source, _subscribe(source, tuple(listeners)), with_api_keys=auth == BEARER)
    return session


def _refuse_for_scope(**settings: object) -> None:
    for setting, value in settings.items():
        if value is not None:
            msg = f"{setting} cannot be set for the session of a RequestScope, whose callers differ"
            raise ConfigurationError(msg + _INSTEAD.get(setting, f": give it to RequestScope({setting}=…)"), setting=setting)


_INSTEAD = {"expected_account": "", "auth": " and sign with SigV4"}


def source_of(
    provider: object, policy: RefreshPolicy | None, expected_account: str | None, region_name: str | None
) -> CredentialSource:
    """The source to sign with: a source as it is, else the shared Refresher of the provider.

    Raises:
        ConfigurationError: it is neither provider, source nor function, or a source was given a policy.
    """
    if is_source(provider):
        if policy is not None:
            msg = "policy cannot be set for a source: give it to the Refresher, or pass the provider itself"
            raise ConfigurationError(msg, setting="policy")
        if expected_account is None:
            return provider
        provider = FromSource(provider)
    made = provider_of(provider)
    if expected_account is not None:
        made = ExpectedAccount(made, expected_account, sts_region=region_name)
    return shared.refresher(made, policy or RefreshPolicy())


def _subscribe(source: CredentialSource, listeners: tuple[Listener, ...]) -> Listeners | None:
    if not listeners:
        return None
    subscribe = getattr(source, "subscribe", None)
    if subscribe is None:
        msg = f"listeners cannot be told anything by {type(source).__name__}: it has no subscribe()"
        raise ConfigurationError(msg, setting="listeners")
    heard = Listeners(listeners)
    subscribe(heard)
    return heard


def region_of(provider: object) -> str | None:
    """The region that a provider, a source's provider or the environment names."""
    return traits(getattr(provider, "provider", provider)).region_name or Host.system().region()


@frozen
class Identity:
    """Who signs with a session."""

    arn: str
    account: str
    user_id: str
    source: str
    """The provider's name; botocore's method for sessions that are not ours."""
    expiration: datetime | None
    """When the current keys expire, aware UTC; ``None`` where they do not."""


def whoami(session: boto3.Session) -> Identity:
    """Ask AWS who signs with this session (``sts:GetCallerIdentity``; it needs no permission).

    Asks at most twice, each time waiting 5 seconds for a connection and 20 for an answer.

    Raises:
        ConfigurationError: the session has no credentials, or its endpoint for STS is no address.
        botocore.exceptions.ClientError: AWS refused the keys.
    """
    credentials: Any = session.get_credentials()
    if credentials is None:
        msg = "the session has no credentials; make it with create_session(provider)"
        raise ConfigurationError(msg, setting="session")
    answer = client_of(session, "sts", session.region_name or "us-east-1").get_caller_identity()
    source: Any = getattr(credentials, "source", None)
    name = str(credentials.method) if source is None else getattr(source, "name", "") or source.current().source
    expiration = getattr(credentials, "_expiry_time", None)
    return Identity(answer["Arn"], answer["Account"], answer["UserId"], name, expiration)


def client_config(read_timeout: int = READ_TIMEOUT) -> Config:
    """For a client whose answer somebody waits for: two attempts, each within these seconds."""
    from botocore.config import Config  # noqa: PLC0415 - importing bedrock_auth must not load botocore

    retries: Any = {"mode": "standard", "total_max_attempts": 2}
    return Config(connect_timeout=CONNECT_TIMEOUT, read_timeout=read_timeout, retries=retries)


def client_of(session: boto3.Session, service: str, region_name: str) -> Any:
    """A client of this session that gives up soon, see `client_config`.

    Raises:
        ConfigurationError: none can be made, such as for an endpoint that is no address.
        botocore.exceptions.BotoCoreError: what botocore says of other settings.
    """
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - the same

    client: Any = session.client  # its overloads know names of services, not text
    try:
        return client(service, region_name=region_name, config=client_config())
    except BotoCoreError:
        raise
    except ValueError as error:  # the one that botocore has for an endpoint
        raise ConfigurationError(redact(f"no {service} client can be made: {error}"), setting="endpoint_url") from None
