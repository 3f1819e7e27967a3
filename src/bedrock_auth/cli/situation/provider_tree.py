"""A provider and all that it builds on, as data for people and programs; nothing is fetched, nothing secret is in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import fields, frozen, has

from bedrock_auth.contracts import is_provider
from bedrock_auth.errors import CredentialError, NotConfiguredError
from bedrock_auth.providers.chain import Chain
from bedrock_auth.providers.container import Container
from bedrock_auth.providers.default import Default
from bedrock_auth.providers.environment import Environment
from bedrock_auth.providers.http_vending import HttpVending
from bedrock_auth.providers.instance_metadata import InstanceMetadata
from bedrock_auth.providers.profile import Profile
from bedrock_auth.providers.web_identity import WebIdentity, WebIdentityFromEnvironment
from bedrock_auth.redaction import MASK, redact

if TYPE_CHECKING:
    from collections.abc import Callable

    from attrs import Attribute

    from bedrock_auth.contracts import CredentialProvider

Node = dict[str, Any]

WINS, NOT_SET_UP, WRONG, NOT_REACHED, UNKNOWN = "wins", "not set up", "wrong", "not reached", "known only when it is asked"


@frozen
class Trouble:
    """What keeps a provider from delivering, as far as that can be told without asking."""

    message: str
    is_absence: bool = False
    """Whether nothing is wrong: the source is just not set up here."""


def tree(provider: CredentialProvider) -> Node:
    """The provider's kind, name and settings, those inside it, a profile's plan, and in a chain which source wins."""
    node = _head(provider)
    if isinstance(provider, Default):
        return node | {"sources": _sources(provider.chain)}
    if isinstance(provider, Chain):
        return node | {"sources": _sources(provider)}
    if isinstance(provider, Profile):
        node |= _plan_of(provider)
    elif (standing := _state(provider))[0] in (NOT_SET_UP, WRONG):
        node |= _standing(*standing)
    values = {field.alias: _value(field, getattr(provider, field.name)) for field in _settings(provider)}
    settings = {name: value for name, value in values.items() if value is not None}
    return node | ({"settings": settings} if settings else {})


def effective(node: Node) -> Node | None:
    """The source that will be asked for keys, as far as that can be told without asking; ``None`` where none is set up."""
    if "sources" not in node:
        return node
    return next((one for one in node["sources"] if one["state"] in (WINS, WRONG, UNKNOWN)), None)


def trouble(node: Node) -> Trouble | None:
    """What keeps this provider, or one that it builds on, from delivering; ``None`` where nothing is known to."""
    found = effective(node)
    if found is None:
        return Trouble("no source of credentials is set up here", is_absence=True)
    if found.get("state") in (WRONG, NOT_SET_UP):
        return Trouble(found["why"], is_absence=found["state"] == NOT_SET_UP)
    if "problem" in found:
        return Trouble(found["problem"])
    inner = (one for one in found.get("settings", {}).values() if isinstance(one, dict))
    return next((problem for problem in map(trouble, inner) if problem), None)


def _head(provider: CredentialProvider) -> Node:
    return {"kind": type(provider).__name__, "name": redact(provider.name)}


def _standing(state: str, why: str) -> Node:
    return {"state": state} | ({"why": redact(why)} if why else {})


def _plan_of(profile: Profile) -> Node:
    """What a profile comes to, step by step, or what is wrong with it."""
    try:
        plan = profile.plan()
    except CredentialError as error:
        return {"problem": redact(error.message)}
    steps = [{"kind": type(step).__name__, "profile": step.profile, "says": str(step)} for step in (plan.base, *plan.roles)]
    problem = _absence("web_identity_token_file", getattr(plan.base, "token_file", None))
    return {"plan": steps, "region": plan.region_name} | ({"problem": f"{profile.name}: {problem}"} if problem else {})


def _settings(provider: object) -> list[Attribute[Any]]:
    kind: Any = type(provider)
    return [one for one in fields(kind) if not one.name.startswith("_") and one.name != "host"] if has(kind) else []


def _value(field: Attribute[Any], value: object) -> Any:
    if is_provider(value):
        return tree(value)
    if value is None or value == ():
        return None
    if field.repr is False:
        return MASK
    if isinstance(value, bool | int | float):
        return value
    return redact(field.repr(value) if callable(field.repr) else str(value))


def _sources(chain: Chain) -> list[Node]:
    nodes, is_over = [], False
    for link in chain.providers:
        state, why = (NOT_REACHED, "") if is_over else _state(link)
        is_over = is_over or state in (WINS, WRONG)
        shown = tree(link) if state in (WINS, UNKNOWN) else _head(link)
        nodes.append(shown | _standing(state, why))
    return nodes


def _state(link: CredentialProvider) -> tuple[str, str]:
    """What is found there, and why. Only what answers from this machine's variables and files is tried."""
    look = next((look for kind, look in _LOOKS.items() if isinstance(link, kind)), None)
    if look is None:
        return UNKNOWN, ""
    try:
        return look(link)
    except NotConfiguredError as error:
        return NOT_SET_UP, error.message
    except CredentialError as error:
        return WRONG, error.message


def _environment(link: Environment) -> tuple[str, str]:
    link.retrieve()
    return WINS, ""


def _profile(link: Profile) -> tuple[str, str]:
    link.plan()
    return WINS, ""


def _web_identity(link: WebIdentityFromEnvironment) -> tuple[str, str]:
    path = link.host.setting("AWS_WEB_IDENTITY_TOKEN_FILE")
    if path is None:
        return NOT_SET_UP, "AWS_WEB_IDENTITY_TOKEN_FILE is not set"
    if link.host.setting("AWS_ROLE_ARN") is None:
        return WRONG, "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not"
    problem = _absence("AWS_WEB_IDENTITY_TOKEN_FILE", path)
    return (WRONG, problem) if problem else (WINS, "")


def _named_file(link: WebIdentity | HttpVending) -> tuple[str, str]:
    setting, value = ("token_file", link.token_file) if isinstance(link, WebIdentity) else ("api_key", link.api_key)
    problem = _absence(setting, value) if isinstance(value, Path) or setting == "token_file" else None
    return (WRONG, f"{link.name}: {problem}") if problem else (UNKNOWN, "")


def _absence(setting: str, path: Any) -> str | None:
    """What is wrong with a setting that names a file which is not there; any text may be one."""
    if path is None or os.path.exists(path):  # noqa: PTH110 - text in
        return None
    return f"{setting} names {path}, which is not there"


def _container(link: Container) -> tuple[str, str]:
    names = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
    return (WINS, "") if any(map(link.host.setting, names)) else (NOT_SET_UP, f"neither {' nor '.join(names)} is set")


def _metadata(link: InstanceMetadata) -> tuple[str, str]:
    if (link.host.setting("AWS_EC2_METADATA_DISABLED") or "").lower() == "true":
        return NOT_SET_UP, "AWS_EC2_METADATA_DISABLED is true"
    return UNKNOWN, "only an EC2 instance answers"


_LOOKS: dict[type, Callable[[Any], tuple[str, str]]] = {
    Environment: _environment,
    WebIdentityFromEnvironment: _web_identity,
    WebIdentity: _named_file,
    HttpVending: _named_file,
    Profile: _profile,
    Container: _container,
    InstanceMetadata: _metadata,
}
"""How it is told whether a source is set up."""
