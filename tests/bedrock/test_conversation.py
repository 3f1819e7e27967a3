"""Conversations: what a history may be, how it is shortened and kept, and whole conversations with tools on the wire."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import json
import pickle
import threading

import pytest
from hypothesis import given, settings, strategies as st

from bedrock_auth import ConfigurationError
from bedrock_auth.bedrock import (
    BedrockError,
    BedrockRuntime,
    ConverseResponse,
    IncompleteStreamError,
    Message,
    ReasoningBlock,
    TextBlock,
    TextDelta,
    ToolInputError,
    ToolUseBlock,
    ToolUseDelta,
    UnknownBlock,
)
from bedrock_auth.bedrock.content import ToolResultBlock
from bedrock_auth.bedrock.conversation import Conversation
from bedrock_auth.bedrock.forms.json_form import from_json_form, to_json_form
from bedrock_auth.bedrock.tool_use.turns import TurnLimitError
from bedrock_auth.bedrock.tools import Tool, ToolError
from bedrock_auth.testing import RawEvents, Reply, ServiceError, Truncate, reasoning, text, tool_use
from support.names import plain
from support.shapes import members


@pytest.fixture
def runtime(session):
    return BedrockRuntime(session)  # no haste: nothing here is about timeouts


SECRET = "a prompt that nobody else may see"
ASKED = {"toolUse": {"toolUseId": "t1", "name": "add", "input": {"a": 1, "b": 2}}}
RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"json": {"sum": 3}}]}}
SEARCHED = {"toolUse": {"toolUseId": "s1", "name": "web", "input": {}, "type": "server_tool_use"}}


def user(*content):
    return {"role": "user", "content": [{"text": part} if isinstance(part, str) else part for part in content]}


def assistant(*content):
    return {**user(*content), "role": "assistant"}


SYSTEM = {"role": "system", "content": [{"text": "Be brief"}]}
HISTORY = [user("Add"), assistant("So", ASKED), user(RESULT), assistant("3"), user("Thanks"), assistant("Bye")]


# what a history may be


@pytest.mark.parametrize(
    "messages",
    [
        [user("Hi")],
        HISTORY,
        HISTORY[:2],
        [user("Hi"), SYSTEM, assistant("Ho"), SYSTEM, user("Hi")],
        [user("Hi"), assistant(SEARCHED, {"toolResult": {"toolUseId": "s1", "content": [], "type": "web"}}), user("Ho")],
    ],
    ids=lambda each: str(each)[:30],
)
def test_a_history_that_aws_takes_is_taken_and_given_back_as_it_is(messages):
    chat = Conversation(messages)
    assert chat.to_api() == messages
    assert Conversation.from_api(chat.to_api()) == chat


def test_messages_are_taken_in_any_form():
    values = [Message("user", "Hi"), Message("assistant", "Ho")]
    assert Conversation(values) == Conversation(["Hi", assistant("Ho")]) == Conversation([user("Hi"), values[1]])
    assert Conversation("Hi") == Conversation(values[0]) == Conversation(user("Hi"))
    assert Conversation([]) == Conversation()


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([assistant("Hi")], r"messages\[0\] is the first one and has the role 'assistant'; the user begins"),
        ([SYSTEM, user("Hi")], r"messages\[0\] is the first one and has the role 'system'"),
        ([user("Hi"), user("Ho")], r"messages\[1\] has the role 'user', as the one before it; user and assistant take turns"),
        ([user("Hi"), {**user("Ho"), "role": "tool"}], r"messages\[1\] has the role 'tool'; AWS knows user, assistant, system"),
        ([user("Add"), assistant(ASKED), user("3")], r"messages\[2\] does not answer the tool use 't1' of the one before it"),
        (
            [user("Add"), assistant("3"), user(RESULT)],
            r"messages\[2\] answers the tool use 't1', which the one before it does not",
        ),
        ([user(RESULT)], r"messages\[0\] answers the tool use 't1'"),
        ([user("Hi"), {"content": []}], r"messages\[1\] is neither a Message nor a dict with a role and a list"),
        ([5], r"messages\[0\] is neither"),
        (5, r"messages\[0\] is neither"),
    ],
    ids=lambda each: str(each)[:30],
)
def test_a_history_that_aws_would_refuse_is_refused_with_the_place(messages, said):
    with pytest.raises(ConfigurationError, match=said) as caught:
        Conversation(messages)
    assert caught.value.setting == "messages"
    chat = Conversation()
    with pytest.raises(ConfigurationError, match=said):
        chat.messages = messages
    assert chat.messages == ()


def test_messages_are_added_in_turn_and_a_wrong_one_changes_nothing():
    chat = Conversation()
    for message in ("Add", Message.from_api(HISTORY[1]), [ToolResultBlock("t1", {"sum": 3})], Message("assistant", "3")):
        chat.add(message)
    assert chat.to_api() == HISTORY[:4]
    with pytest.raises(ConfigurationError, match="user and assistant take turns"):
        chat.add(Message("assistant", "4"))
    with pytest.raises(ConfigurationError, match="answers the tool use"):
        chat.add(ToolResultBlock("t1", "3"))
    assert chat.to_api() == HISTORY[:4]


def test_what_the_user_says_while_an_answer_is_outstanding_becomes_one_message():
    chat = Conversation(HISTORY[:3])
    chat.add("Quickly")
    chat.add(Message("user", "please"))
    assert chat.to_api() == [*HISTORY[:2], user(RESULT, "Quickly", "please")]


def test_tool_uses_without_results_are_known():
    assert [use.name for use in Conversation(HISTORY[:2]).unanswered] == ["add"]
    assert (
        Conversation(HISTORY).unanswered
        == Conversation().unanswered
        == Conversation([user("Hi"), assistant(SEARCHED)]).unanswered
        == ()
    )


def test_what_people_say_is_not_in_the_repr():
    assert SECRET not in repr(Conversation(SECRET))
    with pytest.raises(ConfigurationError) as caught:
        Conversation([user(SECRET), user(SECRET)])
    assert SECRET not in str(caught.value)


# keeping and shortening

MEDIA = [user("What is this?", {"image": {"format": "png", "source": {"bytes": b"\x89PNG\0"}}}), assistant("A dot")]
REASONED = [
    user("Hi"),
    assistant(
        {"reasoningContent": {"redactedContent": b"\1\2"}},
        {"reasoningContent": {"reasoningText": {"text": "x", "signature": "s"}}},
    ),
]


@pytest.mark.parametrize("messages", [[], HISTORY, MEDIA, REASONED], ids=["none", "tools", "media", "reasoning"])
def test_a_history_survives_pickle_copy_and_json_without_loss(messages):
    chat = Conversation(messages)
    assert pickle.loads(pickle.dumps(chat)) == copy.deepcopy(chat) == chat
    text_ = chat.to_json()
    assert text_.isascii()
    assert Conversation.from_json(text_).to_api() == chat.to_api() == messages


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.binary(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["$bytes", "$$bytes", "$$$bytes", "bytes", "a"]), inner, max_size=2)
    ),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(json_values)
def test_whatever_looks_like_bytes_in_json_comes_back_as_it_was(value):
    assert from_json_form(json.loads(json.dumps(to_json_form(value)))) == value


@pytest.mark.parametrize(
    "said", ["", "{", '[{"role": "user", "content": [{"x": {"$bytes": "?"}}]}]', "[" * 5000], ids=lambda said: said[:9]
)
def test_text_that_is_no_conversation_is_a_configuration_error(said):
    with pytest.raises(ConfigurationError, match="not what Conversation.to_json gave"):
        Conversation.from_json(said)


def test_the_newest_turns_are_kept_whole():
    chat = Conversation(HISTORY)
    assert chat.turns == 2
    assert chat.trimmed(max_turns=1).to_api() == HISTORY[4:]
    assert chat.trimmed(max_turns=2) == chat.trimmed() == chat
    assert chat.trimmed(max_characters=len("ThanksBye")).to_api() == HISTORY[4:]
    assert chat.trimmed(max_characters=chat.characters) == chat
    assert chat.trimmed(max_characters=chat.characters - 1).to_api() == HISTORY[4:]
    assert chat.trimmed(max_characters=1).to_api() == HISTORY[4:]
    assert Conversation(HISTORY[:3]).trimmed(max_turns=1, max_characters=1).to_api() == HISTORY[:3]
    assert Conversation().trimmed(max_turns=1) == Conversation()
    for wrong in ({"max_turns": 0}, {"max_characters": -1}):
        with pytest.raises(ConfigurationError, match="is at least 1"):
            chat.trimmed(**wrong)


def test_characters_are_those_of_text_tools_and_reasoning_and_not_of_media():
    unknown = UnknownBlock("smell", {"smell": {"of": "rain"}})
    lost = UnknownBlock("smell", {"SDK_UNKNOWN_MEMBER": {"name": "smell"}})
    cut = ToolUseBlock("t", "f", None, input_text='{"a')
    assert Conversation(MEDIA).characters == len("What is this?pngA dot")
    assert Conversation(REASONED).characters == len("Hixs")
    assert Conversation([Message("user", [unknown])]).characters == len("rain")
    assert Conversation([Message("user", [lost])]).characters == len("smell")
    assert Conversation([user("Hi"), Message("assistant", [cut])]).characters == len('Hi{"a')


turns = st.lists(st.tuples(st.text(min_size=1, max_size=9), st.integers(0, 2)), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(turns, st.none() | st.integers(1, 6), st.none() | st.integers(1, 80))
def test_however_it_is_shortened_it_stays_a_history_that_ends_as_before(said, max_turns, max_characters):
    messages = []
    for words, rounds in said:
        messages.append(user(words))
        for _ in range(rounds):
            messages += [assistant(ASKED), user(RESULT)]
        messages.append(assistant("."))
    chat = Conversation(messages)
    short = chat.trimmed(max_turns=max_turns, max_characters=max_characters)
    assert chat.messages[len(chat.messages) - len(short.messages) :] == short.messages
    assert 1 <= short.turns <= (max_turns or len(said))
    assert short.turns == 1 or max_characters is None or short.characters <= max_characters


# with a model


def test_a_chat_remembers_what_was_said(bedrock, runtime):
    chat = Conversation()
    assert chat.send(runtime, "m", "Hi", max_tokens=5).text == "You said: “Hi”"
    with chat.stream(runtime, "m", "Ho") as stream:
        assert "".join(stream.text_stream) == "You said: “Ho”"
    assert bedrock.requests[0].body["inferenceConfig"] == {"maxTokens": 5}
    assert bedrock.requests[1].messages == chat.to_api()[:3]
    assert [message.text for message in chat.messages] == ["Hi", "You said: “Hi”", "Ho", "You said: “Ho”"]


def test_what_fails_leaves_the_chat_as_it_was(bedrock, runtime, no_backoff):
    chat = Conversation("Hi")
    for fault in (ServiceError("ValidationException", status=400), Truncate(after_events=2)):
        bedrock.fault(fault)
        with pytest.raises(BedrockError), chat.stream(runtime, "m", "Ho") as stream:
            assert stream.response
    bedrock.fault(Truncate(after_events=2))
    with pytest.raises(IncompleteStreamError), chat.stream(runtime, "m", "Ho"):
        pass  # what is left unread is read on leaving
    bedrock.fault(ServiceError("ValidationException", status=400))
    with pytest.raises(BedrockError):
        chat.send(runtime, "m", "Ho")
    assert chat == Conversation("Hi")
    chat.send(runtime, "m")
    assert [message.role for message in chat.messages] == ["user", "assistant"]


def test_an_answer_can_be_added_where_the_call_was_made_without_the_chat(bedrock, runtime):
    chat = Conversation("Hi")
    chat.add(runtime.converse("m", chat.messages))
    assert chat.to_api()[1] == assistant("You said: “Hi”")


def test_a_stream_that_is_left_is_read_to_its_end_and_one_that_is_closed_or_raised_out_of_is_forgotten(bedrock, runtime):
    chat = Conversation()
    with chat.stream(runtime, "m", "Hi") as stream:
        next(stream)
    assert len(chat.messages) == 2
    with chat.stream(runtime, "m", "Ho") as stream:
        next(stream)
        stream.close()
    with pytest.raises(KeyError), chat.stream(runtime, "m", "Ho") as stream:
        raise KeyError
    assert len(chat.messages) == 2


def test_an_answer_of_nothing_is_not_kept_because_aws_would_not_take_it_back(bedrock, runtime):
    bedrock.reply(Reply([], stop_reason="end_turn"), "Yes?")
    chat = Conversation()
    assert chat.send(runtime, "m", "Hi").text == ""
    chat.send(runtime, "m", "Hello?")
    assert chat.to_api() == [user("Hi", "Hello?"), assistant("Yes?")]


def test_what_a_stream_brought_and_nobody_knows_is_left_out_so_that_the_conversation_can_go_on(bedrock, runtime, caplog):
    deltas = [{"contentBlockIndex": 0, "delta": {"text": "Rain"}}, {"contentBlockIndex": 1, "delta": {"smell": {"of": "rain"}}}]
    said = [("contentBlockDelta", delta) for delta in deltas]
    events = [("messageStart", {"role": "assistant"}), *said, ("messageStop", {"stopReason": "end_turn"})]
    bedrock.reply(RawEvents(events), "Yes?")
    chat = Conversation()
    with chat.stream(runtime, "m", "Hi") as stream:
        assert [type(block) for block in stream.response.message.content] == [TextBlock, UnknownBlock]
    assert "a content block of the kind 'smell' cannot be sent back" in caplog.text
    chat.send(runtime, "m", "Hello?")
    assert chat.to_api() == [user("Hi"), assistant("Rain"), user("Hello?"), assistant("Yes?")]
    assert Conversation.from_json(chat.to_json()) == chat


def test_a_tool_use_that_was_cut_is_left_out_of_an_answer_that_is_added():
    chat = Conversation("Hi")
    chat.add(ConverseResponse(Message("assistant", [TextBlock("So"), ToolUseBlock("t", "f", None, input_text="{")]), None))
    assert chat.to_api() == [user("Hi"), assistant("So")]


@pytest.mark.parametrize("blank", ["", " \n"])
def test_blank_texts_of_an_answer_are_not_kept_because_aws_would_not_take_them_back(bedrock, runtime, blank):
    bedrock.reply(Reply([text(blank), text("Yes?"), text(blank)]), Reply([text(blank)]))
    chat = Conversation()
    chat.send(runtime, "m", "Hi")
    with chat.stream(runtime, "m", "Hello?"):
        pass
    assert chat.to_api() == [user("Hi"), assistant("Yes?"), user("Hello?")]
    chat.add(Message("assistant", [blank, "Still here."]))
    assert chat.to_api()[3:] == [assistant("Still here.")]


def test_nothing_to_answer_is_told_before_anything_is_sent(bedrock, runtime):
    for chat, content in [(Conversation(), None), (Conversation(HISTORY), None), (Conversation(), [])]:
        with pytest.raises(ConfigurationError, match="there is nothing to answer"):
            chat.send(runtime, "m", content)
    with pytest.raises(ConfigurationError, match="does not answer the tool use 't1'"):
        Conversation(HISTORY[:2]).send(runtime, "m", "Hi")
    assert bedrock.requests == []


# with tools


def add(a: int, b: int) -> dict[str, int]:
    """Add two numbers."""
    if a == b:
        message = "try two different numbers"
        raise ToolError(message)
    return {"sum": a + b}


async def double(a: int) -> int:
    """Twice as much."""
    await asyncio.sleep(0)
    return 2 * a


def fail() -> str:
    """Fail."""
    raise ValueError(SECRET)


def grumble() -> str:
    """Fail without a word."""
    message = " "
    raise ToolError(message)


def wrong() -> set[int]:
    """Return what nobody can read."""
    return {1}


TOOLS = [add, double, fail]


def asks(name, value, tool_use_id="t1"):
    return tool_use(name, value, tool_use_id=tool_use_id)


def failed(said, tool_use_id="t1"):
    return {"toolUseId": tool_use_id, "content": [{"text": said}], "status": "error"}


def test_tools_are_run_until_the_model_has_its_answer(bedrock, runtime):
    bedrock.reply(
        [reasoning("Hm"), asks("add", {"a": 1, "b": 2}), asks("double", {"a": 4}, "t2")],
        asks("double", {"a": 3}, "t3"),
        "It is 6",
    )
    chat = Conversation()
    with chat.run(runtime, "m", "Compute", tools=TOOLS, system="Be exact") as run:
        events = list(run)
        assert run.response.text == "It is 6"
    results = [event for event in events if isinstance(event, ToolResultBlock)]
    assert [result.tool_use_id for result in results] == ["t1", "t2", "t3"]
    assert {TextDelta, ToolUseDelta} <= {type(event) for event in events}
    assert [message.role for message in chat.messages] == ["user", "assistant"] * 3
    assert isinstance(chat.messages[1].content[0], ReasoningBlock)
    assert run.messages == chat.messages
    last = bedrock.requests[-1]
    assert last.messages == chat.to_api()[:-1]
    assert last.messages[2]["content"] == [
        {"toolResult": {"toolUseId": "t1", "content": [{"json": {"sum": 3}}]}},
        {"toolResult": {"toolUseId": "t2", "content": [{"text": "8"}]}},
    ]
    assert [request.body["system"] for request in bedrock.requests] == [[{"text": "Be exact"}]] * 3
    chat.send(runtime, "m", "Thanks", tools=TOOLS)
    assert chat.turns == 2


def test_a_run_shows_text_as_it_comes(bedrock, runtime):
    bedrock.reply([text("Let me see. "), asks("add", {"a": 1, "b": 2})], "It is 3")
    assert "".join(Conversation().run(runtime, "m", "Add", tools=TOOLS).text_stream) == "Let me see. It is 3"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (asks("add", {"a": 1}), "The input of add does not fit: b is missing."),
        (asks("add", {"a": "1", "b": 2}), "The input of add does not fit: a must be an integer, not a string."),
        (asks("add", {"a": 1, "b": 1}), "try two different numbers"),
        (asks("subtract", {}), "There is no tool subtract; there are: add, double, fail."),
        (asks("add", '{"a": 1'), "The input of add is no JSON, so the tool was not run; call it again with a JSON object."),
        (asks("add", "[1]"), "The input of add does not fit: the input must be an object, not an array."),
        (asks("fail", {}), "fail failed (ValueError)."),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_the_model_is_told_what_was_wrong_in_words_that_are_safe(bedrock, runtime, asked, said):
    bedrock.reply(asked, "I see")
    chat = Conversation()
    assert chat.run(runtime, "m", "Go", tools=TOOLS, on_handler_error="report").response.text == "I see"
    assert bedrock.requests[-1].tool_results == [failed(said)]
    assert SECRET not in str(bedrock.requests[-1].body)


def test_a_tool_error_without_a_word_still_says_something(bedrock, runtime):
    bedrock.reply(asks("grumble", {}), "I see")
    assert Conversation().run(runtime, "m", "Go", tools=[grumble]).response.text == "I see"
    assert bedrock.requests[-1].tool_results == [failed("grumble failed (ToolError).")]


@pytest.mark.parametrize("choice", ["report", "raise"])
def test_a_handler_that_returns_what_cannot_be_sent_is_a_mistake_that_the_model_cannot_mend(bedrock, runtime, choice):
    bedrock.reply(asks("wrong", {}))
    with pytest.raises(ConfigurationError, match="the tool 'wrong' returned a set"):
        list(Conversation().run(runtime, "m", "Go", tools=[wrong], on_handler_error=choice))


def test_an_input_that_is_no_json_goes_back_to_the_model_as_it_wrote_it(bedrock, runtime):
    bedrock.reply(asks("add", '{"a": 1,'), "Sorry")
    chat = Conversation()
    assert chat.run(runtime, "m", "Add", tools=TOOLS).response.text == "Sorry"
    assert bedrock.requests[-1].messages[1]["content"][0]["toolUse"]["input"] == {"INVALID_JSON": '{"a": 1,'}


def test_an_input_that_is_no_json_is_raised_where_that_is_chosen_and_always_where_it_was_cut(bedrock, runtime):
    bad = asks("add", '{"a": 1,')
    bedrock.reply(bad, Reply(bad, stop_reason="max_tokens"))
    chat = Conversation()
    with pytest.raises(ToolInputError) as caught:
        list(chat.run(runtime, "m", "Add", tools=TOOLS, on_input_error="raise"))
    assert caught.value.input_text == '{"a": 1,'
    with pytest.raises(ToolInputError, match="cut by max_tokens"):
        list(chat.run(runtime, "m", "Add", tools=TOOLS))
    assert chat.messages == ()


def test_what_a_handler_raises_passes_again_and_again_and_what_was_said_is_known(bedrock, runtime):
    bedrock.reply(asks("add", {"a": 1, "b": 2}), asks("fail", {}, "t2"), "Never mind")
    chat = Conversation()
    run = chat.run(runtime, "m", "Go", tools=TOOLS)
    for _ in range(2):
        with pytest.raises(ValueError, match=SECRET):
            list(run)
    with pytest.raises(ValueError, match=SECRET):
        _ = run.response
    assert chat.messages == ()
    again = Conversation(run.messages)
    assert [use.name for use in again.unanswered] == ["fail"]
    assert again.run(runtime, "m", "Well?", tools=TOOLS).response.text == "Never mind"
    assert bedrock.requests[-1].tool_results == [failed("There is no result of fail.", "t2")]
    assert bedrock.requests[-1].text == "Well?"


def test_a_run_ends_with_an_error_when_its_turns_are_used_up_and_no_tool_is_run_in_vain(bedrock, runtime):
    bedrock.reply(asks("add", {"a": 1, "b": 2}))
    chat = Conversation()
    run = chat.run(runtime, "m", "Add", tools=TOOLS, max_turns=2)
    with pytest.raises(TurnLimitError, match="in each of 2 turns; raise max_turns") as caught:
        list(run)
    assert (len(bedrock.requests), len(run.messages), chat.messages) == (2, 4, ())
    assert caught.value.partial.tool_uses == run.messages[-1].tool_uses
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize("reason", ["max_tokens", "end_turn", "guardrail_intervened", "stop_sequence"])
def test_any_other_stop_reason_ends_the_run_and_leaves_the_tools_alone(bedrock, runtime, reason):
    bedrock.reply(Reply([text("Well"), asks("fail", {})], stop_reason=reason), "Better")
    chat = Conversation()
    assert chat.run(runtime, "m", "Go", tools=TOOLS).response.stop_reason == reason
    assert chat.run(runtime, "m", "Again", tools=TOOLS).response.text == "Better"
    assert bedrock.requests[-1].tool_results == [failed("There is no result of fail.")]


@pytest.mark.skipif("type" not in members("ToolUseBlock"), reason="the installed botocore does not know tools that AWS runs")
def test_a_tool_that_aws_runs_itself_is_left_to_it(bedrock, runtime):
    bedrock.reply(Reply([SEARCHED, text("Found")], stop_reason="end_turn"))
    chat = Conversation()
    assert chat.run(runtime, "m", "Go", tools=TOOLS).response.text == "Found"
    assert chat.unanswered == ()


def test_a_choice_of_tool_counts_in_the_first_turn_only(bedrock, runtime):
    bedrock.reply(asks("add", {"a": 1, "b": 2}), "3")
    assert Conversation().run(runtime, "m", "Add", tools=iter(TOOLS), tool_choice="any").response.text == "3"
    assert [request.body["toolConfig"].get("toolChoice") for request in bedrock.requests] == [{"any": {}}, None]


def test_a_run_that_is_left_early_keeps_nothing(bedrock, runtime):
    chat = Conversation()
    with chat.run(runtime, "m", "Hi", tools=TOOLS) as run:
        next(run)
    with pytest.raises(IncompleteStreamError, match="closed before the model had finished") as caught:
        _ = run.response
    assert (caught.value.code, list(run), chat.messages) == ("StreamClosed", [], ())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "run needs tools="),
        ({"tools": []}, "run needs tools="),
        ({"tools": [Tool("x")]}, "the tool 'x' has no handler, so it cannot be run"),
        ({"tools": [{"toolSpec": {"name": "x", "inputSchema": {"json": {}}}}]}, "the tool 'x' has no handler"),
        ({"tools": [add, Tool("add", handler=fail)]}, "two tools have the name 'add'"),
        ({"tools": TOOLS, "max_turns": 0}, "max_turns is how often the model may be asked, at least 1, not 0"),
        ({"tools": TOOLS, "on_input_error": "ignore"}, "on_input_error is 'report' or 'raise', not 'ignore'"),
        ({"tools": TOOLS, "on_handler_error": None}, "on_handler_error is 'report' or 'raise', not None"),
    ],
    ids=plain,
)
def test_a_run_that_cannot_work_is_refused_before_anything_is_sent(bedrock, runtime, options, said):
    for method in ("run", "arun"):
        with pytest.raises(ConfigurationError, match=said):
            getattr(Conversation(), method)(runtime, "m", "Hi", **options)
    assert bedrock.requests == []


# asyncio


def test_the_same_conversation_in_asyncio(bedrock, runtime):
    asked = [asks("add", {"a": 1, "b": 2}), asks("double", {"a": 3}, "t2"), asks("fail", {}, "t3")]
    bedrock.reply("Ho", "Hm", asked, asks("add", "{", "t4"), "Done")

    async def converse():
        chat = Conversation()
        assert (await chat.asend(runtime, "m", "Hi")).text == "Ho"
        async with chat.astream(runtime, "m", "And?") as stream:
            assert [piece async for piece in stream.text_stream] == ["Hm"]
        async with chat.arun(runtime, "m", "Go", tools=TOOLS, on_handler_error="report") as run:
            events = [event async for event in run]
            assert (await run.get_response()).text == "Done"
        assert run.messages == chat.messages
        return chat, [event.tool_use_id for event in events if isinstance(event, ToolResultBlock)]

    chat, results = asyncio.run(converse())
    assert results == ["t1", "t2", "t3", "t4"]
    assert bedrock.requests[-1].messages == chat.to_api()[:-1]
    assert chat.messages[-1] == Message("assistant", [TextBlock("Done")])


def test_what_fails_in_asyncio_leaves_the_chat_as_it_was(bedrock, runtime):
    bedrock.reply(asks("fail", {}), Reply(asks("add", "{"), stop_reason="max_tokens"), "Hi")
    chat = Conversation()

    async def converse():
        run = chat.arun(runtime, "m", "Go", tools=TOOLS)
        for _ in range(2):
            with pytest.raises(ValueError, match=SECRET):
                await run.get_response()
        with pytest.raises(ToolInputError):
            await chat.arun(runtime, "m", "Go", tools=TOOLS).get_response()
        async with chat.arun(runtime, "m", "Go", tools=TOOLS) as run:
            await anext(run)
        with pytest.raises(IncompleteStreamError):
            await run.get_response()
        async with chat.astream(runtime, "m", "Go") as stream:
            stream.close()
        with pytest.raises(KeyError):
            async with chat.astream(runtime, "m", "Go"):
                raise KeyError
        assert "".join([piece async for piece in chat.arun(runtime, "m", "Go", tools=TOOLS).text_stream]) == "Hi"

    asyncio.run(converse())
    assert chat.to_api() == [user("Go"), assistant("Hi")]


who = contextvars.ContextVar("who", default="nobody")


def test_a_plain_handler_runs_beside_the_loop_with_the_callers_context(bedrock, runtime):
    seen = []

    def look() -> str:
        seen.append((who.get(), threading.current_thread() is threading.main_thread()))
        return "seen"

    look.__annotations__ = {}

    async def converse():
        who.set("me")
        await Conversation().arun(runtime, "m", "Go", tools=[look]).get_response()

    bedrock.reply(asks("look", {}), "Done")
    asyncio.run(converse())
    assert seen == [("me", False)]
