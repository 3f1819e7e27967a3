from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import ClassVar

import attrs
import pytest

from bedrock_auth.audit import Listeners, LogListener, Skipped
from bedrock_auth.contracts import Stability, traits
from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import (
    ChainError,
    ConfigurationError,
    CredentialsExpiredError,
    DeniedError,
    NotConfiguredError,
    RetrievalError,
)
from bedrock_auth.host import Host
from bedrock_auth.providers.chain import Chain
from bedrock_auth.providers.cognito import CognitoGuest
from bedrock_auth.providers.environment import Environment
from bedrock_auth.providers.from_callable import FromCallable
from bedrock_auth.providers.static import Static
from bedrock_auth.refresh import Refresher
from providers.conformance import KEYS, SECRET, SITUATIONS, TOKEN, Conformance, leaks
from support.worlds import Clock, world


@attrs.frozen
class Link:
    """A source that does what it is told, and counts."""

    name: str
    error: Exception | None = attrs.field(default=None, eq=repr)
    calls: list[str] = attrs.field(factory=list, eq=False, repr=False)
    stability: Stability = Stability.STRICT
    timeout: float = 1.0
    interactive: bool = False
    region_name: str | None = None
    rejected: list[str] = attrs.field(factory=list, eq=False, repr=False)

    def retrieve(self) -> Credentials:
        self.calls.append(self.name)
        if self.error is not None:
            raise self.error
        return attrs.evolve(KEYS, source=self.name)

    def invalidate(self, access_key_id: str) -> None:
        self.rejected.append(access_key_id)


def absent(name: str) -> Link:
    return Link(name, NotConfiguredError(f"{name}: nothing is set", provider=name))


def chain(*links, host: Host | None = None) -> Chain:
    return Chain(*links, host=host or Host.isolated())


class TestConformance(Conformance):
    kind = "chain"
    exempt: ClassVar = dict.fromkeys(SITUATIONS, "what a link raises passes unchanged, with the link's name: see below")

    def make(self, **settings):
        return Chain(Environment(host=Host.system()), Static(KEYS.access_key_id, SECRET, TOKEN), **settings)

    def other(self):
        return Chain(Static(KEYS.access_key_id, SECRET, TOKEN))

    def test_it_delivers_keys_that_bear_its_name(self, caplog):
        """A chain's keys bear the name of its winner."""
        with caplog.at_level(logging.DEBUG):
            keys = self.make(host=Host.isolated()).retrieve()
        assert (keys.access_key_id, keys.secret_access_key, keys.session_token) == self.expected()
        assert keys.source == "static …0001"
        assert not leaks(caplog.text)


# -------------------------------------------------------------------- who is asked


def test_the_first_that_is_set_up_wins():
    one, two, three = absent("one"), Link("two"), Link("three")
    assert chain(one, two, three).retrieve().source == "two"
    assert (len(one.calls), len(two.calls), len(three.calls)) == (1, 1, 0)


@pytest.mark.parametrize(
    "error",
    [
        ConfigurationError("half a pair"),
        DeniedError("refused"),
        RetrievalError("the network is down"),
        CredentialsExpiredError("old"),
        KeyError("a foreign error"),
    ],
)
def test_only_not_configured_lets_it_go_on(error):
    last = Link("last")
    with pytest.raises(type(error) if not isinstance(error, KeyError) else RetrievalError, match="broken"):
        chain(absent("one"), Link("broken", error), last).retrieve()
    assert last.calls == []


def test_the_winner_stays_even_when_an_earlier_source_appears():
    host = Host.isolated()
    world_of_one: dict[str, str] = {}
    one, two = Environment(host=Host.isolated(world_of_one)), Link("two")
    found = chain(one, two, host=host)
    assert found.winner is None
    assert found.retrieve().source == "two"
    world_of_one.update(AWS_ACCESS_KEY_ID="AKIASOMEBODYELSE0000", AWS_SECRET_ACCESS_KEY="x")
    assert found.winner is two
    assert found.retrieve().source == "two"


def test_it_never_falls_back_to_another_identity():
    host = Host.isolated()
    error: list[Exception] = []

    class Moody(Link):
        def retrieve(self) -> Credentials:
            if error:
                raise error[0]
            return super().retrieve()

    last = Link("last")
    found = chain(Moody("first"), last, host=host)
    found.retrieve()
    for wrong in (NotConfiguredError("gone"), RetrievalError("down"), DeniedError("no")):
        error[:] = [wrong]
        with pytest.raises(DeniedError if isinstance(wrong, DeniedError) else RetrievalError, match="first"):
            found.retrieve()
    assert last.calls == []


def test_equal_chains_share_their_winner_in_one_host(monkeypatch):
    links = (Environment(), CognitoGuest("us-east-1:0"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE00")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    host = Host.isolated()
    chain(*links, host=host).retrieve()
    assert chain(*links, host=host).winner == Environment()
    assert chain(*links).winner is None


@pytest.mark.parametrize("secret", [Static("AKIAEXAMPLEEXAMPLE00", "s"), FromCallable(lambda: KEYS), Link("a user's own")])
def test_a_chain_with_a_secret_leaves_nothing_in_the_hosts_memory(secret):
    host = Host.isolated()
    one = chain(absent("one"), secret, host=host)
    one.retrieve()
    assert one.winner == secret
    assert chain(absent("one"), secret, host=host).winner is None
    assert not host._memory


def test_sources_and_functions_are_links_too():
    assert chain(Refresher(Static("AKIAEXAMPLEEXAMPLE00", "s"))).retrieve().access_key_id == "AKIAEXAMPLEEXAMPLE00"
    assert chain(lambda: KEYS).retrieve().access_key_id == KEYS.access_key_id


@pytest.mark.parametrize(("links", "problem"), [((), "is empty"), ((Static,), "the class Static"), ((5,), "holds int")])
def test_a_chain_of_something_else_is_refused(links, problem):
    with pytest.raises(ConfigurationError, match=problem):
        Chain(*links)


# -------------------------------------------------------------------- what it tells


def test_a_failed_chain_tells_the_whole_story():
    with pytest.raises(ChainError) as caught:
        chain(absent("one"), chain(absent("two"), absent("three"))).retrieve()
    error = caught.value
    assert [name for name, _ in error.attempts] == ["one", "two", "three"]
    assert all(isinstance(why, NotConfiguredError) for _, why in error.attempts)
    assert str(error).splitlines() == [
        "no source of credentials is set up here; set up one of them:",
        "- one: nothing is set",
        "- two: nothing is set",
        "- three: nothing is set",
    ]


def test_skipped_sources_are_told_to_the_sessions_listeners(caplog):
    heard = []
    refresher = Refresher(chain(absent("one"), Link("two")))
    listener = Listeners((heard.append, LogListener()))
    refresher.subscribe(listener)
    with caplog.at_level(logging.DEBUG, "bedrock_auth.audit"):
        refresher.current()
    assert isinstance(heard[0], Skipped)
    assert (heard[0].provider, heard[0].reason) == ("one", "one: nothing is set")
    assert "Skipped provider=one" in caplog.text


def test_outside_a_refresher_nobody_is_told_and_nothing_breaks():
    assert chain(absent("one"), Link("two")).retrieve()


# -------------------------------------------------------------------- its traits


def test_it_has_the_traits_of_its_winner():
    found = chain(
        Link("one", NotConfiguredError("one: not here"), timeout=5.0, interactive=True, region_name="eu-west-1"),
        Link("two", stability=Stability.STABLE, timeout=7.0, region_name="eu-west-2"),
    )
    before = traits(found)
    assert (before.stability, before.timeout, before.interactive, before.region_name) == (
        Stability.STRICT,
        12.0,
        True,
        "eu-west-1",
    )
    found.retrieve()
    after = traits(found)
    assert (after.stability, after.timeout, after.interactive, after.region_name) == (Stability.STABLE, 7.0, False, "eu-west-2")


def test_the_engine_serves_a_stable_winners_keys_past_their_expiry():
    clock = Clock()
    expiration = datetime.fromtimestamp(clock.now + 3600, UTC)
    answers: list[object] = [attrs.evolve(KEYS, expiration=expiration, source="w")]

    class Winner(Link):
        def retrieve(self) -> Credentials:
            if not answers:
                raise RetrievalError("w: down")
            return answers.pop()

    refresher = Refresher(chain(Winner("w", stability=Stability.STABLE), host=world(clock)), host=world(clock))
    first = refresher.current()
    clock.now += 3700
    assert refresher.current() is first


def test_invalidate_reaches_the_winner():
    one, two = absent("one"), Link("two")
    found = chain(one, two)
    found.invalidate("AKIAX")
    found.retrieve()
    found.invalidate("AKIAX")
    assert (one.rejected, two.rejected) == ([], ["AKIAX"])


def test_a_link_without_a_hash_does_no_harm():
    class Odd(Link):
        __hash__ = None

    found = chain(absent("one"), Odd("odd"))
    assert found.retrieve().source == "odd"
    assert found.winner.name == "odd"
