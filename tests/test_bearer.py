"""Bedrock API keys: AWS's own form, never longer-lived than allowed, current at every call, and never shown."""

from __future__ import annotations

import asyncio
import base64
import copy
import logging
import pickle
import threading
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from aws_bedrock_token_generator import provide_token
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import assume, given, settings, strategies as st

from bedrock_auth.api_key import LONGEST_LIFETIME, BearerToken, access_key_id_in, make_key
from bedrock_auth.bearer import bearer_token
from bedrock_auth.contracts import Stability
from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import ConfigurationError, CredentialsExpiredError, MissingIdentityError, RetrievalError
from bedrock_auth.policy import RefreshPolicy
from bedrock_auth.providers.assume_role import AssumeRole
from bedrock_auth.providers.expected_account import ExpectedAccount
from bedrock_auth.providers.static import Static
from bedrock_auth.refresh import Refresher
from bedrock_auth.scope import RequestScope
from bedrock_auth.settings import Settings
from bedrock_auth.testing.api_keys import verify_api_key
from bedrock_auth.testing.verify import HttpRequest
from support.worlds import START, Clock, Source, fails, world

KEY, SECRET = "ASIAOURSOURSOURSOUR0", "c4n4ry/secret+key"
SESSION_TOKEN = "FwoGZXIvYXdzEJr//c4n4ry+session=="
HOUR = 3600.0
REGIONS = ["us-east-1", "eu-central-1", "ap-southeast-3", "us-gov-west-1", "cn-north-1", "eusc-de-east-1"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


def said(text: str) -> dict[str, str]:
    """The parameters of the presigned request in a key."""
    url = base64.b64decode(text.removeprefix("bedrock-api-key-")).decode()
    return {name: values[0] for name, values in parse_qs(url.partition("?")[2]).items()}


def date_of(text: str) -> float:
    return datetime.strptime(said(text)["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def refreshed(clock: Clock, *behaviours, stability=Stability.STRICT) -> Refresher:
    source = Source(clock, stability=stability)
    source.behaviours = list(behaviours) or [source.gives(HOUR)]
    return Refresher(source, host=world(clock))


# -------------------------------------------------------------------- the key itself


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("session_token", [None, SESSION_TOKEN], ids=["long-term", "session"])
@pytest.mark.parametrize("lifetime", [1, 900, LONGEST_LIFETIME])
def test_a_key_is_exactly_what_awss_own_generator_makes(region, session_token, lifetime):
    class Theirs:
        def load(self) -> BotocoreCredentials:
            return BotocoreCredentials(KEY, SECRET, session_token)

    theirs = provide_token(region, Theirs(), timedelta(seconds=lifetime))
    ours = make_key(Credentials(KEY, SECRET, session_token), region, lifetime, date_of(theirs) + 0.5)
    assert ours.text == theirs


lifetimes = st.integers(1, LONGEST_LIFETIME)


@settings(max_examples=150)
@given(lifetime=lifetimes, left=st.floats(-100, 2 * LONGEST_LIFETIME), offset=st.floats(0, 0.999))
def test_a_key_lives_as_long_as_it_may_and_no_longer(lifetime, left, offset):
    now = START + offset
    credentials = Credentials(KEY, SECRET, SESSION_TOKEN, datetime.fromtimestamp(now + left, UTC))
    end = credentials.expiration.timestamp()
    if end - int(now) < 1:
        with pytest.raises(CredentialsExpiredError, match="no Bedrock API key is made of expired ones"):
            make_key(credentials, "us-east-1", lifetime, now)
        return
    key = make_key(credentials, "us-east-1", lifetime, now)
    assert key.expiration.timestamp() == date_of(key.text) + int(said(key.text)["X-Amz-Expires"])
    assert key.expiration.timestamp() <= min(now + lifetime, end)
    assert key.expiration.timestamp() > min(now + lifetime, end) - 2, "nothing but fractions of seconds is given away"


def test_a_key_tells_which_credentials_it_was_made_of_and_nothing_else_does(clock):
    key = make_key(Credentials(KEY, SECRET), "us-east-1", 900, clock.now)
    assert access_key_id_in(key.text) == key.access_key_id == KEY
    for other in (
        "",
        "ABSKQmVkcm9ja0FQSUtleQ==",
        "bedrock-api-key-",
        "bedrock-api-key-%%%",
        "bedrock-api-key-Zm9v",
        "bedrock-api-key-/w==",
    ):
        assert access_key_id_in(other) is None


# -------------------------------------------------------------------- current at every call


def test_the_same_key_is_handed_out_until_half_of_its_lifetime_is_over(clock):
    token = BearerToken(refreshed(clock, lambda: Credentials(KEY, SECRET)), "us-east-1", 1000)
    first = token()
    clock.now += 499
    assert token() is first
    assert token.expiration == datetime.fromtimestamp(START + 1000, UTC)
    clock.now += 1
    assert token() != first
    assert token.expiration == datetime.fromtimestamp(START + 1500, UTC)


def test_a_key_that_ends_with_its_credentials_is_not_made_again_for_nothing(clock):
    token = BearerToken(refreshed(clock), "us-east-1", 2 * HOUR)
    first = token()
    clock.now += HOUR / 2
    assert token() is first


def test_new_credentials_are_a_new_key_at_once(clock):
    source = refreshed(clock)
    token = BearerToken(source, "us-east-1")
    first = token.key()
    source.invalidate(first.access_key_id)
    second = token.key()
    assert access_key_id_in(second.text) == second.access_key_id != first.access_key_id


def test_a_clock_that_was_set_back_is_a_new_key(clock):
    """AWS refuses a key of the future."""
    token = BearerToken(refreshed(clock, lambda: Credentials(KEY, SECRET)), "us-east-1")
    token()
    clock.now -= 7200
    assert date_of(token()) == clock.now


def test_a_source_that_makes_equal_sets_of_new_objects_makes_one_key(clock):
    class Fresh:
        host = world(clock)

        def current(self) -> Credentials:
            return Credentials(KEY, SECRET, SESSION_TOKEN)

        def invalidate(self, access_key_id: str) -> None:
            pass

    token = BearerToken(Fresh(), "us-east-1")
    assert token() is token()


def test_no_key_is_made_of_the_expired_set_that_a_stable_source_goes_on_serving(clock):
    source = Source(clock, stability=Stability.STABLE)
    source.behaviours = [source.gives(HOUR), fails(RetrievalError("down"))]
    token = BearerToken(Refresher(source, host=world(clock)), "us-east-1")
    token()
    clock.now += HOUR + 1
    assert token.source.current().is_expired(now=clock.now), "it is served"
    with pytest.raises(CredentialsExpiredError, match="the scripted source has only keys that were valid until"):
        token()


def test_a_failing_source_is_heard_as_what_it_is(clock):
    token = BearerToken(refreshed(clock, fails(RetrievalError("the vault is closed"))), "us-east-1")
    with pytest.raises(RetrievalError, match="the vault is closed"):
        token()


@settings(max_examples=60)
@given(
    lifetime=lifetimes,
    lived=st.integers(901, 50_000),
    steps=st.lists(st.floats(0, 20_000), min_size=1, max_size=12),
)
def test_whenever_it_is_asked_the_key_is_alive_and_of_the_current_set(lifetime, lived, steps):
    clock = Clock()
    source = Source(clock)
    source.behaviours = [source.gives(lived)]
    token = BearerToken(Refresher(source, RefreshPolicy(advisory_refresh="inline"), world(clock)), "us-east-1", lifetime)
    for step in steps:
        clock.now += step
        key, current = token.key(), token.source.current()
        left = key.expiration.timestamp() - clock.now
        assert 0 < left <= lifetime
        assert left >= min(lifetime / 2, current.remaining(clock.now)) - 1
        assert key.expiration <= current.expiration
        assert key.access_key_id == current.access_key_id


def test_threads_never_get_a_mixture_of_two_sets(clock):
    source = refreshed(clock)
    token, stop, seen = BearerToken(source, "us-east-1"), threading.Event(), set()
    deadline = time.monotonic() + 60

    def read() -> None:
        while not stop.is_set():
            seen.add(token())

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    while len(seen) < 20 and time.monotonic() < deadline:
        source.invalidate(source.current().access_key_id)
        source.current()
        time.sleep(0.001)  # the readers' turn
    stop.set()
    for reader in readers:
        reader.join(10)

    def find(key_id: str) -> Credentials:
        return Credentials(key_id, f"secret-{int(key_id.removeprefix('ASIATESTTESTTEST'))}", "token")

    assert len(seen) >= 20
    for text in seen:
        verify_api_key(HttpRequest("GET", "/foundation-models", {"authorization": f"Bearer {text}"}, b""), find, now=clock.now)


# -------------------------------------------------------------------- asyncio


def test_a_loop_goes_on_while_credentials_are_fetched(clock):
    fetched = threading.Event()

    def slowly() -> Credentials:
        assert fetched.wait(10)
        return Credentials(KEY, SECRET)

    async def main(token: BearerToken) -> str:
        waiting = asyncio.create_task(token.acurrent())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        fetched.set()
        return await waiting

    token = BearerToken(refreshed(clock, slowly), "us-east-1")
    assert access_key_id_in(asyncio.run(main(token))) == KEY


def test_a_source_without_asyncio_is_asked_in_a_thread():
    class Plain:
        def current(self) -> Credentials:
            assert threading.current_thread() is not threading.main_thread()
            return Credentials(KEY, SECRET)

        def invalidate(self, access_key_id: str) -> None:
            pass

    assert access_key_id_in(asyncio.run(BearerToken(Plain(), "us-east-1").acurrent())) == KEY


# -------------------------------------------------------------------- secrets


def test_a_key_is_shown_nowhere(clock, caplog):
    with caplog.at_level(logging.DEBUG):
        token = BearerToken(refreshed(clock, lambda: Credentials(KEY, SECRET, SESSION_TOKEN)), "us-east-1")
        text = token()
    shown = f"{token} {token!r} {token.key()!r} {caplog.text}"
    assert repr(token) == "<BearerToken of the scripted source for us-east-1>"
    for secret in (text, text.removeprefix("bedrock-api-key-"), SECRET, SESSION_TOKEN, KEY):
        assert secret not in shown


def test_a_pickle_holds_no_key_and_makes_its_own():
    token = bearer_token(Static(KEY, SECRET), "eu-west-1", lifetime=600)
    text = token()
    pickled = pickle.dumps(token)
    assert text.encode() not in pickled
    again = pickle.loads(pickled)
    assert (again.region_name, again.lifetime, access_key_id_in(again())) == ("eu-west-1", 600, KEY)


def test_a_copy_of_a_clients_settings_has_the_same_token():
    token = bearer_token(Static(KEY, SECRET), "eu-west-1")
    assert copy.deepcopy({"api_key": token})["api_key"] is token


# -------------------------------------------------------------------- what bearer_token takes


def test_tokens_of_equal_providers_share_one_set_of_credentials():
    one, two = (bearer_token(Static(KEY, SECRET), region) for region in ("us-east-1", "eu-west-1"))
    assert one.source is two.source
    assert bearer_token(Static(KEY, SECRET), "us-east-1", policy=RefreshPolicy(advisory_window=60)).source is not one.source


def test_it_takes_a_source_a_function_and_settings(clock):
    source = refreshed(clock)
    assert bearer_token(source, "us-east-1").source is source
    assert access_key_id_in(bearer_token(lambda: {"AccessKeyId": KEY, "SecretAccessKey": SECRET}, "us-east-1")()) == KEY
    token = bearer_token(Settings(Static(KEY, SECRET), "ap-south-1", "test"))
    assert (token.region_name, access_key_id_in(token())) == ("ap-south-1", KEY)


def test_another_account_is_refused_before_a_key_is_made():
    guarded = bearer_token(Static(KEY, SECRET), "us-east-1", expected_account="123456789012").source
    assert isinstance(guarded.provider, ExpectedAccount)


def test_a_scope_is_refused_and_a_caller_of_it_is_not_once_it_is_closed():
    scope = RequestScope()
    with pytest.raises(ConfigurationError, match="the callers of a RequestScope differ"):
        bearer_token(scope, "us-east-1")
    caller = scope.bind(Static(KEY, SECRET))
    token = bearer_token(caller, "us-east-1")
    assert access_key_id_in(token()) == KEY
    caller.close()
    with pytest.raises(MissingIdentityError):
        token()


@pytest.mark.parametrize(("provider", "found"), [(None, "not None"), (Static, "the class Static"), ("default", "not str")])
def test_nothing_falls_back_silently(provider, found):
    with pytest.raises(ConfigurationError, match=found):
        bearer_token(provider, "us-east-1")


def test_the_region_comes_from_where_a_sessions_does(monkeypatch, tmp_path):
    hinted = AssumeRole("arn:aws:iam::123456789012:role/R", source=Static(KEY, SECRET), region_name="eu-north-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with pytest.raises(ConfigurationError, match="no region is set, and a Bedrock API key is valid in one only"):
        bearer_token(Static(KEY, SECRET))
    (tmp_path / "config").write_text("[default]\nregion = sa-east-1\n")
    assert bearer_token(Static(KEY, SECRET)).region_name == "sa-east-1"
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert bearer_token(Static(KEY, SECRET)).region_name == "us-west-2"
    assert bearer_token(hinted).region_name == "eu-north-1"
    assert bearer_token(hinted, "us-east-2").region_name == "us-east-2"


@pytest.mark.parametrize(
    "region",
    [
        "",
        " ",
        "us-east-1 ",
        "US-EAST-1",
        "fips-us-east-1",
        "us-east-1-fips",
        "aws-global",
        "local",
        "us-east-1/bedrock",
        "a&b",
        1,
        "us-east-1\n",
    ],
)
def test_what_is_no_region_is_refused(region):
    with pytest.raises(ConfigurationError, match="region_name must be an AWS region"):
        BearerToken(Refresher(Static(KEY, SECRET)), region)


@given(st.from_regex(r"\A[a-z]{2,4}-[a-z]{3,9}(-[a-z]{4,9})?-[1-9]\Z"))
@settings(max_examples=50)
def test_regions_that_are_not_there_yet_are_taken(region):
    assume(not region.startswith("fips-"))
    assert BearerToken(Refresher(Static(KEY, SECRET)), region).region_name == region


@pytest.mark.parametrize("lifetime", [0, -1, 0.5, 43_201, float("nan"), float("inf"), True, "3600", None, timedelta(hours=13)])
def test_a_lifetime_that_aws_does_not_give_is_refused(lifetime):
    with pytest.raises(ConfigurationError, match="lifetime must be 1 to 43200 seconds"):
        bearer_token(Static(KEY, SECRET), "us-east-1", lifetime=lifetime)


def test_a_lifetime_is_seconds_or_a_timedelta():
    assert bearer_token(Static(KEY, SECRET), "us-east-1", lifetime=timedelta(minutes=5)).lifetime == 300
    assert said(bearer_token(Static(KEY, SECRET), "us-east-1", lifetime=90.9)())["X-Amz-Expires"] == "90"
