"""`BedrockRuntime`: the Amazon Bedrock runtime, typed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import botocore

from bedrock_auth.bedrock.converse.request import converse_request
from bedrock_auth.bedrock.converse.response import ConverseResponse
from bedrock_auth.bedrock.errors import Call
from bedrock_auth.bedrock.failures.translate import translate
from bedrock_auth.bedrock.invoke import InvokeModelStream
from bedrock_auth.bedrock.stream import ConverseStream
from bedrock_auth.bedrock.transport.aio import AsyncConverseStream
from bedrock_auth.bedrock.transport.clients import SERVICE
from bedrock_auth.bedrock.transport.service import ServiceWrapper
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from typing import Unpack

    from botocore.client import BaseClient

    from bedrock_auth.bedrock.converse.request import ConverseOptions, Messages

_COUNT = "CountTokens"


class BedrockRuntime(ServiceWrapper):
    """Calls models that Amazon Bedrock serves, with any boto3 session or client.

    Its arguments, its clients and what it sends again are those of every `ServiceWrapper`.
    """

    _SERVICE = SERVICE

    def converse(self, model_id: str, messages: Messages | None = None, **options: Unpack[ConverseOptions]) -> ConverseResponse:
        """Send a conversation and wait for the whole answer.

        Args:
            model_id: id or ARN of a model, an inference profile or a prompt.
            messages: a text, one message or several; `Message` values or boto3's dicts.
            options: see `ConverseOptions`; also any other parameter under AWS's own name.

        Raises:
            BedrockError: the call failed; see `bedrock_auth.bedrock.errors`.
            ConfigurationError: a parameter that botocore does not take; the message names it.
            CredentialError: there are no credentials to sign with.
        """
        request = converse_request(model_id, messages, options, streamed=False)
        return _response(self._send("Converse", request))

    async def aconverse(
        self, model_id: str, messages: Messages | None = None, **options: Unpack[ConverseOptions]
    ) -> ConverseResponse:
        """`converse` for asyncio, in a thread of its own and in a copy of the caller's context.

        Cancelling returns at once and nothing is sent again; what has been sent, the model answers to nobody.
        """
        request = converse_request(model_id, messages, options, streamed=False)
        return _response(await self._asend("Converse", request))

    def converse_stream(
        self, model_id: str, messages: Messages | None = None, **options: Unpack[ConverseOptions]
    ) -> ConverseStream:
        """Send a conversation now, and read the answer while it is being given.

        Takes what `converse` takes. Use the stream in a ``with`` block: leaving it closes the connection.

        Raises:
            BedrockError: the service refused, or could not be reached; what goes wrong later, the stream raises.
            ConfigurationError: a parameter that botocore does not take; the message names it.
            CredentialError: there are no credentials to sign with.
        """
        request = converse_request(model_id, messages, options, streamed=True)
        return self._open(ConverseStream(), "ConverseStream", "stream", request)

    def aconverse_stream(
        self, model_id: str, messages: Messages | None = None, **options: Unpack[ConverseOptions]
    ) -> AsyncConverseStream:
        """`converse_stream` for asyncio: ``async with runtime.aconverse_stream(…) as stream``.

        Takes what `converse` takes. The conversation is sent when the block is entered, and whatever that raises is raised there;
        who signs, and any other context variable, is that of this call.

        Raises:
            ConfigurationError: a message that cannot be sent.
        """
        request = converse_request(model_id, messages, options, streamed=True)
        stream = ConverseStream()
        return AsyncConverseStream(stream, partial(self._open, stream, "ConverseStream", "stream", request))

    def invoke_model_stream(
        self,
        model_id: str,
        body: bytes | str | Mapping[str, Any],
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
        **api_fields: Any,
    ) -> InvokeModelStream:
        """Send a request in a model's own form now, and read the answer, in its own form too, while it is being given.

        Args:
            model_id: id or ARN of a model or an inference profile.
            body: what the model takes: a JSON document, or bytes that are sent as they are.
            content_type: MIME type of the body.
            accept: MIME type of the answer.
            api_fields: any other parameter under AWS's own name, such as ``guardrailIdentifier`` or ``trace``.

        Raises:
            BedrockError: the service refused, or could not be reached; what goes wrong later, the stream raises.
            ConfigurationError: a parameter that botocore does not take; the message names it.
            CredentialError: there are no credentials to sign with.
        """
        sent = json.dumps(body) if isinstance(body, Mapping) else body
        request = {"modelId": model_id, "body": sent, "contentType": content_type, "accept": accept, **api_fields}
        return self._open(InvokeModelStream(), "InvokeModelWithResponseStream", "body", request)

    def count_tokens(self, model_id: str, messages: Messages | None = None, **options: Unpack[ConverseOptions]) -> int:
        """How many tokens the model would read if `converse` were called with these arguments. AWS does not charge for it.

        Options that have nothing to do with what the model reads, such as ``max_tokens``, are left out.

        Raises:
            BedrockError: the call failed; not every model can count.
            ConfigurationError: a parameter that botocore does not take, or a botocore that cannot count.
            CredentialError: there are no credentials to sign with.
        """
        request = converse_request(model_id, messages, options, streamed=False)
        return int(self._send(_COUNT, _count_request(self._client(), request))["inputTokens"])


def _response(answer: dict[str, Any]) -> ConverseResponse:
    request_id = answer.get("ResponseMetadata", {}).get("RequestId")
    try:
        return ConverseResponse.from_api(answer, request_id)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise translate(error, Call("Converse", request_id)) from error


def _count_request(client: BaseClient, request: Mapping[str, Any]) -> dict[str, Any]:
    """What CountTokens takes of a request to Converse, by botocore's own model of it."""
    model = client.meta.service_model
    if _COUNT not in model.operation_names:
        msg = f"botocore {botocore.__version__} cannot count tokens: it does not know {_COUNT}; upgrade boto3"
        raise ConfigurationError(msg, setting="boto3")
    shape: Any = model.operation_model(_COUNT).input_shape
    counted = shape.members["input"].members["converse"].members
    conversation = {name: value for name, value in request.items() if name in counted}
    return {"modelId": request["modelId"], "input": {"converse": conversation}}
