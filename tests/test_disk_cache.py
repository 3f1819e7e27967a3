from __future__ import annotations

import logging
import os
import pickle
import stat
import threading
import time
from pathlib import Path
from typing import Any

import attrs
import filelock
import pytest

from bedrock_auth.contracts import Stability, is_shareable, traits
from bedrock_auth.credentials import Credentials
from bedrock_auth.disk_cache import DiskCache
from bedrock_auth.errors import (
    ChainError,
    ConfigurationError,
    CredentialError,
    CredentialsExpiredError,
    DeniedError,
    LoginRequiredError,
    NotConfiguredError,
    RetrievalError,
)
from bedrock_auth.host import Host
from bedrock_auth.policy import RefreshPolicy
from bedrock_auth.providers.assume_role import AssumeRole
from bedrock_auth.providers.chain import Chain
from bedrock_auth.providers.container import Container
from bedrock_auth.providers.environment import Environment
from bedrock_auth.providers.from_callable import FromCallable
from bedrock_auth.providers.static import Static
from bedrock_auth.refresh import Refresher
from providers import test_assume_role as of_roles
from providers.conformance import leaks
from providers.stub import StsStub
from support.cached import HOUR, SECRET, TOKEN, Counted, World, calls

MINUTE = 60.0


@pytest.fixture
def world(tmp_path):
    return World(tmp_path / "cache")


@pytest.fixture
def sts():
    with StsStub() as stub:
        yield stub


class TestConformance(of_roles.TestConformance):
    @pytest.fixture(autouse=True)
    def _with_folder(self, tmp_path):
        self.folder = str(tmp_path / "cache")

    def make(self, **given):
        return DiskCache(super().make(**given))

    def working(self):
        return self.make(host=self.sts.host(BEDROCK_AUTH_CACHE_DIR=self.folder))

    def test_the_second_one_needs_no_call(self, caplog):
        first = self.working().retrieve()
        with caplog.at_level(logging.DEBUG):
            second = self.working().retrieve()
        assert first == second
        assert len(self.sts.received) == 1
        assert not leaks(caplog.text)


def recent(world: World) -> Path:
    (found,) = [path for path in world.entries() if "counted recent" in path.read_text()]
    return found


# -------------------------------------------------------------------- what is kept, and for how long


def test_another_process_uses_the_set_that_was_fetched_before(world):
    first, second = world.cached(), world.cached()
    fetched = first.retrieve()
    assert second.retrieve() == fetched
    assert (calls(first), calls(second)) == (1, 0)
    assert fetched.source == "counted one"
    assert (fetched.access_key_id, fetched.secret_access_key, fetched.session_token) == ("ASIAC4N4RYCACHED0001", SECRET, TOKEN)
    assert fetched.account_id == "123456789012"


def test_folder_and_files_are_closed_to_everybody_else(world):
    world.cached().retrieve()
    assert stat.S_IMODE(world.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in world.folder.iterdir()} == {0o600}
    assert {path.suffix for path in world.folder.iterdir()} == {".key", ".json", ".lock"}


@pytest.mark.parametrize(
    ("lifetime", "last_use", "first_refresh"),
    [
        (12 * HOUR, 12 * HOUR - 16 * MINUTE - 1, 12 * HOUR - 16 * MINUTE),
        (HOUR, 44 * MINUTE - 1, 44 * MINUTE),
        (31 * MINUTE, 15 * MINUTE - 1, 15 * MINUTE),
        (30 * MINUTE, 29 * MINUTE - 1, 29 * MINUTE),
        (15 * MINUTE, 14 * MINUTE - 1, 14 * MINUTE),
        (30, 19, 20),
    ],
)
def test_a_set_is_used_as_long_as_another_process_can_work_with_it(lifetime, last_use, first_refresh, world):
    first, second = world.cached(lifetime=lifetime), world.cached(lifetime=lifetime)
    first.retrieve()
    start = world.clock.now
    world.clock.now = start + last_use
    second.retrieve()
    assert calls(second) == 0
    world.clock.now = start + first_refresh
    second.retrieve()
    assert calls(second) == 1


def test_a_clock_that_was_set_back_makes_an_entry_useless(world):
    world.cached().retrieve()
    world.clock.now -= 2 * HOUR
    later = world.cached()
    later.retrieve()
    assert calls(later) == 1


@pytest.mark.parametrize(
    "settings",
    [{"lifetime": None}, {"token": None}, {"prefix": "AKIA"}],
    ids=["without an expiration", "without a session token", "long-lived"],
)
def test_what_must_not_lie_around_is_never_written(settings, world):
    cache = world.cached(**settings)
    cache.retrieve()
    cache.retrieve()
    assert calls(cache) == 2
    assert world.entries() == []


def test_a_failed_fetch_leaves_nothing_behind(world):
    cache = world.cached(errors=[RetrievalError("down")])
    with pytest.raises(RetrievalError):
        cache.retrieve()
    assert world.entries() == []
    cache.retrieve()
    assert len(world.entries()) == 1


def test_an_answer_that_has_expired_is_refused_and_never_written(world):
    with pytest.raises(CredentialsExpiredError):
        world.cached(lifetime=-1).retrieve()
    assert world.entries() == []


def test_what_is_older_than_any_keys_is_swept_away(world):
    world.cached("old").retrieve()
    world.cached("recent").retrieve()
    for path in world.folder.iterdir():
        days = 1 if path == recent(world) else 3
        os.utime(path, (time.time() - days * 24 * HOUR,) * 2)
    world.cached("new").retrieve()
    assert sorted("old" in path.read_text() for path in world.entries()) == [False, False]
    assert (world.folder / "bedrock-auth.key").exists()


# -------------------------------------------------------------------- when the source fails


@pytest.mark.parametrize(
    "error",
    [RetrievalError("down"), NotConfiguredError("gone"), CredentialsExpiredError("late"), ChainError("none"), OSError("odd")],
    ids=lambda error: type(error).__name__,
)
def test_a_set_near_its_end_is_used_while_its_source_is_failing(error, world, caplog):
    fetched = world.cached().retrieve()
    world.clock.now += 50 * MINUTE
    assert world.cached(errors=[error]).retrieve() == fetched
    assert "counted one is failing" in caplog.text


@pytest.mark.parametrize(
    "error",
    [DeniedError("no"), LoginRequiredError("log in", command="aws sso login"), ConfigurationError("wrong")],
    ids=lambda error: type(error).__name__,
)
def test_a_refusal_is_raised_although_there_is_a_set(error, world):
    world.cached().retrieve()
    world.clock.now += 50 * MINUTE
    with pytest.raises(type(error)):
        world.cached(errors=[error]).retrieve()


@pytest.mark.parametrize("stability", Stability)
def test_an_expired_set_is_never_used(stability, world):
    world.cached().retrieve()
    world.clock.now += HOUR
    with pytest.raises(RetrievalError):
        world.cached(errors=[RetrievalError("down")], stability=stability).retrieve()


def test_an_exception_of_another_kind_becomes_ours(world):
    with pytest.raises(RetrievalError, match="counted one failed with ZeroDivisionError"):
        world.cached(errors=[ZeroDivisionError("x")]).retrieve()


# -------------------------------------------------------------------- invalidate


def test_a_rejected_set_is_dropped_and_the_source_told(world):
    first, second = world.cached(), world.cached()
    key_id = first.retrieve().access_key_id
    second.invalidate(key_id)
    assert second.provider.rejected == [key_id]
    assert world.entries() == []
    second.retrieve()
    assert calls(second) == 1


def test_another_key_drops_nothing(world):
    cache = world.cached()
    cache.retrieve()
    cache.invalidate("ASIASOMEBODYELSES000")
    assert len(world.entries()) == 1
    assert cache.provider.rejected == ["ASIASOMEBODYELSES000"]


def test_a_source_that_wants_to_hear_nothing_is_left_alone(world):
    DiskCache(Environment(host=world.host())).invalidate("ASIASOMEBODYELSES000")


def test_nothing_is_dropped_while_another_process_is_replacing_it(world, monkeypatch):
    monkeypatch.setattr("bedrock_auth.disk_cache._SHORT_WAIT", 0.05)
    cache = world.cached()
    key_id = cache.retrieve().access_key_id
    with filelock.FileLock(world.entries()[0].with_suffix(".lock")):
        cache.invalidate(key_id)
    assert len(world.entries()) == 1


# -------------------------------------------------------------------- the lock


def test_a_lock_that_is_never_let_go_delays_but_does_not_block(world, monkeypatch, caplog):
    monkeypatch.setattr("bedrock_auth.disk_cache.LOCK_WAIT", 0.1)
    world.cached().retrieve()
    world.clock.now += HOUR
    with filelock.FileLock(world.entries()[0].with_suffix(".lock")):
        late = world.cached()
        late.retrieve()
    assert calls(late) == 1
    assert "another process has been fetching its credentials for 0.1 seconds" in caplog.text


def test_whoever_waited_takes_what_the_other_one_fetched(world):
    slow = threading.Event()

    @attrs.frozen
    class Slow(Counted):
        def retrieve(self) -> Credentials:
            slow.set()
            time.sleep(0.3)
            return super().retrieve()

    def make() -> DiskCache:
        return DiskCache(Slow(host=world.host()), key="slow")

    first, second = make(), make()
    thread = threading.Thread(target=first.retrieve)
    thread.start()
    assert slow.wait(5)
    second.retrieve()
    thread.join(5)
    assert (calls(first), calls(second)) == (1, 0)


def test_a_lock_that_cannot_be_made_is_a_warning(world, caplog):
    world.cached().retrieve()
    (entry,) = world.entries()
    lock = entry.with_suffix(".lock")
    lock.unlink()
    lock.mkdir()
    world.clock.now += HOUR
    cache = world.cached()
    cache.retrieve()
    assert calls(cache) == 1
    assert "its credentials are not cached" in caplog.text


# -------------------------------------------------------------------- the switch


@pytest.mark.parametrize("value", ["off", "OFF", " 0 ", "false", "no"])
def test_one_variable_turns_it_off(value, world):
    cache = world.cached(host=world.host(BEDROCK_AUTH_CACHE=value))
    cache.retrieve()
    cache.retrieve()
    cache.invalidate("ASIASOMEBODYELSES000")
    assert calls(cache) == 2
    assert not world.folder.exists()


@pytest.mark.parametrize("value", ["", "on", "1", "yes"])
def test_anything_else_leaves_it_on(value, world):
    cache = world.cached(host=world.host(BEDROCK_AUTH_CACHE=value))
    cache.retrieve()
    assert len(world.entries()) == 1


@pytest.mark.parametrize("environ", [{}, {"BEDROCK_AUTH_CACHE_DIR": "relative/path"}, {"BEDROCK_AUTH_CACHE_DIR": "/\0"}])
def test_without_a_folder_nothing_is_kept(environ):
    cache = DiskCache(Counted(host=Host.isolated(environ)))
    cache.retrieve()
    cache.retrieve()
    assert calls(cache) == 2


def test_a_folder_that_is_no_absolute_path_is_said_so_once(world, caplog):
    world.environ = {"BEDROCK_AUTH_CACHE_DIR": "relative"}
    cache = world.cached()
    cache.retrieve()
    cache.retrieve()
    assert caplog.text.count("BEDROCK_AUTH_CACHE_DIR must be an absolute path") == 1


def test_the_folder_is_in_the_users_cache_folder(tmp_path):
    DiskCache(Counted(host=Host.isolated({"HOME": str(tmp_path)}))).retrieve()
    DiskCache(Counted(host=Host.isolated({"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "xdg")}))).retrieve()
    DiskCache(Counted(host=Host.isolated({"HOME": str(tmp_path), "BEDROCK_AUTH_CACHE_DIR": "~/mine/"}))).retrieve()
    for folder in (".cache/bedrock-auth", "xdg/bedrock-auth", "mine"):
        assert len(list((tmp_path / folder).glob("*.json"))) == 1


# -------------------------------------------------------------------- as a part of something


def test_it_says_about_itself_what_its_provider_says(world):
    role = DiskCache(AssumeRole("arn:aws:iam::123456789012:role/R", source=Static("A" * 20, "s"), region_name="eu-west-1"))
    assert traits(role).stability is Stability.STABLE
    assert traits(role).timeout == 31 + traits(role.provider).timeout
    assert DiskCache(Counted(stability=Stability.STRICT)).stability is Stability.STRICT
    assert DiskCache(Container(host=world.host())).stability is Stability.STABLE


def test_it_may_be_shared_where_its_provider_may():
    assert is_shareable(DiskCache(Container()))
    assert is_shareable(DiskCache(Container(), key="mine"))
    assert not is_shareable(DiskCache(Container(host=Host.isolated())))
    assert not is_shareable(DiskCache(Static("A" * 20, "s")))
    assert not is_shareable(DiskCache(FromCallable(dict), key="mine"))


def test_inside_a_chain(world):
    first = Chain(Environment(host=world.host()), world.cached(), host=world.host())
    second = Chain(Environment(host=world.host()), cache := world.cached(), host=world.host())
    assert first.retrieve() == second.retrieve()
    assert calls(cache) == 0
    second.invalidate("ASIAC4N4RYCACHED0001")
    assert world.entries() == []


def chain_of(host: Host, *links: Any) -> DiskCache:
    return DiskCache(Chain(Environment(host=host), *links, host=host))


def test_around_a_chain(world):
    first, second = Counted(host=world.host()), Counted(host=world.host())
    cache = chain_of(world.host(), first)
    assert cache.retrieve() == cache.retrieve() == chain_of(world.host(), second).retrieve()
    assert (len(first.calls), len(second.calls)) == (1, 0)


def test_a_chain_with_nothing_set_up_says_so(world):
    with pytest.raises(ChainError) as caught:
        chain_of(world.host()).retrieve()
    assert [name for name, _ in caught.value.attempts] == ["environment"]


def test_what_a_settled_chain_gives_is_not_kept_for_a_fresh_one_that_would_find_another_source(world):
    environ: dict[str, str] = {"BEDROCK_AUTH_CACHE_DIR": str(world.folder)}
    host = Host.isolated(environ, clock=world.clock)
    settled = chain_of(host, source := Counted(host=host))
    settled.retrieve()
    environ |= {
        "AWS_ACCESS_KEY_ID": "ASIAOFTHEENVIRONMENT",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_SESSION_TOKEN": "t",
        "AWS_CREDENTIAL_EXPIRATION": "2999-01-01T00:00:00Z",
    }
    assert settled.retrieve().source == "counted one"
    assert len(source.calls) == 2
    fresh = Host.isolated(environ, clock=world.clock)
    assert chain_of(fresh, Counted(host=fresh)).retrieve().access_key_id == "ASIAOFTHEENVIRONMENT"


@attrs.frozen
class WhileAsked:
    """Another source, and something that happens while it is asked."""

    source: Environment
    happens: Any = attrs.field(eq=False, repr=False)
    name = "slow"

    @property
    def host(self) -> Host:
        return self.source.host

    def retrieve(self) -> Credentials:
        self.happens()
        return self.source.retrieve()


def test_what_was_fetched_while_the_identity_changed_is_not_kept(world):
    environ = {
        "BEDROCK_AUTH_CACHE_DIR": str(world.folder),
        "AWS_ACCESS_KEY_ID": "ASIAOFTHEENVIRONMENT",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_SESSION_TOKEN": "t",
        "AWS_CREDENTIAL_EXPIRATION": "2999-01-01T00:00:00Z",
    }
    source = Environment(host=Host.isolated(environ, clock=world.clock))
    DiskCache(WhileAsked(source, lambda: environ.update(AWS_ACCESS_KEY_ID="ASIASOMEBODYELSE0000"))).retrieve()
    assert world.entries() == []
    DiskCache(WhileAsked(source, lambda: None)).retrieve()
    assert len(world.entries()) == 1


def test_a_refresher_over_it_asks_as_often_as_over_the_source_alone(world):
    cache = world.cached()
    refresher = Refresher(cache, RefreshPolicy(advisory_refresh="inline"), world.host())
    for _ in range(12 * 60):
        assert not refresher.current().is_expired(now=world.clock.now)
        world.clock.now += 60
    alone = Refresher(source := Counted(host=world.host()), RefreshPolicy(advisory_refresh="inline"), world.host())
    for _ in range(12 * 60):
        alone.current()
        world.clock.now += 60
    assert calls(cache) <= len(source.calls) + 1


def test_a_refresher_over_it_replaces_a_rejected_set(world):
    refresher = Refresher(cache := world.cached(), host=world.host())
    rejected = refresher.current()
    refresher.invalidate(rejected.access_key_id)
    assert refresher.current() != rejected
    assert calls(cache) == 2


def test_two_of_them_one_in_the_other(world):
    inner = Counted(host=world.host())
    assert DiskCache(DiskCache(inner)).retrieve() == DiskCache(DiskCache(inner)).retrieve()
    assert len(inner.calls) == 1


def test_threads_of_one_process_share_a_fetch_too(world):
    cache = world.cached()
    threads = [threading.Thread(target=cache.retrieve) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert calls(cache) == 1


# -------------------------------------------------------------------- settings


@pytest.mark.parametrize("value", [None, 7, Static, object()])
def test_a_provider_must_be_one(value):
    with pytest.raises(ConfigurationError, match="disk-cache: provider must be a credential provider or a function") as caught:
        DiskCache(value)
    assert caught.value.setting == "provider"


@pytest.mark.parametrize("key", ["", " ", 7])
def test_a_key_must_be_a_text(key):
    with pytest.raises(ConfigurationError, match="disk-cache: key must be a text"):
        DiskCache(Environment(), key)


def keys_of_somebody() -> dict[str, str]:
    return {
        "AccessKeyId": "ASIAOFSOMEFUNCTION00",
        "SecretAccessKey": "s",
        "SessionToken": "t",
        "Expiration": "2999-01-01T00:00:00Z",
    }


def test_a_function_needs_a_key_that_says_whose_keys_it_gives(world):
    with pytest.raises(ConfigurationError, match="disk-cache: a function is part of it, .* pass key='…'") as caught:
        DiskCache(keys_of_somebody)
    assert caught.value.setting == "key"
    assert pickle.loads(pickle.dumps(DiskCache(keys_of_somebody, "team a"))) == DiskCache(keys_of_somebody, "team a")
    DiskCache(FromCallable(keys_of_somebody, host=world.host()), key="team a").retrieve()
    DiskCache(FromCallable(keys_of_somebody, host=world.host()), key="team b").retrieve()
    assert len(world.entries()) == 2


def test_a_key_is_never_shown():
    assert "team a" not in repr(DiskCache(keys_of_somebody, "team a"))


def test_no_secret_is_in_any_message(world, caplog):
    with caplog.at_level(logging.DEBUG):
        cache = world.cached()
        cache.retrieve()
        for path in world.folder.iterdir():
            path.chmod(0o644)
        cache.retrieve()
        world.folder.chmod(0o755)
        cache.retrieve()
        with pytest.raises(CredentialError) as caught:
            world.cached(errors=[RetrievalError("down")], lifetime=1).retrieve()
    assert not leaks(f"{caplog.text} {cache!r} {cache.name} {caught.value} {cache.entry()!r}")
