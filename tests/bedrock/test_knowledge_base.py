"""Retrieve: what is sent, what is checked before, what comes back, page by page, and what is sent again."""

import asyncio
import gc

import pytest
from botocore.config import Config

from bedrock_auth import ConfigurationError, MissingIdentityError, RequestScope, Static, create_session
from bedrock_auth.bedrock.converse.request import Guardrail
from bedrock_auth.bedrock.errors import ConnectionLostError, DecodeError, NotFoundError, UnavailableError
from bedrock_auth.bedrock.knowledge_base import KnowledgeBase
from bedrock_auth.bedrock.retrieval.fields import F
from bedrock_auth.bedrock.retrieval.reranking import Reranking
from bedrock_auth.bedrock.transport.service import ServiceWrapper
from bedrock_auth.testing import Cut, Document, ResumingDatabase, ServiceError as Refusal, Stall, Throttle
from support.shapes import service_model

KB = "KB12345678"
ARN = f"arn:aws:bedrock:us-east-1:123456789012:knowledge-base/{KB}"
SERVICE = "bedrock-agent-runtime"
SKY = Document("The sky is blue because of Rayleigh scattering.", "s3://library/sky.txt", metadata={"year": 2024, "tag": "air"})
SEA = Document("The sea is blue because water absorbs red light.", "https://example.com/sea", metadata={"year": 2020})
INK = Document("Blue ink was made of iron salts.", metadata={"year": 1850})
RERANKER = "cohere.rerank-v3-5:0"
IS_OLD = "managedSearchConfiguration" not in service_model(SERVICE).shape_for("KnowledgeBaseRetrievalConfiguration").members


@pytest.fixture
def library(bedrock):
    bedrock.add_knowledge_base(KB, [SKY, SEA, INK])
    return bedrock


@pytest.fixture
def base(library, session):
    return KnowledgeBase(session, knowledge_base_id=KB, config=Config(read_timeout=1))


def sent(bedrock):
    return bedrock.requests[-1].body


def test_a_search_gives_typed_hits_the_best_ones_first(library, base):
    found = base.retrieve("Why is the sky blue?")
    best = found.hits[0]
    assert best.text == "The sky is blue because of Rayleigh scattering."
    assert (best.location.type, best.uri) == ("S3", "s3://library/sky.txt")
    assert best.metadata["year"] == 2024
    assert best.score > found.hits[1].score
    assert [hit.to_api() for hit in found] == found.raw["retrievalResults"]
    assert len(found) == 3
    assert found.request_id
    assert sent(library) == {"retrievalQuery": {"text": "Why is the sky blue?"}}
    assert library.requests[-1].knowledge_base_id == KB


def test_an_arn_will_do_for_searches_but_not_for_generation(library, session):
    base = KnowledgeBase(session, knowledge_base_id=ARN)
    assert len(base.retrieve("blue")) == 3
    with pytest.raises(ConfigurationError, match=f"knowledge_base_id='{KB}'"):
        base.retrieve_and_generate("blue", "m")


def test_a_filter_lets_through_what_it_says(base):
    assert [hit.uri for hit in base.retrieve("blue", filter=(F.year >= 2024) & F.tag.in_(["air"]))] == ["s3://library/sky.txt"]
    assert [hit.metadata["year"] for hit in base.retrieve("blue ink", filter=~(F.year > 1900))] == [1850]
    assert [hit.uri for hit in base.retrieve("blue", filter={"equals": {"key": "year", "value": 2020}})] == [
        SEA.location["webLocation"]["url"]
    ]


def test_every_option_has_its_place_in_the_request(library, base):
    base.retrieve(
        "blue",
        top_k=7,
        search="hybrid",
        filter=F.year == 2024,
        reranking=Reranking(RERANKER, 3, exclude_fields=["year"], additional_model_request_fields={"a": 1}),
        guardrail=Guardrail("gr1", "2", trace="enabled"),
    )
    assert sent(library)["guardrailConfiguration"] == {"guardrailId": "gr1", "guardrailVersion": "2"}
    assert sent(library)["retrievalConfiguration"] == {
        "vectorSearchConfiguration": {
            "numberOfResults": 7,
            "overrideSearchType": "HYBRID",
            "filter": {"equals": {"key": "year", "value": 2024}},
            "rerankingConfiguration": {
                "type": "BEDROCK_RERANKING_MODEL",
                "bedrockRerankingConfiguration": {
                    "modelConfiguration": {
                        "modelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{RERANKER}",
                        "additionalModelRequestFields": {"a": 1},
                    },
                    "numberOfRerankedResults": 3,
                    "metadataConfiguration": {
                        "selectionMode": "SELECTIVE",
                        "selectiveModeConfiguration": {"fieldsToExclude": [{"fieldName": "year"}]},
                    },
                },
            },
        }
    }


@pytest.mark.parametrize(
    ("reranking", "metadata"),
    [
        (RERANKER, None),
        (f"arn:aws:bedrock:us-east-1::foundation-model/{RERANKER}", None),
        (Reranking(RERANKER, exclude_fields=()), {"selectionMode": "ALL"}),
        (
            Reranking(RERANKER, include_fields="year"),
            {"selectionMode": "SELECTIVE", "selectiveModeConfiguration": {"fieldsToInclude": [{"fieldName": "year"}]}},
        ),
    ],
)
def test_a_reranking_model_is_named_by_id_or_arn(library, base, reranking, metadata):
    base.retrieve("blue", reranking=reranking)
    said = sent(library)["retrievalConfiguration"]["vectorSearchConfiguration"]["rerankingConfiguration"][
        "bedrockRerankingConfiguration"
    ]
    assert said["modelConfiguration"] == {"modelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{RERANKER}"}
    assert said.get("metadataConfiguration") == metadata


def test_what_has_no_name_here_goes_out_under_awss_and_joins_what_has_one(library, base):
    implicit = {
        "modelArn": "arn:aws:bedrock:us-east-1::foundation-model/m",
        "metadataAttributes": [{"key": "year", "type": "NUMBER", "description": "of publication"}],
    }
    base.retrieve(
        "blue", top_k=2, retrievalConfiguration={"vectorSearchConfiguration": {"implicitFilterConfiguration": implicit}}
    )
    search = sent(library)["retrievalConfiguration"]["vectorSearchConfiguration"]
    assert search == {"numberOfResults": 2, "implicitFilterConfiguration": implicit}
    with pytest.raises(ConfigurationError, match="given twice"):
        base.retrieve("blue", top_k=2, retrievalConfiguration={"vectorSearchConfiguration": {"numberOfResults": 3}})


@pytest.mark.skipif(IS_OLD, reason="this botocore does not know managed knowledge bases")
def test_newer_members_of_the_request(library, base):
    base.retrieve("blue", search="managed", top_k=2, user_id="anna")
    assert sent(library)["retrievalConfiguration"] == {"managedSearchConfiguration": {"numberOfResults": 2}}
    assert sent(library)["userContext"] == {"userId": "anna"}
    base.retrieve({"type": "TEXT", "text": "ink"}, search="managed")
    assert sent(library)["retrievalQuery"] == {"type": "TEXT", "text": "ink"}


@pytest.mark.parametrize(
    ("query", "options", "setting"),
    [
        ("x" * 20_001, {}, "text"),
        (" \n", {}, "text"),
        (None, {}, ""),
        ("blue", {"top_k": 0}, "top_k"),
        ("blue", {"top_k": 101}, "top_k"),
        ("blue", {"top_k": True}, "top_k"),
        ("blue", {"top_k": "5"}, "top_k"),
        ("blue", {"search": "HYBRID"}, "search"),
        ("blue", {"search": ["hybrid"]}, "search"),
        ("blue", {"filter": True}, "filter"),
        ("blue", {"filter": F.year}, "filter"),
        ("blue", {"filter": {"andAll": [{"equals": {"key": "a", "value": 1}}]}}, None),
        ("blue", {"reranking": Reranking(RERANKER, 101)}, "number_of_results"),
        ("blue", {"reranking": Reranking(RERANKER, include_fields="a", exclude_fields="b")}, "include_fields"),
        ("blue", {"top_kk": 3}, None),
    ],
)
def test_what_aws_would_refuse_is_not_sent_and_the_message_names_the_setting(library, base, query, options, setting):
    with pytest.raises(ConfigurationError) as caught:
        base.retrieve(query, **options)
    if setting is not None:
        assert caught.value.setting.endswith(setting)
    assert "x" * 50 not in str(caught.value)
    assert library.requests == []


def test_the_longest_query_is_sent(library, base):
    base.retrieve("x" * 20_000, top_k=100)
    assert len(sent(library)["retrievalQuery"]["text"]) == 20_000


@pytest.mark.parametrize(
    "wrong", ["", "KB-1", "KB123456789", None, 3, ARN + "x", "arn:aws:bedrock:us-east-1:1:knowledge-base/KB12345678"]
)
def test_an_id_that_is_none_is_refused(session, wrong):
    with pytest.raises(ConfigurationError) as caught:
        KnowledgeBase(session, knowledge_base_id=wrong)
    assert caught.value.setting == "knowledge_base_id"


def test_a_client_of_the_service_will_do_and_one_of_another_will_not(library, session):
    base = KnowledgeBase(client=session.client(SERVICE), knowledge_base_id=KB)
    assert len(base.retrieve("blue")) == 3
    with pytest.raises(ConfigurationError, match="bedrock-agent-runtime"):
        KnowledgeBase(client=session.client("bedrock-runtime"), knowledge_base_id=KB)
    with pytest.raises(ConfigurationError, match="KnowledgeBase takes a session or a client=, not neither"):
        KnowledgeBase(knowledge_base_id=KB)


def test_a_caller_of_a_scope_signs_until_it_is_closed(library):
    keys = library.credentials
    scope = RequestScope()
    create_session(scope)
    with scope.bind(Static(keys.access_key_id, keys.secret_access_key, keys.session_token)) as caller:
        base = KnowledgeBase(caller, knowledge_base_id=KB)
        assert len(base.retrieve("blue")) == 3
        assert base.retrieve_and_generate("blue", "m").text
    with pytest.raises(MissingIdentityError):
        base.retrieve("blue")
    assert len(library.requests) == 2


def test_a_token_leads_to_the_next_page(library, base):
    first = base.retrieve("blue", top_k=2)
    second = base.retrieve("blue", top_k=2, next_token=first.next_token)
    assert (len(first), len(second), second.next_token) == (2, 1, None)
    assert len({hit.text for hit in (*first, *second)}) == 3


@pytest.mark.parametrize(("max_hits", "hits", "requests"), [(1000, 3, 3), (3, 3, 3), (2, 2, 2), (1, 1, 1)])
def test_all_pages_are_read_but_not_more_than_was_asked_for(library, base, max_hits, hits, requests):
    assert len(list(base.retrieve_all("blue", top_k=1, max_hits=max_hits))) == hits
    assert len(library.requests) == requests


def test_pages_are_asked_for_when_they_are_needed(library, base):
    found = base.retrieve_all("blue", top_k=1)
    assert library.requests == []
    next(found)
    assert len(library.requests) == 1
    with pytest.raises(ConfigurationError, match="max_hits"):
        base.retrieve_all("blue", max_hits=0)


def test_pages_without_hits_that_lead_to_more_of_them_end_some_time(base, monkeypatch):
    pages = []
    monkeypatch.setattr(ServiceWrapper, "_send", lambda *_: pages.append(1) or {"retrievalResults": [], "nextToken": "more"})
    assert list(base.retrieve_all("blue", max_hits=9)) == []
    assert len(pages) == 9


def test_what_the_guardrail_did_is_in_the_answer(base):
    assert base.retrieve("blue", guardrail={"guardrailId": "gr1", "guardrailVersion": "DRAFT"}).guardrail_action == "NONE"
    assert base.retrieve("blue").guardrail_action is None


def test_a_knowledge_base_that_does_not_exist(library, session):
    with pytest.raises(NotFoundError) as caught:
        KnowledgeBase(session, knowledge_base_id="KB00000000").retrieve("blue")
    assert (caught.value.operation, caught.value.status) == ("Retrieve", 404)


def test_an_answer_that_is_none_of_awss_is_a_decode_error(base, monkeypatch):
    monkeypatch.setattr(ServiceWrapper, "_send", lambda *_: {"ResponseMetadata": {"RequestId": "r1"}})
    with pytest.raises(DecodeError) as caught:
        base.retrieve("blue")
    assert (caught.value.code, caught.value.request_id) == ("MalformedResponse", "r1")


def test_a_paused_database_is_waited_for_within_the_budget(library, session, monkeypatch):
    waits, told = [], []
    monkeypatch.setattr(ServiceWrapper._send, "__defaults__", (waits.append,))
    monkeypatch.setattr(KnowledgeBase._retrieve, "__defaults__", (waits.append,))
    base = KnowledgeBase(session, knowledge_base_id=KB, listeners=[told.append])
    library.fault(ResumingDatabase(), times=2)
    assert len(base.retrieve("blue")) == 3
    assert len(waits) == 2
    assert all(15 <= wait <= 20 for wait in waits)
    assert [(event.operation, event.wait) for event in told] == [("Retrieve", wait) for wait in waits]
    library.fault(ResumingDatabase(), times=3)
    with pytest.raises(UnavailableError, match="auto-paused") as caught:
        base.retrieve("blue")
    assert (caught.value.retryable, caught.value.retry_after) == (True, 15)
    assert len(waits) == 4


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("fault", [Throttle(), Refusal("InternalServerException", 500), Stall(0), Cut()])
def test_a_search_is_sent_again_even_where_no_whole_answer_came_in_time(library, session, fault):
    base = KnowledgeBase(session, knowledge_base_id=KB, config=Config(read_timeout=0.3))
    library.fault(fault, times=2)
    assert len(base.retrieve("blue")) == 3
    assert len(library.requests) == 3


@pytest.mark.usefixtures("no_backoff")
def test_the_budget_is_one_layer(library, session):
    library.fault(Stall(0), times=5)
    with pytest.raises(ConnectionLostError):
        KnowledgeBase(session, knowledge_base_id=KB, config=Config(read_timeout=0.2), retries=2).retrieve("blue")
    assert len(library.requests) == 2


def test_searches_may_take_a_minute_and_generations_an_hour(session):
    base = KnowledgeBase(session, knowledge_base_id=KB)
    timeouts = [client().meta.config.read_timeout for client in (base._search_client, base._client, base._stream_client)]
    assert timeouts == [60, 3600, 600]


def test_asyncio_searches_too(library, base):
    async def main():
        page = await base.aretrieve("blue", top_k=2, filter=F.year > 1900)
        return page, [hit async for hit in base.aretrieve_all("blue", top_k=1, max_hits=2)]

    page, hits = asyncio.run(main())
    assert [hit.metadata["year"] for hit in page] == [2024, 2020] or len(page) == 2
    assert len(hits) == 2
    gc.collect()


def test_asyncio_tells_what_is_wrong(base):
    async def main():
        with pytest.raises(ConfigurationError):
            await base.aretrieve("blue", top_k=0)
        with pytest.raises(ConfigurationError):
            await anext(base.aretrieve_all("blue", max_hits=0))

    asyncio.run(main())


def test_what_was_asked_is_in_no_message_and_no_log(library, base, caplog):
    caplog.set_level("DEBUG", "bedrock_auth")
    library.fault(Refusal("ValidationException", 400))
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any
        base.retrieve("a secret question")
    assert "secret" not in f"{caught.value!r} {caplog.text}"
