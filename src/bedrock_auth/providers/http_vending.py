"""`HttpVending`: keys from an HTTP endpoint that hands out temporary ones, such as an API Gateway in front of STS.

``GET <url>/credentials`` with an API key in a header answers with one JSON object::

    {"Version": 1, "AccessKeyId": …, "SecretAccessKey": …, "SessionToken": …, "Expiration": "2026-01-01T00:00:00+00:00"}

``Version`` may be absent, ``SessionToken`` may be called ``Token``, ``Expiration`` has ``Z`` or an offset. https only, loopback
excepted; redirects are not followed. What cannot be reached and what answers with 5xx is asked once more after a short pause.

`HttpVendingFromEnvironment` takes both settings from ``AWS_GET_TEMP_CREDS_API_URL`` and ``AWS_GET_TEMP_CREDS_API_KEY``.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from attrs import field, frozen

from bedrock_auth.errors import (
    ConfigurationError,
    CredentialError,
    DeniedError,
    NotConfiguredError,
    RetrievalError,
)
from bedrock_auth.host import Host
from bedrock_auth.http import literal_address
from bedrock_auth.providers import _endpoint
from bedrock_auth.providers._base import foreign
from bedrock_auth.providers._settings import seconds, wrong
from bedrock_auth.redaction import presentable

if TYPE_CHECKING:
    from datetime import timedelta

    from bedrock_auth.credentials import Credentials
    from bedrock_auth.http import Answer

_log = logging.getLogger(__name__)

_KIND = "http-vending"
_URL_VARIABLE, _KEY_VARIABLE = "AWS_GET_TEMP_CREDS_API_URL", "AWS_GET_TEMP_CREDS_API_KEY"
_PATH = "/credentials"
_HEADER = "x-api-key"
_TIMEOUT = 5.0
_PAUSE = 0.1, 0.4
_SHORTEST_ATTEMPT = 0.2
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_NOT_FOR_KEYS = {"host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect"}

ApiKey = str | Path | Callable[[], str]


def _full_url(setting: str, value: object) -> str:
    parts = _endpoint.web_url(_KIND, setting, value)
    hostname = parts.hostname or ""
    address = literal_address(hostname)
    if address is not None and (address.is_link_local or address.is_unspecified or address.is_multicast):
        raise wrong(_KIND, setting, "must not be a link-local or wildcard address")
    if parts.scheme != "https" and not _endpoint.is_local(hostname):
        raise wrong(_KIND, setting, "must be https: keys are asked for over plain http on this machine only")
    path = parts.path.rstrip("/")
    return parts._replace(path=path if path.endswith(_PATH) else path + _PATH).geturl()


def _url(value: str) -> str:
    return _full_url("url", value)


def _shown(url: str) -> str:
    return repr(_without_query(url))


def _without_query(url: str) -> str:
    return urlsplit(url)._replace(query="").geturl()


def _api_key(value: ApiKey | None) -> ApiKey | None:
    if value is None or callable(value):
        return value
    if isinstance(value, os.PathLike):
        return Path(value)
    if isinstance(value, str):
        return _endpoint.header_value(_KIND, "api_key", value.strip())
    raise wrong(_KIND, "api_key", "must be text, the pathlib.Path of a file, or a function that returns the key")


def _header(value: str) -> str:
    if isinstance(value, str) and _HEADER_NAME.fullmatch(value) and value.lower() not in _NOT_FOR_KEYS:
        return value
    raise wrong(_KIND, "header", "must be the name of a header that can hold a key, such as x-api-key")


def _timeout(value: float | timedelta) -> float:
    return seconds(_KIND, "timeout", value)


@frozen
class HttpVending:
    """Each fetch asks the endpoint, and once more where it could not be reached or failed.

    Args:
        url: the endpoint's base, such as ``https://abc.execute-api.us-east-1.amazonaws.com/prod``; ``/credentials`` is
            appended unless the path ends with it already. It may have a query, which is never shown.
        api_key: the key as text, the ``Path`` of a file that holds it, or a function that returns it; file and function are
            asked at every fetch.
        header: the name of the header that carries the key.
        timeout: seconds (or ``timedelta``) for the whole fetch, its second attempt included.

    Raises:
        ConfigurationError: one of these is not usable; the message names it and never shows a key.
    """

    url: str = field(converter=_url, repr=_shown)
    api_key: ApiKey | None = field(default=None, kw_only=True, converter=_api_key, repr=False)
    header: str = field(default=_HEADER, kw_only=True, converter=_header)
    timeout: float = field(default=_TIMEOUT, kw_only=True, converter=_timeout)
    host: Host = field(factory=Host.system, kw_only=True, repr=False)

    @property
    def name(self) -> str:
        """``http-vending`` and the URL without its query."""
        return f"{_KIND} {_without_query(self.url)}"

    def retrieve(self) -> Credentials:
        """Ask the endpoint for keys.

        Raises:
            DeniedError: it refuses (401, 403).
            ConfigurationError: the URL is not that of such an endpoint (3xx, 4xx), or there is no key in the file.
            RetrievalError: it cannot be reached, throttles (429), fails (5xx), or answers with something else.
            CredentialsExpiredError: the keys that it gave have expired.
        """
        return _Exchange(self.name, self.url, self.header, self._key(), self.timeout, self.host).credentials()

    def _key(self) -> str | None:
        if self.api_key is None or isinstance(self.api_key, str):
            return self.api_key
        if isinstance(self.api_key, Path):
            key: object = _endpoint.file_text(self.name, "api_key", self.api_key)
        else:
            key = self._called(self.api_key)
        return _endpoint.header_value(self.name, "api_key", key.strip() if isinstance(key, str) else key)

    def _called(self, function: Callable[[], str]) -> object:
        try:
            return function()
        except CredentialError:
            raise
        except Exception as error:  # noqa: BLE001 - becomes the cause, where it may be shown
            raise foreign(error, self.name, doing="api_key") from presentable(error)


@frozen
class HttpVendingFromEnvironment:
    """The same endpoint, as ``AWS_GET_TEMP_CREDS_API_URL`` and ``AWS_GET_TEMP_CREDS_API_KEY`` name it at every fetch."""

    host: Host = field(factory=Host.system, kw_only=True, repr=False)

    name = f"{_KIND} from the environment"
    """``http-vending from the environment``."""
    timeout = _TIMEOUT

    def retrieve(self) -> Credentials:
        """Ask the endpoint for keys.

        Raises:
            NotConfiguredError: neither variable is set.
            ConfigurationError: the key is set without the URL, or one of them is not usable.
            CredentialError: as `HttpVending.retrieve`.
        """
        url, key = self.host.setting(_URL_VARIABLE), self.host.setting(_KEY_VARIABLE)
        if url is None and key is None:
            raise NotConfiguredError(f"{self.name}: {_URL_VARIABLE} is not set", provider=self.name)
        if url is None:
            raise wrong(self.name, _URL_VARIABLE, f"is not set although {_KEY_VARIABLE} is")
        key = key and _endpoint.header_value(self.name, _KEY_VARIABLE, key)
        settings = (_URL_VARIABLE, _KEY_VARIABLE)
        return _Exchange(self.name, _full_url(_URL_VARIABLE, url), _HEADER, key, self.timeout, self.host, settings).credentials()


@frozen
class _Exchange:
    """One fetch: at most two requests, and what their answers mean."""

    asker: str
    url: str
    header: str
    key: str | None = field(repr=False)
    timeout: float
    host: Host
    settings: tuple[str, str] = ("url", "api_key")
    """What URL and key are called in messages."""

    def credentials(self) -> Credentials:
        began = self.host.clock()
        try:
            return self._attempt(self.timeout)
        except RetrievalError as error:
            left = self.timeout - max(0.0, self.host.clock() - began) - _PAUSE[1]
            if not _may_pass_soon(error) or left < _SHORTEST_ATTEMPT:
                raise
        self.host.sleep(self.host.uniform(*_PAUSE))
        return self._attempt(left)

    def _attempt(self, timeout: float) -> Credentials:
        headers = {"Accept": "application/json"}
        if self.key is not None:
            headers[self.header] = self.key
        answer = _endpoint.ask(self.host, self.asker, self.url, headers, timeout=timeout, secrets=self._secrets())
        if answer.status != _endpoint.OK:
            raise self._meaning(answer)
        return _endpoint.issued(answer, asker=self.asker, now=self.host.clock())

    def _secrets(self) -> tuple[str, ...]:
        return self.key or "", urlsplit(self.url).query

    def _meaning(self, answer: Answer) -> CredentialError:
        status, url = answer.status, self.settings[0]
        if status in (401, 403):
            return self._refusal(answer)
        if 300 <= status < 400:  # noqa: PLR2004 - redirects
            meaning = f"it redirects, which is not followed with a key; set {url} to the address that it redirects to"
            return _endpoint.status_error(ConfigurationError, answer, self.asker, meaning, setting=url)
        if 400 <= status < 500 and status not in (408, 429):  # noqa: PLR2004 - timeouts and throttling may pass
            meaning = f"there is no such endpoint; check {url}, the stage in its path too"
            return _endpoint.status_error(ConfigurationError, answer, self.asker, meaning, setting=url)
        return self._failure(answer)

    def _refusal(self, answer: Answer) -> CredentialError:
        if answer.status == 401:  # noqa: PLR2004 - Unauthorized
            given = f"check {self.settings[1]} and that {self.header!r} is its header" if self.key else "none was given"
            meaning, code = f"it found no API key in the header {self.header!r} ({given})", "401"
        elif "explicit deny" in _endpoint.said(answer, "message", "Message").lower():
            meaning = "explicit deny: the API key is wrong or the address of this machine is not allowed; AWS does not say which"
            code = "ExplicitDeny"
        else:
            meaning, code = f"the path of {self.settings[0]} is wrong, or a firewall refuses", "403"
        return _endpoint.status_error(DeniedError, answer, self.asker, meaning, code=code)

    def _failure(self, answer: Answer) -> CredentialError:
        meanings = {
            408: "it waited too long",
            429: "it throttles; ask less often",
            500: "it failed",
            502: "what stands behind it failed",
            503: "it is not available now",
            504: "what stands behind it did not answer in time",
        }
        meaning, code = meanings.get(answer.status, "neither credentials nor an error that is known"), str(answer.status)
        if _endpoint.said(answer, "error") == "assume_role_failed":
            meaning, code = "it could not assume its role; its reason is in the debug log", "assume_role_failed"
            detail = _endpoint.for_the_log(_endpoint.said(answer, "detail"), self._secrets())
            _log.debug("%s: assume_role_failed: %s", self.asker, detail)
        wait = _endpoint.retry_after(answer, self.host.clock())
        return _endpoint.status_error(RetrievalError, answer, self.asker, meaning, code=code, retry_after=wait)


def _may_pass_soon(error: RetrievalError) -> bool:
    """Whether a second attempt is worth it, and not unwanted."""
    passing = error.code in (_endpoint.NO_ANSWER, "assume_role_failed") or error.code.startswith("5")
    return passing and error.retry_after is None
