"""Whether the metadata of a document passes the filter of a retrieval, which is a union with exactly one member.

A document without the attribute passes ``notEquals`` alone. Source: "RetrievalFilter" in the Amazon Bedrock API Reference.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

from bedrock_auth.testing.verify import refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FEWEST = 2
_ABSENT = object()


def _is_same(has: Any, wanted: Any) -> bool:
    """Equal, and of the same kind: ``True`` is no 1 in JSON."""
    return isinstance(has, bool) == isinstance(wanted, bool) and bool(has == wanted)


def _is_among(has: Any, wanted: Any) -> bool:
    return isinstance(wanted, list) and any(_is_same(has, one) for one in wanted)


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _contains(has: Any, wanted: Any) -> bool:
    texts = has if isinstance(has, list) else [has]
    return isinstance(wanted, str) and any(isinstance(text, str) and wanted in text for text in texts)


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "equals": _is_same,
    "notEquals": lambda has, wanted: not _is_same(has, wanted),
    "greaterThan": lambda has, wanted: _are_numbers(has, wanted) and has > wanted,
    "greaterThanOrEquals": lambda has, wanted: _are_numbers(has, wanted) and has >= wanted,
    "lessThan": lambda has, wanted: _are_numbers(has, wanted) and has < wanted,
    "lessThanOrEquals": lambda has, wanted: _are_numbers(has, wanted) and has <= wanted,
    "in": _is_among,
    "notIn": lambda has, wanted: not _is_among(has, wanted),
    "startsWith": lambda has, wanted: isinstance(has, str) and isinstance(wanted, str) and has.startswith(wanted),
    "stringContains": _contains,
    "listContains": lambda has, wanted: isinstance(has, list) and _is_among(wanted, has),
}
_GROUPS: Mapping[str, Callable[[Any], bool]] = {"andAll": all, "orAll": any}


def passes(metadata: Mapping[str, Any], condition: Mapping[str, Any]) -> bool:
    """Whether the metadata passes a filter that `check_filter` found well-formed."""
    ((operator, operand),) = condition.items()
    if operator in _GROUPS:
        return _GROUPS[operator](passes(metadata, one) for one in operand)
    has = metadata.get(operand["key"], _ABSENT)
    if has is _ABSENT:
        return operator == "notEquals"
    return _COMPARISONS[operator](has, operand["value"])


def check_filter(condition: Any, path: str) -> None:
    """See that a filter is one that AWS takes.

    Raises:
        Refused: it is no union of one known member, a group has fewer than two elements, or a list is missing where one is due.
    """
    if not isinstance(condition, dict) or len(condition) != 1 or not condition.keys() <= {*_COMPARISONS, *_GROUPS}:
        _refuse(path, "Member must have exactly one of its members set")
    ((operator, operand),) = condition.items()
    place = f"{path}.{operator}"
    if operator in _GROUPS:
        _check_group(operand, place)
    elif not isinstance(operand, dict) or not isinstance(operand.get("key"), str) or "value" not in operand:
        _refuse(place, "Member must have a key and a value")
    elif operator in {"in", "notIn"} and not isinstance(operand["value"], list):
        _refuse(f"{place}.value", "Member must be a list")


def _check_group(conditions: Any, place: str) -> None:
    if not isinstance(conditions, list) or len(conditions) < _FEWEST:
        _refuse(place, f"Member must have length greater than or equal to {_FEWEST}")
    for number, one in enumerate(conditions, 1):
        check_filter(one, f"{place}.{number}.member")


def _refuse(place: str, constraint: str) -> NoReturn:
    message = f"1 validation error detected: Value at '{place}' failed to satisfy constraint: {constraint}"
    refuse("ValidationException", message, HTTPStatus.BAD_REQUEST)
