from __future__ import annotations

from typing import ClassVar

import attrs
import pytest

from bedrock_auth.contracts import Stability, traits
from bedrock_auth.credentials import Credentials, parse_expiration
from bedrock_auth.errors import ConfigurationError, CredentialsExpiredError, DeniedError, NotConfiguredError, RetrievalError
from bedrock_auth.host import Host
from bedrock_auth.providers._sts import CALL_TIMEOUT
from bedrock_auth.providers.environment import Environment
from bedrock_auth.providers.expected_account import ExpectedAccount
from bedrock_auth.providers.from_callable import FromCallable
from bedrock_auth.providers.static import Static
from bedrock_auth.session import create_session, whoami
from providers.conformance import KEY_ID, KEYS, PAST, SECRET, TOKEN, Conformance, leaks
from providers.stub import Answer, caller, nobody, refusal

ACCOUNT, OTHER = "123456789012", "210987654321"
BASE = Static(KEY_ID, SECRET, TOKEN)


class TestConformance(Conformance):
    kind = "static"

    @pytest.fixture(autouse=True)
    def _with_caller(self, _with_sts):
        self.sts.answers = [caller(ACCOUNT)]

    def make(self, **settings):
        return ExpectedAccount(BASE, ACCOUNT, **settings)

    def other(self):
        return ExpectedAccount(BASE, OTHER)

    def working(self):
        return self.make(host=self.sts.host())

    def absent(self):
        inner = FromCallable(Environment(host=Host.isolated()).retrieve, name="static")
        with pytest.raises(NotConfiguredError) as caught:
            ExpectedAccount(inner, ACCOUNT).retrieve()
        assert caught.value.provider == "environment"
        raise caught.value

    def misconfigured(self):
        self.sts.answers = [caller(OTHER)]
        self.working().retrieve()

    def refused(self):
        self.sts.answers = [refusal("AccessDenied", f"not {SECRET}")]
        self.working().retrieve()

    def unreachable(self):
        self.make(host=nobody()).retrieve()

    def malformed(self):
        self.sts.answers = [Answer(200, f"<{SECRET}")]
        self.working().retrieve()

    def oversized(self):
        self.sts.answers = [Answer(200, SECRET * 5000)]
        self.working().retrieve()

    def expired(self):
        old = attrs.evolve(KEYS, expiration=parse_expiration(PAST))
        ExpectedAccount(FromCallable(lambda: old, name="static"), ACCOUNT).retrieve()


def test_keys_of_the_right_account_pass_and_say_so(sts):
    sts.answers = [caller(ACCOUNT)]
    keys = ExpectedAccount(BASE, ACCOUNT, host=sts.host()).retrieve()
    assert keys == attrs.evolve(KEYS, account_id=ACCOUNT, source=BASE.name)
    (sent,) = sts.received
    assert sent.form == {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
    assert sent.is_signed_with(KEYS)


def test_keys_of_another_account_are_refused_naming_both(sts):
    sts.answers = [caller(OTHER)]
    with pytest.raises(ConfigurationError, match=f"belong to account {OTHER}, but expected_account is {ACCOUNT}") as caught:
        ExpectedAccount(BASE, ACCOUNT, host=sts.host()).retrieve()
    assert caught.value.setting == "expected_account"


def test_what_the_source_says_about_the_account_is_not_believed(sts):
    sts.answers = [caller(OTHER)]
    lying = FromCallable(lambda: attrs.evolve(KEYS, account_id=ACCOUNT))
    with pytest.raises(ConfigurationError, match="belong to account"):
        ExpectedAccount(lying, ACCOUNT, host=sts.host()).retrieve()


@pytest.mark.parametrize("answer", [Answer(200, "<a/>"), Answer(200, caller("").body), Answer(200, "")])
def test_an_answer_without_an_account_is_malformed(answer, sts):
    sts.answers = [answer]
    with pytest.raises(RetrievalError, match="no account|cannot be read") as caught:
        ExpectedAccount(BASE, ACCOUNT, host=sts.host()).retrieve()
    assert caught.value.code == "MalformedAnswer"


@pytest.mark.parametrize(
    ("hint", "environ", "region"),
    [
        ("eu-west-1", {"AWS_REGION": "eu-west-2"}, "eu-west-1"),
        (None, {"AWS_REGION": "eu-west-2"}, "eu-west-2"),
        (None, {}, "us-east-1"),
    ],
)
def test_aws_is_asked_in_the_hinted_region_the_ambient_one_or_the_first(hint, environ, region, sts):
    @attrs.frozen
    class Provider:
        name = "inner"
        region_name = hint

        def retrieve(self):
            return KEYS

    sts.answers = [caller(ACCOUNT)]
    ExpectedAccount(Provider(), ACCOUNT, host=sts.host(**environ)).retrieve()
    assert sts.received[0].scope[2] == region


def test_name_host_and_traits_are_the_inner_providers():
    class Provider:
        name = "inner"
        stability = Stability.STABLE
        timeout = 5
        interactive = True
        region_name = "eu-west-1"
        revalidate_after = 60
        host = Host.isolated()
        rejected: ClassVar[list[str]] = []

        def retrieve(self):
            raise DeniedError("no")

        def invalidate(self, access_key_id):
            self.rejected.append(access_key_id)

    inner = Provider()
    made = ExpectedAccount(inner, ACCOUNT)
    assert (made.name, made.host) == ("inner", Provider.host)
    assert traits(made) == attrs.evolve(traits(inner), timeout=5 + CALL_TIMEOUT)
    made.invalidate(KEY_ID)
    assert inner.rejected == [KEY_ID]
    ExpectedAccount(BASE, ACCOUNT).invalidate(KEY_ID)


@pytest.mark.parametrize("bad", ["", "12345678901", 123456789012, None, "１２３４５６７８９０１２", f"{ACCOUNT}\n"])
def test_an_account_is_twelve_digits(bad):
    with pytest.raises(ConfigurationError, match="expected_account must be an account's twelve digits") as caught:
        ExpectedAccount(BASE, bad)
    assert caught.value.setting == "expected_account"


@pytest.mark.parametrize("bad", [None, Static, lambda: KEYS, KEYS])
def test_only_a_provider_can_be_checked(bad):
    with pytest.raises(ConfigurationError, match="provider must have a name") as caught:
        ExpectedAccount(bad, ACCOUNT)
    assert not leaks(str(caught.value))


def test_a_session_checks_the_account_before_its_first_request(sts, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
    sts.answers = [caller(OTHER)]
    session = create_session(Static(KEY_ID, SECRET, TOKEN, host=sts.host()), region_name="us-east-1", expected_account=ACCOUNT)
    assert not sts.received
    with pytest.raises(ConfigurationError, match="expected_account"):
        whoami(session)
    assert len(sts.received) == 1


def test_an_expired_set_is_not_worth_a_question(sts):
    old = Credentials(KEY_ID, SECRET, TOKEN, parse_expiration(PAST))
    with pytest.raises(CredentialsExpiredError):
        ExpectedAccount(FromCallable(lambda: old), ACCOUNT, host=sts.host()).retrieve()
    assert not sts.received
