"""Errors as users meet them are found on the troubleshooting page, under their class and by their text."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from bedrock_auth import (
    AssumeRole,
    BedrockAuthError,
    Environment,
    FromCallable,
    Host,
    Process,
    Refresher,
    Static,
    create_session,
)
from bedrock_auth.bedrock import BedrockRuntime, ServiceError
from bedrock_auth.testing import (
    CorruptChecksum,
    Cut,
    ExpiredToken,
    NotAnEventStream,
    RawEvents,
    ServiceError as Answer,
    Stall,
    StreamException,
    Throttle,
    Truncate,
)

# ruff: noqa: PLW0108 - tests, as those under tests/

PAGE = (Path(__file__).parent / "troubleshooting.md").read_text(encoding="utf-8")
KEYS = Static("AKIAIOSFODNN7EXAMPLE", "secret")
ROLE = "arn:aws:iam::123456789012:role/Bedrock"
PAST = {"AccessKeyId": "ASIAIOSFODNN7EXAMPLE", "SecretAccessKey": "s", "Expiration": "2001-01-01T00:00:00Z"}
HALF = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}
WHOLE = {**HALF, "AWS_SECRET_ACCESS_KEY": "s"}


def entries(error_class: str) -> list[str]:
    """The texts under a class, as patterns; an ellipsis stands for anything."""
    section = PAGE.partition(f"\n### {error_class}\n")[2].partition("\n### ")[0]
    texts = [text for line in re.findall(r"^- (.*)\\$", section, re.MULTILINE) for text in re.findall(r"`([^`]+)`", line)]
    return [".*".join(map(re.escape, text.split("…"))) for text in texts]


def is_explained(error: BedrockAuthError) -> bool:
    text = f"{error.code}: {error}" if isinstance(error, ServiceError) else str(error)
    return any(re.search(entry, text, re.DOTALL) for entry in entries(type(error).__name__))


def printing(script: str) -> Process:
    return Process([sys.executable, "-c", script], timeout=5)


def asked(code: str):
    """A function that fails as an STS call with this code would."""
    return lambda: AssumeRole(ROLE, source=KEYS, mfa_serial="arn:aws:iam::123456789012:mfa/me", mfa_token=lambda: code).retrieve()


def closed() -> Refresher:
    refresher = Refresher(KEYS)
    refresher.close()
    return refresher


def broken() -> None:
    raise OSError


ABOUT_CREDENTIALS = {
    "no keys in the environment": lambda: Environment(host=Host.isolated()).retrieve(),
    "half a pair": lambda: Environment(host=Host.isolated(HALF)).retrieve(),
    "no such time": lambda: Environment(host=Host.isolated({**WHOLE, "AWS_CREDENTIAL_EXPIRATION": "soon"})).retrieve(),
    "no provider": lambda: create_session(),
    "a class": lambda: create_session(Static),
    "a boto3 session": lambda: create_session(boto3.Session()),
    "a blank key": lambda: Static("AKIAIOSFODNN7EXAMPLE", " "),
    "a wrong setting": lambda: AssumeRole(ROLE, source=KEYS, duration=1),
    "no such program": lambda: Process("no-such-program").retrieve(),
    "another account": lambda: create_session(KEYS, expected_account="999999999999").client("s3").list_buckets(),
    "no TLS": lambda: AssumeRole(
        ROLE, source=KEYS, host=Host.isolated({"AWS_ENDPOINT_URL_STS": "http://sts.example.com"})
    ).retrieve(),
    "STS not reached": lambda: AssumeRole(
        ROLE, source=KEYS, host=Host.isolated({"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9"})
    ).retrieve(),
    "a program that fails": lambda: printing("import sys; sys.exit('log in first')").retrieve(),
    "a program that is slow": lambda: Process("sleep 9", timeout=0.1).retrieve(),
    "a program that chats": lambda: printing("print('hello')").retrieve(),
    "a program that prints something else": lambda: printing("print('{\"Version\": 1}')").retrieve(),
    "a function that raises": lambda: FromCallable(broken).retrieve(),
    "no MFA code": asked("later"),
    "expired keys": lambda: FromCallable(lambda: PAST).retrieve(),
    "a closed refresher": lambda: closed().current(),
}


@pytest.mark.parametrize("situation", ABOUT_CREDENTIALS)
def test_an_error_about_credentials_has_an_entry(situation, local_aws):  # noqa: ARG001 - the world to be in
    with pytest.raises(BedrockAuthError) as caught:
        ABOUT_CREDENTIALS[situation]()
    assert is_explained(caught.value), caught.value


def test_a_broken_config_file_has_an_entry(local_aws, monkeypatch, tmp_path):  # noqa: ARG001 - the same
    (tmp_path / "config").write_text("this is no [config file\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with pytest.raises(BedrockAuthError) as caught:
        create_session(KEYS)
    assert is_explained(caught.value), caught.value


CUT_TOOL = RawEvents([
    ("messageStart", {"role": "assistant"}),
    ("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t", "name": "weather"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": '{"city'}}}),
    ("contentBlockStop", {"contentBlockIndex": 0}),
    ("messageStop", {"stopReason": "max_tokens"}),
])  # fmt: skip
FAULTS = {
    "AccessDeniedException": Answer("AccessDeniedException", 403),
    "on demand": Answer("ValidationException", 400, "Invocation with on-demand throughput isn’t supported."),
    "throttled": Throttle(),
    "expired": ExpiredToken(),
    "unknown key": Answer("UnrecognizedClientException", 403),
    "the model fails": StreamException("modelStreamErrorException", "failed"),
    "ended early": Truncate(),
    "silent": Stall(),
    "cut": Cut(),
    "damaged": CorruptChecksum(),
    "a web page": NotAnEventStream(),
}


@pytest.fixture
def runtime(local_aws) -> BedrockRuntime:  # noqa: ARG001 - the same
    return BedrockRuntime(create_session(Environment()), config=Config(read_timeout=1, retries={"total_max_attempts": 1}))


@pytest.mark.parametrize("fault", FAULTS)
def test_an_error_of_a_call_has_an_entry(fault, runtime, local_aws):
    local_aws.fault(FAULTS[fault])
    with pytest.raises(BedrockAuthError) as caught:
        _ = runtime.converse_stream("any.model", "Hello").response
    assert is_explained(caught.value), caught.value


def test_an_error_of_a_tools_input_has_an_entry(runtime, local_aws):
    local_aws.reply(CUT_TOOL)
    with pytest.raises(BedrockAuthError) as caught:
        _ = runtime.converse_stream("any.model", "Hello").response
    assert is_explained(caught.value), caught.value


def closed_early(runtime) -> None:
    stream = runtime.converse_stream("any.model", "Hello")
    stream.close()
    _ = stream.response


UNUSABLE = {
    "closed early": closed_early,
    "a parameter": lambda runtime: runtime.converse("any.model", "Hello", max_tokens="many"),
    "another client": lambda _: BedrockRuntime(client=boto3.client("bedrock")),
}


@pytest.mark.parametrize("situation", UNUSABLE)
def test_an_error_of_the_callers_has_an_entry(situation, runtime):
    with pytest.raises(BedrockAuthError) as caught:
        UNUSABLE[situation](runtime)
    assert is_explained(caught.value), caught.value
