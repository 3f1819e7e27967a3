"""What botocore's own credential objects and exceptions mean to this library."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import ConfigurationError, CredentialError, DeniedError, LoginRequiredError
from bedrock_auth.providers._base import foreign, named
from bedrock_auth.providers._settings import wrong

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from bedrock_auth.host import Host

_NEEDS_LOGIN = {
    "SSOError",
    "TokenRetrievalError",
    "PendingAuthorizationExpiredError",
    "LoginRefreshRequired",
    "LoginTokenLoadError",
    "LoginAuthorizationCodeError",
}
_MISCONFIGURED = {
    "ConfigNotFound",
    "InvalidConfigError",
    "MissingDependencyException",
    "PartialCredentialsError",
    "ProfileNotFound",
    "UnknownCredentialError",
}
_DENIED = {"LoginInsufficientPermissions"}
_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
"""What botocore's code meets in a cache file that is not what the AWS CLI wrote."""
_SECRET_FIELDS = {"accessToken", "refreshToken", "idToken", "clientSecret", "dpopKey", "secretAccessKey", "sessionToken"}
_SHORTEST_SECRET = 4
_ATTEMPTS = 3


def taken(credentials: Any, name: str) -> Credentials:
    """The set that a botocore credentials object has now, renewed by itself where it thinks fit.

    Keys and expiration are read one after the other, so it is checked that another thread has not renewed them in between.
    """
    for _ in range(_ATTEMPTS):
        keys = credentials.get_frozen_credentials()
        expiration = getattr(credentials, "_expiry_time", None)
        if getattr(credentials, "access_key", keys.access_key) == keys.access_key:
            break
    account = getattr(keys, "account_id", None)
    answer = {"access_key": keys.access_key, "secret_key": keys.secret_key, "token": keys.token, "account_id": account}
    return Credentials.from_answer({**answer, "expiry_time": expiration}, source=name)


def meaning(error: Exception, name: str, *, command: str, secrets: Iterable[str] = ()) -> CredentialError:
    """The error of ours for what botocore's credential providers raise.

    Args:
        error: what was raised.
        name: of the provider that asked.
        command: what a person has to run where a login is missing or over.
        secrets: texts that the message must not repeat.
    """
    if isinstance(error, CredentialError):
        return named(error, name)
    classes = {kind.__name__ for kind in type(error).__mro__}
    if "ConfigParseError" in classes:  # its text repeats lines of the file
        return ConfigurationError(f"{name}: an AWS config file cannot be parsed", provider=name, setting="AWS_CONFIG_FILE")
    told = foreign(error, name, secrets=secrets)
    if classes & _NEEDS_LOGIN:
        return login_required(name, f"its login is missing or over ({type(error).__name__})", command)
    if classes & _MISCONFIGURED:
        return ConfigurationError(told.message, provider=name, code=told.code)
    code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
    if classes & _DENIED or code in {"AccessDenied", "AccessDeniedException"}:
        return DeniedError(told.message, provider=name, code=code or told.code)
    return told


def login_failure(error: Exception, name: str, *, command: str, secrets: Iterable[str] = ()) -> CredentialError:
    """The same where botocore works on a cached login, which may hold anything."""
    ours_or_botocores = {"CredentialError", "BotoCoreError"} & {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, _UNREADABLE) and not ours_or_botocores:
        return login_required(name, "its login in the cache cannot be read", command)
    return meaning(error, name, command=command, secrets=secrets)


def login_required(name: str, problem: str, command: str) -> LoginRequiredError:
    """The error for a login that a person has to make; no browser is ever started from here."""
    return LoginRequiredError(f"{name}: {problem}; run: {command}", provider=name, command=command)


def login_command(verb: str, option: str = "", value: str | None = None) -> str:
    """A command line of the AWS CLI, ready to paste."""
    return f"aws {verb}" if value is None else f"aws {verb} {option} {shlex.quote(value)}"


def secrets_of(cached: Mapping[str, Any]) -> list[str]:
    """The texts of a cached login that no log or message may show."""
    found: list[str] = []
    for name, value in cached.items():
        if isinstance(value, dict):
            found += secrets_of(value)
        elif name in _SECRET_FIELDS and isinstance(value, str) and len(value) >= _SHORTEST_SECRET:
            found.append(value)
    return found


def cache_folder(host: Host, kind: str, name: str) -> Path:
    """Where the AWS CLI keeps logins.

    Raises:
        ConfigurationError: no home directory is known.
    """
    if host.home is None:
        raise wrong(name, "HOME", f"is not set, so there is no ~/.aws/{kind}/cache to look for a login in")
    return host.home / ".aws" / kind / "cache"
