"""Reading AWS's shared config and credentials files through botocore's loader, from where the host's environment says."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

from bedrock_auth.errors import ConfigurationError
from bedrock_auth.providers._profile_steps import KIND, SharedConfig

if TYPE_CHECKING:
    from bedrock_auth.host import Host

_CONFIG, _CREDENTIALS = ("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")


def read(host: Host) -> SharedConfig:
    """What the files say now; one that does not exist says nothing.

    Raises:
        ConfigurationError: one of them cannot be read or parsed; the message names it and shows nothing of its content.
    """
    from botocore.configloader import build_profile_map  # noqa: PLC0415 - a provider is made without botocore

    config_file, credentials_file = paths(host)
    config: dict[str, Any] = build_profile_map(_parsed(config_file))
    credentials = _parsed(credentials_file)
    return SharedConfig(
        config["profiles"], config["sso_sessions"], credentials, config_file, credentials_file, config["services"]
    )


def paths(host: Host) -> tuple[str, str]:
    """Where the config and the credentials file are, or would be."""
    return _path(host, *_CONFIG), _path(host, *_CREDENTIALS)


def fingerprint(host: Host) -> tuple[object, ...]:
    """Something that changes when one of the files does."""
    return tuple(map(_state, paths(host)))


def _state(path: str) -> tuple[object, ...]:
    try:
        found = os.stat(path)  # noqa: PTH116 - text in
    except (OSError, ValueError):
        return (path,)
    return path, found.st_ino, found.st_size, found.st_mtime_ns


def _path(host: Host, variable: str, name: str) -> str:
    stated = os.path.expandvars(host.setting(variable) or f"~/.aws/{name}")  # as botocore's loader does
    if stated.startswith("~/") and host.home is not None:
        return f"{host.home}{stated[1:]}"
    return stated


def _parsed(path: str) -> dict[str, Any]:
    if path.startswith("~") or not _is_there(path):  # no home is known; botocore's loader would look for another one
        return {}
    from botocore.configloader import raw_config_parse  # noqa: PLC0415 - a provider is made without botocore

    try:
        parsed: dict[str, Any] = raw_config_parse(path)
    except Exception as error:  # noqa: BLE001 - whatever its parser meets; its text would repeat lines, secrets among them
        raise _unusable(path, f"cannot be parsed{_place(error)}") from None
    return parsed


def _is_there(path: str) -> bool:
    """Whether there is a file to read; botocore's loader takes one that it may not read for an empty one."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - text in; such as /dev/null
            return False
        with open(path, "rb"):  # noqa: PTH123 - text in
            return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        raise _unusable(path, f"cannot be read ({getattr(error, 'strerror', None) or 'no usable path'})") from None


def _place(error: Exception) -> str:
    cause = getattr(error, "kwargs", {}).get("error")
    numbers = [number for number, _ in getattr(cause, "errors", [])] or [getattr(cause, "lineno", None)]
    lines = ", ".join(str(number) for number in numbers[:5] if number is not None)
    return f"; see line {lines}" if lines else ": is it text, and is every indented line under a name itself 'name = value'?"


def _unusable(path: str, problem: str) -> ConfigurationError:
    return ConfigurationError(f"{path} {problem}", provider=KIND, setting=path)
