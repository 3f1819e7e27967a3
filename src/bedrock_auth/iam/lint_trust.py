"""Rules about trust policies: whose tokens may assume a role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_auth.iam.glob import matches
from bedrock_auth.iam.lint_conditions import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bedrock_auth.iam.document import Condition, Text, View
    from bedrock_auth.iam.findings import Finding

_WEB_IDENTITY = "sts:assumerolewithwebidentity"


def of_statement(view: View) -> Iterator[Finding]:
    """What is wrong with whom a statement trusts."""
    if not view.allows or not any(matches(action.value.lower(), "sts:assumerole") or _is_web(action) for action in view.actions):
        return
    for kind, principal in view.principals:
        if principal.value == "*" and kind in {"*", "AWS"}:
            yield from _anybody(view, principal)
        if kind == "Federated" and any(_is_web(action) for action in view.actions):
            yield from _federated(view, principal)


def _is_web(action: Text) -> bool:
    return matches(action.value.lower(), _WEB_IDENTITY)


def _anybody(view: View, principal: Text) -> Iterator[Finding]:
    what, fix = "everybody may assume the role", "name accounts or roles, with sts:ExternalId for other people's"
    if not view.conditions:
        yield view.find("error", "anybody", principal.path, what, "* is every account of AWS", fix)
    else:
        yield view.find("warning", "anybody", principal.path, f"{what} who meets the condition", "* is every account of AWS", fix)


def _federated(view: View, principal: Text) -> Iterator[Finding]:
    name = principal.value
    if name.startswith("cognito-identity"):
        fixes = {"aud": "the identity pool's id", "amr": "authenticated or unauthenticated"}
        yield from _needed(view, principal, name, fixes, "pools of every account are let in")
    elif ":oidc-provider/" in name:
        issuer = name.partition(":oidc-provider/")[2]
        yield from _needed(
            view, principal, issuer, {"aud": "the audience", "sub": "the subject"}, "every token of the issuer is let in"
        )


def _needed(view: View, principal: Text, issuer: str, claims: dict[str, str], why: str) -> Iterator[Finding]:
    for claim, value in claims.items():
        key = f"{issuer}:{claim}"
        if not any(_demands(condition, key) for condition in view.conditions):
            what = f"nothing is demanded of {key}"
            yield view.find("error", f"no-{claim}", principal.path, what, why, f"add a condition that {key} is {value}")


def _demands(condition: Condition, key: str) -> bool:
    """Whether it lets in only tokens that have a certain value there."""
    lenient = condition.operator.endswith("IfExists") or condition.operator.startswith("ForAllValues:")
    positive = plain(condition.operator) in {"StringEquals", "StringEqualsIgnoreCase", "StringLike"}
    said = all(value.value.strip("*?") for value in condition.values) and bool(condition.values)
    return condition.key.lower() == key.lower() and positive and not lenient and said
