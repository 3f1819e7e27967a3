"""The events of InvokeAgent and InvokeInlineAgent as frozen values, and their decoder. No I/O.

`AgentDecoder.decode` takes an event as boto3 yields it, a dict with one key, and gives the typed one. Whatever it does not know
is an `UnknownEvent`; nothing is dropped. Every event keeps that dict as ``raw``.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import field, frozen

from bedrock_auth.bedrock.agents.return_control import ReturnControl
from bedrock_auth.bedrock.converse.response import Usage, usage_of
from bedrock_auth.bedrock.events import UnknownEvent
from bedrock_auth.bedrock.forms.files import brief
from bedrock_auth.bedrock.retrieval.generation import RetrievalCitation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bedrock_auth.bedrock.events import RawEvent

_STEPS = frozenset({"orchestrationTrace", "preProcessingTrace", "postProcessingTrace", "routingClassifierTrace"})
"""The kinds of trace that say which of several steps they are about."""


@frozen
class AgentChunk:
    """A piece of the answer. Without ``stream_final_response`` there is one, with all of it."""

    text: str
    """What the bytes add to the text; a character whose end is in the next chunk comes with that one."""
    bytes: bytes = field(repr=brief)
    citations: tuple[RetrievalCitation, ...] = ()
    """Which parts of the text come from where."""
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


@frozen
class AgentTrace:
    """A step of the agent, where ``enable_trace`` asks for it."""

    kind: str
    """AWS's name: ``preProcessingTrace``, ``orchestrationTrace``, ``postProcessingTrace``, ``routingClassifierTrace``,
    ``guardrailTrace``, ``customOrchestrationTrace``, ``failureTrace``, or whatever AWS adds."""
    step: str | None
    """What the first four of them are about, such as ``rationale``, ``modelInvocationOutput`` or ``observation``."""
    content: Mapping[str, Any] = field(repr=False)
    """AWS's structure of that; prompts and answers are in it."""
    agent_id: str | None = None
    agent_alias_id: str | None = None
    agent_version: str | None = None
    collaborator_name: str | None = None
    """The collaborator whose step it is, where it is not the agent's own."""
    caller_chain: tuple[str, ...] = ()
    """The ARNs of the agents' aliases that have called each other, the first one first."""
    event_time: datetime | None = None
    session_id: str | None = None
    raw: RawEvent = field(factory=dict, eq=False, repr=False)

    @property
    def trace_id(self) -> str | None:
        """What steps that belong together have in common."""
        return self.content.get("traceId")

    @property
    def usage(self) -> Usage | None:
        """The tokens of a model invocation; other steps have none of their own."""
        return usage_of(self.content.get("metadata", {})) if self.step == "modelInvocationOutput" else None


@frozen
class OutputFile:
    """A file that the agent's code interpreter has made."""

    name: str
    type: str
    """Its MIME type."""
    bytes: bytes = field(repr=brief)


@frozen
class AgentFiles:
    """Files that the agent's code interpreter has made."""

    files: tuple[OutputFile, ...]
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


AgentEvent: TypeAlias = AgentChunk | AgentTrace | ReturnControl | AgentFiles | UnknownEvent


class AgentDecoder:
    """The typed events of one stream's raw ones, in order."""

    def __init__(self) -> None:
        """Begin with no bytes of a character."""
        self._text = getincrementaldecoder("utf-8")(errors="replace")

    @property
    def is_inside_character(self) -> bool:
        """Whether the end of a character is missing so far."""
        return bool(self._text.getstate()[0])

    def decode(self, raw: RawEvent) -> AgentEvent:
        """The typed event of a raw one.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it is no event of AWS's.
        """
        ((name, body),) = raw.items()
        match name:
            case "chunk":
                return self._chunk(body, raw)
            case "trace":
                return _trace(body, raw)
            case "returnControl":
                return ReturnControl.from_api(body, raw)
            case "files":
                return AgentFiles(tuple(map(_file, body.get("files", ()))), raw)
        return UnknownEvent(name, raw)

    def _chunk(self, body: Mapping[str, Any], raw: RawEvent) -> AgentChunk:
        data = body.get("bytes", b"")
        citations = body.get("attribution", {}).get("citations", ())
        return AgentChunk(self._text.decode(data), data, tuple(map(RetrievalCitation.from_api, citations)), raw)


def _trace(body: Mapping[str, Any], raw: RawEvent) -> AgentTrace:
    kind, step, content = _content(body.get("trace", {}))
    return AgentTrace(
        kind,
        step,
        content,
        body.get("agentId"),
        body.get("agentAliasId"),
        body.get("agentVersion"),
        body.get("collaboratorName"),
        tuple(arn for caller in body.get("callerChain", ()) for arn in caller.values()),
        _time(body.get("eventTime")),
        body.get("sessionId"),
        raw,
    )


def _content(trace: Mapping[str, Any]) -> tuple[str, str | None, Mapping[str, Any]]:
    if not trace:
        return "", None, {}
    ((kind, content),) = trace.items()
    if kind in _STEPS and content:
        ((step, inside),) = content.items()
        return kind, step, inside
    return kind, None, content


def _time(time: Any) -> datetime | None:
    return datetime.fromisoformat(time) if isinstance(time, str) else time  # as sent, where botocore does not know all of it


def _file(raw: Mapping[str, Any]) -> OutputFile:
    return OutputFile(raw.get("name", ""), raw.get("type", ""), raw.get("bytes", b""))
