"""`FromSession`: the credentials of a boto3 or botocore session that exists already.

A session of ours (`create_session`) is followed to the source behind it. Any other session answers as botocore does: it renews
its keys at botocore's own moments, and whoever asks then waits for it.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.contracts import is_source
from bedrock_auth.errors import ConfigurationError
from bedrock_auth.host import Host
from bedrock_auth.providers._settings import wrong
from bedrock_auth.providers.from_source import REVALIDATE_AFTER, FromSource
from bedrock_auth.redaction import guard_loggers, hiding

if TYPE_CHECKING:
    from bedrock_auth.credentials import Credentials

_KIND = "the boto3 session"


def _session(value: Any) -> Any:
    ask = getattr(value, "get_credentials", None)
    if not callable(ask) or isinstance(value, type):
        raise wrong(_KIND, "session", "must be a boto3 or botocore session: an object with get_credentials()")
    if inspect.iscoroutinefunction(ask):
        raise wrong(
            _KIND, "session", "is an asynchronous one; pass a boto3 session, or wrap a coroutine function in FromCallable"
        )
    return value


@frozen
class FromSession:
    """Each fetch takes the keys that the session has at that moment.

    Args:
        session: a ``boto3.Session`` or botocore session; two of these are equal where the session is the same.

    Raises:
        ConfigurationError: it is no session.
    """

    session: Any = field(converter=_session, eq=id)
    host: Host = field(factory=Host.system, kw_only=True, repr=False)

    name = _KIND
    revalidate_after = REVALIDATE_AFTER
    """Seconds: a session may be given other keys at any time."""

    @property
    def region_name(self) -> str | None:
        """The session's."""
        try:
            if hasattr(self.session, "region_name"):
                region = self.session.region_name
            else:
                region = self.session.get_config_variable("region")
        except Exception:  # noqa: BLE001 - such as a profile that is gone, or another kind of session; only a hint is lost
            return None
        return region if isinstance(region, str) else None

    def retrieve(self) -> Credentials:
        """The session's keys, with their expiration where they have one.

        Raises:
            ConfigurationError: the session has no credentials, or its profile is wrong.
            LoginRequiredError: its profile's login is missing or over; ``command`` is what to run.
            DeniedError: AWS refuses the role of its profile.
            RetrievalError: its own source failed.
            CredentialError: for a session of ours, its source's own.
        """
        from bedrock_auth.providers._botocore import meaning  # noqa: PLC0415 - it builds on _base, which builds on this

        guard_loggers()
        try:
            with hiding(()):
                return self._current()
        except Exception as error:  # noqa: BLE001 - whatever a session's own sources raise
            raise meaning(error, _KIND, command=self._login_command()) from error.__cause__

    def _current(self) -> Credentials:
        from bedrock_auth.providers._botocore import taken  # noqa: PLC0415 - as above

        credentials = self.session.get_credentials()
        if credentials is None:
            msg = f"{_KIND} has no credentials; make it with some, or set up what it looks for"
            raise ConfigurationError(msg, provider=_KIND, setting="session")
        if getattr(credentials, "signs_per_call", False):
            msg = f"{_KIND} has a RequestScope, whose keys are another caller's at every call; name one caller's provider instead"
            raise ConfigurationError(msg, provider=_KIND, setting="session")
        source = getattr(credentials, "source", None)
        if is_source(source):
            return FromSource(source, host=self.host).retrieve()
        return taken(credentials, _KIND).unexpired(self.host.clock())

    def _login_command(self) -> str:
        from bedrock_auth.providers._botocore import login_command  # noqa: PLC0415 - as above

        profile = getattr(self.session, "profile_name", None) or getattr(self.session, "profile", None)
        return login_command("sso login", "--profile", profile if isinstance(profile, str) else None)

    def invalidate(self, access_key_id: str) -> None:
        """Tell the source behind a session of ours that AWS refused the key."""
        source = getattr(self.session.get_credentials(), "source", None)
        if is_source(source):
            source.invalidate(access_key_id)
