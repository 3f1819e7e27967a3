"""`invoke_model`: what calling a model takes, for each thing that Bedrock accepts as a model id.

Sources: Amazon Bedrock User Guide, "Prerequisites for inference profiles" and "Global cross-Region inference"; Service
Authorization Reference, "Amazon Bedrock". Which regions a profile routes to is AWS's to say: it is given, or read with a client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from bedrock_auth.bedrock.model_ref import ModelRef
from bedrock_auth.errors import ConfigurationError
from bedrock_auth.iam.arns import Arn, Place, model_arn
from bedrock_auth.iam.catalogue import names_profile
from bedrock_auth.iam.guardrails import condition_of, guardrail_arn
from bedrock_auth.iam.values import Condition, Policy, Statement, equals, texts

if TYPE_CHECKING:
    from collections.abc import Iterable

INVOKE, STREAM = "bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"
_PROFILE_KEY, _REGION_KEY = "bedrock:InferenceProfileArn", "aws:RequestedRegion"
_PROFILES = {"inference-profile", "application-inference-profile"}
_OWN = {"application-inference-profile", "provisioned-model", "custom-model-deployment", "imported-model"}
"""What an account makes for itself; only its ARN tells what it is."""


@frozen
class _Target:
    """What is called, and from where."""

    kind: str
    resource: str
    model_id: str | None
    """The foundation model, where the id tells it."""
    place: Place
    is_global: bool

    @property
    def arn(self) -> str:
        if self.kind == "foundation-model":
            return self.place.model(self.resource)
        return self.place.owned(f"{self.kind}/{self.resource}")


def invoke_model(  # noqa: PLR0913 - each is a fact about the call
    model_id: str | ModelRef,
    *,
    region_name: str | None = None,
    account_id: str | None = None,
    destinations: Iterable[str] = (),
    streaming: bool = True,
    guardrail: str | None = None,
    client: Any = None,
) -> Policy:
    """What Converse and InvokeModel take, streamed or not.

    Args:
        model_id: id or ARN of a foundation model or an inference profile; the ARN of an application's inference profile, of
            provisioned throughput, of a custom model's deployment or of an imported model. A ``*`` at the end of an id stands
            for a family, such as ``anthropic.claude-*`` or ``us.anthropic.claude-*``.
        region_name: where it is called from; by default that of the ARN.
        account_id: the caller's, twelve digits; by default that of the ARN. Not needed for a foundation model.
        destinations: for a profile, the regions that it routes to, or the ARNs of its foundation models; not needed for one of
            the whole world.
        streaming: whether answers may be streamed too.
        guardrail: id or ARN of a guardrail without which no call is allowed, with ``:`` and a version if only that one is;
            applying it is allowed as well.
        client: a boto3 client of ``bedrock``, with which a profile's destinations and account are read; not those of a family.

    Raises:
        ConfigurationError: something is missing or contradicts something else; the message names it.
        ClientError: AWS refused to tell of the profile.
    """
    destinations = texts(destinations)
    ref = _parsed(str(model_id))
    if client is not None and not destinations and ref.is_profile and "*" not in ref.text:
        arn, destinations = _read(client, ref.text)
        ref = ModelRef.parse(arn)
    target = _target(ref, region_name, account_id)
    conditions = condition_of(guardrail, target.place) if guardrail else ()
    actions = (INVOKE, STREAM) if streaming else (INVOKE,)
    statements = [Statement(sid, actions, arns, (*own, *conditions)) for sid, arns, own in _granted(target, destinations) if arns]
    if guardrail:
        statements.append(Statement("ApplyGuardrail", "bedrock:ApplyGuardrail", guardrail_arn(guardrail, target.place)))
    return Policy(statements)


def _granted(target: _Target, destinations: tuple[str, ...]) -> list[tuple[str, tuple[str, ...], tuple[Condition, ...]]]:
    """The name, resources and conditions of each statement."""
    if target.kind not in _PROFILES:
        if destinations:
            raise ConfigurationError(
                f"destinations are for inference profiles; {target.resource} is none", setting="destinations"
            )
        return [("InvokeModel", (target.arn,), ())]
    models = _models(target, destinations)
    anywhere = tuple(arn for arn in models if ":bedrock:::" in arn)  # no region: wherever there is room
    here = tuple(arn for arn in models if arn not in anywhere)
    from_here = {_REGION_KEY: target.place.region} if target.is_global or anywhere else {}
    through = {_PROFILE_KEY: target.arn}
    return [
        ("InvokeProfile", (target.arn,), equals(from_here)),
        ("InvokeModelThroughProfile", here, equals(from_here | through)),
        ("InvokeModelAnywhereThroughProfile", anywhere, equals({_REGION_KEY: "unspecified"} | through)),
    ]


def _models(target: _Target, destinations: tuple[str, ...]) -> tuple[str, ...]:
    """The ARNs of the foundation models behind a profile, those of its own region first."""
    here = (target.place.model(target.model_id),) if target.model_id else ()
    anywhere = (model_arn(target.place.partition, "", target.model_id or ""),) if target.is_global else ()
    told = tuple(_told(target, destination) for destination in destinations)
    if not anywhere and not told:
        msg = f"{target.resource} routes to other regions: give destinations, their names or its models' ARNs, or a client to ask"
        raise ConfigurationError(msg, setting="destinations")
    return texts((*here, *told, *anywhere))


def _told(target: _Target, destination: str) -> str:
    """The ARN of the foundation model that a destination means."""
    arn = Arn.parse(destination)
    if arn is None and target.model_id is None:
        msg = f"only AWS can tell which model is behind {target.resource}: give destinations as ARNs, not {destination!r}"
        raise ConfigurationError(msg, setting="destinations")
    made = destination if arn else Place.of(destination).model(target.model_id or "")
    if not made.startswith(f"arn:{target.place.partition}:bedrock:") or "::foundation-model/" not in made:
        msg = f"destinations are regions or ARNs of foundation models in partition {target.place.partition}, not {destination!r}"
        raise ConfigurationError(msg, setting="destinations")
    return made


def _target(ref: ModelRef, region_name: str | None, account_id: str | None) -> _Target:
    if ref.kind not in _PROFILES | _OWN | {"foundation-model"}:
        raise ConfigurationError(f"model_id {ref.text!r} {_WHY_NOT.get(str(ref.kind), _UNTOLD)}", setting="model_id")
    if ref.kind == "foundation-model" and names_profile(ref.resource):
        geography = ref.resource.partition(".")[0]
        msg = f"model_id {ref.text!r} is no foundation model: give a profile's id, or that of a family as {geography}.PROVIDER.*"
        raise ConfigurationError(msg, setting="model_id")
    for name, told, own in (("region_name", region_name, ref.region), ("account_id", account_id, ref.account)):
        if told and own and told != own:
            raise ConfigurationError(f"{name} is {told}, and the ARN {ref.text} says {own}: leave one out", setting=name)
    place = Place.of(region_name or ref.region, account_id or ref.account)
    if ref.partition not in {None, place.partition}:
        msg = f"model_id {ref.text!r} is of partition {ref.partition}, and {place.region} of {place.partition}"
        raise ConfigurationError(msg, setting="model_id")
    return _Target(str(ref.kind), ref.resource, ref.model_id, place, is_global=ref.geography == "global")


_UNTOLD = "does not tell what it is: give its ARN"
_WHY_NOT = {
    "custom-model": "is not called by itself: give the ARN of its deployment or of its provisioned throughput",
    "prompt": "stands for the model that is in it: allow that model, and bedrock:RenderPrompt on the prompt",
    "prompt-router": "routes to several models: allow each of them, and bedrock:InvokeModel on the router",
    "default-prompt-router": "routes to several models: allow each of them, and bedrock:InvokeModel on the router",
    "endpoint": "is an endpoint of SageMaker, which takes permissions of SageMaker",
}


def _parsed(text: str) -> ModelRef:
    """What an id, an ARN or a family's id says."""
    stem, star, rest = text.partition("*")
    if not star:
        return ModelRef.parse(text)
    if rest:
        raise ConfigurationError(f"model_id {text!r}: a family has one *, at its end", setting="model_id")
    ref = ModelRef.parse(f"{stem}x")  # one member of it, whose name ends there
    model_id = ref.model_id and f"{ref.model_id[:-1]}*"
    return evolve(ref, text=text, resource=f"{ref.resource[:-1]}*", model_id=model_id)


def _read(client: Any, profile: str) -> tuple[str, tuple[str, ...]]:
    """The ARN of a profile and those of its models, from AWS."""
    answer = client.get_inference_profile(inferenceProfileIdentifier=profile)
    return answer["inferenceProfileArn"], tuple(model["modelArn"] for model in answer["models"])
