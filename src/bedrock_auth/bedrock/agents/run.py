"""`AgentRun` and `AsyncAgentRun`: let an agent answer, do what it returns control for, and again, as `AgentTurns` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Required, TypeAlias

from bedrock_auth.bedrock.agents.actions import Action, Actions, Confirm, FailureChoice
from bedrock_auth.bedrock.agents.events import AgentChunk, AgentEvent
from bedrock_auth.bedrock.agents.request import AgentOptions, follow_up
from bedrock_auth.bedrock.agents.response import AgentResponse
from bedrock_auth.bedrock.agents.return_control import InvocationResult
from bedrock_auth.bedrock.errors import Call, IncompleteStreamError
from bedrock_auth.bedrock.tool_use.runs import AsyncRun, Run
from bedrock_auth.bedrock.tool_use.turns import TurnLimitError, checked_turns
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

    from bedrock_auth.bedrock.agents.handlers import Handlers
    from bedrock_auth.bedrock.agents.stream import AgentStream, AsyncAgentStream
    from bedrock_auth.bedrock.tool_use.toolbox import Choice

AgentRunEvent: TypeAlias = AgentEvent | InvocationResult
"""What a run yields: the events of each of the agent's answers and, after it, the answer to each thing that it asked for."""


class AgentRunOptions(AgentOptions, total=False):
    """The keyword arguments of ``run`` and ``arun``: those of ``invoke``, and five of their own."""

    handlers: Required[Handlers]
    """What the agent may have run: functions by ``"function"``, ``"group.function"`` or ``("group", "/path", "GET")``."""
    confirm: Confirm | None
    """Asked with the `Invocation` whether the agent may do it, where the action group demands that the user be asked; returns
    ``True`` or ``False``. Without it, such a demand is an error."""
    max_turns: int
    """How often the agent may be invoked; 10 by default."""
    on_input_error: Choice
    """Where a parameter does not fit the type that the action group declares: ``report`` it to the agent, the default, or
    ``raise`` a `ParameterError`. What does not fit a handler's annotations or schema is always reported."""
    on_handler_error: FailureChoice
    """Where a handler raises anything but a `ToolError`: ``raise`` it, the default; ``report`` to the agent the name of its
    class, and nothing else of it; or ``fail``: tell AWS that the action failed, which then
    refuses the whole turn with a DependencyFailedException."""


def run_settings(options: AgentRunOptions) -> tuple[Actions, int, dict[str, Any]]:
    """What to do for the agent, how often to invoke it, and the options of an invocation.

    Raises:
        ConfigurationError: a setting is wrong, or the session is to end before the agent has its results.
    """
    rest: dict[str, Any] = dict(options)
    if rest.get("end_session") or rest.get("endSession"):
        msg = "end_session would end the session before the agent has its results; end it with an invocation of its own"
        raise ConfigurationError(msg, setting="end_session")
    max_turns = checked_turns(rest.pop("max_turns", 10))
    actions = Actions.of(
        rest.pop("handlers", None),
        rest.pop("confirm", None),
        rest.pop("on_input_error", "report"),
        rest.pop("on_handler_error", "raise"),
    )
    return actions, max_turns, rest


class AgentTurns:
    """Who is next in a run. No I/O."""

    def __init__(self, operation: str, state: str, request: Mapping[str, Any], actions: Actions, max_turns: int) -> None:
        """Begin with this request; ``state`` is the operation's name of the session's state."""
        self.request = request
        self.actions = actions
        self.response: AgentResponse | None = None
        self._operation = operation
        self._state = state
        self._max_turns = self._left = max_turns

    def answered(self, response: AgentResponse) -> tuple[Action, ...]:
        """Take the agent's answer; what is to be done, nothing where it was the last one.

        Raises:
            TurnLimitError: there is something to do, but no turn is left in which the agent could hear of it.
            ConfigurationError: there is no handler for it, or nobody who can be asked.
            ParameterError: a value does not fit its declared type, where that is to be raised.
            DecodeError: it is of a kind that is not known here.
        """
        self._left -= 1
        control = response.return_control
        if control is None:
            self.response = response
            return ()
        call = Call(self._operation, response.request_id, in_stream=True)
        if not self._left:
            msg = f"the agent returned control in each of {self._max_turns} turns; raise max_turns, or look at what it is after"
            raise TurnLimitError(msg, code="TurnLimit", **call.details(response))
        self._control = control
        return self.actions.check(control, call)

    def resulted(self, results: Sequence[InvocationResult]) -> None:
        """Take the answers to all that was asked for."""
        self.request = follow_up(self.request, self._control.answered(*results), self._state)

    def final(self) -> AgentResponse:
        """The agent's last answer.

        Raises:
            IncompleteStreamError: it has not come; the run was closed.
        """
        if self.response is not None:
            return self.response
        msg = "the run was closed before the agent had finished"
        raise IncompleteStreamError(msg, code="StreamClosed", operation=self._operation)


class AgentRun(Run[AgentRunEvent, AgentResponse]):
    """A `Run` of an agent and what this program does for it."""

    _TEXT_EVENT = AgentChunk

    def __init__(self, session_id: str, turns: AgentTurns, invoke: Callable[[Mapping[str, Any]], AgentStream]) -> None:
        """A run that has not begun; `BedrockAgent.run` makes it."""
        self.session_id = session_id
        """Give it to the next invocation to go on with the same conversation."""
        self._turns = turns
        self._invoke = invoke
        super().__init__()

    def _play(self) -> Iterator[AgentRunEvent]:
        turns = self._turns
        while turns.response is None:
            with self._invoke(turns.request) as stream:
                yield from stream
                response = stream.response
            results = []
            for action in turns.actions.decide(turns.answered(response)):
                results.append(turns.actions.answer(action))
                yield results[-1]
            if results:
                turns.resulted(results)

    def _final(self) -> AgentResponse:
        return self._turns.final()


class AsyncAgentRun(AsyncRun[AgentRunEvent, AgentResponse]):
    """`AgentRun` for asyncio: ``async with agent.arun(…) as run: async for event in run``."""

    _TEXT_EVENT = AgentChunk

    def __init__(self, session_id: str, turns: AgentTurns, invoke: Callable[[Mapping[str, Any]], AsyncAgentStream]) -> None:
        """A run that has not begun; `BedrockAgent.arun` makes it."""
        self.session_id = session_id
        """As `AgentRun.session_id`."""
        self._turns = turns
        self._invoke = invoke
        super().__init__()

    async def _play(self) -> AsyncIterator[AgentRunEvent]:
        turns = self._turns
        while turns.response is None:
            async with self._invoke(turns.request) as stream:
                async for event in stream:
                    yield event
                response = await stream.get_response()
            results = []
            for action in await turns.actions.adecide(turns.answered(response)):
                results.append(await turns.actions.aanswer(action))
                yield results[-1]
            if results:
                turns.resulted(results)

    def _final(self) -> AgentResponse:
        return self._turns.final()
