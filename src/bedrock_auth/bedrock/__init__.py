"""Typed calls of Amazon Bedrock, with any boto3 session or client.

`BedrockRuntime` sends conversations; answers, events and content blocks are frozen values; whatever goes wrong is a
`BedrockError`, and `explain` says what to do about it. The names are resolved on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_auth._exports import exports

if TYPE_CHECKING:
    from bedrock_auth.bedrock.agent import AnyAgent as AnyAgent, BedrockAgent as BedrockAgent, InlineAgent as InlineAgent
    from bedrock_auth.bedrock.agents.actions import Confirm as Confirm
    from bedrock_auth.bedrock.agents.conversation import AgentConversation as AgentConversation
    from bedrock_auth.bedrock.agents.events import (
        AgentChunk as AgentChunk,
        AgentEvent as AgentEvent,
        AgentFiles as AgentFiles,
        AgentTrace as AgentTrace,
        OutputFile as OutputFile,
    )
    from bedrock_auth.bedrock.agents.files import InputFile as InputFile
    from bedrock_auth.bedrock.agents.handlers import Handlers as Handlers
    from bedrock_auth.bedrock.agents.parameters import Parameter as Parameter, ParameterError as ParameterError
    from bedrock_auth.bedrock.agents.request import AgentOptions as AgentOptions
    from bedrock_auth.bedrock.agents.response import AgentResponse as AgentResponse
    from bedrock_auth.bedrock.agents.return_control import (
        AnyInvocation as AnyInvocation,
        ApiInvocation as ApiInvocation,
        FunctionInvocation as FunctionInvocation,
        Invocation as Invocation,
        InvocationResult as InvocationResult,
        ReturnControl as ReturnControl,
        ReturnControlResults as ReturnControlResults,
        UnknownInvocation as UnknownInvocation,
    )
    from bedrock_auth.bedrock.agents.run import (
        AgentRun as AgentRun,
        AgentRunEvent as AgentRunEvent,
        AgentRunOptions as AgentRunOptions,
        AsyncAgentRun as AsyncAgentRun,
    )
    from bedrock_auth.bedrock.agents.stream import AgentStream as AgentStream, AsyncAgentStream as AsyncAgentStream
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
    from bedrock_auth.bedrock.converse.fold import MessageFold as MessageFold
    from bedrock_auth.bedrock.converse.request import ConverseOptions as ConverseOptions, Guardrail as Guardrail
    from bedrock_auth.bedrock.converse.response import (
        CacheDetail as CacheDetail,
        ConverseResponse as ConverseResponse,
        Usage as Usage,
    )
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
    from bedrock_auth.bedrock.explanation import Explanation as Explanation, explain as explain
    from bedrock_auth.bedrock.invoke import (
        InvocationMetrics as InvocationMetrics,
        InvokeModelEvent as InvokeModelEvent,
        InvokeModelStream as InvokeModelStream,
        PayloadChunk as PayloadChunk,
    )
    from bedrock_auth.bedrock.knowledge_base import KnowledgeBase as KnowledgeBase
    from bedrock_auth.bedrock.model_ref import ModelRef as ModelRef
    from bedrock_auth.bedrock.models import (
        AvailableModel as AvailableModel,
        InferenceProfile as InferenceProfile,
        available_models as available_models,
    )
    from bedrock_auth.bedrock.prompt import Fence as Fence, Fenced as Fenced, escaped as escaped, unescaped as unescaped
    from bedrock_auth.bedrock.prompts.client_history import ClientHistory as ClientHistory
    from bedrock_auth.bedrock.prompts.guardrail_check import (
        GuardrailCheck as GuardrailCheck,
        GuardrailVerdict as GuardrailVerdict,
    )
    from bedrock_auth.bedrock.prompts.html_output import link_to_html as link_to_html, to_html as to_html
    from bedrock_auth.bedrock.prompts.transcript import TranscriptSigner as TranscriptSigner
    from bedrock_auth.bedrock.prompts.untrusted import (
        TextRules as TextRules,
        UntrustedInputError as UntrustedInputError,
        without_placeholders as without_placeholders,
    )
    from bedrock_auth.bedrock.rag import RagChat as RagChat, Retriever as Retriever
    from bedrock_auth.bedrock.rag_chat.events import (
        FoundText as FoundText,
        HitCitation as HitCitation,
        RagEvent as RagEvent,
        RagResponse as RagResponse,
        UnmatchedMarker as UnmatchedMarker,
    )
    from bedrock_auth.bedrock.rag_chat.stream import AsyncRagStream as AsyncRagStream, RagStream as RagStream
    from bedrock_auth.bedrock.rag_chat.turn import RagSettings as RagSettings
    from bedrock_auth.bedrock.retrieval.fields import F as F, Field as Field
    from bedrock_auth.bedrock.retrieval.filters import (
        AnyFilter as AnyFilter,
        Condition as Condition,
        Filter as Filter,
        FilterGroup as FilterGroup,
        UnknownFilter as UnknownFilter,
        all_of as all_of,
        any_of as any_of,
    )
    from bedrock_auth.bedrock.retrieval.generation import RetrievalCitation as RetrievalCitation, Span as Span
    from bedrock_auth.bedrock.retrieval.generation_conversation import (
        KnowledgeBaseConversation as KnowledgeBaseConversation,
        SessionRestarted as SessionRestarted,
    )
    from bedrock_auth.bedrock.retrieval.generation_stream import (
        AsyncRetrieveAndGenerateStream as AsyncRetrieveAndGenerateStream,
        CitationEvent as CitationEvent,
        GenerationEvent as GenerationEvent,
        GuardrailEvent as GuardrailEvent,
        OutputEvent as OutputEvent,
        RetrieveAndGenerateStream as RetrieveAndGenerateStream,
    )
    from bedrock_auth.bedrock.retrieval.hits import (
        AudioContent as AudioContent,
        Column as Column,
        Hit as Hit,
        HitContent as HitContent,
        ImageContent as ImageContent,
        Location as Location,
        RowContent as RowContent,
        TextContent as TextContent,
        UnknownContent as UnknownContent,
        VideoContent as VideoContent,
    )
    from bedrock_auth.bedrock.retrieval.request import (
        GenerationOptions as GenerationOptions,
        RetrievalOptions as RetrievalOptions,
    )
    from bedrock_auth.bedrock.retrieval.reranking import Reranking as Reranking
    from bedrock_auth.bedrock.retrieval.response import (
        RetrieveAndGenerateResponse as RetrieveAndGenerateResponse,
        RetrieveResponse as RetrieveResponse,
    )
    from bedrock_auth.bedrock.retry import Retried as Retried, RetryListener as RetryListener
    from bedrock_auth.bedrock.runtime import BedrockRuntime as BedrockRuntime
    from bedrock_auth.bedrock.stream import ConverseStream as ConverseStream, typed_stream as typed_stream
    from bedrock_auth.bedrock.tool_use.tool_run import AsyncToolRun as AsyncToolRun, ToolEvent as ToolEvent, ToolRun as ToolRun
    from bedrock_auth.bedrock.tool_use.turns import RunOptions as RunOptions, TurnLimitError as TurnLimitError
    from bedrock_auth.bedrock.tools import Tool as Tool, ToolError as ToolError, tool_config as tool_config
    from bedrock_auth.bedrock.transport.aio import AsyncConverseStream as AsyncConverseStream, AsyncStream as AsyncStream

__all__, __getattr__, __dir__ = exports(
    globals(),
    {
        "agent": "AnyAgent BedrockAgent InlineAgent",
        "agents.actions": "Confirm",
        "agents.conversation": "AgentConversation",
        "agents.events": "AgentChunk AgentEvent AgentFiles AgentTrace OutputFile",
        "agents.files": "InputFile",
        "agents.handlers": "Handlers",
        "agents.parameters": "Parameter ParameterError",
        "agents.request": "AgentOptions",
        "agents.response": "AgentResponse",
        "agents.return_control": "AnyInvocation ApiInvocation FunctionInvocation Invocation InvocationResult ReturnControl "
        "ReturnControlResults UnknownInvocation",
        "agents.run": "AgentRun AgentRunEvent AgentRunOptions AsyncAgentRun",
        "agents.stream": "AgentStream AsyncAgentStream",
        "content": "AudioBlock Block CachePoint Citation CitationsBlock Content DocumentBlock GuardBlock ImageBlock JsonBlock "
        "Message ReasoningBlock S3Location SearchResultBlock TextBlock ToolAdditionBlock ToolRemovalBlock ToolResultBlock "
        "ToolUseBlock UnknownBlock VideoBlock",
        "conversation": "Conversation",
        "converse.fold": "MessageFold",
        "converse.request": "ConverseOptions Guardrail",
        "converse.response": "CacheDetail ConverseResponse Usage",
        "errors": "AccessDeniedError BedrockError ConnectionLostError ContextWindowExceededError CredentialsRejectedError "
        "DecodeError GuardrailIntervenedError IncompleteStreamError InferenceProfileRequiredError ModelAccessError "
        "ModelFailedError ModelNotReadyError NotFoundError QuotaExceededError ServiceError SessionExpiredError ThrottledError "
        "ToolInputError UnavailableError ValidationError",
        "events": "CitationDelta ContentBlockStart ContentBlockStop Event ImageDelta ImageStart MessageStart MessageStop "
        "Metadata ReasoningDelta TextDelta ToolResultDelta ToolResultStart ToolUseDelta ToolUseStart UnknownEvent decode",
        "explanation": "Explanation explain",
        "invoke": "InvocationMetrics InvokeModelEvent InvokeModelStream PayloadChunk",
        "knowledge_base": "KnowledgeBase",
        "model_ref": "ModelRef",
        "models": "AvailableModel InferenceProfile available_models",
        "prompt": "Fence Fenced escaped unescaped",
        "prompts.client_history": "ClientHistory",
        "prompts.guardrail_check": "GuardrailCheck GuardrailVerdict",
        "prompts.html_output": "link_to_html to_html",
        "prompts.transcript": "TranscriptSigner",
        "prompts.untrusted": "TextRules UntrustedInputError without_placeholders",
        "rag": "RagChat Retriever",
        "rag_chat.events": "FoundText HitCitation RagEvent RagResponse UnmatchedMarker",
        "rag_chat.stream": "AsyncRagStream RagStream",
        "rag_chat.turn": "RagSettings",
        "retrieval.fields": "F Field",
        "retrieval.filters": "AnyFilter Condition Filter FilterGroup UnknownFilter all_of any_of",
        "retrieval.generation": "RetrievalCitation Span",
        "retrieval.generation_conversation": "KnowledgeBaseConversation SessionRestarted",
        "retrieval.generation_stream": "AsyncRetrieveAndGenerateStream CitationEvent GenerationEvent GuardrailEvent OutputEvent "
        "RetrieveAndGenerateStream",
        "retrieval.hits": "AudioContent Column Hit HitContent ImageContent Location RowContent TextContent UnknownContent "
        "VideoContent",
        "retrieval.request": "GenerationOptions RetrievalOptions",
        "retrieval.reranking": "Reranking",
        "retrieval.response": "RetrieveAndGenerateResponse RetrieveResponse",
        "retry": "Retried RetryListener",
        "runtime": "BedrockRuntime",
        "stream": "ConverseStream typed_stream",
        "tool_use.tool_run": "AsyncToolRun ToolEvent ToolRun",
        "tool_use.turns": "RunOptions TurnLimitError",
        "tools": "Tool ToolError tool_config",
        "transport.aio": "AsyncConverseStream AsyncStream",
    },
)
