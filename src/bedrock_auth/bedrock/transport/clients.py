"""The clients that the wrappers make, when they are first needed, and whether one that the caller made will do.

Making a client takes from 2 to 100 milliseconds, so clients are remembered for each session: by service, region and settings.
A session is not kept alive by that. A forked child makes its own, because connections cannot be shared with the parent.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from weakref import WeakKeyDictionary, WeakSet

from botocore.config import Config
from botocore.exceptions import BotoCoreError, NoRegionError
from botocore.utils import validate_region_name

from bedrock_auth.bedrock.transport.calls import prepare
from bedrock_auth.errors import BedrockAuthError, ConfigurationError

if TYPE_CHECKING:
    from botocore.client import BaseClient

SERVICE = "bedrock-runtime"
CONVERSE_TIMEOUT = 3600
"""Seconds that a whole answer may take: AWS's own figure for the slowest models."""
STREAM_TIMEOUT = 600
"""Seconds that a stream may be silent: models that think without showing it are, for minutes."""

GetClient: TypeAlias = "Callable[[], BaseClient]"


class MakesClients(Protocol):
    """A boto3 session, or what makes clients as one does, such as a `Caller`."""

    @property
    def client(self) -> Callable[..., Any]:
        """boto3's ``client(service_name, region_name=…, config=…)``."""


class Clients:
    """Clients by the settings that they were made with; threads may share it."""

    def __init__(self) -> None:
        """Begin with none."""
        self._made: dict[Any, BaseClient] = {}
        self._making = threading.Lock()  # boto3's sessions make one client at a time
        _all.add(self)

    def get(self, key: object, make: GetClient) -> BaseClient:
        """The client of this key; made now if there is none."""
        client = self._made.get(key)
        if client is None:
            with self._making:
                client = self._made.get(key)
                if client is None:
                    client = self._made[key] = make()
        return client

    def forget(self) -> None:
        """Begin again in a forked child."""
        self._made = {}
        self._making = threading.Lock()


_all: WeakSet[Clients] = WeakSet()
_known: WeakKeyDictionary[Any, Clients] = WeakKeyDictionary()
_knowing = threading.Lock()


def _after_fork() -> None:
    global _knowing  # noqa: PLW0603 - the parent's may be locked for ever
    _knowing = threading.Lock()
    for clients in _all:
        clients.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def clients_of(session: Any) -> Clients:
    """Those of all users of a boto3 session. Any other object remembers its clients itself, and is asked once by each user."""
    import boto3  # noqa: PLC0415 - whoever has a session has loaded it

    if not isinstance(session, boto3.Session):
        return Clients()
    with _knowing:
        return _known.setdefault(session, Clients())


def client_maker(session: Any, service: str, *, region_name: str | None, config: Config | None, read_timeout: float) -> GetClient:
    """A function that returns the client of a session for a service, with the wrappers' defaults, which ``config`` overrides.

    The client is made when the function is called first.

    Raises:
        ConfigurationError: now, where the session is none, or no region is set or it cannot be one; later, where no client can be
            made of these settings.
    """
    _check(session, service, region_name)
    wanted = _defaults(session, read_timeout, config)
    clients, key = clients_of(session), (service, region_name, _value(vars(wanted)))

    def make() -> BaseClient:
        return _make(session, service, region_name, wanted)

    return lambda: clients.get(key, make)


def _check(session: Any, service: str, region_name: str | None) -> None:
    if not callable(getattr(session, "client", None)):
        msg = (
            f"session must be a boto3 session, not {type(session).__name__}; "
            "create_session(provider) makes one, and a client is passed as client="
        )
        raise ConfigurationError(msg, setting="session")
    try:
        region: Any = region_name or getattr(session, "region_name", "")
        validate_region_name(region or None)  # type: ignore[arg-type]  # it takes None
    except BotoCoreError as error:
        raise _impossible(service, error) from error
    if region is None:
        raise _no_region()


def _no_region() -> ConfigurationError:
    msg = "no region is set: pass region_name= here or to the session, or set AWS_DEFAULT_REGION or the profile's region"
    return ConfigurationError(msg, setting="region_name")


def _impossible(service: str, error: Exception) -> ConfigurationError:
    return ConfigurationError(f"no {service} client can be made: {error}", setting="session")


def _make(session: Any, service: str, region_name: str | None, config: Config) -> BaseClient:
    try:
        client: BaseClient = session.client(service, region_name=region_name, config=config)
    except BedrockAuthError:
        raise
    except NoRegionError:
        raise _no_region() from None
    except (BotoCoreError, ValueError) as error:
        raise _impossible(service, error) from error
    prepare(client)
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
    if inner is None:
        return False
    config = inner.get_default_client_config()
    stated = config is not None and bool(config.auth_scheme_preference or config.signature_version)
    return stated or getattr(inner.get_component("token_provider"), "signs_by_default", False)  # create_session(auth="bearer")


def _value(setting: Any) -> Any:
    """A setting as something that equal settings have equal."""
    if isinstance(setting, Mapping):
        return tuple(sorted((name, _value(value)) for name, value in setting.items()))
    return tuple(map(_value, setting)) if isinstance(setting, list | tuple) else setting


def checked_client(client: Any, service: str = SERVICE) -> BaseClient:
    """The caller's own client, where it is one for this service; made ready for typed calls.

    Raises:
        ConfigurationError: it is a client of another service, or no client.
    """
    model = getattr(getattr(client, "meta", None), "service_model", None)
    found = getattr(model, "service_name", None)
    if found != service:
        what = f"a client of {found}" if isinstance(found, str) else type(client).__name__
        msg = f"client must be one of {service}, not {what}; make it with session.client({service!r})"
        raise ConfigurationError(msg, setting="client")
    prepare(client)
    return client  # type: ignore[no-any-return]  # it was looked at
