"""Many streams of one process are read by one thread, and none of them waits for another one."""

import asyncio
import json
import os
import random
import socket
import ssl
import threading
import time
from collections import deque
from contextlib import suppress
from contextvars import ContextVar
from unittest import mock

import boto3
import pytest
from botocore.config import Config

from bedrock_auth.bedrock import BedrockRuntime, ConnectionLostError
from bedrock_auth.bedrock.transport import shared_reader
from bedrock_auth.bedrock.transport.async_reader import BUFFERED
from bedrock_auth.bedrock.transport.connection import StreamConnection
from bedrock_auth.bedrock.transport.shared_reader import Next
from bedrock_auth.testing import encode_event
from support.tls import authority

PATIENCE = 20
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def frame(kind, **body):
    return encode_event(kind, json.dumps(body).encode())


def delta(words):
    return frame("contentBlockDelta", contentBlockIndex=0, delta={"text": words})


START = frame("messageStart", role="assistant")
STOP = frame("messageStop", stopReason="end_turn")


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


class Dripping:
    """A server that says what a script has for a model's id, in just these pieces; pauses for floats, waits for events."""

    def __init__(self, script, tls=None):
        self.script = script
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._closing = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with suppress(OSError):
            while True:
                threading.Thread(target=self._talk, args=self._listener.accept()[:1], daemon=True).start()

    def _talk(self, connection):
        with suppress(OSError), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            connection.settimeout(PATIENCE)
            with connection, connection.makefile("rb") as reader:
                while line := reader.readline():
                    self._answer(connection, reader, line.split(b"/")[2].decode())

    def _answer(self, connection, reader, model):
        length = 0
        while (line := reader.readline()).strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        reader.read(length)
        for piece in self.script(model):
            if isinstance(piece, bytes):
                connection.sendall(piece)
            elif isinstance(piece, float):
                time.sleep(piece)
            else:
                piece.wait(PATIENCE)

    def close(self):
        self._listener.close()


@pytest.fixture
def drip(tmp_path):
    """A runtime that talks to a `Dripping` server."""
    servers = []

    def make(script, *, tls=False, **config):
        context, verify = authority(tmp_path) if tls else (None, None)
        servers.append(Dripping(script, context))
        session = boto3.Session("AKIAEXAMPLE", "secret", region_name="us-east-1")
        options = Config(max_pool_connections=100, **{"read_timeout": PATIENCE} | config)
        client = session.client("bedrock-runtime", endpoint_url=servers[-1].url, config=options, verify=verify)
        return BedrockRuntime(client=client)

    yield make
    for server in servers:
        server.close()


def run(coroutine):
    async def main():
        return await asyncio.wait_for(coroutine, PATIENCE)

    return asyncio.run(main())


def threads(name):
    return [thread for thread in threading.enumerate() if thread.name == f"bedrock-auth-{name}"]


async def until(condition):
    while not condition():
        await asyncio.sleep(0.01)


async def begin(runtime, model):
    """A stream whose first event has been read."""
    stream = await runtime.aconverse_stream(model, "Hi").__aenter__()
    await anext(stream)
    return stream


async def rest(stream):
    """The text of a stream from here on."""
    return "".join([piece async for piece in stream.text_stream])


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_streams_that_have_begun_share_one_thread(drip, tls):
    go_on = threading.Event()
    runtime = drip(lambda model: [HEAD + chunk(START), go_on, chunk(delta(model)), chunk(STOP) + END], tls=tls)

    async def main():
        streams = [await begin(runtime, f"m{number}") for number in range(30)]
        await until(lambda: not threads("reader"))
        count = len(threads("streams"))
        go_on.set()
        return count, await asyncio.gather(*map(rest, streams))

    count, texts = run(main())
    assert count <= 5  # the one that reads, the one that looks after it, and on a busy machine some that took over
    assert texts == [f"m{number}" for number in range(30)]


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("held_up", [1, 3])
def test_a_stream_that_stops_in_the_middle_of_an_event_holds_up_no_other(drip, tls, held_up):
    finish = threading.Event()
    whole = chunk(delta("late"))

    def script(model):
        if model == "slow":
            return [HEAD + chunk(START), 0.2, whole[:30], finish, whole[30:], chunk(STOP) + END]
        return [HEAD + chunk(START), 0.1, chunk(delta("quick")), chunk(STOP) + END]

    runtime = drip(script, tls=tls)

    async def main():
        slow = [await begin(runtime, "slow") for _ in range(held_up)]
        await asyncio.sleep(0.3)  # until the first part has come
        quick = await asyncio.gather(*[rest(await begin(runtime, "quick")) for _ in range(5)])
        finish.set()
        return quick, await asyncio.gather(*map(rest, slow))

    assert run(main()) == (["quick"] * 5, ["late"] * held_up)


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize(
    "wire",
    [chunk(delta("a") + delta("b") + delta("c")), b"".join(chunk(delta(word)) for word in "abc")],
    ids=["in one chunk", "in a chunk each"],
)
def test_events_that_come_together_are_all_there_before_more_comes(drip, tls, wire):
    go_on = threading.Event()
    runtime = drip(lambda _: [HEAD + chunk(START), 0.2, wire, go_on, chunk(STOP) + END], tls=tls)

    async def main():
        stream = await begin(runtime, "m")
        words = [(await anext(stream)).text for _ in range(3)]
        go_on.set()
        return words, await rest(stream)

    assert run(main()) == (["a", "b", "c"], "")


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("seed", range(3))
def test_whatever_the_pieces_and_the_readers_pace_every_stream_delivers_its_own_text(drip, tls, seed):
    """Frames cut anywhere, several in a chunk, chunks cut anywhere; readers that dawdle so that buffers fill up."""

    def said(model):
        chance = random.Random(f"{seed} {model}")
        words = [f"{model}-{number} " for number in range(chance.choice([1, 20, BUFFERED - 1, BUFFERED, 5 * BUFFERED]))]
        return words, chance

    def script(model):
        words, chance = said(model)
        body = b"".join(map(delta, words)) + STOP
        cuts = sorted(chance.sample(range(len(body)), min(len(body) // 50, 300)))
        parts = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True) if start < end]
        wire = b"".join(map(chunk, parts)) + END
        cuts = sorted(chance.sample(range(len(wire)), 25))
        yield HEAD + chunk(START)
        for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
            yield wire[start:end]
            yield chance.choice([0.0, 0.001, 0.03])

    runtime = drip(script, tls=tls)

    async def read(model):
        chance = random.Random(model)
        pieces = []
        async with runtime.aconverse_stream(model, "Hi") as stream:
            async for piece in stream.text_stream:
                pieces.append(piece)
                assert len(stream._reader.events) <= BUFFERED
                if chance.random() < 0.02:
                    await asyncio.sleep(0.02)
        return pieces

    async def main():
        return await asyncio.gather(*(read(f"m{number}") for number in range(25)))

    assert run(main()) == [said(f"m{number}")[0] for number in range(25)]


def test_a_stream_that_falls_silent_ends_at_the_read_timeout_and_others_go_on(drip):
    def script(model):
        if model == "silent":
            return [HEAD + chunk(START), float(PATIENCE)]
        return [HEAD + chunk(START), *[0.2, chunk(delta("x"))] * 10, chunk(STOP) + END]

    runtime = drip(script, read_timeout=0.5)

    async def main():
        silent, talking = await begin(runtime, "silent"), await begin(runtime, "talking")
        with pytest.raises(ConnectionLostError) as caught:
            await rest(silent)
        return caught.value.code, await rest(talking)

    assert run(main()) == ("ReadTimeout", "x" * 10)


def test_a_server_that_says_goodbye_in_tls_and_waits_has_ended_the_stream(tmp_path):
    """What had come by then is read together with the goodbye, and no end of the connection follows."""
    context, verify = authority(tmp_path)
    go_on, left = threading.Event(), threading.Event()

    def serve(connection):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = context.wrap_bio(incoming, outgoing, server_side=True)

        def done(step, *args):
            while True:
                try:
                    return step(*args)
                except ssl.SSLWantReadError:
                    connection.sendall(outgoing.read())
                    incoming.write(connection.recv(65536))

        done(server.do_handshake)
        request = b""
        while b"Hi" not in request:
            request += done(server.read, 65536)
        server.write(HEAD + chunk(START))
        connection.sendall(outgoing.read())
        go_on.wait(PATIENCE)
        server.write(chunk(delta("x")))
        with suppress(ssl.SSLWantReadError):
            server.unwrap()
        connection.sendall(outgoing.read())
        left.wait(PATIENCE)
        connection.close()

    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=lambda: serve(listener.accept()[0]), daemon=True).start()
    session = boto3.Session("AKIAEXAMPLE", "secret", region_name="us-east-1")
    url = f"https://127.0.0.1:{listener.getsockname()[1]}"
    runtime = BedrockRuntime(client=session.client("bedrock-runtime", endpoint_url=url, verify=verify))

    async def main():
        stream = await begin(runtime, "m")
        await asyncio.sleep(0.1)
        go_on.set()
        with pytest.raises(ConnectionLostError) as caught:
            await asyncio.wait_for(rest(stream), PATIENCE / 2)
        return caught.value.partial.text

    assert run(main()) == "x"
    left.set()
    listener.close()


def test_a_stream_whose_buffer_is_full_costs_the_others_nothing_and_goes_on_when_it_is_read(drip):
    def script(model):
        return [HEAD + chunk(START), 0.1, b"".join([chunk(delta("x"))] * 10 * BUFFERED), chunk(STOP) + END]

    runtime = drip(script)

    async def main():
        dawdling = await begin(runtime, "dawdling")
        await until(lambda: len(dawdling._reader.events) == BUFFERED)
        other = await rest(await begin(runtime, "other"))
        used = time.process_time()
        await asyncio.sleep(0.5)
        used = time.process_time() - used
        return other, used, len(dawdling._reader.events), await rest(dawdling)

    other, used, waiting, text = run(main())
    assert other == text == "x" * 10 * BUFFERED
    assert waiting == BUFFERED
    assert used < 0.25  # nobody asks again and again


@pytest.mark.parametrize("missing", ["socket.socketpair", "selectors.DefaultSelector"])
def test_where_no_descriptor_is_left_each_stream_is_read_by_its_own_thread(drip, monkeypatch, missing):
    def none_left():
        raise OSError(24, "Too many open files")

    go_on = threading.Event()
    runtime = drip(lambda model: [HEAD + chunk(START), go_on, chunk(delta(model)), chunk(STOP) + END])

    async def main():
        monkeypatch.setattr(shared_reader, "_shared", shared_reader.SharedReader())
        monkeypatch.setattr(f"bedrock_auth.bedrock.transport.shared_reader.{missing}", none_left)
        stream = await begin(runtime, "m")
        await asyncio.sleep(0.1)
        monkeypatch.undo()
        alone = len(threads("reader"))
        go_on.set()
        return alone, await rest(stream)

    assert run(main()) == (1, "m")


def test_where_no_thread_can_be_started_each_stream_is_read_by_its_own(drip, monkeypatch):
    monkeypatch.setattr(shared_reader, "_shared", shared_reader.SharedReader())
    monkeypatch.setattr(shared_reader, "_start", lambda _: False)
    go_on = threading.Event()
    runtime = drip(lambda model: [HEAD + chunk(START), go_on, chunk(delta(model)), chunk(STOP) + END])

    async def main():
        streams = [await begin(runtime, f"m{number}") for number in range(3)]
        await asyncio.sleep(0.1)
        alone = len(threads("reader"))
        go_on.set()
        return alone, await asyncio.gather(*map(rest, streams))

    assert run(main()) == (3, ["m0", "m1", "m2"])


def test_streams_beyond_what_the_system_can_wait_for_are_read_too(drip, monkeypatch):
    class Small(shared_reader.selectors.DefaultSelector):
        def register(self, *args):
            if len(self.get_map()) >= 3:
                raise ValueError("too many file descriptors in select()")  # as on Windows
            return super().register(*args)

    monkeypatch.setattr(shared_reader, "_shared", shared_reader.SharedReader())
    monkeypatch.setattr(shared_reader.selectors, "DefaultSelector", Small)
    runtime = drip(lambda model: [HEAD + chunk(START), 0.3, chunk(delta(model)), 0.1, chunk(STOP) + END])

    async def main():
        return await asyncio.gather(*[rest(await begin(runtime, f"m{number}")) for number in range(8)])

    assert run(main()) == [f"m{number}" for number in range(8)]


def test_the_threads_and_descriptors_end_when_there_is_nothing_to_read_and_begin_again(drip, monkeypatch):
    monkeypatch.setattr(shared_reader, "_LINGER", 0.1)
    monkeypatch.setattr(shared_reader, "_shared", shared_reader.SharedReader())
    runtime = drip(lambda model: [HEAD + chunk(START), 0.05, chunk(delta(model)), chunk(STOP) + END])
    for _ in range(3):
        assert run(rest_of(runtime)) == "m"
        run(until(lambda: not threads("streams")))
        assert shared_reader.shared()._selector.get_map() is None  # closed


async def rest_of(runtime):
    return await rest(await begin(runtime, "m"))


def forked(work):
    """The id of a child that does this in a thread of its own, and tells with its status whether the answer was true."""
    child = os.fork()
    if child:
        return child
    answers = []
    thread = threading.Thread(target=lambda: answers.append(work()))
    thread.start()
    thread.join(PATIENCE)
    os._exit(0 if any(answers) else 1)


async def status_of(child):
    return (await asyncio.to_thread(os.waitpid, child, 0))[1]


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@forks
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_connections_that_a_child_has_inherited_keep_nobody_busy(drip):
    go_on = threading.Event()
    runtime = drip(lambda model: [HEAD + chunk(START), go_on, chunk(delta(model)), chunk(STOP) + END])

    async def main():
        left, kept = await begin(runtime, "left"), await begin(runtime, "kept")
        await until(lambda: not threads("reader"))
        child = forked(lambda: time.sleep(1) is None)
        left.close()
        await asyncio.sleep(0.2)
        used = time.process_time()
        await asyncio.sleep(0.5)
        used = time.process_time() - used
        go_on.set()
        return used, await rest(kept), await status_of(child)

    used, text, status = run(main())
    assert used < 0.25
    assert (text, status) == ("kept", 0)


@forks
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_that_leaves_its_parents_stream_still_reads_its_own(drip):
    runtime = drip(lambda _: [HEAD + chunk(START), 0.1, b"".join([chunk(delta("x"))] * 5 * BUFFERED), chunk(STOP) + END])

    async def main():
        stream = await begin(runtime, "parent")
        await until(lambda: len(stream._reader.events) == BUFFERED)
        await asyncio.sleep(0.1)

        async def in_child():
            own = await begin(runtime, "own")
            stream.close()
            await asyncio.sleep(2 * shared_reader._LINGER + 0.2)  # it is full meanwhile, and there is nothing else
            return await rest(own) == "x" * 5 * BUFFERED

        child = forked(lambda: asyncio.run(in_child()))
        return await status_of(child), await rest(stream)

    assert run(main()) == (0, "x" * 5 * BUFFERED)


@forks
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_reads_its_own_streams_and_leaves_its_parents_alone(drip):
    go_on = threading.Event()
    runtime = drip(
        lambda model: [HEAD + chunk(START), *([go_on] if model == "parent" else [0.1]), chunk(delta(model)), chunk(STOP) + END]
    )

    async def main():
        stream = await begin(runtime, "parent")
        await until(lambda: not threads("reader"))
        status = await status_of(forked(lambda: asyncio.run(rest_of(runtime)) == "m"))
        go_on.set()
        return status, await rest(stream)

    assert run(main()) == (0, "parent")


def test_until_its_first_event_a_stream_keeps_its_thread(drip):
    go_on = threading.Event()
    runtime = drip(lambda model: [HEAD, go_on, chunk(START), chunk(delta(model)), chunk(STOP) + END])

    async def main():
        stream = await runtime.aconverse_stream("m", "Hi").__aenter__()
        await asyncio.sleep(0.1)
        count = len(threads("reader"))
        go_on.set()
        return count, await rest(stream)

    assert run(main()) == (1, "m")


def test_a_stream_that_finds_its_buffer_full_just_before_it_was_taken_reads_on(drip):
    reader = drip(lambda _: []).aconverse_stream("m", "Hi")._reader
    reader._arrivals.extend(range(BUFFERED))
    assert reader._needs_room()
    reader._arrivals.clear()
    assert not reader._needs_room()
    assert not reader._stop_needing_room()  # so nobody resumes what is not waiting


def test_a_stream_that_was_left_just_as_it_finds_its_buffer_full_reads_on(drip):
    reader = drip(lambda _: []).aconverse_stream("m", "Hi")._reader
    reader._arrivals.extend(range(BUFFERED))
    reader.leave()
    assert not reader._needs_room()


def test_a_connection_without_a_timeout_is_never_overdue_and_a_closed_one_has_something_to_tell():
    stream = Watched()
    stream.connection.wait()
    assert not stream.connection.is_overdue(1e300)
    stream.close()
    assert stream.connection.has_data()  # so that reading it tells that it is closed
    stream.connection.wait()
    stream.connection.fail_at_once()


def test_a_stream_is_read_in_its_callers_context(drip):
    caller = ContextVar("caller")
    caller.set("mine")
    reader = drip(lambda _: []).aconverse_stream("m", "Hi")._reader
    caller.set("another one's")
    seen = []
    reader.stream = mock.MagicMock(__next__=lambda _: seen.append(caller.get()) or object(), has_more=False)
    reader.advance()
    assert seen == ["mine"]


def test_a_stream_that_never_runs_dry_lets_others_have_their_turn(drip):
    reader = drip(lambda _: []).aconverse_stream("m", "Hi")._reader
    reader.stream = mock.MagicMock(**{"__next__": lambda _: object(), "has_more": True, "has_said_all.return_value": False})
    reader._arrivals = deque(maxlen=1)  # taken as fast as it comes
    assert reader.advance() is Next.TURN


class Watched:
    """A stream over a socket pair, which does at each turn what it is told."""

    def __init__(self, *turns):
        mine, self.peer = socket.socketpair()
        self.file = mine.makefile("rb")
        self.connection = StreamConnection(self.file, mine)
        self.turns = iter(turns)

    def advance(self):
        return next(self.turns)()

    def close(self):
        for thing in (self.peer, self.file, self.connection.sock):
            thing.close()


def test_a_stream_that_is_resumed_while_it_holds_up_the_others_is_not_forgotten(monkeypatch):
    reader = shared_reader.SharedReader()
    went_on, heard = threading.Event(), threading.Event()

    def hold_up():
        time.sleep(0.3)  # another thread leads by now
        reader.resume(stream)
        assert went_on.wait(PATIENCE)
        return Next.ROOM

    def go_on():
        went_on.set()
        return Next.DATA

    def end():
        heard.set()
        return Next.NOTHING

    stream = Watched(hold_up, go_on, end)
    monkeypatch.setattr(shared_reader, "_LINGER", 0.1)
    stream.peer.send(b"x")
    assert reader.watch(stream)
    assert went_on.wait(PATIENCE)
    time.sleep(0.5)
    stream.peer.send(b"y")
    assert heard.wait(PATIENCE)
    stream.close()


def test_a_stream_that_comes_while_the_thread_is_about_to_end_keeps_it(monkeypatch):
    monkeypatch.setattr(shared_reader, "_start", lambda _: True)
    reader, stream = shared_reader.SharedReader(), Watched()
    assert reader.watch(stream)
    assert not reader._retire()
    reader.close()
    stream.close()
