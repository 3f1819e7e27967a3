"""What the benchmarks share: a line that names the interpreter and versions, and one that states a figure and its bound."""

from __future__ import annotations

import platform
import sys

import botocore

FAILURES: list[str] = []


def header(title: str) -> None:
    """Say what is measured, and on what."""
    print(f"\n{title}")
    print(
        f"  {platform.python_implementation()} {platform.python_version()}, botocore {botocore.__version__}, {platform.machine()}"
    )


def figure(what: str, ours: str, theirs: str, bound: str, *, met: bool) -> None:
    """One row; a bound that is not met makes the script fail."""
    print(f"  {what:<58} ours {ours:>12}   botocore {theirs:>12}   {bound}: {'yes' if met else 'NO'}")
    if not met:
        FAILURES.append(what)


def finish() -> None:
    """Exit non-zero where a bound was missed."""
    sys.exit(1 if FAILURES else 0)
