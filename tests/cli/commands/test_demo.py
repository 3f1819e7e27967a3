"""The demo as a person starts it; its output is what the README promises."""

from __future__ import annotations

import argparse
import logging
import os
import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

import bedrock_auth
from bedrock_auth.cli import main
from bedrock_auth.cli.commands.demo import play, scenes
from bedrock_auth.cli.commands.demo.stage import forget_everything, live_stage
from bedrock_auth.testing import LocalBedrock, moto_keys
from support.loopback import Loopback

SOURCES = [
    "Static", "Environment", "Profile", "AssumeRole", "WebIdentity", "HttpVending", "CognitoGuest", "Process", "FromCallable",
]  # fmt: skip


def moto_secrets() -> set[str]:
    """Every secret that moto issued in this process."""
    found = set()
    for by_partition in sts_backends.values():
        for backend in by_partition.values():
            found |= {value for role in backend.assumed_roles for value in (role.secret_access_key, role.session_token)}
    for by_partition in iam_backends.values():
        for backend in by_partition.values():
            found |= {key.secret_access_key for user in backend.users.values() for key in user.access_keys}
    return found


class Dropping(BaseHTTPRequestHandler):
    """Drops so many connections, as a server does that has just started."""

    left = 0

    def do_POST(self):
        if type(self).left:
            type(self).left -= 1
            return
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Stay quiet."""


def test_a_stand_in_that_has_just_started_may_drop_its_first_callers():
    with Loopback(Dropping) as server:
        Dropping.left = 2
        forget_everything(server.url)
        Dropping.left = 3
        with pytest.raises(ConnectionResetError):
            forget_everything(server.url)
    assert Dropping.left == 0


@pytest.mark.slow
def test_the_demo_shows_everything_and_leaks_nothing(capsys, caplog):
    before = dict(os.environ)
    with caplog.at_level(logging.DEBUG):
        status = main(["demo"])
    shown = capsys.readouterr()
    text = shown.out + shown.err
    assert status == 0, text
    assert "Everything was as it should be." in shown.out
    assert shown.out.count("✓") == 13
    assert "✗" not in shown.out
    for source in SOURCES:
        assert source in shown.out
    assert "ConnectionLostError" in shown.out
    assert "IncompleteStreamError" in shown.out
    assert shown.err == ""
    assert dict(os.environ) == before
    secrets = moto_secrets()
    assert len(secrets) > 5
    for secret in secrets:
        assert secret not in text
        assert secret not in caplog.text
    assert not re.search(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b", text)


def test_a_scene_that_fails_makes_the_exit_status_non_zero(capsys, monkeypatch):
    def broken(stage, say):
        yield scenes.Seen("first", "fine")
        raise ValueError("SecretAccessKey=abcdefgh12345678")

    monkeypatch.setattr(play, "SCENES", (("A scene", broken),))
    assert main(["demo"]) == 1
    shown = capsys.readouterr().out
    assert "first" in shown
    assert "ValueError: SecretAccessKey=***" in shown
    assert "1 went wrong." in shown


def test_a_source_that_signs_as_somebody_else_fails_the_demo(capsys, monkeypatch):
    monkeypatch.setattr(play, "SCENES", (("Sources", scenes.sources),))
    monkeypatch.setattr(scenes, "_proof", lambda stage, key: (", but the endpoint saw bearer", False))
    assert main(["demo"]) == 1
    assert "9 went wrong." in capsys.readouterr().out


def test_live_needs_a_model(capsys):
    assert main(["demo", "--live"]) == 2
    assert "--live needs --model-id" in capsys.readouterr().err


def test_without_the_demo_extra_it_says_what_to_install():
    script = "import sys; sys.modules['rich'] = None; from bedrock_auth.cli import main; sys.exit(main(['demo']))"
    environ = {**os.environ, "PYTHONPATH": str(Path(bedrock_auth.__file__).parent.parent)}
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environ)
    assert ran.returncode == 2
    assert ran.stderr == 'bedrock-auth demo needs rich: python3 -m pip install "bedrock-auth[demo]"\n'


def test_a_command_is_required_and_the_version_is_known(capsys):
    with pytest.raises(SystemExit) as usage:
        main([])
    assert usage.value.code == 2
    with pytest.raises(SystemExit) as version:
        main(["--version"])
    assert version.value.code == 0
    assert capsys.readouterr().out.startswith("bedrock-auth 0.")


def test_live_uses_the_environments_keys_and_the_role_that_is_named(moto, monkeypatch):
    with LocalBedrock(keys=moto_keys()) as bedrock:
        for name, value in {**bedrock.environ, "AWS_ENDPOINT_URL_STS": moto}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", bedrock.credentials.access_key_id)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", bedrock.credentials.secret_access_key)
        said = []
        with live_stage("us-east-1", "m", "arn:aws:iam::123456789012:role/Mine") as stage:
            seen = list(scenes.sources(stage, said.append))
        assert [(line.what, line.passed) for line in seen] == [("Environment", True), ("AssumeRole", True)]
        assert "assumed-role/Mine" in "".join(said)
        assert [request.model_id for request in bedrock.requests] == ["m", "m"]


def test_live_without_keys_tells_what_is_missing(capsys, monkeypatch):
    monkeypatch.setattr(play, "SCENES", (("Sources", scenes.sources),))
    monkeypatch.setenv("COLUMNS", "200")
    options = argparse.Namespace(live=True, region="us-east-1", model_id="m", role_arn=None)
    assert play.play(options) == 1
    assert "neither AWS_ACCESS_KEY_ID nor" in " ".join(capsys.readouterr().out.replace("│", " ").split())
