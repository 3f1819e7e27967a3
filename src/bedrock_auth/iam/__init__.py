"""Least-privilege policy documents for Amazon Bedrock, and a linter for wrong ones.

Builders return a `Policy`; ``str(policy)`` is what IAM takes. Nothing is asked of AWS unless a client is given. Sources: AWS
Service Authorization Reference, "Amazon Bedrock"; Amazon Bedrock User Guide, "Identity-based policy examples"; IAM User Guide,
"IAM JSON policy reference".
"""

from __future__ import annotations

from bedrock_auth.iam.findings import Finding
from bedrock_auth.iam.function_urls import invoke_function_url
from bedrock_auth.iam.grants import (
    apply_guardrail,
    assume_role,
    call_with_bearer_token,
    count_tokens,
    invoke_agent,
    invoke_inline_agent,
    list_models,
    require_guardrail,
    rerank,
    retrieve,
    retrieve_and_generate,
)
from bedrock_auth.iam.invoke import invoke_model
from bedrock_auth.iam.lint import lint
from bedrock_auth.iam.trust import (
    trust_cognito_guests,
    trust_cognito_users,
    trust_oidc,
    trust_principals,
    trust_service,
    trust_service_account,
)
from bedrock_auth.iam.values import MANAGED_POLICY_LIMIT, SESSION_POLICY_LIMIT, Policy, Statement

__all__ = [
    "MANAGED_POLICY_LIMIT",
    "SESSION_POLICY_LIMIT",
    "Finding",
    "Policy",
    "Statement",
    "apply_guardrail",
    "assume_role",
    "call_with_bearer_token",
    "count_tokens",
    "invoke_agent",
    "invoke_function_url",
    "invoke_inline_agent",
    "invoke_model",
    "lint",
    "list_models",
    "require_guardrail",
    "rerank",
    "retrieve",
    "retrieve_and_generate",
    "trust_cognito_guests",
    "trust_cognito_users",
    "trust_oidc",
    "trust_principals",
    "trust_service",
    "trust_service_account",
]
