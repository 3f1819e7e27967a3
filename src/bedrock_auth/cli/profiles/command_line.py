"""Provider options rendered back to arguments, and arguments as the text of a ``credential_process`` entry.

What AWS's SDKs do with that text differs. botocore and the AWS CLI split it with `shlex`, others give it to ``sh -c``, and
several cut a value at a ``#`` or ``;`` that follows white space, as the shared config file format allows. One spelling has to
serve them all.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

from bedrock_auth.cli.options import add_provider_options
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_FILES = {"vending_key_file", "web_identity_token_file"}
_WINDOWS = sys.platform == "win32"


def provider_arguments(options: argparse.Namespace) -> list[str]:
    """The provider options that were given, as arguments that parse to the same ones in any folder.

    Each is one argument, ``--name=value``, so that a value may begin with a dash. Relative paths of files become absolute.
    """
    return [
        f"--{name.replace('_', '-')}={os.path.abspath(value) if name in _FILES else value}"  # noqa: PTH100 - text in, text out
        for name in _option_names()
        if (value := getattr(options, name)) is not None
    ]


def _option_names() -> Iterable[str]:
    parser = argparse.ArgumentParser()
    add_provider_options(parser)
    return vars(parser.parse_args([]))


def as_text(arguments: Sequence[str]) -> str:
    """One line that botocore, a POSIX shell and the other SDKs' parsers take apart into these arguments again.

    Raises:
        ConfigurationError: an argument has a line break or another control character, which no config file can hold.
    """
    for argument in arguments:
        if not argument.isprintable():
            msg = f"the argument {argument!r} has a character that cannot stand in an AWS config file; write it without"
            raise ConfigurationError(msg, setting="credential_process")
    if _WINDOWS:
        return subprocess.list2cmdline(arguments)
    return re.sub(r" ([#;])", r" ''\1", shlex.join(arguments))  # a space stands in quotes only: end and begin them


def as_arguments(text: str) -> list[str]:
    """The arguments that botocore makes of such a line; none where a quote is not closed."""
    from botocore.compat import compat_shell_split  # noqa: PLC0415 - knows Windows's quoting too; --help pays nothing for it

    try:
        return list(compat_shell_split(text))
    except ValueError:
        return []
