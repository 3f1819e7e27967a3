"""From what people write to the parameters of Converse. Pure.

Whether a parameter has the right type and a sensible value is for botocore and AWS to say; what AWS would refuse only after an
upload, `bedrock_auth.bedrock.converse.limits` says before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, TypedDict

from attrs import frozen

from bedrock_auth.bedrock.content import Message, content_to_api
from bedrock_auth.bedrock.converse.blocks import CachePoint, GuardBlock, TextBlock
from bedrock_auth.bedrock.converse.limits import check_messages
from bedrock_auth.bedrock.forms.api_form import given, made, several
from bedrock_auth.bedrock.tools import tool_config
from bedrock_auth.errors import ConfigurationError

Messages: TypeAlias = str | Message | Mapping[str, Any] | Iterable[str | Message | Mapping[str, Any]]
"""A text that the user says, a message, or several; `Message` values or dicts in boto3's form."""
SystemBlock: TypeAlias = str | TextBlock | GuardBlock | CachePoint | Mapping[str, Any]
System: TypeAlias = SystemBlock | Iterable[SystemBlock]
"""A text, or one or several system content blocks: values, or dicts in boto3's form."""


@frozen
class Guardrail:
    """A guardrail that assesses what goes to the model and what comes from it."""

    identifier: str
    """Its id or ARN."""
    version: str = "DRAFT"
    """A number, or ``DRAFT``."""
    trace: str | None = None
    """``enabled``, ``enabled_full`` or ``disabled``; what it finds is in the answer's ``trace``."""
    stream_processing_mode: str | None = None
    """Of a streamed answer: ``sync``, AWS's default, holds text back until it is assessed; ``async`` does not."""

    def to_api(self) -> dict[str, Any]:
        """AWS's ``guardrailConfig`` of a streamed request."""
        return given(
            guardrailIdentifier=self.identifier,
            guardrailVersion=self.version,
            trace=self.trace,
            streamProcessingMode=self.stream_processing_mode,
        )


class ConverseOptions(TypedDict, total=False):
    """The keyword arguments of ``converse`` and all its kin. What is ``None`` counts as not given.

    Those with names of AWS's own are given as boto3 takes them. A structure may be given in part by our name and in part by
    AWS's, but no member of it twice. Any other keyword goes to botocore as it is.
    """

    system: System | None
    """Instructions: a text, or one or several blocks; a `CachePoint` among them lets the model keep what stands before it."""
    max_tokens: int | None
    """The longest answer, in tokens."""
    temperature: float | None
    """Between 0 and 1; how freely the model chooses."""
    top_p: float | None
    """Between 0 and 1; from how much of the likely it chooses."""
    stop_sequences: Iterable[str] | None
    """Texts that end the answer."""
    tools: Iterable[Any] | None
    """What the model may ask for: `Tool` values, functions, dicts in boto3's form, and `CachePoint` values."""
    tool_choice: str | Mapping[str, Any] | None
    """Whether it must ask: ``auto``, ``any``, or the name of a tool."""
    guardrail: Guardrail | Mapping[str, Any] | None
    """A `Guardrail`, or boto3's ``guardrailConfig``; its ``streamProcessingMode`` counts in streamed requests only."""
    service_tier: str | None
    """``default``, ``priority``, ``flex`` or ``reserved``."""
    latency: str | None
    """``standard`` or ``optimized``."""
    request_metadata: Mapping[str, str] | None
    """Names and values to filter invocation logs by."""
    output_config: Mapping[str, Any] | None
    """How the answer shall look, in AWS's form; a JSON schema in it may be a dict, which AWS takes as text only."""
    prompt_variables: Mapping[str, str | Mapping[str, Any]] | None
    """Values of the variables of a prompt whose ARN is the model id."""
    additional_model_request_fields: Any
    """JSON: parameters of the model's own, such as how much it shall reason."""
    additional_model_response_field_paths: Iterable[str] | None
    """JSON pointers to what the answer's ``additional_model_response_fields`` shall hold."""

    inferenceConfig: Mapping[str, Any] | None
    toolConfig: Mapping[str, Any] | None
    guardrailConfig: Mapping[str, Any] | None
    serviceTier: Mapping[str, Any] | None
    performanceConfig: Mapping[str, Any] | None
    requestMetadata: Mapping[str, str] | None
    outputConfig: Mapping[str, Any] | None
    promptVariables: Mapping[str, Any] | None
    additionalModelRequestFields: Any
    additionalModelResponseFieldPaths: Iterable[str] | None


_OURS = frozenset(name for name in ConverseOptions.__optional_keys__ if name.islower())
_INFERENCE = {"max_tokens": "maxTokens", "temperature": "temperature", "top_p": "topP"}


def converse_request(model_id: str, messages: Messages | None, options: Mapping[str, Any], *, streamed: bool) -> dict[str, Any]:
    """The parameters of boto3's ``converse`` or, ``streamed``, of its ``converse_stream``.

    Args:
        model_id: id or ARN of a model, an inference profile or a prompt.
        messages: the conversation so far; ``None`` where a prompt is all there is.
        options: see `ConverseOptions`.
        streamed: whether the answer will be.

    Raises:
        ConfigurationError: a parameter was given twice, or a message holds what cannot be sent.
    """
    ours = {name: value for name, value in options.items() if name in _OURS}
    theirs = {name: value for name, value in options.items() if name not in _OURS and value is not None}
    said = given(modelId=model_id, messages=None if messages is None else _messages(messages))
    return joined({**said, **_parameters(ours, streamed=streamed)}, theirs)


def _parameters(ours: Mapping[str, Any], *, streamed: bool) -> dict[str, Any]:
    """boto3's parameters for the options that have names of our own."""
    return given(
        system=made(content_to_api, ours.get("system")),
        inferenceConfig=inference_config(ours) or None,
        toolConfig=_tools(ours.get("tools"), ours.get("tool_choice")),
        guardrailConfig=_guardrail(ours.get("guardrail"), streamed=streamed),
        serviceTier=made(_service_tier, ours.get("service_tier")),
        performanceConfig=made(_performance, ours.get("latency")),
        requestMetadata=ours.get("request_metadata"),
        outputConfig=made(_output, ours.get("output_config")),
        promptVariables=made(_variables, ours.get("prompt_variables")),
        additionalModelRequestFields=ours.get("additional_model_request_fields"),
        additionalModelResponseFieldPaths=made(_list, ours.get("additional_model_response_field_paths")),
    )


def inference_config(ours: Mapping[str, Any]) -> dict[str, Any]:
    """AWS's inference configuration, empty where none of its numbers is given."""
    numbers = {theirs: ours.get(name) for name, theirs in _INFERENCE.items()}
    return given(**numbers, stopSequences=made(_list, ours.get("stop_sequences")))


def _list(texts: str | Iterable[str]) -> list[str]:
    return list(several(texts))


def _tools(tools: Iterable[Any] | None, choice: Any) -> dict[str, Any] | None:
    return None if tools is None and choice is None else tool_config(tools, choice)


def _guardrail(guardrail: Any, *, streamed: bool) -> Any:
    config = guardrail.to_api() if isinstance(guardrail, Guardrail) else guardrail
    if streamed or not isinstance(config, Mapping):
        return config
    return {name: value for name, value in config.items() if name != "streamProcessingMode"}


def _service_tier(tier: str) -> dict[str, Any]:
    return {"type": tier}


def _performance(latency: str) -> dict[str, Any]:
    return {"latency": latency}


def _output(config: Mapping[str, Any]) -> Mapping[str, Any]:
    match config:
        case {"textFormat": {"structure": {"jsonSchema": {"schema": Mapping() as schema, **named}}, **kind}}:
            written = {**named, "schema": json.dumps(schema)}
            return {**config, "textFormat": {**kind, "structure": {"jsonSchema": written}}}
    return config


def _variables(variables: Any) -> Any:
    if not isinstance(variables, Mapping):
        return variables
    return {name: {"text": value} if isinstance(value, str) else value for name, value in variables.items()}


def joined(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Both; of a structure that is in both, the members.

    Raises:
        ConfigurationError: a member is given twice.
    """
    both = {**ours, **theirs}
    for name in sorted(ours.keys() & theirs.keys()):
        if not (isinstance(ours[name], Mapping) and isinstance(theirs[name], Mapping)):
            msg = f"{name} is given twice, by its own argument and under AWS's name; leave one of them out"
            raise ConfigurationError(msg, setting=name)
        both[name] = joined(ours[name], theirs[name])
    return both


def _messages(messages: Any) -> Any:
    turns = [Message("user", turn) if isinstance(turn, str) else turn for turn in several(messages)]
    check_messages([turn for turn in turns if isinstance(turn, Message)])
    return [_message(turn) for turn in turns]


def _message(message: Any) -> Any:
    if isinstance(message, Message):
        return message.to_api()
    if isinstance(message, Mapping) and "content" in message:
        return {**message, "content": content_to_api(message["content"])}
    if hasattr(message, "messages"):
        msg = f"a {type(message).__name__} is no message; give its .messages, or use its send"
        raise ConfigurationError(msg, setting="messages")
    return message  # botocore says what is wrong with it
