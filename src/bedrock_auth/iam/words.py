"""Which known word somebody probably meant."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like this one, if any is."""
    near = get_close_matches(word, list(known), 1, 0.8)
    return near[0] if near else None


def hint(word: str, known: Iterable[str]) -> str:
    """The end of a sentence that asks whether another word was meant; empty where none is near."""
    near = nearest(word, known)
    return f": did you mean {near}?" if near else ""
