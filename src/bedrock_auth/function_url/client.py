"""`FunctionUrlClient`: one function URL, its signed requests and their answers."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError

from bedrock_auth.credentials import MAX_ANSWER_BYTES
from bedrock_auth.function_url.address import Address
from bedrock_auth.function_url.errors import FunctionUrlConnectionError
from bedrock_auth.function_url.keys import asking, is_outdated, newer
from bedrock_auth.function_url.lost import Call, lost
from bedrock_auth.function_url.refusals import is_refusal, refusal, refused_code
from bedrock_auth.function_url.request import Request, new_request
from bedrock_auth.function_url.response import FunctionUrlResponse, FunctionUrlStream
from bedrock_auth.function_url.signature import signature
from bedrock_auth.host import Host, call_after_fork
from bedrock_auth.http import web_session
from bedrock_auth.policy import seconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from typing import Self, Unpack

    import boto3

    from bedrock_auth.contracts import CredentialSource
    from bedrock_auth.credentials import Credentials
    from bedrock_auth.function_url.request import RequestOptions

_CONNECTIONS = 50


class FunctionUrlClient:
    """Calls one function URL, signed as a session or a source. Threads may share it; a context manager closes it.

    Args:
        url: of the function; also one behind which others lie, such as ``https://example.com/api``.
        session: who signs: a ``boto3.Session``, best one of `bedrock_auth.create_session`, or a source, such as a
            `bedrock_auth.Refresher`.
        region_name: needed where the host is not ``ID.lambda-url.REGION.on.aws``, as for a domain of your own.
        connect_timeout: seconds or a ``timedelta``.
        read_timeout: how long the function may be silent, before its answer and within; seconds or a ``timedelta``. Functions
            run for 15 minutes at most.

    Raises:
        ConfigurationError: something among these is not usable.
    """

    def __init__(
        self,
        url: str,
        session: boto3.Session | CredentialSource,
        *,
        region_name: str | None = None,
        connect_timeout: float | timedelta = 10,
        read_timeout: float | timedelta = 300,
    ) -> None:
        """Check the settings; nothing is sent or fetched, but a session that is not ours looks for its keys."""
        self._address = Address.of(url, region_name)
        self._asking = asking(session)
        self._timeout = (seconds(connect_timeout, "connect_timeout"), seconds(read_timeout, "read_timeout"))
        self.after_fork()
        call_after_fork(self)

    def after_fork(self) -> None:
        """Begin with connections of its own; a forked child must not use its parent's."""
        url = self._address.origin
        self._http = web_session(url, self._timeout, ca_bundle=Host.system().ca_bundle, connections=_CONNECTIONS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<FunctionUrlClient {self._address.origin}{self._address.base}>"

    @property
    def region_name(self) -> str:
        """The region that requests are signed for."""
        return self._address.region_name

    def close(self) -> None:
        """Close idle connections."""
        self._http.close()

    def get(self, path: str = "/", **options: Unpack[RequestOptions]) -> FunctionUrlResponse:
        """`request` with ``GET``."""
        return self.request("GET", path, **options)

    def post(self, path: str = "/", **options: Unpack[RequestOptions]) -> FunctionUrlResponse:
        """`request` with ``POST``."""
        return self.request("POST", path, **options)

    def request(self, method: str, path: str = "/", **options: Unpack[RequestOptions]) -> FunctionUrlResponse:
        """Send a request and read the whole answer.

        Args:
            method: such as ``PUT``.
            path: begins with a slash and may have a query.
            options: as for `stream`.

        Raises:
            FunctionUrlError: as for `stream`; or the answer was cut.
            CredentialError: there are no keys to sign with.
        """
        with self.stream(method, path, **options) as stream:
            return FunctionUrlResponse(stream.status, stream.headers, stream.read())

    def stream(  # noqa: PLR0913 - what a request is made of
        self,
        method: str,
        path: str = "/",
        *,
        json: Any = None,
        content: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> FunctionUrlStream:
        """Send a request now, and read the answer as it arrives.

        Args:
            method: such as ``POST``.
            path: begins with a slash and may have a query. Escapes in it stay, everything else is escaped as needed.
            json: sent as JSON.
            content: sent as it is, text as UTF-8; instead of ``json``.
            headers: sent, and signed where nothing on the way may change them.
            params: put behind the path's query; a list as a value repeats its name.

        Raises:
            ConfigurationError: the request cannot be sent as it stands.
            CredentialError: there are no keys to sign with.
            FunctionUrlError: the function URL was not reached, redirects, or answered with a status of 400 or more; the class
                says what to do.
        """
        request = new_request(self._address, method, path, json=json, content=content, headers=headers, params=params)
        source = self._asking()
        credentials = source.current()
        stream = self._send(request, credentials)
        if is_outdated(refused_code(stream.status, stream.headers), credentials):
            renewed = newer(source, credentials)
            if renewed is not None:  # AWS refused, so the function has not run, whatever the method
                stream.close()
                stream = self._send(request, renewed)
        if is_refusal(stream.status):
            raise refusal(_beginning(stream), self._call(request))
        return stream

    def _call(self, request: Request) -> Call:
        return Call(request.method, self._address.host)

    def _send(self, request: Request, credentials: Credentials) -> FunctionUrlStream:
        signed = signature(
            credentials,
            method=request.method,
            url=request.url,
            headers=request.headers.items(),
            body=request.body,
            service="lambda",
            region_name=self._address.region_name,
        )
        headers = {**request.headers, **signed}
        sent = AWSRequest(request.method, request.url, headers, request.body, stream_output=True)
        try:
            stream = FunctionUrlStream(self._http.send(sent.prepare()).raw, self._call(request))
        except BotoCoreError as error:
            raise lost(error, self._call(request)) from None  # its text repeats the URL
        if stream.status < HTTPStatus.OK:  # http.client takes a 103 for the answer, and then the answer for the next request's
            stream.close()
            raise lost(None, self._call(request), status=stream.status)
        return stream


def _beginning(stream: FunctionUrlStream) -> FunctionUrlResponse:
    """As much of an error's content as anybody needs; that it was cut matters less than the status."""
    content = bytearray()
    with stream, suppress(FunctionUrlConnectionError):
        for piece in stream.iter_bytes():
            content += piece
            if len(content) >= MAX_ANSWER_BYTES:
                break
    return FunctionUrlResponse(stream.status, stream.headers, bytes(content[:MAX_ANSWER_BYTES]))
