"""`BedrockRuntime` on the wire: what it sends, what it returns, who signs."""

from types import SimpleNamespace

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from bedrock_auth import ConfigurationError, Credentials, DeniedError, MissingIdentityError, Static, create_session
from bedrock_auth.bedrock import (
    BedrockError,
    BedrockRuntime,
    Message,
    ReasoningBlock,
    ReasoningDelta,
    TextBlock,
    TextDelta,
    ToolResultBlock,
    ToolUseBlock,
    ToolUseDelta,
    ToolUseStart,
    UnknownEvent,
)
from bedrock_auth.testing import ExpiredToken, RawEvents, Reply, ServiceError, Stall, Throttle, reasoning, text, tool_use
from support.names import plain

SECRET = "a prompt that nobody else may see"


def test_an_answer_arrives_typed(bedrock, runtime):
    usage = {"inputTokens": 5, "outputTokens": 2, "totalTokens": 7, "cacheReadInputTokens": 1}
    bedrock.reply(Reply("Hello", stop_reason="end_turn", usage=usage))
    response = runtime.converse("m", "Hi")
    assert (response.text, response.stop_reason) == ("Hello", "end_turn")
    assert (response.usage.total_tokens, response.usage.cache_read_input_tokens) == (7, 1)
    assert response.metrics == {"latencyMs": 0}
    assert response.request_id == response.raw["ResponseMetadata"]["RequestId"]


def test_the_request_says_what_the_caller_said(bedrock, runtime):
    runtime.converse_stream(
        "us.model:0",
        "Hi",
        system="Be brief",
        max_tokens=9,
        temperature=0.5,
        top_p=0.9,
        stop_sequences=["END"],
        requestMetadata={"team": "a"},
    ).close()
    (request,) = bedrock.requests
    assert (request.operation, request.model_id) == ("ConverseStream", "us.model:0")
    assert request.body == {
        "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
        "system": [{"text": "Be brief"}],
        "inferenceConfig": {"maxTokens": 9, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]},
        "requestMetadata": {"team": "a"},
    }


def test_streamed_or_not_the_answer_is_the_same(bedrock, runtime):
    blocks = [reasoning("think twice"), text("Hello there"), tool_use("add", {"a": [1, 2.5, "x"], "b": {}}, tool_use_id="t")]
    bedrock.reply(blocks)
    whole = runtime.converse("m", "Hi")
    with runtime.converse_stream("m", "Hi") as stream:
        events = list(stream)
    assert stream.response.message == whole.message
    assert (stream.response.stop_reason, stream.response.usage) == (whole.stop_reason, whole.usage)
    assert whole.message.content == (
        ReasoningBlock("think twice", "c2lnbmF0dXJl"),
        TextBlock("Hello there"),
        ToolUseBlock("t", "add", {"a": [1, 2.5, "x"], "b": {}}),
    )
    assert {ReasoningDelta, TextDelta, ToolUseStart, ToolUseDelta} <= {type(event) for event in events}
    assert stream.request_id not in (None, whole.request_id)


def test_an_answer_can_be_appended_to_the_conversation(bedrock, runtime):
    bedrock.reply([reasoning("so"), text("Hello"), tool_use("f", {"a": 1}, tool_use_id="t")])
    answer = runtime.converse_stream("m", "Hi").response
    result = {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": [{"text": "1"}]}}]}
    runtime.converse("m", [Message("user", "Hi"), answer.message, result])
    sent = bedrock.requests[-1].body["messages"]
    assert sent[1] == runtime.converse("m", "Hi").raw["output"]["message"] == answer.message.to_api()
    assert sent[2] == result


def test_a_stream_shows_what_botocore_would_drop(bedrock, runtime):
    bedrock.reply(
        RawEvents(
            [
                ("messageStart", {"role": "assistant"}),
                ("newEvent", {"x": 1}),
                ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"smell": {"of": "rain"}}}),
                ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"reasoningContent": {"redactedContent": b"\0\1"}}}),
                ("messageStop", {"stopReason": "end_turn"}),
            ]
        )
    )
    stream = runtime.converse_stream("m", "Hi")
    unknown = [event for event in stream if isinstance(event, UnknownEvent)]
    assert [event.name for event in unknown] == ["newEvent", "contentBlockDelta.smell"]
    assert unknown[0].raw == {"newEvent": {"x": 1}}
    assert unknown[1].raw["contentBlockDelta"]["delta"] == {"smell": {"of": "rain"}}
    assert stream.response.message.content[1:] == (ReasoningBlock(redacted_content=b"\0\1"),)


def test_a_client_of_the_callers_own_serves_too_and_stays_as_it_was_for_its_other_users(bedrock, session):
    client = session.client("bedrock-runtime", config=Config(read_timeout=0.2, retries={"total_max_attempts": 2}))
    for _ in range(2):
        assert BedrockRuntime(client=client).converse("m", "Hi").text == "You said: “Hi”"
    bedrock.reply(RawEvents([("newEvent", {}), ("messageStop", {"stopReason": "end_turn"})]))
    request = {"modelId": "m", "messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
    assert [list(event) for event in client.converse_stream(**request)["stream"]] == [["messageStop"]]
    before = len(bedrock.requests)
    bedrock.reply("Hi")
    bedrock.fault(Stall(0), times=2)
    with pytest.raises(ReadTimeoutError):
        client.converse(**request)
    assert len(bedrock.wait_for(before + 2)) == before + 2


@pytest.mark.parametrize("plain", [False, True], ids=["session of ours", "plain boto3 session"])
@pytest.mark.parametrize("operation", ["converse", "converse_stream"])
def test_a_bearer_token_in_the_environment_signs_nothing(bedrock, session, monkeypatch, plain, operation):
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "decoy")
    monkeypatch.setenv("AWS_AUTH_SCHEME_PREFERENCE", "httpBearerAuth")
    keys = bedrock.credentials
    if plain:
        session = boto3.Session(keys.access_key_id, keys.secret_access_key, keys.session_token)
    answer = getattr(BedrockRuntime(session), operation)("m", "Hi")
    if operation == "converse_stream":
        answer.close()
    (request,) = bedrock.requests
    assert (request.signed, request.access_key_id) == ("sigv4", keys.access_key_id)


@pytest.mark.parametrize("config", [Config(auth_scheme_preference="httpBearerAuth"), Config(signature_version="bearer")])
def test_a_scheme_that_the_sessions_code_states_is_used(bedrock, monkeypatch, config):
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "wanted")
    inner = botocore.session.Session()
    inner.set_default_client_config(config)
    with pytest.raises(BedrockError):  # botocore refuses to send a bearer token over plain http; 1.40 sent it
        BedrockRuntime(boto3.Session(botocore_session=inner)).converse("m", "Hi")
    assert [request.signed for request in bedrock.requests] in ([], ["bearer"])


def test_its_clients_are_patient_and_every_setting_can_be_overridden(session, monkeypatch):
    monkeypatch.setenv("AWS_RETRY_MODE", "legacy")
    runtime = BedrockRuntime(session)
    assert [client().meta.config.read_timeout for client in (runtime._client, runtime._stream_client)] == [3600, 600]
    config = runtime._client().meta.config
    assert (config.connect_timeout, config.max_pool_connections, config.tcp_keepalive) == (10, 50, True)
    assert config.retries["mode"] == "standard"
    mine = Config(
        read_timeout=5, connect_timeout=6, max_pool_connections=7, tcp_keepalive=False, retries={"total_max_attempts": 2}
    )
    for client in (BedrockRuntime(session, config=mine)._client, BedrockRuntime(session, config=mine)._stream_client):
        config = client().meta.config
        assert (config.read_timeout, config.connect_timeout, config.max_pool_connections) == (5, 6, 7)
        assert config.tcp_keepalive is False
        assert config.retries == {"mode": "standard", "total_max_attempts": 2}
    assert (
        BedrockRuntime(session, config=Config(retries={"mode": "adaptive"}))._client().meta.config.retries["mode"] == "adaptive"
    )


def test_a_region_of_its_own_wins(session):
    assert BedrockRuntime(session, region_name="eu-west-3")._stream_client().meta.region_name == "eu-west-3"


def test_a_missing_region_is_told_at_once_with_what_to_do(monkeypatch):
    with pytest.raises(ConfigurationError, match=r"pass region_name= .* or set AWS_DEFAULT_REGION") as caught:
        BedrockRuntime(boto3.Session("AKIAEXAMPLE", "secret"))
    assert caught.value.setting == "region_name"


def test_what_a_session_says_about_its_own_credentials_passes_unchanged():
    with pytest.raises(DeniedError, match="the source says no"):
        BedrockRuntime(SimpleNamespace(client=lambda *_, **__: refuse())).converse("m", "Hi")


@pytest.mark.parametrize("region_name", ["no region", "-"])
def test_an_impossible_region_is_a_configuration_error(session, region_name):
    with pytest.raises(ConfigurationError, match="no bedrock-runtime client can be made"):
        BedrockRuntime(session, region_name=region_name)


def test_it_takes_a_session_or_a_client_and_says_what_it_was_given_instead(session):
    client = session.client("bedrock-runtime")
    wrong = {
        "not neither": {},
        "not both": {"session": session, "client": client},
        "not a client of sts": {"client": session.client("sts", region_name="us-east-1")},
        "not Session": {"client": session},
        "session must be a boto3 session, not Static": {"session": Static("AKIAEXAMPLE", "secret")},
        "client is passed as client=": {"session": client},
        "config must be a botocore.config.Config, not dict": {"session": session, "config": {}},
        "region_name cannot be changed": {"client": client, "region_name": "us-east-1"},
        "config cannot be changed": {"client": client, "config": Config()},
    }
    for text_, arguments in wrong.items():
        with pytest.raises(ConfigurationError, match=text_):
            BedrockRuntime(**arguments)


@pytest.mark.parametrize(
    ("arguments", "setting"),
    [
        ({"max_tokens": SECRET}, "inferenceConfig.maxTokens"),
        ({"max_tokens": 0}, "inferenceConfig.maxTokens"),
        ({"tols": SECRET}, "tols"),
        ({"messages": [{"role": "user", "content": [{"txt": SECRET}]}]}, "txt"),
        ({"messages": 5}, "messages[0]"),
        ({"system": 5}, "system[0]"),
        ({"model_id": ""}, "modelId"),
    ],
    ids=plain,
)
@pytest.mark.parametrize("operation", ["converse", "converse_stream"])
def test_a_wrong_parameter_is_named_nothing_is_sent_and_its_value_is_not_shown(bedrock, runtime, operation, arguments, setting):
    with pytest.raises(ConfigurationError) as caught:
        getattr(runtime, operation)(**{"model_id": "m", "messages": "Hi", **arguments})
    assert caught.value.setting == setting
    assert setting in str(caught.value)
    assert not isinstance(caught.value, BedrockError)
    assert SECRET not in f"{caught.value} {caught.value.__cause__} {caught.value.__context__}"
    assert bedrock.requests == []


def refuse():
    message = "the source says no"
    raise DeniedError(message, code="AccessDenied")


@pytest.mark.parametrize("operation", ["converse", "converse_stream"])
def test_an_error_of_the_credentials_passes_unchanged(bedrock, operation):
    with pytest.raises(DeniedError, match="the source says no") as caught:
        getattr(BedrockRuntime(create_session(refuse)), operation)("m", "Hi")
    assert caught.value.code == "AccessDenied"
    assert bedrock.requests == []


def test_a_session_without_credentials_has_nobody_to_sign(bedrock):
    with pytest.raises(MissingIdentityError, match=r"make it with create_session\(provider\)"):
        BedrockRuntime(boto3.Session()).converse("m", "Hi")


def test_keys_that_aws_calls_expired_are_renewed_and_nobody_notices(bedrock):
    keys = iter([bedrock.credentials, Credentials("AKIASECONDEXAMPLE00", "second")])
    bedrock.add_key(Credentials("AKIASECONDEXAMPLE00", "second"))
    bedrock.fault(ExpiredToken())
    assert BedrockRuntime(create_session(lambda: next(keys))).converse_stream("m", "Hi").response.text == "You said: “Hi”"
    assert [request.status for request in bedrock.requests] == [403, 200]


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize(
    "fault", [Throttle(), ServiceError("ServiceUnavailableException", 503), ServiceError("ModelNotReadyException", 429)]
)
@pytest.mark.parametrize("operation", ["converse", "converse_stream"])
def test_a_service_that_is_busy_for_a_moment_is_asked_again(bedrock, runtime, operation, fault):
    bedrock.fault(fault, times=2)
    answer = getattr(runtime, operation)("m", "Hi")
    assert (answer if operation == "converse" else answer.response).text == "You said: “Hi”"
    assert len(bedrock.requests) == 3


def test_a_bug_in_a_handler_of_the_callers_is_not_dressed_up(session):
    client = session.client("bedrock-runtime")

    def handler(**_):
        raise ZeroDivisionError

    client.meta.events.register("before-send", handler)
    with pytest.raises(ZeroDivisionError):
        BedrockRuntime(client=client).converse("m", "Hi")


def test_a_member_that_botocore_does_not_know_is_in_the_event_and_does_not_stop_the_answer_from_being_sent_back(bedrock, runtime):
    tool = {"toolUse": {"toolUseId": "t", "name": "f", "serverName": "s"}}
    place = {"documentIndex": 0, "start": 1, "end": 2, "later": 1}
    citation = {"title": "T", "location": {"documentChar": place}, "later": 1}
    bedrock.reply(
        RawEvents(
            [
                ("messageStart", {"role": "assistant"}),
                ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hi"}}),
                ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"citation": citation}}),
                ("contentBlockStart", {"contentBlockIndex": 1, "start": tool}),
                ("messageStop", {"stopReason": "tool_use", "stopSequence": "END"}),
            ]
        )
    )
    bedrock.reply("Done")
    with runtime.converse_stream("m", "Hi") as stream:
        raws = [event.raw for event in stream]
    assert raws[2]["contentBlockDelta"]["delta"]["citation"] == citation
    assert raws[3]["contentBlockStart"]["start"] == tool
    assert raws[4]["messageStop"]["stopSequence"] == "END"
    assert runtime.converse("m", [Message("user", "Hi"), stream.response.message, Message("user", [ToolResultBlock("t", "x")])])
    sent = bedrock.requests[-1].body["messages"][1]["content"]
    assert sent[1]["toolUse"] == {"toolUseId": "t", "name": "f", "input": {}}
