"""Rules about conditions. Source: IAM User Guide, "IAM JSON policy elements: Condition operators"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_auth.iam.catalogue import KEYS, OPERATORS
from bedrock_auth.iam.words import hint, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bedrock_auth.iam.document import Condition, View
    from bedrock_auth.iam.findings import Finding

_NEVER = {"cloudtraillogged"}
"""Keys that circulate and have never been there."""


def of_statement(view: View) -> Iterator[Finding]:
    """What is wrong with the conditions of a statement."""
    for condition in view.conditions:
        yield from _operator(view, condition)
        yield from _key(view, condition)
        yield from _values(view, condition)


def plain(operator: str) -> str:
    """An operator without ``IfExists`` and its prefix for sets."""
    return operator.removeprefix("ForAnyValue:").removeprefix("ForAllValues:").removesuffix("IfExists")


def _operator(view: View, condition: Condition) -> Iterator[Finding]:
    operator = plain(condition.operator)
    if operator not in OPERATORS:
        what = f"{condition.operator!r} is no condition operator{hint(operator, OPERATORS)}"
        yield view.find("error", "no-such-operator", condition.path, what, "IAM refuses the policy", "correct the operator")


def _key(view: View, condition: Condition) -> Iterator[Finding]:
    prefix, colon, name = condition.key.partition(":")
    if not colon:
        what = f"{condition.key!r} is no condition key"
        yield view.find(
            "error", "no-such-key", condition.path, what, "a key is service:Name", "write aws:RequestedRegion, for example"
        )
        return
    known = {key.lower(): key for key in KEYS.get(prefix.lower(), ())}
    head, slash, _ = name.lower().partition("/")
    if not known or head + slash in known:
        return
    near = nearest(head + slash, known)
    never = near is not None or name.lower() in _NEVER
    why = "it is never set, so the condition is never met" if never else "it is never met, unless the key is newer than this list"
    fix = f"write {prefix}:{known[near]}" if near else "leave it out"
    what = f"{condition.key} is no condition key"
    yield view.find("error" if never else "warning", "no-such-key", condition.path, what, why, fix)


def _values(view: View, condition: Condition) -> Iterator[Finding]:
    operator = plain(condition.operator)
    if operator not in OPERATORS or not operator.startswith("String") or "Like" in operator:
        return
    for value in condition.values:
        if "*" in value.value:
            what, why = f"* in a value of {condition.operator}", "it is a star there, no wildcard"
            fix = f"use {condition.operator.replace('EqualsIgnoreCase', 'Like').replace('Equals', 'Like')}"
            yield view.find("error", "literal-star", value.path, what, why, fix)
