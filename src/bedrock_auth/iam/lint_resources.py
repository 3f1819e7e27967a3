"""Rules about resources. Source: Service Authorization Reference, "Resource types defined by Amazon Bedrock"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bedrock_auth.iam.arns import Arn, regions
from bedrock_auth.iam.catalogue import ALL_KINDS, KINDS, NO_PREFIXES, WITHOUT_RESOURCES, names_profile
from bedrock_auth.iam.glob import has_wildcard, matches, open_arn
from bedrock_auth.iam.lint_actions import named
from bedrock_auth.iam.words import hint, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bedrock_auth.iam.document import Text, View
    from bedrock_auth.iam.findings import Finding

_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d")
_MEANT = {"model": "foundation-model", "profile": "inference-profile"}
_NOTHING = "it matches nothing, so nothing is allowed"


def of_statement(view: View) -> Iterator[Finding]:
    """What is wrong with the resources of a statement."""
    if "NotResource" in view.raw and view.allows:
        why = "it allows the action on everything else, also on what has yet to be made"
        yield view.find(
            "warning", "not-resource", f"{view.path}.NotResource", "NotResource in an Allow", why, "name the resources"
        )
    for resource in view.resources:
        yield from _resource(view, resource)
    if view.resources:
        yield from _fitting(view)


def _resource(view: View, resource: Text) -> Iterator[Finding]:
    arn = open_arn(resource.value)
    if arn is None:
        if not has_wildcard(resource.value[:4]):  # which may stand for any part of an ARN
            what, fix = f"{resource.value!r} is no ARN", "write arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE, or *"
            yield view.find("error", "no-arn", resource.path, what, "IAM refuses the policy", fix)
        return
    yield from _where(view, resource, arn)
    if arn.service in NO_PREFIXES:
        fix = "write bedrock"
        yield view.find("error", "no-such-service", resource.path, f"{arn.service} in an ARN", "Bedrock's ARNs say bedrock", fix)
    elif arn.service == "bedrock":
        yield from _of_bedrock(view, resource, arn)


def _where(view: View, resource: Text, arn: Arn) -> Iterator[Finding]:
    """Partition and region exist and belong together."""
    partitions = set(regions().values())
    if not has_wildcard(arn.partition) and arn.partition not in partitions:
        what = f"{arn.partition!r} is no partition{hint(arn.partition, partitions)}"
        yield view.find("error", "partition", resource.path, what, _NOTHING, f"use one of {', '.join(sorted(partitions))}")
    if not arn.region or has_wildcard(arn.region):
        return
    partition = regions().get(arn.region)
    if partition is None:
        what = f"{arn.region!r} is no region that the installed botocore knows{hint(arn.region, regions())}"
        yield view.find(
            "warning" if _REGION.fullmatch(arn.region) else "error",
            "region",
            resource.path,
            what,
            "it matches nothing, unless it is newer",
            "correct the region",
        )
    elif arn.partition in partitions and partition != arn.partition:
        what = f"{arn.region} is in partition {partition}, not in {arn.partition}"
        yield view.find("error", "partition", resource.path, what, _NOTHING, f"write arn:{partition}:…")


def _of_bedrock(view: View, resource: Text, arn: Arn) -> Iterator[Finding]:
    if has_wildcard(arn.kind):
        return
    if arn.kind not in ALL_KINDS:
        near = _MEANT.get(arn.kind) or nearest(arn.kind, ALL_KINDS) or "foundation-model or inference-profile, for example"
        yield view.find(
            "error", "no-such-kind", resource.path, f"{arn.kind!r} is no kind of resource of Bedrock", _NOTHING, f"write {near}"
        )
    elif arn.kind == "foundation-model":
        yield from _of_model(view, resource, arn)
    elif not arn.account:
        what = f"no account in the ARN of a {arn.kind}"
        yield view.find(
            "error", "no-account", resource.path, what, _NOTHING, f"write arn:{arn.partition}:bedrock:{arn.region}:ACCOUNT:…"
        )
    elif arn.kind == "agent-alias" and "/" not in arn.name and not has_wildcard(arn.name):
        fix = f"write agent-alias/{arn.name}/ALIAS"
        yield view.find("error", "agent-alias", resource.path, "an agent without an alias", _NOTHING, fix)


def _of_model(view: View, resource: Text, arn: Arn) -> Iterator[Finding]:
    if arn.account.strip("*"):
        what = f"account {arn.account} in the ARN of a foundation model"
        fix = f"write arn:{arn.partition}:bedrock:{arn.region}::{arn.resource}"
        yield view.find("error", "foundation-model-account", resource.path, what, f"nobody owns one: {_NOTHING}", fix)
    if names_profile(arn.name):
        what = f"{arn.name} is the id of an inference profile, not of a foundation model"
        why = "calls need the profile and, behind it, the model in each region"
        model_id = arn.name.partition(".")[2]
        fix = f"write inference-profile/{arn.name} with an account, and foundation-model/{model_id} in each of its regions"
        yield view.find("error", "profile-as-model", resource.path, what, why, fix)


def _fitting(view: View) -> Iterator[Finding]:
    """Each action finds a resource of a kind that it takes, and none is wider than need be."""
    for action in view.actions:
        names = named(action.value)
        if names and all(name in WITHOUT_RESOURCES for name in names):
            yield from _needs_star(view, action, names)
        elif names and all(name in KINDS for name in names):
            yield from _needs_kind(view, action, frozenset.union(*(KINDS[name] for name in names)))


def _needs_star(view: View, action: Text, names: list[str]) -> Iterator[Finding]:
    if all(resource.value != "*" for resource in view.resources):
        what = f"{' and '.join(f'bedrock:{name}' for name in names)} with resources"
        fix = 'put it into a statement of its own with "Resource": "*"'
        yield view.find("error", "needs-star", action.path, what, "it knows none, and is not allowed by this", fix)


def _needs_kind(view: View, action: Text, kinds: frozenset[str]) -> Iterator[Finding]:
    wanted = " or ".join(sorted(kinds)) if len(kinds) < 3 else "foundation-model, inference-profile …"  # noqa: PLR2004 - readable
    if view.allows and (widest := [each for each in view.resources if each.value == "*"]):
        what, fix = f"{action.value} on everything", f"name what is called: {wanted}"
        yield view.find("warning", "every-resource", widest[0].path, what, "narrower is possible", fix)
    if not any(_takes(kinds, resource.value) for resource in view.resources):
        path = view.resources[0].path if len(view.resources) == 1 else action.path
        what = f"{action.value} on {' and '.join(resource.value for resource in view.resources)}"
        yield view.find(
            "error", "wrong-resource", path, what, f"it takes {wanted} only, and nothing is allowed", f"write {wanted}"
        )


def _takes(kinds: frozenset[str], resource: str) -> bool:
    """Whether a resource may be of one of these kinds."""
    arn = open_arn(resource)
    if arn is None:
        return has_wildcard(resource)
    return matches(arn.service, "bedrock") and any(matches(arn.kind, kind) for kind in kinds)
