"""A short run of the load; ``nox -s load`` is the long one."""

from __future__ import annotations

import pytest

from scope.load import IDENTITIES, measure

REQUESTS = 5000


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_request_is_signed_by_its_own_caller_whatever_goes_wrong_around_it() -> None:
    report = measure(REQUESTS)
    report.print()
    assert report.wrong == []
    assert report.seen["requests"] >= REQUESTS
    assert report.seen["callers"] == IDENTITIES
    assert {"Throttle", "ExpiredToken", "ServiceError", "Cut", "renewed"} <= report.seen.keys()
    assert {"answered", "streamed", "no keys", "refused as it must be", "cancelled"} <= report.met.keys()
