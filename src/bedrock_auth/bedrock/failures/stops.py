"""From an answer's stop reason to an error, for programs that want one. Pure.

Source: Amazon Bedrock API Reference, Converse, ``stopReason``. Reasons that end an answer as asked for (``end_turn``,
``tool_use``, ``stop_sequence``, and ``max_tokens``, a limit of the caller's own) are no errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_auth.bedrock.failures.reasons import reason_of

if TYPE_CHECKING:
    from bedrock_auth.bedrock.converse.response import ConverseResponse
    from bedrock_auth.bedrock.errors import ServiceError

_CODES = {
    "guardrail_intervened": "GuardrailIntervened",
    "content_filtered": "ContentFiltered",
    "malformed_model_output": "MalformedModelOutput",
    "malformed_tool_use": "MalformedToolUse",
    "model_context_window_exceeded": "ModelContextWindowExceeded",
}


def stop_error(answer: ConverseResponse) -> ServiceError | None:
    """The error that the answer's stop reason stands for, with the answer as ``partial``; ``None`` where it is none."""
    code = _CODES.get(answer.stop_reason or "")
    if code is None:
        return None
    reason = reason_of(code)
    msg = f"the answer stopped with {answer.stop_reason}: {reason.why} What was answered is in .partial"
    return reason.error(msg, code=code, retryable=reason.retryable, request_id=answer.request_id, partial=answer)
