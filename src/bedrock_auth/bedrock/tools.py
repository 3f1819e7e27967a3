"""`Tool`: a function that the model may ask for, described by its annotations or by a JSON schema.

What the model gives is checked against that schema before the function is called, and nothing is made to fit: a text is no
number. Whatever is wrong is a `ToolError`, whose text is written for the model.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.bedrock.converse.blocks import CachePoint, TextBlock
from bedrock_auth.bedrock.converse.tool_blocks import ToolResultContent, tool_result_content
from bedrock_auth.bedrock.tool_use.docstrings import summary
from bedrock_auth.bedrock.tool_use.members import innermost
from bedrock_auth.bedrock.tool_use.schema import as_it_is, function_shape
from bedrock_auth.bedrock.tool_use.validation import problems
from bedrock_auth.bedrock.transport.threads import to_thread
from bedrock_auth.errors import BedrockAuthError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_NO_ARGUMENTS: Mapping[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}


class ToolError(BedrockAuthError):
    """A tool cannot do what the model asks for; the model gets the text as the tool's result, with the status ``error``.

    A handler raises it to tell the model what it can do better: ``raise ToolError("no such city; give the country too")``.
    """


def _name(name: Any) -> str:
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    msg = f"a tool's name has 1 to 64 of the characters a-z A-Z 0-9 _ -, and {name!r} is none; give name="
    raise ConfigurationError(msg, setting="name")


def _description(text: str | None) -> str | None:
    return text or None  # AWS refuses an empty one


def _schema(schema: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if schema is None:
        return _NO_ARGUMENTS
    if isinstance(schema, Mapping) and schema.get("type") == "object":
        return schema
    msg = 'a tool\'s input_schema is a JSON schema with "type": "object"; wrap anything else in an object with one property'
    raise ConfigurationError(msg, setting="input_schema")


def _handler(handler: Callable[..., Any] | None) -> Callable[..., Any] | None:
    if handler is None or callable(handler):
        return handler
    msg = f"a tool's handler is a function, not {type(handler).__name__}"
    raise ConfigurationError(msg, setting="handler")


@frozen
class Tool:
    """Something that the model may ask for.

    Source of what AWS takes: "ToolSpecification" in the Amazon Bedrock API Reference.

    Raises:
        ConfigurationError: the name or the schema is none that AWS takes, or the handler cannot be called.
    """

    name: str = field(converter=_name)
    """1 to 64 letters, digits, ``_`` and ``-``."""
    description: str | None = field(default=None, converter=_description)
    """What it does and when to use it, for the model."""
    input_schema: Mapping[str, Any] = field(default=_NO_ARGUMENTS, converter=_schema)
    """The JSON schema of an object whose members are the arguments; by default there are none."""
    handler: Callable[..., Any] | None = field(default=None, converter=_handler)
    """Called with the arguments by name; may be a coroutine function. Without one, the tool can be offered but not run."""
    strict: bool | None = None
    """Whether AWS makes sure that the input fits the schema; ``None`` leaves it to AWS and is what older botocores know."""
    _convert: Callable[[Any], Any] = field(default=as_it_is, alias="_convert", eq=False, repr=False)

    @classmethod
    def from_function(
        cls, function: Callable[..., Any], *, name: str | None = None, description: str | None = None, strict: bool | None = None
    ) -> Tool:
        """The tool that a typed function is.

        Its parameters' annotations become the schema; `bedrock_auth.bedrock.tool_use.schema` lists those that can. A docstring in
        Google's style describes the tool and, under ``Args:``, the parameters; ``Annotated[…, "text"]`` describes one too.

        Args:
            function: or coroutine function, or any other callable.
            name: by default the function's.
            description: by default that of the docstring.
            strict: as the field.

        Raises:
            ConfigurationError: a parameter cannot be described in JSON; the message names function and parameter.
        """
        called = _name(name or getattr(function, "__name__", None))
        shape = function_shape(function, called)
        return cls(called, description or summary(innermost(function)), shape.schema, function, strict, _convert=shape.convert)

    def to_api(self) -> dict[str, Any]:
        """``{"toolSpec": {…}}``."""
        more = {"description": self.description, "strict": self.strict}
        said = {"name": self.name, **{name: value for name, value in more.items() if value is not None}}
        return {"toolSpec": {**said, "inputSchema": {"json": self.input_schema}}}

    def run(self, input: Any) -> tuple[ToolResultContent, ...]:  # noqa: A002 - AWS's own word
        """Call the handler with a `ToolUseBlock.input`; a coroutine is run to its end.

        Returns:
            What it returned, as the content of a `ToolResultBlock`: text, JSON or blocks.

        Raises:
            ToolError: the input does not fit, or the handler says so.
            ConfigurationError: there is no handler, it returned what is none of these, or it is a coroutine function and this
                thread runs an event loop; use `arun` there.
            Exception: whatever else the handler raises.
        """
        handler, arguments = self._call(input)
        return self._content(_finished(handler(**arguments)))

    async def arun(self, input: Any) -> tuple[ToolResultContent, ...]:  # noqa: A002 - AWS's own word
        """`run` in an event loop; a plain function is called in a thread, so that the loop goes on.

        Raises:
            Exception: as `run`.
        """
        handler, arguments = self._call(input)
        if inspect.iscoroutinefunction(handler):
            return self._content(await handler(**arguments))
        result = await to_thread(handler, **arguments)
        return self._content(await result if inspect.isawaitable(result) else result)

    def check(self, input: Any) -> Callable[..., Any]:  # noqa: A002 - AWS's own word
        """The handler, where it can be called with this.

        Raises:
            ToolError: the input does not fit.
            ConfigurationError: there is no handler.
        """
        if self.handler is None:
            msg = f"the tool {self.name!r} has no handler and cannot be run; give it one, or answer its tool uses yourself"
            raise ConfigurationError(msg, setting="handler")
        if found := problems(input, self.input_schema):
            raise ToolError(f"The input of {self.name} does not fit: {'; '.join(found)}.")
        try:
            inspect.signature(self.handler).bind(**input)
        except TypeError as error:  # a schema that was written by hand need not be the function's
            raise ToolError(f"The input of {self.name} does not fit: {error}.") from None
        except ValueError:
            pass  # a callable of C without a signature
        return self.handler

    def _call(self, given: Any) -> tuple[Callable[..., Any], dict[str, Any]]:
        return self.check(given), dict(self._convert(given))

    def _content(self, result: Any) -> tuple[ToolResultContent, ...]:
        if isinstance(result, str) and not result.strip():
            result = json.dumps(result)  # AWS refuses blank texts
        try:
            if isinstance(result, Mapping):
                json.dumps(result, allow_nan=False)
            return tuple(part for part in tool_result_content(result) if not isinstance(part, TextBlock) or part.text.strip())
        except (ConfigurationError, TypeError, ValueError) as error:
            msg = f"the tool {self.name!r} returned a {type(result).__name__} that is neither text nor JSON nor content blocks"
            raise ConfigurationError(msg, setting="handler") from error


def _finished(result: Any) -> Any:
    """What an awaitable gives, from synchronous code."""
    if not inspect.isawaitable(result):
        return result
    if _is_loop_running():
        getattr(result, "close", lambda: None)()
        msg = "a coroutine cannot be run while this thread runs an event loop; use arun, or chat.arun"
        raise ConfigurationError(msg, setting="handler")
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:  # given a factory it leaves the thread's own loop alone
        return runner.run(_awaited(result))


async def _awaited(result: Awaitable[Any]) -> Any:
    return await result


def _is_loop_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def as_tools(tools: Any) -> list[Tool | dict[str, Any]]:
    """A request's tools: `Tool` values, made of typed functions too, and whatever else there is in boto3's form.

    Raises:
        ConfigurationError: something is no tool.
    """
    several = tools if isinstance(tools, Iterable) and not isinstance(tools, Mapping) else (tools,)
    return list(map(_tool, several))


def _tool(thing: Any) -> Tool | dict[str, Any]:
    if isinstance(thing, Tool):
        return thing
    if isinstance(thing, CachePoint):
        return thing.to_api()
    if isinstance(thing, Mapping):
        return dict(thing)
    if callable(thing):
        return Tool.from_function(thing)
    msg = f"a tool is a Tool, a typed function or a dict in boto3's form, not {type(thing).__name__}"
    raise ConfigurationError(msg, setting="tools")


def tool_config(tools: Iterable[Any] | None, tool_choice: str | Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """AWS's ``toolConfig``; ``None`` where there is nothing to say.

    Args:
        tools: `Tool` values, typed functions, `CachePoint` values and dicts in boto3's form.
        tool_choice: ``auto``, where the model decides; ``any``, where it must use a tool; the name of the tool that it must
            use; or a dict in boto3's form.

    Raises:
        ConfigurationError: something is no tool, two have the same name, or the choice names none of them.
    """
    listed = None if tools is None else list(map(_to_api, as_tools(tools)))
    names = [name for tool in listed or () if (name := _name_in(tool)) is not None]
    for name, count in Counter(names).items():
        if count > 1:
            raise ConfigurationError(f"two tools have the name {name!r}; give one of them another", setting="tools")
    config: dict[str, Any] = {"tools": listed} if listed else {}
    if tool_choice is not None:
        config["toolChoice"] = _choice(tool_choice, None if listed is None else names)
    return config or None


def _to_api(tool: Tool | dict[str, Any]) -> dict[str, Any]:
    return tool.to_api() if isinstance(tool, Tool) else tool


def _name_in(tool: Mapping[str, Any]) -> str | None:
    return next((spec["name"] for spec in tool.values() if isinstance(spec, Mapping) and "name" in spec), None)


def _choice(choice: str | Mapping[str, Any], names: list[str] | None) -> dict[str, Any]:
    """AWS's ``toolChoice``; what the names are is not known where they are given under AWS's name."""
    if isinstance(choice, Mapping):
        return dict(choice)
    if choice in {"auto", "any"} and names != []:
        return {choice: {}}
    if names is None or choice in names:
        return {"tool": {"name": choice}}
    known = ", ".join(map(repr, names)) or "none"
    msg = f"tool_choice is 'auto', 'any' or the name of a tool, not {choice!r}; the tools are: {known}"
    raise ConfigurationError(msg, setting="tool_choice")
