"""The frames of a stream: botocore's events, but nothing is lost."""

import pytest
from botocore.eventstream import EventStream
from botocore.exceptions import EventStreamError
from botocore.parsers import EventStreamJSONParser
from botocore.session import Session

from bedrock_auth.bedrock.transport.frames import FrameParser
from bedrock_auth.testing import encode_error, encode_event, encode_exception
from bedrock_auth.testing.frames import encode_json
from support.names import plain


class Body:
    def __init__(self, frames):
        self.frames = frames

    def stream(self):
        return iter(self.frames)


@pytest.fixture(scope="module")
def shape():
    return Session().get_service_model("bedrock-runtime").operation_model("ConverseStream").output_shape.members["stream"]


@pytest.fixture
def read(shape):
    return lambda *frames, parser=FrameParser: list(EventStream(Body(frames), shape, parser(), "ConverseStream"))


def delta(**union):
    return "contentBlockDelta", {"contentBlockIndex": 2, "delta": union, "p": "abc"}


KNOWN = [
    ("messageStart", {"role": "assistant", "p": "abc"}),
    ("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t", "name": "f"}}}),
    ("contentBlockStop", {"contentBlockIndex": 0}),
    ("messageStop", {"stopReason": "end_turn"}),
    ("metadata", {"usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}, "metrics": {"latencyMs": 1}}),
    delta(text="Hi"),
    delta(text="Hi", toolUse=None),
    delta(toolUse={"input": "{"}),
    delta(reasoningContent={"text": "so"}),
    delta(reasoningContent={"signature": "c2ln"}),
    delta(reasoningContent={"redactedContent": b"\0\1"}),
    delta(citation={"title": "t"}),
]


@pytest.mark.parametrize(("kind", "body"), KNOWN, ids=plain)
def test_known_events_are_the_dicts_that_boto3_gives(read, kind, body):
    frame = encode_event(kind, encode_json(body))
    assert read(frame) == read(frame, parser=EventStreamJSONParser)


def test_a_payload_that_is_no_json_is_left_to_botocore(read):
    frame = encode_event("contentBlockDelta", b"oops")
    assert read(frame) == read(frame, parser=EventStreamJSONParser) == [{"contentBlockDelta": {}}]


def test_an_unknown_event_is_kept(read):
    assert read(encode_event("newEvent", b'{"x": 1}')) == [{"newEvent": {"x": 1}}]
    assert read(encode_event("newEvent", b"\xff", "application/octet-stream")) == [{"newEvent": b"\xff"}]


@pytest.mark.parametrize("union", [{"smell": {"x": 1}}, {"reasoningContent": {"summary": "s"}}], ids=plain)
def test_an_unknown_delta_keeps_its_content(read, union):
    kind, body = delta(**union)
    (event,) = read(encode_event(kind, encode_json(body)))
    assert event == {kind: {"contentBlockIndex": 2, "delta": union}}


def test_an_unknown_start_keeps_its_content(read):
    body = {"contentBlockIndex": 0, "start": {"hologram": {"x": 1}}}
    assert read(encode_event("contentBlockStart", encode_json(body))) == [{"contentBlockStart": body}]


def test_an_initial_response_is_no_event(read):
    assert read(encode_event("initial-response", b"{}")) == []


@pytest.mark.parametrize(
    ("frame", "code", "message"),
    [
        (encode_exception("throttlingException", b'{"message": "slow"}'), "throttlingException", "slow"),
        (encode_exception("newException", b'{"message": "new"}'), "newException", "new"),
        (encode_exception("newException", b'{"Message": "new"}'), "newException", "new"),
        (encode_exception("newException", b"\xff\xfe"), "newException", ""),
        (encode_exception("newException", b"[]"), "newException", ""),
        (encode_error("InternalFailure", "oh"), "InternalFailure", "oh"),
    ],
)
def test_an_error_keeps_code_and_message_whether_botocore_knows_it_or_not(read, frame, code, message):
    with pytest.raises(EventStreamError) as caught:
        read(frame)
    assert caught.value.response["Error"] == {"Code": code, "Message": message}


def test_the_models_own_error_is_kept(read):
    body = b'{"message": "m", "originalStatusCode": 500, "originalMessage": "gpu on fire"}'
    with pytest.raises(EventStreamError) as caught:
        read(encode_exception("modelStreamErrorException", body))
    assert caught.value.response["originalStatusCode"] == 500
    assert caught.value.response["originalMessage"] == "gpu on fire"


LATER = [
    ("messageStart", {"role": "assistant", "later": 1}),
    ("messageStop", {"stopReason": "stop_sequence", "stopSequence": "END"}),
    ("metadata", {"usage": {"inputTokens": 1, "newTokens": {"a": 2}}, "metrics": {"latencyMs": 1}, "newThing": {"x": [1]}}),
    ("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t", "name": "f", "serverName": "s"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hi"}, "later": {"x": 1}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": "{", "later": 1}}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolResult": [{"text": "a"}, {"json": {"b": None}}]}, "later": 1}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"citation": {"sourceContent": [{"text": "t"}], "later": 1}}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"citation": {"location": {"web": {"url": "u", "later": 1}}}}}),
]


@pytest.mark.parametrize(("kind", "body"), LATER, ids=plain)
def test_a_member_that_botocore_does_not_know_is_kept_at_any_depth(read, kind, body):
    assert read(encode_event(kind, encode_json({**body, "p": "abc"}))) == [{kind: body}]


def test_a_blob_stays_bytes_beside_a_member_that_botocore_does_not_know(read):
    kind, body = delta(reasoningContent={"redactedContent": b"\0\1"})
    assert read(encode_event(kind, encode_json({**body, "later": 1}))) == [
        {kind: {"contentBlockIndex": 2, "delta": {"reasoningContent": {"redactedContent": b"\0\1"}}, "later": 1}}
    ]
