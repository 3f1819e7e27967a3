"""A Bedrock on loopback, and runtimes that talk to it."""

import json
import socket
import threading
import time
from contextlib import suppress

import boto3
import pytest
from botocore.config import Config

from bedrock_auth import Static, create_session
from bedrock_auth.bedrock import BedrockRuntime
from bedrock_auth.testing import LocalBedrock, encode_event


@pytest.fixture
def bedrock(monkeypatch):
    with LocalBedrock() as local:
        for name, value in local.environ.items():
            monkeypatch.setenv(name, value)
        yield local


@pytest.fixture
def session(bedrock):
    keys = bedrock.credentials
    return create_session(Static(keys.access_key_id, keys.secret_access_key, keys.session_token))


@pytest.fixture
def runtime(session):
    return BedrockRuntime(session, config=Config(read_timeout=0.3))


@pytest.fixture
def no_backoff(monkeypatch):
    """What is sent again is sent at once."""
    monkeypatch.setattr("bedrock_auth.bedrock.retry.backoff", lambda *_: 0.0)


class Peer:
    """A server that speaks chunked HTTP by hand, to see when the client closes its connections."""

    def __init__(self, *frames, ends, wait):
        self.frames = frames
        self.ends = ends
        self.wait = wait
        self.asked = threading.Event()
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
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
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
        self.asked.set()
        time.sleep(self.wait)
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

    def make(*events, ends, wait=0):
        peers.append(Peer(*(encode_event(kind, json.dumps(body).encode()) for kind, body in events), ends=ends, wait=wait))
        session = boto3.Session("AKIAEXAMPLE", "secret", region_name="us-east-1")
        return peers[-1], BedrockRuntime(client=session.client("bedrock-runtime", endpoint_url=peers[-1].url))

    yield make
    for peer in peers:
        peer.close()
