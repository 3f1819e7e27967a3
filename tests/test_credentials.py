from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime, timedelta, timezone

import attrs
import pytest
from hypothesis import given, strategies as st

from bedrock_auth.credentials import Credentials, masked_key_id, parse_expiration
from bedrock_auth.errors import ConfigurationError, CredentialsExpiredError, RetrievalError

KEY, SECRET, TOKEN = "ASIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/canary", "FwoGZXIvYXdzcanary"
WHEN = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_the_repr_shows_four_characters_of_the_key_id_and_no_secret():
    shown = repr(Credentials(KEY, SECRET, TOKEN, WHEN, source="static"))
    assert "…MPLE" in shown
    assert KEY not in shown
    assert SECRET not in shown
    assert TOKEN not in shown


@pytest.mark.parametrize(("key", "shown"), [("AKIAIOSFODNN7EXAMPLE", "…MPLE"), ("short", "…"), ("", "…")])
def test_a_short_key_id_is_not_shown_at_all(key, shown):
    assert masked_key_id(key) == shown


def test_surrounding_white_space_is_no_part_of_a_key_and_an_empty_token_is_none():
    credentials = Credentials(f" {KEY}\n", f"\t{SECRET}\r\n", "  ")
    assert (credentials.access_key_id, credentials.secret_access_key, credentials.session_token) == (KEY, SECRET, None)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"access_key_id": ""}, "access_key_id is empty"),
        ({"secret_access_key": "   "}, "secret_access_key is empty"),
        ({"access_key_id": None}, "access_key_id is not one line of text"),
        ({"secret_access_key": f"{SECRET}\nX-Evil: 1"}, "secret_access_key is not one line of text"),
        ({"session_token": 5}, "session_token is not one line of text"),
        ({"expiration": datetime(2030, 1, 1)}, "expiration must be a datetime with a time zone"),  # noqa: DTZ001 - naive on purpose
        ({"expiration": "2030-01-01T00:00:00Z"}, "expiration must be a datetime"),
    ],
)
def test_a_wrong_value_is_named_and_never_shown(values, named):
    with pytest.raises(ConfigurationError, match=named) as caught:
        Credentials(**{"access_key_id": KEY, "secret_access_key": SECRET, **values})
    assert SECRET not in str(caught.value)


def test_an_expiration_in_another_zone_is_kept_in_utc():
    eastern = datetime(2030, 1, 1, 0, 0, tzinfo=timezone(timedelta(hours=-5)))
    assert Credentials(KEY, SECRET, expiration=eastern).expiration == datetime(2030, 1, 1, 5, tzinfo=UTC)


def test_remaining_time():
    credentials = Credentials(KEY, SECRET, expiration=WHEN)
    now = WHEN.timestamp() - 60
    assert credentials.remaining(now) == 60
    assert not credentials.is_expired(now=now)
    assert credentials.is_expired(60, now=now)
    assert credentials.is_expired(now=WHEN.timestamp())
    assert Credentials(KEY, SECRET).remaining() == float("inf")
    assert not Credentials(KEY, SECRET).is_expired(1e12)
    assert credentials.remaining() == pytest.approx(WHEN.timestamp() - datetime.now(UTC).timestamp(), abs=5)


def test_an_expired_set_is_an_error_that_names_its_source_and_time():
    credentials = Credentials(KEY, SECRET, expiration=WHEN, source="the vending machine")
    assert credentials.unexpired(WHEN.timestamp() - 1) is credentials
    with pytest.raises(CredentialsExpiredError, match="the vending machine .* expired at 2030-01-02T03:04:05Z"):
        credentials.unexpired(WHEN.timestamp())


def test_it_is_a_frozen_hashable_picklable_value():
    credentials = Credentials(KEY, SECRET, TOKEN, WHEN, "123456789012", "x")
    assert pickle.loads(pickle.dumps(credentials)) == credentials
    assert len({credentials, Credentials(KEY, SECRET, TOKEN, WHEN, "123456789012", "x")}) == 1
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        credentials.access_key_id = "x"


@pytest.mark.parametrize("token_name", ["SessionToken", "Token"])
@pytest.mark.parametrize("version", [{}, {"Version": 1}])
@pytest.mark.parametrize("expiration", ["2030-01-02T03:04:05Z", "2030-01-02T04:04:05+01:00", WHEN])
def test_every_spelling_of_aws_answers_is_read(token_name, version, expiration):
    answer = {"AccessKeyId": KEY, "SecretAccessKey": SECRET, token_name: TOKEN, "Expiration": expiration, **version}
    assert Credentials.from_answer(answer, source="x") == Credentials(KEY, SECRET, TOKEN, WHEN, source="x")


def test_botocores_own_names_are_read():
    answer = {
        "access_key": KEY,
        "secret_key": SECRET,
        "token": TOKEN,
        "expiry_time": "2030-01-02T03:04:05Z",
        "account_id": "1" * 12,
    }
    assert Credentials.from_answer(answer, source="x") == Credentials(KEY, SECRET, TOKEN, WHEN, "1" * 12, "x")


def test_keys_may_come_without_token_and_expiration():
    answer = {"AccessKeyId": KEY, "SecretAccessKey": SECRET, "SessionToken": None, "Expiration": ""}
    assert Credentials.from_answer(answer, source="x") == Credentials(KEY, SECRET, source="x")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ([], "the answer is list, not a JSON object"),
        (None, "the answer is NoneType"),
        ({}, "the answer has no AccessKeyId"),
        ({"AccessKeyId": KEY}, "SecretAccessKey is missing or empty"),
        ({"AccessKeyId": KEY, "SecretAccessKey": " "}, "SecretAccessKey is missing or empty"),
        ({"AccessKeyId": KEY, "SecretAccessKey": [SECRET]}, "SecretAccessKey is missing or empty"),
        ({"AccessKeyId": KEY, "SecretAccessKey": SECRET, "Version": 2}, "Version other than 1"),
        (
            {"AccessKeyId": KEY, "SecretAccessKey": SECRET, "Expiration": "2030-01-02T03:04:05"},
            "Expiration is not an ISO 8601 time",
        ),
        ({"AccessKeyId": KEY, "SecretAccessKey": SECRET, "Expiration": 1893553445}, "Expiration is neither"),
        ({"AccessKeyId": KEY, "SecretAccessKey": SECRET, "Token": {"a": 1}}, "session_token is not one line"),
        ({"AccessKeyId": KEY, "SecretAccessKey": SECRET, "AccountId": 12}, "AccountId is not text"),
        ({"access_key": KEY, "secret_key": ""}, "secret_key is missing or empty"),
    ],
)
def test_a_malformed_answer_is_explained_without_its_values(answer, problem):
    with pytest.raises(RetrievalError, match=problem) as caught:
        Credentials.from_answer(answer, source="the helper")
    assert caught.value.code == "MalformedAnswer"
    assert caught.value.provider == "the helper"
    assert str(caught.value).startswith("the helper did not answer with credentials")
    assert SECRET not in str(caught.value)


@given(
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1),
    token=st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1),
    expiration=st.none() | st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9000, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - Hypothesis wants naive bounds
    account=st.none() | st.from_regex(r"\d{12}", fullmatch=True),
)
def test_process_json_round_trips(secret, token, expiration, account):
    credentials = Credentials(KEY, secret, token, expiration, account, "x")
    text = json.dumps(credentials.to_process_json())
    assert Credentials.from_answer(json.loads(text), source="x") == credentials


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = [
    "AccessKeyId",
    "SecretAccessKey",
    "SessionToken",
    "Token",
    "Expiration",
    "AccountId",
    "Version",
    "access_key",
    "secret_key",
]


@given(st.dictionaries(st.sampled_from(NAMES), JSON | st.sampled_from([KEY, SECRET, "2030-01-01T00:00:00Z"])))
def test_whatever_a_source_answers_it_is_credentials_or_a_project_error(answer):
    try:
        credentials = Credentials.from_answer(answer, source="x")
    except RetrievalError as error:
        assert SECRET not in str(error)
    else:
        assert credentials.access_key_id
        assert credentials.secret_access_key


@given(st.text() | st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()))
def test_an_expiration_is_an_aware_utc_time_or_a_value_error(text):
    try:
        moment = parse_expiration(text)
    except ValueError:
        return
    assert moment.tzinfo is UTC


def test_process_json_leaves_out_what_is_absent():
    assert Credentials(KEY, SECRET).to_process_json() == {"Version": 1, "AccessKeyId": KEY, "SecretAccessKey": SECRET}
    assert Credentials(KEY, SECRET, expiration=WHEN).to_process_json()["Expiration"] == "2030-01-02T03:04:05Z"
