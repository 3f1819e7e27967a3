"""Trust policies: who may assume a role.

Sources: IAM User Guide, "Create a role for OpenID Connect federation" and "Access to AWS accounts owned by third parties"; Amazon
Cognito Developer Guide, "IAM roles", and the AWS GovCloud (US) and China guides for its names there; Amazon EKS User Guide, "IAM
roles for service accounts" and "EKS Pod Identity".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_auth.errors import ConfigurationError
from bedrock_auth.iam.arns import checked_account, checked_arn, checked_id, partition_of
from bedrock_auth.iam.values import Policy, Statement, equals, texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bedrock_auth.iam.values import Condition, Principal

_WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"
_PRINCIPAL = r"root|(user|role)/[\w+=,.@/-]+"
_POOL = r"[a-z0-9-]+:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_COGNITO = {
    "us-gov-west-1": "cognito-identity-us-gov.amazonaws.com",
    "us-gov-east-1": "cognito-identity.us-gov-east-1.amazonaws.com",
    "cn-north-1": "cognito-identity.cn-north-1.amazonaws.com.cn",
}
"""Regions in which Cognito has a name of its own."""
_SERVICES = {
    "ec2": "ec2.amazonaws.com",
    "ecs-tasks": "ecs-tasks.amazonaws.com",
    "lambda": "lambda.amazonaws.com",
    "bedrock": "bedrock.amazonaws.com",
    "eks-pods": "pods.eks.amazonaws.com",
}
_SERVICES_IN_CHINA = {"ec2": "ec2.amazonaws.com.cn"}


def _trusting(sid: str, principal: Principal, actions: str | tuple[str, ...], conditions: Iterable[Condition] = ()) -> Policy:
    return Policy((Statement(sid, actions, (), tuple(conditions), principals=(principal,)),))


def trust_principals(
    principal_arn: str | Iterable[str], *, external_id: str | None = None, mfa: bool = False, tags: bool = False
) -> Policy:
    """Roles, users or accounts may assume this role.

    Args:
        principal_arn: one or several ARNs of roles or users, or of an account (``…:root``).
        external_id: that they must give; always set one for somebody else's account.
        mfa: whether they must have shown an MFA device.
        tags: whether they may set session tags.

    Raises:
        ConfigurationError: an ARN or the external id is none.
    """
    arns = texts(principal_arn)
    for arn in arns:
        checked_arn("principal_arn", arn, "iam", _PRINCIPAL)
    conditions: list[Condition] = []
    if external_id is not None:
        conditions.append(("StringEquals", "sts:ExternalId", (checked_id("external_id", external_id, r"[\w+=,.@:\/-]{2,1224}"),)))
    if mfa:
        conditions.append(("Bool", "aws:MultiFactorAuthPresent", ("true",)))
    actions = ("sts:AssumeRole", "sts:TagSession") if tags else "sts:AssumeRole"
    return _trusting("AssumeRole", ("AWS", arns), actions, conditions)


def trust_cognito_guests(identity_pool_id: str) -> Policy:
    """Guests of a Cognito identity pool, and of no other pool, may assume this role.

    In the enhanced flow AWS lets them call no Bedrock all the same, see `bedrock_auth.CognitoGuest`.

    Raises:
        ConfigurationError: it is no pool's id.
    """
    return _cognito("CognitoGuests", identity_pool_id, "unauthenticated")


def trust_cognito_users(identity_pool_id: str) -> Policy:
    """Users of a Cognito identity pool who have logged in, and no guests, may assume this role.

    Raises:
        ConfigurationError: it is no pool's id.
    """
    return _cognito("CognitoUsers", identity_pool_id, "authenticated")


def _cognito(sid: str, pool_id: str, kind: str) -> Policy:
    checked_id("identity_pool_id", pool_id, _POOL)
    region = pool_id.partition(":")[0]
    partition_of(region)
    issuer = _COGNITO.get(region, "cognito-identity.amazonaws.com")
    of_pool = ("StringEquals", f"{issuer}:aud", (pool_id,))
    of_kind = ("ForAnyValue:StringLike", f"{issuer}:amr", (kind,))
    return _trusting(sid, ("Federated", (issuer,)), _WEB_IDENTITY, (of_pool, of_kind))


def trust_oidc(provider_arn: str, *, audience: str, subject: str) -> Policy:
    """Tokens of an OIDC provider with this audience and this subject may assume this role.

    Args:
        provider_arn: such as ``arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com``.
        audience: the token's ``aud``.
        subject: the token's ``sub``, such as ``repo:octo/app:ref:refs/heads/main``; ``*`` stands for any text.

    Raises:
        ConfigurationError: it is no provider's ARN, or one of the two would let everybody in.
    """
    issuer = checked_arn("provider_arn", provider_arn, "iam", r"oidc-provider/[\w.:/-]+").name
    for name, text in (("audience", audience), ("subject", subject)):
        if not text or not text.strip("*?"):
            msg = f"{name} must name somebody: without it every token of {issuer} may assume the role"
            raise ConfigurationError(msg, setting=name)
    conditions = equals({f"{issuer}:aud": audience, f"{issuer}:sub": subject})
    return _trusting("WebIdentity", ("Federated", (provider_arn,)), _WEB_IDENTITY, conditions)


def trust_service_account(
    provider_arn: str, *, namespace: str, service_account: str, audience: str = "sts.amazonaws.com"
) -> Policy:
    """Pods of an EKS cluster that run as this service account may assume this role ("IRSA").

    Args:
        provider_arn: of the cluster's OIDC provider.
        namespace: of Kubernetes.
        service_account: its name there.
        audience: as the cluster's token projection has it.

    Raises:
        ConfigurationError: as `trust_oidc`.
    """
    for name, text in (("namespace", namespace), ("service_account", service_account)):
        checked_id(name, text, r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
    return trust_oidc(provider_arn, audience=audience, subject=f"system:serviceaccount:{namespace}:{service_account}")


def trust_service(service: str, *, region_name: str, account_id: str | None = None) -> Policy:
    """An AWS service may assume this role, for what runs there.

    Args:
        service: ``ec2``, ``ecs-tasks``, ``lambda``, ``eks-pods`` (Pod Identity), or ``bedrock`` for the role of an agent.
        region_name: which tells the partition.
        account_id: for whose resources only; not for ``ec2`` and ``lambda``, which do not say.

    Raises:
        ConfigurationError: there is no such service here, or it does not take an account.
    """
    names = _SERVICES | (_SERVICES_IN_CHINA if partition_of(region_name) == "aws-cn" else {})
    if service not in names:
        raise ConfigurationError(f"service is one of {', '.join(names)}, not {service!r}", setting="service")
    if account_id is not None and service in {"ec2", "lambda"}:
        raise ConfigurationError(f"account_id: {service} does not say for whose resource it asks", setting="account_id")
    conditions = () if account_id is None else equals({"aws:SourceAccount": checked_account(account_id)})
    actions = ("sts:AssumeRole", "sts:TagSession") if service == "eks-pods" else "sts:AssumeRole"
    return _trusting("Service", ("Service", (names[service],)), actions, conditions)
