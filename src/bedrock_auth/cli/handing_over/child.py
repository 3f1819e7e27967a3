"""Running somebody's command in this one's place: terminal, input, open files, signals and exit status are the command's."""

from __future__ import annotations

import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from bedrock_auth.cli.handing_over.signals import SIGNAL_STATUS, handled, terminal_tells_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

CANNOT_RUN, NOT_FOUND = 126, 127
_TYPED = ("SIGINT", "SIGQUIT", "SIGBREAK")
_PASSED_ON = (*_TYPED, "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
"""A terminal itself tells everybody of whatever stops, resumes or resizes."""


def run(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run it to its end and return its exit status, or 128 and the number of the signal that ended it.

    Raises:
        OSError: it cannot be started; `status_of_failure` has the exit status.
    """
    _have_statuses_kept()
    relay = _Relay()
    with handled(_PASSED_ON, relay.receive):
        process = subprocess.Popen(command, env=environ, close_fds=False)  # noqa: S603 - the user's own command, as argv
        relay.deliver_to(process)
        status = process.wait()
    return status if status >= 0 else SIGNAL_STATUS - status


def _have_statuses_kept() -> None:
    """Where SIGCHLD is ignored, which whoever started this process may have wanted, the system forgets how children end."""
    if hasattr(signal, "SIGCHLD") and signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def status_of_failure(error: OSError) -> int:
    """What shells end with where a command cannot be started."""
    return NOT_FOUND if isinstance(error, FileNotFoundError) else CANNOT_RUN


class _Relay:
    """Passes signals on; those that came before there was anybody to pass them to as well."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []

    def receive(self, number: int, _: FrameType | None) -> None:
        if self._process is None:
            self._early.append(number)
        elif not (signal.Signals(number).name in _TYPED and terminal_tells_all()):
            self._process.send_signal(number)

    def deliver_to(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        for number in self._early:
            with suppress(ValueError):  # Windows cannot send what is typed there
                process.send_signal(number)
