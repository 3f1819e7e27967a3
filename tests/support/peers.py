"""Strangers that are talked to: each a process and an environment of its own, loopback only, ended by its own id."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], health_url: str, environ: Mapping[str, str], folder: Path) -> Iterator[None]:
    """A process from when its address answers; what it prints is in the folder's ``log``."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environ, cwd=folder, stdout=log, stderr=log)
        try:
            _wait_until_ready(health_url, process)
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the process behind {url} ended; see its log"
        try:
            urlopen(url, timeout=2).close()
        except (URLError, OSError):
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"nothing answers at {url} within a minute")


@frozen
class Microburst:
    """A proxy that spoils what Bedrock answers, frame by frame."""

    url: str

    def spoil(self, **rule: Any) -> None:
        """Apply this rule from now on, and no other; none at all where it is empty."""
        self._ask("rules", json.dumps([{"service": "bedrock", **rule}] if rule else []).encode())

    def fired(self) -> list[dict[str, Any]]:
        """Each time that a rule was applied since it was given."""
        found: list[dict[str, Any]] = json.loads(self._ask("fired"))
        return found

    def _ask(self, what: str, body: bytes | None = None) -> bytes:
        request = Request(f"{self.url}/_microburst/{what}", body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=30) as answer:
            said: bytes = answer.read()
        return said
