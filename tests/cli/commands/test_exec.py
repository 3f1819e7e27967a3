"""``bedrock-auth exec`` as a process of its own: whose keys the command has, and that it is otherwise undisturbed."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import bedrock_auth
from bedrock_auth import ConfigurationError
from bedrock_auth.cli import main
from bedrock_auth.cli.handing_over import child, handoff, probe, surroundings
from bedrock_auth.cli.handing_over.signals import handled, leave
from bedrock_auth.testing import LocalBedrock
from support.endpoint import Reply
from support.handing_off import DECOYS, place

SHOW = [sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"]


@pytest.fixture
def here(tmp_path):
    with place(tmp_path) as made:
        yield made


def python(code):
    return [sys.executable, "-c", code]


def wait_for_text(path, deadline=30.0):
    end = time.monotonic() + deadline
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < end, f"nothing was written to {path}"
        time.sleep(0.02)
    return path.read_text()


def test_the_command_has_nothing_that_decides_but_the_endpoint(here):
    (here.home / ".aws" / "config").write_text("[profile decoy]\nregion = us-west-2\nendpoint_url = http://127.0.0.1:9\n")
    ran = here.run("exec", *here.options, "--", *SHOW)
    assert ran.returncode == 0, ran.stderr
    after = json.loads(ran.stdout)
    assert set(handoff.found_in(after)) == {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "BOTO_CONFIG",
        "AWS_EC2_METADATA_DISABLED",
    }
    assert after["AWS_EC2_METADATA_DISABLED"] == "true"
    assert after["AWS_REGION"] == after["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert not [value for name, value in after.items() if value in set(DECOYS.values())]
    untouched = set(here.environ()) - set(DECOYS)
    assert {name: after[name] for name in untouched} == {name: here.environ()[name] for name in untouched}
    assert here.leftovers() == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", urlsplit(after["AWS_CONTAINER_CREDENTIALS_FULL_URI"]).port), 5)


TALK = """
import boto3, sys, time
client = boto3.client("bedrock-runtime")
for number in range(int(sys.argv[1])):
    answer = client.converse(modelId="m", messages=[{"role": "user", "content": [{"text": str(number)}]}])
    print(answer["output"]["message"]["content"][0]["text"], flush=True)
    time.sleep(0.5)
"""


@pytest.mark.slow
def test_boto3_in_the_command_signs_as_it_should_over_expiries_with_decoys_everywhere(tmp_path):
    with place(tmp_path, lifetime=2) as here:
        with LocalBedrock(lambda key_id: next((keys for keys in here.issued if keys.access_key_id == key_id), None)) as bedrock:
            ran = here.run("exec", *here.options, "--", *python(TALK), "14", variables=bedrock.environ)
        assert ran.returncode == 0, ran.stderr
        signers = [request.access_key_id for request in bedrock.requests]
        assert {request.status for request in bedrock.requests} == {200}
        assert {request.signed for request in bedrock.requests} == {"sigv4"}
        assert len(signers) == 14
        assert len(set(signers)) >= 4
        assert set(signers) <= {keys.access_key_id for keys in here.issued}
        assert len(here.issued) <= 12


def test_without_keys_the_command_is_not_started(here):
    here.vending.reply = lambda _: Reply(403)
    ran = here.run("exec", *here.options, "--", "touch", "started")
    assert ran.returncode == 4
    assert ran.stderr.startswith("bedrock-auth exec: ")
    assert not (here.home / "started").exists()


def test_another_source_in_the_commands_environment_stops_it(here):
    (here.home / "site").mkdir()
    forces = "import os; os.environ['AWS_ACCESS_KEY_ID'] = 'AKIAFORCED'; os.environ['AWS_SECRET_ACCESS_KEY'] = 'x'"
    (here.home / "site" / "sitecustomize.py").write_text(forces)
    path = os.pathsep.join([str(here.home / "site"), str(Path(bedrock_auth.__file__).parents[1])])
    ran = here.run("exec", *here.options, "--", "touch", "started", variables={"PYTHONPATH": path})
    assert ran.returncode == 2
    assert "botocore would take its keys from 'env' and not from here" in ran.stderr
    assert not (here.home / "started").exists()
    assert here.leftovers() == []


def test_a_probe_that_cannot_be_run_stops_it_too(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(ConfigurationError, match="could not be found out, so it was not started: FileNotFoundError"):
        probe.refuse_other_sources(dict(os.environ))


@pytest.mark.parametrize(
    ("command", "status"),
    [(["sh", "-c", "exit 7"], 7), (["sh", "-c", "kill -9 $$"], 137), (["sh", "-c", "kill -TERM $$"], 143)],
    ids=["exit", "killed", "terminated"],
)
def test_the_exit_status_is_the_commands_or_what_a_shell_says(command, status):
    assert child.run(command, os.environ) == status


def test_the_exit_status_is_known_where_this_process_was_started_to_ignore_its_children():
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert child.run(["sh", "-c", "exit 7"], os.environ) == 7
    finally:
        signal.signal(signal.SIGCHLD, before)


@pytest.mark.parametrize(("command", "status"), [("/nonexistent/command", 127), ("/", 126)], ids=["not found", "not a program"])
def test_a_command_that_cannot_be_started_has_a_shells_status_and_is_told_of(here, command, status):
    ran = here.run("exec", *here.options, "--", command)
    assert ran.returncode == status
    assert ran.stderr.startswith(f"bedrock-auth exec: {command}: ")
    assert here.leftovers() == []


def test_input_output_arguments_and_open_files_are_the_commands_own(here):
    reader, writer = os.pipe()
    os.write(writer, b"from an open file")
    os.close(writer)
    code = f"import sys, os; print(sys.argv[1:], sys.stdin.read(), os.read({reader}, 99).decode())"
    command = ["exec", *here.options, *python(code), "--region", "--", "a b", "-x"]
    ran = here.run(*command, input="from a pipe", pass_fds=[reader])
    os.close(reader)
    assert ran.stdout == "['--region', '--', 'a b', '-x'] from a pipe from an open file\n", ran.stderr


SLOWLY = [pytest.param(number, marks=pytest.mark.slow) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGUSR1)]


@pytest.mark.parametrize("number", [signal.SIGTERM, *SLOWLY], ids=lambda number: number.name)
def test_signals_reach_the_command_which_decides_what_comes_of_them(here, number):
    code = f"""
import pathlib, signal, sys, time
def ended(number, frame):
    print("told", number, flush=True)
    sys.exit(9)
signal.signal({int(number)}, ended)
pathlib.Path("ready").write_text("x")
time.sleep(60)
"""
    with here.running("exec", *here.options, "--", *python(code), start_new_session=True) as process:
        wait_for_text(here.home / "ready")
        process.send_signal(number)
        assert process.stdout.read() == f"told {int(number)}\n"
        assert process.wait(20) == 9
    assert here.leftovers() == []


def test_told_to_end_before_the_command_has_started_it_leaves_nothing(here):
    here.vending.reply = lambda _: time.sleep(0.5) or Reply(500)
    with here.running("exec", *here.options, "--", "touch", "started") as process:
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.7)
            process.terminate()
        assert process.returncode in {143, -signal.SIGTERM}
    assert here.leftovers() == []
    assert not (here.home / "started").exists()


def test_however_often_it_is_told_to_end_it_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    remove, told = shutil.rmtree, []

    def remove_slowly(*arguments, **more):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.raise_signal(number)
            told.append(number)
        return remove(*arguments, **more)

    monkeypatch.setattr(shutil, "rmtree", remove_slowly)
    with handled(("SIGTERM", "SIGHUP"), leave), surroundings.new_folder() as folder:
        Path(folder, "token").touch()
    assert len(told) == 3
    assert list(tmp_path.iterdir()) == []


def pretend_it_is_old(folder):
    os.utime(folder, (time.time() - 3600,) * 2)


def test_what_a_killed_one_left_is_removed_by_the_next_but_not_while_its_command_still_uses_it(here):
    command = ["sh", "-c", "echo $$ > pid.new; mv pid.new pid; exec sleep 60"]
    with here.running("exec", *here.options, "--", *command) as process:
        wait_for_text(here.home / "pid")
        (left,) = here.leftovers()
        process.kill()
    orphan = int((here.home / "pid").read_text())
    pretend_it_is_old(here.home / left)
    assert here.run("exec", *here.options, "--", "true").returncode == 0
    assert here.leftovers() == [left]
    os.kill(orphan, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while here.leftovers():  # it takes a moment until it is gone
        assert time.monotonic() < deadline
        assert here.run("exec", *here.options, "--", "true").returncode == 0


def test_folders_that_are_in_use_new_or_of_somebody_else_stay(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with surroundings.new_folder() as used:
        surroundings.write_files(Path(used, "route"), "token", "config")
        pretend_it_is_old(used)
        new, *others = (tmp_path / f"bedrock-auth-{name}" for name in ("new", "empty", "mine", "open", "link"))
        for folder in (new, others[2]):
            folder.mkdir(mode=0o700)
            surroundings.write_files(folder / "route", "token", "config")
        empty, mine, opened, link = others
        empty.mkdir(mode=0o700)
        (mine / "notes").mkdir(mode=0o700, parents=True)
        mine.chmod(0o700)
        (mine / "notes" / "token").touch()
        opened.chmod(0o755)
        link.symlink_to(opened)
        for folder in others:
            pretend_it_is_old(folder)
        with surroundings.new_folder():
            kept = {path.name for path in tmp_path.iterdir()} - {Path(used).name}
    assert {new.name, *(folder.name for folder in others)} < kept


def test_where_there_is_no_terminal_group_the_console_tells_all_and_the_command_decides(monkeypatch):
    monkeypatch.delattr(os, "tcgetpgrp")  # as on Windows
    code = "import os, signal, sys, time; os.kill(os.getppid(), signal.SIGINT); time.sleep(0.5); sys.exit(4)"
    assert child.run(python(code), os.environ) == 4


def test_on_a_terminal_the_command_has_it_and_what_is_typed_there_reaches_it_once(here):
    code = """
import pathlib, signal, sys, time
told = []
signal.signal(signal.SIGINT, lambda *_: told.append("interrupt"))
assert sys.stdin.isatty() and sys.stdout.isatty()
print("line:", input(), flush=True)
pathlib.Path("ready").write_text("x")
while not told:
    time.sleep(0.05)
time.sleep(0.5)
print(told, flush=True)
sys.exit(5)
"""
    command, environ = here.command("exec", *here.options, "--", *python(code)), here.environ()
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(here.home)
        os.execve(command[0], command, environ)
    os.write(terminal, b"hello\n")
    wait_for_text(here.home / "ready")
    os.write(terminal, b"\x03")
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # Linux says so at the end
            break
        if not piece:
            break
        shown += piece
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 5
    assert b"line: hello" in shown
    assert b"['interrupt']" in shown


def test_no_secret_is_on_a_command_line_or_in_the_commands_files(here):
    code = """
import os, pathlib, sys
lines = [pathlib.Path(f"/proc/{pid}/cmdline").read_text() for pid in (os.getpid(), os.getppid())]
folder = pathlib.Path(os.environ["AWS_CONFIG_FILE"]).parent
files = [path.read_text() for path in folder.iterdir() if path.name != "token"]
print(*lines, *files, *os.environ.values())
"""
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("this system has no /proc")
    ran = here.run("exec", *here.options, "--", *python(code))
    assert ran.returncode == 0, ran.stderr
    for secret in ("the-api-key", "secret/1", "token-1", "ASIAVENDED"):
        assert secret not in ran.stdout + ran.stderr


@pytest.mark.parametrize(
    "arguments",
    [[], ["--"], ["--role-arn", "arn:aws:iam::123456789012:role/R", "--"], ["--", "", "x"]],
    ids=["nothing", "dashes", "options", "an empty name"],
)
def test_a_command_is_needed(arguments, capsys):
    assert main(["exec", *arguments]) == 2
    assert "name the command to run" in capsys.readouterr().err


def test_long_lived_keys_are_handed_to_a_command_only_where_that_was_said(monkeypatch, capfd):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIALONGLIVED0000001")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert main(["exec", "--", "true"]) == 2
    assert "--allow-long-lived" in capfd.readouterr().err
    assert main(["exec", "--allow-long-lived", "--", "true"]) == 0
