"""From a command's name to its module, and from an error to an exit status.

A command is a module in `commands` with ``add_arguments(parser)`` and ``run(options) -> int``; only the module of the command
that runs is loaded. Its docstring's first line is what ``--help`` says of it, the rest is for readers of the code.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bedrock_auth import __version__
from bedrock_auth.cli import flush
from bedrock_auth.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from botocore.exceptions import ClientError

COMMANDS = {
    "credential-process": "print one set of keys as AWS's SDKs and the AWS CLI ask for it, from the cache where it is there",
    "install-profile": "write a profile of the AWS config file whose keys every AWS tool gets from here",
    "uninstall-profile": "take such a profile out again",
    "cache": "list what the disk cache holds, or clear it",
    "exec": "run a command whose AWS calls are signed by these credentials, renewed for as long as it runs",
    "serve": "serve credentials on loopback, from which any AWS SDK refreshes by itself",
    "export": "print one set of temporary keys for a shell, a file or a program",
    "whoami": "tell whose credentials are used here, as AWS sees them",
    "which": "tell whose credentials would be used here and why, without asking anybody",
    "doctor": "check credentials, region, endpoints, clock and models, and say what to do",
    "key-age": "tell how old the long-lived key in use is",
    "token": "print a short-term Bedrock API key of the credentials",
    "policy": "print the least-privilege policy for a use of Bedrock, or say what is wrong with one",
    "demo": "show the library at work, without an AWS account",
}
"""Each command's name and what it is for; its module has the same name with underscores."""
PROGRAM = "bedrock-auth"
FAILED, USAGE, NOT_CONFIGURED, REFUSED, INTERRUPTED = 1, 2, 3, 4, 130
_REFUSALS = (401, 403)
"""HTTP statuses with which AWS says no for good."""


def run(arguments: Sequence[str]) -> int:
    """Parse and run; errors that are ours or AWS's become a message on stderr and an exit status."""
    name = ""
    try:
        with _flushed():
            name = _command(arguments)
            return _run(name, arguments[1:])
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return FAILED
    except Exception as error:
        status = status_of(error)
        if status is None:
            raise
        complain(name, redact(str(error)))  # what AWS says about a signature repeats the session token
        return status


def _run(name: str, arguments: Sequence[str]) -> int:
    module = import_module(f"{__package__}.commands.{name.replace('-', '_')}")
    parser = argparse.ArgumentParser(prog=f"{PROGRAM} {name}", description=f"{COMMANDS[name][0].upper()}{COMMANDS[name][1:]}.")
    module.add_arguments(parser)
    return int(module.run(parser.parse_args(arguments, argparse.Namespace(raw_arguments=arguments))))


@contextmanager
def _flushed() -> Iterator[None]:
    """What cannot be written is found out at the end of the block, whichever way that ends."""
    try:
        yield
    finally:
        flush()


def complain(name: str, message: str) -> None:
    """Tell a person what is wrong with this command."""
    sys.stderr.write(f"{f'{PROGRAM} {name}'.rstrip()}: {message}\n")


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
    found = next((status for kinds, status in table if isinstance(error, kinds)), None)
    return REFUSED if isinstance(error, ClientError) and _http_status(error) in _REFUSALS else found


def _http_status(error: ClientError) -> int | None:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")


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
