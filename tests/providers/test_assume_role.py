"""Roles: what is sent to STS, signed by whom, and what each answer means."""

from __future__ import annotations

import functools
import json
import logging
import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

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
    MissingIdentityError,
    NotConfiguredError,
    RetrievalError,
)
from bedrock_auth.host import Host
from bedrock_auth.providers import _role, _sts
from bedrock_auth.providers.assume_role import AssumeRole
from bedrock_auth.providers.default import Default
from bedrock_auth.providers.environment import Environment
from bedrock_auth.providers.from_callable import FromCallable
from bedrock_auth.providers.process import Process
from bedrock_auth.providers.static import Static
from bedrock_auth.refresh import Refresher
from bedrock_auth.session import create_session
from providers.conformance import KEY_ID, KEYS, PAST, SECRET, TOKEN, Conformance, leaks
from providers.stub import ROLE_KEY_ID, ROLE_SECRET, ROLE_TOKEN, Answer, issued, nobody, refusal
from support.wire import Body

ROLE = "arn:aws:iam::123456789012:role/Bedrock"
NAME = f"assume-role {ROLE}"
EXTERNAL_ID = "c4n4ry-external-id"
BASE = Static(KEY_ID, SECRET, TOKEN)
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"}]}
DECOYS = {
    "AWS_ACCESS_KEY_ID": "AKIADECOYDECOYDECOY0",
    "AWS_SECRET_ACCESS_KEY": "decoy",
    "AWS_SESSION_TOKEN": "decoy",
    "AWS_PROFILE": "decoy",
    "AWS_BEARER_TOKEN_BEDROCK": "decoy",
    "AWS_ROLE_ARN": "arn:aws:iam::999999999999:role/Decoy",
}


def role(host, **given) -> AssumeRole:
    return AssumeRole(ROLE, **{"source": BASE, "host": host, **given})


class Rotating:
    """A `CredentialSource` that has other keys once it is told that these were rejected."""

    name = "rotating keys"

    def __init__(self, *key_ids: str) -> None:
        self.key_ids = list(key_ids)
        self.rejected: list[str] = []

    def current(self) -> Credentials:
        return Credentials(self.key_ids[0], SECRET, source=self.name)

    def invalidate(self, access_key_id: str) -> None:
        self.rejected.append(access_key_id)
        if len(self.key_ids) > 1:
            self.key_ids.pop(0)


class TestConformance(Conformance):
    kind = "assume-role"
    stability = Stability.STABLE

    def make(self, **given):
        return AssumeRole(ROLE, **{"source": BASE, "external_id": EXTERNAL_ID, "policy": POLICY, "tags": {"a": "b"}, **given})

    def other(self):
        return self.make(external_id=f"{EXTERNAL_ID}-2")

    def working(self):
        return self.make(host=self.sts.host())

    def expected(self):
        return ROLE_KEY_ID, ROLE_SECRET, ROLE_TOKEN

    def fail_with(self, *answers):
        self.sts.answers = list(answers)
        self.working().retrieve()

    def absent(self):
        self.make(source=Environment(host=Host.isolated()), host=self.sts.host()).retrieve()

    def misconfigured(self):
        said = f"1 validation error detected: Value '{EXTERNAL_ID}' at 'externalId' failed to satisfy constraint"
        self.fail_with(refusal("ValidationError", said, 400))

    def refused(self):
        self.fail_with(refusal("AccessDenied", f"not with {EXTERNAL_ID} by {SECRET}"))

    def unreachable(self):
        self.make(host=nobody()).retrieve()

    def malformed(self):
        self.fail_with(Answer(200, f"<not><closed>{ROLE_SECRET}"))

    def oversized(self):
        self.fail_with(Answer(200, issued().body + f"<!-- {ROLE_SECRET} -->".encode() * 5000))

    def expired(self):
        self.fail_with(issued(lifetime=-60))


# -------------------------------------------------------------------- what goes over the wire


def test_only_what_was_set_is_sent(sts):
    role(sts.host(), session_name="me").retrieve()
    (sent,) = sts.received
    assert sent.form == {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": ROLE,
        "RoleSessionName": "me",
        "DurationSeconds": "3600",
    }


def test_everything_that_was_set_is_sent(sts):
    role(
        sts.host(),
        session_name="me",
        external_id=EXTERNAL_ID,
        duration=timedelta(minutes=15),
        policy=POLICY,
        policy_arns=["arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::123456789012:policy/x/Y"],
        tags={"team": "ml", "cost": "42"},
        transitive_tag_keys=["team"],
        source_identity="alice",
        mfa_serial="arn:aws:iam::123456789012:mfa/alice",
        mfa_token=lambda: " 012345\n",
    ).retrieve()
    (sent,) = sts.received
    assert json.loads(sent.form.pop("Policy")) == POLICY
    assert sent.form == {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": ROLE,
        "RoleSessionName": "me",
        "DurationSeconds": "900",
        "ExternalId": EXTERNAL_ID,
        "PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
        "PolicyArns.member.2.arn": "arn:aws:iam::123456789012:policy/x/Y",
        "Tags.member.1.Key": "cost",
        "Tags.member.1.Value": "42",
        "Tags.member.2.Key": "team",
        "Tags.member.2.Value": "ml",
        "TransitiveTagKeys.member.1": "team",
        "SourceIdentity": "alice",
        "SerialNumber": "arn:aws:iam::123456789012:mfa/alice",
        "TokenCode": "012345",
    }


def boto_session(keys: Credentials) -> boto3.Session:
    return boto3.Session(keys.access_key_id, keys.secret_access_key, keys.session_token)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(lambda: BASE, id="a provider"),
        pytest.param(lambda: Refresher(BASE), id="a source"),
        pytest.param(lambda: boto_session(KEYS), id="a boto3 session"),
        pytest.param(lambda: create_session(BASE), id="a session of ours"),
    ],
)
def test_the_sources_keys_sign_whatever_lies_around(source, sts, monkeypatch):
    given = source()
    if isinstance(given, boto3.Session):
        given.get_credentials()  # a plain session that has not found its keys yet would look for the profile
    for name, value in DECOYS.items():
        monkeypatch.setenv(name, value)
    role(sts.host(**DECOYS), source=given).retrieve()
    (sent,) = sts.received
    assert sent.signer == KEY_ID
    assert sent.is_signed_with(KEYS)
    assert not sent.is_signed_with(attrs.evolve(KEYS, secret_access_key="another"))
    assert sent.form["RoleArn"] == ROLE


def test_threads_that_share_one_client_each_sign_with_their_own_sources_keys(sts):
    host, many = sts.host(), 12
    keys = [Credentials(f"AKIATHREADTHREAD{n:04d}", f"secret-{n}", f"token-{n}") for n in range(many)]
    sts.by_signer = {k.access_key_id: issued(key_id=f"ASIAROLEROLEROLE{n:04d}") for n, k in enumerate(keys)}
    roles = [
        role(host, source=Static(k.access_key_id, k.secret_access_key, k.session_token), session_name=f"s{n}")
        for n, k in enumerate(keys)
    ]
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(AssumeRole.retrieve, roles * 2))
    assert [keys.access_key_id for keys in got] == [f"ASIAROLEROLEROLE{n:04d}" for n in range(many)] * 2
    assert len(host._clients) == 1
    for sent in sts.received:
        assert sent.is_signed_with(keys[int(sent.form["RoleSessionName"][1:])])


@pytest.mark.parametrize(
    ("given", "environ", "hint", "region"),
    [
        ({"region_name": "eu-west-1"}, {"AWS_REGION": "eu-west-2"}, "eu-west-3", "eu-west-1"),
        ({}, {"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "eu-north-1"}, "eu-west-3", "eu-west-2"),
        ({}, {"AWS_DEFAULT_REGION": "eu-north-1"}, "eu-west-3", "eu-north-1"),
        ({}, {}, "eu-west-3", "eu-west-3"),
    ],
)
def test_the_region_is_stated_or_ambient_or_hinted_by_the_source(given, environ, hint, region, sts):
    session = boto3.Session(KEY_ID, SECRET, TOKEN, region_name=hint)
    role(sts.host(**environ), source=session, **given).retrieve()
    assert sts.received[0].scope[2:4] == [region, "sts"]


@pytest.mark.parametrize(
    ("partition", "region"),
    [("aws", "us-east-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1"), ("aws-eusc", "eusc-de-east-1")],
)
def test_the_region_is_else_the_first_of_the_roles_partition(partition, region, sts):
    AssumeRole(ROLE.replace("aws", partition), source=BASE, host=sts.host()).retrieve()
    assert sts.received[0].scope[2] == region


def test_a_partition_without_a_known_region_wants_one(sts):
    with pytest.raises(ConfigurationError, match="no region is known for this partition; set region_name"):
        AssumeRole(ROLE.replace("aws", "aws-new"), source=BASE, host=sts.host()).retrieve()
    assert not sts.received


def test_an_endpoint_without_encryption_elsewhere_is_refused_before_anything_is_sent():
    with pytest.raises(ConfigurationError, match=rf"{NAME}: .*over https only"):
        role(Host.isolated({"AWS_ENDPOINT_URL_STS": "http://sts.example"})).retrieve()


# -------------------------------------------------------------------- moto


def test_motos_sts_issues_keys_that_are_the_roles(moto):
    host = Host.isolated({"AWS_ENDPOINT_URL_STS": moto, "USER": "alice"})
    keys = role(host, duration=1800).retrieve()
    assert 1700 < keys.remaining() <= 1800
    assert (keys.account_id, keys.source) == ("123456789012", NAME)
    client = boto3.client(
        "sts", "us-east-1", endpoint_url=moto, aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key, aws_session_token=keys.session_token,
    )  # fmt: skip
    assert client.get_caller_identity()["Arn"] == "arn:aws:sts::123456789012:assumed-role/Bedrock/bedrock-auth-alice"


def test_a_role_may_be_the_source_of_a_role(moto):
    host = Host.isolated({"AWS_ENDPOINT_URL_STS": moto})
    keys = AssumeRole("arn:aws:iam::210987654321:role/Two", source=role(host), host=host).retrieve()
    assert keys.account_id == "210987654321"


def test_a_stand_in_may_issue_keys_for_two_seconds(moto):
    keys = role(Host.isolated({"AWS_ENDPOINT_URL_STS": moto}), duration=2).retrieve()
    assert 0 < keys.remaining() <= 2


# -------------------------------------------------------------------- what the answers mean


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("AccessDenied", 403, DeniedError),
        ("MalformedPolicyDocument", 400, DeniedError),
        ("PackedPolicyTooLarge", 400, DeniedError),
        ("RegionDisabledException", 403, DeniedError),
        ("ValidationError", 400, ConfigurationError),
        ("InvalidClientTokenId", 403, RetrievalError),
        ("ExpiredToken", 403, RetrievalError),
        ("SignatureDoesNotMatch", 403, RetrievalError),
        ("NewSortOfError", 400, RetrievalError),
    ],
)
def test_the_class_of_the_error_follows_the_code(code, status, error, sts):
    sts.answers = [refusal(code, "because", status)]
    with pytest.raises(error, match="because") as caught:
        role(sts.host()).retrieve()
    assert type(caught.value) is error
    assert (caught.value.code, caught.value.provider) == (code, NAME)
    assert str(caught.value).startswith(NAME)
    assert len(sts.received) == 1


@pytest.mark.parametrize(("code", "status"), [("Throttling", 400), ("ServiceUnavailable", 503), ("InternalFailure", 500)])
def test_what_may_pass_is_tried_twice_and_then_recoverable(code, status, sts):
    sts.answers = [refusal(code, "busy", status, {"Retry-After": "7"})]
    with pytest.raises(RetrievalError, match="STS failed") as caught:
        role(sts.host()).retrieve()
    assert caught.value.code == code
    assert caught.value.retry_after == 7
    assert len(sts.received) == 2
    sts.answers = [refusal(code, "busy", status), issued()]
    assert role(sts.host()).retrieve().access_key_id == ROLE_KEY_ID


@pytest.mark.parametrize(
    "header", [{}, {"Retry-After": "soon"}, {"Retry-After": "-1"}, {"Retry-After": "inf"}, {"Retry-After": "nan"}]
)
def test_a_wait_that_makes_no_sense_is_not_taken_over(header, sts):
    sts.answers = [refusal("NewSortOfError", "", 400, header)]
    with pytest.raises(RetrievalError) as caught:
        role(sts.host()).retrieve()
    assert caught.value.retry_after is None


def test_a_refusal_names_role_and_caller_and_what_may_be_missing(sts):
    sts.answers = [
        refusal("AccessDenied", "User: arn:aws:iam::1:user/u is not authorized to perform: sts:AssumeRole on resource: x")
    ]
    with pytest.raises(DeniedError) as caught:
        role(sts.host()).retrieve()
    text = str(caught.value)
    assert text.startswith(f"{NAME} was refused to static …0001: AccessDenied: User: arn:aws:iam::1:user/u is not authorized")
    for part in (
        "AWS does not say",
        "trust policy",
        "sts:AssumeRole on it",
        "an external id (none was given) or an MFA code (none was given)",
    ):
        assert part in text
    with pytest.raises(DeniedError, match="another external id or an MFA"):
        role(sts.host(), external_id=EXTERNAL_ID).retrieve()


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        (
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
            "duration=3600 or less",
        ),
        ("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", "raise its maximum session duration"),
    ],
)
def test_a_duration_that_sts_does_not_grant_is_told_with_the_fix(said, fix, sts):
    sts.answers = [refusal("ValidationError", said, 400)]
    with pytest.raises(ConfigurationError, match=fix) as caught:
        role(sts.host(), duration=7200).retrieve()
    assert caught.value.setting == "duration"


def test_a_packed_policy_that_is_too_large_is_told_with_the_fix(sts):
    sts.answers = [refusal("PackedPolicyTooLarge", "Packed size exceeds limit by 10%", 400)]
    with pytest.raises(DeniedError, match="shorten the session policy and tags"):
        role(sts.host(), policy=POLICY).retrieve()


def test_a_region_that_botocore_cannot_make_an_endpoint_for_is_told(sts):
    with pytest.raises(CredentialError, match=NAME) as caught:
        role(Host.isolated(), region_name="-").retrieve()
    assert "answer" not in str(caught.value)


def test_an_endless_message_is_cut(sts):
    sts.answers = [refusal("AccessDenied", "no " * 5000)]
    with pytest.raises(DeniedError) as caught:
        role(sts.host()).retrieve()
    assert len(str(caught.value)) < 1500


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>gateway</html>",
        b"<a/>",
        b"{}",
        b"\xff\xfe",
        issued().body.replace(ROLE_TOKEN.encode(), b""),
        issued().body.replace(ROLE_KEY_ID.encode(), b""),
        issued().body.replace(ROLE_SECRET.encode(), b" "),
        issued().body.replace(ROLE_TOKEN.encode(), b"t" * 20_000),
        issued(expiration="").body,
        issued().body.replace(b"Expiration>", b"Expired>"),
        issued(expiration="later").body,
    ],
    ids=range(12),
)
def test_an_answer_without_all_the_keys_is_malformed(body, sts):
    sts.answers = [Answer(200, body)]
    with pytest.raises(RetrievalError) as caught:
        role(sts.host()).retrieve()
    assert caught.value.code == "MalformedAnswer"
    assert str(caught.value).startswith(NAME)


def test_an_answer_of_any_size_is_read_only_up_to_the_limit(sts):
    sts.answers = [Answer(200, issued().body + b" " * 70_000)]
    with pytest.raises(RetrievalError, match=f"{NAME}: AWS's answer is larger than 65536 bytes") as caught:
        role(sts.host()).retrieve()
    assert caught.value.code == "OversizedAnswer"


def test_expiry_is_judged_by_the_hosts_clock(sts):
    host = Host.isolated({"AWS_ENDPOINT_URL_STS": sts.url}, clock=lambda: datetime(2900, 1, 1, tzinfo=UTC).timestamp())
    with pytest.raises(CredentialsExpiredError, match=NAME):
        role(host).retrieve()


class Scripted:
    """A host whose STS client gets each answer without a network."""

    def __init__(self) -> None:
        self.answer = (200, b"")
        self.host = Host.isolated()
        self.host.client("sts", "us-east-1").meta.events.register("before-send", self._send)

    def _send(self, request, **_):
        status, body = self.answer
        return AWSResponse(request.url, status, {}, Body(body))


scripted = functools.cache(Scripted)
garbled = st.tuples(st.sampled_from([ROLE_KEY_ID, ROLE_TOKEN, "Credentials", "2", "aws"]), st.text(max_size=8)).map(
    lambda change: issued().body.decode().replace(*change).encode(errors="replace")
)


@given(st.sampled_from([200, 200, 400, 403]), st.binary(max_size=60) | garbled)
def test_any_answer_gives_the_keys_or_an_error_of_ours(status, body):
    scripted().answer = (status, body)
    try:
        keys = role(scripted().host).retrieve()
    except CredentialError as error:
        assert str(error).startswith(NAME)
        assert not leaks(str(error))
    else:
        assert status == 200
        assert keys.secret_access_key == ROLE_SECRET
        assert keys.expiration is not None


def test_botocores_loggers_mask_what_the_call_is_known_to_hold_wherever_it_stands(sts, caplog):
    def chat(**_):
        logging.getLogger("botocore.endpoint").debug("about to send %s, %s and %s", SECRET, TOKEN, EXTERNAL_ID)

    host = sts.host()
    host.client("sts", "us-east-1").meta.events.register("before-send", chat)
    with caplog.at_level(logging.DEBUG):
        role(host, external_id=EXTERNAL_ID).retrieve()
    assert "about to send ***, *** and ***" in caplog.text


# -------------------------------------------------------------------- the source's keys


def test_a_source_is_told_that_its_keys_were_rejected_and_asked_once_more(sts):
    source = Rotating("AKIAOLDOLDOLDOLDOLD0", "AKIANEWNEWNEWNEWNEW0")
    sts.by_signer = {"AKIAOLDOLDOLDOLDOLD0": refusal("ExpiredToken", "expired")}
    assert role(sts.host(), source=source).retrieve().access_key_id == ROLE_KEY_ID
    assert [sent.signer for sent in sts.received] == ["AKIAOLDOLDOLDOLDOLD0", "AKIANEWNEWNEWNEWNEW0"]
    assert source.rejected == ["AKIAOLDOLDOLDOLDOLD0"]


def test_a_session_of_ours_is_told_too(sts):
    sets = iter([KEYS, attrs.evolve(KEYS, access_key_id="AKIANEWNEWNEWNEWNEW0")])
    session = create_session(FromCallable(lambda: next(sets)))
    sts.by_signer = {KEY_ID: refusal("InvalidClientTokenId", "unknown")}
    role(sts.host(), source=session).retrieve()
    assert [sent.signer for sent in sts.received] == [KEY_ID, "AKIANEWNEWNEWNEWNEW0"]


@pytest.mark.parametrize(
    "key_ids", [("AKIAOLDOLDOLDOLDOLD0",), ("AKIAOLDOLDOLDOLDOLD0", "AKIANEWNEWNEWNEWNEW0", "AKIATHIRDTHIRDTHIRD0")]
)
def test_rejected_keys_are_renewed_at_most_once(key_ids, sts):
    sts.answers = [refusal("ExpiredToken", "expired")]
    with pytest.raises(RetrievalError, match="AWS does not accept the keys of rotating keys: ExpiredToken"):
        role(sts.host(), source=Rotating(*key_ids)).retrieve()
    assert len(sts.received) == min(len(key_ids), 2)


def test_keys_are_not_blamed_for_other_failures(sts):
    source = Rotating("AKIAOLDOLDOLDOLDOLD0", "AKIANEWNEWNEWNEWNEW0")
    sts.answers = [refusal("NewSortOfError", "", 400)]
    with pytest.raises(RetrievalError):
        role(sts.host(), source=source).retrieve()
    assert not source.rejected
    assert len(sts.received) == 1


def test_rejected_keys_of_a_source_that_cannot_be_told_are_not_tried_again(sts):
    sts.answers = [refusal("InvalidClientTokenId", "unknown")]
    for source in (BASE, boto_session(KEYS)):
        with pytest.raises(RetrievalError, match="does not accept the keys of"):
            role(sts.host(), source=source).retrieve()
    assert len(sts.received) == 2


@pytest.mark.parametrize(
    ("source", "error", "text"),
    [
        (Environment(host=Host.isolated()), NotConfiguredError, "environment: neither AWS_ACCESS_KEY_ID"),
        (Process(["/nowhere/helper"]), ConfigurationError, "process helper: command cannot be run"),
        (FromCallable(lambda: 1 / 0, name="vault"), RetrievalError, "vault failed with ZeroDivisionError"),
        (
            FromCallable(lambda: {**KEYS.to_process_json(), "Expiration": PAST}, name="vault"),
            CredentialsExpiredError,
            "vault answered",
        ),
    ],
)
def test_a_source_without_keys_is_named_together_with_the_role(source, error, text, sts):
    with pytest.raises(error, match=text) as caught:
        role(sts.host(), source=source).retrieve()
    assert str(caught.value).startswith(NAME)
    assert not sts.received


def test_a_source_that_has_been_closed_has_no_identity_to_lend(sts):
    refresher = Refresher(BASE)
    refresher.close()
    with pytest.raises(MissingIdentityError, match=NAME):
        role(sts.host(), source=refresher).retrieve()


def test_a_users_own_provider_may_misbehave_in_any_way(sts):
    class Odd:
        name = "odd"

        def __init__(self, behave):
            self.retrieve = behave

    def fail():
        raise LookupError(f"secret_key={SECRET}")

    with pytest.raises(RetrievalError, match="odd failed with LookupError") as caught:
        role(sts.host(), source=Odd(fail)).retrieve()
    assert not leaks(str(caught.value))
    with pytest.raises(ConfigurationError, match=r"odd: retrieve\(\) returned dict, not Credentials"):
        role(sts.host(), source=Odd(dict)).retrieve()
    old = Credentials(KEY_ID, SECRET, TOKEN, datetime(2001, 1, 1, tzinfo=UTC))
    with pytest.raises(CredentialsExpiredError, match="odd answered with keys that expired"):
        role(sts.host(), source=Odd(lambda: old)).retrieve()
    sts.answers = [refusal("AccessDenied")]
    with pytest.raises(DeniedError, match="was refused to odd"):
        role(sts.host(), source=Odd(lambda: Credentials(KEY_ID, SECRET))).retrieve()


def test_a_boto3_session_without_credentials_cannot_lend_any(sts):
    with pytest.raises(ConfigurationError, match="the boto3 session has no credentials") as caught:
        role(sts.host(), source=boto3.Session()).retrieve()
    assert str(caught.value).startswith(NAME)


def test_a_boto3_session_whose_own_refresh_fails_is_a_failure_that_may_pass(sts):
    class Broken:
        region_name = None

        def get_credentials(self):
            raise OSError("sso cache")

    with pytest.raises(RetrievalError, match="the boto3 session failed with OSError: sso cache"):
        role(sts.host(), source=Broken()).retrieve()


# -------------------------------------------------------------------- MFA

DEVICE = {"mfa_serial": "arn:aws:iam::123456789012:mfa/alice"}


def test_the_code_is_asked_for_at_every_fetch_once_the_source_has_keys(sts):
    codes = iter(["111111", "222222"])
    provider = role(sts.host(), **DEVICE, mfa_token=lambda: next(codes))
    provider.retrieve()
    provider.retrieve()
    assert [sent.form["TokenCode"] for sent in sts.received] == ["111111", "222222"]
    with pytest.raises(NotConfiguredError):
        role(sts.host(), **DEVICE, mfa_token=lambda: pytest.fail("asked"), source=Environment(host=Host.isolated())).retrieve()


@pytest.mark.parametrize("given", [None, "", "  ", "12345", "1234567", "abcdef", 123456, "１２３４５６"])
def test_no_code_of_six_digits_is_a_refusal_without_a_call(given, sts):
    with pytest.raises(DeniedError, match="mfa_token gave no code of six digits") as caught:
        role(sts.host(), **DEVICE, mfa_token=lambda: given).retrieve()
    assert str(caught.value).startswith(NAME)
    assert not sts.received


def test_asking_for_the_code_may_fail(sts):
    def fail():
        raise EOFError("no terminal")

    with pytest.raises(RetrievalError, match="mfa_token failed with EOFError: no terminal") as caught:
        role(sts.host(), **DEVICE, mfa_token=fail).retrieve()
    assert str(caught.value).startswith(NAME)

    def refuse():
        raise DeniedError("cancelled")

    with pytest.raises(DeniedError, match="cancelled"):
        role(sts.host(), **DEVICE, mfa_token=refuse).retrieve()


def test_the_code_is_in_no_message(sts):
    sts.answers = [refusal("AccessDenied", "MultiFactorAuthentication failed with 987654")]
    with pytest.raises(DeniedError, match=r"failed with \*\*\*"):
        role(sts.host(), **DEVICE, mfa_token=lambda: "987654").retrieve()


# -------------------------------------------------------------------- traits


def test_it_takes_the_time_of_its_source_and_its_own():
    assert traits(role(Host.isolated())).timeout == _sts.CALL_TIMEOUT
    assert traits(role(Host.isolated(), source=Process("x", timeout=90))).timeout == 90 + _sts.CALL_TIMEOUT
    assert traits(role(Host.isolated(), source=Refresher(Process("x", timeout=90)))).timeout == 90 + _sts.CALL_TIMEOUT


def test_it_is_interactive_where_a_person_is_asked_anywhere():
    asking = role(Host.isolated(), **DEVICE, mfa_token=input)
    assert traits(asking).interactive
    assert traits(role(Host.isolated(), source=asking)).interactive
    assert not traits(role(Host.isolated())).interactive


def test_its_region_is_a_hint_for_sessions():
    assert traits(role(Host.isolated(), region_name="eu-west-1")).region_name == "eu-west-1"
    assert traits(role(Host.isolated())).region_name is None


# -------------------------------------------------------------------- settings

WRONG = {
    "role_arn": [None, "", 7, "Bedrock-role", f"{ROLE}\n", f"{ROLE}/", f"{ROLE}{'x' * 58}", ROLE.replace("role", "user"),
                 ROLE.replace("012:", "01:"), ROLE.replace("9012", "٩٠١٢"), "arn:aws:sts::123456789012:assumed-role/x/y"],
    "source": [None, "default", AssumeRole, Static, lambda: KEYS, {"get_credentials": 1}],
    "external_id": ["", "x", "x" * 1225, "no spaces", "ümlaut", 7],
    "duration": [0, -1, 43_201, "3600", True, None, 900.5, float("nan"), float("inf"), timedelta(hours=13)],
    "session_name": ["", "x", "x" * 65, "no spaces", "ümlaut", 7],
    "policy": ["", "{", "[]", "{}", "null", "7", {}, [], 7, {"a": object()}, {"a": float("nan")}, '{"a": 1, "a": 2}',
               "[" * 50_000],
    "policy_arns": [None, "arn:aws:iam::aws:policy/X", [7], ["X"], ["arn:aws:iam::aws:policy/X"] * 11, [ROLE]],
    "tags": ["a=b", 7, {"a": 1}, {1: "a"}, {"": "a"}, {"a" * 129: ""}, {"a": "b" * 257}, {f"k{n}": "" for n in range(51)}],
    "transitive_tag_keys": [None, "team", [7], [""], ["x" * 129], [f"k{n}" for n in range(51)]],
    "source_identity": ["", "x", "x" * 65, "no spaces", 7],
    "mfa_serial": ["", "x" * 8, "x" * 257, "no spaces in it", 7],
    "region_name": ["", "us east 1", "us-east-1/../x", "US", 7],
}  # fmt: skip


@pytest.mark.parametrize(("setting", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_setting_is_refused_at_once_and_named_without_its_value(setting, value):
    given = {"role_arn": ROLE, "source": BASE, setting: value}
    if setting == "mfa_serial":
        given["mfa_token"] = input
    with pytest.raises(ConfigurationError, match=f"^assume-role: {setting} ") as caught:
        AssumeRole(**given)
    assert caught.value.setting == setting
    assert not isinstance(value, str) or len(value) < 5 or value not in str(caught.value)


@pytest.mark.parametrize(
    "arn", [ROLE, "arn:aws-cn:iam::123456789012:role/service-role/a/b/X_1+=,.@-", "arn:aws-iso-b:iam::123456789012:role/R"]
)
def test_roles_of_every_partition_and_path_are_taken(arn):
    assert AssumeRole(arn, source=BASE).role_arn == arn


@pytest.mark.parametrize(
    ("given", "missing"), [({"mfa_serial": "device-12345"}, "mfa_token"), ({"mfa_token": input}, "mfa_serial")]
)
def test_device_and_code_are_given_together(given, missing):
    with pytest.raises(ConfigurationError, match=f"{missing} is missing") as caught:
        AssumeRole(ROLE, source=BASE, **given)
    assert caught.value.setting == missing


def test_a_code_that_is_no_function_is_refused():
    with pytest.raises(ConfigurationError, match="mfa_token must be a function") as caught:
        AssumeRole(ROLE, source=BASE, mfa_serial="device-12345", mfa_token="123456")
    assert "123456" not in str(caught.value)


def test_only_an_isolated_host_may_ask_for_less_than_a_quarter_of_an_hour():
    with pytest.raises(ConfigurationError, match="duration must be 900 seconds or more"):
        AssumeRole(ROLE, source=BASE, duration=899)
    assert AssumeRole(ROLE, source=BASE, duration=900).duration == 900
    assert AssumeRole(ROLE, source=BASE, duration=1, host=Host.isolated()).duration == 1
    with pytest.raises(ConfigurationError, match="duration must be 1 to 43200 whole seconds"):
        AssumeRole(ROLE, source=BASE, duration=0, host=Host.isolated())


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"duration": 3600}, {"duration": timedelta(hours=1)}),
        ({"duration": 3600.0}, {}),
        ({"policy": POLICY}, {"policy": json.dumps(dict(reversed(POLICY.items())), indent=2)}),
        ({"policy": POLICY}, {"policy": MappingProxyType({**POLICY, "Statement": tuple(POLICY["Statement"])})}),
        ({"tags": {"a": "1", "b": "2"}}, {"tags": {"b": "2", "a": "1"}}),
        ({"tags": None}, {"tags": {}}),
        ({"policy_arns": ["arn:aws:iam::aws:policy/X"]}, {"policy_arns": ("arn:aws:iam::aws:policy/X",)}),
        ({"source": Static(KEY_ID, SECRET)}, {"source": Static(KEY_ID, SECRET, "")}),
    ],
)
def test_settings_that_mean_the_same_are_equal(one, two):
    first, second = (AssumeRole(ROLE, **{"source": BASE, **given}) for given in (one, two))
    assert first == second
    assert hash(first) == hash(second)


def test_a_function_that_asks_for_codes_keeps_it_from_being_pickled_unless_it_can_be():
    given = {"source": BASE, **DEVICE}
    assert pickle.loads(pickle.dumps(AssumeRole(ROLE, **given, mfa_token=input))).mfa_token is input
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(AssumeRole(ROLE, **given, mfa_token=lambda: "123456"))


# -------------------------------------------------------------------- the session's name


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, "bedrock-auth"),
        ({"USER": "alice"}, "bedrock-auth-alice"),
        ({"USER": "alice", "HOSTNAME": "pod-1.svc"}, "bedrock-auth-alice-pod-1.svc"),
        ({"LOGNAME": "bob"}, "bedrock-auth-bob"),
        ({"USERNAME": "CORP\\carol", "COMPUTERNAME": "PC 7"}, "bedrock-auth-CORP-carol-PC-7"),
        ({"USER": "Jürgen Groß"}, "bedrock-auth-Jurgen-Gro"),
        ({"USER": "山田"}, "bedrock-auth"),
        ({"USER": " "}, "bedrock-auth"),
        ({"USER": "x" * 100}, "bedrock-auth-" + "x" * 51),
        ({"USER": "alice", "AWS_LAMBDA_FUNCTION_NAME": "summarise"}, "summarise"),
        ({"AWS_LAMBDA_FUNCTION_NAME": "summarise", "AWS_ROLE_SESSION_NAME": "stated"}, "stated"),
        ({"AWS_ROLE_SESSION_NAME": "has spaces/slash"}, "has-spaces-slash"),
        ({"AWS_ROLE_SESSION_NAME": "山", "USER": "alice"}, "bedrock-auth-alice"),
        ({"AWS_ROLE_SESSION_NAME": "x"}, "bedrock-auth"),
    ],
)
def test_the_session_is_named_after_who_runs_it(environ, name, sts):
    role(sts.host(**environ)).retrieve()
    assert sts.received[0].form["RoleSessionName"] == name


NAMES = ["AWS_ROLE_SESSION_NAME", "AWS_LAMBDA_FUNCTION_NAME", "USER", "HOSTNAME"]


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=80)))
def test_the_sessions_name_is_always_one_that_sts_takes(environ):
    host = Host.isolated(environ)
    name = _role.default_session_name(host)
    assert _role.optional_text("assume-role", "session_name", name) == name
    assert _role.default_session_name(host) == name


def test_by_default_the_default_chain_asks_for_the_role(sts):
    host = sts.host(AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET, AWS_EC2_METADATA_DISABLED="true")
    role = AssumeRole(ROLE, host=host)
    assert role.source == Default(host=host)
    assert role == AssumeRole(ROLE, host=host)
    assert pickle.loads(pickle.dumps(AssumeRole(ROLE))) == AssumeRole(ROLE)
    role.retrieve()
    assert sts.received[0].is_signed_with(attrs.evolve(KEYS, session_token=None))
