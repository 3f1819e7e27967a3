"""Whether a policy allows calling a certain model, in all the places that takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_auth.iam.findings import Finding
from bedrock_auth.iam.glob import has_wildcard, matches, open_arn
from bedrock_auth.iam.lint_whole import allowing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bedrock_auth.bedrock.model_ref import ModelRef
    from bedrock_auth.iam.document import Document, View

_PROFILE_KEY, _REGION_KEY = "bedrock:inferenceprofilearn", "aws:requestedregion"


def of_document(document: Document, wanted: ModelRef) -> Iterator[Finding]:
    """What is missing for calls of a model or a profile."""
    allowed = [view for view, _ in allowing(document, "bedrock:invokemodel")]
    fix = f"see invoke_model({wanted.text!r}, …), or bedrock-auth policy --model-id {wanted.text}"
    for code, where, why in _missing(allowed, wanted):
        yield Finding("error", code, "$.Statement", f"bedrock:InvokeModel is not allowed on {where}", why, fix)


def _missing(allowed: list[View], wanted: ModelRef) -> Iterator[tuple[str, str, str]]:
    """Code, where a call is not allowed, and why it must be."""
    called = f"{wanted.kind or '*'}/{wanted.resource}"
    direct = [view for view in allowed if wanted.is_profile or not _values(view, _PROFILE_KEY)]
    place = (wanted.region or "", wanted.account or "") if wanted.partition else None
    if not any(_covers(view, called, place) for view in direct):
        yield "model-not-allowed", called, "it is what is called"
    if not wanted.is_profile:
        return
    model = f"foundation-model/{wanted.model_id or '*'}"
    anywhere = [view for view in allowed if any(matches(region, "unspecified") for region in _values(view, _REGION_KEY) or "*")]
    if not any(_covers(view, model) for view in allowed):
        yield "profile-without-model", model, "a profile calls its model in each region"
    elif wanted.geography == "global" and not any(_covers(view, model, ("", "")) for view in anywhere):
        where = f"arn:…:bedrock:::{model} where aws:RequestedRegion is unspecified"
        yield "profile-without-model", where, "a global profile calls its model wherever there is room"


def _covers(view: View, wanted: str, place: tuple[str, str] | None = None) -> bool:
    """Whether a statement is about this kind and name, in this region and account if they are known."""
    if view.not_resources:
        return not any(_means(resource.value, wanted, place) for resource in view.not_resources)
    return any(_means(resource.value, wanted, place) for resource in view.resources)


def _means(resource: str, wanted: str, place: tuple[str, str] | None) -> bool:
    arn = open_arn(resource)
    if arn is None:
        return has_wildcard(resource)
    here = place is None or (matches(arn.region, place[0]) and matches(arn.account, place[1]))
    return here and matches(arn.service, "bedrock") and _names(arn.resource, wanted)


def _names(pattern: str, wanted: str) -> bool:
    """Whether a pattern covers a name; a name that only AWS can tell is covered by any of its kind."""
    return matches(wanted, pattern) if wanted.endswith("/*") else matches(pattern, wanted)


def _values(view: View, key: str) -> list[str]:
    return [value.value for condition in view.conditions if condition.key.lower() == key for value in condition.values]
