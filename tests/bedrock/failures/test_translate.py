"""Refusals as they come over the wire, before a stream and inside one: what ours say, and what they mean to boto3's users."""

import pickle
import traceback
from contextlib import closing
from types import SimpleNamespace

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from bedrock_auth.bedrock import ServiceError
from bedrock_auth.bedrock.errors import (
    AccessDeniedError,
    ContextWindowExceededError,
    CredentialsRejectedError,
    InferenceProfileRequiredError,
    ModelAccessError,
    ModelFailedError,
    NotFoundError,
    QuotaExceededError,
    ThrottledError,
    UnavailableError,
    ValidationError,
)
from bedrock_auth.bedrock.explanation import explain
from bedrock_auth.testing import ExpiredToken, ServiceError as Refusal, StreamError, StreamException, Throttle
from bedrock_auth.testing.answers import body_answer

PRINCIPAL = "User: arn:aws:sts::123456789012:assumed-role/App/me@example.com"
FORBIDDEN = f"{PRINCIPAL} is not authorized to perform: bedrock:InvokeModel on resource: arn:aws:bedrock:::foundation-model/m.x"
NO_ON_DEMAND = "Invocation of model ID amazon.nova-lite-v1:0 with on-demand throughput isn’t supported. Retry your request …"
LATE = "Signature expired: 20260101T000000Z is now earlier than 20260101T001500Z (20260101T002000Z - 5 min.)"
REFUSALS = {
    "throttled": (Throttle(), ThrottledError, "Too many requests"),
    "for the day": (Throttle(message="Too many tokens per day, please wait."), QuotaExceededError, "for a day is used up"),
    "unavailable": (Refusal("ServiceUnavailableException", 503), UnavailableError, "short of capacity"),
    "forbidden": (Refusal("AccessDeniedException", 403, FORBIDDEN), AccessDeniedError, "IAM actions: bedrock:InvokeModel"),
    "no access": (
        Refusal("AccessDeniedException", 403, "You don’t have access to the model with the specified model ID."),
        ModelAccessError,
        "under model access",
    ),
    "no form": (
        Refusal("ResourceNotFoundException", 404, "Model use case details have not been submitted for this account."),
        ModelAccessError,
        "use case form",
    ),
    "expired": (ExpiredToken(), CredentialsRejectedError, "credentials have expired"),
    "late": (Refusal("InvalidSignatureException", 403, LATE), CredentialsRejectedError, "20 minutes behind"),
    "no such model": (
        Refusal("ValidationException", 400, "The provided model identifier is invalid."),
        NotFoundError,
        "list-foundation-models",
    ),
    "profile": (
        Refusal("ValidationException", 400, NO_ON_DEMAND),
        InferenceProfileRequiredError,
        "us.amazon.nova-lite-v1:0, global.amazon.nova-lite-v1:0",
    ),
    "too long": (
        Refusal("ValidationException", 400, "Input is too long for requested model."),
        ContextWindowExceededError,
        "longer than the model can read",
    ),
    "invalid": (Refusal("ValidationException", 400, "messages: roles must alternate"), ValidationError, "take turns"),
    "model timeout": (Refusal("ModelTimeoutException", 408), ModelFailedError, "longer than Amazon Bedrock lets it"),
    "a page": (Refusal("503", 503, "<html>"), UnavailableError, "a proxy in front of it"),
}


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("case", REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_has_its_class_and_words_and_boto3s_error_the_same_words(bedrock, runtime, session, case):
    fault, cls, words = case
    bedrock.fault(fault, times=6)
    with pytest.raises(ClientError) as caught:
        runtime.converse("m", "my prompt")
    assert type(caught.value) is cls
    told = explain(caught.value)
    assert words in str(told)
    assert "my prompt" not in str(told)
    assert "me@example.com" not in str(told)
    assert type(pickle.loads(pickle.dumps(caught.value))) is cls
    client = session.client("bedrock-runtime", config=Config(retries={"total_max_attempts": 1}))
    with pytest.raises(ClientError) as raw:
        client.converse(modelId="m", messages=[{"role": "user", "content": [{"text": "my prompt"}]}])
    plain = explain(raw.value, region_name="us-east-1")
    assert (plain.why, plain.fix, plain.iam_actions, plain.retryable) == (told.why, told.fix, told.iam_actions, told.retryable)
    assert plain.what.partition(" (")[0] == told.what.partition(" (")[0]


def test_the_page_of_a_stranger_is_in_no_text_of_the_error(bedrock, runtime):
    page = b"<html>" + b"a page of the proxy's " * 2500 + b"</html>"
    bedrock.fault(SimpleNamespace(apply=lambda _answer: body_answer(page, 403, {"content-type": "text/html"})))
    with pytest.raises(ServiceError) as caught:
        runtime.converse("m", "Hi")
    error = caught.value
    assert (error.code, error.status) == ("403", 403)
    assert str(error) == "Converse failed with 403: the answer is not in AWS's form; its body is left out"
    shown = f"{error!r} {error.response} {error.details} {''.join(traceback.format_exception(error))}"
    assert "a page" not in shown
    assert "such as a proxy" in explain(error).why


def test_what_is_too_large_for_the_service_is_an_invalid_request_whoever_says_so(bedrock, runtime):
    page = SimpleNamespace(apply=lambda _answer: body_answer(b"<html>", 413, {"content-type": "text/html"}))
    bedrock.fault(page, Refusal("RequestEntityTooLargeException", 413))
    for _ in range(2):
        with pytest.raises(ValidationError) as caught:
            runtime.converse("m", "Hi")
        assert "too large" in explain(caught.value).why
        assert not caught.value.retryable


IN_STREAM = {
    "throttled": (StreamException(), ThrottledError, "ThrottlingException (HTTP 429"),
    "invalid": (StreamException("validationException", "prompt is too long"), ContextWindowExceededError, "(HTTP 400"),
    "unavailable": (StreamException("serviceUnavailableException"), UnavailableError, "(HTTP 503"),
    "internal": (StreamException("internalServerException"), UnavailableError, "(HTTP 500"),
    "model": (StreamException("modelStreamErrorException"), ModelFailedError, "(HTTP 424"),
    "unmodelled": (StreamException("newException", "my prompt"), ServiceError, "NewException"),
    "error frame": (StreamError("InternalFailure", "my prompt"), UnavailableError, "InternalFailure"),
}


@pytest.mark.parametrize("case", IN_STREAM.values(), ids=IN_STREAM)
def test_a_refusal_inside_a_stream_is_told_alike_and_has_botocores_error_as_its_cause(bedrock, runtime, case):
    fault, cls, words = case
    bedrock.reply("Hello out there")
    bedrock.fault(fault)
    with runtime.converse_stream("m", "Hi") as stream, pytest.raises(ClientError) as caught:
        list(stream)
    error = caught.value
    assert type(error) is cls
    assert error.in_stream
    assert isinstance(error.__cause__, EventStreamError)
    told = explain(error)
    assert told.what.startswith("ConverseStream failed in its stream with ")
    assert words in told.what
    assert "my prompt" not in str(told)


@pytest.mark.parametrize("code", ["throttlingException", "modelStreamErrorException"])
def test_what_boto3_raises_inside_a_stream_is_explained_alike(bedrock, runtime, session, code):
    bedrock.fault(StreamException(code), times=2)
    with pytest.raises(ServiceError) as ours:
        assert runtime.converse_stream("m", "Hi").response
    client = session.client("bedrock-runtime")
    answer = client.converse_stream(modelId="m", messages=[{"role": "user", "content": [{"text": "Hi"}]}])
    with closing(answer["stream"]) as stream, pytest.raises(EventStreamError) as raw:
        list(stream)
    assert explain(raw.value).why == explain(ours.value).why
    assert explain(raw.value).retryable
