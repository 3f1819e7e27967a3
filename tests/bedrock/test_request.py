"""From what people write to the parameters of Converse."""

import pytest

from bedrock_auth import ConfigurationError
from bedrock_auth.bedrock import Message, ToolUseBlock
from bedrock_auth.bedrock.request import converse_request

HI = {"role": "user", "content": [{"text": "Hi"}]}


def request(messages="Hi", system=None, inference=None, **api_fields):
    return converse_request("m", messages, system, inference or {}, api_fields)


@pytest.mark.parametrize(
    "messages",
    ["Hi", HI, Message("user", "Hi"), [HI], (Message("user", "Hi"),), iter([HI])],
    ids=lambda value: type(value).__name__,
)
def test_messages_may_be_text_one_message_or_several(messages):
    assert request(messages) == {"modelId": "m", "messages": [HI]}


def test_dicts_and_messages_mix():
    answer = Message("assistant", [ToolUseBlock("t", "f", {})])
    assert request([HI, answer])["messages"] == [HI, answer.to_api()]


@pytest.mark.parametrize("system", ["Be brief", {"text": "Be brief"}, [{"text": "Be brief"}]], ids=str)
def test_system_may_be_text_a_block_or_blocks(system):
    assert request(system=system)["system"] == [{"text": "Be brief"}]


def test_inference_settings_that_were_not_given_are_left_out():
    assert "inferenceConfig" not in request(inference={"maxTokens": None})
    assert request(inference={"maxTokens": 5, "topP": None, "temperature": 0})["inferenceConfig"] == {
        "maxTokens": 5,
        "temperature": 0,
    }


def test_everything_else_passes_under_awss_own_names():
    fields = {"toolConfig": {"tools": []}, "requestMetadata": {"k": "v"}, "tomorrow": 1}
    assert request(**fields) == {"modelId": "m", "messages": [HI], **fields}


def test_inference_settings_of_both_kinds_are_joined():
    assert request(inference={"maxTokens": 5}, inferenceConfig={"topP": 1})["inferenceConfig"] == {"maxTokens": 5, "topP": 1}
    assert request(inferenceConfig={"topP": 1})["inferenceConfig"] == {"topP": 1}


@pytest.mark.parametrize(
    ("given", "setting"),
    [({"modelId": "other"}, "modelId"), ({"inferenceConfig": {"maxTokens": 6}}, "maxTokens")],
)
def test_a_setting_that_is_given_twice_is_refused(given, setting):
    with pytest.raises(ConfigurationError, match=f"{setting} is given twice") as caught:
        request(inference={"maxTokens": 5}, **given)
    assert caught.value.setting == setting
