"""What the local guardrail says: one `GuardrailReply` for ApplyGuardrail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import field, frozen

from bedrock_auth.testing.answers import document_answer
from bedrock_auth.testing.faults import Fault
from bedrock_auth.testing.received import ReceivedRequest

if TYPE_CHECKING:
    from bedrock_auth.testing.answers import Answer

APPLY_GUARDRAIL = "ApplyGuardrail"
_POLICIES = ("topicPolicy", "contentPolicy", "wordPolicy", "sensitiveInformationPolicy", "contextualGroundingPolicy")
_USAGE = dict.fromkeys([*(f"{policy}Units" for policy in _POLICIES), "sensitiveInformationPolicyFreeUnits"], 0)


def _texts(said: object) -> tuple[str, ...]:
    texts = () if said is None else (said,) if isinstance(said, str) else tuple(said) if isinstance(said, Iterable) else (said,)
    if not all(isinstance(text, str) for text in texts):
        msg = f"a guardrail says a text, several of them, or None where it has nothing to say, not {type(said).__name__}"
        raise TypeError(msg)
    return texts


@frozen
class GuardrailReply:
    """What the guardrail says of one request: what to show instead, or, without any text, that it has nothing against it.

    Raises:
        TypeError: the outputs are no texts.
    """

    outputs: tuple[str, ...] = field(default=(), converter=_texts)
    """Its message, or each of the texts with what is sensitive masked. Where there is one, it has intervened."""
    assessments: tuple[Mapping[str, Any], ...] = field(default=(), converter=tuple, kw_only=True)
    """What its policies found, under AWS's names."""
    reason: str | None = field(default=None, kw_only=True)
    """AWS's ``actionReason``; by default one of the two that AWS gives."""
    fault: Fault | None = field(default=None, kw_only=True)
    """What happens to this answer on its way."""

    def answer(self, request: ReceivedRequest) -> Answer:
        """The whole document."""
        if request.operation != APPLY_GUARDRAIL:
            msg = f"a GuardrailReply cannot answer {request.operation}; give LocalBedrock.model a Reply"
            raise TypeError(msg)
        return self._document(request) if self.fault is None else self.fault.apply(lambda: self._document(request))

    def _document(self, request: ReceivedRequest) -> Answer:
        intervened = bool(self.outputs)
        characters = {"guarded": len(request.text), "total": len(request.text)}
        return document_answer(
            {
                "usage": _USAGE,
                "action": "GUARDRAIL_INTERVENED" if intervened else "NONE",
                "actionReason": self.reason or ("Guardrail blocked." if intervened else "No action."),
                "outputs": [{"text": text} for text in self.outputs],
                "assessments": list(self.assessments),
                "guardrailCoverage": {"textCharacters": characters},
            }
        )


GuardrailSaid: TypeAlias = GuardrailReply | str | Iterable[str] | Fault | None
LocalGuardrail: TypeAlias = Callable[[ReceivedRequest], GuardrailSaid] | Sequence[GuardrailSaid]
"""A function that is called with every request to a guardrail, or a script: what it says of the next requests, in order."""


def let_pass(_: ReceivedRequest) -> GuardrailReply:
    """The default: it has nothing against anything."""
    return GuardrailReply()
