"""The sessions of agents and of RetrieveAndGenerate: what was asked before, and what an agent waits for."""

from __future__ import annotations

import threading
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from attrs import define, evolve, field

from bedrock_auth.testing.faults import UNKNOWN_SESSION
from bedrock_auth.testing.verify import refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bedrock_auth.testing.received import ReceivedRequest

Key: TypeAlias = tuple[str | None, ...]


@define
class _Session:
    turns: tuple[ReceivedRequest, ...] = ()
    awaits: Mapping[str, Any] | None = field(default=None, repr=False)
    """The return control that the last answer ended with."""


def _key(received: ReceivedRequest) -> Key:
    return received.agent_id, received.agent_alias_id, received.session_id


class Sessions:
    """Sessions by agent, alias and id; threads may share it."""

    def __init__(self) -> None:
        """Begin with none."""
        self._sessions: dict[Key, _Session] = {}
        self._given: set[str] = set()
        self._lock = threading.Lock()

    def of_agent(self, received: ReceivedRequest) -> ReceivedRequest:
        """The request with the earlier ones of its session.

        Raises:
            Refused: it reports on actions other than those that the agent asked for.
        """
        with self._lock:
            session = self._sessions.get(_key(received), _Session())
        if received.action_results:
            _check_results(received, session.awaits)
        return evolve(received, earlier=session.turns)

    def of_generation(self, received: ReceivedRequest) -> ReceivedRequest:
        """The request with the earlier ones of its session, which is a new one if it names none.

        Raises:
            Refused: no such session was given.
        """
        if received.session_id is None:
            return evolve(received, session_id=self._give())
        with self._lock:
            if received.session_id not in self._given:
                _refuse_value(UNKNOWN_SESSION.format(received.session_id))
            return evolve(received, earlier=self._sessions.get(_key(received), _Session()).turns)

    def _give(self) -> str:
        session_id = str(uuid.uuid4())
        with self._lock:
            self._given.add(session_id)
        return session_id

    def note(self, received: ReceivedRequest, awaits: Mapping[str, Any] | None) -> None:
        """Keep a request that was answered, and what its agent waits for now."""
        with self._lock:
            session = self._sessions.setdefault(_key(received), _Session())
            session.turns += (evolve(received, earlier=()),)
            session.awaits = awaits
            if received.body.get("endSession"):
                del self._sessions[_key(received)]

    def expire(self) -> None:
        """Forget them all."""
        with self._lock:
            self._sessions.clear()
            self._given.clear()


def _check_results(received: ReceivedRequest, awaits: Mapping[str, Any] | None) -> None:
    if awaits is None or received.session_state.get("invocationId") != awaits["invocationId"]:
        _refuse_value("The invocationId is not that of the return control that the session waits for.")
    wanted = sorted(_names(asked, received) for asked in awaits["invocationInputs"])
    if sorted(_names(result, received) for result in received.session_state["returnControlInvocationResults"]) != wanted:
        _refuse_value("The returnControlInvocationResults are not exactly one for each of the invocationInputs.")
    if any(result.get("responseState") == "FAILURE" for result in received.action_results):
        refuse("DependencyFailedException", "An action was reported to have failed.", HTTPStatus.FAILED_DEPENDENCY)


def _names(said: Mapping[str, Any], received: ReceivedRequest) -> tuple[str, ...]:
    """What an input or a result is about; the agent's own id may be left out, that of a collaborator may not."""
    ((kind, about),) = said.items()
    agent_id = about.get("agentId", received.agent_id)
    return (kind[:3], str(agent_id), *(str(about.get(name, "")) for name in ("actionGroup", "function", "apiPath")))


def _refuse_value(message: str) -> NoReturn:
    refuse("ValidationException", message, HTTPStatus.BAD_REQUEST)
