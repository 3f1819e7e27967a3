"""The exact JSON of each trust policy."""

from __future__ import annotations

import json

import pytest

from bedrock_auth import ConfigurationError, iam

ACCOUNT = "123456789012"
POOL = "00000000-1111-2222-3333-444444444444"
GITHUB = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"


def only_statement(policy):
    assert iam.lint(policy) == []
    (statement,) = json.loads(policy.to_json())["Statement"]
    return {name: part for name, part in statement.items() if name != "Sid"}


@pytest.mark.parametrize(
    ("region", "issuer"),
    [
        ("eu-west-1", "cognito-identity.amazonaws.com"),
        ("us-gov-west-1", "cognito-identity-us-gov.amazonaws.com"),
        ("us-gov-east-1", "cognito-identity.us-gov-east-1.amazonaws.com"),
        ("cn-north-1", "cognito-identity.cn-north-1.amazonaws.com.cn"),
        ("eusc-de-east-1", "cognito-identity.amazonaws.com"),
    ],
)
def test_cognito_guests_come_from_their_pool_and_have_not_logged_in(region, issuer):
    assert only_statement(iam.trust_cognito_guests(f"{region}:{POOL}")) == {
        "Effect": "Allow",
        "Principal": {"Federated": issuer},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {f"{issuer}:aud": f"{region}:{POOL}"},
            "ForAnyValue:StringLike": {f"{issuer}:amr": "unauthenticated"},
        },
    }


def test_cognito_users_have_logged_in():
    condition = only_statement(iam.trust_cognito_users(f"eu-west-1:{POOL}"))["Condition"]
    assert condition["ForAnyValue:StringLike"] == {"cognito-identity.amazonaws.com:amr": "authenticated"}


def test_oidc_tokens_have_an_audience_and_a_subject():
    exact = only_statement(iam.trust_oidc(GITHUB, audience="sts.amazonaws.com", subject="repo:octo/app:ref:refs/heads/main"))
    assert exact == {
        "Effect": "Allow",
        "Principal": {"Federated": GITHUB},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": "repo:octo/app:ref:refs/heads/main",
            }
        },
    }
    some = only_statement(iam.trust_oidc(GITHUB, audience="sts.amazonaws.com", subject="repo:octo/app:*"))["Condition"]
    assert some["StringLike"] == {"token.actions.githubusercontent.com:sub": "repo:octo/app:*"}


@pytest.mark.parametrize("settings", [{"audience": "", "subject": "me"}, {"audience": "sts.amazonaws.com", "subject": "*"}])
def test_oidc_tokens_of_everybody_are_refused(settings):
    with pytest.raises(ConfigurationError, match="every token of token.actions.githubusercontent.com"):
        iam.trust_oidc(GITHUB, **settings)


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn", "aws-eusc"])
def test_a_service_account_of_kubernetes_is_the_subject(partition):
    issuer = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E"
    arn = f"arn:{partition}:iam::{ACCOUNT}:oidc-provider/{issuer}"
    made = only_statement(iam.trust_service_account(arn, namespace="team", service_account="bedrock-reader"))
    assert made["Principal"] == {"Federated": arn}
    assert made["Condition"] == {
        "StringEquals": {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": "system:serviceaccount:team:bedrock-reader"}
    }
    with pytest.raises(ConfigurationError, match="service_account 'any\\*'"):
        iam.trust_service_account(arn, namespace="team", service_account="any*")


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn", "aws-eusc"])
def test_principals_may_be_asked_for_an_external_id_and_mfa(partition):
    arn = f"arn:{partition}:iam::{ACCOUNT}:root"
    assert only_statement(iam.trust_principals(arn)) == {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}
    both = [arn, f"arn:{partition}:iam::{ACCOUNT}:role/B"]
    assert only_statement(iam.trust_principals(both, external_id="acme-7", mfa=True, tags=True)) == {
        "Effect": "Allow",
        "Principal": {"AWS": both},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": {"sts:ExternalId": "acme-7"}, "Bool": {"aws:MultiFactorAuthPresent": "true"}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("service", "region", "name", "actions"),
    [
        ("ec2", "us-east-1", "ec2.amazonaws.com", "sts:AssumeRole"),
        ("ec2", "cn-north-1", "ec2.amazonaws.com.cn", "sts:AssumeRole"),
        ("ecs-tasks", "us-gov-west-1", "ecs-tasks.amazonaws.com", "sts:AssumeRole"),
        ("lambda", "cn-north-1", "lambda.amazonaws.com", "sts:AssumeRole"),
        ("eks-pods", "eu-west-1", "pods.eks.amazonaws.com", ["sts:AssumeRole", "sts:TagSession"]),
        ("bedrock", "eusc-de-east-1", "bedrock.amazonaws.com", "sts:AssumeRole"),
    ],
)
def test_services_have_their_principals(service, region, name, actions):
    expected = {"Effect": "Allow", "Principal": {"Service": name}, "Action": actions}
    assert only_statement(iam.trust_service(service, region_name=region)) == expected


def test_a_service_may_be_trusted_for_one_account_only():
    made = only_statement(iam.trust_service("ecs-tasks", region_name="eu-west-1", account_id=ACCOUNT))
    assert made["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: iam.trust_cognito_guests(POOL), "identity_pool_id"),
        (lambda: iam.trust_cognito_guests(f"eu-west-9:{POOL}"), "'eu-west-9' is no AWS region"),
        (lambda: iam.trust_oidc("https://issuer", audience="a", subject="s"), "provider_arn"),
        (lambda: iam.trust_principals("*"), "principal_arn"),
        (lambda: iam.trust_principals(f"arn:aws:iam::{ACCOUNT}:root", external_id="a b"), "external_id"),
        (lambda: iam.trust_service("s3", region_name="eu-west-1"), "service is one of ec2"),
        (lambda: iam.trust_service("ec2", region_name="eu-west-1", account_id=ACCOUNT), "ec2 does not say"),
    ],
)
def test_whoever_is_nobody_is_refused_by_name(make, words):
    with pytest.raises(ConfigurationError, match=words):
        make()
