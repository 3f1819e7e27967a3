"""Rules about actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_auth.iam.catalogue import NO_ACTIONS, NO_PREFIXES, actions
from bedrock_auth.iam.glob import matches
from bedrock_auth.iam.words import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bedrock_auth.iam.document import Text, View
    from bedrock_auth.iam.findings import Finding

_OTHER_SERVICES = {"bedrock-agentcore", "bedrock-mantle", "bedrock-websearch"}
_EVERYTHING = {"*", "*:*"}
_LEAST = "name the actions that are called"


def of_statement(view: View) -> Iterator[Finding]:
    """What is wrong with the actions of a statement."""
    if "NotAction" in view.raw and view.allows:
        why = "it allows all actions but those, of all services, also those that AWS has yet to make"
        yield view.find("warning", "not-action", f"{view.path}.NotAction", "NotAction in an Allow", why, _LEAST)
    for action in view.actions:
        yield from _action(view, action)


def _action(view: View, action: Text) -> Iterator[Finding]:
    prefix, colon, name = action.value.partition(":")
    service = prefix.lower()
    if action.value in _EVERYTHING:
        if view.allows:
            yield view.find("warning", "every-action", action.path, "every action of AWS", "the caller could do anything", _LEAST)
    elif not colon or not name:
        what, fix = f"{action.value!r} is no action", f"write bedrock:{prefix or 'InvokeModel'}, for example"
        yield view.find("error", "no-such-action", action.path, what, "an action is service:Name", fix)
    elif service in NO_PREFIXES:
        what, why = f"{prefix} is no prefix of actions", f"the endpoint is {service}, its actions are bedrock's"
        yield view.find("error", "no-such-prefix", action.path, what, why, f"write {_right_action(name)}")
    elif service.startswith("bedrock") and service not in {"bedrock", *_OTHER_SERVICES}:
        yield view.find(
            "error", "no-such-prefix", action.path, f"{prefix} is no service", "it allows nothing", f"write bedrock:{name}"
        )
    elif service == "bedrock":
        yield from _of_bedrock(view, action, name)


def _of_bedrock(view: View, action: Text, name: str) -> Iterator[Finding]:
    if not name.strip("*"):
        if view.allows:
            why = "that includes deleting guardrails, switching logging off and buying throughput"
            yield view.find("warning", "every-action", action.path, "every action of Bedrock", why, _LEAST)
        return
    if named(action.value):
        return
    if operations := [operation for operation in NO_ACTIONS if matches(name.lower(), operation)]:
        what = f"{action.value} is no action"
        why = "there are operations of that name; they are allowed by other actions"
        fix = f"write {' and '.join(dict.fromkeys(NO_ACTIONS[operation] for operation in operations))}"
        yield view.find("error", "no-such-action", action.path, what, why, fix)
        return
    what, why = f"{action.value} is no action that the installed botocore knows", "it allows nothing, unless it is newer"
    near = nearest(name.lower(), actions())
    fix = f"write bedrock:{actions()[near]}" if near else "correct the name"
    yield view.find("error" if near else "warning", "no-such-action", action.path, what, why, fix)


def _right_action(name: str) -> str:
    return NO_ACTIONS.get(
        name.lower(), "the actions that are called, such as bedrock:InvokeModel" if "*" in name else f"bedrock:{name}"
    )


def named(action: str) -> list[str]:
    """The known actions of Bedrock that an action or a pattern means."""
    service, _, name = action.lower().partition(":")
    if action in _EVERYTHING:
        return list(actions().values())
    return [known for each, known in actions().items() if matches(name, each)] if service == "bedrock" else []
