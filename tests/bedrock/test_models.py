"""Which models there are and how each can be called, asked on the wire."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from botocore.config import Config

from bedrock_auth import ConfigurationError, Static, create_session
from bedrock_auth.bedrock import BedrockError, ConnectionLostError, DecodeError
from bedrock_auth.bedrock.errors import AccessDeniedError, ThrottledError
from bedrock_auth.bedrock.models import InferenceProfile, available_models
from bedrock_auth.testing import ServiceError, Stall, Throttle, foundation_model, inference_profile

APPLICATION = inference_profile(
    "us.amazon.nova-lite-v1:0",
    type="APPLICATION",
    inferenceProfileId="a1b2c3d4e5f6",
    inferenceProfileName="team-a",
    inferenceProfileArn="arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6",
    description="of team A",
)


@pytest.fixture
def catalog(bedrock):
    bedrock.foundation_models = [
        foundation_model("amazon.nova-lite-v1:0", inputModalities=["TEXT", "IMAGE"]),
        foundation_model("zai.glm-4.7", inferenceTypesSupported=["INFERENCE_PROFILE"], modelLifecycle={"status": "LEGACY"}),
        foundation_model("amazon.titan-tg1-large", inferenceTypesSupported=["PROVISIONED"]),
    ]
    bedrock.inference_profiles = [
        inference_profile("us.amazon.nova-lite-v1:0", regions=("us-east-1", "us-west-2")),
        inference_profile("global.zai.glm-4.7", models=[{"modelArn": "arn:aws:bedrock:::foundation-model/zai.glm-4.7"}]),
        APPLICATION,
        inference_profile("us.meta.llama3-1-70b-instruct-v1:0"),
    ]
    return bedrock


def test_each_model_tells_how_it_can_be_called(catalog, session):
    nova, glm, titan, llama = available_models(session)
    assert (nova.id, nova.arn) == ("amazon.nova-lite-v1:0", "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0")
    assert nova.call_as == ("amazon.nova-lite-v1:0", "us.amazon.nova-lite-v1:0", APPLICATION["inferenceProfileArn"])
    assert (nova.provider, nova.input_modalities, nova.output_modalities) == ("Amazon", ("TEXT", "IMAGE"), ("TEXT",))
    assert (nova.streaming, nova.status, nova.on_demand) == (True, "ACTIVE", True)
    assert (glm.call_as, glm.on_demand, glm.status) == (("global.zai.glm-4.7",), False, "LEGACY")
    assert titan.call_as == ()
    assert (llama.id, llama.call_as, llama.streaming) == (
        "meta.llama3-1-70b-instruct-v1:0",
        ("us.meta.llama3-1-70b-instruct-v1:0",),
        None,
    )


def test_a_profile_tells_where_it_leads(catalog, session):
    nova, glm, *_ = available_models(session)
    routed, own = nova.profiles
    assert (routed.geography, routed.regions, routed.model_ids) == ("us", ("us-east-1", "us-west-2"), ("amazon.nova-lite-v1:0",))
    assert (own.geography, own.name, own.description, own.type) == (None, "team-a", "of team A", "APPLICATION")
    assert (glm.profiles[0].geography, glm.profiles[0].regions) == ("global", ())


def test_a_profile_can_be_read_from_get_inference_profile_too(catalog, session):
    client = session.client("bedrock")
    profile = InferenceProfile.from_api(client.get_inference_profile(inferenceProfileIdentifier="us.amazon.nova-lite-v1:0"))
    assert profile == available_models(session)[0].profiles[0]


def test_everything_is_read_page_by_page(bedrock, session):
    bedrock.inference_profiles = [inference_profile(f"us.amazon.nova-{number}") for number in range(1001)]
    assert len(available_models(session)) == 1001
    asked = [(request.operation, request.query) for request in bedrock.requests]
    assert asked == [
        ("ListFoundationModels", {}),
        ("ListInferenceProfiles", {"type": "SYSTEM_DEFINED"}),
        ("ListInferenceProfiles", {"type": "SYSTEM_DEFINED", "nextToken": "1000"}),
        ("ListInferenceProfiles", {"type": "APPLICATION"}),
    ]


def test_it_is_the_sessions_identity_and_the_region_asked_for(catalog, session):
    assert available_models(session, region_name="eu-west-3")
    assert {request.access_key_id for request in catalog.requests} == {catalog.credentials.access_key_id}
    assert "/eu-west-3/bedrock/" in catalog.requests[0].headers["authorization"]


@pytest.mark.parametrize("before", [0, 1], ids=["models", "profiles"])
def test_denied_access_says_what_to_allow(catalog, session, before):
    none = SimpleNamespace(apply=lambda answer: answer())
    catalog.fault(*[none] * before, ServiceError("AccessDeniedException", 403, "User: x is not authorized"))
    with pytest.raises(
        AccessDeniedError, match="needs bedrock:ListFoundationModels and bedrock:ListInferenceProfiles on the resource"
    ) as caught:
        available_models(session)
    assert (caught.value.code, caught.value.status) == ("AccessDeniedException", 403)
    assert caught.value.operation == ("ListFoundationModels", "ListInferenceProfiles")[before]
    assert caught.value.request_id


def test_throttling_is_waited_for(catalog, session, no_backoff):
    catalog.fault(Throttle())
    assert len(available_models(session)) == 4


def test_how_often_it_is_sent_again_and_who_hears_of_it_are_the_callers_choice(catalog, session, no_backoff):
    told = []
    catalog.fault(Throttle())
    assert len(available_models(session, listeners=[told.append])) == 4
    assert [retried.code for retried in told] == ["ThrottlingException"]
    catalog.fault(Throttle())
    with pytest.raises(ThrottledError):
        available_models(session, retries=1, listeners=[told.append])
    assert len(told) == 1
    with pytest.raises(ConfigurationError, match="retries"):
        available_models(session, retries=0)


def test_a_config_of_the_callers_goes_before_the_defaults(catalog, session):
    catalog.fault(Stall(after_events=0))
    with pytest.raises(ConnectionLostError, match="read timeout"):
        available_models(session, config=Config(read_timeout=0.2), retries=1)


def test_other_failures_are_of_the_family(catalog, session):
    catalog.fault(ServiceError("ValidationException", status=400))
    with pytest.raises(BedrockError, match="ListFoundationModels failed with ValidationException"):
        available_models(session)
    catalog.foundation_models = [{"modelName": "x"}]
    with pytest.raises(DecodeError, match="is this endpoint Amazon Bedrock"):
        available_models(session)


def test_no_region_and_no_session_are_told_at_once(monkeypatch):
    with pytest.raises(ConfigurationError, match="session must be a boto3 session, not Static"):
        available_models(Static("AKIAEXAMPLE", "secret"))
    with pytest.raises(ConfigurationError, match="no region is set"):
        available_models(create_session(Static("AKIAEXAMPLE", "secret")))
