"""Keys that AWS refuses: the source is asked again, and the request is sent once more.

When AWS says that the keys have expired, the source is told, asked again, and the request is sent once more if its keys
are other ones now and its body can be sent again. The same where AWS does not know keys that have no expiration: somebody may
have rotated them.

An API key counts as the set that it was made of. botocore tells its retry handlers nothing about who signed, so that is noted on
the request.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from bedrock_auth import signing
from bedrock_auth.api_key import access_key_id_in
from bedrock_auth.redaction import redact
from bedrock_auth.signing import EXPIRED_CODES, UNKNOWN_CODES

if TYPE_CHECKING:
    from bedrock_auth.bridge import SourceCredentials
    from bedrock_auth.contracts import CredentialSource

_log = logging.getLogger(__name__)

_KEY_REFUSED = re.compile(r"(?i)(?:api key|bearer token).*(?:valid|expired)")
"""What AWS's AccessDenied says where it is the API key that it does not accept, and not what the identity may do."""
_KEY = "bedrock_auth.signed_by"
_RETRIED = "bedrock_auth.retried"
_WITH_API_KEY = "bedrock_auth.with_api_key"
_BEARER = "Bearer "


def remember_signer(request: Any, **_: Any) -> None:
    """Note which key signed and how, as the last handler to see a request: retry handlers are not told."""
    request.context[_KEY] = _signing_key_id(request)
    request.context[_WITH_API_KEY] = _authorization(request).startswith(_BEARER)


def _signing_key_id(request: Any) -> str | None:
    """The access key id that signed an AWSRequest, or that its API key was made of; ``None`` where neither is to be seen."""
    authorization = _authorization(request)
    if authorization.startswith(_BEARER):
        return access_key_id_in(authorization.removeprefix(_BEARER))
    _, found, rest = authorization.partition("Credential=")
    return rest.partition("/")[0] if found else None


def _authorization(request: Any) -> str:
    value: str | bytes = request.headers.get("Authorization", "")
    return value.decode("latin-1") if isinstance(value, bytes) else value


class Renewal:
    """ExpiredToken: invalidate, ask the source again, send once more."""

    def __init__(self, credentials: SourceCredentials) -> None:
        """Act for these, or for whoever signed the call at hand."""
        self._credentials = credentials
        self._on_trial: str | None = None
        """The key id of a set that replaced one whose API key was refused, until an API key of its own is accepted. If that is
        refused too it is the endpoint's matter, such as another region, and a fetch at every call would help nobody."""

    def __call__(self, response: Any, request_dict: dict[str, Any], **_: Any) -> int | None:
        """A handler of ``needs-retry``: 0 seconds until the request is sent again, or ``None``."""
        context, code = request_dict["context"], _code(response, request_dict["context"])
        on_trial = context.get(_WITH_API_KEY) and context.get(_KEY) == self._on_trial
        if code not in EXPIRED_CODES | UNKNOWN_CODES:
            if on_trial and response is not None:
                self._on_trial = None
            return None
        rejected, credentials = context.get(_KEY), context.get(signing.SIGNER, self._credentials)
        if on_trial or rejected not in credentials.handed_out or context.get(_RETRIED):
            return None
        if code in UNKNOWN_CODES and not credentials.lasts(rejected):
            return None
        context[_RETRIED] = True
        replacement = _replacement(credentials.source, rejected)
        if context.get(_WITH_API_KEY):
            self._on_trial = replacement
        return 0 if replacement and _can_be_sent_again(request_dict.get("body")) else None


def _replacement(source: CredentialSource, rejected: str) -> str | None:
    """The access key id of the set that the source has instead; ``None`` where it has no other one."""
    try:
        source.invalidate(rejected)
        found = source.current().access_key_id
    except Exception as error:  # noqa: BLE001 - what AWS said is what the caller must hear of
        _log.warning("AWS says that the keys have expired and no new ones could be had: %s", redact(str(error)))
        return None
    return None if found == rejected else found


def _code(response: Any, context: dict[str, Any]) -> str | None:
    """What AWS answered; a refused API key counts as the refusal of what it was made of."""
    error = {} if response is None else response[1].get("Error", {})
    code: str | None = error.get("Code")
    denied = context.get(_WITH_API_KEY) and code in {"AccessDeniedException", "AccessDenied"}
    return "ExpiredToken" if denied and _KEY_REFUSED.search(str(error.get("Message", ""))) else code


def _can_be_sent_again(body: object) -> bool:
    if body is None or isinstance(body, bytes | bytearray | str | dict):
        return True
    stream = getattr(body, "_raw", body)  # botocore wraps a body whose checksum is sent behind it
    seekable = getattr(stream, "seekable", None)
    return bool(seekable()) if seekable is not None else hasattr(stream, "seek")
