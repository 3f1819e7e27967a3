"""Every exception of Bedrock's service models has a status, a class, an answer to whether it may be retried, and words."""

import re

import pytest
from botocore.exceptions import ClientError, EventStreamError
from botocore.session import Session

from bedrock_auth.bedrock.errors import Call, ServiceError
from bedrock_auth.bedrock.explanation import explain
from bedrock_auth.bedrock.failures.reasons import REASONS, canonical_code, reason_of
from bedrock_auth.bedrock.failures.translate import translate

SERVICES = {"bedrock-runtime": "Converse", "bedrock-agent-runtime": "InvokeAgent"}


def models():
    session = Session()
    return {name: session.get_service_model(name) for name in SERVICES}


MODELS = models()
MODELLED = [
    pytest.param(SERVICES[name], shape.name, shape.metadata["error"]["httpStatusCode"], id=f"{name}-{shape.name}")
    for name, model in MODELS.items()
    for shape in model.error_shapes
]
RETRIED = {
    "BadGatewayException",
    "InternalServerException",
    "ModelNotReadyException",
    "ModelStreamErrorException",
    "ServiceUnavailableException",
    "ThrottlingException",
}
"""Those whose documentation says: retry, or resubmit later; a quota and a conflict want something else to change first."""


def streams():
    for model in MODELS.values():
        for operation in map(model.operation_model, model.operation_names):
            if operation.has_event_stream_output:
                members = operation.get_event_stream_output().members
                yield from ((operation.name, name, shape) for name, shape in members.items() if shape.metadata.get("exception"))


IN_STREAM = [
    pytest.param(operation, member, shape.metadata["error"]["httpStatusCode"], id=f"{operation}-{member}")
    for operation, member, shape in streams()
]


def check(error, operation, code, status):
    assert isinstance(error, ServiceError)
    assert (error.code, error.status, error.operation) == (code, status, operation)
    may_have_acted = error.in_stream and operation in {"InvokeAgent", "InvokeInlineAgent"}
    assert error.retryable == (code in RETRIED and not may_have_acted)
    told = explain(error)
    assert told.what.startswith(f"{operation} failed")
    assert f"{code} (HTTP {status})" in told.what
    assert told.why != reason_of("NoSuchCode").why
    assert told.fix
    assert told.page
    assert told.retryable == error.retryable


@pytest.mark.parametrize(("operation", "code", "status"), MODELLED)
def test_every_modelled_error_before_an_answer_is_told_apart_and_explained(operation, code, status):
    raw = ClientError({"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}, operation)
    check(translate(raw, Call(operation)), operation, code, status)
    assert explain(raw) == explain(translate(raw, Call(operation)))


@pytest.mark.parametrize(("operation", "member", "status"), IN_STREAM)
def test_every_modelled_error_in_a_stream_has_the_models_status_and_is_explained(operation, member, status):
    raw = EventStreamError({"Error": {"Code": member, "Message": ""}}, operation)
    code = canonical_code(member)
    check(translate(raw, Call(operation, in_stream=True)), operation, code, status)
    assert explain(raw).what == f"{operation} failed in its stream with {code} (HTTP {status})."


def test_the_models_have_all_that_the_design_speaks_of():
    assert {shape.name for model in MODELS.values() for shape in model.error_shapes} >= RETRIED | {"ConflictException"}
    assert len(IN_STREAM) >= 20


WORDS = [
    ("Malformed input request: #: required key [messages] not found, please reformat your input.", "malformed", "not exist"),
    ("`max_tokens` must be greater than `thinking.budget_tokens`.", "Raise max_tokens", "Lower it"),
    (
        "messages.2.content.0.tool_result.content: image exceeds 5 MB maximum: 6 bytes > 5 bytes",
        "An image is larger",
        "Tool uses",
    ),
    ("messages.0.content.0: image dimensions exceed max allowed size: 8000 pixels", "An image is larger", "Tool"),
    ("messages.1.content.0.tool_use.input: Input should be a valid dictionary", "names the field", "Tool uses"),
    ("The model ID or ARN you provided isn’t supported.", "available_models", "tools"),
    ("This action doesn't support the model that you provided.", "available_models", "tools"),
    ("This model doesn't support tool use.", "Leave out what", "do not fit together"),
    ("Your account is not authorized to invoke this API operation.", "has no access", "does not take the request"),
    ("This Model is not available for channel program accounts.", "reseller", "does not take the request"),
    ("Expected toolResult blocks at messages.2.content for the following Ids: t1", "do not fit together", "names the field"),
    (
        "The number of toolResult blocks at messages.2.content exceeds the number of toolUse blocks of previous turn.",
        "do not fit together",
        "names the field",
    ),
    ("messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: t1", "do not fit together", "names"),
    ("messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: t1", "do not fit together", "names"),
    ("The toolConfig field must be defined when using toolUse and toolResult content blocks.", "do not fit together", "names"),
]


@pytest.mark.parametrize(("said", "words", "never"), WORDS, ids=[said[:30] for said, *_ in WORDS])
def test_texts_that_look_alike_are_told_apart(said, words, never):
    told = str(explain(ClientError({"Error": {"Code": "ValidationException", "Message": said}}, "Converse")))
    assert words in told
    assert never not in told


def test_no_row_stands_behind_one_that_takes_all_its_errors():
    for index, later in enumerate(REASONS):
        for earlier in REASONS[:index]:
            takes_all = earlier.says in {"", later.says}
            assert not (takes_all and later.codes and set(later.codes) <= set(earlier.codes)), later


def test_every_row_is_written_for_people_and_names_its_source():
    for reason in REASONS:
        assert re.match(r"(?:AWS|Amazon) [\w ]+: \S", reason.page), reason
        assert reason.why.endswith(".")
        assert reason.fix.endswith(".")
        assert not re.search(r"(?<!\\)[A-Z]", reason.says), "texts are compared in lower case"
