"""What a docstring in Google's style says: its description, and each argument's. Pure.

The style is that of https://google.github.io/styleguide/pyguide.html, section 3.8.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECTION = re.compile(
    r"(?:Args|Arguments|Attributes|Examples?|Notes?|Raises|References|Returns|See Also|Todo|Warnings?|Warns|Yields):\s*"
)
_MEMBERS = re.compile(r"(?:Args|Arguments|Attributes):\s*")
_MEMBER = re.compile(r"(?P<indent>\s+)\*{0,2}(?P<name>\w+)\s*(?:\([^)]*\))?:\s*(?P<words>.*)")


def summary(documented: object) -> str:
    """Everything before the first section, or an empty text."""
    lines = _lines(documented)
    end = next((index for index, line in enumerate(lines) if _SECTION.fullmatch(line)), len(lines))
    return "\n".join(lines[:end]).strip()


def member_descriptions(documented: object) -> dict[str, str]:
    """What the sections ``Args`` and ``Attributes`` say, by name, each in one line."""
    said: dict[str, list[str]] = {}
    name, depth = "", 0
    for line in _member_lines(_lines(documented)):
        found = _MEMBER.fullmatch(line)
        if found and (not depth or len(found["indent"]) <= depth):
            name, depth = found["name"], len(found["indent"])
            said[name] = [found["words"]]
        elif name:
            said[name].append(line.strip())
    return {name: " ".join(filter(None, words)) for name, words in said.items()}


def _lines(documented: object) -> list[str]:
    return (inspect.cleandoc(getattr(documented, "__doc__", None) or "")).splitlines()


def _member_lines(lines: list[str]) -> Iterator[str]:
    inside = False
    for line in lines:
        if line and not line.startswith(" "):
            inside = _MEMBERS.fullmatch(line) is not None
        elif inside:
            yield line
