"""`available_models`: which models a region has, and how each of them can be called. Asks AWS; no model is known here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve, field, frozen
from botocore.config import Config

from bedrock_auth.bedrock.errors import AccessDeniedError, Call
from bedrock_auth.bedrock.failures.translate import translate
from bedrock_auth.bedrock.model_ref import ModelRef
from bedrock_auth.bedrock.transport.service import ServiceWrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bedrock_auth.bedrock.retry import RetryListener
    from bedrock_auth.bedrock.transport.clients import MakesClients

T = TypeVar("T")

_READ_TIMEOUT = 60
_PROFILE_TYPES = ("SYSTEM_DEFINED", "APPLICATION")


@frozen
class InferenceProfile:
    """A way to call a model: through a geography, the whole world, or an application's own profile."""

    id: str
    arn: str
    name: str
    type: str
    """``SYSTEM_DEFINED`` or ``APPLICATION``."""
    status: str
    model_arns: tuple[str, ...]
    """The foundation models behind it, one for each region that it routes to."""
    description: str | None = None
    raw: Mapping[str, Any] = field(factory=dict, eq=False, repr=False)

    @property
    def call_as(self) -> str:
        """What to give as model id: its id, or the ARN of an application's profile."""
        return self.arn if self.type == "APPLICATION" else self.id

    @property
    def geography(self) -> str | None:
        """``us``, ``eu``, ``global`` …; ``None`` for an application's profile."""
        return ModelRef.parse(self.arn).geography

    @property
    def model_ids(self) -> tuple[str, ...]:
        """The foundation models behind it, each once."""
        found = (ModelRef.parse(arn).model_id for arn in self.model_arns)
        return tuple(dict.fromkeys(model_id for model_id in found if model_id))

    @property
    def regions(self) -> tuple[str, ...]:
        """Where requests may be served, as far as AWS names regions; a global profile goes anywhere."""
        found = (ModelRef.parse(arn).region for arn in self.model_arns)
        return tuple(dict.fromkeys(region for region in found if region))

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> InferenceProfile:
        """From one of ListInferenceProfiles' summaries, or the response of GetInferenceProfile.

        Raises:
            KeyError, TypeError: it is neither.
        """
        return cls(
            raw["inferenceProfileId"],
            raw["inferenceProfileArn"],
            raw["inferenceProfileName"],
            raw["type"],
            raw["status"],
            tuple(model["modelArn"] for model in raw["models"] if "modelArn" in model),
            raw.get("description"),
            raw,
        )


@frozen
class AvailableModel:
    """A foundation model, and how it can be called from here."""

    id: str
    arn: str
    name: str = ""
    provider: str = ""
    """For people: ``Amazon``, ``Anthropic`` …"""
    input_modalities: tuple[str, ...] = ()
    """``TEXT``, ``IMAGE`` …; empty, as all that follows, for a model that only a profile tells of."""
    output_modalities: tuple[str, ...] = ()
    """``TEXT``, ``IMAGE``, ``EMBEDDING`` …"""
    inference_types: tuple[str, ...] = ()
    """AWS's words: ``ON_DEMAND``, ``PROVISIONED``, ``INFERENCE_PROFILE``."""
    streaming: bool | None = None
    """Whether it can stream; ``None`` where AWS does not say."""
    status: str | None = None
    """Of its life cycle: ``ACTIVE`` or ``LEGACY``."""
    profiles: tuple[InferenceProfile, ...] = ()
    """Those that lead to it, the account's own included."""
    raw: Mapping[str, Any] = field(factory=dict, eq=False, repr=False)

    @property
    def on_demand(self) -> bool:
        """Whether its own id can be called."""
        return "ON_DEMAND" in self.inference_types

    @property
    def call_as(self) -> tuple[str, ...]:
        """All that can be given as model id; empty where it must be provisioned first."""
        return ((self.id,) if self.on_demand else ()) + tuple(profile.call_as for profile in self.profiles)

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> AvailableModel:
        """From one of ListFoundationModels' summaries.

        Raises:
            KeyError, TypeError: it is none.
        """
        return cls(
            raw["modelId"],
            raw["modelArn"],
            raw.get("modelName", ""),
            raw.get("providerName", ""),
            tuple(raw.get("inputModalities", ())),
            tuple(raw.get("outputModalities", ())),
            tuple(raw.get("inferenceTypesSupported", ())),
            raw.get("responseStreamingSupported"),
            raw.get("modelLifecycle", {}).get("status"),
            raw=raw,
        )


class _Catalog(ServiceWrapper):
    """Amazon Bedrock, where it lists models and profiles."""

    _SERVICE = "bedrock"

    def models(self) -> list[AvailableModel]:
        return self._listed("ListFoundationModels", {}, "modelSummaries", AvailableModel.from_api)

    def profiles(self, kind: str) -> list[InferenceProfile]:
        asked = {"typeEquals": kind}
        return self._listed("ListInferenceProfiles", asked, "inferenceProfileSummaries", InferenceProfile.from_api)

    def _listed(self, operation: str, request: dict[str, Any], member: str, make: Callable[[Any], T]) -> list[T]:
        """Everything that a listing lists, page by page."""
        found: list[T] = []
        page: dict[str, Any] = {"nextToken": None}
        while "nextToken" in page:
            more = {"nextToken": page["nextToken"]} if page["nextToken"] else {}
            page = self._asked(operation, request | more)
            try:
                found += map(make, page[member])
            except (AttributeError, KeyError, TypeError) as error:
                raise translate(error, Call(operation)) from error
        return found

    def _asked(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._send(operation, request)
        except AccessDeniedError as error:
            needed = "bedrock:ListFoundationModels and bedrock:ListInferenceProfiles"
            msg = f"{error}; available_models needs {needed} on the resource *"
            raise type(error)(msg, **error.details) from error.__cause__


def available_models(
    session: MakesClients,
    *,
    region_name: str | None = None,
    config: Config | None = None,
    retries: int | None = None,
    listeners: Iterable[RetryListener] = (),
) -> tuple[AvailableModel, ...]:
    """The foundation models of a region, in AWS's order, each with the inference profiles that lead to it.

    AWS lists what the region has, not what the account has subscribed to. It takes three calls or more, of ListFoundationModels
    and ListInferenceProfiles.

    Args:
        session: from `bedrock_auth.create_session`, or any other boto3 session.
        region_name: by default the session's.
        config: a ``botocore.config.Config``; without its ``read_timeout``, an answer may take a minute.
        retries: as `ServiceWrapper` takes it, for each of the calls.
        listeners: as `ServiceWrapper` takes them.

    Raises:
        AccessDeniedError: the identity may not list models or profiles; the message says what to allow.
        BedrockError: a call failed.
        ConfigurationError: there is no region, this is no session, or ``retries`` is no such number.
        CredentialError: there are no credentials to sign with.
    """
    patient = Config(read_timeout=_READ_TIMEOUT).merge(config or Config())
    catalog = _Catalog(session, region_name=region_name, config=patient, retries=retries, listeners=listeners)
    models = catalog.models()
    return _merged(models, [profile for kind in _PROFILE_TYPES for profile in catalog.profiles(kind)])


def _merged(models: Iterable[AvailableModel], profiles: Sequence[InferenceProfile]) -> tuple[AvailableModel, ...]:
    """Each model with its profiles; a model that only a profile tells of comes after the others."""
    leading: dict[str, list[InferenceProfile]] = {}
    for profile in profiles:
        for model_id in profile.model_ids:
            leading.setdefault(model_id, []).append(profile)
    listed = [evolve(model, profiles=tuple(leading.pop(model.id, ()))) for model in models]
    return (*listed, *(_only_in_profiles(model_id, found) for model_id, found in leading.items()))


def _only_in_profiles(model_id: str, profiles: list[InferenceProfile]) -> AvailableModel:
    arns = (arn for profile in profiles for arn in profile.model_arns if ModelRef.parse(arn).model_id == model_id)
    return AvailableModel(model_id, next(arns), profiles=tuple(profiles))
