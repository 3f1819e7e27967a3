"""The files of the disk cache: where they are, and how they are read and written safely.

Standard library only, and little of it: a program that answers from the cache imports little else of the package.

The folder is ``BEDROCK_AUTH_CACHE_DIR`` (an absolute path, or one that begins with ``~/``), else ``bedrock-auth`` in the user's
cache folder: ``XDG_CACHE_HOME`` or ``~/.cache``; ``%LOCALAPPDATA%`` on Windows. It is used only where it is a real folder, of
this user, that nobody else may enter. It holds

- ``bedrock-auth.key``: 32 random bytes, this user's;
- ``<name>.json``: an entry, see `bedrock_auth.cache_entry`. Its name is the HMAC-SHA256 under that key of whose keys it holds;
- ``<name>.lock``: the lock of an entry while it is fetched; the operating system lets go of it when its holder dies.

A file is opened and checked as `bedrock_auth.cache_safety` says, and is not larger than any entry. Its last line is the
HMAC-SHA256 of its name and everything before: what was cut, changed or put under another name is no file. It is written beside
the old one and takes its place in one step.
"""

from __future__ import annotations

import os
import stat

from bedrock_auth.cache_safety import FOLDER, UnsafeError, check_owner, make_folder, open_file, open_folder

TYPE_CHECKING = False  # importing typing costs more than a cached answer may take; type checkers take the name as true

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

SWITCH = "BEDROCK_AUTH_CACHE"
ENTRY, LOCK = ".json", ".lock"
MAX_BYTES = 65_536
KEY, _KEY_BYTES = "bedrock-auth.key", 32
_NAME_DIGITS = 64
_OLD = 2 * 24 * 3600.0
"""Seconds; AWS issues no temporary keys for longer than 36 hours."""


def is_on(environ: Mapping[str, str]) -> bool:
    """Whether anything is kept at all: not where ``BEDROCK_AUTH_CACHE`` is ``off``, ``0``, ``false`` or ``no``."""
    return environ.get(SWITCH, "").strip().lower() not in {"off", "0", "false", "no"}


def folder_path(environ: Mapping[str, str]) -> str | None:
    """The folder; ``None`` where there is none, since no home is known or the stated path is not absolute."""
    stated = _setting(environ, FOLDER)
    if stated is not None:
        return _absolute(stated, environ)
    caches = _setting(environ, "LOCALAPPDATA") if os.name == "nt" else _setting(environ, "XDG_CACHE_HOME")
    caches = caches and _absolute(caches, environ)  # XDG: a path that is not absolute is to be ignored
    caches = caches or _absolute("~/.cache", environ)
    return caches and os.path.join(caches, "bedrock-auth")  # noqa: PTH118 - pathlib is not loaded for this


def _setting(environ: Mapping[str, str], name: str) -> str | None:
    return environ.get(name, "").strip() or None


def _absolute(path: str, environ: Mapping[str, str]) -> str | None:
    if path.startswith("~/"):
        path = (_setting(environ, "HOME") or _setting(environ, "USERPROFILE") or "~") + path[1:]
    return (path.rstrip("/") or None) if os.path.isabs(path) and "\0" not in path else None  # noqa: PTH117 - pathlib is not loaded for this


class Folder:
    """The folder, opened and checked; a context manager. Everything in it is reached through its descriptor where there is one.

    Args:
        path: as `folder_path` says.
        create: make it where it is missing, for this user alone.

    Raises:
        UnsafeError: it is a link, another user's, or others may enter it.
        OSError: there is none, or it cannot be made or opened.
    """

    def __init__(self, path: str, *, create: bool = False) -> None:
        self.path = path
        self._key: bytes | None = None
        if create:
            make_folder(path)
        self._descriptor: int | None = None
        if os.open in os.supports_dir_fd:
            self._descriptor = open_folder(path)
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _check(self) -> None:
        found = os.lstat(self.path) if self._descriptor is None else os.fstat(self._descriptor)
        if not stat.S_ISDIR(found.st_mode):
            raise UnsafeError(f"{self.path} is no folder; remove it, or set {FOLDER}")
        check_owner(self.path, found, "700")

    def read(self, file: str) -> bytes | None:
        """What `write` put there; ``None`` where there is no such file, or one that was made in any other way.

        Raises:
            UnsafeError: it is no regular file, another user's, or others may read or write it.
            OSError: it cannot be read.
        """
        content, _, seal = (self._raw(file) or b"").rpartition(b"\n")
        if not content or (self._key is None and not self._found_key()):
            return None
        import hmac  # noqa: PLC0415 - only where there is something to check

        return content if hmac.compare_digest(seal, self._seal(file, content)) else None

    def write(self, file: str, content: bytes) -> None:
        """Put a file of this content, for this user alone, in the place of whatever has the name.

        Raises:
            UnsafeError: the key is not safe to use.
            OSError: it cannot be written.
        """
        beside = self._written_beside(file, content + b"\n" + self._seal(file, content))
        try:
            os.replace(self._at(beside), self._at(file), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        except BaseException:
            self.delete(beside)
            raise

    def _raw(self, file: str) -> bytes | None:
        try:
            descriptor = open_file(self._at(file), os.O_RDONLY, path=self.file(file), dir_fd=self._descriptor)
        except FileNotFoundError:
            return None
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise UnsafeError(f"{self.file(file)} is no regular file; remove it")
            check_owner(self.file(file), found, "600")
            with open(descriptor, "rb", closefd=False) as opened:
                return opened.read(MAX_BYTES)  # what is longer is cut, and then none of ours
        finally:
            os.close(descriptor)

    def _seal(self, file: str, content: bytes) -> bytes:
        return self._digest(b"file\0" + file.encode() + b"\0" + content).encode()

    def _digest(self, message: bytes) -> str:
        import hmac  # noqa: PLC0415 - only whoever reads or writes pays for it

        if self._key is None and not self._found_key():
            self._make_key()
        return hmac.digest(self._key or b"", message, "sha256").hex()

    def delete(self, file: str) -> bool:
        """Remove a file; whether there was one.

        Raises:
            OSError: it cannot be removed.
        """
        try:
            os.unlink(self._at(file), dir_fd=self._descriptor)
        except FileNotFoundError:
            return False
        return True

    def names(self) -> list[str]:
        """The names of the entries that there are, whatever stands in them."""
        return sorted(
            file.removesuffix(ENTRY) for file in self._files() if file.endswith(ENTRY) and _is_name(file.removesuffix(ENTRY))
        )

    def name_of(self, identity: str) -> str:
        """The name of the entry of whoever this text says; the key is made where there is none.

        Raises:
            UnsafeError: the key is not safe to use.
            OSError: it cannot be read or written.
        """
        return self._digest(b"name\0" + identity.encode("utf-8", "surrogatepass"))

    def _found_key(self) -> bool:
        found = self._raw(KEY)
        if found is not None and len(found) == _KEY_BYTES:
            self._key = found
        elif found is not None:
            self.delete(KEY)  # cut short; `_raw` has made sure that it is this user's
        return self._key is not None

    def _make_key(self) -> None:
        beside = self._written_beside(KEY, os.urandom(_KEY_BYTES))
        try:
            self._give_name(beside, KEY)
        finally:
            self.delete(beside)
        if not self._found_key():
            raise UnsafeError(f"{self.file(KEY)} is being replaced by something else; remove it")

    def _give_name(self, beside: str, file: str) -> None:
        """Have one file only come to the name, however many processes try at once."""
        try:
            os.link(self._at(beside), self._at(file), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            os.replace(self._at(beside), self._at(file), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def sweep(self, written: str) -> None:
        """Remove what the cache has made and is older than any keys of AWS's could be, the key excepted.

        Args:
            written: the file that was written last; it says what the time is, by the clock that dated the others.

        Raises:
            OSError: the folder cannot be read.
        """
        now = self._modified(written) or 0.0
        for file in self._files():
            modified = self._modified(file) if _is_of_an_entry(file) else None
            if modified is not None and now - modified > _OLD:
                self.delete(file)

    def _modified(self, file: str) -> float | None:
        """Seconds since the epoch; ``None`` for what is no regular file, or no longer there."""
        try:
            found = os.stat(self._at(file), dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return found.st_mtime if stat.S_ISREG(found.st_mode) else None

    def _files(self) -> list[str]:
        return os.listdir(self.path if self._descriptor is None else self._descriptor)  # noqa: PTH208 - a descriptor

    def _written_beside(self, file: str, content: bytes) -> str:
        beside = f".{file}.{os.getpid()}.{os.urandom(8).hex()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        descriptor = open_file(self._at(beside), flags, path=self.file(beside), dir_fd=self._descriptor)
        try:
            with open(descriptor, "wb") as opened:  # noqa: PTH123 - a descriptor
                opened.write(content)
                opened.flush()
                os.fsync(descriptor)
        except BaseException:
            self.delete(beside)
            raise
        return beside

    def file(self, name: str) -> str:
        """The full path of a file in it."""
        return os.path.join(self.path, name)  # noqa: PTH118 - pathlib is not loaded for this

    def _at(self, file: str) -> str:
        """What the operating system is told: a name within the descriptor, or the full path."""
        return self.file(file) if self._descriptor is None else file


def _is_name(text: str) -> bool:
    return len(text) == _NAME_DIGITS and set(text) <= set("0123456789abcdef")


def _is_of_an_entry(file: str) -> bool:
    """Whether the cache has made it for an entry: the folder may be one in which the user keeps other things."""
    return _is_name(file.removeprefix(".").partition(".")[0])
