"""From an answer with an error status to the error that says what to do. Pure.

Lambda tells its own refusals by the header ``x-amzn-ErrorType``; a function's own statuses have none. A missing permission and
a wrong signature are both 403, and only one of them is cured by a policy.

Source: "Control access to Lambda function URLs" in the Lambda Developer Guide; "Common Errors" in the Lambda API Reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bedrock_auth.function_url.errors import (
    FunctionFailedError,
    FunctionUrlDeniedError,
    FunctionUrlError,
    FunctionUrlSignatureError,
    FunctionUrlThrottledError,
)
from bedrock_auth.redaction import redact

if TYPE_CHECKING:
    from bedrock_auth.function_url.lost import Call
    from bedrock_auth.function_url.response import FunctionUrlResponse

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REFUSALS = frozenset({400, 401, 403})
"""With which AWS refuses what somebody has signed, or has not."""
_LONGEST = 300
_DENIED = (
    "whoever signs may not call it. Where the caller is of another account than the function, both sides must allow it. Function "
    "URLs made since October 2025 need two permissions: lambda:InvokeFunctionUrl with the condition StringEquals "
    "lambda:FunctionUrlAuthType AWS_IAM, and lambda:InvokeFunction with the condition Bool lambda:InvokedViaFunctionUrl true; "
    "bedrock_auth.iam.invoke_function_url writes the policy"
)
_CLOCK = "the signature's time is not AWS's: set the clock of this machine{clock}"
_MISMATCH = (
    "the signature does not fit the request: the secret access key is not that of the key id, the region is not the function's, "
    "or something on the way changed the request"
)
_EXPIRED = "the keys have expired, and the source had no newer ones"
_UNKNOWN = "AWS does not know these keys: they were deleted, belong to another partition, or their session token is wrong"
_UNSIGNED = "no signature arrived; something on the way took the Authorization header away"
_SIGNATURE_CAUSES = (
    (r"expiredtoken", _EXPIRED),
    (r"signature expired|not yet current|requestexpired|requesttimetooskewed", _CLOCK),
    (r"unrecognizedclient|invalidclienttokenid|invalidtoken", _UNKNOWN),
    (r"missingauthenticationtoken", _UNSIGNED),
    (r"invalidsignature|signaturedoesnotmatch|incompletesignature", _MISMATCH),
)
"""How AWS says it, in its code or its text, in lower case; the first row that fits decides."""
_OF_THE_FUNCTION = {
    502: "the function raised an error, ended too early, or answered in a form that Lambda does not know; its logs tell which",
    504: "the function did not answer in time; its logs and its timeout setting tell why",
}


def is_refusal(status: int) -> bool:
    """Whether an answer with this status is an error here: a redirect is, since it is not followed."""
    return status in _REDIRECTS or status >= HTTPStatus.BAD_REQUEST


def error_code(headers: Mapping[str, str]) -> str:
    """AWS's error code in the headers of an answer, in any case; empty where the answer is no refusal of AWS's."""
    said = next((value for name, value in headers.items() if name.lower() == "x-amzn-errortype"), "")
    match = re.match(r"(?:[\w.]+#)?(\w{1,100})", said)
    return match[1] if match else ""


def refused_code(status: int, headers: Mapping[str, str]) -> str:
    """The same where AWS refused what was signed, so that nothing has run; empty where a function may have said it."""
    return error_code(headers) if status in _REFUSALS else ""


def refusal(response: FunctionUrlResponse, call: Call | str = "the call") -> FunctionUrlError:
    """The error that an answer with status 300 or more stands for.

    Args:
        response: the answer, from whatever client it comes.
        call: what messages name.
    """
    status = response.status
    if status in _REDIRECTS:
        return _error(FunctionUrlError, response, call, "Redirect", f"it {_redirect(response)}")
    if status in _OF_THE_FUNCTION:
        return _error(FunctionFailedError, response, call, _words(status), _OF_THE_FUNCTION[status])
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        why = "more requests at once than its concurrency allows; send it again later"
        code = error_code(response.headers) or "TooManyRequestsException"
        return _error(FunctionUrlThrottledError, response, call, code, why, retryable=True)
    return _of_aws(response, call) or _of_the_function(response, call)


def _of_aws(response: FunctionUrlResponse, call: Call | str) -> FunctionUrlError | None:
    code, text = refused_code(response.status, response.headers), _message(response.content)
    if not code:
        return None
    said = f"{code} {text}".lower()
    why = next((why for pattern, why in _SIGNATURE_CAUSES if re.search(pattern, said)), None)
    if why is not None:
        return _error(FunctionUrlSignatureError, response, call, code, why.replace("{clock}", _clock(response)), said=text)
    if response.status == HTTPStatus.FORBIDDEN:
        return _error(FunctionUrlDeniedError, response, call, code, _DENIED)
    return _error(FunctionUrlError, response, call, code, "AWS refuses the request", said=text)


def _of_the_function(response: FunctionUrlResponse, call: Call | str) -> FunctionUrlError:
    code = error_code(response.headers) or _words(response.status)
    retryable = response.status == HTTPStatus.SERVICE_UNAVAILABLE and getattr(call, "is_harmless", False)
    return _error(FunctionUrlError, response, call, code, ".response holds the answer", retryable=retryable)


def _error(  # noqa: PLR0913 - what an error says
    kind: type[FunctionUrlError],
    response: FunctionUrlResponse,
    call: Call | str,
    code: str,
    why: str,
    *,
    said: str = "",
    retryable: bool = False,
) -> FunctionUrlError:
    quoted = f" (AWS: {redact(said)[:_LONGEST]})" if said else ""
    return kind(
        f"{call} was answered with status {response.status}, {code}: {why}{quoted}",
        code=code, status=response.status, request_id=response.request_id, retryable=retryable, response=response,
    )  # fmt: skip


def _message(content: bytes) -> str:
    """The first line of what AWS's errors say; the others repeat the request."""
    try:
        answer: Any = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    said = (answer.get("message") or answer.get("Message")) if isinstance(answer, Mapping) else None
    return said.partition("\n")[0].strip() if isinstance(said, str) else ""


def _redirect(response: FunctionUrlResponse) -> str:
    return f"leads to {_place(response.headers.get('location', ''))}, and is not followed: a signature is for one URL only"


def _place(location: str) -> str:
    """As much of a URL as may be shown."""
    try:
        to = urlsplit(location)
    except ValueError:
        return "something that is no URL"
    return redact(to._replace(netloc=to.netloc.rpartition("@")[2], query="", fragment="").geturl())


def _clock(response: FunctionUrlResponse) -> str:
    return f" (AWS's says {response.headers['date']})" if "date" in response.headers else ""


def _words(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.title().replace(" ", "")
    except ValueError:
        return str(status)
