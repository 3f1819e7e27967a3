"""The text of an AWS config file with our profile in it, or without it again; no I/O.

Where sections and entries begin is what `configparser` says, with which botocore reads the file, so comments, indentation,
continued values and line endings are never guessed at. Everything but our own lines is kept byte for byte. What comes out is
parsed again and compared with what was meant; a file in which that fails is refused.

A section that we make has a comment that says so, and only such a section is ever removed. Our region stands directly before our
``credential_process``, so it can be told from somebody else's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bedrock_auth.cli.profiles.command_line import as_arguments
from bedrock_auth.cli.profiles.places import Config, parse
from bedrock_auth.cli.profiles.rivals import refuse_rivals
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMAND, REGION = "credential_process", "region"
MARK = "# made by bedrock-auth install-profile"
MODULE = ("-m", "bedrock_auth.cli", "credential-process")
"""What every command line of ours has in it."""
_NAME = re.compile(r"[\w.@+%:/-]+( +[\w.@+%:/-]+)*", re.ASCII)


def checked_name(name: str) -> str:
    """The name, where AWS's tools take it in a section's header.

    Raises:
        ConfigurationError: it is empty or has other characters.
    """
    if not _NAME.fullmatch(name):
        msg = f"the profile name {name!r} must consist of letters, digits and . @ + % : / - _, with spaces only between them"
        raise ConfigurationError(msg, setting="NAME")
    return name


def is_ours(command: str | None) -> bool:
    """Whether a ``credential_process`` is one that `with_profile` wrote, on one line."""
    arguments = tuple(as_arguments(command or ""))
    return "\n" not in (command or "") and any(arguments[at : at + len(MODULE)] == MODULE for at in range(1, len(arguments)))


def with_profile(text: str, path: str, profile: str, command: str, region: str | None) -> str:
    """The text with this profile's ``credential_process``, and its region where one is given and the profile has none.

    Args:
        text: with its line endings as they are.
        path: for messages.
        profile: its name.
        command: what to put there, one line.
        region: an AWS region.

    Raises:
        ConfigurationError: the file cannot be parsed or changed, or the profile has another region or source of keys.
    """
    config = parse(text, path)
    section = config.section_of(profile)
    ours = _our_lines(config, section)
    kept = _others(config, section, ours)
    refuse_rivals(kept, profile, path)
    _refuse_another_region(kept, region, profile, path)
    wanted = {REGION: region} if region and REGION not in kept else {}
    wanted[COMMAND] = command
    if section is None:
        section, changed = _header(profile), _appended(config, profile, wanted)
    else:
        changed = _put(config, section, ours, wanted)
    return _checked(changed, config, path, section, {**kept, **wanted})


def without_profile(text: str, path: str, profile: str) -> str:
    """The text without what `with_profile` put there; the same text where there is nothing of it.

    Raises:
        ConfigurationError: the file cannot be parsed or changed.
    """
    config = parse(text, path)
    section = config.section_of(profile)
    ours = _our_lines(config, section)
    if section is None or not ours:
        return text
    header = config.headers[section]
    empty = len(config.entries_of(section)) == len(ours)
    dropped = {*ours, *_of_a_section_of_ours(config, header, empty=empty)}
    changed = _trimmed([line for at, line in enumerate(config.lines) if at not in dropped], config)
    return _checked(changed, config, path, section, None if header in dropped else _others(config, section, ours))


def _our_lines(config: Config, section: str | None) -> range:
    """The lines of our entries; an empty range where there is none."""
    lines = config.entries_of(section)
    if section is None or COMMAND not in lines or not is_ours(config.sections[section][COMMAND]):
        return range(0)
    at, region = lines[COMMAND], config.sections[section].get(REGION)
    before = lines.get(REGION) == at - 1 and f"--region={region}" in as_arguments(config.sections[section][COMMAND])
    return range(at - before, at + 1)


def _others(config: Config, section: str | None, ours: range) -> dict[str, str]:
    """What the section would have without our entries."""
    own = {name: config.sections[section or ""][name] for name, line in config.entries_of(section).items() if line not in ours}
    return config.defaults | own


def _of_a_section_of_ours(config: Config, header: int, *, empty: bool) -> set[int]:
    """The lines besides our entries that are there because we made the section; of one that has others now, only our comment."""
    if not _is_marked(config, header):
        return set()
    if not empty:
        return {header + 1}
    separated = header > 0 and not config.lines[header - 1].strip("\r\n")
    return set(range(header - separated, header + 2))


def _refuse_another_region(entries: dict[str, str], region: str | None, profile: str, path: str) -> None:
    if region and entries.get(REGION, region) != region:
        msg = f"the profile {profile} in {path} has the region {entries[REGION]}: change it there, or leave --region out"
        raise ConfigurationError(msg, setting="--region")


def _header(profile: str) -> str:
    if profile == "default":
        return profile
    return f'profile "{profile}"' if " " in profile else f"profile {profile}"


def _appended(config: Config, profile: str, wanted: dict[str, str]) -> str:
    new = [f"[{_header(profile)}]", MARK, *_written(wanted)]
    return _inserted(config, len(config.lines), ["", *new] if config.lines else new)


def _put(config: Config, section: str, ours: range, wanted: dict[str, str]) -> str:
    """Our entries in the place of those that are there, else below the header, indented as the others are."""
    header = config.headers[section]
    first = min(config.entries_of(section).values(), default=header)
    indent = re.match(r"\s*", config.lines[first])
    new = _written(wanted, indent[0].rstrip("\r\n") if indent and first != header else "")
    if not ours:
        return _inserted(config, header + 1 + _is_marked(config, header), new)
    ends = [_end(config.lines[ours[0] - 1])] * (len(new) - 1) + [_end(config.lines[ours[-1]])]
    lines = [*config.lines[: ours[0]], *(line + end for line, end in zip(new, ends, strict=True)), *config.lines[ours.stop :]]
    return "".join(lines)


def _written(wanted: dict[str, str], indent: str = "") -> list[str]:
    return [f"{indent}{name} = {value}" for name, value in wanted.items()]


def _is_marked(config: Config, header: int) -> bool:
    return config.lines[header + 1 : header + 2] != [] and config.lines[header + 1].strip() == MARK


def _inserted(config: Config, at: int, new: Sequence[str]) -> str:
    """The text with new lines, which end as the line before; where it did not end with a line's end, it still does not."""
    before, after = "".join(config.lines[:at]), "".join(config.lines[at:])
    end = _end(before) or config.newline
    middle = end.join(new)
    return f"{before}{end}{middle}{after}" if before and not _end(before) else f"{before}{middle}{end}{after}"


def _trimmed(lines: list[str], config: Config) -> str:
    """The lines as text; where the file did not end with a line's end, it still does not."""
    text = "".join(lines)
    return text if _end(config.text) else text[: len(text) - len(_end(text))]


def _end(text: str) -> str:
    return next((end for end in ("\r\n", "\n", "\r") if text.endswith(end)), "")


def _checked(text: str, before: Config, path: str, section: str, expected: dict[str, str] | None) -> str:
    """The text, where the parser finds in it what was there before, and this section as expected.

    Raises:
        ConfigurationError: it does not, so the file is too unusual to be changed by a program.
    """
    meant = {name: entries for name, entries in before.sections.items() if name != section}
    if expected is not None:
        meant[section] = expected
    after = parse(text, path)
    if (after.sections, after.defaults) != (meant, before.defaults):
        raise ConfigurationError(f"{path} cannot be changed safely at [{section}]; change it by hand", setting=path)
    return text
