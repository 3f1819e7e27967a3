"""The error tree: the class of an error decides what happens next.

::

    BedrockAuthError
    ├─ CredentialError (also botocore's CredentialRetrievalError); .provider .code
    │  ├─ NotConfiguredError        this source is not set up here        -> a chain goes on to the next
    │  ├─ ConfigurationError        set up wrongly (also ValueError)      -> a chain stops; fix the named setting
    │  │  └─ CallerSettingsError    lives in bedrock_auth.caller_settings; .status and .body are the answer to the caller
    │  ├─ RetrievalError            asked and failed, may work later      -> cached keys stay in use; .retry_after
    │  ├─ DeniedError               asked and refused for good            -> raised, remembered for a few seconds
    │  │  └─ LoginRequiredError     a person must act; .command is what to run
    │  ├─ CredentialsExpiredError   nothing unexpired is left
    │  ├─ MissingIdentityError      nobody to sign as: no caller, or a closed one
    │  └─ ChainError                no source delivered; .attempts tells why, one line each
    └─ BedrockError                 lives in bedrock_auth.bedrock.errors

Every class is built as ``SomeError("message", provider=…, code=…)``. The details that a class knows are its annotated
attributes; an unknown one is a ``TypeError``. Errors pickle and copy with their message and details. Messages name
what was tried, what came back and what to do, and never hold a secret.
"""

from __future__ import annotations

import copy
import inspect
from typing import Any, ClassVar, TypeVar

from botocore.exceptions import CredentialRetrievalError

E = TypeVar("E", bound=BaseException)


class BedrockAuthError(Exception):
    """Everything that this library raises on its own account."""

    _known: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        """Collect the details that the class and its parents declare as annotated attributes."""
        super().__init_subclass__()
        cls._known = cls._known | inspect.get_annotations(cls).keys()

    def __init__(self, message: str, /, **details: Any) -> None:
        """Keep the message and those details; a detail that the class does not declare is a ``TypeError``."""
        Exception.__init__(self, message)
        if unknown := details.keys() - self._known:
            msg = f"{type(self).__name__} has no detail {min(unknown)!r}; it knows {', '.join(sorted(self._known))}"
            raise TypeError(msg)
        self.message = message
        for name, value in details.items():
            setattr(self, name, value)

    def __str__(self) -> str:
        """The message, as written."""
        return self.message

    @property
    def details(self) -> dict[str, Any]:
        """The details that were given, by name."""
        return {name: value for name, value in vars(self).items() if name in self._known}

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as class, message and details; botocore's own classes lose theirs."""
        return _rebuild, (type(self), self.message, self.details)


def _rebuild(cls: type[BedrockAuthError], message: str, details: dict[str, Any]) -> BedrockAuthError:
    return cls(message, **details)


def fresh(error: E) -> E:
    """A copy to raise in another thread: same text and cause, own traceback. The error itself where it has no copy."""
    try:
        twin = copy.copy(error)
    except Exception:  # noqa: BLE001 - a foreign class may refuse to be rebuilt in any way it likes
        return error
    twin.__cause__ = error.__cause__
    twin.__suppress_context__ = True
    return twin.with_traceback(None)


class CredentialError(BedrockAuthError, CredentialRetrievalError):
    """Credentials could not be had. ``except botocore.exceptions.CredentialRetrievalError`` catches it too."""

    provider: str = ""
    """Name of the source that failed, as ``CredentialProvider.name`` says it."""
    code: str = ""
    """AWS's or the endpoint's own error code, such as ``AccessDenied``; empty where there was none."""

    def __init__(self, message: str, /, **details: Any) -> None:
        """Also offer ``kwargs``, which handlers of botocore's own class read."""
        super().__init__(message, **details)
        self.kwargs: Any = {"provider": self.provider, "error_msg": self.message}


class NotConfiguredError(CredentialError):
    """The source is not set up here: no variables, no file, no metadata service. A chain goes on to the next one."""


class ConfigurationError(CredentialError, ValueError):
    """The source is set up wrongly. The message names the setting, what was wrong with it and what to do."""

    setting: str = ""
    """The argument, environment variable or file entry that is wrong."""


class RetrievalError(CredentialError):
    """The source was asked and failed in a way that may pass: network, 5xx, throttling, an unreadable answer."""

    retry_after: float | None = None
    """Seconds after which the source wishes to be asked again; lengthens the backoff, never shortens it."""


class DeniedError(CredentialError):
    """The source was asked and refused for good; asking again changes nothing."""


class LoginRequiredError(DeniedError):
    """A person has to log in first."""

    command: str = ""
    """What the person must run, ready to paste."""


class CredentialsExpiredError(CredentialError):
    """The credentials have expired and nothing newer could be had."""


class MissingIdentityError(CredentialError):
    """There is nobody to sign as. Nothing ambient is ever used instead."""


class ChainError(CredentialError):
    """No source of a chain delivered."""

    attempts: tuple[tuple[str, CredentialError], ...] = ()
    """Every source that was tried, in order: its name and its error."""
