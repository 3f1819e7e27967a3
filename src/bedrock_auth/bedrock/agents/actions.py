"""`Actions`: does what an agent asks for, and says what the agent is told where that cannot be done."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from attrs import evolve, field, frozen

from bedrock_auth.bedrock.agents.handlers import Handlers, Key, tool_for, tools_by_key
from bedrock_auth.bedrock.agents.parameters import ParameterError
from bedrock_auth.bedrock.agents.return_control import (
    INVOCATION_TYPES,
    ApiInvocation,
    FunctionInvocation,
    Invocation,
    UnknownInvocation,
)
from bedrock_auth.bedrock.converse.blocks import TextBlock
from bedrock_auth.bedrock.converse.media import ImageBlock
from bedrock_auth.bedrock.converse.tool_blocks import JsonBlock
from bedrock_auth.bedrock.errors import Call, DecodeError
from bedrock_auth.bedrock.tool_use.toolbox import Choice, checked_choice
from bedrock_auth.bedrock.tools import Tool, ToolError
from bedrock_auth.bedrock.transport.threads import to_thread
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from bedrock_auth.bedrock.agents.return_control import AnyInvocation, InvocationResult, ReturnControl

Confirm: TypeAlias = Callable[[Invocation], Any]
"""Asked whether the agent may do this; returns ``True`` or ``False``, and may be a coroutine function in ``arun``."""
FailureChoice: TypeAlias = Literal["raise", "report", "fail"]
"""Raise a handler's error here, tell the agent that it failed, or tell AWS so."""

_OK, _BAD_REQUEST, _BROKEN = 200, 400, 500
_NOT_KNOWN = ("is not known here", "bedrock-auth")
_DENIED = "The user does not agree to this."


@frozen
class Action:
    """One thing that is to be done, once all of its turn has been looked at."""

    invocation: Invocation
    arguments: Mapping[str, Any] = field(factory=dict, repr=False)
    result: InvocationResult | None = None
    """What the agent is told, where that is known without running anything."""


@frozen
class Actions:
    """Answers what an agent asks for."""

    handlers: Mapping[Key, Tool]
    confirm: Confirm | None
    on_input_error: Choice
    on_handler_error: FailureChoice

    @classmethod
    def of(cls, handlers: Handlers, confirm: Confirm | None, on_input_error: Any, on_handler_error: Any) -> Actions:
        """With these settings.

        Raises:
            ConfigurationError: a key or a handler is none, or a setting is wrong.
        """
        if confirm is not None and not callable(confirm):
            msg = f"confirm is a function that is asked for each action and returns True or False, not {type(confirm).__name__}"
            raise ConfigurationError(msg, setting="confirm")
        if on_handler_error not in {"raise", "report", "fail"}:
            msg = f"on_handler_error is 'raise', 'report' or 'fail', not {on_handler_error!r}"
            raise ConfigurationError(msg, setting="on_handler_error")
        return cls(tools_by_key(handlers), confirm, checked_choice("on_input_error", on_input_error), on_handler_error)

    def check(self, control: ReturnControl, call: Call) -> tuple[Action, ...]:
        """What is to be answered, in order; nobody has been asked and nothing has been run yet.

        Raises:
            ParameterError: a value does not fit its declared type, where that is to be raised.
            ConfigurationError: there is no handler for one of the invocations, or nobody who can be asked.
            DecodeError: one is of a kind that is not known here, or there are none.
        """
        if not control.invocations:
            msg = f"{call.operation}: the agent returned control without saying what for"
            raise DecodeError(msg, code="MalformedEvent", **call.details())
        return tuple([self._fitted(each) for each in [self._checked(each, call) for each in control.invocations]])

    def _checked(self, invocation: AnyInvocation, call: Call) -> Invocation:
        if isinstance(invocation, UnknownInvocation):
            who, what = ("the installed boto3 does not know", "boto3") if invocation.is_lost else _NOT_KNOWN
            msg = f"{call.operation}: the agent asks for {invocation.name!r}, which {who}; upgrade {what}"
            raise DecodeError(msg, code="UnknownInvocation", **call.details())
        if invocation.action_invocation_type not in INVOCATION_TYPES:
            who, what = _NOT_KNOWN
            wanted = f"{invocation.name} as {invocation.action_invocation_type!r}"
            msg = f"{call.operation}: the agent asks for {wanted}, which {who}; upgrade {what}"
            raise DecodeError(msg, code="UnknownInvocation", **call.details())
        if invocation.needs_confirmation and self.confirm is None:
            msg = f"the agent asks whether it may run {invocation.name}; give confirm=, a function that asks the user"
            raise ConfigurationError(msg, setting="confirm")
        if invocation.needs_result:
            self._tool(invocation)
        return invocation

    def _tool(self, invocation: Invocation) -> Tool:
        return tool_for(invocation, self.handlers)

    def _fitted(self, invocation: Invocation) -> Action:
        """What is to be done; where its parameters do not fit, the user is not asked, and has not agreed."""
        try:
            arguments = invocation.arguments
            if invocation.needs_result:
                self._tool(invocation).check(arguments)
        except ToolError as error:
            if isinstance(error, ParameterError) and self.on_input_error == "raise":
                raise
            return Action(invocation, result=_unfit(invocation, str(error)))
        return Action(invocation, arguments)

    def decide(self, actions: Iterable[Action]) -> tuple[Action, ...]:
        """Ask about all that is to be asked about, in this thread, before anything is run.

        Raises:
            ConfigurationError: ``confirm`` returned what is none of an answer.
            Exception: what ``confirm`` raised.
        """
        return tuple([_decided(each, self._asked(each.invocation)) if _is_open(each) else each for each in actions])

    async def adecide(self, actions: Iterable[Action]) -> tuple[Action, ...]:
        """As `decide`; a plain function is called in a thread."""
        return tuple([_decided(each, await self._aasked(each.invocation)) if _is_open(each) else each for each in actions])

    def answer(self, action: Action) -> InvocationResult:
        """Run it, in this thread, unless its result is known.

        Raises:
            ConfigurationError: the handler returned what is none of an answer.
            Exception: what the handler raised, where that is to be raised.
        """
        if action.result is not None:
            return action.result
        try:
            return _done(action.invocation, self._tool(action.invocation).run(action.arguments))
        except Exception as error:  # noqa: BLE001 - a handler may raise anything
            return self._failed(action.invocation, error)

    async def aanswer(self, action: Action) -> InvocationResult:
        """As `answer`; plain functions run in threads, coroutine functions in the loop."""
        if action.result is not None:
            return action.result
        try:
            return _done(action.invocation, await self._tool(action.invocation).arun(action.arguments))
        except Exception as error:  # noqa: BLE001 - as above
            return self._failed(action.invocation, error)

    def _asked(self, invocation: Invocation) -> Any:
        assert self.confirm is not None  # noqa: S101 - check() has seen to it
        return self.confirm(invocation)

    async def _aasked(self, invocation: Invocation) -> Any:
        if inspect.iscoroutinefunction(self.confirm):
            return await self._asked(invocation)
        answer = await to_thread(self._asked, invocation)
        return await answer if inspect.isawaitable(answer) else answer

    def _failed(self, invocation: Invocation, error: Exception) -> InvocationResult:
        if isinstance(error, ToolError) and str(error).strip():
            return _result(invocation, str(error), response_state="REPROMPT", http_status_code=_BAD_REQUEST)
        if isinstance(error, ConfigurationError) or self.on_handler_error == "raise":
            raise error
        state = "REPROMPT" if self.on_handler_error == "report" else "FAILURE"
        text = f"{invocation.name} failed ({type(error).__name__})."
        return _result(invocation, text, response_state=state, http_status_code=_BROKEN)


def _unfit(invocation: Invocation, text: str) -> InvocationResult:
    denied = "DENY" if invocation.needs_confirmation else None
    status = _BAD_REQUEST if isinstance(invocation, ApiInvocation) else None
    return invocation.result(text, confirmation_state=denied, response_state="REPROMPT", http_status_code=status)


def _is_open(action: Action) -> bool:
    """Whether the user is to be asked."""
    return action.result is None and action.invocation.needs_confirmation


def _decided(action: Action, answer: Any) -> Action:
    agreed = _answered(answer)
    if agreed and action.invocation.needs_result:
        return action
    return evolve(action, result=_settled(action.invocation, agreed=agreed))


def _answered(answer: Any) -> bool:
    """What ``confirm`` said. Nothing else counts: the text ``"no"`` is true in Python."""
    if isinstance(answer, bool):
        return answer
    close = getattr(answer, "close", None)
    if inspect.iscoroutine(answer) and close is not None:
        close()
    msg = f"confirm returns True or False, not {type(answer).__name__}; a coroutine function needs arun"
    raise ConfigurationError(msg, setting="confirm")


def _result(invocation: Invocation, body: str | ImageBlock, **states: Any) -> InvocationResult:
    """The result of something that was run; the user has agreed to it, if asked."""
    if not isinstance(invocation, ApiInvocation):
        states.pop("http_status_code", None)
    if invocation.needs_confirmation:
        states["confirmation_state"] = "CONFIRM"
    return invocation.result(body, **states)


def _settled(invocation: Invocation, *, agreed: bool) -> InvocationResult:
    """The result of something that was not run."""
    body = _DENIED if invocation.needs_result else None
    return invocation.result(body, confirmation_state="CONFIRM" if agreed else "DENY")


def _done(invocation: Invocation, content: tuple[Any, ...]) -> InvocationResult:
    return _result(invocation, _body(invocation, content), http_status_code=_OK)


def _body(invocation: Invocation, content: tuple[Any, ...]) -> str | ImageBlock:
    """What a handler returned, as AWS takes it: a text or JSON, never an empty one, or one image of a function's."""
    match content:
        case (ImageBlock() as image,) if isinstance(invocation, FunctionInvocation):
            return image
    if not content:
        return json.dumps(None)
    text = "\n".join(_text(invocation, part) for part in content)
    return text if text.strip() else json.dumps(text)


def _text(invocation: Invocation, part: Any) -> str:
    if isinstance(part, TextBlock):
        return part.text
    if isinstance(part, JsonBlock):
        return json.dumps(part.value, ensure_ascii=False)
    msg = f"the handler for {invocation.name} returned a {type(part).__name__}; an agent takes text, JSON or one image"
    raise ConfigurationError(msg, setting="handlers")
