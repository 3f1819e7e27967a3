"""Take a profile that ``install-profile`` wrote out of the AWS config file again.

Only what it wrote is removed. A section that it made goes as a whole, unless somebody has put something else into it since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_auth.cli.commands.install_profile import report
from bedrock_auth.cli.profiles.change import change
from bedrock_auth.cli.profiles.text import checked_name, without_profile
from bedrock_auth.host import Host
from bedrock_auth.providers import _shared_config

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The profile's name."""
    parser.add_argument("name", metavar="NAME", help="the profile to remove")
    parser.add_argument("--dry-run", action="store_true", help="only show what would change")


def run(options: argparse.Namespace) -> int:
    """Remove it, and say what was done; where there is nothing of ours, nothing is."""
    name = checked_name(options.name)
    path, _ = _shared_config.paths(Host.system())
    done = change(path, lambda text: without_profile(text, path, name), dry_run=options.dry_run)
    report(done, name, dry_run=options.dry_run)
    return 0
