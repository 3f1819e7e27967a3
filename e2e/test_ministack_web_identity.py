"""Tokens and guests instead of keys, against a stand-in that enforces trust policies, signatures and expiry."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import boto3
import pytest

from bedrock_auth import ConfigurationError, DeniedError, Host, create_session, whoami
from bedrock_auth.bedrock import BedrockRuntime, ServiceError
from bedrock_auth.providers.cognito import CognitoGuest, CognitoIdentity
from bedrock_auth.providers.web_identity import WebIdentity, WebIdentityFromEnvironment
from support.ministack import ACCOUNT, REGION, allow

MODEL = "amazon.nova-lite-v1:0"
ISSUER = "oidc.eks.us-east-1.amazonaws.com/id/E2E"
SUBJECT = "system:serviceaccount:default:bedrock"
LOGIN_PROVIDER = "login.example.com"
ASK = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream", "bedrock:Converse", "bedrock:ConverseStream")


def token(subject: str = SUBJECT, audience: str = "sts.amazonaws.com") -> str:
    """A token as an issuer would sign it; this stand-in looks at its claims only."""
    parts = {"alg": "none"}, {"iss": f"https://{ISSUER}", "sub": subject, "aud": audience, "exp": int(time.time()) + 600}
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), "signature"])


def trust(provider: str, **conditions: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": conditions,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def admin(service: str, url: str) -> Any:
    return boto3.Session("test", "test", region_name=REGION).client(service, endpoint_url=url)


def make_role(url: str, name: str, trusts: str, *actions: str) -> str:
    iam = admin("iam", url)
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusts)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=allow(*actions))
    return arn


@pytest.fixture(scope="module")
def pod_role(ministack_url) -> str:
    right = {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": SUBJECT}
    return make_role(ministack_url, "Pod", trust(f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}", StringEquals=right), *ASK)


@pytest.fixture(scope="module")
def cognito(ministack_url) -> Any:
    return admin("cognito-identity", ministack_url)


@pytest.fixture(scope="module")
def pool(cognito) -> str:
    settings = {"AllowUnauthenticatedIdentities": True, "AllowClassicFlow": True}
    logins = {"SupportedLoginProviders": {LOGIN_PROVIDER: "app"}}
    created: str = cognito.create_identity_pool(IdentityPoolName="e2e", **settings, **logins)["IdentityPoolId"]
    return created


@pytest.fixture(scope="module")
def pool_roles(ministack_url, cognito, pool) -> dict[str, str]:
    """The role of guests and the one of logins."""
    roles = {}
    for kind, actions in {"unauthenticated": ASK, "authenticated": (*ASK, "s3:ListAllMyBuckets")}.items():
        right: dict[str, Any] = {
            "StringEquals": {"cognito-identity.amazonaws.com:aud": pool},
            "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": kind},
        }
        roles[kind] = make_role(ministack_url, f"Pool-{kind}", trust("cognito-identity.amazonaws.com", **right), *actions)
    cognito.set_identity_pool_roles(IdentityPoolId=pool, Roles=roles)
    return roles


@pytest.fixture(scope="module")
def silent_role(ministack_url, pool) -> str:
    right = {"StringEquals": {"cognito-identity.amazonaws.com:aud": pool}}
    return make_role(ministack_url, "Silent", trust("cognito-identity.amazonaws.com", **right), "s3:ListAllMyBuckets")


def answer(provider) -> str:
    return BedrockRuntime(create_session(provider, region_name=REGION)).converse(MODEL, "Hello").text


def arn(provider) -> str:
    return whoami(create_session(provider, region_name=REGION)).arn


# -------------------------------------------------------------------- web identity


def test_a_pods_token_gets_the_roles_keys(pod_role, tmp_path):
    path = tmp_path / "token"
    path.write_text(token())
    provider = WebIdentity(pod_role, token_file=path, session_name="pod")
    assert arn(provider) == f"arn:aws:sts::{ACCOUNT}:assumed-role/Pod/pod"
    assert answer(provider)


def test_the_variables_of_a_pod_are_enough(pod_role, ministack_url, tmp_path):
    (tmp_path / "token").write_text(token())
    variables = {"AWS_ROLE_ARN": pod_role, "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"), "AWS_ROLE_SESSION_NAME": "pod"}
    provider = WebIdentityFromEnvironment(host=Host.isolated({"AWS_ENDPOINT_URL": ministack_url, **variables}))
    assert arn(provider).endswith("assumed-role/Pod/pod")


@pytest.mark.parametrize(
    "wrong",
    [token(subject="system:serviceaccount:default:other"), token(audience="somebody-else"), "not-a-token"],
    ids=["another subject", "another audience", "no token"],
)
def test_a_token_that_the_role_does_not_trust_is_refused(wrong, pod_role):
    with pytest.raises(DeniedError, match="do not fit the token's aud and sub") as refused:
        WebIdentity(pod_role, token=lambda: wrong).retrieve()
    assert refused.value.code == "AccessDenied"
    assert wrong not in str(refused.value)


def test_keys_that_live_two_seconds_are_fetched_with_the_token_of_the_moment(pod_role, ministack_url):
    tokens = []

    def fetch() -> str:
        tokens.append(token())
        return tokens[-1]

    provider = WebIdentity(pod_role, token=fetch, duration=2, host=Host.isolated({"AWS_ENDPOINT_URL": ministack_url}))
    runtime = BedrockRuntime(create_session(provider, region_name=REGION))
    for _ in range(40):
        assert runtime.converse(MODEL, "Hello").stop_reason == "end_turn"
        time.sleep(0.1)
    assert 2 <= len(tokens) <= 15, "a token per set, not per call"


# -------------------------------------------------------------------- Cognito


def test_a_guest_of_the_classic_flow_may_ask_a_model(pool, pool_roles):
    provider = CognitoGuest(pool, flow="classic", role_arn=pool_roles["unauthenticated"])
    assert "assumed-role/Pool-unauthenticated/" in arn(provider)
    assert answer(provider)


def test_a_guest_of_the_enhanced_flow_signs_as_the_pools_role(pool, pool_roles):
    """AWS would refuse it Bedrock; this stand-in has no such session policy, so only the principal is looked at."""
    provider = CognitoGuest(pool)
    assert arn(provider).endswith("assumed-role/Pool-unauthenticated/CognitoIdentityCredentials")
    assert provider.denied_hint


def test_a_login_takes_the_role_of_logins_in_both_flows(pool, pool_roles):
    logins = {LOGIN_PROVIDER: lambda: "the-token-of-alice"}
    assert "/Pool-authenticated/" in arn(CognitoIdentity(pool, logins=logins))
    classic = CognitoIdentity(pool, logins=logins, flow="classic", role_arn=pool_roles["authenticated"])
    assert "/Pool-authenticated/" in arn(classic)
    assert answer(classic)


def test_a_guest_cannot_take_the_role_of_logins(pool, pool_roles):
    with pytest.raises(DeniedError, match="the trust policy of role_arn must allow"):
        CognitoGuest(pool, flow="classic", role_arn=pool_roles["authenticated"]).retrieve()


def test_a_guest_whose_role_may_not_ask_a_model_is_refused_by_it(pool, silent_role):
    with pytest.raises(ServiceError) as refused:
        answer(CognitoGuest(pool, flow="classic", role_arn=silent_role))
    assert refused.value.code == "AccessDeniedException"


def test_a_login_that_the_pool_does_not_know_is_refused(pool, pool_roles):
    with pytest.raises(DeniedError, match="check that the login tokens are current"):
        CognitoIdentity(pool, logins={"accounts.google.com": "a.b.c"}).retrieve()


def test_fetches_of_a_guest_leave_one_identity(cognito, pool, pool_roles, ministack_url):
    def known() -> set[str]:
        return {each["IdentityId"] for each in cognito.list_identities(IdentityPoolId=pool, MaxResults=60)["Identities"]}

    before, host = known(), Host.isolated({"AWS_ENDPOINT_URL": ministack_url})
    for settings in ({}, {"flow": "classic", "role_arn": pool_roles["unauthenticated"]}):
        for _ in range(3):
            CognitoGuest(pool, host=host, **settings).retrieve()
    assert len(known() - before) == 1


def test_a_pool_that_does_not_exist_is_misconfigured(ministack_url):
    with pytest.raises(ConfigurationError, match="there is no such pool in the region") as caught:
        CognitoGuest(f"{REGION}:01234567-89ab-cdef-0123-456789abcdef").retrieve()
    assert caught.value.code == "ResourceNotFoundException"
