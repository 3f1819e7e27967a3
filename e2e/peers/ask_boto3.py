"""For each line on stdin ask Bedrock and STS, as whoever boto3 finds, and print one line of JSON.

Nothing of ours is imported. The one argument is a profile, where one is to be named. The clients live as long as the process.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import boto3

session = boto3.Session(profile_name=sys.argv[1] if sys.argv[1:] else None)
sts, runtime = session.client("sts"), session.client("bedrock-runtime")


def streamed(request: dict[str, Any]) -> str:
    events = runtime.converse_stream(**request)["stream"]
    return "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)


for line in sys.stdin:
    asked = json.loads(line)
    request = {"modelId": asked["modelId"], "messages": [{"role": "user", "content": [{"text": asked["text"]}]}]}
    texts = [runtime.converse(**request)["output"]["message"]["content"][0]["text"], streamed(request)]
    print(json.dumps({"arn": sts.get_caller_identity()["Arn"], "texts": texts}), flush=True)  # noqa: T201 - the answer
