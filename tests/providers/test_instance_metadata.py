"""Keys of an EC2 instance's role: the steps to them, what is remembered, and what each answer means."""

from __future__ import annotations

import json
import logging
from typing import ClassVar

import pytest
from hypothesis import given, settings, strategies as st

from bedrock_auth.contracts import Stability, traits
from bedrock_auth.credentials import MAX_ANSWER_BYTES
from bedrock_auth.errors import (
    ConfigurationError,
    CredentialError,
    CredentialsExpiredError,
    DeniedError,
    NotConfiguredError,
    RetrievalError,
)
from bedrock_auth.host import Host
from bedrock_auth.http import Answer
from bedrock_auth.providers.instance_metadata import InstanceMetadata
from bedrock_auth.redaction import guard_loggers
from bedrock_auth.refresh import Refresher
from providers.conformance import FUTURE, KEY_ID, PAST, SECRET, TOKEN, Conformance, leaks
from support.endpoint import Endpoint, Network, Reply, says
from support.worlds import START, Clock

ENDPOINT = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
SESSION = "c4n4ry-metadata-token"
ROLE = "Bedrock"
PUT_TOKEN = "PUT /latest/api/token"
OLD = "GET /latest/meta-data/iam/security-credentials/"
NEW = "GET /latest/meta-data/iam/security-credentials-extended/"
ISSUED = {
    "Code": "Success",
    "LastUpdated": PAST,
    "Type": "AWS-HMAC",
    "AccessKeyId": KEY_ID,
    "SecretAccessKey": SECRET,
    "Token": TOKEN,
    "Expiration": FUTURE,
}
WITH_ACCOUNT = {**ISSUED, "AccountId": "123456789012"}


def service(**routes: Reply) -> dict[str, list[Reply]]:
    """The routes of an instance with a role, and these instead."""
    usual = {
        "token": Reply(200, SESSION, {"X-aws-ec2-metadata-token-ttl-seconds": "21600"}),
        "new_roles": Reply(200, ROLE),
        "new_keys": Reply(200, WITH_ACCOUNT),
        "old_roles": Reply(200, ROLE),
        "old_keys": Reply(200, ISSUED),
    }
    paths = {"token": PUT_TOKEN, "new_roles": NEW, "new_keys": NEW + ROLE, "old_roles": OLD, "old_keys": OLD + ROLE}
    return {paths[name]: [reply] for name, reply in {**usual, **routes}.items()}


@pytest.fixture
def imds():
    with Endpoint(Reply(404)) as running:
        running.routes = service()
        yield running


def metadata(imds: Endpoint, *, clock=None, allow_v1=False, **environ: str) -> InstanceMetadata:
    host = Network({ENDPOINT: imds.url, **environ}, **({} if clock is None else {"clock": clock}))
    return InstanceMetadata(allow_v1=allow_v1, host=host)


def failure(provider: InstanceMetadata) -> CredentialError:
    with pytest.raises(CredentialError) as caught:
        provider.retrieve()
    assert not leaks(f"{caught.value!r} {caught.value}")
    assert caught.value.provider == "instance-metadata"
    assert caught.value.message.startswith("instance-metadata")
    return caught.value


class TestConformance(Conformance):
    kind = "instance-metadata"
    stability = Stability.STABLE
    exempt: ClassVar = {}

    @pytest.fixture(autouse=True)
    def _with_service(self, imds):
        self.imds = imds

    def make(self, **given):
        return InstanceMetadata(**given)

    def other(self):
        return self.make(allow_v1=True)

    def working(self):
        return metadata(self.imds)

    def fail_with(self, **routes):
        self.imds.routes = service(**routes)
        self.working().retrieve()

    def absent(self):
        self.imds.stop()
        self.working().retrieve()

    def misconfigured(self):
        InstanceMetadata(host=Host.isolated({ENDPOINT: f"http://user:{SECRET}@127.0.0.1/"})).retrieve()

    def refused(self):
        self.fail_with(new_keys=Reply(403, SECRET))

    def unreachable(self):
        provider = self.working()
        provider.retrieve()
        self.imds.stop()
        provider.retrieve()

    def malformed(self):
        self.fail_with(new_keys=Reply(200, {**ISSUED, "SecretAccessKey": [SECRET]}))

    def oversized(self):
        self.fail_with(new_keys=Reply(200, {**ISSUED, "Padding": [SECRET] * 5000}))

    def expired(self):
        self.fail_with(new_keys=Reply(200, {**ISSUED, "Expiration": PAST}))


# -------------------------------------------------------------------- the steps


def test_a_token_then_the_role_then_its_keys_with_the_account(imds):
    keys = metadata(imds).retrieve()
    assert imds.paths == [PUT_TOKEN, NEW, NEW + ROLE]
    assert imds.asked[0].headers["x-aws-ec2-metadata-token-ttl-seconds"] == "21600"
    assert [asked.headers["x-aws-ec2-metadata-token"] for asked in imds.asked[1:]] == [SESSION] * 2
    assert (keys.account_id, keys.session_token, keys.expiration.year) == ("123456789012", TOKEN, 2999)


def test_where_the_newer_path_is_missing_the_older_one_is_asked_and_that_is_remembered(imds):
    imds.routes = service(new_roles=Reply(404))
    provider = metadata(imds)
    assert provider.retrieve().account_id is None
    assert imds.paths == [PUT_TOKEN, NEW, OLD, OLD + ROLE]
    imds.asked.clear()
    provider.retrieve()
    assert imds.paths == [OLD, OLD + ROLE]


def test_where_the_newer_path_fails_the_older_one_is_asked_this_time(imds):
    imds.routes = service(new_roles=Reply(500))
    provider = metadata(imds)
    provider.retrieve()
    imds.asked.clear()
    imds.routes = service()
    assert provider.retrieve().account_id == "123456789012"
    assert imds.paths == [NEW, NEW + ROLE]


def test_the_token_is_kept_and_the_role_is_asked_for_every_time(imds):
    provider = metadata(imds)
    provider.retrieve()
    imds.routes[NEW] = [Reply(200, "Another\n")]
    imds.routes[f"{NEW}Another"] = [Reply(200, {**ISSUED, "AccessKeyId": "ASIAANOTHERANOTHER00"})]
    assert provider.retrieve().access_key_id == "ASIAANOTHERANOTHER00"
    assert imds.paths[3:] == [NEW, f"{NEW}Another"]


def test_two_providers_of_one_host_share_the_token(imds):
    provider = metadata(imds)
    provider.retrieve()
    InstanceMetadata(host=provider.host).retrieve()
    assert imds.paths.count(PUT_TOKEN) == 1


@pytest.mark.parametrize(
    ("ttl", "kept"), [("21600", 21_539), ("120", 59), ("nonsense", 21_539), ("999999", 21_539), (None, 21_539)]
)
def test_a_token_that_is_about_to_expire_is_replaced(ttl, kept, imds):
    imds.routes = service(token=Reply(200, SESSION, {} if ttl is None else {"X-aws-ec2-metadata-token-ttl-seconds": ttl}))
    clock = Clock()
    provider = metadata(imds, clock=clock)
    provider.retrieve()
    clock.now = START + kept
    provider.retrieve()
    assert imds.paths.count(PUT_TOKEN) == 1
    clock.now = START + kept + 2
    provider.retrieve()
    assert imds.paths.count(PUT_TOKEN) == 2


@pytest.mark.parametrize("where", ["new_roles", "new_keys"])
def test_a_token_that_is_no_longer_accepted_is_replaced_once(where, imds):
    path = NEW if where == "new_roles" else NEW + ROLE
    provider = metadata(imds)
    provider.retrieve()
    imds.asked.clear()
    imds.routes[path].insert(0, Reply(401))
    assert provider.retrieve().access_key_id == KEY_ID
    assert imds.paths.count(PUT_TOKEN) == 1
    assert not provider.host.pauses
    imds.routes[path] = [Reply(401)]
    error = failure(provider)
    assert (type(error), error.code) == (RetrievalError, "401")


# -------------------------------------------------------------------- is there such a service at all?


def test_an_address_that_is_silent_is_asked_once_and_counts_as_absent(imds):
    imds.routes = service(token=says(b"", pause=2))
    provider = metadata(imds, AWS_METADATA_SERVICE_TIMEOUT="0.2")
    error = failure(provider)
    assert (type(error), error.code) == (NotConfiguredError, "NoAnswer")
    assert f"{imds.url}: the answer did not come in time" in str(error)
    assert "raise the instance's HttpPutResponseHopLimit to 2" in str(error)
    assert imds.paths == [PUT_TOKEN]
    assert provider.host.timeouts == [0.2]


@pytest.mark.parametrize(
    "reply", [Reply(400), Reply(403), Reply(404), Reply(405), Reply(302), says(), Reply(200, "a\nb"), Reply(200, "é")]
)
def test_what_gives_no_token_counts_as_absent(reply, imds):
    imds.routes = service(token=reply)
    assert type(failure(metadata(imds))) is NotConfiguredError
    assert imds.paths == [PUT_TOKEN]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_service_that_fails_at_first_is_there(status, imds):
    imds.routes = service(token=Reply(status))
    assert type(failure(metadata(imds))) is RetrievalError
    assert imds.paths == [PUT_TOKEN]


@pytest.mark.parametrize("reply", [says(), Reply(500), Reply(400)])
def test_after_a_first_token_there_are_four_attempts_and_failure_is_recoverable(reply, imds):
    clock = Clock()
    provider = metadata(imds, clock=clock)
    provider.retrieve()
    clock.now += 30_000
    imds.asked.clear()
    imds.routes = service(token=reply)
    assert type(failure(provider)) is RetrievalError
    assert imds.paths == [PUT_TOKEN] * 4
    assert len(provider.host.pauses) == 3
    assert all(0.1 <= pause <= 0.5 for pause in provider.host.pauses)


def test_the_first_token_is_enough_for_four_attempts(imds):
    imds.routes = service()
    imds.routes[NEW + ROLE] = [says(), Reply(503), Reply(200, b"{"), Reply(200, WITH_ACCOUNT)]
    provider = metadata(imds)
    assert provider.retrieve().access_key_id == KEY_ID
    assert imds.paths == [PUT_TOKEN, *[NEW, NEW + ROLE] * 4]


def test_another_address_is_another_service(imds):
    provider = metadata(imds)
    provider.retrieve()
    with Endpoint() as gone:
        provider.host.environ[ENDPOINT] = gone.url
    assert type(failure(provider)) is NotConfiguredError


@pytest.mark.parametrize("roles", [Reply(404), Reply(200, b"")])
def test_an_instance_without_a_role_counts_as_absent(roles, imds):
    imds.routes = service(new_roles=roles, old_roles=roles)
    provider = metadata(imds)
    error = failure(provider)
    assert isinstance(error, NotConfiguredError)
    assert "the instance has no IAM role; attach an instance profile" in str(error)
    assert not provider.host.pauses


@pytest.mark.parametrize("value", ["true", "TRUE", " True "])
def test_disabled_means_that_nothing_is_asked(value, imds):
    error = failure(metadata(imds, AWS_EC2_METADATA_DISABLED=value))
    assert isinstance(error, NotConfiguredError)
    assert not imds.asked


@pytest.mark.parametrize("value", ["false", "1", ""])
def test_anything_else_is_not_disabled(value, imds):
    assert metadata(imds, AWS_EC2_METADATA_DISABLED=value).retrieve().access_key_id == KEY_ID


# -------------------------------------------------------------------- version 1


def test_version_1_is_not_used_unless_asked_for(imds):
    imds.routes = service(token=Reply(403))
    failure(metadata(imds))
    assert imds.paths == [PUT_TOKEN]


@pytest.mark.parametrize("token", [Reply(403), Reply(404), Reply(405), Reply(500), says()])
def test_version_1_is_used_where_allowed_and_there_is_no_token(token, imds):
    imds.routes = service(token=token)
    assert metadata(imds, allow_v1=True).retrieve().access_key_id == KEY_ID
    assert imds.paths == [PUT_TOKEN, NEW, NEW + ROLE]
    assert "x-aws-ec2-metadata-token" not in imds.asked[1].headers


def test_version_2_is_used_where_both_would_do(imds):
    metadata(imds, allow_v1=True).retrieve()
    assert imds.asked[1].headers["x-aws-ec2-metadata-token"] == SESSION


def test_the_environment_may_forbid_version_1(imds):
    imds.routes = service(token=Reply(404))
    assert isinstance(failure(metadata(imds, allow_v1=True, AWS_EC2_METADATA_V1_DISABLED="true")), NotConfiguredError)
    assert imds.paths == [PUT_TOKEN]


def test_version_1_that_is_turned_off_is_said(imds):
    imds.routes = service(token=says(), new_roles=Reply(401), old_roles=Reply(401))
    error = failure(metadata(imds, allow_v1=True))
    assert (type(error), error.code) == (NotConfiguredError, "401")
    assert "it wants a token of version 2" in str(error)
    assert imds.paths == [PUT_TOKEN, NEW]


def test_version_1_that_has_answered_is_there(imds):
    imds.routes = service(token=says())
    provider = metadata(imds, allow_v1=True)
    provider.retrieve()
    imds.stop()
    assert type(failure(provider)) is RetrievalError


# -------------------------------------------------------------------- what the answers mean


@pytest.mark.parametrize("status", [403])
@pytest.mark.parametrize("where", ["roles", "keys"])
def test_a_refusal_is_for_good(where, status, imds):
    imds.routes = service(**{f"new_{where}": Reply(status), f"old_{where}": Reply(status)})
    provider = metadata(imds)
    assert type(failure(provider)) is DeniedError
    assert not provider.host.pauses


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(404), "404"),
        (Reply(429), "429"),
        (Reply(500, b"c4n4ry"), "500"),
        (Reply(302, b"", {"Location": "/c4n4ry"}), "302"),
        (Reply(200, b"<html>c4n4ry"), "MalformedAnswer"),
        (Reply(200, b"[]"), "MalformedAnswer"),
        (Reply(200, {**ISSUED, "AccessKeyId": ""}), "MalformedAnswer"),
        (Reply(200, {**ISSUED, "Expiration": "soon"}), "MalformedAnswer"),
        (Reply(200, {"Code": "AssumeRoleUnauthorizedAccess", "Message": "c4n4ry"}), "AssumeRoleUnauthorizedAccess"),
        (Reply(200, {**ISSUED, "Code": "Fa\niled"}), "unknown"),
        (Reply(200, {**ISSUED, "Code": ["Success"]}), "unknown"),
        (Reply(200, b" " * (MAX_ANSWER_BYTES + 1)), "OversizedAnswer"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", reset=True), "NoAnswer"),
    ],
)
def test_what_may_pass_is_recoverable(reply, code, imds):
    imds.routes = service(new_keys=reply)
    provider = metadata(imds)
    error = failure(provider)
    assert (type(error), error.code) == (RetrievalError, code)
    assert imds.paths.count(NEW + ROLE) == 4


@pytest.mark.parametrize("roles", [b"<html>\n", b"a/b", b"../x", b"x" * 65, b"c4n4ry role", b"\xff"])
def test_a_list_without_the_name_of_a_role_is_malformed(roles, imds):
    imds.routes = service(new_roles=Reply(200, roles), old_roles=Reply(200, roles))
    error = failure(metadata(imds))
    assert (type(error), error.code) == (RetrievalError, "MalformedAnswer")
    assert set(imds.paths) == {PUT_TOKEN, NEW}


def test_what_the_service_says_is_in_the_debug_log_only(imds, caplog):
    said = "EC2 cannot assume\nthe role SecretAccessKey=c4n4ry"
    imds.routes = service(new_keys=Reply(200, {"Code": "AssumeRoleUnauthorizedAccess", "Message": said}))
    with caplog.at_level(logging.DEBUG):
        error = failure(metadata(imds))
    assert "no keys for the role: AssumeRoleUnauthorizedAccess; may EC2 assume it, by its trust policy?" in str(error)
    assert "AssumeRoleUnauthorizedAccess: EC2 cannot assume the role SecretAccessKey=***" in caplog.text
    assert not leaks(caplog.text)


def test_the_token_is_hidden_from_whatever_logs_requests(imds, caplog):
    class Talkative(Network):
        def http(self, method, url, headers, *, timeout):
            guard_loggers()
            logging.getLogger("urllib3.connectionpool").debug("headers: %s", dict(headers))
            return super().http(method, url, headers, timeout=timeout)

    with caplog.at_level(logging.DEBUG):
        InstanceMetadata(host=Talkative({ENDPOINT: imds.url})).retrieve()
    assert "'x-aws-ec2-metadata-token': '***'" in caplog.text
    assert not leaks(caplog.text)


def test_an_answer_without_a_code_is_taken(imds):
    imds.routes = service(new_keys=Reply(200, {name: value for name, value in ISSUED.items() if name != "Code"}))
    assert metadata(imds).retrieve().access_key_id == KEY_ID


def test_the_service_may_ask_to_be_left_alone(imds):
    imds.routes = service(new_keys=Reply(503, b"", {"Retry-After": "30"}))
    assert failure(metadata(imds)).retry_after == 30
    assert imds.paths.count(NEW + ROLE) == 1


def test_expired_keys_do_not_replace_good_ones(imds):
    clock = Clock()
    soon = "2027-01-15T09:00:00Z"
    imds.routes = service(new_keys=Reply(200, {**ISSUED, "Expiration": soon}))
    refresher = Refresher(metadata(imds, clock=clock), host=Network(clock=clock))
    keys = refresher.current()
    clock.now = keys.expiration.timestamp() + 60
    imds.routes[NEW + ROLE] = [Reply(200, {**ISSUED, "AccessKeyId": "ASIAEXPIREDEXPIRED00", "Expiration": soon})]
    assert refresher.current().access_key_id == KEY_ID
    assert type(failure(metadata(imds, clock=clock))) is CredentialsExpiredError


def test_a_role_that_is_taken_away_leaves_the_cached_keys_in_use(imds):
    clock = Clock()
    imds.routes = service(new_keys=Reply(200, {**ISSUED, "Expiration": "2027-01-15T09:00:00Z"}))
    refresher = Refresher(metadata(imds, clock=clock), host=Network(clock=clock))
    clock.now = refresher.current().expiration.timestamp() - 30
    imds.routes = service(new_roles=Reply(404), old_roles=Reply(404))
    assert refresher.current().access_key_id == KEY_ID


# -------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("mode", "address"),
    [("", "169.254.169.254"), ("IPv4", "169.254.169.254"), ("ipv6", "[fd00:ec2::254]"), ("IPv6", "[fd00:ec2::254]")],
)
def test_the_mode_chooses_between_awss_addresses(mode, address, imds):
    places = dict.fromkeys(("169.254.169.254", "fd00:ec2::254"), imds.url)
    host = Network({"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": mode}, places=places)
    assert InstanceMetadata(host=host).retrieve().access_key_id == KEY_ID
    assert host.contacted[0] == f"http://{address}/latest/api/token"
    assert host.timeouts == [1, 1, 1]


def test_the_endpoint_wins_over_the_mode_and_may_have_a_path(imds):
    imds.routes = {path.replace(" /", " /mock/"): replies for path, replies in service().items()}
    provider = metadata(imds, AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE="IPv6")
    provider.host.environ[ENDPOINT] = f"{imds.url}/mock/"
    assert provider.retrieve().access_key_id == KEY_ID


@pytest.mark.parametrize("address", ["http://169.254.169.254", "http://[fd00:ec2::254]/", "http://localhost"])
def test_awss_addresses_may_be_named(address, imds):
    host = Network({ENDPOINT: address}, places=dict.fromkeys(("169.254.169.254", "fd00:ec2::254", "localhost"), imds.url))
    assert InstanceMetadata(host=host).retrieve().access_key_id == KEY_ID


def test_a_name_of_this_machine_is_asked_at_its_address(imds):
    host = Network({ENDPOINT: f"http://imds.internal:{imds.port}"}, names={"imds.internal": ("127.0.0.1",)})
    InstanceMetadata(host=host).retrieve()
    assert host.contacted[0] == f"http://127.0.0.1:{imds.port}/latest/api/token"
    assert imds.asked[0].headers["host"] == f"imds.internal:{imds.port}"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        (ENDPOINT, "http://10.0.0.1/"),
        (ENDPOINT, "http://169.254.170.2/"),
        (ENDPOINT, "http://2852039166/"),
        (ENDPOINT, "http://user:c4n4ry@127.0.0.1/"),
        (ENDPOINT, "http://127.0.0.1/?c4n4ry"),
        (ENDPOINT, "http://127.0.0.1/#c4n4ry"),
        (ENDPOINT, "169.254.169.254"),
        (ENDPOINT, "c4n4ry"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5"),
        ("AWS_METADATA_SERVICE_TIMEOUT", "soon"),
        ("AWS_METADATA_SERVICE_TIMEOUT", "0"),
        ("AWS_METADATA_SERVICE_TIMEOUT", "-1"),
        ("AWS_METADATA_SERVICE_TIMEOUT", "nan"),
        ("AWS_METADATA_SERVICE_TIMEOUT", "inf"),
    ],
)
def test_a_variable_that_is_not_usable_is_named(variable, value):
    host = Network({variable: value})
    error = failure(InstanceMetadata(host=host))
    assert isinstance(error, ConfigurationError)
    assert error.setting == variable
    assert variable in str(error)
    assert not host.contacted


@pytest.mark.parametrize("value", ["false", None, 1])
def test_whether_version_1_is_allowed_is_true_or_false(value):
    with pytest.raises(ConfigurationError, match="instance-metadata: allow_v1 must be True or False"):
        InstanceMetadata(allow_v1=value)


def test_the_engine_waits_as_long_as_the_attempts_may_take():
    assert traits(InstanceMetadata(host=Host.isolated())).timeout == pytest.approx(34)
    assert traits(InstanceMetadata(host=Host.isolated({"AWS_METADATA_SERVICE_TIMEOUT": "5"}))).timeout == pytest.approx(162)
    assert traits(InstanceMetadata(host=Host.isolated({"AWS_METADATA_SERVICE_TIMEOUT": "x"}))).timeout == pytest.approx(34)


def test_proxies_are_not_used(imds, monkeypatch):
    with Endpoint(Reply(418)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        metadata(imds).retrieve()
    assert not proxy.asked


# -------------------------------------------------------------------- moto


def test_motos_metadata_service_gives_keys(moto):
    keys = InstanceMetadata(host=Host.isolated({ENDPOINT: moto})).retrieve()
    assert (keys.access_key_id, keys.secret_access_key, keys.session_token) == (
        "test-key",
        "test-secret-key",
        "test-session-token",
    )
    assert 0 < keys.remaining() <= 86_400 + 60


# -------------------------------------------------------------------- anything at all


class Saying(Network):
    """A host whose metadata service answers each request with the next of these, and then as it should."""

    def __init__(self, answers: list[Answer]) -> None:
        super().__init__({}, clock=Clock())
        self.answers = answers

    def http(self, method, url, headers, *, timeout):
        if self.answers:
            return self.answers.pop(0)
        body = SESSION if method == "PUT" else ROLE if url.endswith("/") else json.dumps(WITH_ACCOUNT)
        return Answer(200, {}, body.encode())


values = st.none() | st.integers() | st.text(max_size=5) | st.just(SECRET) | st.lists(st.just(SECRET), max_size=1)
documents = st.fixed_dictionaries({}, optional={name: st.just(value) | values for name, value in WITH_ACCOUNT.items()})
bodies = st.just(SESSION.encode()) | st.just(ROLE.encode()) | st.binary(max_size=20) | documents.map(json.dumps).map(str.encode)
headers = st.dictionaries(st.sampled_from(["retry-after", "x-aws-ec2-metadata-token-ttl-seconds"]), st.text(max_size=8))
answers = st.builds(Answer, st.just(200) | st.sampled_from([401, 403, 404, 500]) | st.integers(100, 599), headers, bodies)


@settings(max_examples=400, deadline=None)
@given(st.lists(answers, max_size=8), st.booleans())
def test_whatever_it_answers_is_credentials_or_an_error_of_ours_without_a_secret(said, allow_v1):
    try:
        keys = InstanceMetadata(allow_v1=allow_v1, host=Saying(said)).retrieve()
    except CredentialError as error:
        assert error.message.startswith("instance-metadata")
        assert not leaks(f"{error} {error!r} {error.__cause__}")
    else:
        assert keys.source == "instance-metadata"
        assert not keys.is_expired(now=START)
