"""From pieces of bytes to text, lines and server-sent events, each as soon as it is there. Pure."""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING

from attrs import evolve, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LONGEST_NUMBER = 18
"""Digits; thousands of them are more than ``int`` takes."""


def decoded(pieces: Iterable[bytes]) -> Iterator[str]:
    """The text of UTF-8 pieces; a character that is cut between two of them is held back until it is whole.

    Raises:
        UnicodeDecodeError: it is not UTF-8, or ends in the middle of a character.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    for piece in pieces:
        if text := decoder.decode(piece):
            yield text
    decoder.decode(b"", final=True)


def lines(texts: Iterable[str]) -> Iterator[str]:
    """The lines of a text without their ends, which are LF, CR LF or CR."""
    begun = list[str]()  # a long line may come in many pieces
    for text in _with_newlines(texts):
        first, *others = text.split("\n")
        begun.append(first)
        for other in others:
            yield "".join(begun)
            begun = [other]
    if rest := "".join(begun):
        yield rest


def _with_newlines(texts: Iterable[str]) -> Iterator[str]:
    """The same with LF for each end of a line; a CR at the end of a piece is held back, since LF may follow."""
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    for text in texts:
        yield newlines.decode(text)
    yield newlines.decode("", final=True)


@frozen
class ServerSentEvent:
    """One event of a ``text/event-stream``."""

    event: str = "message"
    """Its type."""
    data: str = ""
    id: str = ""
    """The last id that the stream has named."""
    retry: int | None = None
    """Milliseconds that the sender asks to wait before connecting again."""


def events(text_lines: Iterable[str]) -> Iterator[ServerSentEvent]:
    """The events of a ``text/event-stream``; one without data is none, and neither is one that no blank line ends.

    Source: HTML Standard, "9.2.6 Interpreting an event stream".
    """
    event, data = ServerSentEvent(), list[str]()
    for number, line in enumerate(text_lines):
        name, _, value = (line.removeprefix("\ufeff") if number == 0 else line).partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield evolve(event, data="\n".join(data))
            event, data = ServerSentEvent(id=event.id), []
        elif name == "data":
            data.append(value)
        else:
            event = _with(event, name, value)


def _with(event: ServerSentEvent, name: str, value: str) -> ServerSentEvent:
    if name == "event":
        return evolve(event, event=value or "message")
    if name == "id" and "\0" not in value:
        return evolve(event, id=value)
    if name == "retry" and value.isascii() and value.isdigit() and len(value) <= _LONGEST_NUMBER:
        return evolve(event, retry=int(value))
    return event  # a comment, or a field that the standard does not know
