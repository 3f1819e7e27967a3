"""`RetrieveAndGenerateStream`: an answer from a knowledge base while it is being given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from attrs import field, frozen

from bedrock_auth.bedrock.errors import Call, IncompleteStreamError, SessionExpiredError
from bedrock_auth.bedrock.events import RawEvent, UnknownEvent
from bedrock_auth.bedrock.retrieval.generation import RetrievalCitation
from bedrock_auth.bedrock.retrieval.response import INTERVENED, RetrieveAndGenerateResponse
from bedrock_auth.bedrock.transport.aio import AsyncStream
from bedrock_auth.bedrock.transport.event_stream import AnswerStream

if TYPE_CHECKING:
    from bedrock_auth.bedrock.transport.opened import Opened


@frozen
class OutputEvent:
    """More text."""

    text: str
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


@frozen
class CitationEvent:
    """A part of the text and what it rests on. It may come before its text has come whole."""

    citation: RetrievalCitation
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


@frozen
class GuardrailEvent:
    """What the guardrail did."""

    action: str | None
    """``INTERVENED`` or ``NONE``; ``None`` where AWS does not say."""
    raw: RawEvent = field(factory=dict, eq=False, repr=False)


GenerationEvent: TypeAlias = OutputEvent | CitationEvent | GuardrailEvent | UnknownEvent


def decode_generation(raw: RawEvent) -> GenerationEvent:
    """The typed event of a raw one.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: it is no event of AWS's.
    """
    match raw:
        case {"output": Mapping() as body}:
            return OutputEvent(body["text"], raw)
        case {"citation": Mapping() as body}:
            of_old = body.get("citation", {})  # AWS sends both forms, or the newer one
            return CitationEvent(RetrievalCitation.from_api({**of_old, **_without(body, "citation")}), raw)
        case {"guardrail": Mapping() as body}:
            return GuardrailEvent(body.get("action"), raw)
    ((name, _),) = raw.items()
    return UnknownEvent(name, raw)


def _without(structure: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {member: value for member, value in structure.items() if member != name}


class GenerationFold:
    """Events in, the answer so far out. No I/O."""

    def __init__(self, call: Call, session_id: str | None = None) -> None:
        """Begin with nothing; errors will name this call."""
        self.call = call
        self.is_begun = False
        self.is_complete = False
        """Whether there is an answer: AWS sends no event that ends one."""
        self._session_id = session_id
        self._texts: list[str] = []
        self._citations: list[RetrievalCitation] = []
        self._action: str | None = None

    def add(self, event: GenerationEvent) -> None:
        """Take the next event."""
        self.is_begun = True
        match event:
            case OutputEvent(text=text):
                self._texts.append(text)
                self.is_complete = True
            case CitationEvent(citation=citation):
                self._citations.append(citation)
            case GuardrailEvent(action=action):
                self._action = INTERVENED if INTERVENED in {action, self._action} else action
                self.is_complete |= action == INTERVENED

    def partial(self) -> RetrieveAndGenerateResponse:
        """The answer so far."""
        text, citations = "".join(self._texts), tuple(self._citations)
        return RetrieveAndGenerateResponse(text, self._session_id, citations, self._action, self.call.request_id)


def _incomplete(call: Call, partial: RetrieveAndGenerateResponse) -> IncompleteStreamError:
    msg = (
        f"{call.operation}: the stream ended {'in the middle of an event' if partial.text else 'without an answer'}, so it is "
        "not whole; what had come is in .partial, and the request can be sent again"
    )
    return IncompleteStreamError(msg, code="IncompleteStream", retryable=True, **call.details(partial))


class SessionKeeper(Protocol):
    """Whoever the session of a stream belongs to."""

    def keep(self, session_id: str | None, /) -> None:
        """Go on with this session next time."""

    def begin_anew(self, error: SessionExpiredError, /) -> bool:
        """Forget the session that the service does not know; says whether the question may be sent without one."""


class RetrieveAndGenerateStream(AnswerStream[GenerationEvent, RetrieveAndGenerateResponse]):
    """An answer from a knowledge base while it is being given.

    ::

        with knowledge_base.retrieve_and_generate_stream("How long is the warranty?", model_id) as stream:
            for text in stream.text_stream:
                print(text, end="")
        print(stream.response.citations)

    AWS has no event that ends such a stream, and documents none of its order. An answer counts as whole when at least one
    ``output`` has come, or a ``guardrail`` that intervened, and the body has ended as HTTP and between two frames. Everything
    else is a `BedrockError` with what had come as ``partial``: an exception inside the stream, a cut connection, a bad checksum,
    an end in the middle of a frame, no answer at all. A server that ends a stream properly in the middle of a sentence cannot be
    told from one that has finished.
    """

    _decode = staticmethod(decode_generation)
    _incomplete = staticmethod(_incomplete)
    _TEXT_EVENT = OutputEvent
    _fold: GenerationFold

    def __init__(self, keeper: SessionKeeper | None = None) -> None:
        """A stream that has not been opened; the methods of `KnowledgeBase` return opened ones."""
        super().__init__()
        self._keeper = keeper

    @property
    def session_id(self) -> str | None:
        """The session of the conversation, known as soon as the stream is open; for the next question."""
        found: str | None = self._headers.get("sessionId")
        return found

    def _new_fold(self, call: Call) -> GenerationFold:
        return GenerationFold(call, self.session_id)

    def _adopt(self, opened: Opened) -> None:
        super()._adopt(opened)
        if self._keeper is not None:
            self._keeper.keep(self.session_id)

    def _is_whole(self) -> bool:
        return self._fold.is_complete and not (self._opened is not None and self._opened.is_cut)

    def _is_closed_early(self) -> bool:
        return self._left.is_set() or not self._fold.is_complete

    def _complete(self) -> RetrieveAndGenerateResponse:
        return self._fold.partial()

    def _open_again(self, error: Exception) -> Exception | None:
        if self._keeper is None or not isinstance(error, SessionExpiredError):
            return super()._open_again(error)
        try:
            if not self._keeper.begin_anew(error):
                return super()._open_again(error)
            self._adopt(self._attempts.run(self._again))
        except Exception as final:  # noqa: BLE001 - as where a stream is opened again
            return final
        return None


class AsyncRetrieveAndGenerateStream(AsyncStream[GenerationEvent, RetrieveAndGenerateResponse]):
    """`RetrieveAndGenerateStream` for asyncio.

    ::

        async with knowledge_base.aretrieve_and_generate_stream("How long is the warranty?", model_id) as stream:
            async for text in stream.text_stream:
                print(text, end="")
        print((await stream.get_response()).citations)
    """
