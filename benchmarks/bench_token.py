"""What a short-term Bedrock API key costs to make, against AWS's own generator, and to ask for while it is current."""

from __future__ import annotations

import statistics
import timeit
from datetime import UTC, datetime, timedelta

from aws_bedrock_token_generator import provide_token
from botocore.credentials import Credentials as BotocoreCredentials
from common import figure, finish, header

from bedrock_auth import Credentials, FromCallable
from bedrock_auth.api_key import make_key
from bedrock_auth.bearer import bearer_token

KEYS = Credentials("ASIAEXAMPLEEXAMPLE00", "secret", "t" * 800, datetime.now(UTC) + timedelta(hours=24))


class Theirs:
    def load(self) -> BotocoreCredentials:
        return BotocoreCredentials(KEYS.access_key_id, KEYS.secret_access_key, KEYS.session_token)


def microseconds(call, number: int) -> float:
    return statistics.median(timeit.repeat(call, number=number, repeat=9)) / number * 1e6


token = bearer_token(FromCallable(lambda: KEYS), "us-east-1")
now = datetime.now(UTC).timestamp()
make_key(KEYS, "us-east-1", 43_200, now)
token()

header("a short-term Bedrock API key, median of 9 runs; the other is AWS's aws-bedrock-token-generator")
theirs = microseconds(lambda: provide_token("us-east-1", Theirs()), 500)
made = microseconds(lambda: make_key(KEYS, "us-east-1", 43_200, now), 500)
asked = microseconds(token, 100_000)
figure("a key made", f"{made:.0f} µs", f"{theirs:.0f} µs", "at most 1.5 times", met=made <= 1.5 * theirs)
figure(
    f"a key asked for ({theirs / asked:.0f} times faster)",
    f"{asked:.2f} µs",
    f"{theirs:.0f} µs",
    "at least 50 times",
    met=theirs / asked >= 50,
)
finish()
