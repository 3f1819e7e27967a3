"""Tokens of other issuers, taken anew at every fetch: from a file that somebody keeps replacing, or from a function."""

from __future__ import annotations

import inspect
import os
import stat
from typing import TYPE_CHECKING

from bedrock_auth.errors import CredentialError
from bedrock_auth.providers._base import foreign
from bedrock_auth.providers._settings import wrong
from bedrock_auth.redaction import presentable

if TYPE_CHECKING:
    from collections.abc import Callable

_LARGEST_FILE = 65_536


def plain_function(kind: str, setting: str, value: Callable[[], str]) -> Callable[[], str]:
    """A function that can be asked for a token."""
    if callable(value) and not isinstance(value, type) and not inspect.iscoroutinefunction(value):
        return value
    raise wrong(kind, setting, "must be a plain function without arguments that returns the token")


def from_file(asker: str, setting: str, path: str, longest: int) -> str:
    """The token in a file, as it is now; links are followed, since Kubernetes replaces a link.

    Raises:
        ConfigurationError: the file is missing, cannot be read, or holds no token.
    """
    try:
        regular = stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116 - text in; a pipe or device would block or never end
        content = _start_of(path) if regular else b""
    except OSError as error:
        fix = "check that it is mounted, that this user may read it and that the path is whole: nothing expands ~ or $"
        raise wrong(asker, setting, f"{path!r} cannot be read ({error.strerror}); {fix}") from None
    token = content.decode(errors="replace").strip()
    problem = _problem(token, longest) if regular else "is no regular file"
    if problem:
        raise wrong(asker, setting, f"{path!r} {problem}")
    return token


def _start_of(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 - text in
        return file.read(_LARGEST_FILE + 1)


def from_function(asker: str, setting: str, function: Callable[[], str], longest: int) -> str:
    """The token that a function returns now.

    Raises:
        ConfigurationError: it returned no token.
        CredentialError: its own.
        RetrievalError: it failed in any other way.
    """
    try:
        token: object = function()
    except CredentialError:
        raise
    except Exception as error:  # noqa: BLE001 - becomes the cause, where it may be shown
        raise foreign(error, asker, doing=setting) from presentable(error)
    return checked(asker, setting, token, longest)


def checked(asker: str, setting: str, value: object, longest: int) -> str:
    """The token without surrounding white space; its value is never shown.

    Raises:
        ConfigurationError: it is no token.
    """
    token = value.strip() if isinstance(value, str) else ""
    problem = _problem(token, longest) if isinstance(value, str) else f"gave {type(value).__name__}, not the text of a token"
    if problem:
        raise wrong(asker, setting, problem)
    return token


def _problem(token: str, longest: int) -> str:
    if not token:
        return "holds no token: it is empty"
    if len(token) > longest:
        return f"holds more than the {longest} characters that a token may have"
    if not token.isascii() or not token.isprintable() or " " in token:
        return "holds something else than a token, which is printable ASCII without white space"
    return ""
