"""Files that an agent gets to read: `InputFile`, given as bytes, from a path or as a place in Amazon S3.

Sources: "InputFile", "ByteContentFile" and "S3ObjectFile" in the Amazon Bedrock API Reference, "Test code interpretation" in the
User Guide. In one request there are at most five files, and those given as bytes have at most 10 MB together.
"""

from __future__ import annotations

from os import PathLike
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.bedrock.forms.api_form import several
from bedrock_auth.bedrock.forms.files import S3Location, Source, brief, check, format_in_s3, location, read
from bedrock_auth.bedrock.forms.formats import MEGABYTE, FileKind, format_of
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from typing import Self

_OFFICE = "application/vnd.openxmlformats-officedocument"
_MEDIA_TYPES = {
    "csv": "text/csv",
    "xls": "application/vnd.ms-excel",
    "xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    "yaml": "application/x-yaml",
    "json": "application/json",
    "doc": "application/msword",
    "docx": f"{_OFFICE}.wordprocessingml.document",
    "html": "text/html",
    "md": "text/markdown",
    "txt": "text/plain",
    "pdf": "application/pdf",
}
FILE = FileKind("file", tuple(_MEDIA_TYPES), 10 * MEGABYTE)
USE_CASES = ("CODE_INTERPRETER", "CHAT")
_MAX_FILES = 5


def _use_case(use_case: Any) -> str:
    if use_case in USE_CASES:
        return str(use_case)
    msg = f"use_case is CODE_INTERPRETER, to calculate with the file, or CHAT, to talk about it, not {use_case!r}"
    raise ConfigurationError(msg, setting="use_case")


@frozen
class InputFile:
    """A file for an agent that has code interpretation switched on."""

    name: str
    """With its suffix."""
    source: Source = field(repr=brief)
    media_type: str | None = None
    """The MIME type of bytes; AWS finds out itself what is in S3."""
    use_case: str = field(default="CODE_INTERPRETER", converter=_use_case)
    """``CODE_INTERPRETER`` or ``CHAT``."""

    @classmethod
    def from_bytes(cls, data: bytes, *, name: str, use_case: str = "CODE_INTERPRETER", check_limits: bool = True) -> Self:
        """A file with this content.

        Args:
            data: the content.
            name: with a suffix, which says the format and which the content must not contradict.
            use_case: ``CODE_INTERPRETER`` or ``CHAT``.
            check_limits: whether AWS's limit of size applies.

        Raises:
            ConfigurationError: AWS does not take the format, the content is in another one, empty or too large.
        """
        check(FILE, data, check_limits=check_limits)
        return cls(name, data, _MEDIA_TYPES[format_of(FILE, data, name=name)], use_case)

    @classmethod
    def from_file(
        cls,
        path: str | PathLike[str],
        *,
        name: str | None = None,
        use_case: str = "CODE_INTERPRETER",
        check_limits: bool = True,
    ) -> Self:
        """A file on this machine; its name is by default the one that it has here.

        Raises:
            ConfigurationError: as `from_bytes`.
            OSError: the file cannot be read.
        """
        data = read(FILE, path, check_limits=check_limits)
        return cls.from_bytes(data, name=name or PurePath(path).name, use_case=use_case, check_limits=check_limits)

    @classmethod
    def from_s3(cls, uri: str, *, name: str | None = None, use_case: str = "CODE_INTERPRETER") -> Self:
        """A file in S3; its name is by default the last part of the key.

        Raises:
            ConfigurationError: the address is none of S3's, or AWS does not take the format that the key's suffix says.
        """
        format_in_s3(FILE, uri, None)
        return cls(name or PurePath(uri).name, location(uri, None), None, use_case)

    def to_api(self) -> dict[str, Any]:
        """A member of AWS's ``files``."""
        if isinstance(self.source, S3Location):
            source: dict[str, Any] = {"sourceType": "S3", "s3Location": self.source.to_api()}
        else:
            source = {"sourceType": "BYTE_CONTENT", "byteContent": {"mediaType": self.media_type, "data": self.source}}
        return {"name": self.name, "source": source, "useCase": self.use_case}


def files_to_api(files: Any) -> list[Any]:
    """AWS's ``files``: `InputFile` values, paths, and dicts in boto3's form.

    Raises:
        ConfigurationError: there are too many, or they are too large together.
        OSError: one cannot be read.
    """
    made = [InputFile.from_file(file) if isinstance(file, str | PathLike) else file for file in several(files)]
    if len(made) > _MAX_FILES:
        raise ConfigurationError(
            f"there are {len(made)} files, and AWS takes at most {_MAX_FILES}; leave some out", setting="files"
        )
    size = sum(len(file.source) for file in made if isinstance(file, InputFile) and isinstance(file.source, bytes))
    if FILE.max_size is not None and size > FILE.max_size:
        msg = f"the files have {size / MEGABYTE:.1f} MB together, and AWS takes at most 10 MB; put them into S3"
        raise ConfigurationError(msg, setting="files")
    return [file.to_api() if isinstance(file, InputFile) else file for file in made]
