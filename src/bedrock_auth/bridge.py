"""The botocore seam: how a source of ours becomes the credentials of a botocore session.

The only subclass of a botocore credentials class and the only hooks on a session's events (those for a single call are in
`bedrock_auth.signing`) are here. Whatever botocore asks is answered by the source at that moment, so there is no second
cache, no second backoff and no second opinion about who signs.

When AWS says that the keys have expired, the source is told, asked again, and the request is sent once more if its keys
are other ones now and its body can be sent again. The same where AWS does not know keys that have no expiration: somebody may
have rotated them.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from botocore import UNSIGNED
from botocore.args import ClientConfigString
from botocore.credentials import ReadOnlyCredentials, RefreshableCredentials

from bedrock_auth.redaction import redact

if TYPE_CHECKING:
    from datetime import datetime

    from botocore.session import Session

    from bedrock_auth.audit import Listeners
    from bedrock_auth.contracts import CredentialSource
    from bedrock_auth.credentials import Credentials

_log = logging.getLogger(__name__)

METHOD = "bedrock-auth"
EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "InvalidToken"})
"""What AWS answers for keys that were good once. AccessDenied is not among them: new keys would be refused as well."""
UNKNOWN_CODES = frozenset({"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"})
"""What AWS answers for keys that do not exist, or no longer: keys without expiration may have been rotated in their file."""
HANDED_OUT = 16
"""So many sets back a request may still be under way that was signed with one of them."""
_KEY = "bedrock_auth.signed_by"
_RETRIED = "bedrock_auth.retried"
_SCHEMES = {"smithy.api#httpBearerAuth", "aws.auth#sigv4"}


class SourceCredentials(RefreshableCredentials):
    """botocore's RefreshableCredentials in form; in fact every read goes to the source."""

    def __init__(self, source: CredentialSource, listeners: Listeners | None = None) -> None:
        """Hold the source, and keep the session's listeners alive; botocore's own constructor would want keys."""
        self.source = source
        self.method = METHOD
        self._listeners = listeners
        self._current = source.current
        self._pair: tuple[Credentials, ReadOnlyCredentials] | None = None
        self.handed_out: deque[str] = deque(maxlen=HANDED_OUT)

    def __repr__(self) -> str:
        return f"<SourceCredentials of {self.source!r}>"

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """The set of this moment, as botocore signs with it."""
        credentials = self._current()
        pair = self._pair
        if pair is not None and pair[0] is credentials:
            return pair[1]
        frozen = ReadOnlyCredentials(
            credentials.access_key_id, credentials.secret_access_key, credentials.session_token, credentials.account_id
        )
        self.handed_out.append(credentials.access_key_id)
        self._pair = (credentials, frozen)
        return frozen

    def lasts(self, access_key_id: str) -> bool:
        """Whether this is the key of the set handed out last, and that has no expiration."""
        pair = self._pair
        return pair is not None and pair[0].access_key_id == access_key_id and pair[0].expiration is None

    access_key = property(lambda self: self._current().access_key_id)
    secret_key = property(lambda self: self._current().secret_access_key)
    token = property(lambda self: self._current().session_token)
    account_id = property(lambda self: self._current().account_id)

    @property
    def _expiry_time(self) -> datetime | None:
        return self._current().expiration

    def refresh_needed(self, refresh_in: float | None = None) -> bool:  # noqa: ARG002 - botocore's signature
        """Never: the source sees to it."""
        return False


class _NoToken:
    """The token provider component: a token that lies around is somebody else's identity."""

    def load_token(self, **_: Any) -> None:
        """Find none."""


class _Component:
    """The credential provider component of a botocore session."""

    def __init__(self, credentials: SourceCredentials) -> None:
        self._credentials = credentials

    def load_credentials(self) -> SourceCredentials:
        return self._credentials


def connect(session: Session, source: CredentialSource, listeners: Listeners | None = None) -> None:
    """Make every client of the botocore session sign as this source and nobody else.

    Where a service takes bearer tokens as well as SigV4, as Bedrock does, it is SigV4: ``AWS_BEARER_TOKEN_BEDROCK`` would
    otherwise take over. A client whose own ``config=`` states a scheme gets that, the caller's explicit word, but no token that
    lies around.
    """
    credentials = SourceCredentials(source, listeners)
    session.register_component("credential_provider", _Component(credentials))
    session.register_component("token_provider", _NoToken())
    events = session.get_component("event_emitter")
    events.register_first("choose-signer", _rather_sigv4, unique_id="bedrock-auth-sigv4")
    events.register_last("request-created", _remember_signer, unique_id="bedrock-auth-remember")
    renewal = _Renewal(credentials)
    events.register_first("needs-retry", renewal, unique_id="bedrock-auth-renew")


def _rather_sigv4(context: dict[str, Any], **_: Any) -> str | None:
    """SigV4 wherever a bearer token could sign as well and the client's own config states nothing."""
    config = context.get("client_config")
    stated = config is not None and (_in_code(config.signature_version) or _in_code(config.auth_scheme_preference))
    return "v4" if not stated and _SCHEMES.issubset(context.get("auth_options") or ()) else None


def _in_code(setting: object) -> bool:
    """Whether a client's setting was stated in code; botocore marks those so, and UNSIGNED cannot come from elsewhere."""
    return isinstance(setting, ClientConfigString) or setting is UNSIGNED


def _remember_signer(request: Any, **_: Any) -> None:
    """Note which key signed, as the last handler to see a request: retry handlers are not told."""
    context = request.context
    context[_KEY] = signing_key_id(request)


def signing_key_id(request: Any) -> str | None:
    """The access key id that signed an AWSRequest; ``None`` where it was not signed with SigV4."""
    authorization = request.headers.get("Authorization", "")
    if isinstance(authorization, bytes):
        authorization = authorization.decode("latin-1")
    _, found, rest = authorization.partition("Credential=")
    return rest.partition("/")[0] if found else None


class _Renewal:
    """ExpiredToken: invalidate, ask the source again, send once more."""

    def __init__(self, credentials: SourceCredentials) -> None:
        self._credentials = credentials

    def __call__(self, response: Any, request_dict: dict[str, Any], **_: Any) -> int | None:
        code = "" if response is None else response[1].get("Error", {}).get("Code")
        if code not in EXPIRED_CODES | UNKNOWN_CODES:
            return None
        context = request_dict["context"]
        rejected = context.get(_KEY)
        if rejected not in self._credentials.handed_out or context.get(_RETRIED):
            return None
        if code in UNKNOWN_CODES and not self._credentials.lasts(rejected):
            return None
        context[_RETRIED] = True
        return 0 if self._renewed(rejected) and _can_be_sent_again(request_dict.get("body")) else None

    def _renewed(self, rejected: str) -> bool:
        source = self._credentials.source
        try:
            source.invalidate(rejected)
            return source.current().access_key_id != rejected
        except Exception as error:  # noqa: BLE001 - what AWS said is what the caller must hear of
            _log.warning("AWS says that the keys have expired and no new ones could be had: %s", redact(str(error)))
            return False


def _can_be_sent_again(body: object) -> bool:
    if body is None or isinstance(body, bytes | bytearray | str | dict):
        return True
    stream = getattr(body, "_raw", body)  # botocore wraps a body whose checksum is sent behind it
    seekable = getattr(stream, "seekable", None)
    return bool(seekable()) if seekable is not None else hasattr(stream, "seek")
