"""Sessions that exist already: plain ones answer as botocore does, ours are followed to their source."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.credentials import Credentials as BotoCredentials, RefreshableCredentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigParseError,
    InvalidConfigError,
    ProfileNotFound,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from bedrock_auth.contracts import traits
from bedrock_auth.credentials import parse_expiration
from bedrock_auth.errors import (
    ConfigurationError,
    CredentialsExpiredError,
    DeniedError,
    LoginRequiredError,
    NotConfiguredError,
    RetrievalError,
)
from bedrock_auth.host import Host
from bedrock_auth.providers.assume_role import AssumeRole
from bedrock_auth.providers.from_callable import FromCallable
from bedrock_auth.providers.from_session import FromSession
from bedrock_auth.session import create_session
from providers.conformance import FUTURE, KEY_ID, KEYS, PAST, SECRET, TOKEN, Conformance
from providers.stub import ROLE_KEY_ID

NAME = "the boto3 session"


class Session:
    """A session that gives or raises what it holds; pickled by reference, as no boto3 session can be."""

    def __init__(self, held: Any = None, name: str = "") -> None:
        self.held, self.name = held, name

    def __reduce__(self) -> str | tuple[Any, ...]:
        return self.name or (Session, (self.held,))

    def get_credentials(self) -> Any:
        if isinstance(self.held, Exception):
            raise self.held
        return self.held


def keys_until(moment: str) -> RefreshableCredentials:
    return RefreshableCredentials(KEY_ID, SECRET, TOKEN, parse_expiration(moment), dict, "test", advisory_timeout=0)


ONE = Session(BotoCredentials(KEY_ID, SECRET, TOKEN), "ONE")
TWO = Session(BotoCredentials(KEY_ID, SECRET, TOKEN), "TWO")


class TestConformance(Conformance):
    kind = NAME

    def make(self, **settings):
        return FromSession(ONE, **settings)

    def other(self):
        return FromSession(TWO)

    def raising(self, error):
        FromSession(Session(error)).retrieve()

    def absent(self):
        self.raising(NotConfiguredError("not here", provider="vault"))

    def misconfigured(self):
        self.raising(ConfigParseError(path="/home/c", error=f"aws_secret_access_key {SECRET}"))

    def refused(self):
        said = {"Error": {"Code": "AccessDenied", "Message": f"no: {{'SecretAccessKey': '{SECRET}'}}"}}
        self.raising(ClientError(said, "AssumeRole"))

    def unreachable(self):
        self.raising(BotoCoreError())

    def malformed(self):
        FromSession(Session(BotoCredentials(KEY_ID, "", TOKEN))).retrieve()

    def oversized(self):
        self.raising(OSError(f"secret_key={SECRET} " * 1000))

    def expired(self):
        late = Host.isolated(clock=lambda: parse_expiration(FUTURE).timestamp() + 1)
        FromSession(Session(keys_until(FUTURE)), host=late).retrieve()


# -------------------------------------------------------------------- plain sessions


@pytest.mark.parametrize("kind", ["boto3", "botocore"])
def test_a_plain_session_of_either_kind(kind):
    if kind == "boto3":
        session: Any = boto3.Session(KEY_ID, SECRET, TOKEN, region_name="eu-west-1")
    else:
        session = botocore.session.Session()
        session.set_credentials(KEY_ID, SECRET, TOKEN)
        session.set_config_variable("region", "eu-west-1")
    provider = FromSession(session)
    keys = provider.retrieve()
    assert (keys.access_key_id, keys.secret_access_key, keys.session_token, keys.expiration) == (KEY_ID, SECRET, TOKEN, None)
    assert provider.region_name == "eu-west-1"
    assert traits(provider).revalidate_after == 60


def test_the_expiration_comes_with_the_keys():
    assert FromSession(Session(keys_until(FUTURE))).retrieve().expiration == parse_expiration(FUTURE)


def test_keys_are_never_given_with_the_expiration_of_others():
    first, second = (datetime.now(UTC) + timedelta(hours=hours) for hours in (5, 10))

    class Renewing:
        """Renewed by another thread between the reading of the keys and of the expiration."""

        access_key, _expiry_time = "ASIANEWNEWNEWNEWNEW0", second
        answers = iter([("ASIAOLDOLDOLDOLDOLD0", first), ("ASIANEWNEWNEWNEWNEW0", second)])

        def get_frozen_credentials(self):
            return BotoCredentials(next(self.answers)[0], "s", "t").get_frozen_credentials()

    keys = FromSession(Session(Renewing())).retrieve()
    assert (keys.access_key_id, keys.expiration) == ("ASIANEWNEWNEWNEWNEW0", second)


def test_a_session_without_credentials_is_a_mistake():
    with pytest.raises(ConfigurationError, match=f"{NAME} has no credentials; make it with some") as caught:
        FromSession(boto3.Session()).retrieve()
    assert caught.value.setting == "session"


def test_keys_that_have_expired_and_are_not_renewed(monkeypatch):
    monkeypatch.setattr(RefreshableCredentials, "_refresh", lambda _: None)
    with pytest.raises(CredentialsExpiredError, match=NAME):
        FromSession(Session(keys_until(PAST))).retrieve()


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (ProfileNotFound(profile="dve"), ConfigurationError, "ProfileNotFound: The config profile \\(dve\\) could not be found"),
        (InvalidConfigError(error_msg="both"), ConfigurationError, "InvalidConfigError: both"),
        (ConfigParseError(path="/c", error=SECRET), ConfigurationError, "an AWS config file cannot be parsed$"),
        (ClientError({"Error": {"Code": "Throttling", "Message": "slow"}}, "AssumeRole"), RetrievalError, "ClientError"),
        (ClientError({"Error": {"Code": "AccessDenied"}}, "AssumeRole"), DeniedError, "ClientError"),
        (KeyError("x"), RetrievalError, "KeyError"),
    ],
)
def test_what_botocore_raises_gets_its_class(error, kind, said):
    with pytest.raises(kind, match=f"{NAME}.*{said}") as caught:
        FromSession(Session(error)).retrieve()
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "error",
    [SSOTokenLoadError(error_msg="x"), UnauthorizedSSOTokenError(), TokenRetrievalError(provider="sso", error_msg="expired")],
)
def test_a_login_that_is_over_comes_with_the_command(error):
    session = Session(error)
    with pytest.raises(LoginRequiredError, match="run: aws sso login$") as caught:
        FromSession(session).retrieve()
    assert caught.value.command == "aws sso login"
    session.profile_name = "my dev"
    with pytest.raises(LoginRequiredError) as caught:
        FromSession(session).retrieve()
    assert caught.value.command == "aws sso login --profile 'my dev'"


def test_a_session_whose_region_cannot_be_had_gives_no_hint(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "gone")
    assert FromSession(botocore.session.Session()).region_name is None
    assert FromSession(ONE).region_name is None


def test_equality_is_that_of_the_session():
    one, two = boto3.Session(KEY_ID, SECRET), boto3.Session(KEY_ID, SECRET)
    assert FromSession(one) == FromSession(one) != FromSession(two)
    assert hash(FromSession(one)) == hash(FromSession(one))


# -------------------------------------------------------------------- sessions of ours


def test_a_session_of_ours_is_followed_to_its_source():
    expiration = datetime.now(UTC) + timedelta(hours=1)
    calls = []

    def ask():
        calls.append(threading.get_ident())
        return {"AccessKeyId": f"ASIACALLCALLCALL{len(calls):04d}", "SecretAccessKey": "s", "Expiration": expiration}

    session = create_session(FromCallable(ask, name="vault"))
    provider = FromSession(session)
    keys = provider.retrieve()
    assert (keys.access_key_id, keys.expiration, keys.source) == ("ASIACALLCALLCALL0001", expiration, "vault")
    provider.invalidate(keys.access_key_id)
    assert provider.retrieve().access_key_id == "ASIACALLCALLCALL0002"
    assert FromSession(session._session).retrieve().access_key_id == "ASIACALLCALLCALL0002"


def test_invalidating_the_keys_of_a_plain_session_changes_nothing():
    FromSession(ONE).invalidate(KEY_ID)
    assert FromSession(ONE).retrieve().access_key_id == KEY_ID


def test_a_role_may_be_asked_for_with_it(sts):
    role = AssumeRole(
        "arn:aws:iam::123456789012:role/R", source=FromSession(boto3.Session(KEY_ID, SECRET, TOKEN)), host=sts.host()
    )
    assert role.retrieve().access_key_id == ROLE_KEY_ID
    assert sts.received[0].is_signed_with(KEYS)


# -------------------------------------------------------------------- what is no session


class Asynchronous:
    async def get_credentials(self):
        return None


@pytest.mark.parametrize("bad", [None, "dev", boto3.Session, KEYS, {}])
def test_anything_else_is_refused(bad):
    with pytest.raises(ConfigurationError, match=f"{NAME}: session must be a boto3 or botocore session"):
        FromSession(bad)


def test_an_asynchronous_session_is_refused():
    with pytest.raises(ConfigurationError, match=f"{NAME}: session is an asynchronous one"):
        FromSession(Asynchronous())
