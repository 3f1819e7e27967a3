"""Print one set of keys as AWS's SDKs expect it of a ``credential_process``, from the disk cache where that has one.

Stdout has the process JSON (version 1) and nothing else. A set that lives longer than 30 minutes has more than 16 left, so that
an SDK with botocore's fixed window does not ask again at every request. Keys that never expire are printed, and never cached.

See "Sourcing credentials with an external process" in the AWS SDKs and Tools Reference Guide.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from bedrock_auth.cache_safety import UnsafeError
from bedrock_auth.cli import fast_path
from bedrock_auth.cli.options import add_provider_options, settings_from
from bedrock_auth.cli.output import write_json
from bedrock_auth.cli.profiles.command_line import provider_arguments
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from bedrock_auth.credentials import Credentials
    from bedrock_auth.disk_cache import DiskCache, Entry

FRESH, NOT_FRESH = 0, 1
_ABOVE = "BEDROCK_AUTH_CREDENTIAL_PROCESSES"
"""Tells a program that is run for keys which commands of ours are waiting for it."""
_PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
_UNRELATED = "BEDROCK_AUTH_UNRELATED"
"""A variable that nobody reads."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The provider options, and three of its own."""
    parser.add_argument("--refresh", action="store_true", help="drop the cached set and get a new one")
    parser.add_argument("--check-expiration", action="store_true", help="print how long the cached set lives, and no keys")
    parser.add_argument("--for-profile", metavar="NAME", help="the profile that runs this; AWS_PROFILE naming it is not followed")
    add_provider_options(parser)


def run(options: argparse.Namespace) -> int:
    """Print the keys, or what is known about the cached ones."""
    from bedrock_auth.disk_cache import DiskCache  # noqa: PLC0415 - --help pays nothing for it

    before = dict(os.environ)
    with _variables(_without_own_profile(options.for_profile) | _without_a_circle(options)):
        cache = DiskCache(settings_from(options).provider)
        if options.check_expiration:
            return check_expiration(cache)
        if options.refresh:
            _drop(cache)
            keys = cache.retrieve()
        else:
            keys = _retrieve(cache, options.raw_arguments, before)
    sys.stdout.write(json.dumps(keys.to_process_json(), separators=(",", ":")) + "\n")
    return 0


def check_expiration(cache: DiskCache) -> int:
    """Say what is known about the cached set, without asking anybody; the status is 0 where it would be printed now."""
    entry, now = cache.entry(), cache.host.clock()
    keys = None if entry is None else entry.unexpired(now)
    fresh = entry is not None and entry.fresh(now) is not None
    about: dict[str, Any] = {"present": keys is not None, "fresh": fresh, "expiration": None, "remaining": None}
    if keys is not None:
        about |= {"expiration": keys.to_process_json()["Expiration"], "remaining": int(keys.remaining(now))}
    write_json(about)
    return FRESH if fresh else NOT_FRESH


@contextmanager
def _variables(changes: Mapping[str, str | None]) -> Iterator[None]:
    """These environment variables for the block; ``None`` for one that is not set."""
    before = {name: os.environ.get(name) for name in changes}
    try:
        _set(changes)
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _without_own_profile(name: str | None) -> dict[str, str | None]:
    """Whoever runs this for a profile has often been told so by ``AWS_PROFILE``: it does not say where keys come from."""
    return {variable: None for variable in _PROFILES if name is not None and os.environ.get(variable, "").strip() == name}


def _without_a_circle(options: argparse.Namespace) -> dict[str, str | None]:
    """Let a program that is run for keys know this command, so that it does not come back to it without end.

    Raises:
        ConfigurationError: it just has.
    """
    above, this = os.environ.get(_ABOVE, ""), json.dumps(provider_arguments(options))
    if this in above.split("\n"):
        msg = "these keys come from a profile whose credential_process is this very command; name another source in it"
        raise ConfigurationError(msg, setting="credential_process")
    return {_ABOVE: f"{above}\n{this}"}


def _drop(cache: DiskCache) -> None:
    entry = cache.entry()
    keys = None if entry is None else entry.unexpired(cache.host.clock())
    if keys is not None:
        cache.invalidate(keys.access_key_id)


def _retrieve(cache: DiskCache, arguments: Sequence[str], environ: Mapping[str, str]) -> Credentials:
    """The keys; the next run finds them faster if it is beyond doubt whose they are."""
    entry = cache.entry()
    files = fast_path.looks(entry.files) if entry else []
    keys = cache.retrieve()
    if entry is not None and _is_settled(cache, entry, files):
        with suppress(OSError, UnsafeError):  # only the next run's time is lost
            fast_path.leave_shortcut(arguments, environ, entry.folder, entry.name, files)
    return keys


def _is_settled(cache: DiskCache, entry: Entry, files: list[str]) -> bool:
    """Whether there are keys in the entry, no file has changed meanwhile, and not just any variable decides whose they are."""
    with _variables({_UNRELATED: "1"}):
        unchanged = cache.entry() == entry and fast_path.looks(entry.files) == files
    return unchanged and entry.fresh(cache.host.clock()) is not None
