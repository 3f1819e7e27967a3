"""What a further session with its first client costs, in time and memory, against a plain boto3 session."""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from common import figure, finish, header

ROUNDS = 20


def resident() -> float:
    """Resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(which: str) -> None:
    """Print milliseconds and MB per further session and client."""
    import boto3

    from bedrock_auth import Static, create_session

    def make():
        if which == "ours":
            session = create_session(Static("AKIAEXAMPLEEXAMPLE00", "secret"), region_name="us-east-1")
        else:
            session = boto3.Session("AKIAEXAMPLEEXAMPLE00", "secret", region_name="us-east-1")
        return session, session.client("bedrock-runtime")

    kept = [make()]
    gc.collect()
    before, times = resident(), []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        kept.append(make())
        times.append(time.perf_counter() - started)
    gc.collect()
    print(statistics.median(times) * 1000, (resident() - before) / ROUNDS)


def in_a_process_of_its_own(which: str) -> tuple[float, float]:
    ran = subprocess.run([sys.executable, __file__, which], check=True, capture_output=True, text=True)
    milliseconds, megabytes = map(float, ran.stdout.split())
    return milliseconds, megabytes


if len(sys.argv) > 1:
    measure(sys.argv[1])
    sys.exit()
header(f"a further session and its first client, median of {ROUNDS}")
(mine, held), (other, held_there) = in_a_process_of_its_own("ours"), in_a_process_of_its_own("boto3")
figure(f"time ({other / mine:.1f} times less)", f"{mine:.1f} ms", f"{other:.1f} ms", "at most a quarter", met=mine <= other / 4)
figure(
    f"memory ({held_there / held:.0f} times less)",
    f"{held:.2f} MB",
    f"{held_there:.2f} MB",
    "at most a tenth",
    met=held <= held_there / 10,
)
finish()
