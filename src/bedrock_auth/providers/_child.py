"""Running one program to its end: bounded in time and output, and never held up by what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

_TICK = 0.05
"""Seconds between looks at whether the program has ended while its pipe is still open."""
_GRACE = 0.5
"""Seconds that a program has to clean up after SIGTERM, and that the last output has to arrive after its end."""
_MAX_STDERR = 65_536
_POSIX = os.name == "posix"


@frozen
class Ended:
    """How a program ended and what it wrote."""

    status: int
    """Its exit status, or a signal's number below zero."""
    stdout: bytes
    stderr: bytes
    """At most the last 64 KiB."""


class TimedOut(Exception):  # noqa: N818 - an outcome; the provider makes the error of it
    """The program was ended because its time was up."""

    def __init__(self, ended: Ended) -> None:
        """Keep what it had written by then."""
        super().__init__()
        self.ended = ended


class TooLong(Exception):  # noqa: N818 - the same
    """The program was ended because it wrote more to standard output than was allowed."""


class _Reader(threading.Thread):
    """Reads a pipe to its end and closes it; keeps the last ``keep`` bytes."""

    def __init__(self, pipe: IO[bytes] | None, keep: int) -> None:
        super().__init__(name="bedrock-auth process output", daemon=True)
        assert pipe is not None  # noqa: S101 - Popen was asked for a pipe
        self._pipe = pipe
        self._keep = keep
        self.kept = b""
        self.too_long = False
        self.settled = threading.Event()
        """At the end of the pipe, or too long."""

    def run(self) -> None:
        with self._pipe as pipe:
            while chunk := os.read(pipe.fileno(), 65_536):
                together = self.kept + chunk
                self.kept = together[-self._keep :]
                if len(together) > self._keep:
                    self.too_long = True
                    self.settled.set()
        self.settled.set()


def run(argv: tuple[str, ...], environ: Mapping[str, str], timeout: float, max_stdout: int) -> Ended:
    """Run a program without a shell and without input, in a session of its own.

    Raises:
        TimedOut: it took longer than ``timeout`` seconds.
        TooLong: it wrote more than ``max_stdout`` bytes to standard output.
        OSError, ValueError, RuntimeError: it, or a thread to read its output, could not be started.
    """
    process = subprocess.Popen(  # noqa: S603 - the user's own command, as argv
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ,
        start_new_session=_POSIX,
    )
    out, err = _Reader(process.stdout, max_stdout), _Reader(process.stderr, _MAX_STDERR)
    finished = False
    try:
        out.start()
        err.start()
        finished = _finished(process, out, timeout)
    finally:
        if not finished:
            _end_tree(process, [out, err])
    _await_end([out, err] if process.returncode else [out])
    if out.too_long:
        raise TooLong
    ended = Ended(process.returncode or 0, out.kept, err.kept)
    if not finished:
        raise TimedOut(ended)
    return ended


def _finished(process: subprocess.Popen[bytes], out: _Reader, timeout: float) -> bool:
    """Wait for the end of the program; ``False`` where it has to be ended instead."""
    deadline = time.monotonic() + timeout
    while not out.settled.wait(min(_TICK, timeout)) and process.poll() is None:
        if time.monotonic() >= deadline:
            return False
    if out.too_long:
        return False
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


def _end_tree(process: subprocess.Popen[bytes], readers: list[_Reader]) -> None:
    """End the program and its children: politely, then for good. It is not reaped before, so its group cannot be another's."""
    _signal(process, signal.SIGTERM)
    _await_end(readers)
    _signal(process, signal.SIGKILL if _POSIX else signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):  # not even SIGKILL ends a program that hangs inside the kernel
        process.wait(_GRACE)


def _await_end(readers: list[_Reader]) -> None:
    """Wait until nobody has these pipes open any more, but not for long."""
    deadline = time.monotonic() + _GRACE
    for reader in readers:
        if reader.is_alive():
            reader.join(max(0.0, deadline - time.monotonic()))


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    if not _POSIX:
        process.kill()
        return
    with suppress(ProcessLookupError, PermissionError):  # all of it has ended; macOS says EPERM for a group of zombies
        os.killpg(process.pid, number)
