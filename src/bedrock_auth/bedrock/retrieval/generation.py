"""Which parts of a generated answer come from where: what RetrieveAndGenerate and InvokeAgent have in common. Pure.

Source: AWS's pages "Citation", "TextResponsePart", "Span" and "RetrievedReference" in the Amazon Bedrock API Reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.bedrock.retrieval.hits import Hit

if TYPE_CHECKING:
    from collections.abc import Mapping


@frozen
class Span:
    """Where a cited part begins and ends in the whole answer, in characters, as AWS counts them.

    AWS does not say whether ``end`` is the last character or the one behind it, and streamed answers are known to have spans
    that are some characters off. `RetrievalCitation.place_in` looks.
    """

    start: int | None
    end: int | None


@frozen
class RetrievalCitation:
    """A part of an answer, and what it rests on."""

    text: str = ""
    """The part, as AWS repeats it."""
    span: Span | None = None
    references: tuple[Hit, ...] = ()
    """What was retrieved for it; empty where the part rests on nothing. They have no scores."""
    raw: Mapping[str, Any] = field(factory=dict, eq=False, repr=False)

    def place_in(self, answer: str) -> tuple[int, int] | None:
        """Where the part is in the answer: ``answer[start:end]`` is `text`; ``None`` where the answer does not hold it.

        Of several places, that nearest to where AWS says it begins.
        """
        said = self.span.start if self.span and self.span.start is not None else 0
        if not self.text:
            return None
        before = answer.rfind(self.text, 0, said + len(self.text))
        behind = answer.find(self.text, said)
        found = [start for start in (before, behind) if start >= 0]
        start = min(found, key=lambda start: abs(start - said), default=None)
        return None if start is None else (start, start + len(self.text))

    def to_api(self) -> dict[str, Any]:
        """The citation as AWS sent it."""
        return dict(self.raw)

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> RetrievalCitation:
        """From one of AWS's ``citations``.

        Raises:
            AttributeError, KeyError, TypeError: it is none.
        """
        part = raw.get("generatedResponsePart", {}).get("textResponsePart", {})
        span = Span(part["span"].get("start"), part["span"].get("end")) if "span" in part else None
        return cls(part.get("text", ""), span, tuple(map(Hit.from_api, raw.get("retrievedReferences", ()))), raw)
