"""`RequestScope`: many callers behind one session, each API call signed by whoever it is made for.

::

    scope = RequestScope()
    session = create_session(scope)            # once
    client = session.client("bedrock-runtime")  # once

    with scope.use(Static(key_id, secret)):    # per request
        client.converse(…)

A block of `RequestScope.use` opens a `Caller` and leaving the block closes it. `RequestScope.bind` makes one that is closed by
hand, for code that no block can surround: generators, thread pools, transfers. For both:

- An API call looks for its caller once, when it begins, and keeps it through all its retries. Paginators and waiters keep the
  caller that they were made for.
- A closed caller never signs again, wherever its context was copied to: tasks and threads that run on, half-read
  generators, forked children. Nothing steps into its place: the call raises `MissingIdentityError`, as does one outside of
  every block.
- Code that fetches keys is outside of every block that was open when the fetch began: the keys are kept, perhaps for others.
- A closed caller has no secret any more, and nothing that it went through has one either. What it brings along — keys,
  functions, whatever is not `is_shareable` — never enters the pool of shared Refreshers.

A block that stands in a generator is refused: while a generator is suspended, its reader runs on in the same context and would
sign as the generator's caller. Generators that a ``with`` statement drives, as `contextlib.contextmanager` makes them, are fine.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from bedrock_auth.audit import Listeners
from bedrock_auth.caller import Caller, Given
from bedrock_auth.contracts import CredentialProvider, CredentialSource, is_shareable, is_source
from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import ConfigurationError, MissingIdentityError
from bedrock_auth.flight import FLYING
from bedrock_auth.host import call_after_fork
from bedrock_auth.policy import RefreshPolicy
from bedrock_auth.pool import shared
from bedrock_auth.providers.from_callable import provider_of
from bedrock_auth.refresh import Refresher
from bedrock_auth.shared_clients import SharedClients

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType

    from bedrock_auth.audit import Listener
    from bedrock_auth.signing import Acting

F = TypeVar("F", bound="Callable[..., Any]")
CallerIdentity: TypeAlias = "CredentialProvider | CredentialSource | Credentials | Callable[[], Any]"
"""Whoever may sign: a provider, a source, a set of keys, or a function that returns one."""


class RequestScope:
    """Who signs, call by call; ``create_session(scope)`` makes the session. See the module's docstring for what it promises.

    Args:
        policy: refresh policy of all callers.
        listeners: told of every audit event of all callers' keys.

    Raises:
        ConfigurationError: ``policy`` is no `RefreshPolicy`.
    """

    def __init__(self, *, policy: RefreshPolicy | None = None, listeners: Iterable[Listener] = ()) -> None:
        """Begin without callers."""
        if not isinstance(policy, RefreshPolicy | None):
            msg = f"policy must be a RefreshPolicy, not {type(policy).__name__}"
            raise ConfigurationError(msg, setting="policy")
        self._policy = policy or RefreshPolicy()
        self._heard = Listeners(tuple(listeners))
        self._here: ContextVar[tuple[Caller, int] | None] = ContextVar("bedrock_auth.caller", default=None)
        self.acting: ContextVar[Acting | None] = ContextVar("bedrock_auth.acting", default=None)
        """The call of a client under way; for the seam."""
        self.nobody: CredentialSource = Nobody()
        """Whom a call is made for that begins outside of every block; for the seam."""
        self.clients = SharedClients()
        """What `Caller.client` takes clients from."""
        self.generation = object()
        """Another one in a forked child."""
        call_after_fork(self)

    def after_fork(self) -> None:
        """Start the child with no open caller and clients of its own."""
        self.generation = object()
        self.clients.after_fork()

    def __repr__(self) -> str:
        return f"<RequestScope of {'nobody' if self.caller is None else self.caller.name}>"

    def __reduce__(self) -> Any:
        msg = "a RequestScope cannot be pickled or copied: who signs is a matter of this process"
        raise TypeError(msg)

    @property
    def caller(self) -> Caller | None:
        """Whose block this code runs in, even if that was left meanwhile; ``None`` outside of every block."""
        here = self._here.get()
        return None if here is None or here[1] != len(FLYING.get()) else here[0]  # a fetch is kept, so it is no caller's own

    def required(self) -> Caller:
        """The same, where there must be one.

        Raises:
            MissingIdentityError: this code runs outside of every block.
        """
        caller = self.caller
        if caller is None:
            raise MissingIdentityError(_NOBODY)
        return caller

    def use(self, identity: CallerIdentity) -> Block:
        """Make API calls as this identity: ``with scope.use(provider):`` gives its `Caller`; also a decorator of functions.

        Nothing is fetched before the first call. Tasks that are started inside, and `asyncio.to_thread`, are inside as well for
        as long as the block lasts; threads and executors are not: give those a client of `bind`.

        Args:
            identity: a provider, a source, a set of keys, or a function that returns one.

        Raises:
            ConfigurationError: it is none of these, or the block stands in a generator; at the ``with``.
        """
        return Block(self, identity)

    def bind(self, identity: CallerIdentity, *, region_name: str | None = None) -> Caller:
        """A caller whose clients sign as this identity wherever they are used, until it is closed.

        Args:
            identity: a provider, a source, a set of keys, or a function that returns one.
            region_name: of its clients; by default the session's.

        Raises:
            ConfigurationError: the identity is none of these.
        """
        source, private = self._source(identity)
        subscribe = getattr(source, "subscribe", None)
        if self._heard.members and subscribe is not None:
            subscribe(self._heard)
        return Caller(self, source, private=private, region_name=region_name)

    def _source(self, identity: Any) -> tuple[CredentialSource, bool]:
        """The source of an identity, and whether it lives and dies with the caller."""
        if isinstance(identity, Credentials):
            return Given(identity), True
        if is_source(identity):
            return identity, False
        provider = provider_of(identity)
        if is_shareable(provider):
            return shared.refresher(provider, self._policy), False
        return Refresher(provider, self._policy), True


_NOBODY = (
    "there is no caller to sign as: make the call inside `with scope.use(…)`, in the same thread or task, or with a client of "
    "scope.bind(…)"
)


class Nobody:
    """The source of a call that began outside of every block, whatever block is entered meanwhile."""

    def current(self) -> Credentials:
        """Refuse.

        Raises:
            MissingIdentityError: always.
        """
        raise MissingIdentityError(_NOBODY)

    def invalidate(self, access_key_id: str) -> None:
        """Nothing changes: there is no set."""


class Block:
    """What `RequestScope.use` returns: one ``with`` block, or a decorator that opens one for each call."""

    def __init__(self, scope: RequestScope, identity: Any) -> None:
        """Open nothing yet."""
        self._scope = scope
        self._identity = identity
        self._entered = threading.Lock()
        self._caller: Caller | None = None
        self._around: tuple[Caller, int] | None = None

    def __enter__(self) -> Caller:
        if _stands_in_generator(sys._getframe(1)):  # noqa: SLF001 - the only way to see where the block stands
            msg = (
                "scope.use() stands in a generator, whose reader would sign as this caller too while it is suspended: use "
                "scope.bind() there and close the caller when the generator ends"
            )
            raise ConfigurationError(msg, setting="use")
        caller = self._scope.bind(self._identity)
        if not self._entered.acquire(blocking=False):  # by another thread perhaps, at this very moment
            msg = "this block is open already: every `with` needs a scope.use(…) of its own"
            raise ConfigurationError(msg, setting="use")
        self._caller, self._around = caller, self._scope._here.get()  # noqa: SLF001 - one idea in two classes
        self._scope._here.set((caller, len(FLYING.get())))  # noqa: SLF001 - the same
        return caller

    def __exit__(self, *_: object) -> None:
        caller, self._caller = self._caller, None
        around, self._around = self._around, None
        if caller is None:
            return
        caller.close()
        if self._scope.caller is caller:  # else blocks end out of order, or this is another context: not ours to change
            self._scope._here.set(around)  # noqa: SLF001 - as above
        self._entered.release()

    def __del__(self) -> None:
        """A block that was entered by hand and forgotten ends here."""
        if self._caller is not None:
            self._caller.close()

    def __call__(self, function: F) -> F:
        """The function inside a block of its own at each call.

        Raises:
            ConfigurationError: it is a generator function, whose body runs when the block is over.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            name = getattr(function, "__qualname__", "this")  # a functools.partial has none
            msg = f"{name} is a generator function, whose body runs after its call: use scope.bind() inside it"
            raise ConfigurationError(msg, setting="use")
        scope, identity = self._scope, self._identity

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with scope.use(identity):
                result = function(*args, **kwargs)
                if inspect.iscoroutine(result) or inspect.isgenerator(result) or inspect.isasyncgen(result):
                    getattr(result, "close", bool)()
                    name = getattr(function, "__qualname__", function)
                    msg = f"{name} returns what runs after its call, a {type(result).__name__}: use scope.bind() inside it"
                    raise ConfigurationError(msg, setting="use")
                return result

        @functools.wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            with scope.use(identity):
                return await function(*args, **kwargs)

        is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004 - not whether it can be called
        return call_async if is_async else call  # type: ignore[return-value]  # wraps keeps the form


_ENTERING = frozenset({"__enter__", "__aenter__", "enter_context", "enter_async_context"})
_SUSPENDABLE = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR


def _stands_in_generator(frame: FrameType | None) -> bool:
    """Whether the code that enters a block is a generator's own; looks through context managers that enter it for somebody."""
    while frame is not None:
        around = frame.f_back
        driven = around is not None and around.f_code.co_name in _ENTERING
        if frame.f_code.co_flags & _SUSPENDABLE:
            if not driven:
                return True
        elif frame.f_code.co_name not in _ENTERING:
            return False
        frame = around
    return False
