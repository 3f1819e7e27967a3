"""What the control plane knows: the foundation models and inference profiles that a test says there are."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias

from bedrock_auth.testing.verify import refuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Summary: TypeAlias = dict[str, Any]

_ACCOUNT = "123456789012"
_PAGE = 1000


def foundation_model(model_id: str, *, region_name: str = "us-east-1", **fields: Any) -> Summary:
    """A model as ListFoundationModels returns it: for text, on demand, active.

    Args:
        model_id: such as ``amazon.nova-lite-v1:0``; the part before the first dot is the provider.
        region_name: of its ARN.
        fields: further or other fields under AWS's names, such as ``inferenceTypesSupported``.
    """
    return {
        "modelArn": f"arn:aws:bedrock:{region_name}::foundation-model/{model_id}",
        "modelId": model_id,
        "modelName": model_id,
        "providerName": model_id.partition(".")[0].capitalize(),
        "inputModalities": ["TEXT"],
        "outputModalities": ["TEXT"],
        "responseStreamingSupported": True,
        "customizationsSupported": [],
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": {"status": "ACTIVE"},
    } | fields


def inference_profile(profile_id: str, *, regions: Iterable[str] = ("us-east-1",), **fields: Any) -> Summary:
    """A system-defined profile as GetInferenceProfile and ListInferenceProfiles return it.

    Args:
        profile_id: such as ``us.amazon.nova-lite-v1:0``; the model is what follows the first dot.
        regions: those that it leads to; the first one is that of its ARN.
        fields: further or other fields under AWS's names, such as ``type``.
    """
    places = tuple(regions)
    model_id = profile_id.partition(".")[2]
    return {
        "inferenceProfileId": profile_id,
        "inferenceProfileArn": f"arn:aws:bedrock:{places[0]}:{_ACCOUNT}:inference-profile/{profile_id}",
        "inferenceProfileName": profile_id,
        "models": [{"modelArn": f"arn:aws:bedrock:{place}::foundation-model/{model_id}"} for place in places],
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
    } | fields


_FILTERS = {
    "byProvider": "providerName",
    "byOutputModality": "outputModalities",
    "byInferenceType": "inferenceTypesSupported",
    "byCustomizationType": "customizationsSupported",
}


def _is_wanted(model: Summary, query: Mapping[str, str]) -> bool:
    return all(_has(model[field], query[name]) for name, field in _FILTERS.items() if name in query)


def _has(value: str | list[str], wanted: str) -> bool:
    return wanted in value if isinstance(value, list) else value.lower() == wanted.lower()


def list_models(models: Iterable[Summary], query: Mapping[str, str]) -> dict[str, Any]:
    """What ListFoundationModels answers."""
    return {"modelSummaries": [model for model in models if _is_wanted(model, query)]}


def list_profiles(profiles: Iterable[Summary], query: Mapping[str, str]) -> dict[str, Any]:
    """What ListInferenceProfiles answers, page by page."""
    found = [profile for profile in profiles if query.get("type", profile["type"]) == profile["type"]]
    begin = int(query.get("nextToken", 0))
    end = begin + int(query.get("maxResults", _PAGE))
    more = {"nextToken": str(end)} if end < len(found) else {}
    return {"inferenceProfileSummaries": found[begin:end], **more}


def find_profile(profiles: Iterable[Summary], wanted: str | None) -> Summary:
    """What GetInferenceProfile answers to an id or an ARN.

    Raises:
        Refused: there is no such profile.
    """
    found = [profile for profile in profiles if wanted in {profile["inferenceProfileId"], profile["inferenceProfileArn"]}]
    if not found:
        refuse("ResourceNotFoundException", f"The provided inference profile {wanted} is not found.", HTTPStatus.NOT_FOUND)
    return found[0]
