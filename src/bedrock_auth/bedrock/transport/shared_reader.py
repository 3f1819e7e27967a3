"""`SharedReader`: one thread that reads many streams, each when something of it has come.

Hundreds of threads that each wake up for an event keep an event loop from the interpreter. One that waits for all connections
does not. It may only be held up where a connection delivers part of an event and then nothing: a second thread looks every
`_TURN` seconds, and when the first is held up, another goes on in its place with all streams but that one, which comes back when
its event is whole. Where several do that at once, each of the others takes a tenth of it.

The threads start with the first stream, are daemons, and end when there has been nothing to do for `_LINGER` seconds.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
import time
from collections import deque
from contextlib import suppress
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from bedrock_auth.bedrock.transport.connection import StreamConnection

P = ParamSpec("P")

_TURN = 0.02
"""Seconds for which one stream may hold up the others."""
_LINGER = 0.5
"""Seconds; a read timeout is noticed so much later, or twice that."""


class Next(Enum):
    """What a stream needs next."""

    DATA = auto()
    """Something from its connection."""
    TURN = auto()
    """Another turn: there is more, but others wait."""
    ROOM = auto()
    """Nothing, until it is given back with TURN."""
    NOTHING = auto()
    """It is at its end."""


class Watched(Protocol):
    """A stream that a `SharedReader` reads."""

    connection: StreamConnection

    def advance(self) -> Next:
        """Read what has come; never raises. May wait for the rest of what has come in part."""


class SharedReader:
    """See the module. One thread at a time leads, and only that one touches the selector and what else has no lock."""

    def __init__(self) -> None:
        """Nothing is started, and no descriptor is open, before the first stream comes."""
        self._lock = threading.Lock()
        self._leader = 0
        self._is_led = False
        self._is_guarded = False
        self._turn: tuple[Watched, float] | None = None
        self._last_turn = 0.0
        self._for_the_leader: deque[Callable[[], None]] = deque()
        self._watched: set[Watched] = set()
        self._due: dict[Watched, None] = {}
        self._elsewhere = 0
        self._looked = 0.0
        self._patience = _TURN

    def watch(self, stream: Watched) -> bool:
        """Read a stream from now on, each time something of it comes; ``False`` where no thread or descriptor is left."""
        with self._lock:
            if not self._is_led and not self._begin():
                return False
            self._tell(self._see_to, stream, Next.DATA)
            return True

    def resume(self, stream: Watched) -> None:
        """Go on with a stream that has needed room. Takes no lock, so a garbage collector may call it."""
        if self._is_led:  # else this is a child, and the stream its parent's
            self._tell(self._come_back, stream, Next.TURN)

    def close(self) -> None:
        """Close the descriptors, where there are any; no thread may be using them."""
        if self._is_led:
            self._is_led = False
            for thing in (self._selector, self._ear, self._mouth):
                thing.close()

    def _begin(self) -> bool:
        try:
            self._ear, self._mouth = socket.socketpair()
        except OSError:
            return False
        try:
            self._selector = selectors.DefaultSelector()
        except OSError:
            self._ear.close()
            self._mouth.close()
            return False
        for end in (self._ear, self._mouth):
            end.setblocking(False)
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._is_led = True
        if not self._start_leader():
            self.close()
        return self._is_led

    def _start_leader(self) -> bool:
        if not _start(partial(self._lead, self._leader + 1)):
            return False
        self._leader += 1
        return True

    def _tell(self, what: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        self._for_the_leader.append(partial(what, *args, **kwargs))
        with suppress(OSError):  # full, so it will wake up, or closed, so nobody is there to be woken
            self._mouth.send(b"\0")

    def _lead(self, leader: int) -> None:
        while self._listen() or not self._retire():
            for stream in list(self._due):
                del self._due[stream]
                self._forget(stream)  # before it closes its socket, of which a forked child may hold a copy
                if not self._read(leader, stream):
                    return

    def _listen(self) -> bool:
        """Find out who is due; whether there is anybody at all."""
        for key, _ in self._selector.select(0 if self._due else _LINGER):
            if key.data is not None:
                self._due[key.data] = None
            else:
                self._ear.recv(4096)
        while self._for_the_leader:
            self._for_the_leader.popleft()()
        self._find_overdue(time.monotonic())
        return bool(self._due or self._watched or self._elsewhere)

    def _find_overdue(self, now: float) -> None:
        if now - self._looked < _LINGER:
            return
        self._looked = now
        for stream in self._watched - self._due.keys():
            if stream.connection.is_overdue(now) and not stream.connection.has_data():
                stream.connection.fail_at_once()
                self._due[stream] = None

    def _retire(self) -> bool:
        with self._lock:
            if not self._for_the_leader:
                self.close()
            return not self._is_led

    def _read(self, leader: int, stream: Watched) -> bool:
        """Give a stream its turn; ``False`` where another thread leads by now."""
        with self._lock:
            self._last_turn = time.monotonic()
            self._turn = stream, self._last_turn
            self._is_guarded = self._is_guarded or _start(self._guard)
        needs = stream.advance()
        with self._lock:
            if self._leader != leader:
                self._tell(self._come_back, stream, needs)
                return False
            self._turn = None
            self._patience = _TURN
        self._see_to(stream, needs)
        return True

    def _see_to(self, stream: Watched, needs: Next) -> None:
        match needs:
            case Next.DATA:
                stream.connection.wait()
                self._remember(stream)
            case Next.TURN:
                self._due[stream] = None
            case Next.ROOM:
                self._let_go()
            case Next.NOTHING:
                pass

    def _let_go(self) -> None:
        self._elsewhere += 1

    def _come_back(self, stream: Watched, needs: Next) -> None:
        self._elsewhere -= 1
        self._see_to(stream, needs)

    def _remember(self, stream: Watched) -> None:
        try:
            self._selector.register(stream.connection.sock, selectors.EVENT_READ, stream)
        except (OSError, ValueError):  # more than the system can wait for; it is read, whoever is held up by it
            self._due[stream] = None
        else:
            self._watched.add(stream)

    def _forget(self, stream: Watched) -> None:
        if stream in self._watched:
            self._watched.remove(stream)
            self._selector.unregister(stream.connection.sock)

    def _guard(self) -> None:
        """Let another thread lead where a stream holds up the one that does."""
        while True:
            time.sleep(self._patience)
            with self._lock:
                now = time.monotonic()
                if self._turn is None and now - self._last_turn > _LINGER:
                    self._is_guarded = False
                    return
                if self._turn is not None and now - self._turn[1] > self._patience and self._start_leader():
                    self._tell(self._let_go)
                    self._turn = None
                    self._patience = _TURN / 10  # where one stream does that, more may


def _start(work: Callable[[], None]) -> bool:
    try:
        threading.Thread(target=work, name="bedrock-auth-streams", daemon=True).start()
    except RuntimeError:  # no more threads to be had
        return False
    return True


_shared = SharedReader()


def shared() -> SharedReader:
    """The one of this process."""
    return _shared


def _after_fork() -> None:
    global _shared  # noqa: PLW0603 - its threads are the parent's, and the child must not hear of their connections
    _shared.close()
    _shared = SharedReader()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
