"""Typed calls of Amazon Bedrock, with any boto3 session or client.

`BedrockRuntime` sends conversations; answers, events and content blocks are frozen values; whatever goes wrong is a
`BedrockError`.
"""

from __future__ import annotations

from bedrock_auth.bedrock.content import Block, Message, ReasoningBlock, TextBlock, ToolUseBlock, UnknownBlock
from bedrock_auth.bedrock.errors import (
    BedrockError,
    ConnectionLostError,
    DecodeError,
    IncompleteStreamError,
    ServiceError,
    ToolInputError,
)
from bedrock_auth.bedrock.events import (
    ContentBlockStart,
    ContentBlockStop,
    Event,
    MessageStart,
    MessageStop,
    Metadata,
    ReasoningDelta,
    TextDelta,
    ToolUseDelta,
    ToolUseStart,
    UnknownEvent,
    decode,
)
from bedrock_auth.bedrock.fold import MessageFold
from bedrock_auth.bedrock.response import ConverseResponse, Usage
from bedrock_auth.bedrock.runtime import BedrockRuntime
from bedrock_auth.bedrock.stream import ConverseStream

__all__ = [
    "BedrockError",
    "BedrockRuntime",
    "Block",
    "ConnectionLostError",
    "ContentBlockStart",
    "ContentBlockStop",
    "ConverseResponse",
    "ConverseStream",
    "DecodeError",
    "Event",
    "IncompleteStreamError",
    "Message",
    "MessageFold",
    "MessageStart",
    "MessageStop",
    "Metadata",
    "ReasoningBlock",
    "ReasoningDelta",
    "ServiceError",
    "TextBlock",
    "TextDelta",
    "ToolInputError",
    "ToolUseBlock",
    "ToolUseDelta",
    "ToolUseStart",
    "UnknownBlock",
    "UnknownEvent",
    "Usage",
    "decode",
]
