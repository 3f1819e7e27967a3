"""Which inference profile a model may be served through, from its id and the region's name alone.

There is no table of models here: the ids are hints, for example ``us.amazon.nova-lite-v1:0``, and nobody has looked whether
they exist. Source: Amazon Bedrock User Guide, "Supported Regions and models for inference profiles".
"""

from __future__ import annotations

from bedrock_auth.bedrock.model_ref import ModelRef
from bedrock_auth.errors import ConfigurationError

_GEOGRAPHIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("us-gov-", ("us-gov",)),
    ("us-", ("us", "global")),
    ("eu-", ("eu", "global")),
    ("ap-northeast-1", ("jp", "apac", "global")),
    ("ap-northeast-3", ("jp", "apac", "global")),
    ("ap-southeast-2", ("au", "apac", "global")),
    ("ap-southeast-4", ("au", "apac", "global")),
    ("ap-", ("apac", "global")),
    ("ca-", ("ca", "us", "global")),
    ("cn-", ()),
    ("eusc-", ()),
    ("", ("global",)),
)
"""The first row whose beginning fits the region's name decides."""
_ANYWHERE = ("us", "eu", "apac", "global")


def inference_profile_hints(model_id: str, region_name: str | None = None) -> tuple[str, ...]:
    """Ids that inference profiles with this model may have, nearest first; none for what is no foundation model's id or ARN.

    Args:
        model_id: id or ARN of a foundation model.
        region_name: where it is called from; by default that of the ARN, and without either the commonest geographies.

    >>> inference_profile_hints("amazon.nova-lite-v1:0", "eu-west-1")
    ('eu.amazon.nova-lite-v1:0', 'global.amazon.nova-lite-v1:0')
    """
    try:
        model = ModelRef.parse(model_id)
    except ConfigurationError:
        return ()
    if model.kind != "foundation-model":
        return ()
    region = region_name or model.region
    return tuple(f"{geography}.{model.model_id}" for geography in (_geographies(region) if region else _ANYWHERE))


def _geographies(region_name: str) -> tuple[str, ...]:
    return next(geographies for start, geographies in _GEOGRAPHIES if region_name.startswith(start))
