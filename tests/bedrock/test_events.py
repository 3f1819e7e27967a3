"""Raw events in, typed events out."""

import pickle

import attrs
import pytest

from bedrock_auth.bedrock import (
    ContentBlockStart,
    ContentBlockStop,
    MessageStart,
    MessageStop,
    Metadata,
    ReasoningDelta,
    TextDelta,
    ToolUseDelta,
    ToolUseStart,
    UnknownEvent,
    Usage,
    decode,
)
from bedrock_auth.bedrock.content import Citation, JsonBlock, S3Location, TextBlock, UnknownBlock
from bedrock_auth.bedrock.converse.response import CacheDetail
from bedrock_auth.bedrock.events import CitationDelta, ImageDelta, ImageStart, ToolResultDelta, ToolResultStart
from support.names import plain


def start(**union):
    return {"contentBlockStart": {"start": union, "contentBlockIndex": 3}}


def delta(**union):
    return {"contentBlockDelta": {"delta": union, "contentBlockIndex": 3}}


USAGE = {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3, "cacheReadInputTokens": 4, "cacheWriteInputTokens": 5}
SERVED = {"serviceTier": {"type": "priority"}, "performanceConfig": {"latency": "optimized"}}
KNOWN = {
    "messageStart": ({"messageStart": {"role": "assistant"}}, MessageStart("assistant")),
    "toolUse start": (start(toolUse={"toolUseId": "t", "name": "f"}), ToolUseStart(3, "t", "f")),
    "server tool": (
        start(toolUse={"toolUseId": "t", "name": "f", "type": "server_tool_use"}),
        ToolUseStart(3, "t", "f", "server_tool_use"),
    ),
    "image start": (start(image={"format": "png"}), ImageStart(3, "png")),
    "toolResult start": (start(toolResult={"toolUseId": "t"}), ToolResultStart(3, "t")),
    "toolResult start with all": (
        start(toolResult={"toolUseId": "t", "type": "x", "status": "error"}),
        ToolResultStart(3, "t", "x", "error"),
    ),
    "text": (delta(text="Hi"), TextDelta(3, "Hi")),
    "toolUse": (delta(toolUse={"input": '{"a'}), ToolUseDelta(3, '{"a')),
    "reasoning": (delta(reasoningContent={"text": "so"}), ReasoningDelta(3, "so")),
    "signature": (delta(reasoningContent={"signature": "c2ln"}), ReasoningDelta(3, signature="c2ln")),
    "redacted": (delta(reasoningContent={"redactedContent": b"\0"}), ReasoningDelta(3, redacted_content=b"\0")),
    "toolResult": (
        delta(toolResult=[{"text": "a"}, {"json": {"b": 1}}]),
        ToolResultDelta(3, (TextBlock("a"), JsonBlock({"b": 1}))),
    ),
    "toolResult of another kind": (
        delta(toolResult=[{"smell": {}}]),
        ToolResultDelta(3, (UnknownBlock("smell", {"smell": {}}),)),
    ),
    "citation": (
        delta(citation={"title": "t", "sourceContent": [{"text": "w"}, {}]}),
        CitationDelta(3, Citation("t", None, "w")),
    ),
    "image": (delta(image={"source": {"bytes": b"\0"}}), ImageDelta(3, b"\0")),
    "image as sent": (delta(image={"source": {"bytes": "AAE="}}), ImageDelta(3, b"\0\1")),
    "image in S3": (delta(image={"source": {"s3Location": {"uri": "s3://b"}}}), ImageDelta(3, S3Location("s3://b"))),
    "image that failed": (delta(image={"error": {"message": "no"}}), ImageDelta(3, error="no")),
    "contentBlockStop": ({"contentBlockStop": {"contentBlockIndex": 3}}, ContentBlockStop(3)),
    "messageStop": ({"messageStop": {"stopReason": "end_turn"}}, MessageStop("end_turn")),
    "messageStop with fields": (
        {"messageStop": {"stopReason": "end_turn", "additionalModelResponseFields": {"k": 1}}},
        MessageStop("end_turn", {"k": 1}),
    ),
    "metadata": (
        {"metadata": {"usage": USAGE, "metrics": {"latencyMs": 9}, "trace": {"guardrail": {}}}},
        Metadata(Usage(1, 2, 3, 4, 5), {"latencyMs": 9}, {"guardrail": {}}),
    ),
    "metadata with all": (
        {"metadata": {"usage": {"cacheDetails": [{"ttl": "5m", "inputTokens": 2}]}, "metrics": {}, **SERVED}},
        Metadata(Usage(cache_details=(CacheDetail("5m", 2),)), {}, None, "priority", {"latency": "optimized"}),
    ),
    "unknown event": ({"newEvent": {"x": 1}}, UnknownEvent("newEvent")),
    "unknown start": (start(hologram={"x": 1}), UnknownEvent("contentBlockStart.hologram")),
    "unknown delta": (delta(hologram={"x": 1}), UnknownEvent("contentBlockDelta.hologram")),
    "unknown image": (delta(image={"source": {"tape": 1}}), UnknownEvent("contentBlockDelta.image.source.tape")),
    "image unknown to botocore": (
        delta(image={"source": {"SDK_UNKNOWN_MEMBER": {"name": "tape"}}}),
        UnknownEvent("contentBlockDelta.image.source.tape"),
    ),
    "unknown reasoning": (delta(reasoningContent={"summary": "s"}), UnknownEvent("contentBlockDelta.reasoningContent.summary")),
    "unknown to botocore": (delta(SDK_UNKNOWN_MEMBER={"name": "smell"}), UnknownEvent("contentBlockDelta.smell")),
    "start unknown to botocore": (start(SDK_UNKNOWN_MEMBER={"name": "smell"}), UnknownEvent("contentBlockStart.smell")),
}


@pytest.mark.parametrize(("raw", "event"), KNOWN.values(), ids=KNOWN)
def test_every_raw_event_has_a_typed_one_that_keeps_it(raw, event):
    decoded = decode(raw)
    assert decoded == event
    assert type(decoded) is type(event)
    assert decoded.raw is raw


@pytest.mark.parametrize(("raw", "event"), KNOWN.values(), ids=KNOWN)
def test_events_are_frozen_quiet_about_raw_and_picklable(raw, event):
    decoded = decode(raw)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        decoded.raw = {}
    assert "raw" not in repr(decoded)
    copy = pickle.loads(pickle.dumps(decoded))
    assert (copy, copy.raw) == (decoded, raw)


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"messageStart": {}},
        {"messageStart": None},
        {"contentBlockDelta": {}},
        {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {}}},
        {"contentBlockDelta": {"delta": {"text": "no index"}}},
        {"contentBlockStart": {"contentBlockIndex": 0, "start": {"toolUse": {}}}},
        {"messageStop": {}},
        delta(toolResult=[{}]),
        delta(citation=None),
        delta(image={"source": {"bytes": "no base64"}}),
        start(image={}),
    ],
    ids=plain,
)
def test_what_is_no_event_is_not_taken_for_one(raw):
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        decode(raw)


def test_every_start_is_the_start_of_a_content_block():
    for kind in (ToolUseStart, ToolResultStart, ImageStart):
        assert issubclass(kind, ContentBlockStart)
    match decode(start(image={"format": "png"})):
        case ContentBlockStart(index=index):
            assert index == 3


def test_the_bytes_of_an_image_are_not_shown():
    assert "<6 bytes>" in repr(ImageDelta(0, b"secret"))


def test_usage_that_says_less_counts_zero():
    metadata = decode({"metadata": {"usage": {"inputTokens": 7}, "metrics": {}}})
    assert metadata.usage == Usage(input_tokens=7)
    assert decode({"metadata": {}}).usage is None
