"""`forgotten_secrets` in a process of its own: what other tests have left behind would be walked too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WALKS = Path(__file__).with_name("forgotten_secrets.py")
ROOT = WALKS.parents[2]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("which", ["not slow", pytest.param("slow", marks=pytest.mark.slow)])
def test_nothing_that_outlives_a_caller_holds_its_secrets(which: str) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "timeout=300", "-m", which, str(WALKS)]
    ran = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-2000:]
