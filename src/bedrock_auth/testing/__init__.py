"""For tests of code that calls Amazon Bedrock: a local endpoint instead of mocks.

`LocalBedrock` speaks the real wire format on loopback, verifies signatures, session tokens and expiry, says what a test
wants (a model or an agent of its own, `Reply`, `text`, `tool_use`, `return_control` …), finds passages in documents that a test
gives it (`Document`), says what a guardrail says, and fails as Bedrock does (`Throttle`, `Cut`, `Stall` …).
The pytest fixture ``local_bedrock`` comes with the package.

The names are resolved on first use, because pytest imports this package in every run on account of that fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_auth._exports import exports

if TYPE_CHECKING:
    from bedrock_auth.testing.agent_parts import (
        api_input as api_input,
        chunk as chunk,
        function_input as function_input,
        output_files as output_files,
        return_control as return_control,
        trace as trace,
    )
    from bedrock_auth.testing.agent_replies import AgentReply as AgentReply
    from bedrock_auth.testing.blocks import reasoning as reasoning, text as text, tool_use as tool_use
    from bedrock_auth.testing.catalog import foundation_model as foundation_model, inference_profile as inference_profile
    from bedrock_auth.testing.documents import Document as Document
    from bedrock_auth.testing.faults import (
        CorruptChecksum as CorruptChecksum,
        Cut as Cut,
        EmptyStream as EmptyStream,
        ExpiredSession as ExpiredSession,
        ExpiredToken as ExpiredToken,
        Fault as Fault,
        NotAnEventStream as NotAnEventStream,
        ResumingDatabase as ResumingDatabase,
        ServiceError as ServiceError,
        SlowTokens as SlowTokens,
        Stall as Stall,
        StreamError as StreamError,
        StreamException as StreamException,
        Throttle as Throttle,
        Truncate as Truncate,
    )
    from bedrock_auth.testing.frames import (
        encode_error as encode_error,
        encode_event as encode_event,
        encode_exception as encode_exception,
    )
    from bedrock_auth.testing.generation import citation as citation
    from bedrock_auth.testing.guardrails import GuardrailReply as GuardrailReply
    from bedrock_auth.testing.keys import moto_keys as moto_keys
    from bedrock_auth.testing.local_bedrock import LocalBedrock as LocalBedrock
    from bedrock_auth.testing.received import ReceivedRequest as ReceivedRequest
    from bedrock_auth.testing.replies import Payload as Payload, RawEvents as RawEvents, Reply as Reply

__all__, __getattr__, __dir__ = exports(
    globals(),
    {
        "agent_parts": "api_input chunk function_input output_files return_control trace",
        "agent_replies": "AgentReply",
        "blocks": "reasoning text tool_use",
        "catalog": "foundation_model inference_profile",
        "documents": "Document",
        "faults": "CorruptChecksum Cut EmptyStream ExpiredSession ExpiredToken Fault NotAnEventStream ResumingDatabase "
        "ServiceError SlowTokens Stall StreamError StreamException Throttle Truncate",
        "frames": "encode_error encode_event encode_exception",
        "generation": "citation",
        "guardrails": "GuardrailReply",
        "keys": "moto_keys",
        "local_bedrock": "LocalBedrock",
        "received": "ReceivedRequest",
        "replies": "Payload RawEvents Reply",
    },
)
