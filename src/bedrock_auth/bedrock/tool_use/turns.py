"""`Turns`: the model and its tools, one after the other, until the model has its answer. Pure.

Who asks the model and runs the tools is `ToolRun` or `AsyncToolRun`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve

from bedrock_auth.bedrock.content import Message, ToolResultBlock, ToolUseBlock
from bedrock_auth.bedrock.converse.request import ConverseOptions
from bedrock_auth.bedrock.errors import BedrockError, IncompleteStreamError, ToolInputError
from bedrock_auth.bedrock.tool_use.history import unanswered, with_answer
from bedrock_auth.bedrock.tool_use.toolbox import Choice, Toolbox, checked_choice, listed
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bedrock_auth.bedrock.converse.response import ConverseResponse
    from bedrock_auth.bedrock.tool_use.history import History

INVALID_JSON = "INVALID_JSON"
"""The one member of what goes back to the model in place of an input of its own that is no JSON: the text as it wrote it."""


class TurnLimitError(BedrockError):
    """The model went on asking for tools. The code is ``TurnLimit``, ``.partial`` its last answer."""


class RunOptions(ConverseOptions, total=False):
    """The keyword arguments of ``run`` and ``arun``: those of ``converse``, and three of their own.

    ``tools`` must be there, each with a handler; ``tool_choice`` counts in the first turn only.
    """

    max_turns: int
    """How often the model may be asked; 10 by default."""
    on_input_error: Choice
    """Where the model's input for a tool is no JSON: ``report`` it to the model, the default, or ``raise`` a `ToolInputError`.
    Input that does not fit the tool's schema is always reported."""
    on_handler_error: Choice
    """Where a handler raises anything but a `ToolError`: ``raise`` it, the default, or ``report`` to the model the name of its
    class, and nothing else of it."""


class Turns:
    """Who is next in a run, and what has been said so far. No I/O."""

    def __init__(self, messages: History, keep: Callable[[History], None], options: RunOptions) -> None:
        """Begin with these messages, the last one of the user; ``keep`` gets all of them when the model has its answer.

        Raises:
            ConfigurationError: there are no tools, one has no handler, or a setting is wrong.
        """
        rest: dict[str, Any] = dict(options)
        self._max_turns = self._left = checked_turns(rest.pop("max_turns", 10))
        self._on_input_error = checked_choice("on_input_error", rest.pop("on_input_error", "report"))
        tools = listed(rest.get("tools"))
        self.toolbox = Toolbox.of(tools, checked_choice("on_handler_error", rest.pop("on_handler_error", "raise")))
        self.options = {**rest, "tools": tools}
        self.messages = messages
        self.response: ConverseResponse | None = None
        self._keep = keep

    def answered(self, response: ConverseResponse) -> tuple[ToolUseBlock, ...]:
        """Take the model's answer; the tools to run, none where it was the last one.

        Raises:
            TurnLimitError: there are tools to run, but no turn is left in which the model could read the results.
        """
        self._left -= 1
        uses = unanswered(response.message) if response.stop_reason == "tool_use" else ()
        self.messages = with_answer(self.messages, _sendable(response.message))
        if not uses:
            self.response = response
            self._keep(self.messages)
        elif not self._left:
            raise self._too_many(response)
        return uses

    def resulted(self, results: Iterable[ToolResultBlock]) -> None:
        """Take the results of all tools that were asked for."""
        self.messages = (*self.messages, Message("user", tuple(results)))
        self.options.pop("tool_choice", None)  # else the model would have to use a tool for ever

    def reported(self, error: ToolInputError) -> ConverseResponse:
        """The answer with the bad input in it, where the model shall hear of it.

        Raises:
            ToolInputError: that is not chosen, or the answer was cut, so that the model has not finished asking.
        """
        if self._on_input_error == "raise" or error.partial is None or error.partial.stop_reason != "tool_use":
            raise error
        partial: ConverseResponse = error.partial
        return partial

    def final(self) -> ConverseResponse:
        """The model's last answer.

        Raises:
            IncompleteStreamError: it has not come; the run was closed.
        """
        if self.response is not None:
            return self.response
        msg = "the run was closed before the model had finished; what had been said is in .messages"
        raise IncompleteStreamError(msg, code="StreamClosed", operation="ConverseStream")

    def _too_many(self, response: ConverseResponse) -> TurnLimitError:
        msg = (
            f"the model asked for tools in each of {self._max_turns} turns; raise max_turns, or look into .messages of the run "
            "for what it is at"
        )
        return TurnLimitError(msg, code="TurnLimit", operation="ConverseStream", partial=response)


def checked_turns(max_turns: Any) -> int:
    """The most turns of a run.

    Raises:
        ConfigurationError: it is no such number.
    """
    if isinstance(max_turns, int) and max_turns > 0:
        return max_turns
    raise ConfigurationError(f"max_turns is how often the model may be asked, at least 1, not {max_turns!r}", setting="max_turns")


def _sendable(message: Message) -> Message:
    """The message as AWS takes it back: an input that is no JSON becomes an object that holds it."""
    return evolve(message, content=tuple(map(_with_object, message.content)))


def _with_object(block: Any) -> Any:
    if isinstance(block, ToolUseBlock) and block.input_text is not None:
        return evolve(block, input={INVALID_JSON: block.input_text}, input_text=None)
    return block
