"""`credential_process` answered from the disk cache by the standard library alone, and little of it.

Every command of the AWS CLI runs the program once, so a cached answer should cost little more than the start of Python. What
takes the time otherwise is to find out whose entry it is. So whoever has found that out leaves a *shortcut*: a sealed file whose
name stands for the arguments and for everything in the environment that may decide, and which says the entry's name and what
each of the files looked like that were read for it. The next run with the same name, and the same files, takes that entry.

Whatever is not exactly as expected is no error but a reason to go the long way. No shortcut is left where a program is run for
the keys, since that may look at anything.
"""

from __future__ import annotations

import os
import time

from bedrock_auth import __version__, cache_entry, cache_files

TYPE_CHECKING = False  # importing typing costs more than a cached answer may take; type checkers take the name as true

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SHORTCUT = ".shortcut"
_PREFIXES = ("AWS_", "BEDROCK_AUTH_")
_NAMES = frozenset(
    [
        "HOME",
        "USERPROFILE",
        "XDG_CACHE_HOME",
        "LOCALAPPDATA",
        "USER",
        "LOGNAME",
        "USERNAME",
        "HOSTNAME",
        "COMPUTERNAME",
    ]  # roles' session names too
)
_PATHS = "surrogateescape"  # how Python itself keeps a path that is no UTF-8
_KEYS, _FACTS = b'{"Version":1,"AccessKeyId":"', b',"Cache":{"Format":1,'
_RETRIEVED, _EXPIRES = b',"RetrievedAt":', b',"ExpiresAt":'
"""What an entry has in it as it is written; in a JSON text the quotes would be escaped."""


def answer(arguments: Sequence[str]) -> str | None:
    """What ``credential-process`` with these arguments prints, if that is beyond doubt; else ``None``."""
    try:
        return _answer(arguments, os.environ, time.time())
    except Exception:  # noqa: BLE001 - the long way finds out what is wrong, and says it
        return None


def _answer(arguments: Sequence[str], environ: Mapping[str, str], now: float) -> str | None:
    path = cache_files.folder_path(environ)
    if path is None:
        return None
    with cache_files.Folder(path) as folder:
        shortcut = folder.read(folder.name_of(circumstances(arguments, environ)) + SHORTCUT)
        name, *files = (shortcut or b"").decode("utf-8", _PATHS).split("\n")
        if not name or looks(files[1::2]) != files:
            return None
        return _keys(folder.read(name + cache_files.ENTRY) or b"", now)


def _keys(entry: bytes, now: float) -> str | None:
    keys, _, facts = entry.partition(_FACTS)
    rest, _, expires_at = facts.removesuffix(b"}}").rpartition(_EXPIRES)
    times = {"RetrievedAt": float(rest.rpartition(_RETRIEVED)[2]), "ExpiresAt": float(expires_at)}
    if keys.startswith(_KEYS) and cache_entry.is_fresh({cache_entry.FACTS: times}, now):
        return keys.decode() + "}\n"
    return None


def circumstances(arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """The arguments and everything around them, files excepted, that may decide whose keys these are. Holds secrets."""
    deciding = [f"{name}={environ[name]}" for name in sorted(environ) if name.startswith(_PREFIXES) or name in _NAMES]
    machine = os.uname().nodename if hasattr(os, "uname") else ""
    return "\0".join(["credential-process", __version__, machine, str(len(arguments)), *arguments, *deciding])


def looks(paths: Iterable[str]) -> list[str]:
    """For each file how it looks, which is another text after every change, and its path."""
    return [text for path in paths for text in (_look(path), path)]


def _look(path: str) -> str:
    try:
        found = os.stat(path)  # noqa: PTH116 - pathlib is not loaded for this
    except OSError:
        return "none"
    return f"{found.st_mtime_ns} {found.st_ctime_ns} {found.st_size} {found.st_ino} {found.st_dev}"


def leave_shortcut(arguments: Sequence[str], environ: Mapping[str, str], folder: str, entry: str, files: Sequence[str]) -> None:
    """Let the next run with these arguments, in this environment, find this entry.

    Args:
        arguments: what follows the command's name.
        environ: as it was when the command was started.
        folder: the cache's.
        entry: the entry's name.
        files: as `looks` said before the entry was found.
    """
    if not any("\n" in part for part in files):
        with cache_files.Folder(folder) as opened:
            name = opened.name_of(circumstances(arguments, environ))
            opened.write(name + SHORTCUT, "\n".join([entry, *files]).encode("utf-8", _PATHS))
