"""Changing an AWS config file: under a lock, with a backup before the first change, and in one step.

A link is kept: the file that it leads to is the one that is changed. What is written is for this user alone (0600).
"""

from __future__ import annotations

import difflib
import os
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BACKUP = ".bedrock-auth-backup"
_LOCK = ".bedrock-auth-lock"
_PATIENCE = 15.0
"""Seconds to wait for another command of ours."""


@frozen
class Change:
    """What was, or would be, changed."""

    path: Path
    """The file itself, links followed."""
    is_needed: bool
    difference: tuple[str, ...]
    """The lines that go (``-``) and come (``+``), without their surroundings."""
    backup: Path | None = None
    """The copy that was made just now."""


def change(path: str, edit: Callable[[str], str], *, dry_run: bool = False) -> Change:
    """Put the edited text in the file's place.

    Args:
        path: the config file, which need not be there.
        edit: from the present text, with its line endings, to the new one.
        dry_run: write nothing at all.

    Raises:
        ConfigurationError: what ``edit`` raises; or it is no file of this user in UTF-8.
        OSError: it cannot be read or written, or another command of ours holds it for too long.
    """
    file = Path(os.path.realpath(os.path.expanduser(os.path.expandvars(path))))  # noqa: PTH111 - as botocore does
    planned, *_ = _planned(file, edit)
    if dry_run or not planned.is_needed:
        return planned
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(file):
        planned, before, after = _planned(file, edit)  # again: somebody may have been quicker
        if not planned.is_needed:
            return planned
        backup = _backed_up(file, before)
        _write(file, after.encode(), check=_refuse_unreadable)
    return evolve(planned, backup=backup)


def _planned(file: Path, edit: Callable[[str], str]) -> tuple[Change, bytes | None, str]:
    before = _read(file)
    try:
        text = (before or b"").decode()
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file} is not UTF-8 text; convert it first", setting=str(file)) from None
    after = edit(text)
    return Change(file, after != text, _difference(text, after)), before, after


def _difference(before: str, after: str) -> tuple[str, ...]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return tuple(line for line in lines if line[:1] in {"+", "-"} and line[:3] not in {"+++", "---"})


def _read(file: Path) -> bytes | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise ConfigurationError(f"{file} is no regular file; set AWS_CONFIG_FILE to one", setting="AWS_CONFIG_FILE")
    if os.name == "posix" and found.st_uid != os.geteuid():
        raise ConfigurationError(f"{file} belongs to another user, who alone should change it", setting="AWS_CONFIG_FILE")
    return file.read_bytes()


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout  # noqa: PLC0415 - imports asyncio

    try:
        with FileLock(file.with_name(f".{file.name}{_LOCK}"), timeout=_PATIENCE, mode=0o600):
            yield
    except Timeout:
        msg = f"another bedrock-auth command is changing {file}; try again"
        raise TimeoutError(msg) from None


def _backed_up(file: Path, content: bytes | None) -> Path | None:
    """Keep the file as it was before we ever changed it."""
    backup = file.with_name(file.name + BACKUP)
    if content is None or backup.is_symlink() or backup.exists():
        return None
    _write(backup, content)
    return backup


def _refuse_unreadable(file: str) -> None:
    from botocore.configloader import load_config  # noqa: PLC0415 - --help pays nothing for it
    from botocore.exceptions import ConfigParseError  # noqa: PLC0415 - the same

    try:
        load_config(file)
    except ConfigParseError:
        msg = "botocore could not read the config file with this profile in it, so nothing was changed; repair the file first"
        raise ConfigurationError(msg, setting="AWS_CONFIG_FILE") from None


def _write(file: Path, content: bytes, *, check: Callable[[str], None] = lambda _: None) -> None:
    """Put a file in the place of another, or of none, in one step, after a look at it."""
    descriptor, beside = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # 0600
    try:
        with open(descriptor, "wb") as opened:  # noqa: PTH123 - a descriptor
            opened.write(content)
            opened.flush()
            os.fsync(descriptor)
        check(beside)
        Path(beside).replace(file)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
