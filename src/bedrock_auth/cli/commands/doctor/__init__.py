"""``bedrock-auth doctor``: look at everything that keeps a call of Amazon Bedrock from succeeding, and say what to do.

Facts are gathered first (`gather`); the checks are pure functions of them. A failure of one keeps no
other from being made, unless that depends on it. With ``--model-id`` one call of a few tokens is made, which AWS charges for.
"""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bedrock_auth.cli.commands.doctor.check import Check
    from bedrock_auth.cli.commands.doctor.facts import Facts

_MARKS = {"ok": "ok", "warning": "WARNING", "failed": "FAILED", "skipped": "skipped"}
_INDENT = " " * 23
"""As wide as mark and name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whose credentials, and what is to be true of them."""
    from bedrock_auth.cli.options import add_provider_options  # noqa: PLC0415 - brings attrs

    add_provider_options(parser)
    parser.add_argument("--model-id", metavar="ID", help="call this model or inference profile once, with a few tokens")
    parser.add_argument("--expected-account", metavar="ACCOUNT", type=_account, help="the account that the keys must belong to")


def run(options: argparse.Namespace) -> int:
    """Make every check; 1 where one failed."""
    from attrs import asdict  # noqa: PLC0415 - the same

    from bedrock_auth.cli.commands.doctor.gather import gather  # noqa: PLC0415 - the same
    from bedrock_auth.cli.dispatch import FAILED  # noqa: PLC0415 - the same
    from bedrock_auth.cli.output import keep_warnings_out_of_stderr, tell, write_json  # noqa: PLC0415 - the same
    from bedrock_auth.host import Host  # noqa: PLC0415 - the same

    keep_warnings_out_of_stderr()
    facts = gather(options, Host.system())
    checks = [check(facts) for check in all_checks()]
    failed = any(check.status == "failed" for check in checks)
    write_json({"ok": not failed, "checks": [asdict(check) for check in checks]})
    tell(*(line for check in checks for line in lines_of(check)))
    return FAILED if failed else 0


def all_checks() -> tuple[Callable[[Facts], Check], ...]:
    """Every check, in the order in which people look for a cause."""
    from bedrock_auth.cli.commands.doctor import local_checks as local, online_checks as online  # noqa: PLC0415 - the same

    return (
        local.check_settings,
        local.check_files,
        online.check_credentials,
        online.check_lifetime,
        online.check_identity,
        online.check_account,
        online.check_keys,
        online.check_clock,
        local.check_region,
        local.check_endpoints,
        local.check_network,
        local.check_bearer_token,
        local.check_other_tools,
        online.check_models,
        online.check_model,
    )


def lines_of(check: Check) -> Iterator[str]:
    """A check for people: one line, and under it what to do where it is not well."""
    yield f"{_MARKS[check.status]:<8} {check.name:<13} {check.what}"
    if check.status in ("ok", "skipped"):
        return
    for label, text in (("why", check.why), ("fix", check.fix), ("IAM", ", ".join(check.iam_actions))):
        if text:
            yield _INDENT + f"{label}: {text}".replace("\n", f"\n{_INDENT}  ")


def _account(text: str) -> str:
    if re.fullmatch(r"\d{12}", text, re.ASCII):
        return text
    msg = "must be an account's twelve digits"
    raise argparse.ArgumentTypeError(msg)
