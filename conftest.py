"""Runs README, docs and docstrings as tests: ``pytest README.md docs src/bedrock_auth``. Elsewhere it does nothing.

Their blocks run against stand-ins in this process, moto's server and `LocalBedrock`, which verifies every signature with the
keys that moto issued. The environment names their endpoints and holds keys that both accept; nothing else of the machine's
AWS settings is seen.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bedrock_auth.testing import LocalBedrock

ROOT = Path(__file__).parent
PAGES = ("README.md", "docs/*.md", "docs/*/*.md")
KEY_ID, SECRET = "AKIADOCUMENTATION000", "a-secret-of-the-documentation"
PROXIES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Any:
    """Let Sybil collect a page or a module of the package; it need not be installed for any other file."""
    if find_spec("sybil") is None or not file_path.is_relative_to(ROOT):
        return None
    return _collector()(file_path, parent) if file_path.relative_to(ROOT).parts[0] in {"README.md", "docs", "src"} else None


@cache
def _collector() -> Callable[[Path, pytest.Collector], Any]:
    from sybil import Sybil  # noqa: PLC0415 - only the docs session installs it
    from sybil.parsers.myst import PythonCodeBlockParser  # noqa: PLC0415
    from sybil.parsers.rest import DocTestParser  # noqa: PLC0415

    pages = Sybil([PythonCodeBlockParser()], path=str(ROOT), patterns=PAGES, excludes=("docs/_build/*",), fixtures=["local_aws"])
    return (pages + Sybil([DocTestParser()], path=str(ROOT), pattern="*.py", excludes=("docs/*",))).pytest()


@pytest.fixture(scope="session")
def _moto() -> Iterator[str]:
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - slow to import, and of no use to anybody else

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def local_aws(_moto: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBedrock]:
    """Stand-ins for AWS, which the environment names while the pages of one file run; the endpoint of Bedrock's runtime."""
    from bedrock_auth import Credentials  # noqa: PLC0415 - coverage of the tests must not begin here
    from bedrock_auth.testing import LocalBedrock, moto_keys  # noqa: PLC0415

    with LocalBedrock(moto_keys()) as bedrock, pytest.MonkeyPatch.context() as patch:
        bedrock.add_key(Credentials(KEY_ID, SECRET))
        for name in [name for name in os.environ if name.startswith("AWS_") or name.upper() in PROXIES]:
            patch.delenv(name)
        home = tmp_path_factory.mktemp("home")
        settings = {
            "HOME": str(home),
            "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": _moto,
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            **bedrock.environ,
        }
        for name, value in settings.items():
            patch.setenv(name, value)
        yield bedrock
