"""For each line on stdin ask Bedrock and STS with the AWS CLI, a process for each call, and print one line of JSON.

Runs in the environment that has the AWS CLI. The one argument is a profile, where one is to be named. The CLI cannot stream.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

PROFILE = ["--profile", sys.argv[1]] if sys.argv[1:] else []


def aws(*words: str) -> Any:
    command = [sys.executable, "-m", "awscli", *words, *PROFILE, "--output", "json"]
    return json.loads(subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout)


for line in sys.stdin:
    asked = json.loads(line)
    messages = json.dumps([{"role": "user", "content": [{"text": asked["text"]}]}])
    answer = aws("bedrock-runtime", "converse", "--model-id", asked["modelId"], "--messages", messages)
    texts = [answer["output"]["message"]["content"][0]["text"]]
    print(json.dumps({"arn": aws("sts", "get-caller-identity")["Arn"], "texts": texts}), flush=True)  # noqa: T201 - the answer
