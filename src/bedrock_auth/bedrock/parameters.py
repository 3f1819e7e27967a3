"""From the texts in which an agent gives parameters to values of the types that its action group declares. Pure.

Agents give every value as text: ``"false"``, ``"3"``, ``"[1, 2]"``. Source of the types: "ParameterDetail" and
"FunctionParameter" in the Amazon Bedrock API Reference, and OpenAPI for action groups with a schema.

| declared type | taken | value |
|---|---|---|
| ``string``, none, or any other | every text | the text |
| ``boolean`` | ``true``, ``false``, in any case | ``True``, ``False`` |
| ``integer`` | ``3``, ``3.0``, ``1e3`` | an ``int`` |
| ``number`` | as in JSON | an ``int`` or a ``float`` |
| ``array`` | a JSON array, or ``[a, b]`` as some models write it | a list |
| ``object`` | a JSON object | a dict |
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import frozen

from bedrock_auth.bedrock.tools import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_BOOLEANS = {"true": True, "false": False}
_NUMBER = re.compile(r"[+-]?(?P<whole>\d+)?(\.(?P<part>\d+)?)?([eE][+-]?\d{1,3})?")
_LONGEST_NUMBER = 400
_UNQUOTED = re.compile(r"\[(?P<items>[^\[\]{}\"]*)\]")


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
    match = _NUMBER.fullmatch(text)
    if not match or not (match["whole"] or match["part"]) or len(text) > _LONGEST_NUMBER:
        raise ValueError
    if text.lstrip("+-").isdigit():
        return int(text)
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _integer(text: str) -> int:
    number = _number(text)
    if number != int(number):
        raise ValueError
    return int(number)


def _array(text: str) -> list[Any]:
    try:
        return _json(text, list)
    except ValueError:
        match = _UNQUOTED.fullmatch(text)
        if not match:
            raise
        return [item.strip() for item in match["items"].split(",")]


def _object(text: str) -> dict[str, Any]:
    return _json(text, dict)


def _json(text: str, kind: type[J]) -> J:
    value = json.loads(text, parse_constant=_refuse)
    if not isinstance(value, kind):
        raise ValueError  # noqa: TRY004 - the text is what is wrong
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(constant)  # NaN and Infinity are no JSON


_READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "boolean": ("true or false", _boolean),
    "integer": ("an integer", _integer),
    "number": ("a number", _number),
    "array": ("a JSON array", _array),
    "object": ("a JSON object", _object),
}
