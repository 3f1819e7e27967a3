"""The command ``bedrock-auth``: parse, call the public API, render.

Stdout is for programs: one JSON document, or exactly the format that was asked for. Everything for people goes to stderr. No
secret is ever taken from a command line, where ``ps`` shows it, and none is put on one.

Exit status:

====  =====================================================================================================
0     done
1     asked and failed in a way that may pass (network, throttling), or something that was checked is wrong
2     wrong usage, or a setting that is wrong; the message names it
3     no credentials are set up here
4     refused: access denied, a login is needed, or nothing unexpired is left
130   interrupted
====  =====================================================================================================

``exec`` ends as its command ends, and with 126 or 127 where that cannot be started.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing typing costs more than a cached answer may take; type checkers take the name as true

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if sys.stdout is None:  # it was closed; Python opens no replacement
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - pathlib is slow to load, and it stays open
    if arguments[:1] == ["credential-process"]:
        from bedrock_auth.cli.fast_path import answer  # noqa: PLC0415 - of no use to any other command

        cached = answer(arguments[1:])
        if cached is not None:
            try:
                sys.stdout.write(cached)
                flush()
            except OSError:  # nobody reads it any more
                return 1
            return 0
    from bedrock_auth.cli.dispatch import run  # noqa: PLC0415 - a cached answer must not pay for it

    return run(arguments)


def flush() -> None:
    """Write what is buffered, while an error can still be handled.

    Raises:
        OSError: that cannot be done; Python's own flush, at its end, will not complain of it again.
    """
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise
