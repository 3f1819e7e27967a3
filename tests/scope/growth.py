"""What a process keeps of callers that have gone: ``python tests/scope/growth.py`` prints MB after 100 and after 10 000 callers.

Each caller comes once, gets its keys, makes one API call and goes; in turn as a block and bound, with keys, a set of
credentials, a role that is assumed with keys, and a function. No network: requests are answered before they are sent.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import os
import tracemalloc
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSResponse

from bedrock_auth import AssumeRole, Credentials, Host, RequestScope, Static, create_session

FEW, MANY = 100, 10_000
SLOWER = 9
"""Where every object is counted only each ninth caller makes its call, which covers all forms of them."""
ROLE = (
    "<AssumeRoleResponse><AssumeRoleResult><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/R/s</Arn>"
    "<AssumedRoleId>AROA:s</AssumedRoleId></AssumedRoleUser><Credentials><AccessKeyId>ASIA{0:016d}</AccessKeyId>"
    "<SecretAccessKey>role-secret-{0}</SecretAccessKey><SessionToken>{0:0500d}</SessionToken>"
    "<Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
)


class Body:
    """As much of a urllib3 response as botocore reads."""

    def __init__(self, content: str) -> None:
        self._content = content.encode()

    def stream(self, **_: Any) -> Any:
        yield self._content


class Service:
    """A service with one client for all its callers, and STS."""

    def __init__(self) -> None:
        self.roles = itertools.count(1)
        self.requests = 0
        self.host = Host.isolated({"AWS_REGION": "us-east-1"})
        self.host.client("sts", "us-east-1").meta.events.register("before-send", self._sts)
        self.scope = RequestScope()
        session = create_session(self.scope, region_name="us-east-1")
        session.events.register("before-send", self._bedrock)
        self.client = session.client("bedrock-runtime")

    def _sts(self, request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, 200, {}, Body(ROLE.format(next(self.roles))))

    def _bedrock(self, request: Any, **_: Any) -> AWSResponse:
        self.requests += 1
        return AWSResponse(request.url, 200, {}, Body("{}"))

    def identity(self, number: int) -> Any:
        """One of four forms; the walk through them takes eight callers, so that each is used in both ways."""
        key_id, secret, token = f"ASIA{number:016d}", f"secret-{number}", f"{number:0500d}"
        role = "arn:aws:iam::123456789012:role/R"
        forms = [
            lambda: Static(key_id, secret, token),
            lambda: Credentials(key_id, secret, token),
            lambda: AssumeRole(role, source=Static(key_id, secret, token), host=self.host),
            lambda: lambda: Credentials(key_id, secret, token),
        ]
        return forms[number // 2 % len(forms)]()

    def serve(self, number: int, *, calls: bool) -> None:
        identity = self.identity(number)
        if number % 2:
            with self.scope.use(identity) as caller:
                self.sign(caller, self.client, calls=calls)
        else:
            with self.scope.bind(identity) as caller:
                self.sign(caller, caller.client("bedrock-runtime"), calls=calls)

    @staticmethod
    def sign(caller: Any, client: Any, *, calls: bool) -> None:
        caller.current()
        if calls:
            client.converse(modelId="m", messages=[{"role": "user", "content": [{"text": "hi"}]}])


def resident() -> float:
    """Memory of this process in MB, as the system counts it."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def traced() -> float:
    """What Python's objects take, in MB."""
    return tracemalloc.get_traced_memory()[0] / 1e6


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--traced", action="store_true", help="count Python's objects instead of the process's pages")
    read, every = (traced, SLOWER) if options.parse_args().traced else (resident, 1)
    if read is traced:
        tracemalloc.start()
    service, readings = Service(), []
    for number in range(1, MANY + 1):
        service.serve(number, calls=number % every == 0 or number <= FEW)
        if number in {FEW, MANY}:
            gc.collect()
            readings.append(read())
    assert service.requests == FEW + (MANY - FEW) // every
    print(*readings)


if __name__ == "__main__":
    main()
