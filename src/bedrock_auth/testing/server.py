"""The HTTP side of LocalBedrock: loopback only, keep-alive, one daemon thread for each connection.

Closing never hangs: whoever pauses wakes up, whoever reads loses the socket, and nobody is waited for longer than a second.
"""

from __future__ import annotations

import sys
import threading
import uuid
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socket import SHUT_RDWR, create_connection, socket
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any

from bedrock_auth.testing.answers import HangUp, Pause
from bedrock_auth.testing.verify import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext

    from bedrock_auth.testing.answers import Answer, Piece

_LOOPBACK = "127.0.0.1"
_PATIENCE = 1.0


class Server(ThreadingMixIn, TCPServer):
    """An HTTP server on a free port of 127.0.0.1 that answers every request with what a function says."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128
    timeout = 0.5  # so long at most until the accepting thread sees that it is over, should nothing wake it

    def __init__(self, respond: Callable[[HttpRequest], Answer], tls: SSLContext | None = None) -> None:
        """Bind, and serve in a thread of its own; with ``tls``, a server's context, over https."""
        self.respond = respond
        self.closing = threading.Event()
        self._connections: set[socket] = set()
        self._changed = threading.Condition()
        super().__init__((_LOOPBACK, 0), _Handler)
        if tls is not None:
            self._speak_tls(tls)
        self._port: int = self.server_address[1]
        self.url = f"{'http' if tls is None else 'https'}://{_LOOPBACK}:{self._port}"
        self._thread = threading.Thread(target=self._accept, name="LocalBedrock", daemon=True)
        self._thread.start()

    def _speak_tls(self, context: SSLContext) -> None:
        try:  # the handshake is left to the connection's own thread, and happens when it first reads
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        except BaseException:
            self.server_close()
            raise

    def _accept(self) -> None:
        while not self.closing.is_set():
            self.handle_request()

    def close(self) -> None:
        """Stop listening, drop every connection and give the handlers a second to end; more calls change nothing."""
        if self.closing.is_set():
            return
        self.closing.set()
        self._wake_accept()
        self._thread.join()
        self.server_close()
        with self._changed:
            for connection in self._connections:
                with suppress(OSError):  # the client may have been faster
                    connection.shutdown(SHUT_RDWR)
            self._changed.wait_for(lambda: not self._connections, _PATIENCE)

    def _wake_accept(self) -> None:
        with suppress(OSError), create_connection((_LOOPBACK, self._port), _PATIENCE):
            pass

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002 - all are served until the end
        """Whether the connection is served."""
        return not self.closing.is_set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Know the connection for as long as it is open."""
        with self._changed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def close_request(self, request: Any) -> None:
        """Forget the connection."""
        super().close_request(request)
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients come and go; only what is no matter of the network is worth a traceback."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One connection: read a request, have it answered, send the answer piece by piece."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_POST(self) -> None:
        """Serve a request of whatever method."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
            return
        self._send(self.server.respond(self._request(int(length))))

    do_GET = do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815 - the names that http.server looks for

    def version_string(self) -> str:
        """What the ``Server`` header says."""
        return "LocalBedrock"

    def log_message(self, *_: Any) -> None:
        """Say nothing; the requests are in ``LocalBedrock.requests``."""

    def _request(self, length: int) -> HttpRequest:
        body = self.rfile.read(length)
        if len(body) < length:
            msg = "the client left in the middle of its request"
            raise ConnectionAbortedError(msg)
        headers = {name.lower(): ",".join(self.headers.get_all(name, [])) for name in self.headers}
        return HttpRequest(self.command, self.path, headers, body)

    def _send(self, answer: Answer) -> None:
        self._send_head(answer)
        for piece in answer.pieces:
            if isinstance(piece, HangUp):
                self.close_connection = True
                return
            self._send_piece(piece, chunked=answer.is_stream)
        if answer.is_stream:
            self.wfile.write(b"0\r\n\r\n")

    def _send_head(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(answer.length))
        self.end_headers()

    def _send_piece(self, piece: Piece, *, chunked: bool) -> None:
        if isinstance(piece, Pause):
            if self.server.closing.wait(piece.seconds):
                msg = "the server closes"
                raise ConnectionAbortedError(msg)
        elif isinstance(piece, bytes) and piece:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
