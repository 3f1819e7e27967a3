"""Nothing secret reaches a log, ours or botocore's.

`redact` masks what looks like a secret in a text: values of fields whose names say so (``SecretAccessKey``,
``x-amz-security-token``, ``TokenCode``, ``ExternalId``, ``x-api-key`` …) in JSON, XML, query strings, headers and Python
reprs; access key ids down to four characters; bearer headers, Bedrock API keys, JSON web tokens and the user info of an
address wherever they stand.
It works by shape and is best effort; a secret that a caller knows is masked exactly with ``secrets=``.

botocore logs whole STS and Cognito answers, signed headers and session tokens at DEBUG. `guard_loggers` puts a
`RedactingFilter` on each of its loggers and urllib3's; every session and client of ours does that first. Exchanges of
credentials run inside `hiding`, which masks what is known to be secret there exactly, and each answer as a whole.
"""

from __future__ import annotations

import logging
import re
import traceback
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MASK = "***"
_RESPONSE_BODY = "Response body"
_hidden: ContextVar[tuple[str, ...] | None] = ContextVar("bedrock_auth.hidden", default=None)
_GUARDED = ("botocore", "boto3", "urllib3", "s3transfer")

_NAMES = (
    r"secret[_-]?access[_-]?key|secret[_-]?key|client[_-]?secret|session[_-]?token|security[_-]?token|auth[_-]?token|"
    r"web[_-]?identity[_-]?token|access[_-]?token|id[_-]?token|refresh[_-]?token|token[_-]?code|external[_-]?id|api[_-]?key|"
    r"""password|sse[_-]?customer[_-]?key|(?<=["'<])token"""
)
_FIELD = re.compile(
    rf"""(?ix) (?P<head> (?:{_NAMES}) (?: > | \\?["']? \s* [=:] \s* \[? b? ) )
         (?: (?P<quote>\\?["']) (?P<quoted>.*?) (?P=quote) | (?P<bare>[^\s"'&<>,;)}}\]\\]+) )""",
)
_KEY_ID = re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{8,120}([A-Z0-9]{4})(?![A-Za-z0-9])")
_ANYWHERE = re.compile(
    r"bedrock-api-key-[A-Za-z0-9+/=_-]+"
    r"|\bABSKQmVkcm9ja0FQSUtleS[A-Za-z0-9+/=]+"
    r"|(?<=bearer )[A-Za-z0-9._~+/=-]+"
    r"|(?<=basic )[A-Za-z0-9+/=]{8,}"
    r"|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"
    r"|(?<=://)[^\s/?#@]+(?=@)",
    re.IGNORECASE,
)


def _masked_field(match: re.Match[str]) -> str:
    quote = match["quote"] or ""
    return f"{match['head']}{quote}{MASK}{quote}"


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text with everything masked that looks like a secret, and exactly those in ``secrets``.

    >>> redact('{"SecretAccessKey": "abc/123", "AccessKeyId": "ASIAIOSFODNN7EXAMPLE"}')
    '{"SecretAccessKey": "***", "AccessKeyId": "…MPLE"}'
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _FIELD.sub(_masked_field, text)
    text = _ANYWHERE.sub(MASK, text)
    return _KEY_ID.sub(r"…\1", text)


@contextmanager
def hiding(secrets: Iterable[str]) -> Iterator[None]:
    """For an exchange of credentials: filters mask these exact texts too, and bodies of answers as a whole."""
    token = _hidden.set(tuple(secrets))
    try:
        yield
    finally:
        _hidden.reset(token)


def presentable(error: BaseException) -> BaseException | None:
    """The error, to be raised ``from``; ``None`` where it or what led to it has no text, or one that looks like a secret.

    A traceback prints every cause in full, so a masked message is not enough.
    """
    link: BaseException | None = error
    while link is not None:
        try:
            text = str(link)
        except Exception:  # noqa: BLE001 - an exception that cannot be shown is not
            return None
        if redact(text) != text:
            return None
        link = link.__cause__ or link.__context__
    return error


class RedactingFilter(logging.Filter):
    """A logging filter that lets every record through with its text and traceback redacted.

    Put it on a handler to cover everything that the handler writes, or on a single logger. (A filter on a logger does not
    see the records of its children; that is Python's rule.)
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Mask these exact texts too."""
        super().__init__()
        self._secrets = tuple(secrets)

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place: message, arguments, traceback."""
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 - a wrong format string is the caller's bug; logging reports it, unformatted
            text = f"{record.msg} (its arguments do not fit)"
        hidden = _hidden.get()
        if hidden is not None and text.startswith(_RESPONSE_BODY):  # it may be anything, and need not look like a secret
            text = f"{_RESPONSE_BODY}: {MASK}"
        secrets = (*self._secrets, *(hidden or ()))
        record.msg, record.args = redact(text, secrets), None
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text = redact("".join(traceback.format_exception(record.exc_info[1])).rstrip(), secrets)
            record.exc_info = None
        return True


_filter = RedactingFilter()


def guard_loggers() -> None:
    """Put one RedactingFilter on every logger that botocore, boto3 and urllib3 have; repeating it changes nothing."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in _GUARDED:
            logging.getLogger(name).addFilter(_filter)
