"""One exchange: what is sent, through whom, for how long, and what each way of going wrong is called."""

from __future__ import annotations

import contextvars
import logging
import socket
import ssl
import threading
import time

import pytest
import trustme

from bedrock_auth import http
from bedrock_auth.credentials import MAX_ANSWER_BYTES
from bedrock_auth.host import Host
from bedrock_auth.http import NoAnswerError, OversizedAnswerError, exchange, is_near, literal_address, resolve
from bedrock_auth.redaction import hiding
from support.endpoint import Endpoint, Reply, says

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
KEY = "c4n4ry-api-key"


@pytest.fixture
def endpoint():
    with Endpoint(Reply(200, b"hello", {"X-One": "1"})) as running:
        yield running


def get(url: str, *, timeout: float = 5.0, **headers: str):
    return exchange("GET", url, headers, timeout=timeout)


def test_method_path_query_and_headers_arrive_as_they_are(endpoint):
    answer = exchange("PUT", f"{endpoint.url}/a/b?c=d%20e", {"x-key": "value"}, timeout=5)
    (asked,) = endpoint.asked
    assert (asked.method, asked.path, asked.headers["x-key"]) == ("PUT", "/a/b?c=d%20e", "value")
    assert (answer.status, answer.headers["x-one"], answer.body) == (200, "1", b"hello")


def test_a_host_header_of_the_callers_is_the_only_one(endpoint):
    get(f"{endpoint.url}/", Host="name.example:80")
    assert endpoint.asked[0].headers["host"] == "name.example:80"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_not_followed(status, endpoint):
    endpoint.replies = [Reply(status, b"", {"Location": f"{endpoint.url}/elsewhere"})]
    assert get(f"{endpoint.url}/", **{"x-api-key": KEY}).status == status
    assert endpoint.paths == ["GET /"]


@pytest.mark.parametrize("status", [204, 304, 404, 500])
def test_every_status_is_an_answer(status, endpoint):
    endpoint.replies = [Reply(status)]
    assert get(endpoint.url).status == status
    assert len(endpoint.asked) == 1


def test_a_compressed_body_is_not_unpacked(endpoint):
    endpoint.replies = [Reply(200, b"\x1f\x8b not really", {"Content-Encoding": "gzip"})]
    assert get(endpoint.url).body == b"\x1f\x8b not really"


def test_a_chunked_body_is_put_together(endpoint):
    endpoint.replies = [says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n")]
    assert get(endpoint.url).body == b"abcde"


def test_what_hides_secrets_reaches_the_exchange(endpoint, caplog):
    with caplog.at_level(logging.DEBUG), hiding(["c4n4ry-path"]):
        get(f"{endpoint.url}/c4n4ry-path")
    assert "GET /*** HTTP/1.1" in caplog.text
    assert "c4n4ry" not in caplog.text


# -------------------------------------------------------------------- size


def test_a_body_as_large_as_the_cap_is_read(endpoint):
    endpoint.replies = [Reply(200, b"x" * MAX_ANSWER_BYTES)]
    assert len(get(endpoint.url).body) == MAX_ANSWER_BYTES


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(200, b"x" * (MAX_ANSWER_BYTES + 1)), id="with a length"),
        pytest.param(says(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * (MAX_ANSWER_BYTES + 1)), id="until it ends"),
        pytest.param(
            says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1000\r\n" + b"x" * 4096 + b"\r\n"] * 20),
            id="chunked",
        ),
    ],
)
def test_a_larger_body_is_refused(reply, endpoint):
    endpoint.replies = [reply]
    with pytest.raises(OversizedAnswerError):
        get(endpoint.url)


def test_an_endless_body_is_read_no_further_than_the_cap(endpoint):
    sent = []

    def endless(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:  # until the client is gone
            handler.wfile.write(b"x" * 65_536)
            sent.append(1)

    endpoint.replies = [Reply(raw=endless)]
    with pytest.raises(OversizedAnswerError):
        get(endpoint.url)
    assert len(sent) < 1000


# -------------------------------------------------------------------- time


def within(seconds: float, url: str) -> str:
    """The message of a failure that must come in time."""
    began = time.monotonic()
    with pytest.raises(NoAnswerError) as caught:
        get(url, timeout=0.4)
    assert time.monotonic() - began < seconds
    return str(caught.value)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(says(b"", pause=1.5), id="silence"),
        pytest.param(says(HEAD % 50, *[b"x"] * 15, pause=0.1), id="a body that drips"),
        pytest.param(says(b"HTTP/1.1 200 OK\r\n", *[b"X-A: b\r\n"] * 15, pause=0.1), id="headers that drip"),
        pytest.param(says(b"HTTP/1.1 200 OK\r\nX: ", *[b"x"] * 15, pause=0.1), id="a header that drips"),
        pytest.param(
            says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 15, pause=0.1), id="chunks"
        ),
        pytest.param(says(HEAD % 50, pause=1.5), id="silence after the headers"),
    ],
)
def test_the_whole_exchange_is_bounded(reply, endpoint):
    endpoint.replies = [reply]
    assert within(1.0, endpoint.url) == "the answer did not come in time"


def test_a_resolver_that_hangs_does_not_hang_the_caller(monkeypatch):
    resume = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **named: resume.wait(5) and [])
    within(1.0, "http://localhost:1/")
    with pytest.raises(NoAnswerError):
        resolve("localhost", timeout=0.1)
    resume.set()


def test_what_is_left_behind_ends_with_its_connection(endpoint):
    endpoint.replies = [says(HEAD % 99, *[b"x"] * 60, pause=0.1)]
    within(1.0, endpoint.url)
    deadline = time.monotonic() + 3
    while any(thread.name == "bedrock-auth http" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_exchange_works_where_no_thread_can_be_started(endpoint, monkeypatch):
    def cannot(_):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(http.threading.Thread, "start", lambda self: cannot(self) if self.name == "bedrock-auth http" else None)
        patch.setattr(http, "_exchange", lambda *args: "inline")
        assert get(endpoint.url) == "inline"


def test_the_callers_context_is_seen_by_the_exchange(monkeypatch):
    variable = contextvars.ContextVar("variable")
    variable.set("mine")
    monkeypatch.setattr(http, "_exchange", lambda *args: variable.get())
    assert get("http://localhost/") == "mine"


# -------------------------------------------------------------------- no answer


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(says(), "closed without an answer", id="closed at once"),
        pytest.param(says(reset=True), "closed without an answer", id="reset at once"),
        pytest.param(says(HEAD % 50, b"half", reset=True, pause=0.1), "in the middle of the answer", id="reset in the body"),
        pytest.param(says(HEAD % 50, b"half"), "in the middle of the answer", id="cut in the body"),
        pytest.param(
            says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"5\r\nab"),
            "in the middle of the answer",
            id="cut chunk",
        ),
        pytest.param(says(b"SSH-2.0-OpenSSH\r\n"), "closed without an answer", id="another protocol"),
    ],
)
def test_a_broken_connection_is_no_answer(reply, reason, endpoint):
    endpoint.replies = [reply]
    with pytest.raises(NoAnswerError, match=reason):
        get(endpoint.url)


def test_a_port_where_nobody_listens_is_no_answer():
    with Endpoint() as gone:
        url = gone.url
    with pytest.raises(NoAnswerError, match="no connection could be made"):
        get(url)


@pytest.mark.parametrize("url", ["http://[::1", "http://[nonsense]/", "http://localhost:99999/", f"http://{'a' * 70}.localhost/"])
def test_a_url_that_cannot_be_asked_is_no_answer(url):
    with pytest.raises(NoAnswerError):
        get(url)


def test_a_header_that_cannot_be_sent_is_no_answer_and_is_not_shown(endpoint, caplog):
    with caplog.at_level(logging.DEBUG), pytest.raises(NoAnswerError) as caught:
        get(endpoint.url, key="c4n4ry\r\nX: y")
    assert "c4n4ry" not in f"{caught.value!r} {caught.value.__cause__} {caught.value.__suppress_context__ or 'c4n4ry'}"
    assert not endpoint.asked


def test_a_name_without_an_address_is_no_answer(monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NoAnswerError, match="could not be resolved"):
        Host.isolated().addresses("nowhere.localhost", timeout=5)


def test_a_name_has_each_of_its_addresses_once():
    assert "127.0.0.1" in Host.isolated().addresses("localhost", timeout=5)
    assert len(set(resolve("localhost", timeout=5))) == len(resolve("localhost", timeout=5))


# -------------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def bundle(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def secure(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "vending.example").configure_cert(context)
    with Endpoint(Reply(200, b"hello"), tls=context) as running:
        yield running


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_the_hosts_ca_bundle_is_trusted(variable, secure, bundle):
    host = Host.isolated({variable: bundle})
    assert host.http("GET", secure.url, {}, timeout=5).body == b"hello"


def test_an_unknown_authority_is_not_trusted(secure):
    with pytest.raises(NoAnswerError, match="AWS_CA_BUNDLE names the certificates to trust"):
        Host.isolated().http("GET", secure.url, {}, timeout=5)
    assert not secure.asked


def test_a_certificate_of_another_name_is_not_trusted(secure, bundle):
    with pytest.raises(NoAnswerError, match="no TLS connection that can be trusted"):
        exchange("GET", secure.url.replace("127.0.0.1", "localhost"), {}, timeout=5, ca_bundle=bundle)
    assert not secure.asked


def test_a_bundle_that_is_not_there_is_no_answer_and_never_no_check(secure, tmp_path):
    with pytest.raises(NoAnswerError, match="AWS_CA_BUNDLE"):
        exchange("GET", secure.url, {}, timeout=5, ca_bundle=str(tmp_path / "missing.pem"))
    assert not secure.asked


def test_a_tls_handshake_that_hangs_is_bounded():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        within(1.0, f"https://127.0.0.1:{silent.getsockname()[1]}/")


# -------------------------------------------------------------------- proxies


@pytest.fixture
def proxy(monkeypatch):
    with Endpoint(Reply(200, b"from the proxy")) as running:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, running.url)
        yield running


def test_another_host_is_asked_through_the_proxy(proxy):
    assert get("http://vending.example/credentials").body == b"from the proxy"
    assert proxy.paths == ["GET http://vending.example/credentials"]


def test_https_goes_through_a_tunnel_and_what_refuses_one_is_named(proxy):
    proxy.replies = [Reply(407)]
    with pytest.raises(NoAnswerError, match="the proxy could not be reached, or refused"):
        get("https://vending.example/credentials", **{"x-api-key": KEY})
    (asked,) = proxy.asked
    assert (asked.method, asked.path) == ("CONNECT", "vending.example:443")
    assert KEY not in str(asked.headers)


def test_a_proxy_that_is_gone_is_named(monkeypatch):
    with Endpoint() as gone:
        monkeypatch.setenv("HTTP_PROXY", gone.url.replace("http://", "http://user:c4n4ry@"))
    with pytest.raises(NoAnswerError, match="the proxy could not be reached") as caught:
        get("http://vending.example/")
    assert "c4n4ry" not in str(caught.value)


def test_no_proxy_is_honoured(proxy, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "nowhere.localhost")
    with pytest.raises(NoAnswerError):
        get("http://nowhere.localhost:1/")
    assert not proxy.asked


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST"])
def test_this_machine_is_never_asked_through_a_proxy(name, endpoint, proxy):
    assert get(f"http://{name}:{endpoint.port}/").body == b"hello"
    assert not proxy.asked


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/api/token",
        "http://169.254.170.2/v2/credentials",
        "http://169.254.170.23/v1/credentials",
        "http://[fd00:ec2::254]/latest/api/token",
        "http://[fd00:ec2::23]/v1/credentials",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://2852039166/",
        "http://2130706433:1/",
        "http://0x7f.1:1/",
        "http://127.1:1/",
        "http://[::1]:1/",
        "http://127.9.9.9:1/",
    ],
)
def test_awss_fixed_addresses_are_never_asked_through_a_proxy(url, proxy, monkeypatch):
    connected = []

    def refuse(self, address):
        connected.append(address[0])
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        with pytest.raises(NoAnswerError):
            get(url)
    assert not proxy.asked
    assert "127.0.0.1" not in connected


# -------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("0", "0.0.0.0"),
        ("::1", "::1"),
        ("::ffff:169.254.169.254", "169.254.169.254"),
        ("fe80::1%eth0", "fe80::1"),
        ("localhost", "None"),
        ("example.com", "None"),
        ("", "None"),
        ("a\0b", "None"),
    ],
)
def test_an_address_is_recognised_however_it_is_spelt(text, address):
    assert str(literal_address(text)) == address


@pytest.mark.parametrize("name", ["example.com", "10.0.0.1", "localhost.example", "notlocalhost", "", "fd00:ec2::2"])
def test_nothing_else_is_near(name):
    assert not is_near(name)
