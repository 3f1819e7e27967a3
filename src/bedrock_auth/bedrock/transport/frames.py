"""The frames of an event stream, read and parsed without loss. `FrameReader` does no I/O.

A frame is: total length (4 bytes), length of the headers (4), CRC-32 of those eight bytes (4), headers, payload, CRC-32 of
everything before it (4), all big-endian. Source: "Event stream encoding" in the Amazon Transcribe Developer Guide; Bedrock's
is the same. botocore reads it too, but half as fast, and its parser drops what its service model does not know.
"""

from __future__ import annotations

import json
import os
from binascii import crc32
from contextlib import suppress
from functools import lru_cache
from socket import SHUT_RDWR
from struct import Struct
from typing import TYPE_CHECKING, Any

from botocore.eventstream import (
    ChecksumMismatch,
    EventStreamHeaderParser,
    InvalidHeadersLength,
    InvalidPayloadLength,
    ParserError,
)
from botocore.exceptions import EventStreamError
from botocore.parsers import EventStreamJSONParser

from bedrock_auth.bedrock.forms.api_form import LaterName, has_lost_content
from bedrock_auth.bedrock.transport.connection import StreamConnection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PRELUDE = Struct("!III")
_CHECKSUM = Struct("!I")
_AROUND = _PRELUDE.size + _CHECKSUM.size
_LONGEST_HEADERS = 128 * 1024
_LONGEST_PAYLOAD = 24 * 1024**2
_FAILURES = frozenset({"error", "exception"})
_PADDING = "p"
"""A member of every event without meaning: it hides how long the others are."""
_DELTA = frozenset({"contentBlockIndex", "delta", _PADDING})


class FrameReader:
    """Bytes in any pieces in, whole frames out, each checked."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._data = b""
        self._at = 0

    @property
    def is_between_frames(self) -> bool:
        """Whether nothing of a frame has come whose end has not."""
        return self._at == len(self._data)

    @property
    def has_frame(self) -> bool:
        """Whether a frame that was fed is whole, or broken, and has not been taken."""
        try:
            return _end_of_frame(self._data, self._at) <= len(self._data)
        except ParserError:
            return True

    def feed(self, data: bytes) -> Iterator[tuple[Mapping[str, Any], bytes]]:
        """Headers and payload of each frame that is whole now.

        Raises:
            botocore.eventstream.ParserError: the bytes are no frames, or were damaged.
        """
        data = self._data[self._at :] + data
        self._data, self._at = data, 0
        while (end := _end_of_frame(data, at := self._at)) <= len(data):
            headers_end = at + _PRELUDE.size + _CHECKSUM.unpack_from(data, at + 4)[0]
            _check(data, at, end - _CHECKSUM.size)
            self._at = end
            yield _headers(data[at + _PRELUDE.size : headers_end]), data[headers_end : end - _CHECKSUM.size]


def _end_of_frame(data: bytes, at: int) -> int:
    """Where the frame that begins here ends; beyond the data where even that has not come."""
    if len(data) - at < _PRELUDE.size:
        return len(data) + 1
    _check(data, at, at + 8)
    total, headers, _ = _PRELUDE.unpack_from(data, at)
    if headers > _LONGEST_HEADERS:
        raise InvalidHeadersLength(headers)
    if not _AROUND + headers <= total <= _AROUND + headers + _LONGEST_PAYLOAD:
        raise InvalidPayloadLength(total - headers - _AROUND)
    return at + int(total)


def _check(data: bytes, start: int, end: int) -> None:
    computed, (sent,) = crc32(memoryview(data)[start:end]), _CHECKSUM.unpack_from(data, end)
    if computed != sent:
        raise ChecksumMismatch(sent, computed)


@lru_cache(maxsize=64)
def _headers(block: bytes) -> Mapping[str, Any]:
    """Remembered, because the frames of a stream have few different ones and parsing them takes longer than all the rest."""
    headers: Mapping[str, Any] = EventStreamHeaderParser().parse(block)
    return headers


class FrameStream:
    """The events in the body of a response as boto3 yields them, lossless. Where boto3 has its ``EventStream``."""

    def __init__(self, body: Any, shape: Any, operation: str) -> None:
        """Read from urllib3's response; ``shape`` is botocore's of the stream."""
        self._body = body
        self._shape = shape
        self._operation = operation
        self._process = os.getpid()
        self._reader = FrameReader()
        self.connection = StreamConnection.of(body)
        """What the frames come from, where others can wait for it."""

    @property
    def is_cut(self) -> bool:
        """Whether the end of a frame is missing so far."""
        return not self._reader.is_between_frames

    @property
    def has_more(self) -> bool:
        """Whether the next event, or the end, is probably there without waiting."""
        return self._reader.has_frame or self.connection is None or self.connection.has_data()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        parser = FrameParser()
        for data in self._body.stream():
            for headers, payload in self._reader.feed(data):
                failed = headers.get(":message-type") in _FAILURES
                frame = {"headers": headers, "body": payload, "status_code": 400 if failed else 200}
                event: Any = parser.parse(frame, self._shape)
                if failed:
                    raise EventStreamError(event, self._operation)
                if event:
                    yield event

    def hang_up(self) -> None:
        """Wake whoever reads, who finds the stream at its end. Does not wait; the reader must `close`."""
        if self._process == os.getpid():  # after a fork the connection is still the parent's
            with suppress(Exception):  # it may have ended by itself in this moment
                _shut_down(self._body, self.connection)

    def close(self) -> None:
        """Close the connection."""
        self._body.close()


def _shut_down(body: Any, connection: StreamConnection | None) -> None:
    if hasattr(body, "shutdown"):
        body.shutdown()
    else:  # urllib3 before 2.3
        (connection or body.connection).sock.shutdown(SHUT_RDWR)


class FrameParser:
    """botocore's event parser, lossless.

    Event types, members and union members that botocore's model does not know keep their content, exceptions that it does not
    know keep code and message, and ``modelStreamErrorException`` keeps ``originalStatusCode`` and ``originalMessage``.
    """

    def __init__(self) -> None:
        """Parse known events with botocore's own parser, so that they are the dicts that boto3 users know."""
        self._parse = EventStreamJSONParser().parse

    def parse(self, frame: dict[str, Any], shape: Any) -> dict[str, Any]:
        """The event of a frame, or the response of an error."""
        if frame["headers"].get(":event-type") == "contentBlockDelta" and (event := _plain_delta(frame["body"])) is not None:
            return event
        parsed: dict[str, Any] = self._parse(frame, shape)
        if "Error" in parsed:
            return _with_all_details(parsed["Error"], frame)
        if not parsed or has_lost_content(parsed):
            return _as_sent(frame)
        _complete(parsed, frame, shape)
        return parsed


def _plain_delta(body: bytes) -> dict[str, Any] | None:
    """A delta of text, tool input or reasoning as botocore gives it, but faster: streams consist of them. Else ``None``."""
    try:
        sent = json.loads(body)
    except ValueError:
        return None
    if not isinstance(sent, dict) or not sent.keys() <= _DELTA:
        return None
    match sent:
        case {"contentBlockIndex": int(), "delta": {"text": str(), **more}} if not more:
            pass
        case {"contentBlockIndex": int(), "delta": {"toolUse": {"input": str(), **less}, **more}} if not (less or more):
            pass
        case {"contentBlockIndex": int(), "delta": {"reasoningContent": {"text": str(), **less}, **more}} if not (less or more):
            pass
        case _:
            return None
    return {"contentBlockDelta": {"delta": sent["delta"], "contentBlockIndex": sent["contentBlockIndex"]}}


def _complete(parsed: dict[str, Any], frame: dict[str, Any], shape: Any) -> None:
    """Add to an event of JSON what botocore has left out of it."""
    ((name, body),) = parsed.items()
    sent = _unpadded(_document(frame))
    event = shape.members[name]
    if isinstance(sent, dict) and not any("eventpayload" in member.serialization for member in event.members.values()):
        _add_unknown(body, sent, event)


def _unpadded(sent: Any) -> Any:
    return {key: value for key, value in sent.items() if key != _PADDING} if isinstance(sent, dict) else sent


def _add_unknown(parsed: Any, sent: Any, shape: Any) -> None:
    """Add the members that the service model does not know, at any depth."""
    match parsed, sent:
        case dict(), dict() if shape.type_name == "map":
            for key in parsed.keys() & sent.keys():
                _add_unknown(parsed[key], sent[key], shape.value)
        case dict(), dict() if not shape.is_document_type:
            names = {member.serialization.get("name", name): name for name, member in shape.members.items()}
            for key, value in sent.items():
                if key in names:
                    _add_unknown(parsed.get(names[key]), value, shape.members[names[key]])
                elif value is not None:
                    parsed[LaterName(key)] = value
        case list(), list() if shape.type_name == "list":
            for part, part_sent in zip(parsed, sent, strict=False):
                _add_unknown(part, part_sent, shape.member)


def _as_sent(frame: dict[str, Any]) -> dict[str, Any]:
    name = frame["headers"].get(":event-type", "")
    return {} if name == "initial-response" else {name: _unpadded(_document(frame))}


def _document(frame: dict[str, Any]) -> Any:
    try:
        return json.loads(frame["body"])
    except ValueError:
        return frame["body"]


def _with_all_details(error: dict[str, Any], frame: dict[str, Any]) -> dict[str, Any]:
    document = _document(frame)
    said = document if isinstance(document, dict) else {}
    code = error["Code"] or frame["headers"].get(":exception-type", "")
    message = error["Message"] or said.get("message") or said.get("Message") or ""
    return {**said, "Error": {"Code": code, "Message": message}}
