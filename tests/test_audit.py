from __future__ import annotations

import logging
from datetime import UTC, datetime

from bedrock_auth.audit import LogListener, RefreshFailed, Retrieved, Skipped

WHEN = datetime(2030, 1, 1, tzinfo=UTC)
RETRIEVED = Retrieved(
    provider="assume-role arn:aws:iam::123456789012:role/Bedrock", at=1.0, key_hint="MPLE", expiration=WHEN,
    account_id="123456789012", seconds=0.25, background=True,
)  # fmt: skip


def test_the_log_listener_writes_what_was_fetched_for_whom_and_until_when(caplog):
    with caplog.at_level(logging.DEBUG, "bedrock_auth.audit"):
        LogListener()(RETRIEVED)
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    assert record.getMessage() == (
        "Retrieved provider=assume-role arn:aws:iam::123456789012:role/Bedrock key_hint=MPLE "
        "expiration=2030-01-01 00:00:00+00:00 account_id=123456789012 seconds=0.25 background=True"
    )


def test_failures_are_warnings_and_skips_are_debugging(caplog):
    listener = LogListener(logging.getLogger("audit.of.mine"))
    with caplog.at_level(logging.DEBUG):
        listener(
            RefreshFailed(
                provider="x", at=1.0, error="RetrievalError", code="Down", message="m", next_attempt_at=None, still_serving=True
            )
        )
        listener(Skipped(provider="x", at=1.0, reason="not set"))
    assert [(record.name, record.levelno) for record in caplog.records] == [
        ("audit.of.mine", logging.WARNING),
        ("audit.of.mine", logging.DEBUG),
    ]
