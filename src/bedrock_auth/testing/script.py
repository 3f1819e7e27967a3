"""What the model of LocalBedrock, or its agent, is going to say, and how it is going to fail."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import evolve

from bedrock_auth.testing.received import ReceivedRequest
from bedrock_auth.testing.replies import AnyReply, Reply, Said, quote_user

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bedrock_auth.testing.answers import Answer
    from bedrock_auth.testing.faults import Fault

Model: TypeAlias = Callable[[ReceivedRequest], Said] | Sequence[AnyReply]
"""A function that is called with every request, or a script: the replies to the next requests, in order."""


class Script:
    """The replies of one speaker that wait for requests, and faults."""

    def __init__(self, default: Callable[[ReceivedRequest], Any] = quote_user, make: Callable[[Any], Any] = Reply) -> None:
        """Begin with nothing but the default reply.

        Args:
            default: answers where nothing else was given; what it returns can take a ``fault``.
            make: makes a reply of bare content, or raises `TypeError`.
        """
        self._default = default
        self._make = make
        self._replies: deque[Any] = deque()
        self._faults: deque[Fault] = deque()
        self._last: Any = default
        self.model: Any = default
        """Who was told to speak."""
        self._lock = threading.Lock()

    def add_replies(self, replies: Iterable[Any]) -> None:
        """Queue replies.

        Raises:
            TypeError: something is no reply; none is queued then.
        """
        checked = [self._checked(reply) for reply in replies]
        with self._lock:
            self._replies.extend(checked)

    def set_model(self, model: Any) -> None:
        """Say what this says instead of what is queued.

        Raises:
            TypeError: it is neither a function nor a list of replies; everything stays as it was then.
        """
        if not callable(model) and (isinstance(model, str) or not isinstance(model, Sequence)):
            msg = f"a model or agent is a function of the request or a list of replies, not {type(model).__name__}"
            raise TypeError(msg)
        checked = [model] if callable(model) else [self._checked(reply) for reply in model]
        with self._lock:
            self.model = model
            self._last = self._default
            self._replies = deque(checked)

    def add_faults(self, faults: Iterable[Fault]) -> None:
        """Queue faults."""
        with self._lock:
            self._faults.extend(faults)

    def through_fault(self, normal: Callable[[], Answer]) -> Answer:
        """The answer as the next fault leaves it; faults are the caller's code and may raise anything."""
        with self._lock:
            fault = self._faults.popleft() if self._faults else None
        return normal() if fault is None else fault.apply(normal)

    def say(self, received: ReceivedRequest) -> Answer:
        """The next reply; replies are the caller's code and may raise anything."""
        with self._lock:
            if self._replies:
                self._last = self._replies.popleft()
            reply = self._last
        return self._answer(reply(received) if callable(reply) else reply, received)

    def _checked(self, reply: Any) -> Any:
        return reply if callable(reply) or hasattr(reply, "answer") or hasattr(reply, "apply") else self._make(reply)

    def _answer(self, said: Any, received: ReceivedRequest) -> Answer:
        if callable(said):
            msg = "a reply function must return a reply, not another function"
            raise TypeError(msg)
        if hasattr(said, "apply"):
            said = evolve(self._default(received), fault=said)
        answer: Answer = self._checked(said).answer(received)
        return answer
