"""`Reason`: one row of the table in `bedrock_auth.bedrock.failures.reasons`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Callable

    from bedrock_auth.bedrock.errors import ServiceError


def _nothing(_text: str) -> str:
    return ""


@frozen
class Reason:
    """Why a service says no, what a program may do, and what a person must."""

    codes: tuple[str, ...]
    """AWS's error codes in canonical spelling that the row is about; empty where the text alone decides."""
    error: type[ServiceError]
    """The class to raise."""
    says: str = field(default="", kw_only=True)
    """A regular expression for what the text must hold, after `wording.normalised` and in lower case."""
    retryable: bool = field(default=False, kw_only=True)
    """Whether the very same request may well succeed when it is sent again."""
    retry_after: float = field(default=0.0, kw_only=True)
    """Seconds before which sending it again is of no use."""
    why: str = field(kw_only=True)
    fix: str = field(kw_only=True)
    iam_actions: tuple[str, ...] = field(default=(), kw_only=True)
    """The actions to allow where the text names none."""
    detail: Callable[[str], str] = field(default=_nothing, kw_only=True)
    """What can be read from the text besides: a sentence for ``why``, or nothing."""
    page: str = field(kw_only=True)
    """The AWS page that the row comes from."""

    def fits(self, code: str, text: str) -> bool:
        """Whether the row is about an error of this code and text."""
        return (not self.codes or code in self.codes) and re.search(self.says, text) is not None
