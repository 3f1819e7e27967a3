"""Let a model use functions, and print the answer and what was called while it is being given.

    python tools.py "How many days are left until the next leap day, and what is 17 % of that?"

The keys are those of the environment (AWS_ACCESS_KEY_ID and so on), or wherever else AWS's own tools find them. The region is
AWS_REGION.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, date, datetime
from typing import Annotated, Literal

from bedrock_auth import CredentialError, create_session
from bedrock_auth.bedrock import BedrockError, BedrockRuntime, Conversation, TextDelta, ToolError, ToolResultBlock


def today() -> str:
    """The date of today, as YYYY-MM-DD."""
    return datetime.now(UTC).date().isoformat()


def days_between(start: Annotated[str, "YYYY-MM-DD"], end: Annotated[str, "YYYY-MM-DD"]) -> int:
    """How many days there are from one date to another."""
    try:
        return (date.fromisoformat(end) - date.fromisoformat(start)).days
    except ValueError as error:
        message = f"{error}; write dates as YYYY-MM-DD"
        raise ToolError(message) from error


def calculate(operation: Literal["add", "subtract", "multiply", "divide"], a: float, b: float) -> float:
    """Calculate with two numbers."""
    if operation == "divide" and b == 0:
        message = "there is nothing to divide by"
        raise ToolError(message)
    operations = {"add": a + b, "subtract": a - b, "multiply": a * b, "divide": a / (b or 1)}
    return operations[operation]


def main() -> int:
    """Print the answer; 1 where there is none."""
    parser = argparse.ArgumentParser(description="Let a model use functions.")
    parser.add_argument("--model-id", default="us.amazon.nova-lite-v1:0", help="model or inference profile")
    parser.add_argument("question")
    said = parser.parse_args()
    try:
        runtime = BedrockRuntime(create_session())
        for event in Conversation().run(runtime, said.model_id, said.question, tools=[today, days_between, calculate]):
            match event:
                case TextDelta(text=text):
                    print(text, end="", flush=True)
                case ToolResultBlock(content=content, status=status):
                    print(f"[{status or 'success'}: {' '.join(str(part.to_api()) for part in content)}]", file=sys.stderr)
    except (BedrockError, CredentialError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
