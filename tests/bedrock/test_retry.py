"""What is sent again, what never is, and who is told: on the wire."""

import logging
import re
import socket
import struct
import threading
import time
from contextlib import suppress
from contextvars import ContextVar

import boto3
import pytest
from botocore.config import Config
from botocore.credentials import Credentials as BotocoreCredentials

from bedrock_auth import ConfigurationError, Credentials, DeniedError, MissingIdentityError, create_session, signing
from bedrock_auth.bedrock import (
    BedrockError,
    BedrockRuntime,
    ConnectionLostError,
    IncompleteStreamError,
    KnowledgeBase,
    ServiceError,
)
from bedrock_auth.bedrock.errors import ConnectionLostError as Lost
from bedrock_auth.bedrock.retry import MAX_WAIT, Attempts, RetryPolicy, attempts_of, backoff
from bedrock_auth.bedrock.transport import calls
from bedrock_auth.testing import (
    CorruptChecksum,
    Cut,
    EmptyStream,
    ExpiredToken,
    ServiceError as Refusal,
    Stall,
    StreamException,
    Throttle,
    encode_exception,
)
from bedrock_auth.testing.answers import stream_answer
from support.names import plain

SECRET = "a prompt that nobody else may see"
BUSY = Refusal("ServiceUnavailableException", 503)


class EarlyException:
    """The stream opens, and its first frame is an exception."""

    def apply(self, normal):
        return stream_answer([encode_exception("throttlingException", b'{"message": "slow"}')])


def read(runtime, operation):
    return runtime.converse("m", SECRET) if operation == "converse" else runtime.converse_stream("m", SECRET).response


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("fault", [Cut(0), EmptyStream(), CorruptChecksum(0), EarlyException(), StreamException(after_events=0)])
def test_a_stream_that_breaks_before_its_first_event_is_opened_again_and_nobody_notices(bedrock, runtime, fault):
    bedrock.reply("Hello")
    bedrock.fault(fault, times=2)
    with runtime.converse_stream("m", "Hi") as stream:
        assert "".join(stream.text_stream) == "Hello"
    assert [request.status for request in bedrock.requests] == [200, 200, 200]


@pytest.mark.usefixtures("no_backoff")
def test_opening_and_opening_again_share_one_budget(bedrock, runtime):
    bedrock.fault(BUSY, EmptyStream(), Throttle(), EmptyStream())
    with pytest.raises(ServiceError) as caught:
        assert runtime.converse_stream("m", "Hi").response
    assert caught.value.code == "ThrottlingException"
    assert len(bedrock.requests) == 3


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("fault", [Cut(1), CorruptChecksum(1), StreamException(after_events=1)])
def test_a_stream_whose_first_event_was_yielded_is_never_sent_again(bedrock, runtime, fault):
    bedrock.fault(fault)
    with runtime.converse_stream("m", "Hi") as stream:
        next(stream)
        with pytest.raises(BedrockError) as caught:
            next(stream)
    assert caught.value.in_stream
    assert len(bedrock.requests) == 1


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("operation", ["converse", "converse_stream"])
@pytest.mark.parametrize("own_client", [False, True])
def test_what_may_still_be_at_work_is_not_sent_again(bedrock, session, operation, own_client):
    config = Config(read_timeout=0.2, retries={"total_max_attempts": 5})
    client = session.client("bedrock-runtime", config=config)
    runtime = BedrockRuntime(client=client) if own_client else BedrockRuntime(session, config=config)

    class NoHead:
        def apply(self, normal):
            threading.Event().wait(0.6)
            return normal()

    bedrock.fault(NoHead(), times=5)
    with pytest.raises(ConnectionLostError) as caught:
        read(runtime, operation)
    assert caught.value.code == "ReadTimeout"
    assert len(bedrock.wait_for(1)) == 1


@pytest.mark.usefixtures("no_backoff")
def test_a_stream_that_is_silent_before_its_first_event_is_not_sent_again(bedrock, runtime):
    bedrock.fault(Stall(0), times=3)
    with pytest.raises(ConnectionLostError) as caught:
        assert runtime.converse_stream("m", "Hi").response
    assert caught.value.code == "ReadTimeout"
    assert len(bedrock.requests) == 1


@pytest.mark.usefixtures("no_backoff")
def test_a_whole_answer_that_is_cut_in_its_middle_is_paid_for_once(bedrock, runtime):
    bedrock.fault(Cut(), times=3)
    with pytest.raises(ConnectionLostError) as caught:
        runtime.converse("m", "Hi")
    assert caught.value.code == "ConnectionClosed"
    assert len(bedrock.requests) == 1


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize(
    ("arguments", "environ", "attempts"),
    [
        ({}, None, 3),
        ({"retries": 1}, None, 1),
        ({"retries": 5}, "2", 5),
        ({"config": Config(retries={"total_max_attempts": 2})}, None, 2),
        ({"config": Config(retries={"max_attempts": 3})}, None, 4),
        ({"config": Config(retries={"max_attempts": 0})}, None, 1),
        ({}, "2", 2),
    ],
    ids=range(7),
)
@pytest.mark.parametrize("operation", ["converse", "converse_stream"])
def test_the_number_of_attempts_is_the_callers(bedrock, session, monkeypatch, operation, arguments, environ, attempts):
    if environ is not None:
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", environ)
    bedrock.fault(BUSY, times=9)
    with pytest.raises(ServiceError):
        read(BedrockRuntime(session, **arguments), operation)
    assert len(bedrock.requests) == attempts


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("mode", ["standard", "legacy", "adaptive"])
@pytest.mark.parametrize("fault", [BUSY, Throttle(), Refusal("ModelNotReadyException", 429)], ids=plain)
def test_a_client_of_the_callers_own_does_not_retry_beside_us(bedrock, session, mode, fault):
    client = session.client("bedrock-runtime", config=Config(retries={"mode": mode, "total_max_attempts": 2}))
    bedrock.fault(fault, times=9)
    with pytest.raises(BedrockError):
        BedrockRuntime(client=client).converse("m", "Hi")
    assert len(bedrock.requests) == 2


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("own_client", [False, True])
def test_a_connection_that_cannot_be_made_is_tried_again(bedrock, session, own_client):
    told = []
    signer = {"client": session.client("bedrock-runtime")} if own_client else {"session": session}
    runtime = BedrockRuntime(**signer, listeners=[told.append])
    bedrock.close()
    with pytest.raises(ConnectionLostError):
        runtime.converse_stream("m", "Hi")
    assert [(event.attempt, event.code) for event in told] == [(1, "ConnectionFailed"), (2, "ConnectionFailed")]


@pytest.mark.parametrize("retries", [0, -1, True, 2.0, "3"], ids=plain)
def test_a_number_of_attempts_that_is_none_is_told_at_once(session, retries):
    with pytest.raises(ConfigurationError, match="whole number of attempts, at least 1") as caught:
        BedrockRuntime(session, retries=retries)
    assert caught.value.setting == "retries"


def test_each_wait_is_told_and_logged_without_anything_of_the_request(bedrock, session, caplog, monkeypatch):
    monkeypatch.setattr("bedrock_auth.bedrock.retry.backoff", lambda *_: 0.01)
    caplog.set_level(logging.INFO, "bedrock_auth")
    told = []

    def broken(_event):
        raise ZeroDivisionError

    bedrock.fault(Throttle(), EmptyStream())
    runtime = BedrockRuntime(session, listeners=[broken, told.append])
    assert runtime.converse_stream("m", SECRET).response.text
    first, second = told
    assert (first.operation, first.attempt, first.attempts, first.code, first.wait) == (
        "ConverseStream",
        1,
        3,
        "ThrottlingException",
        0.01,
    )
    assert (second.attempt, second.code) == (2, "IncompleteStream")
    assert first.request_id != second.request_id
    lines = [record.getMessage() for record in caplog.records if record.name == "bedrock_auth.bedrock.retry"]
    assert len(lines) == 2
    assert "code=ThrottlingException" in lines[0]
    assert SECRET not in caplog.text


def test_the_wait_is_as_long_as_aws_asks_and_an_error_that_asks_for_more_than_the_bound_stands(bedrock, session, monkeypatch):
    told = []
    runtime = BedrockRuntime(session, listeners=[told.append])
    monkeypatch.setattr("bedrock_auth.bedrock.retry.backoff", lambda *_: 0.0)
    bedrock.fault(Throttle(retry_after=0.05))
    assert runtime.converse("m", "Hi")
    assert [event.wait for event in told] == [0.05]
    bedrock.fault(Throttle(retry_after=MAX_WAIT + 1))
    with pytest.raises(ServiceError):
        runtime.converse("m", "Hi")
    assert len(told) == 1


@pytest.mark.parametrize("header", ["", "soon", "-1", "²", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_wait_that_nobody_can_read_is_none(header):
    response = {"ResponseMetadata": {"HTTPHeaders": {"retry-after": header}}}
    error = ServiceError("busy", code="X", retryable=True, response=response)
    waits = []
    attempts = Attempts(RetryPolicy(2), waits.append)
    attempts.wait_after(error)
    assert waits[0] <= 0.1


def test_the_wait_is_random_below_a_bound_that_doubles_up_to_the_longest():
    for made, status, bound in [(1, 503, 0.1), (2, None, 0.2), (1, 429, 1), (3, 429, 4), (40, 429, MAX_WAIT)]:
        waits = [backoff(made, status) for _ in range(300)]
        assert 0 <= min(waits) < bound / 3
        assert bound * 2 / 3 < max(waits) <= bound


class Sending:
    """Attempts that fail with these, one after the other."""

    def __init__(self, *errors):
        self.errors = list(errors)

    def __call__(self):
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def lost():
    return Lost("lost", code="ConnectionClosed", retryable=True)


def test_where_nobody_may_sign_any_more_the_first_error_stands():
    first = lost()
    cause = first.__cause__ = OSError()
    with pytest.raises(Lost) as caught:
        Attempts(RetryPolicy(3), lambda _: None).run(Sending(first, MissingIdentityError("closed")))
    assert caught.value is first
    assert first.__cause__ is cause


@pytest.mark.parametrize("error", [MissingIdentityError("nobody"), DeniedError("no"), ZeroDivisionError()])
def test_errors_of_the_credentials_and_bugs_are_raised_as_they_are(error):
    sending = Sending(error)
    with pytest.raises(type(error)) as caught:
        Attempts(RetryPolicy(3), lambda _: None).run(sending)
    assert caught.value is error


def test_credentials_that_fail_at_the_second_attempt_are_told():
    denied = DeniedError("no")
    with pytest.raises(DeniedError):
        Attempts(RetryPolicy(3), lambda _: None).run(Sending(lost(), denied))


def test_whoever_has_left_meanwhile_gets_the_error_and_nothing_is_sent():
    sending = Sending(lost())
    with pytest.raises(Lost):
        Attempts(RetryPolicy(3), lambda _: True).run(sending)
    assert sending.errors == []


@pytest.mark.parametrize(
    ("retries", "attempts"), [(None, 3), ({}, 3), ({"mode": "standard"}, 3), ({"total_max_attempts": 7}, 7)], ids=plain
)
def test_attempts_are_read_from_a_clients_config(retries, attempts):
    assert attempts_of(type("C", (), {"retries": retries})) == attempts


caller = ContextVar("caller")


@pytest.mark.usefixtures("no_backoff")
def test_a_stream_is_opened_again_as_the_caller_who_opened_it(bedrock):
    """Whoever reads it, and whatever the context of the reader says."""
    keys = {"mine": bedrock.credentials, "yours": Credentials("AKIAYOURSEXAMPLE000", "secret")}
    bedrock.add_key(keys["yours"])
    session = create_session(lambda: keys["mine"])
    client = session.client("bedrock-runtime")

    def before_sign(request, **_):
        chosen = keys[caller.get()]
        credentials = BotocoreCredentials(chosen.access_key_id, chosen.secret_access_key, chosen.session_token)
        request.context["signing"] = {**request.context.get("signing", {}), "request_credentials": credentials}

    client.meta.events.register("before-sign", before_sign)
    runtime = BedrockRuntime(client=client)
    bedrock.fault(EmptyStream())
    caller.set("mine")
    stream = runtime.converse_stream("m", "Hi")
    caller.set("yours")
    texts = []
    thread = threading.Thread(target=lambda: texts.append(stream.response.text))
    thread.start()
    thread.join()
    assert texts == ["You said: “Hi”"]
    assert {request.access_key_id for request in bedrock.requests} == {keys["mine"].access_key_id}


@pytest.mark.usefixtures("no_backoff")
def test_a_stream_whose_caller_is_closed_is_not_opened_again(bedrock, session):
    client = session.client("bedrock-runtime")
    is_open = True

    def before_sign(**_):
        if not is_open:
            raise MissingIdentityError("the lease is closed")

    client.meta.events.register("before-sign", before_sign)
    bedrock.fault(EmptyStream())
    stream = BedrockRuntime(client=client).converse_stream("m", "Hi")
    is_open = False
    with pytest.raises(IncompleteStreamError):
        assert stream.response
    assert len(bedrock.requests) == 1


def test_closing_a_stream_that_waits_to_be_opened_again_ends_the_wait(bedrock, session, monkeypatch):
    monkeypatch.setattr("bedrock_auth.bedrock.retry.backoff", lambda *_: 30.0)
    waiting = threading.Event()
    bedrock.fault(EmptyStream(), times=2)
    stream = BedrockRuntime(session, listeners=[lambda _: waiting.set()]).converse_stream("m", "Hi")
    thread = threading.Thread(target=list, args=(stream,))
    thread.start()
    assert waiting.wait(5)
    stream.close()
    thread.join(5)
    assert not thread.is_alive()
    assert list(stream) == []
    assert len(bedrock.requests) == 1


@pytest.mark.usefixtures("no_backoff")
def test_keys_that_aws_calls_expired_are_renewed_before_anybody_thinks_of_sending_again(bedrock):
    keys = iter([bedrock.credentials, Credentials("AKIASECONDEXAMPLE00", "second")])
    bedrock.add_key(Credentials("AKIASECONDEXAMPLE00", "second"))
    told = []
    bedrock.fault(ExpiredToken())
    runtime = BedrockRuntime(create_session(lambda: next(keys)), retries=1, listeners=[told.append])
    assert runtime.converse("m", "Hi").text == "You said: “Hi”"
    assert told == []


def test_leaving_a_stream_before_its_first_event_is_no_failure_that_anybody_is_told(bedrock, session):
    told, events = [], []
    bedrock.fault(Stall(0))
    stream = BedrockRuntime(session, listeners=[told.append]).converse_stream("m", "Hi")
    thread = threading.Thread(target=lambda: events.extend(stream))
    thread.start()
    bedrock.wait_for(1)
    thread.join(0.1)
    stream.close()
    thread.join(5)
    assert not thread.is_alive()
    assert (told, events) == ([], [])


class Broken:
    """A server that reads a request, answers with this and resets the connection; counts the requests."""

    def __init__(self, answer):
        self.answer = answer
        self.requests = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.settimeout(5)
                self._answer(connection)

    def _answer(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        while len(body) < length:
            body += connection.recv(65536)
        self.requests += 1
        connection.sendall(self.answer)
        time.sleep(0.05)  # a reset overtakes what has not been read
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def close(self):
        self._listener.close()


@pytest.fixture
def broken():
    servers = []

    def make(answer, service="bedrock-runtime"):
        servers.append(Broken(answer))
        session = boto3.Session("AKIAEXAMPLE", "secret", region_name="us-east-1")
        return servers[-1], session.client(service, endpoint_url=servers[-1].url)

    yield make
    for server in servers:
        server.close()


HALF = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n" + b" " * 500
GATEWAY_TIMEOUT = b"HTTP/1.1 504 Gateway Time-out\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
LOST = [("converse", HALF), *((each, data) for each in ("converse", "converse_stream") for data in (b"", GATEWAY_TIMEOUT))]


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize(("operation", "answer"), LOST, ids=range(5))
def test_what_was_sent_and_is_paid_for_is_not_sent_again_when_its_answer_is_lost(broken, operation, answer):
    server, client = broken(answer)
    with pytest.raises(BedrockError) as caught:
        read(BedrockRuntime(client=client), operation)
    error = caught.value
    assert (error.retryable, server.requests) == (False, 1)
    if answer != GATEWAY_TIMEOUT:
        assert error.code == "ConnectionClosed"
        assert str(error).endswith("; the model may still be at work on it")


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("answer", [HALF, b"", GATEWAY_TIMEOUT], ids=range(3))
def test_a_search_whose_answer_is_lost_is_sent_again(broken, answer):
    server, client = broken(answer, "bedrock-agent-runtime")
    with pytest.raises(BedrockError) as caught:
        KnowledgeBase(client=client, knowledge_base_id="KB12345678").retrieve("question")
    assert (caught.value.retryable, server.requests) == (True, 3)


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("mode", ["standard", "legacy", "adaptive"])
@pytest.mark.parametrize(
    "code",
    [
        "ThrottledException",
        "LimitExceededException",
        "RequestTimeoutException",
        "TransactionInProgressException",
        "PriorRequestNotComplete",
        "RequestThrottledException",
        "ValidationException",
        "ExpiredTokenException",
        "UnrecognizedClientException",
    ],
)
def test_botocore_sends_once_whatever_the_code_and_each_attempt_of_ours_is_told(bedrock, session, mode, code):
    told = []
    client = session.client("bedrock-runtime", config=Config(retries={"mode": mode, "total_max_attempts": 3}))
    bedrock.fault(Refusal(code, 400), times=20)
    with pytest.raises(BedrockError):
        BedrockRuntime(client=client, listeners=[told.append]).converse("m", "Hi")
    assert len(bedrock.requests) == 1 + len(told)


def test_the_codes_that_are_left_to_the_renewal_of_keys_are_those_that_it_handles():
    assert calls._RENEWED == signing.EXPIRED_CODES | signing.UNKNOWN_CODES
