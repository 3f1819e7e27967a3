"""The command ``bedrock-auth`` as another program meets it: a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bedrock_auth
from support.endpoint import Reply


def bedrock_auth_command(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    command = [sys.executable, "-m", "bedrock_auth.cli", *arguments]
    return subprocess.run(
        command, env={**os.environ, **environ}, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, check=False
    )


def vended(number: int = 1, *, lifetime: float = 3600, **more: Any) -> Reply:
    """A vending API's answer: set number so-and-so, which lives so many seconds."""
    expiration = (datetime.now(UTC) + timedelta(seconds=lifetime)).isoformat()
    keys = {"Version": 1, "AccessKeyId": f"ASIAVENDEDVENDED{number:04d}", "SecretAccessKey": f"secret-{number}/+="}
    return Reply(body=json.dumps({**keys, "SessionToken": f"token-{number}", "Expiration": expiration, **more}))


def environment_with_the_package(folder: Path) -> Path:
    """The interpreter of a new virtual environment that finds this package and what it needs by itself, as an installed one."""
    venv.create(folder, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    needed = [Path(bedrock_auth.__file__).parent.parent, *(Path(part) for part in sys.path if part.endswith("site-packages"))]
    (site / "needed.pth").write_text("".join(f"{path.resolve()}\n" for path in needed), encoding="utf-8")
    return folder / "bin" / "python"
