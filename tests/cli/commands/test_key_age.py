"""`bedrock-auth key-age`: how old the long-lived key in use is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from hypothesis import given, strategies as st

from bedrock_auth.cli import main
from bedrock_auth.cli.commands.key_age import KeyAge, judged
from support.sts import LocalSts

ROLE = "arn:aws:iam::123456789012:role/Bedrock"
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def key(moto, monkeypatch):
    """A user's key in moto, which the environment has."""
    for name, value in {"AWS_ENDPOINT_URL": moto, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    iam = boto3.client("iam", aws_access_key_id="x", aws_secret_access_key="y")
    iam.create_user(UserName="somebody")
    made = iam.create_access_key(UserName="somebody")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", made["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", made["SecretAccessKey"])
    return made


@pytest.fixture
def key_age(capsys):
    def run(*options, status=0):
        assert main(["key-age", *options]) == status
        shown = capsys.readouterr()
        return json.loads(shown.out) if shown.out else None, shown.err

    return run


def test_a_key_of_today(key, key_age):
    found, words = key_age("--max-age", "90")
    assert found["access_key_id"] == f"…{key['AccessKeyId'][-4:]}"
    assert (found["age_days"], found["status"], found["too_old"], found["long_lived"]) == (0, "Active", False, True)
    assert datetime.fromisoformat(found["created"]).tzinfo is not None
    assert key["SecretAccessKey"] not in json.dumps(found) + words
    assert key["AccessKeyId"] not in json.dumps(found) + words


def test_a_key_that_is_too_old_ends_with_1_and_says_what_to_do(key, key_age, monkeypatch):
    in_a_year = datetime.now(UTC) + timedelta(days=365)
    monkeypatch.setattr("bedrock_auth.host._SYSTEM.clock", in_a_year.timestamp)
    found, words = key_age("--max-age", "90", status=1)
    assert (found["age_days"], found["max_age_days"], found["too_old"]) == (365, 90, True)
    assert "365 days old: make a new key" in words


def test_without_a_limit_no_key_is_too_old(key, key_age):
    found, _ = key_age()
    assert (found["max_age_days"], found["too_old"]) == (None, False)


def test_temporary_keys_have_no_age(key, key_age):
    found, _ = key_age("--role-arn", ROLE, "--max-age", "0")
    assert (found["long_lived"], found["too_old"]) == (False, False)
    assert found["expiration"] is not None
    assert "temporary" in found["why"]


def test_a_user_who_may_not_look_is_told_what_to_allow(key, key_age, monkeypatch):
    with LocalSts.refuses("AccessDenied", "not authorized to perform: iam:ListAccessKeys") as iam:
        monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", iam.url)
        found, words = key_age(status=4)
    assert found is None
    assert "iam:ListAccessKeys and iam:GetAccessKeyLastUsed" in words


def test_an_endpoint_that_is_no_address(key, key_age, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", "https://user:c4n4ry@a b")
    found, words = key_age(status=2)
    assert found is None
    assert "no iam client can be made: Invalid endpoint" in words
    assert "c4n4ry" not in words


def test_a_limit_is_a_whole_number_of_days(capsys):
    for text in ("-1", "ninety", "1.5", "²"):
        with pytest.raises(SystemExit) as ended:
            main(["key-age", f"--max-age={text}"])
        assert ended.value.code == 2
    assert "whole number of days" in capsys.readouterr().err


@given(st.integers(min_value=-2 * 86_400, max_value=10_000 * 86_400), st.none() | st.integers(min_value=0, max_value=10_000))
def test_a_key_is_too_old_once_more_whole_days_have_passed_than_allowed(seconds, max_age):
    age = KeyAge("AKIAIOSFODNN7EXAMPLE", NOW - timedelta(seconds=seconds), "Active", None)
    found = judged(age, max_age, NOW.timestamp())
    assert found["age_days"] == max(0, seconds // 86_400)
    assert found["too_old"] is (max_age is not None and seconds // 86_400 > max_age)
    assert "IOSFODNN7" not in json.dumps(found)
