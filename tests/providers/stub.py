"""STS on this machine, answering whatever a test wants: issued keys, refusals, nonsense. It keeps what it was asked."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl

from attrs import field, frozen
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from bedrock_auth.credentials import Credentials
from bedrock_auth.host import Host
from support.loopback import Loopback

ROLE_KEY_ID = "ASIAC4N4RYR0LE000001"
ROLE_SECRET = "c4n4ry-role-secret"
ROLE_TOKEN = "c4n4ry-role-token"


@frozen
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes = field(converter=lambda body: body.encode() if isinstance(body, str) else body)
    headers: dict[str, str] = field(factory=dict)


def issued(
    *,
    lifetime: float = 3600,
    key_id: str = ROLE_KEY_ID,
    account: str = "123456789012",
    expiration: str | None = None,
    operation: str = "AssumeRole",
) -> Answer:
    """A role's keys."""
    expires = (datetime.now(UTC) + timedelta(seconds=lifetime)).isoformat() if expiration is None else expiration
    return Answer(
        200,
        f"""<{operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{operation}Result>
        <AssumedRoleUser><Arn>arn:aws:sts::{account}:assumed-role/R/s</Arn><AssumedRoleId>AROA:s</AssumedRoleId></AssumedRoleUser>
        <Credentials><AccessKeyId>{key_id}</AccessKeyId><SecretAccessKey>{ROLE_SECRET}</SecretAccessKey>
        <SessionToken>{ROLE_TOKEN}</SessionToken><Expiration>{expires}</Expiration></Credentials>
        </{operation}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{operation}Response>""",
    )


def caller(account: str = "123456789012") -> Answer:
    """An answer to GetCallerIdentity."""
    return Answer(
        200,
        f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
        <Arn>arn:aws:iam::{account}:user/U</Arn><UserId>U</UserId><Account>{account}</Account></GetCallerIdentityResult>
        <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>""",
    )


def refusal(code: str, message: str = "", status: int = 403, headers: dict[str, str] | None = None) -> Answer:
    """An error as STS writes it."""
    return Answer(
        status,
        f"""<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>{code}</Code>
        <Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>""",
        headers or {},
    )


@frozen
class Received:
    """A request as it arrived."""

    form: dict[str, str]
    headers: dict[str, str]
    """Lower-case names."""
    body: bytes

    @property
    def scope(self) -> list[str]:
        """Key id, date, region, service of the signature."""
        return self.headers.get("authorization", "").partition("Credential=")[2].partition(",")[0].split("/")

    @property
    def signer(self) -> str:
        """The access key id; empty where nothing is signed."""
        return self.scope[0]

    def is_signed_with(self, keys: Credentials) -> bool:
        """Whether signing the request again with these keys gives the same signature and token."""
        names = self.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
        request = AWSRequest("POST", f"http://{self.headers['host']}/", {name: self.headers[name] for name in names}, self.body)
        request.context["timestamp"] = self.headers["x-amz-date"]
        auth = SigV4Auth(BotoCredentials(keys.access_key_id, keys.secret_access_key, keys.session_token), "sts", self.scope[2])
        signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
        right_token = self.headers.get("x-amz-security-token") == keys.session_token
        return right_token and self.headers["authorization"].endswith(f"Signature={signature}")


class StsStub(Loopback):
    """Answers in the order of ``answers``; the last one repeats. ``by_signer`` decides by who asks where it knows them."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [issued()]
        self.by_signer: dict[str, Answer] = {}
        self.received: list[Received] = []
        self._lock = threading.Lock()
        super().__init__(self._handler())

    def host(self, **environ: str) -> Host:
        """A host whose STS this is."""
        return Host.isolated({"AWS_ENDPOINT_URL_STS": self.url, **environ})

    def answer(self, request: Received) -> Answer:
        with self._lock:
            self.received.append(request)
            if request.signer in self.by_signer:
                return self.by_signer[request.signer]
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = stub.answer(Received(dict(parse_qsl(body.decode())), headers, body))
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(answer.body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: Any) -> None:
                """Stay quiet."""

        return Handler


def nobody() -> Host:
    """A host whose STS cannot be reached: a port of this machine where nothing listens."""
    with StsStub() as gone:
        return gone.host()
