"""Run a command whose AWS calls are signed by the chosen identity, for as long as it runs.

The first keys are fetched before the command starts. It then asks a loopback endpoint of this process for them, so that it can
run for days. Everything else that could decide who signs is taken out of its environment, and botocore is asked whether that is
so.
"""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bedrock_auth.cli.dispatch import USAGE, complain
from bedrock_auth.cli.handing_over import child, handoff, surroundings
from bedrock_auth.cli.handing_over.endpoint import CredentialEndpoint
from bedrock_auth.cli.handing_over.probe import refuse_other_sources
from bedrock_auth.cli.handing_over.signals import ENDING, handled, leave
from bedrock_auth.cli.handing_over.supply import Supply, add_long_lived_option
from bedrock_auth.cli.options import add_provider_options, settings_from

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "exec"
_ROUTE = "credentials"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The provider options, and the command with its own arguments."""
    add_provider_options(parser)
    add_long_lived_option(parser)
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- command", help="what to run, with its arguments")


def run(options: argparse.Namespace) -> int:
    """Fetch, then run the command; its exit status is this one's.

    Raises:
        CredentialError: there are no keys, or the command would not use them; it is not started.
    """
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command or not command[0]:
        complain(NAME, "name the command to run: bedrock-auth exec [options] -- command arguments")
        return USAGE
    with handled(ENDING, leave):
        return _run_with_keys(command, options)


def _run_with_keys(command: list[str], options: argparse.Namespace) -> int:
    settings = settings_from(options)
    supply = Supply(settings.provider, allow_long_lived=options.allow_long_lived, say=partial(complain, NAME))
    supply.first()
    config = surroundings.settings_of(options.profile)
    with surroundings.new_folder() as folder, CredentialEndpoint({_ROUTE: supply}) as endpoint:
        token = endpoint.tokens[_ROUTE]
        files = surroundings.write_files(Path(folder) / _ROUTE, token, config)
        given = surroundings.variables(endpoint.url(_ROUTE), token, files, settings.region_name)
        environ = {**handoff.cleaned(os.environ), **given}
        refuse_other_sources(environ)
        return _run_command(command, environ)


def _run_command(command: list[str], environ: Mapping[str, str]) -> int:
    try:
        return child.run(command, environ)
    except OSError as error:
        complain(NAME, f"{command[0]}: {error.strerror}")
        return child.status_of_failure(error)
