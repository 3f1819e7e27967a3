"""Content blocks and messages as frozen values, from AWS's form and back to it without loss.

``to_api()`` gives what boto3 takes. For the kinds known here it equals what AWS sent, signatures of reasoning included, so an
answer can be appended to a conversation as it is. Every other kind is an `UnknownBlock`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from attrs import field, frozen

from bedrock_auth.errors import ConfigurationError

UNKNOWN_MEMBER = "SDK_UNKNOWN_MEMBER"
"""What botocore puts in place of a union member that its model does not know; the content is gone."""


@frozen
class TextBlock:
    """Text."""

    text: str

    def to_api(self) -> dict[str, Any]:
        """``{"text": …}``."""
        return {"text": self.text}

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> TextBlock:
        """From ``{"text": …}``."""
        return cls(raw["text"])


@frozen
class ToolUseBlock:
    """The model asks for a tool to be run."""

    tool_use_id: str
    name: str
    input: Any
    """The parsed JSON, by AWS's rules an object."""
    type: str | None = None
    """``server_tool_use`` where AWS runs the tool itself; ``None`` for a tool of the caller's."""
    input_text: str | None = None
    """The input as the model wrote it, only where it was cut or is no JSON; ``input`` is ``None`` then."""
    raw: Mapping[str, Any] = field(factory=dict, eq=False, repr=False)

    def to_api(self) -> dict[str, Any]:
        """``{"toolUse": {…}}``.

        Raises:
            ConfigurationError: the input was cut or is no JSON; there is nothing that could be sent back.
        """
        if self.input_text is not None:
            msg = f"tool use {self.tool_use_id!r} of {self.name!r} has no complete input and cannot be sent; leave it out"
            raise ConfigurationError(msg, setting="messages")
        said = {"toolUseId": self.tool_use_id, "name": self.name, "input": self.input}
        kind = {} if self.type is None else {"type": self.type}
        return {"toolUse": {**self.raw.get("toolUse", {}), **said, **kind}}

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> ToolUseBlock:
        """From ``{"toolUse": {…}}``."""
        said = raw["toolUse"]
        return cls(said["toolUseId"], said["name"], said["input"], said.get("type"), raw=raw)


@frozen
class ReasoningBlock:
    """How the model got there: text with the signature that the model wants back, or content that AWS has encrypted."""

    text: str | None = None
    signature: str | None = None
    redacted_content: bytes | None = None
    raw: Mapping[str, Any] = field(factory=dict, eq=False, repr=False)

    def to_api(self) -> dict[str, Any]:
        """``{"reasoningContent": {…}}``."""
        if self.redacted_content is not None:
            return {"reasoningContent": {"redactedContent": self.redacted_content}}
        said = {"text": self.text or ""} if self.signature is None else {"text": self.text or "", "signature": self.signature}
        return {"reasoningContent": {"reasoningText": {**self.raw.get("reasoningContent", {}).get("reasoningText", {}), **said}}}

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> ReasoningBlock | UnknownBlock:
        """From ``{"reasoningContent": {…}}``."""
        said = raw["reasoningContent"]
        if "redactedContent" in said:
            return cls(redacted_content=said["redactedContent"], raw=raw)
        if "reasoningText" in said:
            return cls(said["reasoningText"]["text"], said["reasoningText"].get("signature"), raw=raw)
        return UnknownBlock("reasoningContent", raw)


@frozen
class UnknownBlock:
    """A content block of a kind that has no class here."""

    name: str
    """AWS's name of the kind, such as ``image``."""
    raw: Mapping[str, Any] = field(factory=dict, repr=False)
    """The block as AWS sent it; ``{}`` where it came in the deltas of a stream."""
    deltas: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    """The events of a stream that it came in."""

    def to_api(self) -> dict[str, Any]:
        """The block as AWS sent it.

        Raises:
            ConfigurationError: it cannot be sent back, because the installed botocore does not know the kind and kept only
                its name, or because it came in the deltas of a stream.
        """
        if self.deltas or _has_lost_content(self.raw):
            msg = f"a content block of the kind {self.name!r} cannot be sent back: its content is not known; leave it out"
            raise ConfigurationError(msg, setting="messages")
        return dict(self.raw)


def _has_lost_content(raw: object) -> bool:
    if isinstance(raw, Mapping):
        return UNKNOWN_MEMBER in raw or any(map(_has_lost_content, raw.values()))
    return isinstance(raw, list) and any(map(_has_lost_content, raw))


Block: TypeAlias = TextBlock | ToolUseBlock | ReasoningBlock | UnknownBlock

_KINDS: dict[str, Any] = {
    "text": TextBlock.from_api,
    "toolUse": ToolUseBlock.from_api,
    "reasoningContent": ReasoningBlock.from_api,
}


def block_from_api(raw: Mapping[str, Any]) -> Block:
    """The value of a content block in AWS's form.

    Raises:
        KeyError, TypeError, ValueError: it is no content block.
    """
    ((kind, said),) = raw.items()
    if kind == UNKNOWN_MEMBER:
        return UnknownBlock(said["name"], raw)
    known = _KINDS.get(kind)
    return UnknownBlock(kind, raw) if known is None else known(raw)


def _blocks(content: str | Iterable[Block | Mapping[str, Any]]) -> tuple[Block, ...]:
    if isinstance(content, str):
        return (TextBlock(content),)
    return tuple(block_from_api(block) if isinstance(block, Mapping) else block for block in content)


@frozen
class Message:
    """One turn of a conversation."""

    role: str
    """``user`` or ``assistant``."""
    content: tuple[Block, ...] = field(converter=_blocks)
    """Blocks; a text, or blocks in AWS's form, are made ones."""

    @property
    def text(self) -> str:
        """The text of all text blocks, joined."""
        return "".join(block.text for block in self.content if isinstance(block, TextBlock))

    @property
    def tool_uses(self) -> tuple[ToolUseBlock, ...]:
        """The tools that the model asks for, in order."""
        return tuple(block for block in self.content if isinstance(block, ToolUseBlock))

    def to_api(self) -> dict[str, Any]:
        """``{"role": …, "content": […]}``.

        Raises:
            ConfigurationError: a block cannot be sent back.
        """
        return {"role": self.role, "content": [block.to_api() for block in self.content]}

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Message:
        """From ``{"role": …, "content": […]}``.

        Raises:
            KeyError, TypeError, ValueError: it is no message.
        """
        return cls(raw["role"], raw["content"])
