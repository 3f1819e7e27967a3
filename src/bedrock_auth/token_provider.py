"""botocore's component ``token_provider``: where the bearer tokens of a session's clients come from, if there are any.

Whichever it is, no token that lies around is found: it would be somebody else's identity.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.tokens import FrozenAuthToken

from bedrock_auth.api_key import BearerToken
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bedrock_auth.credentials import Credentials

SIGNING_NAME = "bedrock"
"""What Bedrock's services are signed as, and tokens for them looked up with."""
_region: ContextVar[str] = ContextVar("bedrock_auth.region")


class NoToken:
    """The component of a session that signs with SigV4."""

    def load_token(self, **_: Any) -> None:
        """Find none."""


class ApiKeys:
    """The component of a session with Bedrock API keys; also the token that its clients get, and the keys' source."""

    signs_by_default = True
    """Clients that state no scheme sign with it; whoever would state one for them looks here first."""

    def __init__(self, credentials: Any) -> None:
        """Make keys of the sets of a session's credentials, a `bedrock_auth.bridge.SourceCredentials`."""
        self._credentials = credentials
        self.current: Callable[[], Credentials] = credentials.signing_set
        self.host = getattr(credentials.source, "host", None)
        self._tokens: dict[str, BearerToken] = {}

    def load_token(self, signing_name: str | None = None, **_: Any) -> ApiKeys | None:
        """Itself for Bedrock; other services take no such key."""
        return self if signing_name == SIGNING_NAME else None

    def prepare(self, request: Any, region_name: str, signature_version: str, request_signer: Any, **_: Any) -> None:
        """Handle ``before-sign``: keep the client's region for `get_frozen_token`, which is called next and is not told.

        Raises:
            ConfigurationError: the client has keys of its own, or its endpoint is plain http, which botocore refuses as well.
        """
        if signature_version == "bearer":
            if request_signer._credentials is not self._credentials:  # noqa: SLF001 - botocore has no other way to see them
                raise ConfigurationError(_OWN_KEYS, setting="aws_access_key_id")
            _refuse_plain_http(request.url)
            _region.set(region_name)

    def get_frozen_token(self) -> FrozenAuthToken:
        """What botocore signs the request at hand with.

        Raises:
            CredentialError: there are no unexpired credentials to make a key of.
        """
        region = _region.get()
        token = self._tokens.get(region)
        if token is None:
            token = self._tokens[region] = BearerToken(self, region)  # type: ignore[arg-type]  # it asks for nothing but the set
        key = token.key()
        return FrozenAuthToken(key.text, key.expiration)


_OWN_KEYS = (
    "keys were given to client(), and the session would sign with its own Bedrock API key all the same: give the client "
    'config=Config(auth_scheme_preference="sigv4") too, or make a session of those keys, create_session(Static(…), auth="bearer")'
)


def _refuse_plain_http(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https":
        return
    msg = (
        f"a Bedrock API key travels over https only, and the endpoint is {parts.scheme}://{parts.hostname}: name an https one "
        '(endpoint_url=, AWS_ENDPOINT_URL and the like), or sign with SigV4: the session with create_session(auth="sigv4"), or '
        'one client with config=Config(auth_scheme_preference="sigv4")'
    )
    raise ConfigurationError(msg, setting="endpoint_url")
