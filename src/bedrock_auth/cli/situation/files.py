"""The files that credentials are read from: whether they are there, and who may read or change them."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from attrs import frozen

from bedrock_auth.providers._shared_config import paths

if TYPE_CHECKING:
    from bedrock_auth.host import Host

CONFIG, CREDENTIALS = "AWS config file", "AWS credentials file"
_NAMED = {
    "AWS_WEB_IDENTITY_TOKEN_FILE": "web identity token",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "container authorization token",
}
_OTHERS_WRITE, _OTHERS_READ = stat.S_IWGRP | stat.S_IWOTH, stat.S_IRGRP | stat.S_IROTH


@frozen
class FoundFile:
    """A file that is looked at, as it is now."""

    what: str
    """What it is for."""
    path: str
    mode: int | None = None
    """Permission bits; ``None`` where it is not there or cannot be looked at."""
    is_ours: bool = True
    """Whether this user or root owns it."""

    @property
    def others_decide(self) -> bool:
        """Whether somebody else can change what is in it. Modes are a POSIX promise."""
        return os.name == "posix" and self.mode is not None and (not self.is_ours or bool(self.mode & _OTHERS_WRITE))

    def too_open(self) -> str | None:
        """Why others decide who signs, or can sign as well; ``None`` where they cannot."""
        if self.mode is None or os.name != "posix":
            return None
        if not self.is_ours:
            return "belongs to another user, who decides what is in it"
        if self.others_decide:
            return f"may be changed by others than its owner (mode {self.octal}), who then decide who signs"
        if self.what == CREDENTIALS and self.mode & _OTHERS_READ:
            return f"may be read by others than its owner (mode {self.octal}), who can then sign as well"
        return None

    @property
    def octal(self) -> str | None:
        """The permission bits as ``chmod`` takes them."""
        return None if self.mode is None else f"{self.mode:04o}"


def look_at_files(host: Host) -> tuple[FoundFile, ...]:
    """The config and the credentials file, and the token files that the environment names."""
    config, credentials = paths(host)
    named = [(what, path) for variable, what in _NAMED.items() if (path := host.setting(variable))]
    return tuple(_found(what, path) for what, path in ((CONFIG, config), (CREDENTIALS, credentials), *named))


def _found(what: str, path: str) -> FoundFile:
    try:
        found = os.stat(path)  # noqa: PTH116 - text in
    except (OSError, ValueError):
        return FoundFile(what, path)
    mine = not hasattr(os, "getuid") or found.st_uid in (0, os.getuid())
    return FoundFile(what, path, stat.S_IMODE(found.st_mode), mine)
