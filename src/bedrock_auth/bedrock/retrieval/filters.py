"""Filters on the metadata of documents, from AWS's form and back to it, and what ``&``, ``|`` and ``~`` make of them. Pure.

`bedrock_auth.bedrock.retrieval.fields` has the comparisons that they begin with. AWS's own dicts may stand wherever an
expression may.

Source of operators and limits: AWS's pages "RetrievalFilter" and "FilterAttribute" in the Amazon Bedrock API Reference. They
give no limit on how deep filters nest or how long lists are, so none is checked. What AWS does with documents that lack the
attribute: only ``notEquals`` returns them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, TypeAlias

from attrs import evolve, field, frozen

from bedrock_auth.errors import ConfigurationError

_LONGEST_KEY = 100
_NEGATED = {
    "equals": "notEquals",
    "notEquals": "equals",
    "greaterThan": "lessThanOrEquals",
    "lessThanOrEquals": "greaterThan",
    "lessThan": "greaterThanOrEquals",
    "greaterThanOrEquals": "lessThan",
    "in": "notIn",
    "notIn": "in",
    "andAll": "orAll",
    "orAll": "andAll",
}
_GROUPS = frozenset({"andAll", "orAll"})
_CONDITIONS = (_NEGATED.keys() - _GROUPS) | {"startsWith", "stringContains", "listContains"}
NO_TRUTH = (
    "a filter has no truth value: combine filters with & | ~, not with and, or, not, and write a < F.x < b as two comparisons"
)


class Filter:
    """An expression that documents fulfil or not, made from `F`. Filters compare by value."""

    def to_api(self) -> dict[str, Any]:
        """AWS's ``RetrievalFilter``."""
        raise NotImplementedError

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Filter:
        """The expression of a filter in AWS's form; ``to_api`` gives it back as it was.

        Raises:
            ConfigurationError: it is no filter.
        """
        try:
            ((operator, operand),) = raw.items()
            if operator in _GROUPS:
                return FilterGroup(operator, operand)
            return Condition(operator, **operand) if operator in _CONDITIONS else UnknownFilter(raw)
        except (AttributeError, TypeError, ValueError) as error:
            if isinstance(error, ConfigurationError):
                raise
            raise wrong("a filter in AWS's form is a dict with one operator, whose value has key and value") from None

    def __and__(self, other: Any) -> Filter:
        return _joined("andAll", (self, other))

    def __rand__(self, other: Any) -> Filter:
        return _joined("andAll", (other, self))

    def __or__(self, other: Any) -> Filter:
        return _joined("orAll", (self, other))

    def __ror__(self, other: Any) -> Filter:
        return _joined("orAll", (other, self))

    def __invert__(self) -> Filter:
        raise NotImplementedError

    def __bool__(self) -> NoReturn:
        raise wrong(NO_TRUTH)


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _check_key(_condition: object, _field: object, key: Any) -> None:
    if not isinstance(key, str) or not 1 <= len(key) <= _LONGEST_KEY:
        raise wrong(f"the name of an attribute has 1 to {_LONGEST_KEY} characters")


@frozen
class Condition(Filter):
    """One attribute compared with a value."""

    operator: str
    """AWS's: ``equals``, ``greaterThan``, ``in`` …"""
    key: str = field(validator=_check_key)
    value: Any = field(converter=_tuple)
    """A tuple for ``in`` and ``notIn``."""

    def to_api(self) -> dict[str, Any]:
        """``{operator: {"key": …, "value": …}}``."""
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return {self.operator: {"key": self.key, "value": value}}

    def __invert__(self) -> Filter:
        if self.operator not in _NEGATED:
            raise wrong(f"AWS has no opposite of {self.operator}, so ~ cannot be applied to it")
        return evolve(self, operator=_NEGATED[self.operator])


def _members(filters: Any) -> tuple[Filter, ...]:
    members = tuple(map(_as_filter, filters))
    if len(members) > 1:
        return members
    raise wrong("andAll and orAll take at least two filters; a single one stands by itself")


@frozen
class FilterGroup(Filter):
    """Two or more filters, of which all or at least one must be fulfilled."""

    operator: str
    """``andAll`` or ``orAll``."""
    filters: tuple[Filter, ...] = field(converter=_members)

    def to_api(self) -> dict[str, Any]:
        """``{operator: […]}``."""
        return {self.operator: [part.to_api() for part in self.filters]}

    def __invert__(self) -> Filter:
        return evolve(self, operator=_NEGATED[self.operator], filters=[~part for part in self.filters])


@frozen
class UnknownFilter(Filter):
    """A filter in AWS's form whose operator has no name here."""

    raw: Mapping[str, Any]

    def to_api(self) -> dict[str, Any]:
        """The filter as it was given."""
        return dict(self.raw)

    def __invert__(self) -> NoReturn:
        raise wrong(f"~ cannot be applied to {next(iter(self.raw))!r}: its opposite is not known here")


AnyFilter: TypeAlias = Filter | Mapping[str, Any]
"""An expression, or a filter in AWS's form."""


def all_of(*filters: AnyFilter) -> Filter:
    """The filter that a document fulfils if it fulfils all of these; a single one stands by itself.

    Raises:
        ConfigurationError: there are none, which would let every document through, or one is no filter.
    """
    return _joined("andAll", filters)


def any_of(*filters: AnyFilter) -> Filter:
    """The filter that a document fulfils if it fulfils at least one of these; a single one stands by itself.

    Raises:
        ConfigurationError: there are none, or one is no filter.
    """
    return _joined("orAll", filters)


def filter_to_api(given: AnyFilter) -> dict[str, Any]:
    """AWS's form of a filter in either form.

    Raises:
        ConfigurationError: it is none.
    """
    return dict(given) if isinstance(given, Mapping) else _as_filter(given).to_api()


def _joined(operator: str, filters: Iterable[Any]) -> Filter:
    """The filters as one group, without groups of the same operator inside; one alone as it is."""
    parts = [inner for part in map(_as_filter, filters) for inner in _inside(operator, part)]
    if not parts:
        raise wrong("at least one filter is needed: none at all would let every document through")
    return parts[0] if len(parts) == 1 else FilterGroup(operator, parts)


def _inside(operator: str, part: Filter) -> tuple[Filter, ...]:
    return part.filters if isinstance(part, FilterGroup) and part.operator == operator else (part,)


def _as_filter(given: Any) -> Filter:
    if isinstance(given, Filter):
        return given
    if isinstance(given, Mapping):
        return Filter.from_api(given)
    raise wrong(f"a filter is an expression such as (F.year >= 2024) & (F.tag == 'a'), or a dict, not {type(given).__name__}")


def wrong(message: str) -> ConfigurationError:
    """The error of a filter; values of attributes are never in it."""
    return ConfigurationError(message, setting="filter")
