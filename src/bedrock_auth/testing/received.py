"""The requests that LocalBedrock received: reading and keeping them."""

from __future__ import annotations

import json
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from attrs import field, frozen

from bedrock_auth.credentials import masked_key_id
from bedrock_auth.redaction import redact
from bedrock_auth.testing.api_keys import presigned_call
from bedrock_auth.testing.routes import find_route
from bedrock_auth.testing.verify import authorization, scheme

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bedrock_auth.testing.verify import HttpRequest, Scheme


def _masked(access_key_id: str | None) -> str:
    return "None" if access_key_id is None else repr(masked_key_id(access_key_id))


@frozen
class ReceivedRequest:
    """One request, as it was seen just before its answer went out. Secrets are in the values, never in the repr."""

    operation: str | None
    """AWS's name of it, such as ``ConverseStream``; ``None`` where there is no such route."""
    model_id: str | None
    """Id or ARN of the model or inference profile in the path, decoded."""
    access_key_id: str | None = field(repr=_masked)
    """The key that the request claims to be signed with, or its API key to be made of, also where it was refused."""
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
    query: Mapping[str, str] = field(factory=dict)
    """The parameters of a ``List…`` operation."""
    agent_id: str | None = None
    """Id of the agent in the path of InvokeAgent."""
    agent_alias_id: str | None = None
    """Id of the agent's alias in the path of InvokeAgent."""
    session_id: str | None = None
    """The session of an agent, or that which RetrieveAndGenerate continues or was given."""
    knowledge_base_id: str | None = None
    """Id or ARN of the knowledge base that Retrieve or RetrieveAndGenerate asks."""
    guardrail_id: str | None = None
    """Id or ARN of the guardrail in the path of ApplyGuardrail."""
    guardrail_version: str | None = None
    """Its version: a number, or ``DRAFT``."""
    earlier: tuple[ReceivedRequest, ...] = field(default=(), repr=False)
    """The requests of the same session before this one that were answered, oldest first."""
    retrieved: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    """What was found for RetrieveAndGenerate, as Retrieve returns it."""

    @property
    def session_state(self) -> dict[str, Any]:
        """The ``sessionState`` of InvokeAgent, or the ``inlineSessionState`` of InvokeInlineAgent; empty where there is none."""
        return dict(self.body.get("sessionState") or self.body.get("inlineSessionState") or {})

    @property
    def action_results(self) -> list[dict[str, Any]]:
        """The ``functionResult`` or ``apiResult`` of each action that the request reports on; empty where it reports on none."""
        results = self.session_state.get("returnControlInvocationResults", ())
        return [said for result in results for said in result.values()]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation so far, as it was sent; empty where the operation has none."""
        return list(self.body.get("messages", ()))

    @property
    def text(self) -> str:
        """The text of the last user message, the question to an agent or a knowledge base, or what a guardrail is to assess."""
        if not self.messages:
            return self._question()
        said = [message["content"] for message in self.messages if message.get("role") == "user"] or [""]
        return said[-1] if isinstance(said[-1], str) else " ".join(block["text"] for block in said[-1] if "text" in block)

    def _question(self) -> str:
        """Of InvokeAgent and InvokeInlineAgent, of Retrieve, of RetrieveAndGenerate, of ApplyGuardrail."""
        body = self.body
        if self.guardrail_id is not None:
            return " ".join(block["text"]["text"] for block in body.get("content", ()) if "text" in block)
        return str(body.get("inputText") or _text_in(body, "retrievalQuery") or _text_in(body, "input"))

    @property
    def tool_results(self) -> list[dict[str, Any]]:
        """The ``toolResult`` of each tool that the last message reports on; empty where it reports on none."""
        last = self.messages[-1]["content"] if self.messages else ()
        return [block["toolResult"] for block in last if "toolResult" in block]


def _text_in(body: Mapping[str, Any], name: str) -> str:
    said = body.get(name)
    return str(said.get("text", "")) if isinstance(said, dict) else ""


def read_request(request: HttpRequest, received_at: float) -> ReceivedRequest:
    """What the request says, whether or not it is served."""
    route = find_route(request)
    names = route.names if route else {}
    call = presigned_call(request)
    claim = authorization(request) if call is None else call.claim
    body = json_object(request.body) or {}
    return ReceivedRequest(
        operation=route.operation if route else None,
        model_id=names.get("modelId"),
        access_key_id=claim.access_key_id if claim else None,
        signed=scheme(request),
        body=body,
        headers=request.headers,
        status=HTTPStatus.OK,
        received_at=received_at,
        query=dict(parse_qsl(request.target.partition("?")[2])),
        agent_id=names.get("agentId"),
        agent_alias_id=names.get("agentAliasId"),
        session_id=names.get("sessionId", body.get("sessionId") if "retrieveAndGenerateConfiguration" in body else None),
        knowledge_base_id=names.get("knowledgeBaseId", _knowledge_base_in(body)),
        guardrail_id=names.get("guardrailIdentifier"),
        guardrail_version=names.get("guardrailVersion"),
    )


def _knowledge_base_in(body: Mapping[str, Any]) -> str | None:
    match body:
        case {"retrieveAndGenerateConfiguration": {"knowledgeBaseConfiguration": {"knowledgeBaseId": str(found)}}}:
            return found
    return None


def json_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object that a body holds; ``None`` where it holds none."""
    try:
        document = json.loads(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


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
