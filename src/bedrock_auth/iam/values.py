"""`Statement` and `Policy`: policy documents as frozen values, in a stable order.

Source: IAM User Guide, "IAM JSON policy elements reference" and "IAM and AWS STS quotas".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import evolve, field, frozen

from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MANAGED_POLICY_LIMIT = 6144
"""Characters of a managed policy; IAM does not count white space."""
SESSION_POLICY_LIMIT = 2048
"""Characters of a session policy, such as ``AssumeRole(policy=…)`` takes."""

Condition: TypeAlias = tuple[str, str, tuple[str, ...]]
"""Operator, key and values, such as ``("StringEquals", "aws:RequestedRegion", ("eu-west-1",))``."""
Principal: TypeAlias = tuple[str, tuple[str, ...]]
"""Kind and principals, such as ``("Service", ("ec2.amazonaws.com",))``."""


def texts(value: str | Iterable[str]) -> tuple[str, ...]:
    """One text or many, each once, in order."""
    return (value,) if isinstance(value, str) else tuple(dict.fromkeys(value))


@frozen
class Statement:
    """One statement of a policy.

    >>> Statement("List", "bedrock:ListFoundationModels", "*").to_api()
    {'Sid': 'List', 'Effect': 'Allow', 'Action': 'bedrock:ListFoundationModels', 'Resource': '*'}
    """

    sid: str
    """Letters and digits; unique in a policy."""
    actions: tuple[str, ...] = field(converter=texts)
    resources: tuple[str, ...] = field(converter=texts)
    """ARNs or ``*``; none in a trust policy."""
    conditions: tuple[Condition, ...] = ()
    effect: str = "Allow"
    principals: tuple[Principal, ...] = ()
    """None in an identity policy."""

    def to_api(self) -> dict[str, Any]:
        """The statement as IAM takes it; a single action, resource or value is a text, as AWS's documentation writes it."""
        parts = {
            "Principal": {kind: _one_or_many(names) for kind, names in self.principals},
            "Action": _one_or_many(self.actions),
            "Resource": _one_or_many(self.resources),
            "Condition": self._condition(),
        }
        return {"Sid": self.sid, "Effect": self.effect, **{name: part for name, part in parts.items() if part}}

    def _condition(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for operator, key, values in self.conditions:
            found.setdefault(operator, {})[key] = _one_or_many(values)
        return found


def _as_tuple(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    return tuple(statements)


@frozen
class Policy:
    """A policy document; ``str`` gives its JSON for people, `to_json` the shortest."""

    statements: tuple[Statement, ...] = field(converter=_as_tuple)

    @classmethod
    def merge(cls, *policies: Policy) -> Policy:
        """All that any of these allows or denies, in order; what differs only in its resources becomes one statement.

        Raises:
            ConfigurationError: none was given, or trust policies are among others.
        """
        statements = [statement for policy in policies for statement in policy.statements]
        if not statements:
            raise ConfigurationError("a policy has at least one statement; none was given", setting="policies")
        if len({bool(statement.principals) for statement in statements}) > 1:
            msg = "policies with principals (trust policies) and policies without are attached in different places: merge neither"
            raise ConfigurationError(msg, setting="policies")
        found: dict[Any, Statement] = {}
        for each in statements:
            key = (each.effect, each.actions, each.conditions, each.principals)
            first = found.get(key)
            found[key] = evolve(first, resources=texts(first.resources + each.resources)) if first else each
        return cls(_with_own_sids(found.values()))

    def to_api(self) -> dict[str, Any]:
        """The document as a dict."""
        return {"Version": "2012-10-17", "Statement": [statement.to_api() for statement in self.statements]}

    def to_json(self, *, indent: int | None = None) -> str:
        """The document as JSON, on one line without spaces unless ``indent`` says otherwise."""
        return json.dumps(self.to_api(), indent=indent, separators=None if indent else (",", ":"))

    def __str__(self) -> str:
        return self.to_json(indent=2)

    @property
    def size(self) -> int:
        """How many characters IAM counts."""
        return len("".join(self.to_json().split()))

    def check_size(self, limit: int = MANAGED_POLICY_LIMIT) -> Policy:
        """The policy itself.

        Args:
            limit: characters; `MANAGED_POLICY_LIMIT` or `SESSION_POLICY_LIMIT`.

        Raises:
            ConfigurationError: it is too long.
        """
        if self.size > limit:
            msg = (
                f"the policy has {self.size} characters, and at most {limit} are allowed; split it, or name model families with *"
            )
            raise ConfigurationError(msg, setting="policy")
        return self


def _one_or_many(values: tuple[str, ...]) -> Any:
    return values[0] if len(values) == 1 else list(values)


def _with_own_sids(statements: Iterable[Statement]) -> list[Statement]:
    """The same statements; a Sid that is taken gets a number."""
    taken: dict[str, None] = {}
    made = []
    for statement in statements:
        names = (statement.sid, *(f"{statement.sid}{number}" for number in range(2, len(taken) + 3)))
        sid = next(name for name in names if name not in taken)
        taken[sid] = None
        made.append(evolve(statement, sid=sid))
    return made


def equals(conditions: Mapping[str, str]) -> tuple[Condition, ...]:
    """That each key has its value; with ``StringLike`` where that has a wildcard, which ``StringEquals`` takes literally."""
    return tuple(("StringLike" if "*" in value else "StringEquals", key, (value,)) for key, value in conditions.items())
