"""From what people write to the parameters of Converse. Pure; what is right and wrong is for botocore and AWS to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from bedrock_auth.bedrock.content import Message
from bedrock_auth.errors import ConfigurationError

Messages: TypeAlias = str | Message | Mapping[str, Any] | Iterable[Message | Mapping[str, Any]]
"""A text that the user says, a message, or several; `Message` values or dicts in boto3's form."""
System: TypeAlias = str | Mapping[str, Any] | Iterable[Mapping[str, Any]]
"""A text, or one or several system content blocks in boto3's form."""


def converse_request(
    model_id: str,
    messages: Messages,
    system: System | None,
    inference: Mapping[str, Any],
    api_fields: Mapping[str, Any],
) -> dict[str, Any]:
    """The parameters of ``converse`` and ``converse_stream``.

    Args:
        model_id: id or ARN of a model, an inference profile or a prompt.
        messages: the conversation so far.
        system: instructions, or ``None``.
        inference: members of ``inferenceConfig``; those that are ``None`` are left out.
        api_fields: any other parameters under AWS's own names.

    Raises:
        ConfigurationError: a parameter was given twice, or a message holds what cannot be sent.
    """
    request: dict[str, Any] = {"modelId": model_id, "messages": _messages(messages)}
    if system is not None:
        request["system"] = [{"text": system}] if isinstance(system, str) else _several(system, Mapping)
    if given := {name: value for name, value in inference.items() if value is not None}:
        request["inferenceConfig"] = _joined(given, api_fields.get("inferenceConfig") or {})
    rest = {name: value for name, value in api_fields.items() if name != "inferenceConfig" or not given}
    return _joined(request, rest)


def _joined(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    if twice := ours.keys() & theirs.keys():
        name = min(twice)
        msg = f"{name} is given twice, by its own argument and under AWS's name; leave one of them out"
        raise ConfigurationError(msg, setting=name)
    return {**ours, **theirs}


def _messages(messages: Any) -> Any:
    if isinstance(messages, str):
        return [Message("user", messages).to_api()]
    several = _several(messages, Message | Mapping)
    return [message.to_api() if isinstance(message, Message) else message for message in several]


def _several(value: Any, one: Any) -> Any:
    if isinstance(value, one):
        return [value]
    return list(value) if isinstance(value, Iterable) else [value]  # botocore says what is wrong with it
