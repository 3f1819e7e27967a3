"""`bedrock-auth whoami`: whose credentials are used here, as AWS sees them."""

from __future__ import annotations

import json

import pytest

from bedrock_auth.cli import main
from support.sts import LocalSts

ROLE = "arn:aws:iam::123456789012:role/Bedrock"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAOFTHEENVIRONMENT", "AWS_SECRET_ACCESS_KEY": "c4n4ry", "AWS_REGION": "eu-west-1"}


@pytest.fixture
def whoami(monkeypatch, capsys):
    """Run the command; its answer, if any, and what people read."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)

    def run(*options, status=0):
        assert main(["whoami", *options]) == status
        shown = capsys.readouterr()
        assert "c4n4ry" not in shown.out + shown.err
        return json.loads(shown.out) if shown.out else None, shown.err

    return run


def test_the_role_that_signs_not_the_keys_that_lie_around(whoami, moto, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-c4n4ry")
    found, words = whoami("--role-arn", ROLE)
    assert found["arn"].startswith("arn:aws:sts::123456789012:assumed-role/Bedrock/")
    assert (found["account"], found["source"], found["region"]) == ("123456789012", f"assume-role {ROLE}", "eu-west-1")
    assert found["expiration"].endswith("+00:00")
    assert found["endpoints"] == [{"service": None, "url": moto, "origin": "AWS_ENDPOINT_URL"}]
    assert f"endpoint: every service goes to {moto} (AWS_ENDPOINT_URL)" in words


def test_keys_without_an_end(whoami, monkeypatch):
    with LocalSts.knows("arn:aws:iam::123456789012:user/somebody") as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        found, _ = whoami()
    assert (found["arn"], found["expiration"]) == ("arn:aws:iam::123456789012:user/somebody", None)
    assert set(found) == {"arn", "account", "user_id", "source", "expiration", "region", "endpoints"}


def test_keys_that_aws_refuses(whoami, monkeypatch):
    with LocalSts.refuses("InvalidClientTokenId", "The security token included in the request is invalid.") as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        found, words = whoami(status=4)
    assert found is None
    assert "InvalidClientTokenId" in words


def test_nothing_set_up(whoami, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "no source of credentials is set up here" in whoami(status=3)[1]


def test_a_profile_that_is_not_there(whoami):
    assert "profile misspelt: it is neither in" in whoami("--profile", "misspelt", status=2)[1]


@pytest.mark.parametrize("url", ["https://user:c4n4ry@a b", "foo", "https://"])
def test_an_endpoint_that_is_no_address(whoami, monkeypatch, url):
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    assert "no sts client can be made: Invalid endpoint" in whoami(status=2)[1]
