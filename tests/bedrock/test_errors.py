"""One family of errors: constructed, pickled, caught both ways, translated."""

import copy
import pickle

import pytest
from botocore import exceptions as aws
from botocore.eventstream import ChecksumMismatch
from botocore.parsers import ResponseParserError
from urllib3 import exceptions as http

from bedrock_auth import BedrockAuthError, ConfigurationError, CredentialError, DeniedError, MissingIdentityError, RetrievalError
from bedrock_auth.bedrock import (
    BedrockError,
    ConnectionLostError,
    ConverseResponse,
    DecodeError,
    Message,
    ServiceError,
    ToolUseBlock,
    errors,
)
from bedrock_auth.bedrock.errors import (
    AccessDeniedError,
    Call,
    ContextWindowExceededError,
    CredentialsRejectedError,
    GuardrailIntervenedError,
    InferenceProfileRequiredError,
    ModelAccessError,
    ModelFailedError,
    ModelNotReadyError,
    NotFoundError,
    QuotaExceededError,
    ThrottledError,
    UnavailableError,
    ValidationError,
)
from bedrock_auth.bedrock.failures.translate import translate

BEFORE = Call("Converse")
INSIDE = Call("ConverseStream", "req-1", in_stream=True)
PARTIAL = ConverseResponse(Message("assistant", [ToolUseBlock("t", "f", None, input_text="{")]), None, raw={"usage": {}})
CLASSES = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, BedrockError)]


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("duplicate", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
def test_every_error_keeps_message_details_and_partial_when_it_travels(cls, duplicate):
    details = {
        "code": "C",
        "status": 500,
        "operation": "Converse",
        "request_id": "r",
        "retryable": True,
        "in_stream": True,
        "partial": PARTIAL,
    }
    twin = duplicate(cls("it failed", **details))
    assert type(twin) is cls
    assert str(twin) == "it failed"
    assert {name: getattr(twin, name) for name in details} == details
    assert twin.partial.raw == {"usage": {}}


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_is_one_of_the_family_and_has_all_details_when_it_was_told_none(cls):
    error = cls("it failed")
    assert isinstance(error, BedrockError)
    assert isinstance(error, BedrockAuthError)
    assert not isinstance(error, CredentialError)
    assert (error.code, error.status, error.operation, error.request_id) == ("", None, "", None)
    assert (error.retryable, error.in_stream, error.partial) == (False, False, None)


def client_error(code, message="no", /, **more):
    return aws.ClientError({"Error": {"Code": code, "Message": message}, **more}, "Converse")


def test_a_service_error_serves_code_that_catches_client_errors():
    metadata = {"HTTPStatusCode": 403, "RequestId": "r", "RetryAttempts": 0}
    error = translate(client_error("AccessDeniedException", ResponseMetadata=metadata), BEFORE)
    with pytest.raises(aws.ClientError) as caught:
        raise pickle.loads(pickle.dumps(error))
    assert caught.value.response["Error"] == {"Code": "AccessDeniedException", "Message": "no"}
    assert caught.value.response["ResponseMetadata"] == metadata
    assert caught.value.operation_name == "Converse"
    assert (error.code, error.status, error.request_id) == ("AccessDeniedException", 403, "r")


def test_a_service_error_of_ones_own_has_a_response_too():
    assert ServiceError("no", code="C").response["Error"] == {"Code": "C", "Message": "no"}


@pytest.mark.parametrize(
    ("code", "canonical", "status", "retryable"),
    [
        ("throttlingException", "ThrottlingException", 429, True),
        ("internalServerException", "InternalServerException", 500, True),
        ("serviceUnavailableException", "ServiceUnavailableException", 503, True),
        ("modelStreamErrorException", "ModelStreamErrorException", 424, True),
        ("validationException", "ValidationException", 400, False),
        ("modelTimeoutException", "ModelTimeoutException", 408, False),
        ("conflictException", "ConflictException", 409, False),
        ("newException", "NewException", None, False),
        ("InternalFailure", "InternalFailure", 500, True),
        ("", "Unknown", None, False),
    ],
)
def test_inside_a_stream_an_error_has_its_canonical_code_and_the_status_of_the_model(code, canonical, status, retryable):
    error = translate(aws.EventStreamError({"Error": {"Code": code, "Message": ""}}, "ConverseStream"), INSIDE, PARTIAL)
    assert isinstance(error, ServiceError)
    assert (error.code, error.status, error.retryable) == (canonical, status, retryable)
    assert (error.in_stream, error.request_id, error.partial) == (True, "req-1", PARTIAL)
    assert error.response["Error"]["Code"] == canonical
    assert error.response["ResponseMetadata"] == {"RequestId": "req-1", "HTTPStatusCode": status}


URL = {"endpoint_url": "http://127.0.0.1"}
LOST = [
    (aws.ReadTimeoutError(**URL), "ReadTimeout", False),
    (aws.ConnectTimeoutError(**URL), "ConnectTimeout", True),
    (aws.ConnectionClosedError(**URL), "ConnectionClosed", False),
    (aws.EndpointConnectionError(**URL), "ConnectionFailed", True),
    (aws.ProxyConnectionError(proxy_url="http://127.0.0.1"), "ConnectionFailed", True),
    (aws.SSLError(error="bad", **URL), "SSLError", False),
    (aws.HTTPClientError(error="odd"), "ConnectionClosed", False),
    (aws.IncompleteReadError(actual_bytes=1, expected_bytes=2), "ConnectionClosed", False),
    (http.ProtocolError("cut"), "ConnectionClosed", False),
    (http.SSLError("bad"), "SSLError", False),
    (ConnectionResetError("reset"), "ConnectionClosed", False),
]


@pytest.mark.parametrize(("error", "code", "retryable"), LOST, ids=lambda value: type(value).__name__)
def test_whatever_the_network_does_is_a_lost_connection(error, code, retryable):
    made = translate(error, BEFORE)
    assert isinstance(made, ConnectionLostError)
    assert (made.code, made.retryable, made.status) == (code, retryable, None)
    assert made.__cause__ is error
    assert str(made).startswith("Converse: ")


def test_a_silent_stream_may_be_tried_again():
    made = translate(http.ReadTimeoutError(None, "", "timed out"), INSIDE, PARTIAL)
    assert (made.code, made.retryable, made.in_stream, made.partial) == ("ReadTimeout", True, True, PARTIAL)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ChecksumMismatch(1, 2), "ChecksumMismatch"),
        (ResponseParserError("odd"), "MalformedEvent"),
        (KeyError("delta"), "MalformedEvent"),
    ],
)
def test_what_cannot_be_decoded_inside_a_stream_is_a_decode_error(error, code):
    made = translate(error, INSIDE, PARTIAL)
    assert isinstance(made, DecodeError)
    assert (made.code, made.retryable, made.in_stream, made.partial) == (code, code == "ChecksumMismatch", True, PARTIAL)


def test_any_other_error_of_botocores_is_a_bedrock_error():
    made = translate(aws.InvalidEndpointConfigurationError(msg="no"), BEFORE)
    assert type(made) is BedrockError
    assert made.code == "InvalidEndpointConfigurationError"


def test_credential_errors_of_ours_pass_unchanged_and_botocores_become_ours():
    denied = DeniedError("no", provider="p")
    assert translate(denied, BEFORE) is denied
    assert type(translate(aws.NoCredentialsError(), BEFORE)) is MissingIdentityError
    lost = translate(aws.CredentialRetrievalError(provider="p", error_msg="down"), BEFORE)
    assert type(lost) is RetrievalError
    assert isinstance(lost, aws.CredentialRetrievalError)
    assert "down" in str(lost)


SECRET = "FwoGZXIvYXdzEXAMPLESECRET"


def test_a_secret_that_the_service_quotes_is_shown_nowhere():
    text = f"the canonical request should have been: x-amz-security-token:{SECRET} end"
    error = translate(client_error("InvalidSignatureException", text, message=text), BEFORE)
    assert SECRET not in f"{error} {error!r} {error.response} {error.__cause__}"
    assert error.__suppress_context__
    assert error.code == "InvalidSignatureException"


def test_long_texts_are_cut_wherever_they_stand():
    long = "x" * 5000
    raw = client_error("ModelErrorException", long, message=long, originalMessage=long)
    for error in (
        translate(raw, BEFORE),
        translate(http.ProtocolError(long), INSIDE),
        translate(aws.ConnectTimeoutError(endpoint_url=long), BEFORE),
        translate(aws.CredentialRetrievalError(provider="p", error_msg=long), BEFORE),
        translate(aws.InvalidRegionError(region_name=long), BEFORE),
    ):
        assert len(str(error)) < 1200
        assert error.__cause__ is None
    assert "x" * 1100 not in f"{translate(raw, BEFORE).details}"


REPORTS = [
    (
        f"Invalid type for parameter inferenceConfig.maxTokens, value: {SECRET}\nand more, type: <class 'str'>, "
        "valid types: <class 'int'>",
        "inferenceConfig.maxTokens",
        "valid types: <class 'int'>",
    ),
    (f"Invalid length for parameter messages[0].role, value: {SECRET}, valid min length: 1", "messages[0].role", "min length: 1"),
    ('Unknown parameter in inferenceConfig: "topK", must be one of: topP', "topK", "must be one of: topP"),
    ('Missing required parameter in messages[0]: "role"', "role", "Missing required"),
    ("Invalid number of parameters set for tagged union structure messages[0]. Can only", "messages[0]", "Can only"),
    (f"Something new about {SECRET}", "", "botocore refuses"),
]


@pytest.mark.parametrize(("report", "setting", "text"), REPORTS, ids=[setting or "new" for _, setting, _ in REPORTS])
def test_a_refused_parameter_is_named_and_its_value_is_not_shown(report, setting, text):
    made = translate(aws.ParamValidationError(report=report), BEFORE)
    assert isinstance(made, ConfigurationError)
    assert isinstance(made, ValueError)
    assert not isinstance(made, BedrockError)
    assert made.setting == setting
    assert text in str(made)
    assert SECRET not in f"{made} {made.__cause__} {made.__context__}"


def refused(code, text="no", /, *, status=400, region=None):
    error = client_error(code, text, ResponseMetadata={"HTTPStatusCode": status})
    return translate(error, Call("Converse", region_name=region))


NO_ON_DEMAND = (
    "Invocation of model ID amazon.nova-lite-v1:0 with on-demand throughput isn’t supported. Retry your request with the ID or "
    "ARN of an inference profile that contains this model."
)
MARKETPLACE = "Model access is denied due to User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: aws-marketplace:"
KINDS = [
    ("ThrottlingException", "Too many tokens, please wait before trying again.", ThrottledError, True),
    ("ThrottlingException", "Too many tokens per day, please wait before trying again.", QuotaExceededError, False),
    ("TooManyRequestsException", "slow", ThrottledError, True),
    ("ServiceQuotaExceededException", "no", QuotaExceededError, False),
    ("ServiceUnavailableException", "Too many connections", UnavailableError, True),
    ("BadGatewayException", "no", UnavailableError, True),
    ("ValidationException", "The Aurora DB is resuming after being auto-paused.", UnavailableError, True),
    ("ModelNotReadyException", "Model is not ready for inference.", ModelNotReadyError, True),
    ("ModelErrorException", "no", ModelFailedError, False),
    ("ModelTimeoutException", "no", ModelFailedError, False),
    ("ModelStreamErrorException", "no", ModelFailedError, True),
    ("AccessDeniedException", "User: x is not authorized to perform: bedrock:InvokeModel", AccessDeniedError, False),
    ("AccessDeniedException", "You don't have access to the model with the specified model ID.", ModelAccessError, False),
    ("AccessDeniedException", f"{MARKETPLACE}ViewSubscriptions on resource: *", ModelAccessError, False),
    ("AccessDeniedException", "Model access is denied due to INVALID_PAYMENT_INSTRUMENT: …", ModelAccessError, False),
    ("ResourceNotFoundException", "Model use case details have not been submitted", ModelAccessError, False),
    ("ValidationException", "Operation not allowed", ModelAccessError, False),
    ("AccessDeniedException", "Authentication failed: Please make sure your API Key is valid.", CredentialsRejectedError, False),
    ("ExpiredTokenException", "no", CredentialsRejectedError, False),
    ("UnrecognizedClientException", "no", CredentialsRejectedError, False),
    ("InvalidSignatureException", "Signature not yet current: …", CredentialsRejectedError, False),
    ("InvalidSignatureException", "does not match", CredentialsRejectedError, False),
    ("ValidationException", "The provided model identifier is invalid.", NotFoundError, False),
    ("ResourceNotFoundException", "This model version has reached the end of its life.", NotFoundError, False),
    ("ResourceNotFoundException", "no", NotFoundError, False),
    ("ValidationException", NO_ON_DEMAND, InferenceProfileRequiredError, False),
    ("ValidationException", "Input is too long for requested model.", ContextWindowExceededError, False),
    ("ValidationException", "prompt is too long: 903884 tokens > 200000 maximum", ContextWindowExceededError, False),
    (
        "ValidationException",
        "input length and `max_tokens` exceed context limit: 1 + 2 > 3",
        ContextWindowExceededError,
        False,
    ),
    ("ValidationException", "This model's maximum context length is 202752 tokens.", ContextWindowExceededError, False),
    ("ValidationException", "max_tokens: 9 > 8 is too high", ValidationError, False),
    ("ValidationException", "Malformed input request: #: required key [messages] not found", ValidationError, False),
    ("ValidationException", "The model ID or ARN you provided isn’t supported.", NotFoundError, False),
    ("ValidationException", "Your account is not authorized to invoke this API operation.", ModelAccessError, False),
    ("ValidationException", "This Model is not available for channel program accounts.", ModelAccessError, False),
    ("AccessDeniedException", "Access to this model is not available for channel program accounts.", ModelAccessError, False),
    ("RequestEntityTooLarge", "no", ValidationError, False),
    ("ConflictException", "no", ServiceError, False),
    ("NewException", "no", ServiceError, False),
]


@pytest.mark.parametrize(("code", "text", "cls", "retryable"), KINDS)
def test_the_class_says_what_a_program_can_do_about_a_refusal(code, text, cls, retryable):
    error = refused(code, text)
    assert type(error) is cls
    assert (error.code, error.retryable) == (code, retryable)


@pytest.mark.parametrize(
    ("status", "cls", "retryable"),
    [(429, ThrottledError, True), (500, UnavailableError, True), (504, UnavailableError, False)],
)
def test_a_code_that_nobody_knows_is_told_by_its_http_status(status, cls, retryable):
    error = refused("NewException", status=status)
    assert (type(error), error.retryable) == (cls, retryable)


def test_a_code_with_a_namespace_or_a_url_is_the_same_code():
    for code in ("com.amazon.bedrock#ThrottlingException", "ThrottlingException:http://internal.amazon.com/coral/"):
        assert refused(code).code == "ThrottlingException"


@pytest.mark.parametrize(
    ("region", "suggestions"),
    [
        ("us-east-1", ("us.", "global.")),
        ("us-gov-west-1", ("us-gov.",)),
        ("eu-central-1", ("eu.", "global.")),
        ("ap-northeast-1", ("jp.", "apac.", "global.")),
        ("ap-south-1", ("apac.", "global.")),
        ("sa-east-1", ("global.",)),
        ("cn-north-1", ()),
        (None, ("us.", "eu.", "apac.", "global.")),
    ],
)
def test_a_model_that_wants_an_inference_profile_comes_with_ids_of_such_in_the_region(region, suggestions):
    error = refused("ValidationException", NO_ON_DEMAND, region=region)
    assert error.suggestions == tuple(f"{geography}amazon.nova-lite-v1:0" for geography in suggestions)


def test_a_model_that_the_service_does_not_name_gets_no_suggestion():
    assert refused("ValidationException", "on-demand throughput isn't supported").suggestions == ()


STOPS = [
    ("guardrail_intervened", GuardrailIntervenedError, "GuardrailIntervened", False),
    ("content_filtered", GuardrailIntervenedError, "ContentFiltered", False),
    ("malformed_tool_use", ModelFailedError, "MalformedToolUse", True),
    ("model_context_window_exceeded", ContextWindowExceededError, "ModelContextWindowExceeded", False),
]


@pytest.mark.parametrize(("stop_reason", "cls", "code", "retryable"), STOPS)
def test_a_stop_reason_that_is_bad_news_can_be_had_as_an_error(stop_reason, cls, code, retryable):
    answer = ConverseResponse(Message("assistant", "Sorry."), stop_reason, request_id="r")
    with pytest.raises(cls) as caught:
        answer.raise_for_stop_reason()
    error = caught.value
    assert type(error) is cls
    assert (error.code, error.retryable, error.request_id, error.partial) == (code, retryable, "r", answer)


@pytest.mark.parametrize("stop_reason", ["end_turn", "tool_use", "max_tokens", "stop_sequence", "new_reason", None])
def test_any_other_stop_reason_is_no_error(stop_reason):
    ConverseResponse(Message("assistant", "Hi"), stop_reason).raise_for_stop_reason()
