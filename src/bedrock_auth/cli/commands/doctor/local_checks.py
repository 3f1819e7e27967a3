"""The checks that variables and files answer. Each is a pure function of the facts."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bedrock_auth.cli.commands.doctor.check import Check, explained, skipped
from bedrock_auth.cli.situation.plain_boto3 import FAILS, NOTHING
from bedrock_auth.cli.situation.variables import NETWORK, deciding
from bedrock_auth.host import is_loopback

if TYPE_CHECKING:
    from bedrock_auth.cli.commands.doctor.facts import Facts

_BEARER = "AWS_BEARER_TOKEN_BEDROCK"


def check_settings(facts: Facts) -> Check:
    """Whether options and variables name one source of credentials, and no other besides."""
    name = "settings"
    if facts.settings.error is not None:
        return explained(name, facts.settings.error)
    settings = facts.settings.value
    if settings is None:
        return skipped(name, facts.settings.skipped)
    lost = [what for what, why in settings.unused if why.endswith("comes first")]
    chosen = f"credentials come from: {settings.method}: {settings.provider.name}"
    if not lost:
        return Check(name, "ok", chosen)
    why = f"also set, and not used: {' and '.join(lost)}"
    return Check(name, "warning", chosen, why, "unset what is not meant; `bedrock-auth which` shows everything")


def check_files(facts: Facts) -> Check:
    """Whether the files can be read, and by nobody else who matters."""
    name = "files"
    if facts.config_problem is not None:
        fix = "correct the file; nothing in it is used before that"
        return Check(name, "failed", facts.config_problem, "AWS's SDKs cannot read it either", fix)
    found = [(file, problem) for file in facts.files if (problem := file.too_open()) is not None]
    if not found:
        there = [f"{file.path} ({file.octal})" for file in facts.files if file.octal is not None]
        return Check(name, "ok", f"permissions are right: {', '.join(there)}" if there else "there are no config files")
    what = "; ".join(f"{file.path} {problem}" for file, problem in found)
    worst = any(file.others_decide for file, _ in found)
    fix = f"make them this user's, and run: chmod go-rwx {' '.join(shlex.quote(file.path) for file, _ in found)}"
    return Check(name, "failed" if worst else "warning", what, "whoever has the keys is you, to AWS", fix)


def check_region(facts: Facts) -> Check:
    """Whether a region is set, is one, has Bedrock and is where the keys are good."""
    name, region, regions = "region", facts.region_name, facts.regions
    if region is None:
        return Check(name, "failed", "no region is set", "every call goes to one region", "set AWS_REGION, or give --region")
    if regions.partition is None:
        fix = "correct the spelling, such as us-east-1; or install a newer botocore"
        return Check(name, "failed", f"{region} is no region of AWS that botocore knows", "no endpoint is known for it", fix)
    partition = _partition_of(facts)
    if partition not in (None, regions.partition):
        why = f"the keys belong to the partition {partition}, the region to {regions.partition}; keys are good in their own only"
        return Check(name, "failed", f"{region} is not where these keys are good", why, "set a region of the keys' partition")
    if region not in regions.with_bedrock:
        why = "botocore does not list it, as of its release; the region may have got it since, if models can be listed below"
        return Check(name, "warning", f"{region} may have no Amazon Bedrock", why, "use a region that has it, or upgrade boto3")
    return Check(name, "ok", f"{region} has Amazon Bedrock")


def _partition_of(facts: Facts) -> str | None:
    return None if facts.caller.value is None else facts.caller.value.arn.split(":")[1]


def check_endpoints(facts: Facts) -> Check:
    """Whether calls go to AWS."""
    name = "endpoints"
    if not facts.endpoints:
        return Check(name, "ok", "every service is called at AWS's own address")
    what = "; ".join(map(str, facts.endpoints))
    if any(_in_the_clear(one.url) for one in facts.endpoints):
        why = "plain http off this machine: whoever is on the way reads prompts and answers, and may replace them"
        return Check(name, "failed", what, why, "use https, or unset it")
    why = "whoever is there sees every call, and answers in AWS's place"
    return Check(name, "warning", what, why, "unset it if it is not meant")


def _in_the_clear(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme.lower() == "http" and not is_loopback(parts.hostname or "")


def check_network(facts: Facts) -> Check:
    """Which proxies and certificates are used, and whether the latter are there."""
    name, missing = "network", facts.missing_ca_bundle
    used = [f"{one.name}={one.value}" for one in deciding(facts.environ) if one.decides == NETWORK and one.value]
    if missing is not None:
        what = f"{missing} names {facts.environ[missing]}, which is not there"
        return Check(name, "failed", what, "no https call can succeed", f"correct or unset {missing}")
    return Check(name, "ok", "; ".join(used) if used else "no proxy and no CA bundle is set")


def check_bearer_token(facts: Facts) -> Check:
    """Whether a Bedrock API key lies around, which plain boto3 would prefer."""
    name = "bearer token"
    if not facts.environ.get(_BEARER):
        return Check(name, "ok", f"{_BEARER} is not set")
    why = "plain boto3 and the AWS CLI send it to Bedrock's models in place of a signature; this library does not read it"
    return Check(name, "warning", f"{_BEARER} is set", why, f"unset {_BEARER} if it is not meant")


def check_other_tools(facts: Facts) -> Check:
    """Whether boto3 and the AWS CLI, on their own, would sign as the same."""
    name, plain = "other tools", facts.plain
    if facts.settings.value is None:
        return skipped(name, "the settings are wrong")
    if plain.source in facts.sources:
        return Check(name, "ok", f"boto3 and the AWS CLI, on their own, use the same: {plain.source}")
    what = f"boto3 and the AWS CLI, on their own, do not use these credentials, but: {plain.source}"
    fix = "make a profile of these credentials (bedrock-auth install-profile), or run the tool with bedrock-auth exec"
    harmless = plain.source in (FAILS, NOTHING) or facts.settings.value.method == "options"
    return Check(name, "ok" if harmless else "warning", what, plain.why, fix)
