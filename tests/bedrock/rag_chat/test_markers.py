"""Markers in a text that comes in pieces."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given, settings, strategies as st

from bedrock_auth.bedrock.rag_chat.markers import Marker, MarkerReader

texts = st.lists(
    st.sampled_from(["[", "]", "1", "12", ",", " ", "[1]", "[1, 3]", "[x]", "-", "–", ";", "blue", "[[2]]", "[" + " " * 39]),
    max_size=12,
)


def read(*pieces):
    """The parts, with texts that touch joined."""
    reader = MarkerReader()
    parts = [part for piece in pieces for part in reader.feed(piece)]
    parts.append(reader.rest())
    joined = []
    for is_text, run in groupby(parts, lambda part: isinstance(part, str)):
        several = list(run)
        joined.extend(["".join(several)] if is_text else several)
    return [part for part in joined if part]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Blue [1].", ["Blue ", Marker("[1]", (1,)), "."]),
        ("Blue [1][2]", ["Blue ", Marker("[1]", (1,)), Marker("[2]", (2,))]),
        ("[ 3,1 , 3 ]", [Marker("[ 3,1 , 3 ]", (3, 1))]),
        ("[[1]]", ["[", Marker("[1]", (1,)), "]"]),
        ("[1 [2]", ["[1 ", Marker("[2]", (2,))]),
        ("[0]", [Marker("[0]", (0,))]),
        ("[]", ["[]"]),
        ("[,]", ["[,]"]),
        ("[-;–]", ["[-;–]"]),
        ("[1,]", [Marker("[1,]", ())]),
        ("[1 2]", [Marker("[1 2]", ())]),
        ("[1;2]", [Marker("[1;2]", ())]),
        ("[2-3]", [Marker("[2-3]", ())]),
        ("[1–3]", [Marker("[1–3]", ())]),
        ("[a1]", ["[a1]"]),
        ("[١]", ["[١]"]),
        ("[12345]", [Marker("[12345]", (12345,))]),
        ("[1" + " " * 40 + "]", ["[1" + " " * 40 + "]"]),
        ("see [1", ["see [1"]),
    ],
)
def test_what_is_a_marker_and_what_is_text(text, parts):
    assert read(text) == parts


def test_only_what_may_become_a_marker_waits():
    reader = MarkerReader()
    assert list(reader.feed("Blue [")) == ["Blue "]
    assert list(reader.feed("1")) == []
    assert list(reader.feed("] sky [x")) == [Marker("[1]", (1,)), " sky [x"]
    assert reader.rest() == ""


def test_a_long_marker_waits_for_its_end():
    text = "[" + "1, " * 12 + "2]"
    assert read(*text) == [Marker(text, (1, 2))]


@settings(deadline=None)
@given(texts.map("".join), st.data())
def test_however_it_is_cut_the_parts_are_the_same(text, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert read(*pieces) == read(text) == read(*text)
    assert "".join(part if isinstance(part, str) else part.text for part in read(text)) == text
