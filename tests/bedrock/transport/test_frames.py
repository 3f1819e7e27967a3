"""Frames in any pieces: what botocore's own reader makes of them, and what it does not notice."""

import os
import struct
from binascii import crc32
from itertools import pairwise

import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer, InvalidHeadersLength, InvalidPayloadLength, ParserError
from hypothesis import given, settings, strategies as st

from bedrock_auth.bedrock.transport.frames import FrameReader, FrameStream
from bedrock_auth.testing import encode_event
from bedrock_auth.testing.frames import encode_frame

HEADERS = st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=50), max_size=4)
FRAMES = st.lists(st.builds(encode_frame, HEADERS, st.binary(max_size=300)), max_size=5)


def pieces_of(data, cuts):
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(places)]


def ours(pieces):
    reader = FrameReader()
    frames = [(dict(headers), payload) for piece in pieces for headers, payload in reader.feed(piece)]
    return frames, reader.is_between_frames


def botocores(pieces):
    buffer, frames = EventStreamBuffer(), []
    for piece in pieces:
        buffer.add_data(piece)
        frames += [(message.headers, message.payload) for message in buffer]
    return frames


@settings(deadline=None, max_examples=60)
@given(FRAMES, st.lists(st.integers(0, 5000), max_size=12))
def test_frames_are_read_as_botocore_reads_them_however_they_are_cut(frames, cuts):
    pieces = pieces_of(b"".join(frames), cuts)
    assert ours(pieces) == (botocores(pieces), True)


@settings(deadline=None, max_examples=60)
@given(FRAMES.filter(bool), st.integers(1), st.lists(st.integers(0, 5000), max_size=5))
def test_a_frame_without_its_end_is_known_and_the_ones_before_are_read(frames, missing, cuts):
    data = b"".join(frames)
    data = data[: len(data) - 1 - missing % (len(frames[-1]) - 1)]
    assert ours(pieces_of(data, cuts)) == (botocores([data]), False)


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=100), st.integers(0), st.integers(1, 255), st.lists(st.integers(0, 5000), max_size=5))
def test_a_changed_byte_is_never_overlooked(payload, place, change, cuts):
    data = bytearray(encode_event("messageStart", payload))
    data[place % len(data)] ^= change
    with pytest.raises(ParserError):
        ours(pieces_of(bytes(data), cuts))


def prelude(total, headers):
    lengths = struct.pack("!II", total, headers)
    return lengths + struct.pack("!I", crc32(lengths)) + bytes(100)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"<html><body>no</body></html>", ChecksumMismatch),
        (prelude(15, 0), InvalidPayloadLength),
        (prelude(50, 40), InvalidPayloadLength),
        (prelude(2**31, 0), InvalidPayloadLength),
        (prelude(2**31, 2**30), InvalidHeadersLength),
    ],
)
def test_lengths_that_no_frame_has_are_refused_before_anything_is_stored(data, error):
    with pytest.raises(error):
        ours([data])


class Body:
    def __init__(self):
        self.shut = 0

    def shutdown(self):
        self.shut += 1


def test_hanging_up_in_a_forked_child_leaves_the_parents_connection_alone(monkeypatch):
    body = Body()
    stream = FrameStream(body, None, "ConverseStream")
    monkeypatch.setattr(os, "getpid", lambda: -1)
    stream.hang_up()
    assert body.shut == 0
    monkeypatch.undo()
    stream.hang_up()
    assert body.shut == 1


def test_hanging_up_a_connection_that_is_gone_is_nothing():
    FrameStream(object(), None, "ConverseStream").hang_up()


def test_a_frame_that_is_broken_counts_as_there_so_that_it_is_read_and_told():
    reader = FrameReader()
    with pytest.raises(ChecksumMismatch):
        list(reader.feed(b"\0" * 12))
    assert reader.has_frame
