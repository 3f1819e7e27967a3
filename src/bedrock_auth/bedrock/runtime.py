"""`BedrockRuntime`: Converse and ConverseStream of the Amazon Bedrock runtime, typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bedrock_auth.bedrock.calls import prepare, typed_call
from bedrock_auth.bedrock.clients import CONVERSE_TIMEOUT, STREAM_TIMEOUT, checked_client, runtime_client
from bedrock_auth.bedrock.errors import Call
from bedrock_auth.bedrock.request import converse_request
from bedrock_auth.bedrock.response import ConverseResponse
from bedrock_auth.bedrock.stream import ConverseStream
from bedrock_auth.bedrock.translate import FAILURES, translate
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import boto3
    from botocore.client import BaseClient
    from botocore.config import Config

    from bedrock_auth.bedrock.request import Messages, System


class BedrockRuntime:
    """Calls models that Amazon Bedrock serves, with any boto3 session or client.

    The clients that it makes sign with SigV4 unless the session's code states another scheme (the environment does not
    decide), connect within 10 seconds, keep up to 50 connections and retry in botocore's standard mode. A stream may be silent
    for 10 minutes and a whole answer take an hour; a whole answer that takes longer is not asked for again, because the
    model may still be at work on it. Threads may share a runtime.
    """

    def __init__(
        self,
        session: boto3.Session | None = None,
        *,
        client: BaseClient | None = None,
        region_name: str | None = None,
        config: Config | None = None,
    ) -> None:
        """Use this session, or this client as it is.

        Args:
            session: from `bedrock_auth.create_session`, or any other boto3 session.
            client: a ``bedrock-runtime`` client; its timeouts and its way of signing are the caller's choice.
            region_name: by default the session's.
            config: a ``botocore.config.Config`` that overrides the defaults above.

        Raises:
            ConfigurationError: neither or both of session and client are given, the client is one of another service, or
                there is no region.
        """
        if (session is None) == (client is None):
            msg = f"BedrockRuntime takes a session or a client=, not {'neither' if session is None else 'both'}"
            raise ConfigurationError(msg, setting="session")
        if client is not None:
            self._client: Any = _own(client, region_name, config)
            self._stream_client: Any = self._client
        else:
            self._client = runtime_client(session, region_name=region_name, config=config, read_timeout=CONVERSE_TIMEOUT)
            self._stream_client = runtime_client(session, region_name=region_name, config=config, read_timeout=STREAM_TIMEOUT)
        prepare(self._client)
        prepare(self._stream_client)

    def converse(  # noqa: PLR0913 - one for each common setting of AWS's
        self,
        model_id: str,
        messages: Messages,
        *,
        system: System | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        stop_sequences: Sequence[str] | None = None,
        **api_fields: Any,
    ) -> ConverseResponse:
        """Send a conversation and wait for the whole answer.

        Args:
            model_id: id or ARN of a model, an inference profile or a prompt.
            messages: a text, one message or several; `Message` values or boto3's dicts.
            system: instructions: a text, or boto3's list of system content blocks.
            max_tokens: the longest answer, in tokens.
            temperature: between 0 and 1; how freely the model chooses.
            top_p: between 0 and 1; from how much of the likely it chooses.
            stop_sequences: texts that end the answer.
            api_fields: any other parameter under AWS's own name, such as ``toolConfig``, ``guardrailConfig`` or
                ``requestMetadata``.

        Raises:
            BedrockError: the call failed; see `bedrock_auth.bedrock.errors`.
            ConfigurationError: a parameter that botocore does not take; the message names it.
            CredentialError: there are no credentials to sign with.
        """
        inference = _inference(max_tokens, temperature, top_p, stop_sequences)
        request = converse_request(model_id, messages, system, inference, api_fields)
        answer = _send(self._client.converse, request, "Converse")
        return _response(answer)

    def converse_stream(  # noqa: PLR0913 - as converse
        self,
        model_id: str,
        messages: Messages,
        *,
        system: System | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        stop_sequences: Sequence[str] | None = None,
        **api_fields: Any,
    ) -> ConverseStream:
        """Send a conversation now, and read the answer while it is being given.

        Takes what `converse` takes. Use the stream in a ``with`` block: leaving it closes the connection.

        Raises:
            BedrockError: the service refused, or could not be reached; what goes wrong later, the stream raises.
            ConfigurationError: a parameter that botocore does not take; the message names it.
            CredentialError: there are no credentials to sign with.
        """
        inference = _inference(max_tokens, temperature, top_p, stop_sequences)
        request = converse_request(model_id, messages, system, inference, api_fields)
        return ConverseStream.from_response(_send(self._stream_client.converse_stream, request, "ConverseStream"))


def _own(client: BaseClient, region_name: str | None, config: Config | None) -> BaseClient:
    if region_name is not None or config is not None:
        setting = "config" if region_name is None else "region_name"
        msg = f"{setting} cannot be changed for a client that exists; give it to session.client(), or pass the session"
        raise ConfigurationError(msg, setting=setting)
    return checked_client(client)


def _inference(
    max_tokens: int | None, temperature: float | None, top_p: float | None, stop_sequences: Sequence[str] | None
) -> dict[str, Any]:
    return {"maxTokens": max_tokens, "temperature": temperature, "topP": top_p, "stopSequences": stop_sequences}


def _send(method: Callable[..., dict[str, Any]], request: dict[str, Any], operation: str) -> dict[str, Any]:
    with typed_call() as call:
        try:
            return method(**request)
        except Exception as error:
            if not isinstance(error, FAILURES) and not call.is_answered:
                raise
            failure = translate(error, Call(operation))
    raise failure  # outside, so that values of a refused request do not hang on as its context


def _response(answer: dict[str, Any]) -> ConverseResponse:
    request_id = answer.get("ResponseMetadata", {}).get("RequestId")
    try:
        return ConverseResponse.from_api(answer, request_id)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise translate(error, Call("Converse", request_id)) from error
