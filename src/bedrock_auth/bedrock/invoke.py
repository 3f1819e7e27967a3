"""`InvokeModelStream`: the answer to InvokeModelWithResponseStream, in the model's own form, while it is being given.

What is in the payload is between the caller and the model. Bedrock adds only its own measurements, to the last chunk.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import field, frozen

from bedrock_auth.bedrock.errors import Call, IncompleteStreamError
from bedrock_auth.bedrock.events import UnknownEvent
from bedrock_auth.bedrock.transport.event_stream import TypedStream

if TYPE_CHECKING:
    from bedrock_auth.bedrock.events import RawEvent

_METRICS = "amazon-bedrock-invocationMetrics"


@frozen
class InvocationMetrics:
    """What Bedrock measured, ``amazon-bedrock-invocationMetrics``; what it leaves out is ``None``."""

    input_token_count: int | None
    output_token_count: int | None
    invocation_latency: int | None
    """Milliseconds until the end of the answer."""
    first_byte_latency: int | None
    """Milliseconds until its first byte."""
    raw: Mapping[str, Any] = field(eq=False, repr=False)

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> InvocationMetrics:
        """From Bedrock's object."""
        return cls(
            raw.get("inputTokenCount"),
            raw.get("outputTokenCount"),
            raw.get("invocationLatency"),
            raw.get("firstByteLatency"),
            raw,
        )


@frozen
class PayloadChunk:
    """A piece of the model's answer, in the model's own form."""

    bytes: bytes
    json: Any = None
    """The payload parsed; ``None`` where it is no JSON."""
    raw: RawEvent = field(factory=dict, eq=False, repr=False)

    @property
    def metrics(self) -> InvocationMetrics | None:
        """Bedrock's measurements, in the last chunk of most models."""
        said = self.json.get(_METRICS) if isinstance(self.json, Mapping) else None
        return InvocationMetrics.from_api(said) if isinstance(said, Mapping) else None


InvokeModelEvent: TypeAlias = PayloadChunk | UnknownEvent


def decode_chunk(raw: RawEvent) -> InvokeModelEvent:
    """The typed event of a raw one.

    Raises:
        KeyError, TypeError, ValueError: it is no event of AWS's.
    """
    ((name, body),) = raw.items()
    return PayloadChunk(body["bytes"], _parsed(body["bytes"]), raw) if name == "chunk" else UnknownEvent(name, raw)


def _parsed(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return None


class _Chunks:
    """Whether the answer is whole, and what Bedrock measured."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.metrics: InvocationMetrics | None = None
        self.is_begun = False
        self._has_chunk = False
        self._awaited: Mapping[str, Any] | str | None = None

    @property
    def is_complete(self) -> bool:
        return self._has_chunk and self._awaited is None

    def add(self, event: InvokeModelEvent) -> None:
        self.is_begun = True
        if isinstance(event, PayloadChunk):
            self._has_chunk = True
            self.metrics = event.metrics or self.metrics
            self._follow(event.json)

    def _follow(self, document: Any) -> None:
        """The two formats that announce their end are held to it."""
        match document:
            case {"type": "message_start"}:
                self._awaited = "message_stop"
            case {"messageStart": _}:
                self._awaited = "messageStop"
            case {"type": "message_stop"} | {"messageStop": _}:
                self._awaited = None

    def partial(self) -> None:
        """Nothing: the reader has had every chunk, and nobody here knows how to put them together."""


def _incomplete(call: Call, _: object) -> IncompleteStreamError:
    msg = f"{call.operation}: the stream ended before the answer did, so it is not whole; the request can be sent again"
    return IncompleteStreamError(msg, code="IncompleteStream", retryable=True, **call.details())


class InvokeModelStream(TypedStream[InvokeModelEvent]):
    """The chunks of an answer in the model's own form.

    ::

        with runtime.invoke_model_stream(model_id, {"prompt": "Hi"}) as stream:
            for chunk in stream:
                print(chunk.json)
        print(stream.metrics)

    AWS has no event that ends such a stream. An answer counts as whole when at least one chunk has come, the body has ended as
    HTTP and between two frames, and, where the model speaks Anthropic's or Amazon Nova's format, its own last word has come
    (``message_stop``, ``messageStop``). Everything else is a `BedrockError`: a cut connection, a bad checksum, an exception
    inside the stream, an end in the middle of a frame, no chunk at all. Of other formats, only their own documents can tell.
    """

    _decode = staticmethod(decode_chunk)
    _new_fold = _Chunks
    _incomplete = staticmethod(_incomplete)
    _fold: _Chunks

    def _is_whole(self) -> bool:
        return self._fold.is_complete and not (self._opened is not None and self._opened.is_cut)

    @property
    def metrics(self) -> InvocationMetrics | None:
        """Bedrock's measurements, once the chunk with them was read; ``None`` where the model's stream has none."""
        return self._fold.metrics
