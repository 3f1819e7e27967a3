"""For services whose callers bring their own keys: a caller's mapping comes in, an answer to the caller goes out.

`CallerSettings.from_mapping` makes checked values of what a caller sent. `answer_for` makes an HTTP status and a body of
whatever a call raised since. An answer is one of a few fixed texts with a code: nothing that AWS or the caller said is in it,
so no ARN, no account number, no key and no prompt can be.

Sources of the patterns: ``Credentials`` in the AWS STS API Reference (access key ids; secrets and tokens have none),
``InvokeAgent`` in the Amazon Bedrock API Reference (agent and alias), botocore's partition data (regions). Sources of the
codes: "Common Errors" of AWS's API references, and the exceptions in botocore's models of Bedrock and STS.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from attrs import frozen

from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import (
    BedrockAuthError,
    ConfigurationError,
    CredentialError,
    CredentialsExpiredError,
    DeniedError,
    RetrievalError,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_KEYS = ("accessKeyId", "secretAccessKey")
_AGENT = ("agentId", "agentAliasId")
_FIELDS = ("region", *_AGENT, *_KEYS, "sessionToken")
_NAMES = {name.lower(): name for name in _FIELDS}

_VISIBLE = (re.compile(r"[!-~]{1,16384}"), "must be one line of ASCII without white space, as AWS issued it")
_ID = (re.compile(r"[0-9a-zA-Z]{1,10}"), "must be at most ten letters and digits")
_PATTERNS = {
    "accessKeyId": (re.compile(r"\w{16,128}", re.ASCII), "must be 16 to 128 letters, digits and underscores, as AWS issued it"),
    "secretAccessKey": _VISIBLE,
    "sessionToken": _VISIBLE,
    "agentId": _ID,
    "agentAliasId": _ID,
}
_HOST_LABEL = re.compile(r"[a-z0-9-]{1,63}")
"""A region becomes part of a host name."""


@frozen
class CallerAnswer:
    """What a caller is told: an HTTP status and a body for JSON."""

    status: int
    error: str
    """For people."""
    code: str = ""
    """For programs: one of AWS's own codes, from the table in the docs; empty where a caller left something out."""

    @property
    def body(self) -> dict[str, str]:
        """``{"error": …, "code": …}``, without the code where there is none; a new dict each time."""
        return {"error": self.error, "code": self.code} if self.code else {"error": self.error}


_INVALID = CallerAnswer(400, "AWS does not accept the request as it stands.", "ValidationException")
_EXPIRED = CallerAnswer(401, "The AWS credentials have expired. Send new ones.", "ExpiredTokenException")
_DENIED = CallerAnswer(403, "These AWS credentials are not allowed to do this.", "AccessDeniedException")
_UNKNOWN_KEYS = CallerAnswer(
    403,
    "AWS does not know these credentials in this region. Check accessKeyId and sessionToken, and that the region is enabled.",
    "UnrecognizedClientException",
)
_BAD_SIGNATURE = CallerAnswer(
    403,
    "AWS does not accept the signature. Check that secretAccessKey belongs to accessKeyId; else this service's clock is wrong.",
    "InvalidSignatureException",
)
_NOT_ENABLED = CallerAnswer(403, "The region or service is not enabled for this AWS account. Enable it there.", "OptInRequired")
_NOT_FOUND = CallerAnswer(404, "AWS has no such agent, alias, model or the like in this region.", "ResourceNotFoundException")
_THROTTLED = CallerAnswer(429, "Too many requests, or a quota of this AWS account is used up. Wait.", "ThrottlingException")
_FAILED = CallerAnswer(500, "The request failed.", "InternalServerException")
_UNAVAILABLE = CallerAnswer(503, "AWS cannot answer at the moment. Try again.", "ServiceUnavailableException")
_TIMED_OUT = CallerAnswer(504, "AWS did not answer in time.", "RequestTimeoutException")

_CODES = {
    _INVALID: "Validation InvalidParameterValue InvalidParameterCombination MissingParameter MalformedInput",
    _EXPIRED: "ExpiredToken InvalidToken TokenRefreshRequired",
    _DENIED: "AccessDenied NotAuthorized Unauthorized UnauthorizedOperation MissingAuthenticationToken",
    _UNKNOWN_KEYS: "UnrecognizedClient InvalidClientTokenId InvalidAccessKeyId AuthFailure",
    _BAD_SIGNATURE: "InvalidSignature SignatureDoesNotMatch IncompleteSignature RequestExpired RequestTimeTooSkewed",
    _NOT_ENABLED: "OptInRequired RegionDisabled SubscriptionRequired",
    _NOT_FOUND: "ResourceNotFound NotFound",
    _THROTTLED: "Throttling Throttled TooManyRequests RequestLimitExceeded LimitExceeded ServiceQuotaExceeded SlowDown",
    _UNAVAILABLE: "ServiceUnavailable ModelNotReady BadGateway DependencyFailed Conflict ModelStream IDPCommunication "
    "ConnectionClosed ConnectionFailed SSL IncompleteStream ChecksumMismatch",
    _TIMED_OUT: "ModelTimeout RequestTimeout ReadTimeout ConnectTimeout LoadTimeout",
}
_BY_CODE = {code: answer for answer, codes in _CODES.items() for code in codes.split()}
"""AWS's codes and those of `bedrock_auth.bedrock`, without ``Exception`` and ``Error`` at the end: services differ in that."""
_BY_STATUS = {
    400: _INVALID,
    401: _DENIED,
    403: _DENIED,
    404: _NOT_FOUND,
    408: _TIMED_OUT,
    413: _INVALID,
    429: _THROTTLED,
    502: _UNAVAILABLE,
    503: _UNAVAILABLE,
    504: _TIMED_OUT,
}


class CallerSettingsError(ConfigurationError):
    """A caller's mapping lacks something or has something that cannot be right; ``setting`` is the field. No value is shown."""

    status: int = 400
    """HTTP status to answer with."""

    @property
    def body(self) -> dict[str, str]:
        """What to answer, for JSON: ``{"error": …}``, and ``"code"`` where a field is malformed."""
        return answer_for(self).body


@frozen
class CallerSettings:
    """What a caller sent, checked; made by `from_mapping`. ``scope.use(settings.credentials)`` signs as the caller."""

    region_name: str
    credentials: Credentials
    agent_id: str | None = None
    agent_alias_id: str | None = None

    @classmethod
    def from_mapping(
        cls, mapping: Mapping[str, Any], *, agent: bool = True, regions: Collection[str] | None = None
    ) -> CallerSettings:
        """Read ``region``, ``agentId``, ``agentAliasId``, ``accessKeyId``, ``secretAccessKey`` and, if any, ``sessionToken``.

        Case, ``_`` and ``-`` in names make no difference: ``access_key_id`` is as good, and so is ``access-key-id``, as
        headers have it. White space around values is dropped; what is blank or ``None`` is not given. Other names are ignored.

        Args:
            mapping: such as a JSON body or headers.
            agent: whether ``agentId`` and ``agentAliasId`` must be given.
            regions: the only ones to let callers choose; by default every one that fits a partition of AWS.

        Raises:
            CallerSettingsError: something is missing or malformed; ``.status`` and ``.body`` are the answer to the caller.
        """
        if not isinstance(mapping, Mapping):
            msg = f"The settings must be a JSON object, not {type(mapping).__name__}"
            raise CallerSettingsError(msg, setting="mapping", code=_INVALID.code)
        given = _read(mapping)
        _require(given, _KEYS, "Missing AWS credentials")
        if agent:
            _require(given, ("region", *_AGENT), "Missing Bedrock agent configuration parameters.")
        _require(given, ("region",), "Missing AWS region")
        _check(given, regions)
        keys = Credentials(given["accessKeyId"], given["secretAccessKey"], given.get("sessionToken"), source="caller")
        return cls(given["region"], keys, given.get("agentId"), given.get("agentAliasId"))


def _read(mapping: Mapping[str, Any]) -> dict[str, str]:
    """Whatever is given and not blank, by our names."""
    given: dict[str, str] = {}
    for key, value in mapping.items():
        name = _NAMES.get(key.replace("_", "").replace("-", "").lower()) if isinstance(key, str) else None
        if name and (text := _text(name, value)) and given.setdefault(name, text) != text:
            raise _malformed(name, "is given in two spellings with different values; give one")
    return given


def _text(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    raise _malformed(name, f"must be text, not {type(value).__name__}")


def _malformed(name: str, problem: str) -> CallerSettingsError:
    return CallerSettingsError(f"{name} {problem}", setting=name, code=_INVALID.code)


def _require(given: Mapping[str, str], names: Iterable[str], message: str) -> None:
    missing = next((name for name in names if name not in given), None)
    if missing:
        raise CallerSettingsError(message, setting=missing)


def _check(given: Mapping[str, str], regions: Collection[str] | None) -> None:
    for name, (pattern, problem) in _PATTERNS.items():
        if name in given and not pattern.fullmatch(given[name]):
            raise _malformed(name, problem)
    if not _is_region(given["region"]):
        raise _malformed("region", "must be an AWS region, such as us-east-1")
    if regions is not None and given["region"] not in regions:
        raise _malformed("region", "is not one that this service uses")


def _is_region(text: str) -> bool:
    """Whether a partition of AWS has, or may come to have, such a region."""
    return _HOST_LABEL.fullmatch(text) is not None and any(pattern.fullmatch(text) for pattern in _partitions())


@cache
def _partitions() -> tuple[re.Pattern[str], ...]:
    from botocore.loaders import Loader  # noqa: PLC0415 - only whoever reads a mapping pays for botocore

    return tuple(re.compile(row["regionRegex"]) for row in Loader().load_data("partitions")["partitions"])


def answer_for(error: BaseException) -> CallerAnswer:
    """What to tell the caller for whose sake this was raised, by `CallerSettings.from_mapping` or by a call with its keys.

    Takes botocore's ``ClientError`` and its other exceptions, those of this library and of `bedrock_auth.bedrock`, and any other,
    which is a 500. A task group's error counts as the one inside, where it is one. It repeats nothing of the error's text; log
    that for yourself.
    """
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if isinstance(error, CallerSettingsError):
        return CallerAnswer(error.status, error.message, error.code)
    if isinstance(error, ConfigurationError):
        return _FAILED  # the service's own settings, whatever AWS's code
    code, status = _said(error)
    return _by_code(code) or _by_class(error) or _BY_STATUS.get(status, _FAILED)


def _said(error: BaseException) -> tuple[str, int]:
    """AWS's code and the HTTP status, as far as the error has them."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - errors.py has loaded it

    if isinstance(error, CredentialError):
        code = status = None  # about whatever keys the service asked with, which may be its own; the class tells
    elif isinstance(error, BedrockAuthError):
        code, status = getattr(error, "code", None), getattr(error, "status", None)
    elif isinstance(error, ClientError):
        code = _entry(error.response, "Error", "Code")
        status = _entry(error.response, "ResponseMetadata", "HTTPStatusCode")
    else:
        code = status = None
    return code if isinstance(code, str) else "", status if isinstance(status, int) else 0


def _entry(response: object, part: str, name: str) -> object:
    inner = response.get(part) if isinstance(response, Mapping) else None
    return inner.get(name) if isinstance(inner, Mapping) else None


def _by_code(code: str) -> CallerAnswer | None:
    plain = code.removesuffix("Exception").removesuffix("Error")
    return _BY_CODE.get(plain[:1].upper() + plain[1:])  # inside streams codes begin in lower case


def _by_class(error: BaseException) -> CallerAnswer | None:
    return next((answer for kinds, answer in _classes() if isinstance(error, kinds)), None)


@cache
def _classes() -> tuple[tuple[tuple[type[BaseException], ...], CallerAnswer], ...]:
    """The first row that fits decides."""
    from botocore import exceptions as aws  # noqa: PLC0415 - as above
    from urllib3 import exceptions as http  # noqa: PLC0415 - the same; what botocore lets through from a stream

    return (
        ((CredentialsExpiredError,), _EXPIRED),
        ((DeniedError,), _DENIED),
        ((aws.ParamValidationError,), _INVALID),
        ((aws.ReadTimeoutError, aws.ConnectTimeoutError, http.TimeoutError, TimeoutError), _TIMED_OUT),
        ((aws.HTTPClientError, aws.ConnectionError, aws.IncompleteReadError, http.HTTPError, ConnectionError), _UNAVAILABLE),
        ((RetrievalError,), _UNAVAILABLE),
    )
