"""RetrieveAndGenerate, whole and streamed: citations, completeness, sessions that are lost, and what is never sent again."""

import asyncio
import gc
import logging

import pytest
from botocore.config import Config

from bedrock_auth import ConfigurationError
from bedrock_auth.bedrock.converse.request import Guardrail
from bedrock_auth.bedrock.errors import (
    ConnectionLostError,
    DecodeError,
    IncompleteStreamError,
    ServiceError,
    SessionExpiredError,
    ThrottledError,
    UnavailableError,
)
from bedrock_auth.bedrock.events import UnknownEvent
from bedrock_auth.bedrock.knowledge_base import KnowledgeBase
from bedrock_auth.bedrock.retrieval.fields import F
from bedrock_auth.bedrock.retrieval.generation import Span
from bedrock_auth.bedrock.retrieval.generation_stream import CitationEvent, GuardrailEvent, OutputEvent, RetrieveAndGenerateStream
from bedrock_auth.bedrock.transport.service import ServiceWrapper
from bedrock_auth.testing import (
    CorruptChecksum,
    Cut,
    Document,
    EmptyStream,
    ExpiredSession,
    RawEvents,
    ResumingDatabase,
    ServiceError as Refusal,
    Stall,
    StreamException,
    Throttle,
    Truncate,
)

KB = "KB12345678"
MODEL = "amazon.nova-lite-v1:0"
SKY = Document("The sky is blue because of Rayleigh scattering.", "s3://library/sky.txt", metadata={"year": 2024})
SEA = Document("The sea is blue because water absorbs red light.", "https://example.com/sea", metadata={"year": 2020})
QUESTION = "Why is the sky blue?"
OUTPUT = ("output", {"text": "Because."})


@pytest.fixture
def library(bedrock):
    bedrock.add_knowledge_base(KB, [SKY, SEA])
    return bedrock


@pytest.fixture
def base(library, session):
    return KnowledgeBase(session, knowledge_base_id=KB, config=Config(read_timeout=0.4))


def sent(bedrock):
    return bedrock.requests[-1].body


def session_ids(bedrock):
    return [request.body.get("sessionId") for request in bedrock.requests]


def ask(base, form, **options):
    """The answer, in one of the forms in which it can be asked for."""
    if form == "whole":
        return base.retrieve_and_generate(QUESTION, MODEL, **options)
    with base.retrieve_and_generate_stream(QUESTION, MODEL, **options) as stream:
        return stream.response


@pytest.mark.parametrize("form", ["whole", "streamed"])
def test_an_answer_has_a_text_a_session_and_citations_that_point_at_what_was_found(library, base, form):
    answer = ask(base, form)
    assert answer.text.startswith("The sky is blue because of Rayleigh scattering.")
    assert answer.session_id
    assert answer.request_id
    best = answer.citations[0]
    assert best.text == "The sky is blue because of Rayleigh scattering."
    assert best.span == Span(0, 46)
    assert best.place_in(answer.text) == (0, 47)
    assert (best.references[0].uri, best.references[0].score) == ("s3://library/sky.txt", None)
    assert [hit.uri for hit in answer.references] == ["s3://library/sky.txt", "https://example.com/sea"]
    assert sent(library) == {
        "input": {"text": QUESTION},
        "retrieveAndGenerateConfiguration": {
            "type": "KNOWLEDGE_BASE",
            "knowledgeBaseConfiguration": {"knowledgeBaseId": KB, "modelArn": MODEL},
        },
    }


@pytest.mark.parametrize("form", ["whole", "streamed"])
def test_every_option_has_its_place_in_the_request(library, base, form):
    session = base.retrieve_and_generate(QUESTION, MODEL).session_id
    ask(
        base,
        form,
        session_id=session,
        top_k=2,
        search="semantic",
        filter=F.year > 2000,
        guardrail=Guardrail("gr1"),
        prompt_template="$search_results$",
        max_tokens=100,
        temperature=0.0,
        top_p=0.5,
        stop_sequences="END",
        latency="optimized",
        additional_model_request_fields={"k": 1},
        orchestration={"queryTransformationConfiguration": {"type": "QUERY_DECOMPOSITION"}},
        kms_key_arn="arn:aws:kms:us-east-1:123456789012:key/k",
        retrievalConfiguration={"vectorSearchConfiguration": {"rerankingConfiguration": {"type": "BEDROCK_RERANKING_MODEL"}}},
    )
    assert sent(library) == {
        "input": {"text": QUESTION},
        "sessionId": session,
        "sessionConfiguration": {"kmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k"},
        "retrieveAndGenerateConfiguration": {
            "type": "KNOWLEDGE_BASE",
            "knowledgeBaseConfiguration": {
                "knowledgeBaseId": KB,
                "modelArn": MODEL,
                "retrievalConfiguration": {
                    "vectorSearchConfiguration": {
                        "numberOfResults": 2,
                        "overrideSearchType": "SEMANTIC",
                        "filter": {"greaterThan": {"key": "year", "value": 2000}},
                        "rerankingConfiguration": {"type": "BEDROCK_RERANKING_MODEL"},
                    }
                },
                "generationConfiguration": {
                    "promptTemplate": {"textPromptTemplate": "$search_results$"},
                    "inferenceConfig": {
                        "textInferenceConfig": {"maxTokens": 100, "temperature": 0, "topP": 0.5, "stopSequences": ["END"]}
                    },
                    "guardrailConfiguration": {"guardrailId": "gr1", "guardrailVersion": "DRAFT"},
                    "performanceConfig": {"latency": "optimized"},
                    "additionalModelRequestFields": {"k": 1},
                },
                "orchestrationConfiguration": {"queryTransformationConfiguration": {"type": "QUERY_DECOMPOSITION"}},
            },
        },
    }


@pytest.mark.parametrize(
    ("text", "options", "setting"),
    [
        ("x" * 1001, {}, "text"),
        ("", {}, "text"),
        (None, {}, "text"),
        (QUESTION, {"session_id": "a b"}, "session_id"),
        (QUESTION, {"prompt_template": "x" * 4001}, "prompt_template"),
        (QUESTION, {"top_k": 101}, "top_k"),
        (QUESTION, {"temperature": "hot"}, "temperature"),
        (QUESTION, {"sessionID": "abc"}, None),
    ],
)
def test_what_aws_would_refuse_is_not_sent(library, base, text, options, setting):
    for call in (base.retrieve_and_generate, base.retrieve_and_generate_stream):
        with pytest.raises(ConfigurationError) as caught:
            call(text, MODEL, **options)
        if setting is not None:
            assert caught.value.setting.endswith(setting)
        assert "x" * 50 not in str(caught.value)
    assert library.requests == []


def test_a_stream_yields_typed_events_and_text(library, base):
    library.reply(
        RawEvents(
            [
                ("output", {"text": "The sky "}),
                ("thought", {"text": "hm"}),
                ("output", {"text": "is blue."}),
                ("citation", {"citation": {"retrievedReferences": [{"content": {"text": "blue"}}]}}),
                ("guardrail", {"action": "NONE"}),
            ]
        )
    )
    with base.retrieve_and_generate_stream(QUESTION, MODEL) as stream:
        assert stream.session_id
        events = list(stream)
    assert [type(event) for event in events] == [OutputEvent, UnknownEvent, OutputEvent, CitationEvent, GuardrailEvent]
    assert events[1].raw == {"thought": {"text": "hm"}}
    assert (stream.response.text, stream.response.guardrail_action) == ("The sky is blue.", "NONE")
    assert not stream.response.guardrail_intervened
    assert stream.response.references[0].text == "blue"
    library.reply("one two three")
    with base.retrieve_and_generate_stream(QUESTION, MODEL) as stream:
        assert "".join(stream.text_stream) == "one two three" == stream.response.text


def test_a_guardrail_that_intervened_is_an_answer(library, base):
    library.reply(RawEvents([("guardrail", {"action": "INTERVENED"}), ("guardrail", {"action": "NONE"})]))
    answer = ask(base, "streamed")
    assert (answer.text, answer.guardrail_intervened) == ("", True)


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("events", [[], [("guardrail", {"action": "NONE"})], [("citation", {"retrievedReferences": []})]])
def test_a_stream_that_ends_without_an_answer_is_not_whole(library, base, events):
    library.reply(RawEvents(events))
    with pytest.raises(IncompleteStreamError, match="without an answer") as caught:
        ask(base, "streamed")
    assert (caught.value.code, caught.value.retryable) == ("IncompleteStream", True)
    assert len(library.requests) == (1 if events else 3)


FAULTS = {
    "cut": (Cut(1), ConnectionLostError, "ConnectionClosed"),
    "in the middle of a frame": (Truncate(after_events=1, mid_frame=True), IncompleteStreamError, "IncompleteStream"),
    "damaged": (CorruptChecksum(1), DecodeError, "ChecksumMismatch"),
    "silent": (Stall(1), ConnectionLostError, "ReadTimeout"),
    "throttled": (StreamException("throttlingException", "slow", after_events=1), ThrottledError, "ThrottlingException"),
    "gateway": (StreamException("badGatewayException", "bad", after_events=1), UnavailableError, "BadGatewayException"),
    "unknown": (StreamException("newException", "new", after_events=1), ServiceError, "NewException"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_stream_that_breaks_is_an_error_with_what_had_come_and_is_not_sent_again(library, base, fault):
    broken, error, code = FAULTS[fault]
    library.reply(RawEvents([("output", {"text": "Half an "}), ("output", {"text": "answer"}), ("output", {"text": "."})]))
    library.fault(broken)
    with base.retrieve_and_generate_stream(QUESTION, MODEL) as stream, pytest.raises(error) as caught:
        assert stream.response
    assert (caught.value.code, caught.value.in_stream, caught.value.operation) == (code, True, "RetrieveAndGenerateStream")
    assert caught.value.partial.text == "Half an "
    assert caught.value.partial.session_id == stream.session_id
    assert len(library.requests) == 1


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("fault", [Throttle(), Cut(0), EmptyStream(), CorruptChecksum(0)])
def test_a_stream_that_breaks_before_its_first_event_is_opened_again(library, base, fault):
    library.fault(fault, times=2)
    assert ask(base, "streamed").text
    assert len(library.requests) == 3


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("form", ["whole", "streamed"])
def test_a_generation_that_timed_out_is_not_sent_again(library, base, form):
    library.fault(Stall(0), times=2)
    with pytest.raises(ConnectionLostError) as caught:
        ask(base, form)
    assert caught.value.code == "ReadTimeout"
    assert len(library.requests) == 1


def test_a_stream_that_was_closed_has_no_response(library, base):
    library.reply(RawEvents([OUTPUT] * 500))
    with base.retrieve_and_generate_stream(QUESTION, MODEL) as stream:
        next(stream)
    with pytest.raises(IncompleteStreamError) as caught:
        assert stream.response
    assert caught.value.code == "StreamClosed"
    assert caught.value.partial.text == "Because."


def test_a_paused_database_is_waited_for(library, base, monkeypatch):
    waits = []
    monkeypatch.setattr(KnowledgeBase._generate, "__defaults__", (waits.append,))
    library.fault(ResumingDatabase())
    assert ask(base, "whole").text
    assert [wait >= 15 for wait in waits] == [True]


def test_a_paused_database_is_waited_for_by_a_stream_until_it_is_left(library, session):
    told = []

    def leave(event):
        told.append(event.wait)
        stream.close()

    stream = RetrieveAndGenerateStream()
    base = KnowledgeBase(session, knowledge_base_id=KB, listeners=[leave])
    library.fault(ResumingDatabase(), times=3)
    with pytest.raises(UnavailableError):
        base._open_generation(stream, base._generate_request(MODEL, QUESTION, {}))
    assert [wait >= 15 for wait in told] == [True]


def turns(chat, form, text):
    if form == "whole":
        return chat.send(text)
    if form == "streamed":
        with chat.stream(text) as stream:
            return stream.response
    if form == "async whole":
        return asyncio.run(chat.asend(text))

    async def main():
        async with chat.astream(text) as stream:
            return await stream.get_response()

    return asyncio.run(main())


FORMS = ["whole", "streamed", "async whole", "async streamed"]


@pytest.mark.parametrize("form", FORMS)
def test_a_conversation_keeps_the_session_that_the_service_gives(library, base, form):
    chat = base.conversation(MODEL, top_k=2)
    assert chat.session_id is None
    first = turns(chat, form, QUESTION)
    second = turns(chat, form, "And the sea?")
    assert first.session_id == second.session_id == chat.session_id
    assert session_ids(library) == [None, first.session_id]
    assert chat.restarts == ()
    assert library.requests[-1].earlier[0].text == QUESTION
    gc.collect()


@pytest.mark.parametrize("form", FORMS)
def test_a_session_that_is_over_is_begun_anew_and_that_can_be_seen(library, base, form, caplog):
    told = []
    chat = base.conversation(MODEL, on_restart=told.append)
    old = turns(chat, form, QUESTION).session_id
    library.expire_sessions()
    with caplog.at_level(logging.WARNING, "bedrock_auth"):
        answer = turns(chat, form, "And the sea?")
    assert answer.text
    assert session_ids(library) == [None, old, None]
    assert chat.session_id == answer.session_id != old
    (restart,) = chat.restarts
    assert told == [restart]
    assert (restart.session_id, type(restart.error)) == (old, SessionExpiredError)
    assert "does not know the session" in caplog.text
    assert "sea" not in caplog.text


@pytest.mark.parametrize("form", FORMS)
def test_a_session_that_is_over_is_an_error_where_that_was_chosen(library, base, form):
    chat = base.conversation(MODEL, restart=False)
    old = turns(chat, form, QUESTION).session_id
    library.expire_sessions()
    with pytest.raises(SessionExpiredError):
        turns(chat, form, "And the sea?")
    assert (chat.session_id, chat.restarts, len(library.requests)) == (old, (), 2)


@pytest.mark.parametrize("form", ["streamed", "async streamed"])
def test_a_session_is_begun_anew_also_where_the_stream_says_it_first(library, base, form):
    chat = base.conversation(MODEL)
    old = turns(chat, form, QUESTION).session_id
    library.fault(
        StreamException("validationException", "Session with Id 1 is not valid. Please check and try again.", after_events=0)
    )
    assert turns(chat, form, "And the sea?").text
    assert session_ids(library) == [None, old, None]
    assert [restart.session_id for restart in chat.restarts] == [old]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("when", ["opening", "first event"])
def test_what_on_restart_raises_passes_and_the_conversation_can_go_on(library, base, form, when):
    def refuse(_told):
        raise LookupError

    chat = base.conversation(MODEL, on_restart=refuse)
    old = turns(chat, form, QUESTION).session_id
    refusal = StreamException("validationException", "Session with Id 1 is not valid.", after_events=0)
    library.fault(refusal if when == "first event" and "streamed" in form else ExpiredSession())
    with pytest.raises(LookupError):
        turns(chat, form, "And the sea?")
    assert (chat.session_id, [restart.session_id for restart in chat.restarts]) == (None, [old])
    assert turns(chat, form, "And the sea?").text
    assert session_ids(library) == [None, old, None]


def test_a_stream_ends_with_what_on_restart_raises(library, base):
    def refuse(_told):
        raise LookupError

    chat = base.conversation(MODEL, on_restart=refuse)
    chat.send(QUESTION)
    library.fault(StreamException("validationException", "Session with Id 1 is not valid.", after_events=0))
    stream = chat.stream("And the sea?")
    for _ in range(2):
        with pytest.raises(LookupError):
            next(stream)


def test_a_question_loses_its_session_once_at_most(library, base):
    chat = base.conversation(MODEL)
    old = chat.send(QUESTION).session_id
    library.fault(StreamException("validationException", "Session with Id 1 is not valid.", after_events=0), times=5)
    with pytest.raises(SessionExpiredError):
        turns(chat, "streamed", "And the sea?")
    assert session_ids(library) == [None, old, None]
    assert [restart.session_id for restart in chat.restarts] == [old]


@pytest.mark.usefixtures("no_backoff")
def test_a_stream_that_is_opened_again_for_another_reason_keeps_its_session(library, base):
    chat = base.conversation(MODEL)
    old = chat.send(QUESTION).session_id
    library.fault(EmptyStream(), Throttle())
    assert turns(chat, "streamed", "And the sea?").text
    assert session_ids(library) == [None, old, old, old]
    assert (chat.session_id, chat.restarts) == (old, ())


@pytest.mark.parametrize("form", FORMS)
def test_a_new_session_that_is_refused_is_an_error(library, base, form):
    chat = base.conversation(MODEL, session_id="an-old-one")
    library.fault(ExpiredSession(), times=2)
    with pytest.raises(SessionExpiredError):
        turns(chat, form, QUESTION)
    assert session_ids(library) == ["an-old-one", None]
    assert len(chat.restarts) == 1


def test_without_a_conversation_a_lost_session_is_an_error(library, base):
    with pytest.raises(SessionExpiredError) as caught:
        base.retrieve_and_generate(QUESTION, MODEL, session_id="gone")
    assert caught.value.code == "ValidationException"
    assert len(library.requests) == 1


def test_any_other_refusal_leaves_the_session_as_it_is(library, base):
    chat = base.conversation(MODEL)
    chat.send(QUESTION)
    kept = chat.session_id
    library.fault(Refusal("ValidationException", 400))
    with pytest.raises(ServiceError):
        chat.send("And the sea?")
    assert (chat.session_id, chat.restarts) == (kept, ())


def test_a_question_cannot_have_another_session_than_its_conversation(library, base):
    with pytest.raises(ConfigurationError, match="conversation has its own"):
        base.conversation(MODEL).send(QUESTION, session_id="another")
    assert library.requests == []


def test_a_question_may_have_other_options_than_its_conversation(library, base):
    chat = base.conversation(MODEL, max_tokens=5, temperature=0.5)
    chat.send(QUESTION, max_tokens=7)
    config = sent(library)["retrieveAndGenerateConfiguration"]["knowledgeBaseConfiguration"]["generationConfiguration"]
    assert config["inferenceConfig"]["textInferenceConfig"] == {"maxTokens": 7, "temperature": 0.5}


def test_asyncio_answers_too(library, base):
    async def main():
        whole = await base.aretrieve_and_generate(QUESTION, MODEL)
        async with base.aretrieve_and_generate_stream(QUESTION, MODEL) as stream:
            texts = [text async for text in stream.text_stream]
        return whole, "".join(texts), await stream.get_response()

    whole, text, streamed = asyncio.run(main())
    assert whole.text == text == streamed.text
    assert [hit.uri for hit in streamed.references] == [hit.uri for hit in whole.references]
    gc.collect()


def test_asyncio_tells_what_is_wrong_where_it_is_awaited(library, base):
    async def main():
        with pytest.raises(ConfigurationError):
            await base.aretrieve_and_generate("", MODEL)
        with pytest.raises(ConfigurationError):
            async with base.aretrieve_and_generate_stream("", MODEL):
                pass
        with pytest.raises(ConfigurationError):
            await base.conversation(MODEL).asend("")

    asyncio.run(main())
    assert library.requests == []


def test_an_answer_that_is_none_of_awss_is_a_decode_error(base, monkeypatch):
    monkeypatch.setattr(ServiceWrapper, "_send", lambda *_: {"output": {}})
    with pytest.raises(DecodeError):
        base.retrieve_and_generate(QUESTION, MODEL)
