"""A function URL on this machine that checks signatures as AWS documents them, not as botocore computes them."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, unquote_plus, unquote_to_bytes

from attrs import field, frozen

from bedrock_auth import Credentials

if TYPE_CHECKING:
    from collections.abc import Callable

REGION = "us-east-1"
KEYS = Credentials("ASIAFUNCTIONURL00000", "secret/of+the=keys", "token//of+the=keys")
DENIED = (403, {"x-amzn-ErrorType": "AccessDeniedException"}, b'{"Message":"Forbidden"}')

SPELLINGS = {
    "/": "/",
    "/chat": "/chat",
    "/chat/": "/chat/",
    "//": "//",
    "//a///b//": "//a///b//",
    "/a b": "/a%20b",
    "/a%20b": "/a%20b",
    "/a+b": "/a%2Bb",
    "/a%2fb": "/a%2Fb",
    "/a%252Fb": "/a%252Fb",
    "/a%7eb~": "/a~b~",
    "/100%": "/100%25",
    "/%zz": "/%25zz",
    "/straße/日本/🙂": "/stra%C3%9Fe/%E6%97%A5%E6%9C%AC/%F0%9F%99%82",
    "/(a)!*':@$,;=&[]": "/%28a%29%21%2A%27%3A%40%24%2C%3B%3D%26%5B%5D",
    "/a\\b\r\nX: y": "/a%5Cb%0D%0AX%3A%20y",
    "/...": "/...",
    "/?": "/",
    "/?&&": "/",
    "/?a": "/?a=",
    "/?a=": "/?a=",
    "/?=x": "/?=x",
    "/?b=2&a=2&a=1&B=0": "/?b=2&a=2&a=1&B=0",
    "/?a=1=2": "/?a=1%3D2",
    "/?q=a+b%2Bc d": "/?q=a%20b%2Bc%20d",
    "/?q=?/": "/?q=%3F%2F",
    "/?a-=1&a=2&a.b=3": "/?a-=1&a=2&a.b=3",
    "/?ü=%C3%BC&%zz=%": "/?%C3%BC=%C3%BC&%25zz=%25",
}
"""Paths as people write them, and as they are sent."""


@frozen
class Received:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str] = field(repr=False)
    """Lower-case names."""
    body: bytes

    @property
    def access_key_id(self) -> str:
        return claim(self)["key"]


def refused(code: str, text: str) -> tuple[int, dict[str, str], bytes]:
    """AWS's answer for keys or a signature that it does not accept."""
    return 403, {"x-amzn-ErrorType": code, "x-amzn-RequestId": "refused"}, json.dumps({"message": text}).encode()


EXPIRED = refused("ExpiredTokenException", "The security token included in the request is expired")
UNKNOWN = refused("UnrecognizedClientException", "The security token included in the request is invalid.")
MISMATCH = refused(
    "InvalidSignatureException",
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing "
    "method.\n\nThe Canonical String for this request should have been\n'POST\nx-amz-security-token:token//of+the=keys'",
)


def claim(received: Received) -> dict[str, str]:
    """The parts of the Authorization header; empty where there are none."""
    pattern = (
        r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, "
        r"SignedHeaders=(?P<headers>[^,]+), Signature=(?P<signature>[0-9a-f]{64})"
    )
    match = re.fullmatch(pattern, received.headers.get("authorization", ""))
    return match.groupdict() if match else {}


def is_signed(received: Received, keys: Credentials = KEYS, service: str = "lambda", region: str = REGION) -> bool:
    """Whether the signature is that of AWS's algorithm over what arrived."""
    claimed = claim(received)
    if (claimed["service"], claimed["region"]) != (service, region):
        return False
    must = {"host", "x-amz-date"} | ({"x-amz-security-token"} if keys.session_token else set())
    if not must <= set(claimed["headers"].split(";")):
        return False
    timestamp = received.headers["x-amz-date"]
    scope = f"{timestamp[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical(received, claimed["headers"]).encode()).hexdigest()
    key = f"AWS4{keys.secret_access_key}".encode()
    for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n{digest}"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.compare_digest(key.hex(), claimed["signature"])


def canonical(received: Received, signed_headers: str) -> str:
    """The canonical request, from the decoded path and query: each encoded anew, the path twice."""
    path, _, query = received.target.partition("?")
    segments = [quote(unquote_to_bytes(segment), safe="") for segment in path.split("/") if segment]
    once = "/" + "/".join(segments) + ("/" if segments and path.endswith("/") else "")
    pairs = [[quote(unquote_plus(part), safe="") for part in pair.partition("=")[::2]] for pair in query.split("&") if pair]
    headers = "".join(f"{name}:{' '.join(received.headers[name].split())}\n" for name in signed_headers.split(";"))
    lines = [
        received.method, quote(once, safe="/"), "&".join(f"{name}={value}" for name, value in sorted(pairs)),
        headers, signed_headers, hashlib.sha256(received.body).hexdigest(),
    ]  # fmt: skip
    return "\n".join(lines)


class FunctionUrl:
    """Lets those in who sign with ``keys``, then answers as ``function`` says: status, headers and body, or by itself."""

    def __init__(self, function: Callable[..., Any] | None = None, keys: Credentials = KEYS) -> None:
        self.function = function or (lambda received: (200, {}, received.body))
        self.keys = keys
        self.received: list[Received] = []
        self.ran = 0
        self._server = _Server(("127.0.0.1", 0), self._handler())

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, received: Received) -> Any:
        claimed = claim(received)
        if not claimed:
            return DENIED
        if received.headers.get("x-amz-security-token") != self.keys.session_token or claimed["key"] != self.keys.access_key_id:
            return UNKNOWN
        if not is_signed(received, self.keys):
            return MISMATCH
        self.ran += 1
        return self.function(received)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        function_url = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                method, target, _ = self.requestline.split(" ")  # .path has leading slashes collapsed
                headers = {name.lower(): ",".join(self.headers.get_all(name)) for name in self.headers}
                received = Received(method, target, headers, body)
                function_url.received.append(received)
                answer = function_url.answer(received)
                if callable(answer):
                    self.close_connection = True
                    answer(self.wfile)
                    return
                status, extra, content = answer
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), "x-amzn-RequestId": "answered", **extra}.items():
                    self.send_header(name, value)
                self.end_headers()
                if method != "HEAD":
                    self.wfile.write(content)

            do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = do_GET  # noqa: N815 - the base class's names

            def log_message(self, *_: Any) -> None:
                """Stay quiet."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that goes away is none of the server's business."""


def chunked(
    *pieces: bytes, end: bool = True, status: str = "200 OK", wait: Callable[[], object] | None = None
) -> Callable[[Any], None]:
    """Send these pieces as chunks, each at once; without the last chunk where it is no ``end``."""

    def send(wire: Any) -> None:
        wire.write(
            f"HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\nx-amzn-RequestId: streamed\r\n\r\n".encode()
        )
        for piece in pieces:
            wire.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            wire.flush()
            if wait is not None:
                wait()
        if end:
            wire.write(b"0\r\n\r\n")

    return send


def raw(text: bytes) -> Callable[[Any], None]:
    """Send exactly this and hang up."""
    return lambda wire: wire.write(text)
