"""LangChain's agents and retriever take our clients, and everything that agents return control for is handled by ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def said(ask_frameworks: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """What came of each talk and of each case."""
    return ask_frameworks("ask_agents_and_knowledge_bases.py")


@pytest.mark.parametrize(
    ("framework", "operation", "calls"),
    [("agents", "InvokeAgent", 2), ("inline_agents", "InvokeInlineAgent", 2), ("our_agents", "InvokeAgent", 2)],
)
def test_an_agent_runs_a_function_through_each_framework_while_the_keys_rotate(said, framework, operation, calls):
    talk = said["talks"][framework]
    first, second = talk["issued"]
    assert talk["answers"] == ["It is cold in Oslo.", "It is cold in Rome."]
    assert talk["requests"] == [[operation, "sigv4", 200, key] for key in (first, second) for _ in range(calls)]


def test_a_retriever_finds_filtered_documents_while_the_keys_rotate(said):
    talk = said["talks"]["retriever"]
    assert talk["answers"] == ["Oslo is cold in winter. S3 Norway", "Winter in Rome is warm. WEB Italy"]
    assert talk["requests"] == [["Retrieve", "sigv4", 200, key] for key in talk["issued"]]
    assert len(talk["issued"]) == 2


def test_whatever_an_agent_returns_control_for_is_handled(said):
    cases = said["cases"]
    assert len(cases) > 10
    assert {name: case["by_bedrock_auth"] for name, case in cases.items()} == {
        name: case["expected"] for name, case in cases.items()
    }


def test_the_comparison_is_fair(said):
    """LangChain handles what it is made for, so where it does not, that is not for the way in which it is asked."""
    case = said["cases"]["one function"]
    assert case["by_langchain"] == case["expected"]
