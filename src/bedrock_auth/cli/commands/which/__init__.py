"""``bedrock-auth which``: whose credentials would be used here and why, and what else would be used without this library.

Nothing is sent anywhere: variables and files are read. What is wrong is part of the answer, and no reason to stop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import asdict

from bedrock_auth.cli.commands.which.text import lines_of
from bedrock_auth.cli.dispatch import NOT_CONFIGURED, USAGE
from bedrock_auth.cli.options import add_provider_options, settings_from
from bedrock_auth.cli.output import keep_warnings_out_of_stderr, tell, write_json
from bedrock_auth.cli.situation.config import AmbientConfig, ambient_config
from bedrock_auth.cli.situation.endpoints import overrides
from bedrock_auth.cli.situation.files import FoundFile, look_at_files
from bedrock_auth.cli.situation.plain_boto3 import Plain, plain_boto3
from bedrock_auth.cli.situation.provider_tree import Trouble, effective, tree, trouble
from bedrock_auth.cli.situation.regions import Region, region_of
from bedrock_auth.cli.situation.variables import deciding
from bedrock_auth.contracts import traits
from bedrock_auth.errors import ConfigurationError
from bedrock_auth.host import Host
from bedrock_auth.redaction import redact

if TYPE_CHECKING:
    import argparse

    from bedrock_auth.settings import Settings

_BEARER = "AWS_BEARER_TOKEN_BEDROCK"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whose credentials."""
    add_provider_options(parser)


def run(options: argparse.Namespace) -> int:
    """Show what would win; 0, or the status with which every other command would end here."""
    keep_warnings_out_of_stderr()
    found, problem = report(options, Host.system())
    write_json(found)
    tell(*lines_of(found))
    if problem is None:
        return 0
    return NOT_CONFIGURED if problem.is_absence else USAGE


def report(options: argparse.Namespace, host: Host) -> tuple[dict[str, Any], Trouble | None]:
    """Everything that can be told without asking anybody, without secrets; and what is wrong."""
    settings, refused = _chosen(options, host)
    config = ambient_config(host)
    chosen = None if settings is None else tree(settings.provider)
    problem = trouble(chosen) if chosen else refused
    found = {
        "problem": problem and problem.message,
        "method": settings and settings.method,
        "provider": chosen,
        "unused": [{"what": what, "why": why} for what, why in (settings.unused if settings else ())],
        "warnings": list(settings.warnings if settings else ()),
        "region": _shown_region(_region(options, settings, config, host)),
        "endpoints": [asdict(one) for one in overrides(host.environ, config)],
        "environment": [asdict(one) for one in deciding(host.environ)],
        "files": [_shown_file(one) for one in look_at_files(host)],
        "elsewhere": _elsewhere(chosen, plain_boto3(host.environ, config), host, config),
    }
    return found, problem


def _chosen(options: argparse.Namespace, host: Host) -> tuple[Settings | None, Trouble | None]:
    try:
        return settings_from(options, host), None
    except ConfigurationError as error:
        return None, Trouble(redact(error.message))


def _region(options: argparse.Namespace, settings: Settings | None, config: AmbientConfig, host: Host) -> Region | None:
    hint = None if settings is None else traits(settings.provider).region_name
    return region_of(options.region, hint, config, host)


def _shown_region(region: Region | None) -> dict[str, str] | None:
    return None if region is None else {"name": region.name, "from": region.origin}


def _shown_file(file: FoundFile) -> dict[str, Any]:
    return {"what": file.what, "path": file.path, "exists": file.mode is not None, "mode": file.octal}


def _elsewhere(chosen: dict[str, Any] | None, plain: Plain, host: Host, config: AmbientConfig) -> list[dict[str, Any]]:
    """What boto3 and the AWS CLI would use without this library, and whether that is the same."""
    ours = effective(chosen) if chosen else None
    same = plain.source == (ours or {}).get("name")
    found: list[dict[str, Any]] = [{"who": "boto3 and the AWS CLI", "uses": plain.source, "why": plain.why, "same": same}]
    if host.environ.get(_BEARER):
        uses = f"the bearer token in {_BEARER}"
        why = "it comes before every other credential there; agents and knowledge bases, and this library, do not use it"
        found.append({"who": "boto3's bedrock-runtime and bedrock clients", "uses": uses, "why": why, "same": False})
    if host.setting("AWS_REGION") != host.setting("AWS_DEFAULT_REGION") and host.setting("AWS_REGION"):
        region = host.setting("AWS_DEFAULT_REGION") or config.region_name
        uses = f"region {region}" if region else "no region"
        found.append({"who": "boto3", "uses": uses, "why": "it does not read AWS_REGION", "same": False})
    return found
