"""Asking botocore, in an environment that another process is to have, whose keys it would sign with there."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bedrock_auth.errors import ConfigurationError
from bedrock_auth.providers import _child
from bedrock_auth.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTAINER = "container-role"
"""What botocore calls the container endpoint."""
_QUESTION = "import botocore.session as s; found = s.Session().get_credentials(); print(found.method if found else 'nothing')"
_SECONDS, _LONGEST = 60.0, 4096


def refuse_other_sources(environ: Mapping[str, str]) -> None:
    """Let an environment pass in which the container endpoint wins.

    Raises:
        ConfigurationError: something else does, or that could not be found out.
    """
    found = _winner(environ)
    if found != CONTAINER:
        msg = (
            f"in the command's environment botocore would take its keys from {found!r} and not from here, so it was not started; "
            "find out what sets them there, such as a sitecustomize module or a changed botocore, and take it away"
        )
        raise ConfigurationError(msg, setting="environment")


def _winner(environ: Mapping[str, str]) -> str:
    argv = (sys.executable, "-P", "-c", _QUESTION)
    try:
        ended = _child.run(argv, environ, _SECONDS, _LONGEST)
    except (OSError, _child.TimedOut, _child.TooLong) as error:
        raise _unknown(type(error).__name__) from None
    if ended.status:
        last = ended.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise _unknown(redact("".join(last)))
    return ended.stdout.decode(errors="replace").strip()


def _unknown(why: str) -> ConfigurationError:
    msg = f"whose keys would be used in the command's environment could not be found out, so it was not started: {why}"
    return ConfigurationError(msg, setting="environment")
