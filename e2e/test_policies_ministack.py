"""Policies of `bedrock_auth.iam` where somebody else enforces them."""

from __future__ import annotations

import json

import boto3
import pytest

from bedrock_auth import AssumeRole, DeniedError, Static, create_session, iam
from support.ministack import ACCOUNT, EXTERNAL_ID, REGION

MODEL, OTHER = "amazon.nova-lite-v1:0", "amazon.nova-pro-v1:0"
BODY = json.dumps({"messages": [{"role": "user", "content": [{"text": "Hello"}]}]})


@pytest.fixture(scope="module")
def role_arn(stack):
    """A role with our trust policy, and our policy for one model that is not streamed."""
    aws = boto3.Session("test", "test", region_name=REGION).client("iam", endpoint_url=stack.url)
    trust = iam.trust_principals(f"arn:aws:iam::{ACCOUNT}:user/kit", external_id="acme-7", tags=True)
    role = aws.create_role(RoleName="Least", AssumeRolePolicyDocument=trust.to_json())["Role"]
    policy = iam.invoke_model(MODEL, region_name=REGION, streaming=False)
    aws.put_role_policy(RoleName="Least", PolicyName="one-model", PolicyDocument=policy.to_json())
    return role["Arn"]


def assumed(stack, role_arn, external_id, **settings):
    return AssumeRole(role_arn, source=Static(stack.access_key_id, stack.secret_access_key), external_id=external_id, **settings)


def refused(runtime, call, model_id):
    with pytest.raises(runtime.exceptions.AccessDeniedException):
        call(modelId=model_id, body=BODY)
    return True


def test_one_model_may_be_called_no_other_and_no_stream(stack, role_arn):
    runtime = create_session(assumed(stack, role_arn, "acme-7"), region_name=REGION).client("bedrock-runtime")
    assert runtime.invoke_model(modelId=MODEL, body=BODY)["body"].read()
    assert refused(runtime, runtime.invoke_model, OTHER)
    assert refused(runtime, runtime.invoke_model_with_response_stream, MODEL)


def test_a_wrong_external_id_is_refused(stack, role_arn):
    with pytest.raises(DeniedError):
        assumed(stack, role_arn, "acme-8").retrieve()


def test_a_session_policy_leaves_one_model_of_those_that_the_role_may_call(stack):
    policy = iam.invoke_model(MODEL, region_name=REGION).check_size(iam.SESSION_POLICY_LIMIT).to_api()
    runtime = create_session(assumed(stack, stack.role_arn, EXTERNAL_ID, policy=policy), region_name=REGION).client(
        "bedrock-runtime"
    )
    assert runtime.invoke_model(modelId=MODEL, body=BODY)["body"].read()
    assert refused(runtime, runtime.invoke_model, OTHER)
