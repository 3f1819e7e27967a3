"""The answer to a Converse request, streamed or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.bedrock.content import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bedrock_auth.bedrock.content import ToolUseBlock


@frozen
class Usage:
    """Tokens that a request is charged for."""

    input_tokens: int = 0
    """Without those read from or written to a prompt cache."""
    output_tokens: int = 0
    total_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_write_input_tokens: int = 0
    raw: Mapping[str, Any] = field(factory=dict, eq=False, repr=False)

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Usage:
        """From AWS's ``usage``; counts that it leaves out are zero."""
        return cls(
            raw.get("inputTokens", 0),
            raw.get("outputTokens", 0),
            raw.get("totalTokens", 0),
            raw.get("cacheReadInputTokens", 0),
            raw.get("cacheWriteInputTokens", 0),
            raw,
        )


def usage_of(document: Mapping[str, Any]) -> Usage | None:
    """The usage in a document of AWS's that may have one."""
    return Usage.from_api(document["usage"]) if "usage" in document else None


@frozen
class ConverseResponse:
    """What the model said, and how that went."""

    message: Message
    """The answer; append it to the messages of the next request as it is."""
    stop_reason: str | None
    """Why the model stopped, such as ``end_turn`` or ``tool_use``; ``None`` in the partial answer of a broken stream."""
    usage: Usage | None = None
    """``None`` where a stream ended without telling."""
    metrics: Mapping[str, Any] = field(factory=dict)
    """AWS's ``metrics``: ``latencyMs``, milliseconds."""
    trace: Mapping[str, Any] | None = None
    """AWS's ``trace`` of guardrails and prompt routers, where asked for."""
    additional_model_response_fields: Any = None
    request_id: str | None = None
    raw: Mapping[str, Any] = field(factory=dict, eq=False, repr=False)
    """boto3's response; of a stream, its ``messageStop`` and ``metadata`` in one dict."""

    @property
    def text(self) -> str:
        """The text of all text blocks, joined."""
        return self.message.text

    @property
    def tool_uses(self) -> tuple[ToolUseBlock, ...]:
        """The tools that the model asks for, in order."""
        return self.message.tool_uses

    @classmethod
    def of(cls, message: Message, document: Mapping[str, Any], request_id: str | None = None) -> ConverseResponse:
        """The response with this message; the rest is in AWS's document."""
        return cls(
            message,
            document.get("stopReason"),
            usage_of(document),
            document.get("metrics", {}),
            document.get("trace"),
            document.get("additionalModelResponseFields"),
            request_id,
            document,
        )

    @classmethod
    def from_api(cls, raw: Mapping[str, Any], request_id: str | None = None) -> ConverseResponse:
        """From boto3's response to Converse.

        Raises:
            KeyError, TypeError, ValueError: it is no answer of Converse.
        """
        raw["stopReason"]  # an answer without it was cut; botocore does not notice
        return cls.of(Message.from_api(raw["output"]["message"]), raw, request_id)
