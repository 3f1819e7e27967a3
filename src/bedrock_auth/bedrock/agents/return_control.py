"""What an agent asks this program to do, and what it is told in return: AWS's return control. Pure.

An agent asks for one to five things at once and goes on when all of them are answered. Source: "Return control to the agent
developer" and "Get user confirmation before invoking action group function" in the Amazon Bedrock User Guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import field, frozen

from bedrock_auth.bedrock.agents.parameters import Parameter, arguments, parameters_of
from bedrock_auth.bedrock.converse.media import ImageBlock
from bedrock_auth.bedrock.forms.api_form import UNKNOWN_MEMBER, given
from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

RESULT, CONFIRMATION, BOTH = "RESULT", "USER_CONFIRMATION", "USER_CONFIRMATION_AND_RESULT"
INVOCATION_TYPES = frozenset({RESULT, CONFIRMATION, BOTH})


@frozen(kw_only=True)
class Invocation:
    """One of the things that an agent asks for: a `FunctionInvocation` or an `ApiInvocation`."""

    action_group: str
    action_invocation_type: str = RESULT
    """``RESULT``: run it. ``USER_CONFIRMATION``: ask the user whether the agent may run it.
    ``USER_CONFIRMATION_AND_RESULT``: ask, and run it if the user agrees."""
    parameters: tuple[Parameter, ...] = ()
    agent_id: str | None = None
    """Whose action group it is; AWS wants it back."""
    collaborator_name: str | None = None
    """The collaborator that asks, where it is not the agent itself."""
    raw: Mapping[str, Any] = field(factory=dict, eq=False, repr=False)

    @property
    def name(self) -> str:
        """What is to be run, in one text."""
        raise NotImplementedError

    @property
    def arguments(self) -> dict[str, Any]:
        """The parameters by name, each as the type that the action group declares for it.

        Raises:
            ParameterError: one does not fit.
        """
        return arguments(self.parameters)

    @property
    def needs_confirmation(self) -> bool:
        """Whether the user must be asked."""
        return self.action_invocation_type in {CONFIRMATION, BOTH}

    @property
    def needs_result(self) -> bool:
        """Whether it is to be run here."""
        return self.action_invocation_type in {RESULT, BOTH}

    def result(
        self,
        body: str | ImageBlock | None = None,
        *,
        confirmation_state: str | None = None,
        response_state: str | None = None,
        http_status_code: int | None = None,
    ) -> InvocationResult:
        """The answer to it.

        Args:
            body: what came of it, a text or JSON; of computer use, an image.
            confirmation_state: ``CONFIRM`` or ``DENY``, where the user was asked.
            response_state: where it failed: ``REPROMPT`` tells the body to the agent's model, ``FAILURE`` ends the invocation
                with a DependencyFailedException.
            http_status_code: of an API.
        """
        return InvocationResult(self, body, confirmation_state, response_state, http_status_code)


@frozen(kw_only=True)
class FunctionInvocation(Invocation):
    """A function of an action group with function details."""

    function: str | None = None

    @property
    def name(self) -> str:
        """``group.function``."""
        return f"{self.action_group}.{self.function}"

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From AWS's ``functionInvocationInput``."""
        return cls(**_common(raw), parameters=parameters_of(raw), function=raw.get("function"))


@frozen(kw_only=True)
class ApiInvocation(Invocation):
    """An operation of an action group with an OpenAPI schema."""

    api_path: str | None = None
    http_method: str | None = None
    body_parameters: tuple[Parameter, ...] = ()
    """The members of the request's body."""

    @property
    def name(self) -> str:
        """``group GET /path``."""
        return f"{self.action_group} {self.http_method} {self.api_path}"

    @property
    def arguments(self) -> dict[str, Any]:
        """The parameters and the members of the body by name.

        Raises:
            ParameterError: one does not fit, or two have the same name.
        """
        return arguments((*self.parameters, *self.body_parameters))

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From AWS's ``apiInvocationInput``."""
        contents = raw.get("requestBody", {}).get("content", {}).values()
        return cls(
            **_common(raw),
            parameters=parameters_of(raw),
            api_path=raw.get("apiPath"),
            http_method=raw.get("httpMethod"),
            body_parameters=tuple(each for content in contents for each in parameters_of(content, "properties")),
        )


def _common(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "action_group": raw["actionGroup"],
        "action_invocation_type": raw.get("actionInvocationType", RESULT),
        "agent_id": raw.get("agentId"),
        "collaborator_name": raw.get("collaboratorName"),
        "raw": raw,
    }


@frozen
class UnknownInvocation:
    """Something that an agent asks for and that has no class here."""

    name: str
    """AWS's name of its kind."""
    raw: Mapping[str, Any] = field(factory=dict, eq=False, repr=False)

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Self:
        """From a member of AWS's ``invocationInputs``."""
        name = next(iter(raw), "")
        return cls(raw[name].get("name", name) if name == UNKNOWN_MEMBER else name, raw)

    @property
    def is_lost(self) -> bool:
        """Whether its content is gone, because boto3 parsed it and did not know its kind."""
        return UNKNOWN_MEMBER in self.raw


AnyInvocation: TypeAlias = FunctionInvocation | ApiInvocation | UnknownInvocation


@frozen
class ReturnControl:
    """The agent waits for this program. It goes on when all of ``invocations`` are answered, in one request."""

    invocation_id: str
    invocations: tuple[AnyInvocation, ...]
    raw: Mapping[str, Any] = field(factory=dict, eq=False, repr=False)

    @classmethod
    def from_api(cls, body: Mapping[str, Any], raw: Mapping[str, Any]) -> Self:
        """From AWS's ``returnControl`` event."""
        return cls(body.get("invocationId", ""), tuple(map(_invocation, body.get("invocationInputs", ()))), raw)

    def answered(self, *results: InvocationResult) -> ReturnControlResults:
        """What ``invoke`` takes instead of a text, to let the agent go on.

        Args:
            results: one for each of ``invocations``, in any order.

        Raises:
            ConfigurationError: there are fewer or more.
        """
        if len(results) != len(self.invocations):
            msg = f"the agent waits for {len(self.invocations)} results, one for each of its invocations, not {len(results)}"
            raise ConfigurationError(msg, setting="results")
        return ReturnControlResults(self.invocation_id, results)


def _invocation(raw: Mapping[str, Any]) -> AnyInvocation:
    match raw:
        case {"functionInvocationInput": asked}:
            return FunctionInvocation.from_api(asked)
        case {"apiInvocationInput": asked}:
            return ApiInvocation.from_api(asked)
    return UnknownInvocation.from_api(raw)


@frozen
class InvocationResult:
    """What the agent is told about one of its invocations."""

    invocation: Invocation
    body: str | ImageBlock | None = None
    confirmation_state: str | None = None
    response_state: str | None = None
    http_status_code: int | None = None

    def to_api(self) -> dict[str, Any]:
        """A member of AWS's ``returnControlInvocationResults``."""
        asked = self.invocation
        states = given(
            actionGroup=asked.action_group,
            agentId=asked.agent_id,
            confirmationState=self.confirmation_state,
            responseState=self.response_state,
        )
        if isinstance(asked, ApiInvocation):
            where = given(apiPath=asked.api_path, httpMethod=asked.http_method, httpStatusCode=self.http_status_code)
            return {"apiResult": states | where | given(responseBody=self._body("application/json"))}
        assert isinstance(asked, FunctionInvocation)  # noqa: S101 - there is no third kind
        return {"functionResult": states | given(function=asked.function, responseBody=self._body("TEXT"))}

    def _body(self, content_type: str) -> dict[str, Any] | None:
        if self.body is None:
            return None
        if isinstance(self.body, ImageBlock):
            return {"IMAGES": {"images": [self.body.to_api()["image"]]}}
        return {content_type: {"body": self.body}}  # a plain text too, as in AWS's own example of an API's


@frozen
class ReturnControlResults:
    """The answers to a `ReturnControl`."""

    invocation_id: str
    results: tuple[InvocationResult, ...]

    def to_api(self) -> dict[str, Any]:
        """The two members of AWS's ``sessionState``."""
        return {
            "invocationId": self.invocation_id,
            "returnControlInvocationResults": [result.to_api() for result in self.results],
        }
