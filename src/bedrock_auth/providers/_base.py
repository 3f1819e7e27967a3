"""Asking somebody else's code for keys: every answer becomes `Credentials` or an error of ours that says who asked.

A source that builds on another one (a role on the keys that may assume it) takes a provider, a `CredentialSource` or a
boto3 session; `as_provider` makes a provider of each, so only one kind has to be understood.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve

from bedrock_auth.contracts import CredentialProvider, is_provider, is_source
from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import ConfigurationError, CredentialError, RetrievalError
from bedrock_auth.providers._settings import wrong
from bedrock_auth.providers.from_session import FromSession
from bedrock_auth.providers.from_source import FromSource
from bedrock_auth.redaction import presentable, redact

if TYPE_CHECKING:
    from collections.abc import Iterable


def foreign(error: BaseException, name: str, *, doing: str = "", secrets: Iterable[str] = ()) -> RetrievalError:
    """The error for an exception that is not ours: who failed, doing what, and its text as far as it may be shown."""
    try:
        text = redact(str(error), secrets)
    except Exception:  # noqa: BLE001 - an exception without a text is still a failure
        text = ""
    doing = f": {doing}" if doing else ""
    text = f": {text}" if text else ""
    return RetrievalError(f"{name}{doing} failed with {type(error).__name__}{text}", provider=name, code=type(error).__name__)


def named(error: CredentialError, name: str) -> CredentialError:
    """The same error with the asker's name before its message, where that does not say it yet."""
    if error.message.startswith(name):
        return error
    details = {"provider": name, **error.details}  # what the error was made with
    return type(error)(f"{name}: {error.message}", **details)


def fetch(base: CredentialProvider, *, asker: str, now: float) -> Credentials:
    """One fetch from a provider that another one builds on.

    Raises:
        CredentialError: the provider's own, with the asker's name in front.
        RetrievalError: it failed with any other exception.
        ConfigurationError: it returned no `Credentials`.
    """
    try:
        credentials: Any = base.retrieve()
        if not isinstance(credentials, Credentials):
            msg = f"{base.name}: retrieve() returned {type(credentials).__name__}, not Credentials"
            raise ConfigurationError(msg, provider=base.name)  # noqa: TRY301 - gets the asker's name like any other
        return (credentials if credentials.source else evolve(credentials, source=base.name)).unexpired(now)
    except CredentialError as error:
        raise named(error, asker) from error.__cause__
    except Exception as error:  # noqa: BLE001 - becomes the cause, where it may be shown
        raise named(foreign(error, base.name), asker) from presentable(error)


def as_provider(base: object) -> CredentialProvider:
    """A provider for a provider, a source or a boto3 session, as `usable_base` let it through."""
    if is_source(base):
        return FromSource(base)
    return base if is_provider(base) else FromSession(base)


def usable_base(kind: str, setting: str, value: object) -> object:
    """What `as_provider` understands, as it is, so that equal settings stay equal."""
    session = hasattr(value, "get_credentials") and not isinstance(value, type)
    if session or is_provider(value) or is_source(value):
        return value
    problem = "must be a credential provider, a source or a boto3 session; wrap a function in FromCallable(function)"
    raise wrong(kind, setting, problem)
