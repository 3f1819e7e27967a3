"""From what people write to the parameters of Converse."""

import json

import pytest
from botocore.validate import ParamValidator

from bedrock_auth import ConfigurationError
from bedrock_auth.bedrock import Conversation, Message, ToolUseBlock
from bedrock_auth.bedrock.content import CachePoint, DocumentBlock, GuardBlock, ImageBlock, TextBlock
from bedrock_auth.bedrock.converse.request import ConverseOptions, Guardrail, converse_request
from support.names import plain
from support.shapes import members, service_model

HI = {"role": "user", "content": [{"text": "Hi"}]}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = {"toolSpec": {"name": "weather", "inputSchema": {"json": SCHEMA}}}


def request(messages="Hi", *, streamed=False, **options):
    return converse_request("m", messages, options, streamed=streamed)


@pytest.mark.parametrize(
    "messages",
    ["Hi", HI, Message("user", "Hi"), [HI], (Message("user", "Hi"),), iter([HI]), ["Hi"]],
    ids=lambda value: type(value).__name__,
)
def test_messages_may_be_text_one_message_or_several(messages):
    assert request(messages) == {"modelId": "m", "messages": [HI]}


def test_texts_dicts_and_messages_mix():
    answer = Message("assistant", [ToolUseBlock("t", "f", {})])
    assert request([HI, answer, "Hi"])["messages"] == [HI, answer.to_api(), HI]


@pytest.mark.parametrize("content", ["Hi", TextBlock("Hi"), [TextBlock("Hi")], ["Hi"], [{"text": "Hi"}]], ids=plain)
def test_the_content_of_a_dict_may_be_text_blocks_or_dicts(content):
    assert request({"role": "user", "content": content})["messages"] == [HI]


def test_a_dict_in_boto3s_form_goes_out_as_it_is():
    message = {"role": "later", "content": [{"later": {"x": 1}}], "later": 1}
    assert request(message)["messages"] == [message]


def test_a_prompt_needs_no_messages():
    assert request(None, prompt_variables={"city": "Oslo", "raw": {"text": "x"}}) == {
        "modelId": "m",
        "promptVariables": {"city": {"text": "Oslo"}, "raw": {"text": "x"}},
    }


@pytest.mark.parametrize(
    "system", ["Be brief", {"text": "Be brief"}, [{"text": "Be brief"}], ["Be brief"], TextBlock("Be brief")], ids=plain
)
def test_system_may_be_text_a_block_or_blocks(system):
    assert request(system=system)["system"] == [{"text": "Be brief"}]


def test_system_may_hold_cache_points_and_guarded_content():
    assert request(system=["Be brief", CachePoint("1h"), GuardBlock("facts", "grounding_source")])["system"] == [
        {"text": "Be brief"},
        {"cachePoint": {"type": "default", "ttl": "1h"}},
        {"guardContent": {"text": {"text": "facts", "qualifiers": ["grounding_source"]}}},
    ]


def test_options_that_were_not_given_are_left_out():
    nothing = dict.fromkeys(name for name in ConverseOptions.__annotations__ if name.islower())
    assert request(**nothing) == {"modelId": "m", "messages": [HI]}
    assert request(max_tokens=5, top_p=None, temperature=0)["inferenceConfig"] == {"maxTokens": 5, "temperature": 0}


EVERYTHING = {
    "system": "Be brief",
    "max_tokens": 5,
    "temperature": 0.5,
    "top_p": 0.5,
    "stop_sequences": "END",
    "tools": [TOOL],
    "tool_choice": "any",
    "guardrail": Guardrail("abc", "1", "enabled", "async"),
    "service_tier": "flex",
    "latency": "optimized",
    "request_metadata": {"team": "a"},
    "output_config": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"name": "x", "schema": SCHEMA}}}},
    "prompt_variables": {"city": "Oslo"},
    "additional_model_request_fields": {"thinking": {"type": "enabled"}},
    "additional_model_response_field_paths": ["/stop"],
}
SENT = {
    "modelId": "m",
    "messages": [HI],
    "system": [{"text": "Be brief"}],
    "inferenceConfig": {"maxTokens": 5, "temperature": 0.5, "topP": 0.5, "stopSequences": ["END"]},
    "toolConfig": {"tools": [TOOL], "toolChoice": {"any": {}}},
    "guardrailConfig": {"guardrailIdentifier": "abc", "guardrailVersion": "1", "trace": "enabled"},
    "serviceTier": {"type": "flex"},
    "performanceConfig": {"latency": "optimized"},
    "requestMetadata": {"team": "a"},
    "outputConfig": {
        "textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"name": "x", "schema": json.dumps(SCHEMA)}}}
    },
    "promptVariables": {"city": {"text": "Oslo"}},
    "additionalModelRequestFields": {"thinking": {"type": "enabled"}},
    "additionalModelResponseFieldPaths": ["/stop"],
}


@pytest.mark.parametrize("streamed", [False, True])
def test_every_option_becomes_a_parameter_that_botocore_takes(streamed):
    mode = {"streamProcessingMode": "async"} if streamed else {}
    made = request(**EVERYTHING, streamed=streamed)
    assert made == {**SENT, "guardrailConfig": {**SENT["guardrailConfig"], **mode}}
    shape = service_model().operation_model("ConverseStream" if streamed else "Converse").input_shape
    known = {name: value for name, value in made.items() if name in shape.members}
    assert not ParamValidator().validate(known, shape).has_errors()


def test_every_parameter_of_awss_has_an_option():
    assert EVERYTHING.keys() == {name for name in ConverseOptions.__annotations__ if name.islower()}
    own = {name for name in ConverseOptions.__annotations__ if not name.islower()} | {"modelId", "messages", "system"}
    assert set(members("ConverseRequest")) <= own == SENT.keys()


def test_a_guardrail_may_be_boto3s_dict_for_both_kinds_of_call():
    config = {"guardrailIdentifier": "abc", "guardrailVersion": "1", "streamProcessingMode": "sync"}
    assert request(guardrail=config, streamed=True)["guardrailConfig"] == config
    assert request(guardrail=config)["guardrailConfig"] == {"guardrailIdentifier": "abc", "guardrailVersion": "1"}
    assert Guardrail("abc").to_api() == {"guardrailIdentifier": "abc", "guardrailVersion": "DRAFT"}


@pytest.mark.parametrize(
    "config",
    [
        {"effort": "low"},
        {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{}"}}}},
        {"textFormat": {}},
    ],
    ids=plain,
)
def test_an_output_config_in_awss_form_goes_out_as_it_is(config):
    assert request(output_config=config)["outputConfig"] == config


def test_everything_else_passes_under_awss_own_names():
    fields = {"toolConfig": {"tools": []}, "requestMetadata": {"k": "v"}, "tomorrow": 1}
    assert request(**fields) == {"modelId": "m", "messages": [HI], **fields}


def test_settings_of_both_kinds_are_joined():
    assert request(max_tokens=5, inferenceConfig={"topP": 1})["inferenceConfig"] == {"maxTokens": 5, "topP": 1}
    assert request(inferenceConfig={"topP": 1})["inferenceConfig"] == {"topP": 1}
    assert request(tools=[TOOL], toolConfig={"toolChoice": {"auto": {}}})["toolConfig"] == {
        "tools": [TOOL],
        "toolChoice": {"auto": {}},
    }


@pytest.mark.parametrize(
    ("given", "setting"),
    [
        ({"modelId": "other"}, "modelId"),
        ({"max_tokens": 5, "inferenceConfig": {"maxTokens": 6}}, "maxTokens"),
        ({"service_tier": "flex", "serviceTier": {"type": "default"}}, "type"),
        (
            {"additional_model_response_field_paths": ["/a"], "additionalModelResponseFieldPaths": ["/b"]},
            "additionalModelResponseFieldPaths",
        ),
    ],
)
def test_a_setting_that_is_given_twice_is_refused(given, setting):
    with pytest.raises(ConfigurationError, match=f"{setting} is given twice") as caught:
        request(**given)
    assert caught.value.setting == setting


def test_limits_of_awss_are_checked_before_the_call_but_not_of_boto3s_dicts():
    crowd = Message("user", [ImageBlock("png", b"x")] * 21)
    with pytest.raises(ConfigurationError, match="holds 21 images"):
        request(crowd)
    assert len(request(crowd.to_api())["messages"][0]["content"]) == 21
    with pytest.raises(ConfigurationError, match="needs a text as well"):
        request([Message("user", DocumentBlock("D", "text"))])


@pytest.mark.parametrize(
    "wrong",
    [{"stop_sequences": 5}, {"guardrail": "abc"}, {"prompt_variables": 5}, {"output_config": 5}, {"system": 5}],
    ids=plain,
)
def test_a_value_of_the_wrong_type_is_left_to_botocore(wrong):
    validator, shape = ParamValidator(), service_model().operation_model("Converse").input_shape
    made = {name: value for name, value in request(**wrong).items() if name in {*shape.members, "messages"}}
    assert validator.validate(made, shape).has_errors() or made.keys() == {"modelId", "messages"}


@pytest.mark.parametrize("name", sorted(ConverseOptions.__optional_keys__))
def test_whatever_is_none_counts_as_not_given_by_our_name_and_by_awss(name):
    assert request(**{name: None}) == request()


@pytest.mark.parametrize("messages", [Conversation("Hi"), [Conversation("Hi")]], ids=["alone", "in a list"])
def test_a_conversation_is_not_its_messages_and_the_error_says_so(messages):
    with pytest.raises(ConfigurationError, match=r"a Conversation is no message; give its \.messages, or use its send") as caught:
        request(messages)
    assert caught.value.setting == "messages"
