from __future__ import annotations

from typing import ClassVar

import pytest

from bedrock_auth.errors import ConfigurationError
from bedrock_auth.providers.static import Static
from providers.conformance import KEY_ID, SECRET, TOKEN, Conformance


class TestConformance(Conformance):
    kind = "static"
    exempt: ClassVar = {
        "absent": "the keys are arguments",
        "refused": "nobody is asked",
        "unreachable": "nobody is asked",
        "malformed": "what is not text is refused when it is constructed",
        "oversized": "nothing is read",
        "expired": "the keys have no expiration",
    }

    def make(self, **settings):
        return Static(KEY_ID, SECRET, TOKEN, **settings)

    def other(self):
        return Static(KEY_ID, SECRET)

    def misconfigured(self):
        Static(KEY_ID, f"{SECRET}\n{SECRET}")


@pytest.mark.parametrize("nothing", [None, "", " \t"])
def test_an_empty_token_is_none(nothing):
    assert Static(KEY_ID, SECRET, nothing).session_token is None
    assert Static(KEY_ID, SECRET, nothing) == Static(KEY_ID, SECRET)


def test_white_space_around_a_key_is_not_part_of_it():
    assert Static(f" {KEY_ID}\n", f"{SECRET} ", f"\t{TOKEN}") == Static(KEY_ID, SECRET, TOKEN)


@pytest.mark.parametrize("bad", ["", "  ", None, 7, b"bytes", "two\nlines", "nul\0"])
@pytest.mark.parametrize("place", ["access_key_id", "secret_access_key"])
def test_half_a_pair_is_an_error_that_names_the_field(place, bad):
    given = {"access_key_id": KEY_ID, "secret_access_key": SECRET, place: bad}
    with pytest.raises(ConfigurationError, match=f"static: {place} must be") as caught:
        Static(**given)
    assert caught.value.setting == place


def test_a_token_that_is_no_text_is_an_error():
    with pytest.raises(ConfigurationError, match="session_token") as caught:
        Static(KEY_ID, SECRET, 5)
    assert caught.value.setting == "session_token"


def test_two_static_sources_can_be_told_apart_by_name():
    assert Static("AKIAIOSFODNN7EXAMPLE", "s").name == "static …MPLE"
