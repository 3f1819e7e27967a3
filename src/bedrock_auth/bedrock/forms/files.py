"""Where the content of a file comes from: bytes, a path, or a place in Amazon S3."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import frozen

from bedrock_auth.bedrock.forms.api_form import given, member
from bedrock_auth.bedrock.forms.formats import FileKind, check_pixels, check_size, format_by_name, stated_format
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike
    from typing import Self

_S3_URI = re.compile(r"s3://[a-z0-9][.\-a-z0-9]{1,61}[a-z0-9](/.*)?", re.DOTALL)
"""Source: the model of ``S3Location``."""


@frozen
class S3Location:
    """A file in Amazon S3."""

    uri: str
    """``s3://bucket/key``."""
    bucket_owner: str | None = None
    """The account that the bucket belongs to, where it is another one."""

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From ``{"uri": …}``."""
        return cls(raw["uri"], raw.get("bucketOwner"))

    def to_api(self) -> dict[str, Any]:
        """``{"uri": …}``."""
        return given(uri=self.uri, bucketOwner=self.bucket_owner)


Source: TypeAlias = bytes | S3Location


def brief(source: object) -> str:
    """How content is shown: bytes by their number only."""
    return f"<{len(source)} bytes>" if isinstance(source, bytes | bytearray) else repr(source)


def source_from_api(raw: Mapping[str, Any]) -> Source:
    """The content of a file in AWS's form.

    Raises:
        UnknownKindError: it is given in another way than as bytes or as a place in S3.
    """
    kind, said = member(raw, ("bytes", "s3Location"))
    return said if kind == "bytes" else S3Location.from_api(said)


def source_to_api(source: Source) -> dict[str, Any]:
    """The content of a file, as AWS takes it."""
    return {"s3Location": source.to_api()} if isinstance(source, S3Location) else {"bytes": source}


def check(kind: FileKind, data: bytes, *, check_limits: bool) -> None:
    """See that AWS takes content of this size, if that is to be checked.

    Raises:
        ConfigurationError: it is empty or too large.
    """
    if check_limits:
        check_size(kind, len(data))
        check_pixels(kind, data)


def read(kind: FileKind, path: str | PathLike[str], *, check_limits: bool) -> bytes:
    """The content of a file, if AWS takes one of this size.

    Raises:
        ConfigurationError: it is empty or too large.
        OSError: it cannot be read.
    """
    file = Path(path)
    if check_limits:
        check_size(kind, file.stat().st_size)  # a film need not be read to know that it is too long
    data = file.read_bytes()
    check(kind, data, check_limits=check_limits)
    return data


def format_in_s3(kind: FileKind, uri: str, stated: str | None) -> str:
    """AWS's name of the format of a file in S3: what is stated, or what its name says.

    Raises:
        ConfigurationError: it is not known, or AWS does not take it.
    """
    told = format_by_name(kind, uri) if stated is None else stated_format(kind, stated)
    if told is None:
        msg = f"the format of the {kind.name} cannot be told from the name of the file in S3; state its format"
        raise ConfigurationError(msg, setting="format")
    return told


def location(uri: str, bucket_owner: str | None) -> S3Location:
    """The place of a file in S3.

    Raises:
        ConfigurationError: it is none.
    """
    if not _S3_URI.fullmatch(uri):
        msg = "a file in S3 is given by an address such as s3://bucket/key"
        raise ConfigurationError(msg, setting="uri")
    return S3Location(uri, bucket_owner)
