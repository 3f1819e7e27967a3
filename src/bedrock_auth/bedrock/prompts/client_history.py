"""`ClientHistory`: what a client says was said so far, and how much of that to believe. Pure.

It is best not to ask: a server that keeps each user's `Conversation` takes the next question only. Where the client brings the
history, it can write the assistant's part itself, and models believe what they have "said" themselves more than anybody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.bedrock.content import Message
from bedrock_auth.bedrock.conversation import Conversation
from bedrock_auth.bedrock.prompts.invisible import first_invisible
from bedrock_auth.bedrock.prompts.untrusted import TextRules, UntrustedInputError, limit

if TYPE_CHECKING:
    from bedrock_auth.bedrock.prompts.transcript import Said, TranscriptSigner

_TURNS = ("user", "assistant")


@frozen
class ClientHistory:
    """The rules for a history from a client: texts only, user and assistant in turns, the user first, so many and so long.

    Whatever else a message may hold (results of tools, reasoning, images) is refused: it would be taken for the server's own.

    Raises:
        ConfigurationError: a setting is wrong.
    """

    max_messages: int = limit(50)
    max_characters: int = limit(100_000)
    """Of all messages together."""
    rules: TextRules = field(default=TextRules(20_000))
    """For each message."""
    signer: TranscriptSigner | None = None
    """Answers are accepted as far as it has signed what was said up to the last of them, from the first turn on: a conversation
    that outgrows a limit has to begin anew."""
    unsigned_answers: bool = False
    """Accept answers without a signature: the client can then make the assistant have said anything."""

    def read(self, messages: Any, *, signature: str | None = None, context: str = "") -> Conversation:
        """The conversation that a client claims to have had.

        Args:
            messages: decoded JSON: a list of ``{"role": …, "content": …}``, the content a text or a list of ``{"text": …}``.
                Other members of a message are not looked at.
            signature: what `TranscriptSigner.sign` gave for it; questions after the last answer are not part of it.
            context: as it was when signing.

        Raises:
            UntrustedInputError: it breaks a rule. The code of answers that nobody vouches for is ``ForgedAnswer``.
        """
        said = self._turns(messages)
        self._check_answers(said, signature, context)
        texts = [self.rules.apply(text, f"messages[{index}]") for index, (_, text) in enumerate(said)]
        self._check_size(texts)
        return Conversation(Message(role, text) for (role, _), text in zip(said, texts, strict=True))

    def _turns(self, messages: Any) -> list[Said]:
        if not isinstance(messages, list):
            raise _wrong(f"messages must be a list, not {type(messages).__name__}")
        if len(messages) > self.max_messages:
            msg = f"there are {len(messages)} messages, and at most {self.max_messages} are accepted; {self._advice}"
            raise UntrustedInputError(msg, code="TooLong")
        return [_turn(index, message) for index, message in enumerate(messages)]

    @property
    def _advice(self) -> str:
        """What a client can do that is over a limit; what is signed is signed from the first turn on."""
        return "send the last ones" if self.signer is None or self.unsigned_answers else "begin a new conversation"

    def _check_answers(self, said: list[Said], signature: str | None, context: str) -> None:
        last = max((index for index, (role, _) in enumerate(said) if role == "assistant"), default=-1)
        if last < 0 or self.unsigned_answers:
            return
        if self.signer is None:
            raise UntrustedInputError("the answers of the assistant are not accepted from a client", code="ForgedAnswer")
        if not self.signer.is_mine(said[: last + 1], signature, context=context):
            msg = "the signature is not that of this conversation: a turn is not what it was, or it is somebody else's"
            raise UntrustedInputError(msg, code="ForgedAnswer")
        if self.rules.invisible == "show" and any(role == "assistant" and first_invisible(text) for role, text in said):
            msg = "an answer holds invisible characters, which are not signed; send it without"
            raise UntrustedInputError(msg, code="ForgedAnswer")

    def _check_size(self, texts: list[str]) -> None:
        size = sum(map(len, texts))
        if size > self.max_characters:
            msg = f"the messages have {size} characters, and at most {self.max_characters} are accepted; {self._advice}"
            raise UntrustedInputError(msg, code="TooLong")
        if blank := [index for index, text in enumerate(texts) if not text.strip()]:
            raise UntrustedInputError(f"messages[{blank[0]}] is empty", code="Empty")


def _turn(index: int, message: Any) -> Said:
    if not isinstance(message, Mapping):
        raise _wrong(f"messages[{index}] must be an object with a role and a content, not {type(message).__name__}")
    if message.get("role") != _TURNS[index % 2]:
        raise _wrong(f"messages[{index}] must have the role {_TURNS[index % 2]}: the user begins, and the two take turns")
    return _TURNS[index % 2], _text(index, message.get("content"))


def _text(index: int, content: Any) -> str:
    match content:
        case str():
            return content
        case list() if content and all(_is_text(block) for block in content):
            return "".join(block["text"] for block in content)  # as Message.text, which is signed
    raise _wrong(f"messages[{index}] must hold text and nothing else")


def _is_text(block: Any) -> bool:
    return isinstance(block, Mapping) and block.keys() == {"text"} and isinstance(block["text"], str)


def _wrong(why: str) -> UntrustedInputError:
    return UntrustedInputError(why, code="InvalidHistory")
