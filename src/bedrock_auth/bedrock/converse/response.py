"""The answer to a Converse request, streamed or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.bedrock.content import Message
from bedrock_auth.bedrock.failures.stops import stop_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bedrock_auth.bedrock.content import ToolUseBlock


@frozen
class CacheDetail:
    """Tokens that were written to the prompt cache to stay there for one time."""

    ttl: str
    """``5m`` or ``1h``."""
    input_tokens: int

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> CacheDetail:
        """From one of AWS's ``cacheDetails``."""
        return cls(raw["ttl"], raw["inputTokens"])


@frozen
class Usage:
    """Tokens that a request is charged for."""

    input_tokens: int = 0
    """Without those read from or written to a prompt cache."""
    output_tokens: int = 0
    total_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_write_input_tokens: int = 0
    cache_details: tuple[CacheDetail, ...] = ()
    """What was written to the prompt cache, by how long it stays there."""
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
            tuple(map(CacheDetail.from_api, raw.get("cacheDetails", ()))),
            raw,
        )


def usage_of(document: Mapping[str, Any]) -> Usage | None:
    """The usage in a document of AWS's that may have one."""
    return Usage.from_api(document["usage"]) if "usage" in document else None


def service_tier_of(document: Mapping[str, Any]) -> str | None:
    """The service tier in a document of AWS's that may have one."""
    return document["serviceTier"].get("type") if "serviceTier" in document else None


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
    service_tier: str | None = None
    """The tier that has served the request, such as ``default`` or ``priority``, where AWS says it."""
    performance_config: Mapping[str, Any] | None = None
    """AWS's ``performanceConfig``: its ``latency`` is ``standard`` or ``optimized``."""
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

    def raise_for_stop_reason(self) -> None:
        """Raise where the model did not stop of its own accord; ``max_tokens``, the caller's own limit, is not among that.

        Raises:
            GuardrailIntervenedError: a guardrail or a content filter stepped in.
            ContextWindowExceededError: the model's context window is full.
            ModelFailedError: the model wrote what Amazon Bedrock cannot read.
        """
        if error := stop_error(self):
            raise error

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
            service_tier_of(document),
            document.get("performanceConfig"),
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
