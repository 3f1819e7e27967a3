"""Signals while a command runs: who is told, and that everything is as before afterwards."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

SIGNAL_STATUS = 128
"""A shell's exit status for a program that a signal ended is the signal's number above this."""
ENDING = ("SIGTERM", "SIGHUP")


@contextmanager
def handled(names: Iterable[str], handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Call the handler on these signals, except where whoever started this process had it ignore one (``nohup``)."""
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers if signal.getsignal(number) is not signal.SIG_IGN}
    try:
        for number in before:
            signal.signal(number, handler)
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def leave(number: int, _: FrameType | None = None) -> None:
    """A handler that ends the command as the signal would, but with everything cleaned up."""
    raise SystemExit(SIGNAL_STATUS + number)


def terminal_tells_all() -> bool:
    """Whether this process group has the terminal, which then sends what is typed on it to every process of the group.

    A console of Windows always tells everybody.
    """
    if not hasattr(os, "tcgetpgrp"):
        return True
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
