"""What can go wrong with a Bedrock call: one family, whether it goes wrong before a stream or inside one.

::

    BedrockError                       .code .status .operation .request_id .retryable .in_stream .partial
    ├─ ServiceError                    the service said no (also botocore's ClientError, with .response)
    │  ├─ ThrottledError               too much at once                     -> wait, send again
    │  ├─ QuotaExceededError           a quota of the account is used up    -> raise the quota, or come back later
    │  ├─ UnavailableError             the service failed on its own side   -> send again
    │  ├─ ModelNotReadyError           the model is being loaded            -> wait for minutes, send again
    │  ├─ ModelFailedError             the model failed or took too long    -> another request, or another model
    │  ├─ AccessDeniedError            whoever signs may not                -> a policy
    │  │  └─ ModelAccessError          the account may not use the model    -> a form, a subscription
    │  ├─ CredentialsRejectedError     keys expired or unknown, clock wrong -> other keys
    │  ├─ NotFoundError                no such model, agent … in the region -> another id
    │  ├─ ValidationError              the request cannot be served         -> another request
    │  │  ├─ InferenceProfileRequiredError  .suggestions                    -> a profile's id for the model's
    │  │  ├─ ContextWindowExceededError     longer than the model reads     -> a shorter conversation
    │  │  └─ SessionExpiredError            the service has forgotten it    -> a new session, without what was said
    │  └─ GuardrailIntervenedError     answered, but by a guardrail or filter
    ├─ IncompleteStreamError           the stream ended before the message did
    ├─ ConnectionLostError             not reached, cut off, or silent for too long
    ├─ DecodeError                     what arrived is not what AWS sends: a bad checksum, a web page, no answer at all
    └─ ToolInputError                  the model's input for a tool is no JSON

There is a class wherever a program would do something else about it; where only a person's reading differs, ``.code`` tells
the errors apart (ModelErrorException and ModelTimeoutException, ReadTimeout and ConnectionClosed). A ServiceError of no
further class is one with which a program can do nothing in particular, such as a ConflictException.

Credentials that cannot be had are a `bedrock_auth.CredentialError`, and a request that cannot be sent as it stands is a
`bedrock_auth.ConfigurationError`, as everywhere else. `bedrock_auth.bedrock.explain` tells people what to do about any of them.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen
from botocore.exceptions import ClientError

from bedrock_auth.errors import BedrockAuthError


class BedrockError(BedrockAuthError):
    """A Bedrock call failed."""

    code: str = ""
    """What failed, in one word: AWS's own error code in its canonical spelling, or one that the class documents."""
    status: int | None = None
    """HTTP status of the answer; inside a stream, the one that AWS's model gives the exception; ``None`` without an answer."""
    operation: str = ""
    """AWS's name of the API operation, such as ``ConverseStream``."""
    request_id: str | None = None
    """AWS's id of the request; give it to AWS support."""
    retryable: bool = False
    """Whether the same request may well succeed when it is sent again. A new request is paid for again."""
    in_stream: bool = False
    """Whether it failed after the service had begun to answer."""
    partial: Any = None
    """What had arrived of a streamed answer, in the class of whole ones, such as `ConverseResponse`. A tool use in it whose input
    was cut has its text in ``input_text``."""


class ServiceError(BedrockError, ClientError):
    """The service answered with an error, before a stream or inside it. ``except ClientError`` catches it too.

    botocore raises errors inside a stream as its EventStreamError, a ClientError as well; here ``in_stream`` tells them apart,
    and the EventStreamError is the ``__cause__``.
    """

    response: dict[str, Any]  # type: ignore[assignment]  # what a service sends is not limited to the stubs' TypedDict
    """The error as botocore's ClientError has it; ``["Error"]["Code"]`` is canonical inside streams as well."""
    retry_after: float = 0.0
    """Seconds before which sending it again is of no use, as far as that is known; what AWS asks for is in its headers."""
    original_status: int | None = None
    """The HTTP status that the model itself gave, for ModelErrorException and ModelStreamErrorException."""
    original_message: str | None = None
    """What the model itself said, for ModelStreamErrorException."""

    def __init__(self, message: str, /, **details: Any) -> None:
        """As every error here; a ``response`` is made up from code and message where none is given."""
        super().__init__(message, **details)
        if "response" not in details:
            self.response = {"Error": {"Code": self.code, "Message": message}}

    @property
    def operation_name(self) -> str:  # type: ignore[override]  # a plain attribute there
        """The operation under botocore's name."""
        return self.operation


class ThrottledError(ServiceError):
    """Too many requests or tokens at once, for the account or for all of the service's callers. The same request succeeds later.

    The code is ``ThrottlingException``, or what other services call it.
    """


class QuotaExceededError(ServiceError):
    """A quota of the account is used up, for the day or for good: waiting for seconds does not help.

    The code is ``ServiceQuotaExceededException``; a day's tokens are refused with ``ThrottlingException``.
    """


class UnavailableError(ServiceError):
    """The service, or something that it depends on, failed on its own side. The same request may succeed soon.

    The code is ``ServiceUnavailableException``, ``InternalServerException`` or ``BadGatewayException``; a knowledge base whose
    database is waking up is refused with others.
    """


class ModelNotReadyError(ServiceError):
    """The model is being loaded, as an imported one is after a pause. That takes minutes, unlike throttling.

    The code is ``ModelNotReadyException``.
    """


class ModelFailedError(ServiceError):
    """The model itself failed, took too long or wrote what cannot be used.

    The code is ``ModelErrorException``, ``ModelTimeoutException``, ``ModelStreamErrorException`` or, from an answer's stop
    reason, ``MalformedModelOutput`` or ``MalformedToolUse``. Another request or another model may do better.
    """


class AccessDeniedError(ServiceError):
    """Whoever signed may not do this. `explain` names the IAM actions.

    The code is ``AccessDeniedException``.
    """


class ModelAccessError(AccessDeniedError):
    """The account has no access to the model yet: a use case form, a Marketplace subscription or AWS's consent is missing.

    No policy helps. AWS says so with several codes; the class is told by the text.
    """


class CredentialsRejectedError(ServiceError):
    """AWS does not accept the keys, the API key or the signature: expired, unknown, wrong, or made with a wrong clock.

    The session has been asked for newer keys before this is raised, so other keys must come from outside. The code is
    ``ExpiredTokenException``, ``UnrecognizedClientException``, ``InvalidSignatureException`` or another of AWS's for these.
    """


class NotFoundError(ServiceError):
    """What the request names does not exist in the region: a model, a profile, an agent, a knowledge base, a session.

    The code is ``ResourceNotFoundException``; models that are spelt wrongly are refused with ``ValidationException``.
    """


class ValidationError(ServiceError):
    """The request cannot be served as it stands.

    The code is ``ValidationException``, or what else AWS calls it; ``413`` where it is too large for something on the way.
    """


class InferenceProfileRequiredError(ValidationError):
    """The model is served through inference profiles only. The code is ``ValidationException``."""

    suggestions: tuple[str, ...] = ()
    """Ids that such a profile may well have, for example ``us.amazon.nova-lite-v1:0``; nobody has looked whether they exist."""


class ContextWindowExceededError(ValidationError):
    """The conversation is longer than the model can read; shorten it.

    The code is ``ValidationException`` or, from an answer's stop reason, ``ModelContextWindowExceeded``.
    """


class SessionExpiredError(ValidationError):
    """The session that the request goes on with is over: those of knowledge bases last a day. Or it never was.

    The code is ``ValidationException``. What was said in the session is lost to the service.
    """


class GuardrailIntervenedError(ServiceError):
    """The answer is not the model's: a guardrail or a content filter stepped in.

    Only `ConverseResponse.raise_for_stop_reason`, `GuardrailVerdict.raise_if_intervened` and what calls them raise it: such an
    answer is an answer, and may be all that is wanted.

    The code is ``GuardrailIntervened`` or ``ContentFiltered``. ``.partial`` is what was answered, the guardrail's trace included.
    """


class IncompleteStreamError(BedrockError):
    """The stream ended before the answer did, a model's before ``messageStop``: it is not whole, whatever it looks like.

    The code is ``IncompleteStream``; ``StreamClosed`` where this program closed it and then asked for the response; ``NoAnswer``
    where an agent's ended well, but without an answer.
    """


class ConnectionLostError(BedrockError):
    """The service could not be reached, hung up, or fell silent.

    The code is ``ReadTimeout``, ``ConnectTimeout``, ``ConnectionClosed``, ``ConnectionFailed`` or ``SSLError``. A Converse
    that was sent and timed out or was lost is not ``retryable``: the model may still be at work on it, and it is paid for.
    """


class DecodeError(BedrockError):
    """What arrived is not what AWS sends.

    The code is ``ChecksumMismatch``, ``NotAnEventStream``, ``MalformedEvent`` or ``MalformedResponse``; ``UnknownInvocation``
    where an agent asks for something of a kind, or in a way, that is not known here.
    """


class ToolInputError(BedrockError):
    """The model asked for a tool with an input that is no JSON, or that was cut. The code is ``InvalidToolInput``."""

    tool_use_id: str = ""
    name: str = ""
    """The tool's name."""
    input_text: str = ""
    """The input as the model wrote it."""


ANY_CALL = "The call"
"""The operation of a `Call` of which nobody knows which one it was."""


@frozen
class Call:
    """What is known of an API call when it fails."""

    operation: str
    request_id: str | None = None
    in_stream: bool = False
    content_type: str | None = None
    """What the answer says that it is."""
    region_name: str | None = None
    """Where it was sent; errors suggest inference profiles of this region."""
    has_results: bool = False
    """Whether it tells an agent the results of what it returned control for."""

    def details(self, partial: Any = None) -> dict[str, Any]:
        """The details that every `BedrockError` of this call has."""
        common = {"operation": self.operation, "request_id": self.request_id, "in_stream": self.in_stream}
        return common if partial is None else {**common, "partial": partial}
