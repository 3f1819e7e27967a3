"""Answers of a function URL: whole, or read as they arrive."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from attrs import field, frozen
from urllib3.exceptions import HTTPError, ReadTimeoutError

from bedrock_auth.function_url.errors import FunctionUrlConnectionError, FunctionUrlError
from bedrock_auth.function_url.lost import lost
from bedrock_auth.function_url.text import ServerSentEvent, decoded, events, lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self

    from bedrock_auth.function_url.lost import Call

_PIECE = 65_536
_REQUEST_ID = "x-amzn-requestid"


@frozen
class FunctionUrlResponse:
    """A whole answer."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Lower-case names; repeated headers are joined by a comma."""
    content: bytes = field(default=b"", repr=False)

    @property
    def request_id(self) -> str | None:
        """AWS's id of the request."""
        return self.headers.get(_REQUEST_ID)

    @property
    def text(self) -> str:
        """The content as UTF-8 text.

        Raises:
            FunctionUrlError: it is none; the code is ``NotText``.
        """
        try:
            return self.content.decode("utf-8")
        except UnicodeDecodeError:
            raise _not_text(self.status, self.headers) from None

    def json(self) -> Any:
        """The JSON value that the content is.

        Raises:
            ValueError: it is none.
        """
        return json.loads(self.content)


class FunctionUrlStream:
    """An answer that is read as it arrives, once, in one of its forms. A context manager: leaving it closes the connection.

    Whatever the form, a stream that is cut before its end, or silent for longer than the read timeout, raises
    `FunctionUrlConnectionError`: one that ends without an error is whole.
    """

    def __init__(self, raw: Any, call: Call) -> None:
        """Take over a urllib3 response; `FunctionUrlClient.stream` makes streams."""
        self._raw = raw
        self._call = call
        self._is_begun = self._is_closed = False
        self.status: int = raw.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in raw.headers.items()}
        """Lower-case names; repeated headers are joined by a comma."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<FunctionUrlStream {self.status}>"

    @property
    def request_id(self) -> str | None:
        """AWS's id of the request."""
        return self.headers.get(_REQUEST_ID)

    def iter_bytes(self) -> Iterator[bytes]:
        """The content piece by piece, as it arrives.

        Raises:
            FunctionUrlConnectionError: it was cut, or silent for too long.
            FunctionUrlError: it has been read already, or closed.
        """
        if self._is_begun or self._is_closed:
            raise self._unreadable()
        self._is_begun = True
        try:
            for piece in self._raw.stream(_PIECE, decode_content=False):
                yield piece
                if self._is_closed:
                    raise self._unreadable()
        except (HTTPError, OSError, ValueError, AttributeError) as error:  # the last where another thread closes it
            raise self._unreadable() if self._is_closed else self._lost(error) from None
        else:
            self._check_end()
        finally:
            self._raw.close()

    def iter_text(self) -> Iterator[str]:
        """The content as UTF-8 text, piece by piece; no character is ever cut.

        Raises:
            FunctionUrlError: as `iter_bytes`; also where it is not UTF-8, with the code ``NotText``.
        """
        try:
            yield from decoded(self.iter_bytes())
        except UnicodeDecodeError:
            raise _not_text(self.status, self.headers) from None

    def iter_lines(self) -> Iterator[str]:
        """The lines of the text, each when it is whole, without their ends.

        Raises:
            FunctionUrlError: as `iter_text`.
        """
        return lines(self.iter_text())

    def iter_events(self) -> Iterator[ServerSentEvent]:
        """The events of a ``text/event-stream``.

        Raises:
            FunctionUrlError: as `iter_text`.
        """
        return events(self.iter_lines())

    def read(self) -> bytes:
        """All of the content.

        Raises:
            FunctionUrlError: as `iter_bytes`.
        """
        return b"".join(self.iter_bytes())

    def close(self) -> None:
        """Give the connection up where the content was not read to its end."""
        self._is_closed = True
        self._raw.close()

    def _check_end(self) -> None:
        """Chunks end with one that says so, and urllib3 minds; of a length botocore asks it not to mind."""
        if self._raw.chunked or self._raw.length_remaining == 0:
            return
        if self._raw.length_remaining:
            raise self._lost(None)
        msg = f"{self._call}: the answer says neither how long it is nor where it ends, so it may have been cut"
        raise FunctionUrlConnectionError(msg, code="UnknownLength", status=self.status, request_id=self.request_id)

    def _unreadable(self) -> FunctionUrlError:
        code, what = ("StreamClosed", "closed") if self._is_closed else ("StreamConsumed", "read")
        msg = f"{self._call}: the stream cannot be read: it was {what} before"
        return FunctionUrlError(msg, code=code, status=self.status, request_id=self.request_id)

    def _lost(self, error: Exception | None) -> FunctionUrlConnectionError:
        silence = error if isinstance(error, TimeoutError | ReadTimeoutError) else None
        return lost(silence, self._call, status=self.status, request_id=self.request_id)


def _not_text(status: int, headers: Mapping[str, str]) -> FunctionUrlError:
    said = ", ".join(f"{name} {headers[name]!r}" for name in ("content-type", "content-encoding") if name in headers)
    msg = f"the answer is not UTF-8 text ({said or 'without a content type'}); read it with iter_bytes() or as .content"
    return FunctionUrlError(msg, code="NotText", status=status, request_id=headers.get(_REQUEST_ID))
