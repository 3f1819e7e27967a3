"""What one `get_frozen_credentials()` costs: every signed request pays it."""

from __future__ import annotations

import statistics
import timeit
from datetime import UTC, datetime, timedelta

from botocore.credentials import RefreshableCredentials
from common import figure, finish, header

from bedrock_auth import Credentials, Refresher
from bedrock_auth.bridge import SourceCredentials

EXPIRATION = datetime.now(UTC) + timedelta(hours=12)


class Source:
    name = "source"

    def retrieve(self) -> Credentials:
        return Credentials("ASIAEXAMPLEEXAMPLE00", "secret", "token", EXPIRATION)


def nanoseconds(call, number: int) -> float:
    return statistics.median(timeit.repeat(call, number=number, repeat=9)) / number * 1e9


ours = SourceCredentials(Refresher(Source()))
theirs = RefreshableCredentials("ASIAEXAMPLEEXAMPLE00", "secret", "token", EXPIRATION, dict, "test")
ours.get_frozen_credentials()

header("get_frozen_credentials(), median of 9 runs")
mine, other = nanoseconds(ours.get_frozen_credentials, 200_000), nanoseconds(theirs.get_frozen_credentials, 20_000)
figure(
    f"one call ({other / mine:.0f} times faster)",
    f"{mine:.0f} ns",
    f"{other:.0f} ns",
    "at least 25 times",
    met=other / mine >= 25,
)
finish()
