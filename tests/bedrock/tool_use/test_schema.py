"""From annotations to JSON schemas and back from JSON to arguments, and what is said about a value that does not fit."""

from __future__ import annotations

import dataclasses
import enum
import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, NewType, NotRequired, Optional, TypedDict, Union

import attrs
import pytest
from hypothesis import given, settings, strategies as st

from bedrock_auth import ConfigurationError
from bedrock_auth.bedrock.tool_use.schema import function_shape, shape_of
from bedrock_auth.bedrock.tool_use.validation import problems

if TYPE_CHECKING:
    from decimal import Decimal


class Unit(enum.Enum):
    CELSIUS = "c"
    KELVIN = "k"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclasses.dataclass
class Point:
    """A place.

    Attributes:
        x: to the east.
    """

    x: float
    y: float = 0.0
    tags: list[str] = dataclasses.field(default_factory=list)
    norm: float = dataclasses.field(init=False, default=1.0)


@attrs.frozen
class Box:
    _corner: Point
    size: Annotated[int, "in metres"] = attrs.field(default=1)
    seen: int = attrs.field(default=0, init=False)


class Query(TypedDict, total=False):
    words: NotRequired[list[str]]
    limit: int


class Search(Query):
    text: str
    unit: NotRequired[Unit]


@dataclasses.dataclass
class Tree:
    children: list[Tree]


City = NewType("City", str)

POINT = {
    "type": "object",
    "properties": {
        "x": {"description": "to the east.", "type": "number"},
        "y": {"type": "number", "default": 0.0},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["x"],
    "additionalProperties": False,
}

TYPES = [
    (str, {"type": "string"}, "a", "a"),
    (int, {"type": "integer"}, 3.0, 3),
    (float, {"type": "number"}, 3, 3),
    (bool, {"type": "boolean"}, True, True),
    (None, {"type": "null"}, None, None),
    (Any, {}, {"a": [None]}, {"a": [None]}),
    (City, {"type": "string"}, "Oslo", "Oslo"),
    (list, {"type": "array"}, [1, "a"], [1, "a"]),
    (list[int], {"type": "array", "items": {"type": "integer"}}, [1], [1]),
    (Sequence[Unit], {"type": "array", "items": {"type": "string", "enum": ["c", "k"]}}, ["k"], [Unit.KELVIN]),
    (dict, {"type": "object"}, {"a": 1}, {"a": 1}),
    (
        dict[str, Level],
        {"type": "object", "additionalProperties": {"type": "integer", "enum": [1, 2]}},
        {"a": 2},
        {"a": Level.HIGH},
    ),
    (Mapping[str, Any], {"type": "object"}, {"a": 1}, {"a": 1}),
    (tuple, {"type": "array"}, [1], (1,)),
    (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}, [1, 2], (1, 2)),
    (
        tuple[int, Unit],
        {
            "type": "array",
            "prefixItems": [{"type": "integer"}, {"type": "string", "enum": ["c", "k"]}],
            "minItems": 2,
            "maxItems": 2,
        },
        [1, "c"],
        (1, Unit.CELSIUS),
    ),
    (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}, "b", "b"),
    (Literal["a", 1, True], {"type": ["string", "integer", "boolean"], "enum": ["a", 1, True]}, True, True),
    (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}, None, None),  # noqa: UP045 - people still write it
    (Union[Unit, int], {"anyOf": [{"type": "string", "enum": ["c", "k"]}, {"type": "integer"}]}, "c", Unit.CELSIUS),  # noqa: UP007 - as above
    (Level | Point, {"anyOf": [{"type": "integer", "enum": [1, 2]}, POINT]}, {"x": 1}, Point(1)),
    (Annotated[int, 5, "how many", "ignored"], {"type": "integer", "description": "how many"}, 1, 1),
    (Annotated[int, 5], {"type": "integer"}, 1, 1),
    (Point, POINT, {"x": 1.5, "tags": ["a"]}, Point(1.5, tags=["a"])),
    (
        Box,
        {
            "type": "object",
            "properties": {"corner": POINT, "size": {"type": "integer", "description": "in metres", "default": 1}},
            "required": ["corner"],
            "additionalProperties": False,
        },
        {"corner": {"x": 1}},
        Box(Point(1)),
    ),
    (
        Search,
        {
            "type": "object",
            "properties": {
                "words": {"type": "array", "items": {"type": "string"}},
                "limit": {"type": "integer"},
                "text": {"type": "string"},
                "unit": {"type": "string", "enum": ["c", "k"]},
            },
            "required": ["text"],
            "additionalProperties": False,
        },
        {"text": "a", "unit": "k"},
        {"text": "a", "unit": Unit.KELVIN},
    ),
]


@pytest.mark.parametrize(("annotation", "schema", "value", "argument"), TYPES, ids=lambda each: str(each)[:40])
def test_an_annotation_gives_its_schema_and_a_fitting_value_becomes_what_it_names(annotation, schema, value, argument):
    shape = shape_of(annotation)
    assert shape.schema == schema
    assert problems(value, shape.schema) == []
    converted = shape.convert(value)
    assert (converted, type(converted)) == (argument, type(argument))


WRONG = [
    (str, 1, "the input must be a string, not a number"),
    (int, "1", "the input must be an integer, not a string"),
    (int, 1.5, "the input must be an integer, not a number"),
    (int, True, "the input must be an integer, not a boolean"),
    (float, True, "the input must be a number, not a boolean"),
    (bool, 1, "the input must be a boolean, not a number"),
    (None, 0, "the input must be null, not a number"),
    (list[int], {"a": 1}, "the input must be an array, not an object"),
    (list[int], [1, None], "[1] must be an integer, not null"),
    (dict[str, int], {"a": "b"}, "a must be an integer, not a string"),
    (tuple[int, int], [1], "the input must have at least 2 items"),
    (tuple[int, int], [1, 2, 3], "the input must have at most 2 items"),
    (tuple[int, str], [1, 2], "[1] must be a string, not a number"),
    (Unit, "f", 'the input must be one of "c", "k"'),
    (Literal[1, "b"], True, 'the input must be an integer or a string, not a boolean; the input must be one of 1, "b"'),
    (Point | None, {"y": 1}, "x is missing"),
    (int | None, "a", "the input must be an integer, not a string, or the input must be null, not a string"),
    (list[Point], [{"x": 1}, {"x": "a", "z": 1}], "[1].x must be a number, not a string; [1].z must be left out"),
    (Box, {"corner": {"y": 0}, "size": 1.5}, "corner.x is missing; size must be an integer, not a number"),
]


@pytest.mark.parametrize(("annotation", "value", "said"), WRONG, ids=lambda each: str(each)[:40])
def test_a_value_that_does_not_fit_is_told_where_and_why_and_nothing_is_made_to_fit(annotation, value, said):
    assert "; ".join(problems(value, shape_of(annotation).schema)) == said


WRITTEN = {
    "type": "object",
    "$defs": {"name": {"type": "string", "minLength": 2, "maxLength": 3}},
    "properties": {
        "name": {"$ref": "#/$defs/name"},
        "age": {"type": ["integer", "null"], "minimum": 0, "maximum": 150},
        "kind": {"const": "a"},
        "more": {"allOf": [{"type": "array", "minItems": 1}, {"items": {"oneOf": [{"type": "string"}, {"type": "boolean"}]}}]},
        "never": False,
        "foreign": {"$ref": "https://example.com/schema"},
        "lost": {"$ref": "#/$defs/none"},
        "email": {"format": "email"},
    },
    "patternProperties": {"^x-": {}},
    "additionalProperties": False,
}


def test_a_schema_written_by_hand_is_checked_as_far_as_its_keywords_are_known():
    fitting = {"name": "Ada", "age": None, "kind": "a", "more": ["a", True], "foreign": 1, "lost": 2, "email": 3, "x-a": 4}
    assert problems(fitting, WRITTEN) == []
    assert problems({"name": "A", "age": -1, "kind": "b", "more": [1], "never": 1}, WRITTEN) == [
        "name must have at least 2 characters",
        "age must be at least 0",
        'kind must be one of "a"',
        "more[0] must be a string, not a number, or more[0] must be a boolean, not a number",
        "never must be left out",
    ]
    assert problems({"name": "Adam", "age": 151, "more": []}, WRITTEN) == [
        "name must have at most 3 characters",
        "age must be at most 150",
        "more must have at least 1 items",
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "y", "tags", "a", "corner"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([annotation for annotation, *_ in TYPES]), json_values)
def test_whatever_fits_can_be_converted_and_whatever_does_not_is_told_without_its_texts(annotation, value):
    shape = shape_of(annotation)
    if not problems(value, shape.schema):
        shape.convert(value)
    assert problems({"x": "SECRET"}, shape_of(dict[str, int]).schema) == ["x must be an integer, not a string"]


def documented(
    city: str,
    days: Annotated[int, "from the annotation"] = 3,
    *,
    unit: Unit = Unit.CELSIUS,
    place: Point = Point(1),  # noqa: B008 - a default without a JSON form
) -> Decimal:
    """Tell the weather.

    In many words.

    Args:
        city (str): name of the city,
            example: Oslo, Norway.
        days: from the docstring.
        unit:
            of the temperature
    Returns:
        place: not a parameter.
    """
    raise NotImplementedError


def test_a_docstring_describes_the_parameters_and_defaults_are_told_where_json_has_a_form_for_them():
    schema = function_shape(documented, "documented").schema
    assert schema["required"] == ["city"]
    assert schema["properties"] == {
        "city": {"description": "name of the city, example: Oslo, Norway.", "type": "string"},
        "days": {"description": "from the annotation", "type": "integer", "default": 3},
        "unit": {"description": "of the temperature", "type": "string", "enum": ["c", "k"], "default": "c"},
        "place": POINT,
    }


class Station:
    def at(self, hour: int) -> int:
        return hour

    def __call__(self, hour: Level) -> int:
        return hour


def test_methods_partials_wrappers_and_callable_objects_are_functions_too():
    @functools.wraps(documented)
    def wrapped(*args, **kwargs):
        return documented(*args, **kwargs)

    assert function_shape(Station().at, "at").schema["required"] == ["hour"]
    assert function_shape(Station(), "station").convert({"hour": 2}) == {"hour": Level.HIGH}
    assert function_shape(functools.partial(documented, days=2), "p").schema["properties"]["days"]["default"] == 2
    assert function_shape(wrapped, "w").schema == function_shape(documented, "d").schema


def bad_positional(city: str, /): ...
def bad_args(*cities: str): ...
def bad_kwargs(**cities: str): ...
def bad_missing(city): ...
def bad_set(city: set[str]): ...
def bad_class(city: Station): ...
def bad_inside(city: list[dict[str, complex]]): ...
def bad_keys(city: dict[int, str]): ...
def bad_literal(city: Literal[b"x"]): ...
def bad_tree(city: Tree): ...
def bad_unknown(city: Decimal): ...
def bad_syntax(city: "a b"): ...  # noqa: F722 - what a slip looks like


WHY = {
    bad_positional: "is positional-only, and a model gives arguments by name",
    bad_args: "is variadic positional",
    bad_kwargs: "is variadic keyword",
    bad_missing: "has no annotation; write what it takes, such as `str`",
    bad_set: r"takes set\[str\], which a model cannot give",
    bad_class: "takes Station, which a model cannot give",
    bad_inside: "takes complex, which a model cannot give",
    bad_keys: "takes a dict whose keys are <class 'int'>",
    bad_literal: r"takes one of \[b'x'\]",
    bad_tree: "takes Tree, which holds itself",
    bad_unknown: r"cannot be evaluated \(name 'Decimal' is not defined\); define it in the module, outside of `if TYPE_CHECKING`",
    bad_syntax: "cannot be evaluated",
}


@pytest.mark.parametrize(("function", "why"), WHY.items(), ids=lambda each: getattr(each, "__name__", ""))
def test_a_parameter_that_json_cannot_say_is_a_configuration_error_that_names_it(function, why):
    with pytest.raises(ConfigurationError, match=why) as caught:
        function_shape(function, "weather")
    name = "cities" if "cities" in function.__annotations__ else "city"
    assert caught.value.setting == f"weather.{name}"
    assert f"the tool 'weather' cannot be made of its function: its parameter {name!r}" in str(caught.value)


def test_a_function_without_a_readable_signature_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match="the tool 'type' cannot be made of its function"):
        function_shape(type, "type")


@pytest.mark.parametrize(
    "schema",
    [{"$ref": "#"}, {"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"$ref": "#/$defs/a"}}}],
    ids=["itself", "in a circle"],
)
def test_a_schema_that_refers_to_nothing_but_itself_is_refused(schema):
    with pytest.raises(ConfigurationError, match=r"\$ref .* comes back to itself") as caught:
        problems({}, schema)
    assert caught.value.setting == "input_schema"


def test_a_schema_may_refer_to_itself_for_what_is_further_inside():
    schema = {"type": "object", "properties": {"a": {"$ref": "#"}}, "additionalProperties": False}
    assert problems({"a": {"a": {}}}, schema) == []
    assert problems({"a": {"a": {"b": 1}}}, schema) == ["a.a.b must be left out"]


def test_an_input_that_is_nested_too_deeply_is_told_to_the_model():
    deep = {}
    for _ in range(5000):
        deep = {"a": deep}
    assert problems(deep, {"properties": {"a": {"$ref": "#"}}}) == ["the input is nested too deeply"]
