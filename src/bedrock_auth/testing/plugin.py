"""pytest plugin: the fixture `local_bedrock`, there for everybody who has bedrock_auth installed.

pytest imports this module in every run, so it imports nothing but pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bedrock_auth.testing.local_bedrock import LocalBedrock


@pytest.fixture
def local_bedrock(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalBedrock]:
    """A running `LocalBedrock`; the environment names its endpoint and region, ``local_bedrock.credentials`` are its keys."""
    from bedrock_auth.testing.local_bedrock import LocalBedrock  # noqa: PLC0415 - only tests that use it pay for it

    with LocalBedrock() as bedrock:
        for name, value in bedrock.environ.items():
            monkeypatch.setenv(name, value)
        yield bedrock
