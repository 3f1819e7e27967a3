"""Strangers: programs that know nothing of this library, the keys that they should sign with, and those that they should not."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Self

from attrs import evolve, frozen

from bedrock_auth import AssumeRole, Credentials, Host, Static
from bedrock_auth.cli.commands.demo.vending import vending_endpoint
from bedrock_auth.testing import LocalBedrock
from support.ministack import EXTERNAL_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from bedrock_auth.testing import ReceivedRequest
    from support.ministack import Stack

LIFETIME = 4
"""Seconds that keys live; AWS issues none for less than 900."""
PROFILE = "bedrock"
MODEL = "amazon.nova-lite-v1:0"
API_KEY = "the-api-key-of-this-machine"
OURS = [sys.executable, "-m", "bedrock_auth.cli"]

BEARER = "AWS_BEARER_TOKEN_BEDROCK"
DECOY_KEYS = [
    Credentials(f"ASIADECOY{place:X<11}", f"decoy-secret-{place}", f"decoy-token-{place}")
    for place in ("ENVIRONMENT", "DEFAULT", "PROFILE")
]
_ENVIRONMENT, _DEFAULT, _PROFILE = DECOY_KEYS
DECOYS = {
    "AWS_ACCESS_KEY_ID": _ENVIRONMENT.access_key_id,
    "AWS_SECRET_ACCESS_KEY": _ENVIRONMENT.secret_access_key,
    "AWS_SESSION_TOKEN": str(_ENVIRONMENT.session_token),
    "AWS_PROFILE": "somebody-else",
    BEARER: "bedrock-api-key-decoy",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/decoy",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": "decoy",
    "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/Decoy",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere/decoy",
}
"""Variables of which each would decide who signs."""


def _section(name: str, credentials: Credentials) -> str:
    return (
        f"[{name}]\naws_access_key_id = {credentials.access_key_id}\n"
        f"aws_secret_access_key = {credentials.secret_access_key}\naws_session_token = {credentials.session_token}\n"
    )


class World:
    """A home where somebody else's keys lie in every place, a Bedrock that notes who signs, and an API that vends keys.

    The keys in the decoys would do for Bedrock: nothing fails because of them there, so what it received tells who signed.
    """

    def __init__(self, stack: Stack, home: Path, lifetime: int = LIFETIME) -> None:
        self.home = home
        self.issued: dict[str, Credentials] = {}
        self.bedrock = LocalBedrock(DECOY_KEYS)
        self._stack = stack
        self._role = AssumeRole(
            stack.role_arn, source=Static(stack.access_key_id, stack.secret_access_key), external_id=EXTERNAL_ID,
            duration=lifetime, host=Host.isolated({"AWS_ENDPOINT_URL": stack.url}),
        )  # fmt: skip
        self._numbers = count()
        self._running = ExitStack()
        (home / ".aws").mkdir()
        (home / ".aws" / "credentials").write_text(_section("default", _DEFAULT) + _section("somebody-else", _PROFILE))
        (home / "api-key").write_text(API_KEY)
        (home / "api-key").chmod(0o600)

    def __enter__(self) -> Self:
        self._running.enter_context(self.bedrock)
        self.url = self._running.enter_context(vending_endpoint(API_KEY, self._issue)) + "/credentials"
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def _issue(self) -> Credentials:
        """Keys that both stand-ins know; the session name tells STS's caller which they were."""
        name = f"vended-{next(self._numbers)}"
        credentials = evolve(self._role, session_name=name).retrieve()
        self.bedrock.add_key(credentials)
        self.issued[name] = credentials
        return credentials

    @property
    def options(self) -> list[str]:
        """With which a command of ours takes its keys from the API."""
        return ["--vending-url", self.url, "--vending-key-file", str(self.home / "api-key")]

    def environ(self, *, without: Iterable[str] = ()) -> dict[str, str]:
        """Of everybody in this world."""
        decoys = {name: value for name, value in DECOYS.items() if name not in without}
        ours = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        endpoints = {**self.bedrock.environ, "AWS_ENDPOINT_URL_STS": self._stack.url, "AWS_EC2_METADATA_DISABLED": "true"}
        return {**ours, "HOME": str(self.home), **endpoints, **decoys}

    def install_profile(self) -> None:
        """Have the command write the profile, with the interpreter of these tests, which will be thrown away some day."""
        command = [*OURS, "install-profile", PROFILE, "--python", sys.executable, *self.options]
        ran = subprocess.run(command, env=self.environ(), cwd=self.home, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr

    def signer(self, arn: str) -> str:
        """The access key id behind what STS says of a caller."""
        return self.issued[arn.rpartition("/")[2]].access_key_id

    def sleep_until_all_have_expired(self) -> None:
        last = max(credentials.expiration.timestamp() for credentials in self.issued.values() if credentials.expiration)
        time.sleep(max(0.0, last - time.time()) + 0.1)


class Stranger:
    """A running program that answers a question whenever it is asked."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._input, self._output = process, process.stdin, process.stdout
        self._log = log

    def ask(self, text: str) -> dict[str, Any]:
        """Have it ask Bedrock this, and STS who it is."""
        line = self._line_about(text)
        assert line, self.complaint()
        said: dict[str, Any] = json.loads(line)
        return said

    def fail(self, text: str) -> str:
        """Have it ask the same, which it must not manage; what it complains of."""
        assert not self._line_about(text)
        return self.complaint()

    def complaint(self) -> str:
        """What it wrote to its standard error, once it has ended."""
        self.end()
        return self._log.read_text()

    def end(self) -> None:
        """Let it end, as it does where its standard input ends; more calls change nothing."""
        with suppress(BrokenPipeError):
            self._input.close()
        self._process.wait(20)

    def _line_about(self, text: str) -> str:
        with suppress(BrokenPipeError):  # it has ended, and says why
            self._input.write(json.dumps({"modelId": MODEL, "text": text}) + "\n")
            self._input.flush()
        return self._output.readline()


@contextmanager
def stranger(command: Sequence[str], environ: Mapping[str, str], folder: Path) -> Iterator[Stranger]:
    """The program from its start to its end."""
    log = folder / "stranger.log"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with log.open("w") as complaints, subprocess.Popen(command, env=environ, cwd=folder, stderr=complaints, **pipes) as process:
        started = Stranger(process, log)
        try:
            yield started
            started.end()
        finally:
            process.kill()


def _by_profile(world: World, command: Sequence[str]) -> AbstractContextManager[Stranger]:
    """With the profile named and without the bearer token, which no profile wins against."""
    world.install_profile()
    return stranger([*command, PROFILE], world.environ(without=[BEARER]), world.home)


def _by_endpoint(world: World, command: Sequence[str]) -> AbstractContextManager[Stranger]:
    return after_evaluating(world, "serve", "--end-with $$ &", command)


def after_evaluating(world: World, name: str, more: str, command: Sequence[str]) -> AbstractContextManager[Stranger]:
    """In a shell that ran exactly what a command of ours prints; ``more`` is for that shell to read."""
    ours = shlex.join([*OURS, name, "--format", "env", *world.options])
    return stranger(["sh", "-c", f'eval "$({ours} {more})"; exec "$@"', "sh", *command], world.environ(), world.home)


def _by_exec(world: World, command: Sequence[str]) -> AbstractContextManager[Stranger]:
    return stranger([*OURS, "exec", *world.options, "--", *command], world.environ(), world.home)


WAYS = {"credential-process": _by_profile, "serve": _by_endpoint, "exec": _by_exec}


@frozen
class Story:
    """What a stranger said and did, round by round."""

    texts: list[list[str]]
    requests: list[ReceivedRequest]
    """What the stand-in for Bedrock received."""
    signers: list[set[str]]
    """Access key ids, of Bedrock and STS."""
    issued: set[str]


def tell(world: World, command: Sequence[str], way: str, rounds: int) -> Story:
    """Let it ask so many times, once after each set of keys has expired."""
    texts, signers = [], []
    with WAYS[way](world, command) as started:
        for number in range(rounds):
            if number:
                world.sleep_until_all_have_expired()
            before = len(world.bedrock.requests)
            said = started.ask(str(number))
            texts.append(said["texts"])
            by_bedrock = {str(request.access_key_id) for request in world.bedrock.requests[before:]}
            signers.append(by_bedrock | {world.signer(said["arn"])})
    return Story(texts, world.bedrock.requests, signers, {credentials.access_key_id for credentials in world.issued.values()})
