"""The answer of an agent: `AgentResponse`, and from the events of its stream to it. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from bedrock_auth.bedrock.agents.events import AgentChunk, AgentFiles, AgentTrace
from bedrock_auth.bedrock.agents.return_control import ReturnControl
from bedrock_auth.bedrock.converse.response import Usage
from bedrock_auth.bedrock.errors import DecodeError, IncompleteStreamError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bedrock_auth.bedrock.agents.events import AgentEvent, OutputFile
    from bedrock_auth.bedrock.errors import Call
    from bedrock_auth.bedrock.retrieval.generation import RetrievalCitation


@frozen
class AgentResponse:
    """What an agent said, or wants to have done."""

    text: str
    """Empty where the agent returned control."""
    session_id: str
    """Give it to the next invocation to go on with the same conversation."""
    citations: tuple[RetrievalCitation, ...] = ()
    """Which parts of the text come from where."""
    return_control: ReturnControl | None = None
    """What this program must do before the agent goes on; ``run`` does it by itself."""
    files: tuple[OutputFile, ...] = ()
    """What the agent's code interpreter has made."""
    traces: tuple[AgentTrace, ...] = ()
    """How it came to that, where ``enable_trace`` asks for it."""
    usage: Usage | None = None
    """Tokens of all models that the agent and its collaborators called; ``None`` without traces that say it."""
    request_id: str | None = None


def usage_of_traces(traces: Iterable[AgentTrace]) -> Usage | None:
    """The tokens of all model invocations together."""
    said = [trace.usage for trace in traces if trace.usage is not None]
    if not said:
        return None
    read, written = sum(usage.input_tokens for usage in said), sum(usage.output_tokens for usage in said)
    return Usage(read, written, read + written)


class AgentFold:
    """Events in, the answer so far out."""

    def __init__(self, session_id: str, call: Call) -> None:
        """Begin with nothing; errors will name this call."""
        self.call = call
        self.is_begun = False
        self._session_id = session_id
        self._chunks: list[AgentChunk] = []
        self._files: list[OutputFile] = []
        self._traces: list[AgentTrace] = []
        self._return_control: ReturnControl | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the agent has spoken or returned control; AWS sends no event that ends an answer."""
        return bool(self._chunks) or self._return_control is not None

    def add(self, event: AgentEvent) -> None:
        """Take the next event.

        Raises:
            DecodeError: the agent returns control a second time; one turn has one answer.
        """
        self.is_begun = True
        match event:
            case AgentChunk():
                self._chunks.append(event)
            case AgentTrace():
                self._traces.append(event)
            case AgentFiles(files=files):
                self._files += files
            case ReturnControl():
                self._check_single()
                self._return_control = event

    def _check_single(self) -> None:
        if self._return_control is not None:
            msg = f"{self.call.operation}: the agent returned control twice in one answer; only one of them could be answered"
            raise DecodeError(msg, code="MalformedEvent", **self.call.details(self.partial()))

    def partial(self) -> AgentResponse:
        """The answer so far."""
        return AgentResponse(
            "".join(chunk.text for chunk in self._chunks),
            self._session_id,
            tuple(citation for chunk in self._chunks for citation in chunk.citations),
            self._return_control,
            tuple(self._files),
            tuple(self._traces),
            usage_of_traces(self._traces),
            self.call.request_id,
        )


def incomplete(call: Call, partial: AgentResponse) -> IncompleteStreamError:
    """The error of a stream that ended in the middle of an answer, or without one; the agent may have acted all the same."""
    if partial.text or partial.return_control is not None:
        what, code = "the stream ended in the middle of an event or a character, so the answer is not whole", "IncompleteStream"
    else:
        what, code = "the stream ended without an answer: neither text nor return control came", "NoAnswer"
    msg = f"{call.operation}: {what}. The agent may have acted all the same; what had come is in .partial"
    return IncompleteStreamError(msg, code=code, **call.details(partial))
