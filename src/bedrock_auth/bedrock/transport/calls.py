"""What a call of the wrappers asks of botocore beyond a plain call, through its public events.

- botocore sends once, whatever the error; what is sent again, and when, is `bedrock_auth.bedrock.retry`'s to say. Two things stay
  as they are: a session of this library sends once more with new keys where AWS has refused the old ones, and nobody else's calls
  change.
- A whole answer whose body is shorter than its headers say is an error, which botocore does not notice.
- The frames of a stream go through `FrameStream`, because botocore's own parser drops what it does not know.

The handlers sit on the client but act only inside `call`, so a client that the caller shares behaves for its other users as
before.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from botocore import xform_name
from botocore.exceptions import ClientError, IncompleteReadError

from bedrock_auth.bedrock.errors import Call
from bedrock_auth.bedrock.failures.translate import FAILURES, translate
from bedrock_auth.bedrock.transport.frames import FrameStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.client import BaseClient

_ERROR_STATUS = 300
_RENEWED = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidToken",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
    }
)
"""Codes at which `bedrock_auth.renewal` sends once more with new keys, where it has any; botocore itself does not retry them."""


class _Running:
    """A call of the wrappers while it runs."""

    is_answered = False
    """Whether an answer has begun; what botocore raises after that is its trouble with the answer."""


_running: ContextVar[_Running | None] = ContextVar("bedrock_auth.running_call", default=None)
sending: ContextVar[Callable[[], None] | None] = ContextVar("bedrock_auth.sending", default=None)
"""Called when a call of the wrappers is signed and goes out; from there on its thread waits more than it works."""

_prepared: WeakSet[Any] = WeakSet()
"""The events of clients that are ready."""


def call(client: BaseClient, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """boto3's response to one attempt at an operation, which was sent once.

    Raises:
        BedrockError: the call failed.
        ConfigurationError: a parameter that botocore does not take; the message names it.
        CredentialError: there are no credentials to sign with.
    """
    running = _Running()
    token = _running.set(running)
    try:
        response: dict[str, Any] = getattr(client, xform_name(operation))(**request)
    except Exception as error:
        if not isinstance(error, FAILURES) and not running.is_answered:
            raise
        failure = translate(error, Call(operation, region_name=client.meta.region_name, has_results=_has_results(request)))
    else:
        return response
    finally:
        _running.reset(token)
    raise failure  # outside, so that values of a refused request do not hang on as its context


def _has_results(request: Mapping[str, Any]) -> bool:
    """Whether an agent is told what came of its actions."""
    states = (request.get(name) for name in ("sessionState", "inlineSessionState"))
    return any(isinstance(state, Mapping) and "returnControlInvocationResults" in state for state in states)


def prepare(client: BaseClient) -> None:
    """Make a client ready for `call`; repeating it changes nothing, and costs nothing where callers share a client."""
    if client.meta.events in _prepared:
        return
    service = client.meta.service_model.service_id.hyphenize()
    for event, handler in _HANDLERS.items():
        client.meta.events.register_first(f"{event}.{service}", handler, unique_id=f"bedrock-auth-{event}")
    _prepared.add(client.meta.events)


def _send_once(
    operation: Any,
    caught_exception: Exception | None = None,
    response: tuple[Any, Any] | None = None,
    attempts: int = 1,
    **_: Any,
) -> None:
    if _running.get() is None:
        return
    if caught_exception is not None:
        raise caught_exception  # returning False would make botocore 1.40 retry for ever
    if response is None or response[0].status_code < _ERROR_STATUS:
        return
    if attempts > 1 or response[1].get("Error", {}).get("Code") not in _RENEWED:
        raise ClientError(response[1], operation.name)


def _tell_sending(**_: Any) -> None:
    tell = sending.get()
    if tell is not None and _running.get() is not None:
        tell()


def _read_answer(operation_model: Any, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    running = _running.get()
    if running is None or response_dict["status_code"] >= _ERROR_STATUS:
        return
    running.is_answered = True
    if not operation_model.has_event_stream_output:
        _check_length(response_dict)
        return
    name = operation_model.output_shape.event_stream_name
    shape = operation_model.output_shape.members[name]
    customized_response_dict[name] = FrameStream(response_dict["body"], shape, operation_model.name)


def _check_length(response_dict: dict[str, Any]) -> None:
    actual, expected = len(response_dict["body"]), int(response_dict["headers"].get("content-length", 0))
    if actual < expected:
        raise IncompleteReadError(actual_bytes=actual, expected_bytes=expected)


_HANDLERS: dict[str, Callable[..., None]] = {
    "needs-retry": _send_once,
    "before-send": _tell_sending,
    "before-parse": _read_answer,
}
