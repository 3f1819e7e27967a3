"""The account on MiniStack, which enforces who may do what."""

from __future__ import annotations

import json

from attrs import frozen

REGION = "us-east-1"
ACCOUNT = "000000000000"
EXTERNAL_ID = "customer-7"


@frozen
class Stack:
    """An account on MiniStack: a user, and a role that it may assume with an external id."""

    url: str
    access_key_id: str
    secret_access_key: str
    role_arn: str


def allow(*actions: str, resource: str = "*") -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
