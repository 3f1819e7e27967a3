"""Who signs one API call: the per-call half of the botocore seam.

A client whose events carry these handlers looks once per API call, while its parameters are built, for the credentials
that `signing_as` put into the context, keeps them in that call's own request context, and signs with them — the retries
too. So one shared client serves any number of identities and none of them outlives its call.

Uses botocore's public events ``before-parameter-build`` and ``before-sign``; the injected object is the
``request_credentials`` entry of the call's signing context, which botocore prefers to the client's own.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import botocore.credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.hooks import BaseEventHooks

    from bedrock_auth.credentials import Credentials

_KEY = "bedrock_auth.signer"
_signer: ContextVar[Credentials | None] = ContextVar("bedrock_auth.signer", default=None)


@contextmanager
def signing_as(credentials: Credentials | None) -> Iterator[None]:
    """API calls that start inside the block are signed with these credentials; ``None``: by nobody that a block around says."""
    token = _signer.set(credentials)
    try:
        yield
    finally:
        _signer.reset(token)


def install(events: BaseEventHooks) -> None:
    """Make a client, or every client of a botocore session, sign per call."""
    events.register("before-parameter-build", _capture, unique_id="bedrock-auth-capture")
    events.register("before-sign", _inject, unique_id="bedrock-auth-inject")


def _capture(context: dict[str, Any], **_: Any) -> None:
    if (credentials := _signer.get()) is not None:
        context[_KEY] = credentials


def _inject(request: Any, **_: Any) -> None:
    credentials: Credentials | None = request.context.get(_KEY)
    if credentials is not None:
        request.context.setdefault("signing", {})["request_credentials"] = botocore.credentials.Credentials(
            credentials.access_key_id, credentials.secret_access_key, credentials.session_token
        )
