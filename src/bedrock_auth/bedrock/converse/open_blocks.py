"""Content blocks while they arrive in a stream, and the blocks that they make: those of a whole answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from bedrock_auth.bedrock.converse.blocks import CitationsBlock, ReasoningBlock, TextBlock, UnknownBlock
from bedrock_auth.bedrock.converse.media import ImageBlock
from bedrock_auth.bedrock.converse.tool_blocks import ToolResultBlock, ToolUseBlock
from bedrock_auth.bedrock.events import (
    CitationDelta,
    ImageDelta,
    ImageStart,
    ReasoningDelta,
    TextDelta,
    ToolResultDelta,
    ToolResultStart,
    ToolUseDelta,
    ToolUseStart,
    UnknownEvent,
)
from bedrock_auth.bedrock.forms.api_form import given, sendable
from bedrock_auth.bedrock.forms.files import S3Location

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bedrock_auth.bedrock.content import Block
    from bedrock_auth.bedrock.converse.tool_blocks import ToolResultContent


class OpenBlock(Protocol):
    """A content block while it arrives."""

    def add(self, event: Any) -> None:
        """Take one of its events."""

    def blocks(self, *, whole: bool) -> Iterator[Block]:
        """What it is so far; ``whole`` where nothing more can come."""


class OpenText:
    """Text, and the sources that are cited for it."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._pieces: list[str] = []
        self._citations: list[CitationDelta] = []

    def add(self, event: TextDelta | CitationDelta) -> None:
        """Take one of its events."""
        if isinstance(event, TextDelta):
            self._pieces.append(event.text)
        else:
            self._citations.append(event)

    def blocks(self, *, whole: bool) -> Iterator[Block]:  # noqa: ARG002 - text can be cut anywhere
        """A text block or one with citations; none of an empty text, which AWS would not take back."""
        text = "".join(self._pieces)
        if self._citations:
            content = given(content=[{"text": text}] if text else None, citations=list(map(_citation, self._citations)))
            yield CitationsBlock.from_api({"citationsContent": content})
        elif text:
            yield TextBlock(text)


def _citation(event: CitationDelta) -> Mapping[str, Any]:
    as_sent: Mapping[str, Any] | None = event.raw.get("contentBlockDelta", {}).get("delta", {}).get("citation")
    return event.citation.to_api() if as_sent is None else sendable(as_sent)


class OpenToolUse:
    """What the model asks a tool for."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._start: ToolUseStart | None = None
        self._pieces: list[str] = []

    def add(self, event: ToolUseStart | ToolUseDelta) -> None:
        """Take one of its events."""
        if isinstance(event, ToolUseStart):
            self._start = event
        else:
            self._pieces.append(event.partial_json)

    @property
    def is_empty(self) -> bool:
        """Whether nothing has come of its input."""
        return not any(self._pieces)

    def blocks(self, *, whole: bool) -> Iterator[Block]:
        """The tool use, with its input parsed where that is whole."""
        text = "".join(self._pieces)
        try:
            value, unparsed = (_parsed(text), None) if whole else (None, text)
        except (ValueError, RecursionError):
            value, unparsed = None, text
        if self._start is None:
            yield ToolUseBlock("", "", value, None, unparsed)
        else:
            raw = _start(self._start)
            yield ToolUseBlock(self._start.tool_use_id, self._start.name, value, self._start.type, unparsed, raw=raw)


def _start(event: ToolUseStart | ToolResultStart | ImageStart) -> dict[str, Any]:
    """What the raw event says of the block: a dict with the name of its kind as the one key."""
    start: dict[str, Any] = sendable(event.raw.get("contentBlockStart", {}).get("start", {}))
    return start


def _parsed(text: str) -> Any:
    """The JSON value; AWS sends nothing, or empty pieces, for a tool without arguments."""
    return json.loads(text, parse_constant=_refuse) if text else {}


def _refuse(constant: str) -> NoReturn:
    msg = f"{constant} is no JSON"
    raise ValueError(msg)


class OpenToolResult:
    """What came of a tool that AWS has run."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._events: list[ToolResultStart | ToolResultDelta] = []

    def add(self, event: ToolResultStart | ToolResultDelta) -> None:
        """Take one of its events."""
        self._events.append(event)

    def blocks(self, *, whole: bool) -> Iterator[Block]:  # noqa: ARG002 - a part of a result can be sent back
        """The result, or an unknown block where AWS has not said of which tool it is."""
        content: list[ToolResultContent] = []
        for event in self._events:
            if isinstance(event, ToolResultDelta):
                _go_on(content, event.content)
        start = next((event for event in self._events if isinstance(event, ToolResultStart)), None)
        if start is None:
            yield UnknownBlock("toolResult", {}, tuple(event.raw for event in self._events))
        else:
            yield ToolResultBlock(start.tool_use_id, tuple(content), start.status, start.type, raw=_start(start))


def _go_on(content: list[ToolResultContent], more: tuple[ToolResultContent, ...]) -> None:
    """Add the parts of a delta; a text at its beginning goes on with the one before."""
    match content[-1:], more:
        case [TextBlock(text=begun)], (TextBlock(text=text), *rest):
            content[-1:] = TextBlock(begun + text), *rest
        case _:
            content += more


class OpenReasoning:
    """How the model got there."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._text: list[str] = []
        self._signature: list[str] = []
        self._redacted: list[bytes] = []

    def add(self, event: ReasoningDelta) -> None:
        """Take one of its events."""
        if event.text is not None:
            self._text.append(event.text)
        if event.signature is not None:
            self._signature.append(event.signature)
        if event.redacted_content is not None:
            self._redacted.append(event.redacted_content)

    def blocks(self, *, whole: bool) -> Iterator[Block]:  # noqa: ARG002 - reasoning can be cut anywhere
        """The reasoning, readable or not."""
        if self._signature or any(self._text):
            yield ReasoningBlock("".join(self._text), "".join(self._signature) if self._signature else None)
        if self._redacted:
            yield ReasoningBlock(redacted_content=b"".join(self._redacted))


class OpenImage:
    """An image of the model's."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._events: list[ImageStart | ImageDelta] = []

    def add(self, event: ImageStart | ImageDelta) -> None:
        """Take one of its events."""
        self._events.append(event)

    def blocks(self, *, whole: bool) -> Iterator[Block]:  # noqa: ARG002 - an image can be cut anywhere
        """The image, or an unknown block where AWS has not said its format."""
        start = next((event for event in self._events if isinstance(event, ImageStart)), None)
        if start is None:
            yield UnknownBlock("image", {}, tuple(event.raw for event in self._events))
        else:
            deltas = [event for event in self._events if isinstance(event, ImageDelta)]
            error = next((delta.error for delta in deltas if delta.error is not None), None)
            image = ImageBlock(start.format, _source(deltas), error).to_api()["image"]
            yield ImageBlock.from_api({"image": {**_start(start).get("image", {}), **image}})


def _source(deltas: list[ImageDelta]) -> bytes | S3Location | None:
    in_s3 = [delta.source for delta in deltas if isinstance(delta.source, S3Location)]
    data = [delta.source for delta in deltas if isinstance(delta.source, bytes)]
    return in_s3[-1] if in_s3 else b"".join(data) if data else None


class OpenUnknown:
    """A block of a kind that has no class here."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._events: list[UnknownEvent] = []

    def add(self, event: UnknownEvent) -> None:
        """Take one of its events."""
        self._events.append(event)

    def blocks(self, *, whole: bool) -> Iterator[Block]:  # noqa: ARG002 - nobody knows when it is whole
        """The block, with its events."""
        name = self._events[0].name.rpartition(".")[2]
        yield UnknownBlock(name, {}, tuple(event.raw for event in self._events))


OPENS: dict[type, type[OpenBlock]] = {
    TextDelta: OpenText,
    CitationDelta: OpenText,
    ToolUseStart: OpenToolUse,
    ToolUseDelta: OpenToolUse,
    ToolResultStart: OpenToolResult,
    ToolResultDelta: OpenToolResult,
    ReasoningDelta: OpenReasoning,
    ImageStart: OpenImage,
    ImageDelta: OpenImage,
}
"""What an event adds to."""
