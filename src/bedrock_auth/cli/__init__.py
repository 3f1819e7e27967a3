"""The command ``bedrock-auth``: parse, call the public API, render.

Exit status: 0 all is well, 1 something that was shown went wrong, 2 wrong usage or something missing.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from bedrock_auth import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE_ERROR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(argv)
    if options.live and not options.model_id:
        sys.stderr.write("bedrock-auth demo: --live needs --model-id: the model or inference profile to ask\n")
        return USAGE_ERROR
    try:
        from bedrock_auth.cli.demo import run  # noqa: PLC0415 - brings the demo extra's packages
    except ModuleNotFoundError as error:
        missing = str(error.name).partition(".")[0]
        sys.stderr.write(f'bedrock-auth demo needs {missing}: python3 -m pip install "bedrock-auth[demo]"\n')
        return USAGE_ERROR
    return run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bedrock-auth", description="AWS credentials for Amazon Bedrock.")
    parser.add_argument("--version", action="version", version=f"bedrock-auth {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    demo = commands.add_parser(
        "demo",
        help="show the library at work, without an AWS account",
        description="Starts AWS stand-ins in this process and shows sources, expiry, an outage and a cut stream.",
    )
    demo.add_argument("--live", action="store_true", help="use your own AWS account instead of the stand-ins")
    demo.add_argument("--model-id", help="with --live: the model or inference profile to ask")
    demo.add_argument("--region", help="with --live: the AWS region; by default the environment's or the profile's")
    demo.add_argument("--role-arn", help="with --live: also assume this role")
    return parser
