"""Whatever botocore's own model says that AWS sends: into our values and back, over the real wire formats, without loss."""

from __future__ import annotations

import json
import pickle

import attrs
import pytest
from botocore.eventstream import EventStream
from botocore.parsers import EventStreamJSONParser, create_parser
from botocore.serialize import create_serializer
from hypothesis import given, settings, strategies as st

from bedrock_auth.bedrock import ConverseResponse, Message, UnknownBlock, UnknownEvent, decode
from bedrock_auth.bedrock.content import block_from_api
from bedrock_auth.bedrock.events import CitationDelta, ImageDelta, ToolResultDelta
from bedrock_auth.bedrock.transport.frames import FrameStream
from bedrock_auth.testing import RawEvents, encode_event
from bedrock_auth.testing.frames import encode_json
from support.names import plain
from support.shapes import members, one_member, service_model, shape, values

EXAMPLES = settings(max_examples=12, deadline=None)
KINDS = members("ContentBlock")


def parsed_by_boto3(document):
    """What boto3 makes of a document of Converse."""
    response = {"status_code": 200, "headers": {}, "body": encode_json(document), "context": {}}
    return create_parser("rest-json").parse(response, service_model().operation_model("Converse").output_shape)


def sent_by_boto3(**parameters):
    """The document that boto3 sends for these parameters of Converse."""
    serializer = create_serializer("rest-json", include_validation=False)
    return json.loads(serializer.serialize_to_request(parameters, service_model().operation_model("Converse"))["body"])


def on_the_wire(document):
    return json.loads(encode_json(document))


class Body:
    """As much of an HTTP response as the readers of a stream use."""

    def __init__(self, name, body):
        self.frame = encode_event(name, encode_json(body))

    def stream(self):
        return iter([self.frame])


def streamed_by_boto3(name, body):
    """What boto3 yields for a frame with this event."""
    (event,) = EventStream(Body(name, body), shape("ConverseStreamOutput"), EventStreamJSONParser(), "ConverseStream")
    return event


def streamed_by_us(name, body):
    """What our own reader of frames yields for it."""
    (event,) = FrameStream(Body(name, body), shape("ConverseStreamOutput"), "ConverseStream")
    return event


def test_there_is_something_to_generate():
    assert len(KINDS) >= 10
    assert set(members("ConverseStreamOutput")) >= {"messageStart", "contentBlockStart", "contentBlockDelta", "metadata"}


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(data=st.data())
def test_every_content_block_comes_from_aws_and_goes_back_without_loss(kind, data):
    sent = {"role": "assistant", "content": [data.draw(one_member(shape("ContentBlock"), kind))]}
    document = {"output": {"message": sent}, "stopReason": "end_turn"}
    message = ConverseResponse.from_api(parsed_by_boto3(document)).message
    (block,) = message.content
    assert not isinstance(block, UnknownBlock)
    assert message.to_api() == sent
    assert sent_by_boto3(modelId="m", messages=[message.to_api()])["messages"] == on_the_wire({"m": [sent]})["m"]


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(data=st.data())
def test_a_block_built_from_its_fields_alone_says_the_same(kind, data):
    raw = data.draw(one_member(shape("ContentBlock"), kind))
    block = block_from_api(raw)
    built = attrs.evolve(block, raw={})
    assert built == block
    assert block_from_api(built.to_api()) == block
    assert pickle.loads(pickle.dumps(block)).to_api() == raw


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(data=st.data())
def test_what_has_no_name_here_is_kept_in_a_block_of_a_known_kind(kind, data):
    raw = data.draw(one_member(shape("ContentBlock"), kind))
    if isinstance(raw[kind], dict) and not getattr(shape("ContentBlock").members[kind], "is_tagged_union", False):
        raw[kind]["tomorrow"] = {"x": [1]}
    assert Message.from_api({"role": "user", "content": [raw], "tomorrow": 1}).to_api() == {
        "role": "user",
        "content": [raw],
        "tomorrow": 1,
    }


@pytest.mark.parametrize("kind", members("SystemContentBlock"))
@EXAMPLES
@given(data=st.data())
def test_every_system_block_can_be_given_as_a_value(kind, data):
    raw = data.draw(one_member(shape("SystemContentBlock"), kind))
    block = block_from_api(raw)
    assert not isinstance(block, UnknownBlock)
    assert block.to_api() == raw


@EXAMPLES
@given(values(shape("ConverseResponse")))
def test_every_whole_answer_is_read(raw):
    parsed = parsed_by_boto3(raw)
    response = ConverseResponse.from_api(parsed)
    assert response.raw is parsed
    assert response.message.to_api() == raw["output"]["message"]
    assert response.usage.total_tokens == raw["usage"]["totalTokens"]
    assert [attrs.astuple(detail) for detail in response.usage.cache_details] == [
        (detail["ttl"], detail["inputTokens"]) for detail in raw["usage"].get("cacheDetails", [])
    ]
    assert response.trace == parsed.get("trace")
    assert response.service_tier == raw.get("serviceTier", {}).get("type")
    assert response.performance_config == raw.get("performanceConfig")
    assert response.additional_model_response_fields == raw.get("additionalModelResponseFields")


EVENTS = [
    *((name, None, None) for name in members("ConverseStreamOutput") if "Exception" not in name),
    *(("contentBlockStart", "start", kind) for kind in members("ContentBlockStart")),
    *(("contentBlockDelta", "delta", kind) for kind in members("ContentBlockDelta")),
]


@pytest.mark.parametrize(("name", "union", "kind"), EVENTS, ids=plain)
@EXAMPLES
@given(data=st.data())
def test_every_event_of_a_stream_is_typed_and_keeps_what_aws_sent(name, union, kind, data):
    of = shape("ConverseStreamOutput").members[name]
    body = data.draw(values(of))
    if union is not None:
        body[union] = data.draw(one_member(of.members[union], kind))
    raw = streamed_by_boto3(name, body)
    assert raw == streamed_by_us(name, body) == {name: body}
    event = decode(raw)
    assert not isinstance(event, UnknownEvent)
    assert event.raw is raw
    assert getattr(event, "index", None) == body.get("contentBlockIndex")
    assert pickle.loads(pickle.dumps(event)) == event


@pytest.mark.parametrize(
    ("delta", "kind"),
    [
        ({"citation": {"title": "t", "location": {"tomorrow": {"x": 1}}}}, CitationDelta),
        ({"toolResult": [{"text": "a"}, {"tomorrow": {"x": 1}}]}, ToolResultDelta),
        ({"image": {"source": {"tomorrow": {"x": 1}}}}, UnknownEvent),
        ({"image": {"source": {"bytes": b"x"}}}, ImageDelta),
        ({"tomorrow": {"x": 1}}, UnknownEvent),
    ],
    ids=plain,
)
def test_what_the_installed_botocore_does_not_know_inside_an_event_is_kept(delta, kind):
    raw = streamed_by_us("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta})
    assert type(decode(raw)) is kind
    assert "SDK_UNKNOWN_MEMBER" not in repr(raw)
    assert kind is ImageDelta or raw["contentBlockDelta"]["delta"] == delta


PLACE = {"web": {"url": "https://example.com", "domain": "example.com"}}
STREAMED = [
    ("messageStart", {"role": "assistant"}),
    (
        "contentBlockStart",
        {"contentBlockIndex": 0, "start": {"toolResult": {"toolUseId": "t", "type": "search", "status": "success"}}},
    ),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolResult": [{"json": {"hits": 1}}, {"text": "fo"}]}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolResult": [{"text": "und"}]}}),
    ("contentBlockStop", {"contentBlockIndex": 0}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "Blu"}}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "e."}}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"citation": {"title": "Sky", "location": PLACE}}}),
    ("contentBlockStop", {"contentBlockIndex": 1}),
    ("contentBlockStart", {"contentBlockIndex": 2, "start": {"image": {"format": "png"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"image": {"source": {"bytes": b"\x89P"}}}}),
    ("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"image": {"source": {"bytes": b"NG"}}}}),
    ("contentBlockStop", {"contentBlockIndex": 2}),
    ("messageStop", {"stopReason": "end_turn"}),
    ("metadata", {"usage": {"totalTokens": 3}, "metrics": {}, "serviceTier": {"type": "flex"}}),
]
WHOLE = [
    {
        "toolResult": {
            "toolUseId": "t",
            "type": "search",
            "status": "success",
            "content": [{"json": {"hits": 1}}, {"text": "found"}],
        }
    },
    {"citationsContent": {"content": [{"text": "Blue."}], "citations": [{"title": "Sky", "location": PLACE}]}},
    {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}},
]


def test_a_streamed_answer_of_every_kind_is_the_whole_one_and_can_be_sent_back(bedrock, runtime):
    """With the oldest botocore too, which does not know half of it."""
    bedrock.reply(RawEvents(STREAMED))
    with runtime.converse_stream("m", "Hi") as stream:
        response = stream.response
    assert response.message == Message.from_api({"role": "assistant", "content": WHOLE})
    assert response.message.to_api()["content"] == WHOLE
    assert response.text == "Blue."
