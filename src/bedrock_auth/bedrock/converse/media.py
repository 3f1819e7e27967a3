"""Content blocks of images, video and audio, given as bytes, from a path or as a place in Amazon S3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from bedrock_auth.bedrock.forms import formats
from bedrock_auth.bedrock.forms.api_form import ApiBlock, given
from bedrock_auth.bedrock.forms.files import Source, brief, check, format_in_s3, location, read, source_from_api, source_to_api

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike
    from typing import Self


@frozen
class _MediaBlock(ApiBlock):
    """An image, a video or audio."""

    kind: ClassVar[formats.FileKind]

    format: str
    source: Source | None = field(repr=brief)
    """``None`` where AWS could not process it."""
    error: str | None = None
    """Why AWS could not process it."""

    @classmethod
    def from_bytes(cls, data: bytes, *, format: str | None = None, check_limits: bool = True) -> Self:  # noqa: A002 - AWS's own word
        """A block with this content.

        Args:
            data: the content of a file.
            format: AWS's name of the format; by default, what the content begins as.
            check_limits: whether AWS's general limits of size apply; some models take more.

        Raises:
            ConfigurationError: the format is not known, AWS does not take it, the content is in another one or too large.
        """
        check(cls.kind, data, check_limits=check_limits)
        return cls(formats.format_of(cls.kind, data, stated=format), data)

    @classmethod
    def from_file(cls, path: str | PathLike[str], *, format: str | None = None, check_limits: bool = True) -> Self:  # noqa: A002 - as above
        """A block with the content of a file; the format is that of its name, which the content must not contradict.

        Raises:
            ConfigurationError: as `from_bytes`.
            OSError: the file cannot be read.
        """
        data = read(cls.kind, path, check_limits=check_limits)
        return cls(formats.format_of(cls.kind, data, stated=format, name=str(path)), data)

    @classmethod
    def from_s3(cls, uri: str, *, format: str | None = None, bucket_owner: str | None = None) -> Self:  # noqa: A002 - as above
        """A block with a file in S3; the format is that of its name.

        Args:
            uri: ``s3://bucket/key``.
            format: AWS's name of the format, where the key does not end in it.
            bucket_owner: the account that the bucket belongs to, where it is another one.

        Raises:
            ConfigurationError: the address is none of S3's, or the format is not known or not taken by AWS.
        """
        return cls(format_in_s3(cls.kind, uri, format), location(uri, bucket_owner))

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From a block in AWS's form, such as ``{"image": {…}}``."""
        said = raw[cls.kind.name]
        source = source_from_api(said["source"]) if "source" in said else None
        return cls(said["format"], source, said.get("error", {}).get("message"), raw=raw)

    def _built(self) -> dict[str, Any]:
        source = None if self.source is None else source_to_api(self.source)
        error = None if self.error is None else {"message": self.error}
        return {self.kind.name: given(format=self.format, source=source, error=error)}


@frozen
class ImageBlock(_MediaBlock):
    """An image: ``png``, ``jpeg``, ``gif`` or ``webp``."""

    kind = formats.IMAGE


@frozen
class VideoBlock(_MediaBlock):
    """A video. Larger ones than 25 MB in base64 must be in S3."""

    kind = formats.VIDEO


@frozen
class AudioBlock(_MediaBlock):
    """A sound recording."""

    kind = formats.AUDIO
