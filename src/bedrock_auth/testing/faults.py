"""What can go wrong at Bedrock, on demand: frozen values for ``LocalBedrock.fault``, or in place of a reply.

A fault either answers instead of the reply, which then waits for the next request (`Throttle`, `ServiceError`,
`ExpiredToken`, `ExpiredSession`, `ResumingDatabase`), or spoils the reply that it meets, which is used up by that.
``after_events`` counts the events that still arrive whole, two by default; a `Truncate` or `CorruptChecksum` after the last
event of a reply changes nothing.

All of them work on every operation: a document breaks before its body (``after_events=0``) or in its middle, a fault that
exists only inside streams becomes the plain HTTP error or the unreadable document that is nearest to it.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from attrs import evolve, field, frozen, validators

from bedrock_auth.testing.answers import Answer, HangUp, Pause, Piece, error_answer
from bedrock_auth.testing.frames import encode_error, encode_exception, encode_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_HOUR = 3600.0
UNKNOWN_SESSION = "Session with Id {} is not valid. Please check and try again."
"""AWS's words where RetrieveAndGenerate does not know a session, or no longer."""
_TIRED = "Too many requests, please wait before trying again."
_STATUS = {
    "accessDeniedException": HTTPStatus.FORBIDDEN,
    "badGatewayException": HTTPStatus.BAD_GATEWAY,
    "conflictException": HTTPStatus.CONFLICT,
    "dependencyFailedException": HTTPStatus.FAILED_DEPENDENCY,
    "modelNotReadyException": HTTPStatus.FAILED_DEPENDENCY,
    "modelStreamErrorException": HTTPStatus.FAILED_DEPENDENCY,
    "modelTimeoutException": HTTPStatus.REQUEST_TIMEOUT,
    "resourceNotFoundException": HTTPStatus.NOT_FOUND,
    "serviceQuotaExceededException": HTTPStatus.BAD_REQUEST,
    "serviceUnavailableException": HTTPStatus.SERVICE_UNAVAILABLE,
    "throttlingException": HTTPStatus.TOO_MANY_REQUESTS,
    "validationException": HTTPStatus.BAD_REQUEST,
}


class Fault(Protocol):
    """One way of failing; a test may bring its own."""

    def apply(self, normal: Callable[[], Answer], /) -> Answer:
        """The answer to send; ``normal()`` takes the next reply and makes it one."""


def _after_events(default: int = 2) -> Any:
    return field(default=default, validator=validators.ge(0))


@frozen
class ServiceError:
    """The service answers with this error and HTTP status."""

    code: str
    status: int
    message: str = "LocalBedrock was told to fail."

    def apply(self, _normal: Callable[[], Answer]) -> Answer:
        """The error instead of the reply."""
        return error_answer(self.code, self.message, self.status)


@frozen
class Throttle:
    """429 ThrottlingException; ``retry_after`` seconds are announced in the headers where given."""

    retry_after: float | None = None
    message: str = _TIRED

    def apply(self, _normal: Callable[[], Answer]) -> Answer:
        """The error instead of the reply."""
        return error_answer("ThrottlingException", self.message, HTTPStatus.TOO_MANY_REQUESTS, self._headers())

    def _headers(self) -> dict[str, str]:
        if self.retry_after is None:
            return {}
        # HTTP's header in seconds, and the one in milliseconds that AWS's SDKs read
        return {"Retry-After": f"{self.retry_after:.0f}", "x-amz-retry-after": f"{1000 * self.retry_after:.0f}"}


@frozen
class ExpiredToken:
    """403 ExpiredTokenException, however good the keys are."""

    def apply(self, _normal: Callable[[], Answer]) -> Answer:
        """The error instead of the reply."""
        message = "The security token included in the request is expired"
        return error_answer("ExpiredTokenException", message, HTTPStatus.FORBIDDEN)


@frozen
class ResumingDatabase:
    """400 ValidationException, as for the first question to an Aurora store that was paused; AWS wants a few seconds."""

    message: str = (
        "The vector database encountered an error while processing the request: The Aurora DB instance "
        "arn:aws:rds:us-east-1:123456789012:db:vectors is resuming after being auto-paused. "
        "Please wait a few seconds and try again."
    )

    def apply(self, _normal: Callable[[], Answer]) -> Answer:
        """The error instead of the answer."""
        return error_answer("ValidationException", self.message, HTTPStatus.BAD_REQUEST)


@frozen
class ExpiredSession:
    """400 ValidationException, as where RetrieveAndGenerate is asked to continue a session that is over."""

    def apply(self, _normal: Callable[[], Answer]) -> Answer:
        """The error instead of the answer."""
        message = UNKNOWN_SESSION.format("00000000-0000-0000-0000-000000000000")
        return error_answer("ValidationException", message, HTTPStatus.BAD_REQUEST)


@frozen
class SlowTokens:
    """So many seconds before every event; once before a document."""

    seconds: float

    def apply(self, normal: Callable[[], Answer]) -> Answer:
        """The reply with pauses."""
        answer = normal()
        pause = Pause(self.seconds)
        if not answer.is_stream:
            return answer.with_pieces(pause, *answer.pieces)
        return answer.with_pieces(*(step for piece in answer.pieces for step in (pause, piece)))


@frozen
class Stall:
    """Nothing more comes, but the connection stays open until the server closes or the seconds have passed."""

    after_events: int = _after_events()
    seconds: float = _HOUR

    def apply(self, normal: Callable[[], Answer]) -> Answer:
        """The beginning of the reply."""
        answer = normal()
        return answer.with_pieces(*answer.split(self.after_events)[0], Pause(self.seconds), HangUp())


@frozen
class Cut:
    """The connection breaks in the middle of the body."""

    after_events: int = _after_events()

    def apply(self, normal: Callable[[], Answer]) -> Answer:
        """The beginning of the reply."""
        answer = normal()
        return answer.with_pieces(*answer.split(self.after_events)[0], HangUp())


@frozen
class Truncate:
    """The body ends too early, and HTTP says that all is well; with ``mid_frame`` in the middle of an event."""

    after_events: int = _after_events()
    mid_frame: bool = field(default=False, kw_only=True)

    def apply(self, normal: Callable[[], Answer]) -> Answer:
        """The beginning of the reply."""
        answer = normal()
        whole, rest = answer.split(self.after_events)
        broken = _first_half(rest) if self.mid_frame else ()
        return answer.with_pieces(*whole, *broken).ending_cleanly()


def _first_half(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    return tuple(piece[: len(piece) // 2] for piece in pieces[:1] if isinstance(piece, bytes))


@frozen
class CorruptChecksum:
    """The next event arrives with a wrong checksum, and the stream goes on; a document becomes unreadable."""

    after_events: int = _after_events()

    def apply(self, normal: Callable[[], Answer]) -> Answer:
        """The reply with one wrong byte."""
        answer = normal()
        whole, rest = answer.split(self.after_events)
        return answer.with_pieces(*whole, *(_last_byte_flipped(piece) for piece in rest[:1]), *rest[1:])


def _last_byte_flipped(piece: Piece) -> Piece:
    return piece[:-1] + bytes([piece[-1] ^ 0xFF]) if isinstance(piece, bytes) else piece


@frozen
class StreamException:
    """An exception frame ends the stream; also of types that the service's model does not know.

    On Converse it is the HTTP error of the same name.
    """

    type: str = "throttlingException"
    """Lower camel case, as in the frame."""
    message: str = _TIRED
    after_events: int = _after_events()
    extra: Mapping[str, Any] = field(factory=dict)
    """Further fields of the exception, such as ``originalStatusCode``."""

    def apply(self, normal: Callable[[], Answer]) -> Answer:
        """The beginning of the reply, then the exception."""
        answer = normal()
        if not answer.is_stream:
            return error_answer(self.type[:1].upper() + self.type[1:], self.message, _STATUS.get(self.type, 500))
        frame = encode_exception(self.type, encode_json({"message": self.message, **self.extra}))
        return answer.with_pieces(*answer.split(self.after_events)[0], frame)


@frozen
class StreamError:
    """A frame of message type ``error`` ends the stream; on Converse it is an HTTP 500 with this code."""

    code: str
    message: str
    after_events: int = _after_events()

    def apply(self, normal: Callable[[], Answer]) -> Answer:
        """The beginning of the reply, then the error."""
        answer = normal()
        if not answer.is_stream:
            return error_answer(self.code, self.message, HTTPStatus.INTERNAL_SERVER_ERROR)
        return answer.with_pieces(*answer.split(self.after_events)[0], encode_error(self.code, self.message))


@frozen
class EmptyStream:
    """200 and an empty body."""

    def apply(self, normal: Callable[[], Answer]) -> Answer:
        """Nothing of the reply."""
        return normal().with_pieces().ending_cleanly()


@frozen
class NotAnEventStream:
    """200 and a page of HTML, as from a captive portal or a wrong proxy."""

    body: bytes = b"<html><body><h1>Please log in to the network</h1></body></html>"

    def apply(self, normal: Callable[[], Answer]) -> Answer:
        """A page instead of the reply."""
        return evolve(normal().with_pieces(self.body).ending_cleanly(), content_type="text/html")
