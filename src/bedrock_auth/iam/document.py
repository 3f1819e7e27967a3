"""From text, a dict or a `Policy` to statements that the linter's rules can walk, and what is wrong with the form of it.

Source: IAM User Guide, "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen

from bedrock_auth.iam.findings import Finding

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


@frozen
class Text:
    """A text somewhere in the policy."""

    path: str
    value: str


@frozen
class Condition:
    """One key of a condition."""

    path: str
    operator: str
    key: str
    values: tuple[Text, ...]


@frozen
class View:
    """A statement, with every one-or-many as many."""

    path: str
    number: int
    raw: Mapping[str, Any]
    actions: tuple[Text, ...] = ()
    not_actions: tuple[Text, ...] = ()
    resources: tuple[Text, ...] = ()
    not_resources: tuple[Text, ...] = ()
    conditions: tuple[Condition, ...] = ()
    principals: tuple[tuple[str, Text], ...] = ()
    """Kind and principal; a bare ``*`` has the kind ``*``."""

    @property
    def sid(self) -> str | None:
        """Its name."""
        sid = self.raw.get("Sid")
        return sid if isinstance(sid, str) and sid else None

    @property
    def allows(self) -> bool:
        """Whether it is no ``Deny``."""
        return self.raw.get("Effect") != "Deny"

    @property
    def has_principal(self) -> bool:
        """Whether it belongs to a resource or a role, not to an identity."""
        return "Principal" in self.raw or "NotPrincipal" in self.raw

    def find(self, severity: Any, code: str, path: str, what: str, why: str, fix: str) -> Finding:  # noqa: PLR0913, PLR0917 - a finding has these
        """A finding in this statement."""
        return Finding(severity, code, path, what, why, fix, self.number, self.sid)


@frozen
class Document:
    """A policy, as far as it is one."""

    raw: Any
    views: tuple[View, ...] = ()
    lines: Mapping[str, int] = field(factory=dict)
    repeated: tuple[str, ...] = ()
    """Paths that are there more than once; the last one counts."""

    @classmethod
    def read(cls, text: str) -> Document:
        """The document in a text.

        Raises:
            ValueError: it is no JSON.
            RecursionError: it is nested too deep for any policy.
        """
        raw = json.loads(text, parse_constant=_refused)
        seen = [("$", 1), *_places(text)]
        counted = Counter(path for path, _ in seen)
        return cls(raw, views_of(raw), dict(seen), tuple(path for path, times in counted.items() if times > 1))

    def line(self, path: str) -> int | None:
        """The line of a value, or of what it should be in; ``None`` where the policy was no text."""
        while self.lines and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 1)]
        return self.lines.get(path)


def views_of(raw: Any) -> tuple[View, ...]:
    """Its statements, as far as they are some."""
    found = raw.get("Statement") if isinstance(raw, Mapping) else None
    if isinstance(found, Mapping):
        return (_view("$.Statement", 0, found),)
    each = enumerate(found) if isinstance(found, list | tuple) else ()
    return tuple(_view(f"$.Statement[{number}]", number, one) for number, one in each if isinstance(one, Mapping))


def _view(path: str, number: int, raw: Mapping[str, Any]) -> View:
    def texts(name: str) -> tuple[Text, ...]:
        return tuple(_texts(f"{path}.{name}", raw.get(name)))

    return View(
        path,
        number,
        raw,
        actions=texts("Action"),
        not_actions=texts("NotAction"),
        resources=texts("Resource"),
        not_resources=texts("NotResource"),
        conditions=tuple(_conditions(f"{path}.Condition", raw.get("Condition"))),
        principals=tuple(_principals(f"{path}.Principal", raw.get("Principal"))),
    )


def _texts(path: str, value: Any) -> Iterator[Text]:
    """The texts of a one-or-many; numbers and truths, which conditions take too, as AWS reads them."""
    if isinstance(value, list | tuple):
        for number, each in enumerate(value):
            if not isinstance(each, list | tuple):
                yield from _texts(f"{path}[{number}]", each)
    elif isinstance(value, bool):
        yield Text(path, str(value).lower())
    elif isinstance(value, str | int | float):
        yield Text(path, str(value))


def _principals(path: str, value: Any) -> Iterator[tuple[str, Text]]:
    if isinstance(value, str):
        yield value, Text(path, value)
    if isinstance(value, Mapping):
        for kind, names in value.items():
            for each in _texts(f"{path}.{kind}", names):
                yield str(kind), each


def _conditions(path: str, value: Any) -> Iterator[Condition]:
    for operator, keys in value.items() if isinstance(value, Mapping) else ():
        for key, values in keys.items() if isinstance(keys, Mapping) else ():
            where = f"{path}.{operator}.{key}"
            yield Condition(where, str(operator), str(key), tuple(_texts(where, values)))


def _refused(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _places(text: str) -> Iterator[tuple[str, int]]:
    """The path and the line of every key and of every value in a list, in valid JSON."""
    stack: list[Any] = ["$"]  # a key, a position in a list, or None where a key is yet to come
    line, last = 1, 0
    for token in _TOKENS.finditer(text):
        line, last = line + text.count("\n", last, token.start()), token.start()
        if stack[-1] is None and token[0] != "}":
            stack[-1] = json.loads(token[0])
            yield _path(stack), line
            continue
        if isinstance(stack[-1], int) and token[0] not in {",", "]"}:
            yield _path(stack), line
        _step(stack, token[0])


def _step(stack: list[Any], token: str) -> None:
    match token:
        case "{":
            stack.append(None)
        case "[":
            stack.append(0)
        case "}" | "]":
            stack.pop()
        case ",":
            stack[-1] = stack[-1] + 1 if isinstance(stack[-1], int) else None


def _path(stack: list[Any]) -> str:
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in stack)[1:]
