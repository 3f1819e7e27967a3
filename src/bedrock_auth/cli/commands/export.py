"""Print one set of temporary keys for a shell, a file or a program; it is not refreshed.

``env``, ``powershell`` and ``fish`` also unset what would sign in the keys' place. ``profile`` is a section for the credentials
file. Long-lived keys are printed only with ``--allow-long-lived``.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from bedrock_auth.cache_entry import HAND_OFF_MARGIN
from bedrock_auth.cli.dispatch import complain
from bedrock_auth.cli.handing_over import handoff, shells
from bedrock_auth.cli.handing_over.supply import Supply, add_long_lived_option
from bedrock_auth.cli.options import add_provider_options, settings_from
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse

    from bedrock_auth.credentials import Credentials

NAME = "export"
_FORMATS = ("env", "powershell", "fish", "dotenv", "docker", "json", "profile")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The provider options, and the format."""
    add_provider_options(parser)
    add_long_lived_option(parser)
    parser.add_argument("--format", choices=_FORMATS, default="env", help="what to print (env)")
    parser.add_argument("--section", metavar="NAME", default="default", help="the profile's name for --format profile (default)")


def run(options: argparse.Namespace) -> int:
    """Fetch once and print.

    Raises:
        CredentialError: there are no keys, or none that may be printed.
    """
    settings = settings_from(options)
    supply = Supply(settings.provider, allow_long_lived=options.allow_long_lived)
    keys = supply.first()
    sys.stdout.write(text(keys, settings.region_name, options))
    left = keys.remaining(supply.now())
    if left < HAND_OFF_MARGIN:
        complain(NAME, f"these keys expire in {left / 60:.0f} minutes; `bedrock-auth serve` and `exec` renew them")
    return 0


def text(keys: Credentials, region_name: str | None, options: argparse.Namespace) -> str:
    """The set in the format that the options name.

    Raises:
        ConfigurationError: something in it cannot be written in that format.
    """
    if options.format == "json":
        return json.dumps(keys.to_process_json(), indent=2) + "\n"
    if options.format == "profile":
        return _section(keys, region_name, options.section)
    values = variables(keys, region_name)
    unset = handoff.to_unset(os.environ, given=values, leave=handoff.WEAKER_THAN_KEYS)
    return shells.render(options.format, values, unset)


def variables(keys: Credentials, region_name: str | None) -> dict[str, str]:
    """The set as environment variables, by AWS's names."""
    process = keys.to_process_json()
    values = {
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "AWS_SESSION_TOKEN": keys.session_token,
        "AWS_CREDENTIAL_EXPIRATION": process.get("Expiration"),
        "AWS_ACCOUNT_ID": keys.account_id,
        "AWS_REGION": region_name,
        "AWS_DEFAULT_REGION": region_name,
    }
    return {name: value for name, value in values.items() if value is not None}


def _section(keys: Credentials, region_name: str | None, name: str) -> str:
    if not name.isprintable() or not name.strip() or "]" in name:
        raise ConfigurationError("--section must be the name of a profile: one line of text without ']'", setting="--section")
    values = {
        "aws_access_key_id": keys.access_key_id,
        "aws_secret_access_key": keys.secret_access_key,
        "aws_session_token": keys.session_token,
        "aws_account_id": keys.account_id,
        "region": region_name,
    }
    for setting, value in values.items():
        if value is not None and not (value.isascii() and value.isprintable() and " " not in value):
            msg = f"{setting} has a character that AWS's SDKs do not read alike in a credentials file; take another format"
            raise ConfigurationError(msg, setting=setting)
    return "\n".join([f"[{name}]", *(f"{setting} = {value}" for setting, value in values.items() if value is not None), ""])
