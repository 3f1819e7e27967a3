"""Questions over hits: what is sent, what is cited, what is kept, on the wire."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from functools import partial

import pytest
from attrs import frozen
from hypothesis import HealthCheck, given, settings, strategies as st

from bedrock_auth import ConfigurationError
from bedrock_auth.bedrock import (
    CachePoint,
    GuardBlock,
    ImageBlock,
    IncompleteStreamError,
    Message,
    MessageStop,
    Metadata,
    ReasoningBlock,
    ServiceError,
    TextDelta,
)
from bedrock_auth.bedrock.conversation import Conversation
from bedrock_auth.bedrock.converse.request import Guardrail
from bedrock_auth.bedrock.errors import GuardrailIntervenedError
from bedrock_auth.bedrock.knowledge_base import KnowledgeBase
from bedrock_auth.bedrock.prompts.guardrail_check import GuardrailCheck
from bedrock_auth.bedrock.prompts.untrusted import TextRules, UntrustedInputError
from bedrock_auth.bedrock.rag import RagChat
from bedrock_auth.bedrock.rag_chat.events import HitCitation, UnmatchedMarker
from bedrock_auth.bedrock.rag_chat.turn import INSTRUCTIONS, RagSettings
from bedrock_auth.testing import Document, GuardrailReply, LocalBedrock, RawEvents, Reply, Throttle, Truncate, reasoning, text

MODEL = "us.amazon.nova-lite-v1:0"


@frozen
class Found:
    text: str | None


class Shelf:
    """Finds the same for every question."""

    def __init__(self, *texts):
        self.texts = texts
        self.asked = []
        self.threads = []

    def retrieve(self, text):
        self.asked.append(text)
        self.threads.append(threading.current_thread())
        return [Found(each) for each in self.texts]


SKY = Shelf("Blue light is scattered most.", "At sunset the way is longer.")


@pytest.fixture
def shelf():
    return Shelf(*SKY.texts)


@pytest.fixture
def chat(runtime, shelf):
    return RagChat(runtime, shelf, MODEL)


def last_user_text(bedrock):
    return "\n".join(block["text"] for block in bedrock.requests[-1].messages[-1]["content"])


# what is sent


def test_hits_and_question_are_in_the_users_turn_and_instructions_in_the_system_prompt(bedrock, chat):
    bedrock.reply("Scattering [1].")
    chat.ask("Why is the sky blue?")
    body = bedrock.requests[-1].body
    assert body["system"][0] == {"text": INSTRUCTIONS}
    assert len(body["system"]) == 3
    system = json.dumps(body["system"])
    assert "scattered" not in system
    assert "Why is" not in system
    documents, question = (block["text"] for block in body["messages"][-1]["content"])
    assert (
        documents.index('number="1"') < documents.index("scattered") < documents.index('number="2"') < documents.index("sunset")
    )
    assert "Why is the sky blue?" in question


def test_the_search_is_for_the_question_as_the_model_sees_it(chat, shelf):
    chat.ask("Why\u200b is\r\nit?")
    assert shelf.asked == ["Why is\nit?"]


def test_what_was_found_is_in_the_current_turn_only_and_the_history_as_it_was_said(bedrock, chat):
    bedrock.reply([reasoning("Hm."), text("Scattering [1].")], "Longer way [2].")
    chat.ask("Why is the sky <blue>?")
    chat.ask("And at sunset?")
    first, answer, last = bedrock.requests[-1].messages
    assert "scattered" not in json.dumps([first, answer])
    assert "scattered" in json.dumps(last)
    assert "Why is the sky &lt;blue&gt;?" in first["content"][0]["text"]
    kept = chat.conversation.messages
    assert [message.text for message in kept] == [
        "Why is the sky <blue>?",
        "Scattering [1].",
        "And at sunset?",
        "Longer way [2].",
    ]
    assert isinstance(kept[1].content[0], ReasoningBlock)
    assert answer == kept[1].to_api()


def test_fences_are_new_in_every_request(bedrock, chat):
    chat.ask("One?")
    chat.ask("One?")
    one, two = (request.body["system"][-1]["text"] for request in bedrock.requests[-2:])
    assert one != two


def test_the_model_is_shown_the_newest_turns_and_all_are_kept(bedrock, runtime):
    chat = RagChat(runtime, SKY, MODEL, settings=RagSettings(max_turns=2))
    for number in range(5):
        chat.ask(f"Question {number}?")
    assert len(bedrock.requests[-1].messages) == 5
    assert chat.conversation.turns == 5


def test_hits_without_text_are_left_out_and_long_ones_cut_visibly(bedrock, runtime):
    rules = RagSettings(document_rules=TextRules(10, too_long="cut"))
    chat = RagChat(runtime, Shelf("", None, " \n", "\u200b", "x" * 25), MODEL, settings=rules)
    bedrock.reply("Eks [1].")
    response = chat.ask("What?")
    assert [hit.text for hit in response.hits] == ["x" * 25]
    assert "xxxxxxxxxx\n[15 characters left out]" in last_user_text(bedrock)


@pytest.mark.parametrize("question", ["", " \n\u200b", None, "x" * 11])
def test_a_question_that_is_not_accepted_asks_nobody(bedrock, runtime, question):
    shelf = Shelf("a")
    chat = RagChat(runtime, shelf, MODEL, settings=RagSettings(question_rules=TextRules(10)))
    for ask in (chat.ask, chat.stream, chat.astream):
        with pytest.raises(UntrustedInputError, match="question"):
            ask(question)
    assert (shelf.asked, bedrock.requests) == ([], [])


@pytest.mark.parametrize("option", ["system", "tools", "tool_choice", "toolConfig", "messages", "modelId", "model_id"])
def test_options_that_have_no_place_are_refused(chat, option):
    with pytest.raises(ConfigurationError, match=f"^{option} has no place"):
        chat.ask("Why?", **{option: []})


@pytest.mark.parametrize("blocks", [[{"text": "Short."}, CachePoint()], ("Short.",), "Short."])
def test_instructions_are_the_same_in_all_turns_also_where_they_can_be_read_once_only(bedrock, runtime, blocks):
    rules = RagSettings(instructions=blocks if isinstance(blocks, str) else (block for block in blocks))
    chat = RagChat(runtime, SKY, MODEL, settings=rules)
    for _ in range(2):
        chat.ask("Why?")
        assert bedrock.requests[-1].body["system"][0] == {"text": "Short."}
        assert len(bedrock.requests[-1].body["system"]) == (4 if isinstance(blocks, list) else 3)


def test_other_options_go_through(bedrock, chat):
    chat.ask("Why?", max_tokens=7, guardrail=Guardrail("g1", "1"))
    assert bedrock.requests[-1].body["inferenceConfig"] == {"maxTokens": 7}
    assert bedrock.requests[-1].body["guardrailConfig"]["guardrailIdentifier"] == "g1"


def test_a_conversation_goes_on(bedrock, runtime):
    before = Conversation([Message("user", "Hi"), Message("assistant", "Hello")])
    chat = RagChat(runtime, SKY, MODEL, conversation=before)
    chat.ask("Why?")
    assert len(bedrock.requests[-1].messages) == 3
    assert chat.conversation is before
    assert before.turns == 2


@pytest.mark.parametrize("block", [ImageBlock("png", b"x"), GuardBlock("x")])
def test_a_conversation_in_which_the_user_has_shown_more_than_texts_is_refused(bedrock, runtime, block):
    before = Conversation([Message("user", ["Hi", block]), Message("assistant", "Hello")])
    shelf = Shelf("a")
    with pytest.raises(ConfigurationError, match=f"{type(block).__name__}, and only texts") as caught:
        RagChat(runtime, shelf, MODEL, conversation=before).ask("Why?")
    assert caught.value.setting == "conversation"
    assert (shelf.asked, bedrock.requests) == ([], [])


# who searches


def say_first_line(request):
    """A model that repeats the first document."""
    if match := re.search(r"<document-\w+ number=\"1\">\n(.*)", request.text):
        return f"{match[1]} [1]"
    return "I do not know."


def test_a_knowledge_base_is_searched_and_its_hits_are_cited(bedrock, session, runtime):
    bedrock.add_knowledge_base(
        "KB12345678", [Document("The warranty lasts two years.", "s3://b/warranty.md"), "Our cat is grey."]
    )
    bedrock.model = say_first_line
    knowledge_base = KnowledgeBase(session, knowledge_base_id="KB12345678")
    response = RagChat(runtime, knowledge_base, MODEL).ask("How long is the warranty?")
    assert response.text == "The warranty lasts two years. [1]"
    assert response.citations[0].hits[0].uri == "s3://b/warranty.md"

    async def main():
        async with RagChat(runtime, knowledge_base, MODEL).astream("What colour is the cat?") as stream:
            return await stream.get_response()

    assert asyncio.run(main()).cited_hits[0].text == "Our cat is grey."


def test_a_function_may_search_with_options_of_its_own(bedrock, session, runtime):
    bedrock.add_knowledge_base("KB12345678", [f"Cat number {number}." for number in range(9)])
    search = partial(KnowledgeBase(session, knowledge_base_id="KB12345678").retrieve, top_k=3)
    chat = RagChat(runtime, search, MODEL)
    assert len(chat.ask("Which cat?").hits) == len(asyncio.run(chat.aask("Which cat?")).hits) == 3


# what is cited


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_markers_become_citations_with_their_hits_however_they_are_cut(bedrock, chat, size):
    bedrock.reply(Reply("Blue [1], longer [2, 1]; odd [3] and [2, 9].", chunk_size=size))
    with chat.stream("Why?") as stream:
        events = list(stream)
    citations = [event for event in events if isinstance(event, HitCitation)]
    assert [(each.marker, each.numbers, each.start) for each in citations] == [
        ("[1]", (1,), 5),
        ("[2, 1]", (2, 1), 17),
        ("[2, 9]", (2,), 37),
    ]
    assert [hit.text for hit in citations[1].hits] == [SKY.texts[1], SKY.texts[0]]
    unmatched = [event for event in events if isinstance(event, UnmatchedMarker)]
    assert [(each.marker, each.numbers, each.start) for each in unmatched] == [("[3]", (3,), 29), ("[2, 9]", (9,), 37)]
    assert "[3]" in "".join(event.text for event in events if isinstance(event, TextDelta))
    assert stream.response.citations == tuple(citations)
    assert stream.response.unmatched == tuple(unmatched)
    assert [hit.text for hit in stream.response.cited_hits] == list(SKY.texts)


def test_the_text_is_what_the_model_wrote_and_markers_stand_where_they_say(bedrock, chat):
    said = "Blue [1]. [4] See a[2] and [2"
    bedrock.reply(Reply(said, chunk_size=2), Reply(said))
    stream = chat.stream("Why?")
    assert "".join(stream.text_stream) == stream.response.text == said
    for found in (*stream.response.citations, *stream.response.unmatched):
        assert said[found.start :].startswith(found.marker)
    whole = chat.ask("Why?")
    assert (whole.text, whole.citations, whole.unmatched) == (said, stream.response.citations, stream.response.unmatched)


@pytest.mark.parametrize("marker", ["[0]", "[3]", "[9999]", "[12345]", "[1-2]", "[1;2]", "[1–2]", "[1 2]"])
def test_a_number_without_a_hit_is_never_cited(bedrock, chat, marker):
    bedrock.reply(f"Blue {marker}.")
    response = chat.ask("Why?")
    assert (response.citations, [found.marker for found in response.unmatched]) == ((), [marker])


def test_blocks_that_come_interleaved_do_not_lend_each_other_brackets(bedrock, chat):
    def delta(index, said):
        return "contentBlockDelta", {"contentBlockIndex": index, "delta": {"text": said}}

    ends = [("contentBlockStop", {"contentBlockIndex": 1}), ("messageStop", {"stopReason": "end_turn"})]
    bedrock.reply(
        RawEvents([("messageStart", {"role": "assistant"}), delta(0, "a ["), delta(1, "b ["), delta(0, "1] c["), *ends])
    )
    events = list(chat.stream("Why?"))
    assert [(each.index, each.marker) for each in events if isinstance(each, HitCitation)] == [(0, "[1]")]
    assert [(each.index, each.text) for each in events if isinstance(each, TextDelta)] == [
        (0, "a "), (1, "b "), (0, " c"), (1, "["), (0, "["),
    ]  # fmt: skip
    assert isinstance(events[-1], MessageStop)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.text(alphabet="[]123, -;ab", min_size=1, max_size=30).filter(str.strip), size=st.integers(1, 5))
def test_streamed_and_whole_answers_have_the_same_citations(bedrock, chat, said, size):
    chat.conversation.messages = ()
    bedrock.reply(Reply(said, chunk_size=size), Reply(said))
    stream = chat.stream("Why?")
    assert "".join(stream.text_stream) == said
    whole = chat.ask("Why?")
    assert (stream.response.citations, stream.response.unmatched) == (whole.citations, whole.unmatched)


# nothing found


def test_without_hits_the_model_is_told_so(bedrock, runtime):
    bedrock.reply("I do not know [1].")
    response = RagChat(runtime, Shelf(), MODEL).ask("Why?")
    assert "found no documents" in bedrock.requests[-1].body["system"][1]["text"]
    assert "document" not in last_user_text(bedrock)
    assert response.unmatched[0].marker == "[1]"


def test_without_hits_a_chosen_text_is_the_answer_and_nobody_is_asked(bedrock, runtime):
    chat = RagChat(runtime, Shelf(), MODEL, settings=RagSettings(no_hits="Nothing found."))
    assert chat.ask("One?").text == "Nothing found."
    with chat.stream("Two?") as stream:
        assert list(stream.text_stream) == ["Nothing found."]

    async def main():
        async with chat.astream("Three?") as stream:
            return [text async for text in stream.text_stream], (await chat_aask()).text

    async def chat_aask():
        return await chat.aask("Four?")

    assert asyncio.run(main()) == (["Nothing found."], "Nothing found.")
    assert bedrock.requests == []
    assert chat.conversation.turns == 4


# what is kept


def test_a_stream_that_is_left_early_keeps_nothing(bedrock, chat):
    bedrock.reply("A long answer [1].")
    with chat.stream("Why?") as stream:
        next(stream)
    assert chat.conversation == Conversation()
    with pytest.raises(IncompleteStreamError, match="closed") as caught:
        _ = stream.response
    assert caught.value.code == "StreamClosed"


@pytest.mark.parametrize("events", [0, 1])
def test_leaving_a_stream_closes_its_connection_also_where_nothing_was_read(connect, events):
    delta = ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Blue"}})
    peer, runtime = connect(("messageStart", {"role": "assistant"}), delta, ends=False)
    chat = RagChat(runtime, SKY, MODEL)
    with chat.stream("Why?") as stream:
        for _ in range(events):
            next(stream)
    assert peer.left.wait(5)
    assert list(stream) == []
    assert chat.conversation == Conversation()


def test_a_stream_that_breaks_keeps_nothing_and_goes_on_failing(bedrock, chat):
    bedrock.fault(Truncate(after_events=3))
    stream = chat.stream("Why?")
    for _ in range(2):
        with pytest.raises(IncompleteStreamError):
            list(stream)
    with pytest.raises(IncompleteStreamError):
        _ = stream.response
    assert chat.conversation == Conversation()


def test_a_call_that_fails_keeps_nothing(bedrock, chat, no_backoff):
    bedrock.fault(Throttle(), times=3)
    with pytest.raises(ServiceError):
        chat.ask("Why?")
    assert chat.conversation == Conversation()


@pytest.mark.parametrize("reason", ["guardrail_intervened", "content_filtered"])
def test_what_a_guardrail_stopped_is_answered_and_not_kept(bedrock, chat, reason):
    bedrock.reply(Reply("I cannot say.", stop_reason=reason))
    assert chat.ask("How do I…?").text == "I cannot say."
    assert chat.conversation == Conversation()


def test_an_answer_that_was_cut_by_max_tokens_is_kept(bedrock, chat):
    bedrock.reply(Reply("Because [1", stop_reason="max_tokens"))
    assert chat.ask("Why?").text == "Because [1"
    assert chat.conversation.turns == 1


@pytest.mark.parametrize("said", [" \n", [reasoning("Hm."), text("")]])
def test_a_blank_answer_does_not_poison_what_comes_later(bedrock, chat, said):
    bedrock.reply(said, "Because.")
    assert not chat.ask("Why?").text.strip()
    chat.ask("And why?")
    sent = bedrock.requests[-1].messages
    assert all(block["text"].strip() for message in sent for block in message["content"] if "text" in block)
    assert chat.conversation.messages[-1].text == "Because."


@pytest.mark.parametrize("wrong", [{"no_hits": " "}, {"no_hits": 1}, {"max_turns": 0}, {"max_characters": "9"}])
def test_a_wrong_setting_is_named(wrong):
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        RagSettings(**wrong)


# asyncio


def test_asyncio_has_the_same_events_answers_and_history(bedrock, runtime):
    said = "Blue [1], odd [7]."

    async def main():
        chat = RagChat(runtime, SKY, MODEL)
        bedrock.reply(Reply(said, chunk_size=2), said, said)
        async with chat.astream("Why?") as stream:
            events = [event async for event in stream]
            response = await stream.get_response()
        async with chat.astream("Why?") as stream:
            shown = [text async for text in stream.text_stream]
        return chat, events, response, shown, await chat.aask("Why?")

    chat, events, response, shown, whole = asyncio.run(main())
    assert response.citations == whole.citations
    assert response.unmatched == whole.unmatched
    assert "".join(shown) == said == whole.text
    assert isinstance(events[-1], Metadata)
    assert [type(event).__name__ for event in events].count("HitCitation") == 1
    assert chat.conversation.turns == 3


def test_in_asyncio_a_plain_retriever_searches_in_a_thread_and_an_asynchronous_one_in_the_loop(runtime):
    class Both(Shelf):
        async def aretrieve(self, text):
            return self.retrieve(text)

    plain, both = Shelf("a"), Both("a")
    for shelf in (plain, both):
        asyncio.run(RagChat(runtime, shelf, MODEL).aask("Why?"))
    assert plain.threads[0] is not threading.main_thread()
    assert both.threads[0] is threading.main_thread()


def test_in_asyncio_what_the_search_raises_is_raised_on_entering(runtime):
    class Broken:
        def retrieve(self, text):
            raise LookupError(text)

    async def main():
        async with RagChat(runtime, Broken(), MODEL).astream("Why?"):
            pass

    with pytest.raises(LookupError, match="Why"):
        asyncio.run(main())


def test_in_asyncio_leaving_early_keeps_nothing(bedrock, chat):
    async def main():
        async with chat.astream("Why?") as stream:
            async for _ in stream:
                break
        with pytest.raises(IncompleteStreamError):
            await stream.get_response()

    asyncio.run(main())
    assert chat.conversation == Conversation()


def test_in_asyncio_a_stream_is_read_in_its_block_and_entered_once(chat):
    async def main():
        stream = chat.astream("Why?")
        for use in (anext, lambda s: s.get_response(), lambda s: anext(s.text_stream), lambda s: s.aclose()):
            with pytest.raises(RuntimeError, match="async with chat.astream"):
                await use(stream)
        with pytest.raises(RuntimeError, match="async with chat.astream"):
            _ = stream.hits
        async with stream:
            assert len(stream.hits) == 2
            await stream.get_response()
        with pytest.raises(RuntimeError, match="entered once"):
            await stream.__aenter__()
        return await stream.get_response()

    assert asyncio.run(main()).text
    assert chat.conversation.turns == 1


# the check of a guardrail


@pytest.fixture
def guardrails(bedrock):
    """Intervenes where a text has a bad word; apart from the model, so that it is seen what the model was asked."""
    with LocalBedrock([bedrock.credentials]) as local:
        bad = GuardrailReply("I cannot say.", assessments=[{"wordPolicy": {"customWords": [], "managedWordLists": []}}])
        local.guardrail = lambda request: bad if "badword" in request.text else None
        yield local


@pytest.fixture
def check(guardrails, session):
    return GuardrailCheck(Guardrail("abc", "3"), client=session.client("bedrock-runtime", endpoint_url=guardrails.endpoint_url))


def test_a_verdict_says_whether_and_what_instead(guardrails, check):
    assert not check.check_input("fine").intervened
    verdict = check.check_input(["fine", "a badword"])
    assert (verdict.intervened, verdict.outputs, verdict.reason) == (True, ("I cannot say.",), "Guardrail blocked.")
    asked = guardrails.requests[-1]
    assert (asked.operation, asked.guardrail_id, asked.guardrail_version) == ("ApplyGuardrail", "abc", "3")
    assert asked.body == {"source": "INPUT", "content": [{"text": {"text": "fine"}}, {"text": {"text": "a badword"}}]}
    assert "badword" not in repr(verdict)


def test_an_answer_is_checked_with_its_grounding(guardrails, check):
    check.check_output("Blue", question="Why?", sources=["Sky"])
    assert guardrails.requests[-1].body["content"] == [
        {"text": {"text": "Sky", "qualifiers": ["grounding_source"]}},
        {"text": {"text": "Why?", "qualifiers": ["query"]}},
        {"text": {"text": "Blue", "qualifiers": ["guard_content"]}},
    ]
    check.check_output("Blue")
    assert guardrails.requests[-1].body == {"source": "OUTPUT", "content": [{"text": {"text": "Blue"}}]}


@pytest.mark.parametrize("shelf", [Shelf("fine"), Shelf("fine", "a badword")])
def test_a_question_or_hit_in_which_the_check_finds_something_never_reaches_the_model(bedrock, runtime, check, shelf):
    chat = RagChat(runtime, shelf, MODEL, check=check)
    question = "Why?" if len(shelf.texts) == 2 else "A badword?"
    with pytest.raises(GuardrailIntervenedError) as caught:
        chat.ask(question)
    assert caught.value.response["assessments"][0].keys() == {"wordPolicy"}
    assert "badword" not in str(caught.value)
    with pytest.raises(GuardrailIntervenedError):
        chat.stream(question)
    with pytest.raises(GuardrailIntervenedError):
        asyncio.run(chat.aask(question))
    assert (bedrock.requests, chat.conversation) == ([], Conversation())


def test_an_answer_in_which_the_check_finds_something_is_not_given_and_not_kept(bedrock, runtime, check):
    chat = RagChat(runtime, SKY, MODEL, check=check)
    bedrock.reply("A badword.")
    with pytest.raises(GuardrailIntervenedError) as caught:
        chat.ask("Why?")
    assert caught.value.partial.text == "A badword."
    stream = chat.stream("Why?")
    for _ in range(2):
        with pytest.raises(GuardrailIntervenedError):
            _ = stream.response

    async def main():
        async with chat.astream("Why?") as stream:
            await stream.get_response()

    with pytest.raises(GuardrailIntervenedError):
        asyncio.run(main())
    assert chat.conversation == Conversation()


def test_a_clean_answer_is_checked_once_before_and_once_after(guardrails, bedrock, runtime, check):
    chat = RagChat(runtime, SKY, MODEL, check=check)
    bedrock.reply("Scattering [1].")
    assert chat.ask("Why?").text == "Scattering [1]."
    assert [asked.body["source"] for asked in guardrails.requests] == ["INPUT", "OUTPUT"]
    assert chat.conversation.turns == 1


def test_a_client_of_another_service_is_refused(session):
    with pytest.raises(ConfigurationError, match="client must be one of bedrock-runtime"):
        GuardrailCheck("abc", client=session.client("sts"))
