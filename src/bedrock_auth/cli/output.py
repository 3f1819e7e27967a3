"""What commands write: one JSON document to stdout, lines for people to stderr."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any

from bedrock_auth.redaction import MASK


def write_json(value: Any) -> None:
    """One document for programs, on stdout."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def tell(*lines: str) -> None:
    """Lines for people, on stderr."""
    sys.stderr.writelines(f"{line}\n" for line in lines)


def keep_warnings_out_of_stderr() -> None:
    """For commands that tell themselves what `Settings` warns of; handlers of a program's own still get it."""
    logging.getLogger("bedrock_auth.settings").addHandler(logging.NullHandler())


_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?:[^/?#@]*@)?(?P<rest>[\w.:\[\]-]+(?:/[^?#@]*)?)(?:[?#][^@]*)?", re.IGNORECASE
)
"""A stray ``@`` may be what a password is followed by, or part of a key: such an address is not shown at all."""


def shown_url(url: str) -> str:
    """An address without what may be secret in it: user info, query and fragment.

    >>> shown_url("https://user:password@proxy.example:8080/path?key=secret")
    'https://proxy.example:8080/path'
    """
    found = _URL.fullmatch(url.strip())
    return MASK if found is None else found["scheme"] + found["rest"]
