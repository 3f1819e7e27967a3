"""STS on this machine, which answers and tells the time as a test wants."""

from __future__ import annotations

import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import Self

from support.loopback import Loopback

IDENTITY = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{}</Arn><UserId>AIDA</UserId><Account>123456789012</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)
REFUSAL = "<ErrorResponse><Error><Code>{}</Code><Message>{}</Message></Error><RequestId>1</RequestId></ErrorResponse>"


class LocalSts(Loopback):
    """Answers every call with one status and one text; its clock is ``ahead`` so many seconds."""

    def __init__(self, status: int, text: str, *, ahead: float = 0) -> None:
        self.status, self.text, self.ahead = status, text, ahead
        super().__init__(self._handler())

    @classmethod
    def knows(cls, arn: str, *, ahead: float = 0) -> Self:
        """Everybody is this one."""
        return cls(200, IDENTITY.format(arn), ahead=ahead)

    @classmethod
    def refuses(cls, code: str, message: str, *, ahead: float = 0) -> Self:
        """Nobody is let in."""
        return cls(403, REFUSAL.format(code, message), ahead=ahead)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        sts = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = sts.text.encode()
                self.send_response_only(sts.status)
                self.send_header("Date", formatdate(time.time() + sts.ahead, usegmt=True))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Stay quiet."""

        return Handler
