"""What can go wrong with a Bedrock call: one family, whether it goes wrong before a stream or inside one.

::

    BedrockError                  .code .status .operation .request_id .retryable .in_stream .partial
    ├─ ServiceError               the service said no (also botocore's ClientError, with .response)
    ├─ IncompleteStreamError      the stream ended before the message did
    ├─ ConnectionLostError        not reached, cut off, or silent for too long
    ├─ DecodeError                what arrived is not what AWS sends: a bad checksum, a web page, a document that is no answer
    └─ ToolInputError             the model's input for a tool is no JSON

Credentials that cannot be had are a `bedrock_auth.CredentialError`, and a request that cannot be sent as it stands is a
`bedrock_auth.ConfigurationError`, as everywhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen
from botocore.exceptions import ClientError

from bedrock_auth.errors import BedrockAuthError

if TYPE_CHECKING:
    from bedrock_auth.bedrock.response import ConverseResponse


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
    partial: ConverseResponse | None = None
    """What had arrived of a streamed answer. A tool use whose input was cut has its text in ``input_text``."""


class ServiceError(BedrockError, ClientError):
    """The service answered with an error, before a stream or inside it. ``except ClientError`` catches it too."""

    response: dict[str, Any]  # type: ignore[assignment]  # what a service sends is not limited to the stubs' TypedDict
    """The error as botocore's ClientError has it; ``["Error"]["Code"]`` is canonical inside streams as well."""
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


class IncompleteStreamError(BedrockError):
    """The stream ended before ``messageStop``: the answer is not whole, whatever it looks like.

    The code is ``IncompleteStream``, or ``StreamClosed`` where this program closed it and then asked for the response.
    """


class ConnectionLostError(BedrockError):
    """The service could not be reached, hung up, or fell silent.

    The code is ``ReadTimeout``, ``ConnectTimeout``, ``ConnectionClosed``, ``ConnectionFailed`` or ``SSLError``. A Converse
    that timed out is not ``retryable``: the model may still be at work on it, and it is paid for.
    """


class DecodeError(BedrockError):
    """What arrived is not what AWS sends.

    The code is ``ChecksumMismatch``, ``NotAnEventStream``, ``MalformedEvent`` or ``MalformedResponse``.
    """


class ToolInputError(BedrockError):
    """The model asked for a tool with an input that is no JSON, or that was cut. The code is ``InvalidToolInput``."""

    tool_use_id: str = ""
    name: str = ""
    """The tool's name."""
    input_text: str = ""
    """The input as the model wrote it."""


@frozen
class Call:
    """What is known of an API call when it fails."""

    operation: str
    request_id: str | None = None
    in_stream: bool = False
    content_type: str | None = None
    """What the answer says that it is."""

    def details(self, partial: ConverseResponse | None = None) -> dict[str, Any]:
        """The details that every `BedrockError` of this call has."""
        common = {"operation": self.operation, "request_id": self.request_id, "in_stream": self.in_stream}
        return common if partial is None else {**common, "partial": partial}
