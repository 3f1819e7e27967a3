"""Hints at inference profiles, from names alone."""

import pytest

from bedrock_auth.bedrock.failures.profile_hints import inference_profile_hints

ARN = "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0"


@pytest.mark.parametrize(
    "model_id",
    [
        "us.amazon.nova-lite-v1:0",
        "global.amazon.nova-lite-v1:0",
        "us-gov.amazon.nova-lite-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc",
        "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc",
        "prompt",
        "",
    ],
)
def test_what_is_no_foundation_model_gets_no_hint(model_id):
    assert inference_profile_hints(model_id, "us-east-1") == ()


def test_an_arn_brings_its_region_and_the_callers_own_word_counts_for_more():
    assert inference_profile_hints(ARN)[0] == "eu.amazon.nova-lite-v1:0"
    assert inference_profile_hints(ARN, "us-east-1")[0] == "us.amazon.nova-lite-v1:0"
