"""API calls that exchange something for credentials: signed as told, or by nobody, and failing without telling a secret."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from attrs import frozen

from bedrock_auth.errors import CredentialError, RetrievalError
from bedrock_auth.providers._base import foreign, named
from bedrock_auth.redaction import hiding, redact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from botocore.exceptions import ClientError

    from bedrock_auth.credentials import Credentials
    from bedrock_auth.host import Host

_LONGEST_MESSAGE = 600
_SHORTEST_SECRET = 4
"""Masking anything shorter would only make messages unreadable."""


@frozen
class Fault:
    """What AWS said instead of answering."""

    code: str
    said: str
    """Code and message on one line, with what was sent and anything like a key masked."""
    retry_after: float | None
    """Seconds."""


@frozen
class Api:
    """An AWS service in one region, as one provider asks it."""

    host: Host
    service: str
    """As botocore names it."""
    title: str
    """As people name it."""
    region: str
    asker: str
    """Name of the provider, for messages."""

    def ask(
        self,
        operation: str,
        request: Mapping[str, Any],
        meaning: Callable[[Fault], CredentialError],
        *,
        keys: Credentials | None = None,
        secrets: Sequence[str] = (),
    ) -> Mapping[str, Any]:
        """One operation.

        Args:
            operation: as the client's method is called, such as ``assume_role``.
            request: its parameters, which the caller has checked.
            meaning: the error of ours for a fault.
            keys: who asks; ``None`` for operations that AWS does not want signed.
            secrets: texts of the request that neither messages nor logs may repeat.

        Raises:
            CredentialError: by what AWS said, or why it could not say anything; ``code`` is AWS's.
        """
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - a provider is made without botocore

        from bedrock_auth.signing import signing_as  # noqa: PLC0415 - the same

        known = [*secrets, *([keys.secret_access_key, keys.session_token or ""] if keys else [])]
        hidden = [secret for secret in known if len(secret) >= _SHORTEST_SECRET]
        try:
            client = self.host.client(self.service, self.region)
            with signing_as(keys), hiding(hidden):
                answer: Mapping[str, Any] = getattr(client, operation)(**request)
        except CredentialError as error:
            raise named(error, self.asker) from error.__cause__
        except ClientError as error:
            raise meaning(_fault(error, hidden)) from None  # its text may repeat what was sent
        except BotoCoreError as error:
            raise foreign(error, self.asker, doing=f"the call to {self.title}", secrets=hidden) from None
        except Exception as error:  # noqa: BLE001 - botocore's parsers raise anything, some with the answer in the text
            raise self.unreadable(type(error).__name__) from None
        return answer

    def unreadable(self, why: str) -> RetrievalError:
        """The error for an answer that is not what AWS documents."""
        msg = f"{self.asker}: {self.title} gave an answer that cannot be read ({why})"
        return RetrievalError(msg, provider=self.asker, code="MalformedAnswer")

    def failed(self, fault: Fault) -> RetrievalError:
        """The error for a fault that may pass."""
        msg = f"{self.asker}: {self.title} failed: {fault.said}"
        return RetrievalError(msg, provider=self.asker, code=fault.code, retry_after=fault.retry_after)


def _fault(error: ClientError, hidden: Sequence[str]) -> Fault:
    told = error.response.get("Error", {})
    text = redact(" ".join(f"{told.get('Code', 'no code')}: {told.get('Message', '')}".split()), hidden)
    said = text if len(text) <= _LONGEST_MESSAGE else text[:_LONGEST_MESSAGE] + "…"
    return Fault(str(told.get("Code", "")), said, _retry_after(error))


def _retry_after(error: ClientError) -> float | None:
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    try:
        wait = float(headers.get("retry-after", ""))
    except ValueError:  # absent, or a date, which AWS does not send
        return None
    return wait if 0 < wait < math.inf else None
