"""`Handlers`: the functions that a program runs for an agent, and which of them is for what. Pure.

A handler is a `Tool` or a function. A function whose parameters all have annotations is checked against them as a `Tool` is;
any other gets the arguments as they come.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from bedrock_auth.bedrock.agents.return_control import ApiInvocation, FunctionInvocation
from bedrock_auth.bedrock.tool_use.members import UnsupportedError, parameters
from bedrock_auth.bedrock.tools import Tool
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from bedrock_auth.bedrock.agents.return_control import Invocation

Key: TypeAlias = str | tuple[str, ...]
"""``"function"``, ``"group.function"`` or, of an API, ``("group", "/path", "GET")``."""
Handler: TypeAlias = Tool | Callable[..., Any]
Handlers: TypeAlias = Mapping[Any, Handler] | Sequence[Handler]
"""Handlers by what they are for, a `Key`, or functions and tools that have the names of the agent's functions.

Keys are `Any` because a type checker takes no mapping of texts for one of texts and tuples."""

_OF_API = 3
_NO_TOOL_NAME = re.compile(r"[^a-zA-Z0-9_-]+")
_ANY_ARGUMENTS: Mapping[str, Any] = {"type": "object"}


def tool_for(invocation: Invocation, tools: Mapping[Key, Tool]) -> Tool:
    """The handler of what an agent asks for.

    Raises:
        ConfigurationError: there is none.
    """
    keys = _keys(invocation)
    for key in keys:
        if key in tools:
            return tools[key]
    msg = f"there is no handler for {invocation.name}; give handlers={{{keys[0]!r}: a function}}"
    raise ConfigurationError(msg, setting="handlers")


def tools_by_key(handlers: Handlers) -> dict[Key, Tool]:
    """The handlers as tools, by what they are for.

    Raises:
        ConfigurationError: a key or a handler is none, or two have the same name.
    """
    if isinstance(handlers, str) or not isinstance(handlers, Iterable):
        msg = "run needs handlers=, the functions that the agent may have run; an empty list where there are none"
        raise ConfigurationError(msg, setting="handlers")
    if isinstance(handlers, Mapping):
        return {_key(key): _handler(key, handler) for key, handler in handlers.items()}
    tools = [_handler(str(getattr(each, "__name__", "handler")), each) for each in handlers]
    for name, count in Counter(tool.name for tool in tools).items():
        if count > 1:
            raise ConfigurationError(
                f"two handlers have the name {name!r}; give them by name: handlers={{…}}", setting="handlers"
            )
    return {tool.name: tool for tool in tools}


def _key(key: Any) -> Key:
    if isinstance(key, str) and key:
        return key
    if isinstance(key, tuple) and len(key) == _OF_API and all(isinstance(part, str) and part for part in key):
        group, path, method = key
        return group, path, method.upper()
    msg = f"a key of handlers is 'function', 'group.function' or, of an API, ('group', '/path', 'GET'), not {key!r}"
    raise ConfigurationError(msg, setting="handlers")


def _keys(invocation: Invocation) -> tuple[Key, ...]:
    """Where to look for its handler, the most exact place first."""
    if isinstance(invocation, ApiInvocation):
        return ((invocation.action_group, invocation.api_path or "", (invocation.http_method or "").upper()),)
    assert isinstance(invocation, FunctionInvocation)  # noqa: S101 - there is no third kind
    return invocation.name, invocation.function or ""


def _handler(key: Key, handler: Any) -> Tool:
    if isinstance(handler, Tool):
        if handler.handler is None:
            msg = f"the tool {handler.name!r} has no handler, so it cannot be run"
            raise ConfigurationError(msg, setting="handlers")
        return handler
    name = _NO_TOOL_NAME.sub("_", key if isinstance(key, str) else "_".join(key))[-64:]
    if callable(handler) and not _is_described(handler):
        return Tool(name, input_schema=_ANY_ARGUMENTS, handler=handler)
    if callable(handler):
        return Tool.from_function(handler, name=name)
    msg = f"the handler for {key!r} is a function or a Tool, not {type(handler).__name__}"
    raise ConfigurationError(msg, setting="handlers")


def _is_described(function: Callable[..., Any]) -> bool:
    """Whether all that it takes has an annotation and can be given by name."""
    try:
        written = parameters(function)
    except UnsupportedError:
        return False
    by_name = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
    return all(each.annotation is not each.empty and each.kind in by_name for each in written)
