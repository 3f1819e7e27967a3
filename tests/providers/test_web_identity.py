"""Roles for a token: where the token comes from, that nothing else says who asks, and what each answer means."""

from __future__ import annotations

import functools
import json
import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

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
    NotConfiguredError,
    RetrievalError,
)
from bedrock_auth.host import Host
from bedrock_auth.providers import _sts
from bedrock_auth.providers.web_identity import WebIdentity, WebIdentityFromEnvironment
from bedrock_auth.refresh import Refresher
from bedrock_auth.session import create_session
from bedrock_auth.signing import signing_as
from providers.conformance import Conformance, leaks
from providers.stub import ROLE_KEY_ID, ROLE_SECRET, ROLE_TOKEN, Answer, issued, nobody, refusal
from support.wire import Body

ROLE = "arn:aws:iam::123456789012:role/Bedrock"
NAME = f"web-identity {ROLE}"
TOKEN = "0paque-c4n4ry/token"
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"}]}
DECOYS = {
    "AWS_ACCESS_KEY_ID": "AKIADECOYDECOYDECOY0",
    "AWS_SECRET_ACCESS_KEY": "decoy",
    "AWS_PROFILE": "decoy",
    "AWS_BEARER_TOKEN_STS": "decoy",
    "AWS_AUTH_SCHEME_PREFERENCE": "httpBearerAuth",
    "AWS_ROLE_ARN": "arn:aws:iam::999999999999:role/Decoy",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere/decoy",
}
keys = functools.partial(issued, operation="AssumeRoleWithWebIdentity")


def the_token() -> str:
    return TOKEN


def role(host, **given) -> WebIdentity:
    return WebIdentity(ROLE, **({"token": the_token} | {"host": host} | given))


def from_file(host, path, **given) -> WebIdentity:
    return WebIdentity(ROLE, token_file=path, host=host, **given)


@pytest.fixture(autouse=True)
def _keys_for_tokens(sts):
    sts.answers = [keys()]


class Failing(Conformance):
    """How the same call fails, whoever named role and token."""

    kind = "web-identity"
    stability = Stability.STABLE

    def expected(self):
        return ROLE_KEY_ID, ROLE_SECRET, ROLE_TOKEN

    def fail_with(self, *answers):
        self.sts.answers = list(answers)
        self.working().retrieve()

    def refused(self):
        self.fail_with(refusal("AccessDenied", f"Not authorized with {TOKEN}"))

    def malformed(self):
        self.fail_with(Answer(200, f"<not><closed>{ROLE_SECRET}"))

    def oversized(self):
        self.fail_with(Answer(200, keys().body + f"<!-- {ROLE_SECRET} -->".encode() * 5000))

    def expired(self):
        self.fail_with(keys(lifetime=-60))


class TestConformance(Failing):
    exempt: ClassVar = {"absent": "whoever names a role and a token wants them"}

    def make(self, **given):
        return WebIdentity(ROLE, **{"token": the_token, "policy": POLICY, **given})

    def other(self):
        return self.make(session_name="another")

    def working(self):
        return self.make(host=self.sts.host())

    def misconfigured(self):
        said = f"1 validation error detected: Value '{TOKEN}' at 'webIdentityToken' failed to satisfy constraint"
        self.fail_with(refusal("ValidationError", said, 400))

    def unreachable(self):
        self.make(host=nobody()).retrieve()


class TestConformanceOfTheOneOfTheEnvironment(Failing):
    @pytest.fixture(autouse=True)
    def _token_file(self, tmp_path):
        self.path = tmp_path / "token"
        self.path.write_text(TOKEN)

    def make(self, **given):
        return WebIdentityFromEnvironment(**given)

    def other(self):
        return self.make(host=Host.isolated())

    def host(self, base=None) -> Host:
        variables = {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(self.path)}
        return Host.isolated({**(base or self.sts.host()).environ, **variables})

    def working(self):
        return self.make(host=self.host())

    def absent(self):
        self.make(host=Host.isolated()).retrieve()

    def misconfigured(self):
        self.path.write_text(f"{TOKEN}\n{TOKEN}")
        self.working().retrieve()

    def unreachable(self):
        self.make(host=self.host(nobody())).retrieve()


# -------------------------------------------------------------------- what goes over the wire


def test_only_what_was_set_is_sent(sts):
    role(sts.host(), session_name="me").retrieve()
    (sent,) = sts.received
    assert sent.form == {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": ROLE,
        "RoleSessionName": "me",
        "DurationSeconds": "3600",
        "WebIdentityToken": TOKEN,
    }


def test_everything_that_was_set_is_sent(sts):
    arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::123456789012:policy/x/Y"]
    role(sts.host(USER="alice"), duration=timedelta(minutes=15), policy=POLICY, policy_arns=arns).retrieve()
    (sent,) = sts.received
    assert json.loads(sent.form.pop("Policy")) == POLICY
    assert sent.form == {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": ROLE,
        "RoleSessionName": "bedrock-auth-alice",
        "DurationSeconds": "900",
        "WebIdentityToken": TOKEN,
        "PolicyArns.member.1.arn": arns[0],
        "PolicyArns.member.2.arn": arns[1],
    }


def test_nothing_signs_the_call_whatever_lies_around(sts, monkeypatch):
    for name, value in DECOYS.items():
        monkeypatch.setenv(name, value)
    provider = role(sts.host(**DECOYS))
    provider.retrieve()
    with signing_as(Credentials("AKIAAROUNDAROUNDARND", "around")):
        provider.retrieve()
    assert [sent.form["RoleArn"] for sent in sts.received] == [ROLE, ROLE]
    for sent in sts.received:
        assert not sent.signer
        assert not {"authorization", "x-amz-security-token", "x-amz-date"} & sent.headers.keys()


@pytest.mark.parametrize(
    ("arn", "region_name", "environ", "region"),
    [
        (ROLE, "eu-west-1", {"AWS_REGION": "eu-west-2"}, "eu-west-1"),
        (ROLE, None, {"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "eu-north-1"}, "eu-west-2"),
        (ROLE, None, {"AWS_DEFAULT_REGION": "eu-north-1"}, "eu-north-1"),
        (ROLE, None, {}, "us-east-1"),
        (ROLE.replace("aws", "aws-cn"), None, {}, "cn-north-1"),
    ],
)
def test_the_region_is_stated_or_ambient_or_the_first_of_the_partition(arn, region_name, environ, region, sts):
    host = sts.host(**environ)
    WebIdentity(arn, token=the_token, region_name=region_name, host=host).retrieve()
    ((service, asked, _),) = host._clients
    assert (service, asked) == ("sts", region)


def test_a_partition_without_a_known_region_wants_one(sts):
    with pytest.raises(ConfigurationError, match="no region is known for this partition; set region_name"):
        WebIdentity(ROLE.replace("aws", "aws-new"), token=the_token, host=sts.host()).retrieve()
    assert not sts.received


def test_an_endpoint_without_encryption_elsewhere_is_refused_before_anything_is_sent():
    with pytest.raises(ConfigurationError, match=rf"{NAME}: .*over https only"):
        role(Host.isolated({"AWS_ENDPOINT_URL_STS": "http://sts.example"})).retrieve()


def test_motos_sts_issues_keys_that_are_the_roles(moto):
    issued_keys = role(Host.isolated({"AWS_ENDPOINT_URL_STS": moto, "USER": "alice"}), duration=1800).retrieve()
    assert 1700 < issued_keys.remaining() <= 1800
    assert (issued_keys.account_id, issued_keys.source) == ("123456789012", NAME)
    client = boto3.client(
        "sts", "us-east-1", endpoint_url=moto, aws_access_key_id=issued_keys.access_key_id,
        aws_secret_access_key=issued_keys.secret_access_key, aws_session_token=issued_keys.session_token,
    )  # fmt: skip
    assert client.get_caller_identity()["Arn"] == "arn:aws:sts::123456789012:assumed-role/Bedrock/bedrock-auth-alice"


def test_threads_that_share_one_client_each_send_their_own_token(sts):
    host = sts.host()
    roles = [role(host, token=functools.partial(str, f"token-{n}"), session_name=f"s{n}") for n in range(12)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(WebIdentity.retrieve, roles * 2))
    assert len(host._clients) == 1
    assert len(sts.received) == 24
    assert all(sent.form["WebIdentityToken"][6:] == sent.form["RoleSessionName"][1:] for sent in sts.received)


# -------------------------------------------------------------------- the token


def mount(folder: Path, version: str, token: str) -> None:
    """As Kubernetes does it: a folder per version, and one link that is replaced."""
    (folder / version).mkdir()
    (folder / version / "token").write_text(token)
    (folder / "next").symlink_to(version)
    (folder / "next").rename(folder / "..data")
    if not (folder / "token").is_symlink():
        (folder / "token").symlink_to("..data/token")


def test_the_file_is_read_at_every_fetch_whatever_link_leads_to_it(sts, tmp_path):
    provider = from_file(sts.host(), tmp_path / "token")
    mount(tmp_path, "..1", "first-token\n")
    provider.retrieve()
    mount(tmp_path, "..2", "  second-token")
    provider.retrieve()
    assert [sent.form["WebIdentityToken"] for sent in sts.received] == ["first-token", "second-token"]


def test_a_file_that_is_replaced_all_the_time_always_holds_a_whole_token(sts, tmp_path):
    mount(tmp_path, "..0", "token-0")
    provider, done = from_file(sts.host(), tmp_path / "token"), threading.Event()

    def replace() -> None:
        for number in range(1, 10_000):
            if done.is_set():
                return
            mount(tmp_path, f"..{number}", f"token-{number}")

    with ThreadPoolExecutor(3) as pool:
        pool.submit(replace)
        for fetch in [pool.submit(lambda: [provider.retrieve() for _ in range(20)]) for _ in range(2)]:
            fetch.result()
        done.set()
    assert len({sent.form["WebIdentityToken"] for sent in sts.received}) > 1
    assert all(sent.form["WebIdentityToken"].startswith("token-") for sent in sts.received)


def test_an_expired_token_is_read_again_at_the_next_attempt(sts, tmp_path):
    path = tmp_path / "token"
    path.write_text("old-token")
    source = Refresher(from_file(sts.host(), path))
    sts.answers = [refusal("ExpiredTokenException", "Token expired: current date/time must be before", 400), keys()]
    with pytest.raises(RetrievalError, match="it is read again at the next attempt"):
        source.current()
    path.write_text("new-token")
    assert source.current().access_key_id == ROLE_KEY_ID
    assert [sent.form["WebIdentityToken"] for sent in sts.received] == ["old-token", "new-token"]


def test_a_session_signs_with_the_roles_keys(sts, tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    session = create_session(from_file(sts.host(), str(tmp_path / "token"), region_name="eu-west-1"))
    assert session.get_credentials().access_key == ROLE_KEY_ID
    assert session.region_name == "eu-west-1"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "holds no token: it is empty"),
        (b" \n\t ", "holds no token: it is empty"),
        (b"c4n4ry one\nc4n4ry two", "holds something else than a token"),
        (b"c4n4ry\x00", "holds something else than a token"),
        ("c4n4ry ümlaut".encode("latin-1"), "holds something else than a token"),
        (b"c4n4ry" * 4000, "holds more than the 20000 characters"),
        (b"c4n4ry" * 1_000_000, "holds more than the 20000 characters"),
    ],
)
def test_a_file_without_a_token_is_named_and_not_shown(content, problem, sts, tmp_path):
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"token_file '.*token' {problem}") as caught:
        from_file(sts.host(), path).retrieve()
    assert str(caught.value).startswith(NAME)
    assert str(path) in str(caught.value)
    assert (caught.value.setting, caught.value.provider) == ("token_file", NAME)
    assert not leaks(str(caught.value))
    assert not sts.received


def test_a_file_that_cannot_be_read_is_named_with_the_reason(sts, tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nothing")
    reasons = {"missing": "No such file", "dangling": "No such file", "loop": "symbolic links", "folder/x/y": "No such file"}
    for name, reason in {**reasons, "folder": "is no regular file", "pipe": "is no regular file"}.items():
        with pytest.raises(ConfigurationError, match=rf"token_file '{tmp_path / name}' .*{reason}") as caught:
            from_file(sts.host(), tmp_path / name).retrieve()
        assert caught.value.setting == "token_file"


def test_a_file_that_this_user_may_not_read_is_named(sts, tmp_path, monkeypatch):
    (tmp_path / "token").write_text(TOKEN)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("bedrock_auth.providers._tokens._start_of", refuse)  # root may read anything
    with pytest.raises(ConfigurationError, match=r"cannot be read \(Permission denied\); check that it is mounted"):
        from_file(sts.host(), tmp_path / "token").retrieve()


def test_the_function_is_asked_at_every_fetch(sts):
    tokens = iter([" one-token ", "two-token\n"])
    provider = role(sts.host(), token=lambda: next(tokens))
    provider.retrieve()
    provider.retrieve()
    assert [sent.form["WebIdentityToken"] for sent in sts.received] == ["one-token", "two-token"]


@pytest.mark.parametrize("given", [None, b"bytes", 7, "", "  ", "two words", "x" * 20_001])
def test_a_function_that_returns_no_token_is_misconfigured(given, sts):
    with pytest.raises(ConfigurationError, match="^web-identity .*: token (gave|holds) ") as caught:
        role(sts.host(), token=lambda: given).retrieve()
    assert caught.value.setting == "token"
    assert not sts.received


def test_a_function_may_fail_in_its_own_way(sts):
    def fail():
        raise OSError(f"web_identity_token={TOKEN}")

    with pytest.raises(RetrievalError, match="token failed with OSError") as caught:
        role(sts.host(), token=fail).retrieve()
    assert str(caught.value).startswith(NAME)
    assert TOKEN not in str(caught.value)

    def ask_a_person():
        raise LoginRequiredError("log in", command="gh auth login")

    with pytest.raises(LoginRequiredError, match="log in"):
        role(sts.host(), token=ask_a_person).retrieve()


# -------------------------------------------------------------------- what the answers mean


@pytest.mark.parametrize(
    ("code", "status", "error", "fix"),
    [
        ("AccessDenied", 403, DeniedError, "conditions do not fit the token's aud and sub"),
        ("AccessDeniedException", 403, DeniedError, "its trust policy does not allow sts:AssumeRoleWithWebIdentity"),
        ("InvalidIdentityToken", 400, DeniedError, "IAM OIDC provider for the token's issuer .* thumbprint"),
        ("IDPRejectedClaim", 403, DeniedError, "get a new token"),
        ("MalformedPolicyDocument", 400, DeniedError, "correct the session policy"),
        ("PackedPolicyTooLarge", 400, DeniedError, "shorten the session policy"),
        ("RegionDisabledException", 403, DeniedError, "enable STS in this region"),
        ("ExpiredTokenException", 400, RetrievalError, "must renew it before it expires"),
        ("ExpiredToken", 400, RetrievalError, "must renew it before it expires"),
        ("ValidationError", 400, ConfigurationError, "STS does not accept a setting"),
        ("InvalidClientTokenId", 403, RetrievalError, "STS failed"),
        ("NewSortOfError", 400, RetrievalError, "STS failed"),
    ],
)
def test_the_class_of_the_error_follows_the_code(code, status, error, fix, sts):
    sts.answers = [refusal(code, f"because of {TOKEN}", status)]
    with pytest.raises(error, match=fix) as caught:
        role(sts.host(), policy=POLICY).retrieve()
    assert type(caught.value) is error
    assert (caught.value.code, caught.value.provider) == (code, NAME)
    assert str(caught.value).startswith(NAME)
    assert "because of ***" in str(caught.value)
    assert len(sts.received) == 1


@pytest.mark.parametrize(
    ("code", "status"),
    [("Throttling", 400), ("ServiceUnavailable", 503), ("InternalFailure", 500), ("IDPCommunicationError", 400)],
)
def test_what_may_pass_is_tried_twice_and_then_recoverable(code, status, sts):
    sts.answers = [refusal(code, "busy", status)]
    with pytest.raises(RetrievalError, match="busy") as caught:
        role(sts.host()).retrieve()
    assert caught.value.code == code
    assert len(sts.received) == 2
    sts.answers = [refusal(code, "busy", status), keys()]
    assert role(sts.host()).retrieve().access_key_id == ROLE_KEY_ID


def test_a_duration_that_sts_does_not_grant_is_told_with_the_fix(sts):
    said = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    sts.answers = [refusal("ValidationError", said, 400)]
    with pytest.raises(ConfigurationError, match="raise its maximum session duration") as caught:
        role(sts.host(), duration=7200).retrieve()
    assert caught.value.setting == "duration"


@pytest.mark.parametrize(
    "body", [b"", b"<html>gateway</html>", b"<a/>", b"{}", keys().body.replace(ROLE_TOKEN.encode(), b"")], ids=range(5)
)
def test_an_answer_without_keys_is_malformed(body, sts):
    sts.answers = [Answer(200, body)]
    with pytest.raises(RetrievalError, match=f"^{NAME}") as caught:
        role(sts.host()).retrieve()
    assert caught.value.code == "MalformedAnswer"


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
    lambda change: keys().body.decode().replace(*change).encode(errors="replace")
)


@given(st.sampled_from([200, 200, 400, 403]), st.binary(max_size=60) | garbled)
def test_any_answer_gives_the_keys_or_an_error_of_ours(status, body):
    scripted().answer = (status, body)
    try:
        got = role(scripted().host).retrieve()
    except CredentialError as error:
        assert str(error).startswith(NAME)
        assert not leaks(str(error))
    else:
        assert status == 200
        assert got.secret_access_key == ROLE_SECRET
        assert got.expiration is not None


# -------------------------------------------------------------------- settings

WRONG = {
    "role_arn": [None, "", 7, "Bedrock-role", f"{ROLE}\n", ROLE.replace("role", "user")],
    "token_file": ["", "  ", 7, b"/token", "/to\0ken"],
    "token": ["c4n4ry", b"c4n4ry", 7, ["c4n4ry"], str],
    "session_name": ["", "x", "no spaces", 7],
    "duration": [0, 43_201, "3600", True, None, 900.5],
    "policy": ["", "{", [], {}],
    "policy_arns": [None, "arn:aws:iam::aws:policy/X", ["X"]],
    "region_name": ["", "us east 1", 7],
}


@pytest.mark.parametrize(("setting", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_setting_is_refused_at_once_and_named_without_its_value(setting, value):
    source = {} if setting.startswith("token") else {"token": the_token}
    with pytest.raises(ConfigurationError, match=f"^web-identity: {setting} ") as caught:
        WebIdentity(**{"role_arn": ROLE, **source, setting: value})
    assert caught.value.setting == setting
    assert not leaks(str(caught.value))


def test_a_token_in_code_is_refused_with_what_to_do():
    with pytest.raises(ConfigurationError, match="must be a function .*: a token in code grows old; or give token_file"):
        WebIdentity(ROLE, token=TOKEN)


def test_a_coroutine_function_is_refused_at_once():
    async def token():
        return TOKEN

    with pytest.raises(ConfigurationError, match="token must be a plain function"):
        WebIdentity(ROLE, token=token)


@pytest.mark.parametrize("given", [{}, {"token": the_token, "token_file": "/token"}])
def test_the_token_comes_from_one_place(given):
    with pytest.raises(ConfigurationError, match="token_file or token must be given, and not both"):
        WebIdentity(ROLE, **given)


def test_only_an_isolated_host_may_ask_for_less_than_a_quarter_of_an_hour():
    with pytest.raises(ConfigurationError, match="duration must be 900 seconds or more"):
        WebIdentity(ROLE, token=the_token, duration=899)
    assert WebIdentity(ROLE, token=the_token, duration=2, host=Host.isolated()).duration == 2


def test_a_path_is_the_same_as_its_text():
    assert WebIdentity(ROLE, token_file=Path("/var/run/token")) == WebIdentity(ROLE, token_file="/var/run/token")


def test_traits():
    said = traits(role(Host.isolated(), region_name="eu-west-1"))
    assert (said.timeout, said.region_name) == (_sts.CALL_TIMEOUT, "eu-west-1")
    assert traits(WebIdentityFromEnvironment()).timeout == _sts.CALL_TIMEOUT


def test_a_function_keeps_it_from_being_pickled_unless_it_can_be():
    assert pickle.loads(pickle.dumps(role(Host.system()))).token is the_token
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(role(Host.system(), token=lambda: TOKEN))


# -------------------------------------------------------------------- from the environment


def of_the_environment(sts, **variables: str) -> WebIdentityFromEnvironment:
    return WebIdentityFromEnvironment(host=sts.host(**variables))


def test_the_variables_of_a_pod_are_enough(sts, tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    provider = of_the_environment(
        sts,
        AWS_ROLE_ARN=f" {ROLE} ",
        AWS_WEB_IDENTITY_TOKEN_FILE=str(tmp_path / "token"),
        AWS_ROLE_SESSION_NAME="my pod",
        AWS_REGION="eu-west-1",
    )
    assert provider.retrieve().source == "web-identity environment"
    (sent,) = sts.received
    assert (sent.form["RoleArn"], sent.form["WebIdentityToken"]) == (ROLE, TOKEN)
    assert sent.form["RoleSessionName"] == "my-pod"
    assert next(iter(provider.host._clients))[1] == "eu-west-1"


@pytest.mark.parametrize("variables", [{}, {"AWS_WEB_IDENTITY_TOKEN_FILE": "  "}, {"AWS_ROLE_ARN": ROLE}])
def test_without_a_token_file_it_is_not_set_up(variables, sts):
    with pytest.raises(NotConfiguredError, match="^web-identity environment: AWS_WEB_IDENTITY_TOKEN_FILE is not set"):
        of_the_environment(sts, **variables).retrieve()


@pytest.mark.parametrize(
    ("role_arn", "token_file", "setting", "problem"),
    [
        (" ", "/token", "AWS_ROLE_ARN", "is not set although AWS_WEB_IDENTITY_TOKEN_FILE is"),
        (ROLE, "/nowhere/token", "AWS_WEB_IDENTITY_TOKEN_FILE", "'/nowhere/token' cannot be read"),
        (ROLE, "/to\0ken", "AWS_WEB_IDENTITY_TOKEN_FILE", "must be the path"),
        ("Bedrock", "/token", "AWS_ROLE_ARN", "must be a role's ARN"),
    ],
)
def test_what_is_wrong_is_told_by_the_variables_name(role_arn, token_file, setting, problem, sts):
    with pytest.raises(ConfigurationError, match=f"^web-identity environment: {setting} {problem}") as caught:
        of_the_environment(sts, AWS_ROLE_ARN=role_arn, AWS_WEB_IDENTITY_TOKEN_FILE=token_file).retrieve()
    assert caught.value.setting == setting
    assert not sts.received


def test_what_sts_says_is_told_with_both_names(sts, tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    named = {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token")}
    for code, error in {"AccessDenied": DeniedError, "ValidationError": ConfigurationError}.items():
        sts.answers = [refusal(code, "no", 403)]
        with pytest.raises(error, match=f"^web-identity environment: {NAME}: .*{code}: no") as caught:
            of_the_environment(sts, **named).retrieve()
        assert caught.value.code == code
