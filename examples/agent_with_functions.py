"""Talk to an agent that returns control, run what it asks for here, and ask the user first where the agent has to.

    python agent_with_functions.py AGENT12345 ALIAS12345 "Move my appointment to Friday"

The agent has an action group "appointments" whose functions return control: find_appointments, and move_appointment, which
needs the user's confirmation. The keys are those of the environment (AWS_ACCESS_KEY_ID and so on), or wherever else AWS's own
tools find them. The region is AWS_REGION.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from typing import Annotated

from bedrock_auth import ConfigurationError, CredentialError, create_session
from bedrock_auth.bedrock import AgentChunk, BedrockAgent, BedrockError, Invocation, InvocationResult, ToolError

APPOINTMENTS = {1: "2026-11-25 dentist", 2: "2026-12-01 garage"}


def find_appointments(*, only_future: bool = True) -> dict[str, str]:
    """The appointments by number."""
    today = date.today().isoformat()  # noqa: DTZ011 - appointments are in local time
    return {str(number): text for number, text in APPOINTMENTS.items() if text > today or not only_future}


def move_appointment(number: int, day: Annotated[str, "YYYY-MM-DD"]) -> str:
    """Move an appointment to another day."""
    if number not in APPOINTMENTS:
        message = f"there is no appointment {number}; call find_appointments first"
        raise ToolError(message)
    what = APPOINTMENTS[number].partition(" ")[2]
    APPOINTMENTS[number] = f"{day} {what}"
    return f"The {what} is on {day} now."


def ask(invocation: Invocation) -> bool:
    """Whether the user agrees."""
    told = ", ".join(f"{name}={value!r}" for name, value in invocation.arguments.items())
    return input(f"{invocation.name}({told})? [y/N] ").strip().lower() == "y"


def main() -> int:
    """Print the agent's answer; 1 where there is none."""
    parser = argparse.ArgumentParser(description="Talk to an agent that returns control.")
    parser.add_argument("agent_id")
    parser.add_argument("agent_alias_id")
    parser.add_argument("question")
    said = parser.parse_args()
    try:
        agent = BedrockAgent(create_session(), agent_id=said.agent_id, agent_alias_id=said.agent_alias_id)
        for event in agent.run(said.question, handlers=[find_appointments, move_appointment], confirm=ask):
            match event:
                case AgentChunk(text=text):
                    print(text, end="", flush=True)
                case InvocationResult(invocation=invocation):
                    state = event.response_state or event.confirmation_state or "done"
                    print(f"[{invocation.name}: {state}]", file=sys.stderr)
    except (BedrockError, ConfigurationError, CredentialError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
