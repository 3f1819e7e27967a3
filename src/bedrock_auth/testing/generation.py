"""How RetrieveAndGenerate says something: a text in parts, each with the passages that it comes from.

A span's ``end`` is the place of the last character, as AWS counts: the span of a whole text of 127 characters is 0 to 126.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bedrock_auth.testing.words import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bedrock_auth.testing.received import ReceivedRequest

    Hit = Mapping[str, Any]

NOTHING_FOUND = "Sorry, I am unable to assist you with this request."
"""AWS's own words where no passage was found."""
_BEST = 2
_SENTENCE = re.compile(r"[.!?](?=\s)")


def quoted(hits: Sequence[Hit]) -> list[str]:
    """The answer where no model was given: the first sentence of each of the best passages."""
    texts = [text for hit in hits[:_BEST] if (text := hit["content"].get("text"))]
    sentences = [text[: end.end()] if (end := _SENTENCE.search(text)) else text for text in texts]
    return [sentence + " " for sentence in sentences[:-1]] + sentences[-1:] or [NOTHING_FOUND]


def citation(text: str, *hits: Hit, start: int = 0) -> dict[str, Any]:
    """A citation as RetrieveAndGenerate and InvokeAgent return it.

    Args:
        text: the part of the answer that is cited for.
        hits: what it comes from, as Retrieve returns it.
        start: where the text begins in the answer, in characters.
    """
    said = text.strip()
    begin = start + len(text) - len(text.lstrip())
    part = {"text": said, "span": {"start": begin, "end": begin + max(len(said) - 1, 0)}}
    references = [{name: hit[name] for name in ("content", "location", "metadata") if name in hit} for hit in hits]
    return {"generatedResponsePart": {"textResponsePart": part}, "retrievedReferences": references}


def _sources(text: str, hits: Iterable[Hit]) -> list[Hit]:
    """The passage that shares most words with a part of the answer, if one shares any."""
    words = words_of(text)
    shared = [(len(words & words_of(hit["content"].get("text", ""))), hit) for hit in hits]
    count, best = max(shared, key=lambda pair: pair[0], default=(0, {}))
    return [best] if count else []


def cited_parts(texts: Iterable[str], hits: Sequence[Hit]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each part of an answer, and its citation."""
    start = 0
    for text in texts:
        yield text, citation(text, *_sources(text, hits), start=start)
        start += len(text)


def generated_document(texts: Iterable[str], request: ReceivedRequest) -> dict[str, Any]:
    """The whole answer of RetrieveAndGenerate."""
    parts = list(cited_parts(texts, request.retrieved))
    return {
        "sessionId": request.session_id,
        "output": {"text": "".join(text for text, _ in parts)},
        "citations": [cited for _, cited in parts],
        **({"guardrailAction": "NONE"} if _is_guarded(request) else {}),
    }


def generated_events(texts: Iterable[str], request: ReceivedRequest, size: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of RetrieveAndGenerateStream: the citation of each part follows its text."""
    if _is_guarded(request):
        yield "guardrail", {"action": "NONE"}
    for text, cited in cited_parts(texts, request.retrieved):
        yield from (("output", {"text": text[at : at + size]}) for at in range(0, len(text), size))
        yield "citation", {**cited, "citation": cited}  # the member of the same name is AWS's older form


def _is_guarded(request: ReceivedRequest) -> bool:
    configs = request.body["retrieveAndGenerateConfiguration"].values()
    return any(
        "guardrailConfiguration" in config.get("generationConfiguration", {}) for config in configs if isinstance(config, dict)
    )
