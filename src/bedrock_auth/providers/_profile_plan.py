"""What a profile of AWS's shared files comes to: where its first keys come from, and which roles are assumed with them in turn.

Everything here is a pure function of the files' content: `plan` makes a `Plan` or says what is wrong with the profile. Carrying
it out is the business of `bedrock_auth.providers.profile`.

Within one profile the first of these that it has is taken, as botocore does:

1. ``web_identity_token_file`` with ``role_arn``
2. ``role_arn`` with ``source_profile`` or ``credential_source``: that role, over the other profile's or the named source's keys
3. ``sso_account_id`` and ``sso_role_name``, with ``sso_session`` or ``sso_start_url`` and ``sso_region``
4. keys in the credentials file
5. ``login_session``
6. ``credential_process``
7. keys in the config file

A profile that serves another one as ``source_profile`` and has keys lends its keys, even where it names a role as well. A profile
may name itself as ``source_profile`` where it has keys. Where both files have a profile, its entries are put together and the
credentials file wins.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from attrs import frozen

from bedrock_auth.errors import ConfigurationError, NotConfiguredError
from bedrock_auth.providers._profile_steps import (
    KIND,
    CredentialProcess,
    LoginStep,
    NamedSource,
    Plan,
    Role,
    SsoStep,
    StaticKeys,
    WebIdentityRole,
)
from bedrock_auth.providers._settings import wrong

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bedrock_auth.errors import CredentialError
    from bedrock_auth.providers._profile_steps import Base, SharedConfig
_KEY_ID, _SECRET = "aws_access_key_id", "aws_secret_access_key"
_TOKENS = ("aws_session_token", "aws_security_token")
_SOURCES = ("Environment", "Ec2InstanceMetadata", "EcsContainer")
_SSO = ("sso_start_url", "sso_region", "sso_account_id", "sso_role_name")
_RESERVED = re.compile(
    r"arn:[\w-]+:iam::(?P<account>\d{12}):role/aws-reserved/sso\.amazonaws\.com/"
    r"(?:.*/)?(?:AWSReservedSSO_(?P<name>.+)_[0-9a-fA-F]+|.*)",
    re.ASCII,
)
_NEEDS = (
    "aws_access_key_id and aws_secret_access_key, role_arn, sso_account_id and sso_role_name, login_session or credential_process"
)


def plan(config: SharedConfig, name: str, *, named: bool = True) -> Plan:
    """How this profile's keys are got.

    Args:
        config: what the files say.
        name: the profile.
        named: whether somebody asked for this very profile; otherwise its absence is nobody's mistake.

    Raises:
        NotConfiguredError: there is no such profile, or nothing in it that keys come from, and nobody named it.
        ConfigurationError: the same for a named one; or something in it is missing, contradicts itself or goes in circles.
    """
    if config.section(name) is None:
        raise _absent(config, name, named=named)
    profile = _Profile(config, name)
    roles: list[Role] = []
    visited = [name]
    base: Base | None = None
    while base is None and profile.assumes_role and not (roles and profile.has_keys):
        roles.insert(0, profile.role())
        base = profile.lender()
        if base is None:
            profile = profile.source(visited)
            visited.append(profile.name)
    found = base or (profile.keys() if roles else None) or profile.base()
    if found is None:
        raise _empty(profile.name, named=named or bool(roles))
    return Plan(found, _without_reserved(found, roles), config.region(name) or config.region(profile.name))


def _absent(config: SharedConfig, name: str, *, named: bool) -> CredentialError:
    where = f"neither in {config.config_file} nor in {config.credentials_file}"
    if not named:
        return NotConfiguredError(f"{KIND} {name}: it is {where}", provider=f"{KIND} {name}")
    msg = f"{KIND} {name}: it is {where}; the profiles there are: {config.names}"
    return ConfigurationError(msg, provider=f"{KIND} {name}", setting=KIND)


def _empty(name: str, *, named: bool) -> CredentialError:
    msg = f"{KIND} {name}: nothing in it says where keys come from; it needs {_NEEDS}"
    if named:
        return ConfigurationError(msg, provider=f"{KIND} {name}", setting=KIND)
    return NotConfiguredError(msg, provider=f"{KIND} {name}")


def _without_reserved(base: Base, roles: list[Role]) -> tuple[Role, ...]:
    """The roles to assume: one that IAM Identity Center made cannot be, but its keys may be at hand already."""
    if roles and isinstance(base, SsoStep) and _is_role_of(base, roles[0].role_arn):
        roles = roles[1:]
    for role in roles:
        if _RESERVED.fullmatch(role.role_arn):
            problem = (
                "is reserved for IAM Identity Center, which alone can hand it out; set sso_session, sso_account_id and "
                "sso_role_name instead, or source_profile to a profile that has these for this very role"
            )
            raise wrong(f"{KIND} {role.profile}", "role_arn", problem)
    return tuple(roles)


def _is_role_of(step: SsoStep, role_arn: str) -> bool:
    reserved = _RESERVED.fullmatch(role_arn)
    return reserved is not None and (reserved["account"], reserved["name"]) == (step.account_id, step.role_name)


@frozen
class _Profile:
    """One profile that is in the files, as it is read."""

    config: SharedConfig
    name: str

    @property
    def assumes_role(self) -> bool:
        return self._text("role_arn") is not None and self._text("web_identity_token_file") is None

    @property
    def has_keys(self) -> bool:
        return self._text(_KEY_ID) is not None or self._text(_SECRET) is not None

    def role(self) -> Role:
        return Role(
            self.name,
            self._required("role_arn"),
            self._text("external_id"),
            self._text("role_session_name"),
            self._duration(),
            self._text("mfa_serial"),
        )

    def lender(self) -> Base | None:
        """Whose keys ask for the role; ``None`` where it is another profile."""
        source, named = self._text("source_profile"), self._text("credential_source")
        if (source is None) == (named is None):
            both = "is given together with source_profile" if source else "and source_profile are both missing"
            raise self._wrong("credential_source", f"{both}; role_arn needs one of the two")
        if named is not None and named not in _SOURCES:
            raise self._wrong("credential_source", f"must be one of {', '.join(_SOURCES)}")
        if source == self.name:
            return self.keys() or self._wrong_self()
        return None if named is None else NamedSource(self.name, named)

    def _wrong_self(self) -> Base:
        raise self._wrong("source_profile", f"names the profile itself, which then needs {_KEY_ID} and {_SECRET}")

    def source(self, visited: list[str]) -> _Profile:
        name = self._required("source_profile")
        if self.config.section(name) is None:
            raise self._wrong("source_profile", f"names {name!r}, which does not exist; the profiles are: {self.config.names}")
        if name in visited:
            raise self._wrong("source_profile", f"goes in a circle: {' -> '.join([*visited, name])}")
        return _Profile(self.config, name)

    def base(self) -> Base | None:
        """Where the profile's own keys come from, leaving aside a role."""
        if self._text("web_identity_token_file") is not None:
            return self._web_identity()
        if self._text("sso_account_id") is not None or self._text("sso_role_name") is not None:
            return self._sso()
        return self._stored_keys() or self._login() or self._process() or self._configured_keys()

    def keys(self) -> StaticKeys | None:
        return self._stored_keys() or self._configured_keys()

    def _stored_keys(self) -> StaticKeys | None:
        return self._keys_in(self.config.credentials.get(self.name, {}), self.config.credentials_file)

    def _configured_keys(self) -> StaticKeys | None:
        return self._keys_in(self.config.profiles.get(self.name, {}), self.config.config_file)

    def _keys_in(self, section: Mapping[str, Any], file: str) -> StaticKeys | None:
        key_id, secret = self._text(_KEY_ID, section), self._text(_SECRET, section)
        if key_id is None and secret is None:
            return None
        if key_id is None or secret is None:
            missing, given = (_SECRET, _KEY_ID) if secret is None else (_KEY_ID, _SECRET)
            raise self._wrong(missing, f"is missing in {file} although {given} is there; give both or neither")
        token = self._text(_TOKENS[0], section) or self._text(_TOKENS[1], section)
        return StaticKeys(self.name, file, key_id, secret, token, self._text("aws_account_id", section))

    def _web_identity(self) -> Base:
        file, session_name = self._required("web_identity_token_file"), self._text("role_session_name")
        role_arn = self._required("role_arn", " although web_identity_token_file is given")
        return WebIdentityRole(self.name, role_arn, file, session_name, self._duration())

    def _login(self) -> Base | None:
        session = self._text("login_session")
        return None if session is None else LoginStep(self.name, session)

    def _process(self) -> Base | None:
        command = self._text("credential_process")
        return None if command is None else CredentialProcess(self.name, command)

    def _sso(self) -> Base:
        session_name = self._text("sso_session")
        shared = {} if session_name is None else self._sso_session(session_name)
        values = [self._text(key) or self._text(key, shared) for key in _SSO]
        for key, value in zip(_SSO, values, strict=True):
            if value is None:
                place = "" if session_name is None else f" here and in [sso-session {session_name}]"
                raise self._wrong(key, f"is missing{place}; IAM Identity Center needs {', '.join(_SSO)}")
        start_url, region, account_id, role_name = map(str, values)
        return SsoStep(self.name, start_url, region, account_id, role_name, session_name)

    def _sso_session(self, name: str) -> Mapping[str, Any]:
        if name not in self.config.sso_sessions:
            raise self._wrong("sso_session", f"names {name!r}, but {self.config.config_file} has no [sso-session {name}]")
        section = self.config.sso_sessions[name]
        for key in _SSO:
            here, there = self._text(key), self._text(key, section)
            if here is not None and there is not None and here != there:
                raise self._wrong(key, f"is another one in [sso-session {name}]; leave it to one of the two places")
        return section

    def _duration(self) -> int | None:
        text = self._text("duration_seconds")
        if text is None or (text.isascii() and text.isdecimal() and len(text) < 10):  # noqa: PLR2004 - far beyond what AWS allows
            return None if text is None else int(text)
        raise self._wrong("duration_seconds", "must be a whole number of seconds")

    def _required(self, key: str, why: str = "") -> str:
        text = self._text(key)
        if text is None:
            raise self._wrong(key, f"is missing{why}")
        return text

    def _text(self, key: str, section: Mapping[str, Any] | None = None) -> str | None:
        """An entry; blank counts as absent."""
        value = ((self.config.section(self.name) or {}) if section is None else section).get(key)
        if value is not None and not isinstance(value, str):
            raise self._wrong(key, "must stand on one line, right after the equals sign")
        return (value or "").strip() or None

    def _wrong(self, key: str, problem: str) -> ConfigurationError:
        return wrong(f"{KIND} {self.name}", key, problem)
