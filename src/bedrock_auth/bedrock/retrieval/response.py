"""What Retrieve and RetrieveAndGenerate answer, as frozen values. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from attrs import field, frozen

from bedrock_auth.bedrock.errors import Call
from bedrock_auth.bedrock.failures.translate import translate
from bedrock_auth.bedrock.retrieval.generation import RetrievalCitation
from bedrock_auth.bedrock.retrieval.hits import Hit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")
INTERVENED = "INTERVENED"


@frozen
class RetrieveResponse:
    """What a knowledge base has found: an iterable of hits, the best ones first."""

    hits: tuple[Hit, ...]
    next_token: str | None = None
    """Of the next page, if there is one."""
    guardrail_action: str | None = None
    """``INTERVENED`` or ``NONE``, where there is a guardrail."""
    request_id: str | None = None
    raw: Mapping[str, Any] = field(factory=dict, eq=False, repr=False)
    """boto3's response."""

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __len__(self) -> int:
        return len(self.hits)

    @classmethod
    def from_api(cls, raw: Mapping[str, Any], request_id: str | None = None) -> RetrieveResponse:
        """From boto3's response to Retrieve.

        Raises:
            AttributeError, KeyError, TypeError: it is none.
        """
        hits = tuple(map(Hit.from_api, raw["retrievalResults"]))
        return cls(hits, raw.get("nextToken"), raw.get("guardrailAction"), request_id, raw)


class Pages:
    """Which page is next, and how many hits are still wanted. No I/O."""

    def __init__(self, max_hits: int) -> None:
        """Begin with the first page; no more pages are read than hits are wanted."""
        self._hits_left = self._pages_left = max_hits
        self.next_token: str | None = None
        self.are_over = False

    def take(self, page: RetrieveResponse) -> tuple[Hit, ...]:
        """The hits of this page that are wanted."""
        wanted = page.hits[: self._hits_left]
        self._hits_left -= len(wanted)
        self._pages_left -= 1
        self.next_token = page.next_token
        self.are_over = page.next_token is None or not self._hits_left or not self._pages_left
        return wanted


@frozen
class RetrieveAndGenerateResponse:
    """What a model has made of what a knowledge base has found."""

    text: str
    session_id: str | None
    """Give it to the next question to go on with the same conversation; `KnowledgeBaseConversation` does."""
    citations: tuple[RetrievalCitation, ...] = ()
    """The parts of the text, each with what it rests on."""
    guardrail_action: str | None = None
    """``INTERVENED`` or ``NONE``, where there is a guardrail. The text is the guardrail's where it intervened."""
    request_id: str | None = None
    raw: Mapping[str, Any] = field(factory=dict, eq=False, repr=False)
    """boto3's response; ``{}`` where it was streamed."""

    @property
    def references(self) -> tuple[Hit, ...]:
        """Everything that the text rests on, each once, in the order in which it is cited."""
        found: list[Hit] = []
        for citation in self.citations:
            found += [hit for hit in citation.references if hit not in found]
        return tuple(found)

    @property
    def guardrail_intervened(self) -> bool:
        """Whether the text is not, or not all, the model's."""
        return self.guardrail_action == INTERVENED

    @classmethod
    def from_api(cls, raw: Mapping[str, Any], request_id: str | None = None) -> RetrieveAndGenerateResponse:
        """From boto3's response to RetrieveAndGenerate.

        Raises:
            AttributeError, KeyError, TypeError: it is none.
        """
        citations = tuple(map(RetrievalCitation.from_api, raw.get("citations", ())))
        return cls(raw["output"]["text"], raw["sessionId"], citations, raw.get("guardrailAction"), request_id, raw)


def decoded(make: Callable[[Mapping[str, Any], str | None], T], raw: Mapping[str, Any], operation: str) -> T:
    """The value of boto3's response to an operation.

    Raises:
        DecodeError: it is not what AWS sends.
    """
    request_id = raw.get("ResponseMetadata", {}).get("RequestId")
    try:
        return make(raw, request_id)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise translate(error, Call(operation, request_id)) from error
