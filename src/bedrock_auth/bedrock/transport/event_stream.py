"""`TypedStream`: what all typed streams have in common: how they are opened, read, opened again, left, and how they fail.

`AnswerStream` is one whose events add up to an answer.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from bedrock_auth.bedrock.errors import ANY_CALL, BedrockError, Call, ConnectionLostError, IncompleteStreamError
from bedrock_auth.bedrock.failures.translate import not_an_event_stream, translate
from bedrock_auth.bedrock.retry import Attempts, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Self

    from bedrock_auth.bedrock.transport.connection import StreamConnection
    from bedrock_auth.bedrock.transport.opened import Opened

E = TypeVar("E")
R = TypeVar("R")
F_contra = TypeVar("F_contra", contravariant=True)
_ONCE = RetryPolicy(1)


class Fold(Protocol[F_contra]):
    """What the events of a stream add up to."""

    @property
    def is_begun(self) -> bool:
        """Whether any event has come."""

    @property
    def is_complete(self) -> bool:
        """Whether the answer is whole."""

    def add(self, event: F_contra, /) -> None:
        """Take the next event."""

    def partial(self) -> Any:
        """What errors show as ``partial``."""


class TypedStream(Generic[E]):
    """An iterator of typed events, and a context manager that closes the connection where the reader leaves early.

    A stream that ends before its answer is whole, or fails, raises a `BedrockError`, and raises the same one from then on; after
    a whole answer, and after `close`, iterating just stops. Before its first event it may be opened again, as
    `bedrock_auth.bedrock.retry` says, in a copy of the context in which it was opened first. Threads may share a stream: each
    event goes to one of them.
    """

    _decode: Callable[[Mapping[str, Any]], E]
    _new_fold: Callable[[Call], Fold[E]]
    _incomplete: Callable[[Call, Any], Exception]

    def __init__(self) -> None:
        """A stream that has not been opened; the wrappers' methods return opened ones."""
        self._reading = threading.Lock()
        self._swapping = threading.Lock()
        self._left = threading.Event()
        self._ended = False
        self._opened: Opened | None = None
        self._call = Call(ANY_CALL)
        self._error: Exception | None = None

    def open(self, connect: Callable[[], Opened], policy: RetryPolicy = _ONCE) -> Self:
        """Connect; ``connect`` is one attempt, and is kept until the first event.

        Raises:
            BedrockError: what ``connect`` raises, when it has been raised often enough.
        """
        self._again = partial(copy_context().run, connect)
        self._attempts = Attempts(policy, self._left.wait)
        self._adopt(self._attempts.run(connect))
        return self

    def _adopt(self, opened: Opened) -> None:
        self._call = opened.call
        self._headers = opened.response
        self._fold = self._new_fold(opened.call)
        self._events = iter(opened.events)
        with self._swapping:
            self._opened = opened
        if self._left.is_set():  # while it was being opened
            self._release()

    @property
    def request_id(self) -> str | None:
        """AWS's id of the request; ``None`` before it was opened."""
        return self._call.request_id

    @property
    def connection(self) -> StreamConnection | None:
        """What the next event comes from, if others can wait for that."""
        opened = self._opened
        return None if opened is None else opened.connection

    @property
    def has_more(self) -> bool:
        """Whether the next event, or the end, is probably there without waiting."""
        opened = self._opened
        return opened is None or opened.has_more

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> E:
        with self._reading:
            while not self._ended:
                try:
                    event = self._decode(next(self._events))
                    self._fold.add(event)
                except StopIteration:
                    self._end()
                except Exception as error:  # noqa: BLE001 - whatever a parser makes of damaged data
                    self._fail(translate(error, self._call, self._fold.partial()))
                else:
                    return event
            raise self._outcome()

    def close(self) -> None:
        """Leave; closes the connection unless the stream was read to its end. More calls change nothing."""
        self.hang_up()
        self._release()

    def hang_up(self) -> None:
        """Leave without waiting: a thread that reads finds the stream at its end, and must `close` it."""
        if self._ended:
            return
        self._ended = True
        self._left.set()
        with self._swapping:
            opened = self._opened
        if opened is not None:
            opened.hang_up()

    def _release(self) -> None:
        with self._swapping:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def _end(self) -> None:
        if self._ended:  # closed by another thread, which need not be the end of the answer
            return
        if self._is_whole():
            self._ended = True
            self._opened = None  # the connection has gone back to its pool
        else:
            partial = self._fold.partial()
            page = None if self._fold.is_begun else not_an_event_stream(self._call, self._call.details(partial))
            self._fail(page or self._incomplete(self._call, partial))

    def _is_whole(self) -> bool:
        return self._fold.is_complete

    def has_said_all(self) -> bool:
        """Whether AWS has sent the event that ends the answer, where there is one; what may come after it is no part of it."""
        return False

    def _fail(self, error: Exception) -> None:
        if self._ended:  # another thread has closed the connection under this read
            return
        with suppress(Exception):  # what went wrong before is what the reader must hear of
            self._release()
        if self.has_said_all():
            if isinstance(error, ConnectionLostError):
                self._ended = True
                return
            if isinstance(error, BedrockError):
                error.retryable = False  # the answer is there, and paid for
        final = error if self._fold.is_begun else self._open_again(error)
        if final is not None and not self._ended:
            self._error = final
            self._ended = True

    def _open_again(self, error: Exception) -> Exception | None:
        """The error that remains, if any."""
        if not isinstance(error, BedrockError):
            return error
        try:
            self._attempts.wait_after(error)
            self._adopt(self._attempts.run(self._again))
        except Exception as final:  # noqa: BLE001 - as _fail
            return final
        return None

    def _outcome(self) -> Exception:
        return StopIteration() if self._error is None else self._error.with_traceback(None)


class AnswerStream(TypedStream[E], Generic[E, R]):
    """A stream whose events add up to an answer, with text in some of them."""

    _TEXT_EVENT: ClassVar[type[Any]]
    """The class of the events that have ``text``."""
    _response: R | None = None

    @property
    def text_stream(self) -> Iterator[str]:
        """The text of the answer, piece by piece; every other event is read and folded, but not shown.

        Raises:
            BedrockError: as iterating the stream does.
        """
        kind: type[Any] = self._TEXT_EVENT
        return (event.text for event in self if type(event) is kind)  # type: ignore[attr-defined]  # it has one

    @property
    def response(self) -> R:
        """The whole answer; reads whatever has not been read yet.

        Raises:
            ToolInputError: the model's input for a tool is no JSON or was cut.
            IncompleteStreamError: the stream ended early, or was closed before its end.
            BedrockError: the stream failed.
        """
        for _ in self:
            pass
        return self.read_so_far(is_early=self._is_closed_early())

    def read_so_far(self, *, is_early: bool) -> R:
        """The whole answer, for whoever has read it or left; nothing more is read.

        Raises:
            ToolInputError: as `response`.
            IncompleteStreamError: ``is_early``, the stream was closed before its end.
        """
        if is_early:
            raise self._closed_early()
        if self._response is None:
            self._response = self._complete()
        return self._response

    def _complete(self) -> R:
        """What the events add up to."""
        raise NotImplementedError

    def _is_closed_early(self) -> bool:
        return not self._fold.is_complete

    def _closed_early(self) -> IncompleteStreamError:
        msg = f"{self._call.operation}: the stream was closed before the model had finished; what had come is in .partial"
        return IncompleteStreamError(msg, code="StreamClosed", **self._call.details(self._fold.partial()))
