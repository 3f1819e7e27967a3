"""`Actions`: does what an agent asks for, and says what the agent is told where that cannot be done."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from attrs import frozen

from bedrock_auth.bedrock.blocks import TextBlock
from bedrock_auth.bedrock.errors import Call, DecodeError
from bedrock_auth.bedrock.handlers import Handlers, Key, tool_for, tools_by_key
from bedrock_auth.bedrock.media import ImageBlock
from bedrock_auth.bedrock.parameters import ParameterError
from bedrock_auth.bedrock.return_control import ApiInvocation, FunctionInvocation, Invocation, UnknownInvocation
from bedrock_auth.bedrock.tool_blocks import JsonBlock
from bedrock_auth.bedrock.toolbox import Choice, checked_choice
from bedrock_auth.bedrock.tools import Tool, ToolError
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from bedrock_auth.bedrock.return_control import AnyInvocation, InvocationResult, ReturnControl

Confirm: TypeAlias = Callable[[Invocation], Any]
"""Asked whether the agent may do this; returns ``True`` or ``False``, and may be a coroutine function in ``arun``."""
FailureChoice: TypeAlias = Literal["raise", "report", "fail"]
"""Raise a handler's error here, tell the agent that it failed, or tell AWS so."""

_OK, _BAD_REQUEST, _BROKEN = 200, 400, 500
_DENIED = "The user does not agree to this."


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

    def check(self, control: ReturnControl, call: Call) -> tuple[Invocation, ...]:
        """What is to be answered, in order; nothing has been run yet.

        Raises:
            ConfigurationError: there is no handler for one of the invocations, or nobody who can be asked.
            DecodeError: one is of a kind that is not known here, or there are none.
        """
        if not control.invocations:
            msg = f"{call.operation}: the agent returned control without saying what for"
            raise DecodeError(msg, code="MalformedEvent", **call.details())
        return tuple(self._checked(invocation, call) for invocation in control.invocations)

    def _checked(self, invocation: AnyInvocation, call: Call) -> Invocation:
        if isinstance(invocation, UnknownInvocation):
            msg = f"{call.operation}: the agent asks for {invocation.name!r}, which is not known here; upgrade bedrock-auth"
            raise DecodeError(msg, code="UnknownInvocation", **call.details())
        if invocation.needs_confirmation and self.confirm is None:
            msg = f"the agent asks whether it may run {invocation.name}; give confirm=, a function that asks the user"
            raise ConfigurationError(msg, setting="confirm")
        if invocation.needs_result:
            self._tool(invocation)
        return invocation

    def _tool(self, invocation: Invocation) -> Tool:
        return tool_for(invocation, self.handlers)

    def answer(self, invocation: Invocation) -> InvocationResult:
        """Ask and run, in this thread.

        Raises:
            ParameterError: a value does not fit its declared type, where that is to be raised.
            ConfigurationError: ``confirm`` or the handler returned what is none of an answer.
            Exception: what the handler raised, where that is to be raised, and what ``confirm`` raised.
        """
        if unfit := self._unfit(invocation):
            return unfit
        agreed = _answered(self._asked(invocation)) if invocation.needs_confirmation else None
        if agreed is False or not invocation.needs_result:
            return _settled(invocation, agreed=agreed)
        try:
            return _done(invocation, self._tool(invocation).run(invocation.arguments))
        except Exception as error:  # noqa: BLE001 - a handler may raise anything
            return self._failed(invocation, error)

    async def aanswer(self, invocation: Invocation) -> InvocationResult:
        """As `answer`; plain functions run in threads, coroutine functions in the loop."""
        if unfit := self._unfit(invocation):
            return unfit
        agreed = _answered(await self._aasked(invocation)) if invocation.needs_confirmation else None
        if agreed is False or not invocation.needs_result:
            return _settled(invocation, agreed=agreed)
        try:
            return _done(invocation, await self._tool(invocation).arun(invocation.arguments))
        except Exception as error:  # noqa: BLE001 - as above
            return self._failed(invocation, error)

    def _unfit(self, invocation: Invocation) -> InvocationResult | None:
        """What the agent is told where its parameters do not fit. The user is not asked then, and has not agreed."""
        try:
            invocation.arguments  # noqa: B018 - is it possible?
        except ParameterError as error:
            if self.on_input_error == "raise":
                raise
            denied = "DENY" if invocation.needs_confirmation else None
            status = _BAD_REQUEST if isinstance(invocation, ApiInvocation) else None
            return invocation.result(str(error), confirmation_state=denied, response_state="REPROMPT", http_status_code=status)
        return None

    def _asked(self, invocation: Invocation) -> Any:
        assert self.confirm is not None  # noqa: S101 - check() has seen to it
        return self.confirm(invocation)

    async def _aasked(self, invocation: Invocation) -> Any:
        if inspect.iscoroutinefunction(self.confirm):
            return await self._asked(invocation)
        answer = await asyncio.to_thread(self._asked, invocation)
        return await answer if inspect.isawaitable(answer) else answer

    def _failed(self, invocation: Invocation, error: Exception) -> InvocationResult:
        if isinstance(error, ToolError) and str(error).strip():
            return _result(invocation, str(error), response_state="REPROMPT", http_status_code=_BAD_REQUEST)
        if isinstance(error, ConfigurationError) or self.on_handler_error == "raise":
            raise error
        state = "REPROMPT" if self.on_handler_error == "report" else "FAILURE"
        text = f"{invocation.name} failed ({type(error).__name__})."
        return _result(invocation, text, response_state=state, http_status_code=_BROKEN)


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


def _settled(invocation: Invocation, *, agreed: bool | None) -> InvocationResult:
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
    texts = [_text(invocation, part) for part in content]
    return "\n".join(texts) if texts else json.dumps(None)


def _text(invocation: Invocation, part: Any) -> str:
    if isinstance(part, TextBlock):
        return part.text
    if isinstance(part, JsonBlock):
        return json.dumps(part.value, ensure_ascii=False)
    msg = f"the handler for {invocation.name} returned a {type(part).__name__}; an agent takes text, JSON or one image"
    raise ConfigurationError(msg, setting="handlers")
