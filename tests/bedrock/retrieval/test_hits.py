"""Whatever AWS finds becomes a value, and goes back as it came."""

import pickle

import pytest
from hypothesis import given, settings, strategies as st

from bedrock_auth.bedrock.events import UnknownEvent
from bedrock_auth.bedrock.retrieval.generation import RetrievalCitation, Span
from bedrock_auth.bedrock.retrieval.generation_stream import CitationEvent, GuardrailEvent, OutputEvent, decode_generation
from bedrock_auth.bedrock.retrieval.hits import (
    AudioContent,
    Column,
    Hit,
    ImageContent,
    Location,
    RowContent,
    TextContent,
    UnknownContent,
    VideoContent,
)
from bedrock_auth.bedrock.retrieval.response import RetrieveAndGenerateResponse, RetrieveResponse
from support.shapes import service_model, values

EXAMPLES = settings(max_examples=15, deadline=None)


def shape(name):
    return service_model("bedrock-agent-runtime").shape_for(name)


CONTENTS = {
    "TEXT": ({"text": "blue"}, TextContent("blue"), "blue"),
    "IMAGE": ({"byteContent": "data:image/png;base64,aGk="}, ImageContent("data:image/png;base64,aGk="), ""),
    "ROW": (
        {"row": [{"columnName": "n", "columnValue": "1", "type": "LONG"}, {"columnName": "m", "type": "NULL"}]},
        RowContent((Column("n", "1", "LONG"), Column("m", None, "NULL"))),
        "n: 1\nm: ",
    ),
    "AUDIO": ({"audio": {"s3Uri": "s3://b/a", "transcription": "la"}}, AudioContent("s3://b/a", "la"), "la"),
    "VIDEO": ({"video": {"s3Uri": "s3://b/v"}}, VideoContent("s3://b/v"), ""),
    "SMELL": ({"text": "roses"}, UnknownContent("SMELL", {"type": "SMELL", "text": "roses"}), "roses"),
}


@pytest.mark.parametrize("kind", CONTENTS)
def test_every_kind_of_content_is_a_value_with_a_text(kind):
    members, content, text = CONTENTS[kind]
    raw = {"content": {"type": kind, **members}}
    hit = Hit.from_api(raw)
    assert (hit.content, hit.text) == (content, text)
    assert hit.to_api() == raw
    assert content.to_api() == raw["content"]
    assert pickle.loads(pickle.dumps(hit)) == hit


def test_the_kinds_are_those_of_botocore():
    known = shape("RetrievalResultContentType").enum
    assert {*known} <= {*CONTENTS}


def test_text_without_a_type_is_text_as_it_was_before_there_were_types():
    assert Hit.from_api({"content": {"text": "blue"}}).content == TextContent("blue")
    assert Hit.from_api({"content": {"text": "blue"}}).to_api() == {"content": {"text": "blue"}}


@pytest.mark.parametrize("kind", ["TEXT", "IMAGE", "ROW", "AUDIO", "VIDEO"])
def test_content_whose_members_botocore_has_dropped_is_unknown(kind):
    raw = {"content": {"type": kind}}
    assert Hit.from_api(raw).content == UnknownContent(kind, {"type": kind})
    assert Hit.from_api(raw).to_api() == raw


def test_an_image_is_bytes_and_a_media_type():
    image = ImageContent("data:image/png;base64,aGk=")
    assert (image.media_type, image.data) == ("image/png", b"hi")
    assert "aGk" not in repr(image)
    with pytest.raises(ValueError, match="base64"):
        assert ImageContent("data:image/png;base64,!").data


LOCATIONS = {
    "S3": {"s3Location": {"uri": "s3://b/k"}},
    "WEB": {"webLocation": {"url": "https://a"}},
    "CONFLUENCE": {"confluenceLocation": {"url": "https://a"}},
    "SALESFORCE": {"salesforceLocation": {"url": "https://a"}},
    "SHAREPOINT": {"sharePointLocation": {"url": "https://a"}},
    "CUSTOM": {"customDocumentLocation": {"id": "d1"}},
    "KENDRA": {"kendraDocumentLocation": {"uri": "https://a"}},
    "SQL": {"sqlLocation": {"query": "select 1"}},
    "ONEDRIVE": {"oneDriveLocation": {"url": "https://a"}},
    "GOOGLEDRIVE": {"googleDriveLocation": {"url": "https://a"}},
    "DROPBOX": {"dropboxLocation": {"url": "https://a"}},
}


@pytest.mark.parametrize("kind", LOCATIONS)
def test_every_kind_of_location_has_a_type_and_a_uri_also_one_that_is_new(kind):
    raw = {"type": kind, **LOCATIONS[kind]}
    ((_, said),) = LOCATIONS[kind].items()
    location = Location.from_api(raw)
    assert location == Location(kind, *said.values())
    assert location.to_api() == raw
    assert Location(kind, *said.values()).to_api() == raw


def test_the_locations_are_those_of_botocore():
    assert {*shape("RetrievalResultLocationType").enum} <= {*LOCATIONS}
    assert {*shape("RetrievalResultLocation").members} <= {"type", *(name for said in LOCATIONS.values() for name in said)}


def test_a_location_of_which_nothing_came_has_a_type():
    assert Location.from_api({"type": "DROPBOX"}) == Location("DROPBOX", None)


@EXAMPLES
@given(values(shape("KnowledgeBaseRetrievalResult")))
def test_whatever_botocores_model_says_that_is_found_goes_back_unchanged(raw):
    hit = Hit.from_api(raw)
    assert hit.to_api() == raw
    assert isinstance(hit.text, str)
    assert hit.score == raw.get("score")
    assert hit.document_id == raw.get("documentId")


@EXAMPLES
@given(values(shape("RetrieveResponse")))
def test_whatever_botocores_model_says_that_retrieve_answers_is_read(raw):
    page = RetrieveResponse.from_api(raw)
    assert [hit.to_api() for hit in page] == raw["retrievalResults"]
    assert (page.next_token, page.guardrail_action) == (raw.get("nextToken"), raw.get("guardrailAction"))


@EXAMPLES
@given(values(shape("RetrieveAndGenerateResponse")))
def test_whatever_botocores_model_says_that_is_generated_is_read(raw):
    answer = RetrieveAndGenerateResponse.from_api(raw)
    assert (answer.text, answer.session_id) == (raw["output"]["text"], raw["sessionId"])
    assert [citation.to_api() for citation in answer.citations] == raw.get("citations", [])
    cited = [hit for citation in raw.get("citations", []) for hit in citation.get("retrievedReferences", [])]
    assert all(hit.to_api() in cited for hit in answer.references)


MADE = Hit(TextContent("x"), Location("S3", "s3://b/k"), 0.5, {"year": 1}, "d")


def test_a_hit_may_be_made_by_hand():
    assert Hit.from_api(MADE.to_api()) == MADE
    assert Hit(TextContent("x")).to_api() == {"content": {"type": "TEXT", "text": "x"}}


EVENTS = {"output": OutputEvent, "citation": CitationEvent, "guardrail": GuardrailEvent}


@EXAMPLES
@given(st.data())
def test_whatever_botocores_model_says_that_is_streamed_is_typed_and_keeps_its_raw_form(data):
    name = data.draw(st.sampled_from(sorted(EVENTS)))
    body = data.draw(values(shape("RetrieveAndGenerateStreamResponseOutput").members[name]))
    if name == "guardrail":
        body.setdefault("action", "NONE")
    event = decode_generation({name: body})
    assert type(event) is EVENTS[name]
    assert event.raw == {name: body}


def test_an_event_that_is_not_known_is_kept():
    assert decode_generation({"thought": {"text": "hm"}}) == UnknownEvent("thought", {"thought": {"text": "hm"}})
    assert decode_generation({"thought": {"text": "hm"}}).raw == {"thought": {"text": "hm"}}


PART = {
    "generatedResponsePart": {"textResponsePart": {"text": "blue", "span": {"start": 4, "end": 7}}},
    "retrievedReferences": [],
}


@pytest.mark.parametrize("body", [PART, {"citation": PART}, {"citation": PART, **PART}])
def test_a_streamed_citation_is_read_in_the_form_of_old_and_in_the_new_one(body):
    citation = decode_generation({"citation": body}).citation
    assert (citation.text, citation.span) == ("blue", Span(4, 7))


@pytest.mark.parametrize(
    ("answer", "text", "start", "place"),
    [
        ("The blue sky", "blue", 4, (4, 8)),
        ("The blue sky", "blue", 3, (4, 8)),
        ("The blue sky", "blue", 9, (4, 8)),
        ("The blue sky", "red", 4, None),
        ("The blue sky", "", 4, None),
        ("blue, blue and blue", "blue", 6, (6, 10)),
        ("blue, blue and blue", "blue", 7, (6, 10)),
        ("blue, blue and blue", "blue", 99, (15, 19)),
        ("blue and then blue", "blue", 12, (14, 18)),
        ("aaaa", "aa", 1, (1, 3)),
    ],
)
def test_a_cited_part_is_found_in_the_answer_even_where_awss_span_is_off(answer, text, start, place):
    assert RetrievalCitation(text, Span(start, start + 3)).place_in(answer) == place


def test_without_a_span_the_first_place_is_taken():
    assert RetrievalCitation("blue").place_in("so blue, blue") == (3, 7)


@EXAMPLES
@given(st.text("ab", max_size=12), st.text("ab", min_size=1, max_size=3), st.integers(0, 14))
def test_the_place_is_the_nearest_one(answer, text, start):
    place = RetrievalCitation(text, Span(start, None)).place_in(answer)
    all_places = [at for at in range(len(answer)) if answer.startswith(text, at)]
    if not all_places:
        assert place is None
    else:
        assert answer[place[0] : place[1]] == text
        assert abs(place[0] - start) == min(abs(at - start) for at in all_places)
