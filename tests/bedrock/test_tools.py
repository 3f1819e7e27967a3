"""Tools: what AWS is told of them, what they do with what a model gives, and what is sent on the wire."""

from __future__ import annotations

import asyncio
import copy
import enum
import functools
import pickle
import threading
from typing import Annotated

import pytest

from bedrock_auth import ConfigurationError
from bedrock_auth.bedrock import BedrockRuntime, TextBlock
from bedrock_auth.bedrock.content import CachePoint, ImageBlock, JsonBlock
from bedrock_auth.bedrock.tools import Tool, ToolError, tool_config
from support.names import plain


@pytest.fixture
def runtime(session):
    return BedrockRuntime(session)  # no haste: nothing here is about timeouts


PNG = {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class Unit(enum.Enum):
    CELSIUS = "c"
    KELVIN = "k"


def weather(city: Annotated[str, "with its country"], unit: Unit = Unit.CELSIUS) -> dict[str, str]:
    """The weather in a city now.

    Args:
        unit: of the temperature.
    """
    return {"city": city, "unit": unit.name}


def untyped(city): ...


async def slow_weather(city: str) -> str:
    """Later."""
    await asyncio.sleep(0)
    return f"rain in {city}"


class Station:
    async def __call__(self, city: str) -> str:
        return f"snow in {city}"


WEATHER = {
    "name": "weather",
    "description": "The weather in a city now.",
    "inputSchema": {
        "json": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "with its country"},
                "unit": {"description": "of the temperature.", "type": "string", "enum": ["c", "k"], "default": "c"},
            },
            "required": ["city"],
            "additionalProperties": False,
        }
    },
}


def test_a_typed_function_is_a_tool():
    tool = Tool.from_function(weather)
    assert tool.to_api() == {"toolSpec": WEATHER}
    assert tool.run({"city": "Oslo", "unit": "k"}) == (JsonBlock({"city": "Oslo", "unit": "KELVIN"}),)
    assert tool.run({"city": "Oslo"}) == (JsonBlock({"city": "Oslo", "unit": "CELSIUS"}),)


def test_a_function_can_be_given_another_name_and_description_and_strictness():
    tool = Tool.from_function(weather, name="w", description="Sun or rain", strict=True).to_api()["toolSpec"]
    assert (tool["name"], tool["description"], tool["strict"]) == ("w", "Sun or rain", True)


def test_a_partial_needs_a_name_and_keeps_the_docstring():
    half = functools.partial(weather, unit=Unit.KELVIN)
    with pytest.raises(ConfigurationError, match="give name="):
        Tool.from_function(half)
    tool = Tool.from_function(half, name="half")
    assert tool.description == "The weather in a city now."
    assert tool.run({"city": "Oslo"}) == (JsonBlock({"city": "Oslo", "unit": "KELVIN"}),)


def test_a_schema_by_hand_is_a_tool_too_and_goes_out_as_it_is():
    tool = Tool("weather", "Sun or rain", SCHEMA, handler=lambda city: city.upper())
    assert tool.to_api() == {"toolSpec": {"name": "weather", "description": "Sun or rain", "inputSchema": {"json": SCHEMA}}}
    assert tool.run({"city": "Oslo"}) == (TextBlock("OSLO"),)
    assert Tool("now").to_api()["toolSpec"]["inputSchema"]["json"] == {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }


def returned(value):
    return Tool("f", handler=lambda: value).run({})


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ("sun", (TextBlock("sun"),)),
        ("", (TextBlock('""'),)),
        (["", TextBlock("x"), {"text": " \n"}], (TextBlock("x"),)),
        (TextBlock(""), ()),
        (["", "x"], (TextBlock('["", "x"]'),)),
        (" \n", (TextBlock('" \\n"'),)),
        (None, (TextBlock("null"),)),
        (3.5, (TextBlock("3.5"),)),
        ([1, "ä"], (TextBlock('[1, "ä"]'),)),
        ({"a": [1]}, (JsonBlock({"a": [1]}),)),
        ({"text": "a"}, (JsonBlock({"text": "a"}),)),
        (ImageBlock.from_api(PNG), (ImageBlock.from_api(PNG),)),
        (["a picture:", ImageBlock.from_api(PNG)], (TextBlock("a picture:"), ImageBlock.from_api(PNG))),
    ],
    ids=plain,
)
def test_a_handler_returns_text_json_or_blocks(value, content):
    assert returned(value) == content


@pytest.mark.parametrize("value", [{1, 2}, object(), {"a": {1}}, float("nan"), {"a": float("inf")}, [b"x"]], ids=range(6))
def test_a_handler_that_returns_something_else_is_wrong(value):
    with pytest.raises(ConfigurationError, match=r"the tool 'f' returned a \w+ that is neither text nor JSON nor content blocks"):
        returned(value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "The input of weather does not fit: city is missing."),
        (
            {"city": 3, "unit": "f"},
            'The input of weather does not fit: city must be a string, not a number; unit must be one of "c", "k".',
        ),
        ({"city": "Oslo", "town": "x"}, "The input of weather does not fit: town must be left out."),
        ("Oslo", "The input of weather does not fit: the input must be an object, not a string."),
        (None, "The input of weather does not fit: the input must be an object, not null."),
    ],
)
def test_input_that_does_not_fit_is_told_in_words_for_the_model_and_the_function_is_not_called(given, said):
    with pytest.raises(ToolError) as caught:
        Tool.from_function(weather).run(given)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"city": "Oslo"}, "missing a required argument: 'day'"),
        ({"city": "", "day": 1, "x": 1}, "unexpected keyword argument 'x'"),
    ],
)
def test_a_schema_that_does_not_fit_its_function_is_told_as_input_that_does_not(given, said):
    with pytest.raises(ToolError, match=said):
        Tool("weather", None, {"type": "object"}, lambda city, day: None).run(given)


def test_a_handler_without_a_readable_signature_is_just_called():
    assert Tool("d", None, {"type": "object"}, dict).run({"a": 1}) == (JsonBlock({"a": 1}),)


def test_what_a_handler_raises_passes():
    def fail():
        raise KeyError("a")

    with pytest.raises(KeyError):
        Tool("f", handler=fail).run({})


@pytest.mark.parametrize("handler", [slow_weather, Station()], ids=["function", "object"])
def test_a_coroutine_is_run_to_its_end_where_no_loop_runs_and_awaited_where_one_does(handler):
    tool = Tool.from_function(handler, name="w")
    assert tool.run({"city": "Oslo"}) == asyncio.run(tool.arun({"city": "Oslo"}))

    async def wrong():
        tool.run({"city": "Oslo"})

    with pytest.raises(ConfigurationError, match="use arun"):
        asyncio.run(wrong())


def test_running_a_coroutine_leaves_the_threads_own_loop_alone():
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        Tool.from_function(slow_weather).run({"city": "Oslo"})
        assert asyncio.get_event_loop() is loop
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_a_plain_function_does_not_hold_up_the_loop():
    def where():
        return str(threading.current_thread() is threading.main_thread())

    assert asyncio.run(Tool("f", handler=where).arun({})) == (TextBlock("False"),)


def test_a_tool_without_a_handler_can_be_offered_but_not_run():
    with pytest.raises(ConfigurationError, match="the tool 'weather' has no handler and cannot be run"):
        Tool("weather", None, SCHEMA).run({"city": "Oslo"})


@pytest.mark.parametrize(
    ("arguments", "setting"),
    [
        ({"name": ""}, "name"),
        ({"name": "a b"}, "name"),
        ({"name": "a" * 65}, "name"),
        ({"name": None}, "name"),
        ({"name": "a", "input_schema": {"type": "string"}}, "input_schema"),
        ({"name": "a", "input_schema": "object"}, "input_schema"),
        ({"name": "a", "handler": 5}, "handler"),
    ],
    ids=plain,
)
def test_a_tool_that_aws_would_not_take_is_refused_at_once(arguments, setting):
    with pytest.raises(ConfigurationError) as caught:
        Tool(**arguments)
    assert caught.value.setting == setting


def test_a_tool_error_pickles():
    error = ToolError("no such city")
    assert str(pickle.loads(pickle.dumps(error))) == str(copy.copy(error)) == "no such city"


CACHE = {"cachePoint": {"type": "default"}}


def test_tools_of_every_form_make_one_tool_config():
    by_hand = {"toolSpec": {"name": "by_hand", "inputSchema": {"json": SCHEMA}}}
    config = tool_config([weather, Tool("now"), by_hand, CachePoint()])
    assert [list(tool) for tool in config["tools"]] == [["toolSpec"]] * 3 + [["cachePoint"]]
    assert [tool["toolSpec"]["name"] for tool in config["tools"][:3]] == ["weather", "now", "by_hand"]
    assert config["tools"][2:] == [by_hand, CACHE]
    assert tool_config(weather) == tool_config([weather]) == tool_config(iter([weather])) == {"tools": [{"toolSpec": WEATHER}]}
    assert tool_config(None) is tool_config([]) is None


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", {"auto": {}}),
        ("any", {"any": {}}),
        ("weather", {"tool": {"name": "weather"}}),
        ({"tool": {"name": "any"}}, {"tool": {"name": "any"}}),
    ],
)
def test_the_choice_of_a_tool_is_auto_any_or_its_name(choice, sent):
    assert tool_config([weather], choice)["toolChoice"] == sent
    assert tool_config(None, choice) == {"toolChoice": sent}


def test_wrong_tools_and_choices_are_told_with_the_names_that_there_are():
    wrong = {
        "not 'rain'; the tools are: 'weather'": ([weather], "rain"),
        "not 'any'; the tools are: none": ([], "any"),
        "two tools have the name 'weather'": ([weather, Tool("weather")], None),
        "a tool is a Tool, a typed function or a dict in boto3's form, not int": ([5], None),
        "'untyped' cannot be made of its function: its parameter 'city' has no annotation": ([untyped], None),
    }
    for said, (tools, choice) in wrong.items():
        with pytest.raises(ConfigurationError, match=said):
            tool_config(tools, choice)


@pytest.mark.parametrize("operation", ["converse", "converse_stream"])
def test_the_tools_of_a_request_arrive_as_aws_takes_them(bedrock, runtime, operation):
    answer = getattr(runtime, operation)("m", "Hi", tools=[weather], tool_choice="any")
    if operation == "converse_stream":
        answer.close()
    assert bedrock.requests[-1].body["toolConfig"] == {"tools": [{"toolSpec": WEATHER}], "toolChoice": {"any": {}}}
