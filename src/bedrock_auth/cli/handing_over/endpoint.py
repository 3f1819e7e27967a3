"""`CredentialEndpoint`: a container-credentials endpoint on loopback, from which any AWS SDK refreshes by itself.

It listens on a port of 127.0.0.1 that the system picks. There are only so many connections, each bounded in what it may send, how
long it may take to send it, and in requests; whoever is refused is disconnected. No answer may be stored.

The form of answers and errors is that of "Container credential provider" in the AWS SDKs and Tools Reference Guide: an error has
``code`` and ``message``, and a status of 5xx where asking again may help.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from socket import SHUT_RDWR, create_connection, create_server, socket
from typing import TYPE_CHECKING, Self

from attrs import frozen

from bedrock_auth.cli.handing_over.gate import MAX_HEAD_BYTES, Gate, Refused, new_token
from bedrock_auth.cli.handing_over.supply import container_answer
from bedrock_auth.errors import CredentialError, CredentialsExpiredError, RetrievalError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bedrock_auth.cli.handing_over.supply import Supply

LOOPBACK = "127.0.0.1"
_REASONS = {200: "OK", 403: "Forbidden", 500: "Internal Server Error", 503: "Service Unavailable"}
_OK, _FORBIDDEN, _DEFECT, _UNAVAILABLE = _REASONS
_REFUSAL = {"code": "AccessDenied", "message": "there is nothing here for this request"}
_FULL = {"code": "TooManyConnections", "message": "too many connections; try again"}
_END_OF_HEAD = b"\r\n\r\n"
_WAITING = 128
"""Connections that the system may hold until they are taken up."""
_PATIENCE = 2.0
"""Seconds that closing waits for a thread."""


@frozen
class Limits:
    """How much of anything the endpoint puts up with; times are seconds."""

    connections: int = 64
    requests: int = 100
    """So many on one connection."""
    head_seconds: float = 5.0
    """For the whole head of a request, the wait for it included."""
    send_seconds: float = 5.0
    renewal_seconds: float = 15.0
    """Between looks at whether a set is due to be renewed."""


class CredentialEndpoint:
    """Serves these identities from `start`, or on entering a ``with`` block, to `close`.

    Args:
        supplies: identities by the name of their route.
        limits: how much it puts up with.
        tell: told of every request in one line without secrets.
    """

    def __init__(
        self, supplies: Mapping[str, Supply], *, limits: Limits | None = None, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        """Listen; whoever connects before the start is answered then.

        Raises:
            OSError: there is no port to listen on.
        """
        self._listener = create_server((LOOPBACK, 0), backlog=_WAITING)
        self.port: int = self._listener.getsockname()[1]
        self.tokens = {name: new_token() for name in supplies}
        self._gate = Gate(f"{LOOPBACK}:{self.port}", {f"/{name}": token for name, token in self.tokens.items()})
        self._supplies = {f"/{name}": supply for name, supply in supplies.items()}
        self._limits = limits or Limits()
        self._tell = tell
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._connections: set[socket] = set()
        self._threads = [self._thread("accepts", self._accept), self._thread("renews", self._renew)]

    def start(self) -> Self:
        """Answer, from now on."""
        for thread in self._threads:
            thread.start()
        return self

    def close(self) -> None:
        """Stop listening and drop every connection; more calls change nothing."""
        if self._over.is_set():
            return
        self._over.set()
        with suppress(OSError), create_connection((LOOPBACK, self.port), _PATIENCE):
            pass  # wakes the thread that accepts
        for thread in self._threads:
            thread.join(_PATIENCE)
        self._listener.close()
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):  # the client was faster
                    connection.shutdown(SHUT_RDWR)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def url(self, name: str) -> str:
        """Where the keys of this route are asked for."""
        return f"http://{LOOPBACK}:{self.port}/{name}"

    # ---------------------------------------------------------------- threads

    def _thread(self, what: str, work: Callable[..., None], *arguments: object) -> threading.Thread:
        return threading.Thread(target=work, args=arguments, name=f"bedrock-auth endpoint {what}", daemon=True)

    def _renew(self) -> None:
        while not self._over.wait(self._limits.renewal_seconds):
            for supply in self._supplies.values():
                supply.prefetch()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError as error:  # such as too many open files: it may pass
                self._tell(f"cannot accept: {error.strerror}")
                self._over.wait(1)
                continue
            if self._over.is_set() or not self._take_up(connection):
                connection.close()

    def _take_up(self, connection: socket) -> bool:
        """Serve the connection in a thread of its own; ``False`` where there are too many."""
        with self._lock:
            full = len(self._connections) >= self._limits.connections
            if not full:
                self._connections.add(connection)
        if full:
            self._tell("refused: too many connections")
            connection.setblocking(False)
            with suppress(OSError):
                connection.send(_response(_UNAVAILABLE, _FULL, keep_alive=False))
            return False
        try:
            self._thread("answers", self._attend, connection).start()
        except RuntimeError:  # no thread can be started
            self._let_go(connection)
        return True

    def _has_room(self) -> bool:
        """Whether a connection may be kept that may not be used again: later clients must find a place."""
        with self._lock:
            return 2 * len(self._connections) <= self._limits.connections

    def _let_go(self, connection: socket) -> None:
        with self._lock:
            self._connections.discard(connection)
        connection.close()

    # ---------------------------------------------------------------- one connection

    def _attend(self, connection: socket) -> None:
        """One connection, from its beginning to its end."""
        try:
            self._converse(connection)
        except OSError as error:  # a client that is too slow among them
            self._tell(f"disconnected: {type(error).__name__}")
        finally:
            self._let_go(connection)

    def _converse(self, connection: socket) -> None:
        rest = b""
        for number in range(1, self._limits.requests + 1):
            head, rest = self._head(connection, rest)
            if not head:
                return
            verdict = self._gate.judge(head)
            if isinstance(verdict, Refused):
                self._tell(f"refused: {verdict.reason}")
                self._send(connection, _response(_FORBIDDEN, _REFUSAL, keep_alive=False))
                return
            status, body = self._answer(self._supplies[verdict.route])
            self._tell(f"{verdict.route}: {status}")
            keep_alive = verdict.keep_alive and number < self._limits.requests and self._has_room()
            self._send(connection, _response(status, body, keep_alive=keep_alive))
            if not keep_alive:
                return

    def _head(self, connection: socket, received: bytes) -> tuple[bytes, bytes]:
        """The head of the next request, and what came after it; empty where the client has gone or sends too much.

        Raises:
            TimeoutError: it has not arrived whole within its time.
        """
        deadline = time.monotonic() + self._limits.head_seconds
        while _END_OF_HEAD not in received:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            piece = connection.recv(MAX_HEAD_BYTES)
            if time.monotonic() > deadline:
                raise TimeoutError
            received += piece
            if not piece or len(received) > MAX_HEAD_BYTES:
                return b"", b""
        head, end, rest = received.partition(_END_OF_HEAD)
        return head + end, rest

    def _send(self, connection: socket, response: bytes) -> None:
        connection.settimeout(self._limits.send_seconds)
        connection.sendall(response)

    def _answer(self, supply: Supply) -> tuple[int, Mapping[str, str]]:
        try:
            return _OK, container_answer(supply.current(), supply.now())
        except (RetrievalError, CredentialsExpiredError):
            return _UNAVAILABLE, _error("Unavailable", "the source of these credentials cannot deliver now; ask again later")
        except CredentialError:
            return _FORBIDDEN, _error("Refused", "the source of these credentials refuses, or is set up wrongly")
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the endpoint or reach the client
            self._tell(f"failed: {type(error).__name__}")
            return _DEFECT, _error("InternalError", "the endpoint failed")


def _error(code: str, message: str) -> dict[str, str]:
    return {"code": code, "message": message}


def _response(status: int, body: Mapping[str, str], *, keep_alive: bool) -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n"
        "Cache-Control: no-store\r\n"
        f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
    )
    return head.encode() + content
