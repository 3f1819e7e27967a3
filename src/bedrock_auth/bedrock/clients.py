"""The ``bedrock-runtime`` clients that the wrappers make, and whether one that the caller made will do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, NoRegionError

from bedrock_auth.errors import BedrockAuthError, ConfigurationError

if TYPE_CHECKING:
    from botocore.client import BaseClient

SERVICE = "bedrock-runtime"
CONVERSE_TIMEOUT = 3600
"""Seconds that a whole answer may take: AWS's own figure for the slowest models."""
STREAM_TIMEOUT = 600
"""Seconds that a stream may be silent: models that think without showing it are, for minutes."""


def runtime_client(session: Any, *, region_name: str | None, config: Config | None, read_timeout: float) -> BaseClient:
    """A client with the defaults of `BedrockRuntime`, each of which ``config`` overrides.

    Raises:
        ConfigurationError: the session is none, there is no region, or no client can be made of these settings.
    """
    if not callable(getattr(session, "client", None)):
        msg = (
            f"session must be a boto3 session, not {type(session).__name__}; "
            "create_session(provider) makes one, and a client is passed as client="
        )
        raise ConfigurationError(msg, setting="session")
    wanted = _defaults(session, read_timeout, config)
    try:
        client: BaseClient = session.client(SERVICE, region_name=region_name, config=wanted)
    except BedrockAuthError:
        raise
    except NoRegionError:
        msg = "no region is set: pass region_name= here or to the session, or set AWS_DEFAULT_REGION or the profile's region"
        raise ConfigurationError(msg, setting="region_name") from None
    except (BotoCoreError, ValueError) as error:
        msg = f"no {SERVICE} client can be made: {error}"
        raise ConfigurationError(msg, setting="session") from error
    return client


def _defaults(session: Any, read_timeout: float, config: Config | None) -> Config:
    if not isinstance(config, Config | None):
        msg = f"config must be a botocore.config.Config, not {type(config).__name__}"
        raise ConfigurationError(msg, setting="config")
    defaults: dict[str, Any] = {
        "connect_timeout": 10,
        "read_timeout": read_timeout,
        "max_pool_connections": 50,
        "tcp_keepalive": True,
    }
    if not _states_scheme(session):
        defaults["auth_scheme_preference"] = "sigv4"
    retries: Any = {"mode": "standard", **(getattr(config, "retries", None) or {})}
    return Config(**defaults).merge(config or Config()).merge(Config(retries=retries))


def _states_scheme(session: Any) -> bool:
    """Whether the session's own code says how to sign; the environment has no say."""
    inner = getattr(session, "_session", None)  # boto3 has no public way to its botocore session
    config = None if inner is None else inner.get_default_client_config()
    return config is not None and bool(config.auth_scheme_preference or config.signature_version)


def checked_client(client: Any) -> BaseClient:
    """The caller's own client, where it is one for the Bedrock runtime.

    Raises:
        ConfigurationError: it is a client of another service, or no client.
    """
    model = getattr(getattr(client, "meta", None), "service_model", None)
    service = getattr(model, "service_name", None)
    if service != SERVICE:
        found = f"a client of {service}" if isinstance(service, str) else type(client).__name__
        msg = f"client must be one of {SERVICE}, not {found}; make it with session.client({SERVICE!r})"
        raise ConfigurationError(msg, setting="client")
    return client  # type: ignore[no-any-return]  # it was looked at
