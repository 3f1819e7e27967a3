from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from bedrock_auth.cache_entry import fit_to_hand_off
from bedrock_auth.errors import ConfigurationError
from bedrock_auth.policy import RefreshPolicy, advisory_window, mandatory_window, moments, unexpiring

DEFAULT = RefreshPolicy()


@pytest.mark.parametrize(("lifetime", "window"), [(1, 300), (1200, 300), (1201, 900), (5399, 900), (5400, 3600), (43200, 3600)])
def test_the_advisory_window_follows_the_lifetime(lifetime, window):
    assert advisory_window(lifetime, DEFAULT) == window


def test_the_advisory_window_may_be_chosen():
    assert advisory_window(3600, RefreshPolicy(advisory_window=timedelta(minutes=2))) == 120


@pytest.mark.parametrize(("lifetime", "window", "mandatory"), [(3600, 900, 60), (3600, 60, 45), (30, 300, 10), (2, 300, 2 / 3)])
def test_the_mandatory_window_shrinks_with_window_and_lifetime(lifetime, window, mandatory):
    assert mandatory_window(lifetime, window) == pytest.approx(mandatory)


@given(
    lifetime=st.floats(0.1, 1e6),
    arrived=st.floats(0, 1e9),
    share=st.floats(0, 1),
    window=st.none() | st.floats(60, 1e5),
)
def test_moments_are_in_order_and_short_sets_are_left_alone(lifetime, arrived, share, window):
    policy = RefreshPolicy(advisory_window=window)
    expiry = arrived + lifetime
    found = moments(arrived, expiry, policy, lambda low, high: low + share * (high - low))
    w = advisory_window(expiry - arrived, policy)
    assert arrived <= found.advisory <= found.mandatory <= found.expiry == expiry
    if expiry - arrived <= w:
        assert found.advisory == found.mandatory
    else:
        assert expiry - w <= found.advisory
        assert found.advisory <= expiry - 0.75 * w + 1e-3


@given(lifetime=st.floats(0.1, 1e6), share=st.floats(0, 1))
def test_what_is_handed_off_must_be_refreshed_with_more_than_16_minutes_left_where_it_lives_longer_than_30(lifetime, share):
    found = moments(0.0, lifetime, RefreshPolicy(hand_off=True), lambda low, high: low + share * (high - low))
    assert 0 <= found.advisory <= found.mandatory <= found.expiry
    assert fit_to_hand_off(lifetime - found.mandatory + 1, lifetime)
    if lifetime > 30 * 60:
        assert lifetime - found.mandatory == pytest.approx(17 * 60)
        assert found.advisory < found.mandatory
    else:
        assert found == moments(0.0, lifetime, DEFAULT, lambda low, high: low + share * (high - low))


def test_sets_without_expiration_are_read_again_only_on_request():
    assert unexpiring(100.0, None).advisory == math.inf
    assert unexpiring(100.0, 60.0).advisory == 160.0
    assert unexpiring(100.0, 60.0).mandatory == math.inf


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"advisory_window": 59}, "advisory_window must be at least 60 seconds, not 59"),
        ({"advisory_window": -1}, "advisory_window must be a positive number"),
        ({"advisory_window": "5m"}, "advisory_window must be a positive number"),
        ({"advisory_window": math.nan}, "advisory_window must be a positive number"),
        ({"advisory_window": True}, "advisory_window must be a positive number"),
        ({"advisory_refresh": "never"}, "advisory_refresh must be 'auto', 'background' or 'inline', not 'never'"),
        ({"load_timeout": 0}, "load_timeout must be a positive number"),
    ],
)
def test_a_wrong_policy_is_refused_at_once(settings, named):
    with pytest.raises(ConfigurationError, match=named):
        RefreshPolicy(**settings)
