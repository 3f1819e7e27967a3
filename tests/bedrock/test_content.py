"""Blocks and messages, from AWS's form and back."""

import pytest

from bedrock_auth import ConfigurationError
from bedrock_auth.bedrock import ConverseResponse, Message, ReasoningBlock, TextBlock, ToolUseBlock, UnknownBlock, Usage

KNOWN = [
    ({"text": "Hi"}, TextBlock("Hi")),
    ({"toolUse": {"toolUseId": "t", "name": "f", "input": {"a": [1]}}}, ToolUseBlock("t", "f", {"a": [1]})),
    (
        {"toolUse": {"toolUseId": "t", "name": "f", "input": {}, "type": "server_tool_use"}},
        ToolUseBlock("t", "f", {}, "server_tool_use"),
    ),
    ({"toolUse": {"toolUseId": "t", "name": "f", "input": None, "later": 1}}, ToolUseBlock("t", "f", None)),
    ({"reasoningContent": {"reasoningText": {"text": "so", "signature": "c2ln"}}}, ReasoningBlock("so", "c2ln")),
    ({"reasoningContent": {"reasoningText": {"text": "so"}}}, ReasoningBlock("so")),
    ({"reasoningContent": {"reasoningText": {"text": "", "signature": "s", "later": 1}}}, ReasoningBlock("", "s")),
    ({"reasoningContent": {"redactedContent": b"\0\1"}}, ReasoningBlock(redacted_content=b"\0\1")),
    ({"image": {"format": "png", "source": {"bytes": b"x"}}}, UnknownBlock("image", {"image": {}})),
]


@pytest.mark.parametrize(("raw", "block"), KNOWN, ids=str)
def test_a_block_goes_back_to_aws_as_it_came(raw, block):
    message = Message.from_api({"role": "assistant", "content": [raw]})
    assert message.to_api() == {"role": "assistant", "content": [raw]}
    (made,) = message.content
    assert type(made) is type(block)
    if not isinstance(block, UnknownBlock):
        assert made == block
        assert Message("assistant", [block]).to_api()["content"][0].keys() == raw.keys()


@pytest.mark.parametrize(
    "raw",
    [
        {"SDK_UNKNOWN_MEMBER": {"name": "smell"}},
        {"image": {"format": "png", "source": {"SDK_UNKNOWN_MEMBER": {"name": "tape"}}}},
        {"toolResult": {"toolUseId": "t", "content": [{"SDK_UNKNOWN_MEMBER": {"name": "smell"}}]}},
        {"reasoningContent": {"SDK_UNKNOWN_MEMBER": {"name": "summary"}}},
    ],
    ids=str,
)
def test_a_block_whose_content_botocore_threw_away_is_never_sent_back_without_it(raw):
    (block,) = Message.from_api({"role": "assistant", "content": [raw]}).content
    assert isinstance(block, UnknownBlock)
    assert block.name in {"smell", "image", "toolResult", "reasoningContent"}
    with pytest.raises(ConfigurationError, match="cannot be sent back"):
        block.to_api()


def test_a_cut_tool_use_is_never_sent_back():
    with pytest.raises(ConfigurationError, match="'f' has no complete input"):
        ToolUseBlock("t", "f", None, input_text='{"a').to_api()


def test_a_message_takes_text_blocks_and_boto3_dicts():
    assert Message("user", "Hi") == Message("user", [{"text": "Hi"}]) == Message("user", (TextBlock("Hi"),))


def test_a_message_knows_its_text_and_its_tool_uses():
    tool = ToolUseBlock("t", "f", {})
    message = Message("assistant", [ReasoningBlock("so"), TextBlock("a"), tool, TextBlock("b")])
    assert message.text == "ab"
    assert message.tool_uses == (tool,)


def test_a_response_is_read_from_boto3s():
    raw = {
        "output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3},
        "metrics": {"latencyMs": 4},
        "trace": {"guardrail": {}},
        "additionalModelResponseFields": {"k": 1},
    }
    response = ConverseResponse.from_api(raw, "id")
    assert response == ConverseResponse(
        Message("assistant", "Hi"), "end_turn", Usage(1, 2, 3), {"latencyMs": 4}, {"guardrail": {}}, {"k": 1}, "id"
    )
    assert response.text == "Hi"
    assert response.raw is raw
    assert "raw" not in repr(response)
