"""Requests of httpx clients, signed; asserted by a server that checks signatures."""

from __future__ import annotations

import asyncio
import io
import logging
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from attrs import evolve

from bedrock_auth import ConfigurationError, FromCallable, Refresher, RequestScope, RetrievalError, Static, create_session
from bedrock_auth.function_url import FunctionUrlDeniedError, FunctionUrlResponse, refusal
from bedrock_auth.integrations.httpx import SigV4Auth
from support.function_urls import DENIED, EXPIRED, KEYS, MISMATCH, REGION, UNKNOWN, FunctionUrl, chunked, claim, is_signed

OTHER = evolve(KEYS, access_key_id="ASIAOTHERKEYS0000000", session_token="other-token")
LASTS = datetime.now(UTC) + timedelta(hours=1)


def source(*sets, provider=None) -> Refresher:
    left = [evolve(keys, expiration=LASTS) for keys in sets or (KEYS,)]
    return Refresher(FromCallable(provider or (lambda: left.pop(0) if len(left) > 1 else left[0]), name="test"))


@pytest.fixture
def served():
    with FunctionUrl() as function_url:
        yield function_url


def auth(signer=None, **settings) -> SigV4Auth:
    return SigV4Auth(signer or source(), **{"region_name": REGION, **settings})


def send(served, method: str, path: str = "/", *, mode: str, signer=None, **options) -> httpx.Response:
    """One request by the client of this mode; the answer is read."""
    follow = options.pop("follow_redirects", False)
    if mode == "sync":
        with httpx.Client(auth=auth(signer), follow_redirects=follow) as client:
            return client.request(method, served.url + path, **options)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(auth=auth(signer), follow_redirects=follow) as client:
            return await client.request(method, served.url + path, **options)

    return asyncio.run(ask())


both = pytest.mark.parametrize("mode", ["sync", "async"])
BODIES = {
    "nothing": {},
    "json": {"json": {"text": "grüß"}},
    "bytes": {"content": b"\x00\xff"},
    "form": {"data": {"a": "b c+d", "e": "ü"}},
    "files": {"files": {"file": ("name.txt", io.BytesIO(b"content"))}},
}


@both
@pytest.mark.parametrize("body", BODIES)
def test_exactly_what_is_sent_is_signed(served, mode, body):
    method = "GET" if body == "nothing" else "POST"
    answer = send(served, method, "/chat", mode=mode, **BODIES[body])
    assert answer.status_code == 200
    assert answer.content == served.received[0].body
    assert is_signed(served.received[0])


ODD = {
    "/a b/ü": "/a%20b/%C3%BC",
    "//x//y/": "//x//y/",
    "/a%2fb%7e": "/a%2Fb~",
    "/(a)!*':@$,;=": "/%28a%29%21%2A%27%3A%40%24%2C%3B%3D",
    "/a/../b/./c": "/b/c",
    "/?a+b=c+d&a&=x&&b=2&b=1": "/?a%20b=c%20d&a=&=x&b=2&b=1",
    "/?q=?/(x)#fragment": "/?q=%3F%2F%28x%29",
    "": "/",
}


@both
@pytest.mark.parametrize("path", ODD, ids=range(len(ODD)))
def test_a_path_has_one_spelling_on_the_wire(served, mode, path):
    assert send(served, "GET", path, mode=mode).status_code == 200
    assert served.received[0].target == ODD[path]


@both
def test_a_path_that_would_lead_elsewhere_is_refused(served, mode):
    for path in ("/users/%2e%2E/admin", "/%2e/x"):
        with pytest.raises(ConfigurationError, match="would lead to another path"):
            send(served, "GET", path, mode=mode)
    assert served.received == []


@both
def test_params_headers_and_cookies_of_the_client_are_signed(served, mode):
    headers = {"X-Tenant": "acme", "Authorization": "Basic x", "X-Amz-Date": "x", "X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}
    options = {"params": {"q": "a b+c", "r": ["1", "2"]}, "headers": [*headers.items(), ("X-Many", "1"), ("X-Many", "2")]}
    assert send(served, "GET", mode=mode, **options).status_code == 200
    (received,) = served.received
    assert received.target == "/?q=a%20b%2Bc&r=1&r=2"
    assert claim(received)["headers"] == "accept;host;x-amz-date;x-amz-security-token;x-many;x-tenant"
    assert "x-amz-content-sha256" not in received.headers


@both
def test_a_body_of_unknown_length_is_refused_and_nothing_is_sent(served, mode):
    async def pieces():
        yield b"a"

    with pytest.raises(ConfigurationError, match="signed as a whole"):
        send(served, "POST", mode=mode, content=iter([b"a"]) if mode == "sync" else pieces())
    assert served.received == []


def test_a_file_is_content_where_reading_it_stops_nobody(served, tmp_path):
    path = tmp_path / "body"
    path.write_bytes(b"content")
    with path.open("rb") as file:
        assert send(served, "POST", mode="sync", content=file).content == b"content"
    with path.open("rb") as file, pytest.raises(ConfigurationError, match="asynchronous client reads no files"):
        send(served, "POST", mode="async", content=file)
    assert len(served.received) == 1


def test_the_compressor_of_http2_headers_logs_none(caplog):
    caplog.set_level(logging.DEBUG)
    auth()
    for name in ("hpack.hpack", "hpack.table"):
        logging.getLogger(name).debug("Adding %s=%s", b"x-amz-security-token", KEYS.session_token)
        logging.getLogger(name).warning("%s is heard", name)
    assert KEYS.session_token not in caplog.text
    assert caplog.text.count("is heard") == 2


def test_an_answer_is_streamed_as_it_arrives(served):
    seen = threading.Semaphore(0)
    served.function = lambda received: chunked(b"a", b"b", b"c", wait=lambda: seen.acquire(timeout=20))
    got = []
    with httpx.Client(auth=auth()) as client, client.stream("POST", served.url, json={}) as response:
        for text in response.iter_text():
            got.append(text)
            seen.release()

    async def read() -> None:
        async with httpx.AsyncClient(auth=auth()) as client, client.stream("POST", served.url, json={}) as response:
            async for text in response.aiter_text():
                got.append(text)
                seen.release()

    asyncio.run(read())
    assert got == ["a", "b", "c"] * 2


@both
def test_expired_keys_are_renewed_and_the_request_sent_once_more(served, mode):
    served.keys, was = OTHER, served.answer
    served.answer = lambda received: EXPIRED if received.access_key_id == KEYS.access_key_id else was(received)
    answer = send(served, "POST", "/a b", mode=mode, signer=source(KEYS, OTHER), json=1)
    assert (answer.status_code, answer.content) == (200, b"1")
    assert [received.access_key_id for received in served.received] == [KEYS.access_key_id, OTHER.access_key_id]
    assert served.received[0].body == served.received[1].body


@both
def test_any_other_refusal_is_the_callers_to_read(served, mode):
    for refused, sends in ((EXPIRED, 2), (UNKNOWN, 1), (MISMATCH, 1), ((404, *EXPIRED[1:]), 1), (DENIED, 1)):
        served.answer = lambda received, refused=refused: refused
        served.received.clear()
        answer = send(served, "POST", mode=mode, signer=source(KEYS, OTHER), json=1)
        assert (answer.status_code, len(served.received)) == (refused[0], sends)
    error = refusal(FunctionUrlResponse(answer.status_code, answer.headers, answer.content))
    assert isinstance(error, FunctionUrlDeniedError)


@both
def test_a_redirect_is_the_callers_to_read_and_following_one_is_an_error(served, mode):
    served.answer = lambda received: (307, {"Location": "/there"}, b"")
    assert send(served, "POST", mode=mode, json=1).status_code == 307
    served.received.clear()
    served.answer = lambda received: (307, {"Location": "/there"}, b"") if received.target == "/" else (200, {}, b"")
    with pytest.raises(ConfigurationError, match="follow_redirects must be off"):
        send(served, "POST", mode=mode, json=1, follow_redirects=True)


@both
def test_keys_that_cannot_be_had_are_a_credential_error_and_nothing_is_sent(served, mode):
    def closed():
        raise RetrievalError("the vault is closed")

    with pytest.raises(RetrievalError, match="the vault is closed"):
        send(served, "GET", mode=mode, signer=source(provider=closed))
    assert served.received == []


@pytest.mark.parametrize("through", ["refresher", "session", "caller"])
def test_a_slow_source_does_not_stop_the_event_loop(served, through):
    def slowly():
        time.sleep(0.5)
        return evolve(KEYS, expiration=LASTS)

    provider = FromCallable(slowly, name="slow")
    scope = RequestScope()
    create_session(scope)
    signer = {
        "refresher": lambda: Refresher(provider),
        "session": lambda: create_session(slowly),
        "caller": lambda: scope.bind(provider),
    }[through]()

    async def ask() -> tuple[int, int]:
        ticks = 0
        async with httpx.AsyncClient(auth=auth(signer)) as client:
            asked = asyncio.ensure_future(client.get(served.url))
            while not asked.done():
                await asyncio.sleep(0.01)
                ticks += 1
        return asked.result().status_code, ticks

    status, ticks = asyncio.run(ask())
    assert status == 200
    assert ticks >= 10


def test_a_session_of_a_scope_signs_as_the_caller_of_the_block(served):
    scope = RequestScope()
    signer = auth(create_session(scope))

    async def ask(keys) -> int:
        async with httpx.AsyncClient(auth=signer) as client:
            with scope.use(keys):
                return (await client.get(served.url)).status_code

    async def both_at_once() -> list[int]:
        return await asyncio.gather(ask(KEYS), ask(OTHER))

    assert asyncio.run(both_at_once()) == [200, 403]


def test_other_services_are_signed_with_their_name_and_region(served):
    seen = []

    def answer(received):
        seen.append(is_signed(received, service="execute-api", region="eu-west-1"))
        return 200, {}, b""

    served.answer = answer
    with httpx.Client(auth=SigV4Auth(source(), "execute-api", "eu-west-1")) as client:
        client.get(f"{served.url}/prod/x")
    assert seen == [True]


def test_the_region_of_a_function_url_is_its_hosts():
    signed = []

    def answer(request: httpx.Request) -> httpx.Response:
        signed.append(request.headers["authorization"].split("/")[2:4])
        return httpx.Response(200)

    with httpx.Client(auth=SigV4Auth(source()), transport=httpx.MockTransport(answer)) as client:
        client.get("https://abc.lambda-url.ap-south-1.on.aws/")
        assert signed == [["ap-south-1", "lambda"]]
        with pytest.raises(ConfigurationError, match="region_name must be given: the host example.com"):
            client.get("https://example.com/")
        with pytest.raises(ConfigurationError, match="over https only"):
            client.get("http://abc.lambda-url.ap-south-1.on.aws/")
    assert len(signed) == 1


@pytest.mark.parametrize(
    ("signer", "service", "region", "words"),
    [
        (Static("AKIAIOSFODNN7EXAMPLE", "s"), "lambda", None, "create_session.provider."),
        (None, "lambda", None, "not NoneType"),
        (source(), "s3", REGION, "must not be S3"),
        (source(), "s3express", REGION, "must not be S3"),
        (source(), "execute-api", None, "region_name must be given for execute-api"),
    ],
    ids=range(5),
)
def test_settings_are_checked_at_once(signer, service, region, words):
    with pytest.raises(ConfigurationError, match=words):
        SigV4Auth(signer, service, region)


def test_without_httpx_importing_it_says_what_to_install():
    program = "import sys; sys.modules['httpx'] = None; import bedrock_auth.integrations.httpx"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert "ImportError: bedrock_auth.integrations.httpx needs httpx: pip install 'bedrock-auth[httpx]'" in ran.stderr
