"""`SsoSession`: a role's keys from IAM Identity Center, with the login that ``aws sso login`` left on this machine.

The token of that login is read, and renewed where it can be, by botocore's own code, in ``~/.aws/sso/cache``, which the AWS CLI
and every SDK share. Each fetch exchanges it for keys with one ``GetRoleCredentials`` call. Nobody is asked anything and no
browser is started: where there is no login any more, the error says what to run.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.contracts import Stability
from bedrock_auth.credentials import Credentials, parse_expiration
from bedrock_auth.errors import ConfigurationError, DeniedError
from bedrock_auth.host import Host
from bedrock_auth.providers._api import Api
from bedrock_auth.providers._botocore import cache_folder, login_command, login_failure, login_required, secrets_of
from bedrock_auth.providers._settings import wrong
from bedrock_auth.redaction import guard_loggers, hiding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.client import BaseClient
    from botocore.config import Config

    from bedrock_auth.errors import CredentialError
    from bedrock_auth.providers._api import Fault

_KIND = "sso-session"
_PROFILE = "sso"
"""Name of the profile that botocore's code is shown."""
_FORMS = {
    "start_url": (re.compile(r"https://[!-~]+", re.ASCII), "the https:// address of the access portal"),
    "region": (re.compile(r"[a-z0-9-]{1,63}", re.ASCII), "the region of IAM Identity Center, such as us-east-1"),
    "account_id": (re.compile(r"\d{12}", re.ASCII), "the text of twelve digits"),
    "role_name": (re.compile(r"[\w+=,.@-]{1,64}", re.ASCII), "the name of a permission set, 1 to 64 of letters, digits, _+=,.@-"),
}
_TIMEOUT = 44.0
"""Seconds: renewing the token and exchanging it, two attempts each."""


def _start_url(value: str) -> str:
    return _text("start_url", value)


def _region(value: str) -> str:
    return _text("region", value)


def _account_id(value: str) -> str:
    return _text("account_id", value)


def _role_name(value: str) -> str:
    return _text("role_name", value)


def _text(setting: str, value: object) -> str:
    form, expected = _FORMS[setting]
    if isinstance(value, str) and form.fullmatch(value):
        return value
    raise wrong(_KIND, setting, f"must be {expected}")


def _name(setting: str, value: object) -> str | None:
    if value is None or (isinstance(value, str) and value.strip() and value.isprintable()):
        return value
    raise wrong(_KIND, setting, "must be a name, or None")


def _session_name(value: str | None) -> str | None:
    return _name("session_name", value)


def _profile_name(value: str | None) -> str | None:
    return _name("profile_name", value)


@frozen(kw_only=True)
class SsoSession:
    """The keys of a permission set in an account.

    Args:
        start_url: of the access portal, as in ``sso_start_url``.
        region: of IAM Identity Center, as in ``sso_region``.
        account_id: twelve digits.
        role_name: the permission set.
        session_name: of the ``[sso-session …]`` section with which ``aws sso login`` was run; ``None`` where the profile itself
            has the start URL, whose login cannot be renewed.
        profile_name: the profile to name in the command that a person has to run; only where there is no ``session_name``.

    Raises:
        ConfigurationError: one of these is not usable; the message names it.
    """

    start_url: str = field(converter=_start_url)
    region: str = field(converter=_region)
    account_id: str = field(converter=_account_id)
    role_name: str = field(converter=_role_name)
    session_name: str | None = field(default=None, converter=_session_name)
    profile_name: str | None = field(default=None, converter=_profile_name)
    host: Host = field(factory=Host.system, repr=False)

    stability = Stability.STABLE
    """AWS runs the issuer."""
    timeout = _TIMEOUT

    @property
    def name(self) -> str:
        """``sso-session``, the account and the role."""
        return f"{_KIND} {self.account_id} {self.role_name}"

    @property
    def command(self) -> str:
        """What a person has to run to log in."""
        if self.session_name is not None:
            return login_command("sso login", "--sso-session", self.session_name)
        return login_command("sso login", "--profile", self.profile_name)

    def retrieve(self) -> Credentials:
        """Exchange the token of the login for keys.

        Raises:
            LoginRequiredError: there is no login, or it is over; ``command`` is what to run.
            DeniedError: the login may not use this role in this account.
            ConfigurationError: IAM Identity Center does not accept a setting.
            RetrievalError: it cannot be reached or fails.
        """
        token = self._token()
        api = Api(self.host, "sso", "IAM Identity Center", self.region, self.name)
        request = {"roleName": self.role_name, "accountId": self.account_id, "accessToken": token}
        answer = api.ask("get_role_credentials", request, lambda fault: self._meaning(fault, api), secrets=[token])
        return self._credentials(answer.get("roleCredentials"), api).unexpired(self.host.clock())

    def _credentials(self, issued: Any, api: Api) -> Credentials:
        try:
            expiration = datetime.fromtimestamp(issued["expiration"] / 1000, UTC)
            keys = (issued["accessKeyId"], issued["secretAccessKey"], issued["sessionToken"])
            return Credentials(*keys, expiration, self.account_id, self.name)
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            raise api.unreadable("no usable key, session token and expiration") from None

    def _token(self) -> str:
        guard_loggers()
        secrets: list[str] = []
        try:
            cached = self._cached()
            secrets += secrets_of(cached)
            with hiding(secrets):
                return self._usable(cached) if self.session_name is None else self._renewed(self.session_name)
        except Exception as error:  # noqa: BLE001 - botocore's, and those of the file system
            raise login_failure(error, self.name, command=self.command, secrets=secrets) from None

    def _cached(self) -> Mapping[str, Any]:
        """The token as the cache has it, fresh or not."""
        from botocore.exceptions import SSOTokenLoadError  # noqa: PLC0415 - a provider is made without botocore
        from botocore.utils import SSOTokenLoader  # noqa: PLC0415 - the same

        try:
            return dict(SSOTokenLoader(cache=self._cache())(self.start_url, session_name=self.session_name))
        except SSOTokenLoadError:
            raise login_required(self.name, "nobody is logged in", self.command) from None

    def _usable(self, cached: Mapping[str, Any]) -> str:
        if parse_expiration(cached["expiresAt"].replace("UTC", "Z")).timestamp() <= self.host.clock():
            raise login_required(self.name, "its login is over", self.command)
        return str(cached["accessToken"])

    def _renewed(self, session_name: str) -> str:
        """The token, by botocore's provider: it renews one that is about to expire and writes it to the cache."""
        from botocore.tokens import SSOTokenProvider  # noqa: PLC0415 - a provider is made without botocore

        section = {"sso_start_url": self.start_url, "sso_region": self.region}
        config = {"profiles": {_PROFILE: {"sso_session": session_name}}, "sso_sessions": {session_name: section}}
        session: Any = _Session(self.host, config)
        provider = SSOTokenProvider(session, cache=self._cache(), time_fetcher=self._now, profile_name=_PROFILE)
        return str(provider.load_token().get_frozen_token().token)

    def _cache(self) -> Any:
        from botocore.utils import JSONFileCache  # noqa: PLC0415 - a provider is made without botocore

        folder = str(cache_folder(self.host, "sso", self.name))
        return JSONFileCache(folder, dumps_func=lambda token: json.dumps(token, default=_moment))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.host.clock(), UTC)

    def _meaning(self, fault: Fault, api: Api) -> CredentialError:
        if fault.code == "UnauthorizedException":
            return login_required(self.name, "its login is over or was ended", self.command)
        if fault.code in {"ForbiddenException", "AccessDeniedException", "ResourceNotFoundException"}:
            fix = "whoever logged in must have this permission set (role_name) in this account (account_id)"
            return DeniedError(f"{self.name}: {fault.said}; {fix}", provider=self.name, code=fault.code)
        if fault.code == "InvalidRequestException":
            return ConfigurationError(f"{self.name}: {fault.said}; check the settings", provider=self.name, code=fault.code)
        return api.failed(fault)


@frozen
class _Session:
    """What botocore's provider of tokens asks of a botocore session."""

    host: Host
    full_config: Mapping[str, Any]

    def create_client(self, service_name: str, config: Config) -> BaseClient:
        return self.host.client(service_name, config.region_name)  # type: ignore[attr-defined]


def _moment(value: datetime) -> str:
    """As the AWS CLI writes it."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
