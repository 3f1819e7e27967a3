"""Whatever botocore's own model says that agents and knowledge bases send: over the real wire formats and into our values."""

from __future__ import annotations

import json
import pickle

import pytest
from botocore.eventstream import EventStream
from botocore.parsers import EventStreamJSONParser, create_parser
from hypothesis import HealthCheck, given, settings, strategies as st

from bedrock_auth.bedrock import BedrockError, UnknownEvent
from bedrock_auth.bedrock.agent import BedrockAgent, InlineAgent
from bedrock_auth.bedrock.agents.events import AgentDecoder, AgentTrace
from bedrock_auth.bedrock.agents.return_control import ReturnControl, UnknownInvocation
from bedrock_auth.bedrock.knowledge_base import KnowledgeBase
from bedrock_auth.bedrock.retrieval.generation_stream import CitationEvent, GuardrailEvent, OutputEvent, decode_generation
from bedrock_auth.bedrock.retrieval.hits import Hit, UnknownContent
from bedrock_auth.bedrock.retrieval.response import RetrieveAndGenerateResponse, RetrieveResponse
from bedrock_auth.bedrock.transport.frames import FrameStream
from bedrock_auth.testing import RawEvents, StreamException, encode_event
from bedrock_auth.testing.frames import encode_json
from support.shapes import one_member, service_model, values

SMALL = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
MODEL = service_model("bedrock-agent-runtime")
STREAMS = {
    "InvokeAgent": MODEL.shape_for("ResponseStream"),
    "InvokeInlineAgent": MODEL.shape_for("InlineAgentResponseStream"),
    "RetrieveAndGenerateStream": MODEL.shape_for("RetrieveAndGenerateStreamResponseOutput"),
}
EVENTS = [(operation, name) for operation, shape in STREAMS.items() for name in shape.members if not name.endswith("Exception")]
EXCEPTIONS = [(operation, name) for operation, shape in STREAMS.items() for name in shape.members if name.endswith("Exception")]
TRACES = MODEL.shape_for("Trace")
STEPS = [
    (kind, step) for kind, shape in TRACES.members.items() for step in shape.members if getattr(shape, "is_tagged_union", False)
]
IDS = {"agent_id": "AGENT12345", "agent_alias_id": "ALIAS12345"}
HIT = MODEL.shape_for("KnowledgeBaseRetrievalResult")
CONTENT, LOCATION = HIT.members["content"], HIT.members["location"]


class Body:
    """As much of an HTTP response as the readers of a stream use."""

    def __init__(self, name, body):
        self.frame = encode_event(name, encode_json(written(body)))

    def stream(self):
        return iter([self.frame])


def written(value):
    """A value as AWS sends it: times in ISO 8601."""
    if isinstance(value, dict):
        return {name: written(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [written(inner) for inner in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def by_boto3(operation, name, body):
    (event,) = EventStream(Body(name, body), STREAMS[operation], EventStreamJSONParser(), operation)
    return event


def by_us(operation, name, body):
    (event,) = FrameStream(Body(name, body), STREAMS[operation], operation)
    return event


def decoder(operation):
    return decode_generation if operation.startswith("Retrieve") else AgentDecoder().decode


def parsed(operation, document):
    """What boto3 makes of a document."""
    response = {"status_code": 200, "headers": {}, "body": encode_json(document), "context": {}}
    return create_parser("rest-json").parse(response, MODEL.operation_model(operation).output_shape)


def test_there_is_something_to_generate():
    assert {name for _, name in EVENTS} == {"chunk", "trace", "returnControl", "files", "output", "citation", "guardrail"}
    assert len(EXCEPTIONS) >= 28
    assert len(STEPS) >= 10


@pytest.mark.parametrize(("operation", "name"), EVENTS)
@SMALL
@given(data=st.data())
def test_every_event_arrives_as_boto3_gives_it_and_is_typed(operation, name, data):
    body = data.draw(values(STREAMS[operation].members[name]))
    raw = by_us(operation, name, body)
    assert raw == by_boto3(operation, name, body)
    event = decoder(operation)(raw)
    assert not isinstance(event, UnknownEvent)
    assert event.raw is raw
    assert pickle.loads(pickle.dumps(event)) == event
    assert repr(event)


@pytest.mark.parametrize(("kind", "step"), STEPS)
@SMALL
@given(data=st.data())
def test_every_step_of_a_trace_keeps_its_name_and_its_content(kind, step, data):
    inside = data.draw(one_member(TRACES.members[kind], step))
    event = AgentDecoder().decode(by_us("InvokeAgent", "trace", {"agentId": "A", "trace": {kind: inside}}))
    assert isinstance(event, AgentTrace)
    assert (event.kind, event.step, event.agent_id) == (kind, step, "A")
    assert event.content == inside[step]
    usage = inside[step].get("metadata", {}).get("usage", {}) if isinstance(inside[step], dict) else {}
    if step == "modelInvocationOutput" and usage:
        assert (event.usage.input_tokens, event.usage.output_tokens) == (
            usage.get("inputTokens", 0),
            usage.get("outputTokens", 0),
        )


@SMALL
@given(values(MODEL.shape_for("InvocationInputs")))
def test_every_input_of_a_return_control_keeps_its_names_and_all_its_parameters(inputs):
    event = AgentDecoder().decode(by_us("InvokeAgent", "returnControl", {"invocationId": "i", "invocationInputs": inputs}))
    assert isinstance(event, ReturnControl)
    for sent, invocation in zip(inputs, event.invocations, strict=True):
        ((_, about),) = sent.items()
        assert invocation.action_group == about["actionGroup"]
        assert invocation.agent_id == about.get("agentId")
        assert invocation.collaborator_name == about.get("collaboratorName")
        assert [parameter.value for parameter in invocation.parameters] == [
            each.get("value") for each in about.get("parameters", [])
        ]
        assert invocation.raw == about


UNKNOWN = {"tomorrow": {"x": [1]}}


def test_a_trace_and_an_input_of_a_kind_that_botocore_does_not_know_keep_what_came():
    trace = {"agentId": "A", "eventTime": "2026-11-21T08:00:00Z", "trace": {"tomorrowTrace": UNKNOWN}}
    event = AgentDecoder().decode(by_us("InvokeAgent", "trace", trace))
    assert (event.kind, event.content, event.event_time.year) == ("tomorrowTrace", UNKNOWN, 2026)
    event = AgentDecoder().decode(by_us("InvokeAgent", "returnControl", {"invocationId": "i", "invocationInputs": [UNKNOWN]}))
    (invocation,) = event.invocations
    assert isinstance(invocation, UnknownInvocation)
    assert (invocation.name, invocation.raw) == ("tomorrow", UNKNOWN)


@pytest.mark.parametrize("operation", STREAMS)
def test_an_event_that_botocore_does_not_know_is_kept(operation):
    event = decoder(operation)(by_us(operation, "tomorrow", {"x": 1}))
    assert isinstance(event, UnknownEvent)
    assert event.raw == {"tomorrow": {"x": 1}}


def opened(operation, session):
    """A stream of an operation, over the real wire."""
    if operation == "InvokeAgent":
        return BedrockAgent(session, **IDS, retries=1).invoke("Hello")
    if operation == "InvokeInlineAgent":
        agent = InlineAgent(session, foundation_model="m", instruction="You help people with what they want.....", retries=1)
        return agent.invoke("Hello")
    return KnowledgeBase(session, knowledge_base_id="KB12345678", retries=1).retrieve_and_generate_stream("sky", "m")


def canonical(exception):
    return exception[:1].upper() + exception[1:]


@pytest.mark.parametrize(("operation", "exception"), EXCEPTIONS)
def test_every_exception_in_a_stream_is_one_of_our_family_with_what_had_come(bedrock, session, operation, exception):
    bedrock.add_knowledge_base("KB12345678", ["The sky is blue."])
    bedrock.agent = ["The sky is blue."]
    bedrock.fault(StreamException(exception, "Told to.", after_events=1, extra={"resourceName": "lambda"}))
    with opened(operation, session) as stream, pytest.raises(BedrockError, match="Told to") as caught:
        list(stream)
    assert caught.value.code == canonical(exception)
    assert caught.value.partial.text == "The sky "
    assert caught.value.request_id


# what Retrieve and RetrieveAndGenerate answer


@SMALL
@given(values(MODEL.shape_for("RetrieveResponse")))
def test_every_answer_of_retrieve_is_read_and_goes_back_without_loss(document):
    raw = parsed("Retrieve", document)
    response = RetrieveResponse.from_api(raw)
    assert [hit.to_api() for hit in response.hits] == document["retrievalResults"]
    for hit, sent in zip(response.hits, document["retrievalResults"], strict=True):
        assert (hit.score, hit.metadata, hit.document_id) == (sent.get("score"), sent.get("metadata", {}), sent.get("documentId"))
    assert (response.next_token, response.guardrail_action) == (document.get("nextToken"), document.get("guardrailAction"))
    assert pickle.loads(pickle.dumps(response)) == response


@SMALL
@given(values(MODEL.shape_for("RetrieveAndGenerateResponse")))
def test_every_generated_answer_is_read_and_its_citations_go_back_without_loss(document):
    response = RetrieveAndGenerateResponse.from_api(parsed("RetrieveAndGenerate", document))
    assert (response.text, response.session_id) == (document["output"]["text"], document["sessionId"])
    assert [citation.to_api() for citation in response.citations] == document.get("citations", [])
    assert pickle.loads(pickle.dumps(response)) == response


CONTENTS = {"TEXT": "text", "IMAGE": "byteContent", "ROW": "row", "AUDIO": "audio", "VIDEO": "video"}


@pytest.mark.parametrize("kind", CONTENT.members["type"].enum)
@SMALL
@given(data=st.data())
def test_content_of_every_kind_has_a_class_and_a_text(kind, data):
    member = CONTENTS[kind]
    raw = {"type": kind, **data.draw(one_member(CONTENT, member))}
    hit = Hit.from_api(parsed("Retrieve", {"retrievalResults": [{"content": raw}]})["retrievalResults"][0])
    assert not isinstance(hit.content, UnknownContent)
    assert isinstance(hit.text, str)
    assert hit.to_api() == {"content": raw}


@pytest.mark.parametrize("kind", LOCATION.members["type"].enum)
def test_a_location_of_every_kind_says_where(kind):
    (member,) = [name for name in LOCATION.members if name.casefold().startswith(kind.casefold())]
    ((field, _),) = LOCATION.members[member].members.items()
    raw = {"content": {"type": "TEXT", "text": "a"}, "location": {"type": kind, member: {field: "somewhere"}}}
    hit = Hit.from_api(parsed("Retrieve", {"retrievalResults": [raw]})["retrievalResults"][0])
    assert hit.uri == "somewhere"
    assert hit.to_api() == raw


# whole streams


@SMALL
@given(texts=st.lists(st.text(max_size=20), min_size=1, max_size=4), size=st.integers(1, 5))
def test_an_answer_cut_anywhere_is_put_together_again(texts, size):
    said = "".join(texts).encode()
    decode = AgentDecoder().decode
    chunks = [said[at : at + size] for at in range(0, len(said), size)]
    events = [decode(by_us("InvokeAgent", "chunk", {"bytes": chunk})) for chunk in chunks]
    assert "".join(event.text for event in events) == "".join(texts)


@pytest.mark.parametrize("form", ["of old", "new", "both"])
def test_a_citation_of_either_form_is_the_same(form):
    cited = {
        "generatedResponsePart": {"textResponsePart": {"text": "Blue.", "span": {"start": 0, "end": 4}}},
        "retrievedReferences": [{"content": {"type": "TEXT", "text": "The sky is blue."}}],
    }
    body = {"of old": {"citation": cited}, "new": cited, "both": {**cited, "citation": cited}}[form]
    event = decode_generation(by_us("RetrieveAndGenerateStream", "citation", body))
    assert (event.citation.text, event.citation.span.end) == ("Blue.", 4)
    assert [hit.text for hit in event.citation.references] == ["The sky is blue."]


def test_a_stream_of_every_kind_of_event_is_read_to_its_end(bedrock, session):
    bedrock.add_knowledge_base("KB12345678", ["The sky is blue."])
    cited = {"generatedResponsePart": {"textResponsePart": {"text": "Blue."}}, "retrievedReferences": []}
    bedrock.reply(
        RawEvents([("guardrail", {"action": "NONE"}), ("tomorrow", {}), ("output", {"text": "Blue."}), ("citation", cited)])
    )
    with opened("RetrieveAndGenerateStream", session) as stream:
        kinds = [type(event) for event in stream]
    assert kinds == [GuardrailEvent, UnknownEvent, OutputEvent, CitationEvent]
    assert stream.response.text == "Blue."
    assert json.dumps(stream.response.citations[0].to_api())
