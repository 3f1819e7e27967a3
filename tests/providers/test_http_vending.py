"""Keys from a vending endpoint: whom it may be, what is sent, and what each of its answers means."""

from __future__ import annotations

import json
import logging
import pickle
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from bedrock_auth.credentials import MAX_ANSWER_BYTES, Credentials
from bedrock_auth.errors import (
    ConfigurationError,
    CredentialError,
    CredentialsExpiredError,
    DeniedError,
    NotConfiguredError,
    RetrievalError,
)
from bedrock_auth.host import Host
from bedrock_auth.http import Answer, literal_address
from bedrock_auth.providers.http_vending import HttpVending, HttpVendingFromEnvironment
from bedrock_auth.session import create_session
from providers.conformance import ANSWER, FUTURE, KEY_ID, PAST, SECRET, TOKEN, Conformance, leaks
from support.endpoint import Endpoint, Network, Reply, says
from support.worlds import START, Clock

KEY = "c4n4ry-api-key"
BASE = "https://abc.execute-api.us-east-1.amazonaws.com/prod"
ISSUED = {**ANSWER, "Expiration": "2999-01-01T00:00:00+00:00"}


@pytest.fixture
def endpoint():
    with Endpoint(Reply(200, ISSUED)) as running:
        yield running


def vending(endpoint: Endpoint, **given) -> HttpVending:
    return HttpVending(f"{endpoint.url}/prod", **{"api_key": KEY, "host": Network(), **given})


def failure(provider) -> CredentialError:
    with pytest.raises(CredentialError) as caught:
        provider.retrieve()
    assert not leaks(f"{caught.value!r} {caught.value}")
    assert caught.value.provider == provider.name
    return caught.value


class VendingConformance(Conformance):
    """Both forms fail alike."""

    kind = "http-vending"

    @pytest.fixture(autouse=True)
    def _with_endpoint(self, endpoint):
        self.endpoint = endpoint

    def fail_with(self, *replies):
        self.endpoint.replies = list(replies)
        self.working().retrieve()

    def refused(self):
        self.fail_with(Reply(403, {"message": f"explicit deny of {KEY}"}))

    def unreachable(self):
        self.endpoint.stop()
        self.working().retrieve()

    def malformed(self):
        self.fail_with(Reply(200, {**ISSUED, "SecretAccessKey": [SECRET]}))

    def oversized(self):
        self.fail_with(Reply(200, {**ISSUED, "Padding": [SECRET] * 5000}))

    def expired(self):
        self.fail_with(Reply(200, {**ISSUED, "Expiration": PAST}))


class TestConformance(VendingConformance):
    exempt: ClassVar = {"absent": "its URL is an argument"}

    def make(self, **given):
        return HttpVending(BASE, **{"api_key": KEY, **given})

    def other(self):
        return self.make(api_key=f"{KEY}-2")

    def working(self):
        return vending(self.endpoint)

    def misconfigured(self):
        self.fail_with(Reply(302, b"", {"Location": f"https://elsewhere.example/{SECRET}"}))


class TestConformanceOfTheEnvironmentForm(VendingConformance):
    def make(self, **given):
        return HttpVendingFromEnvironment(**given)

    def other(self):
        return self.make(host=Host.isolated())

    def working(self):
        return from_environment(self.endpoint.url)

    def absent(self):
        HttpVendingFromEnvironment(host=Host.isolated()).retrieve()

    def misconfigured(self):
        HttpVendingFromEnvironment(host=Host.isolated({"AWS_GET_TEMP_CREDS_API_KEY": KEY})).retrieve()


def from_environment(url: str, key: str = KEY, **variables: str) -> HttpVendingFromEnvironment:
    environ = {"AWS_GET_TEMP_CREDS_API_URL": url, "AWS_GET_TEMP_CREDS_API_KEY": key, **variables}
    return HttpVendingFromEnvironment(host=Network(environ))


# -------------------------------------------------------------------- what is sent


def test_one_get_with_the_key_in_its_header(endpoint):
    keys = vending(endpoint).retrieve()
    (asked,) = endpoint.asked
    assert (asked.method, asked.path, asked.headers["x-api-key"]) == ("GET", "/prod/credentials", KEY)
    assert keys.expiration == datetime(2999, 1, 1, tzinfo=UTC)


def test_the_header_may_have_any_name(endpoint):
    vending(endpoint, header="X-Team_Key.v2").retrieve()
    assert endpoint.asked[0].headers["x-team_key.v2"] == KEY
    assert "x-api-key" not in endpoint.asked[0].headers


def test_without_a_key_none_is_sent(endpoint):
    vending(endpoint, api_key=None).retrieve()
    assert "x-api-key" not in endpoint.asked[0].headers


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("", "/credentials"),
        ("/", "/credentials"),
        ("/prod", "/prod/credentials"),
        ("/prod/", "/prod/credentials"),
        ("/prod/credentials", "/prod/credentials"),
        ("/prod/credentials/", "/prod/credentials"),
        ("/prod?team=ml", "/prod/credentials?team=ml"),
        ("/mycredentials", "/mycredentials/credentials"),
    ],
)
def test_the_path_ends_with_credentials(given, asked, endpoint):
    HttpVending(endpoint.url + given, host=Host.isolated()).retrieve()
    assert endpoint.asked[0].path == asked


def test_base_and_whole_url_are_the_same_source():
    assert HttpVending(f"{BASE}/credentials") == HttpVending(f"{BASE}/") == HttpVending(BASE)


def test_a_query_is_sent_and_never_shown(endpoint, caplog):
    provider = HttpVending(f"{endpoint.url}/prod?sig=c4n4ry-query", host=Host.isolated())
    with caplog.at_level(logging.DEBUG):
        provider.retrieve()
    assert endpoint.asked[0].path == "/prod/credentials?sig=c4n4ry-query"
    assert not leaks(f"{provider!r} {provider.name} {caplog.text}")


def test_the_key_of_a_file_is_read_at_every_fetch(endpoint, tmp_path):
    path = tmp_path / "key"
    provider = vending(endpoint, api_key=path)
    for key in ("one", "two"):
        path.write_text(f"  {key}\n")
        provider.retrieve()
    assert [asked.headers["x-api-key"] for asked in endpoint.asked] == ["one", "two"]


def test_a_function_is_asked_for_the_key_at_every_fetch(endpoint):
    keys = iter(["one", "two\n"])
    provider = vending(endpoint, api_key=lambda: next(keys))
    provider.retrieve()
    provider.retrieve()
    assert [asked.headers["x-api-key"] for asked in endpoint.asked] == ["one", "two"]


def test_it_pickles_with_a_file_and_an_importable_function():
    for key in (Path("/run/secrets/key"), partial(str, KEY)):
        assert pickle.loads(pickle.dumps(HttpVending(BASE, api_key=key))).url == f"{BASE}/credentials"


def test_a_session_signs_with_the_keys(endpoint):
    assert create_session(vending(endpoint), region_name="us-east-1").get_credentials().access_key == KEY_ID


@pytest.mark.parametrize("content", ["", " \n", "one\ntwo", "kéy", b"\xff\xfe", "x" * 20_000])
def test_a_file_without_a_usable_key_is_misconfigured(content, endpoint, tmp_path):
    path = tmp_path / "key"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    error = failure(vending(endpoint, api_key=path))
    assert isinstance(error, ConfigurationError)
    assert error.setting == "api_key"
    assert not endpoint.asked


def test_a_file_that_is_missing_is_named(endpoint, tmp_path):
    error = failure(vending(endpoint, api_key=tmp_path / "missing"))
    assert isinstance(error, ConfigurationError)
    assert f"{tmp_path}/missing" in str(error)
    assert "No such file" in str(error)


def test_a_function_that_fails_is_told_without_the_key(endpoint):
    def broken():
        raise OSError("x-api-key: c4n4ry was rejected")

    error = failure(vending(endpoint, api_key=broken))
    assert isinstance(error, RetrievalError)
    assert "api_key failed with OSError" in str(error)


def test_a_functions_own_error_passes(endpoint):
    def absent():
        raise NotConfiguredError("no vault here")

    with pytest.raises(NotConfiguredError, match="no vault here"):
        vending(endpoint, api_key=absent).retrieve()


@pytest.mark.parametrize("value", [None, 7, b"key", "", "a\r\nX: y"])
def test_a_function_that_returns_no_key_is_misconfigured(value, endpoint):
    assert isinstance(failure(vending(endpoint, api_key=lambda: value)), ConfigurationError)


# -------------------------------------------------------------------- what may be asked


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "http://10.0.0.1",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "ftp://localhost/",
        "file:///etc/passwd",
        "//api.example.com",
        "api.example.com",
        "https://",
        "https:///credentials",
        "https://user:c4n4ry@api.example.com",
        "https://c4n4ry@api.example.com",
        "https://@api.example.com",
        "https://api.example.com/#c4n4ry",
        "https://api.example.com:0/",
        "https://api.example.com:99999/",
        "https://api.example.com:c4n4ry/",
        "https://api.example.com\\@evil.example/",
        "https://api example.com/",
        "https://api.example.com/\r\nX: y",
        "https://api.exämple.com/",
        "https://[::1",
        "https://[fe80::1%25eth0]/",
        "https://169.254.169.254/",
        "https://169.254.170.2/",
        "https://[fe80::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[::ffff:a9fe:a9fe]/",
        "https://2852039166/",
        "https://0xa9fea9fe/",
        "https://0xa9.0xfe.0xa9.0xfe/",
        "https://0251.0376.0251.0376/",
        "https://169.16689662/",
        "https://169.254.169.254./",
        "https://169.254.169%2e254/",
        "https://0.0.0.0/",
        "https://0/",
        "https://0169.254/",
        "https://0x/",
        "https://[::]/",
        "https://[::0]/",
        "https://224.0.0.1/",
        "http://0.0.0.0:8080/",
        "http://2130706433/",
        "",
        None,
        7,
        b"https://api.example.com",
    ],
)
def test_any_other_url_is_refused_without_showing_it(url):
    with pytest.raises(ConfigurationError, match="http-vending: url ") as caught:
        HttpVending(url)
    assert caught.value.setting == "url"
    assert not leaks(str(caught.value))


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com",
        "https://API.example.com:8443/prod",
        "https://10.0.0.1/",
        "https://[2001:db8::1]:8443/",
        "http://localhost:8080",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        " https://api.example.com\n",
    ],
)
def test_https_and_this_machine_may_be_asked(url):
    assert HttpVending(url).url.endswith("/credentials")


@pytest.mark.parametrize("header", ["", "x api key", "x-api-key:", "x\r\ny", "schlüssel", "Host", "transfer-encoding", None, 7])
def test_a_header_that_cannot_hold_a_key_is_refused(header):
    with pytest.raises(ConfigurationError, match="http-vending: header "):
        HttpVending(BASE, header=header)


@pytest.mark.parametrize("key", ["", "  ", "c4n4ry\r\nx", "c4n4ry\nx", "c4n4ry\0", "c4n4ry…", "c4n4ry" * 4000, 7, b"c4n4ry"])
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(key):
    with pytest.raises(ConfigurationError, match="http-vending: api_key ") as caught:
        HttpVending(BASE, api_key=key)
    assert not leaks(str(caught.value))


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), True, "5"])
def test_a_timeout_is_a_positive_number(timeout):
    with pytest.raises(ConfigurationError, match="http-vending: timeout "):
        HttpVending(BASE, timeout=timeout)


def test_a_timeout_may_be_a_timedelta():
    assert HttpVending(BASE, timeout=timedelta(seconds=2)).timeout == 2


# -------------------------------------------------------------------- what the answers mean


@pytest.mark.parametrize("name", ["SessionToken", "Token"])
@pytest.mark.parametrize("expiration", ["2999-01-01T00:00:00Z", "2999-01-01T02:00:00+02:00"])
@pytest.mark.parametrize("version", [{}, {"Version": 1}])
def test_every_form_of_the_answer_is_read(name, expiration, version, endpoint):
    body = {"AccessKeyId": KEY_ID, "SecretAccessKey": SECRET, name: TOKEN, "Expiration": expiration, **version}
    endpoint.replies = [Reply(200, body)]
    keys = vending(endpoint).retrieve()
    assert keys == Credentials(KEY_ID, SECRET, TOKEN, datetime(2999, 1, 1, tzinfo=UTC), source=vending(endpoint).name)


def test_401_is_a_missing_key(endpoint):
    endpoint.replies = [Reply(401, {"message": "Unauthorized"})]
    error = failure(vending(endpoint))
    assert type(error) is DeniedError
    assert "status 401: it found no API key in the header 'x-api-key' (check api_key and that" in str(error)
    assert "(none was given)" in str(failure(vending(endpoint, api_key=None)))
    assert len(endpoint.asked) == 2


@pytest.mark.parametrize("name", ["message", "Message"])
def test_an_explicit_deny_is_key_or_address_and_not_claimed_which(name, endpoint):
    endpoint.replies = [Reply(403, {name: "User is not authorized to access this resource with an explicit deny c4n4ry"})]
    error = failure(vending(endpoint))
    assert (type(error), error.code) == (DeniedError, "ExplicitDeny")
    assert "the API key is wrong or the address of this machine is not allowed; AWS does not say which" in str(error)


@pytest.mark.parametrize("body", [{"message": "Forbidden"}, b"<html>blocked c4n4ry", b"", {"message": ["explicit deny"]}, [1]])
def test_another_403_is_path_or_firewall(body, endpoint):
    endpoint.replies = [Reply(403, body)]
    error = failure(vending(endpoint))
    assert (type(error), error.code) == (DeniedError, "403")
    assert "the path of url is wrong, or a firewall refuses" in str(error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
def test_a_redirect_is_refused(status, endpoint):
    endpoint.replies = [Reply(status, b"", {"Location": f"{endpoint.url}/c4n4ry"})]
    error = failure(vending(endpoint))
    assert isinstance(error, ConfigurationError)
    assert error.setting == "url"
    assert "it redirects, which is not followed with a key" in str(error)
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("status", [400, 404, 405, 410])
def test_a_wrong_address_is_misconfigured(status, endpoint):
    endpoint.replies = [Reply(status, {"message": "Not Found"})]
    error = failure(vending(endpoint))
    assert isinstance(error, ConfigurationError)
    assert (error.code, error.setting) == (str(status), "url")
    assert len(endpoint.asked) == 1


def test_throttling_is_recoverable_and_not_answered_with_another_request(endpoint):
    endpoint.replies = [Reply(429, {"message": "Too Many Requests"}, {"Retry-After": "7"})]
    error = failure(vending(endpoint))
    assert (type(error), error.code, error.retry_after) == (RetrievalError, "429", 7)
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_a_failure_is_tried_once_more(status, endpoint):
    endpoint.replies = [Reply(status, {"message": "Internal server error"}), Reply(200, ISSUED)]
    provider = vending(endpoint)
    assert provider.retrieve().access_key_id == KEY_ID
    (pause,) = provider.host.pauses
    assert 0.1 <= pause <= 0.4
    endpoint.replies = [Reply(status)]
    error = failure(provider)
    assert (type(error), error.code) == (RetrievalError, str(status))
    assert error.__context__ is None
    assert len(endpoint.asked) == 4


@pytest.mark.parametrize("broken", [says(), says(reset=True), says(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")])
def test_a_broken_connection_is_tried_once_more(broken, endpoint):
    endpoint.replies = [broken, Reply(200, ISSUED)]
    assert vending(endpoint).retrieve().access_key_id == KEY_ID
    endpoint.replies = [broken]
    error = failure(vending(endpoint))
    assert (type(error), error.code) == (RetrievalError, "NoAnswer")
    assert f"{endpoint.url}: the connection was closed" in str(error)


def test_an_endpoint_that_wants_to_be_left_alone_is(endpoint):
    endpoint.replies = [Reply(503, b"", {"Retry-After": "30"})]
    assert failure(vending(endpoint)).retry_after == 30
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (format_datetime(datetime.fromtimestamp(START + 90, UTC), usegmt=True), 90.0),
        (format_datetime(datetime.fromtimestamp(START - 90, UTC), usegmt=True), None),
        ("Sun, 06 Nov 2050", None),
        ("soon", None),
        ("-5", None),
        ("0", None),
        ("inf", None),
        ("nan", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text, seconds, endpoint):
    endpoint.replies = [Reply(429, b"", {"Retry-After": text})]
    assert failure(vending(endpoint, host=Network(clock=Clock()))).retry_after == seconds


def test_a_role_that_cannot_be_assumed_is_said_and_why_only_in_the_debug_log(endpoint, caplog):
    detail = f"User: arn:aws:iam::123456789012:user/u is not authorized {KEY}\nforged line SecretAccessKey=c4n4ry"
    endpoint.replies = [Reply(500, {"error": "assume_role_failed", "detail": detail})]
    with caplog.at_level(logging.INFO):
        error = failure(vending(endpoint))
    assert (type(error), error.code) == (RetrievalError, "assume_role_failed")
    assert "arn:" not in f"{error} {caplog.text}"
    with caplog.at_level(logging.DEBUG):
        failure(vending(endpoint))
    assert "assume_role_failed: User: arn:aws:iam::123456789012:user/u is not authorized *** forged line" in caplog.text
    assert not leaks(caplog.text)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>c4n4ry",
        b"\xff\xfe\x00",
        b"null",
        b"[" * 60_000,
        b'{"AccessKeyId": 1' + b"0" * 5000 + b"}",
        [ISSUED],
        {},
        {**ISSUED, "Version": 2},
        {**ISSUED, "AccessKeyId": ""},
        {**ISSUED, "SecretAccessKey": None},
        {**ISSUED, "SessionToken": {"a": SECRET}},
        {**ISSUED, "Expiration": "tomorrow"},
        {**ISSUED, "Expiration": "2999-01-01T00:00:00"},
        {**ISSUED, "Expiration": 32_472_144_000},
        {**ISSUED, "AccountId": 123456789012},
    ],
)
def test_anything_else_is_malformed(body, endpoint):
    endpoint.replies = [Reply(200, body)]
    error = failure(vending(endpoint))
    assert (type(error), error.code) == (RetrievalError, "MalformedAnswer")
    assert "did not answer with credentials" in str(error)
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("status", [201, 202, 204, 206])
def test_another_success_is_no_answer_with_credentials(status, endpoint):
    endpoint.replies = [Reply(status, b"" if status == 204 else ISSUED)]
    assert type(failure(vending(endpoint))) is RetrievalError


def test_more_than_credentials_can_be_is_refused(endpoint):
    endpoint.replies = [Reply(200, b" " * (MAX_ANSWER_BYTES + 1))]
    error = failure(vending(endpoint))
    assert (type(error), error.code) == (RetrievalError, "OversizedAnswer")
    assert len(endpoint.asked) == 1


def test_expired_keys_are_not_handed_out(endpoint):
    endpoint.replies = [Reply(200, {**ISSUED, "Expiration": PAST})]
    assert type(failure(vending(endpoint))) is CredentialsExpiredError


# -------------------------------------------------------------------- time


def test_the_whole_fetch_is_bounded_by_its_timeout(endpoint):
    clock = Clock()

    def slow(handler):
        clock.now += 3
        says(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n").raw(handler)

    endpoint.replies = [Reply(raw=slow)]
    host = Network(clock=clock)
    failure(vending(endpoint, host=host, timeout=5))
    first, second = host.timeouts
    assert first == 5
    assert second + host.pauses[0] <= 2


def test_no_second_attempt_is_made_where_no_time_is_left(endpoint):
    clock = Clock()

    def slow(handler):
        clock.now += 4.8
        says(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n").raw(handler)

    endpoint.replies = [Reply(raw=slow)]
    failure(vending(endpoint, host=Network(clock=clock), timeout=5))
    assert len(endpoint.asked) == 1


def test_a_clock_that_is_set_back_does_not_lengthen_the_fetch(endpoint):
    clock = Clock()

    def back(handler):
        clock.now -= 3600
        says(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n").raw(handler)

    endpoint.replies = [Reply(raw=back)]
    host = Network(clock=clock)
    failure(vending(endpoint, host=host, timeout=5))
    assert max(host.timeouts) == 5


# -------------------------------------------------------------------- the environment form


def test_the_environment_names_url_and_key(endpoint):
    provider = from_environment(f" {endpoint.url}/prod ")
    assert provider.retrieve().source == "http-vending from the environment"
    assert (endpoint.paths, endpoint.asked[0].headers["x-api-key"]) == (["GET /prod/credentials"], KEY)


def test_the_key_may_be_left_out(endpoint):
    from_environment(endpoint.url, " ").retrieve()
    assert "x-api-key" not in endpoint.asked[0].headers


def test_a_key_without_a_url_is_misconfigured():
    error = failure(from_environment("", KEY))
    assert isinstance(error, ConfigurationError)
    assert error.setting == "AWS_GET_TEMP_CREDS_API_URL"
    assert "is not set although AWS_GET_TEMP_CREDS_API_KEY is" in str(error)


@pytest.mark.parametrize(
    ("url", "key", "setting"),
    [("http://api.example.com", KEY, "AWS_GET_TEMP_CREDS_API_URL"), (BASE, "c4n4ry\nx", "AWS_GET_TEMP_CREDS_API_KEY")],
)
def test_a_variable_that_is_not_usable_is_named(url, key, setting):
    with pytest.raises(ConfigurationError, match=setting) as caught:
        from_environment(url, key).retrieve()
    assert caught.value.setting == setting
    assert not leaks(str(caught.value))


def test_the_variable_is_named_where_the_endpoint_is_wrong(endpoint):
    endpoint.replies = [Reply(404)]
    assert failure(from_environment(endpoint.url)).setting == "AWS_GET_TEMP_CREDS_API_URL"


# -------------------------------------------------------------------- anything at all


class Saying(Host):
    """A host whose every endpoint gives this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__({}, Clock(), 1, lambda _: None)
        self.answer = answer

    def http(self, *_, **__) -> Answer:
        return self.answer


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(SECRET),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
fields = st.fixed_dictionaries(
    {},
    optional={
        "Version": st.just(1) | json_values,
        "AccessKeyId": st.just(KEY_ID) | json_values,
        "SecretAccessKey": st.just(SECRET) | json_values,
        "SessionToken": st.just(TOKEN) | json_values,
        "Token": st.just(TOKEN) | json_values,
        "Expiration": st.just(FUTURE) | st.just(PAST) | st.datetimes().map(str) | json_values,
        "AccountId": json_values,
        "message": st.just("explicit deny c4n4ry") | json_values,
        "error": st.just("assume_role_failed") | json_values,
        "detail": st.just(f"failed with {KEY}") | json_values,
    },
)
bodies = st.binary(max_size=200) | json_values.map(json.dumps).map(str.encode) | fields.map(json.dumps).map(str.encode)
statuses = st.just(200) | st.integers(100, 999)
headers = st.dictionaries(st.just("retry-after"), st.text())


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(status=statuses, body=bodies, headers=headers)
@example(status=200, body=json.dumps({**ISSUED, "Expiration": "0001-01-01T00:00:00+23:59"}).encode(), headers={})
@example(status=503, body=b"", headers={"retry-after": "Mon, 99 Jan 99999 00:00:00 -0000"})
def test_whatever_it_answers_is_credentials_or_an_error_of_ours_without_a_secret(status, body, headers, caplog):
    provider = HttpVending(BASE, api_key=KEY, host=Saying(Answer(status, headers, body)))
    with caplog.at_level(logging.DEBUG):
        try:
            keys = provider.retrieve()
        except CredentialError as error:
            assert error.message.startswith("http-vending ")
            assert not leaks(f"{error} {error!r} {pickle.dumps(error)!r}")
        else:
            told = json.loads(body)
            assert (status, keys.source) == (200, provider.name)
            assert keys.secret_access_key == (told.get("SecretAccessKey") or told.get("secret_key")).strip()
            assert not keys.is_expired(now=START)
    assert KEY not in caplog.text


parts = st.sampled_from(
    ["http", "https", "ftp", ":", "//", "/", "@", "#", "?", "\\", "%", "[", "]", "::1", "127.0.0.1", "localhost", "0",
     "169.254.169.254", "2852039166", "0xa9fea9fe", "api.example.com", ":80", ":x", " ", "\t", "\r\n", "\0", "é", "。",
     "credentials", "fe80::1%1"]
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(
    st.text(max_size=30)
    | st.lists(parts, max_size=9).map("".join)
    | st.lists(parts, max_size=6).map("".join).map("https://".__add__)
)
@example("https://0169.254")
def test_whatever_the_url_is_it_may_be_asked_or_is_refused(url):
    try:
        provider = HttpVending(url)
    except ConfigurationError as error:
        assert error.setting == "url"
    else:
        shown = provider.url.partition("://")[2]
        assert provider.url.startswith(("https://", "http://127.0.0.1", "http://localhost", "http://[::1]"))
        assert not {"@", "\\", "#", " ", "\r", "\n"} & set(shown.partition("/")[0])
        address = literal_address(urlsplit(provider.url).hostname)
        assert address is None or not (address.is_link_local or address.is_unspecified)
        assert HttpVending(provider.url) == provider
