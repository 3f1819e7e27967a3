"""`ServiceWrapper`: what the wrappers of all services have in common: whose clients they use, and how they send."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from bedrock_auth.bedrock.errors import Call
from bedrock_auth.bedrock.retry import Attempts, RetryPolicy, attempts_of
from bedrock_auth.bedrock.transport.calls import call
from bedrock_auth.bedrock.transport.clients import CONVERSE_TIMEOUT, STREAM_TIMEOUT, checked_client, client_maker
from bedrock_auth.bedrock.transport.event_stream import TypedStream
from bedrock_auth.bedrock.transport.opened import Opened
from bedrock_auth.bedrock.transport.threads import in_thread
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from botocore.client import BaseClient
    from botocore.config import Config

    from bedrock_auth.bedrock.retry import RetryListener
    from bedrock_auth.bedrock.transport.clients import GetClient, MakesClients

S = TypeVar("S", bound=TypedStream[Any])


class ServiceWrapper:
    """Calls one service, with any boto3 session or client.

    The clients that it makes, when they are first needed, sign with SigV4 unless the session's code states another scheme (the
    environment does not decide), connect within 10 seconds and keep up to 50 connections. A stream may be silent for 10
    minutes and a whole answer take an hour. What is sent again, and what never is, `bedrock_auth.bedrock.retry` says.
    Threads and event loops may share a wrapper.
    """

    _SERVICE: ClassVar[str]
    """boto3's name of the service."""

    def __init__(  # noqa: PLR0913 - two kinds of client, and their settings
        self,
        session: MakesClients | None = None,
        *,
        client: BaseClient | None = None,
        region_name: str | None = None,
        config: Config | None = None,
        retries: int | None = None,
        listeners: Iterable[RetryListener] = (),
    ) -> None:
        """Use this session, or this client as it is.

        Args:
            session: from `bedrock_auth.create_session`, or any other boto3 session.
            client: a client of the service; its timeouts and its way of signing are the caller's choice.
            region_name: by default the session's.
            config: a ``botocore.config.Config`` that overrides the defaults above.
            retries: how often a call is sent at most, the first time included: 1 never sends again. By default what botocore's
                own settings say (``Config(retries=…)``, ``AWS_MAX_ATTEMPTS``), else 3.
            listeners: called with a `Retried` whenever a call is going to be sent again, by the thread that will send it.

        Raises:
            ConfigurationError: neither or both of session and client are given, the client is one of another service,
                ``retries`` is no such number, or there is no region.
        """
        if (session is None) == (client is None):
            msg = f"{type(self).__name__} takes a session or a client=, not {'neither' if session is None else 'both'}"
            raise ConfigurationError(msg, setting="session")
        self._listeners = tuple(listeners)
        self._retries = None if retries is None else RetryPolicy(retries).attempts
        if client is not None:
            own = self._own(client, region_name, config)
            self._client: GetClient = lambda: own
            self._stream_client = self._client
        else:
            make = partial(client_maker, session, self._SERVICE, region_name=region_name, config=config)
            self._client = make(read_timeout=CONVERSE_TIMEOUT)
            self._stream_client = make(read_timeout=STREAM_TIMEOUT)

    @classmethod
    def _own(cls, client: BaseClient, region_name: str | None, config: Config | None) -> BaseClient:
        if region_name is not None or config is not None:
            setting = "config" if region_name is None else "region_name"
            msg = f"{setting} cannot be changed for a client that exists; give it to session.client(), or pass the session"
            raise ConfigurationError(msg, setting=setting)
        return checked_client(client, cls._SERVICE)

    def _send(self, operation: str, request: Mapping[str, Any], pause: Callable[[float], object] = time.sleep) -> dict[str, Any]:
        client = self._client_for(operation)
        return Attempts(self._policy(client), pause).run(partial(call, client, operation, request))

    def _client_for(self, _operation: str) -> BaseClient:
        """The client for an answer that comes in one piece."""
        return self._client()

    async def _asend(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """`_send` in a thread of its own and in a copy of the caller's context; cancelling returns at once."""
        return await in_thread(partial(self._send, operation, request))

    def _open(self, stream: S, operation: str, member: str, request: Mapping[str, Any]) -> S:
        client = self._stream_client()
        about = Call(operation, region_name=client.meta.region_name)

        def connect() -> Opened:
            return Opened.of(call(client, operation, request), about, member)

        return stream.open(connect, self._policy(client))

    def _policy(self, client: BaseClient) -> RetryPolicy:
        return RetryPolicy(self._retries or attempts_of(client.meta.config), self._listeners)
