"""What another process is given so that it, and whatever it starts, asks the loopback endpoint and nothing else.

The container variables alone decide nothing: keys in AWS's files come before them, and so do boto 2's files for botocore. So both
of AWS's files are ones that are made here, in a folder of this user alone, with the settings of the profile in use that do not
decide who signs, and without any credentials.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bedrock_auth.cli.handing_over.signals import ENDING, handled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from botocore.session import Session

_CARRIED = (
    "region",
    "output",
    "endpoint_url",
    "ignore_configured_endpoint_urls",
    "use_fips_endpoint",
    "use_dualstack_endpoint",
    "sts_regional_endpoints",
    "defaults_mode",
    "retry_mode",
    "max_attempts",
    "ca_bundle",
)
_SERVICES = "handed-over"
_TOKEN, _CONFIG, _CREDENTIALS, _BOTO = "token", "config", "credentials", "boto.cfg"
_NAMES = {_TOKEN, _CONFIG, _CREDENTIALS, _BOTO}
_PREFIX = "bedrock-auth-"
_SETTLED = 60.0
"""Seconds after which whoever made a folder surely holds it."""


@contextmanager
def new_folder() -> Iterator[str]:
    """A folder that only this user may enter; it is removed with all that is in it, and no further signal breaks that off.

    What a process that was killed has left of this kind is removed before: the system lets go of what it held.
    """
    place = os.path.abspath(tempfile.gettempdir())  # noqa: PTH100 - it may be '.', and the command may go elsewhere
    _remove_leftovers(Path(place))
    folder = tempfile.TemporaryDirectory(prefix=_PREFIX, dir=place, ignore_cleanup_errors=True)
    try:
        with _held(folder.name):
            yield folder.name
    finally:
        with handled(("SIGINT", *ENDING), lambda *_: None):
            folder.cleanup()


@contextmanager
def _held(folder: str | Path) -> Iterator[bool]:
    """Hold a folder until the end of the block, or of this process and of a command that it runs: that uses what is in it too.

    False where somebody else holds it, or none can be held (Windows).
    """
    if os.name != "posix":
        yield False
        return
    import fcntl  # noqa: PLC0415 - not on Windows

    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    os.set_inheritable(descriptor, True)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_held = True
    except OSError:
        is_held = False
    try:
        yield is_held
    finally:
        os.close(descriptor)


def _remove_leftovers(place: Path) -> None:
    for folder in place.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if _may_be_left_over(folder):
                with _held(folder) as is_held:
                    if is_held:
                        shutil.rmtree(folder, ignore_errors=True)


def _may_be_left_over(folder: Path) -> bool:
    """Whether it looks like one of ours, and has been there for a while."""
    found = folder.lstat()
    ours = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700 and found.st_uid == os.geteuid()  # noqa: PLR2004
    if not ours or time.time() - found.st_mtime < _SETTLED:
        return False
    routes = list(folder.iterdir())
    return bool(routes) and all({path.name for path in route.iterdir()} == _NAMES for route in routes)


def settings_of(profile: str | None) -> str:
    """A config file's text with the settings of this profile, by default the one in use, that do not decide who signs."""
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - --help pays for none of it
    from botocore.session import Session  # noqa: PLC0415 - the same

    session = Session(profile=profile)
    try:
        return config_text(session.get_scoped_config(), _services(session))
    except BotoCoreError:  # no such profile, or a broken file: whether that matters, the provider has decided
        return config_text({}, {})


def _services(session: Session) -> Mapping[str, Any]:
    name = session.get_scoped_config().get("services")
    found: Mapping[str, Any] = session.full_config.get("services", {}).get(name, {})
    return found


def config_text(profile: Mapping[str, Any], services: Mapping[str, Any]) -> str:
    """The ``[default]`` profile, and a ``[services]`` section where there is anything in it."""
    lines = ["[default]", *_entries(profile, _CARRIED)]
    sections = {name: _entries(values, values) for name, values in services.items() if isinstance(values, dict)}
    if sections:
        lines += [f"services = {_SERVICES}", "", f"[services {_SERVICES}]"]
    for name, entries in sections.items():
        lines += [f"{name} =", *(f"  {entry}" for entry in entries)]
    return "\n".join(lines) + "\n"


def _entries(values: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    chosen = ((name, values.get(name)) for name in names)
    return [f"{name} = {value}" for name, value in chosen if isinstance(value, str) and value.isprintable()]


def write_files(folder: Path, token: str, config: str) -> dict[str, str]:
    """Put the files of one route into a folder, and say which variables name them; `token_file` tells where the token is."""
    folder.mkdir(mode=0o700)
    for name, text, mode in ((_TOKEN, token, 0o400), (_CONFIG, config, 0o600), (_CREDENTIALS, "", 0o600), (_BOTO, "", 0o600)):
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
            file.write(text)
    return {
        "AWS_CONFIG_FILE": str(folder / _CONFIG),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / _CREDENTIALS),
        "BOTO_CONFIG": str(folder / _BOTO),
    }


def token_file(folder: Path) -> str:
    """Where `write_files` has put the token."""
    return str(folder / _TOKEN)


def variables(url: str, token: str, files: Mapping[str, str], region_name: str | None) -> dict[str, str]:
    """Everything that has to be set; whatever else decides who signs has to be unset, see `handoff`."""
    region = {} if region_name is None else {"AWS_REGION": region_name, "AWS_DEFAULT_REGION": region_name}
    return {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": url,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": token,
        **files,
        "AWS_EC2_METADATA_DISABLED": "true",
        **region,
    }
