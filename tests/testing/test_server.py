import json
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from bedrock_auth.testing import LocalBedrock, Reply, Stall, Throttle

REQUEST = {"modelId": "some.model", "messages": [{"role": "user", "content": [{"text": "Hello"}]}]}


def connect(bedrock):
    host, _, port = bedrock.endpoint_url.removeprefix("http://").partition(":")
    return closing(socket.create_connection((host, int(port)), timeout=5))


def test_one_connection_serves_documents_streams_and_errors_in_turn(bedrock, wire):
    bedrock.fault(Throttle())
    statuses, ports = [], set()
    for path in ("/model/m/converse", "/model/m/converse", "/unknown", "/model/m/converse-stream", "/model/m/converse"):
        request = wire.signed(path=path)
        wire.connection.request(request["method"], path, request["body"], request["headers"])
        ports.add(wire.connection.sock.getsockname()[1])
        response = wire.connection.getresponse()
        response.read()
        statuses.append(response.status)
    assert statuses == [429, 200, 404, 200, 200]
    assert len(ports) == 1


def test_a_stream_is_sent_event_by_event_with_its_content_type(bedrock, wire):
    request = wire.signed(path="/model/m/converse-stream")
    wire.connection.request("POST", request["path"], request["body"], request["headers"])
    response = wire.connection.getresponse()
    assert response.getheader("Content-Type") == "application/vnd.amazon.eventstream"
    assert response.getheader("Transfer-Encoding") == "chunked"
    assert response.getheader("x-amzn-RequestId")
    response.read()


def test_it_listens_on_loopback_only(bedrock):
    assert bedrock._server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize("method", ["converse", "converse_stream"])
def test_closing_while_a_client_waits_is_quick_and_ends_the_wait(client_for, method):
    bedrock = LocalBedrock().start()
    bedrock.fault(Stall(after_events=0))
    client = client_for(bedrock, read_timeout=30)

    def ask():
        try:
            answer = getattr(client, method)(**REQUEST)
            return list(answer["stream"])
        except Exception as error:  # noqa: BLE001 - any error will do, as long as it comes
            return error

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(ask)
        bedrock.wait_for(1)
        begun = time.monotonic()
        bedrock.close()
        assert time.monotonic() - begun < 0.5
        assert isinstance(waiting.result(timeout=5), Exception)


def test_closing_ends_idle_connections_and_their_threads(client_for):
    bedrock = LocalBedrock().start()
    before = threading.active_count()
    with connect(bedrock) as idle:
        client_for(bedrock).converse(**REQUEST)
        assert threading.active_count() > before
        begun = time.monotonic()
        bedrock.close()
        assert time.monotonic() - begun < 0.5
        assert idle.recv(1) == b""
    deadline = time.monotonic() + 2
    while threading.active_count() >= before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() < before


def test_closing_does_not_wait_long_for_a_reply_function_that_never_returns(client_for):
    release = threading.Event()
    entered = threading.Event()
    bedrock = LocalBedrock().start()

    def stuck(_):
        entered.set()
        release.wait()
        return "late"

    bedrock.reply(stuck)
    with ThreadPoolExecutor() as pool:
        asking = pool.submit(client_for(bedrock).converse, **REQUEST)
        assert entered.wait(5)
        begun = time.monotonic()
        bedrock.close()
        assert time.monotonic() - begun < 2
        assert asking.exception(timeout=5) is not None
        release.set()


def test_closing_lets_a_reply_function_finish_that_needs_less_than_a_second(client_for):
    finished = threading.Event()
    entered = threading.Event()
    bedrock = LocalBedrock().start()

    def slow(_):
        entered.set()
        time.sleep(0.2)
        finished.set()
        return "late"

    bedrock.reply(slow)
    with ThreadPoolExecutor() as pool:
        pool.submit(client_for(bedrock).converse, **REQUEST)
        assert entered.wait(5)
        bedrock.close()
        assert finished.is_set()


def test_clients_that_leave_early_leave_no_trace(bedrock, client, capfd):
    bedrock.reply(Reply("x" * 500, chunk_size=1, delay=0.001))
    client.converse_stream(**REQUEST)["stream"].close()
    with connect(bedrock) as rude:
        rude.sendall(b"POST /model/m/converse HTTP/1.1\r\nContent-Length: 100\r\n\r\nonly this")
    with connect(bedrock) as ruder:
        ruder.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        ruder.sendall(b"POST ")
    bedrock.reply("fine")
    assert client.converse(**REQUEST)["stopReason"] == "end_turn"
    bedrock.close()
    assert capfd.readouterr() == ("", "")
    assert len(bedrock.requests) == 2


def test_a_mistake_in_a_tests_own_fault_is_not_hidden(bedrock, wire, capfd):
    class Mistaken:
        def apply(self, normal):
            normal()

    bedrock.fault(Mistaken())
    with pytest.raises(ConnectionError):
        wire.send(wire.signed())
    assert "AttributeError" in capfd.readouterr().err


@pytest.mark.parametrize("header", [b"Transfer-Encoding: chunked", b"Content-Length: many", b"Content-Length: -1"])
def test_a_request_body_without_a_length_is_refused_and_not_taken_for_the_next_request(bedrock, header):
    with connect(bedrock) as raw:
        raw.sendall(b"POST /model/m/converse HTTP/1.1\r\n" + header + b"\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 411 ")
    assert answer.count(b"HTTP/1.1") == 1


def test_a_process_ends_though_a_client_is_still_being_stalled():
    script = """
import socket, json
from bedrock_auth.testing import LocalBedrock
bedrock = LocalBedrock().start()
host, port = bedrock.endpoint_url.removeprefix("http://").split(":")
idle = socket.create_connection((host, int(port)))
print("left open")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (0, "left open\n"), done.stderr


def test_many_servers_come_and_go_quickly():
    begun = time.monotonic()
    for _ in range(10):
        with LocalBedrock():
            pass
    assert time.monotonic() - begun < 2


def test_an_error_document_is_json_with_its_code_in_the_header(wire):
    status, code, document = wire.send(wire.signed(path="/elsewhere"))
    assert (status, code) == (404, "UnknownOperationException")
    assert json.dumps(document) == '{"message": "LocalBedrock has no such route."}'
