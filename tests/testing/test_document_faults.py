import time
from http.client import IncompleteRead

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from bedrock_auth.testing import (
    CorruptChecksum,
    Cut,
    EmptyStream,
    NotAnEventStream,
    Reply,
    SlowTokens,
    Stall,
    StreamError,
    StreamException,
    Truncate,
)

REQUEST = {"modelId": "some.model", "messages": [{"role": "user", "content": [{"text": "Hello"}]}]}


@pytest.fixture(autouse=True)
def _reply(bedrock):
    bedrock.reply(Reply("Hello you", chunk_size=6))


@pytest.mark.parametrize("after_events", [0, 2])
def test_a_document_stalls_before_or_in_its_body(bedrock, client_for, after_events):
    bedrock.fault(Stall(after_events))
    with pytest.raises(ReadTimeoutError):
        client_for(bedrock, read_timeout=0.2).converse(**REQUEST)


@pytest.mark.parametrize("fault", [Cut(0), Cut(), Stall(seconds=0)])
def test_a_document_that_breaks_off_brings_no_content(bedrock, client, fault):
    # botocore 1.40 compares the body with Content-Length; 1.44 does not, and answers as if all were well
    bedrock.fault(fault)
    try:
        answer = client.converse(**REQUEST)
    except ConnectionClosedError:
        return
    assert answer.keys() == {"ResponseMetadata"}


@pytest.mark.parametrize("fault", [Truncate(0), Truncate(), Truncate(mid_frame=True), EmptyStream(), NotAnEventStream()])
def test_a_document_that_cannot_be_read_is_an_answer_without_content_for_botocore(bedrock, client, fault):
    bedrock.fault(fault)
    answer = client.converse(**REQUEST)
    assert answer.keys() == {"ResponseMetadata"}
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(("fault", "sent"), [(Cut(0), 0), (Cut(), 102), (Truncate(0), 0), (Truncate(), 102)])
def test_a_cut_document_is_shorter_than_promised_and_a_truncated_one_is_not(bedrock, wire, fault, sent):
    bedrock.fault(fault)
    request = wire.signed()
    wire.connection.request("POST", request["path"], request["body"], request["headers"])
    response = wire.connection.getresponse()
    if isinstance(fault, Cut):
        with pytest.raises(IncompleteRead) as caught:
            response.read()
        assert (len(caught.value.partial), caught.value.expected) == (sent, 205 - sent)
    else:
        assert len(response.read()) == sent


@pytest.mark.parametrize("after_events", [0, 2])
def test_a_corrupt_document_is_not_even_text(bedrock, client, after_events):
    bedrock.fault(CorruptChecksum(after_events))
    with pytest.raises(UnicodeDecodeError):
        client.converse(**REQUEST)


def test_a_slow_document_comes_once_its_seconds_have_passed(bedrock, client):
    bedrock.fault(SlowTokens(0.1))
    begun = time.monotonic()
    assert client.converse(**REQUEST)["stopReason"] == "end_turn"
    assert time.monotonic() - begun >= 0.1


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        (StreamException(), "ThrottlingException", 429),
        (StreamException("modelStreamErrorException"), "ModelStreamErrorException", 424),
        (StreamException("modelTimeoutException"), "ModelTimeoutException", 408),
        (StreamException("brandNewException"), "BrandNewException", 500),
        (StreamError("InternalFailure", "broken"), "InternalFailure", 500),
    ],
)
def test_an_exception_of_streams_is_a_plain_error_of_the_same_name(bedrock, client, fault, code, status):
    bedrock.fault(fault)
    with pytest.raises(ClientError) as caught:
        client.converse(**REQUEST)
    assert caught.value.response["Error"]["Code"] == code
    assert bedrock.requests[0].status == status
