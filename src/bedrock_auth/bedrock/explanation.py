"""`explain`: what went wrong, why, and what to do about it, for people.

The words stand in two tables of `bedrock_auth.bedrock.failures`: `reasons` for what services answer, `causes` for all
else. Texts of services and of strangers are read but never repeated, so no prompt and no secret gets out; messages of this
library's credential errors are, redacted once more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import evolve, frozen
from botocore import exceptions as aws
from botocore.eventstream import ParserError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from bedrock_auth.bedrock.errors import ANY_CALL, AccessDeniedError, BedrockError, Call, ModelAccessError, ServiceError
from bedrock_auth.bedrock.failures.causes import cause_of
from bedrock_auth.bedrock.failures.profile_hints import inference_profile_hints
from bedrock_auth.bedrock.failures.reasons import reason_of
from bedrock_auth.bedrock.failures.translate import translate
from bedrock_auth.bedrock.failures.wording import iam_actions, model_id
from bedrock_auth.errors import BedrockAuthError, ChainError, CredentialError, RetrievalError
from bedrock_auth.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bedrock_auth.bedrock.failures.reason import Reason

_KNOWN = (BedrockAuthError, aws.ClientError, aws.BotoCoreError, HTTPError, ParserError, ResponseParserError, ConnectionError)
_NAME = re.compile(r"[\w.-]{1,100}")
_ACTIONS = {
    "Converse": "bedrock:InvokeModel",
    "ConverseStream": "bedrock:InvokeModelWithResponseStream",
    "InvokeModel": "bedrock:InvokeModel",
    "InvokeModelWithResponseStream": "bedrock:InvokeModelWithResponseStream",
    "CountTokens": "bedrock:CountTokens",
    "ApplyGuardrail": "bedrock:ApplyGuardrail",
    "InvokeAgent": "bedrock:InvokeAgent",
    "InvokeFlow": "bedrock:InvokeFlow",
    "Retrieve": "bedrock:Retrieve",
    "RetrieveAndGenerate": "bedrock:RetrieveAndGenerate",
    "Rerank": "bedrock:Rerank",
    "ListFoundationModels": "bedrock:ListFoundationModels",
    "ListInferenceProfiles": "bedrock:ListInferenceProfiles",
    "GetInferenceProfile": "bedrock:GetInferenceProfile",
}
"""The action that an operation needs. Source: Service Authorization Reference, "Actions … for Amazon Bedrock"."""


@frozen
class Explanation:
    """An error in words; ``str()`` of it is readable as it stands."""

    what: str
    """What failed, with AWS's code, the HTTP status and the request id where there are any."""
    why: str
    fix: str
    iam_actions: tuple[str, ...] = ()
    """The IAM actions that somebody must be allowed, where permissions are the matter."""
    retryable: bool = False
    """Whether the very same request may well succeed when it is sent again."""
    page: str = ""
    """The AWS page to read, where there is one."""

    def __str__(self) -> str:
        """One line for each part."""
        lines = [
            self.what,
            f"Why: {self.why}",
            f"Fix: {self.fix}",
            f"IAM actions: {', '.join(self.iam_actions)}" if self.iam_actions else "",
            f"Worth sending again: {'yes' if self.retryable else 'no, not as it stands'}",
            f"See: {self.page}" if self.page else "",
        ]
        return "\n".join(filter(None, lines))


def explain(error: BaseException, *, region_name: str | None = None) -> Explanation:
    """Say what an error means: one of this library's, of botocore's or urllib3's, or one that was raised on account of such.

    Anything else gets an honest answer too: that nothing is known about it here. Nothing is asked of AWS or the machine.

    Args:
        error: whatever was caught; groups of exceptions are looked into.
        region_name: where the call went; makes the suggested inference profiles those of the region.
    """
    known = next((link for link in _links(error) if isinstance(link, _KNOWN)), None)
    if known is None:
        return _unknown(error)
    told = _explained(_of_ours(known, region_name), region_name)
    if known is error:
        return told
    return evolve(told, what=f"{_shown(type(error).__name__, 'An error')} was raised after this: {told.what}")


def _links(error: BaseException) -> Iterator[BaseException]:
    """The error, what it was raised from or after, and so on; each once."""
    waiting, seen = [error], set[int]()
    while waiting:
        link = waiting.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        if isinstance(link, BaseExceptionGroup):
            waiting += link.exceptions
        if before := link.__cause__ or link.__context__:
            waiting.append(before)


def _of_ours(error: BaseException, region_name: str | None) -> BedrockAuthError:
    in_stream = isinstance(error, (aws.EventStreamError, ParserError, HTTPError))  # elsewhere botocore wraps urllib3's
    operation = _shown(getattr(error, "operation_name", None), ANY_CALL)
    return translate(error, Call(operation, in_stream=in_stream, region_name=region_name))  # type: ignore[arg-type]  # no known kind is a bare BaseException


def _shown(name: object, otherwise: str) -> str:
    """A name that others gave, if it looks like one."""
    return name if isinstance(name, str) and _NAME.fullmatch(name) else otherwise


def _explained(error: BedrockAuthError, region_name: str | None) -> Explanation:
    if isinstance(error, ServiceError):
        return _of_service(error, region_name)
    cause = cause_of(error)
    return Explanation(
        _failed(error) if isinstance(error, BedrockError) else _told(error),
        _attempts(error) if isinstance(error, ChainError) else cause.why,
        redact(cause.fix.format(error=error)),
        iam_actions(error.message) if isinstance(error, CredentialError) else (),
        getattr(error, "retryable", isinstance(error, RetrievalError)),
    )


def _told(error: BedrockAuthError) -> str:
    if isinstance(error, RetrievalError) and not error.provider:  # botocore's sources quote what programs print
        return f"The call cannot be signed: {_shown(error.code, 'an unknown error')}."
    return redact(error.message.partition("\n")[0])


def _of_service(error: ServiceError, region_name: str | None) -> Explanation:
    text = str(error.response.get("Error", {}).get("Message") or "")
    reason = reason_of(error.code, text, error.status)
    hints = getattr(error, "suggestions", ())
    if hints and region_name:
        hints = inference_profile_hints(model_id(text), region_name)
    return Explanation(
        _failed(error),
        " ".join(filter(None, [reason.why, reason.detail(text)])),
        f"{reason.fix} For example: {', '.join(hints)}." if hints else reason.fix,
        _actions(error, reason, text),
        error.retryable,
        reason.page,
    )


def _actions(error: ServiceError, reason: Reason, text: str) -> tuple[str, ...]:
    if not isinstance(error, AccessDeniedError):
        return ()
    found = iam_actions(text) or reason.iam_actions
    if found or isinstance(error, ModelAccessError) or error.operation not in _ACTIONS:
        return found
    return (_ACTIONS[error.operation],)


def _failed(error: BedrockError) -> str:
    place = " in its stream" if error.in_stream else ""
    request_id = _shown(error.request_id, "")
    known = ", ".join(filter(None, [f"HTTP {error.status}" * bool(error.status), f"request {request_id}" * bool(request_id)]))
    what = f"{_shown(error.operation, ANY_CALL)} failed{place} with {_shown(error.code, 'an unknown code')}"
    return f"{what} ({known})." if known else f"{what}."


def _attempts(error: ChainError) -> str:
    lines = [f"- {name}: {attempt.message}" for name, attempt in error.attempts]
    return redact("\n".join(["None of these sources delivered:", *lines]))


def _unknown(error: BaseException) -> Explanation:
    kind = type(error)
    return Explanation(
        f"{_shown(f'{kind.__module__}.{kind.__qualname__}'.removeprefix('builtins.'), 'An error')} was raised.",
        "It is no error of AWS, of botocore or of this library, so nothing is known about it here. Its text is not repeated, "
        "because it may hold anything.",
        "Read its own message and traceback.",
    )
