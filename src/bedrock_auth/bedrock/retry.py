"""Which calls are sent again, how often and when: the only layer of retries for the calls of the wrappers.

- One budget for a call, streamed or not: `RetryPolicy.attempts`, the first one included.
- Sent again is what has a good chance: throttling, 5xx, a model that is being loaded, a connection that could not be made. A
  stream is also opened again when it breaks between its headers and its first event, but for an agent's; afterwards never.
- Never sent again is what a model may still be at work on, and is paid for: a request, for a stream too, that was sent and got no
  answer (read timeout, lost connection, a proxy's 504), and a whole answer that was cut. A search is: no model is at work on it.
  Nor are errors of the credentials sent again: their own engine retries them.
- The wait is random between nothing and a bound that doubles ("full jitter", Amazon Builders' Library, "Timeouts, retries and
  backoff with jitter"), and at least what AWS asks for, or what is known to be needed: a paused Aurora database takes some 15
  seconds to resume. Where AWS asks for longer than `MAX_WAIT`, the error stands.
- Where nobody may sign any more when the moment comes, because the caller's lease is closed, the error stands.
- Each wait is told to the listeners, and logged at INFO without anything of the request.
"""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from attrs import asdict, field, frozen

from bedrock_auth.audit import tell
from bedrock_auth.bedrock.errors import BedrockError
from bedrock_auth.errors import ConfigurationError, MissingIdentityError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
_log = logging.getLogger(__name__)

ATTEMPTS = 3
MAX_WAIT = 20.0
"""Seconds between two attempts, at most."""
_FIRST_WAIT = 0.1
_FIRST_WAIT_BUSY = 1.0
_BUSY = 429
_SEARCHES = frozenset({"Retrieve"})
"""Operations that no model is at work on."""


@frozen(kw_only=True)
class Retried:
    """A call failed and is going to be sent again."""

    operation: str
    attempt: int
    """Which attempt failed, from 1."""
    attempts: int
    """How many there are at most."""
    code: str
    """The error's code."""
    request_id: str | None
    """AWS's id of the attempt that failed."""
    wait: float
    """Seconds until the next attempt."""


class RetryListener(Protocol):
    """Anything that can be called with a `Retried`."""

    def __call__(self, event: Retried, /) -> None:
        """Take note of it; quickly, since a caller is waiting."""


def _checked_attempts(_: object, __: object, attempts: object) -> None:
    if not isinstance(attempts, int) or isinstance(attempts, bool) or attempts < 1:
        msg = f"retries must be a whole number of attempts, at least 1 (sent once, never again), not {attempts!r}"
        raise ConfigurationError(msg, setting="retries")


@frozen
class RetryPolicy:
    """How often a call is sent at most, and who is told."""

    attempts: int = field(default=ATTEMPTS, validator=_checked_attempts)
    listeners: tuple[RetryListener, ...] = ()


class Attempts:
    """The attempts of one call."""

    def __init__(self, policy: RetryPolicy, pause: Callable[[float], object]) -> None:
        """Begin with none made; ``pause`` waits so many seconds and says whether the caller has left meanwhile."""
        self._policy = policy
        self._pause = pause
        self._made = 0
        self._failure: BedrockError | None = None

    def run(self, send: Callable[[], T]) -> T:
        """What ``send`` returns, as soon as it does not fail.

        Raises:
            BedrockError: it failed, and is not to be sent again.
            CredentialError: nobody could sign the first attempt, or a later one for another reason than a closed lease.
        """
        while True:
            self._made += 1
            try:
                return send()
            except MissingIdentityError:
                if self._failure is None:
                    raise
                raise self._failure from self._failure.__cause__  # that the lease is closed now is no news to its owner
            except BedrockError as error:
                self.wait_after(error)

    def wait_after(self, error: BedrockError) -> None:
        """Wait until the next attempt; raises the error where there is none."""
        wait = self._wait(error)
        if wait is None:
            raise error
        self._failure = error
        self._tell(error, wait)
        if self._pause(wait):
            raise error

    def _wait(self, error: BedrockError) -> float | None:
        asked = _asked_wait(error)
        if self._made >= self._policy.attempts or not may_be_sent_again(error) or asked > MAX_WAIT:
            return None
        return max(backoff(self._made, error.status), asked)

    def _tell(self, error: BedrockError, wait: float) -> None:
        told = Retried(
            operation=error.operation,
            attempt=self._made,
            attempts=self._policy.attempts,
            code=error.code,
            request_id=error.request_id,
            wait=wait,
        )
        _log.info("%s", " ".join(f"{name}={value}" for name, value in asdict(told).items()))
        tell(self._policy.listeners, told)  # type: ignore[arg-type]  # another kind of event, told in the same way


def may_be_sent_again(error: BedrockError) -> bool:
    """Whether the same request has a good chance, and no model is at work on the first one."""
    return error.retryable and (error.operation in _SEARCHES or error.code != "ReadTimeout")


def backoff(made: int, status: int | None) -> float:
    """Seconds to wait after so many attempts, the last of which was answered with this status."""
    first = _FIRST_WAIT_BUSY if status == _BUSY else _FIRST_WAIT
    return random.uniform(0, min(MAX_WAIT, first * 2 ** (made - 1)))  # noqa: S311 - no secret


def _asked_wait(error: BedrockError) -> float:
    """Seconds that AWS asks to wait, in its own header of milliseconds or in HTTP's of seconds, or that the cause needs."""
    response: Any = getattr(error, "response", {})
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    known: float = getattr(error, "retry_after", 0.0)
    return max(_number(headers.get("x-amz-retry-after")) / 1000, _number(headers.get("retry-after")), known)


def _number(text: str | None) -> float:
    return float(text) if text is not None and text.isdecimal() else 0.0


def attempts_of(config: Any) -> int:
    """The number of attempts that the ``retries`` of a client's config state, else `ATTEMPTS`."""
    stated = getattr(config, "retries", None) or {}
    return int(stated.get("total_max_attempts", ATTEMPTS))
