"""What providers would find around them, here and now: variables, files, a profile's plan, the machine.

Only what decides whose keys they give; nobody is asked for keys. The values hold secrets.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import platform
import shutil
import stat
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from bedrock_auth.errors import CredentialError
from bedrock_auth.host import Host
from bedrock_auth.providers import _role, _shared_config
from bedrock_auth.providers._login import LoginSession
from bedrock_auth.providers.assume_role import AssumeRole
from bedrock_auth.providers.cognito import CognitoIdentity
from bedrock_auth.providers.container import Container
from bedrock_auth.providers.default import Default
from bedrock_auth.providers.environment import Environment
from bedrock_auth.providers.http_vending import HttpVending, HttpVendingFromEnvironment
from bedrock_auth.providers.instance_metadata import InstanceMetadata
from bedrock_auth.providers.process import Process
from bedrock_auth.providers.profile import Profile
from bedrock_auth.providers.sso import SsoSession
from bedrock_auth.providers.static import StaticFiles
from bedrock_auth.providers.web_identity import WebIdentity, WebIdentityFromEnvironment

if TYPE_CHECKING:
    from collections.abc import Callable

_LARGEST_FILE = 65_536
_ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
_ENDPOINT_ENTRIES = ("endpoint_url", "ignore_configured_endpoint_urls")
_ROLE_SESSION = ("AWS_REGION", "AWS_DEFAULT_REGION", *_ENDPOINTS)
_WEB_IDENTITY_FILE, _CONTAINER_FILE = "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
_LOGIN_FOLDER = "AWS_LOGIN_CACHE_DIRECTORY"
_VARIABLES: dict[type, tuple[str, ...]] = {
    Environment: (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_ACCOUNT_ID",
    ),
    WebIdentityFromEnvironment: ("AWS_ROLE_ARN", _WEB_IDENTITY_FILE, *_ROLE_SESSION),
    Container: (
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        _CONTAINER_FILE,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    ),
    InstanceMetadata: (
        "AWS_EC2_METADATA_DISABLED",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
        "AWS_EC2_METADATA_V1_DISABLED",
    ),
    HttpVendingFromEnvironment: ("AWS_GET_TEMP_CREDS_API_URL", "AWS_GET_TEMP_CREDS_API_KEY"),
    AssumeRole: _ROLE_SESSION,
    WebIdentity: _ROLE_SESSION,
    CognitoIdentity: (*_ENDPOINTS, "AWS_ENDPOINT_URL_COGNITO_IDENTITY"),
    SsoSession: ("HOME", "USERPROFILE", *_ENDPOINTS, "AWS_ENDPOINT_URL_SSO"),
    LoginSession: ("HOME", "USERPROFILE", _LOGIN_FOLDER, *_ENDPOINTS, "AWS_ENDPOINT_URL_SIGNIN"),
}
"""What each kind of provider reads from its host's environment."""
_OF_A_TERMINAL = frozenset(
    {"_", "COLUMNS", "DISPLAY", "LINES", "OLDPWD", "PWD", "SHLVL", "SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY", "TERM"}
    | {"TERM_SESSION_ID", "TMUX", "TMUX_PANE", "WINDOWID", "WINDOWPATH", "XDG_SESSION_ID", "GPG_TTY"}
)
"""Variables that differ from terminal to terminal; no program gives somebody else's keys for them."""
_OF_ONE_TOKEN = frozenset({"exp", "iat", "nbf", "jti"})
"""Claims that differ from token to token of the same subject."""


def surroundings(provider: Any, files: set[str]) -> list[Any]:
    """What this provider would find, in a form that is the same for the same findings; other providers may be part of it.

    Args:
        provider: of any kind; one that is not known here finds nothing.
        files: every path that was looked at is added, whether there is a file or not.
    """
    found: list[Any] = []
    for kind in type(provider).__mro__:
        found += [[name, provider.host.setting(name)] for name in _VARIABLES.get(kind, ())]
        if kind in _FINDERS:
            found.append(_FINDERS[kind](provider, files))
    return found


def _default(provider: Default, _: set[str]) -> Any:
    return provider.chain


def _profile(provider: Profile, files: set[str]) -> list[Any]:
    """What the plan comes to, carried out by other providers; or what is wrong with it, until somebody repairs it."""
    files.update(_shared_config.paths(provider.host))
    try:
        return [provider.name, provider.planned_provider()]
    except CredentialError as error:
        return [provider.name, str(error)]


def _role_session(provider: Any, files: set[str]) -> list[Any]:
    return [getattr(provider, "session_name", None) or _role.default_session_name(provider.host), _endpoints(files)]


def _endpoints(files: set[str]) -> list[Any]:
    """What the config files of this process say about AWS's addresses, which botocore reads itself: a stand-in has other keys."""
    world = Host.system()
    files.update(_shared_config.paths(world))
    try:
        config = _shared_config.read(world)
    except CredentialError as error:
        return [str(error)]
    names = filter(None, map(world.setting, ("AWS_DEFAULT_PROFILE", "AWS_PROFILE")))
    profiles = [config.section(name) or {} for name in names] or [config.section("default") or {}]
    services = [config.services.get(str(profile.get("services"))) for profile in profiles]
    return [[[profile.get(name) for name in _ENDPOINT_ENTRIES] for profile in profiles], services]


def _web_identity(provider: WebIdentity, files: set[str]) -> list[Any]:
    return [_role_session(provider, files), _subject(provider.token_file, files)]


def _web_identity_from_environment(provider: WebIdentityFromEnvironment, files: set[str]) -> list[Any]:
    return [_role_session(provider, files), _subject(provider.host.setting(_WEB_IDENTITY_FILE), files)]


def _container(provider: Container, files: set[str]) -> list[Any]:
    return [platform.node(), _subject(provider.host.setting(_CONTAINER_FILE), files)]


def _machine(_: InstanceMetadata, __: set[str]) -> str:
    """A home folder may be shared by machines that have other roles."""
    return platform.node()


def _vending(provider: HttpVending, files: set[str]) -> str | None:
    return _content(str(provider.api_key), files) if isinstance(provider.api_key, PurePath) else None


def _static_files(provider: StaticFiles, files: set[str]) -> list[str | None]:
    paths = (provider.access_key_id, provider.secret_access_key, provider.session_token)
    return [_content(path, files) for path in paths]


def _process(provider: Process, _: set[str]) -> list[Any]:
    """The program may look at any variable, and at the folder it runs in; it and files that are its arguments may be replaced."""
    variables = {name: value for name, value in provider.host.environ.items() if name not in _OF_A_TERMINAL}
    program = shutil.which(provider.command[0], path=variables.get("PATH"))
    return [variables, _folder(), *map(_state, (program or "", *provider.command))]


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - text
    except OSError:  # it has been removed
        return None


def _state(path: str) -> list[int] | None:
    """What changes with a file; ``None`` for what is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - text
    except (OSError, ValueError):
        return None
    return [found.st_ino, found.st_size, found.st_mtime_ns] if stat.S_ISREG(found.st_mode) else None


def _sso(provider: SsoSession, files: set[str]) -> list[Any]:
    """The token of the login, which says nothing about whose it is; its file has the name that the AWS CLI gives it."""
    if provider.host.home is None:
        return []
    name = hashlib.sha1((provider.session_name or provider.start_url).encode(), usedforsecurity=False).hexdigest()
    return [_content(f"{provider.host.home}/.aws/sso/cache/{name}.json", files), _endpoints(files)]


def _login(provider: LoginSession, files: set[str]) -> list[Any]:
    """Whether there is a login; whose it would be is a setting. Its file has the name that the AWS CLI gives it."""
    folder, home = provider.host.setting(_LOGIN_FOLDER) or "~/.aws/login/cache", provider.host.home
    if folder.startswith("~/") and home is not None:
        folder = f"{home}{folder[1:]}"
    path = f"{folder}/{hashlib.sha256(provider.login_session.encode()).hexdigest()}.json"
    files.add(path)
    return [os.path.isfile(path), _endpoints(files)]  # noqa: PTH113 - text


_FINDERS: dict[type, Callable[[Any, set[str]], Any]] = {
    Default: _default,
    Profile: _profile,
    AssumeRole: _role_session,
    CognitoIdentity: _role_session,
    WebIdentity: _web_identity,
    WebIdentityFromEnvironment: _web_identity_from_environment,
    Container: _container,
    InstanceMetadata: _machine,
    HttpVending: _vending,
    StaticFiles: _static_files,
    Process: _process,
    SsoSession: _sso,
    LoginSession: _login,
}
"""What some of them look at besides variables."""


def _content(path: str | None, files: set[str]) -> str | None:
    """What a file holds; ``None`` where it cannot be read, as its provider will say."""
    if path is None:
        return None
    files.add(path)
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            return file.read(_LARGEST_FILE).hex()
    except (OSError, ValueError):
        return None


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _subject(path: str | None, files: set[str]) -> Any:
    """Whose token a file holds: a JSON web token's claims but those that each new token changes, else all of it."""
    content = _content(path, files)
    try:
        payload = bytes.fromhex(content or "").split(b".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + b"=="))
        return {name: claim for name, claim in claims.items() if name not in _OF_ONE_TOKEN}
    except (IndexError, ValueError, AttributeError, RecursionError):
        return content
