"""The commands that hand keys over, as processes of their own, in a world where somebody else's keys lie everywhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bedrock_auth
from support.endpoint import Endpoint, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

API_KEY = "the-api-key-of-the-vending-api"
DECOYS = {
    "AWS_ACCESS_KEY_ID": "ASIADECOYENVIRONMENT",
    "AWS_SECRET_ACCESS_KEY": "decoy-secret",
    "AWS_SESSION_TOKEN": "decoy-token",
    "AWS_PROFILE": "decoy",
    "AWS_DEFAULT_PROFILE": "decoy",
    "AWS_BEARER_TOKEN_BEDROCK": "decoy-bearer",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/decoy",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/nonexistent/decoy",
    "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/Decoy",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent/decoy",
}
"""Variables of which each would decide who signs."""
_SECTION = (
    "[{}]\naws_access_key_id = ASIADECOYFILE0000000\naws_secret_access_key = decoy-secret\naws_session_token = decoy-token\n"
)


class Place:
    """A home with decoys, and an API that vends keys whose lifetime a test chooses."""

    def __init__(self, home: Path, vending: Endpoint, lifetime: float) -> None:
        self.home = home
        self.vending = vending
        self.lifetime = lifetime
        self.issued: list[bedrock_auth.Credentials] = []
        (home / ".aws").mkdir()
        (home / ".aws" / "credentials").write_text(_SECTION.format("default") + _SECTION.format("decoy"))
        (home / ".boto").write_text("[Credentials]\naws_access_key_id = AKIADECOYBOTO\naws_secret_access_key = decoy\n")
        (home / "api-key").write_text(API_KEY)
        vending.reply = self._vend  # type: ignore[method-assign]

    def _vend(self, _: object) -> Reply:
        number = len(self.issued) + 1
        expiration = datetime.now(UTC) + timedelta(seconds=self.lifetime)
        keys = bedrock_auth.Credentials(f"ASIAVENDEDVENDED{number:04d}", f"secret/{number}+=", f"token-{number}", expiration)
        self.issued.append(keys)
        return Reply(body=keys.to_process_json())

    @property
    def options(self) -> list[str]:
        """With which a command takes its keys from the API."""
        return [f"--vending-url={self.vending.url}", f"--vending-key-file={self.home / 'api-key'}"]

    def environ(self, **more: str) -> dict[str, str]:
        """The decoys, and what a process needs."""
        source = str(Path(bedrock_auth.__file__).parents[1])
        base = {"PATH": os.environ["PATH"], "HOME": str(self.home), "PYTHONPATH": source, "TMPDIR": str(self.home)}
        return {**base, **DECOYS, "AWS_REGION": "eu-west-1", **more}

    def command(self, *arguments: str) -> list[str]:
        """One of ours."""
        return [sys.executable, "-m", "bedrock_auth.cli", *arguments]

    def run(self, *arguments: str, variables: dict[str, str] | None = None, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run one of ours to its end."""
        settings: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 60, **more}
        return subprocess.run(
            self.command(*arguments), check=False, env=self.environ(**variables or {}), cwd=self.home, **settings
        )

    @contextmanager
    def running(self, *arguments: str, **more: Any) -> Iterator[subprocess.Popen[str]]:
        """One of ours while it runs; it is told to end, and must."""
        settings: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
        }
        command, environ = self.command(*arguments), self.environ()
        with _all_signals_heard():
            started = subprocess.Popen(command, env=environ, cwd=self.home, **{**settings, **more})
        with started as process:
            try:
                yield process
            finally:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    raise

    @contextmanager
    def serving(self, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
        """``serve`` from when it is ready, and what it said."""
        with self.running("serve", *self.options, *arguments) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            text = process.stdout.read()
            assert text, process.stderr.read()
            yield process, json.loads(text)

    def leftovers(self) -> list[str]:
        """Folders of ours that are still there."""
        return [path.name for path in self.home.glob("bedrock-auth-*")]


@contextmanager
def place(home: Path, lifetime: float = 3600) -> Iterator[Place]:
    """The home and the API."""
    with Endpoint() as vending:
        yield Place(home, vending, lifetime)


@contextmanager
def _all_signals_heard() -> Iterator[None]:
    """What is started here ignores no signal, even where whatever runs the tests does; a child would inherit that."""
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGHUP", "SIGQUIT") if hasattr(signal, name)]
    ignored = [number for number in numbers if signal.getsignal(number) == signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)
