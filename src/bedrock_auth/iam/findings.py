"""`Finding`: one thing that is wrong with a policy."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from attrs import asdict, frozen

Severity: TypeAlias = Literal["error", "warning", "note"]


@frozen
class Finding:
    """One thing that is wrong with a policy, and what to do about it."""

    severity: Severity
    """``error``: AWS refuses the policy, or it does not do what it says. ``warning``: it allows more than it
    need, or relies on something that nobody here knows. ``note``: it may well be meant."""
    code: str
    """What kind of thing it is, such as ``no-such-action``; stable."""
    path: str
    """Where in the document, such as ``$.Statement[0].Action[1]``."""
    what: str
    why: str
    fix: str
    statement: int | None = None
    """The statement's number, from 0."""
    sid: str | None = None
    """Its ``Sid``, where it has one."""
    line: int | None = None
    """The line, where the policy came as text."""

    def to_api(self) -> dict[str, Any]:
        """A dict for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        where = f"line {self.line}, {self.path}" if self.line else self.path
        text = f"{self.severity}: {where}: {self.what}: {self.why}; {self.fix} [{self.code}]"
        return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)  # one line, whatever the policy holds
