import json
import time
from contextlib import closing

import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer, ParserError
from botocore.exceptions import ClientError, EventStreamError
from urllib3.exceptions import ProtocolError, ReadTimeoutError as StreamTimeoutError

from bedrock_auth.testing import (
    CorruptChecksum,
    Cut,
    EmptyStream,
    ExpiredToken,
    NotAnEventStream,
    Reply,
    ServiceError,
    SlowTokens,
    Stall,
    StreamError,
    StreamException,
    Throttle,
    Truncate,
)

REQUEST = {"modelId": "some.model", "messages": [{"role": "user", "content": [{"text": "Hello"}]}]}
KINDS = ["messageStart", "contentBlockDelta", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"]


@pytest.fixture(autouse=True)
def _reply(bedrock):
    bedrock.reply(Reply("Hello you", chunk_size=6))


def read(client):
    """The kinds of the events that came, and what ended them."""
    kinds = []
    try:
        with closing(client.converse_stream(**REQUEST)["stream"]) as stream:
            for event in stream:
                kinds += event
    except Exception as error:  # noqa: BLE001 - what ends a stream is what these tests look at
        return kinds, error
    return kinds, None


def test_without_a_fault_the_stream_is_whole(client):
    assert read(client) == (KINDS, None)


# errors instead of an answer


@pytest.mark.parametrize("method", ["converse", "converse_stream"])
@pytest.mark.parametrize(
    "error",
    [
        (Throttle(), "ThrottlingException", 429),
        (ExpiredToken(), "ExpiredTokenException", 403),
        (ServiceError("ModelTimeoutException", 408), "ModelTimeoutException", 408),
        (ServiceError("AccessDeniedException", 403, "not you"), "AccessDeniedException", 403),
    ],
)
def test_an_error_comes_before_the_answer_under_the_name_that_aws_gives_it(bedrock, client, method, error):
    fault, code, status = error
    bedrock.fault(fault)
    with pytest.raises(ClientError) as caught:
        getattr(client, method)(**REQUEST)
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert [request.status for request in bedrock.requests] == [status]


def test_a_reply_waits_while_errors_come_and_is_used_up_by_a_fault_in_its_middle(bedrock, client):
    bedrock.reply("next", "last")
    bedrock.fault(Throttle(), Truncate())
    with pytest.raises(ClientError):
        client.converse(**REQUEST)
    client.converse(**REQUEST)  # the first reply, truncated
    said = [client.converse(**REQUEST)["output"]["message"]["content"][0]["text"] for _ in range(2)]
    assert said == ["next", "last"]


def test_an_error_has_the_message_that_it_was_given(bedrock, client):
    bedrock.fault(ServiceError("AccessDeniedException", 403, "not you"))
    with pytest.raises(ClientError, match="not you"):
        client.converse(**REQUEST)


def test_a_throttle_announces_when_to_come_back_in_both_headers(bedrock, client):
    bedrock.fault(Throttle(retry_after=2))
    with pytest.raises(ClientError) as caught:
        client.converse(**REQUEST)
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert (headers["retry-after"], headers["x-amz-retry-after"]) == ("2", "2000")


def test_faults_come_in_turn_and_as_often_as_asked_for(bedrock, client):
    bedrock.fault(Throttle(), ServiceError("InternalServerException", 500), times=2)
    for _ in range(4):
        with pytest.raises(ClientError):
            client.converse(**REQUEST)
    client.converse(**REQUEST)
    assert [request.status for request in bedrock.requests] == [429, 429, 500, 500, 200]


def test_botocore_retries_a_throttle_and_gets_the_reply(bedrock, client_for):
    bedrock.fault(Throttle())
    answer = client_for(bedrock, retries={"mode": "standard", "total_max_attempts": 2}).converse(**REQUEST)
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1


def test_a_refused_request_does_not_use_up_a_fault(bedrock, wire, client):
    bedrock.fault(Throttle())
    request = wire.signed()
    assert wire.send(request | {"body": b"tampered"})[0] == 403
    with pytest.raises(ClientError, match="Throttling"):
        client.converse(**REQUEST)


# streams that go wrong


def test_a_cut_is_a_protocol_error_after_the_events_that_came(bedrock, client):
    bedrock.fault(Cut(after_events=3))
    kinds, error = read(client)
    assert kinds == KINDS[:3]
    assert isinstance(error, ProtocolError)


@pytest.mark.parametrize("after_events", [0, 2])
def test_a_stall_is_a_read_timeout_after_the_events_that_came(bedrock, client_for, after_events):
    bedrock.fault(Stall(after_events))
    kinds, error = read(client_for(bedrock, read_timeout=0.2))
    assert kinds == KINDS[:after_events]
    assert isinstance(error, StreamTimeoutError)


def test_a_stall_ends_in_a_cut_when_its_seconds_have_passed(bedrock, client):
    bedrock.fault(Stall(after_events=1, seconds=0.1))
    kinds, error = read(client)
    assert kinds == KINDS[:1]
    assert isinstance(error, ProtocolError)


@pytest.mark.parametrize("mid_frame", [False, True])
@pytest.mark.parametrize("after_events", [0, 1, 3, 4])
def test_a_truncated_stream_just_ends_for_botocore(bedrock, client, after_events, mid_frame):
    bedrock.fault(Truncate(after_events, mid_frame=mid_frame))
    assert read(client) == (KINDS[:after_events], None)


def raw_stream(wire):
    """The body of a ConverseStream answer as it came over the wire, after a clean HTTP end."""
    request = wire.signed(path="/model/some.model/converse-stream")
    wire.connection.request("POST", request["path"], request["body"], request["headers"])
    return wire.connection.getresponse().read()


def test_a_truncation_in_the_middle_of_a_frame_leaves_half_of_it(bedrock, wire):
    bedrock.fault(Truncate(1), Truncate(2), Truncate(1, mid_frame=True))
    one, two, torn = raw_stream(wire), raw_stream(wire), raw_stream(wire)
    assert torn == two[: len(torn)]
    assert len(torn) == len(one) + (len(two) - len(one)) // 2


def test_an_empty_stream_just_ends_for_botocore(bedrock, client):
    bedrock.fault(EmptyStream())
    assert read(client) == ([], None)


def test_a_corrupt_checksum_is_noticed_at_that_event(bedrock, client):
    bedrock.fault(CorruptChecksum(after_events=2))
    kinds, error = read(client)
    assert kinds == KINDS[:2]
    assert isinstance(error, ChecksumMismatch)


@pytest.mark.parametrize("body", [b"", b"short"])
def test_a_body_too_short_for_a_frame_just_ends_for_botocore(bedrock, client, body):
    bedrock.fault(NotAnEventStream(body))
    assert read(client) == ([], None)
    assert read(client) == (KINDS, None)


def test_a_page_of_html_is_no_event_stream(bedrock, client):
    bedrock.fault(NotAnEventStream())
    kinds, error = read(client)
    assert kinds == []
    assert isinstance(error, ParserError)


@pytest.mark.parametrize(
    "kind",
    [
        "internalServerException",
        "modelStreamErrorException",
        "serviceUnavailableException",
        "throttlingException",
        "validationException",
    ],
)
def test_an_exception_frame_is_an_event_stream_error_with_its_code(bedrock, client, kind):
    bedrock.fault(StreamException(kind, "broken", after_events=2))
    kinds, error = read(client)
    assert kinds == KINDS[:2]
    assert isinstance(error, EventStreamError)
    assert error.response["Error"] == {"Code": kind, "Message": "broken"}


def test_an_exception_frame_carries_the_fields_that_botocore_drops(bedrock, wire):
    bedrock.fault(StreamException("modelStreamErrorException", "broken", extra={"originalStatusCode": 500}))
    buffer = EventStreamBuffer()
    buffer.add_data(raw_stream(wire))
    *_, last = buffer
    assert json.loads(last.payload) == {"message": "broken", "originalStatusCode": 500}


def test_an_unmodelled_exception_frame_has_neither_code_nor_message(bedrock, client):
    bedrock.fault(StreamException("brandNewException", "broken"))
    _, error = read(client)
    assert isinstance(error, EventStreamError)
    assert error.response["Error"] == {"Code": "", "Message": ""}


def test_an_error_frame_has_code_and_message(bedrock, client):
    bedrock.fault(StreamError("InternalFailure", "broken", after_events=1))
    kinds, error = read(client)
    assert kinds == KINDS[:1]
    assert isinstance(error, EventStreamError)
    assert error.response["Error"] == {"Code": "InternalFailure", "Message": "broken"}


def test_slow_tokens_come_all_the_same(bedrock, client):
    bedrock.fault(SlowTokens(0.05))
    begun = time.monotonic()
    assert read(client) == (KINDS, None)
    assert time.monotonic() - begun >= 6 * 0.05


def test_a_fault_after_the_last_event_loses_nothing(bedrock, client):
    bedrock.fault(Truncate(99, mid_frame=True), CorruptChecksum(99))
    assert read(client) == read(client) == (KINDS, None)


@pytest.mark.parametrize("make", [Cut, Stall, Truncate, CorruptChecksum])
def test_a_negative_number_of_events_is_refused(make):
    with pytest.raises(ValueError, match="after_events"):
        make(after_events=-1)
