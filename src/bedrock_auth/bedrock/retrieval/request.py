"""From what people write to the parameters of Retrieve and RetrieveAndGenerate. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from bedrock_auth.bedrock.converse.request import Guardrail, inference_config, joined
from bedrock_auth.bedrock.forms.api_form import given, made
from bedrock_auth.bedrock.retrieval.filters import AnyFilter, filter_to_api
from bedrock_auth.bedrock.retrieval.limits import (
    LONGEST_QUERY,
    LONGEST_QUESTION,
    MANAGED,
    SEARCH_TYPES,
    checked_count,
    checked_search,
    checked_session,
    checked_template,
    checked_text,
    id_only,
)
from bedrock_auth.bedrock.retrieval.reranking import Reranking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class RetrievalOptions(TypedDict, total=False):
    """What `KnowledgeBase` takes wherever it searches. What is ``None`` counts as not given.

    Any other keyword goes to botocore as it is, under AWS's own name. A structure may be given in part by our name and in part by
    AWS's, but no member of it twice.
    """

    top_k: int | None
    """How many results there are at most, from 1 to 100; AWS's default is 5."""
    search: str | None
    """``hybrid`` (meaning and words) or ``semantic`` (meaning only); by default AWS chooses. ``managed`` for a managed knowledge
    base, which decides by itself."""
    filter: AnyFilter | None
    """Which documents count, by their metadata: an expression of `F`, or AWS's dict."""
    reranking: Reranking | str | Mapping[str, Any] | None
    """A `Reranking`, the id or ARN of a reranking model, or AWS's ``rerankingConfiguration``."""
    guardrail: Guardrail | Mapping[str, Any] | None
    """A `Guardrail`, of which identifier and version count, or AWS's ``guardrailConfiguration``."""
    user_id: str | None
    """On whose behalf: AWS's ``userContext``, for knowledge bases with access control."""

    retrievalConfiguration: Mapping[str, Any]


class GenerationOptions(RetrievalOptions, total=False):
    """What `KnowledgeBase` takes where it generates."""

    session_id: str | None
    """That of an earlier answer, to go on with its conversation; the service makes them, and keeps them for a day."""
    prompt_template: str | None
    """The prompt for the answer, with AWS's placeholders such as ``$search_results$``; at most 4000 characters. It goes to the
    model as it is: nobody else's text may be in it."""
    max_tokens: int | None
    """The longest answer, in tokens."""
    temperature: float | None
    """Between 0 and 1; how freely the model chooses."""
    top_p: float | None
    """Between 0 and 1; from how much of the likely it chooses."""
    stop_sequences: str | Iterable[str] | None
    """Texts that end the answer."""
    latency: str | None
    """``standard`` or ``optimized``."""
    additional_model_request_fields: Mapping[str, Any] | None
    """JSON: parameters of the model's own."""
    orchestration: Mapping[str, Any] | None
    """AWS's ``orchestrationConfiguration``: the prompt that turns a conversation into a query, and query decomposition."""
    kms_key_arn: str | None
    """The key that encrypts the session."""

    retrieveAndGenerateConfiguration: Mapping[str, Any]


_RETRIEVAL = frozenset(name for name in RetrievalOptions.__optional_keys__ if name.islower())
_GENERATION = frozenset(name for name in GenerationOptions.__optional_keys__ if name.islower())


def retrieve_request(
    knowledge_base_id: str, query: str | Mapping[str, Any], options: Mapping[str, Any], model_arn: Callable[[str], str]
) -> dict[str, Any]:
    """The parameters of boto3's ``retrieve``.

    Args:
        knowledge_base_id: id or ARN.
        query: a text, or AWS's ``retrievalQuery``.
        options: see `RetrievalOptions`.
        model_arn: makes an ARN of the id of a reranking model.

    Raises:
        ConfigurationError: a limit is exceeded, or a parameter was given twice.
    """
    ours, theirs = _split(options, _RETRIEVAL)
    text = isinstance(query, str)
    parameters = given(
        knowledgeBaseId=knowledge_base_id,
        retrievalQuery={"text": checked_text(query, LONGEST_QUERY)} if text else query,
        retrievalConfiguration=_retrieval(ours, model_arn),
        guardrailConfiguration=made(_guardrail, ours.get("guardrail")),
        userContext=_user(ours),
    )
    return joined(parameters, theirs)


def generate_request(
    knowledge_base_id: str,
    text: str,
    model_id: str,
    options: Mapping[str, Any],
    model_arn: Callable[[str], str],
) -> dict[str, Any]:
    """The parameters of boto3's ``retrieve_and_generate`` and of its stream.

    Args:
        knowledge_base_id: its id; AWS takes no ARN here.
        text: the question.
        model_id: id or ARN of a model, or ARN of an inference profile.
        options: see `GenerationOptions`.
        model_arn: makes an ARN of the id of a reranking model.

    Raises:
        ConfigurationError: a limit is exceeded, or a parameter was given twice.
    """
    ours, theirs = _split(options, _GENERATION)
    theirs = _moved(theirs)
    configuration = given(
        knowledgeBaseId=id_only(knowledge_base_id),
        modelArn=model_id,
        retrievalConfiguration=_retrieval(ours, model_arn),
        generationConfiguration=_generation(ours) or None,
        orchestrationConfiguration=ours.get("orchestration"),
    )
    parameters = given(
        input={"text": checked_text(text, LONGEST_QUESTION)},
        retrieveAndGenerateConfiguration={"type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": configuration},
        sessionId=made(checked_session, ours.get("session_id")),
        sessionConfiguration=made(lambda arn: {"kmsKeyArn": arn}, ours.get("kms_key_arn")),
        userContext=_user(ours),
    )
    return joined(parameters, theirs)


def _split(options: Mapping[str, Any], names: frozenset[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    ours = {name: value for name, value in options.items() if name in names}
    return ours, {name: value for name, value in options.items() if name not in names}


def _moved(theirs: dict[str, Any]) -> dict[str, Any]:
    """``retrievalConfiguration`` where RetrieveAndGenerate has it."""
    retrieval = theirs.pop("retrievalConfiguration", None)
    if retrieval is None:
        return theirs
    nested = {"knowledgeBaseConfiguration": {"retrievalConfiguration": retrieval}}
    return joined(theirs, {"retrieveAndGenerateConfiguration": nested})


def _retrieval(ours: Mapping[str, Any], model_arn: Callable[[str], str]) -> dict[str, Any] | None:
    search = checked_search(ours.get("search"))
    configuration = given(
        numberOfResults=checked_count("top_k", ours.get("top_k")),
        overrideSearchType=SEARCH_TYPES.get(search or ""),
        filter=made(filter_to_api, ours.get("filter")),
        rerankingConfiguration=_reranking(ours.get("reranking"), model_arn),
    )
    if search == MANAGED:
        return {"managedSearchConfiguration": configuration}
    return {"vectorSearchConfiguration": configuration} if configuration else None


def _reranking(reranking: Any, model_arn: Callable[[str], str]) -> Any:
    made = Reranking(reranking) if isinstance(reranking, str) else reranking
    return made.to_api(model_arn) if isinstance(made, Reranking) else made


def _generation(ours: Mapping[str, Any]) -> dict[str, Any]:
    numbers = inference_config(ours)
    return given(
        promptTemplate=made(_template, ours.get("prompt_template")),
        inferenceConfig={"textInferenceConfig": numbers} if numbers else None,
        guardrailConfiguration=made(_guardrail, ours.get("guardrail")),
        performanceConfig=made(lambda latency: {"latency": latency}, ours.get("latency")),
        additionalModelRequestFields=ours.get("additional_model_request_fields"),
    )


def _template(template: str) -> dict[str, Any]:
    return {"textPromptTemplate": checked_template(template)}


def _guardrail(guardrail: Any) -> Any:
    if isinstance(guardrail, Guardrail):
        return {"guardrailId": guardrail.identifier, "guardrailVersion": guardrail.version}
    return guardrail


def _user(ours: Mapping[str, Any]) -> dict[str, Any] | None:
    user_id = ours.get("user_id")
    return None if user_id is None else {"userId": user_id}
