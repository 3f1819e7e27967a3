"""Write down what happens to the keys: one JSON object a line, and the same through Python's logging.

    python audit_log.py --role-arn arn:aws:iam::123456789012:role/Bedrock >> audit.jsonl

The role is assumed with the keys in the environment. Events hold at most the last four characters of an access key id.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys

import attrs

from bedrock_auth import AssumeRole, Environment, Event, LogListener, create_session, whoami


def write(event: Event) -> None:
    """A listener is anything that can be called with an event. It must be quick: a caller may be waiting."""
    print(json.dumps({"event": type(event).__name__, **attrs.asdict(event)}, default=str), flush=True)


def main() -> int:
    """Fetch the keys once, and have both listeners told."""
    parser = argparse.ArgumentParser(description="Show the audit events of a session.")
    parser.add_argument("--role-arn", required=True)
    role_arn = parser.parse_args().role_arn

    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    session = create_session(AssumeRole(role_arn, source=Environment()), listeners=[write, LogListener()])
    whoami(session)
    return 0


if __name__ == "__main__":
    sys.exit(main())
