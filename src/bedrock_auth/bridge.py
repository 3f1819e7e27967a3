"""The botocore seam: how a source of ours becomes the credentials of a botocore session.

The only subclass of a botocore credentials class and the only hooks on a session's events (those for a single call are in
`bedrock_auth.signing`) are here. Whatever botocore asks is answered by the source at that moment, so there is no second
cache, no second backoff and no second opinion about who signs.

When AWS says that the keys have expired, the source is told, asked again, and the request is sent once more if its keys
are other ones now and its body can be sent again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from botocore.credentials import ReadOnlyCredentials, RefreshableCredentials

from bedrock_auth.aws import sigv4_config
from bedrock_auth.errors import CredentialError

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
_KEY = "bedrock_auth.signed_by"
_RETRIED = "bedrock_auth.retried"


class SourceCredentials(RefreshableCredentials):
    """botocore's RefreshableCredentials in form; in fact every read goes to the source."""

    def __init__(self, source: CredentialSource, listeners: Listeners | None = None) -> None:
        """Hold the source, and keep the session's listeners alive; botocore's own constructor would want keys."""
        self.source = source
        self.method = METHOD
        self._listeners = listeners
        self._current = source.current
        self._pair: tuple[Credentials, ReadOnlyCredentials] | None = None

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
        self._pair = (credentials, frozen)
        return frozen

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


class _Component:
    """The credential provider component of a botocore session."""

    def __init__(self, credentials: SourceCredentials) -> None:
        self._credentials = credentials

    def load_credentials(self) -> SourceCredentials:
        return self._credentials


def connect(session: Session, source: CredentialSource, listeners: Listeners | None = None) -> None:
    """Make every client of the botocore session sign as this source and nobody else.

    The auth scheme is stated as SigV4, because ``AWS_BEARER_TOKEN_BEDROCK`` would otherwise take over Bedrock's clients. A
    client whose own ``config=`` states another scheme gets that: it is the caller's explicit word.
    """
    session.register_component("credential_provider", _Component(SourceCredentials(source, listeners)))
    session.set_default_client_config(sigv4_config())
    events = session.get_component("event_emitter")
    events.register_last("request-created", _remember_signer, unique_id="bedrock-auth-remember")
    renewal = _Renewal(source)
    events.register_first("needs-retry", renewal, unique_id="bedrock-auth-renew")


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

    def __init__(self, source: CredentialSource) -> None:
        self._source = source

    def __call__(self, response: Any, request_dict: dict[str, Any], **_: Any) -> int | None:
        if response is None or response[1].get("Error", {}).get("Code") not in EXPIRED_CODES:
            return None
        context = request_dict["context"]
        rejected = context.get(_KEY)
        if rejected is None or context.get(_RETRIED):
            return None
        context[_RETRIED] = True
        return 0 if self._renewed(rejected) and _can_be_sent_again(request_dict.get("body")) else None

    def _renewed(self, rejected: str) -> bool:
        try:
            self._source.invalidate(rejected)
            return self._source.current().access_key_id != rejected
        except CredentialError as error:
            _log.warning("AWS says that the keys have expired and no new ones could be had: %s", error)
            return False


def _can_be_sent_again(body: object) -> bool:
    return body is None or isinstance(body, bytes | bytearray | str | dict) or hasattr(body, "seek")
