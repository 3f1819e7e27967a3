"""Policies as values: order, size, merging."""

from __future__ import annotations

import json
from itertools import product

import pytest
from hypothesis import given, settings, strategies as st

from bedrock_auth import ConfigurationError, iam
from bedrock_auth.iam import Policy, Statement


def test_a_policy_is_a_value_and_its_text_is_json():
    one, two = (iam.invoke_model("amazon.nova-lite-v1:0", region_name="us-east-1") for _ in range(2))
    assert one == two
    assert hash(one) == hash(two)
    assert json.loads(str(one)) == one.to_api()
    assert str(one).startswith('{\n  "Version": "2012-10-17",\n  "Statement": [\n    {\n      "Sid": "InvokeModel",')
    assert " " not in one.to_json()


def test_merging_joins_resources_keeps_order_and_numbers_names():
    nova, titan = (iam.invoke_model(name, region_name="us-east-1") for name in ("amazon.nova-lite-v1:0", "amazon.titan-text"))
    quiet = iam.invoke_model("amazon.nova-lite-v1:0", region_name="us-east-1", streaming=False)
    merged = Policy.merge(nova, iam.list_models(), titan, quiet, nova)
    assert [statement.sid for statement in merged.statements] == ["InvokeModel", "ListModels", "InvokeModel2"]
    assert merged.statements[0].resources == nova.statements[0].resources + titan.statements[0].resources
    assert iam.lint(merged) == []


def test_trust_policies_and_others_are_not_mixed():
    with pytest.raises(ConfigurationError, match="merge neither"):
        Policy.merge(iam.list_models(), iam.trust_service("ec2", region_name="us-east-1"))
    with pytest.raises(ConfigurationError, match="at least one statement"):
        Policy.merge()


def test_a_policy_that_is_too_long_says_by_how_much():
    many = Policy.merge(*(iam.invoke_model(f"amazon.model-{number}", region_name="us-east-1") for number in range(40)))
    assert many.size == len(many.to_json())
    assert many.check_size() is many
    with pytest.raises(ConfigurationError, match=f"has {many.size} characters, and at most 2048"):
        many.check_size(iam.SESSION_POLICY_LIMIT)


WORDS = st.sampled_from(["a:A", "a:B", "a:C"])
PLACES = st.sampled_from(["r1", "r2", "r3"])
STATEMENTS = st.builds(
    Statement,
    sid=st.sampled_from(["One", "Two", "One2"]),
    actions=st.lists(WORDS, min_size=1, max_size=2),
    resources=st.lists(PLACES, min_size=1, max_size=2),
    conditions=st.sampled_from([(), (("Bool", "k", ("true",)),)]),
    effect=st.sampled_from(["Allow", "Deny"]),
)


def meant(statements):
    """Everything that is said, as single facts."""
    return {
        (each.effect, each.conditions, action, resource)
        for each in statements
        for action, resource in product(each.actions, each.resources)
    }


@settings(max_examples=60, deadline=None)
@given(st.lists(STATEMENTS, min_size=1, max_size=6))
def test_merging_says_the_same_with_names_of_their_own(statements):
    merged = Policy.merge(*(Policy((each,)) for each in statements)).statements
    assert meant(merged) == meant(statements)
    assert len({each.sid for each in merged}) == len(merged)
    assert Policy.merge(Policy(merged)).statements == merged
