"""From the texts in which an agent gives parameters to values of the types that its action group declares. Pure.

Agents give every value as text: ``"false"``, ``"3"``, ``"[1, 2]"``. Source of the types: "ParameterDetail" and
"FunctionParameter" in the Amazon Bedrock API Reference, and OpenAPI for action groups with a schema.

``string``, none, or any other type
    every text, as it is
``boolean``
    ``true`` and ``false`` in any case: ``True`` and ``False``
``integer``
    ``3``, ``3.0``, ``1e3``: an ``int``, exactly that
``number``
    as in JSON, also ``+3`` and ``.5``: an ``int`` or a ``float``
``array``
    a JSON array, or ``[a, b]`` as some models write it, where no item may be anything but a text: a list
``object``
    a JSON object without a name that it has twice: a dict

Nothing is guessed: numbers that are not finite are refused wherever they stand.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import frozen

from bedrock_auth.bedrock.tools import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_BOOLEANS = {"true": True, "false": False}
_WHOLE = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_LONGEST_NUMBER = 400
_UNQUOTED = re.compile(r"""\[(?P<items>[^\[\]{}"'`]*)\]""")
_LIKE_JSON = re.compile(
    r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?|true|false|null|none|nan|[+-]?inf(?:inity)?",
    re.IGNORECASE,
)
"""What is no text for certain; ``007`` is none of JSON's numbers."""


J = TypeVar("J")


class ParameterError(ToolError):
    """A parameter does not fit the type that the action group declares for it. The text never holds the value."""

    name: str = ""
    """The parameter's name."""


@frozen
class Parameter:
    """A parameter as the agent gives it."""

    name: str
    type: str | None
    """AWS's word: ``string``, ``number``, ``integer``, ``boolean``, ``array``, and in APIs ``object``."""
    value: str | None
    """``None`` where the agent gives none."""


def parameters_of(raw: Mapping[str, Any], member: str = "parameters") -> tuple[Parameter, ...]:
    """The parameters in a structure of AWS's."""
    return tuple(Parameter(each.get("name", ""), each.get("type"), each.get("value")) for each in raw.get(member, ()))


def arguments(parameters: Iterable[Parameter]) -> dict[str, Any]:
    """The values by name; those that the agent does not give are left out.

    Raises:
        ParameterError: a value does not fit, or two parameters have the same name.
    """
    found: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.name in found:
            msg = f"The parameter {parameter.name} is given twice."
            raise ParameterError(msg, name=parameter.name)
        if parameter.value is not None:
            found[parameter.name] = coerced(parameter)
    return found


def coerced(parameter: Parameter) -> Any:
    """The value of a parameter as its declared type.

    Raises:
        ParameterError: it does not fit.
    """
    read = _READERS.get((parameter.type or "").lower())
    if read is None or not isinstance(parameter.value, str):
        return parameter.value
    kind, reader = read
    try:
        return reader(parameter.value.strip())
    except (ValueError, RecursionError):
        msg = f"The parameter {parameter.name} must be {kind}."
        raise ParameterError(msg, name=parameter.name) from None


def _boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError
    return _BOOLEANS[text.lower()]


def _number(text: str) -> int | float:
    _check_number(text)
    return int(text) if _WHOLE.fullmatch(text) else _finite(text)


def _check_number(text: str) -> None:
    if not _NUMBER.fullmatch(text) or len(text) > _LONGEST_NUMBER:
        raise ValueError


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _integer(text: str) -> int:
    _check_number(text)
    number = Decimal(text)  # a float would be another number
    if number.adjusted() > _LONGEST_NUMBER or number != number.to_integral_value():
        raise ValueError
    return int(number)


def _array(text: str) -> list[Any]:
    try:
        return _json(text, list)
    except ValueError:
        match = _UNQUOTED.fullmatch(text)
        items = [item.strip() for item in match["items"].split(",")] if match else [""]
        if not all(items) or any(map(_LIKE_JSON.fullmatch, items)):
            raise
        return items


def _object(text: str) -> dict[str, Any]:
    return _json(text, dict)


def _json(text: str, kind: type[J]) -> J:
    value = json.loads(text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_members)
    if not isinstance(value, kind):
        raise ValueError  # noqa: TRY004 - the text is what is wrong
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):  # which of two is meant?
        raise ValueError
    return members


def _refuse(constant: str) -> Any:
    raise ValueError(constant)  # NaN and Infinity are no JSON


_READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "boolean": ("true or false", _boolean),
    "integer": ("an integer", _integer),
    "number": ("a number", _number),
    "array": ("a JSON array", _array),
    "object": ("a JSON object", _object),
}
