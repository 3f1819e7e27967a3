"""InvokeModelWithResponseStream and CountTokens, on the wire."""

import json

import pytest
from botocore.session import Session

from bedrock_auth import ConfigurationError
from bedrock_auth.bedrock import (
    BedrockError,
    BedrockRuntime,
    ConnectionLostError,
    DecodeError,
    IncompleteStreamError,
    ServiceError,
    UnknownEvent,
)
from bedrock_auth.bedrock.invoke import InvocationMetrics, PayloadChunk
from bedrock_auth.testing import (
    CorruptChecksum,
    Cut,
    EmptyStream,
    NotAnEventStream,
    Payload,
    RawEvents,
    Stall,
    StreamError,
    StreamException,
    Throttle,
    Truncate,
)
from support.names import plain

METRICS = {"inputTokenCount": 9, "outputTokenCount": 2, "invocationLatency": 310, "firstByteLatency": 190}
ANTHROPIC = [
    {"type": "message_start", "message": {"role": "assistant"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
    {"type": "message_stop", "amazon-bedrock-invocationMetrics": METRICS},
]
NOVA = [{"messageStart": {"role": "assistant"}}, {"messageStop": {"stopReason": "end_turn"}}, {"metadata": {"usage": {}}}]
OTHER = [{"generation": "Hel"}, {"generation": "lo"}]
CAN_COUNT = "CountTokens" in Session().get_service_model("bedrock-runtime").operation_names


def test_chunks_arrive_as_bytes_and_parsed_with_bedrocks_measurements(bedrock, runtime):
    bedrock.reply(Payload(ANTHROPIC))
    with runtime.invoke_model_stream("m", {"messages": []}) as stream:
        chunks = list(stream)
    assert [chunk.json for chunk in chunks] == ANTHROPIC
    assert [json.loads(chunk.bytes) for chunk in chunks] == ANTHROPIC
    assert [chunk.metrics for chunk in chunks[:2]] == [None, None]
    assert stream.metrics == chunks[-1].metrics == InvocationMetrics(9, 2, 310, 190, {})
    assert stream.metrics.raw == METRICS
    assert stream.request_id


def test_measurements_are_kept_although_more_follows(bedrock, runtime):
    bedrock.reply(Payload([{"amazon-bedrock-invocationMetrics": METRICS}, {"generation": "Hi"}]))
    stream = runtime.invoke_model_stream("m", {})
    assert [chunk.metrics is None for chunk in stream] == [False, True]
    assert stream.metrics.output_token_count == 2


@pytest.mark.parametrize(("body", "sent"), [({"a": "é"}, {"a": "é"}), ('{"a": 1}', {"a": 1}), (b'{"a": 1}', {"a": 1})], ids=plain)
def test_the_body_is_what_the_caller_says(bedrock, runtime, body, sent):
    bedrock.reply(Payload(OTHER))
    list(runtime.invoke_model_stream("us.model:0", body, trace="ENABLED"))
    (request,) = bedrock.requests
    assert (request.operation, request.model_id, request.body) == ("InvokeModelWithResponseStream", "us.model:0", sent)
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-amzn-bedrock-trace"] == "ENABLED"


@pytest.mark.parametrize("parts", [OTHER, NOVA, ANTHROPIC, [b"\xff\xfe"], [b"", b"[1]"], [b"[" * 100_000]], ids=plain)
def test_a_stream_that_says_its_last_word_is_whole_and_what_is_no_json_is_bytes(bedrock, runtime, parts):
    bedrock.reply(Payload(parts))
    chunks = list(runtime.invoke_model_stream("m", {}))
    assert len(chunks) == len(parts)
    assert all(isinstance(chunk, PayloadChunk) for chunk in chunks)


@pytest.mark.parametrize("parts", [ANTHROPIC, NOVA], ids=["anthropic", "nova"])
def test_a_format_that_has_a_last_word_is_held_to_it(bedrock, runtime, parts):
    bedrock.reply(Payload(parts[:1]))
    stream = runtime.invoke_model_stream("m", {})
    for _ in range(2):
        with pytest.raises(IncompleteStreamError) as caught:
            list(stream)
    assert (caught.value.code, caught.value.operation, caught.value.partial) == (
        "IncompleteStream",
        "InvokeModelWithResponseStream",
        None,
    )
    assert len(bedrock.requests) == 1


BROKEN = {
    "cut": (Cut(1), ConnectionLostError, "ConnectionClosed"),
    "silent": (Stall(1), ConnectionLostError, "ReadTimeout"),
    "ended in a frame": (Truncate(1, mid_frame=True), IncompleteStreamError, "IncompleteStream"),
    "empty": (EmptyStream(), IncompleteStreamError, "IncompleteStream"),
    "damaged": (CorruptChecksum(1), DecodeError, "ChecksumMismatch"),
    "a page": (NotAnEventStream(), DecodeError, "NotAnEventStream"),
    "throttled": (StreamException(after_events=1), ServiceError, "ThrottlingException"),
    "unmodelled": (StreamException("newException", "new", after_events=1), ServiceError, "NewException"),
    "an error": (StreamError("InternalFailure", "oh", after_events=1), ServiceError, "InternalFailure"),
}


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
def test_a_stream_that_breaks_is_an_error(bedrock, runtime, case):
    fault, cls, code = case
    bedrock.reply(Payload(OTHER))
    bedrock.fault(fault, times=3)
    seen = []
    with runtime.invoke_model_stream("m", {}) as stream, pytest.raises(cls) as caught:
        seen.extend(stream)
    assert caught.value.code == code
    assert caught.value.in_stream
    assert len(seen) == getattr(fault, "after_events", 0)


@pytest.mark.usefixtures("no_backoff")
def test_before_its_first_chunk_it_is_opened_again_and_a_refusal_is_sent_again(bedrock, runtime):
    bedrock.reply(Payload(OTHER))
    bedrock.fault(Throttle(), EmptyStream())
    assert [chunk.json for chunk in runtime.invoke_model_stream("m", {})] == OTHER
    assert len(bedrock.requests) == 3


def test_an_event_that_nobody_knows_is_kept(bedrock, runtime):
    bedrock.reply(RawEvents([("newEvent", {"x": 1}), ("chunk", {"bytes": b"{}"})]))
    unknown, chunk = runtime.invoke_model_stream("m", {})
    assert unknown == UnknownEvent("newEvent")
    assert unknown.raw == {"newEvent": {"x": 1}}
    assert chunk.json == {}


def test_a_chunk_without_bytes_is_an_error(bedrock, runtime):
    bedrock.reply(RawEvents([("chunk", {})]))
    with pytest.raises(DecodeError) as caught:
        list(runtime.invoke_model_stream("m", {}))
    assert caught.value.code == "MalformedEvent"


def test_a_parameter_that_botocore_does_not_take_is_told(bedrock, runtime):
    with pytest.raises(ConfigurationError, match="colour"):
        runtime.invoke_model_stream("m", {}, colour="red")
    assert bedrock.requests == []


@pytest.mark.skipif(not CAN_COUNT, reason="this botocore does not know CountTokens")
def test_tokens_are_counted_of_what_the_model_would_read(bedrock, runtime):
    count = runtime.count_tokens("m", "How many?", system="Be brief", max_tokens=5, requestMetadata={"team": "a"})
    assert isinstance(count, int)
    (request,) = bedrock.requests
    assert (request.operation, request.model_id) == ("CountTokens", "m")
    assert request.body["input"]["converse"] == {
        "messages": [{"role": "user", "content": [{"text": "How many?"}]}],
        "system": [{"text": "Be brief"}],
    }


@pytest.mark.skipif(not CAN_COUNT, reason="this botocore does not know CountTokens")
@pytest.mark.usefixtures("no_backoff")
def test_counting_fails_as_everything_else(bedrock, runtime):
    bedrock.fault(Throttle(), times=3)
    with pytest.raises(BedrockError) as caught:
        runtime.count_tokens("m", "Hi")
    assert (caught.value.operation, caught.value.code) == ("CountTokens", "ThrottlingException")


def test_a_botocore_that_cannot_count_is_told(session, monkeypatch):
    client = session.client("bedrock-runtime")
    monkeypatch.setitem(vars(client.meta.service_model), "operation_names", ["Converse"])
    with pytest.raises(ConfigurationError, match=r"botocore .* does not know CountTokens; upgrade boto3"):
        BedrockRuntime(client=client).count_tokens("m", "Hi")


def test_an_unknown_event_alone_is_no_answer(bedrock, runtime):
    bedrock.reply(RawEvents([("newEvent", {"x": 1})]))
    with pytest.raises(IncompleteStreamError) as caught:
        list(runtime.invoke_model_stream("m", {}))
    assert caught.value.code == "IncompleteStream"
    assert len(bedrock.requests) == 1
