"""What a knowledge base of LocalBedrock holds: documents, cut into passages and found by the words of a question."""

from __future__ import annotations

import re
from binascii import crc32
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.testing.filters import passes
from bedrock_auth.testing.words import scores

if TYPE_CHECKING:
    from collections.abc import Iterable

Hit = dict[str, Any]
"""One of the ``retrievalResults`` of Retrieve."""

_URI = "x-amz-bedrock-kb-source-uri"
_CHUNK = "x-amz-bedrock-kb-chunk-id"
_PARAGRAPHS = re.compile(r"\n\s*\n")


def _location_of(location: str | Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if not isinstance(location, str):
        return location
    if location.startswith("s3://"):
        return {"type": "S3", "s3Location": {"uri": location}}
    if location.startswith(("https://", "http://")):
        return {"type": "WEB", "webLocation": {"url": location}}
    return {"type": "CUSTOM", "customDocumentLocation": {"id": location}}


def _content_of(content: str | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(content, str | Mapping):
        return {"type": "TEXT", "text": content} if isinstance(content, str) else content
    msg = f"the content of a Document is a text, or a dict as Retrieve returns it, not {type(content).__name__}"
    raise TypeError(msg)


@frozen
class Document:
    """A document in a knowledge base. Each paragraph of a text is a passage of its own.

    Raises:
        TypeError: the content is neither a text nor a dict.
    """

    content: Mapping[str, Any] = field(converter=_content_of)
    """A text; or a ``content`` of any kind as Retrieve returns it, such as ``{"type": "ROW", "row": […]}``."""
    location: Mapping[str, Any] | None = field(default=None, converter=_location_of)
    """A URI in S3, a URL or an id of one's own; or a ``location`` of any kind as Retrieve returns it."""
    metadata: Mapping[str, Any] = field(factory=dict, kw_only=True)
    """What filters look at: texts, numbers, booleans and lists of texts."""

    def passages(self) -> list[Hit]:
        """What can be found of it, as Retrieve returns it, without scores."""
        place = {} if self.location is None else {"location": dict(self.location)}
        return [{"content": content, **place, "metadata": self._metadata(content)} for content in self._contents()]

    def _contents(self) -> list[dict[str, Any]]:
        if self.content.get("type") != "TEXT":
            return [dict(self.content)]
        paragraphs = (text.strip() for text in _PARAGRAPHS.split(self.content["text"]))
        return [{**self.content, "text": text} for text in paragraphs if text]

    def _metadata(self, content: Mapping[str, Any]) -> dict[str, Any]:
        addresses = [
            address for place in (self.location or {}).values() if isinstance(place, Mapping) for address in place.values()
        ]
        uri = {_URI: addresses[0]} if addresses else {}
        return {**uri, _CHUNK: f"1%3A0%3A{crc32(str(content).encode()):010d}", **self.metadata}


def documents_of(given: Iterable[Document | str]) -> tuple[Document, ...]:
    """The documents; a bare text is one without a location."""
    return tuple(one if isinstance(one, Document) else Document(one) for one in given)


def _text_of(content: Mapping[str, Any]) -> str:
    """All the words of a content of any kind."""
    said = [content.get("text", "")]
    said += [value for kind in ("audio", "video") for value in content.get(kind, {}).values()]
    said += [str(cell.get(part, "")) for cell in content.get("row", ()) for part in ("columnName", "columnValue")]
    return " ".join(said)


def search(documents: Iterable[Document], question: str, condition: Mapping[str, Any] | None = None) -> list[Hit]:
    """The passages that share a word with the question and pass the filter, the best ones first."""
    found = [passage for document in documents for passage in document.passages()]
    allowed = [passage for passage in found if condition is None or passes(passage["metadata"], condition)]
    rated = zip(scores(question, [_text_of(passage["content"]) for passage in allowed]), allowed, strict=True)
    best = sorted(((score, passage) for score, passage in rated if score), key=lambda pair: -pair[0])
    return [{**passage, "score": score} for score, passage in best]
