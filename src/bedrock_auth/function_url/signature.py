"""Which headers are signed, and the signature, which botocore makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from bedrock_auth.redaction import guard_loggers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bedrock_auth.credentials import Credentials

SIGNATURE_HEADERS = ("authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256")
"""What a signature consists of, or is made from; nobody else may set them."""
_UNSIGNED = frozenset(
    {
        "accept-encoding", "baggage", "cache-control", "connection", "content-length", "date", "expect", "from", "keep-alive",
        "max-forwards", "pragma", "proxy-authenticate", "proxy-authorization", "referer", "te", "traceparent", "tracestate",
        "trailer", "transfer-encoding", "upgrade", "user-agent", "via", "x-amzn-trace-id", "x-forwarded-for",
    }
)  # fmt: skip
"""What something on the way may change. Any other header is signed."""


def signature(  # noqa: PLR0913 - what a signature is made from
    credentials: Credentials,
    *,
    method: str,
    url: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    service: str,
    region_name: str,
) -> dict[str, str]:
    """The headers that sign this request: ``Authorization``, ``X-Amz-Date`` and, with temporary keys, their token.

    Args:
        credentials: who signs.
        method: in upper case.
        url: its path and query exactly as they are sent.
        headers: what is sent besides; ``Host`` among them where it is not the URL's.
        body: exactly as it is sent.
        service: the service's signing name.
        region_name: where the service is.
    """
    guard_loggers()  # botocore logs what it signs, the session token included
    request = AWSRequest(method=method, url=url, data=body)
    for name, value in headers:
        if name.lower() not in _UNSIGNED:
            request.headers[name] = value
    before = set(request.headers.keys())
    keys = ReadOnlyCredentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)
    SigV4Auth(keys, service, region_name).add_auth(request)
    return {name: str(value) for name, value in request.headers.items() if name not in before}
