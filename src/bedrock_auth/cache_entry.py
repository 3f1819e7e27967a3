"""What stands in an entry of the disk cache, and when it may be handed out. No I/O, and nothing imported that costs time.

An entry is AWS's process JSON (version 1) with one more member, ``Cache``, for what the cache knows about the keys.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing costs more than a cached answer may take; type checkers take the name as true

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

FORMAT = 1
FACTS = "Cache"
"""The member of an entry that is not AWS's."""
HAND_OFF_MARGIN, LONG_LIFETIME = 16 * 60.0, 30 * 60.0
"""Seconds; see `fit_to_hand_off`."""
_LAST_MARGIN = 60.0
_CLOCK_STEP = 60.0
_END_OF_TIME = 1e11
_KEYS = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
_MEMBERS = ("Version", *_KEYS, "AccountId")


def fit_to_hand_off(remaining: float, lifetime: float) -> bool:
    """Whether keys may be given to another process, which may have a fixed window of its own in which it asks again each time.

    botocore's is 15 minutes: keys that live for more than 30 minutes must have more than 16 left. Shorter-lived ones must have
    more left than the last moments, in which they are replaced here: a minute, or a third of their lifetime.

    Args:
        remaining: seconds until they expire.
        lifetime: seconds that they had when they were fetched.
    """
    return remaining > (HAND_OFF_MARGIN if lifetime > LONG_LIFETIME else min(_LAST_MARGIN, lifetime / 3))


def encode(keys: Mapping[str, Any], *, source: str, retrieved_at: float, expires_at: float) -> bytes:
    """An entry: one line, without spaces, its members in this order, so that one who is in a hurry needs no parser.

    Args:
        keys: with an expiration and a session token, as ``Credentials.to_process_json`` gives them.
        source: name of the provider that delivered them, for people.
        retrieved_at: seconds since the epoch.
        expires_at: the same; says what ``Expiration`` says, and needs no parser.
    """
    import json  # noqa: PLC0415 - only whoever reads or writes pays for it

    facts = {"Format": FORMAT, "Source": source, "RetrievedAt": float(retrieved_at), "ExpiresAt": float(expires_at)}
    return json.dumps({**keys, FACTS: facts}, separators=(",", ":")).encode()


def decode(content: bytes | None) -> dict[str, Any] | None:
    """The entry; ``None`` for anything that is not a whole one of this format."""
    import json  # noqa: PLC0415 - as above

    try:
        entry = json.loads(content or b"")
    except (ValueError, RecursionError):
        return None
    return entry if _is_whole(entry) else None


def _is_whole(entry: object) -> bool:
    facts = entry.get(FACTS) if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(facts, dict):
        return False
    if (entry.get("Version"), facts.get("Format")) != (1, FORMAT) or not isinstance(facts.get("Source"), str):
        return False
    times = (facts.get("RetrievedAt"), facts.get("ExpiresAt"))
    return all(map(_is_text, (*map(entry.get, _KEYS), entry.get("AccountId", "none")))) and all(map(_is_moment, times))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != "" and value.isprintable()


def _is_moment(value: object) -> bool:
    return isinstance(value, float) and 0 < value < _END_OF_TIME


def remaining(entry: Mapping[str, Any], now: float) -> float:
    """Seconds until an entry's keys expire; ``now`` in seconds since the epoch."""
    return float(entry[FACTS]["ExpiresAt"]) - now


def is_fresh(entry: Mapping[str, Any], now: float) -> bool:
    """Whether an entry, as `decode` gives it, may be handed out without asking its source; ``now`` in seconds since the epoch.

    Not where the clock now says that it was written in the future: then it says nothing about how long the keys live either.
    """
    retrieved_at, expires_at = entry[FACTS]["RetrievedAt"], entry[FACTS]["ExpiresAt"]
    return now > retrieved_at - _CLOCK_STEP and fit_to_hand_off(expires_at - now, expires_at - retrieved_at)


def process_json(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of an entry as AWS's process JSON. Holds the secrets."""
    return {member: entry[member] for member in _MEMBERS if member in entry}
