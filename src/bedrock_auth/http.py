"""One HTTP request to something that hands out credentials, with botocore's own HTTP client.

Proxies and CA bundles are those that AWS users expect (``HTTPS_PROXY``, ``NO_PROXY``, ``AWS_CA_BUNDLE``), but nothing on this
machine or on a link-local address is ever reached through a proxy. Redirects are not followed: the request may carry a
key. The body is read up to a cap. Time is bounded for connecting, for each silence and as a whole: the exchange runs in a
thread of its own, which is left behind when its time is up, since neither a name's resolution nor a header that drips in
can be interrupted.
"""

from __future__ import annotations

import contextvars
import ipaddress
import socket
import threading
import time
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from attrs import field, frozen

from bedrock_auth.credentials import MAX_ANSWER_BYTES
from bedrock_auth.redaction import guard_loggers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.httpsession import URLLib3Session

T = TypeVar("T")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

CONNECT_TIMEOUT = 5.0
_PIECE = 1024
_LATE = "the answer did not come in time"
_CUT = "the connection was closed in the middle of the answer"


class NoAnswerError(Exception):
    """There was no HTTP answer: refused, reset, unresolvable, timed out, or no TLS that can be trusted."""


class OversizedAnswerError(Exception):
    """The answer's body is larger than the cap."""


@frozen
class Answer:
    """An HTTP answer with its body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Lower-case names."""
    body: bytes = field(repr=False)


def exchange(method: str, url: str, headers: Mapping[str, str], *, timeout: float, ca_bundle: str | None = None) -> Answer:
    """Send one request without a body and read the answer.

    Args:
        method: ``GET`` or ``PUT``.
        url: http or https; who may be asked over plain http is for the caller to decide.
        headers: sent as they are.
        timeout: seconds for the whole exchange.
        ca_bundle: file with the certificates to trust, instead of botocore's.

    Raises:
        NoAnswerError: with the reason, which names nothing of the URL.
        OversizedAnswerError: the body is larger than `MAX_ANSWER_BYTES`.
    """
    return _within(timeout, partial(_exchange, method, url, headers, timeout, ca_bundle))


def resolve(hostname: str, *, timeout: float) -> tuple[str, ...]:
    """Every address of a name, as this system resolves it.

    Raises:
        NoAnswerError: it has none, or the resolver took longer than ``timeout`` seconds.
    """
    return _within(timeout, partial(_resolve, hostname))


def web_session(url: str, timeout: tuple[float, float], *, ca_bundle: str | None = None, connections: int = 1) -> URLLib3Session:
    """An HTTP client of botocore's for one host, with the proxies that AWS users expect; none of them for this machine.

    Args:
        url: of the host.
        timeout: seconds for connecting, and for each silence.
        ca_bundle: file with the certificates to trust, instead of botocore's.
        connections: so many are kept open at most.
    """
    from botocore.httpsession import URLLib3Session  # noqa: PLC0415 - constructing a provider must not load botocore
    from botocore.utils import get_environ_proxies  # noqa: PLC0415 - the same

    proxies = {} if is_near(urlsplit(url).hostname or "") else get_environ_proxies(url)
    settings: dict[str, Any] = {"verify": ca_bundle or True, "timeout": timeout}  # looser than botocore's types
    return URLLib3Session(proxies=proxies, max_pool_connections=connections, **settings)


def literal_address(hostname: str) -> Address | None:
    """The address that a URL's host spells, in whatever way the system would read it (``2130706433``); ``None`` for a name."""
    address: Address
    try:
        address = ipaddress.ip_address(hostname.partition("%")[0])
    except ValueError:
        try:
            address = ipaddress.IPv4Address(socket.inet_aton(hostname.removesuffix(".")))
        except (OSError, ValueError):
            return None
    return getattr(address, "ipv4_mapped", None) or address


def is_near(hostname: str) -> bool:
    """Whether the name or address is this machine or link-local, so that no proxy belongs in between."""
    if hostname.removesuffix(".") == "localhost":
        return True
    address = literal_address(hostname)
    return address is not None and (address.is_loopback or address.is_link_local or address in _FIXED)


_FIXED = (ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("fd00:ec2::23"))
"""AWS's own IPv6 addresses of the metadata and container endpoints."""


def _within(seconds: float, work: Callable[[], T]) -> T:
    """What the work returns or raises; once its time is up it ends on its own, unheard."""
    outcome: Future[T] = Future()
    run = partial(_report, outcome, partial(contextvars.copy_context().run, work))
    try:
        threading.Thread(target=run, name="bedrock-auth http", daemon=True).start()
    except RuntimeError:  # no thread can be started, as while the interpreter ends: then only each silence is bounded
        run()
    try:
        return outcome.result(seconds)
    except TimeoutError:
        raise NoAnswerError(_LATE) from None


def _report(outcome: Future[T], work: Callable[[], T]) -> None:
    try:
        outcome.set_result(work())
    except BaseException as error:  # noqa: BLE001 - whatever it is, the thread that waits must hear of it
        outcome.set_exception(error)


def _exchange(method: str, url: str, headers: Mapping[str, str], timeout: float, ca_bundle: str | None) -> Answer:
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - constructing a provider must not load botocore
    from botocore.exceptions import BotoCoreError, ProxyConnectionError  # noqa: PLC0415 - the same
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - the same

    deadline = time.monotonic() + timeout
    request = AWSRequest(method=method, url=url, headers=dict(headers))
    request.stream_output = True  # else the whole body would be read, however large
    try:
        with closing(web_session(url, (min(CONNECT_TIMEOUT, timeout), timeout), ca_bundle=ca_bundle)) as session:
            guard_loggers()
            response = session.send(request.prepare())
            body = _body(response.raw, deadline)
    except ProxyConnectionError:
        raise NoAnswerError("the proxy could not be reached, or refused") from None
    except (BotoCoreError, HTTPError, OSError, ValueError) as error:
        raise NoAnswerError(_reason(error)) from None  # its text repeats the URL
    return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, body)


def _body(raw: Any, deadline: float) -> bytes:
    """The whole body; the connection is closed in any case."""
    read = getattr(raw, "read1", raw.read)  # what is there, not what would be a full piece; urllib3 2 has it
    body = b""
    try:
        while piece := read(_PIECE, decode_content=False):
            body += piece
            if len(body) > MAX_ANSWER_BYTES:
                raise OversizedAnswerError
            if time.monotonic() > deadline:
                raise NoAnswerError(_LATE)
        if raw.length_remaining:  # botocore asks urllib3 not to mind
            raise NoAnswerError(_CUT)
    finally:
        raw.close()
    return body


def _resolve(hostname: str) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(hostname, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NoAnswerError("the name could not be resolved") from None
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


_REASONS = {
    "ConnectTimeoutError": "the connection timed out",
    "ReadTimeoutError": _LATE,
    "TimeoutError": _LATE,
    "EndpointConnectionError": "no connection could be made",
    "ConnectionClosedError": "the connection was closed without an answer",
    "ProtocolError": _CUT,
    "IncompleteRead": _CUT,
    "SSLError": "no TLS connection that can be trusted could be made; AWS_CA_BUNDLE names the certificates to trust",
}


def _reason(error: BaseException) -> str:
    return _REASONS.get(type(error).__name__, f"the exchange failed ({type(error).__name__})")
