"""Whether a received short-term Bedrock API key was made of a known key: the presigned request in it, checked the way AWS does.

Source: "Amazon Bedrock API keys" in the Amazon Bedrock User Guide, and the form that AWS's ``aws-bedrock-token-generator`` makes.
"""

from __future__ import annotations

import base64
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from attrs import field, frozen

from bedrock_auth.testing.routes import find_route
from bedrock_auth.testing.verify import (
    ALGORITHM,
    MAX_SKEW,
    SERVICE,
    Authorization,
    HttpRequest,
    refuse,
    refuse_api_key,
    signature,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bedrock_auth.credentials import Credentials

AGENTS_AND_KNOWLEDGE_BASES = frozenset({
    "InvokeAgent", "InvokeInlineAgent", "Retrieve", "RetrieveAndGenerate", "RetrieveAndGenerateStream", "Rerank",
})  # fmt: skip
"""Operations that take no API key, says AWS."""
_HOST = "bedrock.amazonaws.com"
_LONGEST = 43_200
_TOKEN = re.compile(r"(?i:bearer) +bedrock-api-key-(?P<base64>[A-Za-z0-9+/]+={0,2})")
_URL = re.compile(rf"{re.escape(_HOST)}/\?(?P<signed>.+)&X-Amz-Signature=(?P<signature>[0-9a-f]{{64}})&Version=1")
_SCOPE = re.compile(rf"(?P<key>[^/]+)/(?P<date>\d{{8}})/(?P<region>[a-z0-9-]+)/{SERVICE}/aws4_request")
_FIXED = {"Action": "CallWithBearerToken", "X-Amz-Algorithm": ALGORITHM, "X-Amz-SignedHeaders": "host"}


@frozen
class PresignedCall:
    """What a short-term API key says."""

    claim: Authorization
    timestamp: str
    made_at: datetime
    expires: int
    """Seconds."""
    session_token: str = field(repr=False)
    query: str = field(repr=False)
    """As it was signed."""


def presigned_call(request: HttpRequest) -> PresignedCall | None:
    """What the API key of the request says; ``None`` where it has none of that form."""
    token = _TOKEN.fullmatch(request.headers.get("authorization", ""))
    if token is None:
        return None
    try:
        url = _URL.fullmatch(base64.b64decode(token["base64"], validate=True).decode("ascii"))
        return None if url is None else _read(url, dict(parse_qsl(url["signed"], strict_parsing=True)))
    except (ValueError, KeyError):
        return None


def _read(url: re.Match[str], said: Mapping[str, str]) -> PresignedCall | None:
    scope = _SCOPE.fullmatch(said["X-Amz-Credential"])
    if scope is None or not _FIXED.items() <= said.items() or not 1 <= (expires := int(said["X-Amz-Expires"])) <= _LONGEST:
        return None
    timestamp = said["X-Amz-Date"]
    made_at = datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    claim = Authorization(scope["key"], scope["date"], scope["region"], SERVICE, ("host",), url["signature"])
    return PresignedCall(claim, timestamp, made_at, expires, said.get("X-Amz-Security-Token", ""), url["signed"])


def verify_api_key(request: HttpRequest, find_key: Callable[[str], Credentials | None], *, now: float) -> Credentials:
    """The credentials that the request's API key was made of.

    Args:
        request: as it arrived.
        find_key: the credentials that belong to an access key id.
        now: when key and credentials must be alive, seconds since the epoch.

    Raises:
        Refused: the API key is malformed, was not made of a key that is known, has expired, or does not fit here.
    """
    route = find_route(request)
    if route is not None and route.operation in AGENTS_AND_KNOWLEDGE_BASES:
        refuse_api_key()
    call = presigned_call(request)
    credentials = None if call is None else find_key(call.claim.access_key_id)
    if call is None or credentials is None or not _is_signed(call, credentials):
        refuse_api_key()
    today = datetime.fromtimestamp(now, UTC)
    if call.made_at > today + MAX_SKEW:
        refuse_api_key()
    if credentials.is_expired(now=now) or today >= call.made_at + timedelta(seconds=call.expires):
        refuse("AccessDeniedException", "Bearer Token has expired")
    return credentials


def _is_signed(call: PresignedCall, credentials: Credentials) -> bool:
    presigned = HttpRequest("POST", f"/?{call.query}", {"host": _HOST}, b"")
    expected = signature(presigned, call.claim, call.timestamp, credentials.secret_access_key)
    token = (credentials.session_token or "").encode()
    return hmac.compare_digest(expected, call.claim.signature) and hmac.compare_digest(call.session_token.encode(), token)
