"""Two turns with a tool through each framework, streamed, with keys that expire in between; prints what happened as JSON.

Runs in the frameworks' own environment. The endpoint verifies every signature and says who signed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bedrock_auth import Credentials, FromCallable, Host, Refresher, create_session
from bedrock_auth.testing import LocalBedrock, inference_profile, tool_use

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3

    from bedrock_auth.testing import ReceivedRequest

MODEL_ID = "us.amazon.nova-lite-v1:0"
PROFILE = inference_profile(
    "us.amazon.nova-lite-v1:0",
    inferenceProfileArn="arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdefghijkl",
    type="APPLICATION",
)
HOUR = 3600


class World:
    """An endpoint, a clock for it and for the keys, and a source whose keys live for an hour."""

    def __init__(self) -> None:
        self.now = time.time()
        self.issued: list[str] = []
        self.bedrock = LocalBedrock(clock=lambda: self.now)
        self.bedrock.model = forecaster
        self.bedrock.inference_profiles = [PROFILE]
        host = Host.isolated(clock=lambda: self.now)
        source = Refresher(FromCallable(self.issue, name="rotating", host=host), host=host)
        self.session = create_session(source, region_name="us-east-1")

    def issue(self) -> Credentials:
        """A new set of keys, which the endpoint knows from now on."""
        number = len(self.issued)
        expiration = datetime.fromtimestamp(self.now + HOUR, UTC)
        keys = Credentials(f"ASIAROTATINGKEYS{number:04d}", f"secret-{number}", f"token-{number}", expiration)
        self.bedrock.add_key(keys)
        self.issued.append(keys.access_key_id)
        return keys


def forecaster(request: ReceivedRequest) -> Any:
    """Ask for the weather, then tell it."""
    if request.tool_results:
        (result,) = request.tool_results
        return f"It is {result['content'][0]['text']}."
    return tool_use("weather", {"city": request.text})


def strands(session: boto3.Session) -> Callable[[str], str]:
    """An agent that runs the tool itself."""
    from strands import Agent, tool
    from strands.models import BedrockModel

    @tool
    def weather(city: str) -> str:
        """The weather in a city."""
        return f"cold in {city}"

    agent = Agent(BedrockModel(boto_session=session, model_id=MODEL_ID, streaming=True), tools=[weather], callback_handler=None)
    return lambda city: str(agent(city)).strip()


def langchain(session: boto3.Session) -> Callable[[str], str]:
    """A chat model with our clients, which looks its profile up by itself; the tool is run here."""
    from langchain_aws import ChatBedrockConverse
    from langchain_core.messages import HumanMessage, ToolMessage
    from langchain_core.tools import tool

    @tool
    def weather(city: str) -> str:
        """The weather in a city."""
        return f"cold in {city}"

    clients = {"client": session.client("bedrock-runtime"), "bedrock_client": session.client("bedrock")}
    model = ChatBedrockConverse(
        model=PROFILE["inferenceProfileArn"], provider="amazon", region_name="us-east-1", **clients
    ).bind_tools([weather])

    def streamed(messages: list[Any]) -> Any:
        first, *rest = model.stream(messages)
        return sum(rest, first)

    def ask(city: str) -> str:
        asked = streamed([HumanMessage(city)])
        (call,) = asked.tool_calls
        result = ToolMessage(weather.invoke(call["args"]), tool_call_id=call["id"])
        return streamed([HumanMessage(city), asked, result]).text

    return ask


def talk(framework: Callable[[boto3.Session], Callable[[str], str]]) -> dict[str, Any]:
    """Two turns, two hours apart."""
    world = World()
    with world.bedrock as bedrock:
        os.environ |= bedrock.environ
        ask = framework(world.session)
        answers = [ask("Oslo")]
        world.now += 2 * HOUR
        answers.append(ask("Rome"))
        return {
            "answers": answers,
            "issued": world.issued,
            "requests": [[r.operation, r.signed, r.status, r.access_key_id] for r in bedrock.requests],
        }


if __name__ == "__main__":
    json.dump({framework.__name__: talk(framework) for framework in (strands, langchain)}, sys.stdout)
