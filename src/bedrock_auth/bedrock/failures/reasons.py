"""Why a service said no: the one table from AWS's error codes and texts to an error class, and to words for people.

`reason_of` finds the row; `bedrock_auth.bedrock.failures.translate` takes class and ``retryable`` from it, and
`bedrock_auth.bedrock.explain` the rest, so the two cannot disagree. Each row names the AWS page that it comes from. AWS's
texts are no contract: a text that no row knows falls back to its code, and a code that no row knows to its HTTP status.
"""

from __future__ import annotations

import re

from bedrock_auth.bedrock.errors import ServiceError, ThrottledError, UnavailableError
from bedrock_auth.bedrock.failures.reason import Reason
from bedrock_auth.bedrock.failures.reasons_of_access import ACCESS
from bedrock_auth.bedrock.failures.reasons_of_request import REQUEST, TOO_LARGE
from bedrock_auth.bedrock.failures.reasons_of_service import SERVICE, WAKING
from bedrock_auth.bedrock.failures.wording import normalised

PLAIN_HTTP = re.compile(r"\d{3}")
"""botocore's code for an answer that is not in AWS's form: the HTTP status."""

REASONS: tuple[Reason, ...] = (WAKING, *ACCESS, *REQUEST, *SERVICE)
"""The first row that fits decides; rows about a text stand before the row of their code alone."""

_BY_STATUS: dict[int, Reason] = {
    413: TOO_LARGE,
    429: Reason(
        (),
        ThrottledError,
        retryable=True,
        why="Too many requests or tokens at once.",
        fix="Wait, and send it again; if it goes on, send fewer at once.",
        page="Amazon Bedrock User Guide: Troubleshooting Amazon Bedrock API Error Codes",
    ),
    **dict.fromkeys(
        (500, 502, 503),
        Reason(
            (),
            UnavailableError,
            retryable=True,
            why="The service, or a proxy in front of it, failed.",
            fix="Send it again. If it goes on, look at the AWS Health Dashboard, and give the request id to AWS Support.",
            page="Amazon Bedrock User Guide: Troubleshooting Amazon Bedrock API Error Codes",
        ),
    ),
    504: Reason(
        (),
        UnavailableError,
        retryable=True,
        why="A proxy in front of the service has waited long enough.",
        fix="Stream the answer, or let the proxy wait longer. The model may still be at work: sent again, it is paid twice.",
        page="Amazon Bedrock User Guide: Troubleshooting Amazon Bedrock API Error Codes",
    ),
}
_NOT_AWS = Reason(
    (),
    ServiceError,
    why="The answer is not in AWS's form: something else gave it, such as a proxy, a firewall or another server.",
    fix="Check HTTPS_PROXY, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_BEDROCK_RUNTIME and the network's rules.",
    page="AWS SDKs and Tools Reference Guide: Service-specific endpoints",
)
_UNKNOWN = Reason(
    (),
    ServiceError,
    why="The service gives an error code that is not known here.",
    fix="Read the service's message, in error.response['Error']['Message'], and the operation's page in its API reference.",
    page="AWS General Reference: Common errors",
)


def canonical_code(code: str) -> str:
    """AWS's spelling of an error code; exceptions inside a stream come in lower camel case, others with a namespace or a URL.

    >>> canonical_code("throttlingException")
    'ThrottlingException'
    """
    name = code.partition(":")[0].rpartition("#")[2].strip()
    return name[:1].upper() + name[1:] or "Unknown"


def reason_of(code: str, message: str = "", status: int | None = None) -> Reason:
    """The row for an error code in canonical spelling, the service's text and the HTTP status, if there is one."""
    text = normalised(message).casefold()
    for reason in REASONS:
        if reason.fits(code, text):
            return reason
    return _BY_STATUS.get(status or 0) or (_NOT_AWS if PLAIN_HTTP.fullmatch(code) else _UNKNOWN)
