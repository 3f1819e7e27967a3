"""For tests of code that calls Amazon Bedrock: a local endpoint instead of mocks.

`LocalBedrock` speaks the real wire format on loopback, verifies signatures, session tokens and expiry, says what a test
wants (`Reply`, `text`, `tool_use`, `reasoning`, `RawEvents`) and fails as Bedrock does (`Throttle`, `Cut`, `Stall` …).
The pytest fixture ``local_bedrock`` comes with the package.

The names are resolved on first use, because pytest imports this package in every run on account of that fixture.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bedrock_auth.testing.faults import (
        CorruptChecksum,
        Cut,
        EmptyStream,
        ExpiredToken,
        Fault,
        NotAnEventStream,
        ServiceError,
        SlowTokens,
        Stall,
        StreamError,
        StreamException,
        Throttle,
        Truncate,
    )
    from bedrock_auth.testing.frames import encode_error, encode_event, encode_exception
    from bedrock_auth.testing.keys import moto_keys
    from bedrock_auth.testing.local_bedrock import LocalBedrock
    from bedrock_auth.testing.received import ReceivedRequest
    from bedrock_auth.testing.replies import RawEvents, Reply, reasoning, text, tool_use

__all__ = [
    "CorruptChecksum",
    "Cut",
    "EmptyStream",
    "ExpiredToken",
    "Fault",
    "LocalBedrock",
    "NotAnEventStream",
    "RawEvents",
    "ReceivedRequest",
    "Reply",
    "ServiceError",
    "SlowTokens",
    "Stall",
    "StreamError",
    "StreamException",
    "Throttle",
    "Truncate",
    "encode_error",
    "encode_event",
    "encode_exception",
    "moto_keys",
    "reasoning",
    "text",
    "tool_use",
]

_HOMES = {
    "faults": "CorruptChecksum Cut EmptyStream ExpiredToken Fault NotAnEventStream ServiceError SlowTokens Stall StreamError "
    "StreamException Throttle Truncate",
    "frames": "encode_error encode_event encode_exception",
    "keys": "moto_keys",
    "local_bedrock": "LocalBedrock",
    "received": "ReceivedRequest",
    "replies": "RawEvents Reply reasoning text tool_use",
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
