"""API keys, policies and function URLs as users write them. Checked by mypy --strict, never run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import httpx

from bedrock_auth import ApiKey, BearerToken, Environment, Refresher, bearer_token, create_session
from bedrock_auth.function_url import FunctionUrlClient, FunctionUrlDeniedError, ServerSentEvent
from bedrock_auth.iam import Finding, Policy, invoke_model, lint, trust_oidc
from bedrock_auth.integrations.httpx import SigV4Auth

if TYPE_CHECKING:
    from datetime import datetime

token: BearerToken = bearer_token(Environment(), region_name="us-east-1")
text: str = token()
key: ApiKey = token.key()
until: datetime = token.expiration
session: boto3.Session = create_session(Environment(), auth="bearer")

policy: Policy = invoke_model(
    "us.amazon.nova-lite-v1:0", region_name="us-east-1", account_id="123456789012", destinations=["us-west-2"]
)
found: list[Finding] = lint(policy, model_id="us.amazon.nova-lite-v1:0")
document: dict[str, object] = policy.to_api()

client = FunctionUrlClient("https://abc.lambda-url.us-east-1.on.aws", session)


def ask(question: str) -> list[str]:
    """Read an answer while it is being written."""
    try:
        with client.stream("POST", "/chat", json={"question": question}) as answer:
            return list(answer.iter_text())
    except FunctionUrlDeniedError as error:
        return [str(error.status), error.code]


async def ask_async(source: Refresher) -> int:
    """Ask with httpx."""
    async with httpx.AsyncClient(auth=SigV4Auth(source, region_name="us-east-1")) as browser:
        return (await browser.get("https://abc.lambda-url.us-east-1.on.aws")).status_code


def data(events: list[ServerSentEvent]) -> str:
    """Join what events carry."""
    return "".join(event.data for event in events)


print(text, key, until, document, found, trust_oidc)
