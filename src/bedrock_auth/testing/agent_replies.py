"""What the local agent says: one `AgentReply` for InvokeAgent and InvokeInlineAgent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import field, frozen, validators

from bedrock_auth.testing.agent_parts import AgentContent, Chunk, Part, parts_of
from bedrock_auth.testing.faults import Fault
from bedrock_auth.testing.received import ReceivedRequest
from bedrock_auth.testing.replies import Saying, streamed

if TYPE_CHECKING:
    from bedrock_auth.testing.answers import Answer

_LARGEST_CHUNK = 1_000_000
AGENT_OPERATIONS = frozenset({"InvokeAgent", "InvokeInlineAgent"})


@frozen
class AgentReply:
    """One answer of the agent.

    All its text comes in one chunk, as AWS sends it, unless the request asks for the final response to be streamed. Traces are
    sent where the request asks for them.

    Raises:
        TypeError: the content is neither a text nor parts of an answer.
    """

    content: tuple[Part, ...] = field(converter=parts_of)
    """A text, a part or several of them."""
    delay: float = field(default=0.0, kw_only=True, validator=validators.ge(0))
    """Seconds between the events."""
    chunk_size: int = field(default=8, kw_only=True, validator=validators.ge(1))
    """Bytes of text in each chunk; a character may be cut, as AWS may do."""
    fault: Fault | None = field(default=None, kw_only=True)
    """What happens to this answer on its way."""

    def answer(self, request: ReceivedRequest) -> Answer:
        """The stream."""
        if request.operation not in AGENT_OPERATIONS:
            msg = f"an AgentReply cannot answer {request.operation}; give LocalBedrock.model a Reply"
            raise TypeError(msg)
        return self._events_to(request) if self.fault is None else self.fault.apply(lambda: self._events_to(request))

    def _events_to(self, request: ReceivedRequest) -> Answer:
        is_streamed = bool(request.body.get("streamingConfigurations", {}).get("streamFinalResponse"))
        parts, size = (self.content, self.chunk_size) if is_streamed else (_with_one_chunk(self.content), _LARGEST_CHUNK)
        events = [event for part in parts for event in part.events(request, size)]
        return streamed(request, events, self.delay)


def _with_one_chunk(parts: Sequence[Part]) -> list[Part]:
    """All the text in one chunk, where the first one was."""
    chunks = [part for part in parts if isinstance(part, Chunk)]
    pieces = b"".join(piece for chunk in chunks for piece in chunk.pieces)
    whole = Chunk((pieces,), tuple(citation for chunk in chunks for citation in chunk.citations))
    first = next(iter(chunks), None)
    return [whole if part is first else part for part in parts if part is first or not isinstance(part, Chunk)]


AgentSaid: TypeAlias = AgentContent | Saying | Fault
Agent: TypeAlias = Callable[[ReceivedRequest], AgentSaid] | Sequence[Any]
"""A function that is called with every request to an agent, or a script: the replies to the next requests, in order."""


def quote_input(request: ReceivedRequest) -> AgentReply:
    """The default reply: the input, quoted."""
    return AgentReply(f"You said: “{request.text}”")
