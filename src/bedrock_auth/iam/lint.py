"""`lint`: what is wrong with a policy document.

It knows Amazon Bedrock, and what calling it from elsewhere takes: trust policies and function URLs. Of statements about other
services it checks the form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve

from bedrock_auth.bedrock.model_ref import ModelRef
from bedrock_auth.iam import lint_actions, lint_conditions, lint_form, lint_model, lint_resources, lint_trust, lint_whole
from bedrock_auth.iam.document import Document, views_of
from bedrock_auth.iam.findings import Finding
from bedrock_auth.iam.values import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_RULES = (lint_actions.of_statement, lint_resources.of_statement, lint_conditions.of_statement, lint_trust.of_statement)


def lint(policy: Policy | Mapping[str, Any] | str, *, model_id: str | None = None) -> list[Finding]:
    """What is wrong with a policy, in the order of the document; nothing for a good one.

    Args:
        policy: a `Policy`, a dict, or JSON, whose findings have line numbers.
        model_id: what will be called with it: id or ARN of a model or an inference profile, which it must allow then.

    Raises:
        ConfigurationError: ``model_id`` is neither id nor ARN.
    """
    wanted = None if model_id is None else ModelRef.parse(model_id)
    try:
        document = _document(policy)
    except (ValueError, RecursionError) as error:
        return [_unreadable(error)]
    found = [evolve(finding, line=document.line(finding.path)) for finding in _findings(document, wanted)]
    return sorted(found, key=lambda finding: -1 if finding.statement is None else finding.statement)


def _document(policy: Policy | Mapping[str, Any] | str) -> Document:
    if isinstance(policy, str):
        return Document.read(policy)
    raw = policy.to_api() if isinstance(policy, Policy) else policy
    return Document(raw, views_of(raw))


def _findings(document: Document, wanted: ModelRef | None) -> Iterator[Finding]:
    yield from lint_form.of_document(document)
    for view in document.views:
        for rule in _RULES:
            yield from rule(view)
    yield from lint_whole.of_document(document)
    if wanted:
        yield from lint_model.of_document(document, wanted)


def _unreadable(error: ValueError | RecursionError) -> Finding:
    what = getattr(error, "msg", None) or (str(error) if isinstance(error, ValueError) else "it is nested too deep")
    why, fix = "IAM takes JSON only, without comments and without commas at the end", "correct the JSON"
    return Finding("error", "no-json", "$", what, why, fix, line=getattr(error, "lineno", None))
