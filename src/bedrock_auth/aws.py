"""botocore sessions as this library wants them: light, identified and discreet, with no identity yet.

Every session shares one cache of botocore's data files (the second client in a process costs a tenth of the first),
carries ``bedrock-auth/<version>`` in its user agent, has the loggers of botocore guarded against secrets, and is usable
even where ``AWS_PROFILE`` names a profile that does not exist — who signs is decided elsewhere.
"""

from __future__ import annotations

import gc
import gzip
import json
from collections import OrderedDict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.loaders
import botocore.session
from botocore.config import Config
from botocore.configprovider import ConstantProvider
from botocore.exceptions import BotoCoreError

from bedrock_auth import __version__
from bedrock_auth.errors import ConfigurationError
from bedrock_auth.redaction import guard_loggers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.session import Session

USER_AGENT = f"bedrock-auth/{__version__}"

_data_files: dict[Any, Any] = {}


def sigv4_config(**settings: Any) -> Config:
    """A client config that states SigV4: ``AWS_BEARER_TOKEN_BEDROCK`` and the like take over only where nothing is stated."""
    return Config(**{"auth_scheme_preference": "sigv4", **settings})


_OPENERS: dict[str, Callable[..., Any]] = {".json": Path.open, ".json.gz": gzip.open}


class _FileLoader(botocore.loaders.JSONFileLoader):
    """Reads data files without stopping other threads, an event loop's above all: the largest has 1.2 MB, which take 100 ms."""

    def load_file(self, file_path: str) -> Any:
        """The data of the file, or ``None``; the path comes without its ending."""
        for ending, opener in _OPENERS.items():
            path = Path(file_path + ending)
            if path.is_file():
                with opener(path, "rb") as file, _no_collection():
                    return json.loads(file.read().decode("utf-8"), object_pairs_hook=_ordered)
        return None


def _ordered(pairs: list[tuple[str, Any]]) -> OrderedDict[str, Any]:
    """As the bare class, but in Python, where the interpreter may turn to another thread."""
    return OrderedDict(pairs)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Spare the garbage collector, which stops everything, from going through what is only being built."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _SharedLoader(botocore.loaders.Loader):
    """A loader of its own (boto3 appends to each session's search paths) over the process's one cache."""

    def __init__(self) -> None:
        super().__init__(file_loader=_FileLoader())
        self._cache = _data_files


class _NoCredentials:
    """A credential provider component that finds nothing, so nothing ambient can sign."""

    def load_credentials(self) -> None:
        return None


no_credentials = _NoCredentials()


def new_botocore_session() -> Session:
    """A botocore session over the shared data files, without a credential component of ours yet.

    Raises:
        ConfigurationError: the AWS config file cannot be parsed.
    """
    session = botocore.session.Session()
    session.user_agent_extra = USER_AGENT
    _settle_profile(session)
    if session.get_config_variable("data_path") is None:
        session.register_component("data_loader", _SharedLoader())
    guard_loggers()
    return session


def _settle_profile(session: Session) -> None:
    """Let the profile of this moment name region and endpoints for good; one that does not exist counts as none."""
    try:
        known = session.full_config["profiles"]
    except BotoCoreError as error:
        path = getattr(error, "kwargs", {}).get("path", "")
        msg = f"the AWS config file cannot be read: {path} cannot be parsed"
        raise ConfigurationError(msg, setting="AWS_CONFIG_FILE") from None  # its text repeats lines, secrets among them
    profile = session.get_config_variable("profile")
    constant = ConstantProvider(profile if profile in known else None)
    session.get_component("config_store").set_config_provider("profile", constant)
