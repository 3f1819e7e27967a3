"""Who is let in at the loopback endpoint."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, strategies as st

from bedrock_auth.cli.handing_over import gate
from bedrock_auth.cli.handing_over.gate import Admitted, Gate, Refused, new_token

HOST = "127.0.0.1:40123"
TOKENS = {"/default": "token-of-the-default-route", "/other": "token-of-the-other-route"}
GATE = Gate(HOST, TOKENS)
GOOD = {"Host": HOST, "Authorization": TOKENS["/default"]}


def head(path="/default", method="GET", version="HTTP/1.1", **changes):
    headers = {**GOOD, **{name.replace("_", "-"): value for name, value in changes.items()}}
    lines = [f"{method} {path} {version}", *(f"{name}: {value}" for name, value in headers.items() if value is not None)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def test_the_right_path_with_its_token_at_the_right_address_is_let_in():
    assert GATE.judge(head()) == Admitted("/default", keep_alive=True)
    assert GATE.judge(head("/other", Authorization=TOKENS["/other"])) == Admitted("/other", keep_alive=True)
    assert GATE.judge(head(User_Agent="Botocore/1.44 md/Botocore#1.44", Accept="application/json", Content_Length="0"))


@pytest.mark.parametrize(
    ("version", "connection", "kept"),
    [
        ("HTTP/1.1", "close", False),
        ("HTTP/1.1", "Close", False),
        ("HTTP/1.1", "keep-alive", True),
        ("HTTP/1.0", None, False),
        ("HTTP/1.0", "keep-alive", True),
    ],
)
def test_the_connection_is_kept_as_http_says(version, connection, kept):
    assert GATE.judge(head(version=version, Connection=connection)) == Admitted("/default", keep_alive=kept)


ATTACKS = {
    "no host": head(Host=None),
    "localhost": head(Host="localhost:40123"),
    "no port": head(Host="127.0.0.1"),
    "another port": head(Host="127.0.0.1:80"),
    "a rebound name": head(Host="attacker.example:40123"),
    "a rebound name that contains the address": head(Host="127.0.0.1:40123.attacker.example"),
    "two hosts": head().replace(b"Host: ", b"Host: attacker.example\r\nHost: "),
    "origin": head(Origin="http://127.0.0.1:40123"),
    "origin null": head(Origin="null"),
    "origin in lower case": head(origin="null"),
    "sec-fetch-site": head(Sec_Fetch_Site="none"),
    "sec-fetch in lower case": head(**{"sec-fetch-mode": "cors"}),
    "no token": head(Authorization=None),
    "an empty token": head(Authorization=""),
    "a wrong token": head(Authorization="token-of-nobody"),
    "the start of the token": head(Authorization=TOKENS["/default"][:-1]),
    "more than the token": head(Authorization=TOKENS["/default"] + "x"),
    "the token of another route": head(Authorization=TOKENS["/other"]),
    "the token as a bearer": head(Authorization=f"Bearer {TOKENS['/default']}"),
    "two tokens": head().replace(b"Authorization", b"Authorization: x\r\nAuthorization"),
    "two tokens, the right one first": head().replace(b"\r\n\r\n", b"\r\nAuthorization: x\r\n\r\n"),
    "no such path": head("/"),
    "the path with a query": head("/default?x=1"),
    "the path in full": head(f"http://{HOST}/default"),
    "the path with a slash more": head("/default/"),
    "the path with dots": head("/other/../default"),
    "the path encoded": head("/%64efault"),
    "post": head(method="POST"),
    "head": head(method="HEAD"),
    "options": head(method="OPTIONS"),
    "put": head(method="PUT"),
    "a body": head(Content_Length="5"),
    "a chunked body": head(Transfer_Encoding="chunked"),
    "http/2": head(version="HTTP/2.0"),
    "http/0.9": b"GET /default\r\n\r\n",
    "a bare line feed": head().replace(b"\r\nAuth", b"\nAuth"),
    "a bare carriage return": head(X="a\rOrigin: null"),
    "a null byte": head(X="a\0b"),
    "a folded header": head(X="a\r\n b"),
    "a space before the colon": head().replace(b"Host:", b"Host :"),
    "no colon": head().replace(b"Host:", b"Host"),
    "no headers": b"GET /default HTTP/1.1\r\n\r\n",
    "two lengths": head(Content_Length="0").replace(b"\r\n\r\n", b"\r\nContent-Length: 0\r\n\r\n"),
    "nothing": b"\r\n\r\n",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_else_is(name):
    assert isinstance(GATE.judge(ATTACKS[name]), Refused)


@given(st.binary(max_size=200))
def test_any_bytes_are_judged_and_never_let_in_without_the_token(junk):
    assert isinstance(GATE.judge(junk + b"\r\n\r\n"), Refused)
    assert isinstance(GATE.judge(head(Authorization=None).replace(b"\r\n\r\n", b"\r\n" + junk + b"\r\n\r\n")), Refused)


@given(st.text(string.printable + "äß", max_size=60))
def test_a_token_is_compared_whole(shown):
    verdict = GATE.judge(head(Authorization=shown))
    assert isinstance(verdict, Admitted) == (shown.strip(" \t") == TOKENS["/default"])


def test_tokens_are_long_differ_and_fit_into_a_header():
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(token) >= 43 and token.isascii() and token.isprintable() for token in tokens)


def test_a_gate_does_not_show_its_tokens():
    assert "token-of" not in repr(GATE)


def test_what_stands_in_for_the_token_of_a_path_that_there_is_not_lets_nobody_in():
    assert isinstance(GATE.judge(head("/nothing", Authorization=gate._NOBODYS)), Refused)
