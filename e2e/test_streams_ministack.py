"""Streams of a Bedrock that is not ours: MiniStack's, with the keys of a role."""

from __future__ import annotations

import asyncio

import pytest

from bedrock_auth import AssumeRole, Static, create_session
from bedrock_auth.bedrock import BedrockRuntime, ContentBlockStop, MessageStart, MessageStop, Metadata, TextDelta
from bedrock_auth.bedrock.stream import typed_stream
from support.ministack import EXTERNAL_ID, REGION

MODEL = "amazon.nova-lite-v1:0"
QUESTION = "Why is the sky blue, and the sunset red?"


@pytest.fixture(scope="module")
def role(stack) -> AssumeRole:
    user = Static(stack.access_key_id, stack.secret_access_key)
    return AssumeRole(stack.role_arn, source=user, external_id=EXTERNAL_ID, session_name="streams")


@pytest.fixture
def session(role):
    return create_session(role, region_name=REGION)


@pytest.fixture
def runtime(session) -> BedrockRuntime:
    return BedrockRuntime(session)


@pytest.fixture
def whole(runtime) -> str:
    """What the model says to the question."""
    text = runtime.converse(MODEL, QUESTION).text
    assert len(text) > 20
    return text


def test_a_stream_says_what_a_whole_answer_says(runtime, whole):
    with runtime.converse_stream(MODEL, QUESTION) as stream:
        events = list(stream)
    kinds = [type(event) for event in events]
    assert kinds == [MessageStart, *[TextDelta] * (len(kinds) - 4), ContentBlockStop, MessageStop, Metadata]
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == whole == stream.response.text
    assert stream.response.stop_reason == "end_turn"
    assert stream.response.usage.total_tokens == stream.response.usage.input_tokens + stream.response.usage.output_tokens


def test_an_answer_goes_back_as_it_came(runtime, whole):
    first = runtime.converse_stream(MODEL, QUESTION).response
    again = runtime.converse_stream(MODEL, [QUESTION, first.message, "And why?"]).response
    assert first.text == whole != again.text
    assert again.usage.input_tokens > first.usage.input_tokens


def test_a_stream_of_boto3_is_read_with_our_events(session, whole):
    client = session.client("bedrock-runtime")
    request = {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": QUESTION}]}]}
    with typed_stream(client.converse_stream(**request)) as stream:
        assert "".join(stream.text_stream) == whole
    assert stream.response.stop_reason == "end_turn"


def test_asyncio_reads_many_streams_at_once(runtime, whole):
    async def ask() -> str:
        async with runtime.aconverse_stream(MODEL, QUESTION) as stream:
            return "".join([text async for text in stream.text_stream])

    async def everybody() -> list[str]:
        return await asyncio.gather(*(ask() for _ in range(20)))

    assert set(asyncio.run(everybody())) == {whole}


@pytest.mark.parametrize(
    ("model_id", "body"),
    [
        (MODEL, {"messages": [{"role": "user", "content": [{"text": QUESTION}]}]}),
        (
            "anthropic.claude-3-haiku-20240307-v1:0",
            {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 50, "messages": [{"role": "user", "content": QUESTION}]},
        ),
    ],
)
def test_the_chunks_of_a_models_own_form_come_to_their_end(runtime, model_id, body):
    with runtime.invoke_model_stream(model_id, body) as stream:
        chunks = [chunk.json for chunk in stream]
    assert len(chunks) > 3
    assert any(QUESTION in str(chunk) or "ministack" in str(chunk) for chunk in chunks)
