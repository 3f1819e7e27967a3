"""`Static`: keys that are given in code. They are never refreshed; an empty session token means none."""

from __future__ import annotations

from attrs import field, frozen

from bedrock_auth.credentials import Credentials, masked_key_id
from bedrock_auth.host import Host
from bedrock_auth.providers._settings import wrong

_KIND = "static"


def _text(setting: str, value: object) -> str:
    if isinstance(value, str) and (text := value.strip()) and text.isprintable():
        return text
    raise wrong(_KIND, setting, "must be the text that AWS issued; give access_key_id and secret_access_key together")


def _access_key_id(value: str) -> str:
    return _text("access_key_id", value)


def _secret_access_key(value: str) -> str:
    return _text("secret_access_key", value)


def _session_token(value: str | None) -> str | None:
    absent = value is None or (isinstance(value, str) and not value.strip())
    return None if absent else _text("session_token", value)


@frozen
class Static:
    """Keys as given.

    Args:
        access_key_id: such as ``AKIAIOSFODNN7EXAMPLE``.
        secret_access_key: the secret that belongs to it.
        session_token: for temporary keys; ``None`` or empty for none.

    Raises:
        ConfigurationError: a key is missing, blank or no text; its value is never shown.
    """

    access_key_id: str = field(converter=_access_key_id, repr=masked_key_id)
    secret_access_key: str = field(converter=_secret_access_key, repr=False)
    session_token: str | None = field(default=None, converter=_session_token, repr=False)
    host: Host = field(factory=Host.system, kw_only=True, repr=False)

    @property
    def name(self) -> str:
        """``static`` and the end of the key id."""
        return f"{_KIND} {masked_key_id(self.access_key_id)}"

    def retrieve(self) -> Credentials:
        """The keys; they always are at hand."""
        return Credentials(self.access_key_id, self.secret_access_key, self.session_token, source=self.name)
