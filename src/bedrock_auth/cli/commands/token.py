"""Print a short-term Bedrock API key of the credentials, for tools that take nothing else.

It is the key of the moment, and nobody renews it where it goes: another process asks again, or uses `bedrock_auth.bearer_token`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bedrock_auth.cli.handing_over.shells import SHELLS, render
from bedrock_auth.cli.options import add_provider_options, settings_from
from bedrock_auth.cli.output import write_json

if TYPE_CHECKING:
    import argparse

    from bedrock_auth.api_key import ApiKey

_LONGEST = 43_200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--lifetime``, ``--format`` and the provider options."""
    parser.add_argument(
        "--lifetime",
        metavar="SECONDS",
        type=int,
        default=_LONGEST,
        help="how long the key lives at most, 1 to 43200 (12 hours); never longer than the credentials",
    )
    parser.add_argument(
        "--format",
        choices=("json", "raw", *SHELLS),
        default="json",
        help="json has Token, Expiration and Region; raw is the key alone; the others set AWS_BEARER_TOKEN_BEDROCK",
    )
    add_provider_options(parser)


def run(options: argparse.Namespace) -> int:
    """Make the key and print it."""
    from bedrock_auth.bearer import bearer_token  # noqa: PLC0415 - --help pays for no signing

    key = bearer_token(settings_from(options), lifetime=options.lifetime).key()
    _write(key, options.format)
    return 0


def _write(key: ApiKey, form: str) -> None:
    if form == "json":
        write_json({"Token": key.text, "Expiration": f"{key.expiration:%Y-%m-%dT%H:%M:%SZ}", "Region": key.region_name})
    elif form == "raw":
        sys.stdout.write(f"{key.text}\n")
    else:
        sys.stdout.write(render(form, {"AWS_BEARER_TOKEN_BEDROCK": key.text}))
