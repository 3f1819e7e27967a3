"""``bedrock-auth serve`` as a process of its own."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from bedrock_auth.cli import main
from bedrock_auth.cli.handing_over.handoff import found_in
from bedrock_auth.cli.handing_over.watched import watched
from support.handing_off import place

WHO = "import boto3; c = boto3.Session().get_credentials(); print(c.method, c.get_frozen_credentials().access_key)"


@pytest.fixture
def here(tmp_path):
    with place(tmp_path) as made:
        yield made


def ask(settings):
    request = Request(settings["AWS_CONTAINER_CREDENTIALS_FULL_URI"])
    request.add_header("Authorization", settings["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
    with urlopen(request, timeout=10) as answer:
        return json.load(answer)


def test_it_is_ready_when_it_says_so_and_what_it_says_decides_who_signs(here):
    with here.serving() as (process, said):
        assert said["pid"] == process.pid
        route = said["routes"]["default"]
        assert ask(route["set"])["AccessKeyId"] == "ASIAVENDEDVENDED0001"
        environ = {name: value for name, value in here.environ().items() if name not in said["unset"]} | route["set"]
        assert set(found_in(environ)) <= set(route["set"])
        ran = subprocess.run([sys.executable, "-c", WHO], env=environ, capture_output=True, text=True, check=True, timeout=60)
        assert ran.stdout == "container-role ASIAVENDEDVENDED0001\n"
        assert len(here.issued) == 1


def test_its_files_are_this_users_alone_hold_no_keys_and_are_gone_afterwards(here):
    with here.serving() as (process, said):
        route = said["routes"]["default"]
        token = Path(route["token_file"])
        assert token.read_text() == route["set"]["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
        assert stat.S_IMODE(token.stat().st_mode) == 0o400
        for folder in (token.parent, token.parent.parent):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        content = "".join(path.read_text() for path in token.parent.iterdir())
        assert "secret" not in content
        assert "ASIA" not in content
        process.terminate()
        assert process.wait(20) == 0
        assert here.leftovers() == []


STORM = """
import os, signal, subprocess, sys
from bedrock_auth.cli.commands import serve

heard = serve.SimpleQueue()
signal.signal(signal.SIGTERM, lambda number, _: heard.put(number))
sender = f"import os\\nfor _ in range(20000): os.kill({os.getpid()}, {signal.SIGTERM:d})"
with subprocess.Popen([sys.executable, "-c", sender]) as storm:
    while storm.poll() is None:
        heard = serve.SimpleQueue()
        serve._wait(heard, 0.2, lambda: False)
print("over")
"""


@pytest.mark.skipif(os.name != "posix", reason="no such signals here")
def test_no_moment_of_its_waiting_is_a_wrong_one_for_a_signal():
    """A handler that takes a lock which the waiting thread holds, such as an Event's, would never come back."""
    done = subprocess.run([sys.executable, "-c", STORM], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("over\n", "")


def test_no_secret_and_no_token_is_on_its_command_line_or_in_what_it_tells(here):
    with here.running("serve", *here.options, "--verbose") as process:
        said = json.loads(process.stdout.read())
        settings = said["routes"]["default"]["set"]
        ask(settings)
        command_line = Path(f"/proc/{process.pid}/cmdline")
        if command_line.exists():
            shown = command_line.read_text()
            assert "serve" in shown
            assert "the-api-key" not in shown
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        told = process.stderr.read()
    assert told == "bedrock-auth serve: /default: 200\n"


@pytest.mark.slow
def test_a_shell_can_evaluate_it_and_end_it(here):
    ours = " ".join(here.command("serve", *here.options, "--format", "env"))
    script = f"""eval "$({ours} --end-with $$ &)"; {sys.executable} -c '{WHO}'; echo $BEDROCK_AUTH_SERVE_PID"""
    ran = subprocess.run(["sh", "-c", script], env=here.environ(), capture_output=True, text=True, check=True, timeout=60)
    who, pid = ran.stdout.splitlines()
    assert who == "container-role ASIAVENDEDVENDED0001"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and (Path(f"/proc/{pid}/cmdline").exists() or here.leftovers()):
        time.sleep(0.05)
    assert here.leftovers() == []


def test_it_ends_after_its_time(here):
    with here.serving("--for", "0.2") as (process, _):
        assert process.wait(20) == 0


def test_without_keys_it_says_why_and_serves_nothing(here):
    here.vending.reply = lambda asked: type(here.vending.replies[0])(status=403)
    ran = here.run("serve", *here.options)
    assert ran.returncode == 4
    assert ran.stdout == ""
    assert ran.stderr.startswith("bedrock-auth serve: ")
    assert here.leftovers() == []


def test_each_route_has_an_identity_a_token_and_a_region_of_its_own(here):
    section = "[{0}]\naws_access_key_id = ASIA{0}\naws_secret_access_key = s\naws_session_token = t\nregion = us-{0}-1\n"
    (here.home / ".aws" / "credentials").write_text(section.format("WEST") + section.format("EAST"))
    with here.serving("--route", "one=WEST", "--route", "two=EAST") as (_, said):
        routes = said["routes"]
        assert list(routes) == ["default", "one", "two"]
        keys = {name: ask(route["set"])["AccessKeyId"] for name, route in routes.items()}
        assert keys == {"default": "ASIAVENDEDVENDED0001", "one": "ASIAWEST", "two": "ASIAEAST"}
        tokens = {route["set"]["AWS_CONTAINER_AUTHORIZATION_TOKEN"] for route in routes.values()}
        assert len(tokens) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ["--route", "a b=p"],
        ["--route", "default=p"],
        ["--route", "../x=p"],
        ["--route", "x"],
        ["--for", "0"],
        ["--for", "nan"],
        ["--for", "soon"],
        ["--address", "0.0.0.0"],
        ["--host", "0.0.0.0"],
        ["--port", "80"],
    ],
    ids=" ".join,
)
def test_there_is_no_option_for_an_address_and_routes_have_plain_names(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["serve", *arguments])
    assert ended.value.code == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("pid", ["0", "-1", "4194304999"])
def test_a_process_to_end_with_has_to_be_there(pid, capsys):
    assert main(["serve", f"--end-with={pid}"]) == 2
    assert f"there is no process {pid} to end with" in capsys.readouterr().err


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EPERM], ids=["an old system", "a sandbox"])
def test_a_process_can_be_watched_where_the_system_does_not_tell_of_its_end(monkeypatch, number):
    def refused(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "pidfd_open", refused, raising=False)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process, watched(process.pid) as is_over:
        assert not is_over()
        process.communicate(b"\n")
        assert is_over()


def test_a_route_has_one_identity(capsys, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIAEXPORTEXPORT0001")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    assert main(["serve", "--route", "a=x", "--route", "a=y"]) == 2
    assert "--route names a twice" in capsys.readouterr().err


@pytest.mark.slow
def test_it_goes_on_over_expiries(tmp_path):
    with place(tmp_path, lifetime=1.5) as here, here.serving() as (_, said):
        settings = said["routes"]["default"]["set"]
        seen = []
        while len(set(seen)) < 4:
            answer = ask(settings)
            seen.append(answer["AccessKeyId"])
            assert answer["AccessKeyId"] == here.issued[-1].access_key_id
            time.sleep(0.1)
