"""MiniStack with authentication on: its own process, its own environment, loopback only, ended by its own id."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from attrs import frozen

REGION = "us-east-1"
ACCOUNT = "000000000000"
EXTERNAL_ID = "customer-7"


@frozen
class Stack:
    """An account on MiniStack: a user, and a role that it may assume with an external id."""

    url: str
    access_key_id: str
    secret_access_key: str
    role_arn: str


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def allow(*actions: str, resource: str = "*") -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "MiniStack ended; see its log"
        try:
            urlopen(f"{url}/_ministack/health", timeout=2).close()
        except (URLError, OSError):
            time.sleep(0.1)
        else:
            return
    pytest.fail("MiniStack did not start within a minute")
