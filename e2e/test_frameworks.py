"""Frameworks that know nothing of us take our session and clients, and the session's identity signs, whatever lies around."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent / "peers" / "talk_through_frameworks.py"
DECOYS = {
    "AWS_ACCESS_KEY_ID": "AKIADECOYDECOYDECOY0",
    "AWS_SECRET_ACCESS_KEY": "decoy",
    "AWS_PROFILE": "no-such-profile",
    "AWS_BEARER_TOKEN_BEDROCK": "bedrock-api-key-decoy",
}


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each framework said, and who signed its requests."""
    python = os.environ.get("FRAMEWORKS_PYTHON")
    assert python, "FRAMEWORKS_PYTHON is not set: run nox -s e2e, which installs the frameworks in an environment of their own"
    home = tmp_path_factory.mktemp("frameworks")
    environ = {"HOME": str(home), "PATH": os.environ["PATH"], "OTEL_SDK_DISABLED": "true", **DECOYS}
    ran = subprocess.run(
        [python, "-W", "error::ResourceWarning", str(SCRIPT)],
        env=environ, cwd=home, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    said: dict[str, Any] = json.loads(ran.stdout)
    return said


@pytest.mark.parametrize(("framework", "looks_up"), [("strands", 0), ("langchain", 1)])
def test_a_framework_streams_a_conversation_with_a_tool_while_the_keys_rotate(talks, framework, looks_up):
    talk = talks[framework]
    assert talk["answers"] == ["It is cold in Oslo.", "It is cold in Rome."]
    first, second = talk["issued"]
    assert talk["requests"] == [
        *[["GetInferenceProfile", "sigv4", 200, first]] * looks_up,
        *[["ConverseStream", "sigv4", 200, first]] * 2,
        *[["ConverseStream", "sigv4", 200, second]] * 2,
    ]
