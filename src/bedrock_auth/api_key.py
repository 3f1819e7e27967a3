"""Short-term Bedrock API keys, made from credentials on this machine, and `BearerToken`, which always has a current one.

A key is ``bedrock-api-key-`` and the base64 form of a presigned request, ``bedrock.amazonaws.com/?Action=CallWithBearerToken…``,
with ``&Version=1`` behind it. Whoever has it may call Bedrock's runtime and control plane in one region as the identity of the
credentials, until the key or the credentials expire, whichever comes first. Making one contacts nobody.

The host is the same in every partition; the signature's scope names the region. Sources: "Amazon Bedrock API keys" in the Amazon
Bedrock User Guide, and AWS's own ``aws-bedrock-token-generator``, which a test compares with.
"""

from __future__ import annotations

import asyncio
import base64
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from attrs import field, frozen
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from bedrock_auth.credentials import Credentials, masked_key_id
from bedrock_auth.errors import ConfigurationError, CredentialsExpiredError
from bedrock_auth.host import Host
from bedrock_auth.policy import positive_seconds

if TYPE_CHECKING:
    from bedrock_auth.contracts import CredentialSource

LONGEST_LIFETIME = 43_200
"""Seconds: AWS accepts no short-term key that lives longer than 12 hours."""
PREFIX = "bedrock-api-key-"
_HOST = "bedrock.amazonaws.com"
_REGION = re.compile(r"(?!fips-)[a-z]{2,}(-[a-z]+)+-\d{1,2}")


@frozen
class ApiKey:
    """One short-term Bedrock API key; the text is the secret, and is never shown."""

    text: str = field(repr=False)
    """What goes behind ``Authorization: Bearer``, or into ``AWS_BEARER_TOKEN_BEDROCK``."""
    expiration: datetime
    """Aware UTC time after which AWS refuses it."""
    region_name: str
    access_key_id: str = field(repr=masked_key_id)
    """Of the credentials that it was made of."""


def checked_lifetime(value: float | timedelta) -> int:
    """A key's lifetime in whole seconds.

    Raises:
        ConfigurationError: not 1 second to 12 hours.
    """
    number = positive_seconds(value)
    if number is None or not 1 <= number <= LONGEST_LIFETIME:
        msg = f"lifetime must be 1 to {LONGEST_LIFETIME} seconds, or such a timedelta, not {value!r}"
        raise ConfigurationError(msg, setting="lifetime")
    return int(number)


def checked_region(value: object) -> str:
    """The name of an AWS region, also of one that is newer than this library.

    Raises:
        ConfigurationError: it has not the form of one; ``fips-us-east-1`` and ``aws-global`` are none.
    """
    if isinstance(value, str) and _REGION.fullmatch(value):
        return value
    msg = f"region_name must be an AWS region such as us-east-1, which the API key is bound to, not {value!r}"
    raise ConfigurationError(msg, setting="region_name")


def make_key(credentials: Credentials, region_name: str, lifetime: int, now: float) -> ApiKey:
    """A key that lives for ``lifetime`` seconds from ``now`` on, or until the credentials expire if that is sooner.

    Args:
        credentials: who calls.
        region_name: where.
        lifetime: whole seconds, see `checked_lifetime`.
        now: seconds since the epoch.

    Raises:
        CredentialsExpiredError: the credentials have expired, or do within this second.
    """
    made_at = int(now)  # the key's own date has no fractions
    expires = int(min(lifetime, credentials.remaining(made_at)))
    if expires < 1:
        whose, end = credentials.source or "the source", f"{credentials.expiration:%Y-%m-%dT%H:%M:%SZ}"
        msg = (
            f"{whose} has only keys that were valid until {end}, and no Bedrock API key is made of expired ones; "
            "check the source and the clock of this machine"
        )
        raise CredentialsExpiredError(msg, provider=credentials.source)
    date = datetime.fromtimestamp(made_at, UTC)
    url = _presigned(credentials, region_name, expires, date)
    text = PREFIX + base64.b64encode(f"{url.removeprefix('https://')}&Version=1".encode()).decode()
    return ApiKey(text, date + timedelta(seconds=expires), region_name, credentials.access_key_id)


def _presigned(credentials: Credentials, region_name: str, expires: int, date: datetime) -> str:
    request = AWSRequest("POST", f"https://{_HOST}/", {"host": _HOST}, params={"Action": "CallWithBearerToken"})
    keys = ReadOnlyCredentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)
    return _Presigner(keys, "bedrock", region_name, expires=expires).presigned_url(request, date)


class _Presigner(SigV4QueryAuth):
    """botocore's presigned requests, with a date that is given, because the expiration is reckoned from it."""

    def presigned_url(self, request: AWSRequest, date: datetime) -> str:
        """What ``add_auth`` makes; that also writes to the log, at DEBUG, everything that the key consists of."""
        request.context["timestamp"] = f"{date:%Y%m%dT%H%M%SZ}"
        self._modify_request_before_signing(request)  # type: ignore[attr-defined]  # the type stubs do not know it
        signature = self.signature(self.string_to_sign(request, self.canonical_request(request)), request)
        return f"{request.url}&X-Amz-Signature={signature}"


def access_key_id_in(text: str) -> str | None:
    """The access key id of the credentials that a short-term key was made of; ``None`` where the text is no such key."""
    if not text.startswith(PREFIX):
        return None
    try:
        url = base64.b64decode(text.removeprefix(PREFIX), validate=True).decode()
    except ValueError:
        return None
    (scope,) = parse_qs(url.partition("?")[2]).get("X-Amz-Credential", [""])[:1]
    return scope.partition("/")[0] or None


@frozen
class _Held:
    """A key, what it was made of, and from when to when it is handed out."""

    key: ApiKey
    credentials: Credentials
    since: float
    until: float

    def fits(self, credentials: Credentials, now: float) -> bool:
        """Whether it is handed out at this time for these credentials; a source may give equal sets as new objects."""
        return self.since <= now < self.until and (self.credentials is credentials or self.credentials == credentials)


class BearerToken:
    """A current short-term Bedrock API key at every call; `bedrock_auth.bearer.bearer_token` makes it.

    ``token()`` is the text, so the object fits wherever a function does: ``OpenAI(api_key=token)``. Another key is made when the
    credentials are other ones, and when half of its lifetime is over; renewing the credentials is the source's matter.
    Threads may share one. ``repr`` shows no key and a pickle holds none, but what the source's own pickle holds.
    """

    def __init__(self, source: CredentialSource, region_name: str, lifetime: float | timedelta = LONGEST_LIFETIME) -> None:
        """Make no key before the first call.

        Raises:
            ConfigurationError: the region is none, or the lifetime is not 1 second to 12 hours.
        """
        self.source = source
        self.region_name = checked_region(region_name)
        self.lifetime = checked_lifetime(lifetime)
        host = getattr(source, "host", None)
        self._now = (host if isinstance(host, Host) else Host.system()).clock
        self._held: _Held | None = None

    def __call__(self) -> str:
        """The text of a key that is valid now.

        Raises:
            CredentialError: there are no unexpired credentials to make one of.
        """
        return self.key().text

    def key(self) -> ApiKey:
        """The same key with its expiration.

        Raises:
            CredentialError: there are no unexpired credentials to make one of.
        """
        return self._key_of(self.source.current())

    async def acurrent(self) -> str:
        """The text for asyncio, ``AsyncOpenAI(api_key=token.acurrent)``: if credentials have to be fetched, the loop goes on.

        Raises:
            CredentialError: there are no unexpired credentials to make one of.
        """
        acurrent = getattr(self.source, "acurrent", None)
        credentials = await (asyncio.to_thread(self.source.current) if acurrent is None else acurrent())
        return self._key_of(credentials).text

    @property
    def expiration(self) -> datetime:
        """Aware UTC time at which the key of this moment expires.

        Raises:
            CredentialError: there are no unexpired credentials to make one of.
        """
        return self.key().expiration

    def _key_of(self, credentials: Credentials) -> ApiKey:
        now, held = self._now(), self._held
        if held is None or not held.fits(credentials, now):
            key = make_key(credentials, self.region_name, self.lifetime, now)
            held = self._held = _Held(key, credentials, int(now), self._until(key, now))
        return held.key

    def _until(self, key: ApiKey, now: float) -> float:
        """Half of the lifetime; the end where the credentials end then, because another key would not live longer."""
        half = int(now) + self.lifetime / 2
        end = key.expiration.timestamp()
        return half if end == int(now) + self.lifetime else end

    def __repr__(self) -> str:
        """Show whose key it is and where it is valid."""
        whose = getattr(self.source, "name", "") or type(self.source).__name__
        return f"<BearerToken of {whose} for {self.region_name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """What is unpickled makes keys of its own."""
        return BearerToken, (self.source, self.region_name, self.lifetime)

    def __deepcopy__(self, _: Any) -> BearerToken:
        """Itself: clients copy their settings, and one source of credentials is enough."""
        return self
