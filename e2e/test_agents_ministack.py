"""Agents of a Bedrock that is not ours: MiniStack's, with the keys of a role.

They quote nothing but a hash of the input, in one chunk, and neither trace nor return control. InvokeInlineAgent cannot be
reached there: its path is taken for that of the control plane. The role must be allowed ``…:agent/ID``, not AWS's alias.
"""

from __future__ import annotations

import asyncio
import json

import boto3
import pytest

from bedrock_auth import AssumeRole, Static, create_session
from bedrock_auth.bedrock.agent import BedrockAgent
from bedrock_auth.bedrock.agents.events import AgentChunk
from bedrock_auth.bedrock.errors import AccessDeniedError
from support.ministack import ACCOUNT, EXTERNAL_ID, REGION

IDS = {"agent_id": "AGENT12345", "agent_alias_id": "ALIAS12345"}


@pytest.fixture(scope="module")
def session(stack) -> boto3.Session:
    """Of a role that may invoke this agent and no other."""
    iam = boto3.Session("test", "test", region_name=REGION).client("iam", endpoint_url=stack.url)
    statement = {
        "Effect": "Allow",
        "Action": "bedrock:InvokeAgent",
        "Resource": f"arn:aws:bedrock:{REGION}:{ACCOUNT}:agent/AGENT12345",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="Bedrock", PolicyName="may-invoke", PolicyDocument=document)
    user = Static(stack.access_key_id, stack.secret_access_key)
    return create_session(AssumeRole(stack.role_arn, source=user, external_id=EXTERNAL_ID), region_name=REGION)


@pytest.fixture
def agent(session) -> BedrockAgent:
    return BedrockAgent(session, **IDS)


def test_an_agent_answers_in_a_session_of_ours(agent):
    with agent.invoke("Hello", session_id="my-session", enable_trace=True) as stream:
        events = list(stream)
    assert [type(event) for event in events] == [AgentChunk]
    assert stream.response.session_id == "my-session"
    assert "AGENT12345" in stream.response.text == events[0].text
    assert stream.response.request_id


def test_a_run_ends_where_the_agent_wants_nothing(agent):
    run = agent.run("Hello", handlers={"never": lambda: "called"})
    assert run.response.text == agent.invoke("Hello").response.text


def test_asyncio_asks_many_at_once(agent):
    async def ask() -> str:
        async with agent.ainvoke("Hello") as stream:
            return "".join([text async for text in stream.text_stream])

    async def everybody() -> list[str]:
        return await asyncio.gather(*(ask() for _ in range(10)))

    assert len(set(asyncio.run(everybody()))) == 1


def test_an_agent_that_the_role_may_not_invoke_is_denied(session):
    other = BedrockAgent(session, agent_id="OTHER12345", agent_alias_id="ALIAS12345")
    with pytest.raises(AccessDeniedError, match="bedrock:InvokeAgent"):
        other.invoke("Hello")
