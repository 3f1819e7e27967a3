"""`Run` and `AsyncRun`: several answers in a row, with what this program does between them, as one iterator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Self

E = TypeVar("E")
R = TypeVar("R")


class Run(Generic[E, R]):
    """An iterator of events, and a context manager that closes the connection where the reader leaves early.

    Nothing is sent before it is iterated, or asked for its `response`. What it fails with, it raises from then on.
    """

    _TEXT_EVENT: ClassVar[type[Any]]
    """The class of the events that have ``text``."""

    def __init__(self) -> None:
        """A run that has not begun."""
        self._error: Exception | None = None
        self._events = self._play()

    def _play(self) -> Iterator[E]:
        """A generator that sends and acts."""
        raise NotImplementedError

    def _final(self) -> R:
        """The last answer; raises where it has not come."""
        raise NotImplementedError

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> E:
        if self._error is not None:
            raise self._error.with_traceback(None)
        try:
            return next(self._events)
        except StopIteration:
            raise
        except Exception as error:
            self._error = error
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave; more calls change nothing."""
        self._events.close()  # type: ignore[attr-defined]  # a generator

    @property
    def text_stream(self) -> Iterator[str]:
        """The text of all answers, piece by piece.

        Raises:
            Exception: as iterating the run does.
        """
        kind: type[Any] = self._TEXT_EVENT
        return (event.text for event in self if type(event) is kind)  # type: ignore[attr-defined]  # it has one

    @property
    def response(self) -> R:
        """The last answer; plays whatever has not been played yet.

        Raises:
            TurnLimitError: there was no end of what was asked for.
            BedrockError: a call failed, or the run was closed before its end.
            Exception: what a handler raised, where that is to be raised.
        """
        for _ in self:
            pass
        return self._final()


class AsyncRun(Generic[E, R]):
    """`Run` for asyncio: ``async with … as run: async for event in run``."""

    _TEXT_EVENT: ClassVar[type[Any]]

    def __init__(self) -> None:
        """A run that has not begun."""
        self._error: Exception | None = None
        self._events = self._play()

    def _play(self) -> AsyncIterator[E]:
        """An asynchronous generator that sends and acts."""
        raise NotImplementedError

    def _final(self) -> R:
        """As `Run._final`."""
        raise NotImplementedError

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        if self._error is not None:
            raise self._error.with_traceback(None)
        try:
            return await anext(self._events)
        except StopAsyncIteration:
            raise
        except Exception as error:
            self._error = error
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Leave; more calls change nothing."""
        await self._events.aclose()  # type: ignore[attr-defined]  # an asynchronous generator

    @property
    async def text_stream(self) -> AsyncIterator[str]:
        """As `Run.text_stream`."""
        kind: type[Any] = self._TEXT_EVENT
        async for event in self:
            if type(event) is kind:
                yield event.text  # type: ignore[attr-defined]  # it has one

    async def get_response(self) -> R:
        """As `Run.response`.

        Raises:
            Exception: as there.
        """
        async for _ in self:
            pass
        return self._final()
