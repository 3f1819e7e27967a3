"""Names of parametrised tests."""

from __future__ import annotations

import re


def plain(value: object) -> str:
    """The value as text without addresses of objects, and the beginning of bytes: the processes of one run must agree on it."""
    if isinstance(value, bytes):
        return repr(value[:8])
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))
