"""Texts that an agent gives, and the values that handlers get."""

import json
import math

import pytest
from hypothesis import given, settings, strategies as st

from bedrock_auth.bedrock.agents.parameters import Parameter, ParameterError, arguments, coerced

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def value(kind, text):
    return coerced(Parameter("p", kind, text))


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("boolean", "false", False),
        ("boolean", "False", False),
        ("boolean", " TRUE ", True),
        ("integer", "3", 3),
        ("integer", "-3.0", -3),
        ("integer", "1e3", 1000),
        ("integer", "9007199254740993.0", 9007199254740993),
        ("integer", "1e23", 10**23),
        ("integer", "1.5e1", 15),
        ("integer", "+7", 7),
        ("number", "3", 3),
        ("number", "2.50", 2.5),
        ("number", ".5", 0.5),
        ("Number", "-1e-2", -0.01),
        ("array", "[]", []),
        ("array", "[ ]", []),
        ("array", "[1, true, null]", [1, True, None]),
        ("array", '["a, b", {"c": []}]', ["a, b", {"c": []}]),
        ("array", "[Oslo, New York]", ["Oslo", "New York"]),
        ("array", "[ 007 , x]", ["007", "x"]),
        ("object", '{"a": {"b": [1]}}', {"a": {"b": [1]}}),
        ("string", "false", "false"),
        ("string", " 3 ", " 3 "),
        ("string", "", ""),
        (None, "3", "3"),
        ("date", "2026-01-01", "2026-01-01"),
    ],
)
def test_a_text_becomes_a_value_of_its_declared_type(kind, text, expected):
    found = value(kind, text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("boolean", ["", "0", "1", "yes", "no", "truth", "null"]),
        ("integer", ["", "3.5", "three", "0x10", "1_000", "NaN", "1e", "--1", ".", "e5", "٣٫٥", "1e999"]),
        ("integer", ["3.", "٣", "3.0000000000000000001"]),
        ("number", ["", "1,5", "inf", "-Infinity", "nan", "1e400", "1 2", ".", "9" * 500, "5.", "5.e1", "٣"]),
        ("array", ["", "a, b", "[", "[a, {b}]", '["a"', "{}", "3", "[NaN", "[" * 100_000]),
        ("array", ["[1e999]", "[NaN]", "[[-1e999]]", "[-Infinity, a]", '[{"a": 1e999}]', '[{"a": 1, "a": 2}]']),
        ("array", ["[a, 1]", "[a, true]", "[null, a]", "[True, b]", "[a, -1.5e3]", "[a, 5.]", "[a, .5]"]),
        ("array", ["[a,]", "[,]", "[a,,b]", "['a', 'b']", "[it's, b]", '["a", b]', "[a, `b`]"]),
        ("object", ["", "[]", "{a=1}", "{", "null", '{"a": NaN}', '{"a": 1e999}', '{"a": [{"b": 1e400}]}']),
        ("object", ['{"a": 1, "a": 2}', '{"a": {"b": 1, "b": 1}}', '{"a": [{"b": 1, "b": 1}]}']),
    ],
)
def test_a_text_that_does_not_fit_is_told_by_name_and_type_and_never_repeated(kind, texts):
    for text in texts:
        with pytest.raises(ParameterError) as caught:
            value(kind, text)
        assert caught.value.name == "p"
        assert str(caught.value).startswith("The parameter p must be ")
        assert text.strip() in {"", "."} or text.strip() not in str(caught.value).removeprefix("The parameter p must be ")


@settings(max_examples=50, deadline=None)
@given(st.booleans())
def test_booleans_survive_in_json_and_in_pythons_own_form(flag):
    assert value("boolean", json.dumps(flag)) is value("boolean", str(flag)) is flag


@settings(max_examples=50, deadline=None)
@given(st.integers(-(10**300), 10**300))
def test_integers_survive_however_large(number):
    assert value("integer", str(number)) == value("number", str(number)) == number


@settings(max_examples=50, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_survive(number):
    assert value("number", json.dumps(number)) == number
    assert value("number", repr(number)) == number


@settings(max_examples=50, deadline=None)
@given(st.lists(JSON, max_size=4))
def test_arrays_survive(items):
    assert value("array", json.dumps(items)) == items
    assert value("array", f" {json.dumps(items, ensure_ascii=False, indent=1)}\n") == items


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_objects_survive(members):
    assert value("object", json.dumps(members)) == members


TYPES = {"boolean": bool, "integer": int, "number": (int, float), "array": list, "object": dict}


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(sorted(TYPES)), st.text(max_size=12) | JSON.map(json.dumps) | JSON.map(str))
def test_whatever_comes_is_a_value_of_the_type_or_an_error(kind, text):
    try:
        found = value(kind, text)
    except ParameterError:
        return
    assert isinstance(found, TYPES[kind])
    assert kind in {"boolean", "array", "object"} or (not isinstance(found, bool) and math.isfinite(found))


@settings(max_examples=50, deadline=None)
@given(st.text(), st.sampled_from(["string", "STRING", "", None, "date-time"]))
def test_texts_are_never_touched(text, kind):
    assert value(kind, text) == text


def test_what_the_agent_does_not_give_is_left_out_and_what_it_gives_twice_is_an_error():
    given_once = [Parameter("a", "integer", "1"), Parameter("b", "string", None), Parameter("c", "string", "")]
    assert arguments(given_once) == {"a": 1, "c": ""}
    with pytest.raises(ParameterError, match="The parameter a is given twice"):
        arguments([*given_once, Parameter("a", "string", "x")])
