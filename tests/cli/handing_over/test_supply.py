"""The keys that other processes are given."""

from __future__ import annotations

import pytest
from attrs import evolve

from bedrock_auth import ConfigurationError, Credentials, CredentialsExpiredError, DeniedError, RetrievalError
from bedrock_auth.cli.handing_over.supply import Supply, container_answer, permitted
from bedrock_auth.contracts import Stability
from support.worlds import START, Clock, Source, fails, world

LONG_LIVED = Credentials("AKIATESTTESTTEST0001", "secret", source="static keys")


class Asking(Source):
    interactive = True


def supply_of(clock, *behaviours, kind=Source, **options):
    source = kind(clock, stability=options.pop("stability", Stability.STRICT))
    source.behaviours = [source.gives(3600), *behaviours]
    source.host = world(clock)
    return source, Supply(source, **options)


def test_the_first_fetch_raises_what_the_source_does():
    source = Source(Clock(), fails(DeniedError("no")))
    with pytest.raises(DeniedError, match="no"):
        Supply(source).first()


def test_keys_that_never_expire_are_handed_out_only_where_that_was_allowed():
    with pytest.raises(ConfigurationError, match="static keys gives keys that never expire.*--allow-long-lived") as refused:
        permitted(LONG_LIVED, allow_long_lived=False)
    assert "secret" not in str(refused.value)
    assert permitted(LONG_LIVED, allow_long_lived=True) is LONG_LIVED
    temporary = evolve(LONG_LIVED, session_token="token")
    assert permitted(temporary, allow_long_lived=False) is temporary


def test_a_source_that_turns_to_long_lived_keys_later_is_refused_then():
    clock = Clock()
    source, supply = supply_of(clock)
    supply.first()
    source.behaviours = [lambda: LONG_LIVED]
    clock.now += 3000
    with pytest.raises(ConfigurationError, match="--allow-long-lived"):
        supply.current()


def test_an_answer_has_all_that_every_sdk_wants():
    full = Credentials("ASIATESTTESTTEST0001", "secret", "token", account_id="123456789012")
    assert container_answer(full, START) == {
        "AccessKeyId": "ASIATESTTESTTEST0001",
        "SecretAccessKey": "secret",
        "Token": "token",
        "Expiration": "2027-01-15T09:00:00Z",
        "AccountId": "123456789012",
    }
    assert container_answer(LONG_LIVED, START)["Token"] == ""


def test_a_stable_source_that_is_down_hands_out_nothing_past_expiry():
    clock = Clock()
    _, supply = supply_of(clock, fails(RetrievalError("down")), stability=Stability.STABLE)
    supply.first()
    clock.now += 3601
    with pytest.raises(CredentialsExpiredError):
        supply.current()


@pytest.mark.parametrize(("verbose", "told"), [(False, 1), (True, 2)])
def test_failures_are_told_when_nothing_is_left_or_when_asked_for(verbose, told):
    clock, said = Clock(), []
    _, supply = supply_of(clock, fails(RetrievalError("sts is down")), say=said.append, verbose=verbose)
    supply.first()
    clock.now += 2700
    assert supply.current().secret_access_key == "secret-1"
    clock.now += 900
    with pytest.raises(RetrievalError):
        supply.current()
    assert said == ["sts is down"] * told


def test_a_person_is_asked_once_and_the_keys_serve_to_their_end():
    clock = Clock()
    source = Asking(clock)
    source.behaviours, source.host = [source.gives(3600)], world(clock)
    supply = Supply(source)
    supply.first()
    clock.now += 3599
    assert supply.current().secret_access_key == "secret-1"
    clock.now += 2
    with pytest.raises(RetrievalError, match="would have to ask for a code again"):
        supply.current()
    assert source.calls == 1
