"""ARNs and regions, checked against the partitions that the installed botocore knows; no partition is assumed."""

from __future__ import annotations

import re
from functools import cache

from attrs import frozen
from botocore.loaders import Loader

from bedrock_auth.errors import ConfigurationError
from bedrock_auth.iam.words import hint

_ARN_PARTS = 6
_ACCOUNT = re.compile(r"\d{12}")


@frozen
class Arn:
    """The parts of an ARN, any of which may be empty or hold wildcards."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Arn | None:
        """The parts, or ``None`` for what is no ARN."""
        parts = text.split(":", _ARN_PARTS - 1)
        return cls(*parts[1:]) if len(parts) == _ARN_PARTS and parts[0] == "arn" else None

    @property
    def kind(self) -> str:
        """What stands before the first ``/``, such as ``agent-alias``."""
        return self.resource.partition("/")[0]

    @property
    def name(self) -> str:
        """What stands after it."""
        return self.resource.partition("/")[2]


@frozen
class Place:
    """A region and perhaps an account, from which ARNs are made."""

    region: str
    account: str | None = None

    @classmethod
    def of(cls, region_name: str | None, account_id: str | None = None) -> Place:
        """The place with these names.

        Raises:
            ConfigurationError: there is no such region, or the account is not twelve digits.
        """
        if not region_name:
            raise ConfigurationError("region_name is needed: a policy names the region of what it allows", setting="region_name")
        partition_of(region_name)
        return cls(region_name, None if account_id is None else checked_account(account_id))

    @property
    def partition(self) -> str:
        """``aws``, ``aws-us-gov``, ``aws-cn``, ``aws-eusc``, or another."""
        return partition_of(self.region)

    def owned(self, resource: str) -> str:
        """The ARN of what an account of Bedrock's has, such as ``guardrail/abc``.

        Raises:
            ConfigurationError: the account is not known.
        """
        if self.account is None:
            msg = f"account_id is needed: {resource.partition('/')[0]} ARNs name the account"
            raise ConfigurationError(msg, setting="account_id")
        return f"arn:{self.partition}:bedrock:{self.region}:{self.account}:{resource}"

    def model(self, model_id: str) -> str:
        """The ARN of a foundation model, which nobody owns."""
        return model_arn(self.partition, self.region, model_id)


def model_arn(partition: str, region: str, model_id: str) -> str:
    """The ARN of a foundation model; without a region it means wherever a global profile routes to."""
    return f"arn:{partition}:bedrock:{region}::foundation-model/{model_id}"


@cache
def regions() -> dict[str, str]:
    """The partition of every region."""
    found = Loader().load_data("partitions")["partitions"]
    return {region: each["id"] for each in found for region in each["regions"] if not region.endswith("-global")}


def partition_of(region_name: str) -> str:
    """The partition that a region is in.

    Raises:
        ConfigurationError: the installed botocore knows no such region.
    """
    try:
        return regions()[region_name]
    except KeyError:
        msg = f"region_name {region_name!r} is no AWS region{hint(region_name, regions())}; a newer region needs a newer botocore"
        raise ConfigurationError(msg, setting="region_name") from None


def checked_account(account_id: str) -> str:
    """The account id.

    Raises:
        ConfigurationError: it is not twelve digits.
    """
    if isinstance(account_id, str) and _ACCOUNT.fullmatch(account_id):
        return account_id
    raise ConfigurationError(f"account_id is twelve digits in a text, not {account_id!r}", setting="account_id")


def checked_id(name: str, text: str, pattern: str) -> str:
    """An id that has this form.

    Raises:
        ConfigurationError: it has not; the message names the setting.
    """
    if isinstance(text, str) and re.fullmatch(pattern, text, re.ASCII):
        return text
    raise ConfigurationError(f"{name} {text!r} is none: it must match {pattern}", setting=name)


def checked_arn(name: str, text: str, service: str, resource: str) -> Arn:
    """The parts of an ARN of this service whose resource has this form.

    Raises:
        ConfigurationError: it is none; the message names the setting.
    """
    arn = Arn.parse(text) if isinstance(text, str) else None
    if (
        arn
        and arn.service == service
        and arn.partition in set(regions().values())
        and re.fullmatch(resource, arn.resource, re.ASCII)
    ):
        return arn
    raise ConfigurationError(f"{name} is the ARN of {service} for {resource}, not {text!r}", setting=name)
