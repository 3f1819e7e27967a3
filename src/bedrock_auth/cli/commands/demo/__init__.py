"""``bedrock-auth demo``: the main job, shown with AWS stand-ins in this process or in an account of one's own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bedrock_auth.cli.dispatch import USAGE, complain
from bedrock_auth.cli.options import stated

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be shown where."""
    parser.add_argument("--live", action="store_true", help="use your own AWS account instead of the stand-ins")
    parser.add_argument("--model-id", help="with --live: the model or inference profile to ask")
    parser.add_argument("--region", type=stated, help="with --live: the AWS region; else the environment's or the profile's")
    parser.add_argument("--role-arn", type=stated, help="with --live: also assume this role")


def run(options: argparse.Namespace) -> int:
    """Play all scenes."""
    if options.live and not options.model_id:
        complain("demo", "--live needs --model-id: the model or inference profile to ask")
        return USAGE
    try:
        from bedrock_auth.cli.commands.demo.play import play  # noqa: PLC0415 - brings the demo extra's packages
    except ModuleNotFoundError as error:
        missing = str(error.name).partition(".")[0]
        sys.stderr.write(f'bedrock-auth demo needs {missing}: python3 -m pip install "bedrock-auth[demo]"\n')
        return USAGE
    return play(options)
