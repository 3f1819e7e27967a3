import json
import struct

import pytest
from botocore.eventstream import EventStreamBuffer, ParserError
from hypothesis import given, strategies as st

from bedrock_auth.testing.frames import encode_error, encode_event, encode_exception, encode_frame, encode_json

names = st.text(min_size=1, max_size=40)
headers = st.dictionaries(names, st.text(max_size=200), max_size=6)


def decoded(*frames):
    buffer = EventStreamBuffer()
    buffer.add_data(b"".join(frames))
    return [(message.headers, message.payload) for message in buffer]


@given(st.lists(st.tuples(headers, st.binary(max_size=2000)), max_size=4))
def test_botocore_reads_back_every_header_and_payload(messages):
    assert decoded(*(encode_frame(*message) for message in messages)) == messages


@given(headers, st.binary(max_size=60), st.data())
def test_botocore_notices_every_single_changed_byte(some_headers, payload, data):
    frame = bytearray(encode_frame(some_headers, payload))
    position = data.draw(st.integers(0, len(frame) - 1))
    frame[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ParserError):
        decoded(bytes(frame))


def test_an_event_names_its_type_and_content():
    assert decoded(encode_event("messageStart", b'{"role":"assistant"}')) == [
        (
            {":event-type": "messageStart", ":content-type": "application/json", ":message-type": "event"},
            b'{"role":"assistant"}',
        )
    ]


def test_an_exception_and_an_error_say_which():
    exception, error = decoded(encode_exception("throttlingException", b"{}"), encode_error("Unknown", "no idea"))
    assert exception[0][":message-type"] == "exception"
    assert exception[0][":exception-type"] == "throttlingException"
    assert error == ({":error-code": "Unknown", ":error-message": "no idea", ":message-type": "error"}, b"")


def test_the_bytes_are_those_of_the_published_format():
    # an empty message, as in the test vectors that AWS's SDKs share ("empty_message")
    assert encode_frame({}, b"") == bytes.fromhex("000000100000000005c248eb7d98c8ff")


def test_a_header_too_long_for_the_format_is_refused():
    with pytest.raises(struct.error):
        encode_error("Code", "x" * 70_000)


def test_documents_are_utf8_with_bytes_in_base64():
    assert json.loads(encode_json({"redactedContent": b"\x00\x01"})) == {"redactedContent": "AAE="}
    assert "é…" in encode_json({"text": "é…"}).decode()
    with pytest.raises(TypeError, match="object is no JSON value"):
        encode_json({"text": object()})
