"""Eight processes that start at once with nothing cached, and eight that find something: calls of STS and time to the last one.

The STS is one on this machine that counts and takes 300 ms. Each process assumes a role and ends: with `DiskCache`, without any
cache, and with botocore's own fetcher over its `JSONFileCache`, which the AWS CLI uses.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from common import figure, finish, header

PROCESSES, LATENCY, ROUNDS = 8, 0.3, 3
ROLE = "arn:aws:iam::123456789012:role/Bedrock"
OURS = f"""
from bedrock_auth import AssumeRole, Static
role = AssumeRole({ROLE!r}, source=Static("AKIAIOSFODNN7EXAMPLE", "secret"), session_name="me", region_name="us-east-1")
"""
CACHED = f"{OURS}\nfrom bedrock_auth.disk_cache import DiskCache\nDiskCache(role).retrieve()"
BOTOCORE = f"""
import os
import botocore.session
from botocore.credentials import AssumeRoleCredentialFetcher, Credentials
from botocore.utils import JSONFileCache
session = botocore.session.get_session()
AssumeRoleCredentialFetcher(
    session.create_client, Credentials("AKIAIOSFODNN7EXAMPLE", "secret"), {ROLE!r}, extra_args={{"RoleSessionName": "me"}},
    cache=JSONFileCache(os.environ["BEDROCK_AUTH_CACHE_DIR"] + "-botocore"),
).fetch_credentials()
"""


class Sts(BaseHTTPRequestHandler):
    calls = 0

    def do_POST(self):
        type(self).calls += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(LATENCY)
        expires = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        keys = f"<AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>{expires}</Expiration>"
        who = "<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/R/s</Arn><AssumedRoleId>AROA:s</AssumedRoleId></AssumedRoleUser>"
        body = f"<AssumeRoleResponse><AssumeRoleResult>{who}<Credentials>{keys}</Credentials></AssumeRoleResult></AssumeRoleResponse>".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Stay quiet."""


def round_of(script: str, environ: dict[str, str]) -> tuple[int, float]:
    """Calls of STS, and seconds until the last of the processes has ended."""
    before, started = Sts.calls, time.perf_counter()
    processes = [subprocess.Popen([sys.executable, "-c", script], env=environ) for _ in range(PROCESSES)]
    ended = [process.wait() for process in processes]
    if any(ended):
        sys.exit("a process failed")
    return Sts.calls - before, time.perf_counter() - started


def rounds_of(script: str, url: str) -> dict[str, tuple[int, float]]:
    """The worst number of calls and the median time, cold and warm."""
    cold, warm = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as home:
            own = {
                "BEDROCK_AUTH_CACHE_DIR": f"{home}/cache",
                "HOME": home,
                "AWS_ENDPOINT_URL_STS": url,
                "AWS_DEFAULT_REGION": "us-east-1",
            }
            environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | own
            cold.append(round_of(script, environ))
            warm.append(round_of(script, environ))
    return {
        name: (max(calls for calls, _ in runs), statistics.median(seconds for _, seconds in runs))
        for name, runs in (("cold", cold), ("warm", warm))
    }


server = ThreadingHTTPServer(("127.0.0.1", 0), Sts)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
header(f"{PROCESSES} processes at once, STS takes {LATENCY * 1000:.0f} ms, worst or median of {ROUNDS} rounds")
ours, bare, theirs = rounds_of(CACHED, url), rounds_of(f"{OURS}\nrole.retrieve()", url), rounds_of(BOTOCORE, url)
for when in ("cold", "warm"):
    calls, seconds = ours[when]
    bound = 1 if when == "cold" else 0
    figure(f"{when}: calls of STS", f"{calls}", f"{theirs[when][0]}", f"{bound} wanted", met=calls == bound)
    print(f"      without a cache: {bare[when][0]} calls")
    figure(f"{when}: until the last one has its keys", f"{seconds:.2f} s", f"{theirs[when][1]:.2f} s", "shown", met=True)
    print(
        f"      without a cache: {bare[when][1]:.2f} s; ours takes {seconds / bare[when][1]:.2f} of that, and {seconds / theirs[when][1]:.2f} of botocore's"
    )
server.shutdown()
finish()
