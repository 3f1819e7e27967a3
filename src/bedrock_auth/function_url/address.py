"""Where a function URL is, and how a path and a query are spelt on their way there. Pure.

Paths and queries have many spellings, and signers differ in what they make of them: of ``+`` in a query, of ``(`` in a path, of
``%7e`` for ``~``. So each is sent in the one spelling in which all agree: every byte percent-encoded, in upper case, except the
unreserved characters. What is signed is what is sent then, whoever recomputes it.

Source: RFC 3986, sections 2.3 and 6.2.2; "Create a signed AWS API request" in the IAM User Guide; "Creating and managing Lambda
function URLs" in the Lambda Developer Guide.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, quote, unquote_to_bytes, urlencode, urlsplit

from attrs import frozen

from bedrock_auth.errors import ConfigurationError
from bedrock_auth.host import refuse_plain_http

if TYPE_CHECKING:
    from collections.abc import Mapping

_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_FUNCTION_URL = re.compile(
    r"[a-z0-9-]+\.lambda-url\.(?P<region>[a-z0-9-]+)\.on\.(?:aws|amazonwebservices\.com\.cn|amazonwebservices\.eu)"
)
_DEFAULT_PORTS = {"https": 443, "http": 80}


def _wrong(setting: str, problem: str) -> ConfigurationError:
    return ConfigurationError(f"{setting} {problem}", setting=setting)


def region_of(hostname: str) -> str | None:
    """The region that the host of a function URL names; ``None`` for any other host."""
    match = _FUNCTION_URL.fullmatch(hostname)
    return match["region"] if match else None


def signing_region(hostname: str, region_name: str | None) -> str:
    """The region that a request to this host is signed for.

    Raises:
        ConfigurationError: the host names none and ``region_name`` neither, or they differ.
    """
    named = region_of(hostname)
    if named is None and not region_name:
        problem = f"must be given: the host {hostname} is not that of a function URL (ID.lambda-url.REGION.on.aws)"
        raise _wrong("region_name", problem)
    if named and region_name and named != region_name:
        raise _wrong("region_name", f"is {region_name}, but the function URL is in {named}; leave it out")
    return region_name or named or ""


@frozen
class Address:
    """A function URL, checked."""

    origin: str
    """``https://host:port``."""
    host: str
    """What the Host header says."""
    base: str
    """The path that all paths begin with, as it is sent; mostly empty."""
    region_name: str

    @classmethod
    def of(cls, url: object, region_name: str | None = None) -> Address:
        """The address in a URL.

        Raises:
            ConfigurationError: it is no https URL (plain http is for this machine only), holds more than host and path, or
                nothing says the region.
        """
        parts = _parts(url)
        hostname, port = parts.hostname or "", parts.port
        bracketed = f"[{hostname}]" if ":" in hostname else hostname
        host = bracketed if port in {None, _DEFAULT_PORTS[parts.scheme]} else f"{bracketed}:{port}"
        region = signing_region(hostname, region_name)
        return cls(f"{parts.scheme}://{host}", host, spelt_path(parts.path.rstrip("/")), region)

    def target(self, path: str, params: Mapping[str, Any] | None = None) -> str:
        """Path and query of a request as they are sent.

        Args:
            path: begins with a slash, and may have a query; escapes in it, such as ``%2F``, stay what they are.
            params: put behind that query; a list as a value repeats its name.

        Raises:
            ConfigurationError: it is no such path, or has ``.`` or ``..`` as a segment.
        """
        if not isinstance(path, str) or not path.startswith("/"):
            raise _wrong("path", "must be text that begins with a slash, such as /chat; host and region are the client's")
        if "#" in path:
            raise _wrong("path", "has a fragment (#), which is never sent; write %23 for the character")
        before, _, query = path.partition("?")
        queries = "&".join(filter(None, (query, _encoded(params))))
        return spelt_target(f"{self.base}{before}?{queries}")


def _parts(url: object) -> SplitResult:
    problem = "must be a URL such as https://ID.lambda-url.us-east-1.on.aws/, without user info, query or fragment"
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        raise _wrong("url", problem)
    try:
        parts = urlsplit(url)
        plain = parts.port != 0 and _HOST.fullmatch(parts.hostname or "") is not None
    except ValueError:
        plain = False
    if not plain or "@" in parts.netloc or parts.query or parts.fragment:
        raise _wrong("url", problem)
    refuse_plain_http(url, setting="url")
    return parts


def spelt_path(path: str) -> str:
    """The path in its one spelling; slashes stay, and so does ``%2F``, which is none.

    Raises:
        ConfigurationError: a segment is ``.`` or ``..``, however it is written: some clients and servers would go elsewhere.
    """
    segments = [_spelt(segment) for segment in path.split("/")]
    if {".", ".."} & set(segments):
        raise _wrong("path", "must not have '.' or '..' as a segment: it would lead to another path")
    return "/".join(segments)


def spelt_query(query: str) -> str:
    """The query in its one spelling, in the order given: a plus is a space, as in forms, and every name has an equals sign."""
    pairs = (pair.replace("+", " ").partition("=") for pair in query.split("&") if pair)
    return "&".join(f"{_spelt(name)}={_spelt(value)}" for name, _, value in pairs)


def spelt_target(target: str) -> str:
    """Path and query in their one spelling.

    Raises:
        ConfigurationError: as `spelt_path`.
    """
    path, _, query = target.partition("?")
    spelt = spelt_query(query)
    return f"{spelt_path(path)}?{spelt}" if spelt else spelt_path(path)


def _spelt(text: str) -> str:
    try:
        return quote(unquote_to_bytes(text), safe="")
    except UnicodeEncodeError:
        raise _wrong("path", "holds half of a surrogate pair, which cannot be sent") from None


def _encoded(params: Mapping[str, Any] | None) -> str:
    try:
        return urlencode(params or {}, doseq=True, quote_via=quote, safe="")
    except (TypeError, UnicodeEncodeError):
        raise _wrong("params", "must be a mapping of names to texts, numbers, or lists of these") from None
