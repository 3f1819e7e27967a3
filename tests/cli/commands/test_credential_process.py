"""``bedrock-auth credential-process``, as an SDK runs it."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import CredentialRetrievalError

from bedrock_auth import cache_entry, cache_files
from bedrock_auth.cli import main
from bedrock_auth.cli.fast_path import SHORTCUT
from support.commands import bedrock_auth_command, vended
from support.endpoint import Endpoint, Reply

ROLE = "arn:aws:iam::123456789012:role/Bedrock"


@pytest.fixture
def vending():
    with Endpoint(vended(1), vended(2), vended(3)) as endpoint:
        yield endpoint


@pytest.fixture
def ask(vending, capsys):
    """Ask for the vending API's keys, in this process; what was printed."""

    def ask(*options):
        assert main(["credential-process", "--vending-url", vending.url, *options]) == 0
        return json.loads(capsys.readouterr().out)

    return ask


def cache_folder():
    return Path(os.environ["HOME"], ".cache", "bedrock-auth")


def files(ending):
    return sorted(cache_folder().glob(f"*{ending}"))


def age(seconds):
    """Make the one entry older, as if it had been fetched so many seconds earlier."""
    (path,) = files(cache_files.ENTRY)
    with cache_files.Folder(str(path.parent)) as folder:
        entry = cache_entry.decode(folder.read(path.name))
        keys, facts = cache_entry.process_json(entry), entry[cache_entry.FACTS]
        expires_at = facts["ExpiresAt"] - seconds
        keys["Expiration"] = datetime.fromtimestamp(expires_at).astimezone().isoformat()
        older = {"source": facts["Source"], "retrieved_at": facts["RetrievedAt"] - seconds, "expires_at": expires_at}
        folder.write(path.name, cache_entry.encode(keys, **older))


def put_profile(text):
    path = Path(os.environ["HOME"], ".aws", "config")
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


# -------------------------------------------------------------------------------- what is printed


def test_it_prints_process_json_and_nothing_else(vending):
    ran = bedrock_auth_command("credential-process", "--vending-url", vending.url, "--region", "eu-west-1")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.count("\n") == 1
    printed = json.loads(ran.stdout)
    assert datetime.fromisoformat(printed.pop("Expiration")).tzinfo is not None
    assert printed == {
        "Version": 1,
        "AccessKeyId": "ASIAVENDEDVENDED0001",
        "SecretAccessKey": "secret-1/+=",
        "SessionToken": "token-1",
    }


def test_a_second_run_prints_the_same_bytes_and_asks_nobody(vending):
    runs = [bedrock_auth_command("credential-process", "--vending-url", vending.url) for _ in range(3)]
    assert len({ran.stdout for ran in runs}) == 1
    assert len(vending.asked) == 1


def test_the_account_is_printed_where_the_source_says_it(capsys):
    with Endpoint(vended(AccountId="123456789012")) as vending:
        for _ in range(2):
            assert main(["credential-process", "--vending-url", vending.url]) == 0
            assert json.loads(capsys.readouterr().out)["AccountId"] == "123456789012"


def test_keys_that_never_expire_are_printed_and_not_kept(monkeypatch, capsys):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    assert main(["credential-process", "--source", "environment"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "Version": 1,
        "AccessKeyId": "AKIAIOSFODNN7EXAMPLE",
        "SecretAccessKey": "wJalrXUtnFEMI",
    }
    assert files(cache_files.ENTRY) == files(SHORTCUT) == []


# -------------------------------------------------------------------------------- how long a set is used


@pytest.mark.parametrize(("left_minutes", "asks"), [(18, False), (15, True), (0, True), (-5, True)])
def test_keys_that_lived_for_an_hour_are_handed_out_while_more_than_16_minutes_are_left(ask, vending, left_minutes, asks):
    first = ask()
    age(3600 - left_minutes * 60)
    again = ask()
    assert (again["AccessKeyId"] != first["AccessKeyId"]) is asks
    assert len(vending.asked) == 1 + asks


def test_refresh_asks_again_and_what_it_got_is_used_from_then_on(ask):
    assert [ask(*options)["AccessKeyId"][-1] for options in ([], [], ["--refresh"], [], [])] == ["1", "1", "2", "2", "2"]


def test_an_abbreviated_refresh_asks_every_time(ask):
    assert [ask("--refr")["AccessKeyId"][-1] for _ in range(3)] == ["1", "2", "3"]


def test_with_the_cache_off_every_run_asks(ask, monkeypatch):
    ask()
    monkeypatch.setenv("BEDROCK_AUTH_CACHE", "off")
    assert [ask()["AccessKeyId"][-1] for _ in range(2)] == ["2", "3"]


def test_a_cache_folder_that_others_may_enter_is_not_used(vending):
    cache_folder().mkdir(parents=True)
    cache_folder().chmod(0o755)
    for _ in range(2):
        ran = bedrock_auth_command("credential-process", "--vending-url", vending.url)
        assert ran.returncode == 0
        assert "open to other users" in ran.stderr
    assert len(vending.asked) == 2


# -------------------------------------------------------------------------------- --check-expiration


def test_check_expiration_tells_about_the_cached_set_without_its_keys(ask, vending, capsys):
    check = ["credential-process", "--vending-url", vending.url, "--check-expiration"]
    assert main(check) == 1
    assert json.loads(capsys.readouterr().out) == {"present": False, "fresh": False, "expiration": None, "remaining": None}
    keys = ask()
    assert main(check) == 0
    shown = capsys.readouterr().out
    about = json.loads(shown)
    assert (about["present"], about["fresh"], about["expiration"]) == (True, True, keys["Expiration"])
    assert 3500 < about["remaining"] <= 3600
    assert not [value for value in (keys["SecretAccessKey"], keys["SessionToken"], keys["AccessKeyId"]) if value in shown]
    age(3000)
    assert main(check) == 1
    about = json.loads(capsys.readouterr().out)
    assert (about["present"], about["fresh"]) == (True, False)
    assert len(vending.asked) == 1


# -------------------------------------------------------------------------------- failures


@pytest.mark.parametrize(
    ("reply", "status", "words"),
    [
        (Reply(403, {"message": "explicit deny"}), 4, "explicit deny"),
        (Reply(404), 2, "no such endpoint"),
        (Reply(429, headers={"Retry-After": "60"}), 1, "throttles"),
        (vended(lifetime=-60), 4, "expired"),
        (Reply(body="{}"), 1, "did not answer with credentials"),
    ],
    ids=["denied", "wrong", "throttled", "expired", "malformed"],
)
def test_a_failure_is_a_status_and_a_reason_on_stderr_and_stdout_stays_empty(capsys, reply, status, words):
    with Endpoint(reply) as vending:
        assert main(["credential-process", "--vending-url", vending.url]) == status
    shown = capsys.readouterr()
    assert shown.out == ""
    assert words in shown.err


def test_nothing_set_up_and_a_missing_profile_have_their_own_statuses(capsys):
    assert main(["credential-process"]) == 3
    assert main(["credential-process", "--profile", "missing"]) == 2
    assert capsys.readouterr().out == ""


def test_a_source_that_fails_while_the_cached_set_still_lives_does_not_matter(capsys):
    with Endpoint(vended(1), Reply(503)) as vending:
        assert main(["credential-process", "--vending-url", vending.url]) == 0
        first = capsys.readouterr().out
        age(3000)
        assert main(["credential-process", "--vending-url", vending.url]) == 0
        assert json.loads(capsys.readouterr().out)["AccessKeyId"] == json.loads(first)["AccessKeyId"]


# -------------------------------------------------------------------------------- who asks for whom


def test_a_command_that_leads_back_to_itself_is_stopped():
    command = f"{sys.executable} -m bedrock_auth.cli credential-process --profile"
    put_profile(f"[profile a]\ncredential_process = {command} b\n[profile b]\ncredential_process = {command} a\n")
    ran = bedrock_auth_command("credential-process", "--profile", "a")
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert "credential_process is this very command" in ran.stderr


def test_the_profile_that_runs_it_is_not_where_its_keys_come_from(moto):
    command = f"{sys.executable} -m bedrock_auth.cli credential-process --for-profile p --role-arn={ROLE} --region=us-east-1"
    base = "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI\n"
    put_profile(f"{base}[profile p]\ncredential_process = {command}\n")
    os.environ["AWS_ENDPOINT_URL"] = moto
    try:
        os.environ["AWS_PROFILE"] = "p"
        identity = boto3.Session(region_name="us-east-1").client("sts").get_caller_identity()
        assert ":assumed-role/Bedrock/" in identity["Arn"]
    finally:
        del os.environ["AWS_ENDPOINT_URL"], os.environ["AWS_PROFILE"]


def test_a_path_may_have_any_character(vending, tmp_path, capsys):
    key = tmp_path / "a\tkey\n\udcff"
    key.write_text("the-api-key", encoding="utf-8")
    for _ in range(2):
        assert main(["credential-process", "--vending-url", vending.url, "--vending-key-file", str(key)]) == 0
    assert [asked.headers["x-api-key"] for asked in vending.asked] == ["the-api-key"]


def test_botocore_shows_our_reason(tmp_path):
    put_profile(f"[profile p]\ncredential_process = {sys.executable} -m bedrock_auth.cli credential-process --profile missing\n")
    with pytest.raises(CredentialRetrievalError, match="profile missing: it is neither in"):
        boto3.Session(profile_name="p").get_credentials()


def test_the_environment_is_left_as_it_was(ask):
    before = dict(os.environ)
    ask()
    assert dict(os.environ) == before
