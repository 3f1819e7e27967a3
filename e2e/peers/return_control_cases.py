"""What agents return control for, and what must come of it: one case for each thing that wrappers are known to get wrong.

Each case is what an agent says in its turns, the handlers' answers by name, and the results that the agent must then get.
"""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from bedrock_auth.testing import api_input, chunk, function_input, return_control


@frozen
class Case:
    """One conversation with an agent."""

    turns: list[Any]
    """What the agent says, one for each invocation."""
    calls: list[Any]
    """The handlers that must be called, each with its arguments."""
    results: list[Any]
    """What the agent must be told: the body, or the confirmation state, or both."""
    text: str = "Done."
    """The agent's last answer."""
    answers: dict[str, Any] = field(factory=dict)
    """What the handlers return, ``ok`` by default."""
    agrees: bool = True
    """What the user says when asked."""

    @property
    def expected(self) -> dict[str, Any]:
        """What must come of it."""
        return {"text": self.text, "calls": self.calls, "told": self.results}


CASES = {
    "one function": Case(
        [return_control(function_input("Claims", "look_up", {"claim": "7"})), "Done."],
        [["look_up", {"claim": "7"}]],
        ["ok"],
    ),
    "five inputs of both kinds in one turn": Case(
        [
            return_control(
                function_input("Claims", "look_up", {"claim": "7"}),
                function_input("Claims", "look_up", {"claim": "8"}),
                function_input("Claims", "count"),
                api_input("Shop", "/orders/{id}", "GET", {"id": 3}),
                api_input("Shop", "/orders", "POST", {"dry": True}, body={"item": "umbrella", "sizes": [1, 2]}),
            ),
            "Done.",
        ],
        [
            ["look_up", {"claim": "7"}],
            ["look_up", {"claim": "8"}],
            ["count", {}],
            ["GET /orders/{id}", {"id": 3}],
            ["POST /orders", {"dry": True, "item": "umbrella", "sizes": [1, 2]}],
        ],
        ["ok"] * 5,
    ),
    "the text false is False": Case(
        [return_control(function_input("Claims", "close", {"claim": "7", "pay": False, "notify": True})), "Done."],
        [["close", {"claim": "7", "pay": False, "notify": True}]],
        ["ok"],
    ),
    "numbers, arrays and objects": Case(
        [
            return_control(
                api_input("Shop", "/orders", "POST", {"count": 3, "price": 2.5, "tags": ["a", "b"], "to": {"city": "Oslo"}})
            ),
            "Done.",
        ],
        [["POST /orders", {"count": 3, "price": 2.5, "tags": ["a", "b"], "to": {"city": "Oslo"}}]],
        ["ok"],
    ),
    "an array that is no JSON": Case(
        [
            return_control(function_input("Claims", "look_up", [{"name": "claims", "type": "array", "value": "[c 7, c-8]"}])),
            "Done.",
        ],
        [["look_up", {"claims": ["c 7", "c-8"]}]],
        ["ok"],
    ),
    "an empty answer is an answer": Case(
        [return_control(function_input("Claims", "look_up"), function_input("Claims", "count")), "Done."],
        [["look_up", {}], ["count", {}]],
        ["null", "0"],
        answers={"look_up": None, "count": 0},
    ),
    "a confirmation that is given, without running anything": Case(
        [return_control(function_input("Claims", "close", {"claim": "7"}, asks_for="USER_CONFIRMATION")), "Done."],
        [],
        ["CONFIRM"],
    ),
    "a confirmation that is denied": Case(
        [return_control(api_input("Shop", "/orders", "DELETE", asks_for="USER_CONFIRMATION_AND_RESULT")), "Done."],
        [],
        ["DENY"],
        agrees=False,
    ),
    "a confirmation and a result": Case(
        [return_control(function_input("Claims", "close", {"claim": "7"}, asks_for="USER_CONFIRMATION_AND_RESULT")), "Done."],
        [["close", {"claim": "7"}]],
        ["CONFIRM", "ok"],
    ),
    "an action of a collaborator": Case(
        [return_control(function_input("Claims", "count", agentId="SUB1234567", collaboratorName="Counter")), "Done."],
        [["count", {}]],
        ["ok"],
    ),
    "one turn after the other": Case(
        [
            return_control(function_input("Claims", "count")),
            return_control(function_input("Claims", "look_up", {"claim": "2"})),
            return_control(function_input("Claims", "close", {"claim": "2"})),
            "Done.",
        ],
        [["count", {}], ["look_up", {"claim": "2"}], ["close", {"claim": "2"}]],
        ["ok"] * 3,
    ),
    "an answer that speaks of returnControl": Case(
        [return_control(function_input("Claims", "count")), "That event is a returnControl."],
        [["count", {}]],
        ["ok"],
        text="That event is a returnControl.",
    ),
    "an answer in chunks that end within a character": Case(
        [return_control(function_input("Claims", "count")), chunk("Gr", b"\xc3", b"\xbc\xc3", b"\x9fe aus K", "öln")],
        [["count", {}]],
        ["ok"],
        text="Grüße aus Köln",
    ),
}
