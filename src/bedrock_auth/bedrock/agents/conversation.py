"""`AgentConversation`: one session with an agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bedrock_auth.bedrock.agents.request import held

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from bedrock_auth.bedrock.agent import AnyAgent
    from bedrock_auth.bedrock.agents.request import AgentOptions
    from bedrock_auth.bedrock.agents.response import AgentResponse
    from bedrock_auth.bedrock.agents.return_control import ReturnControlResults
    from bedrock_auth.bedrock.agents.run import AgentRun, AgentRunOptions, AsyncAgentRun
    from bedrock_auth.bedrock.agents.stream import AgentStream, AsyncAgentStream

_FAREWELL = "Goodbye."


class AgentConversation:
    """One session with an agent. AWS keeps what was said, until `end` or until nobody says anything for a while.

    AWS answers one turn of a session after the other; a second one at the same time gets a ConflictException.
    """

    def __init__(self, agent: AnyAgent, session_id: str, options: Mapping[str, Any]) -> None:
        """A conversation; `BedrockAgent.conversation` makes it."""
        self.session_id = session_id
        """Keep it to go on later, also elsewhere: ``agent.conversation(session_id)``."""
        self._agent = agent._telling(self._taken)  # noqa: SLF001 - the other half of it
        self._options = options

    def invoke(self, said: str | ReturnControlResults | None, **options: Unpack[AgentOptions]) -> AgentStream:
        """As `BedrockAgent.invoke`, in this session."""
        return self._agent.invoke(said, session_id=self.session_id, **self._with(options))

    def ainvoke(self, said: str | ReturnControlResults | None, **options: Unpack[AgentOptions]) -> AsyncAgentStream:
        """As `BedrockAgent.ainvoke`, in this session."""
        return self._agent.ainvoke(said, session_id=self.session_id, **self._with(options))

    def run(self, said: str | ReturnControlResults | None, **options: Unpack[AgentRunOptions]) -> AgentRun:
        """As `BedrockAgent.run`, in this session."""
        return self._agent.run(said, session_id=self.session_id, **self._with(options))

    def arun(self, said: str | ReturnControlResults | None, **options: Unpack[AgentRunOptions]) -> AsyncAgentRun:
        """As `BedrockAgent.arun`, in this session."""
        return self._agent.arun(said, session_id=self.session_id, **self._with(options))

    def end(self) -> AgentResponse:
        """End the session: AWS forgets what was said, and an agent with memory sums it up.

        Raises:
            BedrockError: the call failed.
        """
        with self._agent.invoke(_FAREWELL, session_id=self.session_id, **self._farewell()) as stream:
            return stream.response

    async def aend(self) -> AgentResponse:
        """`end` for asyncio.

        Raises:
            BedrockError: as there.
        """
        async with self._agent.ainvoke(_FAREWELL, session_id=self.session_id, **self._farewell()) as stream:
            return await stream.get_response()

    def _taken(self) -> None:
        """What AWS keeps is not sent again: an action may have changed it since."""
        self._options = held(self._options)

    def _farewell(self) -> Any:
        """The options of an end; what AWS would keep it forgets then."""
        return {**held(self._options), "end_session": True}

    def _with(self, options: Any) -> Any:
        return {**self._options, **options}
