"""The callers of these tests, and what a call of each looks like at the endpoint."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bedrock_auth.credentials import Credentials
from bedrock_auth.testing import LocalBedrock

PATIENCE = 20.0
"""Seconds after which a test that waits for another thread has failed."""


def keys_of(name: str, number: int = 0) -> Credentials:
    """This caller's temporary keys; with a number, those after so many rotations."""
    key_id = f"ASIA{name.upper()}{number}".ljust(20, "X")
    return Credentials(key_id, f"secret-of-{name}-{number}", f"token-of-{name}-{number}")


ANN, BEN, CAT = keys_of("ann"), keys_of("ben"), keys_of("cat")
NAMES = {keys.access_key_id: name for name, keys in {"ann": ANN, "ben": BEN, "cat": CAT}.items()}


def ask(client: Any, text: str = "Hi") -> str:
    """One call, and what the model answers."""
    answer = client.converse(modelId="m", messages=[{"role": "user", "content": [{"text": text}]}])
    return answer["output"]["message"]["content"][0]["text"]


def signers(bedrock: LocalBedrock) -> list[str]:
    """Who signed each request that was served, in order."""
    return [NAMES.get(request.access_key_id, request.access_key_id) for request in bedrock.requests if request.status == 200]


def in_thread(function: Any, *args: Any) -> Any:
    """What the function returns in a thread of its own; what it raises is raised here."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *args).result(PATIENCE)
