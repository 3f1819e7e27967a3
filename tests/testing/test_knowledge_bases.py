import json
from contextlib import closing

import pytest
from botocore.exceptions import ClientError, EventStreamError
from hypothesis import given, settings, strategies as st

from bedrock_auth.testing import (
    Document,
    ExpiredSession,
    LocalBedrock,
    Reply,
    ResumingDatabase,
    StreamException,
    Throttle,
    citation,
)
from bedrock_auth.testing.documents import search
from bedrock_auth.testing.filters import check_filter, passes
from bedrock_auth.testing.verify import Refused

KB = "KB12345678"
SKY = "The sky is blue because of Rayleigh scattering. Air scatters blue light most."
SUNSET = "A sunset is red, as blue light was scattered away on its long way through the air."
BANANA = "Bananas are yellow."
MODEL_ARN = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"
CONFIG = {"type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": {"knowledgeBaseId": KB, "modelArn": MODEL_ARN}}


@pytest.fixture
def client(bedrock, client_for):
    bedrock.add_knowledge_base(
        KB,
        [
            Document(f"{SKY}\n\n{BANANA}", "s3://library/sky.txt", metadata={"year": 2024, "tags": ["air", "light"]}),
            Document(SUNSET, "https://example.com/sunset", metadata={"year": 2020, "public": True}),
        ],
    )
    return client_for(bedrock, service="bedrock-agent-runtime")


def retrieve(client, text, token=None, **how):
    config = {"retrievalConfiguration": {"vectorSearchConfiguration": how}} if how else {}
    more = {} if token is None else {"nextToken": token}
    return client.retrieve(knowledgeBaseId=KB, retrievalQuery={"text": text}, **config, **more)


def texts(answer):
    return [hit["content"]["text"] for hit in answer["retrievalResults"]]


def test_the_passage_that_shares_most_of_the_rare_words_comes_first(client):
    answer = retrieve(client, "Why is the sky blue?")
    assert texts(answer) == [SKY, SUNSET]
    best, second = answer["retrievalResults"]
    assert 1 >= best["score"] > second["score"] > 0
    assert best["location"] == {"type": "S3", "s3Location": {"uri": "s3://library/sky.txt"}}
    assert second["location"] == {"type": "WEB", "webLocation": {"url": "https://example.com/sunset"}}
    assert best["metadata"]["year"] == 2024
    assert best["metadata"]["x-amz-bedrock-kb-source-uri"] == "s3://library/sky.txt"
    assert "nextToken" not in answer


def test_a_rare_word_weighs_more_than_a_frequent_one(bedrock, client):
    bedrock.add_knowledge_base(KB, ["Claims of today.", "Claims of late.", "Claims again.", "A turquoise umbrella."])
    assert texts(retrieve(client, "turquoise claims"))[0] == "A turquoise umbrella."


def test_a_question_that_shares_no_word_finds_nothing(client):
    assert texts(retrieve(client, "Quantum chromodynamics?")) == []
    assert texts(retrieve(client, "Why is it so?")) == []


def test_an_image_is_taken_and_finds_nothing(wire, client):
    body = {"retrievalQuery": {"type": "IMAGE", "image": {"format": "png", "inlineContent": "iVBORw0KGgo="}}}
    status, _, document = wire.send(wire.signed(path=f"/knowledgebases/{KB}/retrieve", body=json.dumps(body).encode()))
    assert (status, document) == (200, {"retrievalResults": []})


def test_each_paragraph_is_a_passage(client):
    assert texts(retrieve(client, "yellow bananas")) == [BANANA]


def test_a_page_has_as_many_results_as_were_asked_for_and_a_token_leads_to_the_next(client):
    first = retrieve(client, "blue light", numberOfResults=1)
    second = retrieve(client, "blue light", first["nextToken"], numberOfResults=1)
    assert sorted(texts(first) + texts(second)) == sorted([SKY, SUNSET])
    assert "nextToken" not in second


@pytest.mark.parametrize("token", ["bm8=", "x", "MTow"])
def test_a_token_of_another_request_is_refused(client, token):
    with pytest.raises(ClientError, match="nextToken"):
        retrieve(client, "blue light", token)
    first = retrieve(client, "blue light", numberOfResults=1)
    with pytest.raises(ClientError, match="nextToken"):
        retrieve(client, "red light", first["nextToken"], numberOfResults=1)


def test_a_filter_a_search_type_and_a_reranking_are_accepted(client):
    newer = {"greaterThan": {"key": "year", "value": 2021}}
    light = {"listContains": {"key": "tags", "value": "light"}}
    assert texts(retrieve(client, "blue light", filter={"andAll": [newer, light]}, overrideSearchType="HYBRID")) == [SKY]
    model = {"modelConfiguration": {"modelArn": MODEL_ARN}, "numberOfRerankedResults": 1}
    reranking = {"type": "BEDROCK_RERANKING_MODEL", "bedrockRerankingConfiguration": model}
    assert len(texts(retrieve(client, "blue light", rerankingConfiguration=reranking))) == 1


def test_a_group_of_fewer_than_two_filters_is_refused_as_aws_refuses_it(bedrock, wire):
    bedrock.add_knowledge_base(KB, [SKY])
    for group in ([], [{"equals": {"key": "a", "value": 1}}]):
        how = {"filter": {"orAll": [{"equals": {"key": "a", "value": 1}}, {"andAll": group}]}}
        body = {"retrievalQuery": {"text": "sky"}, "retrievalConfiguration": {"vectorSearchConfiguration": how}}
        status, code, document = wire.send(wire.signed(path=f"/knowledgebases/{KB}/retrieve", body=json.dumps(body).encode()))
        assert (status, code) == (400, "ValidationException")
        assert "filter.orAll.2.member.andAll' failed" in document["message"]
        assert "length greater than or equal to 2" in document["message"]


def test_an_unknown_knowledge_base_is_not_found(client):
    with pytest.raises(ClientError, match="does not exist") as caught:
        client.retrieve(knowledgeBaseId="KBUNKNOWN1", retrievalQuery={"text": "Hi"})
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_a_knowledge_base_is_found_by_its_arn(wire, client):
    path = f"/knowledgebases/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aknowledge-base%2F{KB}/retrieve"
    status, _, document = wire.send(wire.signed(path=path, body=b'{"retrievalQuery": {"text": "sky"}}'))
    assert status == 200
    assert len(document["retrievalResults"]) == 1


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        (f"/knowledgebases/{KB}/retrieve", {}, "retrievalQuery"),
        (f"/knowledgebases/{KB}/retrieve", {"retrievalQuery": {"text": "x" * 20_001}}, "0 to 20000"),
        (
            f"/knowledgebases/{KB}/retrieve",
            {
                "retrievalQuery": {"text": "x"},
                "retrievalConfiguration": {"vectorSearchConfiguration": {"numberOfResults": 101}},
            },
            "between 1 and 100",
        ),
        ("/retrieveAndGenerate", {"input": {"text": "x" * 1001}, "retrieveAndGenerateConfiguration": CONFIG}, "0 to 1000"),
        ("/retrieveAndGenerateStream", {"input": {"text": "Hi"}}, "retrieveAndGenerateConfiguration"),
        ("/rerank", {"queries": []}, "'queries'"),
    ],
)
def test_limits_of_aws_are_kept(wire, path, body, words):
    status, code, document = wire.send(wire.signed(path=path, body=json.dumps(body).encode()))
    assert (status, code) == (400, "ValidationException")
    assert words in document["message"]


def test_contents_and_locations_of_every_kind_go_through(bedrock, client):
    row = {"type": "ROW", "row": [{"columnName": "colour", "columnValue": "turquoise", "type": "STRING"}]}
    video = {"type": "VIDEO", "video": {"s3Uri": "s3://b/v.mp4", "summary": "A turquoise lagoon"}}
    sql = {"type": "SQL", "sqlLocation": {"query": "SELECT colour FROM seas"}}
    bedrock.add_knowledge_base(KB, [Document(row, sql), Document(video), Document("Turquoise.", "my-id"), "Turquoise too."])
    hits = retrieve(client, "turquoise")["retrievalResults"]
    assert [hit["content"]["type"] for hit in hits] == ["ROW", "VIDEO", "TEXT", "TEXT"]
    assert [hit.get("location", {}).get("type") for hit in hits] == ["SQL", None, "CUSTOM", None]
    assert hits[0]["content"] == row


def test_what_is_no_content_is_refused_when_it_is_given():
    with pytest.raises(TypeError, match="content of a Document"):
        Document(7)


# RetrieveAndGenerate


def generate(client, text, **more):
    return client.retrieve_and_generate(input={"text": text}, retrieveAndGenerateConfiguration=CONFIG, **more)


def cited_text(answer):
    """Each citation's part, cut out of the output by its span, and the passages it refers to."""
    spoken = answer["output"]["text"]
    for one in answer["citations"]:
        part = one["generatedResponsePart"]["textResponsePart"]
        assert spoken[part["span"]["start"] : part["span"]["end"] + 1] == part["text"]
        yield part["text"], [reference["content"]["text"] for reference in one["retrievedReferences"]]


def test_without_a_model_the_best_passages_answer(client):
    answer = generate(client, "Why is the sky blue?")
    assert answer["output"]["text"].startswith("The sky is blue because of Rayleigh scattering. A sunset is red")
    assert list(cited_text(answer)) == [("The sky is blue because of Rayleigh scattering.", [SKY]), (SUNSET, [SUNSET])]


def test_a_model_is_told_what_was_found_and_each_of_its_parts_is_cited_for(bedrock, client):
    bedrock.model = lambda request: ["It scatters blue light. ", f"Not a {len(request.retrieved)}nd banana… ", "Ünrelated."]
    answer = generate(client, "Why is the sky blue?")
    assert [(text, len(sources)) for text, sources in cited_text(answer)] == [
        ("It scatters blue light.", 1),
        ("Not a 2nd banana…", 0),
        ("Ünrelated.", 0),
    ]


def test_where_nothing_is_found_it_says_so_in_the_words_of_aws(client):
    answer = generate(client, "Quantum chromodynamics?")
    assert answer["output"]["text"] == "Sorry, I am unable to assist you with this request."
    assert [sources for _, sources in cited_text(answer)] == [[]]


def test_a_stream_says_the_same_in_pieces_and_each_citation_follows_its_part(client):
    whole = generate(client, "Why is the sky blue?")
    answer = client.retrieve_and_generate_stream(
        input={"text": "Why is the sky blue?"}, retrieveAndGenerateConfiguration=CONFIG, sessionId=whole["sessionId"]
    )
    assert answer["sessionId"] == whole["sessionId"]
    events = list(answer["stream"])
    assert "".join(event["output"]["text"] for event in events if "output" in event) == whole["output"]["text"]
    assert [event["citation"]["citation"] for event in events if "citation" in event] == whole["citations"]
    assert "citation" in events[-1]
    assert [{name: event["citation"][name] for name in whole["citations"][0]} for event in events if "citation" in event] == (
        whole["citations"]
    )


def test_a_guardrail_that_is_asked_for_lets_everything_through(client):
    guardrail = {"guardrailConfiguration": {"guardrailId": "abc", "guardrailVersion": "1"}}
    config = {
        **CONFIG,
        "knowledgeBaseConfiguration": {**CONFIG["knowledgeBaseConfiguration"], "generationConfiguration": guardrail},
    }
    asked = {"input": {"text": "Why is the sky blue?"}, "retrieveAndGenerateConfiguration": config}
    assert client.retrieve_and_generate(**asked)["guardrailAction"] == "NONE"
    first, *_ = client.retrieve_and_generate_stream(**asked)["stream"]
    assert first == {"guardrail": {"action": "NONE"}}


def test_a_session_is_the_services_to_give_and_remembers_its_turns(bedrock, client):
    bedrock.model = lambda request: ", ".join(turn.text for turn in (*request.earlier, request))
    first = generate(client, "one")
    again = generate(client, "two", sessionId=first["sessionId"])
    assert again["sessionId"] == first["sessionId"]
    assert again["output"]["text"] == "one, two"
    assert generate(client, "three")["sessionId"] != first["sessionId"]
    assert [request.session_id for request in bedrock.requests[:2]] == [first["sessionId"]] * 2


def test_a_session_that_was_not_given_or_has_expired_is_refused(bedrock, client):
    with pytest.raises(ClientError, match="Session with Id my-own is not valid"):
        generate(client, "one", sessionId="my-own")
    given_id = generate(client, "one")["sessionId"]
    bedrock.fault(ExpiredSession())
    with pytest.raises(ClientError, match=r"Session with Id .* is not valid"):
        generate(client, "two", sessionId=given_id)
    assert generate(client, "two", sessionId=given_id)["sessionId"] == given_id
    bedrock.expire_sessions()
    with pytest.raises(ClientError, match=f"Session with Id {given_id} is not valid"):
        generate(client, "three", sessionId=given_id)


def test_documents_can_be_sent_along(client):
    source = {"contentType": "text/plain", "identifier": "mine", "data": b"Turquoise is a colour of the sea."}
    external = {"modelArn": MODEL_ARN, "sources": [{"sourceType": "BYTE_CONTENT", "byteContent": source}]}
    config = {"type": "EXTERNAL_SOURCES", "externalSourcesConfiguration": external}
    answer = client.retrieve_and_generate(input={"text": "What is turquoise?"}, retrieveAndGenerateConfiguration=config)
    assert answer["output"]["text"] == "Turquoise is a colour of the sea."
    assert "guardrailAction" not in answer


# faults


def test_a_database_that_wakes_up_fails_once(bedrock, client):
    bedrock.fault(ResumingDatabase())
    with pytest.raises(ClientError, match="resuming after being auto-paused") as caught:
        retrieve(client, "blue")
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert texts(retrieve(client, "blue"))


def test_a_stream_breaks_off_within(bedrock, client):
    bedrock.fault(Throttle(), StreamException("throttlingException", after_events=1))
    asked = {"input": {"text": "Why is the sky blue?"}, "retrieveAndGenerateConfiguration": CONFIG}
    with pytest.raises(ClientError, match="Throttling"):
        client.retrieve_and_generate_stream(**asked)
    with closing(client.retrieve_and_generate_stream(**asked)["stream"]) as stream:
        events = iter(stream)
        assert next(events) == {"output": {"text": "The sky "}}
        with pytest.raises(EventStreamError):
            next(events)


def test_a_reply_may_bring_its_own_fault(bedrock, client):
    bedrock.reply(Reply("Never", fault=Throttle()))
    with pytest.raises(ClientError, match="Throttling"):
        generate(client, "Why?")


# Rerank


def test_reranking_orders_by_the_words_of_the_query(client):
    sources = [{"type": "TEXT", "textDocument": {"text": text}} for text in (SKY, SUNSET)]
    sources.append({"type": "JSON", "jsonDocument": {"colour": "red", "of": "sunset", "long": True}})
    results = client.rerank(
        queries=[{"type": "TEXT", "textQuery": {"text": "the long red sunset"}}],
        sources=[{"type": "INLINE", "inlineDocumentSource": source} for source in sources],
        rerankingConfiguration={
            "type": "BEDROCK_RERANKING_MODEL",
            "bedrockRerankingConfiguration": {"modelConfiguration": {"modelArn": MODEL_ARN}, "numberOfResults": 2},
        },
    )["results"]
    assert [result["index"] for result in results] == [1, 2]
    assert results[0]["relevanceScore"] == pytest.approx(1)


# an agent over a knowledge base


def test_an_agent_can_answer_from_a_knowledge_base(bedrock, client):
    def agent(request):
        hit = bedrock.search(KB, request.text, 1)[0]
        return {"chunk": {"bytes": SKY.encode(), "attribution": {"citations": [citation(SKY, hit)]}}}

    bedrock.agent = agent
    answer = client.invoke_agent(agentId="A1", agentAliasId="B1", sessionId="s1", inputText="Why is the sky blue?")
    (event,) = answer["completion"]
    assert event["chunk"]["attribution"]["citations"][0]["retrievedReferences"][0]["content"]["text"] == SKY


def test_an_agent_over_a_knowledge_base_that_is_missing_fails_as_aws_does(bedrock, client):
    bedrock.agent = lambda request: bedrock.search("KBUNKNOWN1", request.text)
    with pytest.raises(ClientError, match="does not exist"):
        client.invoke_agent(agentId="A1", agentAliasId="B1", sessionId="s1", inputText="Hi")


# filters

METADATA = {"year": 2024, "lang": "en", "public": True, "tags": ["air", "light"], "score": 0.5}


@pytest.mark.parametrize(
    ("operator", "key", "value", "expected"),
    [
        ("equals", "lang", "en", True), ("equals", "lang", "EN", False), ("equals", "public", True, True),
        ("equals", "public", 1, False), ("equals", "year", 2024.0, True), ("equals", "none", None, False),
        ("notEquals", "lang", "de", True), ("notEquals", "lang", "en", False), ("notEquals", "none", "x", True),
        ("greaterThan", "year", 2023, True), ("greaterThan", "year", 2024, False), ("greaterThan", "lang", "a", False),
        ("greaterThanOrEquals", "year", 2024, True), ("lessThan", "score", 0.6, True), ("lessThan", "year", 2024, False),
        ("lessThanOrEquals", "year", 2024, True), ("lessThan", "public", 2, False),
        ("in", "lang", ["de", "en"], True), ("in", "lang", ["de"], False), ("in", "none", ["x"], False),
        ("notIn", "lang", ["de"], True), ("notIn", "lang", ["en"], False), ("notIn", "none", ["x"], False),
        ("startsWith", "lang", "e", True), ("startsWith", "lang", "n", False), ("startsWith", "year", "2", False),
        ("stringContains", "lang", "n", True), ("stringContains", "tags", "igh", True), ("stringContains", "year", "2", False),
        ("listContains", "tags", "air", True), ("listContains", "tags", "ai", False), ("listContains", "lang", "en", False),
    ],
)  # fmt: skip
def test_each_comparison_is_that_of_aws(operator, key, value, expected):
    condition = {operator: {"key": key, "value": value}}
    check_filter(condition, "filter")
    assert passes(METADATA, condition) is expected


@pytest.mark.parametrize(
    "condition",
    [
        {}, [], None, {"equals": {"key": "a", "value": 1}, "in": {"key": "a", "value": [1]}}, {"like": {"key": "a", "value": 1}},
        {"equals": {"key": "a"}}, {"equals": {"value": 1}}, {"equals": []}, {"in": {"key": "a", "value": "text"}}, {"andAll": {}},
        {"orAll": [{"equals": {"key": "a", "value": 1}}, {}]},
    ],
)  # fmt: skip
def test_what_is_no_filter_is_refused(condition):
    with pytest.raises(Refused, match="failed to satisfy constraint"):
        check_filter(condition, "filter")


LEAVES = st.sampled_from(
    [
        {"equals": {"key": "lang", "value": "en"}},
        {"equals": {"key": "lang", "value": "de"}},
        {"notIn": {"key": "tags", "value": []}},
        {"lessThan": {"key": "year", "value": 2000}},
    ]
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        lambda name, parts: {name: parts}, st.sampled_from(["andAll", "orAll"]), st.lists(inner, min_size=2, max_size=3)
    ),
)


@settings(max_examples=50, deadline=None)
@given(FILTERS, FILTERS)
def test_groups_are_the_and_and_the_or_of_their_members(one, other):
    check_filter({"andAll": [one, other]}, "filter")
    first, second = passes(METADATA, one), passes(METADATA, other)
    assert passes(METADATA, {"andAll": [one, other]}) == (first and second)
    assert passes(METADATA, {"orAll": [one, other]}) == (first or second)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=40), max_size=5), st.text(max_size=20))
def test_whatever_is_asked_of_whatever_text_scores_are_between_0_and_1_and_fall(texts, question):
    rated = [hit["score"] for hit in search([Document(text) for text in texts], question)]
    assert rated == sorted(rated, reverse=True)
    assert all(0 < score <= 1 for score in rated)


def test_a_knowledge_base_given_again_has_other_documents(client_for):
    with LocalBedrock() as bedrock:
        bedrock.add_knowledge_base(KB, [SKY])
        bedrock.add_knowledge_base(KB, [BANANA])
        client = client_for(bedrock, service="bedrock-agent-runtime")
        assert texts(retrieve(client, "blue sky and yellow bananas")) == [BANANA]
