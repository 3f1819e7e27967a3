"""What `import bedrock_auth` costs and loads, against bare Python and boto3."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from common import finish, header


def milliseconds(statement: str) -> float:
    runs = []
    for _ in range(15):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True)
        runs.append(time.perf_counter() - started)
    return statistics.median(runs) * 1000


header("start-up, median of 15")
for statement in ("pass", "import bedrock_auth", "from bedrock_auth import Static, Refresher", "import boto3"):
    print(f"  {statement:<45} {milliseconds(statement):6.1f} ms")
script = "import sys, bedrock_auth; print(sorted({'attr', 'attrs', 'boto3', 'botocore'} & set(sys.modules)))"
loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.strip()
print(f"  of attrs, boto3 and botocore, import bedrock_auth loads: {loaded}")
if loaded != "[]":
    sys.exit(1)
finish()
