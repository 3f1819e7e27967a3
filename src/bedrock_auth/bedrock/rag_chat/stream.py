"""`RagStream` and `AsyncRagStream`: the answers of a `RagChat` while they are being given."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from bedrock_auth.bedrock.errors import IncompleteStreamError
from bedrock_auth.bedrock.events import TextDelta
from bedrock_auth.bedrock.rag_chat.events import HitCitation, RagEvent, RagResponse
from bedrock_auth.bedrock.rag_chat.fold import CitationFold
from bedrock_auth.bedrock.tool_use.runs import AsyncRun, Run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from typing import Self

    from bedrock_auth.bedrock.converse.response import ConverseResponse
    from bedrock_auth.bedrock.rag_chat.events import FoundText
    from bedrock_auth.bedrock.stream import ConverseStream
    from bedrock_auth.bedrock.transport.aio import AsyncConverseStream


T = TypeVar("T")


def _shown(event: RagEvent) -> str:
    if type(event) is TextDelta:
        return event.text
    return event.marker if type(event) is HitCitation else ""


def _final(response: RagResponse | None) -> RagResponse:
    if response is not None:
        return response
    msg = "the stream was closed before the answer had been read to its end; nothing of it is kept"
    raise IncompleteStreamError(msg, code="StreamClosed", operation="ConverseStream")


def _inside(value: T | None) -> T:
    """What there is once the block has been entered."""
    if value is None:
        msg = "a stream is read in its block: async with chat.astream(…) as stream"
        raise RuntimeError(msg)
    return value


class RagStream(Run[RagEvent, RagResponse]):
    """An iterator of `RagEvent`, and a context manager that closes the connection where the reader leaves early.

    Question and answer are kept in the conversation when it has been read to its end. One thread reads it.
    """

    def __init__(self, stream: ConverseStream, hits: tuple[FoundText, ...], finish: Callable[[ConverseResponse], None]) -> None:
        """An opened stream; `RagChat.stream` makes it. ``finish`` gets the whole answer and may refuse it."""
        super().__init__()
        self.hits = hits
        """What the model is shown; ``[1]`` is the first of them."""
        self._stream = stream
        self._finish = finish
        self._fold = CitationFold(hits)
        self._response: RagResponse | None = None

    def _play(self) -> Iterator[RagEvent]:
        for event in self._stream:
            yield from self._fold.add(event)
        answer = self._stream.response
        self._finish(answer)
        self._response = self._fold.response(answer)

    def _final(self) -> RagResponse:
        return _final(self._response)

    def close(self) -> None:
        """Leave, and keep nothing unless it was read to its end; more calls change nothing."""
        self._stream.close()
        super().close()

    @property
    def text_stream(self) -> Iterator[str]:
        """The text of the answer, markers included, piece by piece.

        Raises:
            Exception: as iterating the stream does.
        """
        return filter(None, map(_shown, self))


class AsyncRagStream(AsyncRun[RagEvent, RagResponse]):
    """`RagStream` for asyncio: ``async with chat.astream(…) as stream``. The search begins when the block is entered."""

    def __init__(self, open_stream: Callable[[AsyncRagStream], Awaitable[AsyncConverseStream]]) -> None:
        """A stream that has not been opened; `RagChat.astream` makes it."""
        super().__init__()
        self._open = open_stream
        self._is_entered = False
        self._opened: AsyncConverseStream | None = None
        self._hits: tuple[FoundText, ...] | None = None
        self._response: RagResponse | None = None

    def begin(self, hits: tuple[FoundText, ...], finish: Callable[[ConverseResponse], Awaitable[None]]) -> None:
        """Take what was found, and who gets the whole answer; for `RagChat`, while the stream is being opened."""
        self._hits = hits
        self._finish = finish
        self._fold = CitationFold(hits)

    @property
    def hits(self) -> tuple[FoundText, ...]:
        """As `RagStream.hits`.

        Raises:
            RuntimeError: the block has not been entered.
        """
        return _inside(self._hits)

    async def __aenter__(self) -> Self:
        if self._is_entered:
            msg = "a stream is entered once; call astream() again"
            raise RuntimeError(msg)
        self._is_entered = True
        self._opened = await self._open(self)
        return self

    async def __anext__(self) -> RagEvent:
        _inside(self._opened)
        return await super().__anext__()

    async def _play(self) -> AsyncIterator[RagEvent]:
        stream = _inside(self._opened)
        async for event in stream:
            for found in self._fold.add(event):
                yield found
        answer = await stream.get_response()
        await self._finish(answer)
        self._response = self._fold.response(answer)

    def _final(self) -> RagResponse:
        return _final(self._response)

    async def aclose(self) -> None:
        """As `RagStream.close`.

        Raises:
            RuntimeError: the block has not been entered.
        """
        _inside(self._opened).close()
        await super().aclose()

    @property
    async def text_stream(self) -> AsyncIterator[str]:
        """As `RagStream.text_stream`."""
        async for event in self:
            if text := _shown(event):
                yield text
