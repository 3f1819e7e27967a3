"""Who waits for a refresh, and how often the source is asked: 16 threads against a source that takes 300 ms.

Both sides read the same shifted clock, so that an hour passes in no time; the waiting itself is real.
"""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from botocore.credentials import RefreshableCredentials
from common import figure, finish, header

from bedrock_auth import Credentials, Host, Refresher, RetrievalError
from bedrock_auth.bridge import SourceCredentials

THREADS = 16
FETCH = 0.3


class World:
    """A shifted clock and one scripted source, seen by either side in its own form."""

    def __init__(self, lifetime: float) -> None:
        self.shift = 0.0
        self.lifetime = lifetime
        self.delay = 0.0
        self.down = False
        self.calls = 0
        self.numbers = itertools.count()
        self.lock = threading.Lock()

    def clock(self) -> float:
        return time.time() + self.shift

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def fetch(self) -> tuple[str, datetime]:
        with self.lock:
            self.calls += 1
        time.sleep(self.delay)
        if self.down:
            raise RetrievalError("the source is down", provider="source")
        return f"ASIAEXAMPLE{next(self.numbers):09d}", self.now() + timedelta(seconds=self.lifetime)


class Ours:
    name = "source"

    def __init__(self, world: World) -> None:
        self.world = world

    def retrieve(self) -> Credentials:
        key, expiration = self.world.fetch()
        return Credentials(key, "secret", "token", expiration)


def ours(world: World) -> SourceCredentials:
    return SourceCredentials(Refresher(Ours(world), host=Host.isolated(clock=world.clock)))


def botocores(world: World) -> RefreshableCredentials:
    def refresh() -> dict[str, str]:
        key, expiration = world.fetch()
        return {"access_key": key, "secret_key": "secret", "token": "token", "expiry_time": expiration.isoformat()}

    first = refresh()
    return RefreshableCredentials(
        first["access_key"],
        "secret",
        "token",
        datetime.fromisoformat(first["expiry_time"]),
        refresh,
        "test",
        time_fetcher=world.now,
    )


def hammer(credentials, seconds: float) -> tuple[float, int, int]:
    """Slowest call in seconds, errors and calls of 16 threads that sign without pause."""
    stop = time.monotonic() + seconds

    def work(_: int) -> tuple[float, int, int]:
        slowest, errors, calls = 0.0, 0, 0
        while time.monotonic() < stop:
            started = time.perf_counter()
            try:
                credentials.get_frozen_credentials()
            except Exception:  # noqa: BLE001 - either side's errors are counted
                errors += 1
            slowest = max(slowest, time.perf_counter() - started)
            calls += 1
            time.sleep(0.001)
        return slowest, errors, calls

    with ThreadPoolExecutor(THREADS) as pool:
        results = list(pool.map(work, range(THREADS)))
    return max(r[0] for r in results), sum(r[1] for r in results), sum(r[2] for r in results)


def passing_the_advisory_moment(make) -> float:
    world = World(3600)
    credentials = make(world)
    credentials.get_frozen_credentials()
    world.delay = FETCH
    world.shift += 3600 - 11 * 60
    slowest, _, _ = hammer(credentials, 1.5)
    return slowest * 1000


def calls_per_quarter_hour_set(make) -> float:
    """Source calls per set while ten sets of 900 seconds are lived through, a request every ten seconds."""
    world = World(900)
    credentials = make(world)
    for _ in range(900):
        credentials.get_frozen_credentials()
        time.sleep(0.0005)
        world.shift += 10
    lived = 9000 / 900
    return world.calls / lived


def errors_while_the_source_is_down(make) -> tuple[int, int]:
    world = World(3600)
    credentials = make(world)
    credentials.get_frozen_credentials()
    world.shift += 3600 - 9 * 60
    world.down = True
    _, errors, _ = hammer(credentials, 0.5)
    return errors, world.calls - 1


header(f"refreshing: {THREADS} threads, a fetch takes {FETCH * 1000:.0f} ms")
mine, other = passing_the_advisory_moment(ours), passing_the_advisory_moment(botocores)
figure(
    "slowest caller as a 60-minute set passes its advisory moment",
    f"{mine:.1f} ms",
    f"{other:.1f} ms",
    "below 10 ms",
    met=mine < 10,
)
mine, other = calls_per_quarter_hour_set(ours), calls_per_quarter_hour_set(botocores)
figure("source calls per 900 s of 15-minute sets", f"{mine:.1f}", f"{other:.1f}", "at most 2, one per set", met=mine <= 2)
(mine, asked), (other, asked_there) = errors_while_the_source_is_down(ours), errors_while_the_source_is_down(botocores)
figure("errors with 9 minutes left and the source down", f"{mine}", f"{other}", "none", met=mine == 0)
figure("calls to the source that is down", f"{asked}", f"{asked_there}", "one", met=asked == 1)
finish()
