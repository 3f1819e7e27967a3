"""`Conversation`: what was said so far, and the next thing to say."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Unpack

from attrs import define, evolve, field

from bedrock_auth.bedrock.content import Message
from bedrock_auth.bedrock.converse.response import ConverseResponse
from bedrock_auth.bedrock.errors import IncompleteStreamError
from bedrock_auth.bedrock.forms.json_form import from_json_form, to_json_form
from bedrock_auth.bedrock.tool_use.history import (
    as_history,
    characters,
    check,
    exchanges,
    trimmed,
    unanswered,
    with_answer,
    with_content,
)
from bedrock_auth.bedrock.tool_use.tool_run import AsyncToolRun, ToolRun
from bedrock_auth.bedrock.tool_use.toolbox import no_result
from bedrock_auth.bedrock.tool_use.turns import Turns
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
    from typing import Self

    from bedrock_auth.bedrock.content import Content, ToolUseBlock
    from bedrock_auth.bedrock.converse.request import ConverseOptions
    from bedrock_auth.bedrock.runtime import BedrockRuntime
    from bedrock_auth.bedrock.stream import ConverseStream
    from bedrock_auth.bedrock.tool_use.history import History
    from bedrock_auth.bedrock.tool_use.turns import RunOptions
    from bedrock_auth.bedrock.transport.aio import AsyncConverseStream


def _counted(messages: History) -> str:
    return f"<{len(messages)}>"  # what people say to a model is nobody else's business


def _check(_conversation: object, _field: object, messages: History) -> None:
    check(messages)


@define
class Conversation:
    """A history of messages that AWS takes, and that grows by whole turns only.

    ::

        chat = Conversation()
        chat.send(runtime, model_id, "Why is the sky blue?")
        chat.send(runtime, model_id, "And at sunset?")

    What was asked is kept when the answer has come whole; whatever fails leaves the conversation as it was, so it can be asked
    again. It pickles, compares and copies as its messages do. One thread uses it at a time.

    Raises:
        ConfigurationError: the messages, also those assigned later, are none that AWS takes; see
            `bedrock_auth.bedrock.tool_use.history.check`.
    """

    messages: History = field(default=(), converter=as_history, validator=_check, repr=_counted)
    """`Message` values; given in any form that ``converse`` takes. Assigning others checks them."""

    def add(self, message: Message | ConverseResponse | Content) -> None:
        """Append a message, the model's answer, or what the user says: a text or blocks.

        What the user says while an answer is outstanding becomes part of the message that waits for one.

        Raises:
            ConfigurationError: it cannot come here; the conversation stays as it was.
        """
        said = message.message if isinstance(message, ConverseResponse) else message
        if not isinstance(said, Message) or said.role == "user":
            self.messages = with_content(self.messages, said.content if isinstance(said, Message) else said)
        elif said.role == "assistant":
            self.messages = with_answer(self.messages, said)
        else:
            self.messages = (*self.messages, said)

    @property
    def unanswered(self) -> tuple[ToolUseBlock, ...]:
        """The tool uses of the last answer, whose results must come next."""
        return unanswered(self.messages[-1]) if self.messages else ()

    @property
    def turns(self) -> int:
        """How often the user has spoken; results of tools belong to the turn that asked for them."""
        return len(exchanges(self.messages)) if self.messages else 0

    @property
    def characters(self) -> int:
        """How much text there is, that of tools and reasoning included; no media. A token is some three or four of them."""
        return sum(map(characters, self.messages))

    def trimmed(self, *, max_turns: int | None = None, max_characters: int | None = None) -> Conversation:
        """A conversation with the newest turns only.

        A turn stays or goes as a whole, so no tool use loses its result. The newest one stays whatever its size; messages of the
        role ``system`` go with the turn before them.

        Args:
            max_turns: the most turns to keep, as `turns` counts them.
            max_characters: the most characters to keep, as `characters` counts them.

        Raises:
            ConfigurationError: a limit is less than 1.
        """
        for name, limit in {"max_turns": max_turns, "max_characters": max_characters}.items():
            if limit is not None and limit < 1:
                raise ConfigurationError(f"{name} is at least 1, not {limit}", setting=name)
        return evolve(self, messages=trimmed(self.messages, max_turns, max_characters))

    def send(
        self, runtime: BedrockRuntime, model_id: str, content: Content | None = None, **options: Unpack[ConverseOptions]
    ) -> ConverseResponse:
        """Say something and wait for the whole answer; both are kept.

        Args:
            runtime: asks the model.
            model_id: as `BedrockRuntime.converse` takes it.
            content: a text, blocks, or ``None`` where the last message is the user's already.
            options: see `ConverseOptions`.

        Raises:
            BedrockError: the call failed.
            ConfigurationError: the content cannot come here, or cannot be sent.
        """
        messages = self._with(content)
        response = runtime.converse(model_id, messages, **options)
        self.messages = with_answer(messages, response.message)
        return response

    async def asend(
        self, runtime: BedrockRuntime, model_id: str, content: Content | None = None, **options: Unpack[ConverseOptions]
    ) -> ConverseResponse:
        """`send` for asyncio.

        Raises:
            Exception: as there.
        """
        messages = self._with(content)
        response = await runtime.aconverse(model_id, messages, **options)
        self.messages = with_answer(messages, response.message)
        return response

    @contextmanager
    def stream(
        self, runtime: BedrockRuntime, model_id: str, content: Content | None = None, **options: Unpack[ConverseOptions]
    ) -> Iterator[ConverseStream]:
        """Say something and read the answer while it is being given: ``with chat.stream(…) as stream``.

        Leaving the block reads the rest of the answer, and question and answer are kept. To stop the model, call
        ``stream.close()`` or raise: the conversation then stays as it was.

        Raises:
            BedrockError: the call failed, on entering, or the stream did, in the block or on leaving it.
            ConfigurationError: as `send`.
        """
        messages = self._with(content)
        with runtime.converse_stream(model_id, messages, **options) as stream:
            yield stream
            with _unless_closed():
                self.messages = with_answer(messages, stream.response.message)

    @asynccontextmanager
    async def astream(
        self, runtime: BedrockRuntime, model_id: str, content: Content | None = None, **options: Unpack[ConverseOptions]
    ) -> AsyncIterator[AsyncConverseStream]:
        """`stream` for asyncio: ``async with chat.astream(…) as stream``.

        Raises:
            Exception: as there.
        """
        messages = self._with(content)
        async with runtime.aconverse_stream(model_id, messages, **options) as stream:
            yield stream
            with _unless_closed():
                self.messages = with_answer(messages, (await stream.get_response()).message)

    def run(
        self, runtime: BedrockRuntime, model_id: str, content: Content | None = None, **options: Unpack[RunOptions]
    ) -> ToolRun:
        """Say something, run the tools that the model asks for, one after the other, and go on until it has its answer.

        Any stop reason but ``tool_use`` ends the run. All that was said is kept when it has ended well. Tool uses that an earlier
        answer left behind are answered with an error, "There is no result".

        Args:
            runtime: asks the model.
            model_id: as `BedrockRuntime.converse_stream` takes it.
            content: a text, blocks, or ``None`` where the last message is the user's already.
            options: see `RunOptions`; ``tools`` must be among them.

        Raises:
            ConfigurationError: a tool has no handler, or a setting is wrong; the run itself raises what goes wrong later.
        """
        return ToolRun(runtime, model_id, self._turns(content, options))

    def arun(
        self, runtime: BedrockRuntime, model_id: str, content: Content | None = None, **options: Unpack[RunOptions]
    ) -> AsyncToolRun:
        """`run` for asyncio: ``async with chat.arun(…) as run``. Plain functions run in threads, coroutine functions in the loop.

        Raises:
            ConfigurationError: as there.
        """
        return AsyncToolRun(runtime, model_id, self._turns(content, options))

    def to_api(self) -> list[dict[str, Any]]:
        """The messages as boto3 takes them.

        Raises:
            ConfigurationError: a block cannot be sent back.
        """
        return [message.to_api() for message in self.messages]

    @classmethod
    def from_api(cls, messages: Iterable[Mapping[str, Any]]) -> Self:
        """From messages in boto3's form.

        Raises:
            ConfigurationError: they are none that AWS takes.
        """
        return cls(messages)

    def to_json(self) -> str:
        """`to_api` as JSON text, in ASCII; bytes are in it as ``{"$bytes": "<base64>"}``.

        Raises:
            ConfigurationError: a block cannot be sent back.
        """
        return json.dumps(to_json_form(self.to_api()))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """From what `to_json` gave.

        Raises:
            ConfigurationError: it is no such text, or the messages are none that AWS takes.
        """
        try:
            messages = from_json_form(json.loads(text))
        except (RecursionError, ValueError) as error:
            raise ConfigurationError("this is not what Conversation.to_json gave", setting="text") from error
        return cls(messages)

    def _with(self, content: Content | None) -> History:
        messages = with_content(self.messages, content)
        check(messages)
        return messages

    def _turns(self, content: Content | None, options: RunOptions) -> Turns:
        left = tuple(map(no_result, self.unanswered))
        said = Message("user", () if content is None else content).content
        return Turns(self._with((*left, *said) if left else content), self._take, options)

    def _take(self, messages: History) -> None:
        self.messages = messages


@contextmanager
def _unless_closed() -> Iterator[None]:
    try:
        yield
    except IncompleteStreamError as error:
        if error.code != "StreamClosed":
            raise
