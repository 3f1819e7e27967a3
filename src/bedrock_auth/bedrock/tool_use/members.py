"""What the parameters of a function, and the fields of a class, are called, take and default to. Pure."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

NOTHING = object()
"""No default."""


@frozen
class Member:
    """A parameter of a function, or a field of a class."""

    name: str
    annotation: Any
    default: Any = NOTHING
    """`NOTHING` also where it is made anew each time."""
    is_required: bool = True


class UnsupportedError(Exception):
    """Something that a model cannot give in JSON; the text says what and why."""


def innermost(function: Callable[..., Any]) -> Any:
    """The function that was written, without what decorators and ``functools.partial`` put around it."""
    return inspect.unwrap(function.func if isinstance(function, partial) else function)


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters, as they are written.

    Raises:
        UnsupportedError: the signature cannot be read.
    """
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise UnsupportedError(str(error)) from error


def member_of(function: Callable[..., Any], parameter: inspect.Parameter) -> Member:
    """The parameter with its annotation evaluated.

    Raises:
        UnsupportedError: it cannot be given by name, has no annotation, or one that cannot be evaluated.
    """
    if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
        msg = f"is {parameter.kind.description}, and a model gives arguments by name"
        raise UnsupportedError(msg)
    if parameter.annotation is parameter.empty:
        msg = "has no annotation; write what it takes, such as `str`"
        raise UnsupportedError(msg)
    is_required = parameter.default is parameter.empty
    return Member(parameter.name, _evaluated(function, parameter), NOTHING if is_required else parameter.default, is_required)


def _evaluated(function: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """The type that an annotation names; one at a time, because others may be there for type checkers only."""
    inner = innermost(function)
    names = getattr(inner, "__globals__", None) or getattr(type(inner).__call__, "__globals__", {})
    return _hints(types.SimpleNamespace(__annotations__={parameter.name: parameter.annotation}), names)[parameter.name]


def _hints(holder: Any, names: Any = None) -> dict[str, Any]:
    try:
        return typing.get_type_hints(holder, names, include_extras=True)
    except (AttributeError, NameError, SyntaxError, TypeError) as error:
        msg = f"has an annotation that cannot be evaluated ({error}); define it in the module, outside of `if TYPE_CHECKING`"
        raise UnsupportedError(msg) from error


def class_members(cls: type) -> list[Member] | None:
    """What a ``TypedDict``, a dataclass or an attrs class is made of; ``None`` for any other class.

    Raises:
        UnsupportedError: an annotation cannot be evaluated.
    """
    for is_one, members in _CLASSES:
        if is_one(cls):
            return list(members(cls, _hints(cls)))
    return None


def _typed_dict_members(cls: Any, hints: Mapping[str, Any]) -> Iterable[Member]:
    for name, hint in hints.items():
        wrapper = typing.get_origin(hint)
        if wrapper in {typing.Required, typing.NotRequired}:  # with annotations as text the class does not know of them
            yield Member(name, typing.get_args(hint)[0], is_required=wrapper is typing.Required)
        else:
            yield Member(name, hint, is_required=name in cls.__required_keys__)


def _dataclass_members(cls: Any, hints: Mapping[str, Any]) -> Iterable[Member]:
    for each in dataclasses.fields(cls):
        if each.init:
            default = NOTHING if each.default is dataclasses.MISSING else each.default
            is_required = default is NOTHING and each.default_factory is dataclasses.MISSING
            yield Member(each.name, hints[each.name], default, is_required)


def _attrs_members(cls: Any, hints: Mapping[str, Any]) -> Iterable[Member]:
    for each in attrs.fields(cls):
        if each.init:
            is_required = each.default is attrs.NOTHING
            yield Member(each.alias, hints[each.name], NOTHING if is_required else each.default, is_required)


_Reader: typing.TypeAlias = "Callable[[Any, Mapping[str, Any]], Iterable[Member]]"

_CLASSES: tuple[tuple[Callable[[Any], bool], _Reader], ...] = (
    (lambda cls: issubclass(cls, dict) and hasattr(cls, "__required_keys__"), _typed_dict_members),
    (dataclasses.is_dataclass, _dataclass_members),
    (attrs.has, _attrs_members),
)
