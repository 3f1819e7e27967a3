"""Whose keys sign: a session or a source, asked anew for each request."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from attrs import frozen

from bedrock_auth.contracts import CredentialSource, is_provider, is_source
from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import ConfigurationError, CredentialError, RetrievalError
from bedrock_auth.redaction import presentable, redact
from bedrock_auth.signing import EXPIRED_CODES, UNKNOWN_CODES

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)

_SESSION = "the boto3 session"


def asking(signer: object) -> Callable[[], CredentialSource]:
    """A function that says, for each request, which source signs it.

    Args:
        signer: a source, such as a `Refresher` or a `Caller`, or a boto3 session; one of a `RequestScope` signs as the caller
            whose block the request is made in.

    Raises:
        ConfigurationError: it is neither.
    """
    if is_source(signer):
        return lambda: signer
    get_credentials = getattr(signer, "get_credentials", None)
    if callable(get_credentials) and not isinstance(signer, type):
        return _of_session(_asked(get_credentials))
    hint = ": pass create_session(provider) or Refresher(provider)" if is_provider(signer) else ""
    msg = f"a boto3 session or a credential source must sign, not {type(signer).__name__}{hint}"
    raise ConfigurationError(msg, setting="session")


def _of_session(credentials: Any) -> Callable[[], CredentialSource]:
    if credentials is None:
        msg = "the session has no credentials; make it with create_session(provider)"
        raise ConfigurationError(msg, setting="session")
    if getattr(credentials, "signs_per_call", False):
        return lambda: credentials.source  # another one in each caller's block
    source = getattr(credentials, "source", None)
    found = source if is_source(source) else _Botocore(credentials)
    return lambda: found


@frozen
class _Botocore:
    """The credentials of a session that is not ours, which renews them in its own way."""

    credentials: Any

    def current(self) -> Credentials:
        keys = _asked(self.credentials.get_frozen_credentials)
        return Credentials(keys.access_key, keys.secret_key, keys.token, source=_SESSION)

    def invalidate(self, access_key_id: str) -> None:
        """Nothing changes: botocore cannot be told."""


def _asked(question: Callable[[], Any]) -> Any:
    """What the session answers, whatever its own sources raise."""
    try:
        return question()
    except CredentialError:
        raise
    except Exception as error:  # noqa: BLE001 - a program that is not there, a file that cannot be read …
        msg = f"{_SESSION}: its keys could not be had: {redact(str(error))}"
        raise RetrievalError(msg, provider=_SESSION) from presentable(error)


async def current_async(source: CredentialSource) -> Credentials:
    """The source's current set, without stopping the event loop.

    Raises:
        CredentialError: there is no usable set.
    """
    acurrent = getattr(source, "acurrent", None)
    if acurrent is not None:
        found: Credentials = await acurrent()
        return found
    return await asyncio.to_thread(source.current)


def is_outdated(code: str, rejected: Credentials) -> bool:
    """Whether AWS's refusal with this code means that there may be newer keys."""
    return code in EXPIRED_CODES or (code in UNKNOWN_CODES and rejected.expiration is None)


def newer(source: CredentialSource, rejected: Credentials) -> Credentials | None:
    """Tell the source that AWS refused this set; what it has instead, or ``None`` where that is the same or cannot be had."""
    try:
        source.invalidate(rejected.access_key_id)
        found = source.current()
    except Exception as error:  # noqa: BLE001 - what AWS said is what the caller must hear of
        _log.warning("AWS refused the keys and no new ones could be had: %s", redact(str(error)))
        return None
    return None if found.access_key_id == rejected.access_key_id else found
