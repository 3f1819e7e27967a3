"""`ConverseStream`: the answer of a model while it is being given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bedrock_auth.bedrock.converse.fold import MessageFold, incomplete
from bedrock_auth.bedrock.converse.response import ConverseResponse
from bedrock_auth.bedrock.errors import Call
from bedrock_auth.bedrock.events import Event, TextDelta, decode
from bedrock_auth.bedrock.transport.event_stream import AnswerStream
from bedrock_auth.bedrock.transport.opened import Opened
from bedrock_auth.errors import ConfigurationError


class ConverseStream(AnswerStream[Event, ConverseResponse]):
    """The answer of a model while it is being given.

    ::

        with runtime.converse_stream(model_id, "Hi") as stream:
            for text in stream.text_stream:
                print(text, end="")
        print(stream.response.usage)

    An answer is whole when ``messageStop`` has come. A stream that ends before, or fails, raises a `BedrockError` with what
    had come as ``partial``, and raises the same one from then on; after a whole answer, and after `close`, iterating just
    stops. A connection that is lost after ``messageStop`` is no failure: only the measurements are missing, and ``usage`` is
    ``None``. Threads may share a stream: each event goes to one of them.
    """

    _decode = staticmethod(decode)
    _new_fold = MessageFold
    _incomplete = staticmethod(incomplete)
    _TEXT_EVENT = TextDelta
    _fold: MessageFold

    def has_said_all(self) -> bool:
        """Whether ``messageStop`` has come."""
        return self._fold.is_complete

    def _complete(self) -> ConverseResponse:
        return self._fold.complete()


def typed_stream(response: Mapping[str, Any]) -> ConverseStream:
    """Typed events, errors and completeness for code that calls boto3 itself.

    ::

        with typed_stream(client.converse_stream(**request)) as stream:
            for event in stream: ...

    botocore has parsed the events before they get here, so what the installed one does not know is lost: an unknown event is
    missing, an unknown delta or start has a name but no content, an unknown exception has neither code nor message, and
    ``original_status`` and ``original_message`` of a model's failure are ``None``. `BedrockRuntime` with ``client=`` loses
    nothing. A stream that was opened elsewhere is not opened again.

    Raises:
        ConfigurationError: this is no response of ``converse_stream``.
    """
    if not isinstance(response, Mapping) or "stream" not in response:
        members = ", ".join(map(str, response)) if isinstance(response, Mapping) else type(response).__name__
        msg = f"typed_stream takes boto3's response to converse_stream, which has a stream, not {members or 'an empty one'}"
        raise ConfigurationError(msg, setting="response")
    return ConverseStream().open(lambda: Opened.of(response, Call("ConverseStream"), "stream"))
