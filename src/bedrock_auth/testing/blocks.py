"""Content blocks of a reply: whole for Converse, in parts for ConverseStream, in the shapes of botocore's model.

`text`, `tool_use` and `reasoning` make the usual ones; any other is a dict as boto3 returns it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeAlias

from attrs import frozen

Document: TypeAlias = dict[str, Any]


class Block(Protocol):
    """A content block of a reply."""

    def to_api(self) -> Document:
        """The block as Converse returns it."""

    def start(self) -> Document | None:
        """The ``start`` of its ``contentBlockStart``; ``None`` where AWS sends no such event (text and reasoning)."""

    def deltas(self, size: int) -> Iterator[Document]:
        """The ``delta`` of each ``contentBlockDelta``, with at most ``size`` characters of text or JSON."""


class ToApi(Protocol):
    """A block of `bedrock_auth.bedrock`, or whatever else knows AWS's form of itself."""

    def to_api(self) -> Document:
        """The block as boto3 returns it."""


def _chunks(content: str, size: int) -> list[str]:
    return [content[at : at + size] for at in range(0, len(content), size)] or [""]


@frozen
class _Text:
    pieces: tuple[str, ...]

    def to_api(self) -> Document:
        return {"text": "".join(self.pieces)}

    def start(self) -> None:
        return None

    def deltas(self, size: int) -> Iterator[Document]:
        pieces = self.pieces if len(self.pieces) > 1 else _chunks(self.pieces[0], size)
        return ({"text": piece} for piece in pieces)


@frozen
class _ToolUse:
    said: Mapping[str, Any]

    def to_api(self) -> Document:
        return {"toolUse": dict(self.said)}

    def start(self) -> Document:
        return {"toolUse": {name: value for name, value in self.said.items() if name != "input"}}

    def deltas(self, size: int) -> Iterator[Document]:
        said = self.said["input"]
        written = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
        return ({"toolUse": {"input": chunk}} for chunk in _chunks(written, size))


@frozen
class _Reasoning:
    content: str
    signature: str | None

    def to_api(self) -> Document:
        signature = {} if self.signature is None else {"signature": self.signature}
        return {"reasoningContent": {"reasoningText": {"text": self.content, **signature}}}

    def start(self) -> None:
        return None

    def deltas(self, size: int) -> Iterator[Document]:
        yield from ({"reasoningContent": {"text": chunk}} for chunk in _chunks(self.content, size))
        if self.signature is not None:
            yield {"reasoningContent": {"signature": self.signature}}


@frozen
class _Whole:
    """A block of any other kind: its deltas are as many as its content has parts."""

    raw: Document

    def to_api(self) -> Document:
        return self.raw

    def start(self) -> Document | None:
        match self.raw:
            case {"toolResult": said}:
                return {"toolResult": {name: value for name, value in said.items() if name != "content"}}
            case {"image": said}:
                return {"image": {"format": said["format"]}}
            case {"citationsContent": _} | {"reasoningContent": _}:
                return None
        msg = f"AWS does not stream blocks of the kind {', '.join(self.raw)}; give LocalBedrock RawEvents"
        raise TypeError(msg)

    def deltas(self, size: int) -> Iterator[Document]:
        match self.raw:
            case {"toolResult": said}:
                yield from ({"toolResult": [part]} for part in said["content"])
            case {"image": said}:
                yield {"image": {name: value for name, value in said.items() if name != "format"}}
            case {"citationsContent": said}:
                yield from (delta for part in said["content"] for delta in _Text((part["text"],)).deltas(size))
                yield from ({"citation": citation} for citation in said["citations"])
            case {"reasoningContent": said}:
                yield {"reasoningContent": said}


def text(*pieces: str) -> Block:
    """A text block; several pieces are its deltas, one is cut by the reply's ``chunk_size``."""
    return _Text(pieces or ("",))


def tool_use(
    name: str,
    input: Mapping[str, Any] | str,  # noqa: A002 - AWS's own word
    *,
    tool_use_id: str | None = None,
    type: str | None = None,  # noqa: A002 - AWS's own word
) -> Block:
    """A request to run a tool, streamed as partial JSON.

    Args:
        name: the tool's.
        input: what it is called with. A text is streamed as it is, to be JSON that is cut or wrong.
        tool_use_id: random, as AWS's are, where none is given.
        type: ``server_tool_use`` for a tool that AWS runs.
    """
    kind = {} if type is None else {"type": type}
    return _ToolUse({"toolUseId": tool_use_id or f"tooluse_{secrets.token_urlsafe(16)}", "name": name, "input": input, **kind})


def reasoning(content: str, signature: str | None = "c2lnbmF0dXJl") -> Block:
    """A reasoning block; ``None`` leaves out its signature."""
    return _Reasoning(content, signature)


def _from_api(raw: Mapping[str, Any]) -> Block:
    match raw:
        case {"text": str(said), **more} if not more:
            return text(said)
        case {"toolUse": {"input": _} as said}:
            return _ToolUse(said)
        case {"reasoningContent": {"reasoningText": dict(said)}}:
            return _Reasoning(said["text"], said.get("signature"))
    return _Whole(dict(raw))


Part: TypeAlias = str | Block | ToApi | Mapping[str, Any]
Content: TypeAlias = Part | Iterable[Part]
"""What a reply is made of: a text, a block, or several of them."""


def blocks_of(content: Content) -> tuple[Block, ...]:
    """The blocks of a reply.

    Raises:
        TypeError: something is no content block.
    """
    if isinstance(content, Iterable) and not isinstance(content, str | bytes | Mapping):
        return tuple(_block(part) for part in content)
    return (_block(content),)


def _block(part: Any) -> Block:
    if isinstance(part, str):
        return text(part)
    if hasattr(part, "deltas"):
        return part  # type: ignore[no-any-return] # a user's own block has the methods of Block
    raw = part.to_api() if hasattr(part, "to_api") else part
    if isinstance(raw, Mapping):
        return _from_api(raw)
    msg = (
        f"a content block is made by text(), tool_use() or reasoning(), or a dict as boto3 returns it, not {type(part).__name__}"
    )
    raise TypeError(msg)
