"""What LocalBedrock sends, as data: an `Answer` is planned whole and then sent, so that a fault is an edit of the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import evolve, field, frozen

from bedrock_auth.testing.frames import JSON, encode_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

EVENT_STREAM = "application/vnd.amazon.eventstream"


@frozen
class Pause:
    """Send nothing for so many seconds, or until the server closes."""

    seconds: float


@frozen
class HangUp:
    """Close the connection here, whatever was promised."""


Piece: TypeAlias = bytes | Pause | HangUp


@frozen
class Answer:
    """An HTTP response: status, headers and the pieces of its body in the order in which they are sent."""

    status: int = field(converter=int)
    content_type: str
    pieces: tuple[Piece, ...] = field(repr=False)
    length: int | None = None
    """The promised ``Content-Length``; ``None`` for a chunked body, one chunk for each piece."""
    headers: Mapping[str, str] = field(factory=dict)
    awaits: Mapping[str, Any] | None = field(default=None, repr=False)
    """The return control that an agent's answer ends with; its session waits for the results."""

    @property
    def is_stream(self) -> bool:
        """Whether the body is an event stream; its pieces are whole frames then."""
        return self.length is None

    def split(self, after_events: int) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
        """The pieces up to and with so many events, and the rest. A document breaks before its body or in its middle."""
        wanted = after_events if self.is_stream else min(after_events, 1)
        sends = [index for index, piece in enumerate(self.pieces) if isinstance(piece, bytes)]
        at = sends[wanted] if wanted < len(sends) else len(self.pieces)
        return self.pieces[:at], self.pieces[at:]

    def with_pieces(self, *pieces: Piece) -> Answer:
        """The same promises with other pieces."""
        return evolve(self, pieces=pieces)

    def ending_cleanly(self) -> Answer:
        """With the length that the pieces really have."""
        return (
            self if self.is_stream else evolve(self, length=sum(len(piece) for piece in self.pieces if isinstance(piece, bytes)))
        )


def document_answer(document: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A JSON document."""
    return body_answer(encode_json(document), status, headers)


def body_answer(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A body that is JSON, in two pieces so that faults find its middle."""
    half = len(body) // 2
    return Answer(status, JSON, (body[:half], body[half:]), len(body), headers or {})


def error_answer(code: str, message: str, status: int, headers: Mapping[str, str] | None = None) -> Answer:
    """An error in AWS's REST-JSON form: the code in ``x-amzn-ErrorType``, the text in the body."""
    return document_answer({"message": message}, status, {"x-amzn-ErrorType": code, **(headers or {})})


def stream_answer(frames: Iterable[bytes], delay: float = 0) -> Answer:
    """An event stream with ``delay`` seconds between its frames."""
    return Answer(200, EVENT_STREAM, tuple(_spaced(frames, delay)))


def _spaced(frames: Iterable[Piece], delay: float) -> Iterator[Piece]:
    for index, frame in enumerate(frames):
        if index and delay:
            yield Pause(delay)
        yield frame
