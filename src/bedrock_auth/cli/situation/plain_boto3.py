"""What boto3 and the AWS CLI would sign with in the same environment, without this library.

Their order, read in botocore's ``create_credential_resolver``: keys in the environment, a role of the profile, web identity (the
environment's before the profile's), then the profile's IAM Identity Center, stored keys, login, process and configured keys, then
the container, then instance metadata. A profile that is named and not there stops everything. Nothing is fetched here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from bedrock_auth.errors import CredentialError, NotConfiguredError
from bedrock_auth.providers import _profile_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bedrock_auth.cli.situation.config import AmbientConfig
    from bedrock_auth.providers._profile_steps import Plan

ENVIRONMENT, WEB_IDENTITY, CONTAINER, METADATA = "environment", "web-identity environment", "container", "instance-metadata"
"""As this library's own providers are called, so that the two can be compared; a profile is ``profile`` and its name."""
NOTHING, FAILS = "nothing", "an error"
_TOKEN_FILE, _ROLE = "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"


@frozen
class Plain:
    """What wins there, and why."""

    source: str
    """What signs: the name of the provider that would, `NOTHING` or `FAILS`."""
    why: str


def plain_boto3(environ: Mapping[str, str], config: AmbientConfig) -> Plain:
    """Who signs where ``boto3.Session()`` or ``aws`` without ``--profile`` is used."""
    if config.problem is not None:
        return Plain(FAILS, config.problem)
    if config.is_missing:
        return Plain(FAILS, f"the profile {config.profile!r}, which the environment names, is not in the config files")
    if environ.get("AWS_ACCESS_KEY_ID"):
        return _environment(environ)
    return _by_profile(environ, config) or _by_container(environ) or _by_metadata(environ)


def _environment(environ: Mapping[str, str]) -> Plain:
    if not environ.get("AWS_SECRET_ACCESS_KEY"):
        return Plain(FAILS, "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not")
    return Plain(ENVIRONMENT, "AWS_ACCESS_KEY_ID comes first, before any profile")


def _by_profile(environ: Mapping[str, str], config: AmbientConfig) -> Plain | None:
    profile = config.shared.section(config.profile) or {}
    if environ.get(_TOKEN_FILE) and not _assumes_role(profile):
        return _web_identity(environ, profile)
    plan = _plan(config)
    if isinstance(plan, CredentialError):
        return None if isinstance(plan, NotConfiguredError) else Plain(FAILS, plan.message)
    why = "no other profile is named" if config.named is None else "the environment names it"
    return Plain(f"profile {config.profile}", f"{why}: {plan.describe()[-1]}")


def _plan(config: AmbientConfig) -> Plan | CredentialError:
    try:
        return _profile_plan.plan(config.shared, config.profile, named=False)
    except CredentialError as error:
        return error


def _assumes_role(profile: Mapping[str, object]) -> bool:
    """Whether it names a role that is assumed with other keys, which comes before web identity."""
    return "role_arn" in profile and "web_identity_token_file" not in profile


def _web_identity(environ: Mapping[str, str], profile: Mapping[str, object]) -> Plain:
    if environ.get(_ROLE) or (_ROLE not in environ and profile.get("role_arn")):
        return Plain(WEB_IDENTITY, f"{_TOKEN_FILE} is set")
    return Plain(FAILS, f"{_TOKEN_FILE} is set and {_ROLE} is not")


def _by_container(environ: Mapping[str, str]) -> Plain | None:
    names = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
    found = next((name for name in names if name in environ), None)
    return None if found is None else Plain(CONTAINER, f"{found} is set")


def _by_metadata(environ: Mapping[str, str]) -> Plain:
    if environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return Plain(NOTHING, "nothing is set up")
    return Plain(METADATA, "nothing else is set up; only an EC2 instance answers")
