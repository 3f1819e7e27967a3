"""`ConverseStream`: the answer of a model while it is being given."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from attrs import evolve

from bedrock_auth.bedrock.errors import Call, IncompleteStreamError
from bedrock_auth.bedrock.events import Event, TextDelta, decode
from bedrock_auth.bedrock.fold import MessageFold, incomplete
from bedrock_auth.bedrock.translate import not_an_event_stream, translate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Self

    from bedrock_auth.bedrock.response import ConverseResponse
    from bedrock_auth.errors import BedrockAuthError


class ConverseStream:
    """An iterator of typed events, and a context manager that closes the connection where the reader leaves early.

    ::

        with runtime.converse_stream(model_id, "Hi") as stream:
            for text in stream.text_stream:
                print(text, end="")
        print(stream.response.usage)

    An answer is whole when ``messageStop`` has come. A stream that ends before, or fails, raises a `BedrockError` with what
    had come as ``partial``, and raises the same one from then on; after a whole answer, and after `close`, iterating just
    stops. Threads may share a stream: each event goes to one of them.
    """

    def __init__(self, events: Iterable[Mapping[str, Any]], close: Callable[[], None], call: Call) -> None:
        """Read from events in boto3's form; `from_response` takes a whole response.

        Args:
            events: dicts with one key, an event's name.
            close: closes the connection; called when the reader leaves early or the stream fails.
            call: what errors say about the call.
        """
        self._events = iter(events)
        self._close = close
        self._call = evolve(call, in_stream=True)
        self._fold = MessageFold(self._call)
        self._lock = threading.Lock()
        self._ended = False
        self._error: BedrockAuthError | None = None
        self._response: ConverseResponse | None = None

    @classmethod
    def from_response(cls, response: Mapping[str, Any]) -> ConverseStream:
        """The stream in boto3's response to ``converse_stream``."""
        metadata = response.get("ResponseMetadata", {})
        call = Call(
            "ConverseStream",
            request_id=metadata.get("RequestId"),
            content_type=metadata.get("HTTPHeaders", {}).get("content-type"),
        )
        return cls(response["stream"], response["stream"].close, call)

    @property
    def request_id(self) -> str | None:
        """AWS's id of the request."""
        return self._call.request_id

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        with self._lock:
            if self._ended:
                raise self._outcome()
            try:
                event = decode(next(self._events))
                self._fold.add(event)
            except StopIteration:
                self._end()
            except Exception as error:  # noqa: BLE001 - whatever a parser makes of damaged data
                self._fail(error)
            else:
                return event
            raise self._outcome()

    @property
    def text_stream(self) -> Iterator[str]:
        """The text of the answer, piece by piece; every other event is read and folded, but not shown.

        Raises:
            BedrockError: as iterating the stream does.
        """
        return (event.text for event in self if type(event) is TextDelta)

    @property
    def response(self) -> ConverseResponse:
        """The whole answer; reads whatever has not been read yet.

        Raises:
            ToolInputError: the model's input for a tool is no JSON or was cut.
            IncompleteStreamError: the stream ended early, or was closed before its end.
            BedrockError: the stream failed.
        """
        for _ in self:
            pass
        if self._response is None:
            if not self._fold.is_complete:
                raise self._closed_early()
            self._response = self._fold.complete()
        return self._response

    def close(self) -> None:
        """Leave; closes the connection unless the stream was read to its end. More calls change nothing."""
        if not self._ended:
            self._ended = True
            self._close()

    def _end(self) -> None:
        if not self._ended and not self._fold.is_complete:
            partial = self._fold.partial()
            details = self._call.details(partial)
            page = None if self._fold.is_begun else not_an_event_stream(self._call, details)
            self._error = page or incomplete(self._call, partial)
            self._give_up()
        self._ended = True

    def _fail(self, error: Exception) -> None:
        if not self._ended:  # else another thread has closed the connection under this read
            self._ended = True
            self._error = translate(error, self._call, self._fold.partial())
            self._give_up()

    def _give_up(self) -> None:
        with suppress(Exception):  # what went wrong before is what the reader must hear of
            self._close()

    def _outcome(self) -> Exception:
        return StopIteration() if self._error is None else self._error.with_traceback(None)

    def _closed_early(self) -> IncompleteStreamError:
        msg = f"{self._call.operation}: the stream was closed before the model had finished; what had come is in .partial"
        return IncompleteStreamError(msg, code="StreamClosed", **self._call.details(self._fold.partial()))
