"""The clients that all callers of a `bedrock_auth.scope.RequestScope` share, each made once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3
    from botocore.client import BaseClient
    from botocore.config import Config

    from bedrock_auth.caller import Caller

CLIENTS = 100
"""So many are kept: one per service, region and way of setting it up. One that is forgotten goes on working where it is used."""


class SharedClients:
    """Clients by service, region and settings, and how to make a caller's own of one."""

    def __init__(self) -> None:
        """Begin without a session."""
        self._session: boto3.Session | None = None
        self._bound: Callable[[BaseClient, Caller], BaseClient] | None = None
        self.after_fork()

    def after_fork(self) -> None:
        """Start the child with clients of its own: sockets must not be shared."""
        self._clients: LRUCache[Any, BaseClient] = LRUCache(CLIENTS)
        self._lock = threading.RLock()
        self._making = threading.RLock()

    def __len__(self) -> int:
        """How many there are now."""
        return len(self._clients)

    @property
    def region_name(self) -> str | None:
        """The session's, where there is a session."""
        return None if self._session is None else self._session.region_name

    def come_from(self, session: boto3.Session, bound: Callable[[BaseClient, Caller], BaseClient]) -> None:
        """Make clients with this session, unless there is one already; ``bound`` gives a client in a caller's own form."""
        with self._lock:
            if self._session is None:
                self._session, self._bound = session, bound

    def client(
        self, caller: Caller, service_name: str, region_name: str | None, config: Config | None, options: dict[str, Any]
    ) -> BaseClient:
        """The caller's own form of the client with these settings.

        Raises:
            ConfigurationError: there is no session yet, or it makes no such client.
        """
        if self._session is None or self._bound is None:
            msg = "the scope has no session to make clients with: call create_session(scope) once, before"
            raise ConfigurationError(msg, setting="scope")
        if stated := next((name for name in options if name.startswith("aws_")), None):
            msg = f"{stated} cannot be given to a client of a caller, who is its identity: bind the keys, scope.bind(Static(…))"
            raise ConfigurationError(msg, setting=stated)
        key = (service_name, region_name, _by_value(vars(config) if config is not None else {}), _by_value(options))
        client = self._known(key)
        if client is None:
            with self._making:  # boto3 cannot make two clients at once; those who need one that exists do not wait for that
                client = self._known(key) or self._made(key, service_name, region_name, config, options)
        return self._bound(client, caller)

    def _known(self, key: Any) -> BaseClient | None:
        with self._lock:
            return self._clients.get(key)

    def _made(self, key: Any, service_name: str, region_name: str | None, config: Config | None, options: Any) -> BaseClient:
        session: Any = self._session
        client: BaseClient = session.client(service_name, region_name=region_name, config=config, **options)
        with self._lock:
            self._clients[key] = client
        return client


def _by_value(settings: dict[str, Any]) -> str:
    """Text that is equal for equal settings; a botocore Config is equal to itself only."""
    return repr(sorted(settings.items()))
