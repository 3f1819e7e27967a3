"""The provider options that every command has, and what they choose; without one, the environment decides as `Settings` says.

A provider's secrets never come as options: API keys come from a file or the environment, and AWS keys from wherever the provider
finds them.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bedrock_auth.contracts import traits
from bedrock_auth.errors import ConfigurationError
from bedrock_auth.host import Host
from bedrock_auth.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from bedrock_auth.contracts import CredentialProvider

_SOURCES = ("default", "environment", "container", "instance-metadata")


def add_provider_options(parser: argparse.ArgumentParser) -> None:
    """``--profile``, ``--role-arn`` and the rest, as one group."""
    group = parser.add_argument_group("whose credentials", "Without any of these the environment decides.")
    add = partial(group.add_argument, type=stated)
    add("--profile", metavar="NAME", help="a profile of the AWS config files")
    add("--source", choices=_SOURCES, help="one source, or AWS's default chain")
    add("--vending-url", metavar="URL", help="a vending API")
    add("--vending-key-file", metavar="FILE", help="the file with its API key; else AWS_GET_TEMP_CREDS_API_KEY")
    add("--identity-pool-id", metavar="ID", help="a Cognito identity pool, as a guest")
    add("--cognito-flow", choices=("enhanced", "classic"), help="the flow of that pool (enhanced)")
    add("--cognito-role-arn", metavar="ARN", help="the guests' role, for the classic flow")
    add("--role-arn", metavar="ARN", help="a role to assume with the keys of the source above, or of the environment")
    add("--web-identity-token-file", metavar="FILE", help="assume the role with this OIDC token instead")
    add("--external-id", metavar="ID", help="the role's external id")
    add("--role-session-name", metavar="NAME", help="the name of the role session")
    add("--duration-seconds", metavar="SECONDS", type=int, help="how long the role's keys live (3600)")
    add("--mfa-serial", metavar="ARN", help="the MFA device that the role wants; its code is asked for on the terminal")
    add("--region", metavar="REGION", help="the AWS region; else the provider's, AWS_REGION or AWS_DEFAULT_REGION")


def stated(text: str) -> str:
    """The type of an option's text: an empty one is most often a variable that is not set, and nothing else is used instead.

    Raises:
        argparse.ArgumentTypeError: it is empty, or blank.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty; give it a value, or leave it out")
    return text


def settings_from(options: argparse.Namespace, host: Host | None = None) -> Settings:
    """The provider and region that these options, or the environment, choose. Nothing is fetched.

    Raises:
        ConfigurationError: options that exclude each other or lack another, or values that no provider takes.
    """
    world = host or Host.system()
    _refuse_contradictions(options)
    base = _base(options, world)
    provider = _role(options, base, world) if options.role_arn else base
    if provider is None:
        return Settings.from_environ(region_name=options.region, host=world)
    return Settings(provider, options.region or traits(provider).region_name or world.region(), "options")


def _refuse_contradictions(options: argparse.Namespace) -> None:
    bases = [name for name in ("profile", "source", "vending_url", "identity_pool_id") if getattr(options, name) is not None]
    if options.web_identity_token_file is not None:
        bases.append("web_identity_token_file")
    if len(bases) > 1:
        msg = f"{_flag(bases[0])} and {_flag(bases[1])} name two sources of credentials; leave one out"
        raise ConfigurationError(msg, setting=_flag(bases[1]))
    needs = {
        "vending_key_file": "vending_url",
        "cognito_flow": "identity_pool_id",
        "cognito_role_arn": "identity_pool_id",
        **dict.fromkeys(("web_identity_token_file", "external_id", "role_session_name", "duration_seconds"), "role_arn"),
        "mfa_serial": "role_arn",
    }
    for name, needed in needs.items():
        if getattr(options, name) is not None and getattr(options, needed) is None:
            msg = f"{_flag(name)} needs {_flag(needed)}"
            raise ConfigurationError(msg, setting=_flag(name))
    for name in ("external_id", "mfa_serial"):
        if options.web_identity_token_file is not None and getattr(options, name) is not None:
            msg = f"{_flag(name)} is not for a web identity; leave it or --web-identity-token-file out"
            raise ConfigurationError(msg, setting=_flag(name))


def _base(options: argparse.Namespace, host: Host) -> CredentialProvider | None:
    from bedrock_auth import CognitoGuest, HttpVending, Profile  # noqa: PLC0415 - --help pays for none of them

    if options.profile is not None:
        return Profile(options.profile, mfa_token=ask_for_code, host=host)
    if options.source is not None:
        return _named(options.source, host)
    if options.vending_url is not None:
        return HttpVending(options.vending_url, api_key=_vending_key(options, host), host=host)
    if options.identity_pool_id is not None:
        flow = options.cognito_flow or "enhanced"
        return CognitoGuest(options.identity_pool_id, flow=flow, role_arn=options.cognito_role_arn, host=host)
    return None


def _named(source: str, host: Host) -> CredentialProvider:
    from bedrock_auth import Container, Default, Environment, InstanceMetadata  # noqa: PLC0415 - only one of them is used

    kinds: dict[str, Callable[..., CredentialProvider]] = dict(
        zip(_SOURCES, (Default, Environment, Container, InstanceMetadata), strict=True)
    )
    return kinds[source](host=host)


def _vending_key(options: argparse.Namespace, host: Host) -> Path | str | None:
    if options.vending_key_file is not None:
        return Path(options.vending_key_file)
    return host.setting("AWS_GET_TEMP_CREDS_API_KEY")


def _role(options: argparse.Namespace, base: CredentialProvider | None, host: Host) -> CredentialProvider:
    from bedrock_auth import AssumeRole, WebIdentity  # noqa: PLC0415 - only one of them is used

    common: dict[str, Any] = {
        "session_name": options.role_session_name,
        "duration": 3600 if options.duration_seconds is None else options.duration_seconds,
        "region_name": options.region,
        "host": host,
    }
    if options.web_identity_token_file is not None:
        return WebIdentity(options.role_arn, token_file=options.web_identity_token_file, **common)
    return AssumeRole(
        options.role_arn,
        source=base or Settings.from_environ(host=host).provider,
        external_id=options.external_id,
        mfa_serial=options.mfa_serial,
        mfa_token=options.mfa_serial and ask_for_code,
        **common,
    )


def ask_for_code() -> str:
    """The code of an MFA device, from the terminal.

    Raises:
        ConfigurationError: there is no terminal.
    """
    if not sys.stdin.isatty():
        msg = "the MFA device's code is needed, and there is no terminal to ask on; run the command in one"
        raise ConfigurationError(msg, setting="mfa_serial")
    return getpass.getpass("MFA code: ", stream=sys.stderr)


ask_for_code.is_shareable = True  # type: ignore[attr-defined] # it asks whoever sits there, and holds nothing


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
