"""`StreamConnection`: the socket below an answer that is still coming, for whoever waits for many answers at once."""

from __future__ import annotations

import ssl
import time
from contextlib import suppress
from math import inf
from socket import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from io import BufferedReader
    from typing import Self

_AT_ONCE = 0.001


class StreamConnection:
    """What a body of urllib3 reads from. botocore's ``StreamingBody`` finds the socket in the same place."""

    def __init__(self, file: BufferedReader, sock: socket) -> None:
        """A file and the socket that fills it."""
        self.sock = sock
        self._file = file
        self._timeout = sock.gettimeout()
        self._deadline = inf

    @classmethod
    def of(cls, body: Any) -> Self | None:
        """The connection of urllib3's response, or ``None`` where it is not to be found, as with TLS inside of TLS."""
        file: Any = getattr(getattr(body, "_fp", None), "fp", None)
        sock = getattr(getattr(file, "raw", None), "_sock", None)
        if not isinstance(sock, socket) or not hasattr(file, "peek"):
            return None
        return cls(file, sock)

    def has_data(self) -> bool:
        """Whether something can be read without waiting, an error too. An end is noticed with TLS; else the system tells it."""
        if self._file.closed:
            return True
        try:
            self.sock.settimeout(0)
            try:
                return bool(self._file.peek(1)) or isinstance(self.sock, ssl.SSLSocket)  # which has an error for nothing yet
            finally:
                self.sock.settimeout(self._timeout)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except (OSError, ValueError):
            return True

    def wait(self) -> None:
        """From now on its timeout runs."""
        self._give_up_after(self._timeout)
        self._deadline = inf if self._timeout is None else time.monotonic() + self._timeout

    def is_overdue(self, now: float) -> bool:
        """Whether nothing has come for as long as the client's read timeout."""
        return now >= self._deadline

    def fail_at_once(self) -> None:
        """Make the next read find its timeout over, unless something has come; `wait` takes that back."""
        self._give_up_after(_AT_ONCE)

    def _give_up_after(self, seconds: float | None) -> None:
        with suppress(OSError):  # somebody has closed it, which whoever reads it will be told
            self.sock.settimeout(seconds)
