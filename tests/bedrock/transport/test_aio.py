"""asyncio: the same events, answers and errors, a loop that never waits, and nothing left behind."""

import asyncio
import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
from contextvars import ContextVar

import pytest
from botocore.config import Config
from botocore.credentials import Credentials as BotocoreCredentials

from bedrock_auth import ConfigurationError, Credentials, create_session
from bedrock_auth.bedrock import (
    BedrockError,
    BedrockRuntime,
    ConnectionLostError,
    Conversation,
    IncompleteStreamError,
    MessageStop,
    ServiceError,
    TextDelta,
    ToolInputError,
)
from bedrock_auth.bedrock.transport import threads
from bedrock_auth.bedrock.transport.async_reader import BUFFERED
from bedrock_auth.testing import (
    Cut,
    EmptyStream,
    RawEvents,
    Reply,
    ServiceError as Refusal,
    Stall,
    StreamException,
    Throttle,
    Truncate,
    text,
    tool_use,
)

PATIENCE = 10


def run(coroutine):
    """In a loop that tells what nobody has awaited or retrieved."""
    troubles = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: troubles.append(context))
        return await asyncio.wait_for(coroutine, PATIENCE)

    try:
        return asyncio.run(main())
    finally:
        gc.collect()
        assert troubles == []


def readers():
    return [thread for thread in threading.enumerate() if thread.name == "bedrock-auth-reader"]


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    deadline = time.monotonic() + PATIENCE
    while readers() and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.01)
    assert readers() == []


def deltas(count):
    body = {"contentBlockIndex": 0, "delta": {"text": "x"}}
    return RawEvents(
        [
            ("messageStart", {"role": "assistant"}),
            *[("contentBlockDelta", body)] * count,
            ("messageStop", {"stopReason": "end_turn"}),
        ]
    )


def test_events_and_response_are_those_of_the_synchronous_stream(bedrock, runtime):
    bedrock.reply([text("Hello there"), tool_use("add", {"a": 1}, tool_use_id="t")])

    async def main():
        async with runtime.aconverse_stream("m", "Hi", system="Be brief", max_tokens=5) as stream:
            events = [event async for event in stream]
            assert [event async for event in stream] == []
        return events, await stream.get_response(), stream.request_id

    events, response, request_id = run(main())
    with runtime.converse_stream("m", "Hi", system="Be brief", max_tokens=5) as stream:
        assert list(stream) == events
    assert stream.response.message == response.message
    assert response.request_id == request_id is not None
    first, second = bedrock.requests
    assert first.body == second.body


def test_a_whole_answer_can_be_awaited(bedrock, runtime):
    bedrock.reply("Hello")
    assert run(runtime.aconverse("m", "Hi", max_tokens=3)).text == "Hello"
    assert bedrock.requests[0].body["inferenceConfig"] == {"maxTokens": 3}


def test_the_text_stream_is_text_only_and_the_response_reads_the_rest(bedrock, runtime):
    bedrock.reply(Reply("Hello there", chunk_size=4))

    async def main():
        async with runtime.aconverse_stream("m", "Hi") as stream:
            piece = await anext(stream.text_stream)
            return piece, (await stream.get_response()).text

    assert run(main()) == ("Hell", "Hello there")


@pytest.mark.parametrize("count", [0, 1, BUFFERED - 1, BUFFERED, BUFFERED + 1, 1000])
def test_no_event_is_lost_or_doubled_however_many_come_at_once(bedrock, runtime, count):
    bedrock.reply(deltas(count))

    async def main():
        async with runtime.aconverse_stream("m", "Hi") as stream:
            return [type(event) async for event in stream]

    kinds = run(main())
    assert (len(kinds), kinds.count(TextDelta), kinds[-1]) == (count + 2, count, MessageStop)


def test_tasks_may_share_a_stream(bedrock, runtime):
    bedrock.reply(deltas(300))

    async def main():
        async def read(stream):
            return [event async for event in stream]

        async with runtime.aconverse_stream("m", "Hi") as stream:
            parts = await asyncio.gather(*(read(stream) for _ in range(3)))
            return sum(map(len, parts)), (await stream.get_response()).text

    assert run(main()) == (302, "x" * 300)


def test_a_slow_reader_holds_up_the_thread_and_the_service(bedrock, runtime):
    bedrock.reply(deltas(2000))

    async def main():
        async with runtime.aconverse_stream("m", "Hi") as stream:
            seen = 0
            async for _ in stream:
                seen += 1
                if seen == 10:
                    await asyncio.sleep(0.3)
                assert len(stream._reader.events) <= BUFFERED
            return seen

    assert run(main()) == 2002


@pytest.mark.parametrize(
    ("fault", "cls", "code"),
    [
        (Cut(), ConnectionLostError, "ConnectionClosed"),
        (Stall(), ConnectionLostError, "ReadTimeout"),
        (Truncate(), IncompleteStreamError, "IncompleteStream"),
        (StreamException(), ServiceError, "ThrottlingException"),
    ],
)
def test_a_stream_that_breaks_raises_what_the_synchronous_one_raises_after_what_had_come(bedrock, runtime, fault, cls, code):
    bedrock.reply("Hello out there")
    bedrock.fault(fault)
    seen = []

    async def collect(pieces):
        async for piece in pieces:
            seen.append(piece)  # noqa: PERF401 - what had come when it broke is wanted

    async def main():
        async with runtime.aconverse_stream("m", "Hi") as stream:
            with pytest.raises(cls) as caught:
                await collect(stream.text_stream)
            for read in (stream.get_response, stream.__anext__):
                with pytest.raises(cls) as again:
                    await read()
                assert again.value is caught.value
            return caught.value

    error = run(main())
    assert (error.code, error.partial.text) == (code, "".join(seen))
    assert seen


def test_a_refusal_is_raised_where_the_stream_is_entered(bedrock, runtime):
    bedrock.fault(Refusal("AccessDeniedException", 403), times=2)

    async def main():
        with pytest.raises(ServiceError) as caught:
            async with runtime.aconverse_stream("m", "Hi"):
                pytest.fail("entered")
        with pytest.raises(ServiceError):
            await runtime.aconverse("m", "Hi")
        return caught.value.code

    assert run(main()) == "AccessDeniedException"


def test_a_bad_request_is_told_at_once_or_where_it_is_sent(bedrock, runtime):
    async def main():
        with pytest.raises(ConfigurationError):
            runtime.aconverse_stream("m", "Hi", temperature=1, inferenceConfig={"temperature": 1})
        with pytest.raises(ConfigurationError, match="colour"):
            async with runtime.aconverse_stream("m", "Hi", colour="red"):
                pytest.fail("entered")
        with pytest.raises(ConfigurationError, match="colour"):
            await runtime.aconverse("m", "Hi", colour="red")

    run(main())
    assert bedrock.requests == []


def test_a_tools_broken_input_is_told_when_the_response_is_asked_for(bedrock, runtime):
    start = {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t", "name": "f"}}}
    bad = {"contentBlockIndex": 0, "delta": {"toolUse": {"input": "{"}}}
    bedrock.reply(
        RawEvents(
            [
                ("messageStart", {"role": "assistant"}),
                ("contentBlockStart", start),
                ("contentBlockDelta", bad),
                ("messageStop", {"stopReason": "tool_use"}),
            ]
        )
    )

    async def main():
        async with runtime.aconverse_stream("m", "Hi") as stream:
            with pytest.raises(ToolInputError):
                await stream.get_response()

    run(main())


@pytest.mark.usefixtures("no_backoff")
def test_before_its_first_event_a_stream_is_opened_again(bedrock, runtime):
    bedrock.reply("Hello")
    bedrock.fault(Throttle(), EmptyStream())

    async def main():
        async with runtime.aconverse_stream("m", "Hi") as stream:
            return (await stream.get_response()).text

    assert run(main()) == "Hello"
    assert len(bedrock.requests) == 3


def test_leaving_early_returns_at_once_and_closes_the_connection(connect):
    peer, runtime = connect(START, ends=False)

    async def main():
        async with runtime.aconverse_stream("m", "Hi") as stream:
            await anext(stream)
            left_at = time.monotonic()
        took = time.monotonic() - left_at
        assert [event async for event in stream] == []
        with pytest.raises(IncompleteStreamError) as caught:
            await stream.get_response()
        stream.close()
        return took, caught.value.code, stream

    took, code, stream = run(main())
    assert took < 0.2
    assert code == "StreamClosed"
    assert peer.left.wait(2)
    assert stream.request_id is None  # it is not the garbage collector that has closed it


def test_leaving_while_the_thread_waits_for_room_closes_the_connection(connect):
    delta = ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "x"}})
    peer, runtime = connect(START, *[delta] * (BUFFERED + 10), ends=False)

    async def main():
        async with runtime.aconverse_stream("m", "Hi") as stream:
            while len(stream._reader.events) < BUFFERED:
                await asyncio.sleep(0.01)
        return stream

    stream = run(main())
    assert peer.left.wait(2)
    assert stream.request_id is None  # it is not the garbage collector that has closed it


def test_what_had_come_but_was_not_read_is_gone_after_leaving(bedrock, runtime):
    bedrock.reply(deltas(30))

    async def main():
        async with runtime.aconverse_stream("m", "Hi") as stream:
            while not stream._reader.is_finished:
                await asyncio.sleep(0.01)
            await anext(stream)
            waiting = len(stream._reader.events)
            stream._reader.leave()
            return waiting, [event async for event in stream]

    assert run(main()) == (31, [])


def test_a_thread_that_finds_the_buffer_full_just_after_it_was_left_does_not_wait(runtime):
    reader = runtime.aconverse_stream("m", "Hi")._reader
    reader.leave()
    reader._arrivals.extend(range(BUFFERED))
    thread = threading.Thread(target=reader._wait_for_room, daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()


def test_an_event_that_comes_just_before_the_loop_waits_is_not_overlooked(bedrock, runtime):
    async def main():
        async with runtime.aconverse_stream("m", "Hi") as stream:
            await anext(stream)
            while not stream._reader.is_finished:
                await asyncio.sleep(0.01)
            await asyncio.wait_for(stream._reader.wait(), 1)

    run(main())


def test_a_task_that_is_cancelled_while_it_waits_for_an_event_closes_the_connection(connect):
    peer, runtime = connect(START, ends=False)

    async def main():
        begun = asyncio.Event()

        async def read():
            async with runtime.aconverse_stream("m", "Hi") as stream:
                async for _ in stream:
                    begun.set()

        task = asyncio.create_task(read())
        await begun.wait()
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - started

    assert run(main()) < 0.2
    assert peer.left.wait(2)


def test_a_timeout_while_a_full_buffer_waits_ends_the_thread_too(bedrock, runtime):
    bedrock.reply(deltas(3000))

    async def main():
        async def dawdle():
            async with runtime.aconverse_stream("m", "Hi") as stream:
                await anext(stream)
                await asyncio.sleep(5)

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(dawdle(), 0.2)

    run(main())


class Late:
    """The service takes its time to answer at all; says when it was asked."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.asked = threading.Event()

    def apply(self, normal):
        self.asked.set()
        time.sleep(self.seconds)
        return normal()


@pytest.mark.parametrize("whole", [False, True], ids=["stream", "whole answer"])
def test_cancelling_while_the_call_is_being_opened_returns_at_once_and_the_late_answer_is_closed(connect, whole):
    peer, runtime = connect(START, ends=whole, wait=0.5)

    stream = runtime.aconverse_stream("m", "Hi")  # held until the end, so that no garbage collector closes it

    async def main():
        async def use():
            if whole:
                await runtime.aconverse("m", "Hi")
            async with stream:
                pytest.fail("entered")

        task = asyncio.create_task(use())
        await asyncio.to_thread(peer.asked.wait, 5)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - started

    assert run(main()) < 0.2
    if not whole:
        assert peer.left.wait(5)


def test_what_was_cancelled_is_not_sent_again(bedrock, session, monkeypatch):
    monkeypatch.setattr("bedrock_auth.bedrock.retry.backoff", lambda *_: 15.0)
    waits = threading.Semaphore(0)
    runtime = BedrockRuntime(session, listeners=[lambda _: waits.release()])
    bedrock.fault(Throttle(), times=9)

    async def use_stream():
        async with runtime.aconverse_stream("m", "Hi"):
            pytest.fail("entered")

    async def main():
        for use in (use_stream, lambda: runtime.aconverse("m", "Hi")):
            task = asyncio.create_task(use())
            assert await asyncio.to_thread(waits.acquire, timeout=5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(main())
    assert len(bedrock.requests) == 2


def test_what_was_cancelled_before_its_thread_started_is_never_sent(bedrock, runtime, monkeypatch):
    jobs = []
    monkeypatch.setattr(threads._starter, "start", jobs.append)

    async def use_stream():
        async with runtime.aconverse_stream("m", "Hi"):
            pytest.fail("entered")

    async def main():
        for use in (use_stream, lambda: runtime.aconverse("m", "Hi")):
            task = asyncio.create_task(use())
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(main())
    for job in jobs:
        job.run(lambda: None)
    assert len(jobs) == 2
    assert bedrock.requests == []


@pytest.mark.parametrize("name", ["bedrock-auth-reader", "bedrock-auth-starter"])
def test_a_thread_that_cannot_be_started_is_an_error_for_whoever_waits(bedrock, runtime, monkeypatch, name):
    start = threading.Thread.start

    def refuse(thread):
        if thread.name == name:
            raise RuntimeError("can't start new thread")
        start(thread)

    async def main():
        with pytest.raises(RuntimeError, match="new thread"):
            await runtime.aconverse("m", "Hi")
        with pytest.raises(RuntimeError, match="new thread"):
            async with runtime.aconverse_stream("m", "Hi"):
                pytest.fail("entered")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        run(main())
    assert run(runtime.aconverse("m", "Hi")).text == "You said: “Hi”"


def test_a_bug_in_a_handler_of_the_callers_is_raised_in_the_loop(session):
    client = session.client("bedrock-runtime")

    def handler(**_):
        raise ZeroDivisionError

    client.meta.events.register("before-send", handler)
    runtime = BedrockRuntime(client=client)

    async def main():
        with pytest.raises(ZeroDivisionError):
            await runtime.aconverse("m", "Hi")
        with pytest.raises(ZeroDivisionError):
            async with runtime.aconverse_stream("m", "Hi"):
                pytest.fail("entered")

    run(main())


caller = ContextVar("caller")


@pytest.mark.usefixtures("no_backoff")
def test_each_call_is_signed_as_the_caller_of_its_task_also_when_it_is_opened_again(bedrock):
    keys = {f"AKIACALLER{index:010}": Credentials(f"AKIACALLER{index:010}", "secret") for index in range(8)}
    for credentials in keys.values():
        bedrock.add_key(credentials)
    client = create_session(lambda: bedrock.credentials).client("bedrock-runtime")

    def before_sign(request, **_):
        chosen = BotocoreCredentials(caller.get(), "secret")
        request.context["signing"] = {**request.context.get("signing", {}), "request_credentials": chosen}

    client.meta.events.register("before-sign", before_sign)
    runtime = BedrockRuntime(client=client, retries=9)
    bedrock.fault(Throttle(), times=4)

    async def use(name):
        caller.set(name)
        stream = runtime.aconverse_stream("m", name)
        whole = await runtime.aconverse("m", name)
        caller.set("somebody else")
        async with stream:
            assert (await stream.get_response()).text == whole.text
        return whole.text

    async def main():
        return await asyncio.gather(*map(use, keys))

    assert run(main()) == [f"You said: “{name}”" for name in keys]
    assert len(bedrock.requests) == 20
    for request in bedrock.requests:
        assert request.body["messages"][0]["content"] == [{"text": request.access_key_id}]


class Heartbeat:
    """The longest time that the event loop did nothing for others."""

    def __init__(self):
        self.worst = 0.0

    async def __aenter__(self):
        self._task = asyncio.create_task(self._beat())
        await asyncio.sleep(0.05)
        self.worst = 0.0
        return self

    async def __aexit__(self, *_):
        self._task.cancel()

    async def _beat(self):
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.001)
            self.worst = max(self.worst, loop.time() - before - 0.001)


@pytest.mark.slow
def test_the_loop_waits_neither_for_credentials_nor_for_a_slow_model(bedrock, monkeypatch):
    """Each of them takes half a second."""

    def slow():
        time.sleep(0.5)
        return bedrock.credentials

    runtime = BedrockRuntime(create_session(slow))
    bedrock.fault(Late(0.5), Late(0.5))

    async def main():
        async with Heartbeat() as heartbeat:
            answer = await runtime.aconverse("m", "Hi")
            async with runtime.aconverse_stream("m", "Hi") as stream:
                await stream.get_response()
            return answer.text, heartbeat.worst

    answer, worst = run(main())
    assert answer == "You said: “Hi”"
    assert worst < 0.45


def test_closing_does_not_wait_for_a_thread_that_is_still_reading(connect):
    _, runtime = connect(START, ends=False)

    async def main():
        async with runtime.aconverse_stream("m", "Hi") as stream, Heartbeat() as heartbeat:
            await anext(stream)
            stream.close()
            return heartbeat.worst

    assert run(main()) < 0.3


def test_a_stream_that_is_forgotten_is_closed_when_it_is_collected(connect):
    peer, runtime = connect(START, ends=False)

    async def main():
        stream = await runtime.aconverse_stream("m", "Hi").__aenter__()
        await anext(stream)
        del stream
        gc.collect()
        await asyncio.to_thread(peer.left.wait, 5)

    run(main())
    assert peer.left.is_set()


@pytest.mark.parametrize("closed", [True, False])
def test_a_stream_that_outlives_its_loop_is_closed(connect, closed):
    peer, runtime = connect(START, ends=False)
    loop = asyncio.new_event_loop()

    async def begin():
        stream = await runtime.aconverse_stream("m", "Hi").__aenter__()
        await anext(stream)
        return stream

    stream = loop.run_until_complete(begin())
    if closed:
        loop.close()
    del stream
    gc.collect()
    assert peer.left.wait(5)
    loop.close()


def test_several_loops_may_share_a_runtime(bedrock, runtime):
    results = []

    async def use():
        async with runtime.aconverse_stream("m", "Hi") as stream:
            return (await stream.get_response()).text

    workers = [threading.Thread(target=lambda: results.append(asyncio.run(use()))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert results == ["You said: “Hi”"] * 4


def test_many_streams_at_once_are_all_read(bedrock, session):
    runtime = BedrockRuntime(session, config=Config(max_pool_connections=100))
    bedrock.reply(deltas(50))

    async def use():
        async with runtime.aconverse_stream("m", "Hi") as stream:
            return len([event async for event in stream])

    async def main():
        return await asyncio.gather(*(use() for _ in range(60)))

    assert run(main()) == [52] * 60


PROGRAM = """
import asyncio, os, sys
import boto3
from bedrock_auth.bedrock import BedrockRuntime

session = boto3.Session("AKIAEXAMPLE", "secret", region_name="us-east-1")
runtime = BedrockRuntime(client=session.client("bedrock-runtime", endpoint_url=sys.argv[1]))

async def begin():
    stream = await runtime.aconverse_stream("m", "Hi").__aenter__()
    await anext(stream)
    return stream

loop = asyncio.new_event_loop()
stream = loop.run_until_complete(begin())
"""


def program(peer, rest):
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM + textwrap.dedent(rest), peer.url]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True, env=dict(os.environ))


@pytest.mark.slow
@pytest.mark.parametrize("rest", ["", "del stream", "loop.close()", "asyncio.run(begin())"])
def test_a_stream_left_open_does_not_keep_a_program_from_ending(connect, rest):
    peer, _ = connect(START, ends=False)
    assert program(peer, rest).stderr == ""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_neither_hangs_nor_hangs_up_for_its_parent(connect):
    peer, _ = connect(START, ends=False)
    said = program(
        peer,
        """
        import gc, time
        from bedrock_auth.bedrock.transport import threads
        threads._starter._working = True  # as if a thread of the parent's were about to start another one
        stream._stream._swapping.acquire()  # as if the reader had it
        child = os.fork()
        if not child:
            del stream
            gc.collect()
            async def again():
                task = asyncio.create_task(begin())
                await asyncio.wait_for(task, 5)
            asyncio.run(again())
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        stream._stream._swapping.release()
        time.sleep(0.1)
        print(stream._reader.is_finished)
        os._exit(0)
        """,
    )
    assert said.stdout.strip() == "False"


START = ("messageStart", {"role": "assistant"})


def test_errors_of_all_kinds_are_the_family(bedrock, runtime):
    bedrock.fault(Cut(1))

    async def main():
        async with runtime.aconverse_stream("m", "Hi") as stream:
            with pytest.raises(BedrockError):
                await stream.get_response()

    run(main())


def test_a_stream_that_is_used_in_another_way_than_in_its_block_says_how_it_is_used(bedrock, runtime):
    async def main():
        stream = runtime.aconverse_stream("m", "Hi")
        for use in (stream.__anext__, stream.get_response):
            with pytest.raises(RuntimeError, match="in its block: async with"):
                await use()
        async with stream:
            with pytest.raises(RuntimeError, match="entered once"):
                await stream.__aenter__()
            return (await stream.get_response()).text

    assert run(main()) == "You said: “Hi”"
    assert len(bedrock.requests) == 1


@pytest.mark.parametrize("fault", [None, Cut(3), StreamException(after_events=3)])
def test_closing_is_the_same_whether_the_thread_has_read_everything_already_or_not(bedrock, runtime, fault):
    bedrock.reply("Hello out there")
    if fault is not None:
        bedrock.fault(fault)

    async def main():
        async with runtime.aconverse_stream("m", "Hi") as stream:
            await anext(stream)
            while not stream._reader.is_finished:
                await asyncio.sleep(0.01)
            stream.close()
            assert [event async for event in stream] == []
            with pytest.raises(IncompleteStreamError) as caught:
                await stream.get_response()
            return caught.value.code

    assert run(main()) == "StreamClosed"


def test_closing_after_message_stop_was_read_keeps_the_answer_as_in_the_synchronous_stream(bedrock, runtime):
    bedrock.reply("Hello")

    async def main():
        async with runtime.aconverse_stream("m", "Hi") as stream:
            async for event in stream:
                if isinstance(event, MessageStop):
                    stream.close()
            return (await stream.get_response()).text

    assert run(main()) == "Hello"


def test_a_conversation_whose_stream_was_closed_stays_as_it_was_although_the_thread_had_read_everything(bedrock, runtime):
    chat = Conversation()

    async def main():
        async with chat.astream(runtime, "m", "Hi") as stream:
            await anext(stream)
            while not stream._reader.is_finished:
                await asyncio.sleep(0.01)
            stream.close()

    run(main())
    assert chat.messages == ()


def test_a_stream_that_was_not_entered_has_no_request_id(runtime):
    assert runtime.aconverse_stream("m", "Hi").request_id is None


def test_a_bug_that_would_end_an_iteration_is_an_error_in_the_loop_and_nobody_waits_for_ever(session):
    client = session.client("bedrock-runtime")

    def handler(**_):
        raise StopIteration

    client.meta.events.register("before-send", handler)
    runtime = BedrockRuntime(client=client)

    async def main():
        with pytest.raises(RuntimeError, match="StopIteration") as caught:
            await runtime.aconverse("m", "Hi")
        assert isinstance(caught.value.__cause__, StopIteration)
        with pytest.raises(RuntimeError, match="StopIteration"):
            async with runtime.aconverse_stream("m", "Hi"):
                pytest.fail("entered")

    run(main())
