"""The files that another process is given in place of AWS's own."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path

import botocore.session
from hypothesis import given, strategies as st

from bedrock_auth.cli.handing_over.surroundings import config_text, new_folder, settings_of, write_files

CONFIG = """
[default]
region = eu-central-1
aws_access_key_id = AKIADECOY
credential_process = decoy
[profile work]
region = us-west-2
role_arn = arn:aws:iam::123456789012:role/R
source_profile = default
sso_session = s
web_identity_token_file = /decoy
login_session = arn:aws:iam::123456789012:user/u
retry_mode = adaptive
ca_bundle = /certs/100% ours.pem
services = local
[services local]
bedrock_runtime =
  endpoint_url = http://127.0.0.1:4566
sts =
  endpoint_url = http://127.0.0.1:4567
[sso-session s]
sso_region = us-east-1
"""


def read_back(text, tmp_path, monkeypatch):
    (tmp_path / "read-back").write_text(text)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "read-back"))
    session = botocore.session.Session()
    return session.get_scoped_config(), session.full_config


def test_settings_that_do_not_decide_who_signs_are_carried_over_and_no_others(tmp_path, monkeypatch):
    (tmp_path / "config").write_text(CONFIG)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    text = settings_of("work")
    profile, everything = read_back(text, tmp_path, monkeypatch)
    services = profile.pop("services")
    assert profile == {"region": "us-west-2", "retry_mode": "adaptive", "ca_bundle": "/certs/100% ours.pem"}
    assert everything["services"][services] == {
        "bedrock_runtime": {"endpoint_url": "http://127.0.0.1:4566"},
        "sts": {"endpoint_url": "http://127.0.0.1:4567"},
    }
    assert "sso_sessions" not in text
    assert botocore.session.Session().get_credentials() is None


def test_without_a_profile_it_is_the_one_in_use_and_a_missing_one_gives_nothing(tmp_path, monkeypatch):
    (tmp_path / "config").write_text(CONFIG)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert settings_of(None) == "[default]\nregion = eu-central-1\n"
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert "us-west-2" in settings_of(None)
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert settings_of(None) == "[default]\n"
    (tmp_path / "config").write_text("this is no config file")
    assert settings_of("work") == "[default]\n"


ENTRIES = st.dictionaries(
    st.sampled_from(["region", "endpoint_url", "aws_access_key_id", "credential_process", "role_arn", "sso_session"]),
    st.text(max_size=20) | st.dictionaries(st.just("aws_access_key_id"), st.text(max_size=5), max_size=1),
)


@given(ENTRIES)
def test_no_value_can_smuggle_in_an_entry_of_another_name(entries):
    lines = config_text(entries, {}).removesuffix("\n").split("\n")
    assert lines[0] == "[default]"
    assert {line.partition(" = ")[0] for line in lines[1:]} <= {"region", "endpoint_url"}


def test_the_files_are_for_this_user_alone_and_the_token_is_not_to_be_changed(tmp_path):
    with new_folder() as made:
        folder = tmp_path.__class__(made)
        named = write_files(folder / "route", "the token", "[default]\n")
        assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE((folder / "route").stat().st_mode) == 0o700
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder / "route").iterdir()}
        assert modes == {"token": 0o400, "config": 0o600, "credentials": 0o600, "boto.cfg": 0o600}
        assert (folder / "route" / "token").read_text() == "the token"
        assert (folder / "route" / "credentials").read_text() == ""
        assert set(named) == {"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "BOTO_CONFIG"}
    assert not folder.exists()


def test_the_files_are_found_from_everywhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", ".")
    with new_folder() as folder:
        assert Path(folder).parent == tmp_path
