"""`bedrock-auth which`: whose credentials would be used and why, without asking anybody."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from bedrock_auth import Host
from bedrock_auth.cli import main
from bedrock_auth.cli.commands.which import report
from bedrock_auth.cli.commands.which.text import lines_of
from bedrock_auth.cli.options import add_provider_options

ROLE = "arn:aws:iam::123456789012:role/Bedrock"
CANARY = "c4n4ry"
DECOYS = {
    "AWS_ACCESS_KEY_ID": "AKIAOFTHEENVIRONMENT",
    "AWS_SECRET_ACCESS_KEY": f"{CANARY}/secret",
    "AWS_PROFILE": "dev",
    "AWS_BEARER_TOKEN_BEDROCK": f"bedrock-api-key-{CANARY}",
    "AWS_GET_TEMP_CREDS_API_URL": f"https://vend.example/prod?key={CANARY}",
    "AWS_GET_TEMP_CREDS_API_KEY": CANARY,
    "AWS_EXTERNAL_ID": CANARY,
    "AWS_REGION": "eu-west-1",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": CANARY,
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": f"/{CANARY}",
    "HTTPS_PROXY": f"http://me:{CANARY}@proxy.example:8080",
    "NO_PROXY": "*",
}
CONFIG = f"""
[profile dev]
role_arn = {ROLE}
source_profile = base
external_id = {CANARY}
region = eu-central-1
services = mine
endpoint_url = https://me:{CANARY}@all.example/x?{CANARY}

[services mine]
sts =
  endpoint_url = https://sts.example
"""
CREDENTIALS = f"[base]\naws_access_key_id = AKIAOFTHEFILE0000000\naws_secret_access_key = {CANARY}\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    return tmp_path


@pytest.fixture
def which(home, monkeypatch, capsys):
    """Run the command; its report and what people read."""

    def run(*options, status=0, **environ):
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        assert main(["which", *options]) == status
        shown = capsys.readouterr()
        assert CANARY not in shown.out + shown.err
        return json.loads(shown.out), shown.err

    return run


def put(home: Path, config: str = "", credentials: str = "") -> None:
    for name, text in (("config", config), ("credentials", credentials)):
        path = home / ".aws" / name
        path.write_text(text)
        path.chmod(0o600)


def test_what_wins_and_why_with_decoys_lying_around(which, home):
    put(home, CONFIG, CREDENTIALS)
    found, words = which(**DECOYS)
    assert found["problem"] is None
    assert found["method"] == "profile (AWS_PROFILE)"
    assert [one["what"] for one in found["unused"]] == [
        "static keys (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)",
        "vending (AWS_GET_TEMP_CREDS_API_URL)",
    ]
    steps = found["provider"]["plan"]
    assert [(step["kind"], step["profile"]) for step in steps] == [("StaticKeys", "base"), ("Role", "dev")]
    assert f"profile dev: role {ROLE}, assumed with these keys" in words


def test_settings_are_shown_and_secret_ones_only_that_they_are_set(which):
    keys = {"AWS_ACCESS_KEY_ID": "AKIAOFTHEENVIRONMENT", "AWS_SECRET_ACCESS_KEY": CANARY}
    found, _ = which("--role-arn", ROLE, "--external-id", CANARY, "--role-session-name", "me", **keys)
    shown = found["provider"]["settings"]
    assert (shown["role_arn"], shown["external_id"], shown["session_name"], shown["duration"]) == (ROLE, "***", "me", 3600)
    assert shown["source"]["kind"] == "Environment"
    found, _ = which("--vending-url", f"https://vend.example/prod?key={CANARY}", AWS_GET_TEMP_CREDS_API_KEY=CANARY)
    assert found["provider"]["settings"]["api_key"] == "***"
    assert "https://vend.example/prod" in found["provider"]["settings"]["url"]


def test_what_boto3_would_use_instead_and_why(which, home):
    put(home, CONFIG, CREDENTIALS)
    found, words = which(**DECOYS)
    boto3, bearer, region = found["elsewhere"]
    assert (boto3["uses"], boto3["same"]) == ("environment", False)
    assert "AWS_BEARER_TOKEN_BEDROCK" in bearer["uses"]
    assert region == {"who": "boto3", "uses": "region eu-central-1", "why": "it does not read AWS_REGION", "same": False}
    assert "without this library: boto3 and the AWS CLI: environment: AWS_ACCESS_KEY_ID comes first" in words


def test_variables_are_shown_without_what_is_secret_in_them(which, home):
    found, _ = which(status=2, **DECOYS)
    shown = {one["name"]: one["value"] for one in found["environment"]}
    assert shown["AWS_ACCESS_KEY_ID"] == "…MENT"
    assert shown["AWS_SECRET_ACCESS_KEY"] == shown["AWS_EXTERNAL_ID"] == shown["AWS_BEARER_TOKEN_BEDROCK"] == "***"
    assert shown["AWS_PROFILE"] == "dev"
    assert shown["AWS_GET_TEMP_CREDS_API_URL"] == "https://vend.example/prod"
    assert shown["HTTPS_PROXY"] == "http://proxy.example:8080"


def test_overridden_endpoints_are_shown_with_what_overrides_them(which, home):
    put(home, CONFIG, CREDENTIALS)
    found, _ = which(AWS_PROFILE="dev", AWS_ENDPOINT_URL_BEDROCK_RUNTIME=f"http://127.0.0.1:1/?{CANARY}", AWS_REGION="eu-west-1")
    assert [(one["service"], one["url"], one["origin"]) for one in found["endpoints"]] == [
        ("bedrock_runtime", "http://127.0.0.1:1/", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"),
        ("sts", "https://sts.example", "[services mine] of profile dev"),
        (None, "https://all.example/x", "endpoint_url of profile dev"),
    ]
    found, _ = which(AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="true")
    assert found["endpoints"] == []


@pytest.mark.parametrize(
    ("options", "environ", "region"),
    [
        (["--region", "ap-south-1"], {"AWS_REGION": "eu-west-1"}, ("ap-south-1", "--region")),
        ([], {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, ("eu-west-1", "AWS_REGION")),
        ([], {"AWS_DEFAULT_REGION": "eu-west-2"}, ("eu-west-2", "AWS_DEFAULT_REGION")),
        (["--profile", "dev"], {}, ("eu-central-1", "the provider of the credentials")),
        (["--profile", "dev"], {"AWS_REGION": "eu-west-1"}, ("eu-west-1", "AWS_REGION")),
        (["--source", "environment"], {"AWS_PROFILE": "dev"}, ("eu-central-1", "profile dev")),
    ],
    ids=["option", "variable", "old-variable", "provider", "provider-and-variable", "profile"],
)
def test_the_region_and_where_it_comes_from(which, home, options, environ, region):
    put(home, CONFIG, CREDENTIALS)
    keys = {"AWS_ACCESS_KEY_ID": "AKIAOFTHEENVIRONMENT", "AWS_SECRET_ACCESS_KEY": CANARY}
    found, words = which(*options, **environ, **keys)
    assert (found["region"]["name"], found["region"]["from"]) == region
    assert f"region: {region[0]} (from {region[1]})" in words


def test_the_default_chain_tells_of_each_source_how_it_stands(which, home):
    put(home, credentials=CREDENTIALS.replace("base", "default"))
    found, words = which(AWS_REGION="eu-west-1")
    states = {one["kind"]: one["state"] for one in found["provider"]["sources"]}
    assert states == {
        "Environment": "not set up",
        "WebIdentityFromEnvironment": "not set up",
        "Profile": "wins",
        "Container": "not reached",
        "InstanceMetadata": "not reached",
    }
    assert found["elsewhere"][0]["same"] is True
    assert "profile default (wins)" in words


def test_instance_metadata_is_known_only_when_it_is_asked(which, monkeypatch):
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    found, _ = which(AWS_REGION="eu-west-1")
    assert found["provider"]["sources"][-1]["state"] == "known only when it is asked"


@pytest.mark.parametrize(
    ("options", "environ", "status", "words"),
    [
        ([], {}, 3, "no source of credentials is set up here"),
        ([], {"AWS_ACCESS_KEY_ID": "AKIAOFTHEENVIRONMENT"}, 2, "AWS_SECRET_ACCESS_KEY is not: set both or neither"),
        ([], {"AWS_PROFILE": "misspelt"}, 2, "profile misspelt: it is neither in"),
        ([], {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token"}, 2, "AWS_ROLE_ARN is not"),
        ([], {"AWS_ROLE_ARN": ROLE, "AWS_ROLE_SESSION_DURATION": "1h"}, 2, "must be a whole number of seconds"),
        (["--profile", "a", "--source", "default"], {}, 2, "--profile and --source name two sources"),
        (["--role-arn", ROLE, "--profile", "misspelt"], {}, 2, "profile misspelt"),
        (["--role-arn", ROLE], {}, 3, "no source of credentials is set up here"),
        (["--source", "environment"], {}, 3, "neither AWS_ACCESS_KEY_ID nor AWS_SECRET_ACCESS_KEY is set"),
        (["--source", "container"], {}, 3, "AWS_CONTAINER_CREDENTIALS_FULL_URI is set"),
        ([], {"AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere", "AWS_ROLE_ARN": ROLE}, 2, "/nowhere, which is not there"),
        (["--role-arn", ROLE, "--web-identity-token-file", "/nowhere"], {}, 2, "token_file names /nowhere, which is not there"),
        (["--vending-url", "https://vend.example", "--vending-key-file", "/nowhere"], {}, 2, "api_key names /nowhere, which"),
        (["--source", "instance-metadata"], {}, 3, "AWS_EC2_METADATA_DISABLED is true"),
        ([], DECOYS, 2, "profile dev: it is neither"),
        (["--source", "environment"], {**DECOYS, "AWS_CREDENTIAL_EXPIRATION": "then"}, 2, "AWS_CREDENTIAL_EXPIRATION is not"),
    ],
    ids=["nothing", "half", "misspelt", "token-alone", "duration", "two", "role-over-misspelt", "role-over-nothing",
         "environment", "container", "token-file", "token-option", "key-file", "metadata", "no-files", "expiration"],
)  # fmt: skip
def test_a_wrong_environment_is_shown_with_its_problem(which, options, environ, status, words):
    found, said = which(*options, status=status, **environ)
    assert words in found["problem"]
    assert f"problem: {found['problem']}" in said
    assert found["environment"] is not None


def test_a_token_file_of_a_profile_that_is_not_there(which, home):
    put(home, f"[default]\nrole_arn = {ROLE}\nweb_identity_token_file = /nowhere\n")
    found, said = which(status=2)
    assert found["problem"] == "profile default: web_identity_token_file names /nowhere, which is not there"
    assert f"profile default: role {ROLE} for the token in /nowhere" in said


def test_a_broken_config_file_is_a_finding_too(which, home):
    put(home, f"{CANARY} without a section\n", CREDENTIALS)
    found, _ = which(status=2, AWS_PROFILE="dev", AWS_REGION="eu-west-1")
    assert "cannot be parsed; see line 1" in found["problem"]
    assert found["elsewhere"][0]["uses"] == "an error"
    assert [(one["exists"], one["mode"]) for one in found["files"]] == [(True, "0600"), (True, "0600")]


def test_a_chain_stops_at_what_is_wrong(which, home):
    put(home, f"{CANARY}\n")
    found, _ = which("--source", "default", status=2)
    assert [one["state"] for one in found["provider"]["sources"]][2:] == ["wrong", "not reached", "not reached"]
    assert "cannot be parsed" in found["problem"]


def test_the_files_that_are_looked_at(which, home):
    token = home / "token"
    token.write_text(CANARY)
    token.chmod(0o644)
    found, _ = which(AWS_WEB_IDENTITY_TOKEN_FILE=str(token), AWS_ROLE_ARN=ROLE, AWS_CONFIG_FILE=str(home / "other"))
    assert found["files"] == [
        {"what": "AWS config file", "path": str(home / "other"), "exists": False, "mode": None},
        {"what": "AWS credentials file", "path": str(home / ".aws" / "credentials"), "exists": False, "mode": None},
        {"what": "web identity token", "path": str(token), "exists": True, "mode": "0644"},
    ]


def test_warnings_are_said_once(home):
    keys = {"AWS_ACCESS_KEY_ID": "AKIAOFTHEENVIRONMENT", "AWS_SECRET_ACCESS_KEY": CANARY}
    environ = {**os.environ, **keys, "PYTHONPATH": str(Path(__file__).parents[3] / "src")}
    line = [sys.executable, "-m", "bedrock_auth.cli", "which"]
    ran = subprocess.run(line, env=environ, capture_output=True, text=True, timeout=60, check=False)
    warnings = json.loads(ran.stdout)["warnings"]
    assert len(warnings) == 2
    assert [ran.stderr.count(warning) for warning in warnings] == [1, 1]
    assert CANARY not in ran.stdout + ran.stderr


DONE: list[str] = []
OUTWARD = {"socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen", "os.posix_spawn", "os.system"}
sys.addaudithook(lambda event, _: DONE.append(event) if event in OUTWARD else None)


@pytest.mark.parametrize(
    "options",
    [[], ["--profile", "dev"], ["--source", "default"], ["--source", "container"], ["--source", "instance-metadata"],
     ["--vending-url", "https://vend.example"], ["--identity-pool-id", "eu-west-1:00000000-0000-0000-0000-000000000000"],
     ["--role-arn", ROLE, "--web-identity-token-file", os.devnull]],
    ids=["nothing", "profile", "default", "container", "metadata", "vending", "pool", "token"],
)  # fmt: skip
def test_nobody_is_asked_and_nothing_is_run(which, home, monkeypatch, options):
    put(home, "[profile dev]\ncredential_process = /bin/false\n", CREDENTIALS)
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    DONE.clear()
    container = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "https://container.example/keys"}
    which(*options, AWS_REGION="eu-west-1", AWS_ENDPOINT_URL="https://all.example", **container)
    assert DONE == []


NAMES = st.sampled_from([*DECOYS, "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_DEFAULT_PROFILE",
                         "AWS_ROLE_SESSION_DURATION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_CONFIG_FILE",
                         "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_DEFAULT_REGION",
                         "AWS_CREDENTIAL_EXPIRATION", "AWS_EC2_METADATA_DISABLED", "AWS_CA_BUNDLE"])  # fmt: skip
PLAIN = st.sampled_from(["", " ", "dev", "base", ROLE, "true", "900", "https://x/y", "/nowhere", "[", "http://[", "\n", "é\x00"])
SECRETS = {name for name, value in DECOYS.items() if CANARY in value} | {"AWS_SESSION_TOKEN"}
ODD = ["[default]", "[profile base]", "x", "source_profile = dev", "credential_process = x", "sso_session = s", "[sso-session s]"]
LINES = st.sampled_from([*CONFIG.splitlines(), *CREDENTIALS.splitlines(), *ODD, "  indented", "é = \x00"])


@st.composite
def environments(draw: st.DrawFn) -> dict[str, str]:
    """Variables of any sense; those that are secret hold the canary."""
    return {name: DECOYS.get(name, CANARY) if name in SECRETS else draw(PLAIN) for name in draw(st.sets(NAMES))}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(environments(), st.lists(LINES, max_size=12), st.lists(LINES, max_size=6))
def test_no_environment_and_no_file_makes_it_crash_or_tell_a_secret(tmp_path, environ, config, credentials):
    for name, lines in (("config", config), ("credentials", credentials)):
        (tmp_path / name).write_text("\n".join(lines))
    places = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials")}
    parser = argparse.ArgumentParser()
    add_provider_options(parser)
    found, _ = report(parser.parse_args([]), Host.isolated({**places, **environ}))
    shown = json.dumps(found) + "\n".join(lines_of(found))
    assert CANARY not in shown
    assert found["provider"] is not None or found["problem"]


def test_a_file_that_may_not_be_read_is_a_finding(which, home):
    put(home, CONFIG, CREDENTIALS)
    (home / ".aws" / "credentials").chmod(0)
    if os.access(home / ".aws" / "credentials", os.R_OK):
        pytest.skip("this user may read everything")
    found, _ = which(status=2, AWS_PROFILE="dev")
    assert "cannot be read" in found["problem"]
