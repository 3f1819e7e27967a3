"""What plain boto3 would sign with, as we say it, is what boto3 does."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from bedrock_auth.cli.situation.config import ambient_config
from bedrock_auth.cli.situation.plain_boto3 import (
    CONTAINER,
    ENVIRONMENT,
    FAILS,
    METADATA,
    NOTHING,
    WEB_IDENTITY,
    Plain,
    plain_boto3,
)
from bedrock_auth.host import Host
from support.endpoint import Endpoint, Reply

METHODS = {
    "env": ENVIRONMENT,
    "assume-role-with-web-identity": WEB_IDENTITY,
    "container-role": CONTAINER,
    **dict.fromkeys(("assume-role", "sso", "shared-credentials-file", "custom-process", "config-file"), "profile"),
}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAOFTHEENVIRONMENT", "AWS_SECRET_ACCESS_KEY": "s"}
POD = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/Pod"}
STORED = "[{}]\naws_access_key_id = AKIAOFTHEFILE0000000\naws_secret_access_key = s\n"
ROLE = "[profile dev]\nrole_arn = arn:aws:iam::123456789012:role/R\nsource_profile = base\n"
PROCESS = {"Version": 1, "AccessKeyId": "AKIAOFTHEPROCESS0000", "SecretAccessKey": "s"}
PROFILES = {
    "none": ("", ""),
    "default keys": ("", STORED.format("default")),
    "dev keys": ("", STORED.format("dev")),
    "dev keys in config": (STORED.format("profile dev"), ""),
    "dev role": (ROLE, STORED.format("base")),
    "dev role broken": (ROLE, ""),
    "dev process": (f"[profile dev]\ncredential_process = echo '{json.dumps(PROCESS)}'\n", ""),
    "dev web identity": ("[profile dev]\nrole_arn = arn:aws:iam::123456789012:role/R\nweb_identity_token_file = /own\n", ""),
    "dev sso": (
        "[profile dev]\nsso_start_url = https://x\nsso_region = us-east-1\nsso_account_id = 123456789012\nsso_role_name = R\n",
        "",
    ),
    "dev half a pair": ("", "[dev]\naws_access_key_id = AKIAOFTHEFILE0000000\n"),
    "dev region only": ("[profile dev]\nregion = us-east-1\n", ""),
    "unreadable": ("no section\n", ""),
}
VARIABLES = {
    "nothing": {},
    "keys": KEYS,
    "half a pair": {"AWS_ACCESS_KEY_ID": "AKIAOFTHEENVIRONMENT"},
    "only a secret": {"AWS_SECRET_ACCESS_KEY": "s"},
    "profile": {"AWS_PROFILE": "dev"},
    "blank profile": {"AWS_PROFILE": ""},
    "old name of profile": {"AWS_DEFAULT_PROFILE": "dev", "AWS_PROFILE": "default"},
    "profile and keys": {"AWS_PROFILE": "dev", **KEYS},
    "pod": POD,
    "pod and profile": {"AWS_PROFILE": "dev", **POD},
    "token without role": {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_PROFILE": "dev"},
    "token without any role": {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token"},
    "role alone": {"AWS_ROLE_ARN": POD["AWS_ROLE_ARN"]},
}


def write(home: Path, config: str, credentials: str) -> None:
    folder = home / ".aws"
    folder.mkdir(exist_ok=True)
    (folder / "config").write_text(config)
    (folder / "credentials").write_text(credentials)


def boto3s_choice() -> str:
    try:
        found = Session().get_credentials()
    except BotoCoreError:
        return FAILS
    return NOTHING if found is None else METHODS[found.method]


def kind_of(told: Plain) -> str:
    """As boto3 tells it: it does not say whether a token is the profile's or the environment's."""
    if not told.source.startswith("profile "):
        return told.source
    return WEB_IDENTITY if "for the token in /own" in told.why else "profile"


@pytest.mark.parametrize("variables", list(VARIABLES))
@pytest.mark.parametrize("profiles", list(PROFILES))
def test_what_we_say_of_boto3_is_what_it_does(monkeypatch, tmp_path, profiles, variables):
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path, *PROFILES[profiles])
    for name, value in VARIABLES[variables].items():
        monkeypatch.setenv(name, value)
    told = plain_boto3(os.environ, ambient_config(Host.system()))
    assert boto3s_choice() == kind_of(told), told
    assert told.why


def test_a_token_of_the_environment_comes_before_that_of_a_profile(monkeypatch, tmp_path):
    write(tmp_path, *PROFILES["dev web identity"])
    environ = {"HOME": str(tmp_path), "AWS_PROFILE": "dev", **POD}
    assert plain_boto3(environ, ambient_config(Host.isolated(environ))).source == WEB_IDENTITY


def test_a_container_comes_last(monkeypatch):
    keys = {"AccessKeyId": "ASIAOFTHECONTAINER00", "SecretAccessKey": "s", "Token": "t", "Expiration": "2099-01-01T00:00:00Z"}
    with Endpoint(Reply(body=keys)) as endpoint:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url)
        assert plain_boto3(os.environ, ambient_config(Host.system())).source == boto3s_choice() == CONTAINER


def test_without_anything_only_an_instance_may_answer(monkeypatch):
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    assert plain_boto3(os.environ, ambient_config(Host.system())).source == METADATA
