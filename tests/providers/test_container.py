"""Keys of a container: whom it may ask, with which token, and what each answer means."""

from __future__ import annotations

import json
import logging
from typing import ClassVar
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings, strategies as st

from bedrock_auth.contracts import Stability
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
from bedrock_auth.http import Answer, NoAnswerError
from bedrock_auth.providers.container import Container
from providers.conformance import FUTURE, KEY_ID, PAST, SECRET, TOKEN, Conformance, leaks
from support.endpoint import Endpoint, Network, Reply, says

RELATIVE, FULL = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"
TOKEN_FILE, AUTHORIZATION = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN"
PATH = "/v2/credentials/c4n4ry-id"
BEARER = "c4n4ry-authorization"
ISSUED = {"AccessKeyId": KEY_ID, "SecretAccessKey": SECRET, "Token": TOKEN, "Expiration": FUTURE, "AccountId": "123456789012"}


@pytest.fixture
def endpoint():
    with Endpoint(Reply(200, ISSUED)) as running:
        yield running


def container(endpoint: Endpoint, **environ: str) -> Container:
    """One whose ECS and EKS addresses are the endpoint."""
    places = dict.fromkeys(("169.254.170.2", "169.254.170.23", "fd00:ec2::23"), endpoint.url)
    return Container(host=Network(environ or {FULL: f"{endpoint.url}{PATH}", AUTHORIZATION: BEARER}, places=places))


def failure(provider: Container) -> CredentialError:
    with pytest.raises(CredentialError) as caught:
        provider.retrieve()
    assert not leaks(f"{caught.value!r} {caught.value}")
    assert caught.value.provider == "container"
    return caught.value


class TestConformance(Conformance):
    kind = "container"
    stability = Stability.STABLE
    exempt: ClassVar = {}

    @pytest.fixture(autouse=True)
    def _with_endpoint(self, endpoint):
        self.endpoint = endpoint

    def make(self, **given):
        return Container(**given)

    def other(self):
        return Container(host=Host.isolated())

    def working(self):
        return container(self.endpoint)

    def fail_with(self, *replies):
        self.endpoint.replies = list(replies)
        self.working().retrieve()

    def absent(self):
        Container(host=Host.isolated()).retrieve()

    def misconfigured(self):
        container(self.endpoint, **{FULL: f"http://10.0.0.1/{SECRET}", AUTHORIZATION: BEARER}).retrieve()

    def refused(self):
        self.fail_with(Reply(403, {"code": "Denied", "message": f"not with {BEARER}"}))

    def unreachable(self):
        self.endpoint.stop()
        self.working().retrieve()

    def malformed(self):
        self.fail_with(Reply(200, {**ISSUED, "SecretAccessKey": [SECRET]}))

    def oversized(self):
        self.fail_with(Reply(200, {**ISSUED, "Padding": [SECRET] * 5000}))

    def expired(self):
        self.fail_with(Reply(200, {**ISSUED, "Expiration": PAST}))


# -------------------------------------------------------------------- whom it asks


def test_a_relative_uri_is_a_path_of_ecs(endpoint):
    provider = container(endpoint, **{RELATIVE: f"{PATH}?a=b"})
    keys = provider.retrieve()
    assert provider.host.contacted == [f"http://169.254.170.2{PATH}?a=b"]
    assert endpoint.paths == [f"GET {PATH}?a=b"]
    assert (keys.account_id, keys.session_token, keys.expiration.year) == ("123456789012", TOKEN, 2999)


def test_the_relative_uri_wins(endpoint):
    provider = container(endpoint, **{RELATIVE: PATH, FULL: "http://169.254.170.23/v1/credentials"})
    provider.retrieve()
    assert provider.host.contacted == [f"http://169.254.170.2{PATH}"]


@pytest.mark.parametrize(
    "relative", ["v2/credentials", "@evil.example/", ":80@evil.example/", ".evil.example/", "http://127.0.0.1/"]
)
def test_a_relative_uri_cannot_lead_elsewhere(relative, endpoint):
    provider = container(endpoint, **{RELATIVE: relative})
    error = failure(provider)
    assert isinstance(error, ConfigurationError)
    assert error.setting == RELATIVE
    assert not provider.host.contacted


@pytest.mark.parametrize("relative", ["//evil.example/x", "/@evil.example/", "/../x", "/\\evil.example"])
def test_what_follows_the_slash_is_only_a_path(relative, endpoint):
    provider = container(endpoint, **{RELATIVE: relative})
    try:
        provider.retrieve()
    except ConfigurationError:
        assert not provider.host.contacted
    else:
        assert urlsplit(provider.host.contacted[0]).hostname == "169.254.170.2"


@pytest.mark.parametrize("variable", [RELATIVE, FULL])
def test_a_blank_variable_is_unset(variable):
    with pytest.raises(NotConfiguredError, match="neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor"):
        Container(host=Host.isolated({variable: "  "})).retrieve()


@pytest.mark.parametrize("address", ["169.254.170.2", "169.254.170.2:80", "169.254.170.23", "[fd00:ec2::23]", "[FD00:EC2:0::23]"])
def test_plain_http_reaches_awss_own_addresses(address, endpoint):
    assert container(endpoint, **{FULL: f"http://{address}/v1/credentials"}).retrieve().access_key_id == KEY_ID


@pytest.mark.parametrize("hostname", ["127.0.0.1", "localhost", "127.0.0.1.", "LOCALHOST"])
def test_plain_http_reaches_this_machine(hostname, endpoint):
    provider = container(endpoint, **{FULL: f"http://{hostname.removesuffix('.')}:{endpoint.port}/"})
    assert provider.retrieve().access_key_id == KEY_ID


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/",
        "http://169.254.170.3/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://[fe80::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://2852039166/",
        "http://0xa9fea902/",
        "http://user:c4n4ry@127.0.0.1/",
        "http://127.0.0.1/#c4n4ry",
        "http://127.0.0.1\\@evil.example/",
        "ftp://127.0.0.1/",
        "127.0.0.1/c4n4ry",
        "/v2/credentials",
        "http://",
    ],
)
def test_anything_else_over_plain_http_is_refused(url, endpoint):
    provider = container(endpoint, **{FULL: url, AUTHORIZATION: BEARER})
    error = failure(provider)
    assert isinstance(error, ConfigurationError)
    assert error.setting == FULL
    assert not provider.host.contacted


def test_https_may_go_anywhere(endpoint):
    provider = container(endpoint, **{FULL: "https://vault.example/creds"})
    provider.host.places["vault.example"] = endpoint.url.replace("http", "https")
    assert failure(provider).code == "NoAnswer"
    assert set(provider.host.contacted) == {"https://vault.example/creds"}


def named(endpoint: Endpoint, *addresses: str) -> Container:
    host = Network({FULL: f"http://agent.internal:{endpoint.port}{PATH}"}, names={"agent.internal": addresses})
    return Container(host=host)


def test_a_name_is_asked_at_the_address_that_was_checked(endpoint):
    provider = named(endpoint, "127.0.0.1")
    provider.retrieve()
    assert provider.host.contacted == [f"http://127.0.0.1:{endpoint.port}{PATH}"]
    assert endpoint.asked[0].headers["host"] == f"agent.internal:{endpoint.port}"


def test_each_address_of_a_name_is_tried(endpoint):
    provider = named(endpoint, "::1", "127.0.0.1")
    assert provider.retrieve().access_key_id == KEY_ID
    assert [urlsplit(url).hostname for url in provider.host.contacted] == ["::1", "127.0.0.1"]


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "fe80::1%eth0", "::ffff:10.0.0.1", "0.0.0.0"])
def test_a_name_with_one_address_elsewhere_is_refused(address, endpoint):
    provider = named(endpoint, "127.0.0.1", address)
    error = failure(provider)
    assert isinstance(error, ConfigurationError)
    assert "FULL_URI is plain http to agent.internal: only https, or plain http to this machine or 169.254.170.2," in str(error)
    assert not provider.host.contacted


def test_a_name_without_an_address_may_have_one_later(endpoint):
    class Unresolvable(Network):
        def addresses(self, *_, **__):
            raise NoAnswerError("the name could not be resolved")

    error = failure(Container(host=Unresolvable({FULL: "http://agent.internal/"})))
    assert (type(error), error.code) == (RetrievalError, "NoAnswer")
    assert "container: agent.internal: the name could not be resolved" in str(error)


def test_proxies_are_not_used(endpoint, monkeypatch):
    with Endpoint(Reply(418)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        container(endpoint).retrieve()
        named(endpoint, "127.0.0.1").retrieve()
    assert not proxy.asked


# -------------------------------------------------------------------- the token


@pytest.mark.parametrize("uri", [RELATIVE, FULL])
def test_the_token_is_sent_as_it_is(uri, endpoint):
    container(endpoint, **{uri: PATH if uri == RELATIVE else endpoint.url, AUTHORIZATION: "Bearer c4n4ry"}).retrieve()
    assert endpoint.asked[0].headers["authorization"] == "Bearer c4n4ry"


def test_without_a_token_none_is_sent(endpoint):
    container(endpoint, **{FULL: endpoint.url, AUTHORIZATION: " "}).retrieve()
    assert "authorization" not in endpoint.asked[0].headers


def test_the_file_wins_and_is_read_at_every_fetch(endpoint, tmp_path):
    path, target = tmp_path / "token", tmp_path / "1"
    path.symlink_to(target)
    target.write_text("one")
    provider = container(endpoint, **{FULL: endpoint.url, TOKEN_FILE: str(path), AUTHORIZATION: BEARER})
    provider.retrieve()
    (tmp_path / "2").write_text("two")
    (tmp_path / "new").symlink_to(tmp_path / "2")
    (tmp_path / "new").replace(path)
    provider.retrieve()
    assert [asked.headers["authorization"] for asked in endpoint.asked] == ["one", "two"]


@pytest.mark.parametrize(
    "content", [b"c4n4ry\n", b"c4n4ry\r\nX: y", b"\rc4n4ry", b"", b" ", b"\xff", "c4n4ry…".encode(), b"x" * 20_000]
)
def test_a_file_that_cannot_be_a_header_is_refused(content, endpoint, tmp_path):
    path = tmp_path / "token"
    path.write_bytes(content)
    error = failure(container(endpoint, **{FULL: endpoint.url, TOKEN_FILE: str(path)}))
    assert isinstance(error, ConfigurationError)
    assert error.setting == TOKEN_FILE
    assert not endpoint.asked


@pytest.mark.parametrize("path", ["/nowhere/token", "/", "a\0b"])
def test_a_file_that_cannot_be_read_is_never_replaced_by_the_variable(path, endpoint):
    error = failure(container(endpoint, **{FULL: endpoint.url, TOKEN_FILE: path, AUTHORIZATION: BEARER}))
    assert isinstance(error, ConfigurationError)
    assert "which cannot be read" in str(error)
    assert not endpoint.asked


@pytest.mark.parametrize("token", ["c4n4ry\r\nX: y", "c4n4ry\nx", "c4n4ry\n", "\rc4n4ry", "c4n4ry\0", "c4n4ry…"])
def test_a_token_with_a_line_break_is_refused(token, endpoint):
    error = failure(container(endpoint, **{FULL: endpoint.url, AUTHORIZATION: token}))
    assert isinstance(error, ConfigurationError)
    assert error.setting == AUTHORIZATION
    assert not endpoint.asked


# -------------------------------------------------------------------- what the answers mean


@pytest.mark.parametrize(
    ("reply", "error", "code"),
    [
        (Reply(401), DeniedError, "401"),
        (Reply(403, {"code": "AccessDenied"}), DeniedError, "403"),
        (Reply(404), ConfigurationError, "404"),
        (Reply(302, b"", {"Location": "/elsewhere"}), ConfigurationError, "302"),
    ],
)
def test_what_will_not_pass_is_asked_once(reply, error, code, endpoint):
    endpoint.replies = [reply]
    raised = failure(container(endpoint))
    assert (type(raised), raised.code) == (error, code)
    assert getattr(raised, "setting", FULL) == FULL
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("uri", [RELATIVE, FULL])
def test_the_variable_with_the_wrong_path_is_named(uri, endpoint):
    endpoint.replies = [Reply(404)]
    assert failure(container(endpoint, **{uri: "/x" if uri == RELATIVE else endpoint.url})).setting == uri


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(400, {"code": "InvalidIdInRequest", "message": f"no {BEARER}"}), "400"),
        (Reply(429), "429"),
        (Reply(500), "500"),
        (Reply(503, b"c4n4ry"), "503"),
        (Reply(204), "204"),
        (Reply(200, b"<html>c4n4ry"), "MalformedAnswer"),
        (Reply(200, {**ISSUED, "AccessKeyId": None}), "MalformedAnswer"),
        (Reply(200, {**ISSUED, "Expiration": "soon"}), "MalformedAnswer"),
        (Reply(200, b" " * (MAX_ANSWER_BYTES + 1)), "OversizedAnswer"),
        (says(), "NoAnswer"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", reset=True), "NoAnswer"),
    ],
)
def test_what_may_pass_is_tried_three_times(reply, code, endpoint):
    endpoint.replies = [reply]
    provider = container(endpoint)
    error = failure(provider)
    assert (type(error), error.code) == (RetrievalError, code)
    assert len(endpoint.asked) == 3
    assert [0.5 <= pause <= 1 for pause in provider.host.pauses] == [True, True]
    assert set(provider.host.timeouts) == {2}
    endpoint.replies = [reply, reply, Reply(200, ISSUED)]
    assert provider.retrieve().access_key_id == KEY_ID


def test_an_endpoint_that_wants_to_be_left_alone_is(endpoint):
    endpoint.replies = [Reply(429, b"", {"Retry-After": "30"})]
    assert failure(container(endpoint)).retry_after == 30
    assert len(endpoint.asked) == 1


def test_expired_keys_are_not_handed_out(endpoint):
    endpoint.replies = [Reply(200, {**ISSUED, "Expiration": PAST})]
    assert type(failure(container(endpoint))) is CredentialsExpiredError
    assert len(endpoint.asked) == 1


def test_what_the_endpoint_says_is_in_the_debug_log_only(endpoint, caplog):
    endpoint.replies = [Reply(403, {"message": f"no pod\nidentity for {BEARER}"})]
    with caplog.at_level(logging.DEBUG):
        assert "identity" not in str(failure(container(endpoint)))
    assert "status 403: no pod identity for ***" in caplog.text
    assert not leaks(caplog.text)


# -------------------------------------------------------------------- anything at all


class Saying(Network):
    """Whatever is asked answers like this; nothing leaves the test."""

    answer = Answer(200, {}, json.dumps(ISSUED).encode())

    def http(self, method, url, headers, *, timeout):
        self.contacted.append(url)
        assert all(value.isprintable() for value in headers.values())
        return self.answer

    def addresses(self, hostname, *, timeout):
        if len(hostname) % 3 == 0:
            raise NoAnswerError("the name could not be resolved")
        return ("127.0.0.1",) if len(hostname) % 3 == 1 else ("127.0.0.1", "192.0.2.1")


pieces = st.sampled_from(
    ["http", "https", ":", "//", "/", "@", "#", "?", "\\", "%2f", "[", "]", "::1", "127.0.0.1", "localhost", "169.254.170.2",
     "169.254.169.254", "2852039166", "0x7f.1", "a.example", ":80", " ", "\t", "\r\n", "\0", "é", "fd00:ec2::23", "::ffff:"]
)  # fmt: skip
uris = st.text(max_size=30) | st.lists(pieces, max_size=9).map("".join)


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from([RELATIVE, FULL]),
    uris | uris.map("http://".__add__) | uris.map("/".__add__),
    st.none() | st.text(max_size=10),
)
@example(FULL, "http://a.example.:80", None)
def test_whatever_the_uri_is_nothing_but_what_is_allowed_is_asked(variable, uri, token):
    host = Saying({variable: uri} if token is None else {variable: uri, AUTHORIZATION: token})
    try:
        keys = Container(host=host).retrieve()
    except CredentialError as error:
        assert error.message.startswith("container")
        assert not host.contacted
    else:
        assert (keys.access_key_id, keys.secret_access_key) == (KEY_ID, SECRET)
        (asked,) = host.contacted
        parts = urlsplit(asked)
        allowed = {"127.0.0.1", "localhost", "::1", "169.254.170.2", "169.254.170.23", "fd00:ec2::23", "::ffff:127.0.0.1"}
        assert parts.scheme == "https" or parts.hostname in allowed
        assert variable == FULL or parts.hostname == "169.254.170.2"
        assert parts.username is None
