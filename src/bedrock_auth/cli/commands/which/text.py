"""What ``bedrock-auth which`` says to people: a few lines from the report that programs get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def lines_of(report: dict[str, Any]) -> list[str]:
    """The report in words."""
    return [*_credentials(report), *_surroundings(report), *_elsewhere(report), *_problems(report)]


def _credentials(report: dict[str, Any]) -> Iterator[str]:
    if report["provider"] is not None:
        yield f"credentials: {report['method']}"
        yield from _node(report["provider"], "  ")
    for lost in report["unused"]:
        yield f"not used: {lost['what']}: {lost['why']}"


def _node(node: dict[str, Any], indent: str) -> Iterator[str]:
    state = ": ".join(filter(None, [node.get("state", ""), node.get("why", "")]))
    yield f"{indent}{node['name']}{state and f' ({state})'}"
    if "problem" in node:
        yield f"{indent}  {node['problem']}"
    for step in node.get("plan", ()):
        yield f"{indent}  profile {step['profile']}: {step['says']}"
    for inner in (*node.get("sources", ()), *node.get("settings", {}).values()):
        if isinstance(inner, dict):
            yield from _node(inner, indent + "  ")


def _surroundings(report: dict[str, Any]) -> Iterator[str]:
    region = report["region"]
    yield "region: none" if region is None else f"region: {region['name']} (from {region['from']})"
    for endpoint in report["endpoints"]:
        yield f"endpoint: {endpoint['service'] or 'every service'} goes to {endpoint['url']} ({endpoint['origin']})"
    for variable in report["environment"]:
        yield f"variable: {variable['name']}={variable['value']} ({variable['decides']})"
    for file in report["files"]:
        yield f"file: {file['path']}: {_mode(file)} ({file['what']})"


def _mode(file: dict[str, Any]) -> str:
    return f"mode {file['mode']}" if file["exists"] else "not there"


def _elsewhere(report: dict[str, Any]) -> Iterator[str]:
    for other in report["elsewhere"]:
        if not other["same"]:
            yield f"without this library: {other['who']}: {other['uses']}: {other['why']}"


def _problems(report: dict[str, Any]) -> Iterator[str]:
    for warning in report["warnings"]:
        yield f"warning: {warning}"
    if report["problem"] is not None:
        yield f"problem: {report['problem']}"
