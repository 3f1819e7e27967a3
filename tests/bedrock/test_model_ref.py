"""What ids and ARNs say by themselves."""

import pytest
from hypothesis import given, settings, strategies as st

from bedrock_auth import ConfigurationError
from bedrock_auth.bedrock.model_ref import ModelRef
from support.names import plain

ACCOUNT = "123456789012"
FORMS = ("kind", "partition", "region", "account", "model_id", "provider", "geography")

MODELS = [
    "amazon.nova-lite-v1:0",
    "amazon.titan-text-express-v1:0:8k",
    "anthropic.claude-v2:1",
    "ai21.jamba-1-5-large-v1:0",
    "deepseek.v3-v1:0",
    "deepseek.v3.2",
    "minimax.minimax-m2.1",
    "openai.gpt-oss-120b-1:0",
    "zai.glm-4.7",
    "maker.model-2.large-v1:0",
    "maker.v3.large",
]
GEOGRAPHIES = ["us", "eu", "apac", "jp", "au", "ca", "us-gov", "global", "sa", "latam"]


@pytest.mark.parametrize("model_id", MODELS)
@pytest.mark.parametrize("partition", [None, "aws", "aws-us-gov", "aws-cn", "aws-eusc", "aws-iso-b"])
def test_a_foundation_model(model_id, partition):
    text = f"arn:{partition}:bedrock:us-east-1::foundation-model/{model_id}" if partition else model_id
    ref = ModelRef.parse(text)
    found = ("foundation-model", partition, partition and "us-east-1", None, model_id, model_id.partition(".")[0], None)
    assert tuple(getattr(ref, name) for name in FORMS) == found
    assert (str(ref), ref.is_profile) == (text, False)


@pytest.mark.parametrize("geography", GEOGRAPHIES)
@pytest.mark.parametrize("model_id", ["amazon.nova-lite-v1:0", "ai21.jamba-1-5-large-v1:0", "zai.glm-4.7"])
@pytest.mark.parametrize("region", [None, "eu-west-3"])
def test_an_inference_profile_of_any_geography(geography, model_id, region):
    profile = f"{geography}.{model_id}"
    text = f"arn:aws:bedrock:{region}:{ACCOUNT}:inference-profile/{profile}" if region else profile
    ref = ModelRef.parse(text)
    provider = model_id.partition(".")[0]
    found = ("inference-profile", region and "aws", region, region and ACCOUNT, model_id, provider, geography)
    assert tuple(getattr(ref, name) for name in FORMS) == found
    assert (str(ref), ref.is_profile, ref.resource) == (text, True, profile)


OTHERS = {
    f"arn:aws:bedrock:us-east-1:{ACCOUNT}:application-inference-profile/a1b2c3d4e5f6": "application-inference-profile",
    f"arn:aws-us-gov:bedrock:us-gov-west-1:{ACCOUNT}:provisioned-model/abcdef123456": "provisioned-model",
    f"arn:aws:bedrock:us-east-1:{ACCOUNT}:imported-model/abcdef123456": "imported-model",
    f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model/imported/abcdef123456": "custom-model",
    f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model-deployment/abcdef123456": "custom-model-deployment",
    f"arn:aws:bedrock:us-east-1:{ACCOUNT}:prompt/ABCDEFGHIJ:3": "prompt",
    f"arn:aws:bedrock:us-east-1:{ACCOUNT}:prompt-router/abc": "prompt-router",
    f"arn:aws:bedrock:us-east-1:{ACCOUNT}:default-prompt-router/meta.llama:1": "default-prompt-router",
    f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/mine": "endpoint",
    f"arn:aws:bedrock:us-east-1:{ACCOUNT}:something-new/x.y": "something-new",
}


@pytest.mark.parametrize(("text", "kind"), OTHERS.items(), ids=OTHERS.values())
def test_whatever_else_has_an_arn(text, kind):
    ref = ModelRef.parse(text)
    assert (ref.kind, ref.account, ref.model_id, ref.provider, ref.geography) == (kind, ACCOUNT, None, None, None)
    assert (str(ref), ref.resource) == (text, text.partition(f":{kind}/")[2])
    assert ref.is_profile == (kind == "application-inference-profile")


@pytest.mark.parametrize("prefix", ["", f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model/"])
def test_a_custom_model_tells_its_base(prefix):
    ref = ModelRef.parse(f"{prefix}amazon.titan-text-lite-v1:0:4k/abcdef123456")
    assert (ref.kind, ref.model_id, ref.provider) == ("custom-model", "amazon.titan-text-lite-v1:0:4k", "amazon")


def test_a_global_foundation_model_has_no_region():
    ref = ModelRef.parse("arn:aws:bedrock:::foundation-model/amazon.nova-lite-v1:0")
    assert (ref.region, ref.account, ref.provider) == (None, None, "amazon")


def test_an_id_that_does_not_tell_has_no_kind():
    ref = ModelRef.parse("my-model")
    assert (ref.kind, ref.model_id, ref.provider, ref.is_profile) == (None, None, None, False)


@pytest.mark.parametrize(
    "text",
    ["", " ", "a b", "arn:", "arn:aws:s3:::bucket/x", "arn:aws:bedrock:us-east-1::agent", "a\n", "ä.b", None, 5, b"a.b"],
    ids=plain,
)
def test_anything_else_is_a_configuration_error(text):
    with pytest.raises(ConfigurationError, match="is neither the id nor the ARN") as caught:
        ModelRef.parse(text)
    assert caught.value.setting == "model_id"


words = st.from_regex(r"[a-z]{2}[a-z0-9]{1,8}", fullmatch=True)
names = st.from_regex(r"[a-z][a-z0-9-]{1,12}(-v[0-9](:[0-9])?)?", fullmatch=True)


@settings(max_examples=100, deadline=None)
@given(st.none() | st.from_regex(r"[a-z]{2,6}(-[a-z]{3})?", fullmatch=True), words, names)
def test_geography_provider_and_model_come_apart_as_they_were_put_together(geography, provider, name):
    text = f"{provider}.{name}" if geography is None else f"{geography}.{provider}.{name}"
    ref = ModelRef.parse(text)
    assert (ref.geography, ref.provider, ref.model_id) == (geography, provider, f"{provider}.{name}")
    assert ref == ModelRef.parse(str(ref))
    assert len({ref, ModelRef.parse(text)}) == 1
