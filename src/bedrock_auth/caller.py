"""`Caller`: whoever an API call is made for, as an object that can be closed. Made by `bedrock_auth.scope.RequestScope`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.credentials import Credentials, masked_key_id
from bedrock_auth.errors import MissingIdentityError
from bedrock_auth.host import Host
from bedrock_auth.refresh import Refresher

if TYPE_CHECKING:
    from typing import Self

    from botocore.client import BaseClient
    from botocore.config import Config

    from bedrock_auth.contracts import CredentialSource
    from bedrock_auth.scope import RequestScope


@frozen
class Given:
    """A source of the one set that somebody handed over."""

    credentials: Credentials
    host: Host = field(factory=Host.system, repr=False)

    @property
    def name(self) -> str:
        """``credentials`` and the end of the key id."""
        return f"credentials {masked_key_id(self.credentials.access_key_id)}"

    def current(self) -> Credentials:
        """The set.

        Raises:
            CredentialsExpiredError: its time is over.
        """
        return self.credentials.unexpired(self.host.clock())

    def invalidate(self, access_key_id: str) -> None:
        """Nothing changes: there is no other set."""


class Caller:
    """Whoever an API call is made for: an identity in an object, until it is closed.

    A `CredentialSource`, and a context manager that closes it. Threads may share one.
    """

    def __init__(self, scope: RequestScope, source: CredentialSource, *, private: bool, region_name: str | None) -> None:
        """See `RequestScope.bind`, which makes callers; a private source is closed with its caller."""
        self.scope = scope
        self.name: str = getattr(source, "name", "") or type(source).__name__
        self._region_name = region_name
        self._source: CredentialSource | None = source
        self._private = private
        self._generation = scope.generation

    def __repr__(self) -> str:
        return f"<{'closed ' if self.is_closed else ''}Caller {self.name}>"

    def __reduce__(self) -> Any:
        msg = f"a Caller cannot be pickled or copied ({self.name}): bind its provider again where it is needed"
        raise TypeError(msg)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def region_name(self) -> str | None:
        """The region of its clients where none is named: its own, else that of the scope's session."""
        return self._region_name or self.scope.clients.region_name

    @property
    def is_closed(self) -> bool:
        """Whether it cannot sign any more: it was closed, or this is a forked child."""
        return self._source is None or self._is_inherited

    @property
    def _is_inherited(self) -> bool:
        return self._generation is not self.scope.generation

    def current(self) -> Credentials:
        """The set to sign with right now.

        Raises:
            MissingIdentityError: the caller is closed.
            CredentialError: there is no usable set.
        """
        return self._open().current()

    def invalidate(self, access_key_id: str) -> None:
        """Say that AWS rejected the set with this key id.

        Raises:
            MissingIdentityError: the caller is closed.
        """
        self._open().invalidate(access_key_id)

    def client(
        self, service_name: str, region_name: str | None = None, *, config: Config | None = None, **options: Any
    ) -> BaseClient:
        """A boto3 client that signs as this caller, in any thread, until it is closed.

        It costs next to nothing: all callers share the client underneath.

        Args:
            service_name: such as ``bedrock-runtime``.
            region_name: by default the caller's, else the session's.
            config: as for boto3.
            options: what else boto3's ``client`` takes, such as ``endpoint_url``, but no keys.

        Raises:
            MissingIdentityError: the caller is closed.
            ConfigurationError: the scope has no session yet, or keys were given, or botocore keeps something per identity for
                this service.
        """
        self._open()
        return self.scope.clients.client(self, service_name, region_name or self.region_name, config, options)

    def close(self) -> None:
        """Never sign again, and forget the keys. Calls under way are not signed anew. More calls of this change nothing."""
        source, self._source = self._source, None
        if self._private and isinstance(source, Refresher):
            source.close()

    def _open(self) -> CredentialSource:
        source = self._source
        if source is not None and not self._is_inherited:
            return source
        why = "it was closed, or the block that opened it was left" if source is None else "it belongs to the parent process"
        msg = (
            f"the caller {self.name} cannot sign any more: {why}. Make the call inside the block, or use scope.bind() for code "
            "that outlives it"
        )
        raise MissingIdentityError(msg, provider=self.name)
