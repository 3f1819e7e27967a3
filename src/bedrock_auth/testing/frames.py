"""Encoding of AWS event-stream frames, the wire format of ConverseStream.

A frame is: total length (4 bytes), length of the headers (4), CRC-32 of those eight bytes (4), headers, payload, CRC-32 of
everything before it (4). A header is: length of its name (1 byte), name, value type (1), value; strings, the only type
used here, are type 7 with a two-byte length. All numbers are big-endian.

Source of the format: "Event stream encoding" in the Amazon Transcribe Developer Guide; Bedrock's is the same.
"""

from __future__ import annotations

import base64
import json
from binascii import crc32
from struct import pack
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON = "application/json"
_STRING = 7


def encode_event(event_type: str, payload: bytes, content_type: str = JSON) -> bytes:
    """The frame of an event such as ``messageStart``."""
    headers = {":event-type": event_type, ":content-type": content_type, ":message-type": "event"}
    return encode_frame(headers, payload)


def encode_exception(exception_type: str, payload: bytes, content_type: str = JSON) -> bytes:
    """The frame of an exception such as ``throttlingException``; the payload is its document."""
    headers = {":exception-type": exception_type, ":content-type": content_type, ":message-type": "exception"}
    return encode_frame(headers, payload)


def encode_error(code: str, message: str) -> bytes:
    """The frame of an error that the service's model does not know: only a code and a text."""
    return encode_frame({":error-code": code, ":error-message": message, ":message-type": "error"}, b"")


def encode_frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """A frame with these string headers.

    Raises:
        struct.error: a header's name has more than 255 bytes or its value more than 65 535.
    """
    block = b"".join(_header(name.encode(), value.encode()) for name, value in headers.items())
    lengths = pack("!II", 16 + len(block) + len(payload), len(block))
    frame = lengths + pack("!I", crc32(lengths)) + block + payload
    return frame + pack("!I", crc32(frame))


def _header(name: bytes, value: bytes) -> bytes:
    return pack("!B", len(name)) + name + pack("!BH", _STRING, len(value)) + value


def encode_json(document: Mapping[str, Any]) -> bytes:
    """A document as AWS's JSON protocols write it: UTF-8, bytes in base64."""
    return json.dumps(document, ensure_ascii=False, default=_base64).encode()


def _base64(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    msg = f"{type(value).__name__} is no JSON value"
    raise TypeError(msg)
