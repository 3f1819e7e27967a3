"""The events of a ConverseStream as frozen values, and their decoder. No I/O.

`decode` takes an event as boto3 yields it, a dict with one key, and gives the typed one. Whatever it does not know is an
`UnknownEvent`; nothing is dropped. Every event keeps that dict as ``raw``.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from attrs import field, frozen

from bedrock_auth.bedrock.converse.blocks import Citation
from bedrock_auth.bedrock.converse.response import Usage, service_tier_of, usage_of
from bedrock_auth.bedrock.converse.tool_blocks import ToolResultContent, result_from_api
from bedrock_auth.bedrock.forms.api_form import UNKNOWN_MEMBER, UnknownKindError
from bedrock_auth.bedrock.forms.files import Source, brief, source_from_api

RawEvent: TypeAlias = Mapping[str, Any]


@frozen
class MessageStart:
    """The answer begins."""

    role: str
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


@frozen
class ContentBlockStart:
    """A content block begins: one of the classes below. AWS announces neither text nor reasoning."""

    index: int
    """Which content block; blocks may come interleaved."""


@frozen
class ToolUseStart(ContentBlockStart):
    """A content block begins in which the model asks for a tool; its input follows in `ToolUseDelta` events."""

    tool_use_id: str
    name: str
    type: str | None = None
    """``server_tool_use`` where AWS runs the tool itself."""
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


@frozen
class ToolResultStart(ContentBlockStart):
    """A content block begins with the result of a tool that AWS has run; it follows in `ToolResultDelta` events."""

    tool_use_id: str
    type: str | None = None
    status: str | None = None
    """``success`` or ``error``."""
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


@frozen
class ImageStart(ContentBlockStart):
    """A content block begins with an image of the model's; it follows in `ImageDelta` events."""

    format: str
    """``png``, ``jpeg``, ``gif`` or ``webp``."""
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


@frozen
class TextDelta:
    """More text."""

    index: int
    text: str
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


@frozen
class ToolUseDelta:
    """More of a tool's input: a piece of JSON text, cut anywhere."""

    index: int
    partial_json: str
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


@frozen
class ReasoningDelta:
    """More reasoning: exactly one of text, the block's signature, or content that AWS has encrypted."""

    index: int
    text: str | None = None
    signature: str | None = None
    redacted_content: bytes | None = None
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


@frozen
class ToolResultDelta:
    """More of a tool's result."""

    index: int
    content: tuple[ToolResultContent, ...]
    """Texts and JSON; a text at the beginning goes on with the text before."""
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


@frozen
class CitationDelta:
    """A source of the text in the same content block."""

    index: int
    citation: Citation
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


@frozen
class ImageDelta:
    """More of an image, or why it could not be made."""

    index: int
    source: Source | None = field(default=None, repr=brief)
    """The next bytes, or where the image is in S3."""
    error: str | None = None
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


@frozen
class ContentBlockStop:
    """A content block is whole."""

    index: int
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


@frozen
class MessageStop:
    """The answer is whole; only metadata follows."""

    stop_reason: str
    """Such as ``end_turn``, ``tool_use`` or ``max_tokens``."""
    additional_model_response_fields: Any = None
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


@frozen
class Metadata:
    """What the answer cost."""

    usage: Usage | None
    metrics: Mapping[str, Any]
    """``latencyMs``, milliseconds."""
    trace: Mapping[str, Any] | None = None
    service_tier: str | None = None
    """The tier that has served the request, where AWS says it."""
    performance_config: Mapping[str, Any] | None = None
    """AWS's ``performanceConfig``: its ``latency`` is ``standard`` or ``optimized``."""
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


@frozen
class UnknownEvent:
    """An event, or a kind of start or delta, that has no class here. Its content is in ``raw``."""

    name: str
    """AWS's name, such as ``contentBlockDelta.hologram``."""
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


Event: TypeAlias = (
    MessageStart
    | ToolUseStart
    | ToolResultStart
    | ImageStart
    | TextDelta
    | ToolUseDelta
    | ToolResultDelta
    | ReasoningDelta
    | CitationDelta
    | ImageDelta
    | ContentBlockStop
    | MessageStop
    | Metadata
    | UnknownEvent
)


def decode(raw: RawEvent) -> Event:
    """The typed event of a raw one.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is no event of AWS's.
    """
    ((name, body),) = raw.items()
    known = _EVENTS.get(name)
    return UnknownEvent(name, raw) if known is None else known(body, raw)


def _message_start(body: Mapping[str, Any], raw: RawEvent) -> Event:
    return MessageStart(body["role"], raw)


def _block_start(body: Mapping[str, Any], raw: RawEvent) -> Event:
    index = body["contentBlockIndex"]
    ((kind, start),) = body["start"].items()
    if kind == "toolUse":
        return ToolUseStart(index, start["toolUseId"], start["name"], start.get("type"), raw)
    if kind == "toolResult":
        return ToolResultStart(index, start["toolUseId"], start.get("type"), start.get("status"), raw)
    if kind == "image":
        return ImageStart(index, start["format"], raw)
    return _unknown_kind("contentBlockStart", kind, start, raw)


def _block_delta(body: Mapping[str, Any], raw: RawEvent) -> Event:
    ((kind, value),) = body["delta"].items()
    known = _DELTAS.get(kind)
    if known is None:
        return _unknown_kind("contentBlockDelta", kind, value, raw)
    return known(body["contentBlockIndex"], value, raw)


def _tool_use_delta(index: int, value: Mapping[str, Any], raw: RawEvent) -> Event:
    return ToolUseDelta(index, value["input"], raw)


def _tool_result_delta(index: int, value: list[Mapping[str, Any]], raw: RawEvent) -> Event:
    return ToolResultDelta(index, tuple(map(result_from_api, value)), raw)


def _citation_delta(index: int, value: Mapping[str, Any], raw: RawEvent) -> Event:
    return CitationDelta(index, Citation.from_api(value), raw)


def _image_delta(index: int, value: Mapping[str, Any], raw: RawEvent) -> Event:
    try:
        source = source_from_api(value["source"]) if "source" in value else None
    except UnknownKindError:
        ((kind, content),) = value["source"].items()
        return _unknown_kind("contentBlockDelta.image.source", kind, content, raw)
    if isinstance(source, str):  # as sent: botocore's model knows no images in streams
        source = b64decode(source, validate=True)
    return ImageDelta(index, source, value.get("error", {}).get("message"), raw)


def _reasoning_delta(index: int, value: Mapping[str, Any], raw: RawEvent) -> Event:
    ((kind, content),) = value.items()
    if kind == "text":
        return ReasoningDelta(index, content, None, None, raw)
    if kind == "signature":
        return ReasoningDelta(index, None, content, None, raw)
    if kind == "redactedContent":
        return ReasoningDelta(index, None, None, content, raw)
    return _unknown_kind("contentBlockDelta.reasoningContent", kind, content, raw)


def _block_stop(body: Mapping[str, Any], raw: RawEvent) -> Event:
    return ContentBlockStop(body["contentBlockIndex"], raw)


def _message_stop(body: Mapping[str, Any], raw: RawEvent) -> Event:
    return MessageStop(body["stopReason"], body.get("additionalModelResponseFields"), raw)


def _metadata(body: Mapping[str, Any], raw: RawEvent) -> Event:
    tier, performance = service_tier_of(body), body.get("performanceConfig")
    return Metadata(usage_of(body), body.get("metrics", {}), body.get("trace"), tier, performance, raw)


def _unknown_kind(where: str, kind: str, value: Any, raw: RawEvent) -> UnknownEvent:
    return UnknownEvent(f"{where}.{value['name'] if kind == UNKNOWN_MEMBER else kind}", raw)


_DELTAS: dict[str, Callable[[int, Any, RawEvent], Event]] = {
    "text": TextDelta,
    "toolUse": _tool_use_delta,
    "toolResult": _tool_result_delta,
    "reasoningContent": _reasoning_delta,
    "citation": _citation_delta,
    "image": _image_delta,
}
_EVENTS: dict[str, Callable[[Mapping[str, Any], RawEvent], Event]] = {
    "contentBlockDelta": _block_delta,
    "contentBlockStart": _block_start,
    "contentBlockStop": _block_stop,
    "messageStart": _message_start,
    "messageStop": _message_stop,
    "metadata": _metadata,
}
