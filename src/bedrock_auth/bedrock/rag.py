"""`RagChat`: questions answered from what a search finds, with citations, in a conversation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from bedrock_auth.bedrock.conversation import Conversation
from bedrock_auth.bedrock.errors import Call
from bedrock_auth.bedrock.rag_chat.fold import whole_response
from bedrock_auth.bedrock.rag_chat.stream import AsyncRagStream, RagStream
from bedrock_auth.bedrock.rag_chat.turn import RagSettings, RagTurn
from bedrock_auth.bedrock.stream import ConverseStream
from bedrock_auth.bedrock.transport.aio import AsyncConverseStream
from bedrock_auth.bedrock.transport.opened import Opened
from bedrock_auth.bedrock.transport.threads import in_thread
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeVar, Unpack

    from bedrock_auth.bedrock.converse.request import ConverseOptions
    from bedrock_auth.bedrock.converse.response import ConverseResponse
    from bedrock_auth.bedrock.prompts.guardrail_check import GuardrailCheck
    from bedrock_auth.bedrock.rag_chat.events import FoundText, RagResponse
    from bedrock_auth.bedrock.runtime import BedrockRuntime

    T = TypeVar("T")

_NOT_HERE = {
    "system": "instructions are RagSettings.instructions",
    "messages": "what was said is in its conversation",
    **dict.fromkeys(("model_id", "modelId"), "it was made with one"),
    **dict.fromkeys(("tools", "tool_choice", "toolConfig"), "there are no tools"),
}


class Retriever(Protocol):
    """Whatever searches: a `KnowledgeBase`, or anything else with this method.

    For asyncio it is called in a thread, unless it has a method ``aretrieve`` too.
    """

    def retrieve(self, text: str, /) -> Iterable[FoundText]:
        """What is found for a question, the best first."""


class RagChat:
    """Asks a model with what a search has found, and keeps the conversation.

    ::

        chat = RagChat(runtime, knowledge_base, model_id)
        with chat.stream("How many days off do I get?") as stream:
            for text in stream.text_stream:
                print(text, end="")
        print(stream.response.cited_hits)

    The system prompt holds the instructions and nothing else. Hits and questions go into the user's turn, inside of fences that
    are new in every request (`bedrock_auth.bedrock.prompt` says what they are good for). What was found goes into the current
    turn only: the conversation keeps the questions as they were asked and the answers as they came. One thread or task uses a
    chat at a time.
    """

    def __init__(  # noqa: PLR0913 - who answers, who searches, and how
        self,
        runtime: BedrockRuntime,
        retriever: Retriever | Callable[[str], Iterable[FoundText]],
        model_id: str,
        *,
        settings: RagSettings = RagSettings(),  # noqa: B008 - a frozen value
        conversation: Conversation | None = None,
        check: GuardrailCheck | None = None,
    ) -> None:
        """Begin, or go on with a conversation.

        Args:
            runtime: asks the model.
            retriever: searches: a `KnowledgeBase`, another `Retriever`, or a function such as
                ``partial(knowledge_base.retrieve, top_k=8, filter=…)``.
            model_id: as `BedrockRuntime.converse` takes it.
            settings: instructions, limits, and what to do where nothing is found.
            conversation: what was said so far; of the user, texts only.
            check: asks a guardrail about the question and the hits before the model is asked, and about the answer before it is
                kept. What a stream has shown by then is shown; the option ``guardrail`` of ``converse`` holds it back.
        """
        self.conversation = Conversation() if conversation is None else conversation
        self._runtime = runtime
        self._retrieve = retriever.retrieve if hasattr(retriever, "retrieve") else retriever
        self._aretrieve = getattr(retriever, "aretrieve", None) or partial(_in_thread, self._retrieve)
        self._model_id = model_id
        self._settings = settings
        self._check = check

    def ask(self, question: str, **options: Unpack[ConverseOptions]) -> RagResponse:
        """Search, ask, and wait for the whole answer; question and answer are kept.

        Args:
            question: the user's; it is what is searched for.
            options: see `ConverseOptions`; instructions belong to the settings, and there are no tools.

        Raises:
            UntrustedInputError: the question is empty, too long, or not acceptable otherwise.
            GuardrailIntervenedError: the check has found something; nothing is kept.
            BedrockError: the search or the call failed.
            ConfigurationError: an option that has no place here, or the conversation holds what no fence can hold.
        """
        turn = self._searched(self._turn(question, options))
        if turn.own_answer is None:
            answer = self._runtime.converse(self._model_id, **turn.request(), **options)
        else:
            answer = _own_answer(turn.own_answer).response
        self._finish(turn, answer)
        return whole_response(answer, turn.hits)

    async def aask(self, question: str, **options: Unpack[ConverseOptions]) -> RagResponse:
        """`ask` for asyncio.

        Raises:
            Exception: as there.
        """
        turn = await self._asearched(self._turn(question, options))
        if turn.own_answer is None:
            answer = await self._runtime.aconverse(self._model_id, **turn.request(), **options)
        else:
            answer = _own_answer(turn.own_answer).response
        await self._afinish(turn, answer)
        return whole_response(answer, turn.hits)

    def stream(self, question: str, **options: Unpack[ConverseOptions]) -> RagStream:
        """Search and ask now, and read the answer while it is being given; takes what `ask` takes.

        Raises:
            Exception: as there; what goes wrong later, the stream raises.
        """
        turn = self._searched(self._turn(question, options))
        if turn.own_answer is None:
            stream = self._runtime.converse_stream(self._model_id, **turn.request(), **options)
        else:
            stream = _own_answer(turn.own_answer)
        return RagStream(stream, turn.hits, partial(self._finish, turn))

    def astream(self, question: str, **options: Unpack[ConverseOptions]) -> AsyncRagStream:
        """`stream` for asyncio: ``async with chat.astream(…) as stream``. Search and question go out when the block is entered.

        Raises:
            UntrustedInputError: the question is not accepted.
            ConfigurationError: an option that has no place here.
        """
        return AsyncRagStream(partial(self._aopen, self._turn(question, options), options))

    async def _aopen(self, turn: RagTurn, options: ConverseOptions, reader: AsyncRagStream) -> AsyncConverseStream:
        turn = await self._asearched(turn)
        reader.begin(turn.hits, partial(self._afinish, turn))
        if turn.own_answer is None:
            stream = self._runtime.aconverse_stream(self._model_id, **turn.request(), **options)
        else:
            stream = AsyncConverseStream(*_own_stream(turn.own_answer))
        return await stream.__aenter__()

    def _turn(self, question: str, options: Mapping[str, Any]) -> RagTurn:
        if wrong := _NOT_HERE.keys() & options.keys():
            name = min(wrong)
            raise ConfigurationError(f"{name} has no place in a question to a RagChat: {_NOT_HERE[name]}", setting=name)
        return RagTurn.of(self._settings, self.conversation.messages, question)

    def _searched(self, turn: RagTurn) -> RagTurn:
        found = turn.found(self._retrieve(turn.question))
        self._check_input(found)
        return found

    async def _asearched(self, turn: RagTurn) -> RagTurn:
        found = turn.found(await self._aretrieve(turn.question))
        await _in_thread(self._check_input, found)
        return found

    def _check_input(self, turn: RagTurn) -> None:
        if self._check is not None:
            self._check.check_input([turn.question, *turn.texts]).raise_if_intervened()

    def _check_output(self, turn: RagTurn, answer: ConverseResponse) -> None:
        if self._check is not None and answer.text and turn.own_answer is None:
            self._check.check_output(answer.text, question=turn.question, sources=turn.texts).raise_if_intervened(answer)

    def _finish(self, turn: RagTurn, answer: ConverseResponse) -> None:
        self._check_output(turn, answer)
        self.conversation.messages = turn.kept(answer)

    async def _afinish(self, turn: RagTurn, answer: ConverseResponse) -> None:
        await _in_thread(self._check_output, turn, answer)
        self.conversation.messages = turn.kept(answer)


async def _in_thread(work: Callable[..., T], *arguments: Any) -> T:
    return await in_thread(lambda _pause: work(*arguments))


def _own_stream(text: str) -> tuple[ConverseStream, Callable[[], ConverseStream]]:
    """A stream that says this, and what opens it."""
    events: list[dict[str, Any]] = [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"delta": {"text": text}, "contentBlockIndex": 0}},
        {"contentBlockStop": {"contentBlockIndex": 0}},
        {"messageStop": {"stopReason": "end_turn"}},
    ]
    stream = ConverseStream()
    return stream, partial(stream.open, lambda: Opened(events, Call("ConverseStream")))


def _own_answer(text: str) -> ConverseStream:
    _, open_stream = _own_stream(text)
    return open_stream()
