"""Real programs: short Python scripts, and what they leave behind."""

from __future__ import annotations

import errno
import json
import logging
import os
import shlex
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import ClassVar
from unittest import mock

import pytest
from hypothesis import given, strategies as st

from bedrock_auth.contracts import traits
from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import ConfigurationError, CredentialError, RetrievalError
from bedrock_auth.host import Host
from bedrock_auth.providers import _child
from bedrock_auth.providers.process import Process
from providers.conformance import ANSWER, KEY_ID, PAST, SECRET, TOKEN, Conformance, leaks

HELPER = "import json, os, sys, time, signal, subprocess\n"
posix = pytest.mark.skipif(os.name != "posix", reason="process groups are POSIX's")


def python(code: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-c", HELPER + code, *arguments)


def program(code: str, *arguments: str, timeout: float = 20, **environ: str) -> Process:
    return Process(python(code, *arguments), timeout=timeout, host=Host.isolated(environ))


def printing(answer: object) -> Process:
    return program("print(sys.argv[1])", json.dumps(answer))


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not collected by its parent does not."""
    try:
        if Path("/proc/self").exists():
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def eventually(condition) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def typed():
    """Something to read on the standard input of this process."""
    end, other_end = os.pipe()
    os.write(other_end, b"typed")
    os.close(other_end)
    saved = os.dup(0)
    os.dup2(end, 0)
    os.close(end)
    yield
    os.dup2(saved, 0)
    os.close(saved)


class TestConformance(Conformance):
    kind = "process"
    exempt: ClassVar = {
        "absent": "a command that is named and cannot be run is misconfigured",
        "refused": "an exit status does not say whether asking again would help",
    }

    def make(self, **settings):
        return Process(["aws-helper", "--token", SECRET], **settings)

    def other(self):
        return Process(["aws-helper"])

    def working(self):
        return printing(ANSWER)

    def misconfigured(self):
        Process(["/nowhere/aws-helper", "--token", SECRET]).retrieve()

    def unreachable(self):
        program("sys.stderr.write(f'cannot log in with {sys.argv[2]}'); sys.exit(1)", "--token", SECRET).retrieve()

    def malformed(self):
        program("print('{' + sys.argv[1])", SECRET).retrieve()

    def oversized(self):
        program("print(sys.argv[1] * 100_000)", SECRET).retrieve()

    def expired(self):
        printing({**ANSWER, "Expiration": PAST}).retrieve()


# -------------------------------------------------------------------- running it


def test_text_is_split_as_a_shell_would_and_equals_the_sequence():
    assert Process("aws-helper --profile 'my profile' a\\ b").command == ("aws-helper", "--profile", "my profile", "a b")
    assert Process("aws-helper x") == Process(["aws-helper", "x"]) == Process((Path("aws-helper"), "x"))


def test_text_is_split_by_windows_rules_on_windows(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert Process(r'"C:\Program Files\helper.exe" a\b "c d"').command == (r"C:\Program Files\helper.exe", r"a\b", "c d")


def test_no_shell_ever_sees_the_command():
    argument = "$HOME; echo `id` | cat > /tmp/x && true"
    code = "print(json.dumps({'Version': 1, 'AccessKeyId': 'AKIA', 'SecretAccessKey': sys.argv[1]}))"
    command = shlex.join([*python(code), argument])
    assert Process(command, host=Host.isolated({"HOME": "/h"})).retrieve().secret_access_key == argument


def test_the_program_gets_the_hosts_environment_and_no_other(monkeypatch):
    monkeypatch.setenv("DECOY", "ambient")
    code = "print(json.dumps({'Version': 1, 'AccessKeyId': 'AKIA', 'SecretAccessKey': repr(sorted(os.environ))}))"
    shown = program(code, MINE="1", LC_CTYPE="C.UTF-8").retrieve().secret_access_key
    assert shown == "['LC_CTYPE', 'MINE']"


def test_the_program_has_no_standard_input(typed):
    code = "print(json.dumps({'Version': 1, 'AccessKeyId': 'AKIA', 'SecretAccessKey': repr(sys.stdin.read())}))"
    assert program(code).retrieve().secret_access_key == "''"


def test_the_program_is_looked_up_on_the_hosts_path(tmp_path):
    helper = tmp_path / "aws-helper"
    helper.write_text(f"#!/bin/sh\necho '{json.dumps(ANSWER)}'\n")
    helper.chmod(0o700)
    assert Process("aws-helper", host=Host.isolated({"PATH": str(tmp_path)})).retrieve().access_key_id == KEY_ID


def test_every_fetch_runs_it_once(tmp_path):
    log = tmp_path / "log"
    code = "open(sys.argv[1], 'a').write('x'); print(sys.argv[2])"
    provider = program(code, str(log), json.dumps(ANSWER))
    provider.retrieve()
    provider.retrieve()
    assert log.read_text() == "xx"


def test_what_it_says_on_standard_error_does_not_matter_when_it_succeeds():
    keys = program("sys.stderr.write('x' * 1_000_000); print(sys.argv[1])", json.dumps(ANSWER)).retrieve()
    assert keys.access_key_id == KEY_ID


def test_an_answer_just_within_the_limit_is_read():
    padded = json.dumps(ANSWER).ljust(65_535)
    assert program("print(sys.argv[1])", padded).retrieve().access_key_id == KEY_ID


def test_the_timeout_is_a_trait_in_seconds():
    assert traits(Process("x")).timeout == 60
    assert traits(Process("x", timeout=timedelta(minutes=2))).timeout == 120


# -------------------------------------------------------------------- ending it


def test_a_program_that_takes_too_long_is_ended():
    started = time.monotonic()
    with pytest.raises(RetrievalError, match=r"did not finish within 1 seconds and was ended; it says: log in first") as caught:
        program("sys.stderr.write('log in first'); sys.stderr.flush(); time.sleep(60)", timeout=1).retrieve()
    assert time.monotonic() - started < 30
    assert caught.value.code == "Timeout"


def test_a_program_that_closes_its_output_and_lingers_is_ended_too():
    with pytest.raises(RetrievalError, match="did not finish"):
        program("print(sys.argv[1], flush=True); os.close(1); time.sleep(60)", json.dumps(ANSWER), timeout=0.3).retrieve()


@posix
def test_everything_that_it_started_is_ended_with_it(tmp_path):
    pids = tmp_path / "pids"
    code = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
stubborn = 'import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)'
child = subprocess.Popen([sys.executable, '-I', '-S', '-c', stubborn])
open(sys.argv[1], 'w').write(f'{os.getpid()} {child.pid}')
time.sleep(60)
"""
    with pytest.raises(RetrievalError, match="did not finish"):
        program(code, str(pids), timeout=0.5).retrieve()
    assert pids.read_text()
    for pid in pids.read_text().split():
        assert eventually(lambda pid=pid: not is_alive(int(pid)))


@posix
def test_it_may_clean_up_before_it_is_ended(tmp_path):
    note = tmp_path / "note"
    code = """
def clean(*_): open(sys.argv[1], 'w').write('clean'); sys.exit()
signal.signal(signal.SIGTERM, clean)
time.sleep(60)
"""
    with pytest.raises(RetrievalError):
        program(code, str(note), timeout=0.5).retrieve()
    assert note.read_text() == "clean"


@posix
def test_a_child_left_behind_with_the_pipe_open_holds_nobody_up(tmp_path):
    note = tmp_path / "pid"
    code = """
child = subprocess.Popen([sys.executable, '-I', '-S', '-c', 'import time; time.sleep(20)'])
open(sys.argv[1], 'w').write(str(child.pid))
print(sys.argv[2])
"""
    started = time.monotonic()
    keys = program(code, str(note), json.dumps(ANSWER)).retrieve()
    agent = int(note.read_text())
    try:
        assert keys.access_key_id == KEY_ID
        assert time.monotonic() - started < 5
        assert is_alive(agent), "a program may start an agent and leave it running"
    finally:
        os.kill(agent, signal.SIGKILL)


def test_endless_output_is_cut_off_and_the_program_ended(tmp_path):
    note = tmp_path / "pid"
    started = time.monotonic()
    with pytest.raises(RetrievalError, match="printed more than 65536 bytes") as caught:
        program("open(sys.argv[1], 'w').write(str(os.getpid()))\nwhile True: print('x' * 1000)", str(note)).retrieve()
    assert time.monotonic() - started < 30
    assert caught.value.code == "OversizedAnswer"
    assert eventually(lambda: not is_alive(int(note.read_text())))


def test_an_interrupt_ends_the_program(tmp_path):
    note = tmp_path / "pid"

    def interrupted(*_):
        assert eventually(lambda: note.exists() and note.read_text())
        raise KeyboardInterrupt

    with mock.patch.object(_child, "_finished", interrupted), pytest.raises(KeyboardInterrupt):
        program("open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)", str(note)).retrieve()
    assert eventually(lambda: not is_alive(int(note.read_text())))


# -------------------------------------------------------------------- how it fails


def test_an_exit_status_is_told_with_what_the_program_says():
    with pytest.raises(RetrievalError, match="it ended with exit status 3; it says: no such profile: prod") as caught:
        program("sys.stderr.write('no such profile: prod\\n'); sys.exit(3)").retrieve()
    assert caught.value.code == "ExitStatus"


def test_keys_from_a_program_that_failed_are_not_used():
    with pytest.raises(RetrievalError, match="exit status 1$"):
        program("print(sys.argv[1]); sys.exit(1)", json.dumps(ANSWER)).retrieve()


@posix
def test_a_signal_is_told():
    with pytest.raises(RetrievalError, match="it ended with signal 9"):
        program("os.kill(os.getpid(), 9)").retrieve()


def test_at_most_the_last_two_kilobytes_of_what_it_says_are_shown():
    with pytest.raises(RetrievalError) as caught:
        program("sys.stderr.write('start' + 'x' * 100_000 + 'the reason'); sys.exit(1)").retrieve()
    assert str(caught.value).endswith("xthe reason")
    assert "start" not in str(caught.value)
    assert len(str(caught.value)) < 2200
    with pytest.raises(RetrievalError) as caught:
        program("sys.stderr.buffer.write('ü'.encode() * 5000); sys.exit(1)").retrieve()
    assert len(str(caught.value).encode()) < 2200


@pytest.mark.parametrize("length", [2017, 2030, 2046, 65_515, 65_530])
def test_a_secret_at_the_edge_of_what_is_shown_is_masked_whole(length):
    code = "sys.stderr.write('a ' + sys.argv[2] + 'x' * int(sys.argv[3])); sys.exit(1)"
    with pytest.raises(RetrievalError) as caught:
        program(code, "--secret", SECRET, str(length)).retrieve()
    assert "4ry/secret" not in str(caught.value)
    assert "access/key" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        (["--token", SECRET], {}),
        ([f"--client-secret={SECRET}"], {}),
        ([f"VAULT_PASSWORD={SECRET}"], {}),
        ([], {"AWS_SECRET_ACCESS_KEY": SECRET}),
        ([], {"OKTA_API_KEY": SECRET}),
    ],
)
def test_secrets_that_it_was_given_are_masked_in_what_it_says(arguments, environ):
    known = "*(a.rpartition('=')[2] for a in sys.argv[1:]), *os.environ.values()"
    said = f"sys.stderr.write('tried ' + ' '.join([{known}])); sys.exit(1)"
    with pytest.raises(RetrievalError) as caught:
        program(said, *arguments, **environ).retrieve()
    assert "tried" in str(caught.value)
    assert "***" in str(caught.value)
    assert not leaks(str(caught.value))


def test_keys_that_it_printed_are_masked_in_what_it_says():
    said = """
print(sys.argv[1])
sys.stderr.write('issued %(SecretAccessKey)s with %(SessionToken)s' % json.loads(sys.argv[1]))
sys.exit(1)
"""
    with pytest.raises(RetrievalError, match=r"issued \*\*\* with \*\*\*"):
        program(said, json.dumps(ANSWER)).retrieve()


def test_of_endless_complaints_only_the_end_is_kept_in_memory():
    ended = _child.run(python("sys.stderr.write('x' * 3_000_000 + 'end'); sys.exit(1)"), {}, 20, 1000)
    assert ended.stderr == b"x" * 65_533 + b"end"


def test_terminal_codes_and_broken_text_in_what_it_says_are_made_harmless():
    with pytest.raises(RetrievalError, match="it says: �\\[31mred�\nline"):
        program(r"sys.stderr.buffer.write(b'\x1b[31mred\xff\nline'); sys.exit(1)").retrieve()


@pytest.mark.parametrize(
    ("printed", "problem"),
    [
        (b"", "printed nothing"),
        (b" \n", "printed nothing"),
        (b"{", "printed something that is not JSON"),
        (b"\xff\xfe{}", "printed something that is not JSON"),
        (b"[" * 60_000, "printed something that is not JSON"),
        (b"[]", 'printed no JSON object with "Version": 1'),
        (b"null", 'printed no JSON object with "Version": 1'),
        (b'{"AccessKeyId": "A", "SecretAccessKey": "S"}', 'printed no JSON object with "Version": 1'),
        (b'{"Version": 2, "AccessKeyId": "A", "SecretAccessKey": "S"}', "Version other than 1"),
        (b'{"Version": 1, "AccessKeyId": "A"}', "SecretAccessKey is missing"),
        (b'{"Version": 1, "AccessKeyId": 5, "SecretAccessKey": "S"}', "AccessKeyId is missing"),
        (
            b'{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "S", "Expiration": "later"}',
            "Expiration is not an ISO 8601 time",
        ),
    ],
)
def test_anything_but_version_1_credentials_is_a_malformed_answer(printed, problem):
    with answering(printed), pytest.raises(RetrievalError, match=problem) as caught:
        Process("aws-helper").retrieve()
    assert caught.value.code == "MalformedAnswer"
    assert str(caught.value).startswith("process aws-helper")


@pytest.mark.parametrize("what", ["missing", "not executable", "a folder", "no program"])
def test_a_command_that_cannot_be_run_is_misconfigured(what, tmp_path):
    path = tmp_path / "aws-helper"
    if what == "a folder":
        path.mkdir()
    elif what != "missing":
        path.write_bytes(b"\0\1 no program")
        path.chmod(0o600 if what == "not executable" else 0o700)
    with pytest.raises(
        ConfigurationError, match=r"process aws-helper: command cannot be run .* installed, on the PATH"
    ) as caught:
        Process([path]).retrieve()
    assert caught.value.setting == "command"


def test_a_variable_that_no_environment_can_hold_is_misconfigured_and_not_shown():
    with pytest.raises(ConfigurationError, match="is not valid text") as caught:
        program("pass", BAD=f"{SECRET}\0").retrieve()
    assert not leaks(str(caught.value))


@pytest.mark.parametrize("error", [OSError(errno.EAGAIN, "no more processes"), RuntimeError("can't start new thread")])
def test_a_machine_at_its_limits_is_a_failure_that_may_pass(error):
    with (
        mock.patch.object(_child, "run", side_effect=error),
        pytest.raises(RetrievalError, match="could not be started") as caught,
    ):
        Process("aws-helper").retrieve()
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "bad", ["", "  ", [], [""], None, 7, b"aws-helper", ["a", 1], ["a", "nul\0"], "unclosed 'quote", {"a": "b"}]
)
def test_a_command_that_is_none_is_refused_at_once(bad):
    with pytest.raises(ConfigurationError, match="process: command") as caught:
        Process(bad)
    assert caught.value.setting == "command"


@pytest.mark.parametrize("bad", [0, -1, float("nan"), float("inf"), "60", True, None, timedelta(0)])
def test_a_timeout_that_is_none_is_refused_at_once(bad):
    with pytest.raises(ConfigurationError, match="process: timeout must be a positive number of seconds"):
        Process("x", timeout=bad)


def test_repr_shows_the_program_and_how_many_arguments_it_has():
    assert (
        repr(Process(["/opt/aws-helper", "--token", SECRET]))
        == "Process(command=<'/opt/aws-helper' and 2 arguments>, timeout=60.0)"
    )


def test_nothing_is_logged(caplog):
    with caplog.at_level(logging.DEBUG):
        printing(ANSWER).retrieve()
    assert not caplog.records


# -------------------------------------------------------------------- whatever it prints


def answering(stdout: bytes, status: int = 0, stderr: bytes = b""):
    return mock.patch.object(_child, "run", return_value=_child.Ended(status, stdout, stderr))


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([SECRET, TOKEN, KEY_ID, PAST]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
fields = st.sampled_from(["Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Token", "Expiration", "AccountId"])
documents = st.dictionaries(fields, values).map(lambda changes: {**ANSWER, **changes}) | values
outputs = (
    documents.map(json.dumps).map(str.encode) | st.binary(max_size=40) | st.text(max_size=20).map(lambda t: (SECRET + t).encode())
)


@given(outputs, st.sampled_from([0, 0, 0, 1, -9]), st.binary(max_size=30))
def test_any_output_gives_the_right_keys_or_an_error_of_ours(stdout, status, stderr):
    with answering(stdout, status, stderr):
        try:
            keys = Process("aws-helper").retrieve()
        except CredentialError as error:
            assert "process aws-helper" in str(error)
            assert not leaks(str(error))
        else:
            printed = json.loads(stdout)
            assert status == 0
            assert isinstance(keys, Credentials)
            assert keys.access_key_id == printed["AccessKeyId"].strip()
            assert keys.secret_access_key == printed["SecretAccessKey"].strip()
