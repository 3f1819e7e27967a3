import json
from contextlib import closing

import pytest
from botocore.exceptions import ClientError, EventStreamError

from bedrock_auth.testing import Cut, Reply, StreamException, Throttle, Truncate, reasoning, text, tool_use

MODEL = "some.model"
QUESTION = {"role": "user", "content": [{"text": "Do I need a coat in Oslo?"}]}
WEATHER = {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": {"type": "object"}}}}]}


def events(client, messages=(QUESTION,), **request):
    with closing(client.converse_stream(modelId=MODEL, messages=list(messages), **request)["stream"]) as stream:
        yield from stream


def said(client, *, streamed, messages=(QUESTION,)):
    """The model's message, put together from a stream as a client has to."""
    if not streamed:
        return client.converse(modelId=MODEL, messages=list(messages), toolConfig=WEATHER)["output"]["message"]
    blocks = {}
    for event in events(client, messages, toolConfig=WEATHER):
        if "contentBlockStart" in event:
            started = event["contentBlockStart"]
            blocks[started["contentBlockIndex"]] = {"toolUse": {**started["start"]["toolUse"], "input": ""}}
        elif "contentBlockDelta" in event:
            match event["contentBlockDelta"]:
                case {"contentBlockIndex": index, "delta": {"text": piece}}:
                    block = blocks.setdefault(index, {"text": ""})
                    block["text"] += piece
                case {"contentBlockIndex": index, "delta": {"toolUse": {"input": piece}}}:
                    blocks[index]["toolUse"]["input"] += piece
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"])
    return {"role": "assistant", "content": list(blocks.values())}


def forecaster(request):
    """A model that wants to see the weather before it answers."""
    if not request.tool_results:
        return ["Let me see.", tool_use("weather", {"city": request.text.rpartition(" ")[2].rstrip("?")})]
    (result,) = request.tool_results
    return f"It is {result['content'][0]['json']['degrees']} degrees: {'yes' if len(request.messages) == 3 else 'what'}."


@pytest.mark.parametrize("streamed", [False, True])
def test_a_function_holds_a_conversation_with_tools(bedrock, client, streamed):
    bedrock.model = forecaster
    asked = said(client, streamed=streamed)
    assert asked["content"][0] == {"text": "Let me see."}
    wanted = asked["content"][1]["toolUse"]
    assert (wanted["name"], wanted["input"]) == ("weather", {"city": "Oslo"})
    result = {"toolResult": {"toolUseId": wanted["toolUseId"], "content": [{"json": {"degrees": -4}}]}}
    answer = said(client, streamed=streamed, messages=[QUESTION, asked, {"role": "user", "content": [result]}])
    assert answer["content"] == [{"text": "It is -4 degrees: yes."}]
    assert [len(request.messages) for request in bedrock.requests] == [1, 3]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_script_is_said_in_order_and_its_end_is_repeated(bedrock, client, streamed):
    bedrock.model = [tool_use("weather", {}, tool_use_id="t1"), Throttle(), ["First.", "Second."], "Done."]
    asked = said(client, streamed=streamed)["content"]
    assert asked == [{"toolUse": {"toolUseId": "t1", "name": "weather", "input": {}}}]
    with pytest.raises(ClientError, match="ThrottlingException"):
        said(client, streamed=streamed)
    answers = [said(client, streamed=streamed)["content"] for _ in range(3)]
    assert answers == [[{"text": "First."}, {"text": "Second."}], [{"text": "Done."}], [{"text": "Done."}]]


def test_a_new_model_takes_the_word_from_whatever_was_queued(bedrock, client):
    bedrock.reply("one", "two")
    assert said(client, streamed=False)["content"] == [{"text": "one"}]
    bedrock.model = lambda _: "three"
    assert [said(client, streamed=False)["content"][0]["text"] for _ in range(2)] == ["three", "three"]
    bedrock.model = []
    assert said(client, streamed=False)["content"][0]["text"] == f"You said: “{QUESTION['content'][0]['text']}”"


def test_the_model_is_the_one_that_was_given_last(bedrock):
    bedrock.model = forecaster
    assert bedrock.model is forecaster
    with pytest.raises(TypeError, match="a function of the request or a list of replies, not str"):
        bedrock.model = "a text"
    with pytest.raises(TypeError, match="a content block is made by"):
        bedrock.model = ["a text", 3]
    assert bedrock.model is forecaster


def test_the_pieces_of_a_text_are_its_deltas(bedrock, client):
    bedrock.model = lambda _: text("Hel", "lo ", "out there")
    assert said(client, streamed=False)["content"] == [{"text": "Hello out there"}]
    deltas = [event["contentBlockDelta"]["delta"]["text"] for event in events(client) if "contentBlockDelta" in event]
    assert deltas == ["Hel", "lo ", "out there"]


@pytest.mark.parametrize("fault", [Truncate(2), lambda _: Truncate(2), Reply("You said: “Hi”", fault=Truncate(2))])
def test_a_model_may_break_what_it_says(bedrock, client, fault):
    bedrock.model = [fault]
    came = list(events(client, [{"role": "user", "content": [{"text": "Hi"}]}]))
    assert [kind for event in came for kind in event] == ["messageStart", "contentBlockDelta"]
    assert came[1]["contentBlockDelta"]["delta"] == {"text": "You said"}


def test_a_model_that_fails_once_answers_the_next_time(bedrock, client_for):
    bedrock.model = [Cut(0), Reply("Hello", fault=StreamException()), "Hello"]
    client = client_for(bedrock, retries={"total_max_attempts": 1})
    for failure in (Exception, EventStreamError):
        with pytest.raises(failure):
            said(client, streamed=True)
    assert said(client, streamed=True)["content"] == [{"text": "Hello"}]


def test_a_fault_that_was_asked_for_comes_before_the_model(bedrock, client):
    asked = []
    bedrock.model = lambda request: asked.append(request) or "Hello"
    bedrock.fault(Throttle())
    with pytest.raises(ClientError):
        said(client, streamed=False)
    assert asked == []
    assert said(client, streamed=False)["content"] == [{"text": "Hello"}]
    assert len(asked) == 1


def test_a_function_sees_who_asks_for_what(bedrock, client):
    seen = []
    bedrock.model = lambda request: seen.append((request.operation, request.model_id, request.text)) or "Hello"
    said(client, streamed=True)
    assert seen == [("ConverseStream", MODEL, "Do I need a coat in Oslo?")]


def test_an_input_that_is_a_text_is_streamed_as_it_is(bedrock, client):
    bedrock.model = [tool_use("weather", '{"city": "Os')]
    with pytest.raises(json.JSONDecodeError):
        said(client, streamed=True)


WHOLE = {
    "text": {"text": "Hi"},
    "tool": {"toolUse": {"toolUseId": "t", "name": "search", "input": {"a": [1]}, "type": "server_tool_use"}},
    "reasoning": {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "c2ln"}}},
    "unsigned reasoning": {"reasoningContent": {"reasoningText": {"text": "Hm"}}},
    "redacted": {"reasoningContent": {"redactedContent": b"\x00\xff"}},
    "citations": {"citationsContent": {"content": [{"text": "It is so."}], "citations": [{"title": "A book"}]}},
    "result": {"toolResult": {"toolUseId": "t", "status": "success", "content": [{"text": "a"}, {"json": {"b": 1}}]}},
    "image": {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}},
}


def skip_unless_known(client, kind):
    """botocore 1.40 has no model of some kinds."""
    new = {
        "tool": ("ToolUseBlock", "type"),
        "result": ("ContentBlockDelta", "toolResult"),
        "image": ("ContentBlockDelta", "image"),
    }
    if kind in new and new[kind][1] not in client.meta.service_model.shape_for(new[kind][0]).members:
        pytest.skip("this botocore does not know it")


@pytest.mark.parametrize("kind", WHOLE)
def test_a_dict_is_the_block_that_boto3_returns(bedrock, client, kind):
    skip_unless_known(client, kind)
    block = WHOLE[kind]
    bedrock.model = lambda _: [block]
    answer = client.converse(modelId=MODEL, messages=[QUESTION])
    assert answer["output"]["message"]["content"] == [block]
    assert answer["stopReason"] == "end_turn"


class OwnBlock:
    def to_api(self):
        return {"text": "Hello"}


def test_a_value_that_knows_its_form_is_a_block(bedrock, client):
    bedrock.model = lambda _: [OwnBlock(), reasoning("Hm", None)]
    content = client.converse(modelId=MODEL, messages=[QUESTION])["output"]["message"]["content"]
    assert content == [{"text": "Hello"}, {"reasoningContent": {"reasoningText": {"text": "Hm"}}}]


STREAMED = {
    "tool": (
        {"toolUse": {"toolUseId": "t", "name": "search", "type": "server_tool_use"}},
        [{"toolUse": {"input": '{"a": [1'}}, {"toolUse": {"input": "]}"}}],
    ),
    "redacted": (None, [{"reasoningContent": {"redactedContent": b"\x00\xff"}}]),
    "citations": (None, [{"text": "It is so"}, {"text": "."}, {"citation": {"title": "A book"}}]),
    "result": (
        {"toolResult": {"toolUseId": "t", "status": "success"}},
        [{"toolResult": [{"text": "a"}]}, {"toolResult": [{"json": {"b": 1}}]}],
    ),
    "image": ({"image": {"format": "png"}}, [{"image": {"source": {"bytes": b"\x89PNG"}}}]),
}


@pytest.mark.parametrize("kind", STREAMED)
def test_a_dict_is_streamed_in_the_parts_that_aws_sends(bedrock, client, kind):
    skip_unless_known(client, kind)
    start, deltas = STREAMED[kind]
    bedrock.model = lambda _: [WHOLE[kind]]
    came = list(events(client))
    assert [event["contentBlockStart"]["start"] for event in came if "contentBlockStart" in event] == ([start] if start else [])
    assert [event["contentBlockDelta"]["delta"] for event in came if "contentBlockDelta" in event] == deltas


def test_a_block_that_aws_does_not_stream_is_an_error_that_says_so(bedrock, client):
    video = {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://bucket/key"}}}}
    bedrock.model = lambda _: [video]
    assert client.converse(modelId=MODEL, messages=[QUESTION])["output"]["message"]["content"] == [video]
    with pytest.raises(ClientError, match="does not stream blocks of the kind video"):
        client.converse_stream(modelId=MODEL, messages=[QUESTION])
