"""What callers with keys of their own cost behind one client, against a client or a session for each, as boto3 alone needs."""

from __future__ import annotations

import gc
import itertools
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from common import figure, finish, header

NUMBERS = (1, 10, 1000)
CALLS = 400
MOST = {"client": 1000, "session": 20}
"""Sessions for a thousand callers would take nine gigabytes and more than a minute."""
LEAST = {"client": 10, "session": 100}
"""So many times less CPU ours must take to set up a caller."""
REQUEST = {"modelId": "m", "messages": [{"role": "user", "content": [{"text": "hi"}]}]}


def resident() -> float:
    """Resident memory of this process in MB."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def answered(session):
    """A session whose requests are answered before they are sent, so that only this side's work is measured."""
    from botocore.awsrequest import AWSResponse

    class Body:
        def stream(self, **_):
            yield b"{}"

    session.events.register("before-send", lambda request, **_: AWSResponse(request.url, 200, {}, Body()))
    return session


def keys(number: int) -> tuple[str, str]:
    return f"AKIA{number:016d}", f"secret-{number}"


def blocks():
    """A block of scope.use, and the keys at hand; a call in it goes through everybody's client."""
    from contextlib import ExitStack

    from bedrock_auth import RequestScope, Static, create_session

    scope = RequestScope()
    client = answered(create_session(scope, region_name="us-east-1")).client("bedrock-runtime")

    def open_(number):
        stack = ExitStack()
        stack.enter_context(scope.use(Static(*keys(number)))).current()
        return stack, client

    return open_, lambda caller: caller[0].close()


def bound():
    """Bind, the keys at hand, with a client."""
    from bedrock_auth import RequestScope, Static, create_session

    scope = RequestScope()
    answered(create_session(scope, region_name="us-east-1"))

    def open_(number):
        caller = scope.bind(Static(*keys(number)))
        caller.current()
        return caller, caller.client("bedrock-runtime")

    return open_, lambda caller: caller[0].close()


def clients():
    """One boto3 session, a client with keys of its own for each caller."""
    import boto3

    session = answered(boto3.Session(region_name="us-east-1"))

    def open_(number):
        key_id, secret = keys(number)
        return None, session.client("bedrock-runtime", aws_access_key_id=key_id, aws_secret_access_key=secret)

    return open_, lambda _: None


def sessions():
    """A boto3 session with its client for each caller."""
    import boto3

    def open_(number):
        session = answered(boto3.Session(*keys(number), region_name="us-east-1"))
        return session, session.client("bedrock-runtime")

    return open_, lambda _: None


LEAST_SAMPLES = {"block": 300, "bound": 300, "client": 20, "session": 20}
WAYS = {"block": blocks, "bound": bound, "client": clients, "session": sessions}


def measure(way: str, number: int) -> None:
    """Print µs to set one up and end it, MB for an open one, and MB that stay when so many have come and gone."""
    open_, close = WAYS[way]()
    numbers = itertools.count()

    def come_and_go() -> float:
        started = time.process_time()
        caller = open_(next(numbers))
        opened = time.process_time()
        caller[1].converse(**REQUEST)
        called = time.process_time()
        close(caller)
        return time.process_time() - called + opened - started

    come_and_go()
    before = resident()
    setting_up = statistics.median(come_and_go() for _ in range(max(number, LEAST_SAMPLES[way])))
    gone = resident() - before

    before, callers = resident(), []
    for _ in range(max(number, LEAST_SAMPLES[way])):
        callers.append(open_(next(numbers)))
        callers[-1][1].converse(**REQUEST)
    print(setting_up * 1e6, (resident() - before) / len(callers), gone)
    for caller in reversed(callers):
        close(caller)


def calls() -> None:
    """Print µs of a call in a block, with a bound client and with a plain one that has keys of its own; in turn, as noise comes."""
    opened = {way: WAYS[way]()[0](1)[1] for way in ("block", "bound", "client")}
    times = {way: [] for way in opened}
    for _ in range(CALLS):
        for way, client in opened.items():
            started = time.process_time()
            client.converse(**REQUEST)
            times[way].append(time.process_time() - started)
    print(*(statistics.median(taken) * 1e6 for taken in times.values()))


def in_a_process_of_its_own(*what: object) -> list[float]:
    ran = subprocess.run([sys.executable, __file__, *map(str, what)], check=True, capture_output=True, text=True)
    return [float(word) for word in ran.stdout.split()]


def shown(megabytes: float) -> str:
    return f"{megabytes * 1000:.0f} kB" if megabytes < 0.1 else f"{megabytes:.1f} MB"


def compare(number: int) -> None:
    """One caller among so many: both our ways against both of theirs."""
    theirs = {way: in_a_process_of_its_own(way, min(number, MOST[way])) for way in MOST}
    for way in ("block", "bound"):
        mine, held, gone = in_a_process_of_its_own(way, number)
        for other, (setting_up, _, _) in theirs.items():
            times, least = setting_up / mine, LEAST[other]
            what, bound = f"{number}, {way} / {other}: CPU to set up ({times:.0f} times less)", f"at least {least} times"
            figure(what, f"{mine:.0f} µs", f"{setting_up / 1000:.1f} ms", bound, met=times >= least)
        _, their_held, their_gone = theirs["session"]
        what = f"{number}, {way} / session: memory of an open one"
        figure(what, shown(held), shown(their_held), "at most a hundredth", met=held <= their_held / 100)
        what = f"{number}, {way} / session: memory that stays"
        figure(what, shown(gone), shown(their_gone), "at most 1 MB", met=gone <= 1)


if sys.argv[1:] == ["calls"]:
    calls()
    sys.exit()
if len(sys.argv) > 1:
    measure(sys.argv[1], int(sys.argv[2]))
    sys.exit()
header(f"callers with keys of their own, 1 to 1000 (boto3 sessions: {MOST['session']} at most); CPU time")
for count in NUMBERS:
    compare(count)
in_block, with_bound, plain = in_a_process_of_its_own("calls")
for way, mine in {"in a block": in_block, "with a bound client": with_bound}.items():
    what = f"a call {way} ({(mine / plain - 1) * 100:.0f} % more)"
    figure(what, f"{mine:.0f} µs", f"{plain:.0f} µs", "at most a fifth more", met=mine <= 1.2 * plain)
finish()
