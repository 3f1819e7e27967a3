"""The interpreter that other programs are told to run: one that is still there tomorrow, and finds this package by itself.

It is started with ``-I`` (isolated): neither the folder in which some tool happens to run nor ``PYTHONPATH`` decides what is
imported. Where the package is installed for the user alone, which ``-I`` does not see, it is ``-P``, which only ignores the
folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path, PurePath

from bedrock_auth.errors import ConfigurationError

_THROW_AWAY = {
    (".nox",): "nox",
    (".tox",): "tox",
    ("pipx", ".cache"): "pipx run",
    (".cache", "pipx"): "pipx run",
    ("Caches", "pipx"): "pipx run",
    (".cache", "pre-commit"): "pre-commit",
    (".cache", "uv"): "uvx or uv run",
    ("Caches", "uv"): "uvx or uv run",
    ("uv", "cache"): "uvx or uv run",
}
"""Neighbouring folders of a path, and whose environments lie below."""
_TEMPORARY = ("/tmp", "/private/tmp", "/dev/shm")  # noqa: S108 - looked for, not written to
_TIMEOUT = 60.0
_WAY_OUT = (
    "install it where it stays (uv tool install, pipx install, or a virtual environment that you keep) and run install-profile "
    "from there, or name such an interpreter with --python"
)


def command_prefix(stated: str | None) -> list[str]:
    """An absolute interpreter and its flags, checked by running it.

    Args:
        stated: an interpreter that the user vouches for; by default the one that runs this, if it will last.

    Raises:
        ConfigurationError: it is in an environment that will be thrown away, or does not find this package.
    """
    found = stated and (shutil.which(stated) or stated)
    interpreter = os.path.abspath(found or sys.executable or "")  # noqa: PTH100 - a link of a virtual environment must stay one
    if stated is None and (reason := throw_away(interpreter)):
        msg = f"{interpreter} will not last: {reason}; {_WAY_OUT}"
        raise ConfigurationError(msg, setting="--python")
    flags = next((flags for flags in ("-I", "-P") if _finds_us(interpreter, flags)), None)
    if flags is None:
        msg = f"{interpreter} does not find the package bedrock_auth by itself, without PYTHONPATH; {_WAY_OUT}"
        raise ConfigurationError(msg, setting="--python")
    return [interpreter, flags]


def throw_away(interpreter: str) -> str | None:
    """Why an interpreter is not one to write into a file, or ``None``."""
    if getattr(sys, "frozen", False) or not Path(interpreter).is_file():
        return "it is not an interpreter of its own"
    parts = PurePath(interpreter).parts
    for neighbours, whose in _THROW_AWAY.items():
        if any(parts[at : at + len(neighbours)] == neighbours for at in range(len(parts))):
            return f"it belongs to an environment that {whose} makes and removes as it likes"
    folders = [*_TEMPORARY, tempfile.gettempdir(), os.environ.get("UV_CACHE_DIR", "")]
    below = next((folder for folder in folders if folder and PurePath(interpreter).is_relative_to(folder)), None)
    return below and f"{below} is a folder for temporary files"


def _finds_us(interpreter: str, flags: str) -> bool:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        ran = subprocess.run(  # noqa: S603 - the interpreter itself
            [interpreter, flags, "-c", "import bedrock_auth.cli"],
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return False
    return ran.returncode == 0
