"""`BedrockAgent` and `InlineAgent`: the agents of Amazon Bedrock, typed."""

from __future__ import annotations

from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

from bedrock_auth.bedrock.agents.conversation import AgentConversation
from bedrock_auth.bedrock.agents.request import agent_request, checked_agent_id, checked_session_id
from bedrock_auth.bedrock.agents.run import AgentRun, AgentTurns, AsyncAgentRun, run_settings
from bedrock_auth.bedrock.agents.stream import AgentStream, AsyncAgentStream
from bedrock_auth.bedrock.transport.service import ServiceWrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Self, Unpack

    from botocore.client import BaseClient
    from botocore.config import Config

    from bedrock_auth.bedrock.agents.request import AgentOptions
    from bedrock_auth.bedrock.agents.return_control import ReturnControlResults
    from bedrock_auth.bedrock.agents.run import AgentRunOptions
    from bedrock_auth.bedrock.retry import RetryListener
    from bedrock_auth.bedrock.transport.clients import MakesClients


class AnyAgent(ServiceWrapper):
    """What all agents can do."""

    _SERVICE = "bedrock-agent-runtime"
    _OPERATION: ClassVar[str]
    _STATE: ClassVar[str]
    """The operation's name of the session's state."""
    _target: Mapping[str, Any]
    """The parameters that say which agent it is."""

    def invoke(
        self, said: str | ReturnControlResults | None, *, session_id: str | None = None, **options: Unpack[AgentOptions]
    ) -> AgentStream:
        """Send something to the agent now, and read its answer while it is being given.

        Use the stream in a ``with`` block: leaving it closes the connection.

        Args:
            said: what the user says; or what the agent waits for since it returned control: `ReturnControl.answered` makes it.
            session_id: of the conversation to go on with, 2 to 100 letters, digits, ``.``, ``_``, ``:`` and ``-``. By default
                a new one begins; the stream and the response have its ``session_id``.
            options: see `AgentOptions`; also any other parameter under AWS's own name.

        Raises:
            BedrockError: the service refused, or could not be reached; what goes wrong later, the stream raises.
            ConfigurationError: a parameter that cannot be sent; the message names it.
            CredentialError: there are no credentials to sign with.
        """
        session = _session(session_id)
        return self._invoked(session, self._request(session, said, options))

    def ainvoke(
        self, said: str | ReturnControlResults | None, *, session_id: str | None = None, **options: Unpack[AgentOptions]
    ) -> AsyncAgentStream:
        """`invoke` for asyncio: ``async with agent.ainvoke(…) as stream``.

        The request is sent when the block is entered, and whatever that raises is raised there; who signs, and any other context
        variable, is that of this call.

        Raises:
            ConfigurationError: a parameter that cannot be sent.
        """
        session = _session(session_id)
        return self._ainvoked(session, self._request(session, said, options))

    def run(
        self, said: str | ReturnControlResults | None, *, session_id: str | None = None, **options: Unpack[AgentRunOptions]
    ) -> AgentRun:
        """Send something, do what the agent returns control for, one after the other, and go on until it has its answer.

        Nothing is sent before the run is iterated, or asked for its ``response``. Before anything of a turn is run, all of it has
        been looked at, whether there are handlers, somebody to ask, and parameters that fit; and the user has been asked. Where
        a run fails, the session still waits for the results of that turn.

        Args:
            said: as `invoke`.
            session_id: as `invoke`.
            options: see `AgentRunOptions`; ``handlers`` must be among them.

        Raises:
            ConfigurationError: a handler is none, or a setting is wrong; the run itself raises what goes wrong later.
        """
        session, turns = self._turns(said, session_id, options)
        return AgentRun(session, turns, partial(self._invoked, session))

    def arun(
        self, said: str | ReturnControlResults | None, *, session_id: str | None = None, **options: Unpack[AgentRunOptions]
    ) -> AsyncAgentRun:
        """`run` for asyncio: ``async with agent.arun(…) as run``.

        Plain functions run in threads, coroutine functions in the loop.

        Raises:
            ConfigurationError: as there.
        """
        session, turns = self._turns(said, session_id, options)
        return AsyncAgentRun(session, turns, partial(self._ainvoked, session))

    def conversation(self, session_id: str | None = None, **options: Unpack[AgentOptions]) -> AgentConversation:
        """A conversation with a session of its own.

        Args:
            session_id: of a conversation to go on with; by default a new one.
            options: what holds for each of its turns, such as ``memory_id``; see `AgentOptions`. What AWS keeps with the
                session, ``session_attributes``, ``files`` and the ``conversationHistory`` in a session state, is sent until AWS
                has taken it, and then no more.

        Raises:
            ConfigurationError: AWS takes no such session id.
        """
        return AgentConversation(self, _session(session_id), options)

    def _turns(self, said: Any, session_id: str | None, options: AgentRunOptions) -> tuple[str, AgentTurns]:
        actions, max_turns, rest = run_settings(options)
        session = _session(session_id)
        request = self._request(session, said, rest)
        return session, AgentTurns(self._OPERATION, self._STATE, request, actions, max_turns)

    def _request(self, session_id: str, said: Any, options: Mapping[str, Any]) -> dict[str, Any]:
        return agent_request({**self._target, "sessionId": session_id}, said, options, self._STATE)

    def _invoked(self, session_id: str, request: Mapping[str, Any]) -> AgentStream:
        return self._begun(AgentStream(session_id), request)

    def _ainvoked(self, session_id: str, request: Mapping[str, Any]) -> AsyncAgentStream:
        stream = AgentStream(session_id)
        return AsyncAgentStream(stream, partial(self._begun, stream, request))

    def _begun(self, stream: AgentStream, request: Mapping[str, Any]) -> AgentStream:
        opened = self._open(stream, self._OPERATION, "completion", request)
        self._when_taken()
        return opened

    def _telling(self, when_taken: Callable[[], None]) -> Self:
        """The same agent, with the same clients, which says whenever AWS has taken a request."""
        twin = copy(self)
        twin._when_taken = when_taken  # type: ignore[method-assign]  # noqa: SLF001 - of the same class
        return twin

    def _when_taken(self) -> None:
        pass


def _session(session_id: str | None) -> str:
    return str(uuid4()) if session_id is None else checked_session_id("session_id", session_id)


class BedrockAgent(AnyAgent):
    """Talks to one alias of an agent, with any boto3 session or client.

    ::

        agent = BedrockAgent(session, agent_id="AGENT12345", agent_alias_id="ALIAS12345")
        chat = agent.conversation()
        with chat.invoke("Which claims are open?") as stream:
            for text in stream.text_stream:
                print(text, end="")

    An object holds no conversation, so everybody may share it: each `invoke` begins one of its own unless it is told the
    ``session_id`` of another, and `conversation` keeps one.
    """

    _OPERATION = "InvokeAgent"
    _STATE = "sessionState"

    def __init__(  # noqa: PLR0913 - which agent, two kinds of client, and their settings
        self,
        session: MakesClients | None = None,
        *,
        agent_id: str,
        agent_alias_id: str,
        client: BaseClient | None = None,
        region_name: str | None = None,
        config: Config | None = None,
        retries: int | None = None,
        listeners: Iterable[RetryListener] = (),
    ) -> None:
        """Use this session, or this client as it is.

        Args:
            session: from `bedrock_auth.create_session`, or any other boto3 session.
            agent_id: the agent's id, not its ARN: up to ten letters and digits.
            agent_alias_id: the alias's id; ``TSTALIASID`` is the working draft.
            client: a ``bedrock-agent-runtime`` client; its timeouts and its way of signing are the caller's choice.
            region_name: by default the session's.
            config: a ``botocore.config.Config`` that overrides the defaults of `ServiceWrapper`.
            retries: how often a call is sent at most, the first time included; see `BedrockRuntime`.
            listeners: called with a `Retried` whenever a call is going to be sent again.

        Raises:
            ConfigurationError: an id is none, or what `BedrockRuntime` raises it for.
        """
        self._target = {
            "agentId": checked_agent_id("agent_id", agent_id),
            "agentAliasId": checked_agent_id("agent_alias_id", agent_alias_id),
        }
        super().__init__(session, client=client, region_name=region_name, config=config, retries=retries, listeners=listeners)


class InlineAgent(AnyAgent):
    """Talks to an agent that exists only in the requests themselves; everything else is as with `BedrockAgent`.

    ::

        agent = InlineAgent(session, foundation_model="us.amazon.nova-lite-v1:0", instruction="You help people with …")
    """

    _OPERATION = "InvokeInlineAgent"
    _STATE = "inlineSessionState"

    def __init__(  # noqa: PLR0913 - as above
        self,
        session: MakesClients | None = None,
        *,
        foundation_model: str,
        instruction: str,
        client: BaseClient | None = None,
        region_name: str | None = None,
        config: Config | None = None,
        retries: int | None = None,
        listeners: Iterable[RetryListener] = (),
        **settings: Any,
    ) -> None:
        """Use this session, or this client as it is.

        Args:
            session: as `BedrockAgent`.
            foundation_model: id or ARN of the model, or of an inference profile.
            instruction: what the agent is to do, at least 40 characters.
            client: as `BedrockAgent`.
            region_name: as `BedrockAgent`.
            config: as `BedrockAgent`.
            retries: as `BedrockAgent`.
            listeners: as `BedrockAgent`.
            settings: what else makes the agent, under AWS's own names: ``actionGroups``, ``knowledgeBases``, ``collaborators``,
                ``guardrailConfiguration`` and so on. It is sent with every request.

        Raises:
            ConfigurationError: as `BedrockRuntime`.
        """
        self._target = {"foundationModel": foundation_model, "instruction": instruction, **settings}
        super().__init__(session, client=client, region_name=region_name, config=config, retries=retries, listeners=listeners)
