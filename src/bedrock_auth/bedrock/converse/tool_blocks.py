"""Content blocks of tools: what the model asks for, what comes of it, and which tools there are from here on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from attrs import field, frozen

from bedrock_auth.bedrock.converse.blocks import SearchResultBlock, TextBlock, UnknownBlock, known_or_unknown
from bedrock_auth.bedrock.converse.documents import DocumentBlock
from bedrock_auth.bedrock.converse.media import ImageBlock, VideoBlock
from bedrock_auth.bedrock.forms.api_form import ApiBlock, given, others
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from typing import Self


@frozen
class ToolUseBlock(ApiBlock):
    """The model asks for a tool to be run."""

    tool_use_id: str
    name: str
    input: Any
    """The parsed JSON, by AWS's rules an object."""
    type: str | None = None
    """``server_tool_use`` where AWS runs the tool itself; ``None`` for a tool of the caller's."""
    input_text: str | None = None
    """The input as the model wrote it, only where it was cut or is no JSON; ``input`` is ``None`` then."""

    def to_api(self) -> dict[str, Any]:
        """``{"toolUse": {…}}``.

        Raises:
            ConfigurationError: the input was cut or is no JSON; there is nothing that could be sent back.
        """
        if self.input_text is not None:
            msg = f"tool use {self.tool_use_id!r} of {self.name!r} has no complete input and cannot be sent; leave it out"
            raise ConfigurationError(msg, setting="messages")
        more = others(self.raw.get("toolUse", {}), ("toolUseId", "name", "input", "type"))
        said = {"toolUseId": self.tool_use_id, "name": self.name, "input": self.input}
        return {"toolUse": {**said, **given(type=self.type), **more}}

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From ``{"toolUse": {…}}``."""
        said = raw["toolUse"]
        return cls(said["toolUseId"], said["name"], said["input"], said.get("type"), raw=raw)


@frozen
class JsonBlock(ApiBlock):
    """JSON, as the result of a tool."""

    value: Any
    """AWS takes an object."""

    def to_api(self) -> dict[str, Any]:
        """``{"json": …}``."""
        return {"json": self.value}

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From ``{"json": …}``."""
        return cls(raw["json"], raw=raw)


ToolResultContent: TypeAlias = TextBlock | JsonBlock | ImageBlock | DocumentBlock | VideoBlock | SearchResultBlock | UnknownBlock
"""What the result of a tool is made of."""

_RESULTS: dict[str, Callable[[Mapping[str, Any]], ToolResultContent]] = {
    "text": TextBlock.from_api,
    "json": JsonBlock.from_api,
    "image": ImageBlock.from_api,
    "document": DocumentBlock.from_api,
    "video": VideoBlock.from_api,
    "searchResult": SearchResultBlock.from_api,
}


def result_from_api(raw: Mapping[str, Any]) -> ToolResultContent:
    """A part of a tool's result, from AWS's form.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    return known_or_unknown(raw, _RESULTS)


def tool_result_content(result: Any) -> tuple[ToolResultContent, ...]:
    """What a tool has returned, as AWS takes it: text, blocks, or JSON; AWS takes objects as JSON, and other JSON as text.

    Raises:
        ConfigurationError: it is none of these.
    """
    if isinstance(result, str):
        return (TextBlock(result),)
    if isinstance(result, ToolResultContent):
        return (result,)
    if isinstance(result, tuple | list) and _are_parts(result):
        return tuple(map(_part, result))
    return (_json(result),)


def _are_parts(results: Sequence[Any]) -> bool:
    """Whether a sequence is one of blocks rather than JSON: a tuple of nothing is, a list of nothing is not."""
    return results == () or (
        not all(isinstance(result, str) for result in results)
        and all(isinstance(result, str | ToolResultContent) or _is_in_api_form(result) for result in results)
    )


def _is_in_api_form(result: Any) -> bool:
    try:
        return isinstance(result, Mapping) and not isinstance(result_from_api(result), UnknownBlock)
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


def _part(result: Any) -> ToolResultContent:
    if isinstance(result, str):
        return TextBlock(result)
    return result_from_api(result) if isinstance(result, Mapping) else result


def _json(result: Any) -> ToolResultContent:
    if isinstance(result, Mapping):
        return JsonBlock(result)
    try:
        return TextBlock(json.dumps(result, ensure_ascii=False, allow_nan=False))
    except (TypeError, ValueError):
        msg = f"the result of a tool is a text, content blocks or JSON, not a {type(result).__name__} that is none of these"
        raise ConfigurationError(msg, setting="content") from None


@frozen
class ToolResultBlock(ApiBlock):
    """What came of a tool that the model has asked for."""

    tool_use_id: str
    content: tuple[ToolResultContent, ...] = field(converter=tool_result_content)
    """A text, blocks, dicts of these in boto3's form in a list, or any other JSON value; all are made blocks."""
    status: str | None = None
    """``success`` or ``error``."""
    type: str | None = None
    """Of the tool, where AWS has run it."""

    def to_api(self) -> dict[str, Any]:
        """``{"toolResult": {…}}``.

        Raises:
            ConfigurationError: a part cannot be sent back.
        """
        more = others(self.raw.get("toolResult", {}), ("toolUseId", "content", "status", "type"))
        said = {"toolUseId": self.tool_use_id, "content": [part.to_api() for part in self.content]}
        return {"toolResult": {**said, **given(status=self.status, type=self.type), **more}}

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From ``{"toolResult": {…}}``."""
        said = raw["toolResult"]
        content = tuple(result_from_api(part) for part in said["content"])
        return cls(said["toolUseId"], content, said.get("status"), said.get("type"), raw=raw)


@frozen
class _ToolChange(ApiBlock):
    """A tool that the model may use from here on, or no longer; in a message of the role ``system``."""

    kind: ClassVar[str]

    name: str | None = None
    """Of a tool in the request's list of tools."""
    server_name: str | None = None
    """The MCP server of an MCP tool."""
    type: str | None = None
    """AWS's type of the reference."""

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From a block in AWS's form."""
        said = raw[cls.kind]["tool"]
        return cls(said.get("name"), said.get("serverName"), said.get("type"), raw=raw)

    def _built(self) -> dict[str, Any]:
        return {self.kind: {"tool": given(type=self.type, name=self.name, serverName=self.server_name)}}


@frozen
class ToolAdditionBlock(_ToolChange):
    """From here on the model may use this tool too; belongs in a message of the role ``system``."""

    kind = "toolAddition"


@frozen
class ToolRemovalBlock(_ToolChange):
    """From here on the model may no longer use this tool; belongs in a message of the role ``system``."""

    kind = "toolRemoval"
