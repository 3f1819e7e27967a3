"""An AWS config file as `configparser` reads it, for botocore too, and on which line it finds what."""

from __future__ import annotations

import io
from configparser import Error, RawConfigParser
from typing import TYPE_CHECKING, Any

from attrs import frozen

from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator


@frozen
class Config:
    """A config file's text, cut into lines, and what stands where."""

    lines: list[str]
    """With their endings."""
    sections: dict[str, dict[str, str]]
    """What is in each section, with what it has from ``[DEFAULT]``; holds secrets."""
    defaults: dict[str, str]
    headers: dict[str, int]
    """The line of each section's header."""
    entries: dict[tuple[str, str], int]
    """The line on which each entry of a section begins."""

    @property
    def text(self) -> str:
        """The whole."""
        return "".join(self.lines)

    @property
    def newline(self) -> str:
        """How its last line that ends does end."""
        ends = (line[len(line.rstrip("\r\n")) :] for line in reversed(self.lines))
        return next((end for end in ends if end), "\n")

    def entries_of(self, section: str | None) -> dict[str, int]:
        """The line of each entry of this section; none where there is no section."""
        return {name: line for (owner, name), line in self.entries.items() if owner == section}

    def section_of(self, profile: str) -> str | None:
        """The section that is this profile for botocore.

        Raises:
            ConfigurationError: several are.
        """
        found = [section for section in self.sections if _profile_of(section) == profile]
        if len(found) > 1:
            msg = f"the sections [{found[0]}] and [{found[1]}] are both the profile {profile}; leave one"
            raise ConfigurationError(msg, setting=f"[{found[1]}]")
        return found[0] if found else None


def _profile_of(section: str) -> str | None:
    from botocore.configloader import build_profile_map  # noqa: PLC0415 - --help pays nothing for it

    return next(iter(build_profile_map({section: {}})["profiles"]), None)


def parse(text: str, path: str) -> Config:
    """Read a file's text.

    Args:
        text: with its line endings as they are.
        path: for messages.

    Raises:
        ConfigurationError: botocore could not read it either; nothing of its content is shown.
    """
    lines = list(io.StringIO(text, newline=""))
    watch = _Watch()
    parser = RawConfigParser(dict_type=watch.dictionary())
    try:
        parser.read_file(watch.read(lines), path)
    except Error as error:
        numbers = [number for number, _ in getattr(error, "errors", [])] or [getattr(error, "lineno", None)]
        place = f" (line {numbers[0]})" if numbers[0] else ""
        raise ConfigurationError(f"{path} cannot be parsed{place}; repair it first", setting=path) from None
    sections = {section: dict(parser.items(section)) for section in parser.sections()}
    return Config(lines, sections, dict(parser.defaults()), *watch.places())


class _Watch:
    """Knows which line a parser is at, and what it puts into its dictionaries there."""

    def __init__(self) -> None:
        self._line = 0
        self._put: list[tuple[int, object, str, object]] = []

    def read(self, lines: list[str]) -> Iterator[str]:
        """The lines, one at a time."""
        for self._line, line in enumerate(lines):
            yield line

    def dictionary(self) -> type[dict[str, Any]]:
        """What the parser keeps sections and entries in."""
        watch = self

        class Watched(dict[str, Any]):
            def __setitem__(self, name: str, value: object) -> None:
                watch._put.append((watch._line, self, name, value))
                super().__setitem__(name, value)

        return Watched

    def places(self) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
        """Where the headers are, and where the entries begin; a parser puts a section as a dictionary, an entry as a list."""
        headers = {name: line for line, _, name, value in self._put if isinstance(value, dict)}
        owners = {id(value): name for _, _, name, value in self._put if isinstance(value, dict)}
        entries = {
            (owners[id(owner)], name): line
            for line, owner, name, value in self._put
            if isinstance(value, list) and id(owner) in owners
        }
        return headers, entries
