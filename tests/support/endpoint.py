"""An HTTP endpoint on this machine that answers as a test tells it, also badly, and keeps what it was asked."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from attrs import field, frozen

from bedrock_auth.host import Host

if TYPE_CHECKING:
    from collections.abc import Callable

    from bedrock_auth.http import Answer


def _bytes(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


@frozen
class Reply:
    """One HTTP answer: the body is bytes, text, or anything that JSON can hold. ``raw`` takes over from the status line on."""

    status: int = 200
    body: bytes = field(default=b"", converter=_bytes)
    headers: dict[str, str] = field(factory=dict)
    raw: Callable[[BaseHTTPRequestHandler], None] | None = None


@frozen
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    """Lower-case names."""


def says(*pieces: bytes, pause: float = 0.0, reset: bool = False) -> Reply:
    """Send these bytes as they are, with pauses in between, and close; ``reset`` makes that a reset."""

    def raw(handler: BaseHTTPRequestHandler) -> None:
        for piece in pieces:
            handler.wfile.write(piece)
            handler.wfile.flush()
            time.sleep(pause)
        if reset:
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return Reply(raw=raw)


class Endpoint:
    """Answers by method and path from ``routes``, else from ``replies`` in order; the last one of a list repeats."""

    def __init__(self, *replies: Reply, tls: ssl.SSLContext | None = None) -> None:
        self.replies = list(replies) or [Reply()]
        self.routes: dict[str, list[Reply]] = {}
        self.asked: list[Asked] = []
        self._tls = tls
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop answering; nothing listens at the port any more."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        """Method and path of each request."""
        return [f"{asked.method} {asked.path}" for asked in self.asked]

    def reply(self, asked: Asked) -> Reply:
        with self._lock:
            self.asked.append(asked)
            replies = self.routes.get(f"{asked.method} {asked.path}", self.replies)
            return replies.pop(0) if len(replies) > 1 else replies[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = endpoint.reply(Asked(self.command, self.path, headers))
                if reply.raw is not None:
                    reply.raw(self)
                    return
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            do_PUT = do_CONNECT = do_GET  # noqa: N815 - the base class's names

            def log_message(self, *_: Any) -> None:
                """Stay quiet."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that goes away is none of the server's business."""


class Network(Host):
    """A host in whose world these host names and addresses are endpoints of this machine."""

    def __init__(self, environ: dict[str, str] | None = None, *, clock: Callable[[], float] = time.time, **places: Any) -> None:
        self.pauses: list[float] = []
        super().__init__(environ or {}, clock, 1, self.pauses.append)
        self.places: dict[str, str] = places.get("places", {})
        self.names: dict[str, tuple[str, ...]] = places.get("names", {})
        self.contacted: list[str] = []
        self.timeouts: list[float] = []

    def addresses(self, hostname: str, *, timeout: float) -> tuple[str, ...]:
        return self.names[hostname] if hostname in self.names else super().addresses(hostname, timeout=timeout)

    def http(self, method: str, url: str, headers: Any, *, timeout: float) -> Answer:
        self.contacted.append(url)
        self.timeouts.append(timeout)
        parts = urlsplit(url)
        url = parts._replace(netloc=urlsplit(self.places.get(parts.hostname or "", url)).netloc).geturl()
        return super().http(method, url, headers, timeout=timeout)
