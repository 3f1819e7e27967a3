"""Typed calls of Amazon Bedrock, with any boto3 session or client.

`BedrockRuntime` sends conversations; answers, events and content blocks are frozen values; whatever goes wrong is a
`BedrockError`, and `explain` says what to do about it. The names are resolved on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_auth._exports import exports

if TYPE_CHECKING:
    from bedrock_auth.bedrock.aio import AsyncConverseStream as AsyncConverseStream, AsyncStream as AsyncStream
    from bedrock_auth.bedrock.content import (
        AudioBlock as AudioBlock,
        Block as Block,
        CachePoint as CachePoint,
        Citation as Citation,
        CitationsBlock as CitationsBlock,
        Content as Content,
        DocumentBlock as DocumentBlock,
        GuardBlock as GuardBlock,
        ImageBlock as ImageBlock,
        JsonBlock as JsonBlock,
        Message as Message,
        ReasoningBlock as ReasoningBlock,
        S3Location as S3Location,
        SearchResultBlock as SearchResultBlock,
        TextBlock as TextBlock,
        ToolAdditionBlock as ToolAdditionBlock,
        ToolRemovalBlock as ToolRemovalBlock,
        ToolResultBlock as ToolResultBlock,
        ToolUseBlock as ToolUseBlock,
        UnknownBlock as UnknownBlock,
        VideoBlock as VideoBlock,
    )
    from bedrock_auth.bedrock.conversation import Conversation as Conversation
    from bedrock_auth.bedrock.errors import (
        AccessDeniedError as AccessDeniedError,
        BedrockError as BedrockError,
        ConnectionLostError as ConnectionLostError,
        ContextWindowExceededError as ContextWindowExceededError,
        CredentialsRejectedError as CredentialsRejectedError,
        DecodeError as DecodeError,
        GuardrailIntervenedError as GuardrailIntervenedError,
        IncompleteStreamError as IncompleteStreamError,
        InferenceProfileRequiredError as InferenceProfileRequiredError,
        ModelAccessError as ModelAccessError,
        ModelFailedError as ModelFailedError,
        ModelNotReadyError as ModelNotReadyError,
        NotFoundError as NotFoundError,
        QuotaExceededError as QuotaExceededError,
        ServiceError as ServiceError,
        SessionExpiredError as SessionExpiredError,
        ThrottledError as ThrottledError,
        ToolInputError as ToolInputError,
        UnavailableError as UnavailableError,
        ValidationError as ValidationError,
    )
    from bedrock_auth.bedrock.events import (
        CitationDelta as CitationDelta,
        ContentBlockStart as ContentBlockStart,
        ContentBlockStop as ContentBlockStop,
        Event as Event,
        ImageDelta as ImageDelta,
        ImageStart as ImageStart,
        MessageStart as MessageStart,
        MessageStop as MessageStop,
        Metadata as Metadata,
        ReasoningDelta as ReasoningDelta,
        TextDelta as TextDelta,
        ToolResultDelta as ToolResultDelta,
        ToolResultStart as ToolResultStart,
        ToolUseDelta as ToolUseDelta,
        ToolUseStart as ToolUseStart,
        UnknownEvent as UnknownEvent,
        decode as decode,
    )
    from bedrock_auth.bedrock.explain import Explanation as Explanation, explain as explain
    from bedrock_auth.bedrock.fold import MessageFold as MessageFold
    from bedrock_auth.bedrock.invoke import (
        InvocationMetrics as InvocationMetrics,
        InvokeModelEvent as InvokeModelEvent,
        InvokeModelStream as InvokeModelStream,
        PayloadChunk as PayloadChunk,
    )
    from bedrock_auth.bedrock.model_ref import ModelRef as ModelRef
    from bedrock_auth.bedrock.models import (
        AvailableModel as AvailableModel,
        InferenceProfile as InferenceProfile,
        available_models as available_models,
    )
    from bedrock_auth.bedrock.request import ConverseOptions as ConverseOptions, Guardrail as Guardrail
    from bedrock_auth.bedrock.response import CacheDetail as CacheDetail, ConverseResponse as ConverseResponse, Usage as Usage
    from bedrock_auth.bedrock.retry import Retried as Retried, RetryListener as RetryListener
    from bedrock_auth.bedrock.runtime import BedrockRuntime as BedrockRuntime
    from bedrock_auth.bedrock.stream import ConverseStream as ConverseStream, typed_stream as typed_stream
    from bedrock_auth.bedrock.tool_run import AsyncToolRun as AsyncToolRun, ToolEvent as ToolEvent, ToolRun as ToolRun
    from bedrock_auth.bedrock.tools import Tool as Tool, ToolError as ToolError, tool_config as tool_config
    from bedrock_auth.bedrock.turns import RunOptions as RunOptions, TurnLimitError as TurnLimitError

__all__, __getattr__, __dir__ = exports(
    globals(),
    {
        "aio": "AsyncConverseStream AsyncStream",
        "content": "AudioBlock Block CachePoint Citation CitationsBlock Content DocumentBlock GuardBlock ImageBlock JsonBlock "
        "Message ReasoningBlock S3Location SearchResultBlock TextBlock ToolAdditionBlock ToolRemovalBlock "
        "ToolResultBlock ToolUseBlock UnknownBlock VideoBlock",
        "conversation": "Conversation",
        "errors": "AccessDeniedError BedrockError ConnectionLostError ContextWindowExceededError CredentialsRejectedError "
        "DecodeError GuardrailIntervenedError IncompleteStreamError InferenceProfileRequiredError ModelAccessError "
        "ModelFailedError ModelNotReadyError NotFoundError QuotaExceededError ServiceError SessionExpiredError "
        "ThrottledError ToolInputError UnavailableError ValidationError",
        "events": "CitationDelta ContentBlockStart ContentBlockStop Event ImageDelta ImageStart MessageStart MessageStop "
        "Metadata ReasoningDelta TextDelta ToolResultDelta ToolResultStart ToolUseDelta ToolUseStart UnknownEvent "
        "decode",
        "explain": "Explanation explain",
        "fold": "MessageFold",
        "invoke": "InvocationMetrics InvokeModelEvent InvokeModelStream PayloadChunk",
        "model_ref": "ModelRef",
        "models": "AvailableModel InferenceProfile available_models",
        "request": "ConverseOptions Guardrail",
        "response": "CacheDetail ConverseResponse Usage",
        "retry": "Retried RetryListener",
        "runtime": "BedrockRuntime",
        "stream": "ConverseStream typed_stream",
        "tool_run": "AsyncToolRun ToolEvent ToolRun",
        "tools": "Tool ToolError tool_config",
        "turns": "RunOptions TurnLimitError",
    },
)
