"""What comes of a `RagChat`: the events of its streams, its citations and its answers. Frozen values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from attrs import field, frozen

from bedrock_auth.bedrock.events import Event

if TYPE_CHECKING:
    from bedrock_auth.bedrock.converse.response import ConverseResponse


class FoundText(Protocol):
    """What a retriever finds: at least a text. `Hit` of a knowledge base is one."""

    @property
    def text(self) -> str | None:
        """What was found, as text; nothing where it is an image or the like, which is left out."""


@frozen
class HitCitation:
    """The model cites hits. In a stream it comes in the place of the marker's text.

    It is the model's own claim: a document can talk it into a wrong one. Only the hits themselves are facts.
    """

    index: int
    """The content block."""
    start: int
    """Where the marker begins in the text of the block, in characters."""
    marker: str
    """As the model wrote it, such as ``[1]`` or ``[1, 3]``."""
    numbers: tuple[int, ...]
    """Which hits, from 1."""
    hits: tuple[Any, ...] = field(repr=False)
    """The same hits themselves, as the retriever returned them."""


@frozen
class UnmatchedMarker:
    """The model wrote a marker with numbers that no hit has, or one that cannot be read, such as ``[1-3]``.

    What it wrote stays text; this says so, after it.
    """

    index: int
    start: int
    marker: str
    numbers: tuple[int, ...]
    """Those without a hit; none where the marker cannot be read."""


RagEvent: TypeAlias = Event | HitCitation | UnmatchedMarker
"""What a stream yields: the events of ``converse_stream``, their texts without the markers, and what the markers are."""


@frozen
class RagResponse:
    """The model's answer and what it rests on."""

    answer: ConverseResponse
    """Its text has the markers as the model wrote them."""
    hits: tuple[Any, ...] = field(repr=False)
    """What the model was shown, as the retriever returned it: ``[1]`` is the first."""
    citations: tuple[HitCitation, ...] = ()
    unmatched: tuple[UnmatchedMarker, ...] = ()

    @property
    def text(self) -> str:
        """The text of the answer, with markers."""
        return self.answer.text

    @property
    def cited_hits(self) -> tuple[Any, ...]:
        """The hits that the model cites, each once, in the order of their first citation."""
        numbers = dict.fromkeys(number for citation in self.citations for number in citation.numbers)
        return tuple(self.hits[number - 1] for number in numbers)
