from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

import pytest
from hypothesis import given, strategies as st

from bedrock_auth.credentials import parse_expiration
from bedrock_auth.errors import ConfigurationError, CredentialError, CredentialsExpiredError, NotConfiguredError
from bedrock_auth.host import Host
from bedrock_auth.providers.environment import Environment
from providers.conformance import FUTURE, KEY_ID, PAST, SECRET, TOKEN, Conformance, leaks

SET = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN}


def environment(**variables: str) -> Environment:
    return Environment(host=Host.isolated(variables))


class TestConformance(Conformance):
    kind = "environment"
    exempt: ClassVar = {
        "refused": "nobody is asked",
        "unreachable": "nobody is asked",
        "malformed": "a variable that is set wrongly is misconfigured",
        "oversized": "the operating system bounds its environment",
    }

    def make(self, **settings):
        return Environment(**settings)

    def other(self):
        return environment()

    def working(self):
        return environment(**SET)

    def absent(self):
        environment().retrieve()

    def misconfigured(self):
        environment(AWS_SECRET_ACCESS_KEY=SECRET).retrieve()

    def expired(self):
        environment(**SET, AWS_CREDENTIAL_EXPIRATION=PAST).retrieve()


def test_every_variable_is_honoured():
    keys = environment(**SET, AWS_CREDENTIAL_EXPIRATION="2999-01-01T02:00:00+02:00", AWS_ACCOUNT_ID="123456789012").retrieve()
    assert (keys.access_key_id, keys.secret_access_key, keys.session_token) == (KEY_ID, SECRET, TOKEN)
    assert keys.expiration == datetime(2999, 1, 1, tzinfo=UTC)
    assert keys.account_id == "123456789012"


def test_the_system_host_reads_this_process(monkeypatch):
    for name, value in SET.items():
        monkeypatch.setenv(name, value)
    assert Environment().retrieve().access_key_id == KEY_ID


def test_the_environment_is_read_anew_at_every_fetch():
    variables = dict(SET)
    provider = Environment(host=Host.isolated(variables))
    provider.retrieve()
    variables["AWS_ACCESS_KEY_ID"] = "AKIAROTATEDROTATED00"
    assert provider.retrieve().access_key_id == "AKIAROTATEDROTATED00"
    variables.clear()
    with pytest.raises(NotConfiguredError):
        provider.retrieve()


def test_white_space_is_stripped_and_blank_is_unset():
    keys = environment(AWS_ACCESS_KEY_ID=f" {KEY_ID}\n", AWS_SECRET_ACCESS_KEY=f"{SECRET}\t", AWS_SESSION_TOKEN="  ").retrieve()
    assert (keys.access_key_id, keys.secret_access_key, keys.session_token) == (KEY_ID, SECRET, None)
    with pytest.raises(NotConfiguredError):
        environment(AWS_ACCESS_KEY_ID=" ", AWS_SECRET_ACCESS_KEY="", AWS_SESSION_TOKEN=TOKEN).retrieve()


def test_the_old_name_of_the_token_counts_where_the_new_one_is_unset():
    pair = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
    assert environment(**pair, AWS_SECURITY_TOKEN="old").retrieve().session_token == "old"
    assert environment(**pair, AWS_SECURITY_TOKEN="old", AWS_SESSION_TOKEN="new").retrieve().session_token == "new"


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_half_a_pair_is_an_error_that_names_the_missing_variable(missing):
    with pytest.raises(ConfigurationError, match=f"environment: {missing} is not set") as caught:
        environment(**{**SET, missing: " "}).retrieve()
    assert caught.value.setting == missing


@pytest.mark.parametrize("name", sorted([*SET, "AWS_SECURITY_TOKEN"]))
def test_a_key_of_two_lines_is_an_error_that_names_its_variable(name):
    pair = {variable: SET[variable] for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    with pytest.raises(ConfigurationError, match=name) as caught:
        environment(**{**pair, name: f"{SECRET}\n{SECRET}"}).retrieve()
    assert caught.value.setting == name
    assert not leaks(str(caught.value))


@pytest.mark.parametrize("text", ["tomorrow", "2999-01-01", "2999-01-01T00:00:00", "32503680000"])
def test_an_expiration_without_zone_or_sense_is_refused_rather_than_guessed(text):
    with pytest.raises(ConfigurationError, match="AWS_CREDENTIAL_EXPIRATION is not an ISO 8601 time") as caught:
        environment(**SET, AWS_CREDENTIAL_EXPIRATION=text).retrieve()
    assert caught.value.setting == "AWS_CREDENTIAL_EXPIRATION"
    assert text not in str(caught.value)


def test_expiry_is_judged_by_the_hosts_clock():
    moment = parse_expiration(FUTURE).timestamp()
    variables = {**SET, "AWS_CREDENTIAL_EXPIRATION": FUTURE}
    assert Environment(host=Host.isolated(variables, clock=lambda: moment - 1)).retrieve()
    with pytest.raises(CredentialsExpiredError):
        Environment(host=Host.isolated(variables, clock=lambda: moment)).retrieve()


NAMES = [*SET, "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_ACCOUNT_ID"]
VALUES = st.text(max_size=12) | st.text(max_size=6).map(lambda text: SECRET + text) | st.datetimes().map(str) | st.just(FUTURE)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_any_environment_gives_the_right_keys_or_an_error_of_ours(variables):
    stripped = {name: value.strip() for name, value in variables.items() if value.strip()}
    try:
        keys = environment(**variables).retrieve()
    except CredentialError as error:
        assert not leaks(str(error))
    else:
        assert keys.access_key_id == stripped["AWS_ACCESS_KEY_ID"]
        assert keys.secret_access_key == stripped["AWS_SECRET_ACCESS_KEY"]
        assert keys.session_token == stripped.get("AWS_SESSION_TOKEN", stripped.get("AWS_SECURITY_TOKEN"))
        assert (keys.expiration is None) == ("AWS_CREDENTIAL_EXPIRATION" not in stripped)
