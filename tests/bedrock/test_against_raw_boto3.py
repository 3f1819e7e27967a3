"""Each fault of a stream: what a reader of raw boto3 sees, and beside it what a reader of ours sees. The table is the test.

The raw column is what botocore 1.40 and 1.44 really do; a row that fails there tells that botocore has changed.
"""

import pickle
from contextlib import closing

import pytest
from attrs import Factory, field, frozen
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EventStreamError

from bedrock_auth.bedrock import BedrockError, BedrockRuntime, TextDelta, UnknownEvent
from bedrock_auth.bedrock.stream import typed_stream
from bedrock_auth.testing import (
    CorruptChecksum,
    Cut,
    EmptyStream,
    NotAnEventStream,
    RawEvents,
    Reply,
    Stall,
    StreamError,
    StreamException,
    Truncate,
)

REQUEST = {"modelId": "some.model", "messages": [{"role": "user", "content": [{"text": "Hello"}]}]}
WHOLE = Reply("Hello out there")
COMPLETE = "ends, 'Hello out there'"
HALF = "ends, 'Hello ou'"
ORIGINAL = {"originalStatusCode": 500, "originalMessage": "gpu on fire"}


def with_event(kind, document):
    """The whole reply, with one more event in its middle."""
    begun, *rest = WHOLE.to_events()
    return RawEvents([begun, *rest[:1], (kind, document), *rest[1:]])


@frozen
class Row:
    what: str
    raw: str
    """What is left at the end for code that calls boto3 itself."""
    ours: str
    """The same for a reader of `BedrockRuntime`'s stream, which was sent once."""
    typed: str = field(default=Factory(lambda row: row.ours, takes_self=True))
    """The same for a reader of `typed_stream`, which gets what botocore has left of the events."""
    fault: object = None
    reply: object = WHOLE


TABLE = [
    Row("nothing", raw=COMPLETE, ours=COMPLETE),
    Row(
        "the body ends before messageStop",
        fault=Truncate(),
        raw=HALF,
        ours="IncompleteStreamError IncompleteStream None, retryable, 'Hello ou'",
    ),
    Row(
        "the body ends in the middle of a frame",
        fault=Truncate(mid_frame=True),
        raw=HALF,
        ours="IncompleteStreamError IncompleteStream None, retryable, 'Hello ou'",
    ),
    Row(
        "the text is whole, messageStop is missing",
        fault=Truncate(4),
        raw=COMPLETE,
        ours="IncompleteStreamError IncompleteStream None, retryable, 'Hello out there'",
    ),
    Row(
        "the body is empty",
        fault=EmptyStream(),
        raw="ends, ''",
        ours="IncompleteStreamError IncompleteStream None, retryable, ''",
    ),
    Row(
        "a web page",
        fault=NotAnEventStream(),
        raw="ChecksumMismatch, neither ClientError nor BotoCoreError, ''",
        ours="DecodeError NotAnEventStream None, not retryable, ''",
    ),
    Row(
        "a few bytes that are no frame",
        fault=NotAnEventStream(b"no"),
        raw="ends, ''",
        ours="DecodeError NotAnEventStream None, not retryable, ''",
    ),
    Row(
        "a wrong checksum",
        fault=CorruptChecksum(),
        raw="ChecksumMismatch, neither ClientError nor BotoCoreError, 'Hello ou'",
        ours="DecodeError ChecksumMismatch None, retryable, 'Hello ou'",
    ),
    Row(
        "the connection is cut",
        fault=Cut(),
        raw="ProtocolError, neither ClientError nor BotoCoreError, 'Hello ou'",
        ours="ConnectionLostError ConnectionClosed None, retryable, 'Hello ou'",
    ),
    Row(
        "nothing comes for longer than the read timeout",
        fault=Stall(),
        raw="ReadTimeoutError, neither ClientError nor BotoCoreError, 'Hello ou'",
        ours="ConnectionLostError ReadTimeout None, retryable, 'Hello ou'",
    ),
    Row(
        "an exception frame",
        fault=StreamException("throttlingException", "slowly"),
        raw="EventStreamError 'throttlingException' 'slowly', no status, no request id, 'Hello ou'",
        ours="ThrottledError ThrottlingException 429, retryable, 'Hello ou'",
    ),
    Row(
        "an exception frame about the request",
        fault=StreamException("validationException", "no"),
        raw="EventStreamError 'validationException' 'no', no status, no request id, 'Hello ou'",
        ours="ValidationError ValidationException 400, not retryable, 'Hello ou'",
    ),
    Row(
        "an exception frame with the model's own status",
        fault=StreamException("modelStreamErrorException", "broken", extra=ORIGINAL),
        raw="EventStreamError 'modelStreamErrorException' 'broken', no status, no request id, 'Hello ou'",
        ours="ModelFailedError ModelStreamErrorException 424, retryable, 500 'gpu on fire', 'Hello ou'",
        typed="ModelFailedError ModelStreamErrorException 424, retryable, 'Hello ou'",
    ),
    Row(
        "an exception frame that the service's model does not know",
        fault=StreamException("brandNewException", "brand new"),
        raw="EventStreamError '' '', no status, no request id, 'Hello ou'",
        ours="ServiceError BrandNewException None, not retryable, 'Hello ou'",
        typed="ServiceError Unknown None, not retryable, 'Hello ou'",
    ),
    Row(
        "an error frame",
        fault=StreamError("InternalFailure", "oh"),
        raw="EventStreamError 'InternalFailure' 'oh', no status, no request id, 'Hello ou'",
        ours="UnavailableError InternalFailure 500, retryable, 'Hello ou'",
    ),
    Row(
        "an event of a new type",
        reply=with_event("somethingNew", {"a": 1}),
        raw=COMPLETE,
        ours="ends, 'Hello out there', somethingNew {'a': 1}",
        typed=COMPLETE,
    ),
    Row(
        "a delta of a new kind",
        reply=with_event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"hologram": {"x": 1}}}),
        raw="ends, 'Hello out there', {'SDK_UNKNOWN_MEMBER': {'name': 'hologram'}}",
        ours="ends, 'Hello out there', contentBlockDelta.hologram {'hologram': {'x': 1}}",
        typed="ends, 'Hello out there', contentBlockDelta.hologram {'SDK_UNKNOWN_MEMBER': {'name': 'hologram'}}",
    ),
]
ROWS = pytest.mark.parametrize("row", TABLE, ids=[row.what for row in TABLE])


def raw_outcome(client):
    """What code that calls boto3 itself can tell in the end."""
    text, strange, ended = "", [], "ends"
    with closing(client.converse_stream(**REQUEST)["stream"]) as stream:
        try:
            for event in stream:
                delta = event.get("contentBlockDelta", {}).get("delta", {"text": ""})
                text += delta.get("text", "")
                strange += [str(delta)] if "text" not in delta else []
        except Exception as error:  # noqa: BLE001 - what it raises is what the table says
            ended = raw_error(error)
    return ", ".join([ended, repr(text), *strange])


def raw_error(error):
    if not isinstance(error, ClientError | BotoCoreError):
        return f"{type(error).__name__}, neither ClientError nor BotoCoreError"
    said, metadata = error.response["Error"], error.response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", "no status")
    request_id = metadata.get("RequestId", "no request id")
    return f"{type(error).__name__} {said['Code']!r} {said['Message']!r}, {status}, {request_id}"


def our_outcome(stream):
    """What code that reads our stream can tell."""
    text, strange = "", []
    try:
        for event in stream:
            text += event.text if isinstance(event, TextDelta) else ""
            strange += [unknown(event)] if isinstance(event, UnknownEvent) else []
    except BedrockError as error:
        assert (error.in_stream, error.request_id) == (True, stream.request_id)
        assert error.partial.text == text
        return f"{our_error(error)}, {text!r}"
    assert stream.response.text == text
    return ", ".join(["ends", repr(text), *strange])


def unknown(event):
    (body,) = event.raw.values()
    return f"{event.name} {body.get('delta', body)}"


def our_error(error):
    retryable = "retryable" if error.retryable else "not retryable"
    original = getattr(error, "original_status", None)
    own = f", {original} {error.original_message!r}" if original else ""
    return f"{type(error).__name__} {error.code} {error.status}, {retryable}{own}"


@pytest.fixture
def served(bedrock):
    """Make the endpoint say and break what a row says."""

    def serve(row):
        bedrock.model = [row.reply]
        if row.fault is not None:
            bedrock.fault(row.fault)
        return bedrock

    return serve


@pytest.fixture
def raw_client(session):
    client = session.client("bedrock-runtime", config=Config(read_timeout=0.3))
    yield client
    client.close()


@ROWS
def test_raw_boto3_sees_this(served, raw_client, row):
    bedrock = served(row)
    assert raw_outcome(raw_client) == row.raw
    assert len(bedrock.requests) == 1  # botocore never sends a stream again, however retryable its error


@ROWS
def test_we_see_this(served, session, row):
    bedrock = served(row)
    runtime = BedrockRuntime(session, config=Config(read_timeout=0.3), retries=1)
    with runtime.converse_stream("some.model", "Hello") as stream:
        assert our_outcome(stream) == row.ours
    assert len(bedrock.requests) == 1


@ROWS
def test_a_typed_stream_sees_this(served, raw_client, row):
    served(row)
    with typed_stream(raw_client.converse_stream(**REQUEST)) as stream:
        assert our_outcome(stream) == row.typed


EARLY = [
    ("a cut connection", Cut(0), "ProtocolError, neither ClientError nor BotoCoreError, ''", COMPLETE),
    ("a wrong checksum", CorruptChecksum(0), "ChecksumMismatch, neither ClientError nor BotoCoreError, ''", COMPLETE),
    ("an empty body", EmptyStream(), "ends, ''", COMPLETE),
    ("half a frame", Truncate(0, mid_frame=True), "ends, ''", COMPLETE),
    (
        "an exception frame",
        StreamException("serviceUnavailableException", "soon", 0),
        "EventStreamError 'serviceUnavailableException' 'soon', no status, no request id, ''",
        COMPLETE,
    ),
    (
        "an exception frame about the request",
        StreamException("validationException", "no", 0),
        "EventStreamError 'validationException' 'no', no status, no request id, ''",
        "ValidationError ValidationException 400, not retryable, ''",
    ),
    (
        "a silence, in which the model may be at work",
        Stall(0),
        "ReadTimeoutError, neither ClientError nor BotoCoreError, ''",
        "ConnectionLostError ReadTimeout None, retryable, ''",
    ),
]


@pytest.mark.parametrize(("fault", "raw", "ours"), [row[1:] for row in EARLY], ids=[row[0] for row in EARLY])
def test_what_breaks_before_the_first_event_is_sent_again_where_that_helps(bedrock, raw_client, runtime, fault, raw, ours):
    bedrock.model = [WHOLE]
    bedrock.fault(fault)
    assert raw_outcome(raw_client) == raw
    bedrock.fault(fault)
    with runtime.converse_stream("some.model", "Hello") as stream:
        assert our_outcome(stream) == ours
    assert len(bedrock.requests) == (3 if ours == COMPLETE else 2)


def caught(read):
    with pytest.raises(ClientError) as error:
        read()
    return error.value


def test_an_error_of_the_stream_survives_a_pickle_with_all_it_knows(served, raw_client, runtime):
    (row,) = [row for row in TABLE if row.what == "an exception frame with the model's own status"]
    raw = caught(lambda: list(served(row) and raw_client.converse_stream(**REQUEST)["stream"]))
    ours = caught(lambda: served(row) and runtime.converse_stream("some.model", "Hello").response)
    raw_twin, our_twin = (pickle.loads(pickle.dumps(error)) for error in (raw, ours))
    assert (type(raw), type(raw_twin)) == (EventStreamError, ClientError)
    assert (type(our_twin), vars(our_twin)) == (type(ours), vars(ours))
