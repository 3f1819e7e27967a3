"""What others say of our policies and of our tables: cfn-lint, with its own copy of AWS's authorization reference."""

from __future__ import annotations

import json

import pytest
from cfnlint.api import ManualArgs, lint as cfn_lint
from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import load_resource

from bedrock_auth import iam
from bedrock_auth.iam import catalogue

pytestmark = pytest.mark.slow  # cfn-lint takes seconds to load
ACCOUNT = "123456789012"
PLACES = {"aws": "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1", "aws-eusc": "eusc-de-east-1"}
POOL = "00000000-1111-2222-3333-444444444444"
BEDROCK = load_resource(AdditionalSpecs, "Policies.json")["bedrock"]


def identity_policies(partition, region):
    here = {"region_name": region, "account_id": ACCOUNT}
    arn = f"arn:{partition}:bedrock:{region}:{ACCOUNT}"
    model = f"arn:{partition}:bedrock:{region}::foundation-model/amazon.nova-lite-v1:0"
    return {
        "model": iam.invoke_model("amazon.nova-lite-v1:0", guardrail="abc", **here),
        "geographic": iam.invoke_model("us.amazon.nova-lite-v1:0", destinations=[region], guardrail="abc:1", **here),
        "global": iam.invoke_model("global.amazon.nova-2-lite-v1:0", streaming=False, **here),
        "application": iam.invoke_model(f"{arn}:application-inference-profile/a1b2c3d4e5f6", destinations=[model]),
        "provisioned": iam.invoke_model(f"{arn}:provisioned-model/a1b2c3d4e5f6"),
        "family": iam.invoke_model("us.anthropic.*", destinations=[region], **here),
        "require": iam.require_guardrail("abc", **here),
        "agent": iam.invoke_agent("AGENT12345", "ALIAS12345", **here),
        "inline": iam.invoke_inline_agent("amazon.nova-lite-v1:0", agent_name="me", **here),
        "generate": iam.retrieve_and_generate("KB12345678", "us.amazon.nova-lite-v1:0", destinations=[region], **here),
        "rerank": iam.rerank("amazon.rerank-v1:0", region_name=region),
        "list": iam.list_models(),
        "count": iam.count_tokens("amazon.nova-lite-v1:0", region_name=region),
        "bearer": iam.call_with_bearer_token(),
        "url": iam.invoke_function_url(f"arn:{partition}:lambda:{region}:{ACCOUNT}:function:f"),
        "role": iam.assume_role(f"arn:{partition}:iam::{ACCOUNT}:role/R", tags=True),
    }


def trust_policies(partition, region):
    issuer = f"arn:{partition}:iam::{ACCOUNT}:oidc-provider/oidc.eks.{region}.amazonaws.com/id/ABC"
    return {
        "principal": iam.trust_principals(f"arn:{partition}:iam::{ACCOUNT}:root", external_id="acme", mfa=True, tags=True),
        "guests": iam.trust_cognito_guests(f"{region}:{POOL}"),
        "users": iam.trust_cognito_users(f"{region}:{POOL}"),
        "pods": iam.trust_service_account(issuer, namespace="n", service_account="s"),
        "ec2": iam.trust_service("ec2", region_name=region),
        "ecs": iam.trust_service("ecs-tasks", region_name=region, account_id=ACCOUNT),
    }


def complaints(resources, region="us-east-1"):
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}
    return [(match.rule.id, match.message) for match in cfn_lint(json.dumps(template), config=ManualArgs(regions=[region]))]


def managed(name, document):
    return {name.title(): {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}}


def role(name, document):
    return {name.title(): {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document}}}


@pytest.mark.parametrize("partition", PLACES)
def test_cfn_lint_has_nothing_against_the_builders(partition):
    resources = {}
    for name, policy in identity_policies(partition, PLACES[partition]).items():
        assert [finding for finding in iam.lint(policy) if finding.severity != "note"] == []
        resources |= managed(name, policy.to_api())
    for name, policy in trust_policies(partition, PLACES[partition]).items():
        assert iam.lint(policy) == []
        if partition != "aws-eusc" or name != "principal":  # cfn-lint knows no principals of that partition
            resources |= role(f"trust{name}", policy.to_api())
    assert complaints(resources) == []


def test_cfn_lint_would_say_so():
    document = iam.list_models().to_api()
    document["Statement"][0]["Action"] = "bedrock:Converse"
    assert [rule for rule, _ in complaints(managed("wrong", document))] == ["W3037"]
    document["Statement"][0] |= {"Action": "bedrock:InvokeModel", "Effect": "allow"}
    assert [rule for rule, _ in complaints(managed("wrong", document))] == ["E3510"]


def test_the_actions_are_those_of_the_authorization_reference():
    """botocore's operations beyond that are newer than the reference, or are left alone."""
    reference = set(BEDROCK["Actions"])
    assert not set(catalogue.NO_ACTIONS) & reference
    assert reference - set(catalogue.actions()) == set()
    assert set(catalogue.actions()) - reference == {
        "createvpcconfiguration", "deletevpcconfiguration", "getvpcconfiguration", "listvpcconfigurations",
        "invokemodelwithbidirectionalstream",
    }  # fmt: skip


def test_the_kinds_of_resources_are_those_of_the_authorization_reference():
    arns = [kind["ARNFormats"][0].rpartition(":")[2] for kind in BEDROCK["Resources"].values()]
    assert {arn.partition("/")[0] for arn in arns if "/" in arn} == catalogue.ALL_KINDS
    for name, kinds in catalogue.KINDS.items():
        if name.lower() in BEDROCK["Actions"]:
            known = BEDROCK["Actions"][name.lower()].get("Resources", [])
            told = {BEDROCK["Resources"][kind]["ARNFormats"][0].rpartition(":")[2].partition("/")[0] for kind in known}
            assert kinds - {"async-invoke", "project"} <= told, name
    for name in catalogue.WITHOUT_RESOURCES:
        assert not BEDROCK["Actions"][name.lower()].get("Resources"), name
