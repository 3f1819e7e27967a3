"""``bedrock-auth whoami``: whose credentials are used here, as AWS sees them.

It asks ``sts:GetCallerIdentity``, which needs no permission. Nothing of the credentials but their source and expiration is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import asdict

from bedrock_auth.cli.options import add_provider_options, settings_from
from bedrock_auth.cli.output import tell, write_json
from bedrock_auth.cli.situation.config import ambient_config
from bedrock_auth.cli.situation.endpoints import overrides
from bedrock_auth.host import Host

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whose credentials."""
    add_provider_options(parser)


def run(options: argparse.Namespace) -> int:
    """Ask AWS, and tell."""
    from bedrock_auth import create_session, whoami  # noqa: PLC0415 - --help does not pay for boto3

    host = Host.system()
    session = create_session(settings_from(options, host))
    endpoints = overrides(host.environ, ambient_config(host))
    identity = whoami(session)
    shown = asdict(identity) | {"expiration": identity.expiration and identity.expiration.isoformat()}
    write_json(shown | {"region": session.region_name, "endpoints": [asdict(one) for one in endpoints]})
    tell(*(f"endpoint: {one}" for one in endpoints))
    return 0
