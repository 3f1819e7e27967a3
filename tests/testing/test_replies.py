import json
import time

import pytest
from botocore.exceptions import ClientError

from bedrock_auth.testing import RawEvents, Reply, reasoning, text, tool_use

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
HELLO = {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}


def events(answer):
    return list(answer["stream"])


def streamed_text(answer):
    deltas = (event.get("contentBlockDelta", {}).get("delta", {}) for event in answer["stream"])
    return "".join(delta.get("text", "") for delta in deltas)


def code(caught):
    error = caught.value
    return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]


def test_the_default_reply_quotes_the_last_user_message(client):
    conversation = [
        {"role": "user", "content": [{"text": "First"}]},
        {"role": "assistant", "content": [{"text": "Yes?"}]},
        {"role": "user", "content": [{"text": "Second"}, {"text": "thing"}]},
    ]
    answer = client.converse(modelId=MODEL, messages=conversation)
    assert answer["output"] == {"message": {"role": "assistant", "content": [{"text": "You said: “Second thing”"}]}}
    assert streamed_text(client.converse_stream(modelId=MODEL, messages=conversation)) == "You said: “Second thing”"


def test_a_whole_answer_has_every_field_that_aws_requires(bedrock, client):
    usage = {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7, "cacheReadInputTokens": 1}
    bedrock.reply(Reply("Done", stop_reason="max_tokens", usage=usage))
    answer = client.converse(modelId=MODEL, **HELLO)
    assert answer["stopReason"] == "max_tokens"
    assert answer["usage"] == usage
    assert answer["metrics"] == {"latencyMs": 0}
    assert answer["ResponseMetadata"]["RequestId"]


def test_a_stream_has_the_events_of_aws_in_their_order(bedrock, client):
    bedrock.reply(Reply("Hello there", chunk_size=6))
    assert events(client.converse_stream(modelId=MODEL, **HELLO)) == [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"delta": {"text": "Hello "}, "contentBlockIndex": 0}},
        {"contentBlockDelta": {"delta": {"text": "there"}, "contentBlockIndex": 0}},
        {"contentBlockStop": {"contentBlockIndex": 0}},
        {"messageStop": {"stopReason": "end_turn"}},
        {"metadata": {"usage": {"inputTokens": 10, "outputTokens": 2, "totalTokens": 12}, "metrics": {"latencyMs": 0}}},
    ]


def test_reasoning_text_and_tools_come_whole_or_in_parts_from_one_reply(bedrock, client):
    call = {"city": "Zürich", "days": [1, 2, 3]}
    said = Reply([reasoning("Let me think.", "c2ln"), "I will look.", tool_use("weather", call, tool_use_id="t1")])
    bedrock.reply(said)
    whole = client.converse(modelId=MODEL, **HELLO)
    assert whole["stopReason"] == "tool_use"
    assert whole["output"]["message"]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "Let me think.", "signature": "c2ln"}}},
        {"text": "I will look."},
        {"toolUse": {"toolUseId": "t1", "name": "weather", "input": call}},
    ]

    parts = events(client.converse_stream(modelId=MODEL, **HELLO))
    starts = [part["contentBlockStart"] for part in parts if "contentBlockStart" in part]
    assert starts == [{"start": {"toolUse": {"toolUseId": "t1", "name": "weather"}}, "contentBlockIndex": 2}]
    deltas = [part["contentBlockDelta"] for part in parts if "contentBlockDelta" in part]
    by_block = {i: [d["delta"] for d in deltas if d["contentBlockIndex"] == i] for i in range(3)}
    assert "".join(delta["reasoningContent"].get("text", "") for delta in by_block[0]) == "Let me think."
    assert by_block[0][-1] == {"reasoningContent": {"signature": "c2ln"}}
    partial = [delta["toolUse"]["input"] for delta in by_block[2]]
    assert len(partial) > 3
    assert json.loads("".join(partial)) == call
    assert {"messageStop": {"stopReason": "tool_use"}} in parts


def test_reasoning_may_come_without_a_signature(bedrock, client):
    bedrock.reply(reasoning("Hm.", None))
    whole = client.converse(modelId=MODEL, **HELLO)["output"]["message"]["content"]
    assert whole == [{"reasoningContent": {"reasoningText": {"text": "Hm."}}}]
    parts = events(client.converse_stream(modelId=MODEL, **HELLO))
    assert [part["contentBlockDelta"]["delta"] for part in parts if "contentBlockDelta" in part] == [
        {"reasoningContent": {"text": "Hm."}}
    ]


def test_an_empty_text_and_an_empty_input_still_have_their_delta(bedrock, client):
    bedrock.reply(["", tool_use("now", {})])
    parts = events(client.converse_stream(modelId=MODEL, **HELLO))
    deltas = [part["contentBlockDelta"]["delta"] for part in parts if "contentBlockDelta" in part]
    assert deltas == [{"text": ""}, {"toolUse": {"input": "{}"}}]


def test_replies_come_in_turn_and_the_last_one_stays(bedrock, client):
    bedrock.reply("one", "two")
    assert [streamed_text(client.converse_stream(modelId=MODEL, **HELLO)) for _ in range(3)] == ["one", "two", "two"]
    bedrock.reply("three")
    assert streamed_text(client.converse_stream(modelId=MODEL, **HELLO)) == "three"


def test_a_function_holds_the_conversation(bedrock, client):
    bedrock.reply(lambda request: [text(f"{request.operation} {request.model_id}"), tool_use("go", {})])
    content = client.converse(modelId=MODEL, **HELLO)["output"]["message"]["content"]
    assert content[0] == {"text": f"Converse {MODEL}"}
    assert content[1]["toolUse"]["toolUseId"].startswith("tooluse_")


def test_raw_events_are_streamed_verbatim(bedrock, client):
    raw = [("messageStart", {"role": "assistant"}), ("somethingNew", {"x": 1}), ("messageStop", {"stopReason": "end_turn"})]
    redacted = ("contentBlockDelta", {"delta": {"reasoningContent": {"redactedContent": b"\x01"}}, "contentBlockIndex": 0})
    bedrock.reply(RawEvents([*raw, redacted]))
    found = events(client.converse_stream(modelId=MODEL, **HELLO))
    assert found[:2] == [{"messageStart": {"role": "assistant"}}, {"messageStop": {"stopReason": "end_turn"}}]
    assert found[2]["contentBlockDelta"]["delta"]["reasoningContent"] == {"redactedContent": b"\x01"}


def test_the_delay_is_between_the_events(bedrock, client):
    bedrock.reply(Reply("ab", chunk_size=1, delay=0.05))
    begun = time.monotonic()
    arrived = [time.monotonic() - begun for _ in client.converse_stream(modelId=MODEL, **HELLO)["stream"]]
    assert arrived[-1] - arrived[0] > 4 * 0.05  # five pauses, of which the first may be lost in the reading


@pytest.mark.parametrize("wrong", [3, b"bytes", [1], None])
def test_what_is_no_reply_is_refused_when_it_is_given(bedrock, wrong):
    with pytest.raises(TypeError, match=r"a content block is made by text\(\), tool_use\(\) or reasoning\(\), or"):
        bedrock.reply(wrong)


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (lambda _: 1 / 0, "ZeroDivisionError"),
        (lambda _: print, "not another function"),
        (RawEvents([]), "RawEvents can answer streams only"),
    ],
)
def test_a_reply_that_cannot_be_given_is_an_error_that_says_so_and_is_not_retried(bedrock, client_for, reply, problem):
    bedrock.reply(reply)
    with pytest.raises(ClientError, match=problem) as caught:
        client_for(bedrock, retries={"total_max_attempts": 3}).converse(modelId=MODEL, **HELLO)
    assert code(caught) == ("LocalBedrockError", 400)
    assert [request.status for request in bedrock.requests] == [400]
