"""`AsyncReader`: between the threads that read a stream and the event loop that takes its events.

A stream is opened, and waits for its first event, in a thread of its own, a daemon: it may be opened again until then. From then
on `bedrock_auth.bedrock.transport.shared_reader` reads it, in one thread for all streams, except while its events come without a
pause, and where nobody can tell when more of it comes. Events reach the event loop in batches: the loop is woken when a stream
has something that somebody waits for, once for all of its streams, not once for each event. When `BUFFERED` events wait, nothing
more is read; that holds up the service too.

Leaving returns at once: whichever thread reads loses its connection and closes it. Before the headers of the answer have come
nobody can take it away: the thread closes it when they come, or at the read timeout.
"""

from __future__ import annotations

import asyncio
import math
import os
import threading
import time
import weakref
from collections import deque
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Generic

from bedrock_auth.bedrock.transport.calls import sending
from bedrock_auth.bedrock.transport.event_stream import AnswerStream, E, R
from bedrock_auth.bedrock.transport.shared_reader import Next, shared
from bedrock_auth.bedrock.transport.threads import Job, Outcome, start, without_stop_iteration

if TYPE_CHECKING:
    from collections.abc import Callable

    from bedrock_auth.bedrock.transport.connection import StreamConnection

BUFFERED = 64
"""So many events wait at most for the event loop, and so many are read in one turn."""
_REFILL = BUFFERED // 2
_SLOW = 0.005
"""Seconds; a stream whose next event takes so long is worth a look whether more of it has come."""
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


class AsyncReader(Generic[E, R]):
    """See the module. It must not know the `AsyncStream`, which is closed when it is forgotten."""

    connection: StreamConnection

    def __init__(self, stream: AnswerStream[E, R], open_stream: Callable[[], object]) -> None:
        """Nothing happens before `start`."""
        self.stream = stream
        self.events: deque[E] = deque()
        self.is_finished = False
        self.failure: BaseException | None = None
        self._arrivals = self.events
        self._open_stream = open_stream
        self._context = copy_context()
        self._is_entered = False
        self._process = os.getpid()
        self._is_awaited = False
        self._is_left = False
        self._room = threading.Event()
        self._needing_room = threading.Lock()
        self._arrived_so_far = 0
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
        """End the reading; does not wait for it."""
        self._is_left = True
        self.events = deque()  # what is just being read goes to the other one
        self.stream.hang_up()
        self._make_room()

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
            self._make_room()
        return event

    def _make_room(self) -> None:
        self._room.set()
        if self._stop_needing_room():
            self._shared.resume(self)

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
        needs = Next.NOTHING
        try:
            if not self._is_left:
                without_stop_iteration(self._open_stream)()
                outcome.set(None)
                needs = self._read_alone()
        except BaseException as error:  # noqa: BLE001 - it is raised where the stream is entered, or else where it is read
            self.failure = error
            outcome.fail(error)
        finally:
            sent()
        if needs is Next.NOTHING:
            self._finish()

    def _read_alone(self) -> Next:
        """Read until the end, or until others wait for more; where events come fast, asking would cost more than it saves."""
        asked_at = -math.inf
        while self._read_one():
            if len(self._arrivals) >= BUFFERED:
                self._wait_for_room()
            elif time.monotonic() - asked_at >= _SLOW and self._is_handed_over():
                return Next.DATA
            asked_at = time.monotonic()
        return Next.NOTHING

    def _is_handed_over(self) -> bool:
        connection = self.stream.connection
        if connection is None or self.stream.has_more:
            return False
        self.connection = connection
        self._shared = shared()
        return self._shared.watch(self)

    def advance(self) -> Next:
        """Read what has come; never raises. May wait for the rest of what has come in part."""
        return self._context.copy().run(self._advance)

    def _advance(self) -> Next:
        try:
            for _ in range(BUFFERED):
                if not self._read_one():
                    break
                if len(self._arrivals) >= BUFFERED and self._needs_room():
                    return Next.ROOM
                if not self.stream.has_more:
                    return Next.DATA
            else:
                return Next.TURN
        except BaseException as error:  # noqa: BLE001 - it is raised where the stream is read
            self.failure = error
        self._finish()
        return Next.NOTHING

    def _read_one(self) -> bool:
        """Hand over the next event; ``False`` at the end."""
        event = next(self.stream, None)
        if event is None:
            return False
        self._arrived_so_far += 1
        if self._whole_after is None and self.stream.has_said_all():
            self._whole_after = self._arrived_so_far  # before anybody can take it
        self._arrivals.append(event)
        if self._is_awaited:
            self._wake()
        return True

    def _wait_for_room(self) -> None:
        self._room.clear()
        if len(self._arrivals) >= BUFFERED and not self._is_left:  # else it was taken, or left, between the two looks
            self._room.wait()

    def _needs_room(self) -> bool:
        """Whether somebody will make room, and then resume the reading."""
        self._needing_room.acquire(blocking=False)
        is_full = len(self._arrivals) >= BUFFERED and not self._is_left  # else it was taken, or left, between the two looks
        return is_full or not self._stop_needing_room()

    def _stop_needing_room(self) -> bool:
        """Whether room was needed; ``True`` for only one of those who ask."""
        try:
            self._needing_room.release()
        except RuntimeError:
            return False
        return True

    def _finish(self) -> None:
        with suppress(Exception):  # what went wrong before is what the reader must hear of
            self.stream.close()
        self.is_finished = True
        self._wake()

    def _wake(self) -> None:
        self._is_awaited = False
        try:
            self._bell.ring(self._loop, self._arrived)
        except RuntimeError:  # the loop is closed
            self.stream.hang_up()
