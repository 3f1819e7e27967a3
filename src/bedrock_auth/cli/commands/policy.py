"""``bedrock-auth policy``: print what a use of Bedrock takes, or say what is wrong with a policy.

AWS is asked only for what is not given: a profile's destinations, and the account. With ``--lint`` nobody is asked; the findings
go to stdout as JSON and to stderr as text, and the status is 1 if one is an error.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bedrock_auth.cli.options import add_provider_options, settings_from
from bedrock_auth.cli.output import keep_warnings_out_of_stderr, tell, write_json
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    import boto3

    from bedrock_auth.iam import Finding, Policy
    from bedrock_auth.settings import Settings

_USES = ("model_id", "agent_alias", "knowledge_base", "guardrail", "list_models", "bearer_token")
_PLACES = ("account_id", "partition", "destinations")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is to be allowed, ``--lint`` and the provider options."""
    add = parser.add_argument_group("what is to be allowed", "Each may be combined with the others.").add_argument
    add(
        "--model-id",
        metavar="ID",
        action="append",
        help="a model or an inference profile, or a family such as anthropic.claude-*",
    )
    add("--stream", action=argparse.BooleanOptionalAction, default=True, help="whether answers may be streamed")
    add("--destinations", metavar="REGION", nargs="+", help="where the profile routes to, or its models' ARNs; else AWS is asked")
    add("--guardrail", metavar="ID[:VERSION]", help="without which no model may be called")
    add("--agent-alias", metavar="AGENT/ALIAS", action="append", help="an agent and its alias")
    add("--knowledge-base", metavar="ID", action="append", help="a knowledge base to retrieve from")
    add("--list-models", action="store_true", help="list models and profiles")
    add("--bearer-token", action="store_true", help="call with short-term Bedrock API keys")
    add("--account-id", metavar="ID", help="whose they are; else AWS is asked")
    add("--partition", metavar="NAME", help="refuse regions of any other partition")
    check = parser.add_argument_group("a policy that is there already").add_argument
    check("--lint", metavar="FILE", help="say what is wrong with it; - reads stdin. With --model-id, also whether it allows that")
    add_provider_options(parser)


def run(options: argparse.Namespace) -> int:
    """Print the policy, or the findings."""
    if options.lint is not None:
        return _lint(options)
    if not any(getattr(options, name) for name in _USES):
        msg = "say what is to be allowed, such as --model-id, or what to check with --lint"
        raise ConfigurationError(msg, setting="--model-id")
    keep_warnings_out_of_stderr()  # where no region is set, the builders say so if they need one
    policy = _policy(options, settings_from(options))
    _check_partition(policy, options.partition)
    write_json(policy.to_api())
    _tell_of_size(policy)
    return 0


def _lint(options: argparse.Namespace) -> int:
    from bedrock_auth.iam import lint  # noqa: PLC0415 - --help pays for no rules

    names = (*(name for name in _USES if name != "model_id"), *_PLACES)
    if any(getattr(options, name) for name in names) or len(options.model_id or ()) > 1:
        raise ConfigurationError("--lint takes one --model-id, and no other option", setting="--lint")
    findings = lint(_text(options.lint), model_id=options.model_id and options.model_id[0])
    write_json([finding.to_api() for finding in findings])
    tell(*(_shown(finding, options.lint) for finding in findings))
    return int(any(finding.severity == "error" for finding in findings))


def _text(name: str) -> str:
    try:
        return (sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigurationError(f"{name} cannot be read: {why}", setting="--lint") from error


def _shown(finding: Finding, name: str) -> str:
    return f"{'stdin' if name == '-' else name}: {finding}"


def _policy(options: argparse.Namespace, settings: Settings) -> Policy:
    from bedrock_auth.iam import Policy  # noqa: PLC0415 - --help pays for no builders

    return Policy.merge(*_policies(options, _World(options, settings)))


def _policies(options: argparse.Namespace, world: _World) -> list[Policy]:
    from bedrock_auth import iam  # noqa: PLC0415 - the same

    policies = [_model(options, world, model_id) for model_id in options.model_id or ()]
    if options.guardrail and not policies:
        place = world.place() if _is_id(options.guardrail) else {"region_name": world.region()}
        policies.append(iam.apply_guardrail(options.guardrail, **place))
    for text in options.agent_alias or ():
        agent, _, alias = text.partition("/")
        policies.append(iam.invoke_agent(agent, alias, **world.place()))
    policies += [iam.retrieve(name, **world.place()) for name in options.knowledge_base or ()]
    if options.list_models:
        policies.append(iam.list_models())
    if options.bearer_token:
        policies.append(iam.call_with_bearer_token())
    return policies


def _model(options: argparse.Namespace, world: _World, model_id: str) -> Policy:
    from bedrock_auth.bedrock import ModelRef  # noqa: PLC0415 - the same
    from bedrock_auth.iam import invoke_model  # noqa: PLC0415 - the same

    ref = ModelRef.parse(model_id.replace("*", "x"))
    asks = ref.is_profile and ref.geography != "global" and not options.destinations
    named = (ref.is_profile and not asks and _is_id(model_id)) or _is_id(options.guardrail)
    return invoke_model(
        model_id,
        region_name=world.region() if _is_id(model_id) else options.region,
        account_id=world.account() if named and ref.account is None else options.account_id,
        destinations=options.destinations if options.destinations and (ref.is_profile or len(options.model_id) == 1) else (),
        streaming=options.stream,
        guardrail=options.guardrail,
        client=world.bedrock(ref.region) if asks else None,
    )


def _is_id(text: str | None) -> bool:
    """Whether it takes a region and an account to make it an ARN."""
    return text is not None and not text.startswith("arn:")


def _check_partition(policy: Policy, wanted: str | None) -> None:
    for arn in (resource for statement in policy.statements for resource in statement.resources):
        if wanted and arn != "*" and arn.split(":")[1] != wanted:
            raise ConfigurationError(f"--partition is {wanted}, and {arn} is of another", setting="--partition")


def _tell_of_size(policy: Policy) -> None:
    from bedrock_auth.iam import MANAGED_POLICY_LIMIT  # noqa: PLC0415 - the same

    if policy.size > MANAGED_POLICY_LIMIT:
        tell(f"the policy has {policy.size} characters, and a managed policy takes {MANAGED_POLICY_LIMIT}: split it")


class _World:
    """Where the policy is for; asks AWS, once, for what the options do not say."""

    def __init__(self, options: argparse.Namespace, settings: Settings) -> None:
        self._options = options
        self._settings = settings
        self._session: boto3.Session | None = None
        self._account: str | None = options.account_id

    def region(self) -> str | None:
        """The region, if there is one."""
        return self._settings.region_name

    def account(self) -> str:
        """The account, as given or as AWS says."""
        from bedrock_auth import whoami  # noqa: PLC0415 - the same

        if self._account is None:
            self._account = whoami(self.session()).account
        return self._account

    def place(self) -> dict[str, Any]:
        """Region and account, as the builders take them."""
        return {"region_name": self._needed(self.region()), "account_id": self.account()}

    def bedrock(self, region_name: str | None) -> Any:
        """A client to ask about profiles, in the region that an ARN names or else in the one there is."""
        return self.session().client("bedrock", region_name=self._needed(region_name or self.region()))

    @staticmethod
    def _needed(region_name: str | None) -> str:
        """The region; that there is none is said before AWS is asked for anything."""
        if region_name is None:
            raise ConfigurationError("a region is needed: a policy names the region of what it allows", setting="--region")
        return region_name

    def session(self) -> boto3.Session:
        """To ask with."""
        from bedrock_auth import create_session  # noqa: PLC0415 - the same

        if self._session is None:
            self._session = create_session(self._settings)
        return self._session
