"""What an agent's answer is made of, in the shapes of botocore's model: chunks of text, traces, return control, files.

A part that these functions do not make is an event as boto3 returns it, such as ``{"trace": {…}}``.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from attrs import frozen

if TYPE_CHECKING:
    from bedrock_auth.testing.received import ReceivedRequest

_ACCOUNT = "123456789012"
_VERSION = "1"

Events: TypeAlias = Iterator[tuple[str, dict[str, Any]]]
Parameters: TypeAlias = Mapping[str, Any] | Iterable[Mapping[str, str]]
"""Values by name, or the parameters as boto3 returns them, with name, type and value."""


class Part(Protocol):
    """A part of an agent's answer."""

    def events(self, request: ReceivedRequest, size: int) -> Events:
        """Its events, with at most ``size`` bytes of text in each."""


@frozen
class Chunk:
    """Text, in pieces that need not end between characters, and where it comes from."""

    pieces: tuple[bytes, ...]
    citations: tuple[Mapping[str, Any], ...] = ()

    def events(self, request: ReceivedRequest, size: int) -> Events:  # noqa: ARG002 - the same for every request
        """The chunks; the last one has the citations."""
        *firsts, last = self.pieces if len(self.pieces) > 1 else _cut(b"".join(self.pieces), size)
        yield from (("chunk", {"bytes": piece}) for piece in firsts)
        cited = {"attribution": {"citations": list(self.citations)}} if self.citations else {}
        yield "chunk", {"bytes": last, **cited}


def _cut(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)] or [b""]


@frozen
class _Event:
    kind: str
    document: Mapping[str, Any]

    def events(self, request: ReceivedRequest, size: int) -> Events:  # noqa: ARG002 - the same for every request
        yield self.kind, dict(self.document)


@frozen
class _Trace:
    kind: str
    document: Mapping[str, Any]
    fields: Mapping[str, Any]

    def events(self, request: ReceivedRequest, size: int) -> Events:  # noqa: ARG002 - a trace comes whole
        if request.body.get("enableTrace"):
            yield "trace", {**_origin(request), "trace": {self.kind: dict(self.document)}, **self.fields}


def _origin(request: ReceivedRequest) -> dict[str, Any]:
    """Who says it, and when; an inline agent has no id."""
    said = {"sessionId": request.session_id, "eventTime": datetime.now(UTC).isoformat()}
    if request.agent_id is None:
        return said
    arn = f"arn:aws:bedrock:us-east-1:{_ACCOUNT}:agent-alias/{request.agent_id}/{request.agent_alias_id}"
    agent = {"agentId": request.agent_id, "agentAliasId": request.agent_alias_id, "agentVersion": _VERSION}
    return {**agent, **said, "callerChain": [{"agentAliasArn": arn}]}


def chunk(*pieces: str | bytes, citations: Iterable[Mapping[str, Any]] = ()) -> Part:
    """Text of the agent; several pieces are its chunks, one is cut by the reply's ``chunk_size``.

    Args:
        pieces: texts, or bytes that need not end between characters.
        citations: as `citation` makes them.
    """
    encoded = tuple(piece.encode() if isinstance(piece, str) else piece for piece in pieces)
    return Chunk(encoded or (b"",), tuple(citations))


def trace(kind: str, document: Mapping[str, Any], **fields: Any) -> Part:
    """A trace, which is sent where the request asks for traces.

    Args:
        kind: such as ``orchestrationTrace``.
        document: what it says.
        fields: further or other fields under AWS's names, such as ``collaboratorName`` or ``callerChain``.
    """
    return _Trace(kind, document, fields)


def output_files(*files: tuple[str, bytes, str]) -> Part:
    """Files, each a name, its bytes and a media type."""
    return _Event("files", {"files": [{"name": name, "bytes": content, "type": kind} for name, content, kind in files]})


def return_control(*inputs: Mapping[str, Any], invocation_id: str | None = None) -> Part:
    """Actions that the agent wants to be done, as `function_input` and `api_input` make them.

    Args:
        inputs: one to five.
        invocation_id: random, as AWS's are, where none is given.
    """
    return _Event("returnControl", {"invocationId": invocation_id or secrets.token_hex(16), "invocationInputs": list(inputs)})


ActionInvocationType: TypeAlias = Literal["RESULT", "USER_CONFIRMATION", "USER_CONFIRMATION_AND_RESULT"]


def function_input(
    action_group: str, function: str, parameters: Parameters = (), *, asks_for: ActionInvocationType = "RESULT", **fields: str
) -> dict[str, Any]:
    """A function that the agent wants to be run.

    Args:
        action_group: its group.
        function: its name.
        parameters: values by name, or the parameters as boto3 returns them.
        asks_for: a result, the user's confirmation, or both.
        fields: further fields under AWS's names, ``agentId`` and ``collaboratorName``.
    """
    said = {"actionGroup": action_group, "function": function, "parameters": _parameters(parameters), **fields}
    return {"functionInvocationInput": {**said, "actionInvocationType": asks_for}}


def api_input(  # noqa: PLR0913 - the fields of AWS's own structure
    action_group: str,
    api_path: str,
    http_method: str = "GET",
    parameters: Parameters = (),
    *,
    body: Parameters | None = None,
    asks_for: ActionInvocationType = "RESULT",
    **fields: str,
) -> dict[str, Any]:
    """An API operation that the agent wants to be called.

    Args:
        action_group: its group.
        api_path: such as ``/orders/{orderId}``.
        http_method: in capitals.
        parameters: of path and query: values by name, or the parameters as boto3 returns them.
        body: the properties of a JSON body, in the same forms.
        asks_for: a result, the user's confirmation, or both.
        fields: further fields under AWS's names, ``agentId`` and ``collaboratorName``.
    """
    sent = {} if body is None else {"requestBody": {"content": {"application/json": {"properties": _parameters(body)}}}}
    said = {"actionGroup": action_group, "apiPath": api_path, "httpMethod": http_method, "parameters": _parameters(parameters)}
    return {"apiInvocationInput": {**said, **sent, **fields, "actionInvocationType": asks_for}}


def _parameters(given: Parameters) -> list[Mapping[str, str]]:
    """AWS sends every value as a text, beside its type."""
    if not isinstance(given, Mapping):
        return list(given)
    return [{"name": name, "type": _type_of(value), "value": _written(value)} for name, value in given.items()]


def _type_of(value: Any) -> str:
    types = {bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
    return types.get(type(value), "string")


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


AgentContent: TypeAlias = str | Part | Mapping[str, Any] | Iterable[str | Part | Mapping[str, Any]]
"""What an agent's answer is made of: a text, a part, an event as boto3 returns it, or several of them."""


def parts_of(content: AgentContent) -> tuple[Part, ...]:
    """The parts of an answer.

    Raises:
        TypeError: something is no part.
    """
    if isinstance(content, Iterable) and not isinstance(content, str | bytes | Mapping):
        return tuple(_part(one) for one in content)
    return (_part(content),)


def _part(given: Any) -> Part:
    if isinstance(given, str):
        return chunk(given)
    if hasattr(given, "events"):
        return given  # type: ignore[no-any-return] # a user's own part has the method of Part
    if isinstance(given, Mapping) and len(given) == 1:
        return _from_api(given)
    msg = (
        "a part of an agent's answer is a text, made by chunk(), trace(), return_control() or output_files(), or an event as "
        f"boto3 returns it, not {type(given).__name__}"
    )
    raise TypeError(msg)


def _from_api(event: Mapping[str, Any]) -> Part:
    ((kind, document),) = event.items()
    if kind in {"functionInvocationInput", "apiInvocationInput"}:
        return return_control(event)
    if kind == "chunk" and isinstance(document.get("bytes"), bytes):
        return Chunk((document["bytes"],), tuple(document.get("attribution", {}).get("citations", ())))
    return _Event(kind, document)
