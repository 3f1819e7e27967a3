from __future__ import annotations

import json

import pytest
from hypothesis import given, settings, strategies as st

from bedrock_auth.cache_entry import FACTS, decode, encode, fit_to_hand_off, is_fresh, process_json, remaining

KEYS = {
    "Version": 1,
    "AccessKeyId": "ASIAC4N4RYCACHED0001",
    "SecretAccessKey": "s",
    "SessionToken": "t",
    "Expiration": "2027-01-15T09:00:00Z",
    "AccountId": "123456789012",
}
NOW = 1_800_000_000.0
ENTRY = encode(KEYS, source="the source", retrieved_at=NOW, expires_at=NOW + 3600)


def test_an_entry_says_what_it_was_made_from():
    entry = decode(ENTRY)
    assert process_json(entry) == KEYS
    assert entry[FACTS] == {"Format": 1, "Source": "the source", "RetrievedAt": NOW, "ExpiresAt": NOW + 3600}
    assert remaining(entry, NOW + 600) == 3000


def test_members_that_nobody_knows_are_not_handed_out():
    assert process_json(decode(json.dumps({**json.loads(ENTRY), "More": 1}).encode())) == KEYS


def test_an_entry_without_an_account_is_whole():
    keys = {name: value for name, value in KEYS.items() if name != "AccountId"}
    assert process_json(decode(encode(keys, source="", retrieved_at=NOW, expires_at=NOW + 1))) == keys


@pytest.mark.parametrize("member", ["Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", FACTS])
@pytest.mark.parametrize("value", [None, "", 2, "two\nlines", [], {}, float("nan"), "\ud800"])
def test_an_entry_that_lacks_something_is_none(member, value):
    content = json.dumps({**json.loads(ENTRY), member: value}).encode()
    assert decode(content) is None


@pytest.mark.parametrize("fact", ["Format", "Source", "RetrievedAt", "ExpiresAt"])
@pytest.mark.parametrize("value", [None, 2, -1.0, float("nan"), float("inf"), 1e300, {}])
def test_an_entry_with_odd_facts_is_none(fact, value):
    facts = {**json.loads(ENTRY)[FACTS], fact: value}
    assert decode(json.dumps({**KEYS, FACTS: facts}).encode()) is None


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.none(), st.binary(max_size=100), st.integers(0, len(ENTRY) - 1).map(lambda end: ENTRY[:end])))
def test_any_other_bytes_are_none(content):
    assert decode(content) is None


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)
members = st.sampled_from([*KEYS, FACTS])


@settings(max_examples=100, deadline=None)
@given(st.one_of(json_values, st.dictionaries(members, json_values)))
def test_any_json_either_is_a_whole_entry_or_none(value):
    entry = decode(json.dumps(value).encode())
    if entry is not None:
        assert isinstance(is_fresh(entry, NOW), bool)
        assert set(process_json(entry)) <= set(KEYS)


def test_deep_json_is_none():
    assert decode(b"[" * 60_000) is None
    assert decode(b'{"Version":' + b"1" * 60_000 + b"}") is None


# -------------------------------------------------------------------- when it may be handed out


@settings(max_examples=300, deadline=None)
@given(remaining=st.floats(-1e5, 1e5), lifetime=st.floats(0, 1e5))
def test_what_is_handed_out_outlives_a_receivers_fixed_window_where_it_can(remaining, lifetime):
    if fit_to_hand_off(remaining, lifetime):
        assert remaining > 0
        assert remaining > 16 * 60 or lifetime <= 30 * 60
    else:
        assert remaining <= 16 * 60


@settings(max_examples=100, deadline=None)
@given(lifetime=st.floats(0.001, 1e6))
def test_a_set_that_has_just_arrived_may_always_be_handed_out(lifetime):
    assert fit_to_hand_off(lifetime, lifetime)


@pytest.mark.parametrize(
    ("after", "fresh"), [(-61, False), (-59, True), (0, True), (3600 - 961, True), (3600 - 960, False), (4000, False)]
)
def test_an_entry_is_fresh_while_it_may_be_handed_out(after, fresh):
    assert is_fresh(decode(ENTRY), NOW + after) is fresh
