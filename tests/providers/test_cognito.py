"""Identity pools: which calls a flow makes, which identity they are for, and what each answer means."""

from __future__ import annotations

import functools
import json
import pickle
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, ClassVar, Self

import attrs
import boto3
import pytest
from botocore.awsrequest import AWSResponse
from hypothesis import given, strategies as st

from bedrock_auth.contracts import Stability, traits
from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import (
    ConfigurationError,
    CredentialError,
    CredentialsExpiredError,
    DeniedError,
    LoginRequiredError,
    RetrievalError,
)
from bedrock_auth.host import Host
from bedrock_auth.providers import _sts
from bedrock_auth.providers.cognito import GUEST_HINT, CognitoGuest, CognitoIdentity
from bedrock_auth.session import create_session
from bedrock_auth.signing import signing_as
from providers.conformance import KEY_ID, SECRET, TOKEN, Conformance, leaks
from providers.stub import (
    ROLE_KEY_ID,
    ROLE_SECRET,
    ROLE_TOKEN,
    Answer,
    Received,
    StsStub,
    issued as role_issued,
    nobody,
    refusal as sts_refusal,
)
from support.wire import Body

POOL = "us-east-1:01234567-89ab-cdef-0123-456789abcdef"
GUEST, USER = f"cognito guest {POOL}", f"cognito {POOL}"
ROLE = "arn:aws:iam::123456789012:role/Guest"
LOGIN, OPEN_ID = "0paque-c4n4ry/login", "0paque-c4n4ry/open-id"
GOOGLE, POOL_USERS = "accounts.google.com", "cognito-idp.us-east-1.amazonaws.com/us-east-1_abc"
ID, CREDENTIALS, OPEN_ID_TOKEN, STS = "GetId", "GetCredentialsForIdentity", "GetOpenIdToken", "STS"
CLASSIC = {"flow": "classic", "role_arn": ROLE}


def identity(number: int) -> str:
    return f"us-east-1:c4a4a4b0-0000-0000-0000-{number:012d}"


def document(value: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value), {"Content-Type": "application/x-amz-json-1.1"})


def issued(*, lifetime: float = 3600, **changed: object) -> Answer:
    """An identity's keys; a changed name that is ``None`` is left out."""
    given = {"AccessKeyId": KEY_ID, "SecretKey": SECRET, "SessionToken": TOKEN, "Expiration": time.time() + lifetime, **changed}
    return document(
        {"IdentityId": identity(1), "Credentials": {name: value for name, value in given.items() if value is not None}}
    )


def refusal(code: str, message: str = "because", status: int = 400) -> Answer:
    return document({"__type": code, "message": message}, status)


class CognitoStub(StsStub):
    """Cognito and STS; for each operation answers in order, of which the last repeats. Each GetId makes a new identity."""

    def __init__(self) -> None:
        super().__init__()
        self.identities = 0
        self.script: dict[str, list[Answer]] = {
            ID: [],
            CREDENTIALS: [issued()],
            OPEN_ID_TOKEN: [document({"Token": OPEN_ID})],
            STS: [role_issued(operation="AssumeRoleWithWebIdentity")],
        }

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def host(self, **environ: str) -> Host:
        return Host.isolated({"AWS_ENDPOINT_URL": self.url, **environ})

    def answer(self, request: Received) -> Answer:
        with self._lock:
            self.received.append(request)
            answers = self.script[operation(request)]
            if not answers:
                self.identities += 1
                return document({"IdentityId": identity(self.identities)})
            return answers.pop(0) if len(answers) > 1 else answers[0]

    @property
    def calls(self) -> list[str]:
        return [operation(request) for request in self.received]

    def sent(self, name: str) -> list[dict[str, Any]]:
        """What was sent to this operation."""
        return [json.loads(request.body) for request in self.received if operation(request) == name]


def operation(request: Received) -> str:
    return request.headers.get("x-amz-target", STS).removeprefix("AWSCognitoIdentityService.")


@pytest.fixture
def cognito():
    with CognitoStub() as stub:
        yield stub


def guest(host, **given) -> CognitoGuest:
    return CognitoGuest(POOL, host=host, **given)


def user(host, **given) -> CognitoIdentity:
    return CognitoIdentity(POOL, **{"logins": {GOOGLE: LOGIN}, "host": host, **given})


class Failing(Conformance):
    """How every flow fails."""

    kind = "cognito"
    stability = Stability.STABLE
    exempt: ClassVar = {"absent": "whoever names a pool wants it"}
    last_operation = CREDENTIALS

    @pytest.fixture(autouse=True)
    def _with_cognito(self, cognito):
        self.cognito = cognito

    def other(self):
        return self.make(account_id="123456789012")

    def working(self):
        return self.make(host=self.cognito.host())

    def fail_with(self, *answers, at=None):
        self.cognito.script[at or self.last_operation] = list(answers)
        self.working().retrieve()

    def refused(self):
        self.fail_with(refusal("NotAuthorizedException", "Logins don't match."), at=ID)

    def misconfigured(self):
        self.fail_with(refusal("ResourceNotFoundException", f"IdentityPool '{POOL}' not found."), at=ID)

    def unreachable(self):
        self.make(host=Host.isolated({"AWS_ENDPOINT_URL": nobody().environ["AWS_ENDPOINT_URL_STS"]})).retrieve()

    def malformed(self):
        self.fail_with(Answer(200, f"<html>{ROLE_SECRET}"))

    def oversized(self):
        self.fail_with(Answer(200, issued().body + ROLE_SECRET.encode() * 5000))

    def expired(self):
        self.fail_with(issued(lifetime=-60))


class TestConformanceOfGuests(Failing):
    def make(self, **given):
        return CognitoGuest(POOL, **given)


class TestConformanceOfLogins(Failing):
    def make(self, **given):
        return CognitoIdentity(POOL, logins={GOOGLE: LOGIN}, **given)

    def refused(self):
        self.fail_with(refusal("NotAuthorizedException", f"Invalid login token {LOGIN}"), at=ID)


class TestConformanceOfTheClassicFlow(Failing):
    last_operation = STS

    def make(self, **given):
        return CognitoIdentity(POOL, **{"logins": {GOOGLE: LOGIN}, **CLASSIC, **given})

    def expected(self):
        return ROLE_KEY_ID, ROLE_SECRET, ROLE_TOKEN

    def refused(self):
        self.fail_with(sts_refusal("AccessDenied", f"not with {OPEN_ID}"))

    def expired(self):
        self.fail_with(role_issued(lifetime=-60, operation="AssumeRoleWithWebIdentity"))


# -------------------------------------------------------------------- what goes over the wire


def test_a_guest_of_the_enhanced_flow(cognito):
    keys = guest(cognito.host()).retrieve()
    assert cognito.calls == [ID, CREDENTIALS]
    assert cognito.sent(ID) == [{"IdentityPoolId": POOL}]
    assert cognito.sent(CREDENTIALS) == [{"IdentityId": identity(1)}]
    assert (keys.access_key_id, keys.source, keys.account_id) == (KEY_ID, GUEST, None)
    assert 3500 < keys.remaining() <= 3600


def test_a_login_of_the_enhanced_flow(cognito):
    logins = {POOL_USERS: lambda: f" {LOGIN}\n", GOOGLE: "another-token"}
    keys = user(cognito.host(), logins=logins, role_arn=ROLE, account_id="123456789012").retrieve()
    sent = {POOL_USERS: LOGIN, GOOGLE: "another-token"}
    assert cognito.sent(ID) == [{"IdentityPoolId": POOL, "AccountId": "123456789012", "Logins": sent}]
    assert cognito.sent(CREDENTIALS) == [{"IdentityId": identity(1), "CustomRoleArn": ROLE, "Logins": sent}]
    assert keys.source == USER


@pytest.mark.parametrize(("make", "logins"), [(guest, {}), (user, {"Logins": {GOOGLE: LOGIN}})])
def test_the_classic_flow(make, logins, cognito):
    keys = make(cognito.host(USER="alice"), **CLASSIC).retrieve()
    assert cognito.calls == [ID, OPEN_ID_TOKEN, STS]
    assert cognito.sent(OPEN_ID_TOKEN) == [{"IdentityId": identity(1), **logins}]
    assert cognito.received[-1].form == {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": ROLE,
        "RoleSessionName": "bedrock-auth-alice",
        "WebIdentityToken": OPEN_ID,
    }
    assert (keys.access_key_id, keys.account_id) == (ROLE_KEY_ID, "123456789012")


@pytest.mark.parametrize("settings", [{}, CLASSIC])
def test_nothing_signs_a_call_whatever_lies_around(settings, cognito, monkeypatch):
    decoys = {
        "AWS_ACCESS_KEY_ID": "AKIADECOYDECOYDECOY0",
        "AWS_SECRET_ACCESS_KEY": "decoy",
        "AWS_PROFILE": "decoy",
        "AWS_BEARER_TOKEN_COGNITO_IDENTITY": "decoy",
        "AWS_AUTH_SCHEME_PREFERENCE": "httpBearerAuth",
    }
    for name, value in decoys.items():
        monkeypatch.setenv(name, value)
    with signing_as(Credentials("AKIAAROUNDAROUNDARND", "around")):
        guest(cognito.host(**decoys), **settings).retrieve()
    assert len(cognito.received) >= 2
    for sent in cognito.received:
        assert not {"authorization", "x-amz-security-token", "x-amz-date"} & sent.headers.keys()


@pytest.mark.parametrize("settings", [{}, CLASSIC])
def test_the_pools_region_is_asked_whatever_the_environment_says(settings, cognito):
    provider = CognitoGuest("ap-southeast-2:0a", host=cognito.host(AWS_REGION="eu-west-1"), **settings)
    provider.retrieve()
    assert {region for _, region, _ in provider.host._clients} == {"ap-southeast-2"}
    assert create_session(provider).region_name == "ap-southeast-2"


def test_an_endpoint_without_encryption_elsewhere_is_refused_before_anything_is_sent():
    host = Host.isolated({"AWS_ENDPOINT_URL_COGNITO_IDENTITY": "http://cognito.example"})
    with pytest.raises(ConfigurationError, match=rf"{GUEST}: .*over https only"):
        guest(host).retrieve()


def test_moto_gives_keys_to_guests_and_logins_in_both_flows(moto):
    pool = boto3.client(
        "cognito-identity", "us-east-1", endpoint_url=moto, aws_access_key_id="a", aws_secret_access_key="b"
    ).create_identity_pool(IdentityPoolName="pool", AllowUnauthenticatedIdentities=True)["IdentityPoolId"]
    host = Host.isolated({"AWS_ENDPOINT_URL": moto})
    for logins in (None, {GOOGLE: LOGIN}):
        keys = CognitoIdentity(pool, logins=logins, host=host).retrieve()
        assert 0 < keys.remaining() <= 90
        assert keys.session_token
        keys = CognitoIdentity(pool, logins=logins, **CLASSIC, host=host).retrieve()
        assert 3500 < keys.remaining() <= 3600
        assert keys.account_id == "123456789012"
    with pytest.raises(CredentialError, match=f"cognito guest {POOL}"):
        guest(host).retrieve()


# -------------------------------------------------------------------- which identity


@pytest.mark.parametrize("make", [guest, user])
@pytest.mark.parametrize("settings", [{}, CLASSIC])
def test_the_identity_is_asked_for_once(make, settings, cognito):
    host = cognito.host()
    for _ in range(3):
        make(host, **settings).retrieve()
    assert cognito.calls.count(ID) == 1
    assert {sent["IdentityId"] for sent in cognito.sent(CREDENTIALS) + cognito.sent(OPEN_ID_TOKEN)} == {identity(1)}


def test_another_pool_account_login_or_host_has_another_identity(cognito):
    host = cognito.host()
    others = [
        guest(host),
        guest(host, account_id="123456789012"),
        CognitoGuest("us-east-1:0b", host=host),
        user(host),
        user(host, logins={GOOGLE: f"{LOGIN}-2"}),
        user(host, logins={POOL_USERS: LOGIN}),
        guest(cognito.host()),
    ]
    for provider in others * 2:
        provider.retrieve()
    assert cognito.calls.count(ID) == len(others)
    used = [sent["IdentityId"] for sent in cognito.sent(CREDENTIALS)]
    assert used == [identity(n + 1) for n in range(len(others))] * 2


def test_a_function_that_returns_another_persons_token_gets_that_persons_identity(cognito):
    tokens = iter(["alice", "bob", "alice"])
    provider = user(cognito.host(), logins={GOOGLE: lambda: next(tokens)})
    for _ in range(3):
        provider.retrieve()
    assert [(sent["IdentityId"], sent["Logins"][GOOGLE]) for sent in cognito.sent(CREDENTIALS)] == [
        (identity(1), "alice"),
        (identity(2), "bob"),
        (identity(1), "alice"),
    ]


def test_the_hosts_memory_holds_no_token(cognito):
    host = cognito.host()
    user(host).retrieve()
    assert host._memory
    assert LOGIN not in repr(host._memory)


@pytest.mark.parametrize("code", ["NotAuthorizedException", "ResourceNotFoundException"])
@pytest.mark.parametrize(("settings", "at"), [({}, CREDENTIALS), (CLASSIC, OPEN_ID_TOKEN)])
def test_an_identity_that_is_no_longer_good_is_replaced_once(code, settings, at, cognito):
    provider = guest(cognito.host(), **settings)
    provider.retrieve()
    cognito.script[at].insert(0, refusal(code, "Identity not found"))
    provider.retrieve()
    provider.retrieve()
    assert [sent["IdentityId"] for sent in cognito.sent(at)] == [identity(1), identity(1), identity(2), identity(2)]
    cognito.received.clear()
    cognito.script[at] = [refusal(code, "Identity not found")]
    with pytest.raises(CredentialError, match="Identity not found"):
        provider.retrieve()
    assert cognito.calls == [at, ID, at]


def test_an_identity_that_is_no_longer_good_is_not_tried_again_although_no_new_one_could_be_had(cognito):
    provider = guest(cognito.host())
    provider.retrieve()
    good, cognito.script[CREDENTIALS] = cognito.script[CREDENTIALS], [refusal("ResourceNotFoundException")]
    cognito.script[ID] = [refusal("InternalErrorException", status=500)]
    with pytest.raises(RetrievalError):
        provider.retrieve()
    cognito.script.update({ID: [], CREDENTIALS: good})
    cognito.received.clear()
    provider.retrieve()
    assert cognito.calls == [ID, CREDENTIALS]


@pytest.mark.parametrize(
    "answer", [refusal("InternalErrorException", status=500), refusal("TooManyRequestsException"), document({})]
)
def test_an_identity_outlives_failures_that_say_nothing_about_it(answer, cognito):
    provider = guest(cognito.host())
    provider.retrieve()
    good, cognito.script[CREDENTIALS] = cognito.script[CREDENTIALS], [answer]
    with pytest.raises(RetrievalError):
        provider.retrieve()
    cognito.script[CREDENTIALS] = good
    provider.retrieve()
    assert cognito.calls.count(ID) == 1


def test_a_guest_whose_first_fetch_failed_half_way_leaves_no_second_identity(cognito):
    provider = guest(cognito.host())
    cognito.script[CREDENTIALS] = [refusal("InternalErrorException", status=500)]
    with pytest.raises(RetrievalError):
        provider.retrieve()
    cognito.script[CREDENTIALS] = [issued()]
    provider.retrieve()
    assert cognito.calls.count(ID) == 1


def test_an_identity_without_any_memory_is_refused_without_a_second_try(cognito):
    cognito.script[CREDENTIALS] = [refusal("NotAuthorizedException")]
    with pytest.raises(DeniedError):
        guest(cognito.host()).retrieve()
    assert cognito.calls == [ID, CREDENTIALS]


def test_threads_each_get_the_keys_of_their_own_login(cognito):
    host = cognito.host()
    people = [user(host, logins={GOOGLE: f"token-{n}"}) for n in range(12)]
    for person in people:
        person.retrieve()
    own = {sent["Logins"][GOOGLE]: sent["IdentityId"] for sent in cognito.sent(CREDENTIALS)}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(CognitoIdentity.retrieve, people * 2))
    assert len(set(own.values())) == 12
    assert all(own[sent["Logins"][GOOGLE]] == sent["IdentityId"] for sent in cognito.sent(CREDENTIALS))
    assert cognito.calls.count(ID) == 12


def test_two_threads_that_begin_at_once_both_get_keys(cognito):
    provider = guest(cognito.host())
    with ThreadPoolExecutor(2) as pool:
        got = [future.result() for future in [pool.submit(provider.retrieve) for _ in range(2)]]
    assert {keys.access_key_id for keys in got} == {KEY_ID}


# -------------------------------------------------------------------- the logins' tokens


@pytest.mark.parametrize("given", [None, b"bytes", 7, "", "two words", "x" * 50_001])
def test_a_function_that_returns_no_token_is_misconfigured(given, cognito):
    with pytest.raises(ConfigurationError, match=f"^{USER}: logins (gave|holds) ") as caught:
        user(cognito.host(), logins={GOOGLE: lambda: given}).retrieve()
    assert caught.value.setting == "logins"
    assert not cognito.received


def test_a_function_may_fail_in_its_own_way(cognito):
    def fail():
        raise OSError(f"id_token={LOGIN}")

    with pytest.raises(RetrievalError, match=f"^{USER}: logins failed with OSError") as caught:
        user(cognito.host(), logins={GOOGLE: fail}).retrieve()
    assert not leaks(str(caught.value))

    def ask_a_person():
        raise LoginRequiredError("log in", command="open the app")

    with pytest.raises(LoginRequiredError, match="log in"):
        user(cognito.host(), logins={GOOGLE: ask_a_person}).retrieve()


# -------------------------------------------------------------------- what the answers mean

ERRORS = [
    ("NotAuthorizedException", 400, DeniedError),
    ("ResourceConflictException", 409, DeniedError),
    ("ResourceNotFoundException", 404, ConfigurationError),
    ("InvalidParameterException", 400, ConfigurationError),
    ("InvalidIdentityPoolConfigurationException", 400, ConfigurationError),
    ("ExternalServiceException", 400, RetrievalError),
    ("NewSortOfException", 400, RetrievalError),
]


@pytest.mark.parametrize(("code", "status", "error"), ERRORS)
@pytest.mark.parametrize(
    ("settings", "at"), [({}, ID), ({}, CREDENTIALS), (CLASSIC, OPEN_ID_TOKEN)], ids=[ID, CREDENTIALS, OPEN_ID_TOKEN]
)
def test_the_class_of_the_error_follows_the_code(code, status, error, settings, at, cognito):
    cognito.script[at] = [refusal(code, f"because of {LOGIN}", status)]
    with pytest.raises(error) as caught:
        user(cognito.host(), **settings).retrieve()
    assert type(caught.value) is error
    assert (caught.value.code, caught.value.provider) == (code, USER)
    assert str(caught.value).startswith(USER)
    assert "because of ***" in str(caught.value)
    assert cognito.calls.count(at) == 1


@pytest.mark.parametrize(
    ("code", "status"), [("TooManyRequestsException", 429), ("LimitExceededException", 400), ("InternalErrorException", 500)]
)
def test_what_may_pass_is_tried_twice_and_then_recoverable(code, status, cognito):
    cognito.script[CREDENTIALS] = [attrs.evolve(refusal(code, "busy", status), headers={"Retry-After": "7"})]
    with pytest.raises(RetrievalError, match="Cognito failed: .*busy") as caught:
        guest(cognito.host()).retrieve()
    assert (caught.value.code, caught.value.retry_after) == (code, 7)
    assert cognito.calls == [ID, CREDENTIALS, CREDENTIALS]


@pytest.mark.parametrize("at", [ID, CREDENTIALS])
def test_a_refused_guest_is_told_what_the_pool_must_allow_and_what_guests_cannot_do(at, cognito):
    said = "Unauthenticated access is not supported for this identity pool."
    cognito.script[at] = [refusal("NotAuthorizedException", said)]
    with pytest.raises(DeniedError) as caught:
        guest(cognito.host()).retrieve()
    for part in (said, "the pool must let guests in (unauthenticated access)", GUEST_HINT):
        assert part in str(caught.value)
    cognito.script[ID] = [refusal("NotAuthorizedException", said)]
    with pytest.raises(DeniedError, match="must let guests in") as caught:
        guest(cognito.host(), **CLASSIC).retrieve()
    assert GUEST_HINT not in str(caught.value)


def test_a_refused_login_is_told_to_look_at_its_token(cognito):
    cognito.script[ID] = [refusal("NotAuthorizedException", "Invalid login token. Token expired: 2 >= 1")]
    with pytest.raises(DeniedError, match="check that the login tokens are current") as caught:
        user(cognito.host()).retrieve()
    assert GUEST_HINT not in str(caught.value)


def test_a_refusal_does_not_show_the_identity(cognito):
    cognito.script[CREDENTIALS] = [refusal("NotAuthorizedException", f"Access to Identity '{identity(1)}' is forbidden.")]
    with pytest.raises(DeniedError, match=r"Access to Identity '\*\*\*' is forbidden"):
        guest(cognito.host()).retrieve()


@pytest.mark.parametrize(
    ("at", "code", "said", "setting", "fix"),
    [
        (
            ID,
            "ResourceNotFoundException",
            "IdentityPool 'x' not found.",
            "identity_pool_id",
            "there is no such pool in the region",
        ),
        (
            OPEN_ID_TOKEN,
            "InvalidParameterException",
            "Basic (classic) flow is not enabled, please use enhanced flow.",
            "flow",
            r"allow the basic \(classic\) flow in the pool's settings",
        ),
        (OPEN_ID_TOKEN, "InvalidParameterException", "Invalid", "", "check role_arn, account_id and the names in logins"),
        (
            CREDENTIALS,
            "InvalidIdentityPoolConfigurationException",
            "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
            "identity_pool_id",
            "give the pool roles for guests and logins",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_the_fix(at, code, said, setting, fix, cognito):
    cognito.script[at] = [refusal(code, said)]
    with pytest.raises(ConfigurationError, match=fix) as caught:
        guest(cognito.host(), **(CLASSIC if at == OPEN_ID_TOKEN else {})).retrieve()
    assert caught.value.setting == setting


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("AccessDenied", 403, DeniedError),
        ("InvalidIdentityToken", 400, DeniedError),
        ("RegionDisabledException", 403, DeniedError),
        ("ValidationError", 400, ConfigurationError),
        ("ExpiredTokenException", 400, RetrievalError),
        ("Whatever", 400, RetrievalError),
    ],
)
def test_the_role_of_the_classic_flow_may_be_refused(code, status, error, cognito):
    cognito.script[STS] = [sts_refusal(code, f"because of {OPEN_ID}", status)]
    with pytest.raises(error, match=rf"^{GUEST}: .*because of \*\*\*") as caught:
        guest(cognito.host(), **CLASSIC).retrieve()
    assert type(caught.value) is error
    assert ("the trust policy of role_arn" in str(caught.value)) == (code in {"AccessDenied", "InvalidIdentityToken"})


@pytest.mark.parametrize(
    ("settings", "at", "answer"),
    [
        ({}, ID, document({})),
        ({}, ID, document({"IdentityId": 7})),
        ({}, ID, document({"IdentityId": "not an id"})),
        ({}, ID, document([])),
        ({}, CREDENTIALS, document({"IdentityId": "x"})),
        ({}, CREDENTIALS, document({"Credentials": None})),
        ({}, CREDENTIALS, document({"Credentials": "x"})),
        ({}, CREDENTIALS, issued(AccessKeyId=None)),
        ({}, CREDENTIALS, issued(SecretKey=None)),
        ({}, CREDENTIALS, issued(SecretKey=None, SecretAccessKey=SECRET)),
        ({}, CREDENTIALS, issued(SessionToken=None)),
        ({}, CREDENTIALS, issued(SessionToken=["x"])),
        ({}, CREDENTIALS, issued(Expiration=None)),
        ({}, CREDENTIALS, issued(Expiration="tomorrow")),
        ({}, CREDENTIALS, issued(Expiration=1e300)),
        ({}, CREDENTIALS, Answer(200, b"")),
        ({}, CREDENTIALS, Answer(200, b"\xff\xfe")),
        (CLASSIC, OPEN_ID_TOKEN, document({})),
        (CLASSIC, OPEN_ID_TOKEN, document({"Token": ["x"]})),
        (CLASSIC, STS, Answer(200, "<a/>")),
    ],
)
def test_an_answer_that_is_none_is_malformed(settings, at, answer, cognito):
    cognito.script[at] = [answer]
    with pytest.raises(RetrievalError, match=f"^{GUEST}") as caught:
        guest(cognito.host(), **settings).retrieve()
    assert caught.value.code == "MalformedAnswer"
    assert not leaks(str(caught.value))


def test_expiry_is_judged_by_the_hosts_clock(cognito):
    host = Host.isolated({"AWS_ENDPOINT_URL": cognito.url}, clock=lambda: datetime(2900, 1, 1, tzinfo=UTC).timestamp())
    with pytest.raises(CredentialsExpiredError, match=GUEST):
        guest(host).retrieve()


class Scripted:
    """A host whose Cognito client gets each answer without a network."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.host = Host.isolated()
        self.host.client("cognito-identity", "us-east-1").meta.events.register("before-send", self._send)

    def _send(self, request, **_):
        name = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        status, body = self.answers[name]
        return AWSResponse(request.url, status, {}, Body(body))


scripted = functools.cache(Scripted)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
names = ("AccessKeyId", "SecretKey", "SessionToken", "Expiration")
fields = st.fixed_dictionaries({}, optional=dict.fromkeys(names, json_values | st.just("c4n4ry") | st.just(4e9)))
answers = st.tuples(
    st.sampled_from([200, 200, 200, 400, 403]),
    st.one_of(
        st.binary(max_size=60),
        json_values.map(lambda value: json.dumps(value).encode()),
        fields.map(lambda value: json.dumps({"Credentials": value}).encode()),
        json_values.map(lambda value: json.dumps({"__type": value, "message": value}).encode()),
        json_values.map(lambda value: json.dumps({"IdentityId": value}).encode()),
    ),
)


@given(answers, answers, st.booleans())
def test_any_answer_gives_keys_or_an_error_of_ours(first, second, right_id):
    world = scripted()
    identity_answer = (200, json.dumps({"IdentityId": identity(1)}).encode())
    world.answers = {ID: identity_answer if right_id else first, CREDENTIALS: second}
    try:
        keys = guest(world.host).retrieve()
    except CredentialError as error:
        assert str(error).startswith(GUEST)
    else:
        assert keys.expiration is not None
        assert keys.session_token


# -------------------------------------------------------------------- settings

WRONG = {
    "identity_pool_id": [None, "", 7, "us-east-1", "us-east-1:", ":0a", "us-east-1:xyz", f"{POOL}\n", "us/east:0a",
                         f"{POOL}0" * 2],
    "logins": [{}, [], 7, "c4n4ry", {"": "c4n4ry"}, {"two words": "c4n4ry"}, {GOOGLE: ""}, {GOOGLE: "c4n4ry c4n4ry"}, {GOOGLE: 7},
               {GOOGLE: None}, {GOOGLE: b"c4n4ry"}, {7: "c4n4ry"}, {f"p{n}": "c4n4ry" for n in range(11)}, {"x" * 129: "c4n4ry"}],
    "flow": [None, "", "basic", "ENHANCED", ["enhanced"], 7],
    "role_arn": ["", "Guest", 7],
    "account_id": ["", "123", 123456789012, "１２３４５６７８９０１２"],
}  # fmt: skip


@pytest.mark.parametrize(("setting", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_setting_is_refused_at_once_and_named_without_its_value(setting, value):
    with pytest.raises(ConfigurationError, match=f"^cognito: {setting} ") as caught:
        CognitoIdentity(**{"identity_pool_id": POOL, "logins": {GOOGLE: "token"}, setting: value})
    assert caught.value.setting == setting
    assert not leaks(str(caught.value))


def test_a_coroutine_function_is_refused_at_once():
    async def token():
        return LOGIN

    with pytest.raises(ConfigurationError, match="logins must be a plain function"):
        CognitoIdentity(POOL, logins={GOOGLE: token})


def test_the_classic_flow_needs_a_role():
    for make in (guest, user):
        with pytest.raises(
            ConfigurationError, match="role_arn is missing: the classic flow takes the role that it names"
        ) as caught:
            make(Host.isolated(), flow="classic")
        assert caught.value.setting == "role_arn"


def test_a_guest_of_the_enhanced_flow_has_no_say_in_the_role():
    for make in (CognitoGuest, CognitoIdentity):
        with pytest.raises(ConfigurationError, match="role_arn is not for guests of the enhanced flow"):
            make(POOL, role_arn=ROLE)


def test_a_guest_has_no_logins():
    with pytest.raises(TypeError, match="logins"):
        CognitoGuest(POOL, logins={GOOGLE: LOGIN})
    assert CognitoGuest(POOL).logins is None
    assert isinstance(CognitoGuest(POOL), CognitoIdentity)


def test_logins_in_another_order_are_the_same():
    one, two = (CognitoIdentity(POOL, logins=logins) for logins in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"}))
    assert one == two
    assert hash(one) == hash(two)


def test_the_repr_names_the_login_providers():
    assert repr(CognitoIdentity(POOL, logins={GOOGLE: LOGIN})).startswith(
        f"CognitoIdentity(identity_pool_id='{POOL}', logins=('{GOOGLE}',)"
    )
    assert "logins" not in repr(CognitoGuest(POOL))


def test_only_guests_of_the_enhanced_flow_have_the_hint():
    assert CognitoGuest(POOL).denied_hint == CognitoIdentity(POOL).denied_hint == GUEST_HINT
    for provider in (CognitoGuest(POOL, **CLASSIC), CognitoIdentity(POOL, logins={GOOGLE: LOGIN})):
        assert provider.denied_hint == ""


def test_traits():
    said = traits(CognitoGuest(POOL))
    assert (said.timeout, said.region_name) == (2 * _sts.CALL_TIMEOUT, "us-east-1")
    assert traits(CognitoGuest(POOL, **CLASSIC)).timeout == 3 * _sts.CALL_TIMEOUT


def the_login() -> str:
    return LOGIN


def test_a_function_keeps_it_from_being_pickled_unless_it_can_be():
    made = CognitoIdentity(POOL, logins={GOOGLE: the_login})
    assert pickle.loads(pickle.dumps(made)) == made
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(CognitoIdentity(POOL, logins={GOOGLE: lambda: LOGIN}))
