"""`ToolRun` and `AsyncToolRun`: ask the model, run its tools, and again, as `Turns` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from bedrock_auth.bedrock.content import ToolResultBlock
from bedrock_auth.bedrock.converse.response import ConverseResponse
from bedrock_auth.bedrock.errors import ToolInputError
from bedrock_auth.bedrock.events import Event, TextDelta
from bedrock_auth.bedrock.tool_use.runs import AsyncRun, Run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from bedrock_auth.bedrock.runtime import BedrockRuntime
    from bedrock_auth.bedrock.tool_use.history import History
    from bedrock_auth.bedrock.tool_use.turns import Turns

ToolEvent: TypeAlias = Event | ToolResultBlock
"""What a run yields: the events of each of the model's answers and, after it, the result of each tool that it asked for."""


class ToolRun(Run[ToolEvent, ConverseResponse]):
    """A `Run` of the model and its tools.

    `messages` is all that has been said so far, also where the run failed; the conversation itself takes it when the model has
    finished. Besides what every run raises, this one raises a `ToolInputError` where the model's input for a tool is no JSON, if
    that is to be raised, or was cut.
    """

    _TEXT_EVENT = TextDelta

    def __init__(self, runtime: BedrockRuntime, model_id: str, turns: Turns) -> None:
        """A run that has not begun; `Conversation.run` makes it."""
        self._runtime = runtime
        self._model_id = model_id
        self._turns = turns
        super().__init__()

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

    def _final(self) -> ConverseResponse:
        return self._turns.final()

    @property
    def messages(self) -> History:
        """The whole history as it is now, results of tools included."""
        return self._turns.messages


class AsyncToolRun(AsyncRun[ToolEvent, ConverseResponse]):
    """`ToolRun` for asyncio: ``async with chat.arun(…) as run: async for event in run``."""

    _TEXT_EVENT = TextDelta

    def __init__(self, runtime: BedrockRuntime, model_id: str, turns: Turns) -> None:
        """A run that has not begun; `Conversation.arun` makes it."""
        self._runtime = runtime
        self._model_id = model_id
        self._turns = turns
        super().__init__()

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

    def _final(self) -> ConverseResponse:
        return self._turns.final()

    @property
    def messages(self) -> History:
        """As `ToolRun.messages`."""
        return self._turns.messages
