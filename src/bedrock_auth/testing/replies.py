"""What the local model says: one `Reply` for both Converse and ConverseStream, in the shapes of botocore's model.

`text`, `tool_use` and `reasoning` make the content blocks of a reply. `RawEvents` streams any events verbatim.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeAlias

from attrs import field, frozen, validators

from bedrock_auth.testing.answers import Answer, document_answer, stream_answer
from bedrock_auth.testing.frames import encode_event, encode_json
from bedrock_auth.testing.received import ReceivedRequest

Document: TypeAlias = dict[str, Any]
StreamEvent: TypeAlias = tuple[str, Mapping[str, Any]]


class Block(Protocol):
    """A content block of a reply: whole for Converse, in parts for ConverseStream."""

    def to_api(self) -> Document:
        """The block as Converse returns it."""

    def start(self) -> Document | None:
        """The ``start`` of its ``contentBlockStart``; ``None`` where AWS sends no such event (text and reasoning)."""

    def deltas(self, size: int) -> Iterator[Document]:
        """The ``delta`` of each ``contentBlockDelta``, with at most ``size`` characters of text or JSON."""


def _chunks(content: str, size: int) -> list[str]:
    return [content[at : at + size] for at in range(0, len(content), size)] or [""]


@frozen
class _Text:
    content: str

    def to_api(self) -> Document:
        return {"text": self.content}

    def start(self) -> None:
        return None

    def deltas(self, size: int) -> Iterator[Document]:
        return ({"text": chunk} for chunk in _chunks(self.content, size))


@frozen
class _ToolUse:
    name: str
    input: Any
    tool_use_id: str

    def to_api(self) -> Document:
        return {"toolUse": {"toolUseId": self.tool_use_id, "name": self.name, "input": self.input}}

    def start(self) -> Document:
        return {"toolUse": {"toolUseId": self.tool_use_id, "name": self.name}}

    def deltas(self, size: int) -> Iterator[Document]:
        return ({"toolUse": {"input": chunk}} for chunk in _chunks(json.dumps(self.input, ensure_ascii=False), size))


@frozen
class _Reasoning:
    content: str
    signature: str | None

    def to_api(self) -> Document:
        signature = {} if self.signature is None else {"signature": self.signature}
        return {"reasoningContent": {"reasoningText": {"text": self.content, **signature}}}

    def start(self) -> None:
        return None

    def deltas(self, size: int) -> Iterator[Document]:
        yield from ({"reasoningContent": {"text": chunk}} for chunk in _chunks(self.content, size))
        if self.signature is not None:
            yield {"reasoningContent": {"signature": self.signature}}


Content: TypeAlias = str | Block | Iterable[str | Block]
"""What a reply is made of: a text, a block or several of them."""


def text(content: str) -> Block:
    """A text block."""
    return _Text(content)


def tool_use(name: str, input: Mapping[str, Any], *, tool_use_id: str | None = None) -> Block:  # noqa: A002 - AWS's own word
    """A request to run a tool, streamed as partial JSON; its id is random, as AWS's are, where none is given."""
    return _ToolUse(name, input, tool_use_id or f"tooluse_{secrets.token_urlsafe(16)}")


def reasoning(content: str, signature: str | None = "c2lnbmF0dXJl") -> Block:
    """A reasoning block; ``None`` leaves out its signature."""
    return _Reasoning(content, signature)


def _blocks(content: Content) -> tuple[Block, ...]:
    if isinstance(content, str):
        return (text(content),)
    if isinstance(content, Iterable) and not isinstance(content, Mapping):
        return tuple(_block(part) for part in content)
    return (_block(content),)


def _block(part: Any) -> Block:
    if isinstance(part, str):
        return text(part)
    if hasattr(part, "deltas"):
        return part  # type: ignore[no-any-return] # a user's own block has the methods of Block
    msg = f"a content block is made by text(), tool_use() or reasoning(), not {type(part).__name__}"
    raise TypeError(msg)


@frozen
class Reply:
    """One answer of the model.

    Raises:
        TypeError: the content is neither a text nor content blocks.
    """

    content: tuple[Block, ...] = field(converter=_blocks)
    """A text, a block or several of them."""
    stop_reason: str | None = field(default=None, kw_only=True)
    """By default ``tool_use`` where a tool is asked for, else ``end_turn``."""
    usage: Mapping[str, Any] | None = field(default=None, kw_only=True)
    """By default ten input tokens, and one output token for each delta."""
    delay: float = field(default=0.0, kw_only=True, validator=validators.ge(0))
    """Seconds between the events of a stream."""
    chunk_size: int = field(default=8, kw_only=True, validator=validators.ge(1))
    """Characters of text, reasoning or tool input in each delta of a stream."""

    def to_document(self) -> Document:
        """The whole answer of Converse."""
        message = {"role": "assistant", "content": [block.to_api() for block in self.content]}
        return {"output": {"message": message}, "stopReason": self._stop_reason(), **self._measured()}

    def to_events(self) -> list[StreamEvent]:
        """The events of ConverseStream, in AWS's order."""
        content = [event for index, block in enumerate(self.content) for event in self._block_events(index, block)]
        return [
            ("messageStart", {"role": "assistant"}),
            *content,
            ("messageStop", {"stopReason": self._stop_reason()}),
            ("metadata", self._measured()),
        ]

    def _block_events(self, index: int, block: Block) -> Iterator[StreamEvent]:
        place = {"contentBlockIndex": index}
        if (start := block.start()) is not None:
            yield "contentBlockStart", {"start": start, **place}
        for delta in block.deltas(self.chunk_size):
            yield "contentBlockDelta", {"delta": delta, **place}
        yield "contentBlockStop", place

    def _stop_reason(self) -> str:
        asks_for_tools = any("toolUse" in block.to_api() for block in self.content)
        return self.stop_reason or ("tool_use" if asks_for_tools else "end_turn")

    def _measured(self) -> Document:
        tokens = sum(1 for block in self.content for _ in block.deltas(self.chunk_size))
        counted = {"inputTokens": 10, "outputTokens": tokens, "totalTokens": 10 + tokens}
        return {
            "usage": counted if self.usage is None else dict(self.usage),
            "metrics": {"latencyMs": round(1000 * self.delay * tokens)},
        }


@frozen
class RawEvents:
    """Events to stream verbatim: pairs of an event type and its document; bytes go out in base64. ConverseStream only."""

    events: tuple[StreamEvent, ...] = field(converter=tuple)
    delay: float = field(default=0.0, kw_only=True, validator=validators.ge(0))
    """Seconds between the events."""


Said: TypeAlias = Content | Reply | RawEvents
AnyReply: TypeAlias = Said | Callable[[ReceivedRequest], Said]
"""What ``LocalBedrock.reply`` takes: something to say, or a function that says it."""


def checked_reply(reply: AnyReply) -> Reply | RawEvents | Callable[[ReceivedRequest], Said]:
    """The reply in one of three forms.

    Raises:
        TypeError: it is none of the things that a reply can be.
    """
    return reply if isinstance(reply, Reply | RawEvents) or callable(reply) else Reply(reply)


def quote_user(request: ReceivedRequest) -> Reply:
    """The default reply: the text of the last user message, quoted."""
    said = [message for message in request.body["messages"] if message.get("role") == "user"]
    words = " ".join(block["text"] for block in said[-1]["content"] if "text" in block)
    return Reply(f"You said: “{words}”")


def answer_with(reply: AnyReply, request: ReceivedRequest) -> Answer:
    """The answer to this request.

    Raises:
        TypeError: a reply function returned no reply, or RawEvents are to answer Converse.
    """
    said = checked_reply(reply(request) if callable(reply) else reply)
    if callable(said):
        msg = "a reply function must return a reply, not another function"
        raise TypeError(msg)
    if request.operation == "ConverseStream":
        events = said.events if isinstance(said, RawEvents) else said.to_events()
        return stream_answer((encode_event(kind, encode_json(document)) for kind, document in events), said.delay)
    if isinstance(said, RawEvents):
        msg = "RawEvents can answer ConverseStream only; give LocalBedrock.reply() a Reply for Converse"
        raise TypeError(msg)
    return document_answer(said.to_document())
