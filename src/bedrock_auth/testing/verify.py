"""Whether a received HTTP request is signed by a known key: AWS Signature Version 4, checked the way AWS does.

Nothing is taken on trust: the signature is computed again from the method, path, query, headers and body that arrived, with
the secret that belongs to the key. Whatever is wrong raises `Refused` with AWS's own error code, text and HTTP status.

Source: "Create a signed AWS API request" in the IAM User Guide.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, NoReturn, TypeAlias
from urllib.parse import quote

from attrs import field, frozen
from botocore.utils import normalize_url_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bedrock_auth.credentials import Credentials

Scheme: TypeAlias = Literal["sigv4", "bearer", "none"]

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "bedrock"
"""The name that Bedrock's runtime endpoints are signed with."""
MAX_SKEW = timedelta(minutes=5)
_TIMESTAMP = "%Y%m%dT%H%M%SZ"


class Refused(Exception):  # noqa: N818 - an answer to the caller, not a failure
    """The request is not served; what AWS would answer instead."""

    def __init__(self, code: str, message: str, status: int = 403) -> None:
        """AWS's error code and text, and the HTTP status."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def refuse(code: str, message: str, status: int = 403) -> NoReturn:
    """Raise `Refused` with these."""
    raise Refused(code, message, status)


def refuse_api_key() -> NoReturn:
    """Raise `Refused` as AWS does for an API key that it does not accept."""
    refuse("AccessDeniedException", "Authentication failed: Please make sure your API Key is valid.")


@frozen
class HttpRequest:
    """An HTTP request as it arrived."""

    method: str
    target: str
    """Path and query, still percent-encoded."""
    headers: Mapping[str, str] = field(repr=False)
    """Lower-case names; repeated headers joined by a comma."""
    body: bytes = field(repr=False)


@frozen
class Authorization:
    """The parts of a SigV4 ``Authorization`` header."""

    access_key_id: str
    date: str
    """Of the credential scope, ``YYYYMMDD``."""
    region_name: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str = field(repr=False)

    @property
    def scope(self) -> str:
        """The credential scope, without the key id."""
        return f"{self.date}/{self.region_name}/{self.service}/aws4_request"


_AUTHORIZATION = re.compile(
    rf"""(?x) {ALGORITHM} \s+
    Credential=(?P<key>[^/\s,]+)/(?P<date>\d{{8}})/(?P<region>[^/\s,]+)/(?P<service>[^/\s,]+)/aws4_request
    \s*,\s* SignedHeaders=(?P<headers>[^\s,]+) \s*,\s* Signature=(?P<signature>[0-9a-f]{{64}})"""
)


def scheme(request: HttpRequest) -> Scheme:
    """How the request claims to be signed."""
    header = request.headers.get("authorization", "")
    if header.startswith(ALGORITHM):
        return "sigv4"
    return "bearer" if header.lower().startswith("bearer ") else "none"


def authorization(request: HttpRequest) -> Authorization | None:
    """What the request's ``Authorization`` header says; ``None`` where it is not well-formed SigV4."""
    match = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if match is None:
        return None
    names = tuple(match["headers"].split(";"))
    return Authorization(match["key"], match["date"], match["region"], match["service"], names, match["signature"])


def verify(
    request: HttpRequest, find_key: Callable[[str], Credentials | None], *, now: float, received_at: datetime | None = None
) -> Credentials:
    """The credentials that signed the request.

    Args:
        request: as it arrived.
        find_key: the credentials that belong to an access key id.
        now: when the keys' expiration is judged, seconds since the epoch; a test's own clock.
        received_at: what ``X-Amz-Date`` must be within five minutes of. The machine's time by default, because that is what
            clients sign with.

    Raises:
        Refused: it is not signed by a key that is known and alive.
    """
    claim = _claim(request)
    credentials = _known(claim, request, find_key)
    if credentials.is_expired(now=now):
        refuse("ExpiredTokenException", "The security token included in the request is expired")
    timestamp = request.headers.get("x-amz-date", "")
    _check_scope(claim, timestamp, received_at or datetime.now(UTC))
    expected = signature(request, claim, timestamp, credentials.secret_access_key)
    if not hmac.compare_digest(expected, claim.signature):
        _refuse_signature(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
            "and signing method. Consult the service documentation for details."
        )
    return credentials


def _claim(request: HttpRequest) -> Authorization:
    found = scheme(request)
    if found == "bearer":
        refuse_api_key()
    if found == "none":
        refuse("MissingAuthenticationTokenException", "Missing Authentication Token")
    if (claim := authorization(request)) is None:
        refuse(
            "IncompleteSignatureException",
            "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.",
        )
    return claim


def _known(claim: Authorization, request: HttpRequest, find_key: Callable[[str], Credentials | None]) -> Credentials:
    credentials = find_key(claim.access_key_id)
    token = request.headers.get("x-amz-security-token", "")
    if credentials is None or not hmac.compare_digest(token.encode(), (credentials.session_token or "").encode()):
        refuse("UnrecognizedClientException", "The security token included in the request is invalid.")
    return credentials


def _check_scope(claim: Authorization, timestamp: str, received_at: datetime) -> None:
    if "host" not in claim.signed_headers:
        _refuse_signature("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    if claim.service != SERVICE:
        _refuse_signature(f"Credential should be scoped to correct service: '{SERVICE}'.")
    try:
        signed_at = datetime.strptime(timestamp, _TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        refuse("IncompleteSignatureException", f"Date must be in ISO-8601 'basic format'. Got '{timestamp}'.")
    if claim.date != timestamp[:8]:
        _refuse_signature(f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date: '{claim.date}'.")
    _check_skew(signed_at, received_at)


def _check_skew(signed_at: datetime, received_at: datetime) -> None:
    earliest, latest = received_at - MAX_SKEW, received_at + MAX_SKEW
    if signed_at < earliest:
        _refuse_signature(
            f"Signature expired: {signed_at:{_TIMESTAMP}} is now earlier than {earliest:{_TIMESTAMP}} "
            f"({received_at:{_TIMESTAMP}} - 5 min.)"
        )
    if signed_at > latest:
        _refuse_signature(
            f"Signature not yet current: {signed_at:{_TIMESTAMP}} is still later than {latest:{_TIMESTAMP}} "
            f"({received_at:{_TIMESTAMP}} + 5 min.)"
        )


def _refuse_signature(message: str) -> NoReturn:
    refuse("InvalidSignatureException", message)


def signature(request: HttpRequest, claim: Authorization, timestamp: str, secret_access_key: str) -> str:
    """The signature, in hex, that this request must carry."""
    digest = hashlib.sha256(canonical_request(request, claim.signed_headers).encode()).hexdigest()
    key = b"AWS4" + secret_access_key.encode()
    for part in claim.scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, f"{ALGORITHM}\n{timestamp}\n{claim.scope}\n{digest}".encode(), "sha256").hex()


def canonical_request(request: HttpRequest, signed_headers: tuple[str, ...]) -> str:
    """The text that is hashed and signed; it always has the hash of the body that arrived, whatever a header says."""
    path, _, query = request.target.partition("?")
    lines = [
        request.method,
        quote(normalize_url_path(path), safe="/~"),
        "&".join(f"{name}={value}" for name, _, value in sorted(part.partition("=") for part in query.split("&") if part)),
        *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in signed_headers),
        "",
        ";".join(signed_headers),
        hashlib.sha256(request.body).hexdigest(),
    ]
    return "\n".join(lines)
