"""From the events of a stream to the message that they spell. No I/O.

Blocks may come interleaved and in any pieces: the message is the same, in the order of the block indexes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bedrock_auth.bedrock.content import Message
from bedrock_auth.bedrock.converse.open_blocks import OPENS, OpenBlock, OpenToolUse, OpenUnknown
from bedrock_auth.bedrock.converse.response import ConverseResponse
from bedrock_auth.bedrock.errors import Call, DecodeError, IncompleteStreamError, ToolInputError
from bedrock_auth.bedrock.events import ContentBlockStop, Event, MessageStart, MessageStop, Metadata, UnknownEvent

if TYPE_CHECKING:
    from bedrock_auth.bedrock.converse.tool_blocks import ToolUseBlock

_CUTS = {
    "max_tokens": "was cut by max_tokens; raise it",
    "model_context_window_exceeded": "was cut at the end of the model's context window; shorten the conversation",
}
_CUTTING = frozenset({*_CUTS, "stop_sequence", "content_filtered", "guardrail_intervened"})
"""Stop reasons that can end an answer anywhere, so that the last tool's input of nothing need not be one without arguments."""


class MessageFold:
    """Events in, the answer so far out."""

    def __init__(self, call: Call = Call("ConverseStream", in_stream=True)) -> None:  # noqa: B008 - a frozen value
        """Begin with nothing; errors will name this call."""
        self.call = call
        self._role = "assistant"
        self._open: dict[tuple[int, type[OpenBlock]], OpenBlock] = {}
        self._stopped: set[int] = set()
        self._closing: dict[str, Any] = {}
        self._begun = False
        self._complete = False

    @property
    def is_begun(self) -> bool:
        """Whether any event has come."""
        return self._begun

    @property
    def is_complete(self) -> bool:
        """Whether the message is whole: ``messageStop`` has come."""
        return self._complete

    def add(self, event: Event) -> None:
        """Take the next event."""
        self._begun = True
        kind = OPENS.get(type(event))
        if kind is None:
            self._add_other(event)
        else:
            self._add_to_block(event.index, kind, event)  # type: ignore[union-attr]  # all events of that table have one

    def _add_to_block(self, index: int, kind: type[OpenBlock], event: Event) -> None:
        block = self._open.get((index, kind))
        if block is None:
            block = self._open[index, kind] = kind()
        block.add(event)

    def _add_other(self, event: Event) -> None:
        match event:
            case MessageStart(role=role):
                self._role = role
            case ContentBlockStop(index=index):
                self._stopped.add(index)
            case MessageStop(raw=raw, stop_reason=stop_reason):
                self._closing |= {"stopReason": stop_reason, **raw.get("messageStop", {})}
                self._complete = True
            case Metadata(raw=raw):
                self._closing |= raw.get("metadata", {})
            case UnknownEvent(raw=raw):
                for body in raw.values():
                    self._add_unknown(event, body)

    def _add_unknown(self, event: Event, body: object) -> None:
        match body:
            case {"contentBlockIndex": int(index)}:
                self._add_to_block(index, OpenUnknown, event)

    def partial(self) -> ConverseResponse:
        """The answer so far. A tool use that is not whole, or whose input is no JSON, has it as ``input_text``."""
        content = [
            block
            for index, kind in sorted(self._open, key=_index)
            for block in self._open[index, kind].blocks(whole=self._is_whole(index, self._open[index, kind]))
        ]
        return ConverseResponse.of(Message(self._role, content), self._closing, self.call.request_id)

    def _is_whole(self, index: int, block: OpenBlock) -> bool:
        if isinstance(block, OpenToolUse) and block.is_empty and self._closing.get("stopReason") in _CUTTING:
            return index != max(map(_index, self._open))
        return self._complete or index in self._stopped

    def complete(self) -> ConverseResponse:
        """The whole answer.

        Raises:
            IncompleteStreamError: ``messageStop`` has not come.
            ToolInputError: the input of a tool is no JSON, or was cut by ``max_tokens`` or the like.
            DecodeError: a tool's input came without the tool's name.
        """
        response = self.partial()
        if not self._complete:
            raise incomplete(self.call, response)
        for block in response.tool_uses:
            self._check(block, response)
        return response

    def _check(self, block: ToolUseBlock, response: ConverseResponse) -> None:
        if not block.tool_use_id:
            msg = f"{self.call.operation} sent the input of a tool without saying which tool"
            raise DecodeError(msg, code="MalformedEvent", **self.call.details(response))
        if block.input_text is not None:
            raise _tool_input_error(self.call, block, response)


def _index(key: tuple[int, object]) -> int:
    return key[0]


def incomplete(call: Call, partial: ConverseResponse) -> IncompleteStreamError:
    """The error of a stream that ended early."""
    msg = (
        f"{call.operation}: the stream ended before messageStop, so the answer is not whole; "
        "what had come is in .partial, and the request can be sent again"
    )
    return IncompleteStreamError(msg, code="IncompleteStream", retryable=True, **call.details(partial))


def _tool_input_error(call: Call, block: ToolUseBlock, response: ConverseResponse) -> ToolInputError:
    why = _CUTS.get(response.stop_reason or "", "is no JSON")
    msg = f"{call.operation}: the model's input for the tool {block.name!r} ({block.tool_use_id}) {why}; see .input_text"
    return ToolInputError(
        msg,
        code="InvalidToolInput",
        tool_use_id=block.tool_use_id,
        name=block.name,
        input_text=block.input_text,
        **call.details(response),
    )
