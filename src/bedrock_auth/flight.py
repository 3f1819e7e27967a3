"""One fetch under way, and which of them the running code is part of. When one starts and what it means: `refresh`."""

from __future__ import annotations

import time
from concurrent.futures import Future
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bedrock_auth.credentials import Credentials
    from bedrock_auth.errors import CredentialError


class Flight:
    """One fetch under way. Its future resolves to the credentials or to the error: a value, so none goes unretrieved."""

    def __init__(self, number: int, generation: int, *, nobody_waits: bool, load_timeout: float) -> None:
        """Begin to count the time.

        Args:
            number: grows from fetch to fetch; the newest result wins.
            generation: of the set that is in use at the start.
            nobody_waits: whether it was started while the set in use was still good.
            load_timeout: seconds that others wait for it.
        """
        self.number = number
        self.generation = generation
        self.nobody_waits = nobody_waits
        self.counted = False
        self.future: Future[Credentials | CredentialError] = Future()
        self.future.set_running_or_notify_cancel()  # no awaiter can cancel it for the others
        self._deadline = time.monotonic() + load_timeout

    def patience(self) -> float:
        """Seconds for which others still wait."""
        return max(0.0, self._deadline - time.monotonic())


FLYING: ContextVar[tuple[Flight, ...]] = ContextVar("bedrock_auth.flying", default=())
"""The fetches that the running code is part of; a helper thread in a copy of the context knows them too."""
