"""The rows about what was asked, and of which model; and about answers that are not what was asked for."""

from __future__ import annotations

from bedrock_auth.bedrock.errors import (
    ContextWindowExceededError,
    GuardrailIntervenedError,
    InferenceProfileRequiredError,
    ModelFailedError,
    NotFoundError,
    SessionExpiredError,
    ValidationError,
)
from bedrock_auth.bedrock.failures.reason import Reason

_CODES_PAGE = "Amazon Bedrock User Guide: Troubleshooting Amazon Bedrock API Error Codes"
_CONVERSE_PAGE = "Amazon Bedrock API Reference: Converse"
_LIFECYCLE_PAGE = "Amazon Bedrock User Guide: Model lifecycle"
_STOP_PAGE = "Amazon Bedrock API Reference: Converse, stopReason"
_TOOLS_PAGE = "Amazon Bedrock User Guide: Use a tool to complete an Amazon Bedrock model response"

_INVALID = ("ValidationException", "ValidationError")

_MODELS = (
    Reason(
        _INVALID,
        InferenceProfileRequiredError,
        says="on-demand throughput isn't supported|support on-demand throughput|id or arn of an inference profile",
        why="The model is served through inference profiles only.",
        fix="Use the id of a profile in place of the model's; available_models(session), or aws bedrock list-inference-profiles, "
        "lists those of the region.",
        page="Amazon Bedrock User Guide: Use an inference profile in model invocation",
    ),
    Reason(
        ("ResourceNotFoundException", *_INVALID),
        NotFoundError,
        says="marked by provider as legacy|end of its life|deprecated",
        why="The model is on its way out: gone, or kept only for accounts that have called it lately.",
        fix="Use a current model; available_models(session), or aws bedrock list-foundation-models, lists those of the region.",
        page=_LIFECYCLE_PAGE,
    ),
    Reason(
        ("ResourceNotFoundException", *_INVALID),
        NotFoundError,
        says="model identifier|could not resolve the (?:foundation )?model|could not find the model|unknown model",
        why="The region has no model or inference profile of this id: it is mistyped, or of another region.",
        fix="Check id and region; available_models(session), or aws bedrock list-foundation-models and list-inference-profiles, "
        "list what the region has.",
        page="Amazon Bedrock User Guide: Supported foundation models in Amazon Bedrock",
    ),
    Reason(
        _INVALID,
        NotFoundError,
        says="model id or arn you provided|support the model that you provided",
        why="The operation does not serve the model of this id: an embedding model, for example, or one of another region.",
        fix="Check the id, and use another model; available_models(session), or aws bedrock list-foundation-models and "
        "list-inference-profiles, list what the region has.",
        page="Amazon Bedrock User Guide: Supported models and model features",
    ),
    Reason(
        (*_INVALID, "ModelStreamErrorException", "ModelErrorException"),
        ContextWindowExceededError,
        says="(?:input|prompt) is too long|exceeds? (?:the )?(?:model's )?(?:maximum )?context|maximum context length|"
        "context window|too many (?:input|total text)",
        why="The conversation, tools and documents included, is longer than the model can read.",
        fix="Leave out or summarise old turns, shorten documents and tool results, lower max_tokens, or use a model that reads "
        "more. count_tokens tells the length beforehand.",
        page=_CONVERSE_PAGE,
    ),
    Reason(
        ("ModelContextWindowExceeded",),
        ContextWindowExceededError,
        why="The answer filled what was left of the model's context window, and breaks off there.",
        fix="Shorten the conversation, or use a model that reads more. What was answered is in .partial.",
        page=_STOP_PAGE,
    ),
    Reason(
        ("GuardrailIntervened",),
        GuardrailIntervenedError,
        why="A guardrail blocked the question or the answer, or masked parts of it.",
        fix="Ask for its trace (guardrailConfig, trace: enabled) and look at .partial.trace for the policy that stepped in.",
        page="Amazon Bedrock User Guide: Detect and filter harmful content by using Amazon Bedrock Guardrails",
    ),
    Reason(
        ("ContentFiltered",),
        GuardrailIntervenedError,
        why="The model provider's own filter stopped the answer.",
        fix="Ask differently, or use another model.",
        page=_STOP_PAGE,
    ),
    Reason(
        ("MalformedModelOutput", "MalformedToolUse"),
        ModelFailedError,
        retryable=True,
        why="The model wrote something that Amazon Bedrock cannot read.",
        fix="Send it again; simplify the tools' schemas if it goes on.",
        page=_STOP_PAGE,
    ),
)

_VALIDATION = (
    Reason(
        _INVALID,
        SessionExpiredError,
        says=r"session with id \S* is not valid|session (?:\S+ )?(?:has |is )?expired",
        why="The session that the request goes on with is over (those of knowledge bases last 24 hours), or it never was.",
        fix="Begin a new one: leave the session id out. The service has forgotten what was said.",
        page="Amazon Bedrock API Reference: RetrieveAndGenerate",
    ),
    Reason(
        _INVALID,
        ValidationError,
        says="malformed input request",
        why="The request is malformed: the model wants a field that is missing, or does not take one that is there.",
        fix="Read the service's message, in error.response['Error']['Message']; it names the field. Often it is in "
        "additionalModelRequestFields or in a tool's schema, or InvokeModel was given another model's form.",
        page=_CODES_PAGE,
    ),
    Reason(
        _INVALID,
        ValidationError,
        says="image (?:exceeds|dimensions|size)|image is too (?:large|big)",
        why="An image is larger than the model takes, in bytes or in pixels.",
        fix="Make it smaller; also one that a tool has returned.",
        page="Amazon Bedrock API Reference: Message",
    ),
    Reason(
        _INVALID,
        ValidationError,
        says="(?:does not|doesn't|isn't|not) support",
        why="The model does not support something that the request asks for.",
        fix="Leave out what the service's message names (tools, system prompt, images, documents, cache points, streaming), or "
        "use a model that supports it.",
        page="Amazon Bedrock User Guide: Supported models and model features",
    ),
    Reason(
        _INVALID,
        ValidationError,
        says="expected .?tool_?(?:use|result)|number of .?tool_?result|"
        "tool_?(?:use|result).*(?:without|must be defined|must have|previous)|must be defined when using tool_?use",
        why="Tool uses and tool results do not fit together.",
        fix="Answer every tool use in the next user message, one tool result for each, with its id; never cut a history between "
        "the two; and give the tools (toolConfig) with every request whose history holds tool uses.",
        page=_TOOLS_PAGE,
    ),
    Reason(
        _INVALID,
        ValidationError,
        says="alternate|start with a user message|end with a user message|last turn",
        why="The messages are not in an order that the model takes.",
        fix="Begin with a user message, let user and assistant take turns, and end with the user.",
        page=_CONVERSE_PAGE,
    ),
    Reason(
        _INVALID,
        ValidationError,
        says="budget_?tokens",
        why="The budget for reasoning is too low, or max_tokens leaves no room for it.",
        fix="Raise max_tokens above the budget in additionalModelRequestFields, or give another budget.",
        page="Amazon Bedrock User Guide: Enhance model responses with model reasoning",
    ),
    Reason(
        _INVALID,
        ValidationError,
        says="maximum tokens|max_?tokens|output tokens",
        why="max_tokens is higher than the model allows.",
        fix="Lower it, or leave it out.",
        page=_CONVERSE_PAGE,
    ),
    Reason(
        _INVALID,
        ValidationError,
        says="blank|non-empty|must not be empty|is empty",
        why="A text, a message or a list in the request is empty.",
        fix="Leave blank blocks and empty messages out.",
        page=_CONVERSE_PAGE,
    ),
    Reason(
        _INVALID,
        NotFoundError,
        says="does not exist|could not be found|not found",
        why="What the request names does not exist in this region: a guardrail, a prompt, a session, another resource.",
        fix="Check its id, its version and the region.",
        page=_CODES_PAGE,
    ),
    Reason(
        (*_INVALID, "InvalidParameterException", "InvalidParameterValue", "SerializationException"),
        ValidationError,
        why="The service does not take the request as it stands.",
        fix="Read the service's message, in error.response['Error']['Message']; it names the field.",
        page=_CODES_PAGE,
    ),
)

TOO_LARGE = Reason(
    ("413", "RequestEntityTooLarge", "RequestEntityTooLargeException"),
    ValidationError,
    why="The request is too large, for the service or for a proxy on the way; files count in base64.",
    fix="Send fewer and smaller images and documents, or give them as files in S3 where the model takes those.",
    page=_CONVERSE_PAGE,
)

REQUEST = (*_MODELS, *_VALIDATION, TOO_LARGE)
