"""The loopback endpoint under attack, over real sockets."""

from __future__ import annotations

import http.client
import json
import logging
import socket
import threading
import time
from contextlib import ExitStack, closing

import pytest

from bedrock_auth import ConfigurationError, Container, DeniedError, Host, RetrievalError
from bedrock_auth.cli.handing_over.endpoint import LOOPBACK, CredentialEndpoint, Limits
from bedrock_auth.cli.handing_over.supply import Supply
from bedrock_auth.contracts import Stability
from support.worlds import Clock, Source, fails, world

HOUR = 3600


class Place:
    """An endpoint with two routes on scripted sources, and what it told."""

    def __init__(self, stack, *behaviours, stability=Stability.STRICT, **limits):
        self.clock = Clock()
        self.told = []
        self.sources = {}
        supplies = {}
        for name in ("default", "other"):
            source = self.sources[name] = Source(self.clock, stability=stability)
            source.behaviours = [source.gives(HOUR), *behaviours] if name == "default" else [source.gives(HOUR)]
            source.host = world(self.clock)
            supplies[name] = Supply(source)
            supplies[name].first()
        self.endpoint = stack.enter_context(CredentialEndpoint(supplies, limits=Limits(**limits), tell=self.told.append))

    @property
    def port(self):
        return self.endpoint.port

    def connect(self):
        connection = socket.create_connection((LOOPBACK, self.port), 10)
        connection.settimeout(10)
        return closing(connection)

    def ask(self, path="/default", method="GET", connection=None, **headers):
        """Status, headers and body of an answer to what an SDK sends, with these changes."""
        alone = connection is None
        connection = connection or http.client.HTTPConnection(LOOPBACK, self.port, timeout=10)
        sent = {"Authorization": self.endpoint.tokens["default"], **headers}
        connection.request(method, path, headers={name: value for name, value in sent.items() if value is not None})
        answer = connection.getresponse()
        result = answer.status, dict(answer.getheaders()), answer.read()
        if alone:
            connection.close()
        return result


@pytest.fixture
def place():
    with ExitStack() as stack:
        yield lambda *behaviours, **limits: Place(stack, *behaviours, **limits)


def read_to_end(connection):
    received = b""
    try:
        while piece := connection.recv(4096):
            received += piece
    except ConnectionResetError:
        pass
    return received


def test_it_answers_as_a_container_endpoint_does_and_forbids_storing_it(place):
    status, headers, body = place().ask()
    assert status == 200
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {
        "AccessKeyId": "ASIATESTTESTTEST0001",
        "SecretAccessKey": "secret-1",
        "Token": "token",
        "Expiration": "2027-01-15T09:00:00Z",
    }


def test_this_librarys_own_container_source_takes_keys_from_it(place):
    here = place()
    environ = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": here.endpoint.url("other"),
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": here.endpoint.tokens["other"],
    }
    assert Container(host=Host.isolated(environ, clock=here.clock)).retrieve().secret_access_key == "secret-1"
    assert here.sources["other"].calls == 1


def test_it_listens_on_loopback_only(place):
    with pytest.raises(OSError, match=r"refused|unreachable|assign"):
        socket.create_connection(("127.0.0.2", place().port), 5)


REFUSED = {
    "no token": {"Authorization": None},
    "a wrong token": {"Authorization": "wrong"},
    "the token of another route": {"path": "/other"},
    "a wrong path": {"path": "/nothing"},
    "the root": {"path": "/"},
    "another host": {"Host": "localhost:1"},
    "a rebound name": {"Host": "attacker.example"},
    "origin": {"Origin": "https://attacker.example"},
    "sec-fetch": {"Sec-Fetch-Mode": "no-cors"},
    "post": {"method": "POST"},
    "head": {"method": "HEAD"},
    "options": {"method": "OPTIONS"},
    "delete": {"method": "DELETE"},
}


@pytest.mark.parametrize("name", REFUSED)
def test_every_refusal_looks_like_every_other_and_ends_the_connection(place, name):
    here = place()
    expected = here.ask("/nothing")
    assert expected[0] == 403
    assert expected[1]["Connection"] == "close"
    status, headers, body = here.ask(**REFUSED[name])
    assert (status, headers) == expected[:2]
    assert body == (b"" if name == "head" else expected[2])
    assert here.sources["default"].calls == 1


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RetrievalError("sts is down: internal.example"), 503, "Unavailable"),
        (DeniedError("not you: internal.example"), 403, "Refused"),
        (ConfigurationError("role_arn: internal.example"), 403, "Refused"),
        (ZeroDivisionError("internal.example"), 503, "Unavailable"),
    ],
    ids=["recoverable", "denied", "configuration", "foreign"],
)
def test_a_failing_source_becomes_an_error_without_internals(place, error, status, code):
    here = place(fails(error))
    here.clock.now += HOUR
    answer = here.ask()
    assert answer[0] == status
    assert set(json.loads(answer[2])) == {"code", "message"}
    assert json.loads(answer[2])["code"] == code
    assert b"internal" not in answer[2]


@pytest.mark.parametrize("stability", list(Stability), ids=lambda stability: stability.value)
def test_an_expired_set_is_never_handed_out_whatever_the_source_is(place, stability):
    here = place(fails(RetrievalError("down")), stability=stability)
    here.clock.now += HOUR - 30
    assert here.ask()[0] == 200
    here.clock.now += 31
    status, _, body = here.ask()
    assert status == 503
    assert b"secret" not in body


def test_a_set_with_fewer_than_17_minutes_left_is_renewed_before_it_is_handed_out(place):
    here = place(fails(RetrievalError("down")))
    source = here.sources["default"]
    source.behaviours = [source.gives(HOUR)]
    here.clock.now += HOUR - 16.5 * 60
    assert json.loads(here.ask()[2])["SecretAccessKey"] == "secret-2"


def test_it_renews_by_itself_while_nobody_asks(place):
    here = place(renewal_seconds=0.01)
    source = here.sources["other"]
    here.clock.now += HOUR - 17.5 * 60
    deadline = time.monotonic() + 30
    while source.calls < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert source.calls == 2


def test_a_connection_is_kept_for_so_many_requests_and_no_more(place):
    here = place(requests=3)
    connection = http.client.HTTPConnection(LOOPBACK, here.port, timeout=10)
    with closing(connection):
        kept = [here.ask(connection=connection)[1]["Connection"] for _ in range(3)]
    assert kept == ["keep-alive", "keep-alive", "close"]


def test_clients_that_keep_their_connections_do_not_shut_out_those_who_come_later(place):
    here = place(connections=6, head_seconds=30)
    with ExitStack() as stack:
        kept = []
        for _ in range(20):
            connection = stack.enter_context(closing(http.client.HTTPConnection(LOOPBACK, here.port, timeout=10)))
            status, headers, _ = here.ask(connection=connection)
            assert status == 200
            kept.append(headers["Connection"])
        assert kept[:3] == ["keep-alive"] * 3
        assert kept[3:] == ["close"] * 17


def test_requests_sent_in_one_go_are_answered_in_turn(place):
    here = place(requests=3)
    request = f"GET /default HTTP/1.1\r\nHost: 127.0.0.1:{here.port}\r\nAuthorization: {here.endpoint.tokens['default']}\r\n\r\n"
    with here.connect() as connection:
        connection.sendall(request.encode() * 5)
        assert read_to_end(connection).count(b"HTTP/1.1 200 OK") == 3


def test_a_head_that_never_ends_is_cut_off(place):
    here = place()
    with here.connect() as connection, pytest.raises((ConnectionError, TimeoutError)):  # noqa: PT012 - whichever send it is
        for _ in range(1000):
            connection.sendall(b"X-Filler: " + b"x" * 1000 + b"\r\n")
            time.sleep(0.001)
        pytest.fail("a megabyte of headers was taken")
    assert here.ask()[0] == 200


def test_a_client_that_dribbles_is_cut_off_however_steadily_it_sends(place):
    here = place(head_seconds=0.3)
    with here.connect() as connection:
        began = time.monotonic()
        try:
            while time.monotonic() - began < 30:
                connection.sendall(b"G")
                time.sleep(0.02)
        except ConnectionError:
            pass
        assert time.monotonic() - began < 20
    assert here.ask()[0] == 200


def test_a_silent_client_is_cut_off_when_its_time_is_over(place):
    here = place(head_seconds=0.2)
    with here.connect() as connection:
        connection.settimeout(4)
        assert connection.recv(1) == b""


def test_more_connections_than_there_may_be_are_refused_at_once_and_the_rest_go_on(place):
    here = place(connections=5, head_seconds=30)
    with ExitStack() as stack:
        held = [stack.enter_context(here.connect()) for _ in range(5)]
        deadline = time.monotonic() + 10
        while here.ask()[0] != 503 and time.monotonic() < deadline:
            time.sleep(0.01)
        status, headers, body = here.ask()
        assert (status, headers["Connection"], json.loads(body)["code"]) == (503, "close", "TooManyConnections")
        token = here.endpoint.tokens["default"]
        held[0].sendall(f"GET /default HTTP/1.1\r\nHost: 127.0.0.1:{here.port}\r\nAuthorization: {token}\r\n\r\n".encode())
        assert held[0].recv(4096).startswith(b"HTTP/1.1 200 OK")


def test_two_hundred_silent_clients_hold_it_up_only_until_their_time_is_over(place):
    here = place(head_seconds=0.5)
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(here.connect())
        deadline = time.monotonic() + 30
        while here.ask()[0] != 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_many_clients_at_once_cost_the_source_one_call(place):
    here = place()
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(here.ask()[0])) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert statuses == [200] * 40
    assert here.sources["default"].calls == 1


def test_closing_drops_silent_clients_and_nothing_listens_any_more(place):
    here = place(head_seconds=60)
    with here.connect() as connection:
        connection.sendall(b"GET /default HTTP/1.1\r\n")
        here.endpoint.close()
        assert read_to_end(connection) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, here.port), 5)
    here.endpoint.close()


def test_what_it_tells_and_logs_holds_no_token_and_no_key(place, caplog):
    caplog.set_level(logging.DEBUG)
    here = place(fails(RetrievalError("down")))
    here.ask()
    here.ask("/secret-path", Authorization="wrong-token")
    here.clock.now += HOUR
    here.ask()
    assert here.told == ["/default: 200", "refused: wrong path or token", "/default: 503"]
    for secret in (*here.endpoint.tokens.values(), "secret-1", "secret-path", "wrong-token"):
        assert secret not in "".join(here.told) + caplog.text + repr(here.endpoint)
