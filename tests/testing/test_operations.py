import json
from contextlib import closing
from types import NoneType

import pytest
from botocore.eventstream import ChecksumMismatch
from botocore.exceptions import ClientError, EventStreamError, ReadTimeoutError
from urllib3.exceptions import ProtocolError, ReadTimeoutError as StreamTimeoutError

from bedrock_auth.testing import (
    CorruptChecksum,
    Cut,
    LocalBedrock,
    Payload,
    RawEvents,
    Reply,
    ServiceError,
    Stall,
    StreamException,
    Throttle,
    Truncate,
    foundation_model,
    inference_profile,
)

MODEL = "amazon.nova-lite-v1:0"
MESSAGES = [{"role": "user", "content": [{"text": "Hello"}]}]
BODY = json.dumps({"messages": MESSAGES})


def chunks(client):
    came, error = until_it_ends(client)
    assert error is None
    return came


def until_it_ends(client):
    """The chunks that came, and what ended them."""
    answer = client.invoke_model_with_response_stream(modelId=MODEL, body=BODY)
    assert answer["contentType"] == "application/json"
    came = []
    with closing(answer["body"]) as stream:
        try:
            came.extend(event["chunk"]["bytes"] for event in stream)
        except Exception as error:  # noqa: BLE001 - botocore lets through whatever its parser or urllib3 raises
            return came, error
    return came, None


@pytest.fixture
def control_plane(bedrock, client_for):
    return client_for(bedrock, service="bedrock")


# InvokeModel


def test_invoke_model_returns_the_models_own_document(bedrock, client):
    document = {"completion": "Grüße", "stop": None}
    bedrock.reply(Payload([document]), Payload([b"\x00 no JSON"]))
    answer = client.invoke_model(modelId=MODEL, body=BODY)
    assert json.loads(answer["body"].read()) == document
    assert answer["contentType"] == "application/json"
    assert client.invoke_model(modelId=MODEL, body=BODY)["body"].read() == b"\x00 no JSON"
    (received, _) = bedrock.requests
    assert (received.operation, received.model_id, received.body) == ("InvokeModel", MODEL, {"messages": MESSAGES})


def test_a_streamed_payload_comes_in_its_chunks(bedrock, client):
    bedrock.reply(Payload([{"a": 1}, b"raw", {"b": 2}]))
    assert chunks(client) == [b'{"a": 1}', b"raw", b'{"b": 2}']
    assert bedrock.requests[0].operation == "InvokeModelWithResponseStream"


def test_a_reply_reaches_invoke_model_in_the_form_of_amazon_nova(bedrock, client):
    bedrock.model = lambda request: Reply(f"Hello {request.text}", chunk_size=6)
    document = json.loads(client.invoke_model(modelId=MODEL, body=BODY)["body"].read())
    assert document["output"]["message"]["content"] == [{"text": "Hello Hello"}]
    events = [json.loads(chunk) for chunk in chunks(client)]
    assert events[:2] == [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"delta": {"text": "Hello "}, "contentBlockIndex": 0}},
    ]
    assert [kind for event in events for kind in event][-2:] == ["messageStop", "metadata"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"no JSON at all", ""),
        (b'{"prompt": "Hi"}', ""),
        (b'{"messages": [{"role": "user", "content": "Hi"}]}', "Hi"),
        (b'{"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}', "Hi"),
    ],
)
def test_a_body_may_be_in_any_models_form(bedrock, client, body, said):
    document = json.loads(client.invoke_model(modelId=MODEL, body=body)["body"].read())
    assert document["output"]["message"]["content"] == [{"text": f"You said: “{said}”"}]


@pytest.mark.parametrize("reply", [RawEvents([]), Payload([]), Payload([{}, {}])])
def test_what_cannot_answer_invoke_model_says_so(bedrock, client, reply):
    bedrock.reply(reply)
    with pytest.raises(ClientError, match=r"cannot answer InvokeModel|RawEvents can answer streams only"):
        client.invoke_model(modelId=MODEL, body=BODY)


def test_a_payload_is_no_answer_to_converse(bedrock, client):
    bedrock.reply(Payload([{}]))
    with pytest.raises(ClientError, match="cannot answer Converse;"):
        client.converse(modelId=MODEL, messages=MESSAGES)


def test_raw_events_are_streamed_to_invoke_model_as_well(bedrock, client):
    bedrock.reply(RawEvents([("chunk", {"bytes": b"abc"}), ("somethingNew", {})]))
    assert chunks(client) == [b"abc"]


@pytest.mark.parametrize("suffix", ["invoke", "invoke-with-response-stream"])
def test_an_invocation_without_a_body_is_refused(wire, suffix):
    status, code, document = wire.send(wire.signed(path=f"/model/m/{suffix}", body=b""))
    assert (status, code) == (400, "ValidationException")
    assert "no body" in document["message"]


@pytest.mark.parametrize("kind", ["throttlingException", "modelTimeoutException", "modelStreamErrorException"])
def test_an_exception_ends_a_stream_of_chunks(bedrock, client, kind):
    bedrock.reply(Payload([{"a": 1}, {"b": 2}]))
    bedrock.fault(StreamException(kind, "broken", after_events=1))
    came, error = until_it_ends(client)
    assert came == [b'{"a": 1}']
    assert isinstance(error, EventStreamError)
    assert error.response["Error"] == {"Code": kind, "Message": "broken"}


# CountTokens


@pytest.mark.parametrize("counted", [{"converse": {"messages": MESSAGES}}, {"invokeModel": {"body": BODY}}])
def test_the_tokens_are_as_many_as_a_test_says(bedrock, client, counted):
    if not hasattr(client, "count_tokens"):
        pytest.skip("this botocore's model has no CountTokens")
    assert client.count_tokens(modelId=MODEL, input=counted)["inputTokens"] == 10
    bedrock.input_tokens = 4711
    assert client.count_tokens(modelId=MODEL, input=counted)["inputTokens"] == 4711


def test_counting_uses_up_no_reply(bedrock, wire, client):
    bedrock.reply("one", "two")
    request = wire.signed(path="/model/m/count-tokens", body=json.dumps({"input": {"converse": {"messages": MESSAGES}}}).encode())
    assert wire.send(request)[2] == {"inputTokens": 10}
    assert client.converse(modelId=MODEL, messages=MESSAGES)["output"]["message"]["content"] == [{"text": "one"}]


@pytest.mark.parametrize("counted", [None, {}, {"converse": {}}, {"other": {}}, {"converse": {}, "invokeModel": {}}])
def test_what_cannot_be_counted_is_refused(wire, counted):
    status, code, _ = wire.send(wire.signed(path="/model/m/count-tokens", body=json.dumps({"input": counted}).encode()))
    assert (status, code) == (400, "ValidationException")


# the control plane


def test_there_are_no_models_until_a_test_says_so(control_plane):
    assert control_plane.list_foundation_models()["modelSummaries"] == []
    assert control_plane.list_inference_profiles()["inferenceProfileSummaries"] == []


def test_the_models_are_listed_and_filtered_as_aws_does(bedrock, control_plane):
    nova = foundation_model(MODEL)
    other = foundation_model("anthropic.some-v1", inferenceTypesSupported=["INFERENCE_PROFILE"], outputModalities=["IMAGE"])
    bedrock.foundation_models = [nova, other]

    def listed(**query):
        return control_plane.list_foundation_models(**query)["modelSummaries"]

    assert listed() == [nova, other]
    assert nova["modelArn"] == f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}"
    assert (nova["providerName"], listed(byProvider="amazon"), listed(byProvider="meta")) == ("Amazon", [nova], [])
    assert listed(byInferenceType="ON_DEMAND") == [nova]
    assert listed(byOutputModality="IMAGE") == [other]
    assert listed(byCustomizationType="FINE_TUNING") == []
    assert {(request.operation, request.signed, request.model_id) for request in bedrock.requests} == {
        ("ListFoundationModels", "sigv4", None)
    }


def test_the_profiles_are_listed_page_by_page_and_by_their_type(bedrock, control_plane):
    own = inference_profile("app", type="APPLICATION")
    system = [inference_profile(f"us.amazon.model-{number}") for number in range(5)]
    bedrock.inference_profiles = [own, *system]
    pages = list(control_plane.get_paginator("list_inference_profiles").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["inferenceProfileSummaries"]) for page in pages] == [2, 2, 2]
    assert [profile for page in pages for profile in page["inferenceProfileSummaries"]] == [own, *system]
    assert control_plane.list_inference_profiles(typeEquals="APPLICATION")["inferenceProfileSummaries"] == [own]


def test_a_profile_is_found_by_its_id_and_by_its_arn(bedrock, control_plane):
    profile = inference_profile("us." + MODEL, regions=("us-east-1", "us-west-2"))
    bedrock.inference_profiles = [profile]
    for name in (profile["inferenceProfileId"], profile["inferenceProfileArn"]):
        found = control_plane.get_inference_profile(inferenceProfileIdentifier=name)
        found.pop("ResponseMetadata")
        assert found == profile
        assert bedrock.requests[-1].model_id == name
    assert [model["modelArn"] for model in profile["models"]] == [
        f"arn:aws:bedrock:{region}::foundation-model/{MODEL}" for region in ("us-east-1", "us-west-2")
    ]


def test_an_unknown_profile_is_not_found(control_plane):
    with pytest.raises(ClientError, match="us.none is not found") as caught:
        control_plane.get_inference_profile(inferenceProfileIdentifier="us.none")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_the_environment_leads_to_the_control_plane_as_well(bedrock, shared_session, monkeypatch):
    for name, value in bedrock.environ.items():
        monkeypatch.setenv(name, value)
    keys = bedrock.credentials
    client = shared_session.client("bedrock", aws_access_key_id=keys.access_key_id, aws_secret_access_key=keys.secret_access_key)
    assert client.list_foundation_models()["modelSummaries"] == []
    client.close()


# who signs, and what goes wrong, are the same for all

CALLS = {
    "InvokeModel": ("bedrock-runtime", "invoke_model", {"modelId": MODEL, "body": BODY}),
    "InvokeModelWithResponseStream": ("bedrock-runtime", "invoke_model_with_response_stream", {"modelId": MODEL, "body": BODY}),
    "CountTokens": ("bedrock-runtime", "count_tokens", {"modelId": MODEL, "input": {"converse": {"messages": MESSAGES}}}),
    "ListFoundationModels": ("bedrock", "list_foundation_models", {"byProvider": "A b"}),
    "ListInferenceProfiles": ("bedrock", "list_inference_profiles", {"maxResults": 2, "typeEquals": "APPLICATION"}),
    "GetInferenceProfile": ("bedrock", "get_inference_profile", {"inferenceProfileIdentifier": "us." + MODEL}),
}
PARAMETRIZED = pytest.mark.parametrize("operation", CALLS)


@pytest.fixture
def call(client_for):
    def send(bedrock, operation, credentials=None, **config):
        service, method, parameters = CALLS[operation]
        client = client_for(bedrock, credentials, service=service, **config)
        if not hasattr(client, method):
            pytest.skip(f"this botocore's model has no {operation}")
        bedrock.inference_profiles = [inference_profile("us." + MODEL)]
        return getattr(client, method)(**parameters)

    return send


@PARAMETRIZED
def test_every_operation_wants_a_key_that_it_knows(bedrock, call, operation):
    read(call(bedrock, operation))
    with LocalBedrock() as other, pytest.raises(ClientError) as caught:
        call(other, operation, bedrock.credentials)
    assert caught.value.response["Error"]["Code"] == "UnrecognizedClientException"
    assert [(request.operation, request.signed, request.status) for request in bedrock.requests] == [(operation, "sigv4", 200)]


@PARAMETRIZED
@pytest.mark.parametrize("fault", [Throttle(), ServiceError("AccessDeniedException", 403)])
def test_every_operation_fails_before_its_answer(bedrock, call, operation, fault):
    bedrock.fault(fault)
    with pytest.raises(ClientError):
        call(bedrock, operation)
    read(call(bedrock, operation))
    assert [request.status for request in bedrock.requests] == [getattr(fault, "status", 429), 200]


@PARAMETRIZED
def test_every_operation_stalls(bedrock, call, operation):
    bedrock.fault(Stall(0))
    with pytest.raises(ReadTimeoutError if operation != "InvokeModelWithResponseStream" else StreamTimeoutError):
        read(call(bedrock, operation, read_timeout=0.2))


def read(answer):
    """Read a body that is still on its way; every other answer is whole when the call returns."""
    if "body" in answer:
        with closing(answer["body"]) as body:
            list(body)


@pytest.mark.parametrize(
    ("fault", "ends"),
    [
        (Cut(1), ProtocolError),
        (Truncate(1), NoneType),
        (Truncate(1, mid_frame=True), NoneType),
        (CorruptChecksum(1), ChecksumMismatch),
    ],
)
def test_a_stream_of_chunks_breaks_as_one_of_events_does(bedrock, client, fault, ends):
    bedrock.reply(Payload([{"a": 1}, {"b": 2}, {"c": 3}]))
    bedrock.fault(fault)
    came, error = until_it_ends(client)
    assert came == [b'{"a": 1}']
    assert isinstance(error, ends)
