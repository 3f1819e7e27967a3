"""What a knowledge base finds, as frozen values: `Hit`, its content of any kind, and where it comes from. Pure.

Source: AWS's pages "KnowledgeBaseRetrievalResult", "RetrievalResultContent" and "RetrievalResultLocation" in the Amazon Bedrock
API Reference. ``to_api()`` gives what AWS sent. botocore drops members that its model does not know, without a trace, so what
is newer than the installed botocore may arrive as an `UnknownContent` with nothing but its kind.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import field, frozen

from bedrock_auth.bedrock.forms.api_form import ApiBlock, given

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self


@frozen
class TextContent(ApiBlock):
    """A passage of a document."""

    text: str

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From ``{"type": "TEXT", "text": …}``; of old, ``type`` may be missing."""
        return cls(raw["text"], raw=raw)

    def _built(self) -> dict[str, Any]:
        return {"type": "TEXT", "text": self.text}


@frozen
class ImageContent(ApiBlock):
    """An image, or a picture in a document."""

    byte_content: str = field(repr=False)
    """AWS's ``data:`` URI, with the image in base64."""
    text: str = ""
    """What AWS says about it, if anything."""

    @property
    def media_type(self) -> str:
        """Its MIME type, such as ``image/png``."""
        return self.byte_content.partition(",")[0].removeprefix("data:").partition(";")[0]

    @property
    def data(self) -> bytes:
        """The image itself.

        Raises:
            ValueError: AWS has sent something else than base64.
        """
        return b64decode(self.byte_content.partition(",")[2], validate=True)

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From ``{"type": "IMAGE", "byteContent": …}``."""
        return cls(raw["byteContent"], raw.get("text", ""), raw=raw)

    def _built(self) -> dict[str, Any]:
        return {"type": "IMAGE", "byteContent": self.byte_content, **given(text=self.text or None)}


@frozen
class Column:
    """A cell of a `RowContent`; what AWS leaves out is ``None``."""

    name: str | None = None
    value: str | None = None
    """As text, whatever its type."""
    type: str | None = None
    """``STRING``, ``LONG``, ``DOUBLE``, ``BOOLEAN``, ``BLOB`` or ``NULL``."""

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Column:
        """From ``{"columnName": …, "columnValue": …, "type": …}``."""
        return cls(raw.get("columnName"), raw.get("columnValue"), raw.get("type"))

    def to_api(self) -> dict[str, Any]:
        """AWS's form."""
        return given(columnName=self.name, columnValue=self.value, type=self.type)


@frozen
class RowContent(ApiBlock):
    """A row of a table, from a structured data store."""

    columns: tuple[Column, ...]

    @property
    def text(self) -> str:
        """Names and values, a line for each column."""
        return "\n".join(f"{column.name or ''}: {'' if column.value is None else column.value}" for column in self.columns)

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From ``{"type": "ROW", "row": […]}``."""
        return cls(tuple(map(Column.from_api, raw["row"])), raw=raw)

    def _built(self) -> dict[str, Any]:
        return {"type": "ROW", "row": [column.to_api() for column in self.columns]}


@frozen
class AudioContent(ApiBlock):
    """A piece of a recording."""

    s3_uri: str
    transcription: str | None = None

    @property
    def text(self) -> str:
        """What is said in it."""
        return self.transcription or ""

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From ``{"type": "AUDIO", "audio": {…}}``."""
        return cls(raw["audio"]["s3Uri"], raw["audio"].get("transcription"), raw=raw)

    def _built(self) -> dict[str, Any]:
        return {"type": "AUDIO", "audio": given(s3Uri=self.s3_uri, transcription=self.transcription)}


@frozen
class VideoContent(ApiBlock):
    """A piece of a video."""

    s3_uri: str
    summary: str | None = None

    @property
    def text(self) -> str:
        """What happens in it."""
        return self.summary or ""

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From ``{"type": "VIDEO", "video": {…}}``."""
        return cls(raw["video"]["s3Uri"], raw["video"].get("summary"), raw=raw)

    def _built(self) -> dict[str, Any]:
        return {"type": "VIDEO", "video": given(s3Uri=self.s3_uri, summary=self.summary)}


@frozen
class UnknownContent:
    """Content of a kind that has no class here, or of which botocore has dropped what matters."""

    type: str | None
    """AWS's name of the kind."""
    raw: Mapping[str, Any] = field(factory=dict, repr=False)

    @property
    def text(self) -> str:
        """Its text, if it has one."""
        return str(self.raw.get("text", ""))

    def to_api(self) -> dict[str, Any]:
        """The content as AWS sent it."""
        return dict(self.raw)


HitContent: TypeAlias = TextContent | ImageContent | RowContent | AudioContent | VideoContent | UnknownContent
"""Content of any kind; each has a ``text``, if only an empty one."""

_KINDS: dict[str, Callable[[Mapping[str, Any]], HitContent]] = {
    "TEXT": TextContent.from_api,
    "IMAGE": ImageContent.from_api,
    "ROW": RowContent.from_api,
    "AUDIO": AudioContent.from_api,
    "VIDEO": VideoContent.from_api,
}


def content_from_api(raw: Mapping[str, Any]) -> HitContent:
    """The value of AWS's ``RetrievalResultContent``.

    Raises:
        AttributeError: it is none.
    """
    kind = raw.get("type", "TEXT" if "text" in raw else None)
    known = _KINDS.get(kind or "")
    try:
        return UnknownContent(kind, raw) if known is None else known(raw)
    except KeyError:
        return UnknownContent(kind, raw)


@frozen
class Location(ApiBlock):
    """Where a document is: ``Location("S3", "s3://bucket/key")``."""

    type: str
    """``S3``, ``WEB``, ``CONFLUENCE``, ``SALESFORCE``, ``SHAREPOINT``, ``CUSTOM``, ``KENDRA``, ``SQL``, ``ONEDRIVE``,
    ``GOOGLEDRIVE``, or whatever AWS adds."""
    uri: str | None = None
    """A URI in S3, a URL, the id of a custom document, or the SQL query that gave a row; ``None`` where AWS does not say."""

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From ``{"type": "S3", "s3Location": {"uri": …}}``; AWS names the member for its type, so new types are read too."""
        prefix = raw["type"].casefold()
        named = (value for name, value in raw.items() if name.casefold().startswith(prefix) and isinstance(value, Mapping))
        said = next(named, {})
        return cls(raw["type"], next((value for value in said.values() if isinstance(value, str)), None), raw=raw)

    def _built(self) -> dict[str, Any]:
        name, member = _LOCATIONS.get(self.type, (f"{self.type.casefold()}Location", "url"))
        return {"type": self.type, name: given(**{member: self.uri})}


_LOCATIONS = {
    "S3": ("s3Location", "uri"),
    "WEB": ("webLocation", "url"),
    "CONFLUENCE": ("confluenceLocation", "url"),
    "SALESFORCE": ("salesforceLocation", "url"),
    "SHAREPOINT": ("sharePointLocation", "url"),
    "CUSTOM": ("customDocumentLocation", "id"),
    "KENDRA": ("kendraDocumentLocation", "uri"),
    "SQL": ("sqlLocation", "query"),
    "ONEDRIVE": ("oneDriveLocation", "url"),
    "GOOGLEDRIVE": ("googleDriveLocation", "url"),
}


@frozen
class Hit(ApiBlock):
    """Something that a knowledge base has found, or that an answer rests on."""

    content: HitContent
    location: Location | None = None
    score: float | None = None
    """How relevant it is, the more the higher; scales differ between vector stores. ``None`` behind an answer."""
    metadata: Mapping[str, Any] = field(factory=dict)
    """The document's attributes, and AWS's own, which begin with ``x-amz-bedrock-kb-``."""
    document_id: str | None = None

    @property
    def text(self) -> str:
        """The text of the content, whatever its kind; empty for an image about which AWS says nothing."""
        return self.content.text

    @property
    def uri(self) -> str | None:
        """The location's."""
        return self.location.uri if self.location else None

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From one of Retrieve's ``retrievalResults``, or one of the ``retrievedReferences`` behind an answer.

        Raises:
            AttributeError, KeyError, TypeError: it is neither.
        """
        return cls(
            content_from_api(raw.get("content", {})),
            Location.from_api(raw["location"]) if "location" in raw else None,
            raw.get("score"),
            raw.get("metadata", {}),
            raw.get("documentId"),
            raw=raw,
        )

    def _built(self) -> dict[str, Any]:
        return given(
            content=self.content.to_api() or None,
            location=self.location.to_api() if self.location else None,
            score=self.score,
            metadata=dict(self.metadata) or None,
            documentId=self.document_id,
        )
