"""Whatever lies in the cache's folder: it never crashes, and never gives anybody's keys but the source's own."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from bedrock_auth.errors import RetrievalError
from support.cached import HOUR, World, calls

if TYPE_CHECKING:
    from bedrock_auth.credentials import Credentials
    from bedrock_auth.disk_cache import DiskCache

posix = pytest.mark.skipif(os.name != "posix", reason="modes and owners are a POSIX promise")


@pytest.fixture
def world(tmp_path):
    return World(tmp_path / "cache")


@pytest.fixture
def entry(world):
    world.cached().retrieve()
    return world.entries()[0]


def is_fetched_again(world: World) -> bool:
    """Whether another process asks the source, and whether the one after that has its answer."""
    second, third = world.cached(), world.cached()
    fetched = second.retrieve()
    assert third.retrieve() == fetched
    assert calls(third) == 0
    return calls(second) == 1


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_an_entry_that_others_may_read_is_ignored_said_so_and_replaced(mode, world, entry, caplog):
    entry.chmod(mode)
    assert is_fetched_again(world)
    (said,) = caplog.messages
    assert said.startswith(
        f"counted one: its credentials are not cached: {entry} is open to other users; run: chmod 600 '{entry}'"
    )
    assert said.endswith("BEDROCK_AUTH_CACHE=off turns the cache off")


@posix
def test_a_link_is_ignored_said_so_and_replaced(world, entry, tmp_path, caplog):
    shutil.move(entry, tmp_path / "elsewhere")
    entry.symlink_to(tmp_path / "elsewhere")
    assert is_fetched_again(world)
    assert f"{entry} is a link" in caplog.text
    assert not entry.is_symlink()


@posix
@pytest.mark.parametrize("what", ["folder", "key"])
def test_a_folder_or_key_that_others_may_read_is_not_used_at_all(what, world, entry, caplog):
    (world.folder if what == "folder" else world.folder / "bedrock-auth.key").chmod(0o755)
    before = entry.read_bytes()
    cache = world.cached()
    cache.retrieve()
    cache.retrieve()
    assert calls(cache) == 2
    assert entry.read_bytes() == before
    assert "is open to other users; run: chmod" in caplog.text


@posix
def test_a_folder_of_another_user_is_not_used_at_all(world, entry, caplog, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    before = entry.read_bytes()
    cache = world.cached()
    cache.retrieve()
    assert calls(cache) == 1
    assert entry.read_bytes() == before
    assert "belongs to another user; remove it, or set BEDROCK_AUTH_CACHE_DIR" in caplog.text


@posix
def test_a_folder_that_is_a_link_is_not_used_at_all(world, tmp_path, caplog):
    (tmp_path / "real").mkdir(0o700)
    world.folder.symlink_to(tmp_path / "real")
    world.cached().retrieve()
    assert list((tmp_path / "real").iterdir()) == []
    assert "is a link" in caplog.text


def test_a_folder_that_cannot_be_made_is_a_warning(world, caplog):
    world.folder.write_text("a file")
    world.cached().retrieve()
    assert "its credentials are not cached" in caplog.text


def test_another_identitys_entry_under_this_name_is_none(world, entry):
    world.cached("two").retrieve()
    (other,) = (path for path in world.entries() if path != entry)
    for put in (shutil.copy, lambda one, two: (two.unlink(), os.link(one, two))):
        put(other, entry)
        fetched = world.cached().retrieve()
        assert fetched.source == "counted one"


def test_an_entry_of_another_users_key_is_none(world, entry):
    (world.folder / "bedrock-auth.key").write_bytes(bytes(32))
    assert is_fetched_again(world)
    assert len(world.entries()) == 2


places = st.integers(0, 700)
damage = st.one_of(
    st.builds(lambda content: lambda _: content, st.binary(max_size=300)),
    st.builds(lambda end: lambda written: written[:end], places),
    st.builds(lambda at, other: lambda written: written[:at] + other + written[at + len(other) :], places, st.binary(max_size=3)),
    st.builds(lambda: lambda written: written.replace(b"\n", b"")),
    st.builds(lambda: lambda written: b"[" * 60_000),
    st.builds(lambda: lambda written: written * 200),
)


@settings(max_examples=60, deadline=None)
@given(damage=damage, mode=st.sampled_from([0o600, 0o600, 0o600, 0o644, 0o000, 0o400]))
def test_whatever_stands_in_an_entry_the_keys_are_the_sources_own(damage, mode):
    with tempfile.TemporaryDirectory() as home:
        world = World(Path(home) / "cache")
        fetched = world.cached().retrieve()
        (path,) = world.entries()
        written = path.read_bytes()
        path.write_bytes(damage(written))
        path.chmod(mode)
        untouched = path.read_bytes() == written and not mode & 0o077 and (mode or os.geteuid() == 0)
        second = world.cached()
        assert second.retrieve() == fetched
        assert calls(second) == (0 if untouched else 1)


class TwoProcesses(RuleBasedStateMachine):
    """Several processes, two identities, one folder: what each one gets is a set that its own source issued and that lives."""

    processes = Bundle("processes")

    def __init__(self) -> None:
        super().__init__()
        self.home = tempfile.TemporaryDirectory()
        self.world = World(Path(self.home.name) / "cache")
        self.made: list[DiskCache] = []
        self.rejected: set[str] = set()
        self.wrong: list[str] = []
        self.numbers = iter(range(1000, 9000))

    def teardown(self) -> None:
        self.home.cleanup()

    @initialize(target=processes)
    def first(self) -> DiskCache:
        return self._start("one")

    @rule(target=processes, label=st.sampled_from(["one", "two"]), lifetime=st.sampled_from([30.0, 900.0, 1800.0, HOUR]))
    def start(self, label: str, lifetime: float) -> DiskCache:
        return self._start(label, lifetime)

    def _start(self, label: str, lifetime: float = HOUR) -> DiskCache:
        cache = self.world.cached(label, lifetime=lifetime, prefix=f"ASIA{next(self.numbers)}")
        self.made.append(cache)
        return cache

    @rule(cache=processes)
    def retrieve(self, cache: DiskCache) -> None:
        asked = calls(cache)
        keys = cache.retrieve()
        self._check(cache, keys, asked=calls(cache) > asked)

    @rule(cache=processes)
    def retrieve_while_it_is_down(self, cache: DiskCache) -> None:
        cache.provider.errors.append(RetrievalError("down"))
        try:
            keys = cache.retrieve()
        except RetrievalError:
            return
        finally:
            cache.provider.errors.clear()
        self._check(cache, keys, asked=True)

    def _check(self, cache: DiskCache, keys: Credentials, *, asked: bool) -> None:
        now = self.world.clock.now
        if keys.source != cache.name:
            self.wrong.append(f"{cache.name} got the keys of {keys.source}")
        if keys.is_expired(now=now):
            self.wrong.append("expired")
        if not asked and keys.access_key_id in self.rejected:
            self.wrong.append("a rejected set came back")
        if not asked and keys.remaining(now) <= 16 * 60 and self._lifetime(keys) > 1800:
            self.wrong.append("too old for a hand-off")

    def _lifetime(self, keys: Credentials) -> float:
        return next(made.provider.lifetime for made in self.made if keys.access_key_id.startswith(made.provider.prefix))

    @rule(cache=processes)
    def reject(self, cache: DiskCache) -> None:
        key_id = cache.retrieve().access_key_id
        cache.invalidate(key_id)
        self.rejected.add(key_id)

    @rule(seconds=st.sampled_from([1.0, 61.0, 840.0, 960.0, 1800.0, 2640.0, 3601.0]))
    def wait(self, seconds: float) -> None:
        self.world.clock.now += seconds

    @rule(end=st.integers(0, 600))
    def cut(self, end: int) -> None:
        for path in self.world.entries():
            path.write_bytes(path.read_bytes()[:end])

    @rule()
    def exchange(self) -> None:
        entries = self.world.entries()
        contents = [path.read_bytes() for path in entries]
        for path, content in zip(entries, reversed(contents), strict=True):
            path.write_bytes(content)

    @rule()
    def lose_the_key(self) -> None:
        (self.world.folder / "bedrock-auth.key").unlink(missing_ok=True)

    @invariant()
    def nothing_was_wrong(self) -> None:
        assert self.wrong == []

    @invariant()
    def nothing_is_left_lying_around(self) -> None:
        if self.world.folder.exists():
            assert {path.suffix for path in self.world.folder.iterdir()} <= {".json", ".lock", ".key"}


TwoProcesses.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestTwoProcesses = TwoProcesses.TestCase
