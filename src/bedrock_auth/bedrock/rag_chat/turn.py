"""One question to a `RagChat`: what the model is asked and told, and what is kept of it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from bedrock_auth.bedrock.content import CachePoint, Message, TextBlock
from bedrock_auth.bedrock.conversation import Conversation
from bedrock_auth.bedrock.failures.stops import stop_error
from bedrock_auth.bedrock.forms.api_form import several
from bedrock_auth.bedrock.prompt import Fence
from bedrock_auth.bedrock.prompts.untrusted import TextRules, UntrustedInputError, limit
from bedrock_auth.bedrock.tool_use.history import with_answer, with_content
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bedrock_auth.bedrock.converse.request import System, SystemBlock
    from bedrock_auth.bedrock.converse.response import ConverseResponse
    from bedrock_auth.bedrock.rag_chat.events import FoundText
    from bedrock_auth.bedrock.tool_use.history import History

INSTRUCTIONS = (
    "Answer the user's last question from the documents. Where they do not hold the answer, say so, and do not make one up."
)
"""What a `RagChat` tells the model by default."""
_CITING = (
    "The documents have numbers. After each statement, write the numbers of the documents that it rests on in brackets, such as "
    "[1] or [1, 3]. Cite only documents that you were given with this question."
)
_NOTHING = "The search has found no documents for the last question."


def _check_no_hits(_settings: object, _field: object, text: Any) -> None:
    if text is not None and not (isinstance(text, str) and text.strip()):
        raise ConfigurationError("no_hits is a text to answer with, or None to let the model answer", setting="no_hits")


def _read_once(instructions: System) -> tuple[SystemBlock, ...]:
    """A tuple of what may be a generator: all turns need it."""
    return tuple(several(instructions))


@frozen(kw_only=True)
class RagSettings:
    """What is the same in all turns of a `RagChat`.

    Raises:
        ConfigurationError: a limit is less than 1, or ``no_hits`` says nothing.
    """

    instructions: tuple[SystemBlock, ...] = field(default=INSTRUCTIONS, converter=_read_once)
    """What the model shall do, written by you alone: a text or blocks, as ``converse`` takes them for ``system``. How to cite,
    and what fences are, is said after them."""
    no_hits: str | None = field(default=None, validator=_check_no_hits)
    """The answer where nothing is found, without asking the model; ``None`` tells the model so and lets it answer."""
    max_turns: int | None = limit(20, optional=True)
    """How many earlier turns the model is shown at most; the conversation keeps all."""
    max_characters: int | None = limit(100_000, optional=True)
    """How many characters of earlier turns the model is shown, in whole turns and at least the last one."""
    question_rules: TextRules = field(default=TextRules(10_000))
    """For questions. A knowledge base takes at most 20 000 characters."""
    document_rules: TextRules = field(default=TextRules(10_000, too_long="cut"))
    """For the text of each hit. Rules that refuse stop the whole question."""


@frozen
class RagTurn:
    """A question that has been accepted."""

    settings: RagSettings = field(repr=False)
    history: History = field(repr=False)
    """What was said before, all of it."""
    question: str = field(repr=False)
    """As the model may see it, and as it is kept."""
    hits: tuple[FoundText, ...] = field(default=(), repr=False)
    """What was found and has a text."""
    texts: tuple[str, ...] = field(default=(), repr=False)
    """The hits' texts as the model may see them."""

    @classmethod
    def of(cls, settings: RagSettings, history: History, question: Any) -> RagTurn:
        """A turn before anything was searched.

        Raises:
            UntrustedInputError: the question is not accepted.
            ConfigurationError: the user has shown more than texts before.
        """
        _check_user_blocks(history)
        asked = settings.question_rules.apply(question, "question")
        if not asked.strip():
            raise UntrustedInputError("question is empty", code="Empty")
        return cls(settings, history, asked)

    def found(self, hits: Iterable[FoundText]) -> RagTurn:
        """The turn with what the search has found.

        Raises:
            UntrustedInputError: a hit's text is not accepted, by rules that refuse.
        """
        read = [(hit, self.settings.document_rules.apply(hit.text or "", "the text of a hit")) for hit in hits]
        some = [(hit, text) for hit, text in read if text.strip()]
        return evolve(self, hits=tuple(hit for hit, _ in some), texts=tuple(text for _, text in some))

    @property
    def own_answer(self) -> str | None:
        """What is answered without asking the model, if that is chosen and nothing was found."""
        return None if self.hits else self.settings.no_hits

    def request(self) -> Mapping[str, Any]:
        """The messages and the system prompt, with new fences."""
        fence = Fence()
        before = Conversation(self.history)
        if before.messages:
            before = before.trimmed(max_turns=self.settings.max_turns, max_characters=self.settings.max_characters)
        said = tuple(_fenced(fence, message) for message in before.messages)
        return {"messages": with_content(said, self._content(fence)), "system": self._system(fence)}

    def _system(self, fence: Fence) -> list[Any]:
        about = _CITING if self.hits else _NOTHING
        return [*self.settings.instructions, about, fence.rules("documents", "document", "question")]

    def _content(self, fence: Fence) -> list[str]:
        documents = [fence.around("document", text, number=number) for number, text in enumerate(self.texts, 1)]
        found = [fence.group("documents", documents)] if documents else []
        return [*found, fence.around("question", self.question)]

    def kept(self, answer: ConverseResponse) -> History:
        """What was said before, with question and answer, unless the answer's stop reason stands for an error.

        Whoever kept what a guardrail or a filter has stopped would have every later question refused on its account.
        """
        if stop_error(answer) is not None:
            return self.history
        return with_answer(with_content(self.history, self.question), answer.message)


def _check_user_blocks(history: History) -> None:
    for index, message in enumerate(history):
        other = [block for block in message.content if not isinstance(block, TextBlock | CachePoint)]
        if message.role == "user" and other:
            msg = f"messages[{index}] of the user holds a {type(other[0]).__name__}, and only texts fit into a fence"
            raise ConfigurationError(msg, setting="conversation")


def _fenced(fence: Fence, message: Message) -> Message:
    if message.role != "user":
        return message
    blocks = [
        TextBlock(fence.around("question", block.text)) if isinstance(block, TextBlock) else block for block in message.content
    ]
    return Message("user", blocks)
