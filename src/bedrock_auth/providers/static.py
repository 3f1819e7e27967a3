"""`Static`: keys that are given in code, or in mounted files (`Static.from_files`).

Keys in code are never refreshed; an empty session token means none. Files are read at every fetch, and once a minute, so a
rotation is noticed. They may be links, as Kubernetes makes them. A file that others than its owner may write to is refused, since
whoever writes it decides who signs. Who owns it and who may read it is not checked: secrets that Docker and Kubernetes mount are
often readable by everybody in the container, and those from a host's folder belong to the host's user. On Windows, which has no
such modes, none is checked.
"""

from __future__ import annotations

import os
import stat
from typing import Final

from attrs import field, frozen

from bedrock_auth.credentials import Credentials, masked_key_id
from bedrock_auth.host import Host
from bedrock_auth.providers._settings import wrong

_KIND = "static"
_LARGEST_FILE: Final = 16_384
REVALIDATE_AFTER = 60.0
_READINGS = 3


def _text(setting: str, value: object) -> str:
    if isinstance(value, str) and (text := value.strip()) and text.isprintable():
        return text
    raise wrong(_KIND, setting, "must be the text that AWS issued; give access_key_id and secret_access_key together")


def _access_key_id(value: str) -> str:
    return _text("access_key_id", value)


def _secret_access_key(value: str) -> str:
    return _text("secret_access_key", value)


def _session_token(value: str | None) -> str | None:
    absent = value is None or (isinstance(value, str) and not value.strip())
    return None if absent else _text("session_token", value)


@frozen
class Static:
    """Keys as given.

    Args:
        access_key_id: such as ``AKIAIOSFODNN7EXAMPLE``.
        secret_access_key: the secret that belongs to it.
        session_token: for temporary keys; ``None`` or empty for none.

    Raises:
        ConfigurationError: a key is missing, blank or no text; its value is never shown.
    """

    access_key_id: str = field(converter=_access_key_id, repr=masked_key_id)
    secret_access_key: str = field(converter=_secret_access_key, repr=False)
    session_token: str | None = field(default=None, converter=_session_token, repr=False)
    host: Host = field(factory=Host.system, kw_only=True, repr=False)

    @property
    def name(self) -> str:
        """``static`` and the end of the key id."""
        return f"{_KIND} {masked_key_id(self.access_key_id)}"

    def retrieve(self) -> Credentials:
        """The keys; they always are at hand."""
        return Credentials(self.access_key_id, self.secret_access_key, self.session_token, source=self.name)

    @classmethod
    def from_files(
        cls,
        access_key_id: str | os.PathLike[str],
        secret_access_key: str | os.PathLike[str],
        session_token: str | os.PathLike[str] | None = None,
        *,
        host: Host | None = None,
    ) -> StaticFiles:
        """Keys in mounted secret files such as ``/run/secrets/aws_secret_access_key``; see `StaticFiles`.

        Raises:
            ConfigurationError: one of the paths is none.
        """
        return StaticFiles(access_key_id, secret_access_key, session_token, host=host or Host.system())


def _path(setting: str, value: object) -> str:
    path = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if isinstance(path, str) and path.strip() and path.isprintable():
        return path
    raise wrong(_KIND, setting, "must be the path of the file that holds it")


def _access_key_id_file(value: str | os.PathLike[str]) -> str:
    return _path("access_key_id", value)


def _secret_access_key_file(value: str | os.PathLike[str]) -> str:
    return _path("secret_access_key", value)


def _session_token_file(value: str | os.PathLike[str] | None) -> str | None:
    return None if value is None else _path("session_token", value)


@frozen
class StaticFiles:
    """Keys that stand in files, as they are at the moment of the fetch; white space around them is dropped.

    Args:
        access_key_id: path of the file that holds it and nothing else.
        secret_access_key: the same.
        session_token: the same, for temporary keys.

    Raises:
        ConfigurationError: one of these is no path.
    """

    access_key_id: str = field(converter=_access_key_id_file)
    secret_access_key: str = field(converter=_secret_access_key_file)
    session_token: str | None = field(default=None, converter=_session_token_file)
    host: Host = field(factory=Host.system, kw_only=True, repr=False)

    revalidate_after = REVALIDATE_AFTER
    """Seconds."""

    @property
    def name(self) -> str:
        """``static`` and the file of the key id."""
        return f"{_KIND} {self.access_key_id}"

    def retrieve(self) -> Credentials:
        """Read the files.

        Raises:
            ConfigurationError: a file is missing, empty, too large, not one line of text, or others may write to it; the message
                names the file and shows nothing of its content.
        """
        texts = self._read()
        for _ in range(_READINGS):
            before, texts = texts, self._read()
            if texts == before:  # else they were being exchanged, and might be of two sets
                break
        return Credentials(texts[0], texts[1], texts[2] or None, source=self.name)

    def _read(self) -> tuple[str, ...]:
        return tuple("" if path is None else self._text(path) for path in self._paths)

    @property
    def _paths(self) -> tuple[str | None, ...]:
        return self.access_key_id, self.secret_access_key, self.session_token

    def _text(self, path: str) -> str:
        try:
            content, mode = _start_of(path)
        except OSError as error:
            fix = "check that it is mounted, that this user may read it and that the path is whole: nothing expands ~ or $"
            raise wrong(self.name, path, f"cannot be read ({error.strerror}); {fix}") from None
        problem = _mode_problem(mode) or _content_problem(content)
        if problem:
            raise wrong(self.name, path, problem)
        return content.decode().strip()


def _start_of(path: str) -> tuple[bytes, int]:
    """The content and mode of one and the same file; what is no regular file has none."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))  # a pipe must not block
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor
        mode = os.fstat(descriptor).st_mode
        return (file.read(_LARGEST_FILE + 1) if stat.S_ISREG(mode) else b""), mode


def _mode_problem(mode: int) -> str:
    if not stat.S_ISREG(mode):
        return "is no regular file"
    if os.name == "posix" and mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"may be written to by others than its owner (mode {stat.S_IMODE(mode):04o}); chmod go-w it, or mount it read-only"
    return ""


def _content_problem(content: bytes) -> str:
    if len(content) > _LARGEST_FILE:
        return f"is larger than {_LARGEST_FILE} bytes, so it holds no key"
    try:
        text = content.decode().strip()
    except UnicodeDecodeError:
        return "is not text"
    if not text:
        return "is empty"
    return "" if text.isprintable() else "holds more than one line; it must hold the key and nothing else"
