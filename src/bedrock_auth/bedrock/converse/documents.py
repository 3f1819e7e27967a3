"""Content blocks of documents, given as text, as bytes, from a path or as a place in Amazon S3, and the names that they may have.

Sources: AWS's pages "DocumentBlock" and "Message" in the Amazon Bedrock API Reference. In practice AWS takes letters and digits
of ASCII only, no white space but the space, and the underscore too.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.bedrock.forms.api_form import ApiBlock, enabled, given, switch, text_pieces, texts
from bedrock_auth.bedrock.forms.files import Source, brief, check, format_in_s3, location, read, source_from_api, source_to_api
from bedrock_auth.bedrock.forms.formats import DOCUMENT, format_of
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike
    from typing import Self

_LONGEST = 200
_NAME = re.compile(r"(?!.*  )[A-Za-z0-9 _()\[\]-]+")
_REFUSED = re.compile(r"[^A-Za-z0-9 _()\[\]-]+")


@frozen
class DocumentBlock(ApiBlock):
    """A document. A message with one needs a text too."""

    name: str
    """What the model reads as its name: letters, digits, single spaces, ``-``, ``_``, ``()`` and ``[]``."""
    source: Source | str | tuple[str, ...] = field(repr=brief)
    """Its content, or its text, in one piece or in several that can be cited."""
    format: str | None = None
    context: str | None = None
    """What the model needs to know about it."""
    citations: bool | None = None
    """Whether the model shall cite it."""

    @classmethod
    def from_bytes(  # noqa: PLR0913 - the members of AWS's structure
        cls,
        data: bytes,
        *,
        name: str,
        format: str | None = None,  # noqa: A002 - AWS's own word
        context: str | None = None,
        citations: bool | None = None,
        check_limits: bool = True,
    ) -> Self:
        """A block with this content.

        Args:
            data: the content of a file.
            name: what the model reads as its name; no two documents of a conversation may have the same.
            format: AWS's name of the format; by default, what the content begins as.
            context: what the model needs to know about it.
            citations: whether the model shall cite it.
            check_limits: whether AWS's general limit of size applies; some models take larger PDF and DOCX files.

        Raises:
            ConfigurationError: the name is not one that AWS takes, the format is not known, AWS does not take it, or the
                content is in another one or too large.
        """
        check(DOCUMENT, data, check_limits=check_limits)
        return cls(check_name(name), data, format_of(DOCUMENT, data, stated=format), context, citations)

    @classmethod
    def from_file(  # noqa: PLR0913 - as above
        cls,
        path: str | PathLike[str],
        *,
        name: str | None = None,
        format: str | None = None,  # noqa: A002 - as above
        context: str | None = None,
        citations: bool | None = None,
        check_limits: bool = True,
    ) -> Self:
        """A block with the content of a file; its name is that of the file, with what AWS does not take replaced.

        Raises:
            ConfigurationError: as `from_bytes`.
            OSError: the file cannot be read.
        """
        data = read(DOCUMENT, path, check_limits=check_limits)
        told = format_of(DOCUMENT, data, stated=format, name=str(path))
        return cls(name_of_file(str(path)) if name is None else check_name(name), data, told, context, citations)

    @classmethod
    def from_s3(  # noqa: PLR0913 - as above
        cls,
        uri: str,
        *,
        name: str | None = None,
        format: str | None = None,  # noqa: A002 - as above
        bucket_owner: str | None = None,
        context: str | None = None,
        citations: bool | None = None,
    ) -> Self:
        """A block with a document in S3; name and format are by default those of the key, as in `from_file`.

        Raises:
            ConfigurationError: as `from_bytes`, or the address is none of S3's.
        """
        told = format_in_s3(DOCUMENT, uri, format)
        named = name_of_file(uri) if name is None else check_name(name)
        return cls(named, location(uri, bucket_owner), told, context, citations)

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From ``{"document": {…}}``."""
        said = raw["document"]
        source = _document_source(said["source"])
        return cls(said["name"], source, said.get("format"), said.get("context"), enabled(said), raw=raw)

    def _built(self) -> dict[str, Any]:
        match self.source:
            case str(text):
                source: dict[str, Any] = {"text": text}
            case tuple(content):
                source = {"content": text_pieces(content)}
            case other:
                source = source_to_api(other)
        said = given(format=self.format, context=self.context, citations=switch(self.citations))
        return {"document": {"name": self.name, "source": source, **said}}


def _document_source(raw: Mapping[str, Any]) -> Source | str | tuple[str, ...]:
    match raw:
        case {"text": str(text), **more} if not more:
            return text
        case {"content": list(content), **more} if not more:
            return texts(content)
    return source_from_api(raw)


def check_name(name: str) -> str:
    """The name, if AWS takes it.

    Raises:
        ConfigurationError: it is empty or too long, or has characters that AWS does not take.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        msg = (
            "a document's name has 1 to 200 letters and digits of ASCII, single spaces, hyphens, underscores, parentheses and "
            "square brackets; leave out its suffix and everything else"
        )
        raise ConfigurationError(msg, setting="name")
    return name


def name_of_file(path: str) -> str:
    """The name of a file without its suffix, as near as AWS allows; ``document`` where nothing of it is left."""
    cleaned = _REFUSED.sub("-", PurePath(path).stem)
    return re.sub(" {2,}", " ", cleaned).strip(" -")[:_LONGEST] or "document"
