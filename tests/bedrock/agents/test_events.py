"""An agent's raw events in, typed ones out."""

import pickle
from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import given, settings, strategies as st

from bedrock_auth import ConfigurationError
from bedrock_auth.bedrock.agents.actions import Actions
from bedrock_auth.bedrock.agents.events import AgentChunk, AgentDecoder, AgentFiles, AgentTrace, OutputFile
from bedrock_auth.bedrock.agents.parameters import Parameter
from bedrock_auth.bedrock.agents.return_control import ApiInvocation, FunctionInvocation, ReturnControl, UnknownInvocation
from bedrock_auth.bedrock.converse.media import ImageBlock
from bedrock_auth.bedrock.converse.response import Usage
from bedrock_auth.bedrock.errors import Call, DecodeError
from bedrock_auth.bedrock.events import UnknownEvent
from bedrock_auth.bedrock.retrieval.hits import Hit
from support.shapes import one_member, service_model

MODEL = service_model("bedrock-agent-runtime")
TRACES = sorted(MODEL.shape_for("Trace").members)
EVENTS = ["chunk", "trace", "returnControl", "files"]
STREAMS = ["ResponseStream", "InlineAgentResponseStream"]


def decode(raw):
    return AgentDecoder().decode(raw)


@cache
def of(stream, event):
    return one_member(MODEL.shape_for(stream), event)


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("event", EVENTS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_every_event_of_aws_own_model_is_typed_and_keeps_what_came(stream, event, data):
    raw = data.draw(of(stream, event))
    typed = decode(raw)
    assert isinstance(
        typed, {"chunk": AgentChunk, "trace": AgentTrace, "returnControl": ReturnControl, "files": AgentFiles}[event]
    )
    assert typed.raw is raw
    assert pickle.loads(pickle.dumps(typed)) == typed


def test_there_are_the_seven_kinds_of_trace():
    assert TRACES == [
        "customOrchestrationTrace",
        "failureTrace",
        "guardrailTrace",
        "orchestrationTrace",
        "postProcessingTrace",
        "preProcessingTrace",
        "routingClassifierTrace",
    ]


@pytest.mark.parametrize("kind", TRACES)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_a_trace_of_each_kind_says_which_step_it_is_about(kind, data):
    trace = data.draw(of("Trace", kind))
    typed = decode({"trace": {"agentId": "A", "trace": trace}})
    assert (typed.kind, typed.agent_id) == (kind, "A")
    assert typed.content == (trace[kind] if typed.step is None else trace[kind][typed.step])
    assert (typed.step is not None) == MODEL.shape_for("Trace").members[kind].is_tagged_union
    assert typed.trace_id == typed.content.get("traceId")


ORIGIN = {
    "agentId": "AGENT12345",
    "agentAliasId": "ALIAS12345",
    "agentVersion": "7",
    "collaboratorName": "billing",
    "sessionId": "s-1",
    "callerChain": [{"agentAliasArn": "arn:1"}, {"agentAliasArn": "arn:2"}],
}


@pytest.mark.parametrize("time", [datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z", "2026-01-02T03:04:05+00:00"])
def test_a_trace_says_who_called_whom_and_when(time):
    typed = decode({"trace": {**ORIGIN, "eventTime": time, "trace": {"orchestrationTrace": {"rationale": {"text": "so"}}}}})
    assert typed == AgentTrace(
        "orchestrationTrace",
        "rationale",
        {"text": "so"},
        "AGENT12345",
        "ALIAS12345",
        "7",
        "billing",
        ("arn:1", "arn:2"),
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "s-1",
    )


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        ({"hologramTrace": {"light": 1}}, ("hologramTrace", None, {"light": 1})),
        ({"orchestrationTrace": {"hologram": {"light": 1}}}, ("orchestrationTrace", "hologram", {"light": 1})),
        ({"orchestrationTrace": {}}, ("orchestrationTrace", None, {})),
        ({}, ("", None, {})),
    ],
)
def test_a_trace_that_is_not_known_keeps_its_name_and_content(trace, expected):
    typed = decode({"trace": {"trace": trace}})
    assert (typed.kind, typed.step, typed.content) == expected


def test_only_model_invocations_have_tokens_because_the_others_repeat_them():
    usage = {"metadata": {"usage": {"inputTokens": 3, "outputTokens": 4}}}
    model = decode({"trace": {"trace": {"preProcessingTrace": {"modelInvocationOutput": usage}}}})
    assert model.usage == Usage(3, 4)
    assert decode({"trace": {"trace": {"guardrailTrace": usage}}}).usage is None
    assert decode({"trace": {"trace": {"orchestrationTrace": {"observation": {"finalResponse": usage}}}}}).usage is None
    assert decode({"trace": {"trace": {"orchestrationTrace": {"modelInvocationOutput": {}}}}}).usage is None


def test_an_event_that_is_not_known_is_kept():
    raw = {"hologram": {"light": 1}}
    typed = decode(raw)
    assert typed == UnknownEvent("hologram")
    assert typed.raw is raw


def test_a_chunk_has_citations_with_what_they_rest_on():
    reference = {"content": {"text": "It rains."}, "location": {"type": "S3", "s3Location": {"uri": "s3://b/k"}}}
    part = {"textResponsePart": {"text": "Rain", "span": {"start": 0, "end": 3}}}
    cited = {"generatedResponsePart": part, "retrievedReferences": [reference]}
    typed = decode({"chunk": {"bytes": b"Rain", "attribution": {"citations": [cited]}}})
    (citation,) = typed.citations
    assert (typed.text, citation.text, citation.place_in(typed.text)) == ("Rain", "Rain", (0, 4))
    assert citation.references == (Hit.from_api(reference),)


def test_files_have_names_types_and_bytes_that_are_not_shown():
    typed = decode({"files": {"files": [{"name": "plot.png", "type": "image/png", "bytes": b"secret"}]}})
    assert typed.files == (OutputFile("plot.png", "image/png", b"secret"),)
    assert "secret" not in repr(typed)


@settings(max_examples=50, deadline=None)
@given(st.text(), st.data())
def test_text_comes_whole_wherever_its_bytes_are_cut(text, data):
    encoded = text.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(encoded)), max_size=5)))
    pieces = [encoded[start:end] for start, end in zip([0, *cuts], [*cuts, len(encoded)], strict=True)]
    decoder = AgentDecoder()
    chunks = [decoder.decode({"chunk": {"bytes": piece}}) for piece in pieces]
    assert "".join(chunk.text for chunk in chunks) == text
    assert b"".join(chunk.bytes for chunk in chunks) == encoded
    assert not decoder.is_inside_character


def test_half_a_character_waits_for_the_rest_and_bytes_that_are_none_are_replaced():
    decoder = AgentDecoder()
    assert decoder.decode({"chunk": {"bytes": b"a\xe2\x82"}}).text == "a"
    assert decoder.is_inside_character
    assert decoder.decode({"chunk": {"bytes": b"\xac\xff!"}}).text == "€\ufffd!"
    assert not decoder.is_inside_character


FUNCTION = {
    "actionGroup": "g",
    "function": "f",
    "actionInvocationType": "USER_CONFIRMATION",
    "agentId": "COLLAB",
    "collaboratorName": "billing",
    "parameters": [{"name": "n", "type": "integer", "value": "3"}],
}
API = {
    "actionGroup": "g",
    "apiPath": "/claims/{id}",
    "httpMethod": "POST",
    "parameters": [{"name": "id", "type": "string", "value": "7"}],
    "requestBody": {"content": {"application/json": {"properties": [{"name": "n", "type": "number", "value": "1.5"}]}}},
}


def test_return_control_says_what_is_asked_for():
    inputs = [{"functionInvocationInput": FUNCTION}, {"apiInvocationInput": API}, {"hologram": {"light": 1}}]
    control = decode({"returnControl": {"invocationId": "i", "invocationInputs": inputs}})
    function, api, unknown = control.invocations
    assert control.invocation_id == "i"
    assert function == FunctionInvocation(
        action_group="g",
        function="f",
        action_invocation_type="USER_CONFIRMATION",
        agent_id="COLLAB",
        collaborator_name="billing",
        parameters=(Parameter("n", "integer", "3"),),
    )
    assert (function.name, function.arguments, function.needs_confirmation, function.needs_result) == (
        "g.f",
        {"n": 3},
        True,
        False,
    )
    assert isinstance(api, ApiInvocation)
    assert (api.name, api.arguments) == ("g POST /claims/{id}", {"id": "7", "n": 1.5})
    assert (api.needs_confirmation, api.needs_result) == (False, True)
    assert unknown == UnknownInvocation("hologram", {"hologram": {"light": 1}})


def test_an_input_that_botocore_does_not_know_has_its_own_name_and_asks_for_another_boto3():
    lost = {"SDK_UNKNOWN_MEMBER": {"name": "hologram"}}
    control = decode({"returnControl": {"invocationId": "i", "invocationInputs": [lost]}})
    assert control.invocations == (UnknownInvocation("hologram", lost),)
    with pytest.raises(DecodeError, match="'hologram', which the installed boto3 does not know; upgrade boto3") as caught:
        Actions.of([], None, "report", "raise").check(control, Call("InvokeAgent"))
    assert caught.value.code == "UnknownInvocation"


def test_results_have_aws_form():
    function, api = FunctionInvocation.from_api(FUNCTION), ApiInvocation.from_api(API)
    assert function.result("done", confirmation_state="CONFIRM").to_api() == {
        "functionResult": {
            "actionGroup": "g",
            "function": "f",
            "agentId": "COLLAB",
            "confirmationState": "CONFIRM",
            "responseBody": {"TEXT": {"body": "done"}},
        }
    }
    assert api.result("{}", response_state="REPROMPT", http_status_code=400).to_api() == {
        "apiResult": {
            "actionGroup": "g",
            "apiPath": "/claims/{id}",
            "httpMethod": "POST",
            "httpStatusCode": 400,
            "responseState": "REPROMPT",
            "responseBody": {"application/json": {"body": "{}"}},
        }
    }
    image = ImageBlock("png", b"\x89PNG")
    assert function.result(image).to_api()["functionResult"]["responseBody"] == {
        "IMAGES": {"images": [{"format": "png", "source": {"bytes": b"\x89PNG"}}]}
    }


def test_every_invocation_needs_a_result():
    control = decode({"returnControl": {"invocationId": "i", "invocationInputs": [{"functionInvocationInput": FUNCTION}] * 2}})
    results = [invocation.result("done") for invocation in control.invocations]
    assert control.answered(*results).to_api() == {
        "invocationId": "i",
        "returnControlInvocationResults": [result.to_api() for result in results],
    }
    with pytest.raises(ConfigurationError, match="waits for 2 results, one for each of its invocations, not 1"):
        control.answered(results[0])
