"""Everything that can go wrong on the wire, and the error that a caller sees."""

import json
import logging
import pickle
import socket
import threading
from contextlib import suppress

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from bedrock_auth.bedrock import (
    BedrockError,
    BedrockRuntime,
    ConnectionLostError,
    DecodeError,
    IncompleteStreamError,
    ServiceError,
    TextDelta,
)
from bedrock_auth.testing import (
    CorruptChecksum,
    Cut,
    EmptyStream,
    ExpiredToken,
    NotAnEventStream,
    ServiceError as Refusal,
    Stall,
    StreamError,
    StreamException,
    Throttle,
    Truncate,
    encode_event,
)

ORIGINAL = {"originalStatusCode": 500, "originalMessage": "gpu on fire"}
STREAM = {
    "cut": (Cut(), ConnectionLostError, "ConnectionClosed", None, True),
    "cut before anything": (Cut(0), ConnectionLostError, "ConnectionClosed", None, True),
    "silent": (Stall(), ConnectionLostError, "ReadTimeout", None, True),
    "silent before anything": (Stall(0), ConnectionLostError, "ReadTimeout", None, True),
    "ended early": (Truncate(), IncompleteStreamError, "IncompleteStream", None, True),
    "ended in a frame": (Truncate(mid_frame=True), IncompleteStreamError, "IncompleteStream", None, True),
    "empty": (EmptyStream(), IncompleteStreamError, "IncompleteStream", None, True),
    "damaged": (CorruptChecksum(), DecodeError, "ChecksumMismatch", None, True),
    "a page": (NotAnEventStream(), DecodeError, "NotAnEventStream", None, False),
    "a short page": (NotAnEventStream(b"no"), DecodeError, "NotAnEventStream", None, False),
    "throttled": (StreamException(), ServiceError, "ThrottlingException", 429, True),
    "invalid": (StreamException("validationException", "no"), ServiceError, "ValidationException", 400, False),
    "unavailable": (StreamException("serviceUnavailableException"), ServiceError, "ServiceUnavailableException", 503, True),
    "internal": (StreamException("internalServerException"), ServiceError, "InternalServerException", 500, True),
    "model": (StreamException("modelStreamErrorException", extra=ORIGINAL), ServiceError, "ModelStreamErrorException", 424, True),
    "unmodelled": (StreamException("newException", "new"), ServiceError, "NewException", None, False),
    "error frame": (StreamError("InternalFailure", "oh"), ServiceError, "InternalFailure", 500, True),
}


@pytest.mark.parametrize("case", STREAM.values(), ids=STREAM)
def test_a_stream_that_breaks_says_how_keeps_what_had_come_and_is_not_sent_again(bedrock, runtime, case):
    fault, cls, code, status, retryable = case
    bedrock.reply("Hello out there")
    bedrock.fault(fault)
    pieces = []
    with runtime.converse_stream("m", "Hi") as stream, pytest.raises(cls) as caught:
        pieces.extend(event.text for event in stream if isinstance(event, TextDelta))
    error = caught.value
    assert type(error) is cls
    assert (error.code, error.status, error.retryable) == (code, status, retryable)
    assert (error.operation, error.in_stream) == ("ConverseStream", True)
    assert error.request_id == stream.request_id is not None
    assert error.partial.text == "".join(pieces) == ("Hello ou" if getattr(fault, "after_events", 0) else "")
    assert error.partial.stop_reason is None
    with pytest.raises(cls) as again:
        assert stream.response
    assert again.value is error
    twin = pickle.loads(pickle.dumps(error))
    assert (type(twin), str(twin), twin.code, twin.partial) == (cls, str(error), code, error.partial)
    assert len(bedrock.requests) == 1


def test_the_models_own_error_is_told(bedrock, runtime):
    bedrock.fault(StreamException("modelStreamErrorException", extra=ORIGINAL))
    with pytest.raises(ClientError) as caught:
        assert runtime.converse_stream("m", "Hi").response
    assert (caught.value.original_status, caught.value.original_message) == (500, "gpu on fire")
    assert caught.value.response["Error"]["Code"] == "ModelStreamErrorException"


REFUSED = {
    "throttled": (Throttle(), "ThrottlingException", 429, True, 3),
    "unavailable": (Refusal("ServiceUnavailableException", 503), "ServiceUnavailableException", 503, True, 3),
    "not ready": (Refusal("ModelNotReadyException", 429), "ModelNotReadyException", 429, True, 3),
    "model timeout": (Refusal("ModelTimeoutException", 408), "ModelTimeoutException", 408, False, 1),
    "model error": (Refusal("ModelErrorException", 424), "ModelErrorException", 424, False, 1),
    "denied": (Refusal("AccessDeniedException", 403), "AccessDeniedException", 403, False, 1),
    "not found": (Refusal("ResourceNotFoundException", 404), "ResourceNotFoundException", 404, False, 1),
    "quota": (Refusal("ServiceQuotaExceededException", 400), "ServiceQuotaExceededException", 400, False, 1),
    "expired": (ExpiredToken(), "ExpiredTokenException", 403, False, 1),
}


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("operation", ["Converse", "ConverseStream"])
def test_a_refusal_before_the_answer_is_a_service_error(bedrock, runtime, operation, case):
    fault, code, status, retryable, attempts = case
    bedrock.fault(fault, times=attempts)
    method = runtime.converse if operation == "Converse" else runtime.converse_stream
    with pytest.raises(ServiceError) as caught:
        method("m", "Hi")
    error = caught.value
    assert (error.code, error.status, error.retryable) == (code, status, retryable)
    assert (error.operation, error.in_stream, error.partial) == (operation, False, None)
    assert error.request_id == error.response["ResponseMetadata"]["RequestId"] != ""
    assert isinstance(error.__cause__, ClientError)
    assert len(bedrock.requests) == attempts


BAD_MESSAGE = b'{"output": {"message": [1]}, "stopReason": "x"}'
NO_STOP_REASON = b'{"output": {"message": {"role": "assistant", "content": []}}}'
CONVERSE = {
    "silent": (Stall(), ConnectionLostError, "ReadTimeout"),
    "silent before its body": (Stall(0), ConnectionLostError, "ReadTimeout"),
    "ended early": (Truncate(), DecodeError, "MalformedResponse"),
    "empty": (EmptyStream(), DecodeError, "MalformedResponse"),
    "damaged": (CorruptChecksum(), DecodeError, "MalformedResponse"),
    "a page": (NotAnEventStream(), DecodeError, "MalformedResponse"),
    "a list": (NotAnEventStream(b"[]"), DecodeError, "MalformedResponse"),
    "a bad message": (NotAnEventStream(BAD_MESSAGE), DecodeError, "MalformedResponse"),
    "no stop reason": (NotAnEventStream(NO_STOP_REASON), DecodeError, "MalformedResponse"),
}


@pytest.mark.parametrize("case", CONVERSE.values(), ids=CONVERSE)
def test_an_answer_that_breaks_is_an_error_and_is_not_paid_for_twice(bedrock, runtime, case):
    fault, cls, code = case
    bedrock.fault(fault, times=3)
    with pytest.raises(cls) as caught:
        runtime.converse("m", "Hi")
    assert (caught.value.code, caught.value.retryable, caught.value.in_stream) == (code, False, False)
    assert caught.value.operation == "Converse"
    assert len(bedrock.requests) == 1


def test_an_answer_that_is_cut_in_its_middle_is_a_lost_connection(bedrock, runtime, no_backoff):
    bedrock.fault(Cut(), times=3)  # botocore 1.44 does not notice, 1.40 does and sends it again
    with pytest.raises(ConnectionLostError) as caught:
        runtime.converse("m", "Hi")
    assert (caught.value.code, caught.value.retryable) == ("ConnectionClosed", True)


def test_a_whole_answer_that_times_out_is_not_asked_for_again_with_any_client(bedrock, session):
    bedrock.fault(Stall(0), times=3)
    client = session.client("bedrock-runtime", config=Config(read_timeout=0.2))
    with pytest.raises(ConnectionLostError, match="longer read_timeout"):
        BedrockRuntime(client=client).converse("m", "Hi")
    assert len(bedrock.requests) == 1


def test_nothing_listening_is_a_lost_connection(bedrock, session, no_backoff):
    runtime = BedrockRuntime(session)
    bedrock.close()
    for method in (runtime.converse, runtime.converse_stream):
        with pytest.raises(ConnectionLostError) as caught:
            method("m", "Hi")
        assert (caught.value.code, caught.value.retryable) == ("ConnectionFailed", True)


def test_no_log_and_no_error_shows_a_secret(bedrock, session, caplog):
    caplog.set_level(logging.DEBUG)
    keys = bedrock.credentials
    for fault in (StreamException(), Cut(), ExpiredToken()):
        bedrock.fault(fault)
        with pytest.raises(BedrockError) as caught:
            assert BedrockRuntime(session).converse_stream("m", "Hi").response
        assert keys.secret_access_key not in repr(vars(caught.value))
    assert keys.secret_access_key not in caplog.text


class Peer:
    """A server that speaks chunked HTTP by hand, to see when the client closes its connections."""

    def __init__(self, *frames, ends):
        self.frames = frames
        self.ends = ends
        self.connections = 0
        self.left = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            connection.settimeout(5)
            with suppress(OSError), connection, connection.makefile("rb") as reader:  # a client may keep it open for ever
                while self._answer(connection, reader):
                    pass
            self.left.set()

    def _answer(self, connection, reader):
        length = 0
        while (line := reader.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        if not line:
            return False
        reader.read(length)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head + b"".join(b"%x\r\n%b\r\n" % (len(frame), frame) for frame in self.frames))
        if self.ends:
            connection.sendall(b"0\r\n\r\n")
        return True

    def close(self):
        self._listener.close()


@pytest.fixture
def connect():
    peers = []

    def make(*events, ends):
        peers.append(Peer(*(encode_event(kind, json.dumps(body).encode()) for kind, body in events), ends=ends))
        session = boto3.Session("AKIAEXAMPLE", "secret", region_name="us-east-1")
        return peers[-1], BedrockRuntime(client=session.client("bedrock-runtime", endpoint_url=peers[-1].url))

    yield make
    for peer in peers:
        peer.close()


START = ("messageStart", {"role": "assistant"})
STOP = ("messageStop", {"stopReason": "end_turn"})


def test_leaving_a_stream_early_closes_its_connection(connect):
    peer, runtime = connect(START, ends=False)
    with runtime.converse_stream("m", "Hi") as stream:
        next(stream)
        assert not peer.left.is_set()
    assert peer.left.wait(2)


def test_a_stream_that_fails_closes_its_connection(connect):
    peer, runtime = connect(START, ("contentBlockDelta", {}), ends=False)
    stream = runtime.converse_stream("m", "Hi")
    with pytest.raises(DecodeError):
        list(stream)
    assert peer.left.wait(2)


def test_a_stream_that_was_read_to_its_end_gives_its_connection_to_the_next_one(connect):
    peer, runtime = connect(START, STOP, ends=True)
    for _ in range(3):
        assert runtime.converse_stream("m", "Hi").response.stop_reason == "end_turn"
    assert peer.connections == 1
    assert not peer.left.is_set()
