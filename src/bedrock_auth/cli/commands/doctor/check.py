"""`Check`: one thing that was looked at, how it is, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from attrs import frozen

if TYPE_CHECKING:
    from bedrock_auth.bedrock import Explanation

Status: TypeAlias = Literal["ok", "warning", "failed", "skipped"]


@frozen
class Check:
    """The outcome; its texts hold no secret."""

    name: str
    status: Status
    what: str
    """What was found."""
    why: str = ""
    """What that means, where it is not well."""
    fix: str = ""
    """What to do about it."""
    iam_actions: tuple[str, ...] = ()
    """What somebody must be allowed."""


def explained(name: str, error: BaseException, *, region_name: str | None = None, status: Status = "failed") -> Check:
    """The check for an error, in the words of `bedrock_auth.bedrock.explain`, which hold no secret."""
    from bedrock_auth.bedrock import explain  # noqa: PLC0415 - --help does not pay for botocore

    told: Explanation = explain(error, region_name=region_name)
    return Check(name, status, told.what, told.why, told.fix, told.iam_actions)


def skipped(name: str, because: str) -> Check:
    """The check that could not be made, or was not asked for."""
    return Check(name, "skipped", because)
