"""bedrock-auth token, as a program of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from bedrock_auth.api_key import access_key_id_in
from bedrock_auth.testing.api_keys import presigned_call
from bedrock_auth.testing.verify import HttpRequest

KEY = "ASIAOURSOURSOURSOUR0"
KEYS = {
    "AWS_ACCESS_KEY_ID": KEY,
    "AWS_SECRET_ACCESS_KEY": "c4n4ry",
    "AWS_SESSION_TOKEN": "c4n4ry-session",
    "AWS_REGION": "eu-west-1",
}


def token(*arguments, **environ) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bedrock_auth.cli", "token", *arguments]
    return subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True, timeout=60, check=False)


def region_of(text: str) -> str:
    return presigned_call(HttpRequest("POST", "/", {"authorization": f"Bearer {text}"}, b"")).claim.region_name


def test_a_key_comes_with_its_expiration_and_region():
    ran = token("--lifetime", "900", **KEYS)
    assert (ran.returncode, ran.stderr) == (0, "")
    answer = json.loads(ran.stdout)
    assert sorted(answer) == ["Expiration", "Region", "Token"]
    assert (access_key_id_in(answer["Token"]), region_of(answer["Token"]), answer["Region"]) == (KEY, "eu-west-1", "eu-west-1")
    left = datetime.strptime(answer["Expiration"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) - datetime.now(UTC)
    assert timedelta(seconds=800) < left <= timedelta(seconds=900)


def test_raw_is_the_key_alone_and_its_region_an_option():
    ran = token("--format", "raw", "--region", "us-west-2", **KEYS)
    assert (access_key_id_in(ran.stdout.removesuffix("\n")), region_of(ran.stdout.strip())) == (KEY, "us-west-2")


def test_a_shell_takes_the_variable():
    ran = token("--format", "env", **KEYS)
    script = f'{ran.stdout}printf %s "$AWS_BEARER_TOKEN_BEDROCK"'
    shell = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert access_key_id_in(shell.stdout) == KEY


@pytest.mark.parametrize(
    ("arguments", "environ", "status", "words"),
    [
        (("--lifetime", "43201"), KEYS, 2, "lifetime must be 1 to 43200 seconds"),
        (("--region", "moon"), KEYS, 2, "region_name must be an AWS region"),
        ((), {**KEYS, "AWS_REGION": ""}, 2, "no region is set"),
        (
            ("--source", "environment"),
            {"AWS_REGION": "eu-west-1"},
            3,
            "neither AWS_ACCESS_KEY_ID nor AWS_SECRET_ACCESS_KEY is set",
        ),
        (("--lifetime", "long"), KEYS, 2, "argument --lifetime"),
    ],
    ids=["lifetime", "region", "no region", "no credentials", "no number"],
)
def test_what_is_wrong_is_said_on_stderr_and_nothing_on_stdout(arguments, environ, status, words):
    ran = token(*arguments, **environ)
    assert (ran.returncode, ran.stdout) == (status, "")
    assert words in ran.stderr
    assert "c4n4ry" not in ran.stderr
