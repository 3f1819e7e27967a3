"""`Chain`: several sources in order; the first that is set up here is the one.

- Only `NotConfiguredError` lets a chain go on: "not here". Any other error of a source means that it is set up and cannot
  deliver; the chain stops with that error, because the next source would be somebody else.
- The source that delivered first stays: later fetches ask it alone. The chain never falls back to another identity because
  its own is failing for the moment. (The winner is remembered by the host, for every chain with equal sources; one whose
  sources hold secrets or functions remembers it for itself alone.)
- Where no source is set up, `ChainError` tells of each one why not, one line each, and has them as ``attempts``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.audit import Skipped, note
from bedrock_auth.contracts import (
    SHAREABLE,
    CredentialProvider,
    CredentialSource,
    Traits,
    is_provider,
    is_shareable,
    is_source,
    traits,
)
from bedrock_auth.errors import ChainError, CredentialError, NotConfiguredError, RetrievalError
from bedrock_auth.host import Host
from bedrock_auth.providers._base import fetch
from bedrock_auth.providers._settings import wrong
from bedrock_auth.providers._wrapper import Wrapper
from bedrock_auth.providers.from_callable import FromCallable
from bedrock_auth.providers.from_source import FromSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bedrock_auth.credentials import Credentials

_KIND = "chain"


def _link(value: object) -> CredentialProvider:
    if isinstance(value, type):
        raise wrong(_KIND, "providers", f"holds the class {value.__name__}; pass an instance of it")
    if is_source(value):
        return FromSource(value)
    if is_provider(value):
        return value
    if callable(value):
        return FromCallable(value)
    raise wrong(_KIND, "providers", f"holds {type(value).__name__}, which is no credential provider, source or function")


def _links(values: Iterable[object]) -> tuple[CredentialProvider, ...]:
    links = tuple(_link(value) for value in values)
    if not links:
        raise wrong(_KIND, "providers", "is empty; name at least one source")
    return links


@frozen(init=False)
class Chain(Wrapper):
    """The first of these sources that is set up here.

    Args:
        links: providers, sources or functions, in the order in which they are asked.
        providers: the same as a sequence.

    Raises:
        ConfigurationError: there are none, or one of them is none of these.
    """

    providers: tuple[CredentialProvider, ...] = field(converter=_links)
    host: Host = field(repr=False)
    _own: list[CredentialProvider] = field(factory=list, init=False, eq=False, repr=False, metadata=SHAREABLE)
    """The winner, where the host must not keep it."""

    def __init__(
        self,
        *links: CredentialProvider | CredentialSource | Callable[[], Any],
        providers: Sequence[CredentialProvider | CredentialSource | Callable[[], Any]] = (),
        host: Host | None = None,
    ) -> None:
        """Take the sources one by one, or as a sequence."""
        self.__attrs_init__((*links, *providers), host or Host.system())

    @property
    def name(self) -> str:
        """``chain of`` and the names of its sources."""
        return f"{_KIND} of {', '.join(link.name for link in self.providers)}"

    @property
    def winner(self) -> CredentialProvider | None:
        """The source that delivered first; ``None`` before."""
        if not self._is_shared:
            return self._own[0] if self._own else None
        found: CredentialProvider | None = self.host.recall(self._key)
        return found

    @property
    def _key(self) -> tuple[str, object]:
        return (_KIND, self.providers)

    @property
    def _is_shared(self) -> bool:
        """Whether equal chains share a winner: not where the memory would keep a secret or a user's provider has no hash."""
        try:
            hash(self.providers)
        except TypeError:
            return False
        return is_shareable(self.providers)

    def _remember(self, winner: CredentialProvider) -> None:
        if self._is_shared:
            self.host.keep(self._key, winner)
        else:
            self._own[:] = [winner]

    @property
    def _traits(self) -> Traits:
        """The winner's; before there is one, what any of them may need."""
        if self.winner is not None:
            return traits(self.winner)
        said = [traits(link) for link in self.providers]
        return Traits(
            timeout=sum(one.timeout for one in said),
            interactive=any(one.interactive for one in said),
            region_name=next((one.region_name for one in said if one.region_name), None),
        )

    def retrieve(self) -> Credentials:
        """Ask the winner, or the sources in order until one is it.

        Raises:
            ChainError: none of them is set up here.
            CredentialError: the first that is set up failed; or the winner did.
        """
        winner = self.winner
        return self._search() if winner is None else self._from_winner(winner)

    def _from_winner(self, winner: CredentialProvider) -> Credentials:
        try:
            return fetch(winner, asker=winner.name, now=self.host.clock())
        except NotConfiguredError as error:
            msg = f"{winner.name} had delivered and is no longer set up: {error.message}"
            raise RetrievalError(msg, provider=winner.name, code=error.code) from error

    def _search(self) -> Credentials:
        attempts: list[tuple[str, CredentialError]] = []
        for link in self.providers:
            try:
                credentials = fetch(link, asker=link.name, now=self.host.clock())
            except NotConfiguredError as error:
                attempts.append((link.name, error.with_traceback(None)))  # which would keep this chain alive
                note(Skipped(provider=link.name, at=self.host.clock(), reason=error.message))
            except ChainError as error:  # a chain inside this one, with nothing set up
                attempts += error.attempts
            else:
                self._remember(link)
                return credentials
        raise self._nothing(attempts)

    def _nothing(self, attempts: list[tuple[str, CredentialError]]) -> ChainError:
        lines = "".join(
            f"\n- {error.message if name in error.message else f'{name}: {error.message}'}" for name, error in attempts
        )
        msg = f"no source of credentials is set up here; set up one of them:{lines}"
        return ChainError(msg, provider=self.name, attempts=tuple(attempts))

    def invalidate(self, access_key_id: str) -> None:
        """Tell the winner that AWS refused the key."""
        forget = getattr(self.winner, "invalidate", None)
        if forget is not None:
            forget(access_key_id)
