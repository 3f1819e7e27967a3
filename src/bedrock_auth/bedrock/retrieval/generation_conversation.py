"""`KnowledgeBaseConversation`: questions to a knowledge base that build on each other."""

from __future__ import annotations

import logging
import time
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.bedrock.errors import SessionExpiredError
from bedrock_auth.bedrock.retrieval.generation_stream import AsyncRetrieveAndGenerateStream, RetrieveAndGenerateStream
from bedrock_auth.bedrock.retrieval.limits import wrong
from bedrock_auth.bedrock.transport.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Unpack

    from bedrock_auth.bedrock.retrieval.request import GenerationOptions
    from bedrock_auth.bedrock.retrieval.response import RetrieveAndGenerateResponse

_log = logging.getLogger(__name__)


@frozen
class SessionRestarted:
    """The service did not know a session any more, so the conversation went on without what had been said."""

    session_id: str
    """The one that is lost."""
    error: SessionExpiredError = field(eq=False, repr=False)
    """What the service said."""


@frozen
class GenerationCalls:
    """How `KnowledgeBase` asks."""

    make_request: Callable[[str, Mapping[str, Any]], dict[str, Any]]
    send: Callable[[Mapping[str, Any], Callable[[float], object]], RetrieveAndGenerateResponse]
    open_stream: Callable[[RetrieveAndGenerateStream, Mapping[str, Any]], object]


class KnowledgeBaseConversation:
    """Questions to a knowledge base that build on each other. The service keeps what was said, for a day.

    ::

        chat = handbook.conversation(model_id)
        chat.send("How long is the warranty?")
        chat.send("And for batteries?")

    The service makes the session with the first answer. Where it does not know the session any more, the question is asked once
    again in a new one, and the answer is given without what had been said: each time is in `restarts`, is told to ``on_restart``
    and is logged as a warning. What ``on_restart`` raises passes, before the question is asked again; the next one begins a new
    session. One thread or task uses a conversation at a time.
    """

    def __init__(
        self,
        calls: GenerationCalls,
        options: Mapping[str, Any],
        *,
        restart: bool = True,
        on_restart: Callable[[SessionRestarted], object] | None = None,
    ) -> None:
        """A conversation; `KnowledgeBase.conversation` makes it."""
        self.session_id: str | None = options.get("session_id")
        """Keep it to go on later, also elsewhere, within a day; ``None`` before the first answer."""
        self.restarts: tuple[SessionRestarted, ...] = ()
        """The sessions that were lost, oldest first."""
        self._calls = calls
        self._options = options
        self._restart = restart
        self._on_restart = on_restart

    def send(self, text: str, **options: Unpack[GenerationOptions]) -> RetrieveAndGenerateResponse:
        """Ask, and wait for the whole answer.

        Args:
            text: the question.
            options: see `GenerationOptions`; those that this question has other than the conversation.

        Raises:
            SessionExpiredError: the service does not know the session any more, and ``restart`` is false.
            Exception: as `KnowledgeBase.retrieve_and_generate`.
        """
        return self._send(_Turn(self, text, options))

    async def asend(self, text: str, **options: Unpack[GenerationOptions]) -> RetrieveAndGenerateResponse:
        """`send` for asyncio.

        Raises:
            Exception: as there.
        """
        return await in_thread(partial(self._send, _Turn(self, text, options)))

    def stream(self, text: str, **options: Unpack[GenerationOptions]) -> RetrieveAndGenerateStream:
        """Ask now, and read the answer while it is being given; use it in a ``with`` block.

        Takes what `send` takes.

        Raises:
            Exception: as there; what goes wrong later, the stream raises.
        """
        turn = _Turn(self, text, options)
        stream = RetrieveAndGenerateStream(turn)
        self._open(stream, turn)
        return stream

    def astream(self, text: str, **options: Unpack[GenerationOptions]) -> AsyncRetrieveAndGenerateStream:
        """`stream` for asyncio: ``async with chat.astream(…) as stream``, which asks when the block is entered."""
        turn = _Turn(self, text, options)
        stream = RetrieveAndGenerateStream(turn)
        return AsyncRetrieveAndGenerateStream(stream, partial(self._open, stream, turn))

    def request(self, text: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of boto3's ``retrieve_and_generate`` for the next question.

        Raises:
            ConfigurationError: a limit is exceeded, a parameter was given twice, or the options name a session.
        """
        if options.get("session_id") is not None:
            raise wrong("session_id", "a conversation has its own session; begin another one with conversation(session_id=…)")
        return self._calls.make_request(text, {**self._options, **options, "session_id": self.session_id})

    def lost(self, session_id: str, error: SessionExpiredError) -> bool:
        """Forget the session; says whether to go on without it."""
        if not self._restart:
            return False
        told = SessionRestarted(session_id, error)
        self.restarts += (told,)
        self.session_id = None
        _log.warning("the service does not know the session any more; the conversation goes on without what was said in it")
        if self._on_restart is not None:
            self._on_restart(told)
        return True

    def _send(self, turn: _Turn, pause: Callable[[float], object] = time.sleep) -> RetrieveAndGenerateResponse:
        answer: RetrieveAndGenerateResponse = turn.attempt(lambda: self._calls.send(turn.request, pause))
        turn.keep(answer.session_id)
        return answer

    def _open(self, stream: RetrieveAndGenerateStream, turn: _Turn) -> None:
        turn.attempt(lambda: self._calls.open_stream(stream, turn.request))


class _Turn:
    """A question on its way, which loses its session at most once."""

    def __init__(self, conversation: KnowledgeBaseConversation, text: str, options: Mapping[str, Any]) -> None:
        self._conversation = conversation
        self._make = partial(conversation.request, text, options)

    @cached_property
    def request(self) -> dict[str, Any]:
        """Made in the thread that sends it: it may need the client."""
        return self._make()

    def attempt(self, send: Callable[[], Any]) -> Any:
        try:
            return send()
        except SessionExpiredError as error:
            if not self.begin_anew(error):
                raise
        return send()

    def keep(self, session_id: str | None) -> None:
        if session_id is not None:
            self._conversation.session_id = session_id

    def begin_anew(self, error: SessionExpiredError) -> bool:
        lost = self.request.pop("sessionId", None)
        return lost is not None and self._conversation.lost(lost, error)
