"""What the sources that ask over HTTP share: how a URL and a key are checked, one request, and how its answer is read.

Whom they may ask: anybody over https, over plain http only this machine and AWS's own addresses that belong to the source.
A name that is asked over plain http is resolved here, every one of its addresses must be allowed, and the one that was checked is
the one that is connected to.
"""

from __future__ import annotations

import ipaddress
import json
import math
import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from attrs import frozen

from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import CredentialError, RetrievalError
from bedrock_auth.http import Answer, NoAnswerError, OversizedAnswerError, literal_address
from bedrock_auth.providers._settings import wrong
from bedrock_auth.redaction import hiding, redact

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from bedrock_auth.host import Host

OK = 200
NO_ANSWER = "NoAnswer"
"""Code of the error where no HTTP answer came."""
LONGEST_KEY = 16_384

_URL = re.compile(r"https?://[!#$%&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]+", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9._-]+")
_LIKE_A_NUMBER = re.compile(r"(.*\.)?(\d+|0x[0-9a-f]*)\.?")
"""As resolvers see it, which read ``2852039166`` and ``0251.0376.0251.0376`` as 169.254.169.254."""
_SHORTEST_SECRET = 4
"""Masking anything shorter would only make messages unreadable."""
_LONGEST_DETAIL = 600


def web_url(kind: str, setting: str, value: object) -> SplitResult:
    """The parts of an http or https URL without user info, fragment or anything that two parsers could read differently."""
    if not isinstance(value, str) or not _URL.fullmatch(value.strip()):
        raise wrong(kind, setting, "must be a URL such as https://api.example.com/prod, in ASCII characters without spaces")
    try:
        parts = urlsplit(value.strip())
        hostname, port = parts.hostname or "", parts.port
    except ValueError:
        raise wrong(kind, setting, "is not a URL: its host or port cannot be read") from None
    if "@" in parts.netloc:
        raise wrong(kind, setting, "must not hold a user name or password")
    if parts.fragment:
        raise wrong(kind, setting, "must not have a fragment (#)")
    if port == 0 or not _is_plain(hostname):
        raise wrong(kind, setting, "must name a host, by its name or an address spelt like 192.0.2.1, and no port 0")
    return parts


def _is_plain(hostname: str) -> bool:
    """Whether this is a name, or an address in the one form that everybody reads alike."""
    if ":" not in hostname and not _LIKE_A_NUMBER.fullmatch(hostname):
        return _NAME.fullmatch(hostname) is not None
    try:
        return "%" not in hostname and bool(ipaddress.ip_address(hostname))
    except ValueError:
        return False


def is_local(hostname: str) -> bool:
    """Whether this is ``localhost`` or an address of this machine; other names are not resolved."""
    address = literal_address(hostname)
    return hostname == "localhost" or (address is not None and address.is_loopback)


def header_value(kind: str, setting: str, value: object) -> str:
    """A key or token that can be sent as a header; its value is never shown."""
    text = value.strip(" \t") if isinstance(value, str) else ""
    if text and len(text) <= LONGEST_KEY and text.isascii() and text.isprintable():
        return text
    raise wrong(kind, setting, "must be one line of ASCII text that is not empty, without a line break (\\r or \\n)")


def file_text(kind: str, setting: str, path: Path) -> str:
    """The text of a file that holds a key, read now."""
    try:
        with path.open("rb") as file:
            return file.read(LONGEST_KEY + 1).decode()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise wrong(kind, setting, f"names the file {str(path)!r}, which cannot be read: {why}") from None


@frozen
class Target:
    """What to ask, once it is known that it may be asked."""

    url: str
    headers: Mapping[str, str]


def allowed_targets(  # noqa: PLR0913 - who asks, whom, and what is allowed
    parts: SplitResult, *, kind: str, setting: str, host: Host, fixed: Collection[str], timeout: float
) -> tuple[Target, ...]:
    """The URL, if it may be asked: with its address in place of its name where it is plain http, so none can slip in later.

    Raises:
        ConfigurationError: plain http to something that is neither this machine nor one of the ``fixed`` addresses.
        RetrievalError: the name has no address now.
    """
    hostname = parts.hostname or ""
    if parts.scheme == "https" or hostname == "localhost":
        return (Target(parts.geturl(), {}),)
    literal = literal_address(hostname)
    addresses = (hostname,) if literal else _addresses(hostname, kind, host, timeout)
    if not all(_may_be_asked(address, fixed) for address in addresses):
        listed = ", ".join(fixed)
        problem = f"is plain http to {hostname}: only https, or plain http to this machine or {listed}, is asked for credentials"
        raise wrong(kind, setting, problem)
    headers = {} if literal else {"Host": parts.netloc}
    return tuple(Target(_at(parts, address), headers) for address in addresses)


def _addresses(hostname: str, kind: str, host: Host, timeout: float) -> tuple[str, ...]:
    try:
        return host.addresses(hostname, timeout=timeout)
    except NoAnswerError as error:
        raise RetrievalError(f"{kind}: {hostname}: {error}", provider=kind, code=NO_ANSWER) from None


def _may_be_asked(text: str, fixed: Collection[str]) -> bool:
    address = literal_address(text)
    return address is not None and (address.is_loopback or address in map(ipaddress.ip_address, fixed))


def _at(parts: SplitResult, address: str) -> str:
    literal = literal_address(address)
    bracketed = f"[{literal}]" if literal is not None and literal.version == 6 else str(literal)  # noqa: PLR2004 - IPv6
    port = "" if parts.port is None else f":{parts.port}"
    return parts._replace(netloc=f"{bracketed}{port}").geturl()


def ask(  # noqa: PLR0913 - what one request is made of
    host: Host,
    asker: str,
    url: str,
    headers: Mapping[str, str],
    *,
    timeout: float,
    method: str = "GET",
    secrets: Collection[str] = (),
) -> Answer:
    """One request without a body; ``secrets`` are hidden from every log while it runs.

    Raises:
        RetrievalError: nothing answered (``code`` is `NO_ANSWER`), or the answer is too large to be credentials.
    """
    try:
        with hiding([secret for secret in secrets if len(secret) >= _SHORTEST_SECRET]):
            return host.http(method, url, headers, timeout=timeout)
    except NoAnswerError as error:
        raise RetrievalError(f"{asker}: {origin(url)}: {error}", provider=asker, code=NO_ANSWER) from None
    except OversizedAnswerError:
        msg = f"{asker}: {origin(url)} answered with more than credentials can be; check that it is the right endpoint"
        raise RetrievalError(msg, provider=asker, code="OversizedAnswer") from None


def origin(url: str) -> str:
    """As much of a URL as messages name."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def json_object(body: bytes) -> Mapping[str, Any] | None:
    """The JSON object that a body is, or ``None``."""
    try:
        decoded = json.loads(body.decode())
    except (ValueError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


def issued(answer: Answer, *, asker: str, now: float) -> Credentials:
    """The credentials in an answer.

    Raises:
        RetrievalError: there are none.
        CredentialsExpiredError: they have expired.
    """
    decoded = json_object(answer.body)
    if decoded is None:
        msg = f"{asker} did not answer with credentials: the body is no JSON object; check that it is the right endpoint"
        raise RetrievalError(msg, provider=asker, code="MalformedAnswer")
    return Credentials.from_answer(decoded, source=asker).unexpired(now)


def said(answer: Answer, *names: str) -> str:
    """The first of these fields of an error's body that is text; for decisions and debug logs, never for messages."""
    fields = json_object(answer.body) or {}
    return next((fields[name] for name in names if isinstance(fields.get(name), str)), "")


def for_the_log(text: str, secrets: Collection[str]) -> str:
    """One line of a foreign text with everything masked that is secret or looks like it."""
    return " ".join(redact(text, [secret for secret in secrets if len(secret) >= _SHORTEST_SECRET]).split())[:_LONGEST_DETAIL]


def status_error(error: type[CredentialError], answer: Answer, asker: str, meaning: str, **details: Any) -> CredentialError:
    """The error for an answer whose status is not 200."""
    msg = f"{asker}: the endpoint answered with status {answer.status}: {meaning}"
    return error(msg, **{"provider": asker, "code": str(answer.status), **details})


def retry_after(answer: Answer, now: float) -> float | None:
    """Seconds that the endpoint wishes to be left alone, from a number or an HTTP date."""
    text = answer.headers.get("retry-after", "").strip()
    try:
        wait = float(text)
    except ValueError:
        wait = _until(text, now)
    return wait if 0 < wait < math.inf else None


def _until(text: str, now: float) -> float:
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, TypeError, IndexError, OverflowError):
        return math.nan
