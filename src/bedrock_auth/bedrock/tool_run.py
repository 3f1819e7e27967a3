"""`ToolRun` and `AsyncToolRun`: ask the model, run its tools, and again, as `Turns` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from bedrock_auth.bedrock.content import ToolResultBlock
from bedrock_auth.bedrock.errors import ToolInputError
from bedrock_auth.bedrock.events import Event, TextDelta

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Self

    from bedrock_auth.bedrock.history import History
    from bedrock_auth.bedrock.response import ConverseResponse
    from bedrock_auth.bedrock.runtime import BedrockRuntime
    from bedrock_auth.bedrock.turns import Turns

ToolEvent: TypeAlias = Event | ToolResultBlock
"""What a run yields: the events of each of the model's answers and, after it, the result of each tool that it asked for."""


class ToolRun:
    """An iterator of `ToolEvent`, and a context manager that closes the connection where the reader leaves early.

    Nothing is sent before it is iterated, or asked for its `response`. `messages` is all that has been said so far, also where
    the run failed; the conversation itself takes it when the model has finished.
    """

    def __init__(self, runtime: BedrockRuntime, model_id: str, turns: Turns) -> None:
        """A run that has not begun; `Conversation.run` makes it."""
        self._runtime = runtime
        self._model_id = model_id
        self._turns = turns
        self._error: Exception | None = None
        self._events = self._play()

    def _play(self) -> Iterator[ToolEvent]:
        turns = self._turns
        while turns.response is None:
            with self._runtime.converse_stream(self._model_id, turns.messages, **turns.options) as stream:
                yield from stream
                try:
                    response = stream.response
                except ToolInputError as error:
                    response = turns.reported(error)
            results = []
            for use in turns.answered(response):
                results.append(turns.toolbox.answer(use))
                yield results[-1]
            if results:
                turns.resulted(results)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ToolEvent:
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
    def messages(self) -> History:
        """The whole history as it is now, results of tools included."""
        return self._turns.messages

    @property
    def text_stream(self) -> Iterator[str]:
        """The text of all of the model's answers, piece by piece."""
        return (event.text for event in self if type(event) is TextDelta)

    @property
    def response(self) -> ConverseResponse:
        """The model's last answer; plays whatever has not been played yet.

        Raises:
            TurnLimitError: the model went on asking for tools.
            ToolInputError: its input for a tool is no JSON, where that is to be raised, or was cut.
            BedrockError: a call failed, or the run was closed before its end.
            Exception: what a handler raised, where that is to be raised.
        """
        for _ in self:
            pass
        return self._turns.final()


class AsyncToolRun:
    """`ToolRun` for asyncio: ``async with chat.arun(…) as run: async for event in run``."""

    def __init__(self, runtime: BedrockRuntime, model_id: str, turns: Turns) -> None:
        """A run that has not begun; `Conversation.arun` makes it."""
        self._runtime = runtime
        self._model_id = model_id
        self._turns = turns
        self._error: Exception | None = None
        self._events = self._play()

    async def _play(self) -> AsyncIterator[ToolEvent]:
        turns = self._turns
        while turns.response is None:
            async with self._runtime.aconverse_stream(self._model_id, turns.messages, **turns.options) as stream:
                async for event in stream:
                    yield event
                try:
                    response = await stream.get_response()
                except ToolInputError as error:
                    response = turns.reported(error)
            results = []
            for use in turns.answered(response):
                results.append(await turns.toolbox.aanswer(use))
                yield results[-1]
            if results:
                turns.resulted(results)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ToolEvent:
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
    def messages(self) -> History:
        """As `ToolRun.messages`."""
        return self._turns.messages

    @property
    async def text_stream(self) -> AsyncIterator[str]:
        """As `ToolRun.text_stream`."""
        async for event in self:
            if type(event) is TextDelta:
                yield event.text

    async def get_response(self) -> ConverseResponse:
        """As `ToolRun.response`.

        Raises:
            Exception: as there.
        """
        async for _ in self:
            pass
        return self._turns.final()
