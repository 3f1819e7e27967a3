"""From what people write to the parameters of InvokeAgent and InvokeInlineAgent. Pure.

Source of ids and limits: "InvokeAgent" in the Amazon Bedrock API Reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from bedrock_auth.bedrock.agents.files import InputFile, files_to_api
from bedrock_auth.bedrock.agents.return_control import ReturnControlResults
from bedrock_auth.bedrock.converse.request import joined
from bedrock_auth.bedrock.forms.api_form import given
from bedrock_auth.bedrock.retrieval.filters import filter_to_api
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from os import PathLike

_ID = re.compile(r"[0-9a-zA-Z]{1,10}")
_SESSION_ID = re.compile(r"[0-9a-zA-Z._:-]{2,100}")
_ALIAS_ARN = re.compile(r"arn:[^:]+:bedrock:[^:]*:[^:]*:agent-alias/(?P<agent_id>[^/]+)/(?P<agent_alias_id>[^/]+)")
_AGENT_ARN = re.compile(r"arn:[^:]+:bedrock:[^:]*:[^:]*:agent/(?P<agent_id>[^/]+)")
_STATES = frozenset({"sessionState", "inlineSessionState"})
_ONCE = frozenset({"sessionAttributes", "files", "conversationHistory"})
"""Members of a session's state that AWS keeps, and that an action may have changed since."""
_OURS_ONCE = frozenset({"session_attributes", "files"})


class AgentOptions(TypedDict, total=False):
    """The keyword arguments of an agent's ``invoke`` and all its kin. What is ``None`` counts as not given.

    Those with names of AWS's own are given as boto3 takes them. A structure may be given in part by our name and in part by
    AWS's, but no member of it twice. Any other keyword goes to botocore as it is.
    """

    session_attributes: Mapping[str, str] | None
    """Names and values that the session keeps; action groups see and change them."""
    prompt_session_attributes: Mapping[str, str] | None
    """Names and values for this turn only."""
    end_session: bool | None
    """Whether the session ends with this invocation."""
    enable_trace: bool | None
    """Whether the agent tells how it comes to its answer, in `AgentTrace` events; only they tell the tokens."""
    files: InputFile | str | PathLike[str] | Iterable[InputFile | str | PathLike[str] | Mapping[str, Any]] | None
    """`InputFile` values, paths, or dicts in boto3's form, for code interpretation; at most five."""
    stream_final_response: bool | None
    """Whether the answer comes while it is being written: by default yes, unlike AWS's. The agent's role needs
    ``bedrock:InvokeModelWithResponseStream`` for it."""
    apply_guardrail_interval: int | None
    """After how many characters a guardrail looks at the answer; AWS's default is 50."""
    latency: str | None
    """``standard`` or ``optimized``."""

    memory_id: str | None
    """What the agent remembers across sessions it files under this: 2 to 100 letters, digits, ``.``, ``_``, ``:`` and ``-``.
    Inline agents have no memory."""
    knowledge_bases: Mapping[str, Any] | None
    """By the id of a knowledge base of the agent's, for this turn: a filter, or AWS's ``retrievalConfiguration``. An inline agent
    has its own in its settings."""

    sessionState: Mapping[str, Any]
    inlineSessionState: Mapping[str, Any]
    streamingConfigurations: Mapping[str, Any]
    bedrockModelConfigurations: Mapping[str, Any]
    promptCreationConfigurations: Mapping[str, Any]
    sourceArn: str


_OURS = frozenset(name for name in AgentOptions.__optional_keys__ if name.islower())
_RETRIEVAL = frozenset({"vectorSearchConfiguration", "managedSearchConfiguration"})


def checked_agent_id(setting: str, value: Any) -> str:
    """The id of an agent or of one of its aliases.

    Raises:
        ConfigurationError: it is none; AWS takes no ARNs, and the message says what is in one.
    """
    if isinstance(value, str) and _ID.fullmatch(value):
        return value
    msg = f"{setting} has 1 to 10 letters and digits, and {value!r} is none"
    if isinstance(value, str) and (arn := _ALIAS_ARN.fullmatch(value) or _AGENT_ARN.fullmatch(value)):
        told = ", ".join(f"{name}={text!r}" for name, text in arn.groupdict().items())
        msg = f"{setting} is an id, and InvokeAgent takes no ARN; this one says {told}"
    raise ConfigurationError(msg, setting=setting)


def checked_session_id(setting: str, value: Any) -> str:
    """The id of a session or of a memory.

    Raises:
        ConfigurationError: it is none that AWS takes.
    """
    if isinstance(value, str) and _SESSION_ID.fullmatch(value):
        return value
    msg = f"{setting} has 2 to 100 of the characters a-z A-Z 0-9 . _ : -, and this is none; let it be made for you, or hash yours"
    raise ConfigurationError(msg, setting=setting)


def agent_request(
    target: Mapping[str, Any], said: str | ReturnControlResults | None, options: Mapping[str, Any], state: str
) -> dict[str, Any]:
    """The parameters of boto3's ``invoke_agent`` or ``invoke_inline_agent``.

    Args:
        target: the parameters that say which agent and session.
        said: what the user says, or what the agent waits for.
        options: see `AgentOptions`.
        state: the operation's name of the session's state.

    Raises:
        ConfigurationError: a parameter is given twice, or is none that AWS takes.
    """
    ours = {name: value for name, value in options.items() if name in _OURS}
    theirs = {name: value for name, value in options.items() if name not in _OURS}
    parameters = given(
        inputText=None if isinstance(said, ReturnControlResults) else said,
        memoryId=None if ours.get("memory_id") is None else checked_session_id("memory_id", ours["memory_id"]),
        enableTrace=ours.get("enable_trace"),
        endSession=ours.get("end_session"),
        streamingConfigurations=_streaming(ours, theirs) or None,
        bedrockModelConfigurations=_latency(ours.get("latency")),
        **{state: _state(ours, said) or None},
    )
    return joined({**target, **parameters}, theirs)


def _streaming(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    streamed = ours.get("stream_final_response")
    if streamed is None and "streamFinalResponse" not in theirs.get("streamingConfigurations", ()):
        streamed = True
    return given(streamFinalResponse=streamed, applyGuardrailInterval=ours.get("apply_guardrail_interval"))


def _latency(latency: str | None) -> dict[str, Any] | None:
    return None if latency is None else {"performanceConfig": {"latency": latency}}


def _state(ours: Mapping[str, Any], said: Any) -> dict[str, Any]:
    files, bases = ours.get("files"), ours.get("knowledge_bases")
    return {
        **given(
            sessionAttributes=ours.get("session_attributes"),
            promptSessionAttributes=ours.get("prompt_session_attributes"),
            files=files_to_api(files) or None if files else None,
            knowledgeBaseConfigurations=_knowledge_bases(bases) if bases else None,
        ),
        **(said.to_api() if isinstance(said, ReturnControlResults) else {}),
    }


def _knowledge_bases(bases: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"knowledgeBaseId": checked_agent_id("knowledge_bases", base), "retrievalConfiguration": _retrieval(wanted)}
        for base, wanted in bases.items()
    ]


def _retrieval(wanted: Any) -> Any:
    """A whole ``retrievalConfiguration``, or one with this filter."""
    if not (isinstance(wanted, Mapping) and wanted.keys() & _RETRIEVAL):
        wanted = {"vectorSearchConfiguration": {"filter": wanted}}
    return {name: _with_filter(search) for name, search in wanted.items()}


def _with_filter(search: Any) -> Any:
    if isinstance(search, Mapping) and "filter" in search:
        return {**search, "filter": filter_to_api(search["filter"])}
    return search


def held(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options without what AWS keeps with the session, by our names and by AWS's."""
    rest = {name: value for name, value in options.items() if name not in _OURS_ONCE}
    for state in _STATES & rest.keys():
        rest[state] = _not_kept(rest[state])
    return rest


def _not_kept(state: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in state.items() if name not in _ONCE}


def follow_up(request: Mapping[str, Any], results: ReturnControlResults, state: str) -> dict[str, Any]:
    """The request that lets the agent go on: the same again, with the results in place of what the user said.

    What AWS keeps with the session is not sent again.
    """
    kept = _not_kept(request.get(state, {}))
    rest = {name: value for name, value in request.items() if name != "inputText"}
    return {**rest, state: {**kept, **results.to_api()}}
