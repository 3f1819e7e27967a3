"""`Toolbox`: the tools of a conversation that can be run, and what the model is told when one of them cannot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from attrs import frozen

from bedrock_auth.bedrock.converse.tool_blocks import ToolResultBlock
from bedrock_auth.bedrock.tools import Tool, ToolError, as_tools, tool_config
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from bedrock_auth.bedrock.converse.tool_blocks import ToolUseBlock

Choice: TypeAlias = Literal["report", "raise"]
"""Tell the model, which may do better, or raise the error here."""


def checked_choice(setting: str, choice: Any) -> Choice:
    """The choice.

    Raises:
        ConfigurationError: it is neither.
    """
    if choice in {"report", "raise"}:
        return choice  # type: ignore[no-any-return]  # it was looked at
    raise ConfigurationError(f"{setting} is 'report' or 'raise', not {choice!r}", setting=setting)


@frozen
class Toolbox:
    """Runs what the model asks for."""

    tools: Mapping[str, Tool]
    on_handler_error: Choice

    @classmethod
    def of(cls, tools: Iterable[Tool | dict[str, Any]], on_handler_error: Choice) -> Toolbox:
        """Of a request's tools; cache points and tools that AWS runs are none of its business.

        Raises:
            ConfigurationError: a tool has no handler, or two have the same name.
        """
        tool_config(tools)
        known = {tool.name: tool for tool in tools if isinstance(tool, Tool)}
        described = [tool["toolSpec"].get("name") for tool in tools if isinstance(tool, Mapping) and "toolSpec" in tool]
        for name in [*described, *(tool.name for tool in known.values() if tool.handler is None)]:
            msg = f"the tool {name!r} has no handler, so it cannot be run; give a Tool with handler=, or a typed function"
            raise ConfigurationError(msg, setting="tools")
        return cls(known, on_handler_error)

    def answer(self, use: ToolUseBlock) -> ToolResultBlock:
        """Run the tool that this asks for, in this thread.

        Raises:
            ConfigurationError: as `Tool.run`.
            Exception: what the handler raised, where that is chosen.
        """
        try:
            return ToolResultBlock(use.tool_use_id, self._tool(use).run(use.input))
        except Exception as error:  # noqa: BLE001 - a handler may raise anything
            return self._failed(use, error)

    async def aanswer(self, use: ToolUseBlock) -> ToolResultBlock:
        """As `answer`, with `Tool.arun`."""
        try:
            return ToolResultBlock(use.tool_use_id, await self._tool(use).arun(use.input))
        except Exception as error:  # noqa: BLE001 - as above
            return self._failed(use, error)

    def _tool(self, use: ToolUseBlock) -> Tool:
        if use.input_text is not None:
            raise ToolError(f"The input of {use.name} is no JSON, so the tool was not run; call it again with a JSON object.")
        if use.name not in self.tools:
            raise ToolError(f"There is no tool {use.name}; there are: {', '.join(self.tools)}.")
        return self.tools[use.name]

    def _failed(self, use: ToolUseBlock, error: Exception) -> ToolResultBlock:
        is_meant = isinstance(error, ToolError)
        if isinstance(error, ConfigurationError) or (self.on_handler_error == "raise" and not is_meant):
            raise error
        text = str(error) if is_meant and str(error).strip() else f"{use.name} failed ({type(error).__name__})."
        return ToolResultBlock(use.tool_use_id, text, "error")


def listed(tools: Any) -> list[Tool | dict[str, Any]]:
    """A request's tools, each of which is a `Tool` where it can be one.

    Raises:
        ConfigurationError: there are none, or something is no tool.
    """
    found = [] if tools is None else as_tools(tools)
    if not found:
        msg = "run needs tools=, the tools that it may run: typed functions, or Tool values with a handler"
        raise ConfigurationError(msg, setting="tools")
    return found


def no_result(use: ToolUseBlock) -> ToolResultBlock:
    """What stands for a result that nobody gave."""
    return ToolResultBlock(use.tool_use_id, f"There is no result of {use.name}.", "error")
