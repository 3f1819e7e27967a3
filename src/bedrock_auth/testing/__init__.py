"""For tests of code that calls Amazon Bedrock: a local endpoint instead of mocks.

`LocalBedrock` speaks the real wire format on loopback, verifies signatures, session tokens and expiry, says what a test
wants (a model or an agent of its own, `Reply`, `text`, `tool_use`, `return_control` …), finds passages in documents that a test
gives it (`Document`), and fails as Bedrock does (`Throttle`, `Cut`, `Stall` …).
The pytest fixture ``local_bedrock`` comes with the package.

The names are resolved on first use, because pytest imports this package in every run on account of that fixture.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bedrock_auth.testing.agent_parts import api_input, chunk, function_input, output_files, return_control, trace
    from bedrock_auth.testing.agent_replies import AgentReply
    from bedrock_auth.testing.blocks import reasoning, text, tool_use
    from bedrock_auth.testing.catalog import foundation_model, inference_profile
    from bedrock_auth.testing.documents import Document
    from bedrock_auth.testing.faults import (
        CorruptChecksum,
        Cut,
        EmptyStream,
        ExpiredSession,
        ExpiredToken,
        Fault,
        NotAnEventStream,
        ResumingDatabase,
        ServiceError,
        SlowTokens,
        Stall,
        StreamError,
        StreamException,
        Throttle,
        Truncate,
    )
    from bedrock_auth.testing.frames import encode_error, encode_event, encode_exception
    from bedrock_auth.testing.generation import citation
    from bedrock_auth.testing.keys import moto_keys
    from bedrock_auth.testing.local_bedrock import LocalBedrock
    from bedrock_auth.testing.received import ReceivedRequest
    from bedrock_auth.testing.replies import Payload, RawEvents, Reply

__all__ = [
    "AgentReply",
    "CorruptChecksum",
    "Cut",
    "Document",
    "EmptyStream",
    "ExpiredSession",
    "ExpiredToken",
    "Fault",
    "LocalBedrock",
    "NotAnEventStream",
    "Payload",
    "RawEvents",
    "ReceivedRequest",
    "Reply",
    "ResumingDatabase",
    "ServiceError",
    "SlowTokens",
    "Stall",
    "StreamError",
    "StreamException",
    "Throttle",
    "Truncate",
    "api_input",
    "chunk",
    "citation",
    "encode_error",
    "encode_event",
    "encode_exception",
    "foundation_model",
    "function_input",
    "inference_profile",
    "moto_keys",
    "output_files",
    "reasoning",
    "return_control",
    "text",
    "tool_use",
    "trace",
]

_HOMES = {
    "agent_parts": "api_input chunk function_input output_files return_control trace",
    "agent_replies": "AgentReply",
    "blocks": "reasoning text tool_use",
    "catalog": "foundation_model inference_profile",
    "documents": "Document",
    "faults": "CorruptChecksum Cut EmptyStream ExpiredSession ExpiredToken Fault NotAnEventStream ResumingDatabase ServiceError "
    "SlowTokens Stall StreamError StreamException Throttle Truncate",
    "frames": "encode_error encode_event encode_exception",
    "generation": "citation",
    "keys": "moto_keys",
    "local_bedrock": "LocalBedrock",
    "received": "ReceivedRequest",
    "replies": "Payload RawEvents Reply",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
