"""What the local model says: one `Reply` for every operation, in the shapes of botocore's model.

`RawEvents` streams any events verbatim; a `Payload` is a model's own document for InvokeModel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from attrs import evolve, field, frozen, validators

from bedrock_auth.testing.answers import Answer, body_answer, document_answer, stream_answer
from bedrock_auth.testing.blocks import Block, Content, Document, blocks_of
from bedrock_auth.testing.faults import Fault
from bedrock_auth.testing.frames import JSON, encode_event, encode_json
from bedrock_auth.testing.generation import generated_document, generated_events, quoted
from bedrock_auth.testing.received import ReceivedRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

StreamEvent: TypeAlias = tuple[str, Mapping[str, Any]]


class Saying(Protocol):
    """Something that the model, or the agent, can say in answer to some operations."""

    def answer(self, request: ReceivedRequest) -> Answer:
        """The answer; ``TypeError`` for an operation that it cannot answer."""


def _seconds() -> Any:
    return field(default=0.0, kw_only=True, validator=validators.ge(0))


@frozen
class Reply:
    """One answer of the model, whichever operation asks.

    InvokeModel gets it as Amazon Nova's own document, which is that of Converse; streamed, each chunk is an event of
    ConverseStream.

    Raises:
        TypeError: the content is neither a text nor content blocks.
    """

    content: tuple[Block, ...] = field(converter=blocks_of)
    """A text, a block or several of them."""
    stop_reason: str | None = field(default=None, kw_only=True)
    """By default ``tool_use`` where a tool is asked for, else ``end_turn``."""
    usage: Mapping[str, Any] | None = field(default=None, kw_only=True)
    """By default ten input tokens, and one output token for each delta."""
    delay: float = _seconds()
    """Seconds between the events of a stream."""
    chunk_size: int = field(default=8, kw_only=True, validator=validators.ge(1))
    """Characters of text, reasoning or tool input in each delta of a stream."""
    fault: Fault | None = field(default=None, kw_only=True)
    """What happens to this answer on its way."""

    def answer(self, request: ReceivedRequest) -> Answer:
        """The whole document, or the stream."""
        if self.fault is not None:
            return self.fault.apply(lambda: evolve(self, fault=None).answer(request))
        match request.operation:
            case "ConverseStream":
                return streamed(request, self.to_events(), self.delay)
            case "InvokeModelWithResponseStream":
                return streamed(request, _chunks(encode_json({kind: said}) for kind, said in self.to_events()), self.delay)
            case "RetrieveAndGenerate":
                return document_answer(generated_document(self._texts(), request))
            case "RetrieveAndGenerateStream":
                return streamed(request, generated_events(self._texts(), request, self.chunk_size), self.delay)
            case "Converse" | "InvokeModel":
                return document_answer(self.to_document())
        msg = f"a Reply is what a model says and cannot answer {request.operation}; give LocalBedrock.agent an AgentReply"
        raise TypeError(msg)

    def _texts(self) -> list[str]:
        return [said["text"] for block in self.content if "text" in (said := block.to_api())]

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
        tools = [block.to_api().get("toolUse", {}) for block in self.content]
        asks_for_tools = any(tool and tool.get("type") != "server_tool_use" for tool in tools)
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
    """Events to stream verbatim: pairs of an event type and its document; bytes go out in base64. For streams only.

    For any operation with a stream, those of agents and knowledge bases included.
    """

    events: tuple[StreamEvent, ...] = field(converter=tuple)
    delay: float = _seconds()
    """Seconds between the events."""

    def answer(self, request: ReceivedRequest) -> Answer:
        """The stream."""
        if request.operation not in STREAMS:
            msg = f"RawEvents can answer streams only, not {request.operation}; give LocalBedrock a Reply"
            raise TypeError(msg)
        return streamed(request, self.events, self.delay)


def _encoded(parts: Iterable[Any]) -> tuple[bytes, ...]:
    return tuple(part if isinstance(part, bytes) else encode_json(part) for part in parts)


@frozen
class Payload:
    """A model's own documents for InvokeModel, which takes one, and InvokeModelWithResponseStream, a chunk for each."""

    parts: tuple[bytes, ...] = field(converter=_encoded)
    """JSON documents, or bytes to send as they are."""
    delay: float = _seconds()
    """Seconds between the chunks of a stream."""

    def answer(self, request: ReceivedRequest) -> Answer:
        """The one document, or the stream of all."""
        if request.operation == "InvokeModelWithResponseStream":
            return streamed(request, _chunks(self.parts), self.delay)
        if request.operation != "InvokeModel" or len(self.parts) != 1:
            many = len(self.parts)
            msg = f"a Payload of {many} parts cannot answer {request.operation}; InvokeModel takes one, its stream any number"
            raise TypeError(msg)
        return body_answer(self.parts[0])


def _chunks(parts: Iterable[bytes]) -> Iterator[StreamEvent]:
    return (("chunk", {"bytes": part}) for part in parts)


def _agent_headers(request: ReceivedRequest) -> Mapping[str, str]:
    memory = {"x-amz-bedrock-agent-memory-id": request.body["memoryId"]} if "memoryId" in request.body else {}
    return {"x-amz-bedrock-agent-session-id": str(request.session_id), "x-amzn-bedrock-agent-content-type": JSON, **memory}


STREAMS: Mapping[str, Callable[[ReceivedRequest], Mapping[str, str]]] = {
    "ConverseStream": lambda _: {},
    "InvokeModelWithResponseStream": lambda _: {"X-Amzn-Bedrock-Content-Type": JSON},
    "InvokeAgent": _agent_headers,
    "InvokeInlineAgent": _agent_headers,
    "RetrieveAndGenerateStream": lambda request: {"x-amzn-bedrock-knowledge-base-session-id": str(request.session_id)},
}
"""The operations that are answered with a stream, and the headers that come before it."""


def streamed(request: ReceivedRequest, events: Iterable[StreamEvent], delay: float) -> Answer:
    """The stream of these events, with the headers of its operation."""
    said = tuple(events)
    answer = stream_answer((encode_event(kind, encode_json(document)) for kind, document in said), delay)
    awaits = next((document for kind, document in said if kind == "returnControl"), None)
    return evolve(answer, headers=STREAMS[str(request.operation)](request), awaits=awaits)


Said: TypeAlias = Content | Saying | Fault
AnyReply: TypeAlias = Said | Callable[[ReceivedRequest], Said]
"""What ``LocalBedrock.reply`` takes: something to say, or a function that says it."""


def quote_user(request: ReceivedRequest) -> Reply:
    """The default reply: the text of the last user message, quoted; of RetrieveAndGenerate, what was found."""
    if str(request.operation).startswith("RetrieveAndGenerate"):
        return Reply(quoted(request.retrieved))
    return Reply(f"You said: “{request.text}”")
