"""What the tests of sources share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.register_assert_rewrite("providers.conformance")

from providers.stub import StsStub  # noqa: E402 - after its neighbour has been announced

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def sts() -> Iterator[StsStub]:
    """A stand-in for STS that answers what the test tells it."""
    with StsStub() as stub:
        yield stub
