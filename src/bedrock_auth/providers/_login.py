"""The keys that ``aws login`` left on this machine, for profiles with a ``login_session``: through botocore's own provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.contracts import Stability
from bedrock_auth.errors import ConfigurationError
from bedrock_auth.host import Host
from bedrock_auth.providers._botocore import cache_folder, login_command, login_failure, secrets_of, taken
from bedrock_auth.redaction import guard_loggers, hiding

if TYPE_CHECKING:
    from botocore.client import BaseClient

    from bedrock_auth.credentials import Credentials

_FIRST_REGION = "us-east-1"


@frozen
class LoginSession:
    """One login; its keys live for minutes and botocore renews them while the login lasts."""

    profile: str
    login_session: str
    region_name: str | None = None
    host: Host = field(factory=Host.system, kw_only=True, repr=False)

    stability = Stability.STABLE
    """AWS runs the issuer."""
    timeout = 22.0
    """Seconds: one exchange of two attempts."""

    @property
    def name(self) -> str:
        """``login`` and the session."""
        return f"login {self.login_session}"

    def retrieve(self) -> Credentials:
        """The keys of the login.

        Raises:
            LoginRequiredError: there is no login, or it is over; ``command`` is what to run.
            ConfigurationError: the installed botocore cannot do this.
            RetrievalError: AWS cannot be reached or fails.
        """
        guard_loggers()
        command = login_command("login", "--profile", self.profile)
        secrets: list[str] = []
        try:
            provider = self._provider()
            secrets += self._secrets()
            with hiding(secrets):
                return taken(provider.load(), self.name).unexpired(self.host.clock())
        except Exception as error:  # noqa: BLE001 - botocore's, and those of the file system
            raise login_failure(error, self.name, command=command, secrets=secrets) from None

    def _provider(self) -> Any:
        """The provider of botocore, shown a config of this one profile."""
        from botocore import __version__, credentials  # noqa: PLC0415 - a provider is made without botocore

        provider: Any = getattr(credentials, "LoginProvider", None)
        if provider is None:
            msg = (
                f"{self.name}: botocore {__version__} knows no login_session; install a newer one: pip install -U 'botocore[crt]'"
            )
            raise ConfigurationError(msg, provider=self.name, setting="login_session")
        config = {"profiles": {self.profile: {"login_session": self.login_session}}}
        return provider(lambda: config, self._create_client, self.profile, token_cache=self._cache())

    def _create_client(self, service_name: str, *, region_name: str | None = None, **_: Any) -> BaseClient:
        region = region_name or self.region_name or self.host.region() or _FIRST_REGION
        return self.host.new_client(service_name, region)

    def _secrets(self) -> list[str]:
        """The texts of the cached login, which no log may show."""
        from botocore.utils import LoginTokenLoader  # noqa: PLC0415 - a provider is made without botocore

        cached: Any = LoginTokenLoader(self._cache()).load_token(self.login_session)
        return secrets_of(cached or {})

    def _cache(self) -> Any:
        from botocore.utils import JSONFileCache  # noqa: PLC0415 - a provider is made without botocore

        stated = self.host.setting("AWS_LOGIN_CACHE_DIRECTORY")
        if stated is None:
            return JSONFileCache(str(cache_folder(self.host, "login", self.name)))
        return JSONFileCache(f"{self.host.home}{stated[1:]}" if stated.startswith("~/") else stated)
