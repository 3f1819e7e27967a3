"""`F`: the attributes of documents, in Python expressions: ``(F.year >= 2024) & F.tag.in_(["a", "b"])``. Pure.

Comparing a field makes a `Condition`; `bedrock_auth.bedrock.retrieval.filters` combines them. What Python would quietly misread
(``and``, ``or``, ``not``, ``1 < F.x < 5``, ``in``, parentheses left out) is an error that says what to write instead.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from bedrock_auth.bedrock.retrieval.filters import NO_TRUTH, Condition, wrong

if TYPE_CHECKING:
    from collections.abc import Callable

Value: TypeAlias = str | float | bool
"""What an attribute is compared with: a text, a number or a truth value."""

_PARENTHESES = "& | ~ combine comparisons, not fields: put each comparison in parentheses, (F.year >= 2024) & (F.tag == 'a')"


def _refused(_field: Field, *_: object) -> NoReturn:
    raise wrong(_PARENTHESES)


class Field:
    """An attribute of documents, to be compared. ``F.year`` and ``F["year"]`` make one."""

    __slots__ = ("key",)
    __hash__ = None  # type: ignore[assignment]  # == makes a filter

    def __init__(self, key: str) -> None:
        """The attribute of this name."""
        self.key = key

    def __repr__(self) -> str:
        return f"F[{self.key!r}]"

    def __eq__(self, value: Value) -> Condition:  # type: ignore[override]
        return Condition("equals", self.key, _scalar(value))

    def __ne__(self, value: Value) -> Condition:  # type: ignore[override]
        return Condition("notEquals", self.key, _scalar(value))

    def __gt__(self, value: float) -> Condition:
        return Condition("greaterThan", self.key, _number(value))

    def __ge__(self, value: float) -> Condition:
        return Condition("greaterThanOrEquals", self.key, _number(value))

    def __lt__(self, value: float) -> Condition:
        return Condition("lessThan", self.key, _number(value))

    def __le__(self, value: float) -> Condition:
        return Condition("lessThanOrEquals", self.key, _number(value))

    def in_(self, values: Iterable[Value]) -> Condition:
        """It is one of these. ``~F.tag.in_(…)``, as `not_in`, is the opposite."""
        return Condition("in", self.key, _list(values))

    def not_in(self, values: Iterable[Value]) -> Condition:
        """It is there, and none of these."""
        return Condition("notIn", self.key, _list(values))

    def starts_with(self, text: str) -> Condition:
        """It begins with this text, which is not empty. Amazon OpenSearch Serverless only."""
        return Condition("startsWith", self.key, _text(text))

    def string_contains(self, text: str) -> Condition:
        """It, or a member of it if it is a list, contains this text, which is not empty."""
        return Condition("stringContains", self.key, _text(text))

    def list_contains(self, value: Value) -> Condition:
        """It is a list with this member."""
        return Condition("listContains", self.key, _scalar(value))

    def __contains__(self, _: object) -> NoReturn:
        raise wrong("in makes no filter: write F.tags.list_contains(…) or F.title.string_contains(…)")

    def __bool__(self) -> NoReturn:
        raise wrong(NO_TRUTH)

    __and__ = __rand__ = __or__ = __ror__ = __invert__ = _refused


class Fields:
    """Makes a `Field` of any name: ``F.year``, or ``F["x-amz-bedrock-kb-source-uri"]`` where it is no name in Python."""

    def __getattr__(self, name: str) -> Field:
        if name.startswith("_"):  # Python and its tools look for names of their own
            msg = f"write F[{name!r}] for an attribute whose name begins with an underscore"
            raise AttributeError(msg)
        return Field(name)

    def __getitem__(self, key: str) -> Field:
        return Field(key)


F = Fields()
"""The attributes of documents."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _kind(value: Any) -> str:
    if isinstance(value, Field):
        return "another field"
    if isinstance(value, int | float) and not isinstance(value, bool) and not _is_number(value):
        return "one that is infinite, too large or none at all"
    return "an empty one" if value == "" else type(value).__name__


def _checked(is_right: Callable[[Any], bool], what: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if is_right(value):
            return value
        raise wrong(f"{what}, not with {_kind(value)}")

    return check


_number = _checked(_is_number, "AWS compares < <= > >= with numbers only (of a date, its seconds or a number such as 20240131)")
_text = _checked(lambda value: isinstance(value, str) and value != "", "AWS compares this with a text")
_scalar = _checked(
    lambda value: isinstance(value, str | bool) or _is_number(value),
    "AWS compares attributes with a text, a number or a truth value",
)


def _list(values: Iterable[Any]) -> tuple[Any, ...]:
    if isinstance(values, str | Mapping | Field) or not isinstance(values, Iterable):
        raise wrong("in_ and not_in take several values, in_(['a', 'b']); for a single one there is ==")
    found = tuple(map(_scalar, values))
    if found:
        return found
    raise wrong("in_ and not_in take at least one value")
