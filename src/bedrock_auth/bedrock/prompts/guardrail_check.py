"""`GuardrailCheck`: a guardrail's opinion of a text, without a model. The only part of prompting that asks AWS.

A `Guardrail` in the options of ``converse`` assesses questions and answers where the model runs, and holds streamed text back
until it is assessed. This is for what passes by no model, or must be known before one is asked: a document, a search result.

Source: AWS's page "Use the ApplyGuardrail API in your application". Whoever signs needs ``bedrock:ApplyGuardrail``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.bedrock.converse.blocks import GuardBlock
from bedrock_auth.bedrock.converse.request import Guardrail
from bedrock_auth.bedrock.errors import GuardrailIntervenedError
from bedrock_auth.bedrock.forms.api_form import as_texts
from bedrock_auth.bedrock.transport.clients import SERVICE
from bedrock_auth.bedrock.transport.service import ServiceWrapper

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from botocore.client import BaseClient

    from bedrock_auth.bedrock.converse.response import ConverseResponse
    from bedrock_auth.bedrock.transport.clients import MakesClients


@frozen
class GuardrailVerdict:
    """What a guardrail found."""

    intervened: bool
    """Whether it blocked something, or masked it."""
    outputs: tuple[str, ...]
    """What to show instead: its message, or the texts with what is sensitive masked; empty where it did not intervene."""
    reason: str | None
    """AWS's ``actionReason``."""
    raw: Mapping[str, Any] = field(factory=dict, eq=False, repr=False)
    """boto3's response, with the ``assessments``."""

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> GuardrailVerdict:
        """From boto3's response to ApplyGuardrail."""
        outputs = tuple(output["text"] for output in raw.get("outputs", ()) if "text" in output)
        return cls(raw["action"] == "GUARDRAIL_INTERVENED", outputs, raw.get("actionReason"), raw)

    def raise_if_intervened(self, partial: ConverseResponse | None = None) -> None:
        """Raise where the guardrail intervened.

        Args:
            partial: the answer that was assessed, if it was one.

        Raises:
            GuardrailIntervenedError: it did; ``.response`` is what AWS said.
        """
        if not self.intervened:
            return
        msg = "ApplyGuardrail: the guardrail intervened; what it found is in .response['assessments']"
        details = {} if partial is None else {"partial": partial}
        raise GuardrailIntervenedError(
            msg, code="GuardrailIntervened", operation="ApplyGuardrail", response=dict(self.raw), **details
        )


class GuardrailCheck(ServiceWrapper):
    """Asks a guardrail about texts. What is sent again `bedrock_auth.bedrock.retry` says."""

    _SERVICE = SERVICE

    def __init__(
        self, guardrail: Guardrail | str, session: MakesClients | None = None, *, client: BaseClient | None = None
    ) -> None:
        """Ask this guardrail.

        Args:
            guardrail: which one; an id or an ARN alone means its draft.
            session: from `bedrock_auth.create_session`, or any other boto3 session.
            client: a ``bedrock-runtime`` client instead.

        Raises:
            ConfigurationError: neither or both of session and client are given, or the client is one of another service.
        """
        super().__init__(session, client=client)
        self._guardrail = Guardrail(guardrail) if isinstance(guardrail, str) else guardrail

    def check_input(self, texts: str | Iterable[str]) -> GuardrailVerdict:
        """What it says of texts on their way to a model: questions, documents.

        Raises:
            BedrockError: the call failed; then nothing is known of the texts.
        """
        return self._apply("INPUT", [GuardBlock(text) for text in as_texts(texts)])

    def check_output(self, answer: str, *, question: str = "", sources: Iterable[str] = ()) -> GuardrailVerdict:
        """What it says of an answer.

        Args:
            answer: the model's.
            question: what was asked, and
            sources: what the answer must rest on, for a guardrail with contextual grounding; it needs both.

        Raises:
            BedrockError: the call failed; then nothing is known of the answer.
        """
        grounding = [GuardBlock(text, "grounding_source") for text in sources]
        if not grounding or not question:
            return self._apply("OUTPUT", [GuardBlock(answer)])
        return self._apply("OUTPUT", [*grounding, GuardBlock(question, "query"), GuardBlock(answer, "guard_content")])

    def _apply(self, source: str, content: list[GuardBlock]) -> GuardrailVerdict:
        request = {
            "guardrailIdentifier": self._guardrail.identifier,
            "guardrailVersion": self._guardrail.version,
            "source": source,
            "content": [block.to_api()["guardContent"] for block in content],
        }
        return GuardrailVerdict.from_api(self._send("ApplyGuardrail", request))
