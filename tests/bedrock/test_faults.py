"""Everything that can go wrong on the wire, and the error that a caller sees."""

import logging
import pickle
import threading
import time

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from bedrock_auth.bedrock import (
    BedrockError,
    BedrockRuntime,
    ConnectionLostError,
    DecodeError,
    IncompleteStreamError,
    MessageStop,
    ServiceError,
    TextDelta,
)
from bedrock_auth.bedrock.errors import ModelFailedError, ThrottledError, UnavailableError, ValidationError
from bedrock_auth.testing import (
    CorruptChecksum,
    Cut,
    EmptyStream,
    ExpiredToken,
    NotAnEventStream,
    Reply,
    ServiceError as Refusal,
    Stall,
    StreamError,
    StreamException,
    Throttle,
    Truncate,
)

ORIGINAL = {"originalStatusCode": 500, "originalMessage": "gpu on fire"}
MODEL_FAILS = StreamException("modelStreamErrorException", extra=ORIGINAL)
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
    "throttled": (StreamException(), ThrottledError, "ThrottlingException", 429, True),
    "invalid": (StreamException("validationException", "no"), ValidationError, "ValidationException", 400, False),
    "unavailable": (StreamException("serviceUnavailableException"), UnavailableError, "ServiceUnavailableException", 503, True),
    "internal": (StreamException("internalServerException"), UnavailableError, "InternalServerException", 500, True),
    "model": (MODEL_FAILS, ModelFailedError, "ModelStreamErrorException", 424, True),
    "unmodelled": (StreamException("newException", "new"), ServiceError, "NewException", None, False),
    "error frame": (StreamError("InternalFailure", "oh"), UnavailableError, "InternalFailure", 500, True),
}


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("case", STREAM.values(), ids=STREAM)
def test_a_stream_that_breaks_says_how_keeps_what_had_come_and_is_not_sent_again_once_it_has_begun(bedrock, runtime, case):
    fault, cls, code, status, retryable = case
    bedrock.reply("Hello out there")
    bedrock.fault(fault, times=3)
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
    begun = not isinstance(fault, EmptyStream) and getattr(fault, "after_events", 1) > 0
    assert len(bedrock.requests) == (1 if begun or code == "ReadTimeout" else 3)


def test_the_models_own_error_is_told(bedrock, runtime):
    bedrock.fault(MODEL_FAILS)
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
    assert (caught.value.code, caught.value.retryable) == ("ConnectionClosed", False)


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


START = ("messageStart", {"role": "assistant"})
STOP = ("messageStop", {"stopReason": "end_turn"})


def test_leaving_a_stream_early_closes_its_connection(connect):
    peer, runtime = connect(START, ends=False)
    with runtime.converse_stream("m", "Hi") as stream:
        next(stream)
        assert not peer.left.is_set()
    assert peer.left.wait(2)


def test_closing_a_stream_wakes_whoever_reads_it_in_another_thread(connect):
    peer, runtime = connect(START, ends=False)
    stream, read = runtime.converse_stream("m", "Hi"), []
    thread = threading.Thread(target=lambda: read.extend(stream))
    thread.start()
    while not read and thread.is_alive():
        time.sleep(0.001)
    stream.close()
    thread.join(5)
    assert not thread.is_alive()
    assert len(read) == 1
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


@pytest.mark.parametrize("fault", [Cut(4), Stall(4)])
def test_a_connection_that_is_lost_after_message_stop_ends_a_whole_answer(bedrock, runtime, fault):
    bedrock.reply(Reply("Hello", chunk_size=5))
    bedrock.fault(fault)
    with runtime.converse_stream("m", "Hi") as stream:
        assert type(list(stream)[-1]) is MessageStop
        assert list(stream) == []
    assert (stream.response.text, stream.response.stop_reason, stream.response.usage) == ("Hello", "end_turn", None)
    assert len(bedrock.requests) == 1


def test_an_exception_of_the_service_after_message_stop_stays_an_error_that_is_not_to_be_sent_again(bedrock, runtime):
    bedrock.reply(Reply("Hello", chunk_size=5))
    bedrock.fault(StreamException(after_events=4))
    with runtime.converse_stream("m", "Hi") as stream, pytest.raises(ThrottledError) as caught:
        list(stream)
    assert (caught.value.retryable, caught.value.partial.text, caught.value.partial.stop_reason) == (False, "Hello", "end_turn")
