"""Content blocks of text, reasoning, guardrails and prompt caching, and the block of a kind that has no class here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from attrs import field, frozen

from bedrock_auth.bedrock.converse.media import ImageBlock
from bedrock_auth.bedrock.forms.api_form import (
    UNKNOWN_MEMBER,
    ApiBlock,
    UnknownKindError,
    as_texts,
    enabled,
    given,
    has_lost_content,
    lost_content,
    member,
    switch,
    text_pieces,
    texts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Self

B = TypeVar("B")


@frozen
class TextBlock(ApiBlock):
    """Text."""

    text: str

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From ``{"text": …}``."""
        return cls(raw["text"], raw=raw)

    def _built(self) -> dict[str, Any]:
        return {"text": self.text}


@frozen
class ReasoningBlock(ApiBlock):
    """How the model got there: text with the signature that the model wants back, or content that AWS has encrypted."""

    text: str | None = None
    signature: str | None = None
    redacted_content: bytes | None = None

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From ``{"reasoningContent": {…}}``."""
        kind, said = member(raw["reasoningContent"], ("reasoningText", "redactedContent"))
        if kind == "redactedContent":
            return cls(redacted_content=said, raw=raw)
        return cls(said["text"], said.get("signature"), raw=raw)

    def _built(self) -> dict[str, Any]:
        if self.redacted_content is not None:
            return {"reasoningContent": {"redactedContent": self.redacted_content}}
        return {"reasoningContent": {"reasoningText": given(text=self.text or "", signature=self.signature)}}


@frozen
class GuardBlock(ApiBlock):
    """Content for the guardrail to assess; where there is any, it assesses nothing else.

    Source: AWS's page "Use a guardrail with the Converse API".
    """

    content: str | ImageBlock
    """A text, or an image of the format ``png`` or ``jpeg`` given as bytes."""
    qualifiers: tuple[str, ...] = field(default=(), converter=as_texts)
    """For a text and contextual grounding: ``grounding_source``, ``query``, ``guard_content``."""

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From ``{"guardContent": {…}}``."""
        kind, said = member(raw["guardContent"], ("text", "image"))
        if kind == "image":
            return cls(ImageBlock.from_api(raw["guardContent"]), raw=raw)
        return cls(said["text"], said.get("qualifiers", ()), raw=raw)

    def _built(self) -> dict[str, Any]:
        if isinstance(self.content, ImageBlock):
            return {"guardContent": self.content.to_api()}
        return {"guardContent": {"text": given(text=self.content, qualifiers=list(self.qualifiers) or None)}}


@frozen
class CachePoint(ApiBlock):
    """The end of what the model may keep in its prompt cache: in messages, in the system prompt or in a list of tools.

    Source: AWS's page "Prompt caching for faster model inference".
    """

    ttl: str | None = None
    """How long it is kept after its last use: ``5m``, AWS's default, or ``1h``. A later point must not ask for longer."""
    type: str = "default"

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From ``{"cachePoint": {…}}``."""
        said = raw["cachePoint"]
        return cls(said.get("ttl"), said["type"], raw=raw)

    def _built(self) -> dict[str, Any]:
        return {"cachePoint": given(type=self.type, ttl=self.ttl)}


@frozen
class SearchResultBlock(ApiBlock):
    """Something that a search has found, so that the model can cite it."""

    source: str
    """Where it was found: a URL or a name."""
    title: str
    content: tuple[str, ...] = field(converter=as_texts)
    """What it says, in one text or several."""
    citations: bool | None = None
    """Whether the model shall cite it."""

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From ``{"searchResult": {…}}``."""
        said = raw["searchResult"]
        return cls(said["source"], said["title"], texts(said["content"]), enabled(said), raw=raw)

    def _built(self) -> dict[str, Any]:
        said = {"source": self.source, "title": self.title, "content": text_pieces(self.content)}
        return {"searchResult": said | given(citations=switch(self.citations))}


@frozen
class Citation:
    """A source of what the model says."""

    title: str | None = None
    source: str | None = None
    """Of a search result: its `SearchResultBlock.source`."""
    source_content: tuple[str, ...] = field(default=(), converter=as_texts)
    """The cited words."""
    location: Mapping[str, Any] | None = None
    """Where they stand, in AWS's form: a dict with one key, such as ``documentPage`` or ``web``."""

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From one of the ``citations``, or from the ``citation`` of a stream."""
        return cls(raw.get("title"), raw.get("source"), texts(raw.get("sourceContent", ())), raw.get("location"))

    def to_api(self) -> dict[str, Any]:
        """One of the ``citations``."""
        content = text_pieces(self.source_content) or None
        return given(title=self.title, source=self.source, sourceContent=content, location=self.location)


def _citations(citations: Iterable[Citation | Mapping[str, Any]]) -> tuple[Citation, ...]:
    return tuple(citation if isinstance(citation, Citation) else Citation.from_api(citation) for citation in citations)


@frozen
class CitationsBlock(ApiBlock):
    """Text of the model with the sources that it rests on."""

    content: tuple[str, ...] = field(default=(), converter=as_texts)
    """The text, in the pieces that AWS sent."""
    citations: tuple[Citation, ...] = field(default=(), converter=_citations)

    @property
    def text(self) -> str:
        """The text, joined."""
        return "".join(self.content)

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From ``{"citationsContent": {…}}``."""
        said = raw["citationsContent"]
        return cls(texts(said.get("content", ())), said.get("citations", ()), raw=raw)

    def _built(self) -> dict[str, Any]:
        citations = [citation.to_api() for citation in self.citations]
        return {"citationsContent": given(content=text_pieces(self.content) or None, citations=citations or None)}


@frozen
class UnknownBlock:
    """A content block of a kind that has no class here."""

    name: str
    """AWS's name of the kind."""
    raw: Mapping[str, Any] = field(factory=dict, repr=False)
    """The block as AWS sent it; ``{}`` where it came in the deltas of a stream."""
    deltas: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    """The events of a stream that it came in."""

    def to_api(self) -> dict[str, Any]:
        """The block as AWS sent it.

        Raises:
            ConfigurationError: it cannot be sent back, because the installed botocore does not know the kind and kept only
                its name, or because it came in the deltas of a stream.
        """
        if self.deltas or has_lost_content(self.raw):
            raise lost_content(self.name)
        return dict(self.raw)

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From a block of any kind, known or not."""
        ((name, said),) = raw.items()
        return cls(said["name"] if name == UNKNOWN_MEMBER else name, raw)


def known_or_unknown(raw: Mapping[str, Any], kinds: Mapping[str, Callable[[Mapping[str, Any]], B]]) -> B | UnknownBlock:
    """The value of a block in AWS's form, by the table of its kinds.

    Raises:
        KeyError, TypeError, ValueError: it is no block.
    """
    ((kind, _),) = raw.items()
    known = kinds.get(kind)
    try:
        return UnknownBlock.from_api(raw) if known is None else known(raw)
    except UnknownKindError:
        return UnknownBlock(kind, raw)
