"""What a plan for a profile consists of, and what it is made from. Frozen values; secrets are not in their ``repr``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.credentials import masked_key_id

if TYPE_CHECKING:
    from collections.abc import Mapping

KIND = "profile"


@frozen
class SharedConfig:
    """What the two files say, by profile; the values hold secrets."""

    profiles: Mapping[str, Mapping[str, Any]] = field(factory=dict, repr=False)
    """Of the config file."""
    sso_sessions: Mapping[str, Mapping[str, Any]] = field(factory=dict, repr=False)
    credentials: Mapping[str, Mapping[str, Any]] = field(factory=dict, repr=False)
    """The profiles of the credentials file."""
    config_file: str = "~/.aws/config"
    credentials_file: str = "~/.aws/credentials"
    services: Mapping[str, Mapping[str, Any]] = field(factory=dict, repr=False)
    """The ``[services …]`` sections of the config file: endpoints by service."""

    def section(self, name: str) -> Mapping[str, Any] | None:
        """A profile's entries in both files; ``None`` where neither has it."""
        if name not in self.profiles and name not in self.credentials:
            return None
        return {**self.profiles.get(name, {}), **self.credentials.get(name, {})}

    def region(self, name: str) -> str | None:
        """The region that a profile names."""
        region = (self.section(name) or {}).get("region")
        return region.strip() or None if isinstance(region, str) else None

    @property
    def names(self) -> str:
        """The profiles that there are, for messages."""
        return ", ".join(sorted({*self.profiles, *self.credentials})) or "none"


@frozen
class StaticKeys:
    """Keys that stand in a file."""

    profile: str
    file: str
    access_key_id: str = field(repr=masked_key_id)
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    account_id: str | None = None

    def __str__(self) -> str:
        return f"the keys {masked_key_id(self.access_key_id)} in {self.file}"


@frozen
class CredentialProcess:
    """A program that prints keys; its arguments may hold secrets."""

    profile: str
    command: str = field(repr=False)

    def __str__(self) -> str:
        return "the keys that its credential_process prints"


@frozen
class WebIdentityRole:
    """A role for a token in a file."""

    profile: str
    role_arn: str
    token_file: str
    session_name: str | None = None
    duration: int | None = None

    def __str__(self) -> str:
        return f"role {self.role_arn} for the token in {self.token_file}"


@frozen
class NamedSource:
    """A source outside the files: ``Environment``, ``Ec2InstanceMetadata`` or ``EcsContainer``."""

    profile: str
    credential_source: str

    def __str__(self) -> str:
        return f"the keys of credential_source {self.credential_source}"


@frozen
class SsoStep:
    """A role in an account, through IAM Identity Center."""

    profile: str
    start_url: str
    region: str
    account_id: str
    role_name: str
    session_name: str | None = None

    def __str__(self) -> str:
        login = self.start_url if self.session_name is None else f"sso-session {self.session_name}"
        return f"role {self.role_name} in account {self.account_id} through IAM Identity Center ({login})"


@frozen
class LoginStep:
    """The keys that ``aws login`` left."""

    profile: str
    login_session: str

    def __str__(self) -> str:
        return f"the login of {self.login_session}"


Base = StaticKeys | CredentialProcess | WebIdentityRole | NamedSource | SsoStep | LoginStep


@frozen
class Role:
    """A role that is assumed with the keys of the step before."""

    profile: str
    role_arn: str
    external_id: str | None = field(default=None, repr=False)
    session_name: str | None = None
    duration: int | None = None
    """Seconds."""
    mfa_serial: str | None = None

    def __str__(self) -> str:
        code = f", with a code of {self.mfa_serial}" if self.mfa_serial else ""
        return f"role {self.role_arn}, assumed with these keys{code}"


@frozen
class Plan:
    """How a profile's keys are got."""

    base: Base
    roles: tuple[Role, ...] = ()
    """Assumed in this order, the first one with the keys of ``base``."""
    region_name: str | None = None

    def describe(self) -> list[str]:
        """One line for each step, in the order in which they are carried out; no secrets."""
        return [f"{KIND} {step.profile}: {step}" for step in (self.base, *self.roles)]
