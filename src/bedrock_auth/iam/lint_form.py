"""Rules about the form of a policy. Source: IAM User Guide, "Grammar of the IAM JSON policy language"."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bedrock_auth.iam.findings import Finding
from bedrock_auth.iam.words import hint

if TYPE_CHECKING:
    from bedrock_auth.iam.document import Document, View

_TOP = ("Version", "Id", "Statement")
_ELEMENTS = ("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition")
_VERSIONS = {"2012-10-17", "2008-10-17"}
_CURRENT = 'write "Version": "2012-10-17"'


def of_document(document: Document) -> Iterator[Finding]:
    """What is wrong with the form."""
    raw = document.raw
    if not isinstance(raw, Mapping):
        yield Finding(
            "error", "no-policy", "$", f"a {_kind(raw)}", "a policy is an object", "write an object with Version and Statement"
        )
        return
    for path in document.repeated:
        yield Finding(
            "error", "repeated-key", path, "the same key twice", "only the last one counts", "leave one out, or use a list"
        )
    yield from _unknown("$", raw, _TOP)
    yield from _version(raw)
    yield from _statements(raw)
    for view in document.views:
        yield from _statement(view)
    yield from _sids(document.views)


def _unknown(path: str, raw: Mapping[Any, Any], known: Collection[str]) -> Iterator[Finding]:
    for name in raw:
        if name not in known:
            what = f"{name!r} is no element of a policy{hint(str(name).capitalize(), known)}"
            yield Finding("error", "no-such-element", f"{path}.{name}", what, "IAM refuses the policy", f"use {', '.join(known)}")


def _version(raw: Mapping[Any, Any]) -> Iterator[Finding]:
    version = raw.get("Version")
    if version is None or version == "2008-10-17":
        why = "policy variables such as ${aws:username} are then taken literally"
        yield Finding("warning", "old-version", "$.Version", "not the current Version", why, _CURRENT)
    elif not isinstance(version, str) or version not in _VERSIONS:
        yield Finding("error", "no-such-version", "$.Version", f"Version {version!r}", "it is AWS's date, not yours", _CURRENT)


def _statements(raw: Mapping[Any, Any]) -> Iterator[Finding]:
    found = raw.get("Statement")
    if isinstance(found, Mapping):
        return
    if not isinstance(found, list | tuple) or not found:
        what = "no statements" if found is None or found == [] else f"a {_kind(found)}"
        yield Finding("error", "no-statement", "$.Statement", what, "a policy has a statement or a list of some", "add one")
        return
    for number, each in enumerate(found):
        if not isinstance(each, Mapping):
            path = f"$.Statement[{number}]"
            yield Finding(
                "error", "no-statement", path, f"a {_kind(each)}", "a statement is an object", "write an object", number
            )


def _statement(view: View) -> Iterator[Finding]:
    for finding in _unknown(view.path, view.raw, _ELEMENTS):
        yield view.find("error", finding.code, finding.path, finding.what, finding.why, finding.fix)
    effect = view.raw.get("Effect")
    if not isinstance(effect, str) or effect not in {"Allow", "Deny"}:
        what = "no Effect" if effect is None else f"Effect {effect!r}"
        yield view.find("error", "effect", f"{view.path}.Effect", what, "IAM refuses the policy", 'write "Allow" or "Deny"')
    yield from _one_of(view, "Action", needed=True)
    yield from _one_of(view, "Resource", needed=not view.has_principal)
    yield from _condition(view)


def _one_of(view: View, name: str, *, needed: bool) -> Iterator[Finding]:
    """Of an element and its ``Not`` form there is one, with texts."""
    there = [each for each in (name, f"Not{name}") if each in view.raw]
    if len(there) > 1 or (needed and not there):
        what = f"both {name} and Not{name}" if there else f"no {name}"
        yield view.find("error", name.lower(), view.path, what, "a statement has exactly one of them", f"keep or add {name}")
    for each in there:
        value = view.raw[each]
        many = list(value) if isinstance(value, list | tuple) else [value]
        if not many or not all(isinstance(one, str) and one for one in many):
            path = f"{view.path}.{each}"
            yield view.find(
                "error", name.lower(), path, "not a text or a list of texts", "IAM refuses the policy", f"write {name}s"
            )


def _condition(view: View) -> Iterator[Finding]:
    condition = view.raw.get("Condition", {})
    path = f"{view.path}.Condition"
    fix = 'write {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}, for example'
    parts = condition.values() if isinstance(condition, Mapping) else [None]
    if not all(isinstance(keys, Mapping) for keys in parts):
        what = "not an object of operators, each with an object of keys"
        yield view.find("error", "condition", path, what, "IAM refuses the policy", fix)
    for each in view.conditions:
        if not each.values:
            yield view.find(
                "error", "condition", each.path, "no value", "nothing is equal to none", "give a text or a list of texts"
            )


def _sids(views: tuple[View, ...]) -> Iterator[Finding]:
    counted = Counter(view.sid for view in views if view.sid)
    for view in views:
        path = f"{view.path}.Sid"
        if view.sid and counted[view.sid] > 1:
            yield view.find("error", "sid", path, f"Sid {view.sid} twice", "a Sid is unique in its policy", "number them")
        if view.sid and not view.has_principal and not re.fullmatch("[A-Za-z0-9]+", view.sid):
            yield view.find("error", "sid", path, f"Sid {view.sid!r}", "IAM takes letters and digits only", "leave the rest out")


def _kind(value: Any) -> str:
    return {list: "list", str: "text", bool: "truth value", type(None): "null"}.get(type(value), "number")
