"""The settings that a role session has, checked as STS would, and its default name and region.

Limits are those of the AssumeRole page of the AWS STS API Reference.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bedrock_auth.providers._settings import wrong

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bedrock_auth.host import Host

SHORTEST_DURATION, LONGEST_DURATION = 900, 43_200

_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_NAME_FORM = "2 to 64 of letters, digits and _+=,.@-"
_FORMS = {
    "role_arn": (
        re.compile(r"arn:aws[a-z0-9-]*:iam::\d{12}:role/([!-~]{0,510}/)?[\w+=,.@-]{1,64}", re.ASCII),
        "a role's ARN such as arn:aws:iam::123456789012:role/Bedrock",
    ),
    "session_name": (_SESSION_NAME, _NAME_FORM),
    "source_identity": (_SESSION_NAME, _NAME_FORM),
    "external_id": (re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII), "2 to 1224 of letters, digits and _+=,.@:/-"),
    "mfa_serial": (re.compile(r"[\w+=/:,.@-]{9,256}", re.ASCII), "the device's ARN or serial number, 9 to 256 characters"),
    "region_name": (re.compile(r"[a-z0-9-]{1,63}", re.ASCII), "a region such as us-east-1"),
}
MFA_CODE = re.compile(r"\d{6}", re.ASCII)
_POLICY_ARN = re.compile(r"arn:aws[a-z0-9-]*:iam::(aws|\d{12}):policy/[!-~]{1,640}", re.ASCII)
_MAX_POLICY_ARNS, _MAX_TAGS, _MAX_TAG_KEY, _MAX_TAG_VALUE = 10, 50, 128, 256

_REGIONS = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-eusc": "eusc-de-east-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-iso-e": "eu-isoe-west-1",
    "aws-iso-f": "us-isof-south-1",
}


def text(kind: str, setting: str, value: str) -> str:
    """The value of one of the text settings, in the form that STS takes."""
    form, expected = _FORMS[setting]
    if isinstance(value, str) and form.fullmatch(value):
        return value
    raise wrong(kind, setting, f"must be {expected}")


def optional_text(kind: str, setting: str, value: str | None) -> str | None:
    """The same, with ``None`` for not given."""
    return None if value is None else text(kind, setting, value)


def whole_seconds(kind: str, value: float | timedelta, shortest: int) -> int:
    """A role session's duration in whole seconds."""
    number = value.total_seconds() if isinstance(value, timedelta) else value
    right = isinstance(number, int | float) and not isinstance(number, bool) and shortest <= number <= LONGEST_DURATION
    if not right or number != math.floor(number):
        raise wrong(kind, "duration", f"must be {shortest} to {LONGEST_DURATION} whole seconds, or a timedelta of that length")
    return int(number)


def canonical_policy(kind: str, value: Mapping[str, Any] | str | None) -> str | None:
    """A session policy as JSON text that is the same for equal policies."""
    if value is None:
        return None
    try:
        policy = json.loads(value, object_pairs_hook=_unique) if isinstance(value, str) else value
        if isinstance(policy, Mapping) and policy:
            return json.dumps(policy, sort_keys=True, separators=(",", ":"), allow_nan=False, default=dict)
    except (TypeError, ValueError, RecursionError):
        pass
    raise wrong(kind, "policy", "must be an IAM policy: a dict, or JSON text of one object in which no name stands twice")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        msg = "a name stands twice"
        raise ValueError(msg)
    return found


def policy_arns(kind: str, value: Sequence[str]) -> tuple[str, ...]:
    """At most ten ARNs of managed policies."""
    arns = _texts(kind, "policy_arns", value)
    if len(arns) <= _MAX_POLICY_ARNS and all(_POLICY_ARN.fullmatch(arn) for arn in arns):
        return arns
    raise wrong(kind, "policy_arns", f"must be at most {_MAX_POLICY_ARNS} ARNs such as arn:aws:iam::aws:policy/ReadOnlyAccess")


def sorted_tags(kind: str, value: Mapping[str, str] | Iterable[tuple[str, str]] | None) -> tuple[tuple[str, str], ...]:
    """Session tags, sorted, so that equal ones are equal."""
    try:
        tags = sorted(dict(value or {}).items())
        right = len(tags) <= _MAX_TAGS and all(1 <= len(k) <= _MAX_TAG_KEY and len(v) <= _MAX_TAG_VALUE for k, v in tags)
        if right and all(isinstance(text, str) for pair in tags for text in pair):
            return tuple(tags)
    except (TypeError, ValueError):
        pass
    problem = f"must map at most {_MAX_TAGS} names of 1-{_MAX_TAG_KEY} characters to texts of up to {_MAX_TAG_VALUE}"
    raise wrong(kind, "tags", problem)


def tag_keys(kind: str, value: Sequence[str]) -> tuple[str, ...]:
    """The names of the session tags that are handed on to further roles."""
    keys = _texts(kind, "transitive_tag_keys", value)
    if len(keys) <= _MAX_TAGS and all(1 <= len(key) <= _MAX_TAG_KEY for key in keys):
        return keys
    raise wrong(kind, "transitive_tag_keys", f"must be at most {_MAX_TAGS} names of 1-{_MAX_TAG_KEY} characters")


def _texts(kind: str, setting: str, value: Sequence[str]) -> tuple[str, ...]:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes) and all(isinstance(text, str) for text in value):
        return tuple(value)
    raise wrong(kind, setting, "must be a list or tuple of texts")


def default_session_name(host: Host) -> str:
    """A role session name that tells people in CloudTrail who this was, from what the environment says.

    ``AWS_ROLE_SESSION_NAME``, else the Lambda function's name, else ``bedrock-auth-<user>-<hostname>`` as far as known.
    """
    stated = host.setting("AWS_ROLE_SESSION_NAME") or host.setting("AWS_LAMBDA_FUNCTION_NAME")
    user = host.setting("USER") or host.setting("LOGNAME") or host.setting("USERNAME")
    machine = host.setting("HOSTNAME") or host.setting("COMPUTERNAME")
    for name in (stated, "-".join(filter(None, ("bedrock-auth", user, machine)))):
        allowed = _allowed(name or "")
        if _SESSION_NAME.fullmatch(allowed):
            return allowed
    return "bedrock-auth"


def _allowed(name: str) -> str:
    """The name in the characters that STS takes: accents dropped, all else as dashes."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return re.sub(r"[^\w+=,.@-]+", "-", plain, flags=re.ASCII)[:64].strip("-")


def partition_region(role_arn: str) -> str | None:
    """The region to ask where nothing names one: the first of the ARN's partition."""
    return _REGIONS.get(role_arn.split(":")[1])
