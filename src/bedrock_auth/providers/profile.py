"""`Profile`: a profile of AWS's shared config and credentials files, whatever it says keys come from.

The files are read through botocore's loader at every fetch, from ``AWS_CONFIG_FILE`` and ``AWS_SHARED_CREDENTIALS_FILE``, else
``~/.aws/config`` and ``~/.aws/credentials``. What the profile comes to is planned first, by the rules in
`bedrock_auth.providers._profile_plan`; the plan is then carried out by the other providers. Keys without an expiration are read
again every minute, so a file that somebody else rotates is noticed.

The region whose STS is asked, and the hint for sessions: ``AWS_REGION`` or ``AWS_DEFAULT_REGION``, else the profile's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from bedrock_auth.contracts import CredentialProvider, Traits, traits
from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import ConfigurationError, CredentialError, NotConfiguredError
from bedrock_auth.host import Host
from bedrock_auth.providers import _profile_plan, _profile_steps as steps, _shared_config
from bedrock_auth.providers._base import fetch, named
from bedrock_auth.providers._login import LoginSession
from bedrock_auth.providers._profile_steps import KIND, Plan
from bedrock_auth.providers._settings import wrong
from bedrock_auth.providers._wrapper import Wrapper
from bedrock_auth.providers.assume_role import AssumeRole
from bedrock_auth.providers.container import Container
from bedrock_auth.providers.environment import Environment
from bedrock_auth.providers.instance_metadata import InstanceMetadata
from bedrock_auth.providers.process import Process
from bedrock_auth.providers.sso import SsoSession
from bedrock_auth.providers.web_identity import WebIdentity

if TYPE_CHECKING:
    from collections.abc import Callable

REVALIDATE_AFTER = 60.0
_DEFAULT, _HOUR = "default", 3600
_NAMED: dict[str, Callable[..., CredentialProvider]] = {
    "Environment": Environment,
    "Ec2InstanceMetadata": InstanceMetadata,
    "EcsContainer": Container,
}
_ROLE_KEYS = {
    "session_name": "role_session_name",
    "duration": "duration_seconds",
    "region_name": "region",
    "token_file": "web_identity_token_file",
    "command": "credential_process",
}
_SSO_KEYS = {
    "start_url": "sso_start_url",
    "region": "sso_region",
    "account_id": "sso_account_id",
    "role_name": "sso_role_name",
    "session_name": "sso_session",
}
"""What an entry is called as a setting of the provider that carries it out, and in the file."""


def _name(value: str | None) -> str | None:
    if value is None or (isinstance(value, str) and value.strip() and value.isprintable()):
        return value
    raise wrong(KIND, "name", "must be the name of a profile, or None for the one that the environment names")


def _mfa_token(value: Callable[[], str] | None) -> Callable[[], str] | None:
    if value is None or callable(value):
        return value
    raise wrong(KIND, "mfa_token", "must be a function that returns six digits, such as lambda: input('MFA code: ')")


@frozen
class Profile(Wrapper):
    """The keys that a profile leads to.

    Args:
        name: the profile; by default the one that ``AWS_PROFILE`` or ``AWS_DEFAULT_PROFILE`` names at the moment of the fetch,
            else ``default``.
        mfa_token: asked for six digits where a role of the profile has an ``mfa_serial``; never in the background.

    Raises:
        ConfigurationError: one of these is not usable.
    """

    profile_name: str | None = field(default=None, alias="name", converter=_name)
    mfa_token: Callable[[], str] | None = field(default=None, kw_only=True, converter=_mfa_token, repr=False)
    host: Host = field(factory=Host.system, kw_only=True, repr=False)

    revalidate_after = REVALIDATE_AFTER
    """Seconds: somebody else may rotate the keys in a file."""

    @property
    def name(self) -> str:
        """``profile`` and its name."""
        return f"{KIND} {self._asked_for or _DEFAULT}"

    @property
    def region_name(self) -> str | None:
        """What the environment names, else the profile; ``None`` where the files cannot be read."""
        return self.host.region() or self._traits.region_name

    @property
    def _asked_for(self) -> str | None:
        return self.profile_name or self.host.setting("AWS_PROFILE") or self.host.setting("AWS_DEFAULT_PROFILE")

    @property
    def _traits(self) -> Traits:
        """Those of what the plan comes to; kept until a file changes, since the engine asks for them often."""
        key = (KIND, self._asked_for, self.mfa_token is None, *_shared_config.fingerprint(self.host))
        known: Traits | None = self.host.recall(key)
        if known is None:
            known = self._planned_traits()
            self.host.keep(key, known)
        return known

    def _planned_traits(self) -> Traits:
        region: str | None = None
        try:
            region = _shared_config.read(self.host).region(self._asked_for or _DEFAULT)
            planned = self.plan()
            return evolve(traits(self._provider(planned)), region_name=planned.region_name)
        except CredentialError:  # retrieve() tells; here only hints are lost
            return Traits(region_name=region)

    def plan(self) -> Plan:
        """What the profile comes to as the files are now; nothing of it is carried out.

        Raises:
            NotConfiguredError: no profile was named, and there is no default one with anything that keys come from.
            ConfigurationError: a profile that was named is not there or has nothing; a file cannot be read; something in the
                profile is missing, contradicts itself or goes in circles. The message names the profile and the entry.
        """
        name = self._asked_for
        try:
            return _profile_plan.plan(_shared_config.read(self.host), name or _DEFAULT, named=name is not None)
        except CredentialError as error:
            raise named(error, self.name) from None

    def retrieve(self) -> Credentials:
        """Read the files and carry out what they say.

        Raises:
            NotConfiguredError: as `plan`.
            ConfigurationError: as `plan`; or an entry is not usable, or the ``credential_source`` is not set up here.
            LoginRequiredError: a login is missing or over; ``command`` is what to run.
            CredentialError: what the provider raises that a step is carried out by.
        """
        provider = self.planned_provider()
        try:
            keys = fetch(provider, asker=self.name, now=self.host.clock())
        except NotConfiguredError as error:  # somebody named it
            raise ConfigurationError(error.message, provider=self.name, setting="credential_source") from None
        return evolve(keys, source=self.name)

    def planned_provider(self) -> CredentialProvider:
        """The provider that the plan comes to, as the files are now.

        Raises:
            NotConfiguredError: as `plan`.
            ConfigurationError: as `plan`; or an entry is not usable.
        """
        return self._provider(self.plan())

    def _provider(self, planned: Plan) -> CredentialProvider:
        try:
            provider = self._base(planned)
            for role in planned.roles:
                provider = self._role(role, provider, planned.region_name)
        except ConfigurationError as error:
            raise named(error, self.name) from None
        return provider

    def _base(self, planned: Plan) -> CredentialProvider:
        step, host = planned.base, self.host
        match step:
            case steps.StaticKeys():
                return _InFile(step)
            case steps.CredentialProcess():
                return _made(step.profile, lambda: Process(step.command, host=host))
            case steps.WebIdentityRole():
                return _made(step.profile, lambda: self._web_identity(step, planned.region_name))
            case steps.NamedSource():
                return _NAMED[step.credential_source](host=host)
            case steps.SsoStep():
                return _made(step.profile, lambda: self._sso(step), _SSO_KEYS)
            case steps.LoginStep():
                return LoginSession(step.profile, step.login_session, planned.region_name, host=host)

    def _web_identity(self, step: steps.WebIdentityRole, region_name: str | None) -> CredentialProvider:
        return WebIdentity(
            step.role_arn,
            token_file=step.token_file,
            session_name=step.session_name,
            duration=_duration(step.duration),
            region_name=self.host.region() or region_name,
            host=self.host,
        )

    def _sso(self, step: steps.SsoStep) -> CredentialProvider:
        return SsoSession(
            start_url=step.start_url,
            region=step.region,
            account_id=step.account_id,
            role_name=step.role_name,
            session_name=step.session_name,
            profile_name=step.profile,
            host=self.host,
        )

    def _role(self, role: steps.Role, source: CredentialProvider, region_name: str | None) -> CredentialProvider:
        if role.mfa_serial is not None and self.mfa_token is None:
            given = f"Profile({self._asked_for!r}, mfa_token=lambda: input('MFA code: '))"
            raise wrong(f"{KIND} {role.profile}", "mfa_serial", f"asks for a code of six digits; pass a function for it: {given}")
        return _made(
            role.profile,
            lambda: AssumeRole(
                role.role_arn,
                source=source,
                external_id=role.external_id,
                duration=_duration(role.duration),
                session_name=role.session_name,
                mfa_serial=role.mfa_serial,
                mfa_token=None if role.mfa_serial is None else self.mfa_token,
                region_name=self.host.region() or region_name,
                host=self.host,
            ),
        )


@frozen
class _InFile:
    """Keys that stand in a file, with the account that the file says they belong to."""

    step: steps.StaticKeys

    @property
    def name(self) -> str:
        return str(self.step)

    def retrieve(self) -> Credentials:
        keys = self.step
        try:
            return Credentials(
                keys.access_key_id, keys.secret_access_key, keys.session_token, None, keys.account_id, source=self.name
            )
        except ConfigurationError as error:
            problem = f"in {keys.file} is not one line of text"
            raise wrong(f"{KIND} {keys.profile}", f"aws_{error.setting}", problem) from None


def _duration(value: int | None) -> int:
    return _HOUR if value is None else value


def _made(profile: str, make: Callable[[], CredentialProvider], keys: dict[str, str] = _ROLE_KEYS) -> CredentialProvider:
    """The provider, or its complaint about a setting as one about the entry that the setting came from."""
    try:
        return make()
    except ConfigurationError as error:
        problem = error.message.partition(f"{error.setting} ")[2]
        raise wrong(f"{KIND} {profile}", keys.get(error.setting, error.setting), problem) from None
