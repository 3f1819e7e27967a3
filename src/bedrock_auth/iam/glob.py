"""IAM's wildcards: ``*`` for any characters, ``?`` for one. Source: IAM User Guide, "IAM JSON policy elements: Resource"."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache

from bedrock_auth.iam.arns import Arn


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern.replace("[", "[[]")))  # never exponential, however many stars; brackets mean nothing


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern covers a text; upper and lower case differ."""
    return bool(_compiled(pattern).fullmatch(text))


def has_wildcard(text: str) -> bool:
    """Whether a text has a wildcard."""
    return "*" in text or "?" in text


def open_arn(text: str) -> Arn | None:
    """The parts of an ARN, with ``*`` for each variable of IAM or CloudFormation, such as ``${aws:username}``."""
    return Arn.parse(re.sub(r"\$\{[^}]*\}", "*", text))
