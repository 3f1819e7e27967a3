"""The examples run, each in a process of its own, against the same stand-ins as the pages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bedrock_auth.testing import Document, Stall, function_input, return_control, tool_use
from bedrock_auth.testing.replies import quote_user

EXAMPLES = Path(__file__).parent.parent / "examples"
ROLE = "arn:aws:iam::123456789012:role/Bedrock"

pytestmark = pytest.mark.usefixtures("local_aws")


def run(*arguments: str | Path, answers: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    environ = {"PYTHONWARNINGS": "error", **os.environ}
    return subprocess.run(command, env=environ, input=answers, capture_output=True, text=True, timeout=60, check=False)


def test_every_example_has_a_test_here():
    text = Path(__file__).read_text(encoding="utf-8")
    assert [path.name for path in EXAMPLES.glob("*.py") if f'"{path.name}"' not in text] == []


def test_stream_an_answer(local_aws):
    local_aws.reply("Because of Rayleigh scattering.")
    ran = run(EXAMPLES / "stream_an_answer.py", "--role-arn", ROLE, "Why is the sky blue?")
    assert (ran.returncode, ran.stdout) == (0, "Because of Rayleigh scattering.\n"), ran.stderr
    assert ran.stderr == "end_turn, 4 tokens\n"


def test_async_chat(local_aws):
    local_aws.reply(quote_user)
    ran = run(EXAMPLES / "async_chat.py", "Why is the sky blue?", "Why is snow white?")
    assert (ran.returncode, ran.stderr) == (0, "")
    for question in ("Why is the sky blue?", "Why is snow white?"):
        assert f"{question}\nYou said: “{question}”\n\n" in ran.stdout


def test_async_chat_shows_what_had_come_when_the_time_was_over(local_aws):
    local_aws.fault(Stall(after_events=2))
    ran = run(EXAMPLES / "async_chat.py", "--timeout", "2", "Why is the sky blue?")
    assert (ran.returncode, ran.stderr) == (1, "")
    assert ran.stdout == "Why is the sky blue?\nYou said … (not finished after 2 seconds)\n\n"


def test_stream_an_answer_without_a_source(monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    ran = run(EXAMPLES / "stream_an_answer.py", "--role-arn", ROLE, "Why is the sky blue?")
    assert ran.returncode == 1
    assert "neither AWS_ACCESS_KEY_ID nor AWS_SECRET_ACCESS_KEY is set" in ran.stderr


def test_tools(local_aws):
    local_aws.reply(
        tool_use("days_between", {"start": "2027-01-01", "end": "2028-02-29"}),
        tool_use("calculate", {"operation": "divide", "a": 17, "b": 0}),
        "424 days.",
    )
    ran = run(EXAMPLES / "tools.py", "How many days are left?")
    assert (ran.returncode, ran.stdout) == (0, "424 days.\n"), ran.stderr
    assert ran.stderr == "[success: {'text': '424'}]\n[error: {'text': 'there is nothing to divide by'}]\n"


def test_agent_with_functions(local_aws):
    local_aws.agent = [
        return_control(function_input("appointments", "find_appointments", {"only_future": False})),
        return_control(
            function_input(
                "appointments", "move_appointment", {"number": 1, "day": "2027-01-04"}, asks_for="USER_CONFIRMATION_AND_RESULT"
            )
        ),
        "It is moved.",
    ]
    ran = run(EXAMPLES / "agent_with_functions.py", "AGENT12345", "ALIAS12345", "Move my dentist", answers="y\n")
    question = "appointments.move_appointment(number=1, day='2027-01-04')? [y/N] "
    assert (ran.returncode, ran.stdout) == (0, f"{question}It is moved.\n"), ran.stderr
    assert ran.stderr == "[appointments.find_appointments: done]\n[appointments.move_appointment: CONFIRM]\n"


def test_own_provider(tmp_path):
    expiration = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    keys = {"Version": 1, "AccessKeyId": "ASIAOFTHEFILE0000000", "SecretAccessKey": "s", "SessionToken": "t"}
    path = tmp_path / "aws.json"
    path.write_text(json.dumps({**keys, "Expiration": expiration}), encoding="utf-8")
    ran = run(EXAMPLES / "own_provider.py", path)
    assert ran.returncode == 0, ran.stderr
    by_class, by_function = ran.stdout.splitlines()
    assert by_class.startswith(f"key-file {path}: arn:aws:")
    assert by_function.startswith("read(): arn:aws:")


def test_audit_log():
    ran = run(EXAMPLES / "audit_log.py", "--role-arn", ROLE)
    assert ran.returncode == 0, ran.stderr
    (event,) = map(json.loads, ran.stdout.splitlines())
    assert (event["event"], event["provider"], event["background"]) == ("Retrieved", f"assume-role {ROLE}", False)
    assert len(event["key_hint"]) == 4
    assert f"Retrieved provider=assume-role {ROLE} key_hint={event['key_hint']}" in ran.stderr


def test_with_local_bedrock(monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    options = ("-q", "-c", os.devnull, "-p", "no:cacheprovider", "-p", "bedrock_auth.testing.plugin")
    ran = run("-m", "pytest", *options, EXAMPLES / "test_with_local_bedrock.py")
    assert "5 passed" in ran.stdout, ran.stdout + ran.stderr


def test_many_callers_threads():
    ran = run(EXAMPLES / "many_callers_threads.py")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "200 requests of 20 callers, 400 calls, over 16 threads, through one client\n" in ran.stdout
    assert "two streams, read in turn: 'caller-3' 'caller-4'\n" in ran.stdout
    assert "signed by another caller: 0 of 404\n" in ran.stdout
    assert "a thread that outlives its block: the caller credentials …0006 cannot sign any more: " in ran.stdout


def test_many_callers_asyncio():
    ran = run(EXAMPLES / "many_callers_asyncio.py")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "300 requests of 20 callers on one loop, 30 of them cancelled\n" in ran.stdout
    assert "signed by another caller: 0\n" in ran.stdout
    assert "a task that outlives its block: the caller credentials …0005 cannot sign any more: " in ran.stdout


def test_tenant_roles():
    ran = run(EXAMPLES / "tenant_roles.py")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    signed_as = "arn:aws:sts::123456789012:assumed-role/Tenants/tenant-acme"
    assert f"acme     25 requests, 1 call of STS, signed as {signed_as}\n" in ran.stdout
    assert ran.stdout.endswith("\n3 tenants, 3 sets of keys, 3 calls of STS\n")


def test_rag_chat(local_aws):
    handbook = [
        Document("The warranty lasts two years.", "s3://handbook/warranty.md"),
        Document("Repairs are free.", "s3://x/y.md"),
    ]
    local_aws.add_knowledge_base("KB12345678", handbook)
    local_aws.reply("Two years [1].")
    questions = "How long is the warranty?\nWho won the cup?\n"
    ran = run(EXAMPLES / "rag_chat.py", "--knowledge-base-id", "KB12345678", answers=questions)
    nothing = "There is nothing about that in the documents.\n"
    assert (ran.returncode, ran.stdout) == (0, f"Two years [1].\n  [1] s3://handbook/warranty.md\n{nothing}"), ran.stderr
