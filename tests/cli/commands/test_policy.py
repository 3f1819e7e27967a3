"""The command that prints policies and checks them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bedrock_auth
from bedrock_auth import iam
from bedrock_auth.cli import main
from bedrock_auth.testing import LocalBedrock, inference_profile

ACCOUNT = "123456789012"
HERE = ["--region", "us-east-1", "--account-id", ACCOUNT]
WHERE = {"region_name": "us-east-1", "account_id": ACCOUNT}
PROFILE = "us.amazon.nova-lite-v1:0"


def printed(capsys, *arguments, status=0):
    assert main(["policy", *arguments]) == status
    shown = capsys.readouterr()
    return json.loads(shown.out), shown.err


def test_everything_that_a_use_takes_is_one_policy(capsys):
    document, told = printed(
        capsys, *HERE, "--model-id", PROFILE, "--destinations", "us-east-1", "us-west-2", "--guardrail", "abc:1",
        "--agent-alias", "AGENT12345/ALIAS12345", "--knowledge-base", "KB12345678", "--list-models", "--bearer-token",
    )  # fmt: skip
    assert told == ""
    expected = iam.Policy.merge(
        iam.invoke_model(PROFILE, destinations=["us-east-1", "us-west-2"], guardrail="abc:1", **WHERE),
        iam.invoke_agent("AGENT12345", "ALIAS12345", **WHERE),
        iam.retrieve("KB12345678", **WHERE),
        iam.list_models(),
        iam.call_with_bearer_token(),
    )
    assert document == expected.to_api()


def test_several_models_share_a_statement_and_streaming_can_be_left_out(capsys):
    models = ["--model-id", "amazon.nova-lite-v1:0", "--model-id", "anthropic.claude-*"]
    document, _ = printed(capsys, *models, "--no-stream", "--region", "eu-west-1")
    (statement,) = document["Statement"]
    assert statement["Action"] == "bedrock:InvokeModel"
    assert [arn.partition("/")[2] for arn in statement["Resource"]] == ["amazon.nova-lite-v1:0", "anthropic.claude-*"]


def test_the_region_of_the_environment_counts_and_that_of_an_arn_more(capsys, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "us-gov-west-1")
    document, _ = printed(capsys, "--model-id", "amazon.nova-lite-v1:0", "--partition", "aws-us-gov")
    assert document["Statement"][0]["Resource"] == "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/amazon.nova-lite-v1:0"
    arn = f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:provisioned-model/a1b2c3d4e5f6"
    document, _ = printed(capsys, "--model-id", arn)
    assert document["Statement"][0]["Resource"] == arn


def test_what_is_not_given_is_asked_of_aws(capsys, monkeypatch, moto):
    with LocalBedrock() as bedrock:
        for name, value in {**bedrock.environ, "AWS_ENDPOINT_URL_STS": moto, "AWS_REGION": "us-east-1"}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", bedrock.credentials.access_key_id)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", bedrock.credentials.secret_access_key)
        bedrock.inference_profiles = [inference_profile(PROFILE, regions=("us-east-1", "us-east-2"))]
        document, _ = printed(capsys, "--model-id", PROFILE, "--knowledge-base", "KB12345678")
    expected = iam.invoke_model(PROFILE, destinations=["us-east-1", "us-east-2"], **WHERE)
    assert document == iam.Policy.merge(expected, iam.retrieve("KB12345678", **WHERE)).to_api()
    assert [request.operation for request in bedrock.requests] == ["GetInferenceProfile"]


def test_the_arn_of_a_profile_tells_which_region_to_ask(capsys, monkeypatch):
    with LocalBedrock() as bedrock:
        for name, value in {**bedrock.environ, "AWS_REGION": "eu-west-1"}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", bedrock.credentials.access_key_id)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", bedrock.credentials.secret_access_key)
        bedrock.inference_profiles = [inference_profile(PROFILE, regions=("us-east-1", "us-east-2"))]
        document, _ = printed(capsys, "--model-id", f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile/{PROFILE}")
    assert document == iam.invoke_model(PROFILE, destinations=["us-east-1", "us-east-2"], **WHERE).to_api()
    (asked,) = bedrock.requests
    assert "/us-east-1/bedrock/" in asked.headers["authorization"]


def test_nobody_is_asked_where_all_is_given(capsys):
    everything = [
        ("--model-id", "global.amazon.nova-2-lite-v1:0", *HERE),
        ("--model-id", "amazon.nova-lite-v1:0", "--region", "us-east-1"),
        ("--guardrail", f"arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/abc", "--region", "us-east-1"),
        ("--list-models",),
    ]
    for arguments in everything:
        document, told = printed(capsys, *arguments)
        assert told == ""
        assert [finding for finding in iam.lint(document) if finding.severity != "note"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "say what is to be allowed"),
        (["--model-id", "amazon.nova-lite-v1:0", "--region", "us-est-1"], "'us-est-1' is no AWS region"),
        (["--model-id", "amazon.nova-lite-v1:0", "--region", "us-east-1", "--partition", "aws-cn"], "--partition is aws-cn"),
        (["--agent-alias", "AGENT12345", *HERE], "agent_alias_id ''"),
        (["--agent-alias", "AGENT12345/ALIAS"], "a region is needed"),
        (["--model-id", PROFILE], "a region is needed"),
        (
            ["--model-id", "amazon.nova-lite-v1:0", *HERE, "--destinations", "us-west-2"],
            "destinations are for inference profiles",
        ),
        (["--lint", "no-such-file"], "no-such-file cannot be read: No such file or directory"),
        (["--lint", "x", "--list-models"], "--lint takes one --model-id"),
        (["--lint", "x", "--model-id", "a.b", "--model-id", "c.d"], "--lint takes one --model-id"),
    ],
)
def test_wrong_usage_ends_with_2(capsys, arguments, words):
    assert main(["policy", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert words in shown.err


def test_a_policy_that_is_too_long_is_printed_with_a_warning(capsys):
    models = [word for number in range(90) for word in ("--model-id", f"amazon.some-long-name-of-a-model-{number}")]
    document, told = printed(capsys, "--region", "us-east-1", *models)
    assert len(document["Statement"][0]["Resource"]) == 90
    assert told.endswith("and a managed policy takes 6144: split it\n")


def test_linting_tells_programs_on_stdout_and_people_on_stderr(tmp_path, capsys):
    path = tmp_path / "policy.json"
    path.write_text(
        '\ufeff{"Version": "2012-10-17",\n"Statement": {"Effect": "Allow", "Action": "bedrock:Converse", "Resource": "*"}}',
        "utf-8",
    )
    findings, told = printed(capsys, "--lint", str(path), status=1)
    assert [(finding["code"], finding["line"]) for finding in findings] == [("no-such-action", 2)]
    assert told.startswith(f"{path}: error: line 2, $.Statement.Action: bedrock:Converse is no action")


def test_linting_with_a_model_tells_whether_it_may_be_called(tmp_path, capsys):
    path = tmp_path / "policy.json"
    path.write_text(iam.invoke_model("amazon.nova-lite-v1:0", region_name="us-east-1").to_json(), "utf-8")
    assert printed(capsys, "--lint", str(path)) == ([], "")
    findings, _ = printed(capsys, "--lint", str(path), "--model-id", PROFILE, status=1)
    assert [finding["code"] for finding in findings] == ["model-not-allowed"]


def test_a_file_that_is_no_text_is_unreadable(tmp_path, capsys):
    path = tmp_path / "policy.json"
    path.write_bytes(b"\xff\xfe\x00")
    assert main(["policy", "--lint", str(path)]) == 2
    assert "it is not UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "status", "codes"), [("{", 1, ["no-json"]), ('{"Statement": []}', 1, None), (None, 0, [])])
def test_a_pipe_from_the_builder_to_the_linter(text, status, codes):
    """As a shell does it, with warnings as errors."""
    environ = {**os.environ, "PYTHONPATH": str(Path(bedrock_auth.__file__).parent.parent)}
    command = [sys.executable, "-W", "error", "-m", "bedrock_auth.cli", "policy"]

    def run(*arguments, **more):
        return subprocess.run(
            [*command, *arguments], env=environ, capture_output=True, text=True, timeout=60, check=False, **more
        )

    built = text or run("--model-id", "global.amazon.nova-2-lite-v1:0", *HERE).stdout
    ran = run("--lint", "-", input=built)
    assert ran.returncode == status
    assert codes is None or [finding["code"] for finding in json.loads(ran.stdout)] == codes
    assert bool(ran.stderr) == bool(status)
