"""What makes a file or folder of the disk cache safe: that nobody else has made it, and that nobody else may read it.

Nothing is opened through a link, and what was opened is checked by its descriptor: this user's, and closed to everybody else.
Windows has neither owners nor modes of this kind: there the user's own cache folder is what protects the files. Standard library
only, and little of it.
"""

from __future__ import annotations

import os

FOLDER = "BEDROCK_AUTH_CACHE_DIR"
_OPEN = sum(getattr(os, flag, 0) for flag in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))  # a pipe must not block


class UnsafeError(Exception):
    """A file or folder that others may have made, or may read, or that is a link; the text says which one and what to do."""


def make_folder(path: str) -> None:
    """Make it for this user alone, unless it is there.

    Raises:
        UnsafeError: this is root, in another user's home.
        OSError: it cannot be made.
    """
    if os.path.isdir(path):  # noqa: PTH112 - pathlib is not loaded for this
        return
    _refuse_to_leave_roots_things(path)
    try:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)  # noqa: PTH103, PTH120 - pathlib is not loaded for this
        os.mkdir(path, 0o700)  # noqa: PTH102 - the same
    except FileExistsError:
        pass


def _refuse_to_leave_roots_things(path: str) -> None:
    """As root under ``sudo``, which may keep HOME: what root makes in another user's home, that user can no longer use."""
    if os.name != "posix" or os.geteuid() != 0:
        return
    above = os.path.dirname(path)  # noqa: PTH120 - pathlib is not loaded for this
    while not os.path.exists(above):  # noqa: PTH110 - the same
        above = os.path.dirname(above)  # noqa: PTH120 - the same
    if os.stat(above).st_uid != 0:  # noqa: PTH116 - the same
        raise UnsafeError(f"{above} belongs to another user than root; use sudo -H, or set {FOLDER}")


def open_folder(path: str) -> int:
    """A descriptor of the folder, which is still to be checked.

    Raises:
        UnsafeError: it is a link, or may not be opened since it is another user's.
        OSError: it cannot be opened.
    """
    try:
        return open_file(path, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:
        check_owner(path, os.lstat(path), "700")  # which can say what to do about it
        raise


def open_file(name: str, flags: int, *, path: str | None = None, dir_fd: int | None = None) -> int:
    """A descriptor of a file, which is made for this user alone where the flags make one.

    Args:
        name: as the operating system is told.
        flags: of `os.open`, on top of those that keep it safe.
        path: as messages call it; else the name.
        dir_fd: the folder that the name is in.

    Raises:
        UnsafeError: it is a link, or no file.
        OSError: it cannot be opened.
    """
    import errno  # noqa: PLC0415 - built in, and only for its names

    try:
        return os.open(name, flags | _OPEN, 0o600, dir_fd=dir_fd)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR, errno.ENXIO}:
            raise UnsafeError(f"{path or name} is a link, or not what it should be; remove it") from None
        raise


def check_owner(path: str, found: os.stat_result, mode: str) -> None:
    """Let a file or folder pass that is this user's and closed to everybody else.

    Raises:
        UnsafeError: it is not; the mode is what to give it.
    """
    if os.name != "posix":
        return
    if found.st_uid != os.geteuid():
        raise UnsafeError(f"{path} belongs to another user; remove it, or set {FOLDER}")
    if found.st_mode & 0o077:
        raise UnsafeError(f"{path} is open to other users; run: chmod {mode} '{path}'")
