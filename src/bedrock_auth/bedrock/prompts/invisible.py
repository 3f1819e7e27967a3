"""Characters that people do not see and models read, such as a hidden instruction in Unicode's tag characters. Pure.

Sources: Unicode Standard Annex #44 (general categories ``Cc``, ``Cf``, ``Co``, ``Cs``, the noncharacters) and its property
``Default_Ignorable_Code_Point``; Unicode Technical Report #36, "Unicode Security Considerations". The ranges are written out,
so that every Python judges alike.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from unicodedata import category

if TYPE_CHECKING:
    from collections.abc import Callable

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_RANGES = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # controls but tabs and line feeds
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # soft hyphen, joiners and fillers of single scripts
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # zero width, bidirectional overrides and isolates, invisible operators
    "\ufe00-\ufe0f\ufff0-\ufffb"  # variation selectors, interlinear annotation
    "\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff"  # half characters, private use, noncharacters
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # layout of hieroglyphs, shorthand and music
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff"  # tag characters, more variation selectors, private use
)
_NONCHARACTERS = "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 15))
_INVISIBLE = re.compile(f"[{_RANGES}{_NONCHARACTERS}]")
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_ONE_SELECTOR = re.compile(f"(?<![{_SELECTORS}])[\ufe0e\ufe0f](?![{_SELECTORS}])")
"""What a phone puts behind an emoji; it says nothing to a model."""
_JOINERS = "\u200c\u200d"


def with_line_feeds(text: str) -> str:
    """The text with one kind of line end, and without the single variation selectors that emoji have."""
    return _ONE_SELECTOR.sub("", _LINE_ENDS.sub("\n", text))


def without_invisible(text: str) -> str:
    r"""The text without them.

    >>> without_invisible("Pay\u200b me \U000e0050\U000e0057now")
    'Pay me now'
    """
    return _replaced(with_line_feeds(text), lambda _: "")


def with_shown_invisible(text: str) -> str:
    r"""The text with the code point in the place of each.

    >>> with_shown_invisible("Pay\u200b me")
    'Pay[U+200B] me'
    """
    return _replaced(with_line_feeds(text), lambda found: f"[{_code_point(found)}]")


def first_invisible(text: str) -> str | None:
    """The first of them as ``U+200B``, if there is one."""
    found = (match[0] for match in _INVISIBLE.finditer(with_line_feeds(text)) if not _joins(match))
    return next((_code_point(character) for character in found), None)


def _code_point(character: str) -> str:
    return f"U+{ord(character):04X}"


def _replaced(text: str, replacement: Callable[[str], str]) -> str:
    def replace(match: re.Match[str]) -> str:
        return match[0] if _joins(match) else replacement(match[0])

    return _INVISIBLE.sub(replace, text)


def _joins(match: re.Match[str]) -> bool:
    """Whether this is a joiner that spelling needs: one between letters of a script without case, or between two emoji."""
    text, at = match.string, match.start()
    if match[0] not in _JOINERS or not 0 < at < len(text) - 1:
        return False
    return _kind(text[at - 1]) == _kind(text[at + 1]) != ""


def _kind(character: str) -> str:
    kind = category(character)
    if kind in {"Lo", "Mn", "Mc"}:
        return "letter"
    return "emoji" if kind in {"So", "Sk"} else ""
