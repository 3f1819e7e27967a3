"""asyncio: `AsyncStream`. It is the synchronous `AnswerStream` that opens, decodes, folds and fails.

Threads do what waits; `bedrock_auth.bedrock.transport.async_reader` says which.

trio is not supported.
"""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING, Any, Generic

from bedrock_auth.bedrock.converse.response import ConverseResponse
from bedrock_auth.bedrock.events import Event
from bedrock_auth.bedrock.transport.async_reader import AsyncReader
from bedrock_auth.bedrock.transport.event_stream import AnswerStream, E, R

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import Self

_IN_A_ROW = 16
"""After so many events that had not to be waited for, the event loop may see to others."""


class AsyncStream(Generic[E, R]):
    """An `AnswerStream` for asyncio: an asynchronous iterator of the same events, and a context manager that opens and closes it.

    Completeness, errors and what is opened again are those of the stream behind it. Leaving the block, and being cancelled
    anywhere, returns at once and closes the connection; one whose headers have not come is closed by its thread when they do, or
    at the read timeout. It belongs to the event loop in which it was entered.
    """

    def __init__(self, stream: AnswerStream[E, R], open_stream: Callable[[], object]) -> None:
        """A stream that ``open_stream`` will open; the wrappers' methods make it."""
        self._stream = stream
        self._reader = AsyncReader(stream, open_stream)
        self._in_a_row = 0
        self._is_over = False
        self._is_closed_early: bool | None = None

    async def __aenter__(self) -> Self:
        weakref.finalize(self, self._reader.forsake).atexit = False
        await self._reader.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave, without waiting; more calls change nothing. What had come and was not read is gone."""
        if not self._is_over:
            self._is_over = True
            self._is_closed_early = not self._reader.is_read_whole
            self._reader.leave()

    @property
    def request_id(self) -> str | None:
        """AWS's id of the request; ``None`` before the block is entered."""
        return self._stream.request_id

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        reader = self._reader
        if self._in_a_row >= _IN_A_ROW:
            self._in_a_row = 0
            await asyncio.sleep(0)
        while not reader.events:
            if reader.is_finished and not reader.events:  # in this order: the last event comes before the end
                self._is_over = True
                raise self._outcome()
            self._in_a_row = 0
            await reader.wait()
        self._in_a_row += 1
        return reader.take()

    def _outcome(self) -> BaseException:
        failure = self._reader.failure
        is_closed = self._is_closed_early is not None  # however far the thread had come
        return StopAsyncIteration() if failure is None or is_closed else failure.with_traceback(None)

    @property
    def text_stream(self) -> AsyncIterator[str]:
        """The text of the answer, piece by piece; every other event is read and folded, but not shown.

        Raises:
            BedrockError: as iterating the stream does.
        """
        return self._texts()

    async def _texts(self) -> AsyncIterator[str]:
        kind: type[Any] = self._stream._TEXT_EVENT  # noqa: SLF001 - its other form
        async for event in self:
            if type(event) is kind:
                yield event.text  # type: ignore[attr-defined]  # events of that class have one

    async def get_response(self) -> R:
        """The whole answer; reads whatever has not been read yet.

        Raises:
            ToolInputError: the model's input for a tool is no JSON or was cut.
            IncompleteStreamError: the stream ended early, or was closed before its end.
            BedrockError: the stream failed.
        """
        async for _ in self:
            pass
        if self._is_closed_early is None:
            return self._stream.response
        return self._stream.read_so_far(is_early=self._is_closed_early)


class AsyncConverseStream(AsyncStream[Event, ConverseResponse]):
    """`ConverseStream` for asyncio.

    ::

        async with runtime.aconverse_stream(model_id, "Hi") as stream:
            async for text in stream.text_stream:
                print(text, end="")
        print((await stream.get_response()).usage)
    """
