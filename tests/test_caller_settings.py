"""What callers may send, what becomes of it, and what they are told when something fails."""

from __future__ import annotations

import itertools
import json
import logging
import pickle
import traceback
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs
import botocore.exceptions as aws
import pytest
import urllib3.exceptions as http
from botocore.loaders import Loader
from botocore.session import Session
from hypothesis import given, strategies as st

from bedrock_auth import errors
from bedrock_auth.bedrock import BedrockRuntime
from bedrock_auth.bedrock.errors import BedrockError, ConnectionLostError, DecodeError, IncompleteStreamError, ServiceError
from bedrock_auth.caller_settings import CallerAnswer, CallerSettings, CallerSettingsError, answer_for
from bedrock_auth.credentials import Credentials
from bedrock_auth.providers.static import Static
from bedrock_auth.session import create_session
from support.names import plain
from support.wire import Wire

KEY_ID = "ASIAC4N4RYC4N4RY0001"
SECRET = "c4n4ry/secret+access/key"
TOKEN = "c4n4ry-session-token=="
SENT = {
    "region": "eu-west-1",
    "agentId": "AGENT12345",
    "agentAliasId": "TSTALIASID",
    "accessKeyId": KEY_ID,
    "secretAccessKey": SECRET,
}
SNAKE = {
    "region": "region",
    "agentId": "agent_id",
    "agentAliasId": "agent_alias_id",
    "accessKeyId": "access_key_id",
    "secretAccessKey": "secret_access_key",
    "sessionToken": "session_token",
}
NO_KEYS = {"error": "Missing AWS credentials"}
NO_AGENT = {"error": "Missing Bedrock agent configuration parameters."}
CANARY = "c4n4ry"


def read(mapping: Any = None, /, *, agent: bool = True, regions: Any = None, **changes: object) -> CallerSettings:
    return CallerSettings.from_mapping({**(SENT if mapping is None else mapping), **changes}, agent=agent, regions=regions)


def refused(mapping: Any, **settings: Any) -> CallerSettingsError:
    with pytest.raises(CallerSettingsError) as caught:
        CallerSettings.from_mapping(mapping, **settings)
    return caught.value


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in SENT.items() if name not in names}


# -------------------------------------------------------------------- what is read


def test_a_mapping_becomes_a_region_keys_and_an_agent():
    settings = read(sessionToken=TOKEN)
    assert settings == CallerSettings(
        "eu-west-1", Credentials(KEY_ID, SECRET, TOKEN, source="caller"), "AGENT12345", "TSTALIASID"
    )


def test_it_is_a_frozen_value_that_shows_no_secret():
    settings = read(sessionToken=TOKEN)
    assert CANARY not in f"{settings!r} {settings}".lower()
    assert "0001" in repr(settings)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        settings.region_name = "us-east-1"


@pytest.mark.parametrize(
    "spelling",
    [
        SNAKE.get,
        str.lower,
        str.upper,
        lambda name: SNAKE[name].replace("_", "-"),
        lambda name: SNAKE[name].title().replace("_", "-"),
        lambda name: name[0].upper() + name[1:],
    ],
    ids=["snake_case", "lower", "upper", "kebab-case", "Header-Case", "PascalCase"],
)
def test_every_usual_spelling_of_a_name_is_read(spelling):
    assert read({spelling(name): value for name, value in SENT.items()}, **{spelling("sessionToken"): TOKEN}) == read(
        sessionToken=TOKEN
    )


def test_any_mapping_will_do():
    assert CallerSettings.from_mapping(MappingProxyType(SENT)) == read()


def test_other_keys_are_ignored_whatever_they_are():
    assert read(None, prompt=object(), host="x", regions_="", **{"": 1}) == read()
    assert CallerSettings.from_mapping({**SENT, 7: "x", None: "y", ("a",): "z"}) == read()


def test_white_space_around_values_is_dropped():
    assert CallerSettings.from_mapping({name: f" \t{value}\r\n" for name, value in SENT.items()}) == read()


@pytest.mark.parametrize("nothing", [None, "", " \n"])
def test_an_empty_session_token_is_none(nothing):
    assert read(sessionToken=nothing).credentials.session_token is None


@pytest.mark.parametrize("name", SENT)
def test_both_spellings_with_one_value_are_fine_and_a_blank_one_does_not_count(name):
    other = SNAKE[name].upper()
    assert CallerSettings.from_mapping({**SENT, other: f" {SENT[name]} "}) == read()
    assert CallerSettings.from_mapping({**SENT, other: " "}) == read()
    assert CallerSettings.from_mapping({**SENT, name: None, other: SENT[name]}) == read()


@pytest.mark.parametrize("name", [*SENT, "sessionToken"])
def test_both_spellings_with_different_values_are_an_error(name):
    error = refused({**SENT, name: f"{CANARY}1", SNAKE[name].upper(): f"{CANARY}2"})
    text = f"{name} is given in two spellings with different values; give one"
    assert (error.status, error.body) == (400, {"error": text, "code": "ValidationException"})
    assert error.setting == name


# -------------------------------------------------------------------- what is missing


@pytest.mark.parametrize("nothing", [None, "", " \t\n", "absent"])
@pytest.mark.parametrize("name", ["accessKeyId", "secretAccessKey"])
def test_missing_keys_have_the_promised_answer(name, nothing):
    sent = without(name) if nothing == "absent" else {**SENT, name: nothing}
    error = refused(sent)
    assert (error.status, error.body, error.setting) == (400, NO_KEYS, name)
    assert str(error) == "Missing AWS credentials"


@pytest.mark.parametrize("nothing", [None, "", " \t\n", "absent"])
@pytest.mark.parametrize("name", ["region", "agentId", "agentAliasId"])
def test_a_missing_region_or_agent_has_the_promised_answer(name, nothing):
    sent = without(name) if nothing == "absent" else {**SENT, name: nothing}
    error = refused(sent)
    assert (error.status, error.body, error.setting) == (400, NO_AGENT, name)


def test_what_is_missing_is_told_before_what_is_malformed_and_keys_first():
    assert refused({}).body == NO_KEYS
    assert refused({"region": "nowhere"}).body == NO_KEYS
    assert refused({**without("agentId"), "accessKeyId": "short"}).body == NO_AGENT


def test_a_server_without_an_agent_asks_for_none():
    settings = read(without("agentId", "agentAliasId"), agent=False)
    assert (settings.agent_id, settings.agent_alias_id) == (None, None)
    assert read(agent=False).agent_id == "AGENT12345"
    assert refused(without("region"), agent=False).body == {"error": "Missing AWS region"}


@pytest.mark.parametrize("body", [None, [], [SENT], "text", 7, b"{}"])
def test_a_body_that_is_no_object_is_an_error_of_the_caller(body):
    error = refused(body)
    text = f"The settings must be a JSON object, not {type(body).__name__}"
    assert (error.status, error.body) == (400, {"error": text, "code": "ValidationException"})


# -------------------------------------------------------------------- what is malformed


@pytest.mark.parametrize("value", [5, True, 1.5, [KEY_ID], {"a": 1}, b"AKIAIOSFODNN7EXAMPLE"])
@pytest.mark.parametrize("name", [*SENT, "sessionToken"])
def test_a_wrong_type_is_an_error_that_names_field_and_type(name, value):
    error = refused({**SENT, name: value})
    assert error.body == {"error": f"{name} must be text, not {type(value).__name__}", "code": "ValidationException"}


MALFORMED = {
    "accessKeyId": ["A" * 15, "A" * 129, "AKIA-IOSFODNN7EXAMPLE", "AKIAIOSFODNN7 EXAMPLE", "AKIAIOSFODNN7EXÄMPLE"],
    "secretAccessKey": ["two lines\nof it", "two words", "nul\0", "sécret", "\ud800", "x" * 16_385, "tab\tbed"],
    "sessionToken": ["a\r\nX-Evil: 1", "two words", "tökén", "x" * 16_385],
    "agentId": ["A" * 11, "my-agent", "a_b", "Ä", "arn:aws:bedrock:us-east-1:123456789012:agent/AGENT12345", "a/b", "..", "१२"],
    "agentAliasId": ["A" * 11, "my-alias", "a?b"],
    "region": [
        "here", "eu-west", "us-east-1a", "US-EAST-1", "us_east_1", "aws-global", "us-east-1.evil.test", "us-east-1/",
        "us-east-1#", "xx-east-1", "us-EAST-1", "us-ea_st-1", "us-ëast-1", "us-east-१", "us-" + "a" * 63 + "-1",
        "fips-us-east-1", "us-east-1\n x",
    ],
}  # fmt: skip
OF_AWS = {
    "accessKeyId": ["AKIAIOSFODNN7EXAMPLE", "A" * 16, "a_0" + "B" * 125],
    "secretAccessKey": ["x", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "a" * 41, "!\"#$%&'()~"],
    "sessionToken": ["FwoGZXIvYXdzE+/==", "x" * 4096],
    "agentId": ["A", "0123456789", "aBcDeFgHiJ"],
    "agentAliasId": ["TSTALIASID", "abc"],
    "region": ["us-east-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-iso-east-1", "eu-isoe-west-1", "us-newplace-7"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in MALFORMED.items() for value in values])
def test_a_malformed_value_is_an_error_that_names_the_field_and_not_the_value(name, value):
    error = refused({**SENT, name: value})
    assert (error.status, error.setting, error.body["code"]) == (400, name, "ValidationException")
    assert error.body["error"].startswith(f"{name} must be ")
    assert value not in f"{error!r} {error.args} {error.body}"


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in OF_AWS.items() for value in values])
def test_whatever_aws_documents_is_taken(name, value):
    settings = read({**SENT, name: value})
    keys = settings.credentials
    assert value in {
        settings.region_name,
        settings.agent_id,
        settings.agent_alias_id,
        keys.access_key_id,
        keys.secret_access_key,
        keys.session_token,
    }


def test_every_region_of_every_partition_is_taken():
    partitions = Loader().load_data("partitions")["partitions"]
    regions = [region for partition in partitions for region in partition["regions"] if not region.endswith("-global")]
    assert len(partitions) >= 8
    for region in [*regions, *Session().get_available_regions("bedrock-agent-runtime")]:
        assert read(region=region).region_name == region


def test_a_service_may_say_which_regions_it_uses():
    assert read(regions={"eu-west-1"}).region_name == "eu-west-1"
    error = refused(SENT, regions=("us-east-1",))
    assert error.body == {"error": "region is not one that this service uses", "code": "ValidationException"}


# -------------------------------------------------------------------- the error


def test_the_error_is_a_configuration_error_and_pickles_with_its_answer():
    for error in (refused({}), refused({**SENT, "region": "here"})):
        assert isinstance(error, errors.ConfigurationError)
        assert isinstance(error, ValueError)
        twin = pickle.loads(pickle.dumps(error))
        assert (twin.status, twin.body, twin.setting) == (error.status, error.body, error.setting)


def test_changing_a_body_changes_no_other():
    refused({}).body["error"] = "x"
    answer_for(TimeoutError()).body["error"] = "x"
    assert refused({}).body == NO_KEYS
    assert answer_for(TimeoutError()).body["error"] == "AWS did not answer in time."


spellings = st.sampled_from([*SENT, "sessionToken", *SNAKE.values(), "ACCESS-KEY-ID"])
secrets = st.text(max_size=30).map(lambda text: f"{CANARY}{text}")
usable = st.sampled_from([*SENT.values(), *itertools.chain(*OF_AWS.values(), *MALFORMED.values())])
values = st.one_of(
    secrets,
    usable,
    st.none(),
    st.integers(),
    st.binary(),
    st.text(),
    st.lists(secrets, max_size=2),
    st.dictionaries(secrets, secrets, max_size=2),
)
mappings = st.dictionaries(st.one_of(spellings, secrets, st.integers(), st.none()), values, max_size=9)


@given(st.one_of(mappings, mappings.map(lambda changes: {**SENT, **changes})), st.booleans())
def test_any_mapping_gives_settings_or_the_one_error_and_neither_shows_a_secret(mapping, agent):
    try:
        settings = CallerSettings.from_mapping(mapping, agent=agent)
    except CallerSettingsError as error:
        assert error.status == 400
        assert error.body.keys() in ({"error"}, {"error", "code"})
        assert error.__context__ is None
        shown = f"{error!r} {error.args} {error.kwargs} {error.details} {error.body} {''.join(traceback.format_exception(error))}"
    else:
        shown = f"{attrs.evolve(settings, agent_id=None, agent_alias_id=None)!r} {settings.credentials}"
        assert settings.agent_id is not None or not agent
    assert CANARY not in shown.lower()


# -------------------------------------------------------------------- answers


def client_error(code: object, status: object = 400, message: str = "m") -> aws.ClientError:
    return aws.ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Op")


CODES = [
    ("ExpiredToken", 401, "ExpiredTokenException"),
    ("ExpiredTokenException", 401, "ExpiredTokenException"),
    ("InvalidToken", 401, "ExpiredTokenException"),
    ("AccessDenied", 403, "AccessDeniedException"),
    ("AccessDeniedException", 403, "AccessDeniedException"),
    ("accessDeniedException", 403, "AccessDeniedException"),
    ("UnauthorizedOperation", 403, "AccessDeniedException"),
    ("UnrecognizedClientException", 403, "UnrecognizedClientException"),
    ("InvalidClientTokenId", 403, "UnrecognizedClientException"),
    ("InvalidSignatureException", 403, "InvalidSignatureException"),
    ("SignatureDoesNotMatch", 403, "InvalidSignatureException"),
    ("IncompleteSignature", 403, "InvalidSignatureException"),
    ("OptInRequired", 403, "OptInRequired"),
    ("RegionDisabledException", 403, "OptInRequired"),
    ("ResourceNotFoundException", 404, "ResourceNotFoundException"),
    ("ThrottlingException", 429, "ThrottlingException"),
    ("throttlingException", 429, "ThrottlingException"),
    ("Throttling", 429, "ThrottlingException"),
    ("TooManyRequestsException", 429, "ThrottlingException"),
    ("ServiceQuotaExceededException", 429, "ThrottlingException"),
    ("ValidationException", 400, "ValidationException"),
    ("ValidationError", 400, "ValidationException"),
    ("ServiceUnavailableException", 503, "ServiceUnavailableException"),
    ("ServiceUnavailable", 503, "ServiceUnavailableException"),
    ("ModelNotReadyException", 503, "ServiceUnavailableException"),
    ("BadGatewayException", 503, "ServiceUnavailableException"),
    ("ModelTimeoutException", 504, "RequestTimeoutException"),
    ("InternalServerException", 500, "InternalServerException"),
    ("ModelErrorException", 500, "InternalServerException"),
    ("", 500, "InternalServerException"),
]


@pytest.mark.parametrize(("code", "status", "said"), CODES)
def test_each_code_of_aws_has_its_answer_from_boto3_and_from_the_wrappers(code, status, said):
    assert (answer_for(client_error(code, 418)).status, answer_for(client_error(code, 418)).code) == (status, said)
    assert answer_for(ServiceError("m", code=code)) == answer_for(client_error(code, 418))
    assert answer_for(BedrockError("m", code=code)) == answer_for(client_error(code, 418))


@pytest.mark.parametrize(
    ("of_aws", "ours"),
    [(400, 400), (401, 403), (403, 403), (404, 404), (408, 504), (409, 500), (413, 400), (424, 500), (429, 429), (500, 500),
     (502, 503), (503, 503), (504, 504)],
)  # fmt: skip
def test_an_unknown_code_is_judged_by_its_status(of_aws, ours):
    assert answer_for(client_error("SomethingNew", of_aws)).status == ours
    assert answer_for(ServiceError("m", code="SomethingNew", status=of_aws)).status == ours


@pytest.mark.parametrize(
    "response",
    [{}, {"Error": None}, {"Error": {"Code": ["AccessDenied"]}}, {"Error": {}, "ResponseMetadata": {"HTTPStatusCode": ["403"]}}],
    ids=plain,
)
def test_a_response_without_a_code_is_a_failure_and_raises_nothing(response):
    error = client_error("x")
    error.response = response
    assert answer_for(error).status == 500


OTHERS = [
    (errors.CredentialsExpiredError("m"), 401, "ExpiredTokenException"),
    (errors.CredentialsExpiredError("m"), 401, "ExpiredTokenException"),
    (errors.RetrievalError("m", code="ExpiredTokenException"), 503, "ServiceUnavailableException"),  # the service's own perhaps
    (errors.DeniedError("m"), 403, "AccessDeniedException"),
    (errors.DeniedError("m", code="RegionDisabledException"), 403, "AccessDeniedException"),
    (errors.RetrievalError("m"), 503, "ServiceUnavailableException"),
    (errors.RetrievalError("m", code="LoadTimeout"), 503, "ServiceUnavailableException"),
    (errors.ConfigurationError("m", code="ValidationError"), 500, "InternalServerException"),
    (errors.NotConfiguredError("m"), 500, "InternalServerException"),
    (errors.MissingIdentityError("m"), 500, "InternalServerException"),
    (errors.ChainError("m"), 500, "InternalServerException"),
    (ConnectionLostError("m", code="ReadTimeout"), 504, "RequestTimeoutException"),
    (ConnectionLostError("m", code="ConnectionClosed"), 503, "ServiceUnavailableException"),
    (IncompleteStreamError("m", code="IncompleteStream"), 503, "ServiceUnavailableException"),
    (DecodeError("m", code="ChecksumMismatch"), 503, "ServiceUnavailableException"),
    (DecodeError("m", code="NotAnEventStream"), 500, "InternalServerException"),
    (ServiceError("m", code="ModelStreamErrorException", status=424), 503, "ServiceUnavailableException"),
    (aws.EventStreamError({"Error": {"Code": "validationException"}}, "Op"), 400, "ValidationException"),
    (aws.ParamValidationError(report="m"), 400, "ValidationException"),
    (aws.ReadTimeoutError(endpoint_url="u"), 504, "RequestTimeoutException"),
    (aws.ConnectTimeoutError(endpoint_url="u"), 504, "RequestTimeoutException"),
    (aws.EndpointConnectionError(endpoint_url="u"), 503, "ServiceUnavailableException"),
    (aws.ConnectionClosedError(endpoint_url="u"), 503, "ServiceUnavailableException"),
    (aws.IncompleteReadError(actual_bytes=1, expected_bytes=2), 503, "ServiceUnavailableException"),
    (aws.NoCredentialsError(), 500, "InternalServerException"),
    (http.ProtocolError("m"), 503, "ServiceUnavailableException"),
    (http.ReadTimeoutError(None, "u", "m"), 504, "RequestTimeoutException"),
    (TimeoutError(), 504, "RequestTimeoutException"),
    (ConnectionResetError(), 503, "ServiceUnavailableException"),
    (ValueError("AccessDenied"), 500, "InternalServerException"),
    (KeyboardInterrupt(), 500, "InternalServerException"),
]


@pytest.mark.parametrize(("error", "status", "code"), OTHERS, ids=lambda value: repr(value)[:60])
def test_each_other_error_has_its_answer(error, status, code):
    assert (answer_for(error).status, answer_for(error).body["code"]) == (status, code)


def test_every_exception_of_this_library_and_of_botocore_has_an_answer():
    ours = [kind("m") for kind in subclasses(errors.BedrockAuthError) if kind.__module__.startswith("bedrock_auth.")]
    assert {type(error).__name__ for error in ours} >= {"ServiceError", "ChainError", "LoginRequiredError"}
    for error in ours:
        assert 400 <= answer_for(error).status <= 504
    for kind in subclasses(aws.BotoCoreError):
        if kind.__module__.startswith("botocore"):
            assert 400 <= answer_for(kind.__new__(kind)).status <= 504


def test_the_one_error_of_a_task_group_counts_as_itself():
    expired = client_error("ExpiredToken")
    assert answer_for(ExceptionGroup("g", [ExceptionGroup("g", [expired])])).status == 401
    assert answer_for(ExceptionGroup("g", [expired, TimeoutError()])).status == 500


def subclasses(kind: type) -> set[type]:
    return {kind}.union(*map(subclasses, kind.__subclasses__()))


def test_a_mistake_in_a_callers_mapping_has_its_own_answer():
    for error in (refused({}), refused(without("region")), refused({**SENT, "region": "here"})):
        answer = answer_for(error)
        assert (answer.status, answer.body) == (error.status, error.body)
    assert answer_for(refused({})).body == NO_KEYS


def test_each_answer_can_be_told_from_the_others_and_is_json():
    answers = {answer_for(client_error(code, 418)) for code, _, _ in CODES}
    assert len({answer.code for answer in answers}) == len({answer.error for answer in answers}) == len(answers)
    assert all(json.loads(json.dumps(answer.body)) == {"error": answer.error, "code": answer.code} for answer in answers)


def test_the_answer_is_the_same_where_a_call_really_failed():
    client = create_session(Static(KEY_ID, SECRET), region_name="us-east-1").client("bedrock-runtime")
    arn = "arn:aws:sts::123456789012:assumed-role/Bedrock/me"
    Wire(client, (403, {"__type": "AccessDeniedException", "message": f"User: {arn} is not authorized to perform: bedrock"}))
    for call in (
        lambda: client.converse(modelId="any.model", messages=[{"role": "user", "content": [{"text": "c4n4ry"}]}]),
        lambda: BedrockRuntime(client=client).converse("any.model", "c4n4ry"),
    ):
        with pytest.raises(aws.ClientError, match="123456789012") as caught:
            call()
        assert answer_for(caught.value) == CallerAnswer(
            403, "These AWS credentials are not allowed to do this.", "AccessDeniedException"
        )


PARTS = [KEY_ID, SECRET, TOKEN, "arn:aws:iam::123456789012:role/C4n4ry", "123456789012", "AKIAIOSFODNN7EXAMPLE", "c4n4ry prompt"]
texts = st.lists(st.one_of(st.sampled_from(PARTS), st.sampled_from([code for code, _, _ in CODES]), st.text())).map(" ".join)
raised = st.one_of(
    st.builds(client_error, st.one_of(texts, st.sampled_from([code for code, _, _ in CODES])), st.integers(100, 599), texts),
    st.builds(lambda text, code, status: ServiceError(text, code=code, status=status), texts, texts, st.integers(100, 599)),
    st.builds(lambda kind, text, code: kind(text, code=code, provider=text),
              st.sampled_from([errors.DeniedError, errors.RetrievalError, errors.ConfigurationError]), texts, texts),
    st.builds(lambda kind, text: kind(text), st.sampled_from([ValueError, TimeoutError, OSError, http.ProtocolError]), texts),
    st.builds(lambda text: aws.ParamValidationError(report=text), texts),
)  # fmt: skip


@given(raised)
def test_no_answer_repeats_anything_of_the_error(error):
    answer = answer_for(error)
    shown = f"{answer!r} {answer.body}"
    assert not [part for part in (*PARTS, CANARY, "arn:", "123456789012", "AKIA", "ASIA") if part.lower() in shown.lower()]
    assert answer.status in {400, 401, 403, 404, 429, 500, 503, 504}
    assert answer.body == {"error": answer.error, "code": answer.code}
    assert answer in KNOWN


KNOWN = {answer_for(client_error(code, 418)) for code, _, _ in CODES}


def test_nothing_is_logged(caplog):
    caplog.set_level(logging.DEBUG)
    read(sessionToken=TOKEN)
    refused({**SENT, "accessKeyId": CANARY})
    answer_for(client_error("AccessDenied", 403, SECRET))
    assert CANARY not in caplog.text.lower()


def test_the_mapping_is_left_as_it_was():
    sent: Mapping[str, Any] = dict(SENT)
    CallerSettings.from_mapping(sent)
    assert sent == SENT
