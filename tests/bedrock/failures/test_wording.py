"""What is read from the texts of AWS's errors, whatever they are."""

import re

import pytest
from hypothesis import given, strategies as st

from bedrock_auth.bedrock.failures.wording import clock_offset, denied_resource, iam_actions, model_id, normalised

PIECES = st.sampled_from([
    "on resource: ",
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.m",
    "arn:aws:iam::123456789012:user/Me",
    "bedrock:InvokeModel",
    "Invocation of model ID ",
    "20260101T001500Z is now earlier than 20260101T001500Z (20260101T002000Z - 5 min.)",
    "99999999T999999Z is still later than 20260101T001500Z (20260101T002000Z + 5 min.)",
    "\u2019",
    "\u00a0",
])  # fmt: skip


@given(st.lists(PIECES | st.text("aZ:/.-0 \u2019(", max_size=10)).map("".join))
def test_any_text_can_be_read_and_only_facts_of_a_known_shape_come_out(text):
    assert all(re.fullmatch(r"[a-z0-9-]+:[A-Za-z0-9]+", action) for action in iam_actions(text))
    assert re.fullmatch(r"|The resource is [\w./:-]+ in (?:every region|[\w-]*)\.", denied_resource(text))
    assert re.fullmatch(r"|Its clock is \d+ minutes (?:behind|ahead)\.", clock_offset(text))
    assert re.fullmatch(r"[\w.:-]*", model_id(text))
    assert normalised(normalised(text)) == normalised(text)


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        ("arn:aws:bedrock:us-east-1::foundation-model/m.x.", "foundation-model/m.x in us-east-1"),
        ("arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:agent-alias/A/B", "agent-alias/A/B in us-gov-west-1"),
        ("arn:aws:bedrock:us-east-1:123456789012:knowledge-base/K", "knowledge-base/K in us-east-1"),
        ("arn:aws:iam::123456789012:role/Secret", ""),
        ("arn:aws:kms:us-east-1:123456789012:key/k", ""),
        ("*", ""),
    ],
)
def test_a_refused_resource_is_named_without_its_account(resource, said):
    text = denied_resource(f"User: arn:aws:iam::123456789012:user/Me may not on resource: {resource} because of it")
    assert text == (f"The resource is {said}." if said else "")
    assert "123456789012" not in text


def test_an_action_is_named_once_and_in_order():
    text = "to perform: aws-marketplace:ViewSubscriptions, bedrock:InvokeModel (bedrock:InvokeModel) on arn:aws:s3:::bucket:Beta"
    assert iam_actions(text) == ("aws-marketplace:ViewSubscriptions", "bedrock:InvokeModel")
