"""A Bedrock on loopback, and runtimes that talk to it."""

from types import SimpleNamespace

import pytest
from botocore.config import Config

from bedrock_auth import Static, create_session
from bedrock_auth.bedrock import BedrockRuntime
from bedrock_auth.testing import LocalBedrock


@pytest.fixture
def bedrock(monkeypatch):
    with LocalBedrock() as local:
        for name, value in local.environ.items():
            monkeypatch.setenv(name, value)
        yield local


@pytest.fixture
def session(bedrock):
    keys = bedrock.credentials
    return create_session(Static(keys.access_key_id, keys.secret_access_key, keys.session_token))


@pytest.fixture
def runtime(session):
    return BedrockRuntime(session, config=Config(read_timeout=0.3))


@pytest.fixture
def no_backoff(monkeypatch):
    """botocore retries at once."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _seconds: None))
