"""What a source of credentials is: two Protocols and the optional traits that a provider may declare.

A `CredentialProvider` makes one attempt to get one set. A `CredentialSource` has the set to sign with right now; the
`Refresher` turns the first into the second. Everything in between — chains, caches, sessions — is written against these.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from attrs import fields, frozen

if TYPE_CHECKING:
    from bedrock_auth.credentials import Credentials


class Stability(Enum):
    """Whether a set may be served past its expiration while its source is down."""

    STABLE = "stable"
    """An issuer that AWS runs; AWS keeps such keys working through an outage of the issuer."""
    STRICT = "strict"
    """Everything else: an expired set is never served."""


@runtime_checkable
class CredentialProvider(Protocol):
    """One attempt to get one set of credentials. Never caches, never retries on a schedule, never logs a secret.

    A provider may also have any attribute of `Traits`, and ``invalidate(access_key_id)`` to forget a set that AWS
    rejected.
    """

    @property
    def name(self) -> str:
        """What people read in messages and logs, such as ``assume-role arn:aws:iam::123456789012:role/Bedrock``."""

    def retrieve(self) -> Credentials:
        """Get a set of credentials now.

        Raises:
            CredentialError: the class says what happens next, see `bedrock_auth.errors`.
        """


@runtime_checkable
class CredentialSource(Protocol):
    """The credentials to sign with right now."""

    def current(self) -> Credentials:
        """The current set; may fetch, and may wait where nothing usable is at hand."""

    def invalidate(self, access_key_id: str) -> None:
        """Say that AWS rejected the set with this key id: the next call must fetch. Any other key id changes nothing."""


@frozen
class Traits:
    """What a provider says about itself; the defaults hold for whatever it does not say."""

    stability: Stability = Stability.STRICT
    timeout: float = 0.0
    """Seconds that one attempt may take."""
    interactive: bool = False
    """May ask a person, so it never runs in the background."""
    region_name: str | None = None
    """A hint, used where nothing else names a region."""
    revalidate_after: float | None = None
    """Seconds after which a set without expiration is read again."""


def traits(provider: object) -> Traits:
    """The traits of any provider, our own or a user's; a wrapper declares its inner provider's."""
    said: dict[str, Any] = {}
    for trait in fields(Traits):
        value = getattr(provider, trait.name, None)
        if value is not None:
            said[trait.name] = value
    return Traits(**said)
