"""Environment variables as text that a shell, or a reader of such files, takes for exactly these values.

``env`` is for POSIX shells. ``docker`` is the format of ``docker run --env-file``, which knows no quotes; ``dotenv`` files have
no common rule for quotes either, so a value that its readers would not read alike is refused. Neither can unset a variable.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_PLAIN = re.compile(r"[A-Za-z0-9_./+=:@,-]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_POWERSHELL_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")
"""PowerShell ends a text at any of these; two of them stand for one."""


def _env(values: Mapping[str, str], unset: Sequence[str]) -> list[str]:
    lines = [f"unset {' '.join(unset)}"] if unset else []
    return lines + [f"export {name}={shlex.quote(value)}" for name, value in values.items()]


def _fish(values: Mapping[str, str], unset: Sequence[str]) -> list[str]:
    escaped = {name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in values.items()}
    lines = [f"set -e {name}" for name in unset]
    return lines + [f"set -gx {name} '{value}'" for name, value in escaped.items()]


def _powershell(values: Mapping[str, str], unset: Sequence[str]) -> list[str]:
    paths = ",".join(f"Env:{name}" for name in unset)
    lines = [f"Remove-Item -ErrorAction SilentlyContinue -Path {paths}"] if unset else []
    escaped = {name: _POWERSHELL_QUOTES.sub(r"\1\1", value) for name, value in values.items()}
    return lines + [f"$env:{name} = '{value}'" for name, value in escaped.items()]


def _docker(values: Mapping[str, str], unset: Sequence[str]) -> list[str]:  # noqa: ARG001 - all formats are called alike
    return [f"{name}={value}" for name, value in values.items()]


def _dotenv(values: Mapping[str, str], unset: Sequence[str]) -> list[str]:  # noqa: ARG001 - all formats are called alike
    return [f"{name}={_dotenv_value(name, value)}" for name, value in values.items()]


def _dotenv_value(name: str, value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    if "'" in value or "\\" in value:
        msg = f"{name} has a quote or a backslash in it, which readers of .env files do not read alike; take another format"
        raise ConfigurationError(msg, setting=name)
    return f"'{value}'"


SHELLS: dict[str, Callable[[Mapping[str, str], Sequence[str]], list[str]]] = {
    "env": _env,
    "powershell": _powershell,
    "fish": _fish,
    "dotenv": _dotenv,
    "docker": _docker,
}


def render(shell: str, values: Mapping[str, str], unset: Sequence[str] = ()) -> str:
    """Lines that set these variables, after others are unset where the format can.

    Args:
        shell: one of `SHELLS`.
        values: variables and what they are set to.
        unset: variables to take away.

    Raises:
        ConfigurationError: a name is no variable's, or a value is not one line of text or cannot be written in this format.
    """
    for name in (*values, *unset):
        if not _NAME.fullmatch(name):
            msg = f"{name!r} cannot be the name of a variable in a shell; unset it first"
            raise ConfigurationError(msg, setting=name)
    for name, value in values.items():
        if not value.isprintable():
            raise ConfigurationError(f"{name} is not one line of text", setting=name)
    return "\n".join(SHELLS[shell](values, unset)) + "\n"
