"""``bedrock-auth key-age``: how old the long-lived key in use is, from IAM.

It asks ``iam:ListAccessKeys`` and ``iam:GetAccessKeyLastUsed`` about the user whom the key belongs to. Temporary keys have no age
to speak of: IAM is not asked about them.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from attrs import frozen

from bedrock_auth.cli.dispatch import FAILED
from bedrock_auth.cli.options import add_provider_options, settings_from
from bedrock_auth.cli.output import tell, write_json
from bedrock_auth.credentials import masked_key_id
from bedrock_auth.errors import DeniedError, RetrievalError
from bedrock_auth.host import Host
from bedrock_auth.session import client_of

if TYPE_CHECKING:
    from datetime import datetime

    from bedrock_auth.credentials import Credentials

_DAY = 86_400
_DENIED = {"AccessDenied", "AccessDeniedException"}
_ROTATE = "make a new key, use it, and then delete this one; better, use a role or IAM Identity Center, which have no such keys"


@frozen
class KeyAge:
    """A long-lived key, as IAM tells of it."""

    access_key_id: str
    created: datetime
    status: str
    last_used: datetime | None
    """``None`` where it never was used, or IAM does not tell."""

    def days(self, now: float) -> int:
        """Whole days since it was made."""
        return max(0, int((now - self.created.timestamp()) // _DAY))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whose key, and how old it may be."""
    add_provider_options(parser)
    parser.add_argument(
        "--max-age", metavar="DAYS", type=_days, help="end with status 1 where the key was made more days ago than this"
    )


def run(options: argparse.Namespace) -> int:
    """Ask IAM, and tell; 1 where the key is too old."""
    from bedrock_auth import Refresher, create_session  # noqa: PLC0415 - --help does not pay for boto3

    host = Host.system()
    settings = settings_from(options, host)
    source = Refresher(settings.provider)
    credentials = source.current()
    if credentials.session_token is not None:
        write_json(_of_temporary(credentials))
        return 0
    session = create_session(source, region_name=settings.region_name)
    key = _key_of(client_of(session, "iam", session.region_name or "us-east-1"), credentials.access_key_id)
    found = judged(key, options.max_age, host.clock())
    write_json({"source": credentials.source, "long_lived": True} | found)
    if found["too_old"]:
        tell(f"the key {found['access_key_id']} is {found['age_days']} days old: {_ROTATE}")
    return FAILED if found["too_old"] else 0


def judged(key: KeyAge, max_age: int | None, now: float) -> dict[str, Any]:
    """The key's age in whole days, and whether that is more than it may be."""
    days = key.days(now)
    return {
        "access_key_id": masked_key_id(key.access_key_id),
        "status": key.status,
        "created": key.created.isoformat(),
        "age_days": days,
        "last_used": key.last_used and key.last_used.isoformat(),
        "max_age_days": max_age,
        "too_old": max_age is not None and days > max_age,
    }


def _of_temporary(credentials: Credentials) -> dict[str, Any]:
    expiration = credentials.expiration and credentials.expiration.isoformat()
    why = "these keys are temporary: they have a session token and end by themselves"
    return {"source": credentials.source, "long_lived": False, "expiration": expiration, "too_old": False, "why": why}


def _key_of(iam: Any, access_key_id: str) -> KeyAge:
    """What IAM knows of the key.

    Raises:
        DeniedError: the user may not look at the own keys.
        RetrievalError: IAM does not list the key that signed the question.
    """
    from botocore.exceptions import ClientError  # noqa: PLC0415 - --help does not pay for botocore

    try:
        listed = iam.list_access_keys()["AccessKeyMetadata"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in _DENIED:
            raise
        raise _refusal(error) from error
    found = next((key for key in listed if key["AccessKeyId"] == access_key_id), None)
    if found is None:
        msg = f"IAM does not list the key {masked_key_id(access_key_id)} among those of its own user; was it just deleted?"
        raise RetrievalError(msg)
    return KeyAge(access_key_id, found["CreateDate"], found["Status"], _last_used(iam, access_key_id))


def _last_used(iam: Any, access_key_id: str) -> datetime | None:
    from botocore.exceptions import ClientError  # noqa: PLC0415 - the same

    try:
        used: datetime | None = iam.get_access_key_last_used(AccessKeyId=access_key_id)["AccessKeyLastUsed"].get("LastUsedDate")
    except ClientError:  # the age is known without it
        return None
    return used


def _refusal(error: Any) -> DeniedError:
    msg = "IAM refuses to tell the key's age: allow iam:ListAccessKeys and iam:GetAccessKeyLastUsed on the user's own ARN"
    return DeniedError(msg, code=error.response["Error"]["Code"])


def _days(text: str) -> int:
    if text.isdecimal() and text.isascii():
        return int(text)
    msg = f"must be a whole number of days, not {text!r}"
    raise argparse.ArgumentTypeError(msg)
