"""From the annotations of a function to the JSON schema of a tool's input, and from such an input to its arguments. Pure.

| annotation | JSON schema | the argument |
|---|---|---|
| ``str``, ``int``, ``float``, ``bool``, ``None`` | its type | as it is; an integer is an ``int`` |
| ``list[T]``, ``Sequence[T]``, ``tuple[T, ...]``, ``tuple[T, U]`` | ``array`` | a list or a tuple |
| ``dict[str, T]``, ``Mapping[str, T]`` | ``object`` | a dict |
| ``Literal[…]``, an ``Enum`` | ``enum`` | the value; the member |
| ``T | U``, ``Optional[T]`` | ``anyOf`` | what the first fitting one gives |
| a ``TypedDict``, a dataclass, an attrs class | ``object`` with these members | a dict; an instance |
| ``Annotated[T, "text"]`` | that of ``T`` with a ``description`` | as for ``T`` |
| ``Any`` | anything | as it is |
"""

from __future__ import annotations

import enum
import json
import types
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from attrs import evolve, frozen

from bedrock_auth.bedrock.tool_use.docstrings import member_descriptions
from bedrock_auth.bedrock.tool_use.members import Member, UnsupportedError, class_members, innermost, member_of, parameters
from bedrock_auth.bedrock.tool_use.validation import problems, same
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    import inspect


def as_it_is(value: Any) -> Any:
    """The value."""
    return value


@frozen
class Shape:
    """What a parameter takes."""

    schema: Mapping[str, Any]
    convert: Callable[[Any], Any] = as_it_is
    """From a parsed JSON value that fits the schema to what Python code expects."""


_Inside: TypeAlias = tuple[type, ...]
"""The classes whose members are being looked at, to find one that holds itself."""


def function_shape(function: Callable[..., Any], name: str) -> Shape:
    """The schema of an object with the function's parameters, and the keyword arguments that such an object gives.

    Args:
        function: its parameters are all annotated, and none is positional-only, ``*args`` or ``**kwargs``.
        name: of the tool, for errors.

    Raises:
        ConfigurationError: a parameter cannot be described in JSON; the message names tool and parameter.
    """
    try:
        written = parameters(function)
    except UnsupportedError as error:
        raise ConfigurationError(f"the tool {name!r} cannot be made of its function: {error}", setting=name) from error
    found = [_parameter(function, parameter, name) for parameter in written]
    members, shapes = zip(*found, strict=True) if found else ((), ())
    return _object(members, shapes, member_descriptions(innermost(function)), dict)


def _parameter(function: Callable[..., Any], parameter: inspect.Parameter, tool: str) -> tuple[Member, Shape]:
    try:
        member = member_of(function, parameter)
        return member, shape_of(member.annotation)
    except UnsupportedError as error:
        msg = f"the tool {tool!r} cannot be made of its function: its parameter {parameter.name!r} {error}"
        raise ConfigurationError(msg, setting=f"{tool}.{parameter.name}") from error


def shape_of(annotation: Any, inside: _Inside = ()) -> Shape:
    """What a type takes.

    Raises:
        UnsupportedError: it, or a type inside it, has no JSON schema.
    """
    kind = get_origin(annotation) or annotation
    if isinstance(kind, Hashable) and kind in _MAKERS:
        return _MAKERS[kind](get_args(annotation), inside)
    named = getattr(annotation, "__supertype__", None) or getattr(annotation, "__value__", None)
    if named is not None:
        return shape_of(named, inside)  # NewType, and `type X = …` of Python 3.12
    if isinstance(annotation, type):
        return _class(annotation, inside)
    raise _no_schema(annotation)


def _no_schema(annotation: Any) -> UnsupportedError:
    name = annotation.__qualname__ if isinstance(annotation, type) else str(annotation)
    return UnsupportedError(f"takes {name}, which a model cannot give; docs/tools.md lists what it can, or use input_schema=")


def _annotated(arguments: tuple[Any, ...], inside: _Inside) -> Shape:
    shape = shape_of(arguments[0], inside)
    text = next((note for note in arguments[1:] if isinstance(note, str)), None)
    return shape if text is None else evolve(shape, schema={**shape.schema, "description": text})


def _union(arguments: tuple[Any, ...], inside: _Inside) -> Shape:
    shapes = [shape_of(argument, inside) for argument in arguments]

    def convert(value: Any) -> Any:
        return next(shape for shape in shapes if not problems(value, shape.schema)).convert(value)

    return Shape({"anyOf": [shape.schema for shape in shapes]}, convert)


_JSON_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def _choice(choices: Sequence[tuple[Any, Any]]) -> Shape:
    """One of these JSON values; what it gives is beside it."""
    values = [value for value, _ in choices]
    if not values or any(type(value) not in _JSON_TYPES for value in values):
        msg = f"takes one of {values}, and a model can give only text, numbers, booleans and null"
        raise UnsupportedError(msg)
    kinds = list(dict.fromkeys(_JSON_TYPES[type(value)] for value in values))
    schema = {"type": kinds[0] if len(kinds) == 1 else kinds, "enum": values}
    return Shape(schema, lambda value: next(result for wanted, result in choices if same(wanted, value)))


def _literal(arguments: tuple[Any, ...], inside: _Inside) -> Shape:  # noqa: ARG001 - as the others
    return _choice([(value, value) for value in arguments])


def _list(arguments: tuple[Any, ...], inside: _Inside, build: Callable[[Iterable[Any]], Any] = list) -> Shape:
    item = shape_of(arguments[0], inside) if arguments else Shape({})
    return Shape({"type": "array"} | _unless_any("items", item), lambda value: build(map(item.convert, value)))


def _tuple(arguments: tuple[Any, ...], inside: _Inside) -> Shape:
    if not arguments or arguments[1:] == (...,):
        return _list(arguments[:1], inside, tuple)
    items = [shape_of(argument, inside) for argument in arguments]
    schema = {"type": "array", "prefixItems": [item.schema for item in items], "minItems": len(items), "maxItems": len(items)}
    return Shape(schema, lambda value: tuple(item.convert(part) for item, part in zip(items, value, strict=True)))


def _dict(arguments: tuple[Any, ...], inside: _Inside) -> Shape:
    key, *values = arguments or (str,)
    if key is not str:
        msg = f"takes a dict whose keys are {key}, and those of a JSON object are str"
        raise UnsupportedError(msg)
    item = shape_of(values[0], inside) if values else Shape({})
    schema = {"type": "object"} | _unless_any("additionalProperties", item)
    return Shape(schema, lambda value: {name: item.convert(part) for name, part in value.items()})


def _unless_any(keyword: str, shape: Shape) -> dict[str, Any]:
    return {keyword: shape.schema} if shape.schema else {}


def _plain(schema: Mapping[str, Any], convert: Callable[[Any], Any] = as_it_is) -> Callable[[tuple[Any, ...], _Inside], Shape]:
    return lambda _arguments, _inside: Shape(schema, convert)


_MAKERS: dict[Any, Callable[[tuple[Any, ...], _Inside], Shape]] = {
    **{kind: _plain({"type": name}, int if kind is int else as_it_is) for kind, name in _JSON_TYPES.items()},  # JSON: 3.0 is 3
    **dict.fromkeys((list, Sequence), _list),
    **dict.fromkeys((dict, Mapping), _dict),
    **dict.fromkeys((Union, types.UnionType), _union),
    tuple: _tuple,
    Literal: _literal,
    Annotated: _annotated,
    Any: _plain({}),
    None: _plain({"type": "null"}),
}


def _class(cls: type, inside: _Inside) -> Shape:
    if issubclass(cls, enum.Enum):
        return _choice([(member.value, member) for member in cls])
    if cls in inside:
        msg = f"takes {cls.__qualname__}, which holds itself"
        raise UnsupportedError(msg)
    if (members := class_members(cls)) is None:
        raise _no_schema(cls)
    shapes = [shape_of(member.annotation, (*inside, cls)) for member in members]
    return _object(members, shapes, member_descriptions(cls), dict if issubclass(cls, dict) else cls)


def _object(members: Sequence[Member], shapes: Sequence[Shape], said: Mapping[str, str], build: Callable[..., Any]) -> Shape:
    by_name = {member.name: shape for member, shape in zip(members, shapes, strict=True)}
    required = [member.name for member in members if member.is_required]
    schema = {
        "type": "object",
        "properties": {member.name: _property(member, by_name[member.name], said) for member in members},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }
    return Shape(schema, lambda value: build(**{name: by_name[name].convert(part) for name, part in value.items()}))


def _property(member: Member, shape: Shape, said: Mapping[str, str]) -> dict[str, Any]:
    described = {"description": said[member.name]} if said.get(member.name) else {}
    return {**described, **shape.schema, **_default(member.default)}  # what stands at the annotation beats the docstring


def _default(value: Any) -> dict[str, Any]:
    default = value.value if isinstance(value, enum.Enum) else value
    try:
        json.dumps(default, allow_nan=False)
    except (TypeError, ValueError):
        return {}  # it has no JSON form, so the model need not know it
    return {"default": default}
