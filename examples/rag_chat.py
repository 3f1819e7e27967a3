"""Ask a knowledge base questions, one a line, and print the answers with their sources while they are being given.

    echo "How long is the warranty?" | python rag_chat.py --knowledge-base-id KB12345678

The keys are those of the environment (AWS_ACCESS_KEY_ID and so on), or wherever else AWS's own tools find them. The region is
AWS_REGION.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial

from bedrock_auth import CredentialError, create_session
from bedrock_auth.bedrock import BedrockError, BedrockRuntime, KnowledgeBase, RagChat, RagSettings, UntrustedInputError

SETTINGS = RagSettings(
    instructions="Answer the user's last question from the documents, in at most three sentences. Do not use anything else.",
    no_hits="There is nothing about that in the documents.",
)


def answer(chat: RagChat, question: str) -> None:
    """Print the answer, and below it what it rests on."""
    with chat.stream(question, max_tokens=500) as stream:
        for text in stream.text_stream:
            print(text, end="", flush=True)
    print()
    response = stream.response
    for number in sorted({number for citation in response.citations for number in citation.numbers}):
        print(f"  [{number}] {response.hits[number - 1].uri}")


def main() -> int:
    """Answer every line; 1 where one could not be answered."""
    parser = argparse.ArgumentParser(description="Ask a knowledge base.")
    parser.add_argument("--knowledge-base-id", required=True)
    parser.add_argument("--model-id", default="us.amazon.nova-lite-v1:0", help="model or inference profile")
    said = parser.parse_args()
    try:
        session = create_session()
        search = partial(KnowledgeBase(session, knowledge_base_id=said.knowledge_base_id).retrieve, top_k=5)
        chat = RagChat(BedrockRuntime(session), search, said.model_id, settings=SETTINGS)
        for line in sys.stdin:
            answer(chat, line.strip())
    except (BedrockError, CredentialError, UntrustedInputError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
