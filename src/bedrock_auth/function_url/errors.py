"""What can go wrong with a call of a function URL.

::

    FunctionUrlError                 .code .status .request_id .retryable .response
    ├─ FunctionUrlDeniedError        whoever signs may not call it          -> a policy
    ├─ FunctionUrlSignatureError     AWS does not accept keys or signature  -> other keys, the clock, the region
    ├─ FunctionUrlThrottledError     too much at once                       -> wait, send again
    ├─ FunctionFailedError           the function raised or took too long   -> its logs
    └─ FunctionUrlConnectionError    not reached, cut off, or silent        -> .retryable tells whether to send again

A FunctionUrlError of no further class is a status that the function itself chose, such as 404, or a redirect. Keys that cannot
be had are a `bedrock_auth.CredentialError`, and a request that cannot be sent as it stands is a
`bedrock_auth.ConfigurationError`, as everywhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_auth.errors import BedrockAuthError

if TYPE_CHECKING:
    from bedrock_auth.function_url.response import FunctionUrlResponse


class FunctionUrlError(BedrockAuthError):
    """A call of a function URL failed, or was answered with an error status.

    The code is AWS's own where AWS refused, ``Redirect``, ``NotText``, ``StreamConsumed``, ``StreamClosed``, or the status in
    words, such as ``NotFound``.
    """

    code: str = ""
    """What failed, in one word."""
    status: int | None = None
    """HTTP status of the answer; ``None`` without an answer."""
    request_id: str | None = None
    """AWS's id of the request; it is in the function's logs too."""
    retryable: bool = False
    """Whether the same request may be sent again and may well succeed then. A function may run a second time only where the
    method says that this does no harm, as GET does."""
    response: FunctionUrlResponse | None = None
    """The answer with the error status; of a streamed one at most its first 64 KiB."""


class FunctionUrlDeniedError(FunctionUrlError):
    """Whoever signed may not call the function: a permission is missing. The code is ``AccessDeniedException``."""


class FunctionUrlSignatureError(FunctionUrlError):
    """AWS does not accept the keys or the signature; no permission helps.

    The code is ``InvalidSignatureException``, ``ExpiredTokenException``, ``UnrecognizedClientException`` or another of AWS's for
    these.
    """


class FunctionUrlThrottledError(FunctionUrlError):
    """More requests at once than the function's concurrency allows; it did not run.

    The code is ``TooManyRequestsException``.
    """


class FunctionFailedError(FunctionUrlError):
    """The function ran and failed. The code is ``BadGateway`` or ``GatewayTimeout``."""


class FunctionUrlConnectionError(FunctionUrlError):
    """The function URL could not be reached, hung up, or fell silent.

    The code is ``ConnectTimeout`` or ``ConnectionFailed`` (nothing was sent), ``SSLError``, ``ReadTimeout``,
    ``ConnectionClosed``, or ``UnknownLength`` where an answer does not say where it ends.
    """
