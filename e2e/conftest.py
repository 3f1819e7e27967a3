"""MiniStack, a proxy that spoils streams, and a world in which AWS is MiniStack and somebody else's keys lie around."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from support.ministack import ACCOUNT, EXTERNAL_ID, REGION, Stack, allow
from support.peers import Microburst, free_port, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PEERS = Path(__file__).parent / "peers"


def _from_nox(variable: str, what: str) -> str:
    """What the e2e session says of one of its environments."""
    found = os.environ.get(variable)
    assert found, f"{variable} is not set: run nox -s e2e, which installs {what} in an environment of its own"
    return found


@pytest.fixture(scope="session")
def peers_python() -> str:
    """The interpreter that has MiniStack and microburst installed."""
    return _from_nox("MINISTACK_PYTHON", "MiniStack")


@pytest.fixture(scope="session")
def javascript() -> Callable[[str], list[str]]:
    """The command that runs a script of ``peers/js``, with the packages that it needs."""
    node = shutil.which("node")
    assert node, "node is missing: install Node.js 20 or newer"
    folder = _from_nox("NODE_PEERS", "the AWS SDK for JavaScript")
    return lambda script: [node, str(Path(folder) / script)]


@pytest.fixture(scope="session")
def strangers(javascript: Callable[[str], list[str]]) -> dict[str, list[str]]:
    """AWS's own tools, each a command that asks Bedrock and STS for every line that it reads; a profile may follow."""
    return {
        "awscli": [_from_nox("AWSCLI_PYTHON", "the AWS CLI"), str(PEERS / "ask_awscli.py")],
        "boto3": [sys.executable, str(PEERS / "ask_boto3.py")],
        "javascript": javascript("ask.mjs"),
    }


DECOYS = {
    "AWS_ACCESS_KEY_ID": "AKIADECOYDECOYDECOY0",
    "AWS_SECRET_ACCESS_KEY": "decoy",
    "AWS_PROFILE": "no-such-profile",
    "AWS_BEARER_TOKEN_BEDROCK": "bedrock-api-key-decoy",
}


@pytest.fixture(scope="session")
def ask_frameworks(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """Run a script of ``peers`` in the frameworks' environment, where somebody else's keys lie around, and read its JSON."""
    python = _from_nox("FRAMEWORKS_PYTHON", "the frameworks")

    def ask(script: str, *options: str) -> dict[str, Any]:
        home = tmp_path_factory.mktemp("frameworks")
        environ = {"HOME": str(home), "PATH": os.environ["PATH"], "OTEL_SDK_DISABLED": "true", **DECOYS}
        ran = subprocess.run(
            [python, *options, str(PEERS / script)],
            env=environ, cwd=home, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        said: dict[str, Any] = json.loads(ran.stdout)
        return said

    return ask


@pytest.fixture(scope="session")
def ministack_url(peers_python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address."""
    folder = tmp_path_factory.mktemp("ministack")
    url = f"http://127.0.0.1:{(port := free_port())}"
    environ = {
        "AUTH": "true", "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "LAMBDA_EXECUTOR": "local", "LOG_LEVEL": "WARNING",
        "HOME": str(folder), "TMPDIR": str(folder), "PATH": os.environ["PATH"],
    }  # fmt: skip
    with running([peers_python, "-m", "ministack"], f"{url}/_ministack/health", environ, folder):
        yield url


@pytest.fixture(scope="session")
def start_microburst(peers_python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Microburst]]:
    """Put the proxy in front of an address; it forwards to nowhere else."""
    with ExitStack() as started:

        def start(upstream: str) -> Microburst:
            folder = tmp_path_factory.mktemp("microburst")
            url = f"http://127.0.0.1:{(port := free_port())}"
            command = [peers_python, "-m", "microburst", "--port", str(port), "--upstream", upstream, "--no-resign"]
            environ = {"HOME": str(folder), "PATH": os.environ["PATH"]}
            started.enter_context(running(command, f"{url}/_microburst/health", environ, folder))
            return Microburst(url)

        yield start


@pytest.fixture(scope="session")
def stack(ministack_url: str) -> Stack:
    """The account."""
    iam: Any = boto3.Session("test", "test", region_name=REGION).client("iam", endpoint_url=ministack_url)
    iam.create_user(UserName="kit")
    key = iam.create_access_key(UserName="kit")["AccessKey"]
    iam.put_user_policy(UserName="kit", PolicyName="may-assume", PolicyDocument=allow("sts:AssumeRole", "sts:TagSession"))
    principal = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/kit"}
    condition = {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}
    trust = {"Effect": "Allow", "Principal": principal, "Action": ["sts:AssumeRole", "sts:TagSession"], "Condition": condition}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="Bedrock", AssumeRolePolicyDocument=document)["Role"]
    # MiniStack wants bedrock:Converse* granted besides AWS's real actions.
    actions = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream", "bedrock:Converse", "bedrock:ConverseStream")
    iam.put_role_policy(RoleName="Bedrock", PolicyName="may-ask", PolicyDocument=allow(*actions))
    return Stack(ministack_url, key["AccessKeyId"], key["SecretAccessKey"], role["Arn"])


@pytest.fixture(autouse=True)
def _own_world(monkeypatch: pytest.MonkeyPatch, ministack_url: str, tmp_path: Path) -> None:
    """Every AWS call goes to MiniStack; somebody else's keys lie around."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack_url)
    for name, value in DECOYS.items():
        monkeypatch.setenv(name, value)
