"""`FromSource`: a source that already keeps a current set, such as a `Refresher`, as a provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from bedrock_auth.contracts import CredentialSource, Traits, is_source, traits
from bedrock_auth.host import Host
from bedrock_auth.providers._settings import wrong
from bedrock_auth.providers._wrapper import Wrapper

if TYPE_CHECKING:
    from bedrock_auth.credentials import Credentials

_KIND = "source"
REVALIDATE_AFTER = 60.0
"""Seconds: a source without a provider to ask may swap keys that have no expiration at any time."""


def _source(value: CredentialSource) -> CredentialSource:
    if is_source(value):
        return value
    raise wrong(_KIND, "source", "must have current() and invalidate(access_key_id)")


@frozen
class FromSource(Wrapper):
    """Each fetch takes the set that the source has at that moment; the traits are those of the source's provider.

    Args:
        source: any `CredentialSource`; two of these are equal where the source is the same.

    Raises:
        ConfigurationError: it is no source.
    """

    source: CredentialSource = field(converter=_source)
    host: Host = field(kw_only=True, repr=False)

    @host.default
    def _host_of_the_source(self) -> Host:
        return getattr(self.source, "host", None) or Host.system()

    @property
    def name(self) -> str:
        """The source's own, where it has one."""
        return str(getattr(self.source, "name", "") or f"{_KIND} {type(self.source).__name__}")

    @property
    def _traits(self) -> Traits:
        provider = getattr(self.source, "provider", None)
        return traits(self.source if provider is None else provider)

    @property
    def revalidate_after(self) -> float | None:
        """As the source's provider says; a minute where there is none to say it."""
        if self._traits.revalidate_after is None and getattr(self.source, "provider", None) is None:
            return REVALIDATE_AFTER
        return self._traits.revalidate_after

    def retrieve(self) -> Credentials:
        """The source's current set.

        Raises:
            CredentialError: the source has none, or one that has expired, which it may still serve itself.
        """
        return self.source.current().unexpired(self.host.clock())

    def invalidate(self, access_key_id: str) -> None:
        """Tell the source that AWS refused the key."""
        self.source.invalidate(access_key_id)
