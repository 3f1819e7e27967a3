"""What LocalBedrock is going to say, and how it is going to fail."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from bedrock_auth.testing.replies import answer_with, checked_reply, quote_user

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bedrock_auth.testing.answers import Answer
    from bedrock_auth.testing.faults import Fault
    from bedrock_auth.testing.received import ReceivedRequest
    from bedrock_auth.testing.replies import AnyReply


class Script:
    """The replies and faults that wait for requests."""

    def __init__(self) -> None:
        """Begin with nothing but the default reply."""
        self._replies: deque[AnyReply] = deque()
        self._faults: deque[Fault] = deque()
        self._last: AnyReply = quote_user
        self._lock = threading.Lock()

    def add_replies(self, replies: Iterable[AnyReply]) -> None:
        """Queue replies.

        Raises:
            TypeError: something is no reply; none is queued then.
        """
        checked = [checked_reply(reply) for reply in replies]
        with self._lock:
            self._replies.extend(checked)

    def add_faults(self, faults: Iterable[Fault]) -> None:
        """Queue faults."""
        with self._lock:
            self._faults.extend(faults)

    def answer(self, received: ReceivedRequest) -> Answer:
        """The next reply, through the next fault; replies and faults are the caller's code and may raise anything."""
        with self._lock:
            fault = self._faults.popleft() if self._faults else None
        if fault is None:
            return answer_with(self._next_reply(), received)
        return fault.apply(lambda: answer_with(self._next_reply(), received))

    def _next_reply(self) -> AnyReply:
        with self._lock:
            if self._replies:
                self._last = self._replies.popleft()
            return self._last
