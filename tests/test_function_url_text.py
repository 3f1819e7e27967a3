"""Text, lines and events are the same however the bytes are cut."""

from __future__ import annotations

import io
from itertools import pairwise

import pytest
from hypothesis import example, given, strategies as st

from bedrock_auth.function_url.text import ServerSentEvent, decoded, events, lines

ODD = st.text(st.sampled_from("aü🙂\r\n:\u2028\x0b\ufeff "), max_size=30)


def cut(content: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(content) + 1) for place in places), len(content)]
    return [content[begin:end] for begin, end in pairwise(edges)]


@given(ODD, st.lists(st.integers(0, 100), max_size=8))
@example("a\r\n\r\nb\r", [2, 3, 4])
def test_text_and_lines_do_not_depend_on_where_the_bytes_are_cut(text, places):
    pieces = cut(text.encode(), places)
    assert "".join(decoded(pieces)) == text
    assert all(decoded(pieces))
    whole = io.StringIO(text, newline=None).read().split("\n")
    assert list(lines(decoded(pieces))) == (whole if whole[-1] else whole[:-1])


def test_a_long_line_may_come_in_many_pieces():
    assert list(lines(["x" * 20] * 200_000)) == ["x" * 4_000_000]


@given(ODD, st.lists(st.integers(0, 100), max_size=8))
def test_events_do_not_depend_on_it_either(text, places):
    stream = f"data: {text}\n\n".encode()
    assert list(events(lines(decoded(cut(stream, places))))) == list(events(lines([stream.decode()])))


@pytest.mark.parametrize("content", [b"\xff", b"a\xc3", b"\xf0\x9f\x99", b"\xed\xa0\x80"])
def test_what_is_no_utf8_is_an_error_also_at_the_very_end(content):
    with pytest.raises(UnicodeDecodeError):
        list(decoded([content[:1], content[1:]]))


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ("", []),
        ("data: a\n\n", [ServerSentEvent(data="a")]),
        ("\ufeffdata:a\n\n", [ServerSentEvent(data="a")]),
        ("data:  a\n\n", [ServerSentEvent(data=" a")]),
        ("data\n\n", [ServerSentEvent()]),
        ("data\ndata\n\n", [ServerSentEvent(data="\n")]),
        ("data: a\r\rdata: b\r\r", [ServerSentEvent(data="a"), ServerSentEvent(data="b")]),
        (": comment\n\n", []),
        ("event: x\n\n", []),
        ("event: x\ndata: 1\n\ndata: 2\n\n", [ServerSentEvent("x", "1"), ServerSentEvent(data="2")]),
        ("event\ndata: 1\n\n", [ServerSentEvent(data="1")]),
        ("id: 1\ndata: a\n\ndata: b\n\n", [ServerSentEvent(data="a", id="1"), ServerSentEvent(data="b", id="1")]),
        ("id: 1\nid\ndata: c\n\n", [ServerSentEvent(data="c")]),
        ("id: 1\0\ndata: a\n\n", [ServerSentEvent(data="a")]),
        ("retry: 50\ndata: a\n\n", [ServerSentEvent(data="a", retry=50)]),
        (f"retry: {'9' * 5000}\ndata: a\n\n", [ServerSentEvent(data="a")]),
        ("retry: 5x\nretry: ²\nother: 1\nDATA: b\ndata: a\n\n", [ServerSentEvent(data="a")]),
        ("data: a\n\ndata: not ended", [ServerSentEvent(data="a")]),
        ('data: {"a": "b:c"}\n\n', [ServerSentEvent(data='{"a": "b:c"}')]),
    ],
    ids=range(19),
)  # fmt: skip
def test_events_are_read_as_the_html_standard_says(stream, expected):
    assert list(events(lines([stream]))) == expected
