"""No test sees the machine it runs on: no AWS variables, a home of its own, no network but loopback."""

from __future__ import annotations

import gc
import ipaddress
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest

from bedrock_auth.host import Host
from bedrock_auth.pool import shared

if TYPE_CHECKING:
    from collections.abc import Iterator


def _is_local(host: object) -> bool:
    if host in (None, "", "localhost", b"localhost"):
        return True
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return text.endswith(".localhost")


def _refuse_the_network(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(args[1], tuple):
        target = args[1][0]
    elif event == "socket.getaddrinfo":
        target = args[0]
    else:
        return
    if not _is_local(target):
        msg = f"a test tried to reach {target!r}"
        raise PermissionError(msg)


sys.addaudithook(_refuse_the_network)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--one-of-each", action="store_true", help="run each test with one of its parameter sets only")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collecting thousands of tests makes no garbage worth looking for; the search takes a fifth of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(trylast=True)  # of what -m and -k have left
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("one_of_each"):
        _keep_one_of_each(config, items)
    items[:] = _slow_ones_first(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _keep_one_of_each(config: pytest.Config, items: list[pytest.Item]) -> None:
    first = {item.nodeid.partition("[")[0]: item for item in reversed(items)}
    kept = set(first.values())
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]


def _slow_ones_first(items: list[pytest.Item], shares: int) -> list[pytest.Item]:
    """Every worker begins with its part of the slow tests: one that comes last keeps a single core busy for minutes."""
    slow = [item for item in items if item.get_closest_marker("slow")]
    quick = [item for item in items if not item.get_closest_marker("slow")]
    size = -(-len(quick) // shares)
    return [item for share in range(shares) for item in (*slow[share::shares], *quick[share * size : (share + 1) * size])]


@pytest.fixture(autouse=True)
def _own_world(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_") or name.upper() in {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}:
            monkeypatch.delenv(name)
    home: Path = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    shared._refreshers.clear()
    Host.system()._memory.clear()  # such as who has won in the default chain


@pytest.fixture(scope="session")
def _moto() -> Iterator[str]:
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - takes a second, and most single files need none

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def moto(_moto: str) -> str:
    """Address of moto's server in this process, with nothing in it."""
    for _ in range(3):
        with suppress(ConnectionResetError):  # on a busy machine a server that has just started may drop its first caller
            urlopen(Request(f"{_moto}/moto-api/reset", method="POST"), timeout=5).close()
            return _moto
        time.sleep(0.2)
    pytest.fail("moto's server drops every connection")
