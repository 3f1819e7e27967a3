"""What a lost connection means for the call that was on it. Pure."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from bedrock_auth.function_url.errors import FunctionUrlConnectionError

_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that a function may see twice. Source: RFC 9110, section 9.2.1."""
_NOT_SENT = frozenset({"ConnectTimeout", "ConnectionFailed"})
_CUT = ("ConnectionClosed", "the connection was lost before the end of the answer")
_SILENT = ("ReadTimeout", "the function sent nothing for as long as the read timeout; a slow one needs a longer read_timeout")
_MEANINGS = {
    "ConnectTimeoutError": ("ConnectTimeout", "the function URL could not be reached in time"),
    "EndpointConnectionError": ("ConnectionFailed", "the function URL could not be reached; check its host"),
    "ProxyConnectionError": ("ConnectionFailed", "the proxy could not be reached, or refused"),
    "ReadTimeoutError": _SILENT,
    "TimeoutError": _SILENT,
    "SSLError": ("SSLError", "no TLS connection that can be trusted; AWS_CA_BUNDLE names the certificates to trust"),
}
"""By the names of botocore's and urllib3's classes, whose texts repeat the URL."""


@frozen
class Call:
    """A request as messages name it: the path and the query are the caller's business."""

    method: str
    host: str

    def __str__(self) -> str:
        """Method and host."""
        return f"{self.method} to {self.host}"

    @property
    def is_harmless(self) -> bool:
        """Whether the function may run a second time."""
        return self.method in _HARMLESS


def lost(error: Exception | None, call: Call, **details: Any) -> FunctionUrlConnectionError:
    """The error to raise where the connection failed; ``None``: it ended too early, without a word."""
    code, what = _MEANINGS.get(type(error).__name__, _CUT)
    retryable = code in _NOT_SENT or (code != "SSLError" and call.is_harmless)
    doubt = "" if retryable or code == "SSLError" else "; the function may have run, so it was not sent again"
    return FunctionUrlConnectionError(f"{call}: {what}{doubt}", code=code, retryable=retryable, **details)
