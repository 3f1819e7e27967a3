"""Signatures of ours are those that two published JavaScript signers come to."""

from __future__ import annotations

import base64
import json
import subprocess

import pytest

from bedrock_auth import Refresher, Static
from bedrock_auth.function_url import FunctionUrlClient
from support.function_urls import KEYS, REGION, SPELLINGS, FunctionUrl, Received, claim


@pytest.fixture(scope="module")
def sign_elsewhere(javascript):
    """Has requests that arrived signed by aws4fetch and by the AWS SDK for JavaScript."""

    def sign(received: list[Received]) -> list[dict[str, str]]:
        lines = "".join(f"{json.dumps(as_it_arrived(each))}\n" for each in received)
        ran = subprocess.run(javascript("sign.mjs"), input=lines, capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 0, ran.stderr
        return [json.loads(line) for line in ran.stdout.splitlines()]

    return sign


def as_it_arrived(received: Received) -> dict[str, object]:
    signed = set(claim(received)["headers"].split(";")) - {"host", "x-amz-date", "x-amz-security-token"}
    return {
        "method": received.method,
        "url": f"http://{received.headers['host']}{received.target}",
        "headers": {name: received.headers[name] for name in signed},
        "body": base64.b64encode(received.body).decode(),
        "datetime": received.headers["x-amz-date"],
        "service": "lambda",
        "region": REGION,
        "keys": {
            "accessKeyId": KEYS.access_key_id,
            "secretAccessKey": KEYS.secret_access_key,
            "sessionToken": KEYS.session_token,
        },
    }


def test_odd_paths_queries_headers_and_bodies_are_signed_alike(sign_elsewhere):
    source = Refresher(Static(KEYS.access_key_id, KEYS.secret_access_key, KEYS.session_token))
    with FunctionUrl() as served, FunctionUrlClient(served.url, source, region_name=REGION) as client:
        for number, path in enumerate(SPELLINGS):
            method = ("GET", "POST", "DELETE")[number % 3]
            content = None if method == "GET" else bytes(range(number))
            client.request(method, path, content=content, headers={"X-Odd": "a   b  c,d", "Content-Type": "text/x; a=b"})
        client.get("/deep/path", params={"ü b": ["+", "/", ""], "A": "~*'()!", "a": 1, "-": "", "": "x"})
        received = served.received
    expected = [claim(each)["signature"] for each in received]
    answers = sign_elsewhere(received)
    for signer in ("aws4fetch", "smithy"):
        differ = [each.target for each, ours, said in zip(received, expected, answers, strict=True) if said[signer] != ours]
        assert [target for target in differ if signer == "smithy" or not has_nameless(target)] == [], signer


def has_nameless(target: str) -> bool:
    """Whether a parameter has no name: aws4fetch does not sign it, alone among all signers."""
    return any(pair.startswith("=") for pair in target.partition("?")[2].split("&"))
