"""`FromCallable`: any function as a source of credentials.

The function takes nothing and returns `Credentials`, or a mapping with AWS's process-JSON names (``AccessKeyId``,
``SecretAccessKey``, ``SessionToken``, ``Expiration``) or botocore's (``access_key``, ``secret_key``, ``token``,
``expiry_time``). It may be a coroutine function, or return an awaitable: that runs to its end in an event loop of its own, on
the fetching thread, or in a helper thread where a loop runs on that one already.

An error of ours that it raises passes unchanged, so a function can say `NotConfiguredError` or `DeniedError` itself.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from attrs import evolve, field, frozen

from bedrock_auth.contracts import CredentialProvider, is_provider
from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import ConfigurationError, CredentialError
from bedrock_auth.host import Host
from bedrock_auth.providers._base import foreign
from bedrock_auth.providers._settings import wrong
from bedrock_auth.redaction import presentable

_KIND = "function"


def _callable(value: Callable[[], Any]) -> Callable[[], Any]:
    if callable(value):
        return value
    raise wrong(_KIND, "function", "must be callable without arguments and return Credentials or a mapping")


def _name(value: str) -> str:
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise wrong(_KIND, "name", "must be text for people to read")


@frozen
class FromCallable:
    """Each fetch calls the function once.

    Args:
        function: takes nothing, returns `Credentials` or a mapping, may be a coroutine function. Picklable where the function
            is; never shown.
        name: what people read in messages; by default the function's qualified name.

    Raises:
        ConfigurationError: ``function`` cannot be called, or ``name`` is empty.
    """

    function: Callable[[], Any] = field(converter=_callable, repr=False)
    name: str = field(kw_only=True, converter=_name)
    host: Host = field(factory=Host.system, kw_only=True, repr=False)

    @name.default
    def _name_of_the_function(self) -> str:
        function = getattr(self.function, "func", self.function)  # of a functools.partial
        return f"{_KIND} {getattr(function, '__qualname__', type(function).__qualname__)}"

    def retrieve(self) -> Credentials:
        """Call the function and take what it returns.

        Raises:
            ConfigurationError: it returned neither `Credentials` nor a mapping.
            CredentialsExpiredError: it returned keys that have expired.
            RetrievalError: it raised something that is not ours, or the mapping holds no credentials.
        """
        try:
            answer = self.function()
            return self._credentials(_awaited(answer) if inspect.isawaitable(answer) else answer)
        except CredentialError:
            raise
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - becomes the cause, where it may be shown
            raise foreign(error, self.name) from presentable(error)

    def _credentials(self, answer: object) -> Credentials:
        if isinstance(answer, Credentials):
            return evolve(answer, source=self.name).unexpired(self.host.clock())
        if isinstance(answer, Mapping):
            return Credentials.from_answer(answer, source=self.name).unexpired(self.host.clock())
        msg = f"{self.name} returned {type(answer).__name__}; it must return Credentials or a mapping of AWS's names"
        raise ConfigurationError(msg, provider=self.name, setting="function")


def _awaited(answer: Awaitable[Any]) -> Any:
    """The result of an awaitable, from synchronous code."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _in_own_loop(answer)
    with ThreadPoolExecutor(1, "bedrock-auth function") as helper:
        return helper.submit(contextvars.copy_context().run, _in_own_loop, answer).result()


def _in_own_loop(answer: Awaitable[Any]) -> Any:
    async def finish() -> Any:
        return await answer

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:  # given a factory it leaves the thread's own loop alone
        return runner.run(finish())


def provider_of(value: object) -> CredentialProvider:
    """The provider that was meant: a provider as it is, a function as a `FromCallable`.

    Raises:
        ConfigurationError: it is neither.
    """
    if is_provider(value):
        return value
    if callable(value) and not isinstance(value, type):
        return FromCallable(value)
    if isinstance(value, type):
        found = f"the class {value.__name__}; pass an instance of it"
    else:
        found = "None; nothing is signed with whatever lies around" if value is None else type(value).__name__
    msg = f"provider must be a credential provider, a source or a function, not {found}"
    raise ConfigurationError(msg, setting="provider")
