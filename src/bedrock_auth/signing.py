"""Who signs one API call: the per-call half of the botocore seam.

A client whose events carry these handlers asks once per API call, while its parameters are built, who signs it, keeps the
answer in that call's own request context, and signs with it — the retries too. So one client serves any number of
identities and none of them outlives its call.

Uses botocore's public events ``before-parameter-build`` and ``before-sign``; the injected object is the
``request_credentials`` entry of the call's signing context, which botocore prefers to the client's own.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import botocore.credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.hooks import BaseEventHooks

    from bedrock_auth.credentials import Credentials

SIGNER = "bedrock_auth.signer"
"""Where the request context keeps who signs the call: a credentials object as botocore has them."""
EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "InvalidToken"})
"""What AWS answers for keys that were good once. AccessDenied is not among them: new keys would be refused as well."""
UNKNOWN_CODES = frozenset({"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"})
"""What AWS answers for keys that do not exist, or no longer: keys without expiration may have been rotated in their file."""
_signer: ContextVar[Credentials | None] = ContextVar("bedrock_auth.signer", default=None)


class Acting:
    """A call under way that a client makes for its own caller, or, without one, for the block at hand."""

    def __init__(self, caller: Any) -> None:
        """Begin before it is known who signs; ``None``: whoever's block it is."""
        self.caller = caller
        self._taken = False

    def take(self) -> Any:
        """The caller, once: what else runs while the call does is not the caller's."""
        taken, self._taken = self._taken, True
        return None if taken else self.caller


@contextmanager
def signing_as(credentials: Credentials | None) -> Iterator[None]:
    """API calls that start inside the block are signed with these credentials; ``None``: by nobody that a block around says."""
    token = _signer.set(credentials)
    try:
        yield
    finally:
        _signer.reset(token)


def stated() -> botocore.credentials.Credentials | None:
    """What `signing_as` says, as botocore has it."""
    said = _signer.get()
    if said is None:
        return None
    return botocore.credentials.Credentials(said.access_key_id, said.secret_access_key, said.session_token)


def install(events: BaseEventHooks, who: Callable[[], Any | None] = stated) -> None:
    """Make a client, or every client of a botocore session, sign each call as ``who()`` says when the call begins."""

    def capture(context: dict[str, Any], **_: Any) -> None:
        if (signer := who()) is not None:
            context[SIGNER] = signer

    events.register("before-parameter-build", capture, unique_id="bedrock-auth-capture")
    events.register("before-sign", _inject, unique_id="bedrock-auth-inject")


def _inject(request: Any, **_: Any) -> None:
    signer = request.context.get(SIGNER)
    if signer is not None:
        request.context.setdefault("signing", {})["request_credentials"] = signer
