"""The rows about how much is asked at once, and how the service and the model fare."""

from __future__ import annotations

from bedrock_auth.bedrock.errors import (
    ModelFailedError,
    ModelNotReadyError,
    NotFoundError,
    QuotaExceededError,
    ServiceError,
    ThrottledError,
    UnavailableError,
)
from bedrock_auth.bedrock.failures.reason import Reason

_CODES_PAGE = "Amazon Bedrock User Guide: Troubleshooting Amazon Bedrock API Error Codes"
_CONVERSE_PAGE = "Amazon Bedrock API Reference: Converse"
_STREAM_PAGE = "Amazon Bedrock API Reference: InvokeModelWithResponseStream"
_AGENT_PAGE = "Amazon Bedrock API Reference: InvokeAgent"
_QUOTAS_PAGE = "Amazon Bedrock User Guide: Quotas for Amazon Bedrock"

_THROTTLING = (
    "ThrottlingException",
    "Throttling",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "ProvisionedThroughputExceededException",
    "SlowDown",
)

WAKING = Reason(
    (),
    UnavailableError,
    says="resuming after being auto-paused",
    retryable=True,
    retry_after=15.0,
    why="The knowledge base's Aurora database was paused, and is waking up.",
    fix="Wait for half a minute, and send it again; raise the cluster's minimum capacity above zero if that is too long.",
    page="Amazon Aurora User Guide: Scaling to zero ACUs with automatic pause and resume",
)

_LIMITS = (
    Reason(
        _THROTTLING,
        QuotaExceededError,
        says="per day|daily",
        why="The account's quota of tokens or requests for a day is used up.",
        fix="Come back tomorrow, use another model or region, or ask for a higher quota in Service Quotas.",
        page=_QUOTAS_PAGE,
    ),
    Reason(
        _THROTTLING,
        ThrottledError,
        retryable=True,
        why="Too many requests or tokens at once for the account's quotas, or for the model at this moment.",
        fix="Wait, and send it again; if it goes on, send fewer at once, lower max_tokens (it counts against the quota), use a "
        "cross-region inference profile, or ask for a higher quota in Service Quotas.",
        page=_CODES_PAGE,
    ),
    Reason(
        ("ServiceQuotaExceededException", "LimitExceededException"),
        QuotaExceededError,
        why="The request goes beyond a quota of the account.",
        fix="Look the quota up in Service Quotas, and ask for a higher one, or use less.",
        page=_QUOTAS_PAGE,
    ),
)

_SERVICE = (
    Reason(
        ("ModelNotReadyException",),
        ModelNotReadyError,
        retryable=True,
        why="The model is being loaded, as an imported one is after it was not called for some minutes.",
        fix="Send it again after some seconds, and for some minutes if need be.",
        page="Amazon Bedrock User Guide: Import a customized model into Amazon Bedrock",
    ),
    Reason(
        ("ServiceUnavailableException", "ServiceUnavailable"),
        UnavailableError,
        retryable=True,
        why="The service is short of capacity for this model at the moment; the account's quotas have no part in it.",
        fix="Send it again; a cross-region inference profile, another model or region helps if it goes on.",
        page=_CODES_PAGE,
    ),
    Reason(
        ("InternalServerException", "InternalFailure", "InternalServerError", "InternalError", "BadGatewayException"),
        UnavailableError,
        retryable=True,
        why="The service, or something behind it, failed.",
        fix="Send it again. If it goes on, look at the AWS Health Dashboard, and give the request id to AWS Support.",
        page=_CODES_PAGE,
    ),
    Reason(
        ("ModelStreamErrorException",),
        ModelFailedError,
        retryable=True,
        why="The model failed in the middle of its answer.",
        fix="Send it again. .original_status and .original_message are what the model said, and .partial what had come.",
        page=_STREAM_PAGE,
    ),
    Reason(
        ("ModelTimeoutException",),
        ModelFailedError,
        why="The model took longer than Amazon Bedrock lets it.",
        fix="Ask for less (a shorter conversation, a lower max_tokens), stream the answer, or use a faster model.",
        page=_CONVERSE_PAGE,
    ),
    Reason(
        ("ModelErrorException",),
        ModelFailedError,
        why="The model failed on this request.",
        fix="Change the request, or use another model. .original_status is what the model itself answered.",
        page=_CONVERSE_PAGE,
    ),
    Reason(
        ("DependencyFailedException",),
        ServiceError,
        why="Something that the agent or the knowledge base uses failed: an action's Lambda function, a vector store, a model.",
        fix="Check it and its permissions; .response['resourceName'] names it where AWS does.",
        page=_AGENT_PAGE,
    ),
    Reason(
        ("ConflictException",),
        ServiceError,
        why="Something else is changing the same thing, or the same session is still answering.",
        fix="Wait until that is over; use one session for one conversation.",
        page=_AGENT_PAGE,
    ),
    Reason(
        ("ResourceNotFoundException",),
        NotFoundError,
        why="What the request names does not exist in this region: a model, a profile, an agent or its alias, a knowledge base, "
        "a session.",
        fix="Check its id, its ARN, the region and the account.",
        page=_CODES_PAGE,
    ),
    Reason(
        ("UnknownOperationException", "InvalidAction"),
        NotFoundError,
        why="The endpoint does not know this operation: it is another service's, or older than the client.",
        fix="Check AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_BEDROCK_RUNTIME, and whether the region has it.",
        page=_CODES_PAGE,
    ),
)

SERVICE = (*_LIMITS, *_SERVICE)
