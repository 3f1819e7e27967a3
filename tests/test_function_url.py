"""Calls of a function URL, asserted on the wire and in what callers get."""

from __future__ import annotations

import contextlib
import copy
import http.client
import logging
import multiprocessing
import pickle
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import boto3
import botocore.session
import pytest
import trustme
from attrs import evolve
from botocore.credentials import DeferredRefreshableCredentials

from bedrock_auth import (
    BedrockAuthError,
    ConfigurationError,
    CredentialError,
    Credentials,
    DeniedError,
    FromCallable,
    MissingIdentityError,
    Refresher,
    RequestScope,
    RetrievalError,
    Static,
    create_session,
)
from bedrock_auth.bedrock import explain
from bedrock_auth.function_url import (
    FunctionFailedError,
    FunctionUrlClient,
    FunctionUrlConnectionError,
    FunctionUrlDeniedError,
    FunctionUrlError,
    FunctionUrlResponse,
    FunctionUrlSignatureError,
    FunctionUrlThrottledError,
    ServerSentEvent,
    errors,
    refusal,
)
from support.function_urls import DENIED, EXPIRED, KEYS, MISMATCH, REGION, UNKNOWN, FunctionUrl, chunked, raw, refused

OTHER = evolve(KEYS, access_key_id="ASIAOTHERKEYS0000000", session_token="other-token")
LASTS = datetime.now(UTC) + timedelta(hours=1)


def source(*sets: Credentials) -> Refresher:
    """Delivers these in turn, then the last one for good."""
    left = [evolve(keys, expiration=LASTS) for keys in sets or (KEYS,)]
    return Refresher(FromCallable(lambda: left.pop(0) if len(left) > 1 else left[0], name="test"))


@pytest.fixture
def served():
    with FunctionUrl() as function_url:
        yield function_url


@pytest.fixture
def client(served):
    with FunctionUrlClient(served.url, source(), region_name=REGION, read_timeout=20) as made:
        yield made


# -------------------------------------------------------------------- answers


def test_a_whole_answer(client, served):
    served.function = lambda received: (
        201,
        {"Content-Type": "application/json", "X-Tenant": "acme"},
        '{"text": "grüß"}'.encode(),
    )
    answer = client.post("/chat", json={"text": "ü"})
    assert served.received[0].body == '{"text":"ü"}'.encode()
    assert served.received[0].headers["content-type"] == "application/json"
    assert served.received[0].headers["user-agent"].startswith("bedrock-auth/")
    assert (answer.status, answer.json(), answer.headers["x-tenant"], answer.request_id) == (
        201,
        {"text": "grüß"},
        "acme",
        "answered",
    )
    assert "grüß" in answer.text
    assert repr(answer) == "FunctionUrlResponse(status=201)"


def test_text_and_bytes_are_sent_as_they_are(client, served):
    assert client.post("/", content="ü").content == "ü".encode()
    assert client.request("put", "/", content=b"\x00\xff", headers={"Content-Type": "image/x"}).content == b"\x00\xff"
    assert served.received[-1].headers["content-type"] == "image/x"
    assert client.get().content == b""
    assert client.request("HEAD").status == 200
    assert client.request("DELETE", "/x").status == 200


def test_a_path_of_the_url_comes_before_all_others(served):
    with FunctionUrlClient(f"{served.url}/prod/api/", source(), region_name=REGION) as client:
        client.get("/chat")
        assert repr(client) == f"<FunctionUrlClient {served.url}/prod/api>"
    assert served.received[0].target == "/prod/api/chat"


def test_an_answer_that_is_no_text_says_so(client, served):
    served.function = lambda received: (200, {"Content-Type": "image/png"}, b"\x89PNG")
    for read in (lambda: client.get("/").text, lambda: list(client.stream("GET").iter_text())):
        with pytest.raises(FunctionUrlError, match="not UTF-8 text .content-type 'image/png'") as wrong:
            read()
        assert wrong.value.code == "NotText"


# -------------------------------------------------------------------- streams


def test_text_arrives_while_the_function_still_writes_and_no_character_is_cut(client, served):
    seen = threading.Semaphore(0)
    pieces = [b"Gr\xc3", b"\xbc\xc3", b"\x9fe \xf0\x9f", b"\x99\x82"]
    served.function = lambda received: chunked(*pieces, wait=lambda: seen.acquire(timeout=20))
    got = []
    with client.stream("POST", "/chat", json={}) as stream:
        assert (stream.status, stream.request_id) == (200, "streamed")
        texts = stream.iter_text()
        for text in texts:
            got.append(text)
            seen.release()
    assert got == ["Gr", "ü", "ße ", "🙂"]


def test_bytes_lines_and_events(client, served):
    served.function = lambda received: chunked(
        b"event: token\r", b"\ndata: H\xc3", b"\xbc\nid: 7\n", b"\n:\n\ndata: x\ndata:y\n\n", b"data: cut"
    )
    with client.stream("GET") as stream:
        assert b"".join(stream.iter_bytes()).startswith(b"event: token\r\ndata")
    with client.stream("GET") as stream:
        assert list(stream.iter_lines()) == [
            "event: token",
            "data: Hü",
            "id: 7",
            "",
            ":",
            "",
            "data: x",
            "data:y",
            "",
            "data: cut",
        ]
    with client.stream("GET") as stream:
        assert list(stream.iter_events()) == [ServerSentEvent("token", "Hü", "7"), ServerSentEvent("message", "x\ny", "7")]


CUTS = {
    "no answer": raw(b""),
    "in the status line": raw(b"HTTP/1.1 2"),
    "unknown length: after the status": raw(b"HTTP/1.1 200"),
    "unknown length: in the headers": raw(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "no last chunk": chunked(b"Hello", end=False),
    "in a chunk": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nHello"),
    "in a chunk's length": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n"),
    "shorter than said": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nHello"),
    "unknown length: none given": raw(b"HTTP/1.1 200 OK\r\n\r\nHello"),
    "no chunks": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nHello"),
}


@pytest.mark.parametrize("form", ["iter_bytes", "iter_text", "iter_lines", "iter_events", "read"])
@pytest.mark.parametrize("cut", CUTS)
def test_a_cut_answer_never_looks_whole_and_a_post_is_never_sent_again(client, served, cut, form):
    served.function = lambda received: CUTS[cut]
    with pytest.raises(FunctionUrlConnectionError) as lost, client.stream("POST", "/x", json={}) as stream:
        list(getattr(stream, form)())
    assert lost.value.code == ("UnknownLength" if "unknown length" in cut else "ConnectionClosed")
    assert not lost.value.retryable
    assert len(served.received) == 1
    assert "/x" not in str(lost.value)


def test_an_answer_after_an_early_hint_is_never_that_of_the_next_request(client, served):
    hint, answer = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst"
    served.function = lambda received: raw(hint + answer)
    with contextlib.suppress(FunctionUrlConnectionError):  # newer Pythons may read on
        assert client.post("/", json={}).content == b"first"
    served.function = lambda received: (200, {}, b"second")
    assert client.post("/", json={}).content == b"second"


def test_what_came_before_the_cut_is_there(client, served):
    served.function = lambda received: chunked(b"Hel", b"lo", end=False)
    got = []
    with (
        pytest.raises(FunctionUrlConnectionError, match="before the end of the answer; the function may have run"),
        client.stream("POST") as stream,
    ):
        got.extend(stream.iter_text())
    assert "".join(got) == "Hello"


def test_a_lost_get_may_be_sent_again_by_whoever_wants_to(client, served):
    served.function = lambda received: raw(b"")
    with pytest.raises(FunctionUrlConnectionError) as lost:
        client.get("/")
    assert lost.value.retryable
    assert len(served.received) == 1


@pytest.mark.parametrize("pieces", [(), (b"Hello",)], ids=["before the answer", "within it"])
def test_silence_ends_after_the_read_timeout(served, pieces):
    over = threading.Event()
    served.function = lambda received: chunked(*pieces, wait=lambda: over.wait(20)) if pieces else over.wait(20) and raw(b"")
    client = FunctionUrlClient(served.url, source(), region_name=REGION, read_timeout=timedelta(seconds=0.3))
    began = time.monotonic()
    with pytest.raises(FunctionUrlConnectionError, match="longer read_timeout; the function may have run") as silent:
        client.post("/", json={})
    over.set()
    assert silent.value.code == "ReadTimeout"
    assert time.monotonic() - began < 10


def test_a_slow_stream_is_not_silent(served):
    served.function = lambda received: chunked(*[b"."] * 8, wait=lambda: time.sleep(0.1))
    client = FunctionUrlClient(served.url, source(), region_name=REGION, read_timeout=0.5)
    assert client.get("/").content == b"........"


def test_nobody_there_is_an_error_of_its_own():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(FunctionUrlConnectionError, match="could not be reached") as lost:
            FunctionUrlClient(url, source(), region_name=REGION).post("/", json={})
    assert (lost.value.code, lost.value.retryable, lost.value.status) == ("ConnectionFailed", True, None)


def test_a_stream_is_read_once(client, served):
    with client.stream("GET") as stream:
        stream.read()
        with pytest.raises(FunctionUrlError, match="it was read before") as again:
            stream.read()
        assert again.value.code == "StreamConsumed"
    for answer in (chunked(b"a", b"b"), (200, {}, b"a" * 100_000)):
        served.function = lambda received, answer=answer: answer
        with client.stream("GET") as stream:
            pieces = stream.iter_bytes()
            assert next(pieces)
        with pytest.raises(FunctionUrlError, match="it was closed before"):
            list(pieces)
    with client.stream("GET") as left:
        pass
    with pytest.raises(FunctionUrlError, match="it was closed before") as closed:
        left.read()
    assert closed.value.code == "StreamClosed"


def until_nobody_listens(gone: threading.Event, status: str = "200 OK"):
    """Send chunks for as long as somebody takes them, but not for ever."""

    def send(wire) -> None:
        try:
            chunked(*[b"x" * 1000] * 20_000, status=status, wait=lambda: time.sleep(0.001))(wire)
        except OSError:
            gone.set()

    return send


def test_leaving_a_stream_hangs_up_and_reading_it_to_its_end_keeps_the_connection(client, served):
    gone = threading.Event()
    served.function = lambda received: until_nobody_listens(gone)
    with client.stream("GET") as stream:
        assert next(stream.iter_bytes())
    assert gone.wait(20)
    ports = set()
    served.function = lambda received: (200, {}, b"whole")
    for _ in range(3):
        with client.stream("GET") as stream:
            ports.add(stream._raw._connection.sock.getsockname()[1])
            assert stream.read() == b"whole"
    assert len(ports) == 1


# -------------------------------------------------------------------- refusals


def test_a_missing_permission_and_a_wrong_signature_are_told_apart(served):
    client = FunctionUrlClient(served.url, source(), region_name=REGION)
    served.function = lambda received: DENIED
    with pytest.raises(FunctionUrlDeniedError, match="lambda:InvokeFunctionUrl .* lambda:InvokeFunction ") as denied:
        client.get("/")
    assert (denied.value.code, denied.value.status) == ("AccessDeniedException", 403)
    wrong = source(evolve(KEYS, secret_access_key="wrong"))
    with pytest.raises(FunctionUrlSignatureError, match="does not fit the request: .*secret access key") as mismatch:
        FunctionUrlClient(served.url, wrong, region_name=REGION).get("/")
    assert (mismatch.value.code, mismatch.value.request_id) == ("InvalidSignatureException", "refused")
    assert "token" not in str(mismatch.value)
    with pytest.raises(FunctionUrlSignatureError):
        FunctionUrlClient(served.url, source(), region_name="eu-west-1").get("/")
    assert served.ran == 1


DENY, SIGN, BUSY, OTHERS = FunctionUrlDeniedError, FunctionUrlSignatureError, FunctionUrlThrottledError, FunctionUrlError
INVALID = "InvalidSignatureException"
TOO_OLD = "Signature expired: 20260101T000000Z is now earlier than 20270101T000000Z"
ANSWERS = [
    (DENIED, DENY, "AccessDeniedException", "permissions"),
    (EXPIRED, SIGN, "ExpiredTokenException", "have expired"),
    (UNKNOWN, SIGN, "UnrecognizedClientException", "does not know these keys"),
    (MISMATCH, SIGN, INVALID, "does not fit"),
    (refused("MissingAuthenticationTokenException", "x"), SIGN, "MissingAuthenticationTokenException", "took the Authorization"),
    (refused(f"{INVALID}:http://x", "Credential should be scoped to a valid region."), SIGN, INVALID, "region is not the f"),
    (refused(INVALID, TOO_OLD), SIGN, INVALID, "set the clock of this machine .AWS's says "),
    (refused(INVALID, "Signature not yet current: x"), SIGN, INVALID, "set the clock"),
    (
        (400, {"x-amzn-ErrorType": "a.b#SerializationException"}, b'{"message":"no"}'),
        OTHERS,
        "SerializationException",
        "refuses the request .AWS: no.",
    ),
    ((403, {}, b'{"error":"you are not an admin"}'), OTHERS, "Forbidden", ".response holds the answer"),
    ((403, {}, EXPIRED[2]), OTHERS, "Forbidden", ".response holds the answer"),
    ((403, {}, b'["Forbidden"]'), OTHERS, "Forbidden", ".response holds the answer"),
    ((404, {}, b"\xff"), OTHERS, "NotFound", ".response holds"),
    ((413, {}, b""), OTHERS, None, ".response holds"),
    ((599, {}, b""), OTHERS, "599", ".response holds"),
    (
        (429, {"x-amzn-ErrorType": "TooManyRequestsException"}, b"{}"),
        FunctionUrlThrottledError,
        "TooManyRequestsException",
        "later",
    ),
    ((429, {}, b"slow down"), FunctionUrlThrottledError, "TooManyRequestsException", "later"),
    ((502, {}, b"Internal Server Error"), FunctionFailedError, "BadGateway", "its logs"),
    ((504, {}, b""), FunctionFailedError, "GatewayTimeout", "timeout"),
]


@pytest.mark.parametrize(("answer", "kind", "code", "words"), ANSWERS, ids=range(len(ANSWERS)))
def test_each_refusal_has_its_class_and_says_what_to_do(client, served, answer, kind, code, words):
    served.function = lambda received: answer
    for call in (client.post, lambda path: client.stream("POST", path)):
        with pytest.raises(FunctionUrlError, match=words) as refusing:
            call("/secret-path")
        error = refusing.value
        assert type(error) is kind
        assert error.status == answer[0]
        assert code is None or error.code == code
        assert error.retryable == (answer[0] == 429)
        assert error.response is not None
        assert error.response.content == answer[2]
        assert "secret-path" not in str(error)
        assert explain(error).what


def test_a_function_that_is_down_for_a_moment_may_be_asked_again_with_get(client, served):
    served.function = lambda received: (503, {}, b"")
    for method, retryable in (("GET", True), ("POST", False)):
        with pytest.raises(FunctionUrlError) as down:
            client.request(method)
        assert down.value.retryable is retryable


PLACES = {
    "/elsewhere?token=hunter2": "leads to /elsewhere,",
    "https://hunter2@example.com/x?token=hunter2#hunter2": "leads to https://example.com/x,",
    "": "leads to ,",
}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", PLACES, ids=["here", "there", "nowhere"])
def test_a_redirect_is_not_followed_and_its_error_names_where_it_leads(client, served, status, location):
    served.function = lambda received: (status, {"Location": location} if location else {}, b"")
    with pytest.raises(FunctionUrlError, match="is not followed") as redirect:
        client.post("/", json={})
    assert (redirect.value.code, redirect.value.status) == ("Redirect", status)
    assert PLACES[location] in str(redirect.value)
    assert "hunter2" not in str(redirect.value)
    assert len(served.received) == 1


def test_a_redirect_to_what_is_no_url_is_one_too():
    error = refusal(FunctionUrlResponse(302, {"location": "https://[hunter2"}))
    assert "leads to something that is no URL" in str(error)


def test_an_endless_error_is_read_only_so_far(client, served):
    gone = threading.Event()
    served.function = lambda received: until_nobody_listens(gone, "500 Internal Server Error")
    with pytest.raises(FunctionUrlError) as failed:
        client.get("/")
    assert len(failed.value.response.content) == 65_536
    assert gone.wait(20)


def test_an_error_that_is_cut_is_still_that_error(client, served):
    served.function = lambda received: raw(
        b"HTTP/1.1 403 Forbidden\r\nx-amzn-ErrorType: AccessDeniedException\r\nContent-Length: 99\r\n\r\n{"
    )
    with pytest.raises(FunctionUrlDeniedError):
        client.get("/")


@pytest.mark.parametrize(
    "kind", [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, BedrockAuthError)]
)
def test_errors_pickle_and_are_drawn(kind):
    if kind is BedrockAuthError:
        return
    error = kind("text", code="X", status=403, response=FunctionUrlResponse(403, {"a": "b"}, b"c"))
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (type(twin), str(twin), twin.details) == (kind, "text", error.details)
    assert kind.__name__ in errors.__doc__


# -------------------------------------------------------------------- who signs


def test_expired_keys_are_renewed_and_the_request_sent_once_more_whatever_its_method(served):
    served.keys = OTHER
    for answer in (EXPIRED, UNKNOWN):
        was = served.answer
        served.answer = lambda received, was=was, answer=answer: (
            answer if received.access_key_id == KEYS.access_key_id else was(received)
        )
        sets = (KEYS, OTHER) if answer is EXPIRED else ()
        keys = source(*sets) if sets else rotating()
        client = FunctionUrlClient(served.url, keys, region_name=REGION)
        assert client.post("/", json=1).content == b"1"
        assert [received.access_key_id for received in served.received[-2:]] == [KEYS.access_key_id, OTHER.access_key_id]
        served.answer = was
    assert served.ran == 2


def rotating() -> Refresher:
    """Keys without an expiration that somebody has rotated."""
    left = [KEYS, OTHER]
    return Refresher(FromCallable(lambda: left.pop(0), name="test"))


def test_what_is_refused_again_or_for_another_reason_is_not_sent_a_third_time(served):
    for answer, sends in (
        (EXPIRED, 2),
        (UNKNOWN, 1),
        (MISMATCH, 1),
        (DENIED, 1),
        ((403, {}, EXPIRED[2]), 1),
        ((500, *EXPIRED[1:]), 1),
    ):
        served.answer = lambda received, answer=answer: answer
        served.received.clear()
        with pytest.raises(FunctionUrlError):
            FunctionUrlClient(served.url, source(KEYS, OTHER), region_name=REGION).post("/", json=1)
        assert len(served.received) == sends


def test_where_no_newer_keys_can_be_had_the_refusal_stands(served, caplog):
    served.answer = lambda received: EXPIRED
    sets = [evolve(KEYS, expiration=LASTS)]

    def once() -> Credentials:
        if not sets:
            raise DeniedError("the vault is closed")
        return sets.pop()

    for keys in (source(KEYS), Refresher(FromCallable(once, name="vault"))):
        served.received.clear()
        with pytest.raises(FunctionUrlSignatureError, match="had no newer ones"):
            FunctionUrlClient(served.url, keys, region_name=REGION).post("/", json=1)
        assert len(served.received) == 1
    assert "the vault is closed" in caplog.text


def test_keys_are_asked_for_anew_at_each_request(served):
    keys = source(KEYS, OTHER)
    client = FunctionUrlClient(served.url, keys, region_name=REGION)
    client.get("/")
    keys.invalidate(KEYS.access_key_id)
    served.keys = OTHER
    client.get("/")
    assert [received.access_key_id for received in served.received] == [KEYS.access_key_id, OTHER.access_key_id]


def test_a_session_of_ours_and_any_boto3_session_sign(served, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIADECOY00000000000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "decoy")
    ours = create_session(Static(KEYS.access_key_id, KEYS.secret_access_key, KEYS.session_token))
    theirs = boto3.Session(KEYS.access_key_id, KEYS.secret_access_key, KEYS.session_token)
    for session in (ours, theirs, ours._session):
        assert FunctionUrlClient(served.url, session, region_name=REGION).get("/").status == 200


def test_a_session_of_a_scope_signs_as_the_caller_of_the_block(served):
    scope = RequestScope()
    client = FunctionUrlClient(served.url, create_session(scope), region_name=REGION)
    with scope.use(KEYS):
        assert client.get("/").status == 200
    with scope.use(OTHER), pytest.raises(FunctionUrlSignatureError):
        client.get("/")
    with pytest.raises(MissingIdentityError):
        client.get("/")
    with scope.bind(KEYS) as caller:
        assert FunctionUrlClient(served.url, caller, region_name=REGION).get("/").status == 200
    assert [received.access_key_id for received in served.received] == [
        KEYS.access_key_id,
        OTHER.access_key_id,
        KEYS.access_key_id,
    ]


@pytest.mark.parametrize(
    ("signer", "words"),
    [
        (Static("AKIAIOSFODNN7EXAMPLE", "s"), "not Static: pass create_session.provider. or Refresher.provider."),
        (Refresher, "not type"),
        (None, "not NoneType"),
        ("keys", "not str"),
        (boto3.Session, "not type"),
    ],
    ids=["provider", "class", "none", "text", "session class"],
)
def test_anything_else_signs_nothing(signer, words):
    with pytest.raises(ConfigurationError, match=words):
        FunctionUrlClient("https://a.lambda-url.us-east-1.on.aws", signer)


def test_a_session_without_credentials_is_refused():
    with pytest.raises(ConfigurationError, match="has no credentials"):
        FunctionUrlClient("https://a.lambda-url.us-east-1.on.aws", boto3.Session())


def test_keys_that_cannot_be_had_are_a_credential_error_and_nothing_is_sent(served):
    def closed() -> Credentials:
        raise RetrievalError("the vault is closed")

    with pytest.raises(CredentialError, match="the vault is closed"):
        FunctionUrlClient(served.url, create_session(closed), region_name=REGION).get("/")
    assert served.received == []


def test_a_foreign_session_whose_keys_cannot_be_had_is_a_credential_error(served, tmp_path, monkeypatch):
    config = tmp_path / "config"
    config.write_text("[profile broken]\ncredential_process = /no/such/program\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with pytest.raises(CredentialError, match="the boto3 session: its keys could not be had: "):
        FunctionUrlClient(served.url, boto3.Session(profile_name="broken"), region_name=REGION)

    def closed() -> None:
        raise OSError("the vault is closed")

    inner = botocore.session.Session()
    inner._credentials = DeferredRefreshableCredentials(closed, "test")
    client = FunctionUrlClient(served.url, boto3.Session(botocore_session=inner), region_name=REGION)
    with pytest.raises(CredentialError, match="its keys could not be had: the vault is closed"):
        client.get("/")


def test_a_clock_that_is_wrong_is_named(client, served):
    aws_says = datetime.now(UTC) + timedelta(hours=3)

    def answer(received):
        signed_at = datetime.strptime(received.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        assert aws_says - signed_at > timedelta(minutes=5)
        return refused("InvalidSignatureException", f"Signature expired: {received.headers['x-amz-date']} is now earlier than x")

    served.answer = answer
    with pytest.raises(FunctionUrlSignatureError, match="set the clock of this machine .AWS's says .* GMT"):
        client.get("/")


# -------------------------------------------------------------------- the world around


def test_no_secret_reaches_a_log(client, served, caplog, monkeypatch):
    for name in list(logging.root.manager.loggerDict):  # as in a process in which nothing has guarded them yet
        monkeypatch.setattr(logging.getLogger(name), "filters", [])
    caplog.set_level(logging.DEBUG)
    client.post("/", json={}, headers={"X-Api-Key": "hunter2"})
    assert "CanonicalRequest" in caplog.text
    for secret in (KEYS.secret_access_key, KEYS.session_token, KEYS.access_key_id):
        assert secret not in caplog.text


def test_threads_share_a_client(client, served):
    with ThreadPoolExecutor(8) as people:
        answers = people.map(lambda number: client.post("/", json=number).json(), range(80))
    assert list(answers) == list(range(80))


def test_this_machine_is_not_reached_through_a_proxy(served, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert FunctionUrlClient(served.url, source(), region_name=REGION).get("/").status == 200


def test_another_machine_is_reached_through_the_proxy_of_the_environment(monkeypatch):
    asked = []

    def proxy(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            asked.append(connection.recv(1000))
            connection.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=proxy, args=(listener,), daemon=True).start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener.getsockname()[1]}")
        client = FunctionUrlClient("https://abc.lambda-url.us-east-1.on.aws", source())
        with pytest.raises(FunctionUrlConnectionError, match="the proxy could not be reached, or refused") as lost:
            client.get("/chat")
    assert asked[0].startswith(b"CONNECT abc.lambda-url.us-east-1.on.aws:443 HTTP/1.")
    assert b"chat" not in asked[0]
    assert lost.value.code == "ConnectionFailed"


def test_the_certificates_to_trust_are_those_of_the_environment(served, monkeypatch, tmp_path):
    authority = trustme.CA()
    context = http.client.ssl.SSLContext(http.client.ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    served._server.socket = context.wrap_socket(served._server.socket, server_side=True)
    url = served.url.replace("http://127.0.0.1", "https://localhost")
    with pytest.raises(FunctionUrlConnectionError, match="AWS_CA_BUNDLE") as lost:
        FunctionUrlClient(url, source(), region_name=REGION).get("/")
    assert (lost.value.code, lost.value.retryable) == ("SSLError", False)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    assert FunctionUrlClient(url, source(), region_name=REGION).post("/", json=1).content == b"1"


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_uses_connections_of_its_own(client, served):
    assert client.get("/").status == 200
    before = client._http
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sender.send((client._http is before, client.get("/").status)))
    child.start()
    assert receiver.poll(20)
    assert receiver.recv() == (False, 200)
    child.join(20)
    assert client.get("/").status == 200


@pytest.mark.parametrize("setting", ["connect_timeout", "read_timeout"])
@pytest.mark.parametrize("value", [0, -1, float("inf"), "5"])
def test_a_timeout_is_a_positive_number_of_seconds(setting, value):
    with pytest.raises(ConfigurationError, match=setting):
        FunctionUrlClient("https://a.lambda-url.us-east-1.on.aws", source(), **{setting: value})
