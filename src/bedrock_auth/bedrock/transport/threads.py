"""Work of an event loop in threads of its own, started one after the other.

The next thread starts when the last one has sent its request. A hundred that serialise and sign at the same time would keep the
interpreter from the event loop for as long as they take together. All are daemons: none keeps a program from ending.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from attrs import frozen

from bedrock_auth.bedrock.transport.calls import sending

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

_TURN = 0.02
"""Seconds after which the next thread starts although the last one has not sent: it may wait for credentials."""


@frozen
class Job:
    """What a thread is to do."""

    run: Callable[[Callable[[], None]], None]
    """The thread's work; calls its argument when it has sent its request."""
    refuse: Callable[[BaseException], None]
    """Told where no thread can be started."""


class Starter:
    """Starts threads one after the other, in a thread that ends when there is nothing to start."""

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()
        self._lock = threading.Lock()
        self._working = False

    def start(self, job: Job) -> None:
        """Run this in a thread of its own, soon."""
        with self._lock:
            self._jobs.append(job)
            if not self._working:
                self._begin(job)

    def _begin(self, job: Job) -> None:
        try:
            threading.Thread(target=self._work, name="bedrock-auth-starter", daemon=True).start()
        except RuntimeError as error:  # no more threads to be had
            self._jobs.remove(job)
            job.refuse(error)
        else:
            self._working = True

    def _work(self) -> None:
        while (job := self._next()) is not None:
            sent = threading.Event()
            try:
                threading.Thread(target=job.run, args=(sent.set,), name="bedrock-auth-reader", daemon=True).start()
            except RuntimeError as error:  # no more threads to be had
                job.refuse(error)
            else:
                sent.wait(_TURN)

    def _next(self) -> Job | None:
        with self._lock:
            self._working = bool(self._jobs)
            return self._jobs.popleft() if self._jobs else None


_starter = Starter()


def start(job: Job) -> None:
    """Run this in a thread of its own, soon."""
    _starter.start(job)


def _after_fork() -> None:
    global _starter  # noqa: PLW0603 - the child has not inherited its thread
    _starter = Starter()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def without_stop_iteration(work: Callable[P, T]) -> Callable[P, T]:
    """``work``, whose StopIteration and StopAsyncIteration become a RuntimeError, as in generators (PEP 479).

    A future of asyncio takes no StopIteration, so whoever awaits it would wait for ever.
    """

    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return work(*args, **kwargs)
        except (StopIteration, StopAsyncIteration) as error:
            msg = f"a function raised {type(error).__name__}"
            raise RuntimeError(msg) from error

    return guarded


async def to_thread(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """`asyncio.to_thread`, which always comes to an end."""
    return await asyncio.to_thread(without_stop_iteration(work), *args, **kwargs)


class Outcome:
    """A result that a thread hands to an event loop, which may have lost interest or be gone."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self._loop.create_future()

    def set(self, result: object) -> None:
        """Tell the result."""
        self._tell(self.future.set_result, result)

    def fail(self, error: BaseException) -> None:
        """Tell what went wrong."""
        self._tell(self.future.set_exception, error)

    def _tell(self, settle: Callable[[Any], None], value: object) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(lambda: None if self.future.done() else settle(value))


async def in_thread(work: Callable[[Callable[[float], object]], T]) -> T:
    """What ``work`` returns, in a daemon thread and a copy of the caller's context.

    Args:
        work: takes a function that waits so many seconds and says whether the caller has left meanwhile.
    """
    outcome, left = Outcome(), threading.Event()

    def run(sent: Callable[[], None]) -> None:
        sending.set(sent)
        try:
            if not left.is_set():
                outcome.set(without_stop_iteration(work)(left.wait))
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is awaited
            outcome.fail(error)
        finally:
            sent()

    context = copy_context()
    start(Job(lambda sent: context.run(run, sent), outcome.fail))
    try:
        return await outcome.future  # type: ignore[no-any-return]  # what work returned
    finally:
        left.set()
