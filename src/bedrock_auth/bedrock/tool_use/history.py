"""What a history of messages must be so that AWS takes it, and how to shorten one. No I/O.

Source of the rules: AWS's pages "Message" and "Use a tool to complete an Amazon Bedrock model response".
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import evolve

from bedrock_auth.bedrock.content import Message, TextBlock, ToolResultBlock, ToolUseBlock
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from bedrock_auth.bedrock.content import Block, Content

History: TypeAlias = tuple[Message, ...]

_log = logging.getLogger(__name__)
_ROLES = ("user", "assistant", "system")


def as_history(messages: Any) -> History:
    """Messages in any form that ``converse`` takes.

    Raises:
        ConfigurationError: something is no message.
    """
    several = messages if isinstance(messages, Iterable) and not isinstance(messages, str | Mapping) else (messages,)
    return tuple(_message(index, message) for index, message in enumerate(several))


def _message(index: int, message: Any) -> Message:
    if isinstance(message, Message):
        return message
    try:
        return Message("user", message) if isinstance(message, str) else Message.from_api(message)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _wrong(index, "is neither a Message nor a dict with a role and a list of content blocks") from error


def check(messages: Sequence[Message]) -> None:
    """See that the user begins, that roles alternate, and that each tool use has its result in the next message.

    Messages of the role ``system`` may stand anywhere but first. The tool uses of the last message may be unanswered.

    Raises:
        ConfigurationError: they do not; the message says which and what to do.
    """
    before: Message | None = None
    for index, message in enumerate(messages):
        _check_role(index, message, before)
        if message.role != "system":
            _check_results(index, message, () if before is None else unanswered(before))
            before = message


def _check_role(index: int, message: Message, before: Message | None) -> None:
    if message.role not in _ROLES:
        raise _wrong(index, f"has the role {message.role!r}; AWS knows {', '.join(_ROLES)}")
    if before is None and message.role != "user":
        raise _wrong(index, f"is the first one and has the role {message.role!r}; the user begins")
    if before is not None and message.role == before.role:
        raise _wrong(index, f"has the role {message.role!r}, as the one before it; user and assistant take turns")


def _check_results(index: int, message: Message, uses: Sequence[ToolUseBlock]) -> None:
    wanted, given = {use.tool_use_id for use in uses}, {result.tool_use_id for result in results(message)}
    if missing := wanted - given:
        why = f"does not answer the tool use {min(missing)!r} of the one before it; put a ToolResultBlock with this id into it"
        raise _wrong(index, why)
    if foreign := given - wanted:
        raise _wrong(index, f"answers the tool use {min(foreign)!r}, which the one before it does not have")


def _wrong(index: int, why: str) -> ConfigurationError:
    return ConfigurationError(f"messages[{index}] {why}", setting="messages")


def unanswered(message: Message) -> tuple[ToolUseBlock, ...]:
    """The tools that the model asks the caller to run; AWS itself answers those that it runs."""
    return tuple(use for use in message.tool_uses if use.type is None) if message.role == "assistant" else ()


def results(message: Message) -> tuple[ToolResultBlock, ...]:
    """The results of the caller's tools in a message."""
    found = (block for block in message.content if isinstance(block, ToolResultBlock))
    return tuple(found) if message.role == "user" else ()


def with_content(messages: History, content: Content | None) -> History:
    """The history with what the user says next.

    While an answer is outstanding it becomes part of the message that waits for one; ``None`` says nothing.

    Raises:
        ConfigurationError: nobody has said anything that could be answered.
    """
    said = Message("user", content) if content is not None else Message("user", ())
    if messages and messages[-1].role == "user":
        return (*messages[:-1], evolve(messages[-1], content=(*messages[-1].content, *said.content)))
    if not said.content:
        msg = "there is nothing to answer: the conversation does not end with a message of the user; give a content"
        raise ConfigurationError(msg, setting="content")
    return (*messages, said)


def with_answer(messages: History, answer: Message) -> History:
    """The history with what the model says, as far as AWS would take it back.

    Left out are blank texts, an answer of nothing and, with a warning in the log, blocks that cannot be sent.
    """
    content = tuple(filter(_can_go_back, answer.content))
    return (*messages, answer if content == answer.content else evolve(answer, content=content)) if content else messages


def _can_go_back(block: Block) -> bool:
    if isinstance(block, TextBlock):
        return bool(block.text.strip())
    try:
        block.to_api()
    except ConfigurationError as error:
        _log.warning("a part of the answer is not kept in the conversation: %s", error)
        return False
    return True


def exchanges(messages: Sequence[Message]) -> list[History]:
    """What the user says, all that the model and its tools make of it, and the answer: what belongs together."""
    found: list[list[Message]] = []
    for message in messages:
        if not found or (message.role == "user" and not results(message)):
            found.append([])
        found[-1].append(message)
    return [tuple(exchange) for exchange in found]


def trimmed(messages: Sequence[Message], max_turns: int | None, max_characters: int | None) -> History:
    """The newest whole exchanges within these limits, and always the very newest."""
    kept: list[History] = []
    size = 0
    for exchange in reversed(exchanges(messages)):
        size += sum(map(characters, exchange))
        too_many = max_turns is not None and len(kept) >= max_turns
        if kept and (too_many or (max_characters is not None and size > max_characters)):
            break
        kept.append(exchange)
    return tuple(message for exchange in reversed(kept) for message in exchange)


def characters(message: Message) -> int:
    """How much text a message holds in AWS's form: what is said, reasoned, and goes to tools and comes from them; no media."""
    return sum(_size(_form(block)) for block in message.content)


def _form(block: Block) -> Any:
    if isinstance(block, ToolUseBlock) and block.input_text is not None:
        return block.input_text
    try:
        return block.to_api()
    except ConfigurationError:
        return block.raw  # what cannot be sent can be counted


def _size(value: Any) -> int:
    match value:
        case str():
            return len(value)
        case Mapping():
            return sum(map(_size, value.values()))
        case list() | tuple():
            return sum(map(_size, value))
        case bytes() | None:
            return 0
    return len(str(value))
