"""The keys that other processes are given: fetched before anything starts, refreshed early, and never an expired set.

Sets that live longer than 30 minutes are renewed before 17 are left (`RefreshPolicy.hand_off`): in the background where
`Supply.prefetch` is called now and then, else while whoever asks waits. A set without an expiration is given one of an hour from
now, since receivers of a container endpoint need it: they ask again then. A person is asked before anything starts, and not
again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from attrs import evolve

from bedrock_auth.audit import RefreshFailed
from bedrock_auth.contracts import traits
from bedrock_auth.errors import ConfigurationError, RetrievalError
from bedrock_auth.policy import RefreshPolicy
from bedrock_auth.refresh import Refresher

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from bedrock_auth.audit import Event
    from bedrock_auth.contracts import CredentialProvider
    from bedrock_auth.credentials import Credentials

ASK_AGAIN_AFTER = timedelta(hours=1)


def add_long_lived_option(parser: argparse.ArgumentParser) -> None:
    """``--allow-long-lived``."""
    parser.add_argument("--allow-long-lived", action="store_true", help="hand out keys that never expire, too")


def permitted(keys: Credentials, *, allow_long_lived: bool) -> Credentials:
    """The set itself, unless it never expires and that was not allowed.

    Raises:
        ConfigurationError: keys without a session token are an IAM user's or the root user's, and never expire.
    """
    if keys.session_token is None and not allow_long_lived:
        msg = (
            f"{keys.source} gives keys that never expire; add --role-arn to hand out a role's temporary keys instead, or "
            "--allow-long-lived"
        )
        raise ConfigurationError(msg, provider=keys.source, setting="--allow-long-lived")
    return keys


def container_answer(keys: Credentials, now: float) -> dict[str, Any]:
    """What AWS's SDKs expect of a container endpoint; all of them want a ``Token`` and an ``Expiration``."""
    if keys.expiration is None:
        keys = evolve(keys, expiration=datetime.fromtimestamp(int(now), UTC) + ASK_AGAIN_AFTER)
    answer = keys.to_process_json()
    token = answer.pop("SessionToken", "")
    del answer["Version"]
    return {**answer, "Token": token}


class Supply:
    """One identity's current keys, for handing out.

    Args:
        provider: whose keys.
        allow_long_lived: whether keys that never expire may be handed out.
        say: told in one line when nothing can be handed out any more, or with ``verbose`` at every failure.
        verbose: whether failures are told that nobody notices yet.
    """

    def __init__(
        self,
        provider: CredentialProvider,
        *,
        allow_long_lived: bool = False,
        say: Callable[[str], None] = lambda _: None,
        verbose: bool = False,
    ) -> None:
        if traits(provider).interactive:
            provider = _AskedOnce(provider)
        self._refresher = Refresher(provider, RefreshPolicy(advisory_refresh="background", hand_off=True))
        self._allow_long_lived = allow_long_lived
        self._say = say
        self._verbose = verbose
        self._hear: Callable[[Event], None] = self._heard  # the Refresher knows its listeners weakly

    def first(self) -> Credentials:
        """Fetch; from here on failures are told, not only raised.

        Raises:
            CredentialError: there are no keys, or they may not be handed out.
        """
        keys = self._checked(self._refresher.current())
        self._refresher.subscribe(self._hear)
        return keys

    def current(self) -> Credentials:
        """The set to hand out now.

        Raises:
            CredentialError: there is none.
        """
        return self._checked(self._refresher.current())

    def now(self) -> float:
        """The time by which sets are judged, seconds since the epoch."""
        return self._refresher.host.clock()

    def prefetch(self) -> None:
        """Renew the set in the background where that is due."""
        self._refresher.prefetch()

    def _checked(self, keys: Credentials) -> Credentials:
        return permitted(keys, allow_long_lived=self._allow_long_lived).unexpired(self.now())

    def _heard(self, event: Event) -> None:
        if isinstance(event, RefreshFailed) and (self._verbose or not event.still_serving):
            self._say(event.message)


class _AskedOnce:
    """A provider that asks a person, who may not be there, or busy with a command that has the terminal, the next time."""

    def __init__(self, provider: CredentialProvider) -> None:
        self._provider = provider
        self._asked = False
        self.name = provider.name
        self.host = getattr(provider, "host", None)
        self.stability = traits(provider).stability

    def retrieve(self) -> Credentials:
        if self._asked:
            msg = f"{self.name} would have to ask for a code again, which it does at the start only; start it anew"
            raise RetrievalError(msg, provider=self.name)
        self._asked = True
        return self._provider.retrieve()
