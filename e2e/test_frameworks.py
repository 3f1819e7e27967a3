"""Frameworks that know nothing of us take our session and clients, and the session's identity signs, whatever lies around."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def talks(ask_frameworks: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """What each framework said, and who signed its requests."""
    return ask_frameworks("talk_through_frameworks.py", "-W", "error::ResourceWarning")


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
