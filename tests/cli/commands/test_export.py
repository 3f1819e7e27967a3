"""``bedrock-auth export`` as a shell, a reader of a file or a program gets it."""

from __future__ import annotations

import argparse
import configparser
import json
import subprocess
import sys

import botocore.session
import pytest
from hypothesis import given, strategies as st

from bedrock_auth import ConfigurationError, Credentials
from bedrock_auth.cli import main
from bedrock_auth.cli.commands import export
from support.handing_off import DECOYS, place

KEY_TEXT = st.text("ABCabc0123456789/+=%", min_size=1, max_size=40)


@pytest.fixture
def here(tmp_path):
    with place(tmp_path) as made:
        yield made


@pytest.fixture
def temporary(monkeypatch):
    """Keys of the environment, for runs in this process."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIAEXPORTEXPORT0001")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret/+=")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    return monkeypatch


WHO = "import boto3; c = boto3.Session().get_credentials().get_frozen_credentials(); print(c.access_key, c.secret_key, c.token)"


def test_a_shell_that_evaluates_it_signs_with_these_keys_whatever_was_set_before(here):
    ours = " ".join(here.command("export", *here.options))
    script = f"""eval "$({ours})"; env | sort; {sys.executable} -c '{WHO}'"""
    shown = subprocess.run(["sh", "-c", script], env=here.environ(), capture_output=True, text=True, check=True, timeout=60)
    *lines, signer = shown.stdout.splitlines()
    assert signer == "ASIAVENDEDVENDED0001 secret/1+= token-1"
    after = dict(line.split("=", 1) for line in lines)
    assert not set(DECOYS) - {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} & set(after)
    assert "decoy" not in "".join(after[name] for name in after if name.startswith("AWS_"))
    assert after["AWS_DEFAULT_REGION"] == after["AWS_REGION"] == "eu-west-1"


def test_json_is_what_a_credential_process_prints(temporary, capsys):
    assert main(["export", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown == {
        "Version": 1,
        "AccessKeyId": "ASIAEXPORTEXPORT0001",
        "SecretAccessKey": "secret/+=",
        "SessionToken": "token",
    }


@pytest.mark.parametrize("form", ["dotenv", "docker"])
def test_files_of_variables_have_the_keys_and_nothing_to_unset(temporary, capsys, form):
    assert main(["export", "--format", form]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "AWS_ACCESS_KEY_ID=ASIAEXPORTEXPORT0001",
        "AWS_SECRET_ACCESS_KEY=secret/+=",
        "AWS_SESSION_TOKEN=token",
        "AWS_REGION=eu-west-1",
        "AWS_DEFAULT_REGION=eu-west-1",
    ]


@pytest.mark.parametrize(("form", "line"), [("fish", "set -e AWS_PROFILE"), ("powershell", "Env:AWS_PROFILE,")])
def test_other_shells_are_told_to_unset_too(temporary, capsys, form, line):
    assert main(["export", "--format", form]) == 0
    assert line in capsys.readouterr().out


@pytest.mark.parametrize("form", ["env", "docker", "dotenv", "fish", "powershell"])
@pytest.mark.parametrize("odd", ["AWS_BEARER_TOKEN_of-mine", "AWS_BEARER_TOKEN_a.b", "BASH_FUNC_f%%", "A-B", "Ä"])
def test_odd_names_around_it_that_no_sdk_reads_are_nobodys_business(temporary, capsys, form, odd):
    temporary.setenv(odd, "x")
    assert main(["export", "--format", form]) == 0
    assert odd not in capsys.readouterr().out


def test_a_section_is_one_that_botocore_reads(temporary, capsys, tmp_path):
    assert main(["export", "--format", "profile", "--section", "my profile"]) == 0
    (tmp_path / "credentials").write_text(capsys.readouterr().out)
    temporary.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    keys = botocore.session.Session(profile="my profile").get_credentials()
    assert (keys.access_key, keys.secret_key, keys.token) == ("ASIAEXPORTEXPORT0001", "secret/+=", "token")


@given(KEY_TEXT, KEY_TEXT, st.text(max_size=10))
def test_a_section_holds_exactly_the_keys_or_is_refused(secret, token, odd):
    keys = Credentials("ASIAEXPORTEXPORT0001", secret, token)
    parser = configparser.RawConfigParser()
    parser.read_string(export.text(keys, None, argparse.Namespace(format="profile", section="p")))
    assert dict(parser["p"]) == {
        "aws_access_key_id": keys.access_key_id,
        "aws_secret_access_key": secret,
        "aws_session_token": token,
    }
    try:
        parser.read_string(export.text(keys, odd, argparse.Namespace(format="profile", section="q")))
    except ConfigurationError as error:
        assert error.setting == "region"
    else:
        assert parser["q"]["region"] == odd


@pytest.mark.parametrize("section", ["", " ", "a]b", "a\nb", "a\n[default]"])
def test_a_section_that_would_be_another_one_is_refused(temporary, capsys, section):
    assert main(["export", "--format", "profile", "--section", section]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "--section" in shown.err


@pytest.mark.parametrize("form", ["env", "json", "profile", "docker"])
def test_long_lived_keys_are_printed_only_where_that_was_said(temporary, capsys, form):
    temporary.delenv("AWS_SESSION_TOKEN")
    assert main(["export", "--format", form]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "--allow-long-lived" in shown.err
    assert "secret/" not in shown.err
    assert main(["export", "--format", form, "--allow-long-lived"]) == 0
    assert "ASIAEXPORTEXPORT0001" in capsys.readouterr().out


def test_without_keys_nothing_is_printed(monkeypatch, capsys):
    assert main(["export"]) == 3
    assert capsys.readouterr().out == ""


def test_keys_that_end_soon_are_said_to(tmp_path, capsys):
    with place(tmp_path, lifetime=600) as here:
        ran = here.run("export", *here.options, "--format", "json")
    assert json.loads(ran.stdout)["AccessKeyId"] == "ASIAVENDEDVENDED0001"
    assert ran.stderr == "bedrock-auth export: these keys expire in 10 minutes; `bedrock-auth serve` and `exec` renew them\n"
