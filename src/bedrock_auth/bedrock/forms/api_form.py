"""What every content block needs on its way from AWS's form and back to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from typing import Self

UNKNOWN_MEMBER = "SDK_UNKNOWN_MEMBER"
"""What botocore puts in place of a union member that its model does not know; the content is gone."""


class LaterName(str):
    """The name of a member that came in a stream and that botocore's model does not know; botocore would not send it back."""

    __slots__ = ()


class UnknownKindError(ValueError):
    """A union inside a content block has a member that has no name here; the block is an `UnknownBlock` then."""


@frozen
class ApiBlock:
    """A content block, which keeps the form in which AWS sent it."""

    raw: Mapping[str, Any] = field(factory=dict, eq=False, repr=False, kw_only=True)
    """The block as AWS sent it; ``{}`` where it was made here."""

    def to_api(self) -> dict[str, Any]:
        """The block in AWS's form: just as it came, also what has no name here, unless it was made or changed here.

        Raises:
            ConfigurationError: it cannot be sent back, because the installed botocore did not know all of it.
        """
        if not self.raw or type(self).from_api(self.raw) != self:
            return self._built()
        if has_lost_content(self.raw):
            raise lost_content(next(iter(self.raw)))
        return dict(self.raw)

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """The value of a block in AWS's form.

        Raises:
            KeyError, TypeError, ValueError: it is no such block.
        """
        raise NotImplementedError

    def _built(self) -> dict[str, Any]:
        """AWS's form, from the fields alone."""
        raise NotImplementedError


def has_lost_content(raw: object) -> bool:
    """Whether botocore threw a part away because its model does not know it."""
    if isinstance(raw, Mapping):
        return UNKNOWN_MEMBER in raw or any(map(has_lost_content, raw.values()))
    return isinstance(raw, list) and any(map(has_lost_content, raw))


def sendable(value: Any) -> Any:
    """What came in a stream, without the members that botocore would not send back."""
    if isinstance(value, Mapping):
        return {name: sendable(each) for name, each in value.items() if type(name) is not LaterName}
    return [sendable(each) for each in value] if isinstance(value, list) else value


def lost_content(name: str) -> ConfigurationError:
    """The error of a block that cannot be sent back."""
    msg = f"a content block of the kind {name!r} cannot be sent back: its content is not known; leave it out"
    return ConfigurationError(msg, setting="messages")


def member(union: Mapping[str, Any], known: Collection[str]) -> tuple[str, Any]:
    """The one member of a union: its name and its value.

    Raises:
        UnknownKindError: it has no name here.
        ValueError: there is not exactly one.
    """
    ((kind, value),) = union.items()
    if kind not in known:
        raise UnknownKindError(kind)
    return kind, value


def given(**members: Any) -> dict[str, Any]:
    """The members of a structure that have a value."""
    return {name: value for name, value in members.items() if value is not None}


def made(make: Callable[[Any], Any], value: Any) -> Any:
    """What ``make`` makes of a value, if there is one."""
    return None if value is None else make(value)


def others(structure: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """The members of a structure that have no name here."""
    return {name: value for name, value in structure.items() if name not in known}


def texts(pieces: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The texts of a list of ``{"text": …}``."""
    return tuple(piece["text"] for piece in pieces if "text" in piece)


def several(value: Any) -> Iterable[Any]:
    """One thing or several, as several; a text, bytes and a dict are one."""
    return value if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping) else (value,)


def as_texts(content: str | Iterable[str]) -> tuple[str, ...]:
    """One text, or several, as a tuple."""
    return tuple(several(content))


def text_pieces(content: Iterable[str]) -> list[dict[str, str]]:
    """``[{"text": …}, …]``."""
    return [{"text": text} for text in content]


def enabled(structure: Mapping[str, Any]) -> bool | None:
    """Whether a block asks for citations; ``None`` where it does not say."""
    return structure["citations"]["enabled"] if "citations" in structure else None


def switch(citations: bool | None) -> dict[str, bool] | None:  # noqa: FBT001 - the inverse of `enabled`
    """``{"enabled": …}``."""
    return None if citations is None else {"enabled": citations}
