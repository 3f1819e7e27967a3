"""Whether a request is formed well enough for its operation to be answered."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

from bedrock_auth.testing.received import json_object
from bedrock_auth.testing.verify import refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bedrock_auth.testing.received import ReceivedRequest

_MOST_RESULTS = 5
_MOST_HITS = 100
_ROLES = ("user", "assistant", "system")


def check_body(operation: str, body: bytes) -> None:
    """See that a body is what the operation takes.

    Raises:
        Refused: it is no JSON object, its messages are not a conversation that the user begins, or there is nothing to count.
    """
    if operation in _CHECKS:
        document = json_object(body)
        if document is None:
            refuse("SerializationException", "The request body is not a JSON object.", HTTPStatus.BAD_REQUEST)
        _CHECKS[operation](document)
    elif operation.startswith("InvokeModel") and not body:
        _refuse_value("The request has no body; InvokeModel takes one in the model's own form.")


def _check_conversation(document: dict[str, Any]) -> None:
    messages = document.get("messages")
    if not isinstance(messages, list) or not messages:
        _refuse_value("The value at 'messages' is not a list of at least one message.")
    for index, message in enumerate(messages):
        if not _is_message(message):
            _refuse_value(f"The value at 'messages.{index}' is not a message with a role and a list of content blocks.")
    if messages[0]["role"] != "user":
        _refuse_value("A conversation must start with a user message. Try again with one that does.")


def _check_counted(document: dict[str, Any]) -> None:
    counted = document.get("input")
    if not isinstance(counted, dict) or len(counted) != 1 or not counted.keys() <= {"converse", "invokeModel"}:
        _refuse_value("The value at 'input' is neither a 'converse' nor an 'invokeModel' request.")
    if "converse" in counted:
        _check_conversation(counted["converse"])


def _check_session_state(document: dict[str, Any]) -> None:
    state = document.get("sessionState", document.get("inlineSessionState", {}))
    results = state.get("returnControlInvocationResults", []) if isinstance(state, dict) else None
    if not isinstance(results, list) or len(results) > _MOST_RESULTS or not all(_is_union(result) for result in results):
        _refuse_value("The value at 'returnControlInvocationResults' is not a list of at most 5 results.")


def _check_inline_agent(document: dict[str, Any]) -> None:
    _check_length(document, "instruction", 40)
    _check_length(document, "foundationModel", 1)
    _check_session_state(document)


def _check_retrieval(document: dict[str, Any]) -> None:
    query = document.get("retrievalQuery")
    if not isinstance(query, dict):
        _refuse_value("The value at 'retrievalQuery' is not a query.")
    if "image" not in query:
        _check_length(query, "text", 0, 20_000, "retrievalQuery.")
    _check_search(document.get("retrievalConfiguration"))


def _check_generation(document: dict[str, Any]) -> None:
    asked, config = document.get("input"), document.get("retrieveAndGenerateConfiguration")
    if not isinstance(asked, dict) or not isinstance(config, dict):
        _refuse_value("The values at 'input' and 'retrieveAndGenerateConfiguration' are needed.")
    _check_length(asked, "text", 0, 1000, "input.")
    _check_search(config.get("knowledgeBaseConfiguration", {}).get("retrievalConfiguration"))


def _check_search(config: Any) -> None:
    for how in (config or {}).values():
        wanted = how.get("numberOfResults", 1)
        if not isinstance(wanted, int) or not 1 <= wanted <= _MOST_HITS:
            _refuse_value(f"The value at 'numberOfResults' is not between 1 and {_MOST_HITS}.")


def _check_length(document: dict[str, Any], name: str, least: int, most: int = 25_000_000, path: str = "") -> None:
    text = document.get(name)
    if not isinstance(text, str) or not least <= len(text) <= most:
        _refuse_value(f"The value at '{path}{name}' is not a text of {least} to {most} characters.")


def _check_reranking(document: dict[str, Any]) -> None:
    if not all(document.get(name) for name in ("queries", "sources", "rerankingConfiguration")):
        _refuse_value("The values at 'queries', 'sources' and 'rerankingConfiguration' are needed.")


def _check_assessed(document: dict[str, Any]) -> None:
    content = document.get("content")
    if document.get("source") not in ("INPUT", "OUTPUT"):
        _refuse_value("The value at 'source' is neither 'INPUT' nor 'OUTPUT'.")
    if not isinstance(content, list) or not content or not all(_is_union(block) for block in content):
        _refuse_value("The value at 'content' is not a list of at least one text or image.")
    for block in content:
        if "text" in block:
            _check_length(block["text"], "text", 0, path="content.text.")


_NAMES = {
    "agent_id": r"[0-9a-zA-Z]{1,10}",
    "agent_alias_id": r"[0-9a-zA-Z]{1,10}",
    "session_id": r"[0-9a-zA-Z._:-]{2,100}",
    "knowledge_base_id": r"[0-9a-zA-Z]{1,10}|arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:knowledge-base/[0-9a-zA-Z]+",
    "guardrail_id": r"[a-z0-9]+|arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]+",
    "guardrail_version": r"[1-9][0-9]{0,7}|DRAFT",
}


def check_names(received: ReceivedRequest) -> None:
    """See that the ids of agents, aliases, sessions, knowledge bases and guardrails have AWS's form.

    Raises:
        Refused: one has not.
    """
    for name, pattern in _NAMES.items():
        value = getattr(received, name)
        if value is not None and not re.fullmatch(pattern, str(value)):
            _refuse_value(f"The value at '{name}' failed to satisfy constraint: Member must satisfy regular expression pattern.")


_CHECKS: Mapping[str, Callable[[dict[str, Any]], None]] = {
    "Converse": _check_conversation,
    "ConverseStream": _check_conversation,
    "CountTokens": _check_counted,
    "ApplyGuardrail": _check_assessed,
    "InvokeAgent": _check_session_state,
    "InvokeInlineAgent": _check_inline_agent,
    "Retrieve": _check_retrieval,
    "RetrieveAndGenerate": _check_generation,
    "RetrieveAndGenerateStream": _check_generation,
    "Rerank": _check_reranking,
}


def _refuse_value(message: str) -> NoReturn:
    refuse("ValidationException", message, HTTPStatus.BAD_REQUEST)


def _is_union(value: object) -> bool:
    return isinstance(value, dict) and len(value) == 1 and all(isinstance(member, dict) for member in value.values())


def _is_message(message: object) -> bool:
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        return False
    content = message.get("content")
    return isinstance(content, list) and bool(content) and all(isinstance(block, dict) for block in content)
