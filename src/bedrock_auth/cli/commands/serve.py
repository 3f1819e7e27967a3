"""Serve credentials on loopback, from which any AWS SDK refreshes by itself.

It says how to use it once the first keys are there, and lets go of standard output then, so that a shell can evaluate it:
``eval "$(bedrock-auth serve --format env &)"``.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
import time
from contextlib import nullcontext, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from bedrock_auth.cli.dispatch import complain
from bedrock_auth.cli.handing_over import handoff, shells, surroundings
from bedrock_auth.cli.handing_over.endpoint import CredentialEndpoint
from bedrock_auth.cli.handing_over.signals import ENDING, handled, leave
from bedrock_auth.cli.handing_over.supply import Supply, add_long_lived_option
from bedrock_auth.cli.handing_over.watched import watched
from bedrock_auth.cli.options import add_provider_options, settings_from
from bedrock_auth.cli.output import write_json
from bedrock_auth.errors import ConfigurationError
from bedrock_auth.policy import positive_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from bedrock_auth.settings import Settings

NAME = "serve"
DEFAULT = "default"
PID = "BEDROCK_AUTH_SERVE_PID"
_FORMATS = ("json", "env", "powershell", "fish")
_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
_LOOK_SECONDS = 1.0
_ROUTE = re.compile(r"(?P<name>[A-Za-z0-9_-]{1,64})=(?P<profile>.+)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The provider options, further identities, and when to end."""
    add_provider_options(parser)
    add_long_lived_option(parser)
    add = parser.add_argument
    add("--route", action="append", default=[], type=_route, metavar="NAME=PROFILE", help="serve this profile too; repeatable")
    add("--format", choices=_FORMATS, default="json", help="how to say what to set and unset (json)")
    add("--for", dest="seconds", type=_seconds, metavar="SECONDS", help="end after so long")
    if os.name == "posix":
        add("--end-with", type=int, metavar="PID", help="end when this process has ended")
    add("--verbose", action="store_true", help="tell of every request and every failure, without secrets")


def _route(text: str) -> tuple[str, str]:
    match = _ROUTE.fullmatch(text)
    if match is None or match["name"] == DEFAULT:
        raise argparse.ArgumentTypeError("must be NAME=PROFILE, the name of letters, digits, - and _, and not 'default'")
    return match["name"], match["profile"]


def _seconds(text: str) -> float:
    with suppress(ValueError):
        seconds = positive_seconds(float(text))
        if seconds is not None:
            return seconds
    raise argparse.ArgumentTypeError("must be a positive number of seconds")


def run(options: argparse.Namespace) -> int:
    """Fetch, listen, say how to use it, and serve until it is told to end.

    Raises:
        CredentialError: the first keys of a route cannot be had.
    """
    over: SimpleQueue[int] = SimpleQueue()  # a signal may come while an Event's lock is held, and would wait for it for ever
    profiles = {DEFAULT: options.profile, **dict(options.route)}
    with handled(ENDING, leave), _end_with(getattr(options, "end_with", None)) as is_over:
        routes = _routes(options)
        supplies = {name: _supply(settings, options) for name, settings in routes.items()}
        for supply in supplies.values():
            supply.first()
        with (
            handled(_ENDING, lambda number, _: over.put(number)),
            surroundings.new_folder() as folder,
            CredentialEndpoint(supplies, tell=_say if options.verbose else _hush) as endpoint,
        ):
            environments = {
                name: _environment(endpoint, name, settings, config=surroundings.settings_of(profiles[name]), folder=Path(folder))
                for name, settings in routes.items()
            }
            _announce(environments, options.format)
            _wait(over, options.seconds, is_over)
    return 0


def _routes(options: argparse.Namespace) -> dict[str, Settings]:
    routes = {DEFAULT: settings_from(options)}
    alone = argparse.ArgumentParser()
    add_provider_options(alone)
    for name, profile in options.route:
        if name in routes:
            raise ConfigurationError(f"--route names {name} twice; give each route a name of its own", setting="--route")
        routes[name] = settings_from(alone.parse_args([f"--profile={profile}"]))
    return routes


def _supply(settings: Settings, options: argparse.Namespace) -> Supply:
    allowed, verbose = options.allow_long_lived, options.verbose
    return Supply(settings.provider, allow_long_lived=allowed, say=_say, verbose=verbose)


def _say(line: str) -> None:
    with suppress(OSError):  # whoever read it has gone, and the endpoint stays
        complain(NAME, line)


def _hush(_: str) -> None:
    """Without ``--verbose`` requests are told to nobody."""


def _environment(
    endpoint: CredentialEndpoint, name: str, settings: Settings, *, config: str, folder: Path
) -> tuple[dict[str, str], str]:
    """What to set in order to use a route, and where its token is."""
    files = surroundings.write_files(folder / name, endpoint.tokens[name], config)
    given = surroundings.variables(endpoint.url(name), endpoint.tokens[name], files, settings.region_name)
    return given, surroundings.token_file(folder / name)


def _announce(environments: Mapping[str, tuple[dict[str, str], str]], form: str) -> None:
    """Say how to use it, and let go of standard output, so that whoever reads it to its end need not wait for ours."""
    given, _ = environments[DEFAULT]
    unset = handoff.to_unset(os.environ, given=given)
    if form == "json":
        routes = {name: {"set": values, "token_file": file} for name, (values, file) in environments.items()}
        write_json({"pid": os.getpid(), "routes": routes, "unset": unset})
    else:
        sys.stdout.write(shells.render(form, {**given, PID: str(os.getpid())}, unset))
    sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _wait(over: SimpleQueue[int], seconds: float | None, is_over: Callable[[], bool]) -> None:
    end = math.inf if seconds is None else time.monotonic() + seconds
    while not is_over() and (left := end - time.monotonic()) > 0:
        with suppress(Empty):
            over.get(timeout=min(_LOOK_SECONDS, left))
            return


def _end_with(pid: int | None) -> AbstractContextManager[Callable[[], bool]]:
    return nullcontext(lambda: False) if pid is None else watched(pid)
