"""The knowledge bases of LocalBedrock: Retrieve, what RetrieveAndGenerate finds, and Rerank."""

from __future__ import annotations

import base64
import json
from binascii import crc32
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from bedrock_auth.testing.documents import Document, Hit, documents_of, search
from bedrock_auth.testing.filters import check_filter
from bedrock_auth.testing.verify import refuse
from bedrock_auth.testing.words import scores

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bedrock_auth.testing.received import ReceivedRequest

_DEFAULT_RESULTS = 5
_SEARCHES = {"vectorSearchConfiguration", "managedSearchConfiguration"}


class KnowledgeBases:
    """Documents by the id of their knowledge base."""

    def __init__(self) -> None:
        """Begin with none."""
        self._documents: dict[str, tuple[Document, ...]] = {}

    def put(self, knowledge_base_id: str, documents: Iterable[Document | str]) -> None:
        """Make a knowledge base, or give it other documents."""
        self._documents[knowledge_base_id] = documents_of(documents)

    def find(self, knowledge_base_id: str | None) -> tuple[Document, ...]:
        """The documents of a knowledge base, by its id or ARN.

        Raises:
            Refused: there is none.
        """
        found = self._documents.get(str(knowledge_base_id).rpartition("/")[2])
        if found is None:
            message = f"Knowledge Base with id {knowledge_base_id} does not exist"
            refuse("ResourceNotFoundException", message, HTTPStatus.NOT_FOUND)
        return found

    def retrieve(self, received: ReceivedRequest) -> dict[str, Any]:
        """What Retrieve answers, page by page: ``numberOfResults`` are on a page."""
        config = received.body.get("retrievalConfiguration")
        hits, size = _found(self.find(received.knowledge_base_id), received.text, config)
        begin = _begin(received)
        more = {"nextToken": _token(received, begin + size)} if begin + size < len(hits) else {}
        guarded = {"guardrailAction": "NONE"} if "guardrailConfiguration" in received.body else {}
        return {"retrievalResults": hits[begin : begin + size], **more, **guarded}

    def found_for(self, received: ReceivedRequest) -> tuple[Hit, ...]:
        """What RetrieveAndGenerate finds, in a knowledge base or in the documents that are sent along."""
        config = received.body["retrieveAndGenerateConfiguration"]
        if "externalSourcesConfiguration" in config:
            return tuple(search(_sent(config["externalSourcesConfiguration"]["sources"]), received.text)[:_DEFAULT_RESULTS])
        how = config.get("knowledgeBaseConfiguration", {}).get("retrievalConfiguration")
        hits, size = _found(self.find(received.knowledge_base_id), received.text, how)
        return tuple(hits[:size])


def _found(documents: Iterable[Document], question: str, config: Mapping[str, Any] | None) -> tuple[list[Hit], int]:
    """All the hits, and how many of them are wanted at once."""
    asked: dict[str, Any] = {name: value for name, value in (config or {}).items() if name in _SEARCHES}
    name, how = asked.popitem() if asked else ("", {})
    if (condition := how.get("filter")) is not None:
        check_filter(condition, f"retrievalConfiguration.{name}.filter")
    hits = search(documents, question, condition)
    reranked = how.get("rerankingConfiguration", {}).get("bedrockRerankingConfiguration", {}).get("numberOfRerankedResults")
    return hits[:reranked], how.get("numberOfResults", _DEFAULT_RESULTS)


def _sent(sources: Iterable[Mapping[str, Any]]) -> list[Document]:
    contents = [source["byteContent"] for source in sources if "byteContent" in source]
    return [Document(base64.b64decode(content["data"]).decode(errors="replace"), content["identifier"]) for content in contents]


def _mark(received: ReceivedRequest) -> int:
    """What a token belongs to: the knowledge base and everything asked."""
    asked = {name: value for name, value in received.body.items() if name != "nextToken"}
    return crc32(json.dumps([received.knowledge_base_id, asked], sort_keys=True).encode())


def _token(received: ReceivedRequest, begin: int) -> str:
    return base64.urlsafe_b64encode(f"{begin}:{_mark(received)}".encode()).decode()


def _begin(received: ReceivedRequest) -> int:
    token = received.body.get("nextToken")
    if token is None:
        return 0
    try:
        begin, mark = map(int, base64.urlsafe_b64decode(token).decode().split(":"))
    except ValueError:
        begin, mark = 0, -1
    if mark != _mark(received):
        message = "The nextToken is not one that was returned for this request."
        refuse("ValidationException", message, HTTPStatus.BAD_REQUEST)
    return begin


def rerank(received: ReceivedRequest) -> dict[str, Any]:
    """What Rerank answers: the places of the sources that are sent, the best ones first."""
    sources = [source["inlineDocumentSource"] for source in received.body["sources"]]
    rated = scores(received.body["queries"][0]["textQuery"]["text"], [_rerankable(source) for source in sources])
    best = sorted(enumerate(rated), key=lambda pair: -pair[1])
    wanted = received.body["rerankingConfiguration"]["bedrockRerankingConfiguration"].get("numberOfResults")
    return {"results": [{"index": index, "relevanceScore": score} for index, score in best[:wanted]]}


def _rerankable(source: Mapping[str, Any]) -> str:
    return source["textDocument"]["text"] if "textDocument" in source else json.dumps(source["jsonDocument"], ensure_ascii=False)
