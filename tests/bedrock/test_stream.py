"""How a stream is read, left, and read again. No network."""

import threading
import time

import pytest
from botocore.eventstream import ChecksumMismatch
from urllib3.exceptions import ProtocolError

from bedrock_auth import ConfigurationError
from bedrock_auth.bedrock import (
    ConnectionLostError,
    DecodeError,
    IncompleteStreamError,
    MessageStart,
    MessageStop,
    Metadata,
    TextDelta,
    ToolInputError,
)
from bedrock_auth.bedrock.errors import Call
from bedrock_auth.bedrock.retry import RetryPolicy
from bedrock_auth.bedrock.stream import ConverseStream, typed_stream
from bedrock_auth.bedrock.transport.opened import Opened
from support.names import plain

START = {"messageStart": {"role": "assistant"}}
STOP = {"messageStop": {"stopReason": "end_turn"}}
METADATA = {"metadata": {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, "metrics": {"latencyMs": 5}}}


def text(piece):
    return {"contentBlockDelta": {"delta": {"text": piece}, "contentBlockIndex": 0}}


WHOLE = [START, text("Hel"), text("lo"), STOP, METADATA]


class Source:
    """Raw events; an exception among them is raised."""

    def __init__(self, *events):
        self.events = events
        self.closed = 0

    def __iter__(self):
        for event in self.events:
            if isinstance(event, BaseException):
                raise event
            yield event

    def close(self):
        self.closed += 1


def stream_of(*events, content_type="application/vnd.amazon.eventstream"):
    source = Source(*events)
    response = {
        "stream": source,
        "ResponseMetadata": {"RequestId": "req-1", "HTTPHeaders": {"content-type": content_type}},
    }
    return source, typed_stream(response)


def test_a_stream_yields_typed_events_and_then_the_response():
    source, stream = stream_of(*WHOLE)
    assert [type(event) for event in stream] == [MessageStart, TextDelta, TextDelta, MessageStop, Metadata]
    assert (stream.response.text, stream.response.stop_reason, stream.response.usage.total_tokens) == ("Hello", "end_turn", 3)
    assert stream.response.request_id == stream.request_id == "req-1"
    assert stream.response is stream.response
    assert source.closed == 0


def test_the_response_reads_what_has_not_been_read():
    _, stream = stream_of(*WHOLE)
    assert stream.response.text == "Hello"
    assert list(stream) == []


def test_text_left_half_read_is_in_the_response():
    _, stream = stream_of(*WHOLE)
    pieces = stream.text_stream
    assert next(pieces) == "Hel"
    assert stream.response.text == "Hello"
    assert list(pieces) == []


def test_the_text_stream_is_text_only():
    _, stream = stream_of(*WHOLE)
    assert list(stream.text_stream) == ["Hel", "lo"]


def test_missing_metadata_is_fine():
    _, stream = stream_of(*WHOLE[:-1])
    assert (stream.response.text, stream.response.usage, stream.response.metrics) == ("Hello", None, {})


@pytest.mark.parametrize("count", range(4))
def test_an_end_without_message_stop_is_an_error_every_time(count):
    source, stream = stream_of(*WHOLE[:count])
    with pytest.raises(IncompleteStreamError) as first:
        list(stream)
    assert first.value.partial.text == "Hello"[: (0, 0, 3, 5)[count]]
    assert (first.value.code, first.value.retryable, first.value.request_id) == ("IncompleteStream", True, "req-1")
    for read in (list, next, lambda stream: stream.response, lambda stream: list(stream.text_stream)):
        with pytest.raises(IncompleteStreamError) as again:
            read(stream)
        assert again.value is first.value
    assert source.closed == 1


def test_a_failed_stream_closes_its_connection_and_fails_the_same_way_every_time():
    source, stream = stream_of(START, text("Hel"), ProtocolError("cut"))
    with stream, pytest.raises(ConnectionLostError) as first:
        list(stream)
    assert first.value.partial.text == "Hel"
    assert first.value.in_stream
    for read in (next, lambda stream: stream.response):
        with pytest.raises(ConnectionLostError) as again:
            read(stream)
        assert again.value is first.value
    assert source.closed == 1


def test_a_connection_that_is_lost_after_the_message_takes_nothing_of_it_away():
    source, stream = stream_of(*WHOLE[:-1], ProtocolError("cut"))
    assert (stream.response.text, stream.response.stop_reason, stream.response.usage) == ("Hello", "end_turn", None)
    assert source.closed == 1


def test_damage_after_the_message_is_still_told_but_nothing_to_send_again():
    _, stream = stream_of(*WHOLE[:-1], ChecksumMismatch(1, 2))
    with pytest.raises(DecodeError) as caught:
        assert stream.response
    assert (caught.value.partial.text, caught.value.partial.stop_reason, caught.value.retryable) == ("Hello", "end_turn", False)


def test_a_failing_close_does_not_hide_the_failure():
    class Failing(Source):
        def close(self):
            raise OSError

    stream = typed_stream({"stream": Failing(START)})
    with pytest.raises(IncompleteStreamError):
        list(stream)


@pytest.mark.parametrize("event", [{}, {"contentBlockDelta": {}}, {"messageStart": None}], ids=plain)
def test_an_event_that_is_none_is_a_decode_error(event):
    source, stream = stream_of(START, event, STOP)
    with pytest.raises(DecodeError) as caught:
        list(stream)
    assert caught.value.code == "MalformedEvent"
    assert source.closed == 1


def test_a_short_page_instead_of_a_stream_is_a_decode_error():
    _, stream = stream_of(content_type="text/html")
    with pytest.raises(DecodeError, match="is text/html, not an event stream") as caught:
        list(stream)
    assert caught.value.code == "NotAnEventStream"


def test_a_stream_that_speaks_for_itself_need_not_have_the_right_content_type():
    _, stream = stream_of(*WHOLE, content_type="application/octet-stream")
    assert stream.response.text == "Hello"


def test_leaving_the_block_early_closes_and_iterating_then_stops():
    source, stream = stream_of(*WHOLE)
    with stream:
        next(stream)
    stream.close()
    assert source.closed == 1
    assert list(stream) == []
    with pytest.raises(IncompleteStreamError, match="closed before the model had finished") as caught:
        assert stream.response
    assert (caught.value.code, caught.value.retryable) == ("StreamClosed", False)


def test_a_response_is_there_although_the_stream_was_left_after_its_message():
    _, stream = stream_of(*WHOLE)
    with stream:
        for event in stream:
            if isinstance(event, MessageStop):
                break
    assert (stream.response.text, stream.response.usage) == ("Hello", None)


def test_a_stream_that_was_read_to_its_end_keeps_its_connection():
    source, stream = stream_of(*WHOLE)
    with stream:
        assert stream.response
    assert source.closed == 0


def test_an_interrupt_is_not_swallowed_and_the_rest_is_not_taken_for_whole():
    _, stream = stream_of(START, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        list(stream)
    with pytest.raises(IncompleteStreamError):
        list(stream)


def test_tool_input_is_judged_only_when_the_response_is_asked_for():
    start = {"contentBlockStart": {"start": {"toolUse": {"toolUseId": "t", "name": "f"}}, "contentBlockIndex": 0}}
    bad = {"contentBlockDelta": {"delta": {"toolUse": {"input": "{"}}, "contentBlockIndex": 0}}
    _, stream = stream_of(START, start, bad, STOP)
    assert len(list(stream)) == 4
    for _ in range(2):
        with pytest.raises(ToolInputError) as caught:
            assert stream.response
        assert (caught.value.input_text, caught.value.request_id) == ("{", "req-1")


def test_threads_share_a_stream_without_losing_an_event():
    count = 50

    def events():
        for _ in range(count):
            time.sleep(0.001)  # as long as the network takes, in which the other thread comes too
            yield text("x")
        yield STOP

    stream = typed_stream({"stream": events()})
    seen = [[], []]
    threads = [threading.Thread(target=mine.extend, args=(stream,)) for mine in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(map(len, seen)) == count + 1
    assert len(stream.response.text) == count


def test_a_read_that_loses_its_connection_to_a_close_elsewhere_just_ends():
    stream = None

    class Closing(Source):
        def __iter__(self):
            yield START
            stream.close()
            raise ValueError("I/O operation on closed file")

    stream = typed_stream({"stream": Closing()})
    assert list(stream) == [MessageStart("assistant")]


def test_a_stream_that_ends_because_another_thread_closed_it_is_not_taken_for_whole():
    stream = None

    class Closing(Source):
        def __iter__(self):
            yield START
            stream.close()

    stream = typed_stream({"stream": Closing()})
    assert list(stream) == [MessageStart("assistant")]
    with pytest.raises(IncompleteStreamError) as caught:
        assert stream.response
    assert caught.value.code == "StreamClosed"


@pytest.mark.parametrize(
    ("response", "found"),
    [
        ({"output": {}, "stopReason": "end_turn"}, "not output, stopReason"),
        ({}, "not an empty one"),
        ([START, STOP], "not list"),
        (None, "not NoneType"),
    ],
    ids=plain,
)
def test_what_is_no_response_to_converse_stream_is_told_with_what_it_is(response, found):
    with pytest.raises(ConfigurationError, match=found) as caught:
        typed_stream(response)
    assert caught.value.setting == "response"


def test_plain_events_are_a_stream_too():
    assert typed_stream({"stream": [*WHOLE]}).response.text == "Hello"


def test_a_connection_that_is_made_again_after_the_reader_has_left_is_closed(monkeypatch):
    monkeypatch.setattr("bedrock_auth.bedrock.retry.backoff", lambda *_: 0.0)
    stream, sources = ConverseStream(), []

    def connect():
        if sources:
            stream.close()
        sources.append(Source(*(WHOLE if sources else [])))
        return Opened.of({"stream": sources[-1]}, Call("ConverseStream"), "stream")

    assert list(stream.open(connect, RetryPolicy(3))) == []
    assert [source.closed for source in sources] == [1, 1]


def test_a_reader_that_was_hung_up_on_after_the_message_still_closes_its_connection():
    stream = None

    class HangingUp(Source):
        def __iter__(self):
            yield from (START, STOP)
            stream.hang_up()

    source = HangingUp()
    stream = typed_stream({"stream": source})
    assert len(list(stream)) == 2
    stream.close()
    assert source.closed == 1
