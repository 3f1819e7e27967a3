"""From the events of an answer to those with its citations. No I/O."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from attrs import evolve

from bedrock_auth.bedrock.content import TextBlock
from bedrock_auth.bedrock.events import ContentBlockStop, Event, MessageStop, TextDelta
from bedrock_auth.bedrock.rag_chat.events import HitCitation, RagEvent, RagResponse, UnmatchedMarker
from bedrock_auth.bedrock.rag_chat.markers import Marker, MarkerReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bedrock_auth.bedrock.converse.response import ConverseResponse
    from bedrock_auth.bedrock.rag_chat.events import FoundText


class CitationFold:
    """Events in, the same events out: texts re-cut at the markers, which become `HitCitation` where they point at hits."""

    def __init__(self, hits: Sequence[FoundText]) -> None:
        """Begin; ``[1]`` is the first of the hits."""
        self._hits = hits
        self._readers: defaultdict[int, MarkerReader] = defaultdict(MarkerReader)
        self._at: defaultdict[int, int] = defaultdict(int)
        self._citations: list[HitCitation] = []
        self._unmatched: list[UnmatchedMarker] = []

    def add(self, event: Event) -> Iterator[RagEvent]:
        """The next event, as what is known now."""
        if isinstance(event, TextDelta):
            for part in self._readers[event.index].feed(event.text):
                yield from self._part(event, part)
            return
        if isinstance(event, ContentBlockStop):
            yield from self._rest(event.index)
        elif isinstance(event, MessageStop):
            for index in list(self._readers):
                yield from self._rest(index)
        yield event

    def _rest(self, index: int) -> Iterator[RagEvent]:
        if rest := self._readers[index].rest():
            yield from self._part(TextDelta(index, rest), rest)

    def _part(self, event: TextDelta, part: str | Marker) -> Iterator[RagEvent]:
        index, start = event.index, self._at[event.index]
        text = part.text if isinstance(part, Marker) else part
        self._at[index] += len(text)
        cited = self._cited(index, start, part) if isinstance(part, Marker) else None
        yield evolve(event, text=text) if cited is None else cited
        if isinstance(part, Marker):
            yield from self._report(index, start, part)

    def _cited(self, index: int, start: int, marker: Marker) -> HitCitation | None:
        numbers = tuple(number for number in marker.numbers if self._has(number))
        if not numbers:
            return None
        hits = tuple(self._hits[number - 1] for number in numbers)
        self._citations.append(HitCitation(index, start, marker.text, numbers, hits))
        return self._citations[-1]

    def _report(self, index: int, start: int, marker: Marker) -> Iterator[UnmatchedMarker]:
        missing = tuple(number for number in marker.numbers if not self._has(number))
        if missing or not marker.numbers:
            self._unmatched.append(UnmatchedMarker(index, start, marker.text, missing))
            yield self._unmatched[-1]

    def _has(self, number: int) -> bool:
        return 1 <= number <= len(self._hits)

    def response(self, answer: ConverseResponse) -> RagResponse:
        """The answer with what has been found in its events."""
        return RagResponse(answer, tuple(self._hits), tuple(self._citations), tuple(self._unmatched))


def whole_response(answer: ConverseResponse, hits: Sequence[FoundText]) -> RagResponse:
    """The same of an answer that came whole."""
    fold = CitationFold(hits)
    for index, block in enumerate(answer.message.content):
        if isinstance(block, TextBlock):
            for event in (TextDelta(index, block.text), ContentBlockStop(index)):
                list(fold.add(event))
    return fold.response(answer)
