"""Callers that have gone leave nothing behind; measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("growth.py")
MB = 2.0


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", [["--traced"], []], ids=["objects", "pages"])
def test_ten_thousand_callers_take_no_more_memory_than_a_hundred(how: list[str]) -> None:
    if not how and not Path("/proc/self/statm").exists():
        pytest.skip("this system does not say how much memory a process has")
    ran = subprocess.run([sys.executable, str(SCRIPT), *how], check=True, capture_output=True, text=True)
    few, many = map(float, ran.stdout.split())
    assert many - few < MB, f"{few:.1f} MB after 100 callers, {many:.1f} MB after 10 000"
