"""What a source of credentials is: two Protocols and the optional traits that a provider may declare.

A `CredentialProvider` makes one attempt to get one set. A `CredentialSource` has the set to sign with right now; the
`Refresher` turns the first into the second. Everything in between — chains, caches, sessions — is written against these.
"""

from __future__ import annotations

from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard, runtime_checkable

from attrs import fields, frozen, has

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

    A provider may also have any attribute of `Traits`, ``invalidate(access_key_id)`` to forget a set that AWS
    rejected, and ``is_shareable``, see `is_shareable`.
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


def is_provider(value: object) -> TypeGuard[CredentialProvider]:
    """Whether it is a `CredentialProvider`, and not a class of them; ``isinstance`` with a Protocol takes 20 times longer."""
    return callable(getattr(value, "retrieve", None)) and hasattr(value, "name") and not isinstance(value, type)


def is_source(value: object) -> TypeGuard[CredentialSource]:
    """Whether it is a `CredentialSource`, and not a class of them."""
    methods = callable(getattr(value, "current", None)) and callable(getattr(value, "invalidate", None))
    return methods and not isinstance(value, type)


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


SHAREABLE = {"bedrock_auth.shareable": True}
"""Metadata of a field that is not shown and yet is no secret."""


def is_shareable(value: object) -> bool:
    """Whether what is fetched with these settings may outlive whoever brought them.

    Not where anything in them is a secret, a function or another object that only its owner knows. In this library's own
    providers, secrets are found by the rule that ``repr`` never shows them in full. Any other class must have ``is_shareable``
    itself, and is believed.
    """
    said = getattr(value, "is_shareable", None)
    if said is not None:
        return said is True
    if isinstance(value, tuple | frozenset):
        return all(map(is_shareable, value))
    kind: Any = type(value)
    if has(kind) and kind.__module__.startswith("bedrock_auth."):  # a user's heir may have more than its fields say
        return all(_is_open(field, getattr(value, field.name)) for field in fields(kind))
    return value is None or isinstance(value, str | int | float | Enum | PurePath)


def _is_open(field: Any, value: object) -> bool:
    if value is None or field.metadata.get("bedrock_auth.shareable"):
        return True
    if hasattr(value, "is_shareable"):
        return is_shareable(value)
    shown = field.repr is True or (callable(field.repr) and field.repr(value) == repr(value)) or isinstance(value, PurePath)
    return field.eq is not False and shown and is_shareable(value)
