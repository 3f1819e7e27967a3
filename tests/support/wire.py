"""What a client puts on the wire, seen and answered in place of the network."""

from __future__ import annotations

import io
import json
from typing import Any

from botocore.awsrequest import AWSResponse


class Body(io.BytesIO):
    """As much of a urllib3 response as botocore reads."""

    def stream(self, **_: Any):
        yield self.read()


class Wire:
    """Answers a client's requests from a list of (status, body) and keeps the requests; the last answer repeats."""

    def __init__(self, client: Any, *answers: tuple[int, object]) -> None:
        self.answers = list(answers) or [(200, {})]
        self.requests: list[Any] = []
        client.meta.events.register("before-send", self._answer)

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        self.requests.append(request)
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(raw))}
        return AWSResponse(request.url, status, headers, Body(raw))

    def authorizations(self) -> list[str]:
        """The Authorization header of each request."""
        return [_text(request.headers.get("Authorization", "")) for request in self.requests]

    def signers(self) -> list[str]:
        """The access key id that signed each request, or the scheme where it is not SigV4."""
        return [line.partition("Credential=")[2].partition("/")[0] or line.partition(" ")[0] for line in self.authorizations()]

    def header(self, name: str) -> list[str]:
        """One header of each request."""
        return [_text(request.headers.get(name, "")) for request in self.requests]


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


EXPIRED_JSON = (403, {"__type": "ExpiredTokenException", "message": "The security token included in the request is expired"})
EXPIRED_XML = (
    403,
    b"<?xml version='1.0'?><ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>expired</Message></Error>"
    b"<RequestId>1</RequestId></ErrorResponse>",
)
EXPIRED_S3 = (
    400,
    b"<?xml version='1.0'?><Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>",
)
IDENTITY_XML = (
    200,
    b"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::123456789012:assumed-role/R/s</Arn>"
    b"<UserId>AROA:s</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
)
