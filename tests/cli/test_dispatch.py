"""What every command has in common: help, exit statuses, messages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from bedrock_auth import errors
from bedrock_auth.cli import dispatch, main


@pytest.fixture
def failing(monkeypatch):
    """A command that fails as a test wants."""

    def fail_with(error):
        def run(options):
            raise error

        command = SimpleNamespace(add_arguments=lambda parser: parser.add_argument("--size", type=int), run=run)
        monkeypatch.setitem(dispatch.COMMANDS, "try", "try something")
        monkeypatch.setattr(dispatch, "import_module", lambda name: command)

    return fail_with


class RefusedError(ClientError):
    """An answer of AWS with HTTP status 403."""


STATUSES = [
    (errors.NotConfiguredError("nothing here"), 3),
    (errors.ChainError("no source"), 3),
    (errors.ConfigurationError("bad"), 2),
    (errors.DeniedError("no"), 4),
    (errors.LoginRequiredError("log in", command="aws sso login"), 4),
    (errors.CredentialsExpiredError("old"), 4),
    (errors.RetrievalError("down"), 1),
    (EndpointConnectionError(endpoint_url="https://x"), 1),
    (ClientError({"Error": {"Code": "Throttling"}}, "GetCallerIdentity"), 1),
    (PermissionError("not yours"), 1),
    (RefusedError({"Error": {"Code": "ExpiredToken"}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "GetCallerIdentity"), 4),
]


@pytest.mark.parametrize(("error", "status"), STATUSES, ids=[type(error).__name__ for error, _ in STATUSES])
def test_each_kind_of_error_has_its_exit_status_and_its_message_on_stderr(failing, capsys, error, status):
    failing(error)
    assert main(["try"]) == status
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == f"bedrock-auth try: {error}\n"


def test_what_aws_says_is_shown_without_the_secrets_in_it(failing, capsys):
    said = "The Canonical String should have been 'POST / host:sts x-amz-security-token:IQoJb3JpZ2luX2VjEXAMPLE'"
    error = {"Error": {"Code": "SignatureDoesNotMatch", "Message": said}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    failing(ClientError(error, "GetCallerIdentity"))
    assert main(["try"]) == 4
    shown = capsys.readouterr().err
    assert "SignatureDoesNotMatch" in shown
    assert "IQoJ" not in shown


def test_a_defect_is_not_hidden(failing):
    failing(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        main(["try"])


def test_an_interrupt_has_the_status_of_a_shell(failing):
    failing(KeyboardInterrupt())
    assert main(["try"]) == 130


def test_wrong_usage_ends_with_2_and_names_the_command(failing, capsys):
    failing(None)
    with pytest.raises(SystemExit) as ended:
        main(["try", "--size", "big"])
    assert ended.value.code == 2
    assert "bedrock-auth try: error: argument --size" in capsys.readouterr().err


def test_an_unknown_command_ends_with_2_and_the_known_ones(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["dance"])
    assert ended.value.code == 2
    assert "demo" in capsys.readouterr().err


def test_help_tells_of_every_command(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for name, about in dispatch.COMMANDS.items():
        assert name in shown
        assert about in shown


@pytest.mark.parametrize("name", list(dispatch.COMMANDS))
def test_each_command_is_there_and_has_a_help_page(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"bedrock-auth {name}" in capsys.readouterr().out


def run(stdout, *arguments, prepare=""):
    """The command as its users have it, with a buffered stdout; its status and stderr."""
    script = f"import sys, bedrock_auth.cli as cli; {prepare}; sys.exit(cli.main(sys.argv[1:]))"
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    argv = [sys.executable, "-c", script, *arguments]
    ran = subprocess.run(argv, env=environ, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    return ran.returncode, ran.stderr


FULL = Path("/dev/full")
CACHED = "import bedrock_auth.cli.fast_path as fast; fast.answer = lambda arguments: '{}'"
WRITERS = {
    "help": (["--help"], ""),
    "command's help": (["which", "--help"], ""),
    "command": (["cache", "list"], ""),
    "cached": (["credential-process"], CACHED),
}


@pytest.mark.parametrize(("arguments", "prepare"), WRITERS.values(), ids=WRITERS)
def test_a_reader_that_goes_away_is_no_reason_to_complain(arguments, prepare):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert run(writer, *arguments, prepare=prepare or "pass") == (1, "")
    finally:
        os.close(writer)


@pytest.mark.skipif(not FULL.exists(), reason="a device of Linux")
def test_what_cannot_be_written_is_told_once():
    with FULL.open("w") as full:
        status, words = run(full, "cache", "list", prepare="pass")
    assert status == 1
    assert words.startswith("bedrock-auth cache: ")
    assert words.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")
def test_a_closed_stdout_is_no_traceback():
    script = f'"{sys.executable}" -m bedrock_auth.cli which --source environment >&-'
    ran = subprocess.run(script, shell=True, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in ran.stderr
