"""What typed streams cost over boto3's: events per second, and time to the first event. Both read the same server in turn."""

from __future__ import annotations

import statistics
import time

import boto3
from botocore.config import Config
from common import figure, finish, header
from peer import peer

from bedrock_auth.bedrock import BedrockRuntime

EVENTS = 10_000
ROUNDS = 7
FIRSTS = 200
FIRST = 0.02  # seconds that the model takes: no model is that fast
REQUEST = {"modelId": "m", "messages": [{"role": "user", "content": [{"text": "Hi"}]}]}


def made(url: str):
    session = boto3.Session("AKIAEXAMPLEEXAMPLE00", "secret", region_name="us-east-1")
    client = session.client("bedrock-runtime", endpoint_url=url, config=Config(auth_scheme_preference="sigv4"))
    return client, BedrockRuntime(client=client)


def untyped(client) -> int:
    return sum(1 for _ in client.converse_stream(**REQUEST)["stream"])


def typed(runtime) -> int:
    with runtime.converse_stream("m", REQUEST["messages"]) as stream:
        return sum(1 for _ in stream)


def seconds(read, target) -> float:
    started = time.perf_counter()
    read(target)
    return time.perf_counter() - started


def first_untyped(client) -> None:
    stream = client.converse_stream(**REQUEST)["stream"]
    events = iter(stream)
    next(events)
    yield
    for _ in events:  # so that the next request has the same connection
        pass


def first_typed(runtime) -> None:
    with runtime.converse_stream("m", REQUEST["messages"]) as stream:
        next(stream)
        yield
        for _ in stream:
            pass


def time_to_first(read, target) -> float:
    started = time.perf_counter()
    reading = read(target)
    next(reading)
    took = time.perf_counter() - started
    next(reading, None)
    return took


with peer(EVENTS) as url:
    client, runtime = made(url)
    count = untyped(client)
    typed(runtime)
    pairs = [(seconds(typed, runtime), seconds(untyped, client)) for _ in range(ROUNDS)]
header(f"events per second, {EVENTS} text deltas, median of {ROUNDS}")
mine, other = (count / statistics.median(times) for times in zip(*pairs, strict=True))
figure(
    f"typed ({mine / other:.2f} times as many)", f"{mine:,.0f}", f"{other:,.0f}", "at least 0.9 times", met=mine >= 0.9 * other
)

with peer(10, first=FIRST) as url:
    client, runtime = made(url)
    for _ in range(20):
        time_to_first(first_untyped, client)
        time_to_first(first_typed, runtime)
    firsts = [(time_to_first(first_typed, runtime), time_to_first(first_untyped, client)) for _ in range(FIRSTS // 2)]
    others = [(time_to_first(first_untyped, client), time_to_first(first_typed, runtime)) for _ in range(FIRSTS // 2)]
    firsts += [(mine, other) for other, mine in others]
header(f"time to the first event of a model that takes {FIRST * 1000:.0f} ms, median of {FIRSTS}")
mine, other = (statistics.median(times) * 1000 for times in zip(*firsts, strict=True))
figure(
    f"typed ({mine / other:.3f} times, {mine - other:.2f} ms more)",
    f"{mine:.2f} ms",
    f"{other:.2f} ms",
    "at most 1.05 times",
    met=mine <= 1.05 * other,
)
finish()
