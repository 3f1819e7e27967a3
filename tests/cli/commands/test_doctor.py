"""`bedrock-auth doctor`: what keeps calls from succeeding, and what to do about it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.config import Config

from bedrock_auth import Credentials
from bedrock_auth.cli import main
from bedrock_auth.cli.output import shown_url
from bedrock_auth.testing import LocalBedrock, ServiceError, foundation_model, moto_keys
from support.sts import LocalSts

ROLE = "arn:aws:iam::123456789012:role/Bedrock"
USER = "arn:aws:iam::123456789012:user/somebody"
MODEL = "amazon.nova-lite-v1:0"
CANARY = "c4n4ry/secret+of/the/tests"
TOKEN = "IQoJb3JpZ2luX2VjEC4n4ryc4n4ryc4n4ry"
EXPIRED_SIGNATURE = "Signature expired: 20261121T110000Z is now earlier than 20261121T115500Z (20261121T120000Z - 5 min.)"


@pytest.fixture
def bedrock():
    with LocalBedrock(moto_keys()) as local:
        local.foundation_models = [foundation_model(MODEL)]
        local.add_key(Credentials("AKIAOFTHEENVIRONMENT", CANARY))
        yield local


@pytest.fixture
def world(moto, bedrock, monkeypatch):
    """Stand-ins for AWS and long-lived keys that they take."""
    keys = {"AWS_ACCESS_KEY_ID": "AKIAOFTHEENVIRONMENT", "AWS_SECRET_ACCESS_KEY": CANARY}
    for name, value in {**keys, **bedrock.environ, "AWS_ENDPOINT_URL": moto}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    return monkeypatch


@pytest.fixture
def doctor(world, capsys):
    """Run the command; its checks by name, and what people read."""

    def run(*options, status):
        assert main(["doctor", *options]) == status
        shown = capsys.readouterr()
        found = json.loads(shown.out)
        assert found["ok"] is (status == 0)
        assert CANARY not in shown.out + shown.err
        assert TOKEN not in shown.out + shown.err
        return {check["name"]: check for check in found["checks"]}, shown.err

    return run


def statuses(checks):
    return {name: check["status"] for name, check in checks.items()}


def test_everything_is_well(doctor, bedrock):
    checks, words = doctor("--role-arn", ROLE, "--model-id", MODEL, "--expected-account", "123456789012", status=0)
    assert statuses(checks) == {
        **dict.fromkeys(("settings", "files", "credentials", "lifetime", "identity", "account", "keys", "clock", "region"), "ok"),
        "endpoints": "warning",  # the stand-ins
        **dict.fromkeys(("network", "bearer token", "other tools", "models", "model"), "ok"),
    }
    assert "assumed-role/Bedrock" in checks["identity"]["what"]
    assert f"{MODEL} answered" in words
    assert [request.operation for request in bedrock.requests][-1] == "Converse"
    assert bedrock.requests[-1].body["inferenceConfig"]["maxTokens"] <= 16


def test_what_is_not_asked_for_is_skipped_with_its_reason(doctor):
    checks, _ = doctor("--role-arn", ROLE, status=0)
    assert checks["model"]["what"] == "no --model-id is given, so no model is called"
    assert checks["account"]["what"] == "no --expected-account is given"
    assert {checks[name]["status"] for name in ("model", "account")} == {"skipped"}


def test_independent_checks_go_on_and_dependent_ones_are_skipped(doctor, world):
    world.delenv("AWS_SECRET_ACCESS_KEY")
    checks, words = doctor("--model-id", MODEL, status=1)
    assert "set both or neither" in checks["settings"]["what"]
    skipped = ("credentials", "lifetime", "identity", "account", "keys", "clock", "other tools", "models", "model")
    assert {checks[name]["status"] for name in skipped} == {"skipped"}
    assert {checks[name]["status"] for name in ("files", "region", "network")} == {"ok"}
    assert "FAILED   settings" in words


def test_a_source_that_refuses_is_explained(doctor, world):
    message = f"User: {USER} is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
    with LocalSts.refuses("AccessDenied", message) as sts:
        world.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        checks, words = doctor("--role-arn", ROLE, "--external-id", "4n-external-id", status=1)
    assert checks["credentials"]["status"] == "failed"
    assert checks["credentials"]["iam_actions"] == ["sts:AssumeRole"]
    assert "fix: " in words
    assert "IAM: sts:AssumeRole" in words
    assert "4n-external-id" not in words
    assert checks["models"]["what"] == "there are no credentials"


def test_nothing_set_up_tells_of_every_source(doctor, world):
    world.delenv("AWS_ACCESS_KEY_ID")
    world.delenv("AWS_SECRET_ACCESS_KEY")
    checks, words = doctor(status=1)
    assert "neither AWS_ACCESS_KEY_ID nor AWS_SECRET_ACCESS_KEY is set" in checks["credentials"]["why"]
    assert "AWS_EC2_METADATA_DISABLED" in words


def test_keys_that_have_expired(doctor, world):
    world.setenv("AWS_SESSION_TOKEN", TOKEN)
    world.setenv("AWS_CREDENTIAL_EXPIRATION", "2026-01-01T00:00:00Z")
    checks, _ = doctor(status=1)
    assert "expired at 2026-01-01T00:00:00Z" in checks["credentials"]["what"]


def test_keys_that_aws_finds_expired_are_not_tried_on_bedrock(doctor, world, bedrock):
    world.setenv("AWS_SESSION_TOKEN", TOKEN)
    with LocalSts.refuses("ExpiredToken", "The security token included in the request is expired") as sts:
        world.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        checks, _ = doctor("--model-id", MODEL, status=1)
    assert "ExpiredToken" in checks["identity"]["what"]
    assert checks["clock"]["status"] == "ok"
    assert checks["models"]["what"] == checks["model"]["what"] == "AWS does not accept the credentials"
    assert bedrock.requests == []


def test_a_session_token_in_what_aws_says_of_a_signature_is_not_repeated(doctor, world):
    world.setenv("AWS_SESSION_TOKEN", TOKEN)
    with LocalSts.refuses("SignatureDoesNotMatch", f"should have been 'x-amz-security-token:{TOKEN}'") as sts:
        world.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        checks, _ = doctor(status=1)
    assert "SignatureDoesNotMatch" in checks["identity"]["what"]


@pytest.mark.parametrize(
    ("ahead", "status", "words"), [(-3600, "failed", "3600 seconds ahead of"), (120, "warning", "120 seconds behind")]
)
def test_a_wrong_clock_is_told_by_the_date_of_the_answer(doctor, world, ahead, status, words):
    with LocalSts.knows(USER, ahead=ahead) as sts:
        world.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        checks, _ = doctor(status=1 if status == "failed" else 0)
    assert checks["clock"]["status"] == status
    assert abs(int(checks["clock"]["what"].split()[4]) - abs(ahead)) <= 2
    assert words.split(maxsplit=1)[1] in checks["clock"]["what"]


def test_a_wrong_clock_is_told_by_a_refused_signature_too(doctor, world):
    with LocalSts.refuses("SignatureDoesNotMatch", EXPIRED_SIGNATURE, ahead=3600) as sts:
        world.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        checks, _ = doctor(status=1)
    assert "clock is wrong" in checks["identity"]["why"]
    assert checks["clock"]["status"] == "failed"
    assert "NTP" in checks["clock"]["fix"]


def test_bedrock_is_asked_even_where_sts_is_out_of_reach(doctor, world):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    world.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{port}")
    checks, _ = doctor("--model-id", MODEL, status=1)
    assert checks["identity"]["status"] == "failed"
    assert {checks[name]["status"] for name in ("models", "model")} == {"ok"}
    assert checks["clock"]["status"] == "skipped"


def test_bedrock_is_asked_even_where_sts_never_answers(doctor, world):
    world.setattr("bedrock_auth.session.client_config", lambda: Config(read_timeout=0.5, retries={"total_max_attempts": 1}))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        world.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{silent.getsockname()[1]}")
        checks, _ = doctor(status=1)
    assert {name: checks[name]["status"] for name in ("identity", "clock", "models")} == {
        "identity": "failed",
        "clock": "skipped",
        "models": "ok",
    }
    assert "a proxy, a firewall" in checks["identity"]["fix"]


def test_an_endpoint_that_is_no_address(doctor, world):
    world.setenv("AWS_ENDPOINT_URL", f"https://user:{CANARY.partition('/')[0]}@a b")
    world.delenv("AWS_ENDPOINT_URL_BEDROCK")
    checks, words = doctor(status=1)
    assert checks["identity"]["what"].startswith("no sts client can be made: Invalid endpoint")
    assert checks["models"]["status"] == "failed"
    assert "c4n4ry" not in words + json.dumps(checks)


def test_bedrock_is_asked_even_where_sts_is_busy(doctor, world):
    with LocalSts.refuses("Throttling", "Rate exceeded") as sts:
        world.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        checks, _ = doctor(status=1)
    assert (checks["identity"]["status"], checks["models"]["status"]) == ("failed", "ok")


def test_without_a_region_the_identity_is_still_known(doctor, world):
    world.delenv("AWS_REGION")
    world.delenv("AWS_DEFAULT_REGION")
    checks, _ = doctor(status=1)
    assert checks["region"]["what"] == checks["models"]["what"] == "no region is set"
    assert (checks["identity"]["status"], checks["models"]["status"]) == ("ok", "skipped")


@pytest.mark.parametrize(
    ("region", "status", "words"),
    [
        ("us-east1", "failed", "us-east1 is no region of AWS"),
        ("eu-central-9", "warning", "eu-central-9 may have no Amazon Bedrock"),
    ],
)
def test_regions_in_which_nothing_can_be_called(doctor, region, status, words):
    checks, _ = doctor("--region", region, status=1 if status == "failed" else 0)
    assert checks["region"]["status"] == status
    assert words in checks["region"]["what"]


def test_a_region_of_another_partition_than_the_keys(doctor, world):
    with LocalSts.knows(USER) as sts:
        world.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        checks, _ = doctor("--region", "us-gov-west-1", status=1)
    assert checks["region"]["what"] == "us-gov-west-1 is not where these keys are good"


def test_another_account_than_expected(doctor):
    checks, _ = doctor("--expected-account", "999999999999", status=1)
    assert checks["account"]["what"] == "the keys belong to account 123456789012"


def test_an_account_has_twelve_digits(world, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--expected-account", "12"])
    assert ended.value.code == 2
    assert "twelve digits" in capsys.readouterr().err


def test_root_keys_fail_and_long_lived_ones_warn(doctor, world):
    checks, _ = doctor(status=0)
    assert (checks["keys"]["status"], checks["keys"]["what"]) == ("warning", "they are long-lived keys of a user")
    with LocalSts.knows("arn:aws:iam::123456789012:root") as sts:
        world.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        checks, _ = doctor(status=1)
    assert (checks["keys"]["status"], checks["keys"]["what"]) == ("failed", "they are the root user's")


def test_models_that_may_not_be_listed_are_a_warning_and_a_call_that_is_denied_fails(doctor, bedrock):
    denied = f"User: {USER} is not authorized to perform: bedrock:ListFoundationModels"
    bedrock.fault(ServiceError("AccessDeniedException", 403, denied))
    bedrock.fault(ServiceError("AccessDeniedException", 403, denied.replace("ListFoundationModels", "InvokeModel")))
    checks, words = doctor("--role-arn", ROLE, "--model-id", MODEL, status=1)
    assert (checks["models"]["status"], checks["model"]["status"]) == ("warning", "failed")
    assert checks["models"]["iam_actions"] == ["bedrock:ListFoundationModels", "bedrock:ListInferenceProfiles"]
    assert checks["model"]["iam_actions"] == ["bedrock:InvokeModel"]
    assert "IAM: bedrock:InvokeModel" in words


def test_a_region_without_models(doctor, bedrock):
    bedrock.foundation_models = []
    checks, _ = doctor(status=1)
    assert checks["models"]["what"] == "us-east-1 lists no model"


def test_a_bearer_token_and_other_keys_that_lie_around(doctor, world, tmp_path):
    (tmp_path / "credentials").write_text(f"[dev]\naws_access_key_id = AKIAOFTHEENVIRONMENT\naws_secret_access_key = {CANARY}\n")
    (tmp_path / "credentials").chmod(0o600)
    world.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    world.setenv("AWS_PROFILE", "dev")
    world.setenv("AWS_BEARER_TOKEN_BEDROCK", f"bedrock-api-key-{CANARY}")
    checks, words = doctor(status=0)
    assert checks["bearer token"]["status"] == "warning"
    assert "static keys" in checks["settings"]["why"]
    assert checks["other tools"]["status"] == "warning"
    assert checks["other tools"]["what"].endswith("but: environment")
    assert words.count("several ways") == 0


@pytest.mark.parametrize("url", [f"http://me:{CANARY}@proxy.example:8080", f"https://x.example?key=a@{CANARY}"])
def test_an_address_that_may_hold_a_password_is_not_shown(url):
    assert shown_url(url) == "***"


@pytest.mark.parametrize(
    ("mode", "status", "words"),
    [(0o600, "ok", "permissions are right"), (0o644, "warning", "may be read by others"), (0o666, "failed", "may be changed by")],
)
@pytest.mark.skipif(os.name != "posix", reason="modes are a POSIX promise")
def test_files_that_others_may_read_or_change(doctor, world, tmp_path, mode, status, words):
    path = tmp_path / "credentials"
    path.write_text("")
    path.chmod(mode)
    world.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    checks, _ = doctor(status=1 if status == "failed" else 0)
    assert checks["files"]["status"] == status
    assert words in checks["files"]["what"]


def test_a_broken_config_file(doctor, world, tmp_path):
    (tmp_path / "config").write_text(f"{CANARY}\n")
    world.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    checks, _ = doctor(status=1)
    assert "cannot be parsed" in checks["files"]["what"]
    assert checks["credentials"]["status"] == "ok"
    assert checks["identity"]["status"] == "failed"


def test_a_ca_bundle_that_is_not_there(doctor, world):
    world.setenv("AWS_CA_BUNDLE", "/nowhere/ca.pem")
    world.setenv("HTTPS_PROXY", f"http://me:{CANARY}@proxy.example:8080")
    checks, _ = doctor(status=1)
    assert checks["network"]["what"] == "AWS_CA_BUNDLE names /nowhere/ca.pem, which is not there"


def test_proxies_are_shown_without_their_passwords(doctor, world):
    world.setenv("HTTPS_PROXY", f"http://me:{TOKEN}@proxy.example:8080")
    checks, _ = doctor(status=0)
    assert checks["network"]["what"] == "HTTPS_PROXY=http://proxy.example:8080"


def test_an_endpoint_in_the_clear_fails(doctor, world):
    world.setenv("AWS_ENDPOINT_URL_S3", "http://10.0.0.1")
    checks, _ = doctor(status=1)
    assert checks["endpoints"]["status"] == "failed"


def test_keys_that_are_about_to_end(doctor, world, monkeypatch):
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    checks, _ = doctor("--role-arn", ROLE, "--duration-seconds", "900", status=0)
    assert checks["lifetime"]["status"] == "warning"


@pytest.mark.slow
def test_not_even_debug_logs_tell_a_secret(world, bedrock):
    world.setenv("AWS_BEARER_TOKEN_BEDROCK", f"bedrock-api-key-{TOKEN}")
    script = "import logging, sys; logging.basicConfig(level=0); from bedrock_auth.cli import main; sys.exit(main(sys.argv[1:]))"
    options = ["--role-arn", ROLE, "--external-id", "4n-external-id"]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "src")}
    for command in (["doctor", "--model-id", MODEL], ["whoami"], ["which"], ["key-age"]):
        line = [sys.executable, "-c", script, *command, *options]
        ran = subprocess.run(line, env=environ, capture_output=True, text=True, timeout=90, check=False)
        assert ran.returncode == 0, ran.stderr
        json.loads(ran.stdout)
        assert [secret for secret in (CANARY, TOKEN, "4n-external-id") if secret in ran.stdout + ran.stderr] == []
        if command != ["which"]:
            assert "DEBUG" in ran.stderr
