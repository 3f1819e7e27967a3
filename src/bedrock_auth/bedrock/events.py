"""The events of a ConverseStream as frozen values, and their decoder. No I/O.

`decode` takes an event as boto3 yields it, a dict with one key, and gives the typed one. Whatever it does not know is an
`UnknownEvent`; nothing is dropped. Every event keeps that dict as ``raw``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from attrs import field, frozen

from bedrock_auth.bedrock.content import UNKNOWN_MEMBER
from bedrock_auth.bedrock.response import Usage, usage_of

RawEvent: TypeAlias = Mapping[str, Any]


@frozen
class MessageStart:
    """The answer begins."""

    role: str
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


@frozen
class ToolUseStart:
    """A content block begins in which the model asks for a tool; its input follows in `ToolUseDelta` events."""

    index: int
    """Which content block; blocks may come interleaved."""
    tool_use_id: str
    name: str
    type: str | None = None
    """``server_tool_use`` where AWS runs the tool itself."""
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


@frozen
class ContentBlockStart:
    """A content block of another kind begins. AWS announces neither text nor reasoning."""

    index: int
    name: str
    """AWS's name of the kind, such as ``image``."""
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
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


@frozen
class UnknownEvent:
    """An event, or a kind of start or delta, that has no class here. Its content is in ``raw``."""

    name: str
    """AWS's name, such as ``contentBlockDelta.citation``."""
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


Event: TypeAlias = (
    MessageStart
    | ToolUseStart
    | ContentBlockStart
    | TextDelta
    | ToolUseDelta
    | ReasoningDelta
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
    if kind in _OTHER_STARTS:
        return ContentBlockStart(index, kind, raw)
    return _unknown_kind("contentBlockStart", kind, start, raw)


def _block_delta(body: Mapping[str, Any], raw: RawEvent) -> Event:
    ((kind, value),) = body["delta"].items()
    known = _DELTAS.get(kind)
    if known is None:
        return _unknown_kind("contentBlockDelta", kind, value, raw)
    return known(body["contentBlockIndex"], value, raw)


def _tool_use_delta(index: int, value: Mapping[str, Any], raw: RawEvent) -> Event:
    return ToolUseDelta(index, value["input"], raw)


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
    return Metadata(usage_of(body), body.get("metrics", {}), body.get("trace"), raw)


def _unknown_kind(where: str, kind: str, value: Any, raw: RawEvent) -> UnknownEvent:
    return UnknownEvent(f"{where}.{value['name'] if kind == UNKNOWN_MEMBER else kind}", raw)


_OTHER_STARTS = frozenset({"toolResult", "image"})
_DELTAS: dict[str, Callable[[int, Any, RawEvent], Event]] = {
    "text": TextDelta,
    "toolUse": _tool_use_delta,
    "reasoningContent": _reasoning_delta,
}
_EVENTS: dict[str, Callable[[Mapping[str, Any], RawEvent], Event]] = {
    "contentBlockDelta": _block_delta,
    "contentBlockStart": _block_start,
    "contentBlockStop": _block_stop,
    "messageStart": _message_start,
    "messageStop": _message_stop,
    "metadata": _metadata,
}
