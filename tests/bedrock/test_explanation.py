"""explain(): what, why, fix, IAM actions and whether to send it again, for whatever was caught; no secret, no prompt."""

import pickle

import pytest
from botocore import exceptions as aws
from botocore.eventstream import ChecksumMismatch
from botocore.parsers import ResponseParserError
from urllib3 import exceptions as http

from bedrock_auth import (
    ChainError,
    ConfigurationError,
    CredentialError,
    CredentialsExpiredError,
    DeniedError,
    LoginRequiredError,
    MissingIdentityError,
    NotConfiguredError,
    RetrievalError,
)
from bedrock_auth.bedrock import (
    BedrockError,
    ConnectionLostError,
    DecodeError,
    IncompleteStreamError,
    ToolInputError,
    TurnLimitError,
)
from bedrock_auth.bedrock.errors import Call
from bedrock_auth.bedrock.explanation import Explanation, explain
from bedrock_auth.bedrock.failures.causes import CAUSES
from bedrock_auth.bedrock.failures.translate import translate

PRINCIPAL = "User: arn:aws:sts::123456789012:assumed-role/App/me@example.com is not authorized to perform:"


def client_error(code, message="", operation="Converse", status=403):
    metadata = {"HTTPStatusCode": status, "RequestId": "1f2e"}
    return aws.ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, operation)


def denied(text, operation="Converse"):
    return explain(client_error("AccessDeniedException", text, operation))


def test_an_explanation_is_readable_as_it_stands():
    text = f"{PRINCIPAL} bedrock:InvokeModel on resource: arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"
    assert str(denied(f"{text} because no identity-based policy allows the bedrock:InvokeModel action")) == (
        "Converse failed with AccessDeniedException (HTTP 403, request 1f2e).\n"
        "Why: No policy of whoever signs allows this action on this resource. "
        "The resource is foundation-model/amazon.nova-lite-v1:0 in us-east-1.\n"
        "Fix: See who signs (whoami of the session), and allow the actions to them. With an inference profile the policy must "
        "allow the profile and the models behind it, in every region that it routes to.\n"
        "IAM actions: bedrock:InvokeModel\n"
        "Worth sending again: no, not as it stands\n"
        "See: AWS IAM User Guide: Troubleshoot access denied error messages"
    )


PERFORM = f"{PRINCIPAL} bedrock:InvokeModel on resource: arn:aws:bedrock:::foundation-model/m.x"
DENIED = {
    "organization": (
        f"{PERFORM} with an explicit deny in a service control policy: arn:aws:organizations::1:p/o",
        "organization",
    ),
    "explicit": (f"{PERFORM} with an explicit deny in an identity-based policy: arn:aws:iam::1:policy/p", "expressly"),
    "session policy": (f"{PERFORM} because no session policy allows the bedrock:InvokeModel action", "Cognito"),
    "boundary": (f"{PERFORM} because no permissions boundary allows the bedrock:InvokeModel action", "boundary"),
    "endpoint": (f"{PERFORM} because no VPC endpoint policy allows the bedrock:InvokeModel action", "VPC endpoint"),
    "nothing": (PERFORM, "No policy of whoever signs"),
}


@pytest.mark.parametrize("case", DENIED.values(), ids=DENIED)
def test_which_policy_refuses_is_told(case):
    text, word = case
    told = denied(text)
    assert word in told.why
    assert "The resource is foundation-model/m.x in every region." in told.why
    assert told.iam_actions == ("bedrock:InvokeModel",)


@pytest.mark.parametrize(
    ("operation", "text", "actions"),
    [
        ("Converse", "", ("bedrock:InvokeModel",)),
        ("ConverseStream", "", ("bedrock:InvokeModelWithResponseStream",)),
        ("InvokeAgent", "", ("bedrock:InvokeAgent",)),
        ("NewOperation", "", ()),
        ("Converse", f"{PRINCIPAL} kms:Decrypt on resource: arn:aws:kms:us-east-1:1:key/k", ("kms:Decrypt",)),
        ("Converse", f"{PRINCIPAL} bedrock:ConverseStream on resource: *", ("bedrock:InvokeModelWithResponseStream",)),
        ("Converse", f"{PRINCIPAL} bedrock:CallWithBearerToken on resource: *", ("bedrock:CallWithBearerToken",)),
        ("AssumeRole", f"{PRINCIPAL} sts:AssumeRole on resource: arn:aws:iam::1:role/Bedrock", ("sts:AssumeRole",)),
        (
            "Converse",
            "Model access is denied due to IAM user or service role is not authorized to perform the required AWS Marketplace "
            "actions (aws-marketplace:ViewSubscriptions, aws-marketplace:Subscribe) to enable access to this model.",
            ("aws-marketplace:ViewSubscriptions", "aws-marketplace:Subscribe"),
        ),
        ("Converse", "You don’t have access to the model with the specified model ID.", ()),
    ],
)
def test_the_actions_are_those_that_the_text_names_or_else_those_of_the_operation(operation, text, actions):
    assert denied(text, operation).iam_actions == actions


def test_the_use_case_form_is_told_from_a_missing_model():
    told = explain(client_error("ResourceNotFoundException", "Model use case details have not been submitted for this account."))
    assert "use case form" in told.fix
    assert told.iam_actions == ("bedrock:PutUseCaseForModelAccess",)


NO_ON_DEMAND = "Invocation of model ID  amazon.nova-lite-v1:0 with on-demand\u00a0throughput isn\u2019t supported. Retry …"


def test_an_inference_profile_is_suggested_for_the_region_of_the_call():
    error = client_error("ValidationException", NO_ON_DEMAND, status=400)
    assert explain(error, region_name="eu-west-1").fix.endswith(
        "For example: eu.amazon.nova-lite-v1:0, global.amazon.nova-lite-v1:0."
    )
    ours = translate(error, Call("Converse", region_name="us-east-1"))
    assert "For example: us.amazon.nova-lite-v1:0, global.amazon.nova-lite-v1:0." in explain(ours).fix
    assert "For example: eu.amazon.nova-lite-v1:0" in explain(ours, region_name="eu-west-1").fix


@pytest.mark.parametrize(
    ("code", "text", "said"),
    [
        (
            "InvalidSignatureException",
            "Signature expired: 20260101T000000Z is now earlier than 20260101T001500Z (20260101T002000Z - 5 min.)",
            "Its clock is 20 minutes behind.",
        ),
        (
            "SignatureDoesNotMatch",
            "Signature not  yet current: 20260101T063000Z is still later than 20260101T062500Z (20260101T062000Z + 5 min.)",
            "Its clock is 10 minutes ahead.",
        ),
        (
            "InvalidSignatureException",
            "Signature expired: 20269999T000000Z is now earlier than 20260101T001500Z (20260101T002000Z - 5 min.)",
            "",
        ),
        ("RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", ""),
    ],
)
def test_a_wrong_clock_is_told_from_wrong_keys(code, text, said):
    told = explain(client_error(code, text))
    assert "clock is wrong" in told.why
    assert told.why.endswith(said)
    assert "clock" not in explain(client_error("SignatureDoesNotMatch", "The signature we calculated does not match")).why


@pytest.mark.parametrize(
    "text",
    ["Authentication failed: Please make sure your API Key is valid.", "Bearer Token has expired", "Invalid API Key format"],
)
def test_an_api_key_that_is_refused_is_told_with_the_variable_that_it_may_come_from(text):
    assert "AWS_BEARER_TOKEN_BEDROCK" in denied(text).fix
    assert denied(text).iam_actions == ()


def test_an_answer_that_is_not_awss_is_told():
    assert "proxy" in explain(client_error("407", "<html>", status=407)).why


def test_a_code_that_nobody_knows_gets_an_honest_answer():
    told = explain(client_error("BrandNewException", "new", status=400))
    assert "not known here" in told.why
    assert "BrandNewException" in told.what


RAW = [
    (aws.ReadTimeoutError(endpoint_url="u"), "ReadTimeout", "read_timeout", False),
    (http.ReadTimeoutError(None, "", "timed out"), "in its stream with ReadTimeout", "read_timeout", True),
    (aws.EndpointConnectionError(endpoint_url="u"), "ConnectionFailed", "AWS_ENDPOINT_URL", True),
    (aws.SSLError(error="bad", endpoint_url="u"), "SSLError", "AWS_CA_BUNDLE", False),
    (http.ProtocolError("cut"), "ConnectionClosed", "Send the request again", True),
    (ConnectionResetError("reset"), "ConnectionClosed", "Send the request again", True),
    (ChecksumMismatch(1, 2), "ChecksumMismatch", "Send the request again", True),
    (ResponseParserError("odd"), "MalformedResponse", "AWS_ENDPOINT_URL", False),
    (aws.NoRegionError(), "NoRegionError", "region_name=", False),
    (aws.ProfileNotFound(profile="p"), "ProfileNotFound", "aws configure list-profiles", False),
    (aws.UnknownServiceError(service_name="b", known_service_names="c"), "UnknownServiceError", "current versions", False),
    (aws.MissingDependencyException(msg="crt"), "MissingDependencyException", "botocore[crt]", False),
    (aws.InvalidEndpointConfigurationError(msg="m"), "InvalidEndpointConfigurationError", "AWS_ENDPOINT_URL", False),
    (aws.WaiterError(name="n", reason="r", last_response={}), "WaiterError", "botocore's documentation", False),
    (aws.NoCredentialsError(), "no credentials", "create_session", False),
    (aws.NoAuthTokenError(), "no credentials", 'create_session(provider, auth="bearer")', False),
    (aws.PartialCredentialsError(provider="env", cred_var="v"), "PartialCredentialsError", "together", True),
    (aws.UnauthorizedSSOTokenError(), "UnauthorizedSSOTokenError", "aws sso login", True),
    (aws.ParamValidationError(report='Missing required parameter in input: "modelId"'), "modelId", "names", False),
]


@pytest.mark.parametrize(("error", "what", "fix", "retryable"), RAW, ids=lambda value: type(value).__name__)
def test_what_botocore_and_urllib3_raise_in_code_that_calls_boto3_is_explained(error, what, fix, retryable):
    told = explain(error)
    assert what in told.what
    assert fix in told.fix
    assert told.retryable == retryable


OURS = [
    (LoginRequiredError("nobody is logged in", command="aws sso login --profile a"), "aws sso login --profile a", False),
    (DeniedError("assume-role r was refused: check sts:AssumeRole on it", code="AccessDenied"), "Change", False),
    (NotConfiguredError("environment: neither is set"), "Set up what the message names", False),
    (ConfigurationError("static: secret_access_key must be the text", setting="secret_access_key"), "Correct", False),
    (RetrievalError("vending: the endpoint answered with status 503", provider="vending"), "Try again later", True),
    (CredentialsExpiredError("keys that expired"), "check the clock", False),
    (MissingIdentityError("nobody"), "create_session", False),
    (CredentialError("odd"), "Try again later", False),
    (ConnectionLostError("x", code="ReadTimeout", operation="Converse"), "read_timeout", False),
    (IncompleteStreamError("x", code="IncompleteStream", retryable=True), ".partial", True),
    (IncompleteStreamError("x", code="StreamClosed"), "with block", False),
    (IncompleteStreamError("x", code="NoAnswer"), "enable_trace=True", False),
    (TurnLimitError("x", code="TurnLimit"), "max_turns", False),
    (DecodeError("x", code="NotAnEventStream"), "HTTPS_PROXY", False),
    (ToolInputError("x", code="InvalidToolInput"), "max_tokens", False),
    (BedrockError("x", code="Odd"), "botocore's documentation", False),
]


@pytest.mark.parametrize(("error", "fix", "retryable"), OURS, ids=lambda value: type(value).__name__)
def test_every_error_of_ours_is_explained(error, fix, retryable):
    told = explain(error)
    assert fix in told.fix
    assert told.retryable == retryable
    assert told == explain(pickle.loads(pickle.dumps(error)))


def test_a_credential_error_says_itself_what_happened_and_which_actions_it_is_about():
    told = explain(OURS[1][0])
    assert told.what == "assume-role r was refused: check sts:AssumeRole on it"
    assert told.iam_actions == ("sts:AssumeRole",)


def test_a_chain_tells_of_each_of_its_sources():
    attempts = (("environment", NotConfiguredError("neither is set")), ("profile", NotConfiguredError("no such profile")))
    told = explain(ChainError("no source is set up here; set up one:\n  …", attempts=attempts))
    assert told.what == "no source is set up here; set up one:"
    assert told.why.splitlines()[1:] == ["- environment: neither is set", "- profile: no such profile"]


def chained(*, explicit):
    try:
        try:
            raise client_error("ThrottlingException", status=429)
        except aws.ClientError as error:
            raise ValueError("wrapped") from (error if explicit else None)
    except ValueError as error:
        return error


@pytest.mark.parametrize("explicit", [True, False])
def test_an_error_that_was_raised_on_account_of_a_known_one_is_explained_by_that(explicit):
    told = explain(chained(explicit=explicit))
    assert told.what.startswith("ValueError was raised after this: Converse failed with ThrottlingException")
    assert told.retryable


def test_a_group_is_explained_by_the_first_error_that_is_known():
    told = explain(ExceptionGroup("tasks", [ValueError("v"), client_error("ThrottlingException", status=429)]))
    assert "ThrottlingException" in told.what


def test_errors_that_are_each_others_cause_end_too():
    first, second = ValueError("1"), ValueError("2")
    first.__cause__, second.__cause__ = second, first
    assert "ValueError was raised" in explain(first).what


def test_an_error_of_somebody_else_gets_an_honest_answer_without_its_text():
    told = explain(KeyError("my prompt"))
    assert told.what == "KeyError was raised."
    assert "nothing is known about it" in told.why
    assert "my prompt" not in str(told)


def test_an_error_whose_text_cannot_be_had_is_explained_as_well():
    class MuteError(Exception):
        def __str__(self):
            raise RuntimeError

    assert "was raised" in str(explain(MuteError()))


@pytest.mark.parametrize("response", [{}, {"Error": {"Code": 403}}, {"Error": {"Message": None}}])
def test_a_response_that_is_none_of_awss_does_not_matter(response):
    assert isinstance(explain(aws.ClientError(response, "Converse")), Explanation)


CANARY = "FwoGZXIvYXdzEXAMPLESECRET tell me a story"


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException", "InvalidSignatureException", "407", "New"])
@pytest.mark.parametrize("before", ["", f"{PRINCIPAL} bedrock:InvokeModel on resource: ", "Invocation of model ID "])
@pytest.mark.parametrize("after", ["", " isn't supported", " on-demand throughput isn't supported", " is too long", " per day"])
def test_no_text_that_a_service_sends_is_repeated(code, before, after):
    for error in (client_error(code, f"{before}{CANARY}{after}"), client_error(f"{code} {CANARY}")):
        told = f"{explain(error)} {explain(error, region_name='us-east-1')}"
        assert "EXAMPLESECRET" not in told
        assert "story" not in told


def test_no_text_of_botocores_is_repeated_where_it_quotes_a_stranger():
    for error in (
        aws.CredentialRetrievalError(provider="custom-process", error_msg=CANARY),
        aws.ParamValidationError(report=f"Invalid type for parameter messages, value: {CANARY}, type: x, valid types: y"),
        aws.HTTPClientError(error=CANARY),
        http.ProtocolError(CANARY),
        aws.ClientError({"Error": {"Code": "X", "Message": ""}, "ResponseMetadata": {"RequestId": CANARY}}, CANARY),
    ):
        assert "EXAMPLESECRET" not in str(explain(error))


def test_every_cause_with_a_code_is_reached():
    for cause in CAUSES:
        for code in cause.codes:
            assert explain(cause.error("m", code=code)).why == cause.why
