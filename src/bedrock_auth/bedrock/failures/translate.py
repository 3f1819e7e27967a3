"""From whatever botocore and urllib3 raise to the family in `bedrock_auth.bedrock.errors`. Pure.

Source of the statuses: the exceptions of ``bedrock-runtime`` and ``bedrock-agent-runtime`` in botocore's service models, and
AWS's page "Common Errors". What class an error code becomes is said in `bedrock_auth.bedrock.failures.reasons`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from botocore import exceptions as aws
from botocore.eventstream import ChecksumMismatch
from urllib3 import exceptions as http

from bedrock_auth.bedrock.errors import (
    ANY_CALL,
    BedrockError,
    Call,
    ConnectionLostError,
    DecodeError,
    InferenceProfileRequiredError,
)
from bedrock_auth.bedrock.failures.profile_hints import inference_profile_hints
from bedrock_auth.bedrock.failures.reasons import PLAIN_HTTP, canonical_code, reason_of
from bedrock_auth.bedrock.failures.wording import model_id
from bedrock_auth.errors import BedrockAuthError, ConfigurationError, MissingIdentityError, RetrievalError
from bedrock_auth.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable

FAILURES = (aws.BotoCoreError, aws.ClientError, http.HTTPError, OSError)
"""What a call can raise before the service has answered. Anything else is a bug, here or in a handler of the caller's."""

_STATUS = {
    "AccessDeniedException": 403,
    "BadGatewayException": 502,
    "ConflictException": 409,
    "DependencyFailedException": 424,
    "InternalFailure": 500,
    "InternalServerException": 500,
    "ModelNotReadyException": 424,
    "ModelStreamErrorException": 424,
    "ModelTimeoutException": 408,
    "ResourceNotFoundException": 404,
    "ServiceQuotaExceededException": 400,
    "ServiceUnavailable": 503,
    "ServiceUnavailableException": 503,
    "ThrottlingException": 429,
    "ValidationException": 400,
}
"""What the service models give the exceptions of their streams, which come without a status."""
_ACTING = frozenset({"InvokeAgent", "InvokeInlineAgent"})
"""Operations that do more than answer. Their streams come as ``application/json`` (boto/boto3#3997)."""
_GENERATING = _ACTING | {
    "Converse",
    "ConverseStream",
    "InvokeModel",
    "InvokeModelWithResponseStream",
    "RetrieveAndGenerate",
    "RetrieveAndGenerateStream",
}
"""Operations at which a model may still be at work when the connection is lost before their answer or in a whole one."""
_GATEWAY_TIMEOUT = 504
_BUSY = 429
_URL_PATH = re.compile(r"""(https?://[^/\s"'?]+)[^\s"']*""")
_LONGEST = 1000
"""Characters of a text of somebody else's; more than that says nothing more, and fills logs."""
_FOREIGN = "the answer is not in AWS's form; its body is left out"
_EVENT_STREAM = "application/vnd.amazon.eventstream"


def translate(error: Exception, call: Call, partial: Any = None) -> BedrockAuthError:
    """The error to raise instead of this one, which becomes its ``__cause__`` unless that shows a secret or a page.

    Errors of this library, those of credentials above all, are returned as they are. A request that botocore refuses to
    send becomes a `ConfigurationError` that names the parameter and never its value.
    """
    if isinstance(error, BedrockAuthError):
        return error
    if isinstance(error, aws.ParamValidationError):
        return _invalid_request(error, call)
    made = _translator(error, call)(error, call, call.details(partial))
    made.__cause__ = error if _told(error) == str(error) and not _is_foreign(made) else None
    if isinstance(made, BedrockError) and (_may_have_acted(call, made.status) or _may_be_at_work(call, made.code, made.status)):
        made.retryable = False
    return made


def _may_be_at_work(call: Call, code: str, status: int | None = None) -> bool:
    """Whether the request was sent, and a model may be at work on it without anybody there to hear."""
    was_lost = code in {"ReadTimeout", "ConnectionClosed"} or status == _GATEWAY_TIMEOUT
    return was_lost and call.operation in _GENERATING and not call.in_stream


def _may_have_acted(call: Call, status: int | None) -> bool:
    """Whether an agent has begun, or was told results, which must not be told twice.

    Without traces the first event is the answer, so that nothing has come need not mean that nothing was done.
    """
    return call.operation in _ACTING and (call.in_stream or (call.has_results and status != _BUSY))


def _is_foreign(error: BedrockAuthError) -> bool:
    """Whether something else than AWS answered, with who knows what."""
    return PLAIN_HTTP.fullmatch(str(getattr(error, "code", ""))) is not None


def _told(said: object) -> str:
    """What somebody else says, without secrets and not at any length."""
    text = redact(str(said))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


_Translator: TypeAlias = "Callable[[Any, Call, dict[str, Any]], BedrockAuthError]"


def _translator(error: Exception, call: Call) -> _Translator:
    for kinds, translator in _TRANSLATORS:
        if isinstance(error, kinds):
            return translator
    return _undecodable if call.in_stream or not isinstance(error, aws.BotoCoreError) else _other


def _service_error(error: aws.ClientError, call: Call, details: dict[str, Any]) -> BedrockAuthError:
    said = error.response.get("Error", {})
    code = canonical_code(str(said.get("Code") or ""))
    text = _FOREIGN if PLAIN_HTTP.fullmatch(code) else _told(said.get("Message") or "")
    metadata = error.response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", _STATUS.get(code))
    request_id = metadata.get("RequestId", call.request_id)
    response = {name: _told(value) if isinstance(value, str) else value for name, value in error.response.items()}
    response |= {
        "Error": {**said, "Code": code, "Message": text},
        "ResponseMetadata": {"RequestId": request_id, "HTTPStatusCode": status, **metadata},
    }
    reason = reason_of(code, text, status)
    if reason.error is InferenceProfileRequiredError:
        details = {**details, "suggestions": inference_profile_hints(model_id(text), call.region_name)}
    return reason.error(
        f"{call.operation} failed{' in its stream' if call.in_stream else ''} with {code}: {text or 'no message'}",
        **details | {"request_id": request_id},
        code=code,
        status=status,
        retryable=reason.retryable,
        retry_after=reason.retry_after,
        response=response,
        original_status=response.get("originalStatusCode"),
        original_message=response.get("originalMessage"),
    )


def _timed_out(error: Exception, call: Call, details: dict[str, Any]) -> BedrockAuthError:  # noqa: ARG001 - as the others
    msg = f"{call.operation}: the service sent nothing for as long as the read timeout; a slow model needs a longer read_timeout"
    return ConnectionLostError(msg, code="ReadTimeout", retryable=call.in_stream or call.operation != ANY_CALL, **details)


def _lost(code: str, what: str, *, retryable: bool = True) -> _Translator:
    def make(error: Exception, call: Call, details: dict[str, Any]) -> BedrockAuthError:
        said = _URL_PATH.sub(r"\1", _told(error))  # the path names the session or the model
        paid = "; the model may still be at work on it" if _may_be_at_work(call, code) else ""
        return ConnectionLostError(f"{call.operation}: {what}: {said}{paid}", code=code, retryable=retryable, **details)

    return make


def _undecodable(error: Exception, call: Call, details: dict[str, Any]) -> BedrockAuthError:
    if not_a_stream := not_an_event_stream(call, details):
        return not_a_stream
    if isinstance(error, ChecksumMismatch):
        msg = f"{call.operation}: the data was damaged on its way: {error}"
        return DecodeError(msg, code="ChecksumMismatch", retryable=True, **details)
    what, code = ("an event", "MalformedEvent") if call.in_stream else ("the response", "MalformedResponse")
    msg = f"{call.operation}: {what} could not be decoded ({type(error).__name__}); is this endpoint Amazon Bedrock?"
    return DecodeError(msg, code=code, **details)


def not_an_event_stream(call: Call, details: dict[str, Any]) -> DecodeError | None:
    """The error to raise where a stream that failed says itself that it was none."""
    if not call.in_stream or call.content_type is None or call.content_type.startswith(_EVENT_STREAM):
        return None
    if call.operation in _ACTING and call.content_type.startswith("application/json"):
        return None
    msg = (
        f"{call.operation}: the answer is {call.content_type}, not an event stream; is this endpoint Amazon Bedrock, or a proxy?"
    )
    return DecodeError(msg, code="NotAnEventStream", **details)


def _nobody(error: Exception, call: Call, details: dict[str, Any]) -> BedrockAuthError:  # noqa: ARG001 - as the others
    msg = f"{call.operation} cannot be signed: the session has no credentials; make it with create_session(provider)"
    return MissingIdentityError(msg, code=type(error).__name__)


def _no_credentials(error: Exception, call: Call, details: dict[str, Any]) -> BedrockAuthError:  # noqa: ARG001 - as the others
    msg = f"{call.operation} cannot be signed: {_told(error)}"
    return RetrievalError(msg, code=type(error).__name__)


def _other(error: Exception, call: Call, details: dict[str, Any]) -> BedrockAuthError:
    return BedrockError(f"{call.operation} failed: {_told(error)}", code=type(error).__name__, **details)


_TRANSLATORS: tuple[tuple[tuple[type[Exception], ...], _Translator], ...] = (
    ((aws.ClientError,), _service_error),
    ((aws.ReadTimeoutError, http.ReadTimeoutError), _timed_out),
    ((aws.ConnectTimeoutError, http.ConnectTimeoutError), _lost("ConnectTimeout", "the service could not be reached in time")),
    ((aws.EndpointConnectionError, aws.ProxyConnectionError), _lost("ConnectionFailed", "the service could not be reached")),
    ((aws.SSLError, http.SSLError), _lost("SSLError", "no trusted connection to the service", retryable=False)),
    ((aws.HTTPClientError, aws.ConnectionError, http.HTTPError, OSError), _lost("ConnectionClosed", "the connection was lost")),
    ((aws.IncompleteReadError,), _lost("ConnectionClosed", "the connection was lost in the middle of the response")),
    ((aws.NoCredentialsError, aws.NoAuthTokenError), _nobody),
    ((aws.CredentialRetrievalError, aws.PartialCredentialsError, aws.SSOError, aws.TokenRetrievalError), _no_credentials),
    ((getattr(aws, "LoginError", aws.SSOError),), _no_credentials),  # botocore 1.40 has none
)
"""The first row that fits decides."""


_PROBLEM = re.compile(
    r"""(?mx) ^(?: (?P<plain> Unknown\ parameter\ in\ [\w.\[\]]+:\ "[^"\n]*",\ must\ be\ one\ of:\ .*
                          | Missing\ required\ parameter\ in\ [\w.\[\]]+:\ "\w+"
                          | Invalid\ number\ of\ .* | Must\ set\ one\ of\ .* | Invalid\ parameter\ [\w.\[\]]+ )
                 | (?P<wrong> Invalid\ [a-z ]+\ for\ (?:document\ )?parameter\ [\w.\[\]]+ ), [\s\S]*?
                   (?P<right> valid\ (?: types:\ (?:<class\ '[\w.]+'>(?:,\ )?)+ | min\ (?:value|length):\ -?[\d.]+ ) )$ )"""
)
_PARAMETER = re.compile(r"(?:parameter|structure)(?: in [\w.\[\]]+: \"| )([\w.\[\]]+)")


def _invalid_request(error: Any, call: Call) -> ConfigurationError:
    """Keep values out: botocore quotes the values, and values are prompts."""
    problems = [
        match["plain"] or f"{match['wrong']}, {match['right']}" for match in _PROBLEM.finditer(str(error.kwargs.get("report")))
    ]
    text = "; ".join(problems) or "botocore refuses its parameters"
    named = _PARAMETER.search(text)
    return ConfigurationError(f"{call.operation} was not sent: {text}", setting=named[1].rstrip(".") if named else "")
