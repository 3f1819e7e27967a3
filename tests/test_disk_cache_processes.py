"""Real processes, a real endpoint that counts, one folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from support.loopback import Loopback

RETRIEVE = """
import sys
from bedrock_auth.disk_cache import DiskCache
from bedrock_auth.providers.http_vending import HttpVending
cache = DiskCache(HttpVending(sys.argv[1], timeout=20))
print("ready", flush=True)
sys.stdin.readline()
print(cache.retrieve().access_key_id)
"""


class Vending(Loopback):
    """An endpoint on this machine that takes its time, and counts."""

    def __init__(self) -> None:
        self.calls = 0
        self.seconds = 0.3
        self.status = 200
        self.asked = threading.Event()
        self._lock = threading.Lock()
        super().__init__(self._handler())

    def body(self) -> bytes:
        with self._lock:
            self.calls += 1
            number = self.calls
        self.asked.set()
        time.sleep(self.seconds)
        expiration = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        keys = {"AccessKeyId": f"ASIAVENDINGPROCESS{number:02d}", "SecretAccessKey": "s", "SessionToken": "t"}
        return json.dumps({**keys, "Expiration": expiration}).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        vending = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = vending.body()
                try:
                    self.send_response(vending.status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:  # whoever asked has been killed
                    self.close_connection = True

            def log_message(self, *_: Any) -> None:
                """Stay quiet."""

        return Handler


@pytest.fixture
def vending():
    with Vending() as server:
        yield server


def start(vending: Vending, folder: Any) -> subprocess.Popen[str]:
    environ = {**os.environ, "BEDROCK_AUTH_CACHE_DIR": str(folder)}
    command = [sys.executable, "-c", RETRIEVE, vending.url]
    return subprocess.Popen(
        command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def go(*processes: subprocess.Popen[str]) -> None:
    """Have them all retrieve at the same moment."""
    for process in processes:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()


def ends(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out.strip(), err


def test_eight_cold_processes_at_once_make_one_call(vending, tmp_path):
    processes = [start(vending, tmp_path / "cache") for _ in range(8)]
    go(*processes)
    assert {ends(process) for process in processes} == {(0, "ASIAVENDINGPROCESS01", "")}
    assert vending.calls == 1


def test_a_process_that_is_killed_in_the_middle_leaves_no_lock(vending, tmp_path):
    vending.seconds = 30.0
    killed = start(vending, tmp_path / "cache")
    go(killed)
    assert vending.asked.wait(30)
    waiting = start(vending, tmp_path / "cache")
    go(waiting)
    vending.seconds = 0.0
    killed.send_signal(signal.SIGKILL)
    assert killed.wait(30) == -signal.SIGKILL
    killed.communicate(timeout=30)
    assert ends(waiting) == (0, "ASIAVENDINGPROCESS02", "")
    assert vending.calls == 2


@pytest.mark.slow
def test_when_the_first_one_fails_the_next_one_tries_for_itself(vending, tmp_path):
    vending.status = 401
    processes = [start(vending, tmp_path / "cache") for _ in range(3)]
    go(*processes)
    for process in processes:
        status, out, err = ends(process)
        assert (status, out) == (1, "")
        assert "DeniedError" in err
    assert vending.calls == 3
    assert not list((tmp_path / "cache").glob("*.json"))
    vending.status = 200
    last = start(vending, tmp_path / "cache")
    go(last)
    assert ends(last)[:2] == (0, "ASIAVENDINGPROCESS04")
