"""How an application that calls Amazon Bedrock is tested: against a local endpoint, not against mocks.

    python -m pytest test_with_local_bedrock.py

The fixture `local_bedrock` comes with bedrock_auth; it needs no AWS account and no network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bedrock_auth import Static, create_session
from bedrock_auth.bedrock import BedrockRuntime, IncompleteStreamError, ToolUseBlock
from bedrock_auth.testing import Throttle, Truncate, tool_use

if TYPE_CHECKING:
    from bedrock_auth.testing import LocalBedrock

MODEL_ID = "us.amazon.nova-lite-v1:0"
WEATHER_TOOL = {"toolSpec": {"name": "weather", "inputSchema": {"json": {"type": "object"}}}}


class Assistant:
    """The application under test."""

    def __init__(self, runtime: BedrockRuntime) -> None:
        """Talk through this runtime."""
        self.runtime = runtime

    def answer(self, question: str) -> str:
        """The model's answer; never half of one."""
        with self.runtime.converse_stream(MODEL_ID, question, system="Be brief.") as stream:
            return stream.response.text

    def wanted_tools(self, question: str) -> tuple[ToolUseBlock, ...]:
        """What the model wants to know first."""
        return self.runtime.converse(MODEL_ID, question, toolConfig={"tools": [WEATHER_TOOL]}).tool_uses


@pytest.fixture
def assistant(local_bedrock: LocalBedrock) -> Assistant:
    """The application, with keys that the local endpoint accepts."""
    keys = local_bedrock.credentials
    return Assistant(BedrockRuntime(create_session(Static(keys.access_key_id, keys.secret_access_key))))


def test_the_answer_is_what_the_model_said(assistant: Assistant, local_bedrock: LocalBedrock) -> None:
    local_bedrock.reply("Rayleigh scattering.")
    assert assistant.answer("Why is the sky blue?") == "Rayleigh scattering."


def test_the_model_is_told_to_be_brief(assistant: Assistant, local_bedrock: LocalBedrock) -> None:
    assistant.answer("Why is the sky blue?")
    assert local_bedrock.requests[-1].body["system"] == [{"text": "Be brief."}]


def test_a_throttled_request_is_sent_again(assistant: Assistant, local_bedrock: LocalBedrock) -> None:
    local_bedrock.fault(Throttle())
    assert assistant.answer("Hello")
    assert [request.status for request in local_bedrock.requests] == [429, 200]


def test_half_an_answer_is_no_answer(assistant: Assistant, local_bedrock: LocalBedrock) -> None:
    local_bedrock.reply("Once upon a time there was a stream.")
    local_bedrock.fault(Truncate(after_events=3))
    with pytest.raises(IncompleteStreamError) as caught:
        assistant.answer("Tell me a story")
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Once upon a time"


def test_the_model_asks_for_the_weather(assistant: Assistant, local_bedrock: LocalBedrock) -> None:
    local_bedrock.reply(tool_use("weather", {"city": "Oslo"}))
    (wanted,) = assistant.wanted_tools("Do I need a coat?")
    assert wanted.input == {"city": "Oslo"}
