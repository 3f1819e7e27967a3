"""Write a profile of the AWS config file whose keys every AWS tool gets from here.

The profile's ``credential_process`` is `credential_process` with the same provider options. A source has to be named: what the
environment says now is not what it says where some tool runs the command. Nothing is fetched, and nothing but this profile is
changed; one that has keys from somewhere else is refused, since AWS's tools would go on taking those.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bedrock_auth.cli.handing_over.handoff import BEARER, found_in
from bedrock_auth.cli.options import add_provider_options, settings_from
from bedrock_auth.cli.output import tell, write_json
from bedrock_auth.cli.profiles import text as config_text
from bedrock_auth.cli.profiles.change import change
from bedrock_auth.cli.profiles.command_line import as_text, provider_arguments
from bedrock_auth.cli.profiles.interpreter import command_prefix
from bedrock_auth.cli.profiles.rivals import refuse_rivals
from bedrock_auth.errors import ConfigurationError
from bedrock_auth.host import Host
from bedrock_auth.providers import _shared_config

if TYPE_CHECKING:
    import argparse

    from bedrock_auth.cli.profiles.change import Change
    from bedrock_auth.providers._profile_steps import SharedConfig

_DEFAULT = "default"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The profile's name, the provider options and two of its own."""
    parser.add_argument("name", metavar="NAME", help="the profile to write")
    parser.add_argument("--python", metavar="PATH", help="the interpreter to write, which must have this package; else this one")
    parser.add_argument("--dry-run", action="store_true", help="only show what would change")
    add_provider_options(parser)


def run(options: argparse.Namespace) -> int:
    """Write it, and say where."""
    name = config_text.checked_name(options.name)
    refuse_vague(options)
    settings_from(options)  # says what is wrong with the options
    refuse_queries(options.vending_url)
    config = _shared_config.read(Host.system())
    refuse_rivals(config.credentials.get(name, {}), name, config.credentials_file)
    refuse_circle(config, options.profile, name)
    command = command_line(options)
    done = change(
        config.config_file,
        lambda text: config_text.with_profile(text, config.config_file, name, command, options.region),
        dry_run=options.dry_run,
    )
    report(done, name, dry_run=options.dry_run, credential_process=command)
    warn_of_absence(config, options.profile)
    warn_of_bearer_tokens()
    return 0


def warn_of_bearer_tokens() -> None:
    """Say which variables win over every profile; no setting in a file changes that, in botocore or the SDK for JavaScript."""
    for name in (name for name, kind in found_in(os.environ).items() if kind == BEARER):
        tell(f"{name} is set here: AWS's tools prefer it to every profile; unset it wherever this one is to sign")


def command_line(options: argparse.Namespace) -> str:
    """What ``credential_process`` says for these options.

    Raises:
        ConfigurationError: the interpreter will not last, or the line cannot stand in a config file.
    """
    own = ["--for-profile", options.name]
    return as_text([*command_prefix(options.python), *config_text.MODULE, *own, *provider_arguments(options)])


def refuse_vague(options: argparse.Namespace) -> None:
    """Let options pass that name a source other than the profile that is to be written.

    Raises:
        ConfigurationError: they do not.
    """
    named = [options.profile, options.source, options.vending_url, options.identity_pool_id, options.web_identity_token_file]
    if options.profile == options.name:
        msg = f"--profile {options.name} is the profile to be written: it would ask itself for its keys; choose another name"
        raise ConfigurationError(msg, setting="--profile")
    if not any(named) and options.role_arn is None:
        msg = "name a source, such as --profile, --role-arn or --vending-url: tools that run it have another environment"
        raise ConfigurationError(msg, setting="--source")
    if options.name == _DEFAULT and (options.source == _DEFAULT or not any(named)):
        msg = "the default chain leads to the default profile, which would ask itself for keys; choose another name, or a source"
        raise ConfigurationError(msg, setting="--source")


def refuse_queries(vending_url: str | None) -> None:
    """Let a URL pass that has no query: `HttpVending` shows none, since it may hold a key, and this one would be written down.

    Raises:
        ConfigurationError: it has one.
    """
    if vending_url is not None and urlsplit(vending_url).query:
        msg = "--vending-url has a query, which may hold a key: it would stand in the config file and on command lines"
        msg += "; leave the query out, and name the file of an API key with --vending-key-file"
        raise ConfigurationError(msg, setting="--vending-url")


def refuse_circle(config: SharedConfig, source: str | None, name: str) -> None:
    """Let a source profile pass that does not build on the profile that is to be written.

    Raises:
        ConfigurationError: it does.
    """
    visited: list[str] = []
    while source is not None and source not in visited:
        visited.append(source)
        if source == name:
            msg = f"--profile {visited[0]} builds on {name} ({' -> '.join(visited)}), which would ask itself for its keys"
            raise ConfigurationError(f"{msg}; choose another name, or a source", setting="--profile")
        source = (config.section(source) or {}).get("source_profile")


def warn_of_absence(config: SharedConfig, source: str | None) -> None:
    """Say that a source profile is not there, or not yet."""
    if source is not None and config.section(source) is None:
        tell(f"--profile {source} is in neither {config.config_file} nor {config.credentials_file}; it is needed there")


def report(done: Change, name: str, *, dry_run: bool, **more: str) -> None:
    """Say what was, or would be, done: as JSON for programs, and in lines for people."""
    changed = done.is_needed and not dry_run
    write_json({"profile": name, "config_file": str(done.path), "changed": changed, "difference": done.difference, **more})
    said = "changed" if changed else "would change" if done.is_needed else "nothing to change"
    tell(f"{done.path}: {said}", *done.difference)
    if done.backup is not None:
        tell(f"the file as it was before: {done.backup}")
