"""Blocks and messages, from AWS's form and back."""

import attrs
import pytest

from bedrock_auth import ConfigurationError
from bedrock_auth.bedrock import ConverseResponse, Message, ReasoningBlock, TextBlock, ToolUseBlock, UnknownBlock, Usage
from bedrock_auth.bedrock.content import (
    AudioBlock,
    CachePoint,
    Citation,
    CitationsBlock,
    DocumentBlock,
    GuardBlock,
    ImageBlock,
    JsonBlock,
    S3Location,
    SearchResultBlock,
    ToolAdditionBlock,
    ToolRemovalBlock,
    ToolResultBlock,
    VideoBlock,
)
from bedrock_auth.bedrock.converse.response import CacheDetail
from support.names import plain

S3 = {"s3Location": {"uri": "s3://bucket/key.mp4", "bucketOwner": "123456789012"}}
PLACE = {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}}
CITATION = {"title": "T", "source": "u", "sourceContent": [{"text": "w"}], "location": PLACE}

KNOWN = [
    ({"text": "Hi"}, TextBlock("Hi")),
    ({"image": {"format": "png", "source": {"bytes": b"x"}}}, ImageBlock("png", b"x")),
    ({"image": {"format": "png", "source": {"bytes": b"x"}, "error": {"message": "no"}}}, ImageBlock("png", b"x", "no")),
    ({"image": {"format": "png", "error": {"message": "no"}}}, ImageBlock("png", None, "no")),
    ({"video": {"format": "mp4", "source": S3}}, VideoBlock("mp4", S3Location("s3://bucket/key.mp4", "123456789012"))),
    ({"audio": {"format": "mp3", "source": {"bytes": b"x"}}}, AudioBlock("mp3", b"x")),
    ({"document": {"name": "D", "source": {"text": "all"}}}, DocumentBlock("D", "all")),
    ({"document": {"name": "D", "source": {"content": [{"text": "a"}, {"text": "b"}]}}}, DocumentBlock("D", ("a", "b"))),
    (
        {"document": {"name": "D", "format": "pdf", "source": {"bytes": b"x"}, "context": "c", "citations": {"enabled": True}}},
        DocumentBlock("D", b"x", "pdf", "c", citations=True),
    ),
    ({"toolUse": {"toolUseId": "t", "name": "f", "input": {"a": [1]}}}, ToolUseBlock("t", "f", {"a": [1]})),
    (
        {"toolUse": {"toolUseId": "t", "name": "f", "input": {}, "type": "server_tool_use"}},
        ToolUseBlock("t", "f", {}, "server_tool_use"),
    ),
    ({"toolUse": {"toolUseId": "t", "name": "f", "input": None}}, ToolUseBlock("t", "f", None)),
    ({"toolResult": {"toolUseId": "t", "content": []}}, ToolResultBlock("t", ())),
    (
        {"toolResult": {"toolUseId": "t", "content": [{"json": {"a": 1}}, {"text": "b"}], "status": "error", "type": "x"}},
        ToolResultBlock("t", [JsonBlock({"a": 1}), "b"], "error", "x"),
    ),
    ({"guardContent": {"text": {"text": "a"}}}, GuardBlock("a")),
    ({"guardContent": {"text": {"text": "a", "qualifiers": ["query"]}}}, GuardBlock("a", "query")),
    ({"guardContent": {"image": {"format": "png", "source": {"bytes": b"x"}}}}, GuardBlock(ImageBlock("png", b"x"))),
    ({"cachePoint": {"type": "default"}}, CachePoint()),
    ({"cachePoint": {"type": "default", "ttl": "1h"}}, CachePoint("1h")),
    ({"reasoningContent": {"reasoningText": {"text": "so", "signature": "c2ln"}}}, ReasoningBlock("so", "c2ln")),
    ({"reasoningContent": {"reasoningText": {"text": "so"}}}, ReasoningBlock("so")),
    ({"reasoningContent": {"reasoningText": {"text": "", "signature": "s"}}}, ReasoningBlock("", "s")),
    ({"reasoningContent": {"redactedContent": b"\0\1"}}, ReasoningBlock(redacted_content=b"\0\1")),
    ({"citationsContent": {"content": [{"text": "a"}], "citations": [CITATION]}}, CitationsBlock("a", [CITATION])),
    (
        {"citationsContent": {"citations": [{"title": "T", "location": PLACE}]}},
        CitationsBlock(citations=[Citation("T", location=PLACE)]),
    ),
    ({"citationsContent": {}}, CitationsBlock()),
    ({"searchResult": {"source": "u", "title": "T", "content": [{"text": "a"}]}}, SearchResultBlock("u", "T", "a")),
    (
        {"searchResult": {"source": "u", "title": "T", "content": [{"text": "a"}], "citations": {"enabled": False}}},
        SearchResultBlock("u", "T", ["a"], citations=False),
    ),
    ({"toolAddition": {"tool": {"name": "f"}}}, ToolAdditionBlock("f")),
    ({"toolRemoval": {"tool": {"type": "x", "name": "f", "serverName": "s"}}}, ToolRemovalBlock("f", "s", "x")),
    ({"hologram": {"x": 1}}, UnknownBlock("hologram", {"hologram": {"x": 1}})),
    (
        {"image": {"format": "png", "source": {"tape": 1}}},
        UnknownBlock("image", {"image": {"format": "png", "source": {"tape": 1}}}),
    ),
    ({"guardContent": {"smell": {}}}, UnknownBlock("guardContent", {"guardContent": {"smell": {}}})),
]


@pytest.mark.parametrize(("raw", "block"), KNOWN, ids=plain)
def test_a_block_goes_back_to_aws_as_it_came(raw, block):
    message = Message.from_api({"role": "assistant", "content": [raw]})
    assert message.content == (block,)
    assert type(message.content[0]) is type(block)
    assert message.to_api() == {"role": "assistant", "content": [raw]}
    assert message.content[0].raw is raw


@pytest.mark.parametrize(("raw", "block"), KNOWN, ids=plain)
def test_a_block_made_here_is_the_same_as_one_that_came(raw, block):
    assert block.to_api() == raw
    assert "raw" not in repr(block)


@pytest.mark.parametrize(
    "raw",
    [
        {"toolUse": {"toolUseId": "t", "name": "f", "input": None, "later": 1}},
        {"toolResult": {"toolUseId": "t", "content": [], "later": 1}},
        {"reasoningContent": {"reasoningText": {"text": "", "signature": "s", "later": 1}}},
        {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://bucket/key", "later": 1}}}},
        {"document": {"name": "D", "source": {"text": "a"}, "citations": {"enabled": True, "later": 1}}},
        {"citationsContent": {"content": [{"text": "a"}, {"image": {}}], "citations": [{"location": {"later": {}}}]}},
        {"searchResult": {"source": "u", "title": "T", "content": [{"text": "a", "later": 1}]}},
        {"guardContent": {"text": {"text": "a", "later": 1}}},
        {"cachePoint": {"type": "later", "later": 1}},
        {"toolAddition": {"tool": {"later": 1}}},
    ],
    ids=plain,
)
def test_what_a_later_aws_says_in_a_known_block_goes_back_too(raw):
    (block,) = Message.from_api({"role": "assistant", "content": [raw]}).content
    assert not isinstance(block, UnknownBlock)
    assert block.to_api() == raw


@pytest.mark.parametrize(
    ("raw", "changes", "expected"),
    [
        ({"toolUse": {"toolUseId": "t", "name": "f", "input": {"a": 1}}}, {"input": {"a": True}}, {"a": True}),
        ({"toolResult": {"toolUseId": "t", "content": [{"json": {"a": 1}}]}}, {"content": {"a": True}}, [{"json": {"a": True}}]),
        (
            {"image": {"format": "png", "source": {"bytes": b"x"}}},
            {"source": S3Location("s3://b")},
            {"s3Location": {"uri": "s3://b"}},
        ),
        ({"document": {"name": "D", "source": {"text": "a"}, "context": "c"}}, {"context": None}, None),
    ],
    ids=plain,
)
def test_a_block_that_was_changed_says_so(raw, changes, expected):
    (block,) = Message.from_api({"role": "user", "content": [raw]}).content
    ((kind, said),) = attrs.evolve(block, **changes).to_api().items()
    assert kind in raw
    assert said.get(*changes) == expected
    assert list(map(type, _leaves(said.get(*changes)))) == list(map(type, _leaves(expected)))


def _leaves(value):
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)
    else:
        yield value


@pytest.mark.parametrize(
    "raw",
    [
        {"SDK_UNKNOWN_MEMBER": {"name": "smell"}},
        {"image": {"format": "png", "source": {"SDK_UNKNOWN_MEMBER": {"name": "tape"}}}},
        {"toolResult": {"toolUseId": "t", "content": [{"SDK_UNKNOWN_MEMBER": {"name": "smell"}}]}},
        {"reasoningContent": {"SDK_UNKNOWN_MEMBER": {"name": "summary"}}},
        {"citationsContent": {"citations": [{"location": {"SDK_UNKNOWN_MEMBER": {"name": "web"}}}]}},
    ],
    ids=plain,
)
def test_a_block_whose_content_botocore_threw_away_is_never_sent_back_without_it(raw):
    (block,) = Message.from_api({"role": "assistant", "content": [raw]}).content
    with pytest.raises(ConfigurationError, match="cannot be sent back"):
        block.to_api()


def test_a_kind_that_botocore_does_not_know_keeps_its_name():
    (block,) = Message.from_api({"role": "assistant", "content": [{"SDK_UNKNOWN_MEMBER": {"name": "smell"}}]}).content
    assert (type(block), block.name) == (UnknownBlock, "smell")


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"text": "a", "image": {}},
        {"image": {"format": "png", "source": {}}},
        {"image": None},
        {"document": {"name": "D"}},
        {"toolUse": {"toolUseId": "t"}},
        {"cachePoint": {}},
    ],
    ids=plain,
)
def test_what_is_no_block_is_not_taken_for_one(raw):
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        Message.from_api({"role": "assistant", "content": [raw]})


@pytest.mark.parametrize(
    ("result", "content"),
    [
        ("a", [{"text": "a"}]),
        ({"a": 1}, [{"json": {"a": 1}}]),
        ({"text": "a"}, [{"json": {"text": "a"}}]),
        ({}, [{"json": {}}]),
        ([1, "a", None], [{"text": '[1, "a", null]'}]),
        ([{"a": 1}], [{"text": '[{"a": 1}]'}]),
        ([{"image": "http://…"}], [{"text": '[{"image": "http://…"}]'}]),
        (["a", "b"], [{"text": '["a", "b"]'}]),
        ([], [{"text": "[]"}]),
        (21.5, [{"text": "21.5"}]),
        (None, [{"text": "null"}]),
        (True, [{"text": "true"}]),
        (TextBlock("a"), [{"text": "a"}]),
        (["a", ImageBlock("png", b"x")], [{"text": "a"}, {"image": {"format": "png", "source": {"bytes": b"x"}}}]),
        ([{"text": "a"}, {"json": [1]}], [{"text": "a"}, {"json": [1]}]),
        (DocumentBlock("D", "text"), [{"document": {"name": "D", "source": {"text": "text"}}}]),
    ],
    ids=plain,
)
def test_a_tools_result_may_be_text_blocks_or_any_json(result, content):
    """AWS refuses JSON that is no object, so other JSON goes as text."""
    assert ToolResultBlock("t", result).to_api() == {"toolResult": {"toolUseId": "t", "content": content}}


@pytest.mark.parametrize("result", [object(), {1, 2}, float("nan"), [b"x"]], ids=range(4))
def test_a_tools_result_that_is_no_json_is_refused_without_being_shown(result):
    with pytest.raises(ConfigurationError, match=f"a {type(result).__name__} that is none of these") as caught:
        ToolResultBlock("t", result)
    assert caught.value.setting == "content"


def test_bytes_are_not_shown():
    for block in (ImageBlock("png", b"secret" * 9), DocumentBlock("D", b"secret" * 9)):
        assert "secret" not in repr(block)
        assert "<54 bytes>" in repr(block)


def test_values_without_json_can_be_hashed():
    blocks = [
        block for _, block in KNOWN if not isinstance(block, ToolUseBlock | ToolResultBlock | UnknownBlock | CitationsBlock)
    ]
    assert len({*blocks, *blocks}) == len(blocks)
    assert len({Message("user", blocks), Message("user", blocks)}) == 1


def test_a_cut_tool_use_is_never_sent_back():
    with pytest.raises(ConfigurationError, match="'f' has no complete input"):
        ToolUseBlock("t", "f", None, input_text='{"a').to_api()


def test_a_message_takes_text_blocks_and_boto3_dicts():
    assert Message("user", "Hi") == Message("user", [{"text": "Hi"}]) == Message("user", (TextBlock("Hi"),))
    assert Message("user", "Hi") == Message("user", {"text": "Hi"}) == Message("user", TextBlock("Hi")) == Message("user", ["Hi"])
    assert Message("system", [ToolAdditionBlock("f")]).to_api()["role"] == "system"


@pytest.mark.parametrize("content", [5, [5], None, b"x"], ids=plain)
def test_a_message_takes_nothing_else(content):
    with pytest.raises(ConfigurationError, match="texts, content blocks and dicts in boto3's form, not"):
        Message("user", content)


def test_a_message_knows_its_text_and_its_tool_uses():
    tool = ToolUseBlock("t", "f", {})
    message = Message("assistant", [ReasoningBlock("so"), TextBlock("a"), tool, TextBlock("b")])
    assert message.text == "ab"
    assert message.tool_uses == (tool,)


def test_text_with_citations_counts_as_text():
    message = Message("assistant", ["a", CitationsBlock(["b", "c"], [Citation("T")])])
    assert message.text == "abc"
    assert message.content[1].text == "bc"


def test_a_response_is_read_from_boto3s():
    raw = {
        "output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}},
        "stopReason": "end_turn",
        "usage": {
            "inputTokens": 1,
            "outputTokens": 2,
            "totalTokens": 3,
            "cacheReadInputTokens": 4,
            "cacheWriteInputTokens": 5,
            "cacheDetails": [{"ttl": "1h", "inputTokens": 5}],
        },
        "metrics": {"latencyMs": 4},
        "trace": {"guardrail": {}},
        "additionalModelResponseFields": {"k": 1},
        "serviceTier": {"type": "flex"},
        "performanceConfig": {"latency": "optimized"},
    }
    response = ConverseResponse.from_api(raw, "id")
    assert response == ConverseResponse(
        Message("assistant", "Hi"),
        "end_turn",
        Usage(1, 2, 3, 4, 5, (CacheDetail("1h", 5),)),
        {"latencyMs": 4},
        {"guardrail": {}},
        {"k": 1},
        "id",
        service_tier="flex",
        performance_config={"latency": "optimized"},
    )
    assert response.text == "Hi"
    assert response.raw is raw
    assert "raw" not in repr(response)


def test_bytes_are_no_content_of_a_message():
    with pytest.raises(ConfigurationError, match="not bytes") as caught:
        Message("user", b"Hi")
    assert caught.value.setting == "content"
    with pytest.raises(TypeError, match="not int"):
        Message.from_api({"role": "assistant", "content": [5]})
