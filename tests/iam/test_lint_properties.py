"""The linter survives anything, and is content with what the builders make."""

from __future__ import annotations

import json

from hypothesis import example, given, settings, strategies as st

from bedrock_auth import iam
from bedrock_auth.iam.document import Document
from bedrock_auth.iam.glob import matches

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
NAMES = st.sampled_from(
    ["Version", "Statement", "Effect", "Action", "NotAction", "Resource", "Principal", "Condition", "Sid", "StringEquals", "AWS",
     "Federated", "aws:SourceIp", "aws:", ":", "", "a.b[0]"]
) | st.text(max_size=4)  # fmt: skip
WORDS = st.sampled_from(
    ["2012-10-17", "Allow", "*", "bedrock:*", "bedrock:InvokeModel", "bedrock:Converse*", "bedrock-runtime:x", "sts:AssumeRole*",
     "arn:aws:bedrock:us-east-1::foundation-model/us.a.b", "arn:*", "arn:aws:bedrock:::::/", "arn:a:b:c:d:", "${x", "${aws:a}",
     "lambda:*", "arn:aws:iam::1:oidc-provider/x", "cognito-identity.amazonaws.com", "?", "\ud800", "us.amazon.nova-lite-v1:0"]
)  # fmt: skip
ANYTHING = st.recursive(
    SCALARS | WORDS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=25
)
STATEMENT = st.fixed_dictionaries(
    {},
    optional={
        name: ANYTHING | WORDS | st.lists(WORDS, max_size=3)
        for name in ("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "Condition", "Other")
    },
)
LIKE_POLICIES = st.fixed_dictionaries(
    {"Version": WORDS | SCALARS, "Statement": STATEMENT | st.lists(STATEMENT | SCALARS, max_size=3)}
)
MODELS = st.sampled_from([None, "amazon.nova-lite-v1:0", "us.amazon.nova-lite-v1:0", "global.amazon.nova-2-lite-v1:0", "a1b2c3"])


@settings(max_examples=150, deadline=None)
@given(ANYTHING | LIKE_POLICIES, MODELS)
@example({"Statement": [[], {}]}, None)
def test_any_json_is_linted_as_value_and_as_text_alike(value, model_id):
    def without_lines(findings):
        return [{name: part for name, part in finding.to_api().items() if name != "line"} for finding in findings]

    as_text = iam.lint(json.dumps(value), model_id=model_id)
    if not isinstance(value, str):
        assert without_lines(iam.lint(value, model_id=model_id)) == without_lines(as_text)
    assert all(finding.line for finding in as_text)
    assert all(finding.what and finding.why and finding.fix and finding.severity for finding in as_text)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet='{}[]":,\\ \n1a', max_size=30))
def test_any_text_is_linted(text):
    assert iam.lint(text)


@settings(max_examples=60, deadline=None)
@given(LIKE_POLICIES, st.sampled_from([None, 1, "\t"]))
def test_every_value_has_the_line_on_which_it_begins(value, indent):
    text = json.dumps(value, indent=indent)
    document = Document.read(text)
    assert document.raw == json.loads(text)
    for view in document.views:
        for each in (*view.actions, *view.resources):
            line = text.split("\n")[document.line(each.path) - 1]
            assert json.dumps(each.value) in line or each.value in line


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab*?", max_size=8), st.text(alphabet="ab.\n", max_size=8))
def test_wildcards_are_those_of_iam(pattern, text):
    def by_hand(rest, left):
        if not rest:
            return not left
        if rest[0] == "*":
            return by_hand(rest[1:], left) or (left != "" and by_hand(rest, left[1:]))
        return left != "" and rest[0] in {"?", left[0]} and by_hand(rest[1:], left[1:])

    assert matches(pattern, text) is by_hand(pattern, text)


def test_many_wildcards_take_no_longer_than_few():
    assert not matches("*?" * 30 + "z", "a" * 100)
    assert matches("arn:aws:s3:::[a]*", "arn:aws:s3:::[a]/b")
    assert not matches("[ab]", "a")


REGIONS = st.sampled_from(["us-east-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1"])
NAMED = st.sampled_from(
    ["amazon.nova-lite-v1:0", "anthropic.claude-*", "eu.amazon.nova-lite-v1:0", "global.anthropic.claude-*", "xx.meta.*"]
)
GUARDRAILS = st.sampled_from([None, "abc", "abc:1", "abc:DRAFT"])


@settings(max_examples=100, deadline=None)
@given(NAMED, REGIONS, st.booleans(), GUARDRAILS)
def test_what_the_builders_make_has_no_findings_and_allows_the_call(model_id, region, streaming, guardrail):
    is_profile = model_id[:2] in {"eu", "xx"}
    made = iam.invoke_model(
        model_id, region_name=region, account_id="0" * 12, streaming=streaming, guardrail=guardrail,
        destinations=[region] if is_profile else (),
    )  # fmt: skip
    called = model_id.replace("*", "sonnet")
    assert [finding.code for finding in iam.lint(made, model_id=called)] == ([] if streaming else ["no-streaming"])
    assert iam.lint(made.to_json(), model_id=called) == [*iam.lint(made.to_json())]
