"""Filter expressions: what they become, what AWS's own dicts become, and what Python must not misread."""

import math
import pickle

import pytest
from hypothesis import given, settings, strategies as st

from bedrock_auth import ConfigurationError
from bedrock_auth.bedrock.retrieval.fields import F
from bedrock_auth.bedrock.retrieval.filters import Condition, Filter, FilterGroup, UnknownFilter, all_of, any_of, filter_to_api
from support.shapes import service_model

NEW, OLD, RED = F.year >= 2024, F.year < 2000, F.tag == "red"

KEYS = st.text(min_size=1, max_size=6)
SCALARS = st.text(max_size=4) | st.booleans() | st.integers(-9, 9) | st.floats(-1, 1)
OPERATORS = ["equals", "notEquals", "greaterThan", "greaterThanOrEquals", "lessThan", "lessThanOrEquals", "in", "notIn"]
OPERATORS += ["startsWith", "stringContains", "listContains"]
ATTRIBUTES = st.fixed_dictionaries({"key": KEYS, "value": SCALARS | st.lists(SCALARS, max_size=3)})
CONDITIONS = st.builds(lambda operator, attribute: {operator: attribute}, st.sampled_from(OPERATORS), ATTRIBUTES)
AWS_FILTERS = st.recursive(
    CONDITIONS,
    lambda inner: st.builds(
        lambda operator, parts: {operator: parts}, st.sampled_from(["andAll", "orAll"]), st.lists(inner, min_size=2, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("expression", "operator", "value"),
    [
        (F.a == "x", "equals", "x"),
        (F.a != "x", "notEquals", "x"),
        (F.a > 1, "greaterThan", 1),
        (F.a >= 1.5, "greaterThanOrEquals", 1.5),
        (F.a < 1, "lessThan", 1),
        (F.a <= 1, "lessThanOrEquals", 1),
        (F.a.in_(["x", "y"]), "in", ["x", "y"]),
        (F.a.not_in(("x",)), "notIn", ["x"]),
        (F.a.starts_with("x"), "startsWith", "x"),
        (F.a.string_contains("x"), "stringContains", "x"),
        (F.a.list_contains("x"), "listContains", "x"),
        (1 < F.a, "greaterThan", 1),  # noqa: SIM300 - the other way round
        ("x" == F.a, "equals", "x"),  # noqa: SIM300 - the other way round
        (F["a"] == True, "equals", True),  # noqa: E712 - what users write
    ],
)
def test_every_operator_of_aws_has_an_expression(expression, operator, value):
    assert expression.to_api() == {operator: {"key": "a", "value": value}}


def test_the_operators_are_those_of_botocore():
    members = set(service_model("bedrock-agent-runtime").shape_for("RetrievalFilter").members)
    assert {*OPERATORS, "andAll", "orAll"} == members


def test_a_chain_becomes_one_group_and_other_groups_stay():
    assert (NEW & OLD & RED).to_api() == {"andAll": [NEW.to_api(), OLD.to_api(), RED.to_api()]}
    assert (NEW & (OLD & RED)) == (NEW & OLD & RED)
    assert ((NEW | OLD) & RED).to_api() == {"andAll": [{"orAll": [NEW.to_api(), OLD.to_api()]}, RED.to_api()]}
    assert all_of(NEW, OLD, RED) == NEW & OLD & RED
    assert any_of(NEW, OLD) == NEW | OLD


def test_a_single_filter_is_not_wrapped():
    assert all_of(RED) is RED
    assert any_of({"equals": {"key": "tag", "value": "red"}}) == RED


@pytest.mark.parametrize("join", [all_of, any_of])
def test_joining_nothing_is_an_error_because_it_would_let_everything_through(join):
    with pytest.raises(ConfigurationError, match="every document"):
        join()


def test_dicts_of_aws_join_in_from_both_sides():
    raw = RED.to_api()
    assert raw & NEW == RED & NEW
    assert NEW | raw == NEW | RED
    assert raw | NEW == RED | NEW
    assert filter_to_api(raw) == filter_to_api(RED) == raw
    assert filter_to_api({"near": {"key": "place", "value": 3}}) == {"near": {"key": "place", "value": 3}}


@pytest.mark.parametrize(
    ("expression", "opposite"),
    [
        (F.a == 1, F.a != 1),
        (F.a > 1, F.a <= 1),
        (F.a < 1, F.a >= 1),
        (F.a.in_([1]), F.a.not_in([1])),
        ((F.a > 1) & (F.b == 2), (F.a <= 1) | (F.b != 2)),
    ],
)
def test_the_opposite_is_awss_own(expression, opposite):
    assert ~expression == opposite
    assert ~opposite == expression


@pytest.mark.parametrize(
    "expression", [F.a.starts_with("x"), F.a.string_contains("x"), F.a.list_contains("x"), UnknownFilter({"near": {}})]
)
def test_where_aws_has_no_opposite_there_is_an_error(expression):
    with pytest.raises(ConfigurationError, match="opposite"):
        assert ~expression
    with pytest.raises(ConfigurationError, match="opposite"):
        assert ~(expression & RED)


TRAPS = {
    "and": lambda: NEW and RED,
    "or": lambda: NEW or RED,
    "not": lambda: not NEW,
    "if": lambda: 1 if NEW | RED else 0,
    "chained": lambda: 2000 < F.year < 2024,
    "chained equality": lambda: F.a == 1 == F.b,
    "a field in a list": lambda: F.year in [2023, 2024],
    "a value in a field": lambda: "x" in F.tags,
    "no parentheses": lambda: F.year >= 2024 & F.tag == "a",
    "no parentheses, or": lambda: F.year == 2024 | F.tag,
    "a field alone": lambda: NEW & F.tag,
    "a field alone, first": lambda: F.tag | NEW,
    "not a field": lambda: ~F.tag,
    "field and": lambda: F.a and NEW,
    "two fields": lambda: F.a == F.b,
    "a filter as value": lambda: F.a == (F.b == 1),
    "nothing": lambda: F.a == None,  # noqa: E711 - what users write
    "a number that is none": lambda: F.a < math.inf,
    "a date": lambda: F.a < "2024-01-01",
    "a truth value as number": lambda: F.a < True,
    "a list to ==": lambda: F.a == ["x"],
    "one text to in_": lambda: F.a.in_("abc"),
    "nothing to in_": lambda: F.a.in_([]),
    "no iterable": lambda: F.a.in_(3),
    "a number that is too large": lambda: F.a == 10**400,
    "a number that is too small": lambda: F.a > -(10**400),
    "a number as text": lambda: F.a.starts_with(3),
    "nothing to begin with": lambda: F.a.starts_with(""),
    "nothing to contain": lambda: F.a.string_contains(""),
    "no name": lambda: F[""] == 1,
    "a long name": lambda: F["x" * 101] == 1,
    "a number as name": lambda: F[3] == 1,
    "True": lambda: NEW & True,
    "group of one": lambda: FilterGroup("andAll", [NEW]),
    "nothing as filter": lambda: filter_to_api(None),
    "a field as filter": lambda: filter_to_api(F.year),
}


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS)
def test_what_python_would_misread_or_aws_refuse_is_an_error_that_names_the_filter(trap):
    with pytest.raises(ConfigurationError) as caught:
        trap()
    assert caught.value.setting == "filter"
    assert isinstance(caught.value, ValueError)


def test_the_largest_numbers_are_numbers():
    assert (F.a == 10**308).value == 10**308
    with pytest.raises(ConfigurationError, match="not with one that is infinite, too large or none at all"):
        assert F.a < -math.inf


def test_values_are_not_in_messages():
    with pytest.raises(ConfigurationError) as caught:
        assert F.a.in_([["a secret"]])
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "raw", [{}, {"equals": 3}, {"equals": {"key": "a"}}, {"andAll": [RED]}, {"andAll": 3}, {"a": 1, "b": 2}, 3]
)
def test_what_is_no_filter_of_awss_is_an_error(raw):
    with pytest.raises(ConfigurationError):
        Filter.from_api(raw)


def test_names_of_pythons_own_are_not_fields():
    with pytest.raises(AttributeError, match="F\\['_source_uri'\\]"):
        assert F._source_uri
    assert (F["_source_uri"] == "x").key == "_source_uri"
    assert not hasattr(F, "__wrapped__")


def test_expressions_are_values():
    assert {NEW & RED: 1}[(F.year >= 2024) & (F.tag == "red")] == 1
    assert pickle.loads(pickle.dumps(NEW | RED)) == NEW | RED
    assert repr(F.year) == "F['year']"


def test_an_operator_that_is_not_known_is_kept():
    raw = {"near": {"key": "place", "value": 3}}
    assert Filter.from_api(raw) == UnknownFilter(raw)
    assert (RED & raw).to_api() == {"andAll": [RED.to_api(), raw]}


@settings(max_examples=25, deadline=None)
@given(AWS_FILTERS)
def test_a_filter_of_awss_becomes_an_expression_and_goes_back_unchanged(raw):
    expression = Filter.from_api(raw)
    assert expression.to_api() == raw
    assert Filter.from_api(expression.to_api()) == expression


def holds(raw, document):
    """What AWS's documentation says that a filter lets through, for documents that have every attribute."""
    ((operator, operand),) = raw.items()
    if operator in {"andAll", "orAll"}:
        assert len(operand) >= 2
        return (all if operator == "andAll" else any)(holds(part, document) for part in operand)
    have, value = document[operand["key"]], operand["value"]
    return {
        "equals": lambda: have == value,
        "notEquals": lambda: have != value,
        "greaterThan": lambda: have > value,
        "greaterThanOrEquals": lambda: have >= value,
        "lessThan": lambda: have < value,
        "lessThanOrEquals": lambda: have <= value,
        "in": lambda: have in value,
        "notIn": lambda: have not in value,
    }[operator]()


NUMBERS = st.integers(0, 3)
PAIRS = st.sampled_from("ab").flatmap(
    lambda key: st.sampled_from(
        [
            lambda n: (F[key] == n, lambda d: d[key] == n),
            lambda n: (F[key] != n, lambda d: d[key] != n),
            lambda n: (F[key] > n, lambda d: d[key] > n),
            lambda n: (F[key] >= n, lambda d: d[key] >= n),
            lambda n: (F[key] < n, lambda d: d[key] < n),
            lambda n: (F[key] <= n, lambda d: d[key] <= n),
            lambda n: (F[key].in_([n, 3]), lambda d: d[key] in {n, 3}),
        ]
    ).flatmap(NUMBERS.map)
)


def both(left, right):
    return left[0] & right[0], lambda d: left[1](d) and right[1](d)


def either(left, right):
    return left[0] | right[0], lambda d: left[1](d) or right[1](d)


def opposite(one):
    return ~one[0], lambda d: not one[1](d)


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        PAIRS,
        lambda inner: st.builds(both, inner, inner) | st.builds(either, inner, inner) | st.builds(opposite, inner),
        max_leaves=8,
    ),
    st.fixed_dictionaries({"a": NUMBERS, "b": NUMBERS}),
)
def test_an_expression_means_to_aws_what_it_means_in_python(pair, document):
    expression, meaning = pair
    assert holds(expression.to_api(), document) == meaning(document)
    assert not any(
        isinstance(part, FilterGroup) and part.operator == expression.operator for part in getattr(expression, "filters", ())
    )


def test_conditions_may_be_made_by_hand():
    assert Condition("equals", "a", 1) == (F.a == 1)
