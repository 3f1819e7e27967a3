"""Who may have credentials of the loopback endpoint: pure rules over the head of one HTTP request.

A program is let in that asks with GET for the path of a route and shows that route's token, at exactly the address that it was
told, and does not say that it is a browser. Web pages can reach loopback, also under a name of their own that they have made to
point there (DNS rebinding); the ``Host`` header gives those away, ``Origin`` and ``Sec-Fetch-*`` the rest. Everybody else gets
one and the same refusal, so nobody learns which paths there are.
"""

from __future__ import annotations

import hmac
import re
import secrets
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_HEAD_BYTES = 16_384
_HEAD = re.compile(rb"GET (?P<path>/[!-~]*) HTTP/1\.(?P<minor>[01])\r\n(?P<headers>(?:[!-9;-~]+:[^\r\n\0]*\r\n)+)\r\n")
"""Stricter than readers of HTTP have to be: nothing that two of them could take for different headers."""
_TOKEN_BYTES = 32
_NOBODYS = secrets.token_urlsafe(_TOKEN_BYTES)


def new_token() -> str:
    """A token that cannot be guessed and fits into a header, a file and a variable."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


@frozen
class Admitted:
    """A request that may be answered."""

    route: str
    keep_alive: bool


@frozen
class Refused:
    """A request that may not; the reason is for this side only."""

    reason: str


@frozen
class Gate:
    """The routes that there are, and the address at which they are asked for."""

    authority: str
    """What ``Host`` must say, such as ``127.0.0.1:40123``."""
    tokens: Mapping[str, str] = field(repr=False)
    """Path to token."""

    def judge(self, head: bytes) -> Admitted | Refused:
        """Whether the head of a request, its blank line included, is let in."""
        match = _HEAD.fullmatch(head)
        if match is None:
            return Refused("not a GET request, or a malformed one")
        headers = _fields(match["headers"])
        reason = self._oddity(headers)
        path = match["path"].decode()
        known = self._knows(path, headers.get("authorization", [""]))
        if reason or not known:
            return Refused(reason or "wrong path or token")
        return Admitted(path, _keeps_alive(headers, match["minor"]))

    def _oddity(self, headers: Mapping[str, list[str]]) -> str:
        if headers.get("host") != [self.authority]:
            return "another Host"
        if any(name == "origin" or name.startswith("sec-fetch-") for name in headers):
            return "a browser"
        if "transfer-encoding" in headers or headers.get("content-length", ["0"]) != ["0"]:
            return "a body"
        return ""

    def _knows(self, path: str, shown: list[str]) -> bool:
        """Whether the one token that is shown is this path's; as much is compared for a path that there is not."""
        same = hmac.compare_digest(shown[0].encode(), self.tokens.get(path, _NOBODYS).encode())
        return same and len(shown) == 1 and path in self.tokens


def _fields(lines: bytes) -> dict[str, list[str]]:
    """The values of each header, by its name in lower case."""
    fields: dict[str, list[str]] = {}
    for line in lines.decode("latin-1").removesuffix("\r\n").split("\r\n"):
        name, _, value = line.partition(":")
        fields.setdefault(name.lower(), []).append(value.strip(" \t"))
    return fields


def _keeps_alive(headers: Mapping[str, list[str]], minor: bytes) -> bool:
    said = ",".join(headers.get("connection", [])).lower()
    return "close" not in said if minor == b"1" else "keep-alive" in said
