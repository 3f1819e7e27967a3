"""`TranscriptSigner`: a server that keeps no conversations recognises its own when a client brings them back. Pure."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, TypeAlias

from attrs import field, frozen

from bedrock_auth.bedrock.prompts.invisible import without_invisible
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from bedrock_auth.bedrock.conversation import Conversation

Said: TypeAlias = "tuple[str, str]"
"""A role and what it said."""
_SHORTEST_KEY = 32
_VERSION = "v1."


def _check_key(_signer: object, _field: object, key: Any) -> None:
    if not isinstance(key, bytes) or len(key) < _SHORTEST_KEY:
        msg = f"key must be at least {_SHORTEST_KEY} random bytes; secrets.token_bytes({_SHORTEST_KEY}) makes some"
        raise ConfigurationError(msg, setting="key")


@frozen
class TranscriptSigner:
    """Signs what was said, questions and answers in their order, with HMAC-SHA256 (RFC 2104).

    A client that changes, adds, drops or reorders a turn, or brings another user's conversation, has no signature for it. It can
    go back to an earlier state of its own conversation, for which it was given one. A new key makes all old signatures void.

    Raises:
        ConfigurationError: the key is too short.
    """

    key: bytes = field(repr=False, validator=_check_key)
    """A secret of the server's, at least 32 bytes."""

    def sign(self, conversation: Conversation, *, context: str) -> str:
        """The signature to give to the client with the answer.

        Args:
            conversation: what was said; of messages, only the texts are signed.
            context: whose conversation it is, such as the id of the user who has logged in.
        """
        return self._signature([(message.role, message.text) for message in conversation.messages], context)

    def is_mine(self, said: Iterable[Said], signature: object, *, context: str) -> bool:
        """Whether this is the signature of these turns in this context; takes the same time wherever they differ."""
        if not isinstance(signature, str) or not signature.isascii():
            return False
        return hmac.compare_digest(self._signature(said, context), signature)

    def _signature(self, said: Iterable[Said], context: str) -> str:
        turns = [[role, without_invisible(text)] for role, text in said]
        digest = hmac.digest(self.key, json.dumps([context, turns]).encode(), "sha256")
        return _VERSION + urlsafe_b64encode(digest).decode().rstrip("=")
