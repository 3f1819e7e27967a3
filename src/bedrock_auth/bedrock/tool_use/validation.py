"""Whether a JSON value fits a JSON schema, in words that a model can act on. Pure.

Looked at are ``type``, ``enum``, ``const``, ``anyOf``, ``oneOf`` (as ``anyOf``), ``allOf``, ``$ref`` into the schema itself,
``properties``, ``required``, ``additionalProperties``, ``items``, ``prefixItems``, ``minimum``, ``maximum``, ``minLength``,
``maxLength``, ``minItems`` and ``maxItems``, as JSON Schema 2020-12 defines them. Other keywords are the tool's own matter.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from typing import Any, TypeAlias

from attrs import evolve, frozen

from bedrock_auth.errors import ConfigurationError

Schema: TypeAlias = Mapping[str, Any]


def problems(value: object, schema: Schema) -> list[str]:
    """What is wrong with a parsed JSON value, one short sentence each; nothing of the value itself is repeated.

    >>> problems({"city": 3}, {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city", "day"]})
    ['city must be a string, not a number', 'day is missing']

    Raises:
        ConfigurationError: a ``$ref`` of the schema comes back to itself, without anything in between.
    """
    try:
        return list(_Spot(value, schema, schema).problems())
    except RecursionError:
        return ["the input is nested too deeply"]


def same(one: object, other: object) -> bool:
    """Whether two JSON scalars are equal; ``true`` is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def is_number(value: object) -> bool:
    """Whether this is a JSON number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: object) -> bool:
    return is_number(value) and value % 1 == 0  # type: ignore[operator]  # JSON Schema: 3.0 is an integer


_TYPES: dict[str, tuple[Callable[[object], bool], str]] = {
    "string": (lambda value: isinstance(value, str), "a string"),
    "integer": (_is_integer, "an integer"),
    "number": (is_number, "a number"),
    "boolean": (lambda value: isinstance(value, bool), "a boolean"),
    "null": (lambda value: value is None, "null"),
    "array": (lambda value: isinstance(value, list), "an array"),
    "object": (lambda value: isinstance(value, Mapping), "an object"),
}


def _kind(value: object) -> str:
    return next((words for name, (is_one, words) in _TYPES.items() if name != "integer" and is_one(value)), "something else")


def _allowed(schema: Any) -> Any:
    return schema.get("type", []) if isinstance(schema, Mapping) else []


@frozen
class _Spot:
    """A value inside a value, and the schema that it must fit."""

    value: Any
    schema: Any
    root: Schema
    path: str = ""
    references: tuple[str, ...] = ()
    """Those that have led here from the same value."""

    def problems(self) -> Iterator[str]:
        if self.schema is False:
            yield f"{self._name} must be left out"
        if not isinstance(self.schema, Mapping):
            return
        for keyword, check in _CHECKS.items():
            if keyword in self.schema:
                yield from check(self, self.schema[keyword])

    @property
    def _name(self) -> str:
        return self.path or "the input"

    def _against(self, schema: Any) -> _Spot:
        return evolve(self, schema=schema)

    def _member(self, name: str, schema: Any) -> _Spot:
        path = f"{self.path}.{name}" if self.path else name
        return evolve(self, value=self.value[name], schema=schema, path=path, references=())

    def _item(self, index: int, schema: Any) -> _Spot:
        return evolve(self, value=self.value[index], schema=schema, path=f"{self.path}[{index}]", references=())

    @property
    def is_of_another_type(self) -> bool:
        return any(self.type(_allowed(self.schema)))

    def type(self, names: str | list[str]) -> Iterator[str]:
        wanted = [_TYPES[name] for name in ([names] if isinstance(names, str) else names) if name in _TYPES]
        if wanted and not any(is_one(self.value) for is_one, _ in wanted):
            yield f"{self._name} must be {' or '.join(words for _, words in wanted)}, not {_kind(self.value)}"

    def enum(self, values: list[Any]) -> Iterator[str]:
        if not any(same(self.value, value) for value in values):
            yield f"{self._name} must be one of {', '.join(json.dumps(value, ensure_ascii=False) for value in values)}"

    def const(self, value: Any) -> Iterator[str]:
        return self.enum([value])

    def any_of(self, schemas: list[Any]) -> Iterator[str]:
        branches = [self._against(schema) for schema in schemas]
        found = [list(branch.problems()) for branch in branches]
        if not all(found):
            return
        of_its_type = [each for each, branch in zip(found, branches, strict=True) if not branch.is_of_another_type]
        if len(of_its_type) == 1:
            yield from of_its_type[0]  # what is wrong inside says more than that nothing fits
        else:
            yield ", or ".join(dict.fromkeys(each[0] for each in found))

    def all_of(self, schemas: list[Any]) -> Iterator[str]:
        for schema in schemas:
            yield from self._against(schema).problems()

    def ref(self, reference: str) -> Iterator[str]:
        if not reference.startswith("#"):
            return
        if reference in self.references:
            raise ConfigurationError(f"the $ref {reference!r} of the schema comes back to itself", setting="input_schema")
        steps = [step.replace("~1", "/").replace("~0", "~") for step in reference.split("/")[1:]]
        there = self._against(reduce(_inside, steps, self.root))
        yield from evolve(there, references=(*self.references, reference)).problems()

    def properties(self, schemas: Schema) -> Iterator[str]:
        if isinstance(self.value, Mapping):
            for name in filter(schemas.__contains__, self.value):
                yield from self._member(name, schemas[name]).problems()

    def required(self, names: list[str]) -> Iterator[str]:
        if isinstance(self.value, Mapping):
            missing = [name for name in names if name not in self.value]
            yield from (f"{self.path}.{name} is missing" if self.path else f"{name} is missing" for name in missing)

    def additional_properties(self, schema: Any) -> Iterator[str]:
        if isinstance(self.value, Mapping) and "patternProperties" not in self.schema:
            for name in self.value:
                if name not in self.schema.get("properties", ()):
                    yield from self._member(name, schema).problems()

    def prefix_items(self, schemas: list[Any]) -> Iterator[str]:
        if isinstance(self.value, list):
            for index, schema in zip(range(len(self.value)), schemas, strict=False):
                yield from self._item(index, schema).problems()

    def items(self, schema: Any) -> Iterator[str]:
        if isinstance(self.value, list):
            for index in range(len(self.schema.get("prefixItems", [])), len(self.value)):
                yield from self._item(index, schema).problems()


def _inside(schema: Any, step: str) -> Any:
    return schema.get(step, True) if isinstance(schema, Mapping) else True


def _limit(measure: Callable[[Any], float | None], fits: Callable[[float, float], bool], words: str) -> Any:
    def check(spot: _Spot, limit: float) -> Iterator[str]:
        size = measure(spot.value)
        if size is not None and not fits(size, limit):
            yield f"{spot._name} must {words.format(limit)}"  # noqa: SLF001 - a check like the others

    return check


def _number(value: Any) -> float | None:
    return value if is_number(value) else None


def _length(value: Any) -> float | None:
    return len(value) if isinstance(value, str) else None


def _count(value: Any) -> float | None:
    return len(value) if isinstance(value, list) else None


_CHECKS: dict[str, Callable[[_Spot, Any], Iterator[str]]] = {
    "type": _Spot.type,
    "enum": _Spot.enum,
    "const": _Spot.const,
    "anyOf": _Spot.any_of,
    "oneOf": _Spot.any_of,
    "allOf": _Spot.all_of,
    "$ref": _Spot.ref,
    "properties": _Spot.properties,
    "required": _Spot.required,
    "additionalProperties": _Spot.additional_properties,
    "prefixItems": _Spot.prefix_items,
    "items": _Spot.items,
    "minimum": _limit(_number, operator.ge, "be at least {}"),
    "maximum": _limit(_number, operator.le, "be at most {}"),
    "minLength": _limit(_length, operator.ge, "have at least {} characters"),
    "maxLength": _limit(_length, operator.le, "have at most {} characters"),
    "minItems": _limit(_count, operator.ge, "have at least {} items"),
    "maxItems": _limit(_count, operator.le, "have at most {} items"),
}
