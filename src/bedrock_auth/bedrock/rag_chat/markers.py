"""Markers such as ``[1]`` or ``[1, 3]`` in a text that comes in pieces. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

_INSIDE = "[0-9, ;\u2013-]"
_LONGEST = 40
"""Characters between the brackets; what is longer is no marker, so that only so much waits for its end."""
_MARKER = re.compile(rf"\[{_INSIDE}{{1,{_LONGEST}}}\]")
_BEGUN = re.compile(rf"\[{_INSIDE}{{0,{_LONGEST}}}\Z")
_NUMBERS = re.compile(r" *[0-9]+(?: *, *[0-9]+)* *")


@frozen
class Marker:
    """Numbers in brackets."""

    text: str
    """As the model wrote it, brackets included."""
    numbers: tuple[int, ...]
    """Each once, in order; none where they are not a list with commas, such as ``[1-3]``."""


Part: TypeAlias = str | Marker


class MarkerReader:
    """Text in any pieces in, texts and whole markers out. However it is cut, the parts add up to the same."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._held = ""

    def feed(self, text: str) -> Iterator[Part]:
        """What is known now; the beginning of a marker waits for its end."""
        text = self._held + text
        begun = _BEGUN.search(text)
        whole = text[: begun.start()] if begun else text
        self._held = text[len(whole) :]
        return _parts(whole)

    def rest(self) -> str:
        """What has waited in vain."""
        held, self._held = self._held, ""
        return held


def _parts(text: str) -> Iterator[Part]:
    at = 0
    for match in _MARKER.finditer(text):
        if re.search("[0-9]", match[0]):
            if match.start() > at:
                yield text[at : match.start()]
            yield Marker(match[0], _numbers(match[0][1:-1]))
            at = match.end()
    if at < len(text):
        yield text[at:]


def _numbers(inside: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(map(int, inside.split(",")))) if _NUMBERS.fullmatch(inside) else ()
