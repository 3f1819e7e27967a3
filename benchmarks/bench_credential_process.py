"""A cached `bedrock-auth credential-process` against bare Python, and against a helper that brings an HTTP library to read a file."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import find_spec
from pathlib import Path

from common import FAILURES, finish, header

RUNS, RUNS_OF_THE_LONG_WAY = 41, 7
LIBRARY = next(name for name in ("requests", "urllib3", "boto3") if find_spec(name))
HELPER = f"""
import datetime, json, sys
import {LIBRARY}
with open(sys.argv[1]) as file:
    keys = json.load(file)
if datetime.datetime.fromisoformat(keys["Expiration"]) > datetime.datetime.now(datetime.UTC):
    print(json.dumps(keys))
"""
SCRIPT = "import sys\nfrom bedrock_auth.cli import main\nif __name__ == '__main__':\n    sys.exit(main())\n"


KEYS = {
    "Version": 1,
    "AccessKeyId": "ASIABENCHMARKBENCH01",
    "SecretAccessKey": "secret",
    "SessionToken": "t" * 900,
    "Expiration": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
}


class Vending(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(KEYS).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


def milliseconds(commands: dict[str, list[str]], environ: dict[str, str], runs: int = RUNS) -> dict[str, float]:
    """The median of each, taken in turn, so that whatever else the machine does hits all of them alike."""
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=True)
            taken[name].append((time.perf_counter() - started) * 1000)
    return {name: statistics.median(times) for name, times in taken.items()}


def script(folder: Path) -> list[str]:
    """The installed console script; where there is none, one like it."""
    installed = Path(sys.executable).with_name("bedrock-auth")
    if installed.exists():
        return [str(installed)]
    made = folder / "bedrock-auth"
    made.write_text(SCRIPT, encoding="utf-8")
    return [sys.executable, str(made)]


server = HTTPServer(("127.0.0.1", 0), Vending)
threading.Thread(target=server.serve_forever, daemon=True).start()
with tempfile.TemporaryDirectory() as folder:
    cache = Path(folder, "keys.json")
    cache.write_text(json.dumps(KEYS), encoding="utf-8")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {"HOME": folder}
    arguments = ["credential-process", "--vending-url", f"http://127.0.0.1:{server.server_port}"]
    long_way = {"from the source, nothing cached": [sys.executable, "-m", "bedrock_auth.cli", *arguments]}
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "cached, the script": [*script(Path(folder)), *arguments],
        "cached, python -m (a profile's line adds -I)": [sys.executable, "-m", "bedrock_auth.cli", *arguments],
        f"a helper that imports {LIBRARY} and reads a file": [sys.executable, "-c", HELPER, str(cache)],
    }
    without = milliseconds(long_way, environ | {"BEDROCK_AUTH_CACHE": "off"}, RUNS_OF_THE_LONG_WAY)
    subprocess.run(long_way.popitem()[1], env=environ, stdout=subprocess.DEVNULL, check=True)
    found = milliseconds(commands, environ) | without
server.shutdown()

header(f"credential-process, median of {RUNS}")
bare = found["python -c pass"]
for name, median in found.items():
    print(f"  {name:<52} {median:7.1f} ms   {median / bare:5.2f} times bare Python")
for name in list(commands)[1:3]:
    if found[name] > 2.5 * bare:
        FAILURES.append(name)
        print(f"  {name}: more than 2.5 times bare Python: NO")
finish()
