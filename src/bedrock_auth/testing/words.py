"""How well a text fits a question, by the words that they share."""

from __future__ import annotations

import re
from collections import Counter
from math import log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORD = re.compile(r"\w+")
_COMMON = frozenset(
    _WORD.findall(
        """a an and are as at be but by can did do does for from had has have how i if in into is it its many may me much my no
        not of on or our so that the their them then there these they this to was we were what when where which who why will
        with you your"""
    )
)


def words_of(text: str) -> set[str]:
    """The words of a text that say what it is about: in lower case, without the commonest ones of English."""
    return set(_WORD.findall(text.lower())) - _COMMON


def scores(question: str, texts: Sequence[str]) -> list[float]:
    """The weight of the question's words that each text has, from 0 to 1; a rare word weighs more than a frequent one."""
    asked = words_of(question)
    found = [asked & words_of(text) for text in texts]
    frequency = Counter(word for words in found for word in words)
    weight = {word: log(1 + len(texts) / (1 + frequency[word])) for word in asked}
    whole = sum(weight.values()) or 1.0
    return [round(sum(weight[word] for word in sorted(words)) / whole, 6) for words in found]
