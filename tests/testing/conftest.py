import json
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials

from bedrock_auth.credentials import Credentials
from bedrock_auth.testing import LocalBedrock

HELLO = {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}


@pytest.fixture
def bedrock() -> Iterator[LocalBedrock]:
    with LocalBedrock() as running:
        yield running


@pytest.fixture(scope="session")
def shared_session() -> boto3.Session:
    return boto3.Session(region_name="us-east-1")


@pytest.fixture
def client_for(shared_session: boto3.Session) -> Iterator[Callable[..., Any]]:
    """A raw boto3 client of this LocalBedrock, for the runtime by default: one attempt, a short read timeout."""
    made = []

    def make(
        bedrock: LocalBedrock, credentials: Credentials | None = None, *, service: str = "bedrock-runtime", **config: Any
    ) -> Any:
        keys = credentials or bedrock.credentials
        client = shared_session.client(
            service,
            endpoint_url=bedrock.endpoint_url,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            aws_session_token=keys.session_token,
            config=Config(**{"retries": {"total_max_attempts": 1}, "read_timeout": 5, **config}),
        )
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(bedrock: LocalBedrock, client_for: Callable[..., Any]) -> Any:
    return client_for(bedrock)


class Wire:
    """A raw HTTP/1.1 connection that signs requests with botocore and may then tamper with them."""

    def __init__(self, bedrock: LocalBedrock) -> None:
        self.bedrock = bedrock
        self.host = bedrock.endpoint_url.removeprefix("http://")
        self.connection = HTTPConnection(self.host, timeout=5)

    def signed(
        self,
        credentials: Credentials | None = None,
        *,
        path: str = "/model/some.model/converse",
        body: bytes | None = None,
        service: str = "bedrock",
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        keys = credentials or self.bedrock.credentials
        body = json.dumps(HELLO).encode() if body is None else body
        request = AWSRequest("POST", f"http://{self.host}{path}", {"Content-Type": "application/json", **(headers or {})}, body)
        frozen = ReadOnlyCredentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
        SigV4Auth(frozen, service, "us-east-1").add_auth(request)
        return {"method": "POST", "path": path, "body": body, "headers": dict(request.headers.items())}

    def send(self, request: dict[str, Any]) -> tuple[int, str, dict[str, Any]]:
        """Status, error code and document."""
        self.connection.request(request["method"], request["path"], request["body"], request["headers"])
        response = self.connection.getresponse()
        document = json.loads(response.read() or b"{}")
        return response.status, response.getheader("x-amzn-ErrorType", ""), document


@pytest.fixture
def wire(bedrock: LocalBedrock) -> Iterator[Wire]:
    opened = Wire(bedrock)
    yield opened
    opened.connection.close()
