"""A request to a function URL, checked, as it will be signed and sent. Pure."""

from __future__ import annotations

import json as json_module
import re
from typing import TYPE_CHECKING, Any, TypedDict

from attrs import field, frozen

from bedrock_auth import __version__
from bedrock_auth.errors import ConfigurationError
from bedrock_auth.function_url.signature import SIGNATURE_HEADERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bedrock_auth.function_url.address import Address

_OURS = frozenset({*SIGNATURE_HEADERS, "host", "date", "content-length", "transfer-encoding", "connection", "expect"})
_DEFAULTS = {"User-Agent": f"bedrock-auth/{__version__}", "Accept-Encoding": "identity"}
_METHOD = re.compile(r"[A-Za-z]+")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class RequestOptions(TypedDict, total=False):
    """What a request may be made of besides its method and path; see `FunctionUrlClient.stream`."""

    json: Any
    content: bytes | str | None
    headers: Mapping[str, str] | None
    params: Mapping[str, Any] | None


@frozen
class Request:
    """What is signed, and sent as it is."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def new_request(  # noqa: PLR0913 - what a request is made of
    address: Address,
    method: str,
    path: str,
    *,
    json: Any = None,
    content: bytes | str | None = None,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, Any] | None = None,
) -> Request:
    """The request; the arguments are those of `FunctionUrlClient.stream`.

    Raises:
        ConfigurationError: it cannot be sent as it stands; the message names the argument and never its value.
    """
    if not isinstance(method, str) or not _METHOD.fullmatch(method):
        raise _wrong("method", "must be one word, such as POST")
    given = _given_headers(headers or {})
    defaults = {**_DEFAULTS, "Content-Type": "application/json"} if json is not None else _DEFAULTS
    named = {name.lower() for name in given}
    kept = {name: value for name, value in defaults.items() if name.lower() not in named}
    url = address.origin + address.target(path, params)
    return Request(method.upper(), url, {"Host": address.host, **kept, **given}, _body(json, content))


def _body(json: Any, content: object) -> bytes:
    if json is not None and content is not None:
        raise _wrong("content", "and json are both given; a request has one body")
    try:
        if json is not None:
            return json_module.dumps(json, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        if content is None or isinstance(content, str):
            return (content or "").encode()
    except (TypeError, ValueError, RecursionError):  # the text would repeat the value
        raise _wrong("json" if content is None else "content", "cannot be sent: it holds what has no form in it") from None
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    raise _wrong("content", f"must be bytes or text, which are signed as a whole, not {type(content).__name__}")


def _given_headers(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            raise _wrong("headers", "has a name that no header can have")
        if name.lower() in _OURS:
            raise _wrong("headers", f"must not have {name}: the client sets it itself")
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise _wrong("headers", f"has a value for {name} that is not one line of ASCII text")
    if len({name.lower() for name in headers}) < len(headers):
        raise _wrong("headers", "has the same header twice")
    return dict(headers)


def _wrong(setting: str, problem: str) -> ConfigurationError:
    return ConfigurationError(f"{setting} {problem}", setting=setting)
