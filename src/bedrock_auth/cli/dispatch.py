"""From a command's name to its module, and from an error to an exit status.

A command is a module with ``add_arguments(parser)`` and ``run(options) -> int``; only the module of the command that runs is
loaded. Its docstring's first line is what ``--help`` says of it, the rest is for readers of the code.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bedrock_auth import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "demo": "show the library at work, without an AWS account",
}
"""Each command's name and what it is for; its module has the same name with underscores."""
PROGRAM = "bedrock-auth"
FAILED, USAGE, NOT_CONFIGURED, REFUSED, INTERRUPTED = 1, 2, 3, 4, 130


def run(arguments: Sequence[str]) -> int:
    """Parse and run; errors that are ours or AWS's become a message on stderr and an exit status."""
    name = _command(arguments)
    module = import_module(f"{__package__}.{name.replace('-', '_')}")
    parser = argparse.ArgumentParser(prog=f"{PROGRAM} {name}", description=COMMANDS[name].capitalize() + ".")
    module.add_arguments(parser)
    options = parser.parse_args(arguments[1:])
    try:
        return int(module.run(options))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # else Python's own flush complains
        return FAILED
    except Exception as error:
        status = status_of(error)
        if status is None:
            raise
        complain(name, str(error))
        return status


def complain(name: str, message: str) -> None:
    """Tell a person what is wrong with this command."""
    sys.stderr.write(f"{PROGRAM} {name}: {message}\n")


def status_of(error: Exception) -> int | None:
    """The exit status for an error of this library or of AWS; ``None`` for a defect, which shows its traceback."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - only where something failed

    from bedrock_auth import errors  # noqa: PLC0415 - the same

    table: tuple[tuple[Any, int], ...] = (
        ((errors.NotConfiguredError, errors.ChainError, errors.MissingIdentityError), NOT_CONFIGURED),
        (errors.ConfigurationError, USAGE),
        ((errors.DeniedError, errors.CredentialsExpiredError), REFUSED),
        ((errors.BedrockAuthError, BotoCoreError, ClientError, OSError), FAILED),
    )
    return next((status for kinds, status in table if isinstance(error, kinds)), None)


def _command(arguments: Sequence[str]) -> str:
    """The command's name; ``--help``, ``--version`` and mistakes end here, as argparse ends."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="AWS credentials for Amazon Bedrock and for every other AWS tool.",
        epilog="commands:\n" + "".join(f"  {name:<20} {about}\n" for name, about in COMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    parser.add_argument("command", choices=COMMANDS, metavar="command", help=f"see below; `{PROGRAM} command --help` tells more")
    return str(parser.parse_args(arguments[:1]).command)
