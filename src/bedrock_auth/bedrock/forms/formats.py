"""What a file is, by its name and by its first bytes, and whether AWS takes it. Pure.

Sources: AWS's pages "Message" and "VideoSource" in the Amazon Bedrock API Reference and "API restrictions" in the User Guide.
AWS's megabytes are 1024 * 1024 bytes, and what it limits is the size in base64: 3.75 MB are 5 MB then.
"""

from __future__ import annotations

import re
from pathlib import PurePath

from attrs import frozen

from bedrock_auth.bedrock.forms.pixels import pixels
from bedrock_auth.errors import ConfigurationError

MEGABYTE = 1024 * 1024
MAX_PIXELS = 8000


@frozen
class FileKind:
    """A kind of file that a content block holds."""

    name: str
    formats: tuple[str, ...]
    """AWS's names of the formats."""
    max_size: int | None = None
    """Bytes; ``None`` where AWS documents no limit."""
    has_pixels: bool = False
    """Whether its width and height are limited too."""


IMAGE = FileKind("image", ("png", "jpeg", "gif", "webp"), int(3.75 * MEGABYTE), has_pixels=True)
DOCUMENT = FileKind("document", ("pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"), int(4.5 * MEGABYTE))
VIDEO = FileKind("video", ("mp4", "mov", "mkv", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp"), int(18.75 * MEGABYTE))
AUDIO = FileKind(
    "audio",
    ("mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg", "mpga", "pcm", "webm"),
)

_OTHER_NAMES = {
    "jpg": "jpeg",
    "jpe": "jpeg",
    "htm": "html",
    "markdown": "md",
    "text": "txt",
    "3gp": "three_gp",
    "3gpp": "three_gp",
}
_MAGIC = tuple(
    (re.compile(pattern, re.DOTALL), known.split())
    for pattern, known in (
        (rb"\x89PNG\r\n\x1a\n", "png"),
        (rb"\xff\xd8\xff", "jpeg"),
        (rb"GIF8[79]a", "gif"),
        (rb"RIFF.{4}WEBP", "webp"),
        (rb"RIFF.{4}WAVE", "wav"),
        (rb"(\xef\xbb\xbf)?\s*%PDF-", "pdf"),
        (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "doc xls"),
        (rb"(?=PK\x03\x04).*?PK\x03\x04.{26}word/document", "docx"),
        (rb"(?=PK\x03\x04).*?PK\x03\x04.{26}xl/workbook", "xlsx"),
        (rb"PK\x03\x04", "zip"),
        (rb"\x00\x00.{2}ftypqt", "mov mp4"),
        (rb"\x00\x00.{2}ftyp3g", "three_gp mp4"),
        (rb"\x00\x00.{2}ftypM4A", "m4a mp4"),
        (rb"\x00\x00.{2}ftyp", "mp4 m4a mov three_gp"),
        (rb"\x1a\x45\xdf\xa3.{0,60}webm", "webm mkv mka"),
        (rb"\x1a\x45\xdf\xa3", "mkv mka"),
        (rb"FLV\x01", "flv"),
        (rb"\x00\x00\x01[\xba\xb3]", "mpeg mpg"),
        (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "wmv"),
        (rb"fLaC", "flac"),
        (rb"OggS.{24}OpusHead", "opus ogg"),
        (rb"OggS", "ogg opus"),
        (rb"ID3[\x02-\x04]", "mp3 mpeg mpga aac x-aac flac"),
        (rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]", "mp3 mpeg mpga"),
        (rb"\xff[\xf0\xf1\xf8\xf9]", "aac x-aac"),
    )
)
"""How files begin, and the formats that they may be in then, the likeliest first. The first row that fits decides."""
_ALWAYS = frozenset({"png", "jpeg", "gif", "webp", "wav", "docx", "xlsx", "webm", "mkv", "mka", "flv", "wmv", "flac", "ogg"})
"""Formats of which every file begins as in that table."""
_TEXTS = frozenset({"csv", "html", "md", "txt"})


def format_by_name(kind: FileKind, name: str) -> str | None:
    """The format that the suffix of a file's name says, or ``None`` where it is none of this kind."""
    suffix = PurePath(name).suffix.lower().removeprefix(".")
    named = _OTHER_NAMES.get(suffix, suffix)
    return named if named in kind.formats else None


def format_of(kind: FileKind, data: bytes, *, stated: str | None = None, name: str = "") -> str:
    """AWS's name of the format of this content.

    Args:
        kind: what the block holds.
        data: the content.
        stated: the format that the caller states; goes before the file's name.
        name: of the file.

    Raises:
        ConfigurationError: it is not known, AWS does not take it, or the content says something else.
    """
    claimed = format_by_name(kind, name) if stated is None else stated_format(kind, stated)
    begins_as, magic = next(((formats, found[0]) for pattern, formats in _MAGIC if (found := pattern.match(data))), ([], b""))
    fitting = [known for known in begins_as if known in kind.formats]
    if not begins_as or (not fitting and claimed in _TEXTS and magic.isascii()):  # a text may begin with any letters
        return _unproven(kind, claimed)
    if not fitting:
        raise _wrong(f"the {kind.name} is in the format {begins_as[0]}; {_takes(kind)}")
    if claimed is not None and claimed not in fitting:
        raise _wrong(
            f"the {kind.name} is said to be {claimed}, but its content is {fitting[0]}; state the right format, or fix its name"
        )
    return claimed or fitting[0]


def stated_format(kind: FileKind, stated: str) -> str:
    """AWS's name of a format that the caller states.

    Raises:
        ConfigurationError: AWS does not take it.
    """
    known = _OTHER_NAMES.get(stated, stated)
    if known not in kind.formats:
        raise _wrong(f"the {kind.name} cannot have the format {stated!r}; {_takes(kind)}")
    return known


def _unproven(kind: FileKind, claimed: str | None) -> str:
    if claimed is None:
        raise _wrong(f"the format of the {kind.name} can be told neither from a name nor from its content; state its format")
    if claimed in _ALWAYS:
        raise _wrong(f"the {kind.name} is said to be {claimed}, but does not begin as such files do; is it damaged?")
    return claimed


def check_size(kind: FileKind, size: int) -> None:
    """See that AWS takes content of so many bytes.

    Raises:
        ConfigurationError: it is empty or too large.
    """
    if size == 0:
        raise _wrong(f"the {kind.name} is empty", "source")
    if kind.max_size is not None and size > kind.max_size:
        limit = f"{kind.max_size / MEGABYTE:g} MB"
        msg = f"the {kind.name} has {size / MEGABYTE:.2f} MB, and AWS takes at most {limit}; {_WAY_OUT}"
        raise _wrong(msg, "source")


def check_pixels(kind: FileKind, data: bytes) -> None:
    """See that AWS takes an image of this width and height, in pixels.

    Raises:
        ConfigurationError: one of them is too large.
    """
    if kind.has_pixels and (found := pixels(data)) and max(found) > MAX_PIXELS:
        width, height = found
        raise _wrong(
            f"the {kind.name} is {width} x {height} pixels, and AWS takes at most {MAX_PIXELS} each way; {_WAY_OUT}", "source"
        )


_WAY_OUT = "make it smaller, or pass check_limits=False where your model takes more"


def _takes(kind: FileKind) -> str:
    return f"AWS takes {', '.join(kind.formats)}"


def _wrong(message: str, setting: str = "format") -> ConfigurationError:
    return ConfigurationError(message, setting=setting)
