"""`AgentStream`: the answer of an agent while it is being given."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bedrock_auth.bedrock.agents.events import AgentChunk, AgentDecoder, AgentEvent
from bedrock_auth.bedrock.agents.response import AgentFold, AgentResponse, incomplete
from bedrock_auth.bedrock.transport.aio import AsyncStream
from bedrock_auth.bedrock.transport.event_stream import AnswerStream

if TYPE_CHECKING:
    from bedrock_auth.bedrock.transport.opened import Opened


class AgentStream(AnswerStream[AgentEvent, AgentResponse]):
    """The answer of an agent while it is being given.

    ::

        with agent.invoke("Which claims are open?") as stream:
            for text in stream.text_stream:
                print(text, end="")
        print(stream.response.citations)

    AWS has no event that ends such a stream. An answer counts as whole when at least one chunk or a return of control has come
    and the body has ended as HTTP, between two frames and between two characters. Everything else is a `BedrockError` with what
    had come as ``partial``: an exception inside the stream is a `ServiceError`, a cut connection a `ConnectionLostError`, an end
    in the middle an `IncompleteStreamError` with the code ``IncompleteStream``, and an end without an answer one with
    ``NoAnswer``. A return of control is no error: it is in ``response.return_control``.

    Nothing that fails inside the stream is sent again, also before its first event: the agent may have acted.
    """

    _incomplete = staticmethod(incomplete)
    _TEXT_EVENT = AgentChunk
    _fold: AgentFold

    def __init__(self, session_id: str) -> None:
        """A stream of this session that has not been opened; the wrappers' methods return opened ones."""
        super().__init__()
        self.session_id = session_id
        """Give it to the next invocation to go on with the same conversation."""
        self._new_fold = partial(AgentFold, session_id)

    def _adopt(self, opened: Opened) -> None:
        self._decoder = AgentDecoder()
        self._decode = self._decoder.decode
        super()._adopt(opened)

    def _is_whole(self) -> bool:
        is_cut = self._opened is not None and self._opened.is_cut
        return self._fold.is_complete and not is_cut and not self._decoder.is_inside_character

    def _is_closed_early(self) -> bool:
        return self._left.is_set() or super()._is_closed_early()

    def _complete(self) -> AgentResponse:
        return self._fold.partial()


class AsyncAgentStream(AsyncStream[AgentEvent, AgentResponse]):
    """`AgentStream` for asyncio.

    ::

        async with agent.ainvoke("Which claims are open?") as stream:
            async for text in stream.text_stream:
                print(text, end="")
        print((await stream.get_response()).citations)
    """
