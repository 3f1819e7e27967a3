"""Bytes in JSON, so that a history of messages can be kept as text. Pure.

Bytes become ``{"$bytes": "<base64>"}``. A JSON object of somebody's own that looks like that gets one more ``$``, and loses it
on the way back, so that nothing is ever mistaken.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

_BYTES = "$bytes"
_LIKE_BYTES = re.compile(r"\$+bytes")


def to_json_form(value: Any) -> Any:
    """The value with no bytes in it.

    >>> to_json_form({"image": b"png"})
    {'image': {'$bytes': 'cG5n'}}
    """
    if isinstance(value, bytes | bytearray):
        return {_BYTES: b64encode(value).decode()}
    if isinstance(value, Mapping):
        prefix = "$" if _marked(value) else ""
        return {prefix + name: to_json_form(part) for name, part in value.items()}
    return [to_json_form(part) for part in value] if isinstance(value, list | tuple) else value


def from_json_form(value: Any) -> Any:
    """The inverse of `to_json_form`.

    Raises:
        ValueError: what should be base64 is not.
    """
    if isinstance(value, list):
        return [from_json_form(part) for part in value]
    if not isinstance(value, dict):
        return value
    if not (name := _marked(value)):
        return {name: from_json_form(part) for name, part in value.items()}
    return b64decode(value[name], validate=True) if name == _BYTES else {name[1:]: from_json_form(value[name])}


def _marked(value: Mapping[Any, Any]) -> str | None:
    """The one key of a mapping that is bytes in JSON, or looks like it."""
    key = next(iter(value)) if len(value) == 1 else None
    return key if isinstance(key, str) and _LIKE_BYTES.fullmatch(key) else None
