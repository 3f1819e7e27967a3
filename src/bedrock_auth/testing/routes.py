"""Which operation a request is for: the routes of ``bedrock-runtime``, ``bedrock-agent-runtime`` and ``bedrock``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bedrock_auth.testing.verify import HttpRequest


@frozen
class Route:
    """An operation, and what its path names, under AWS's names."""

    operation: str
    names: Mapping[str, str]


_OPERATIONS = {
    "POST /model/{modelId}/converse": "Converse",
    "POST /model/{modelId}/converse-stream": "ConverseStream",
    "POST /model/{modelId}/invoke": "InvokeModel",
    "POST /model/{modelId}/invoke-with-response-stream": "InvokeModelWithResponseStream",
    "POST /model/{modelId}/count-tokens": "CountTokens",
    "POST /guardrail/{guardrailIdentifier}/version/{guardrailVersion}/apply": "ApplyGuardrail",
    "POST /agents/{agentId}/agentAliases/{agentAliasId}/sessions/{sessionId}/text": "InvokeAgent",
    "POST /agents/{sessionId}": "InvokeInlineAgent",
    "POST /knowledgebases/{knowledgeBaseId}/retrieve": "Retrieve",
    "POST /retrieveAndGenerate": "RetrieveAndGenerate",
    "POST /retrieveAndGenerateStream": "RetrieveAndGenerateStream",
    "POST /rerank": "Rerank",
    "GET /foundation-models": "ListFoundationModels",
    "GET /inference-profiles": "ListInferenceProfiles",
    "GET /inference-profiles/{modelId}": "GetInferenceProfile",
}


def _pattern(line: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(line)))


_ROUTES = [(_pattern(line), operation) for line, operation in _OPERATIONS.items()]


def find_route(request: HttpRequest) -> Route | None:
    """The operation that the request is for; ``None`` where no route fits."""
    asked = f"{request.method} {request.target.partition('?')[0]}"
    for pattern, operation in _ROUTES:
        if match := pattern.fullmatch(asked):
            return Route(operation, {name: unquote(value) for name, value in match.groupdict().items()})
    return None
