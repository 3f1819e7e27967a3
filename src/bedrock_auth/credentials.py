"""One set of AWS keys as a frozen value, and the formats it comes and goes in. No I/O.

The text form is AWS's process-JSON, which ``credential_process`` helpers, vending endpoints and container endpoints
all speak with small differences (``Token`` for ``SessionToken``, no ``Version``); `Credentials.from_answer` reads every
one of them. Access key ids are shown by their last four characters, secrets not at all.

Source of the format: "Sourcing credentials with an external process" in the AWS SDKs and Tools Reference Guide.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import field, frozen

from bedrock_auth.errors import ConfigurationError, CredentialsExpiredError, RetrievalError

MAX_ANSWER_BYTES = 65_536
"""Credential answers are a few hundred bytes; anything larger than this is not one."""


def masked_key_id(access_key_id: str) -> str:
    """What people may see of an access key id: at most its last four characters.

    >>> masked_key_id("AKIAIOSFODNN7EXAMPLE")
    '…MPLE'
    """
    return "…" + access_key_id[-4:] if len(access_key_id) >= 16 else "…"  # noqa: PLR2004 - AWS's shortest key id


def parse_expiration(text: str) -> datetime:
    """An aware UTC time from ISO 8601 with ``Z`` or an offset; a time without either is refused, never guessed.

    Raises:
        ValueError: the text is no such time.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    msg = "not an ISO 8601 time with 'Z' or an offset, such as 2026-01-01T00:00:00Z"
    raise ValueError(msg)


def _required_text(value: object, name: str) -> str:
    if isinstance(value, str) and (text := value.strip()) and text.isprintable():
        return text
    found = "empty" if isinstance(value, str) and not value.strip() else "not one line of text"
    msg = f"{name} is {found}; give the key as AWS issued it"
    raise ConfigurationError(msg, setting=name)


def _access_key_id(value: object) -> str:
    return _required_text(value, "access_key_id")


def _secret_access_key(value: object) -> str:
    return _required_text(value, "secret_access_key")


def _optional_token(value: object) -> str | None:
    return None if value is None or (isinstance(value, str) and not value.strip()) else _required_text(value, "session_token")


def _aware(value: object) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    msg = "expiration must be a datetime with a time zone, such as datetime.now(UTC) + timedelta(hours=1), or None"
    raise ConfigurationError(msg, setting="expiration")


@frozen
class Credentials:
    """The keys to sign with, when they expire and where they came from.

    Raises:
        ConfigurationError: a key is empty or no text, or ``expiration`` has no time zone. The value is never shown.
    """

    access_key_id: str = field(converter=_access_key_id, repr=masked_key_id)
    secret_access_key: str = field(converter=_secret_access_key, repr=False)
    session_token: str | None = field(default=None, converter=_optional_token, repr=False)
    expiration: datetime | None = field(default=None, converter=_aware)
    """Aware UTC time after which AWS refuses the keys; ``None`` for keys that do not expire."""
    account_id: str | None = None
    source: str = ""
    """Name of the provider that delivered the set."""

    def remaining(self, now: float | None = None) -> float:
        """Seconds until the keys expire, negative once they have, infinite where they never do.

        Args:
            now: seconds since the epoch; the system's time by default.
        """
        if self.expiration is None:
            return float("inf")
        return self.expiration.timestamp() - (time.time() if now is None else now)

    def is_expired(self, margin: float = 0, now: float | None = None) -> bool:
        """Whether the keys expire within ``margin`` seconds."""
        return self.remaining(now) <= margin

    def unexpired(self, now: float) -> Credentials:
        """The set itself.

        Raises:
            CredentialsExpiredError: the set has expired; sources answer with it rather than hand out dead keys.
        """
        if self.is_expired(now=now):
            msg = (
                f"{self.source or 'the source'} answered with keys that expired at {self.expiration:%Y-%m-%dT%H:%M:%SZ}; "
                "check the clock of this machine and whatever issues the keys"
            )
            raise CredentialsExpiredError(msg, provider=self.source)
        return self

    @classmethod
    def from_answer(cls, answer: object, *, source: str) -> Credentials:
        """Credentials from a decoded answer: AWS's process-JSON names, the container names or botocore's own.

        Args:
            answer: a mapping with ``AccessKeyId``, ``SecretAccessKey``, optional ``SessionToken`` or ``Token``,
                ``Expiration`` (text or aware datetime), ``AccountId``, ``Version`` 1; or with botocore's ``access_key``,
                ``secret_key``, ``token``, ``expiry_time``, ``account_id``.
            source: name of the provider, used in messages.

        Raises:
            RetrievalError: the answer is no such mapping. Its values are never shown.
        """
        if not isinstance(answer, Mapping):
            raise _malformed(source, f"the answer is {type(answer).__name__}, not a JSON object")
        if answer.get("Version", 1) != 1:
            raise _malformed(source, "the answer has a Version other than 1")
        for names in (_PROCESS_NAMES, _BOTOCORE_NAMES):
            if names["access_key_id"][0] in answer:
                return _from_names(answer, names, source)
        raise _malformed(source, "the answer has no AccessKeyId")

    def to_process_json(self) -> dict[str, Any]:
        """The ``credential_process`` form, version 1; absent values are left out. Holds the secrets."""
        values = {
            "Version": 1,
            "AccessKeyId": self.access_key_id,
            "SecretAccessKey": self.secret_access_key,
            "SessionToken": self.session_token,
            "Expiration": None if self.expiration is None else self.expiration.isoformat().replace("+00:00", "Z"),
            "AccountId": self.account_id,
        }
        return {name: value for name, value in values.items() if value is not None}


_PROCESS_NAMES = {
    "access_key_id": ("AccessKeyId",),
    "secret_access_key": ("SecretAccessKey",),
    "session_token": ("SessionToken", "Token"),
    "expiration": ("Expiration",),
    "account_id": ("AccountId",),
}
_BOTOCORE_NAMES = {
    "access_key_id": ("access_key",),
    "secret_access_key": ("secret_key",),
    "session_token": ("token",),
    "expiration": ("expiry_time",),
    "account_id": ("account_id",),
}


def _malformed(source: str, problem: str) -> RetrievalError:
    msg = f"{source} did not answer with credentials: {problem}"
    return RetrievalError(msg, provider=source, code="MalformedAnswer")


def _from_names(answer: Mapping[str, Any], names: Mapping[str, tuple[str, ...]], source: str) -> Credentials:
    values: dict[str, Any] = {
        ours: next((answer[name] for name in theirs if answer.get(name) is not None), None) for ours, theirs in names.items()
    }
    for ours in ("access_key_id", "secret_access_key"):
        if not isinstance(values[ours], str) or not values[ours].strip():
            raise _malformed(source, f"{names[ours][0]} is missing or empty")
    values["expiration"] = _answered_expiration(values["expiration"], names["expiration"][0], source)
    if values["account_id"] is not None and not isinstance(values["account_id"], str):
        raise _malformed(source, f"{names['account_id'][0]} is not text")
    try:
        return Credentials(**values, source=source)
    except ConfigurationError as error:
        raise _malformed(source, error.message) from None


def _answered_expiration(value: object, name: str, source: str) -> datetime | None:
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            return parse_expiration(value)
        return _aware(value)
    except ConfigurationError:
        raise _malformed(source, f"{name} is neither ISO 8601 text nor a datetime with a time zone") from None
    except ValueError as error:
        raise _malformed(source, f"{name} is {error}") from None
