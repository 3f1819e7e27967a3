"""`DiskCache`: one set of keys for many short-lived processes.

A process that lives for a second fetches keys for itself each time: a hundred calls of a command are a hundred ``AssumeRole``
calls. `DiskCache` keeps the last set of another provider in a file of this user, and the next process takes it from there.

**Whose keys.** An entry belongs to the provider's resolved identity, `bedrock_auth.provider_identity`: another setting, profile
section or environment variable is another entry. What changes during a fetch keeps its result out of the cache, and so does a
chain that found its source when other things were set up here.

**How long.** What is handed out has more than 16 minutes left wherever its lifetime exceeds 30, see
`bedrock_auth.cache_entry.fit_to_hand_off`; else the provider is asked first. Where it then fails in a way that may pass, the
set at hand is used until it expires, never longer.

**One fetch.** Whoever finds nothing takes the entry's lock, looks again, and fetches; the others wait for that, `LOCK_WAIT`
seconds or as long as one fetch may take, then fetch for themselves. A failure is not kept. A process that is killed lets go of
the lock.

**Never written**: keys without an expiration or session token, long-lived keys. ``BEDROCK_AUTH_CACHE=off`` turns all of it off. A
file or folder that is not safe, see `bedrock_auth.cache_files`, is not read, and a warning says what to do; keys are then fetched
as if there were no cache.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from attrs import field, frozen

from bedrock_auth import cache_entry, cache_files
from bedrock_auth.cache_safety import FOLDER, UnsafeError
from bedrock_auth.contracts import SHAREABLE, CredentialProvider, Traits, is_provider, traits
from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import ConfigurationError, CredentialError, DeniedError
from bedrock_auth.host import Host
from bedrock_auth.provider_identity import ResolvedIdentity, require_known, resolved_identity
from bedrock_auth.providers._base import fetch
from bedrock_auth.providers._settings import wrong
from bedrock_auth.providers._wrapper import Wrapper
from bedrock_auth.providers.from_callable import FromCallable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_log = logging.getLogger(__name__)

T = TypeVar("T")

LOCK_WAIT = 25.0
"""Seconds for which a process waits for another one's fetch, at least."""
_SHORT_WAIT = 1.0
_KIND = "disk-cache"
_NOT_CACHED = f"%s: its credentials are not cached: %s; {cache_files.SWITCH}=off turns the cache off"
_LONG_LIVED = "AKIA"
"""How AWS begins the ids of keys that do not expire."""


def _provider(value: object) -> CredentialProvider:
    if is_provider(value):
        return value
    if callable(value) and not isinstance(value, type):
        return FromCallable(value)
    raise wrong(_KIND, "provider", f"must be a credential provider or a function, not {type(value).__name__}")


def _key(value: str | None) -> str | None:
    if value is None or (isinstance(value, str) and value.strip()):
        return value
    raise wrong(_KIND, "key", "must be a text that says whose keys these are, or None")


@frozen
class DiskCache(Wrapper):
    """Another provider's keys, shared by this user's processes. Name and traits are the other provider's.

    Args:
        provider: where the keys come from; or a function, as in `FromCallable`.
        key: says whose keys these are, where the provider cannot: a function's, or an object's whose class is not known here. It
            is never shown. Two providers that may give different people's keys must have different ones.

    Raises:
        ConfigurationError: one of these is not usable, or ``key`` is missing where nobody can tell whose keys they are.
    """

    provider: CredentialProvider = field(converter=_provider)
    key: str | None = field(default=None, converter=_key, repr=False, metadata=SHAREABLE)
    host: Host = field(kw_only=True, repr=False)

    @host.default
    def _host_of_the_provider(self) -> Host:
        return getattr(self.provider, "host", None) or Host.system()

    def __attrs_post_init__(self) -> None:
        """Check what concerns two settings."""
        if self.key is None:
            try:
                require_known(self.provider)
            except ConfigurationError as error:
                raise ConfigurationError(f"{_KIND}: {error.message}", provider=_KIND, setting=error.setting) from None

    @property
    def name(self) -> str:
        """The provider's."""
        return self.provider.name

    @property
    def _traits(self) -> Traits:
        return traits(self.provider)

    @property
    def timeout(self) -> float:
        """Seconds: waiting for another process, then a fetch."""
        return self._wait + self._traits.timeout

    @property
    def _wait(self) -> float:
        return max(LOCK_WAIT, self._traits.timeout)

    def retrieve(self) -> Credentials:
        """The set at hand, or one that is fetched now and kept.

        Raises:
            CredentialError: the provider's own, where there is no set that could do.
        """
        entry = self.entry()
        if entry is None:
            return self._fetch()
        keys = entry.fresh(self.host.clock())
        if keys is not None:
            return keys
        with entry.locked(self._wait):
            return entry.fresh(self.host.clock()) or self._refresh(entry)

    def entry(self) -> Entry | None:
        """Where this provider's keys are kept at this moment; ``None`` where nothing is kept."""
        if not cache_files.is_on(self.host.environ):
            return None
        identity = resolved_identity(self.provider, self.key)
        entry = self._entry_of(identity)
        if entry is not None and identity.settled and self.host.recall((_KIND, entry.name)) is None:
            return None  # a new chain might find another source here
        return entry

    def _entry_of(self, identity: ResolvedIdentity) -> Entry | None:
        path = cache_files.folder_path(self.host.environ)
        if path is None:
            if self.host.setting(FOLDER) is not None:
                self._warn(f"{FOLDER} must be an absolute path, or begin with ~/ where a home is known")
            return None
        try:
            with cache_files.Folder(path, create=True) as folder:
                return Entry(path, folder.name_of(identity.text), self.name, identity.files)
        except (OSError, UnsafeError) as error:
            self._warn(str(error))
            return None

    def _warn(self, problem: str) -> None:
        """Once in a process: the same would be said at every fetch."""
        about = (_KIND, "told", self.name, problem)
        if self.host.recall(about) is None:
            self.host.keep(about, True)
            _log.warning(_NOT_CACHED, self.name, problem)

    def _refresh(self, entry: Entry) -> Credentials:
        try:
            keys = self._fetch()
        except CredentialError as error:
            keys_at_hand = None if isinstance(error, DeniedError | ConfigurationError) else entry.unexpired(self.host.clock())
            if keys_at_hand is None:
                raise
            _log.warning("%s is failing; its cached credentials stay in use until they expire", self.name)
            return keys_at_hand
        if self._entry_of(resolved_identity(self.provider, self.key)) == entry:  # else they may be somebody else's already
            self.host.keep((_KIND, entry.name), True)
            entry.store(keys, self.host.clock())
        return keys

    def _fetch(self) -> Credentials:
        return fetch(self.provider, asker=self.name, now=self.host.clock())

    def invalidate(self, access_key_id: str) -> None:
        """Drop the entry if it has this key, which AWS refused, and tell the provider."""
        entry = self.entry()
        if entry is not None:
            entry.drop(access_key_id)
        forget: Callable[[str], None] | None = getattr(self.provider, "invalidate", None)
        if forget is not None:
            forget(access_key_id)


@frozen
class Entry:
    """The file of one identity. What goes wrong with it is a warning, and as if it were not there."""

    folder: str
    name: str
    owner: str
    """Name of the provider, for messages."""
    files: tuple[str, ...]
    """The files that decide whose entry it is."""
    _told: set[str] = field(factory=set, init=False, eq=False, repr=False)
    """What has been said already."""

    def fresh(self, now: float) -> Credentials | None:
        """The set, where it may be handed out without asking its provider."""
        return self._credentials(lambda found: cache_entry.is_fresh(found, now))

    def unexpired(self, now: float) -> Credentials | None:
        """The set, where it has any time left."""
        return self._credentials(lambda found: cache_entry.remaining(found, now) > 0)

    def _credentials(self, good: Callable[[dict[str, Any]], bool]) -> Credentials | None:
        found = cache_entry.decode(self._read())
        if found is None or not good(found):
            return None
        source, expires_at = found[cache_entry.FACTS]["Source"], found[cache_entry.FACTS]["ExpiresAt"]
        try:
            keys = Credentials.from_answer(cache_entry.process_json(found), source=source or self.owner)
        except CredentialError:
            return None
        return keys if keys.expiration is not None and abs(keys.expiration.timestamp() - expires_at) < 1 else None

    def _read(self) -> bytes | None:
        return self._in_folder(lambda folder: folder.read(self._file))

    def store(self, keys: Credentials, now: float) -> None:
        """Keep the set, if it is of a kind that may be kept."""
        if keys.expiration is None or keys.session_token is None or keys.access_key_id.startswith(_LONG_LIVED):
            return
        expires_at = keys.expiration.timestamp()
        content = cache_entry.encode(keys.to_process_json(), source=keys.source, retrieved_at=now, expires_at=expires_at)
        self._in_folder(lambda folder: folder.write(self._file, content))
        self._in_folder(lambda folder: folder.sweep(self._file))

    def drop(self, access_key_id: str) -> None:
        """Remove the set if it has this key. Where the lock cannot be had, its holder is about to replace it."""
        with self.locked(_SHORT_WAIT) as held:
            found = cache_entry.decode(self._read()) if held else None
            if found is not None and found["AccessKeyId"] == access_key_id:
                self._in_folder(lambda folder: folder.delete(self._file))

    @property
    def _file(self) -> str:
        return self.name + cache_files.ENTRY

    def _in_folder(self, work: Callable[[cache_files.Folder], T]) -> T | None:
        try:
            with cache_files.Folder(self.folder) as folder:
                return work(folder)
        except (OSError, UnsafeError) as error:
            self._warn(error)
            return None

    @contextmanager
    def locked(self, wait: float) -> Iterator[bool]:
        """Hold the entry's lock for the block, if it can be had within ``wait`` seconds; whether it is held."""
        lock = self._lock(wait)
        try:
            yield lock is not None
        finally:
            if lock is not None:
                lock.release()

    def _lock(self, wait: float) -> Any:
        from filelock import FileLock, Timeout  # noqa: PLC0415 - it brings asyncio, and a hit needs no lock

        lock = FileLock(f"{self.folder}/{self.name}{cache_files.LOCK}", mode=0o600)
        try:
            lock.acquire(timeout=wait)
        except Timeout:
            _log.warning("%s: another process has been fetching its credentials for %g seconds; not waiting", self.owner, wait)
            return None
        except (OSError, NotImplementedError) as error:
            self._warn(error)
            return None
        return lock

    def _warn(self, error: Exception) -> None:
        if str(error) not in self._told:
            self._told.add(str(error))
            _log.warning(_NOT_CACHED, self.owner, error)
