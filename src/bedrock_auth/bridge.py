"""The botocore seam: how a source of ours becomes the credentials of a botocore session.

The only subclasses of a botocore credentials class and the hooks on a session's events are here (those for a single call in
`bedrock_auth.signing`, for the clients of a `RequestScope` in `bedrock_auth.bound_clients`, for keys that AWS refuses in
`bedrock_auth.renewal`). Whatever botocore asks is answered by the source at that moment, so there is no second cache, no second
backoff and no second opinion about who signs.

A session may use Bedrock API keys instead of SigV4 where a service takes both. They are made of the source's set at that moment,
one for each region, and are no second identity.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore import UNSIGNED
from botocore.args import ClientConfigString
from botocore.credentials import ReadOnlyCredentials, RefreshableCredentials

from bedrock_auth import signing
from bedrock_auth.bound_clients import refuse_discovery, refuse_s3_express, scoped
from bedrock_auth.renewal import Renewal, remember_signer
from bedrock_auth.token_provider import SIGNING_NAME, ApiKeys, NoToken

if TYPE_CHECKING:
    from datetime import datetime

    from botocore.session import Session

    from bedrock_auth.audit import Listeners
    from bedrock_auth.caller import Caller
    from bedrock_auth.contracts import CredentialSource
    from bedrock_auth.credentials import Credentials
    from bedrock_auth.scope import RequestScope

METHOD = "bedrock-auth"
HANDED_OUT = 16
"""So many sets back a request may still be under way that was signed with one of them."""
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

    def __deepcopy__(self, memo: Any) -> SourceCredentials:
        """Itself: botocore copies whole requests, who signs them included."""
        return self

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

    def signing_set(self) -> Credentials:
        """The set of this moment, which counts as handed out."""
        self.get_frozen_credentials()
        return self._pair[0]  # type: ignore[index]  # there is one now

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


class ScopeCredentials(SourceCredentials):
    """The credentials of a session with a `RequestScope`: at each read those of whoever's block the code runs in."""

    signs_per_call = True
    """Nothing may be kept of them: the next call may be somebody else's."""

    def __init__(self, scope: RequestScope) -> None:
        """Hold the scope; its callers are the sources."""
        self.scope = scope
        self.method = METHOD
        self.handed_out = deque(maxlen=0)

    def __repr__(self) -> str:
        return f"<ScopeCredentials of {self.scope!r}>"

    @property
    def source(self) -> CredentialSource:  # type: ignore[override]  # another one at each read
        """The caller of this moment.

        Raises:
            MissingIdentityError: there is none.
        """
        return self._bound or self.scope.required()

    @property
    def _bound(self) -> Caller | None:
        """Whose own client is at work here."""
        acting = self.scope.acting.get()
        return None if acting is None else acting.caller

    @property
    def _current(self) -> Any:  # type: ignore[override]  # the same
        return self.source.current

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """The set of this moment's caller."""
        return SourceCredentials(self.source).get_frozen_credentials()

    account_id = property(lambda self: self._current().account_id if self._bound or self.scope.caller else None)
    """botocore asks for it even where nothing is signed."""

    def of_this_call(self) -> SourceCredentials:
        """Whoever a call that begins now is made for, for as long as the call takes."""
        acting = self.scope.acting.get()
        bound = None if acting is None else acting.take()
        return SourceCredentials(bound or self.scope.caller or self.scope.nobody)


class _Component:
    """The credential provider component of a botocore session."""

    def __init__(self, credentials: SourceCredentials) -> None:
        self._credentials = credentials

    def load_credentials(self) -> SourceCredentials:
        return self._credentials


def connect(
    session: Session, source: CredentialSource, listeners: Listeners | None = None, *, with_api_keys: bool = False
) -> None:
    """Make every client of the botocore session sign as this source and nobody else.

    Where a service takes bearer tokens as well as SigV4, as Bedrock does, it is SigV4, or API keys made of the source's set where
    those are wanted: ``AWS_BEARER_TOKEN_BEDROCK`` would otherwise take over. A client whose own ``config=`` states a scheme gets
    that, the caller's explicit word, but no token that lies around.
    """
    credentials = SourceCredentials(source, listeners)
    if not with_api_keys:
        _connect(session, credentials)
        return
    keys = ApiKeys(credentials)
    _connect(session, credentials, keys)
    session.get_component("event_emitter").register_last("before-sign", keys.prepare, unique_id="bedrock-auth-api-key")


def connect_scope(session: Session, scope: RequestScope) -> None:
    """The same for a `RequestScope`: each call is signed by the caller whose block it begins in, or not at all."""
    credentials = ScopeCredentials(scope)
    _connect(session, credentials)
    events = session.get_component("event_emitter")
    signing.install(events, credentials.of_this_call)
    events.register_first("before-sign", refuse_s3_express, unique_id="bedrock-auth-s3-express")
    events.register_first("before-call", refuse_discovery, unique_id="bedrock-auth-discovery")
    events.register_last("creating-client-class", scoped(scope, credentials), unique_id="bedrock-auth-scoped")


def _connect(session: Session, credentials: SourceCredentials, keys: ApiKeys | None = None) -> None:
    session.register_component("credential_provider", _Component(credentials))
    session.register_component("token_provider", keys or NoToken())
    events = session.get_component("event_emitter")
    choose = partial(_choose, with_api_keys=keys is not None)
    events.register_first("choose-signer", choose, unique_id="bedrock-auth-scheme")
    events.register_last("request-created", remember_signer, unique_id="bedrock-auth-remember")
    events.register_first("needs-retry", Renewal(credentials), unique_id="bedrock-auth-renew")


def _choose(context: dict[str, Any], signing_name: str, *, with_api_keys: bool, **_: Any) -> str | None:
    """The session's scheme wherever SigV4 and a bearer token could both sign and the client's own config states nothing."""
    config = context.get("client_config")
    stated = config is not None and (_in_code(config.signature_version) or _in_code(config.auth_scheme_preference))
    if stated or not _SCHEMES.issubset(context.get("auth_options") or ()):
        return None
    return "bearer" if with_api_keys and signing_name == SIGNING_NAME else "v4"


def _in_code(setting: object) -> bool:
    """Whether a client's setting was stated in code; botocore marks those so, and UNSIGNED cannot come from elsewhere."""
    return isinstance(setting, ClientConfigString) or setting is UNSIGNED
