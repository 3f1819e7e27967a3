"""Messages of content blocks as frozen values, from AWS's form and back to it without loss.

``to_api()`` gives what boto3 takes. For the kinds known here it equals what AWS sent, signatures of reasoning included, so an
answer can be appended to a conversation as it is. Every other kind is an `UnknownBlock`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from attrs import field, frozen

from bedrock_auth.bedrock.converse.blocks import (
    CachePoint,
    Citation,
    CitationsBlock,
    GuardBlock,
    ReasoningBlock,
    SearchResultBlock,
    TextBlock,
    UnknownBlock,
    known_or_unknown,
)
from bedrock_auth.bedrock.converse.documents import DocumentBlock
from bedrock_auth.bedrock.converse.media import AudioBlock, ImageBlock, VideoBlock
from bedrock_auth.bedrock.converse.tool_blocks import (
    JsonBlock,
    ToolAdditionBlock,
    ToolRemovalBlock,
    ToolResultBlock,
    ToolUseBlock,
)
from bedrock_auth.bedrock.forms.api_form import others, several
from bedrock_auth.bedrock.forms.files import S3Location
from bedrock_auth.errors import ConfigurationError

__all__ = [
    "AudioBlock",
    "Block",
    "CachePoint",
    "Citation",
    "CitationsBlock",
    "Content",
    "DocumentBlock",
    "GuardBlock",
    "ImageBlock",
    "JsonBlock",
    "Message",
    "ReasoningBlock",
    "S3Location",
    "SearchResultBlock",
    "TextBlock",
    "ToolAdditionBlock",
    "ToolRemovalBlock",
    "ToolResultBlock",
    "ToolUseBlock",
    "UnknownBlock",
    "VideoBlock",
    "block_from_api",
    "content_to_api",
]

Block: TypeAlias = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | VideoBlock
    | AudioBlock
    | ToolUseBlock
    | ToolResultBlock
    | GuardBlock
    | CachePoint
    | ReasoningBlock
    | CitationsBlock
    | SearchResultBlock
    | ToolAdditionBlock
    | ToolRemovalBlock
    | UnknownBlock
)
"""A content block of any kind."""

Content: TypeAlias = str | Block | Mapping[str, Any] | Iterable[str | Block | Mapping[str, Any]]
"""A text or a block, or several; blocks are values or dicts in boto3's form."""

_KINDS: dict[str, Callable[[Mapping[str, Any]], Block]] = {
    "text": TextBlock.from_api,
    "image": ImageBlock.from_api,
    "document": DocumentBlock.from_api,
    "video": VideoBlock.from_api,
    "audio": AudioBlock.from_api,
    "toolUse": ToolUseBlock.from_api,
    "toolResult": ToolResultBlock.from_api,
    "guardContent": GuardBlock.from_api,
    "cachePoint": CachePoint.from_api,
    "reasoningContent": ReasoningBlock.from_api,
    "citationsContent": CitationsBlock.from_api,
    "searchResult": SearchResultBlock.from_api,
    "toolAddition": ToolAdditionBlock.from_api,
    "toolRemoval": ToolRemovalBlock.from_api,
}


def block_from_api(raw: Mapping[str, Any]) -> Block:
    """The value of a content block in AWS's form.

    Raises:
        KeyError, TypeError, ValueError: it is no content block.
    """
    return known_or_unknown(raw, _KINDS)


def _block(part: Any) -> Block:
    if isinstance(part, str):
        return TextBlock(part)
    if isinstance(part, Mapping):
        return block_from_api(part)
    if isinstance(part, Block):
        return part
    msg = f"a message holds texts, content blocks and dicts in boto3's form, not {type(part).__name__}"
    raise ConfigurationError(msg, setting="content")


def _blocks(content: Content) -> tuple[Block, ...]:
    return tuple(map(_block, several(content)))


def content_to_api(content: Any) -> list[Any]:
    """Content in any of its forms, in AWS's; what is in AWS's form already, or is no content, stays as it is.

    Raises:
        ConfigurationError: a block cannot be sent.
    """
    return [_part_to_api(part) for part in several(content)]


def _part_to_api(part: Any) -> Any:
    if isinstance(part, str):
        return {"text": part}
    return part.to_api() if isinstance(part, Block) else part


@frozen
class Message:
    """One turn of a conversation."""

    role: str
    """``user``, ``assistant``, or ``system`` for instructions in the middle of a conversation."""
    content: tuple[Block, ...] = field(converter=_blocks)
    """Blocks; a text, a single block, or blocks in AWS's form, are made ones. Anything else is a `ConfigurationError`."""
    raw: Mapping[str, Any] = field(factory=dict, eq=False, repr=False)
    """The message as AWS sent it; ``{}`` where it was made here."""

    @property
    def text(self) -> str:
        """The text of all text blocks and of all that comes with citations, joined."""
        return "".join(block.text for block in self.content if isinstance(block, TextBlock | CitationsBlock))

    @property
    def tool_uses(self) -> tuple[ToolUseBlock, ...]:
        """The tools that the model asks for, in order."""
        return tuple(block for block in self.content if isinstance(block, ToolUseBlock))

    def to_api(self) -> dict[str, Any]:
        """``{"role": …, "content": […]}``.

        Raises:
            ConfigurationError: a block cannot be sent back.
        """
        more = others(self.raw, ("role", "content"))
        return {"role": self.role, "content": [block.to_api() for block in self.content], **more}

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Message:
        """From ``{"role": …, "content": […]}``.

        Raises:
            KeyError, TypeError, ValueError: it is no message.
        """
        try:
            return cls(raw["role"], raw["content"], raw)
        except ConfigurationError as error:
            raise TypeError(error.message) from None  # what AWS sends is not the caller's to set right
