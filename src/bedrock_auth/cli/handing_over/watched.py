"""Knowing when a process that is not one's child has ended."""

from __future__ import annotations

import os
import select
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def watched(pid: int) -> Iterator[Callable[[], bool]]:
    """A function that tells whether this process has ended.

    Linux tells it of this very process, also before its parent has taken note of its end; elsewhere its number is looked for.

    Raises:
        ConfigurationError: there is no such process.
    """
    if pid <= 0 or _is_gone(pid):
        raise ConfigurationError(f"there is no process {pid} to end with", setting="--end-with")
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):  # another system, an old Linux, or a sandbox that forbids it
        yield lambda: _is_gone(pid)
        return
    try:
        yield lambda: bool(select.select([descriptor], [], [], 0)[0])
    finally:
        os.close(descriptor)


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:  # somebody else's
        return False
    return False
