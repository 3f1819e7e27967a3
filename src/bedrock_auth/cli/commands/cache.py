"""List what the disk cache holds, or clear it. No key is ever shown but for the end of its id.

Only files that the cache has made are looked at or removed: those with the name of an entry, a digest of 64 hexadecimal digits.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from bedrock_auth import cache_entry, cache_files
from bedrock_auth.cache_safety import FOLDER, UnsafeError
from bedrock_auth.cli.fast_path import SHORTCUT
from bedrock_auth.cli.output import tell, write_json
from bedrock_auth.errors import ConfigurationError
from bedrock_auth.host import Host

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

_NAME = re.compile(r"[0-9a-f]{64}", re.ASCII)
_BEGINNING = re.compile(r"[0-9a-f]{8,64}", re.ASCII)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``list`` and ``clear``."""
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="the cached sets as JSON, without their keys")
    clear = actions.add_parser("clear", help="remove the cached sets")
    clear.add_argument("name", nargs="?", metavar="NAME", help="only this one: its name as in the list, or how that begins")


def run(options: argparse.Namespace) -> int:
    """List or clear."""
    with _folder() as folder:
        if options.action == "list":
            write_json({"folder": folder and folder.path, "entries": _listed(folder)})
        else:
            cleared = _cleared(folder, options.name)
            write_json({"folder": folder and folder.path, "cleared": cleared})
            tell(f"{len(cleared)} cached {'set' if len(cleared) == 1 else 'sets'} of keys removed")
    return 0


@contextmanager
def _folder() -> Iterator[cache_files.Folder | None]:
    """The cache's folder; ``None`` where there is none yet."""
    path = cache_files.folder_path(Host.system().environ)
    if path is None:
        msg = f"no folder for the cache is known: set HOME, or {FOLDER} to an absolute path"
        raise ConfigurationError(msg, setting=FOLDER)
    try:
        folder = cache_files.Folder(path)
    except FileNotFoundError:
        yield None
        return
    except UnsafeError as error:
        raise ConfigurationError(str(error), setting=FOLDER) from None
    with folder:
        yield folder


def _listed(folder: cache_files.Folder | None) -> list[dict[str, Any]]:
    return [] if folder is None else [_described(folder, name) for name in folder.names()]


def _described(folder: cache_files.Folder, name: str) -> dict[str, Any]:
    from bedrock_auth.credentials import masked_key_id  # noqa: PLC0415 - --help pays nothing for it

    try:
        content = folder.read(name + cache_files.ENTRY)
    except (OSError, UnsafeError) as error:
        return {"name": name, "problem": str(error)}
    entry, now = cache_entry.decode(content), Host.system().clock()
    if content is None or entry is None:
        return {"name": name, "problem": "not a whole entry; it counts as none"}
    return {
        "name": name,
        "source": entry[cache_entry.FACTS]["Source"],
        "access_key_id": masked_key_id(entry["AccessKeyId"]),
        "expiration": entry["Expiration"],
        "remaining": int(cache_entry.remaining(entry, now)),
        "fresh": cache_entry.is_fresh(entry, now),
        "bytes": len(content),
    }


def _cleared(folder: cache_files.Folder | None, beginning: str | None) -> list[str]:
    """Remove all entries, or the one whose name begins so, and the shortcuts; the names of the entries that went."""
    names = [] if folder is None else folder.names()
    if beginning is not None:
        names = [_the_one(names, beginning)]
    if folder is None:
        return []
    for file in os.listdir(folder.path):  # noqa: PTH208 - names are wanted
        if file.endswith(SHORTCUT) and _NAME.fullmatch(file.removesuffix(SHORTCUT)):
            _removed(folder, file)
    return [name for name in names if _removed(folder, name + cache_files.ENTRY)]


def _removed(folder: cache_files.Folder, file: str) -> bool:
    """Whether it was there and is gone; not where somebody has made a folder of that name."""
    with suppress(IsADirectoryError, PermissionError):
        return folder.delete(file)
    return False


def _the_one(names: list[str], beginning: str) -> str:
    found = [name for name in names if _BEGINNING.fullmatch(beginning) and name.startswith(beginning)]
    if len(found) != 1:
        msg = f"{len(found)} entries have a name that begins with {beginning!r}; `bedrock-auth cache list` shows the names"
        raise ConfigurationError(msg, setting="NAME")
    return found[0]
