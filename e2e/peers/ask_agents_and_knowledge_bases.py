"""Agents and a knowledge base through LangChain, with keys that expire in between, and the cases of return control.

Runs in the frameworks' own environment; prints what happened as JSON. The endpoint verifies every signature and says who signed.
"""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from return_control_cases import CASES
from talk_through_frameworks import HOUR, World

from bedrock_auth.bedrock.agent import BedrockAgent
from bedrock_auth.testing import Document, function_input, return_control

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3
    from return_control_cases import Case

    from bedrock_auth.testing import LocalBedrock, ReceivedRequest

AGENT = {"agent_id": "AGENT12345", "agent_alias_id": "ALIAS12345"}
KB = "KB12345678"
DOCUMENTS = [
    Document("Oslo is cold in winter.", "s3://cities/oslo.txt", metadata={"country": "Norway", "year": 2024}),
    Document("Oslo in winter, of old.", "my-archive", metadata={"country": "Norway", "year": 1900}),
    Document("Winter in Rome is warm.", "https://example.com/rome", metadata={"country": "Italy", "year": 2022}),
]
ORDERS = [("Shop", path, method) for path in ("/orders", "/orders/{id}") for method in ("GET", "POST", "DELETE")]


def forecaster(request: ReceivedRequest) -> Any:
    """Ask for the weather, then tell it."""
    if request.action_results:
        (result,) = request.action_results
        return f"It is {result['responseBody']['TEXT']['body']}."
    return return_control(function_input("Weather", "forecast", {"city": request.text}))


def agents(session: boto3.Session) -> Callable[[str], str]:
    """LangChain's agent; the tool is run here."""
    from langchain_aws.agents import BedrockAgentsRunnable

    agent = BedrockAgentsRunnable(client=session.client("bedrock-agent-runtime"), **AGENT)

    def ask(city: str) -> str:
        (action,) = agent.invoke({"input": city})
        return agent.invoke({"intermediate_steps": [(action, f"cold in {action.tool_input['city']}")]}).return_values["output"]

    return ask


def inline_agents(session: boto3.Session) -> Callable[[str], str]:
    """LangChain's inline agent; the tool is run here."""
    from langchain_aws.agents import BedrockInlineAgentsRunnable
    from langchain_core.messages import HumanMessage, ToolMessage
    from langchain_core.tools import tool

    @tool("Weather::forecast")
    def forecast(city: str) -> str:
        """The weather in a city."""
        return f"cold in {city}"

    def ask(city: str) -> str:
        config = {
            "foundation_model": "amazon.nova-lite-v1:0",
            "instruction": "You tell people who ask for it what the weather is like.",
            "tools": [forecast],
        }
        agent = BedrockInlineAgentsRunnable(client=session.client("bedrock-agent-runtime"), inline_agent_config=config)
        asked = agent.invoke([HumanMessage(city)])
        (call,) = asked.tool_calls
        told = ToolMessage(forecast.invoke({"city": call["args"]["city"].removeprefix("Human: ")}), tool_call_id=call["id"])
        return agent.invoke([HumanMessage(city), asked, told]).text

    return ask


def retriever(session: boto3.Session) -> Callable[[str], str]:
    """LangChain's retriever, filtered."""
    from langchain_aws.retrievers import AmazonKnowledgeBasesRetriever

    config = {"vectorSearchConfiguration": {"numberOfResults": 2, "filter": {"greaterThan": {"key": "year", "value": 2021}}}}
    client = session.client("bedrock-agent-runtime")
    found = AmazonKnowledgeBasesRetriever(knowledge_base_id=KB, client=client, retrieval_config=config)

    def ask(city: str) -> str:
        return "; ".join(
            f"{document.page_content} {document.metadata['location']['type']} {document.metadata['source_metadata']['country']}"
            for document in found.invoke(f"How is {city}?")
        )

    return ask


def our_agents(session: boto3.Session) -> Callable[[str], str]:
    """Our agent, for comparison, over the same session."""
    agent = BedrockAgent(session, **AGENT)
    return lambda city: agent.run(city, handlers={"forecast": lambda city: f"cold in {city}"}).response.text


def talk(make: Callable[[boto3.Session], Callable[[str], str]]) -> dict[str, Any]:
    """Two questions, two hours apart."""
    world = World()
    with world.bedrock as bedrock:
        os.environ |= bedrock.environ
        bedrock.agent = forecaster
        bedrock.add_knowledge_base(KB, DOCUMENTS)
        ask = make(world.session)
        answers = [ask("Oslo")]
        world.now += 2 * HOUR
        answers.append(ask("Rome"))
        return {
            "answers": answers,
            "issued": world.issued,
            "requests": [[r.operation, r.signed, r.status, r.access_key_id] for r in bedrock.requests],
        }


def by_bedrock_auth(case: Case, session: boto3.Session) -> dict[str, Any]:
    """What our agent makes of a case."""
    calls: list[Any] = []

    def handle(name: str, **arguments: Any) -> Any:
        calls.append([name, arguments])
        return case.answers.get(name, "ok")

    handlers: dict[Any, Any] = {name: partial(handle, name) for name in ("look_up", "count", "close")}
    handlers |= {key: partial(handle, f"{key[2]} {key[1]}") for key in ORDERS}
    run = BedrockAgent(session, **AGENT).run("Go on.", handlers=handlers, confirm=lambda _: case.agrees)
    return {"text": run.response.text, "calls": calls}


def by_langchain(case: Case, session: boto3.Session) -> dict[str, Any]:
    """What LangChain's agent makes of a case, in a loop as its executor runs it."""
    from langchain_aws.agents import BedrockAgentsRunnable

    agent = BedrockAgentsRunnable(client=session.client("bedrock-agent-runtime"), **AGENT)
    calls: list[Any] = []
    said = agent.invoke({"input": "Go on."})
    while isinstance(said, list):
        (action,) = said
        name = action.tool.rpartition("::")[2]
        calls.append([name, action.tool_input])
        said = agent.invoke({"intermediate_steps": [(action, str(case.answers.get(name, "ok")))]})
    return {"text": said.return_values["output"], "calls": calls}


def told(bedrock: LocalBedrock) -> list[str]:
    """What the agent was told of its actions: confirmations and bodies."""
    results = [result for request in bedrock.requests for result in request.action_results]
    said = [
        [result.get("confirmationState"), *(body.get("body") for body in result.get("responseBody", {}).values())]
        for result in results
    ]
    return [one for result in said for one in (result[:1] if result[0] == "DENY" else result) if one is not None]


def outcome(case: Case, play: Callable[[Case, boto3.Session], dict[str, Any]]) -> dict[str, Any]:
    """What came of a case; an error by its class."""
    world = World()
    with world.bedrock as bedrock:
        os.environ |= bedrock.environ
        bedrock.agent = case.turns
        try:
            return {**play(case, world.session), "told": told(bedrock)}
        except Exception as error:  # noqa: BLE001 - whatever a peer raises is what came of it
            return {"error": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    talks = {make.__name__: talk(make) for make in (agents, inline_agents, retriever, our_agents)}
    peers = (by_bedrock_auth, by_langchain)
    cases = {
        name: {"expected": case.expected, **{play.__name__: outcome(case, play) for play in peers}}
        for name, case in CASES.items()
    }
    json.dump({"talks": talks, "cases": cases}, sys.stdout)
