"""A walk over everything that an object keeps alive, as the garbage collector sees it."""

from __future__ import annotations

import gc
import logging
import sys
import urllib.parse
from collections.abc import Iterable
from types import FrameType, ModuleType
from typing import Any

PACKAGES = frozenset({"bedrock_auth", "boto3", "botocore", "jmespath", "s3transfer", "urllib3"})
"""Whose modules belong to a session; what other modules hold is none of its business."""
_Seen = dict[int, tuple[Any, Any]]


def holders(roots: Iterable[Any], secrets: Iterable[str]) -> dict[str, str]:
    """The secrets that the walk from these roots meets in some text, and by which way it came to each, from its end."""
    seen = everything(roots)
    met: dict[str, str] = {}
    for thing, holder in seen.values():
        if issubclass(type(thing), str | bytes | bytearray):
            for secret in secrets:
                if (secret if isinstance(thing, str) else secret.encode()) in thing:
                    met.setdefault(secret, _way(seen, holder))
    return met


def everything(roots: Iterable[Any]) -> _Seen:
    """All that can be reached from these and what each was reached from, by id; the running code's variables are not."""
    gc.collect()
    elsewhere, seen, fringe = _elsewhere(), {}, list(roots)
    for root in fringe:
        seen[id(root)] = (root, None)
    while fringe:
        holder = fringe.pop()
        for thing in gc.get_referents(holder):
            if id(thing) not in seen and id(thing) not in elsewhere:
                seen[id(thing)] = (thing, holder)
                if not issubclass(type(thing), str | bytes | int | float | logging.Logger):  # isinstance asks a dead weak proxy
                    fringe.append(thing)
    return seen


def modules() -> list[ModuleType]:
    """Those that belong to a session; the stand-ins of `bedrock_auth.testing` know keys, and are no part of one."""
    loaded = list(sys.modules.items())
    return [module for name, module in loaded if _is_ours(name)]


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in PACKAGES and not name.startswith("bedrock_auth.testing")


def _elsewhere() -> set[int]:
    """Foreign modules and their variables, what imported ours (pytest may have), and the frames of the code that runs now, by id.

    So is the memory of `urllib.parse`, which keeps the last URLs that anybody in the process took apart, presigned ones too.
    """
    foreign = [module for name, module in list(sys.modules.items()) if not _is_ours(name)]
    ids = {id(module) for module in foreign} | {id(vars(module)) for module in foreign}
    ids |= {id(getattr(module, "__loader__", None)) for module in modules()}
    ids |= {id(sys.modules), id(urllib.parse.urlsplit)}
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        ids.add(id(frame))
        frame = frame.f_back
    return ids


def _way(seen: _Seen, holder: Any) -> str:
    steps = []
    while holder is not None:
        steps.append(_shown(holder))
        holder = seen[id(holder)][1]
    return " <- ".join(steps)


def _shown(thing: Any) -> str:
    kind = type(thing)
    name = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", None)
    return f"{kind.__module__}.{kind.__qualname__}{f' {name}' if isinstance(name, str) else ''}"
