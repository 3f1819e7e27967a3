"""What `bedrock-auth serve` answers in, against the shortest server that the standard library allows, which checks only the token.

Both run in processes of their own and are asked in turn, over a new connection each time, as SDKs do that refresh now and then.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

from common import FAILURES, finish, header

ROUNDS, SEQUENTIAL, THREADS, EACH = 5, 300, 8, 60
TRIVIAL = """
import hmac, json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
BODY = json.dumps({"AccessKeyId": "ASIAEXAMPLEEXAMPLE00", "SecretAccessKey": "s" * 40, "Token": "t" * 800,
                   "Expiration": "2999-01-01T00:00:00Z"}).encode()
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if not hmac.compare_digest(self.headers.get("Authorization", ""), "token"):
            self.send_error(403)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)
    def log_message(self, *_):
        pass
class Server(ThreadingHTTPServer):
    request_queue_size = 128
server = Server(("127.0.0.1", 0), Handler)
print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}/", "token": "token"}), flush=True)
server.serve_forever()
"""


@contextmanager
def server(command):
    """A process, and the first line or all of what it prints."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    keys = {"AWS_ACCESS_KEY_ID": "ASIAEXAMPLEEXAMPLE00", "AWS_SECRET_ACCESS_KEY": "s" * 40, "AWS_SESSION_TOKEN": "t" * 800}
    process = subprocess.Popen(command, env={**environ, **keys}, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def ask(url, token):
    """Seconds that one answer took, its connection included."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=10)
    connection.request("GET", url.path, headers={"Authorization": token, "Accept": "application/json"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    took = time.perf_counter() - began
    assert answer.status == 200, (answer.status, body)
    assert b"ASIAEXAMPLE" in body
    return took


def per_second(url, token):
    """Requests per second of several threads that ask without a pause."""

    def work():
        for _ in range(EACH):
            ask(url, token)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return THREADS * EACH / (time.perf_counter() - began)


def milliseconds(latencies, share):
    return sorted(latencies)[int(len(latencies) * share)] * 1e3


def row(what, ours, theirs, bound, *, met):
    print(f"  {what:<44} ours {ours:>14}   trivial {theirs:>14}   {bound}: {'yes' if met else 'NO'}")
    if not met:
        FAILURES.append(what)


with (
    server([sys.executable, "-m", "bedrock_auth.cli", "serve", "--source", "environment"]) as real,
    server([sys.executable, "-c", TRIVIAL]) as trivial,
):
    settings = json.loads(real.stdout.read())["routes"]["default"]["set"]
    said = json.loads(trivial.stdout.readline())
    places = {
        "ours": (urlsplit(settings["AWS_CONTAINER_CREDENTIALS_FULL_URI"]), settings["AWS_CONTAINER_AUTHORIZATION_TOKEN"]),
        "trivial": (urlsplit(said["url"]), said["token"]),
    }
    latencies = {name: [] for name in places}
    rates = {name: [] for name in places}
    for _ in range(ROUNDS):
        for name, place in places.items():
            latencies[name] += [ask(*place) for _ in range(SEQUENTIAL)]
            rates[name].append(per_second(*place))

    address = places["ours"][0].hostname, places["ours"][0].port
    held = [socket.create_connection(address) for _ in range(200)]
    began = time.perf_counter()
    while True:
        try:
            ask(*places["ours"])
            break
        except (AssertionError, OSError, http.client.HTTPException):
            time.sleep(0.02)
    back = time.perf_counter() - began
    for connection in held:
        connection.close()

header(f"a credentials endpoint, {ROUNDS * SEQUENTIAL} requests one after the other, then {THREADS} threads at once")
ours, theirs = latencies["ours"], latencies["trivial"]
for share, name, bound in ((0.5, "p50", 1.5), (0.99, "p99", 3)):
    ours_ms, theirs_ms = milliseconds(ours, share), milliseconds(theirs, share)
    met = ours_ms <= bound * theirs_ms
    row(f"latency {name}", f"{ours_ms:.2f} ms", f"{theirs_ms:.2f} ms", f"at most {bound} times", met=met)
rate, their_rate = statistics.median(rates["ours"]), statistics.median(rates["trivial"])
row("requests per second", f"{rate:.0f}", f"{their_rate:.0f}", "at least 0.7 times", met=rate >= 0.7 * their_rate)
row("200 silent clients: answers again after", f"{back:.1f} s", "-", "at most 10 s", met=back <= 10)
finish()
