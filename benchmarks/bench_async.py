"""200 streams in one event loop: ours against raw boto3 with one thread hop for each event, each in a process of its own.

Twice: as fast as they can, and at the pace of a model, where one begins every 10 ms. Beside the latter runs a loop that does nothing,
in a process of its own: what it waits is the machine's doing. Then how long the loop waits while the first client of a process is made.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

STREAMS = 200
FAST = (500, 0.0)
PACED = (140, 0.05)
BEGIN_EVERY = 0.01
"""Seconds between two streams, at the pace of a model."""
REQUEST = {"modelId": "m", "messages": [{"role": "user", "content": [{"text": "Hi"}]}]}


def resident() -> float:
    """Resident memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096 / 1e6


@asynccontextmanager
async def watched(found: dict[str, float]):
    """Delays of the loop, threads and memory while the block runs."""
    delays = []
    before = resident()
    found |= {"threads": 0, "memory": 0.0}

    async def watch() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + 0.005
            await asyncio.sleep(0.005)
            delays.append(loop.time() - due)
            found["threads"] = max(found["threads"], threading.active_count())
            found["memory"] = max(found["memory"], resident() - before)

    watcher = asyncio.create_task(watch())
    await asyncio.sleep(0.1)
    delays.clear()
    yield
    watcher.cancel()
    delays.sort()
    found |= {"worst": delays[-1] * 1000, "p99": delays[len(delays) * 99 // 100] * 1000}


def client_for(url: str):
    import boto3
    from botocore.config import Config

    session = boto3.Session("AKIAEXAMPLEEXAMPLE00", "secret", region_name="us-east-1")
    config = Config(auth_scheme_preference="sigv4", max_pool_connections=STREAMS)
    return session.client("bedrock-runtime", endpoint_url=url, config=config)


def reader_of_ours(client):
    from bedrock_auth.bedrock import BedrockRuntime

    runtime = BedrockRuntime(client=client)

    async def read() -> int:
        count = 0
        async with runtime.aconverse_stream("m", REQUEST["messages"]) as stream:
            async for _ in stream:
                count += 1
        return count

    return read


def reader_with_hops(client):
    pool = ThreadPoolExecutor(STREAMS)

    async def read() -> int:
        loop = asyncio.get_running_loop()
        response = await loop.run_in_executor(pool, lambda: client.converse_stream(**REQUEST))
        events, count = iter(response["stream"]), 0
        while await loop.run_in_executor(pool, next, events, None) is not None:
            count += 1
        return count

    return read


async def later(read, seconds: float) -> int:
    await asyncio.sleep(seconds)
    return await read()


async def streams(which: str, url: str, begin_every: float) -> dict[str, float]:
    client = client_for(url)
    read = reader_of_ours(client) if which == "ours" else reader_with_hops(client)
    found: dict[str, float] = {}
    async with watched(found):
        started, used = time.perf_counter(), time.process_time()
        counts = await asyncio.gather(*(later(read, number * begin_every) for number in range(STREAMS)))
        seconds = time.perf_counter() - started
        used = time.process_time() - used
    return found | {"rate": sum(counts) / seconds, "cpu": used / sum(counts) * 1e6}


async def first_client(which: str, url: str) -> dict[str, float]:
    import boto3
    from botocore.config import Config

    from bedrock_auth import Static, create_session
    from bedrock_auth.bedrock import BedrockRuntime

    keys = ("AKIAEXAMPLEEXAMPLE00", "secret")
    session = create_session(Static(*keys), region_name="us-east-1") if which == "ours" else boto3.Session(*keys)
    found: dict[str, float] = {}
    async with watched(found):
        if which == "ours":
            async with BedrockRuntime(session).aconverse_stream("m", REQUEST["messages"]) as stream:
                await stream.get_response()
        else:
            config = Config(auth_scheme_preference="sigv4")
            client = await asyncio.to_thread(session.client, "bedrock-runtime", "us-east-1", endpoint_url=url, config=config)
            response = await asyncio.to_thread(lambda: client.converse_stream(**REQUEST))
            await asyncio.to_thread(list, response["stream"])
        await asyncio.sleep(0.05)
    return found


async def idle() -> dict[str, float]:
    found: dict[str, float] = {}
    async with watched(found):
        await asyncio.to_thread(sys.stdin.read)  # the parent closes it
    return found


@contextmanager
def beside(found: dict[str, float]):
    """Delays of a loop that does nothing while the block runs."""
    with subprocess.Popen(
        [sys.executable, __file__, "idle"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield
        found |= json.loads(process.communicate()[0])


def in_a_process_of_its_own(*what: str) -> dict[str, float]:
    url = what[2]
    command = [sys.executable, __file__, *what]
    environ = {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": url, "AWS_EC2_METADATA_DISABLED": "true", "PYTHONPATH": ":".join(sys.path)}
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=environ).stdout)


def both(what: str, events: int, pause: float, *more: str) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Ours, the other, and a loop that did nothing beside ours."""
    from peer import peer

    nothing: dict[str, float] = {}
    with peer(events, pause=pause) as url:
        with beside(nothing):
            ours = in_a_process_of_its_own(what, "ours", url, *more)
        return ours, in_a_process_of_its_own(what, "hops", url, *more), nothing


def main() -> None:
    from common import figure, finish, header

    mine, other, _ = both("streams", *FAST, "0")
    header(f"{STREAMS} streams of {FAST[0]} events in one event loop, as fast as they come; against a thread hop for each event")
    ratio = mine["rate"] / other["rate"]
    figure(
        f"events per second ({ratio:.1f} times)",
        f"{mine['rate']:,.0f}",
        f"{other['rate']:,.0f}",
        "at least twice",
        met=ratio >= 2,
    )
    mine, other, nothing = both("streams", *PACED, str(BEGIN_EVERY))
    header(f"{STREAMS} streams of {1 / PACED[1]:.0f} events per second each")
    beyond = mine["worst"] - nothing["worst"]
    figure(
        f"worst delay of the loop ({nothing['worst']:.0f} ms where nothing is done)",
        f"{mine['worst']:.0f} ms",
        f"{other['worst']:.0f} ms",
        "at most 20 ms, or 20 ms more than where nothing is done",
        met=beyond <= 20,
    )
    p99 = mine["p99"] / other["p99"]
    figure(
        f"99 of 100 delays ({p99:.2f} times)", f"{mine['p99']:.1f} ms", f"{other['p99']:.1f} ms", "at most half", met=p99 <= 0.5
    )
    cpu = mine["cpu"] / other["cpu"]
    figure(
        f"processor time for an event ({cpu:.2f} times)",
        f"{mine['cpu']:.0f} µs",
        f"{other['cpu']:.0f} µs",
        "not more",
        met=cpu <= 1.05,
    )
    figure(
        "threads", f"{mine['threads']:.0f}", f"{other['threads']:.0f}", "at most a quarter", met=mine["threads"] * 4 <= STREAMS
    )
    memory = mine["memory"] / STREAMS * 1000
    figure(
        "memory for a stream",
        f"{memory:.0f} kB",
        f"{other['memory'] / STREAMS * 1000:.0f} kB",
        "at most 100 kB",
        met=memory <= 100,
    )
    mine, other, nothing = both("first", 10, 0)
    header("the first client of a process, made while the event loop runs")
    beyond = mine["worst"] - nothing["worst"]
    figure(
        f"worst delay of the loop ({nothing['worst']:.0f} ms where nothing is done)",
        f"{mine['worst']:.0f} ms",
        f"{other['worst']:.0f} ms",
        "at most 20 ms, or 20 ms more than where nothing is done",
        met=beyond <= 20,
    )
    finish()


def one(what: str, *rest: str) -> dict[str, float]:
    if what == "idle":
        return asyncio.run(idle())
    if what == "first":
        return asyncio.run(first_client(*rest))
    which, url, begin_every = rest
    return asyncio.run(streams(which, url, float(begin_every)))


if len(sys.argv) > 1:
    print(json.dumps(one(*sys.argv[1:])))
else:
    main()
