"""`Reranking`: have a model put search results in a better order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.bedrock.forms.api_form import given, several
from bedrock_auth.bedrock.retrieval.limits import checked_count, wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def _names(fields: Any) -> tuple[str, ...] | None:
    return None if fields is None else tuple(several(fields))


@frozen
class Reranking:
    """Have a model put the results in a better order.

    Source: AWS's page "Improve the relevance of query responses with a reranker model in Amazon Bedrock".
    """

    model: str
    """ARN of a reranking model, or its id, such as ``cohere.rerank-v3-5:0``, in the region of the client."""
    number_of_results: int | None = None
    """How many results are left, from 1 to 100."""
    include_fields: tuple[str, ...] | None = field(default=None, converter=_names)
    """The attributes that the model reads besides the text; by default none."""
    exclude_fields: tuple[str, ...] | None = field(default=None, converter=_names)
    """The attributes that it does not read; all others then are. An empty one has it read all."""
    additional_model_request_fields: Mapping[str, Any] | None = None
    """JSON: parameters of the model's own."""

    def to_api(self, model_arn: Callable[[str], str]) -> dict[str, Any]:
        """AWS's ``rerankingConfiguration``; ``model_arn`` makes the ARN of an id.

        Raises:
            ConfigurationError: a number is out of range, or fields are both included and excluded.
        """
        model = given(modelArn=model_arn(self.model), additionalModelRequestFields=self.additional_model_request_fields)
        configuration = given(
            modelConfiguration=model,
            numberOfRerankedResults=checked_count("number_of_results", self.number_of_results),
            metadataConfiguration=self._metadata(),
        )
        return {"type": "BEDROCK_RERANKING_MODEL", "bedrockRerankingConfiguration": configuration}

    def _metadata(self) -> dict[str, Any] | None:
        if self.include_fields is not None and self.exclude_fields is not None:
            raise wrong("include_fields", "include_fields and exclude_fields exclude each other; give one of them")
        if self.include_fields:
            return _selected("fieldsToInclude", self.include_fields)
        if self.exclude_fields:
            return _selected("fieldsToExclude", self.exclude_fields)
        return None if self.exclude_fields is None else {"selectionMode": "ALL"}


def _selected(name: str, fields: Iterable[str]) -> dict[str, Any]:
    return {"selectionMode": "SELECTIVE", "selectiveModeConfiguration": {name: [{"fieldName": field} for field in fields]}}
