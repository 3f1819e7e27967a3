"""The requests that LocalBedrock received: reading, checking and keeping them."""

from __future__ import annotations

import json
import re
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote

from attrs import field, frozen

from bedrock_auth.credentials import masked_key_id
from bedrock_auth.redaction import redact
from bedrock_auth.testing.verify import authorization, refuse, scheme

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bedrock_auth.testing.verify import HttpRequest, Scheme

_ROUTE = re.compile(r"/model/(?P<model>[^/]+)/(?P<operation>converse|converse-stream)")
_OPERATIONS = {"converse": "Converse", "converse-stream": "ConverseStream"}
_ROLES = ("user", "assistant", "system")


def _masked(access_key_id: str | None) -> str:
    return "None" if access_key_id is None else repr(masked_key_id(access_key_id))


@frozen
class ReceivedRequest:
    """One request, as it was seen just before its answer went out. Secrets are in the values, never in the repr."""

    operation: str | None
    """``Converse`` or ``ConverseStream``; ``None`` for any other route."""
    model_id: str | None
    """Model id or ARN, decoded."""
    access_key_id: str | None = field(repr=_masked)
    """The key that the request claims to be signed with, also where it was refused."""
    signed: Scheme
    """``sigv4``, ``bearer`` or ``none``."""
    body: dict[str, Any]
    """The decoded JSON object; empty where the body was none."""
    headers: Mapping[str, str] = field(repr=lambda headers: redact(str(dict(headers))))
    """Lower-case names."""
    status: int = field(converter=int)
    """HTTP status of the answer."""
    received_at: float
    """By LocalBedrock's clock, seconds since the epoch."""


def read_request(request: HttpRequest, received_at: float) -> ReceivedRequest:
    """What the request says, whether or not it is served."""
    route = _ROUTE.fullmatch(request.target.partition("?")[0]) if request.method == "POST" else None
    claim = authorization(request)
    return ReceivedRequest(
        operation=_OPERATIONS[route["operation"]] if route else None,
        model_id=unquote(route["model"]) if route else None,
        access_key_id=claim.access_key_id if claim else None,
        signed=scheme(request),
        body=_object(request.body) or {},
        headers=request.headers,
        status=HTTPStatus.OK,
        received_at=received_at,
    )


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def check_body(body: bytes) -> None:
    """See that a body is a conversation that Converse can answer.

    Raises:
        Refused: it is no JSON object, or its messages are not a conversation that the user begins.
    """
    document = _object(body)
    if document is None:
        refuse("SerializationException", "The request body is not a JSON object.", HTTPStatus.BAD_REQUEST)
    messages = document.get("messages")
    if not isinstance(messages, list) or not messages:
        _refuse_value("The value at 'messages' is not a list of at least one message.")
    for index, message in enumerate(messages):
        if not _is_message(message):
            _refuse_value(f"The value at 'messages.{index}' is not a message with a role and a list of content blocks.")
    if messages[0]["role"] != "user":
        _refuse_value("A conversation must start with a user message. Try again with one that does.")


def _refuse_value(message: str) -> NoReturn:
    refuse("ValidationException", message, HTTPStatus.BAD_REQUEST)


def _is_message(message: object) -> bool:
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        return False
    content = message.get("content")
    return isinstance(content, list) and bool(content) and all(isinstance(block, dict) for block in content)


class RequestLog:
    """Requests in the order of their arrival; threads may add and wait."""

    def __init__(self) -> None:
        """Begin empty."""
        self._requests: list[ReceivedRequest] = []
        self._arrived = threading.Condition()

    def add(self, request: ReceivedRequest) -> None:
        """Note a request and wake whoever waits for it."""
        with self._arrived:
            self._requests.append(request)
            self._arrived.notify_all()

    def all(self) -> list[ReceivedRequest]:
        """A copy of what there is."""
        with self._arrived:
            return list(self._requests)

    def wait_for(self, count: int, timeout: float) -> list[ReceivedRequest]:
        """Wait for so many requests.

        Raises:
            TimeoutError: fewer came within ``timeout`` seconds.
        """
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self._requests) >= count, timeout):
                msg = f"{len(self._requests)} of {count} requests arrived within {timeout:g} seconds"
                raise TimeoutError(msg)
            return list(self._requests)
