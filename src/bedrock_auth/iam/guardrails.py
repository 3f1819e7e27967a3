"""Guardrails as policies name them. Source: Amazon Bedrock User Guide, "Set up permissions to use guardrails"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_auth.iam.arns import Arn, Place, checked_arn, checked_id

if TYPE_CHECKING:
    from bedrock_auth.iam.values import Condition

_KEY = "bedrock:GuardrailIdentifier"
_ID = r"[a-z0-9]+"


def guardrail_arn(guardrail: str, place: Place) -> str:
    """The ARN, without a version, of a guardrail's id or ARN.

    Raises:
        ConfigurationError: it is neither.
    """
    return _parsed(guardrail, place)[0]


def condition_of(guardrail: str, place: Place, *, absent: bool = False) -> tuple[Condition, ...]:
    """That a call has this guardrail, in this version if it names one; or that it has not.

    Raises:
        ConfigurationError: it is neither id nor ARN.
    """
    arn, version = _parsed(guardrail, place)
    values = {"": (arn, f"{arn}:*"), "DRAFT": (arn,)}.get(version, (f"{arn}:{version}",))  # AWS names a draft without version
    return ((f"String{'Not' if absent else ''}{'Like' if version == '' else 'Equals'}", _KEY, values),)


def _parsed(guardrail: str, place: Place) -> tuple[str, str]:
    """The ARN, and the version or nothing."""
    if Arn.parse(guardrail):
        resource = checked_arn("guardrail", guardrail, "bedrock", rf"guardrail/{_ID}(:(DRAFT|\d+))?").resource
        arn = guardrail.removesuffix(resource) + resource.partition(":")[0]
        return arn, resource.partition(":")[2]
    checked_id("guardrail", guardrail, rf"{_ID}(:(DRAFT|\d+))?")
    name, _, version = guardrail.partition(":")
    return place.owned(f"guardrail/{name}"), version
