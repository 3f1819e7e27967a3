"""What the other calls take: guardrails, agents, knowledge bases, lists, API keys, roles.

Source: Service Authorization Reference, "Amazon Bedrock", whose table tells which actions know resources; for those that know
none, the resource is ``*``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bedrock_auth.errors import ConfigurationError
from bedrock_auth.iam.arns import Place, checked_arn, checked_id
from bedrock_auth.iam.guardrails import condition_of, guardrail_arn
from bedrock_auth.iam.invoke import INVOKE, STREAM, invoke_model
from bedrock_auth.iam.values import Policy, Statement, equals, texts

if TYPE_CHECKING:
    from collections.abc import Iterable

_AGENT_ID = r"[0-9a-zA-Z]{1,10}"
_KNOWLEDGE_BASE_ID = r"[0-9a-zA-Z]{1,10}"
_TOKEN_TYPES = ("SHORT_TERM", "LONG_TERM")
_RETRIEVE_AND_GENERATE = "bedrock:RetrieveAndGenerate"


def _policy(sid: str, actions: str | tuple[str, ...], resources: str | tuple[str, ...] = "*", **more: Any) -> Policy:
    return Policy((Statement(sid, actions, resources, **more),))


def apply_guardrail(guardrail: str, *, region_name: str, account_id: str | None = None) -> Policy:
    """Checking texts with a guardrail, and naming it in a call.

    Args:
        guardrail: id or ARN.
        region_name: where it is.
        account_id: whose it is; not needed for an ARN.

    Raises:
        ConfigurationError: one of them is none.
    """
    arn = guardrail_arn(guardrail, Place.of(region_name, account_id))
    return _policy("ApplyGuardrail", "bedrock:ApplyGuardrail", arn)


def require_guardrail(guardrail: str, *, region_name: str, account_id: str | None = None) -> Policy:
    """Denies every call of a model without this guardrail, whatever else is allowed; it allows nothing by itself.

    That includes the calls that Bedrock makes with the caller's permissions, such as those of RetrieveAndGenerate.

    Args:
        guardrail: id or ARN, with ``:`` and a version if only that one will do.
        region_name: where it is.
        account_id: whose it is; not needed for an ARN.

    Raises:
        ConfigurationError: one of them is none.
    """
    conditions = condition_of(guardrail, Place.of(region_name, account_id), absent=True)
    return _policy("RequireGuardrail", (INVOKE, STREAM), conditions=conditions, effect="Deny")


def invoke_agent(agent_id: str, agent_alias_id: str, *, region_name: str, account_id: str) -> Policy:
    """InvokeAgent, for one alias of one agent; what the agent calls is allowed to its own role.

    Raises:
        ConfigurationError: an id is none.
    """
    agent = checked_id("agent_id", agent_id, _AGENT_ID)
    alias = checked_id("agent_alias_id", agent_alias_id, _AGENT_ID)
    arn = Place.of(region_name, account_id).owned(f"agent-alias/{agent}/{alias}")
    return _policy("InvokeAgent", "bedrock:InvokeAgent", arn)


def invoke_inline_agent(model_id: str, *, agent_name: str | None = None, **model: Any) -> Policy:
    """InvokeInlineAgent, which runs with the caller's own permissions, and so takes the model as well.

    Args:
        model_id: as `invoke_model` takes it.
        agent_name: the only name that an inline agent may have.
        **model: what else `invoke_model` takes.

    Raises:
        ConfigurationError: as `invoke_model`.
    """
    conditions = equals({"bedrock:InlineAgentName": agent_name} if agent_name else {})
    agent = _policy("InvokeInlineAgent", "bedrock:InvokeInlineAgent", conditions=conditions)
    return Policy.merge(agent, invoke_model(model_id, **model))


def retrieve(knowledge_base_id: str, *, region_name: str, account_id: str) -> Policy:
    """Retrieve, from one knowledge base.

    Raises:
        ConfigurationError: an id is none.
    """
    name = checked_id("knowledge_base_id", knowledge_base_id, _KNOWLEDGE_BASE_ID)
    arn = Place.of(region_name, account_id).owned(f"knowledge-base/{name}")
    return _policy("Retrieve", "bedrock:Retrieve", arn)


def retrieve_and_generate(knowledge_base_id: str, model_id: str, *, region_name: str, account_id: str, **model: Any) -> Policy:
    """RetrieveAndGenerate, streamed or not, with one knowledge base and one model.

    Args:
        knowledge_base_id: the knowledge base.
        model_id: as `invoke_model` takes it.
        region_name: where all of it is.
        account_id: whose knowledge base it is.
        **model: what else `invoke_model` takes.

    Raises:
        ConfigurationError: an id is none, or as `invoke_model`.
    """
    answering = invoke_model(model_id, region_name=region_name, account_id=account_id, **model)
    looked_up = tuple(statement.resources for statement in answering.statements if statement.sid == "InvokeProfile")
    return Policy.merge(
        _policy("RetrieveAndGenerate", _RETRIEVE_AND_GENERATE),
        retrieve(knowledge_base_id, region_name=region_name, account_id=account_id),
        answering,
        *(_policy("GetInferenceProfile", "bedrock:GetInferenceProfile", arns) for arns in looked_up),
    )


def rerank(model_id: str, *, region_name: str) -> Policy:
    """Rerank with one foundation model.

    Raises:
        ConfigurationError: as `invoke_model`.
    """
    return Policy.merge(_policy("Rerank", "bedrock:Rerank"), invoke_model(model_id, region_name=region_name, streaming=False))


def list_models() -> Policy:
    """ListFoundationModels and ListInferenceProfiles, as `bedrock_auth.bedrock.available_models` needs them."""
    return _policy("ListModels", ("bedrock:ListFoundationModels", "bedrock:ListInferenceProfiles"))


def count_tokens(model_id: str, *, region_name: str) -> Policy:
    """CountTokens, for a foundation model or a family.

    Raises:
        ConfigurationError: it is none.
    """
    arns = invoke_model(model_id, region_name=region_name).statements[0].resources
    if "::foundation-model/" not in arns[0]:
        raise ConfigurationError(f"CountTokens takes a foundation model, not {model_id!r}", setting="model_id")
    return _policy("CountTokens", "bedrock:CountTokens", arns)


def call_with_bearer_token(token_type: str = "SHORT_TERM") -> Policy:  # noqa: S107 - a kind of tokens, not one
    """Calls with an Amazon Bedrock API key instead of a signature; what they call must be allowed as well.

    Args:
        token_type: ``SHORT_TERM``, as `bedrock_auth.bearer_token` makes them, or ``LONG_TERM``.

    Raises:
        ConfigurationError: it is neither.
    """
    if token_type not in _TOKEN_TYPES:
        raise ConfigurationError(f"token_type is {' or '.join(_TOKEN_TYPES)}, not {token_type!r}", setting="token_type")
    return _policy(
        "CallWithBearerToken", "bedrock:CallWithBearerToken", conditions=equals({"bedrock:BearerTokenType": token_type})
    )


def assume_role(role_arn: str | Iterable[str], *, tags: bool = False) -> Policy:
    """Assuming roles; the trust policy of each must allow it as well, see `trust_principals`.

    Args:
        role_arn: one or several.
        tags: whether session tags may be set.

    Raises:
        ConfigurationError: it is no role's ARN.
    """
    arns = texts(role_arn)
    for arn in arns:
        checked_arn("role_arn", arn, "iam", r"role/[\w+=,.@/-]+")
    return _policy("AssumeRole", ("sts:AssumeRole", "sts:TagSession") if tags else "sts:AssumeRole", arns)
