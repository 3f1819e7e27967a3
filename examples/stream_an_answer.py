"""Ask a model with the keys of an IAM role, and print the answer while it is being given.

    python stream_an_answer.py --role-arn arn:aws:iam::123456789012:role/Bedrock "Why is the sky blue?"

The role is assumed with the keys in the environment (AWS_ACCESS_KEY_ID and so on). The region is AWS_REGION.
"""

from __future__ import annotations

import argparse
import sys

from bedrock_auth import AssumeRole, CredentialError, Environment, create_session
from bedrock_auth.bedrock import BedrockError, BedrockRuntime


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description="Stream a model's answer with the keys of an IAM role.")
    parser.add_argument("--role-arn", required=True)
    parser.add_argument("--external-id", help="where the role's trust policy asks for one")
    parser.add_argument("--model-id", default="us.amazon.nova-lite-v1:0", help="model or inference profile")
    parser.add_argument("--max-tokens", type=int, default=500)
    parser.add_argument("question")
    return parser.parse_args()


def main() -> int:
    """Print the answer; 1 where there is none, or only a part of one."""
    said = options()
    session = create_session(AssumeRole(said.role_arn, source=Environment(), external_id=said.external_id))
    try:
        with BedrockRuntime(session).converse_stream(said.model_id, said.question, max_tokens=said.max_tokens) as stream:
            for text in stream.text_stream:
                print(text, end="", flush=True)
            print()
            answer = stream.response
    except CredentialError as error:
        print(f"no keys to sign with: {error}", file=sys.stderr)
        return 1
    except BedrockError as error:
        print(f"\n{error}" + (" (sending it again may help)" if error.retryable else ""), file=sys.stderr)
        return 1
    if answer.usage is not None:
        print(f"{answer.stop_reason}, {answer.usage.output_tokens} tokens", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
