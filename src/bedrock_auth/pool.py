"""One Refresher per equal provider, so that a session per request costs no extra fetch.

Equal means equal settings: providers are values. The pool is bounded; eviction forgets the least recently used Refresher
and never closes it, so a session that holds it goes on undisturbed.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from cachetools import LRUCache

from bedrock_auth.host import call_after_fork
from bedrock_auth.refresh import Refresher

if TYPE_CHECKING:
    from bedrock_auth.contracts import CredentialProvider
    from bedrock_auth.policy import RefreshPolicy

POOL_SIZE = 1000


class Pool:
    """Refreshers by (provider, policy)."""

    def __init__(self, maxsize: int = POOL_SIZE) -> None:
        """Keep at most so many."""
        self._refreshers: LRUCache[tuple[CredentialProvider, RefreshPolicy], Refresher] = LRUCache(maxsize)
        self._lock = threading.Lock()
        call_after_fork(self)

    def after_fork(self) -> None:
        """Start the child with a lock that nobody holds."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many it knows now."""
        return len(self._refreshers)

    def refresher(self, provider: CredentialProvider, policy: RefreshPolicy) -> Refresher:
        """The Refresher for this provider and policy: the same object for equal ones; a new one where it has no hash."""
        try:
            hash(provider)
        except TypeError:  # as a user's own may
            return Refresher(provider, policy)
        with self._lock:
            known = self._refreshers.get((provider, policy))
            if known is None or known.is_closed:
                known = self._refreshers[provider, policy] = Refresher(provider, policy)
            return known


shared = Pool()
