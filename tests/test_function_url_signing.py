"""What is signed is what is sent, in a spelling in which every signer comes to the same signature."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import HealthCheck, given, settings, strategies as st

from bedrock_auth import ConfigurationError, Refresher, Static
from bedrock_auth.function_url import FunctionUrlClient
from bedrock_auth.function_url.address import Address, spelt_path, spelt_query
from bedrock_auth.testing import verify
from support.function_urls import KEYS, REGION, SPELLINGS, FunctionUrl, Received, claim, is_signed

SOURCE = Refresher(Static(KEYS.access_key_id, KEYS.secret_access_key, KEYS.session_token))
FUNCTION_URL = "https://abc123.lambda-url.eu-central-1.on.aws"


@pytest.fixture(scope="module")
def function_url():
    with FunctionUrl() as served:
        yield served


@pytest.fixture(scope="module")
def client(function_url):
    with FunctionUrlClient(function_url.url, SOURCE, region_name=REGION) as made:
        yield made


def signature_of_botocore(received: Received) -> str:
    """botocore's own, of what arrived, at the time that arrived."""
    claimed = claim(received)
    headers = {name: received.headers[name] for name in claimed["headers"].split(";")}
    request = AWSRequest(received.method, f"http://{received.headers['host']}{received.target}", headers, received.body)
    request.context["timestamp"] = received.headers["x-amz-date"]
    auth = SigV4Auth(ReadOnlyCredentials(KEYS.access_key_id, KEYS.secret_access_key, KEYS.session_token), "lambda", REGION)
    return auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)


def signature_of_local_bedrock(received: Received) -> str:
    request = verify.HttpRequest(received.method, received.target, received.headers, received.body)
    claimed = verify.authorization(request)
    assert claimed is not None
    return verify.signature(request, claimed, received.headers["x-amz-date"], KEYS.secret_access_key)


def check(received: Received) -> None:
    assert is_signed(received)
    assert claim(received)["signature"] == signature_of_botocore(received) == signature_of_local_bedrock(received)


@pytest.mark.parametrize("path", SPELLINGS, ids=range(len(SPELLINGS)))
def test_a_path_has_one_spelling_on_the_wire_and_everybody_computes_the_same_signature(client, function_url, path):
    assert client.post(path, content=b"\x00body").content == b"\x00body"
    received = function_url.received[-1]
    assert received.target == SPELLINGS[path]
    check(received)


ODD = st.text(st.sampled_from("aZ09-._~ %+/?&=#\\:@!$'()*,;[]{}|^`\"<>\t\r\nü日🙂\x00\x7f2F7e"), max_size=12)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=ODD.filter(lambda text: "#" not in text and "?" not in text),
    params=st.dictionaries(ODD, st.one_of(ODD, st.integers(), st.lists(ODD, max_size=3)), max_size=3),
    headers=st.dictionaries(
        st.sampled_from(["X-One", "x-two", "Accept", "Cookie"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=9),
    ),
    body=st.binary(max_size=20),
    method=st.sampled_from(["GET", "POST", "put", "DELETE", "PATCH"]),
)
def test_anything_odd_arrives_as_it_was_meant_and_signed(client, function_url, path, params, headers, body, method):
    path = "/" + path
    try:
        client.request(method, path, params=params, headers=headers, content=body)
    except ConfigurationError as error:
        assert error.setting == "path"
        assert {".", ".."} & {unquote(segment) for segment in path.split("/")}
        return
    received = function_url.received[-1]
    check(received)
    arrived, _, query = received.target.partition("?")
    assert unquote(arrived, errors="surrogateescape") == unquote(path, errors="surrogateescape")
    wanted = [(name, str(each)) for name, value in params.items() for each in (value if isinstance(value, list) else [value])]
    assert parse_qsl(query, keep_blank_values=True) == wanted
    assert received.body == body
    assert {name.lower(): " ".join(value.split()) for name, value in headers.items()}.items() <= {
        name: " ".join(value.split()) for name, value in received.headers.items()
    }.items()


@given(st.text(max_size=20))
def test_what_is_spelt_once_is_spelt_for_good(text):
    for spelt in (spelt_path, spelt_query):
        try:
            once = spelt(text)
        except ConfigurationError:
            continue
        assert spelt(once) == once


def test_parameters_go_behind_the_query_of_the_path(client, function_url):
    client.get("/a?x=1", params={"y": ["a b", 2], "x": "+"})
    assert function_url.received[-1].target == "/a?x=1&y=a%20b&y=2&x=%2B"


def test_every_header_is_signed_that_nothing_on_the_way_may_change(client, function_url):
    headers = {"X-Tenant": "acme", "Accept": "text/event-stream", "User-Agent": "mine", "X-Amzn-Trace-Id": "Root=1", "Via": "me"}
    client.post("/", json={}, headers=headers)
    received = function_url.received[-1]
    assert claim(received)["headers"] == "accept;content-type;host;x-amz-date;x-amz-security-token;x-tenant"
    assert received.headers["user-agent"] == "mine"
    check(received)


def test_keys_without_a_token_send_none():
    keys = Static("AKIAWITHOUTTOKEN0000", "secret")
    with FunctionUrl() as served, FunctionUrlClient(served.url, Refresher(keys), region_name=REGION) as client:
        with pytest.raises(Exception, match="AWS does not know these keys"):
            client.get("/")
        assert "x-amz-security-token" not in served.received[0].headers


@pytest.mark.parametrize(
    "path", ["chat", "", None, "https://example.com/", "/a/../b", "/./a", "/..", "/a/%2e%2E/b", "/a#b", "/\ud800"], ids=ascii
)
def test_a_path_that_would_lead_elsewhere_is_refused(client, function_url, path):
    before = len(function_url.received)
    with pytest.raises(ConfigurationError, match="path") as refused:
        client.get(path)
    assert refused.value.setting == "path"
    assert len(function_url.received) == before


@pytest.mark.parametrize(
    ("arguments", "setting"),
    [
        ({"json": 1, "content": b"1"}, "content"),
        ({"json": {"a": {1, 2}}}, "json"),
        ({"json": float("nan")}, "json"),
        ({"json": "\ud800"}, "json"),
        ({"content": "\ud800"}, "content"),
        ({"content": iter([b"a"])}, "content"),
        ({"params": {"a": "\ud800"}}, "params"),
        ({"params": 3}, "params"),
        ({"headers": {"Authorization": "x"}}, "headers"),
        ({"headers": {"x-amz-date": "x"}}, "headers"),
        ({"headers": {"host": "x"}}, "headers"),
        ({"headers": {"X-A": "a\r\nb: c"}}, "headers"),
        ({"headers": {"X-A": "ü"}}, "headers"),
        ({"headers": {"X-A": b"a"}}, "headers"),
        ({"headers": {"X A": "a"}}, "headers"),
        ({"headers": {"X-A": "a", "x-a": "b"}}, "headers"),
        ({"method": "GET /x"}, "method"),
        ({"method": ""}, "method"),
    ],
    ids=range(18),
)
def test_a_request_that_cannot_be_signed_as_it_stands_names_the_argument_and_is_not_sent(
    client, function_url, arguments, setting
):
    before = len(function_url.received)
    with pytest.raises(ConfigurationError) as refused:
        client.request(**{"method": "POST", "path": "/", **arguments})
    assert refused.value.setting == setting
    assert len(function_url.received) == before


@pytest.mark.parametrize(
    ("url", "region"),
    [
        (FUNCTION_URL, "eu-central-1"),
        (FUNCTION_URL.upper().replace("HTTPS", "https"), "eu-central-1"),
        (f"{FUNCTION_URL}:443/", "eu-central-1"),
        ("https://a1.lambda-url.us-gov-west-1.on.aws/", "us-gov-west-1"),
        ("https://a1.lambda-url.cn-north-1.on.amazonwebservices.com.cn/", "cn-north-1"),
        ("https://a1.lambda-url.eusc-de-east-1.on.amazonwebservices.eu/", "eusc-de-east-1"),
    ],
)
def test_the_region_is_the_hosts(url, region):
    assert FunctionUrlClient(url, SOURCE).region_name == region


@pytest.mark.parametrize(
    "url",
    ["https://example.com/", "http://localhost:8080", "http://127.0.0.1", "https://a.lambda-url.us-east-1.on.aws.example.com"],
)
def test_another_host_needs_a_region(url):
    with pytest.raises(ConfigurationError, match="region_name must be given: the host"):
        FunctionUrlClient(url, SOURCE)
    assert FunctionUrlClient(url, SOURCE, region_name="us-west-2").region_name == "us-west-2"


def test_a_region_that_is_not_the_hosts_is_refused():
    with pytest.raises(ConfigurationError, match="is us-east-1, but the function URL is in eu-central-1"):
        FunctionUrlClient(FUNCTION_URL, SOURCE, region_name="us-east-1")


@pytest.mark.parametrize(
    "url",
    [
        "http://abc.lambda-url.us-east-1.on.aws",
        "http://127.0.0.1.example.com",
        "https://user:hunter2@abc.lambda-url.us-east-1.on.aws",
        "https://abc.lambda-url.us-east-1.on.aws/?x=hunter2",
        "https://abc.lambda-url.us-east-1.on.aws/#hunter2",
        "https://abc.lambda-url.us-east-1.on.aws:0/",
        "https://abc.lambda-url.us-east-1.on.aws:x/",
        "https://a b/",
        "https://[::1/",
        "https://",
        "ftp://127.0.0.1/",
        "abc.lambda-url.us-east-1.on.aws",
        "",
        None,
    ],
    ids=ascii,
)
def test_only_an_https_url_of_host_and_path_is_one_and_no_message_repeats_it(url):
    with pytest.raises(ConfigurationError, match="url") as refused:
        FunctionUrlClient(url, SOURCE, region_name="us-east-1")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "origin", "host", "base"),
    [
        ("HTTPS://ABC.example.com:443/", "https://abc.example.com", "abc.example.com", ""),
        (
            "https://abc.example.com:8443/a b%2f/c/".replace(" ", "+"),
            "https://abc.example.com:8443",
            "abc.example.com:8443",
            "/a%2Bb%2F/c",
        ),
        ("http://[::1]:8080", "http://[::1]:8080", "[::1]:8080", ""),
        ("http://localhost:80", "http://localhost", "localhost", ""),
    ],
)
def test_the_address_is_spelt_once_too(url, origin, host, base):
    address = Address.of(url, "us-east-1")
    assert (address.origin, address.host, address.base) == (origin, host, base)
    assert address.target("/x") == f"{base}/x"
