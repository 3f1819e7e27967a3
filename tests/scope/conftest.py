"""One scope, its session and a client, in front of a Bedrock endpoint that verifies who signs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bedrock_auth import RequestScope, create_session
from bedrock_auth.testing import LocalBedrock
from scope.people import ANN, BEN, CAT
from scope.storage import Storage

if TYPE_CHECKING:
    from collections.abc import Iterator

    import boto3


@pytest.fixture
def bedrock(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalBedrock]:
    with LocalBedrock([ANN, BEN, CAT]) as endpoint:
        for name, value in endpoint.environ.items():
            monkeypatch.setenv(name, value)
        yield endpoint


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    with Storage([ANN, BEN, CAT]) as endpoint:
        for service in ("S3", "DYNAMODB"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", endpoint.url)
        yield endpoint


@pytest.fixture
def scope() -> RequestScope:
    return RequestScope()


@pytest.fixture
def session(scope: RequestScope) -> boto3.Session:
    return create_session(scope, region_name="us-east-1")


@pytest.fixture
def client(session: boto3.Session, bedrock: LocalBedrock) -> Any:
    return session.client("bedrock-runtime")
