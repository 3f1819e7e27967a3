"""`ModelRef`: what a model id or ARN says by itself. Pure; nobody is asked, and no model is known here.

The forms are those of ``modelId`` in the Amazon Bedrock API Reference, "Converse", and of the "Service Authorization
Reference" for Amazon Bedrock.
"""

from __future__ import annotations

import re
from typing import Any

from attrs import field, frozen

from bedrock_auth.errors import ConfigurationError

_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):(?:bedrock|sagemaker):(?P<region>[a-z0-9-]*):(?P<account>[a-z0-9]*):(?P<kind>[a-z-]+)/(?P<resource>\S+)"
)
_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.:/-]*")
_CUSTOM = re.compile(r"(?P<base>[^/]+)/[a-z0-9]{12}")
_PROFILE = re.compile(r"(?P<geography>[a-z][a-z0-9-]*)\.(?P<model>[a-z]{2}[a-z0-9]*\.[a-z].*)")
"""A provider is one plain word and a model's name begins with a letter, which tells ``us.meta.llama3`` from ``deepseek.v3.2``."""
_FOUNDATION = re.compile(r"[a-z0-9-]+\..+")


@frozen
class ModelRef:
    """A model, or something that stands for one, as Bedrock's operations take it.

    >>> ref = ModelRef.parse("us.amazon.nova-lite-v1:0")
    >>> ref.kind, ref.geography, ref.provider, ref.model_id
    ('inference-profile', 'us', 'amazon', 'amazon.nova-lite-v1:0')
    """

    text: str
    """The id or ARN as it was given; `str` gives it too."""
    kind: str | None = field(eq=False)
    """AWS's word in ARNs: ``foundation-model``, ``inference-profile``, ``application-inference-profile``, ``provisioned-model``,
    ``custom-model``, ``custom-model-deployment``, ``imported-model``, ``prompt``, ``prompt-router``, ``default-prompt-router``,
    ``endpoint`` of SageMaker, or whatever AWS adds; ``None`` for an id that does not tell."""
    partition: str | None = field(default=None, eq=False)
    """``aws``, ``aws-us-gov``, ``aws-cn`` …; ``None`` for an id, as are region and account."""
    region: str | None = field(default=None, eq=False)
    account: str | None = field(default=None, eq=False)
    """Twelve digits; ``None`` for a foundation model, which nobody owns."""
    resource: str = field(default="", eq=False)
    """What stands after the kind in an ARN; of an id, all of it."""
    model_id: str | None = field(default=None, eq=False)
    """The foundation model behind it; ``None`` where only AWS can tell. Of a custom model, its base model."""
    geography: str | None = field(default=None, eq=False)
    """Where a system-defined inference profile routes to: ``us``, ``eu``, ``apac`` … or ``global``."""

    @classmethod
    def parse(cls, text: str) -> ModelRef:
        """What this id or ARN says.

        Raises:
            ConfigurationError: it is neither.
        """
        if isinstance(text, str) and (arn := _ARN.fullmatch(text)):
            where = {name: arn[name] or None for name in ("partition", "region", "account")}
            return cls(text, arn["kind"], resource=arn["resource"], **where, **_model(arn["kind"], arn["resource"]))
        if isinstance(text, str) and _ID.fullmatch(text) and not text.startswith("arn:"):
            kind = _kind(text)
            return cls(text, kind, resource=text, **_model(kind, text))
        msg = f"{text!r} is neither the id nor the ARN of a model, an inference profile or a prompt of Amazon Bedrock"
        raise ConfigurationError(msg, setting="model_id")

    def __str__(self) -> str:
        return self.text

    @property
    def provider(self) -> str | None:
        """Who made the foundation model, as ids spell it, such as ``amazon``."""
        return self.model_id.partition(".")[0] if self.model_id else None

    @property
    def is_profile(self) -> bool:
        """Whether it is an inference profile of either kind."""
        return self.kind in {"inference-profile", "application-inference-profile"}


def _kind(text: str) -> str | None:
    if _CUSTOM.fullmatch(text):
        return "custom-model"
    if _PROFILE.fullmatch(text):
        return "inference-profile"
    return "foundation-model" if _FOUNDATION.fullmatch(text) else None


def _model(kind: str | None, resource: str) -> dict[str, Any]:
    match kind:
        case "foundation-model":
            return {"model_id": resource}
        case "inference-profile":
            geography, _, model_id = resource.partition(".")
            return {"geography": geography, "model_id": model_id or None}
        case "custom-model" if (custom := _CUSTOM.fullmatch(resource)) and "." in custom["base"]:
            return {"model_id": custom["base"]}
    return {}
