"""httpx requests signed with AWS keys that are always current; needs the extra ``httpx``.

::

    async with httpx.AsyncClient(auth=SigV4Auth(session)) as client:
        async with client.stream("POST", "https://ID.lambda-url.us-east-1.on.aws/chat", json={"text": "Hi"}) as response:
            async for text in response.aiter_text():
                print(text, end="")

Works with `httpx.Client` and, under asyncio, `httpx.AsyncClient`, whose event loop is never stopped.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from bedrock_auth.errors import ConfigurationError
from bedrock_auth.function_url.address import signing_region, spelt_target
from bedrock_auth.function_url.keys import asking, current_async, is_outdated, newer
from bedrock_auth.function_url.refusals import refused_code
from bedrock_auth.function_url.signature import SIGNATURE_HEADERS, signature
from bedrock_auth.host import refuse_plain_http

try:
    import httpx
except ImportError as error:
    msg = "bedrock_auth.integrations.httpx needs httpx: pip install 'bedrock-auth[httpx]'"
    raise ImportError(msg, name="httpx") from error

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    import boto3

    from bedrock_auth.contracts import CredentialSource
    from bedrock_auth.credentials import Credentials

LAMBDA = "lambda"
_SHOWING_HEADERS = ("hpack.hpack", "hpack.table")
"""Loggers of what compresses HTTP/2's headers: at DEBUG they show each, the session token among them, also compressed."""


class SigV4Auth(httpx.Auth):
    """Signs each request of an httpx client as a session or a source.

    The body is signed as a whole, so it must have a length: bytes, text, JSON, forms and files have; of a generator httpx cannot
    know it. Path and query are sent in the one spelling that all signers agree on; in a query a plus is a space. If AWS says
    that the keys have expired, the source is asked for others and the request is sent once more: AWS refused it, so nothing was
    done. Redirects must not be followed (httpx follows none unless told to): a signature is for one URL only.

    Args:
        source: who signs: a `bedrock_auth.Refresher` or another source, or a ``boto3.Session``, best one of
            `bedrock_auth.create_session`.
        service: the service's signing name; not S3, which is signed in another way.
        region_name: needed for everything but function URLs at ``ID.lambda-url.REGION.on.aws``.

    Raises:
        ConfigurationError: something among these is not usable. Also from the client's methods, where a request cannot be signed.
    """

    requires_request_body = True

    def __init__(self, source: CredentialSource | boto3.Session, service: str = LAMBDA, region_name: str | None = None) -> None:
        """Check the settings; nothing is fetched, but a session that is not ours looks for its keys."""
        if service.startswith("s3"):
            raise ConfigurationError(
                "service must not be S3, whose paths and bodies are signed in another way", setting="service"
            )
        if service != LAMBDA and not region_name:
            raise ConfigurationError(f"region_name must be given for {service}", setting="region_name")
        for name in _SHOWING_HEADERS:
            logging.getLogger(name).addFilter(_is_above_debug)
        self._asking = asking(source)
        self._service = service
        self._region_name = region_name

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """As httpx calls it: sign, and once more with newer keys where AWS says that these have expired."""
        _refuse_unknown_length(request)
        request.read()
        source = self._asking()
        credentials = source.current()
        response = yield self._signed(request, credentials)
        if _may_have_newer(response, credentials) and (renewed := newer(source, credentials)):
            _refuse_redirects((yield self._signed(request, renewed)))

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """The same for asyncio; fetching keys does not stop the event loop."""
        _refuse_unknown_length(request)
        _refuse_blocking(request)
        await request.aread()
        source = self._asking()
        credentials = await current_async(source)
        response = yield self._signed(request, credentials)
        if _may_have_newer(response, credentials) and (renewed := await asyncio.to_thread(newer, source, credentials)):
            _refuse_redirects((yield self._signed(request, renewed)))

    def _signed(self, request: httpx.Request, credentials: Credentials) -> httpx.Request:
        """The request itself, in the one spelling, with the headers of a signature."""
        target = spelt_target(request.url.raw_path.decode("ascii"))
        request.url = request.url.copy_with(raw_path=target.encode("ascii"))
        refuse_plain_http(str(request.url), setting="url")
        for name in SIGNATURE_HEADERS:
            request.headers.pop(name, None)
        region = self._region_name if self._service != LAMBDA else signing_region(request.url.host, self._region_name)
        signed = signature(
            credentials,
            method=request.method,
            url=str(request.url),
            headers=request.headers.multi_items(),
            body=request.content,
            service=self._service,
            region_name=region or "",
        )
        request.headers.update(signed)
        return request


def _may_have_newer(response: httpx.Response, credentials: Credentials) -> bool:
    _refuse_redirects(response)
    return is_outdated(refused_code(response.status_code, response.headers), credentials)


def _refuse_unknown_length(request: httpx.Request) -> None:
    if "Transfer-Encoding" in request.headers:
        msg = "content must be bytes or text: the length of a stream is not known, and the body is signed as a whole"
        raise ConfigurationError(msg, setting="content")


def _refuse_blocking(request: httpx.Request) -> None:
    if not isinstance(request.stream, httpx.AsyncByteStream):
        raise ConfigurationError("content must be bytes or text: an asynchronous client reads no files", setting="content")


def _is_above_debug(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG


def _refuse_redirects(response: httpx.Response) -> None:
    """The client follows redirects before anybody is asked; what it got then is not what was signed for."""
    if any(past.has_redirect_location for past in response.history):
        msg = "follow_redirects must be off: a signature is for one URL only, and its session token would go wherever that leads"
        raise ConfigurationError(msg, setting="follow_redirects")
