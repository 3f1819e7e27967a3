"""What the checks judge: everything that was found out, each piece a value or the error in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bedrock_auth.cli.situation.endpoints import Override
    from bedrock_auth.cli.situation.files import FoundFile
    from bedrock_auth.cli.situation.plain_boto3 import Plain
    from bedrock_auth.credentials import Credentials
    from bedrock_auth.settings import Settings

T = TypeVar("T")


@frozen
class Outcome(Generic[T]):
    """A value, an error, or the reason for which neither was tried."""

    value: T | None = None
    error: Exception | None = None
    skipped: str = ""

    @classmethod
    def of(cls, action: Callable[[], T]) -> Outcome[T]:
        """What the action returns or raises; no failure of one keeps the others from being tried."""
        try:
            return cls(action())
        except Exception as error:  # noqa: BLE001 - each is explained in its own check
            return cls(error=error)


@frozen
class Caller:
    """Who signs, as STS says."""

    arn: str
    account: str

    @property
    def is_root(self) -> bool:
        """Whether it is the account's root user, who may do everything."""
        return self.arn.endswith(":root")


@frozen
class Regions:
    """What botocore knows of regions, as of its release."""

    with_bedrock: frozenset[str]
    partition: str | None
    """Of the region in use, by its name; ``None`` where no partition has such names."""


@frozen
class Facts:
    """Everything that was found out."""

    environ: Mapping[str, str] = field(repr=False)
    now: float
    settings: Outcome[Settings]
    credentials: Outcome[Credentials]
    caller: Outcome[Caller]
    clock_ahead: float | None
    """Seconds by which this machine's clock is ahead of AWS's; ``None`` where AWS did not answer."""
    region_name: str | None
    regions: Regions
    files: tuple[FoundFile, ...]
    config_problem: str | None
    endpoints: tuple[Override, ...]
    missing_ca_bundle: str | None
    """The variable that names a CA bundle which is not there."""
    plain: Plain
    sources: tuple[str, ...]
    """Names under which `plain` is the same source as ours."""
    expected_account: str | None
    models: Outcome[tuple[Any, ...]]
    model_id: str | None
    answer: Outcome[str]
    """Of the one test call: why the model stopped."""
