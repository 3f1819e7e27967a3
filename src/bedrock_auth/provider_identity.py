"""Whose keys a tree of providers gives, here and now, as one text: the same text means the same answer.

The text holds the class and settings of every provider of the tree, and what those that look around would find, see
`bedrock_auth.provider_surroundings`: the variables of `Environment`, the keys and roles that a `Profile` comes to, whose token is
in a file. A changed profile or variable gives another text. **It holds secrets**, so it goes nowhere but into an HMAC.

Nobody can tell from outside whose keys a function gives, or an object of a class that is not known here. A provider of one's own
can say so itself: with a method ``cache_identity()`` that returns a text, or as an attrs class. Its fields, but those that are
left out of comparisons (``eq=False``), and the file that it is written in are then taken for all that it depends on: two
programs may each have a class of one name. Everything else needs a key from whoever made it.

A `Host` is no part of the text except through what it resolves to.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path, PurePath
from typing import Any

from attrs import field, fields, frozen

from bedrock_auth.errors import ConfigurationError
from bedrock_auth.host import Host
from bedrock_auth.provider_surroundings import surroundings
from bedrock_auth.providers.chain import Chain

_OURS = __name__.partition(".")[0]


@frozen
class ResolvedIdentity:
    """Whose keys, and what that depends on."""

    text: str = field(repr=False)
    """Holds secrets."""
    files: tuple[str, ...]
    """The files that were looked at, there or not."""
    settled: bool
    """Whether a chain of the tree has found its source already, perhaps when other things were set up here."""


def resolved_identity(provider: object, key: str | None = None) -> ResolvedIdentity:
    """Whose keys this provider gives now. Reads variables and files, asks nobody.

    Args:
        provider: with all that it is built on.
        key: stands for whatever in the tree nobody can look into.

    Raises:
        ConfigurationError: there is such a thing, and no key.
    """
    look = _Look(keyed=key is not None)
    text = json.dumps([key, look.at(provider)], sort_keys=True)
    return ResolvedIdentity(text, tuple(sorted(look.files)), any(chain.winner is not None for chain in look.chains))


def require_known(provider: object) -> None:
    """Make sure that no key is needed. Looks at nothing but the settings.

    Raises:
        ConfigurationError: there is something in the tree that nobody can look into.
    """
    _Look(keyed=False, around=False).at(provider)


@frozen
class _Look:
    """One walk through a tree; everything comes out as what JSON knows, no two things as the same."""

    keyed: bool
    around: bool = True
    """Whether to see what is set up here, besides the settings."""
    files: set[str] = field(factory=set)
    chains: list[Chain] = field(factory=list)

    def at(self, value: Any) -> Any:
        if value is None or isinstance(value, str | int | float):
            return value
        if isinstance(value, list | tuple):
            return [self.at(part) for part in value]
        if isinstance(value, Mapping):
            return {"mapping": self._unordered(map(list, value.items()))}
        if isinstance(value, set | frozenset):
            return {"set": self._unordered(value)}
        return {f"{type(value).__module__}.{type(value).__qualname__}": self._object(value)}

    def _unordered(self, values: Iterable[Any]) -> list[Any]:
        return sorted((self.at(value) for value in values), key=lambda value: json.dumps(value, sort_keys=True))

    def _object(self, value: Any) -> Any:
        if callable(getattr(value, "cache_identity", None)) and not isinstance(value, type):
            return self._said_by(value)
        text = _text(value)
        if text is not None:
            return text
        if "__attrs_attrs__" in vars(type(value)):  # an heir that is none itself may have more than its fields say
            return [*self._written(value), *self._settings(value)]
        return self._unknown(value)

    def _written(self, value: Any) -> list[Any]:
        """Where the classes of others that it has are written, and a digest of that."""
        kinds = [kind for kind in type(value).__mro__ if _package(kind) not in {_OURS, *sys.stdlib_module_names}]
        paths = [str(getattr(sys.modules.get(kind.__module__), "__file__", None) or "") for kind in kinds]
        in_no_file = not all(paths) or any(path.startswith("<") for path in paths)  # typed in, or piped: "<stdin>"
        if in_no_file or any("<locals>" in kind.__qualname__ for kind in kinds):  # what a function makes may hold anything
            return [self._unknown(value)]
        return [[path, _digest(path)] for path in paths] if self.around else []

    def _said_by(self, value: Any) -> str:
        said = value.cache_identity() if self.around else "not asked"
        if isinstance(said, str) and said:
            return said
        msg = f"{type(value).__name__}.cache_identity() must return a text that says whose keys it gives"
        raise ConfigurationError(msg, setting="cache_identity")

    def _settings(self, value: Any) -> list[Any]:
        """An attrs value's fields, and what it would find around it."""
        if isinstance(value, Chain):
            self.chains.append(value)
        settings = {one.name: getattr(value, one.name) for one in fields(type(value)) if one.eq is not False}
        seen = [[name, self.at(setting)] for name, setting in settings.items() if not isinstance(setting, Host)]
        return [*seen, self.at(surroundings(value, self.files))] if self.around else seen

    def _unknown(self, value: Any) -> str:
        if self.keyed or (callable(value) and getattr(value, "is_shareable", None) is True and _package(value) == _OURS):
            return str(getattr(value, "__qualname__", ""))
        what = "a function" if callable(value) else f"an object of the class {type(value).__qualname__}"
        msg = f"{what} is part of it, and nobody can tell from outside whose keys that gives: pass key='…', a text that says it"
        raise ConfigurationError(msg, setting="key")


def _package(thing: Any) -> str:
    """The outermost package that a class or function is from."""
    return str(getattr(thing, "__module__", "")).partition(".")[0]


def _digest(path: str) -> str | None:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return None


def _text(value: object) -> str | None:
    """A value of the standard library as text; ``None`` for anything else."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if isinstance(value, PurePath | datetime | timedelta) else None
