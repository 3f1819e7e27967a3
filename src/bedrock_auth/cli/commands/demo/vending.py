"""A small vending endpoint for the demo: an API key in, short-lived role keys out, as an API Gateway in front of STS does it."""

from __future__ import annotations

import hmac
import json
import threading
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bedrock_auth.credentials import Credentials


@contextmanager
def vending_endpoint(api_key: str, issue: Callable[[], Credentials]) -> Iterator[str]:
    """Its URL on loopback; ``GET /credentials`` with the header ``x-api-key`` is answered with fresh keys."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            allowed = hmac.compare_digest(self.headers.get("x-api-key", ""), api_key)
            if self.path == "/credentials" and allowed:
                self._answer(HTTPStatus.OK, issue().to_process_json())
            else:
                self._answer(HTTPStatus.FORBIDDEN, {"message": "Forbidden"})

        def _answer(self, status: HTTPStatus, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing: the screen is the demo's."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
