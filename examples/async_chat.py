"""Answer several questions at the same time, and give up on what takes too long.

    python async_chat.py --profile work "Why is the sky blue?" "Why is snow white?"

The keys are those of the profile, else AWS's own order of sources. The region is AWS_REGION or the profile's.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from bedrock_auth import CredentialError, Default, Profile, create_session
from bedrock_auth.bedrock import BedrockError, BedrockRuntime


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description="Ask a model several questions at the same time.")
    parser.add_argument("--profile", help="name in ~/.aws/config")
    parser.add_argument("--model-id", default="us.amazon.nova-lite-v1:0", help="model or inference profile")
    parser.add_argument("--timeout", type=float, default=60, help="seconds for each answer")
    parser.add_argument("questions", nargs="+")
    return parser.parse_args()


async def answer(runtime: BedrockRuntime, said: argparse.Namespace, question: str) -> bool:
    """Print the answer as soon as it is whole; whether it is."""
    pieces: list[str] = []
    try:
        async with asyncio.timeout(said.timeout), runtime.aconverse_stream(said.model_id, question) as stream:
            async for text in stream.text_stream:
                pieces.append(text)  # noqa: PERF401 - what has come is shown even if the rest does not
    except TimeoutError:
        print(f"{question}\n{''.join(pieces)} … (not finished after {said.timeout:g} seconds)\n")
    except (BedrockError, CredentialError) as error:
        print(f"{question}\n{''.join(pieces)} … ({error})\n")
    else:
        print(f"{question}\n{''.join(pieces)}\n")
        return True
    return False


async def main() -> int:
    """Ask all questions at once; 1 where any is left without a whole answer."""
    said = options()
    session = create_session(Profile(said.profile) if said.profile else Default())
    runtime = BedrockRuntime(session)
    return 0 if all(await asyncio.gather(*(answer(runtime, said, question) for question in said.questions))) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
