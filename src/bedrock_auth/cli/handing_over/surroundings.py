"""What another process is given so that it, and whatever it starts, asks the loopback endpoint and nothing else.

The container variables alone decide nothing: keys in AWS's files come before them, and so do boto 2's files for botocore. So both
of AWS's files are ones that are made here, in a folder of this user alone, with the settings of the profile in use that do not
decide who signs, and without any credentials.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bedrock_auth.cli.handing_over.signals import ENDING, handled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
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


@contextmanager
def new_folder() -> Iterator[str]:
    """A folder that only this user may enter; it is removed with all that is in it, and no further signal breaks that off."""
    place = os.path.abspath(tempfile.gettempdir())  # noqa: PTH100 - it may be '.', and the command may go elsewhere
    folder = tempfile.TemporaryDirectory(prefix="bedrock-auth-", dir=place, ignore_cleanup_errors=True)
    try:
        yield folder.name
    finally:
        with handled(("SIGINT", *ENDING), lambda *_: None):
            folder.cleanup()


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
