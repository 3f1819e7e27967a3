"""What a call of the wrappers asks of botocore beyond a plain call, through its public events.

- A Converse that timed out is not sent again: the model may still be at work on it, and each one is paid for.
- A Converse whose body is shorter than its headers say is an error, which botocore does not notice.
- The frames of a ConverseStream go through `FrameParser`, because botocore's own parser drops what it does not know.

The handlers sit on the client but act only inside `typed_call`, so a client that the caller shares behaves for its other
users as before.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from botocore.eventstream import EventStream
from botocore.exceptions import IncompleteReadError, ReadTimeoutError
from botocore.parsers import EventStreamJSONParser

from bedrock_auth.bedrock.content import UNKNOWN_MEMBER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.client import BaseClient

_ERROR_STATUS = 300


class TypedCall:
    """A call of the wrappers while it runs."""

    is_answered = False
    """Whether the service has answered well; what botocore raises after that is its trouble with the answer."""


_current: ContextVar[TypedCall | None] = ContextVar("bedrock_auth.typed_call", default=None)


@contextmanager
def typed_call() -> Iterator[TypedCall]:
    """An API call inside the block is the wrappers' own."""
    call = TypedCall()
    token = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(token)


def prepare(client: BaseClient) -> None:
    """Make a ``bedrock-runtime`` client ready for `typed_call`; repeating it changes nothing."""
    events = client.meta.events
    events.register_first("needs-retry.bedrock-runtime.Converse", _keep_read_timeout, unique_id="bedrock-auth-keep-read-timeout")
    events.register("before-parse.bedrock-runtime.Converse", _check_length, unique_id="bedrock-auth-check-length")
    events.register("before-parse.bedrock-runtime.ConverseStream", _read_frames, unique_id="bedrock-auth-read-frames")


def _keep_read_timeout(caught_exception: Exception | None = None, **_: Any) -> None:
    if isinstance(caught_exception, ReadTimeoutError) and _current.get() is not None:
        raise caught_exception  # returning False would make botocore 1.40 retry for ever


def _is_answer(response_dict: dict[str, Any]) -> bool:
    call = _current.get()
    if call is None or response_dict["status_code"] >= _ERROR_STATUS:
        return False
    call.is_answered = True
    return True


def _check_length(response_dict: dict[str, Any], **_: Any) -> None:
    if not _is_answer(response_dict):
        return
    actual, expected = len(response_dict["body"]), int(response_dict["headers"].get("content-length", 0))
    if actual < expected:
        raise IncompleteReadError(actual_bytes=actual, expected_bytes=expected)


def _read_frames(operation_model: Any, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    if not _is_answer(response_dict):
        return
    parser: Any = FrameParser()  # botocore asks for nothing but its parse()
    shape = operation_model.output_shape.members["stream"]
    customized_response_dict["stream"] = EventStream(response_dict["body"], shape, parser, operation_model.name)


class FrameParser:
    """botocore's event parser, lossless.

    Event types and union members that botocore's model does not know keep their content, exceptions that it does not know
    keep code and message, and ``modelStreamErrorException`` keeps ``originalStatusCode`` and ``originalMessage``.
    """

    def __init__(self) -> None:
        """Parse known events with botocore's own parser, so that they are the dicts that boto3 users know."""
        self._parse = EventStreamJSONParser().parse

    def parse(self, frame: dict[str, Any], shape: Any) -> dict[str, Any]:
        """The event of a frame, or the response of an error; botocore raises that one as an EventStreamError."""
        if frame["headers"].get(":event-type") == "contentBlockDelta" and (event := _plain_delta(frame["body"])) is not None:
            return event
        parsed: dict[str, Any] = self._parse(frame, shape)
        if "Error" in parsed:
            return _with_all_details(parsed["Error"], frame)
        return _as_sent(frame) if not parsed or _has_lost_content(parsed) else parsed


def _plain_delta(body: bytes) -> dict[str, Any] | None:
    """A delta of text, tool input or reasoning as botocore gives it, but faster: streams consist of them. Else ``None``."""
    try:
        sent = json.loads(body)
    except ValueError:
        return None
    match sent:
        case {"contentBlockIndex": int(), "delta": {"text": str(), **more}} if not more:
            pass
        case {"contentBlockIndex": int(), "delta": {"toolUse": {"input": str(), **less}, **more}} if not (less or more):
            pass
        case {"contentBlockIndex": int(), "delta": {"reasoningContent": {"text": str(), **less}, **more}} if not (less or more):
            pass
        case _:
            return None
    return {"contentBlockDelta": {"delta": sent["delta"], "contentBlockIndex": sent["contentBlockIndex"]}}


def _has_lost_content(parsed: dict[str, Any]) -> bool:
    (body,) = parsed.values()
    union = body.get("delta") or body.get("start")
    return union is not None and (UNKNOWN_MEMBER in union or UNKNOWN_MEMBER in union.get("reasoningContent", ()))


def _as_sent(frame: dict[str, Any]) -> dict[str, Any]:
    name = frame["headers"].get(":event-type", "")
    return {} if name == "initial-response" else {name: _document(frame)}


def _document(frame: dict[str, Any]) -> Any:
    try:
        return json.loads(frame["body"])
    except ValueError:
        return frame["body"]


def _with_all_details(error: dict[str, Any], frame: dict[str, Any]) -> dict[str, Any]:
    document = _document(frame)
    said = document if isinstance(document, dict) else {}
    code = error["Code"] or frame["headers"].get(":exception-type", "")
    message = error["Message"] or said.get("message") or said.get("Message") or ""
    return {**said, "Error": {"Code": code, "Message": message}}
