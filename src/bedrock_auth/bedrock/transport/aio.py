"""asyncio: `AsyncStream`. It is the synchronous `AnswerStream` that opens, decodes, folds and fails.

Each stream has one reader thread, a daemon. It hands events to the event loop in batches: the loop is woken when a stream has
something that somebody waits for, once for all of its streams, not once for each event. When `BUFFERED` events wait, the thread
stops reading, and so does the service. Leaving returns at once: the thread loses its connection and closes it. Before the headers
of the answer have come nobody can take it away: the thread closes it when they come, or at the read timeout.

trio is not supported.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections import deque
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Generic

from bedrock_auth.bedrock.converse.response import ConverseResponse
from bedrock_auth.bedrock.events import Event
from bedrock_auth.bedrock.transport.calls import sending
from bedrock_auth.bedrock.transport.event_stream import AnswerStream, E, R
from bedrock_auth.bedrock.transport.threads import Job, Outcome, start, without_stop_iteration

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import Self

BUFFERED = 64
"""So many events wait at most for the event loop."""
_REFILL = BUFFERED // 2
_IN_A_ROW = 16
"""After so many events that had not to be waited for, the event loop may see to others."""
_PAUSE = 0.005
"""Seconds between two wake-ups of an event loop, at least: with many streams, waking it costs more than what it is woken for."""


class _Bell:
    """Wakes an event loop once for all its streams that have something new, and at most once in `_PAUSE` seconds."""

    def __init__(self) -> None:
        self._arrived: deque[asyncio.Event] = deque()
        self._is_rung = False
        self._not_before = 0.0

    def ring(self, loop: asyncio.AbstractEventLoop, arrived: asyncio.Event) -> None:
        """Set this in the loop, from any thread.

        Raises:
            RuntimeError: the loop is closed.
        """
        self._arrived.append(arrived)
        if not self._is_rung:
            self._is_rung = True
            loop.call_soon_threadsafe(self._hear, loop)

    def _hear(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop.time() < self._not_before:
            loop.call_at(self._not_before, self._answer, loop)
        else:
            self._answer(loop)

    def _answer(self, loop: asyncio.AbstractEventLoop) -> None:
        self._not_before = loop.time() + _PAUSE
        self._is_rung = False  # before looking, so that nothing that comes now is overlooked
        while self._arrived:
            self._arrived.popleft().set()


_bells: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Bell] = weakref.WeakKeyDictionary()


class _Reader(Generic[E, R]):
    """Between the thread that reads a stream and the event loop. It must not know the `AsyncStream`."""

    def __init__(self, stream: AnswerStream[E, R], open_stream: Callable[[], object]) -> None:
        self.stream = stream
        self.events: deque[E] = deque()
        self.is_finished = False
        self.failure: BaseException | None = None
        self._open_stream = open_stream
        self._context = copy_context()
        self._is_entered = False
        self._process = os.getpid()
        self._is_awaited = False
        self._is_left = False
        self._room = threading.Event()
        self._taken = 0
        self._whole_after: int | None = None

    @property
    def is_read_whole(self) -> bool:
        """Whether the event that ends the answer has been taken, where AWS sends one."""
        return self._whole_after is not None and self._taken >= self._whole_after

    async def start(self) -> None:
        """Open the stream, in the thread that will read it.

        Raises:
            RuntimeError: it was opened before, or no event loop of asyncio is running.
        """
        if self._is_entered:
            msg = "a stream is entered once; call aconverse_stream() again"
            raise RuntimeError(msg)
        self._loop = asyncio.get_running_loop()
        self._is_entered = True
        self._bell = _bells.setdefault(self._loop, _Bell())
        self._arrived = asyncio.Event()
        outcome = Outcome()
        start(Job(lambda sent: self._context.run(self._run, outcome, sent), outcome.fail))
        try:
            await outcome.future
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """End the thread; does not wait for it."""
        self._is_left = True
        self.events = deque()  # the thread may be about to add another one
        self.stream.hang_up()
        self._room.set()

    def forsake(self) -> None:
        """As `leave`, from wherever the garbage collector runs."""
        if not self._is_entered or self._process != os.getpid() or self.is_finished:
            return
        if self._loop.is_running():
            self._loop.call_soon_threadsafe(self.leave)  # the locks in leave() may be held by this very thread
        else:
            self.leave()

    def take(self) -> E:
        """The next event; there must be one."""
        event = self.events.popleft()
        self._taken += 1
        if len(self.events) == _REFILL:
            self._room.set()
        return event

    async def wait(self) -> None:
        """Until there is an event or the end, or sometimes for nothing.

        Raises:
            RuntimeError: it was not opened.
        """
        if not self._is_entered:
            msg = "a stream is read in its block: async with runtime.aconverse_stream(…) as stream"
            raise RuntimeError(msg)
        self._arrived.clear()
        self._is_awaited = True
        if not self.events and not self.is_finished:
            await self._arrived.wait()

    def _run(self, outcome: Outcome, sent: Callable[[], None]) -> None:
        sending.set(sent)
        try:
            if not self._is_left:
                without_stop_iteration(self._open_stream)()
                outcome.set(None)
                self._read(self.events)
        except BaseException as error:  # noqa: BLE001 - it is raised where the stream is entered, or else where it is read
            self.failure = error
            outcome.fail(error)
        finally:
            sent()
            with suppress(Exception):  # what went wrong before is what the reader must hear of
                self.stream.close()
            self.is_finished = True
            self._wake()

    def _read(self, events: deque[E]) -> None:
        for count, event in enumerate(self.stream, 1):
            if self._whole_after is None and self.stream.has_said_all():
                self._whole_after = count  # before anybody can take it
            events.append(event)
            if self._is_awaited:
                self._wake()
            if len(events) >= BUFFERED:
                self._wait_for_room(events)

    def _wait_for_room(self, events: deque[E]) -> None:
        self._room.clear()
        if len(events) >= BUFFERED and not self._is_left:  # else it was taken, or left, between the two looks
            self._room.wait()

    def _wake(self) -> None:
        self._is_awaited = False
        try:
            self._bell.ring(self._loop, self._arrived)
        except RuntimeError:  # the loop is closed
            self.stream.hang_up()


class AsyncStream(Generic[E, R]):
    """An `AnswerStream` for asyncio: an asynchronous iterator of the same events, and a context manager that opens and closes it.

    Completeness, errors and what is opened again are those of the stream behind it. Leaving the block, and being cancelled
    anywhere, returns at once and closes the connection; one whose headers have not come is closed by its thread when they do, or
    at the read timeout. It belongs to the event loop in which it was entered.
    """

    def __init__(self, stream: AnswerStream[E, R], open_stream: Callable[[], object]) -> None:
        """A stream that ``open_stream`` will open; the wrappers' methods make it."""
        self._stream = stream
        self._reader = _Reader(stream, open_stream)
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
