"""Agents on the wire: what is sent, what comes back, and what is whole."""

import asyncio
import re
import socket
import threading
import uuid

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

from bedrock_auth import ConfigurationError
from bedrock_auth.bedrock import ConnectionLostError, DecodeError, IncompleteStreamError, UnknownEvent
from bedrock_auth.bedrock.agent import BedrockAgent, InlineAgent
from bedrock_auth.bedrock.agents.events import AgentChunk, AgentFiles, AgentTrace, OutputFile
from bedrock_auth.bedrock.agents.response import AgentResponse
from bedrock_auth.bedrock.agents.return_control import ReturnControl
from bedrock_auth.bedrock.converse.response import Usage
from bedrock_auth.bedrock.errors import AccessDeniedError, BedrockError, ThrottledError
from bedrock_auth.bedrock.retrieval.fields import F
from bedrock_auth.testing import (
    AgentReply,
    CorruptChecksum,
    Cut,
    EmptyStream,
    NotAnEventStream,
    RawEvents,
    ServiceError,
    Stall,
    StreamException,
    Throttle,
    Truncate,
    chunk,
    encode_event,
    function_input,
    output_files,
    return_control,
    trace,
)
from support.wire import Body

INSTRUCTION = "You help people with their insurance claims."


@pytest.fixture
def agent(session):
    return BedrockAgent(session, agent_id="AGENT12345", agent_alias_id="ALIAS12345")


@pytest.fixture
def hasty(session):
    return BedrockAgent(session, agent_id="AGENT12345", agent_alias_id="ALIAS12345", config=Config(read_timeout=1))


@pytest.fixture
def inline(session):
    return InlineAgent(session, foundation_model="amazon.nova-lite-v1:0", instruction=INSTRUCTION, idleSessionTTLInSeconds=600)


def test_the_answer_streams_as_text_and_adds_up(bedrock, agent):
    bedrock.agent = ["Three claims – two of them “open”."]
    with agent.invoke("Which claims are open?") as stream:
        texts = list(stream.text_stream)
    assert len(texts) > 1
    assert "".join(texts) == stream.response.text == "Three claims – two of them “open”."
    (request,) = bedrock.requests
    assert (request.operation, request.agent_id, request.agent_alias_id) == ("InvokeAgent", "AGENT12345", "ALIAS12345")
    assert request.body == {
        "inputText": "Which claims are open?",
        "streamingConfigurations": {"streamFinalResponse": True},
    }
    assert request.session_id == stream.session_id == stream.response.session_id
    assert stream.request_id == stream.response.request_id


def test_everything_that_an_agent_sends_is_in_the_response(bedrock, agent):
    usage = {"modelInvocationOutput": {"metadata": {"usage": {"inputTokens": 3, "outputTokens": 4}}}}
    cited = {"generatedResponsePart": {"textResponsePart": {"text": "Hi"}}, "retrievedReferences": []}
    bedrock.agent = [
        [
            trace("preProcessingTrace", usage),
            trace("orchestrationTrace", usage, collaboratorName="billing"),
            trace("guardrailTrace", {"metadata": {"usage": {"inputTokens": 99, "outputTokens": 99}}}),
            output_files(("plot.png", b"\x89PNG", "image/png")),
            chunk("Hi", citations=[cited]),
        ]
    ]
    with agent.invoke("Hi", enable_trace=True) as stream:
        kinds = [type(event) for event in stream]
    response = stream.response
    assert kinds == [AgentTrace, AgentTrace, AgentTrace, AgentFiles, AgentChunk]
    assert [each.kind for each in response.traces] == ["preProcessingTrace", "orchestrationTrace", "guardrailTrace"]
    assert response.traces[0].caller_chain[0].endswith("agent-alias/AGENT12345/ALIAS12345")
    assert response.traces[1].collaborator_name == "billing"
    assert response.usage == Usage(6, 8, 14)
    assert response.files == (OutputFile("plot.png", "image/png", b"\x89PNG"),)
    assert [citation.text for citation in response.citations] == ["Hi"]
    assert stream.response is response


def test_without_traces_nobody_knows_the_tokens(bedrock, agent):
    bedrock.agent = ["Hi"]
    assert agent.invoke("Hi").response.usage is None


def test_what_is_not_known_yet_is_kept_as_it_was_sent(bedrock, agent):
    document = {"light": 1, "at": "2026-01-01T00:00:00Z"}
    new_step = {"trace": {"orchestrationTrace": {"hologram": document}}, "eventTime": "2026-01-01T00:00:00Z"}
    asked = {"invocationId": "i", "invocationInputs": [{"hologramInput": document}]}
    bedrock.agent = [RawEvents([("hologram", document), ("trace", new_step), ("returnControl", asked)])]
    unknown, step, control = agent.invoke("Hi")
    assert unknown == UnknownEvent("hologram")
    assert unknown.raw == {"hologram": document}
    assert (step.kind, step.step, step.content, step.event_time.year) == ("orchestrationTrace", "hologram", document, 2026)
    assert control.invocations[0].raw == {"hologramInput": document}


def test_a_return_of_control_is_an_answer_and_no_error(bedrock, agent):
    bedrock.agent = [return_control(function_input("g", "f", {"n": 3}), invocation_id="i-1"), "Done."]
    first = agent.invoke("Do it").response
    assert first.text == ""
    assert isinstance(first.return_control, ReturnControl)
    (invocation,) = first.return_control.invocations
    assert invocation.arguments == {"n": 3}
    last = agent.invoke(first.return_control.answered(invocation.result("ok")), session_id=first.session_id).response
    assert last.text == "Done."
    assert last.session_id == first.session_id
    assert "inputText" not in bedrock.requests[1].body
    assert bedrock.requests[1].body["sessionState"]["invocationId"] == "i-1"


def test_each_invocation_has_a_session_of_its_own_unless_it_is_told_another(bedrock, agent):
    first, second = (agent.invoke("Hi").response.session_id for _ in range(2))
    assert first != second
    assert uuid.UUID(first)
    agent.invoke("Hi", session_id="user:42_a.b-c").response  # noqa: B018 - reads the stream
    assert bedrock.requests[-1].session_id == "user:42_a.b-c"


def test_a_conversation_keeps_its_session_and_its_options(bedrock, agent):
    chat = agent.conversation(memory_id="user-42")
    other = agent.conversation()
    assert chat.session_id != other.session_id
    chat.invoke("Hi").response  # noqa: B018 - reads the stream
    chat.invoke("Again", enable_trace=True).response  # noqa: B018 - as above
    assert chat.end().session_id == chat.session_id
    first, second, last = bedrock.requests
    assert {request.session_id for request in bedrock.requests} == {chat.session_id}
    assert {request.body["memoryId"] for request in bedrock.requests} == {"user-42"}
    assert "enableTrace" not in first.body
    assert second.body["enableTrace"] is True
    assert last.body["endSession"] is True
    assert agent.conversation(chat.session_id).session_id == chat.session_id


HELD = {
    "session_attributes": {"tenant": "blue"},
    "prompt_session_attributes": {"today": "Monday"},
    "files": {"name": "a.csv"},
}
STATED = {"sessionAttributes": {"tenant": "blue"}, "promptSessionAttributes": {"today": "Monday"}, "files": []}


def states(bedrock):
    """The members of the session's state that each request had."""
    bodies = [request.body for request in bedrock.requests]
    return [sorted(body.get("sessionState", body.get("inlineSessionState", {}))) for body in bodies]


@pytest.mark.parametrize("options", [HELD, {"sessionState": STATED}], ids=["ours", "theirs"])
@pytest.mark.parametrize("how", ["invoke", "ainvoke", "run", "arun"])
def test_what_aws_keeps_goes_out_with_a_conversations_first_turn_only(bedrock, agent, tmp_path, how, options):
    (tmp_path / "a.csv").write_text("a,b")
    chat = agent.conversation(**{**options, **({"files": tmp_path / "a.csv"} if "files" in options else {})})

    async def one(**more):
        if how in {"invoke", "run"}:
            return getattr(chat, how)("Hi", **more).response
        async with getattr(chat, how)("Hi", **more) as stream:
            return await stream.get_response()

    more = {"handlers": []} if "run" in how else {}
    bedrock.fault(ServiceError("ValidationException", 400))
    with pytest.raises(BedrockError):
        asyncio.run(one(**more))
    if how != "invoke":
        getattr(chat, how)("Never sent", **more)
    for _ in range(2):
        asyncio.run(one(**more))
    chat.end()
    everything = ["files", "promptSessionAttributes", "sessionAttributes"]
    rest = ["promptSessionAttributes"]
    assert states(bedrock) == [everything, everything, rest, rest]
    asyncio.run(one(**more, session_attributes={"tenant": "red"}))
    assert bedrock.requests[-1].body["sessionState"]["sessionAttributes"] == {"tenant": "red"}


def test_a_conversation_that_ends_before_it_began_uploads_nothing(bedrock, agent, inline, tmp_path):
    (tmp_path / "a.csv").write_text("a,b")
    agent.conversation(files=tmp_path / "a.csv", session_attributes={"a": "b"}).end()
    asyncio.run(inline.conversation(inlineSessionState={"files": [], "sessionAttributes": {"a": "b"}}).aend())
    assert states(bedrock) == [[], []]


def test_a_conversation_whose_end_failed_has_still_to_say_what_it_holds(bedrock, agent):
    chat = agent.conversation(session_attributes={"a": "b"})
    bedrock.fault(ServiceError("ValidationException", 400))
    with pytest.raises(BedrockError):
        chat.end()
    chat.invoke("Hi").response  # noqa: B018 - reads the stream
    assert states(bedrock) == [[], ["sessionAttributes"]]


def test_conversations_do_not_hold_back_what_others_say(bedrock, agent):
    one, other = (agent.conversation(session_attributes={"n": name}) for name in "ab")
    for chat in (one, other, one, agent.conversation(session_attributes={"n": "c"})):
        chat.invoke("Hi").response  # noqa: B018 - reads the stream
    assert [bool(state) for state in states(bedrock)] == [True, True, False, True]


@pytest.mark.parametrize("bad", ["", "a", "x" * 101, "a b", "a/b", "ä-1", "user@example.com", "a\n", 42])
@pytest.mark.parametrize("setting", ["session_id", "memory_id"])
def test_an_id_that_aws_does_not_take_is_refused_before_anything_is_sent(bedrock, agent, setting, bad):
    with pytest.raises(ConfigurationError, match=f"{setting} has 2 to 100 of the characters") as caught:
        agent.invoke("Hi", **{setting: bad})
    assert caught.value.setting == setting
    assert not str(bad).strip() or "example.com" not in str(caught.value)
    assert bedrock.requests == []


@pytest.mark.parametrize("bad", ["", "AGENT123456", "agent-1", "a b", None])
def test_ids_of_agents_have_letters_and_digits(session, bad):
    with pytest.raises(ConfigurationError, match="agent_id has 1 to 10 letters and digits"):
        BedrockAgent(session, agent_id=bad, agent_alias_id="A")
    with pytest.raises(ConfigurationError, match="agent_alias_id has 1 to 10 letters and digits"):
        BedrockAgent(session, agent_id="A", agent_alias_id=bad)


def test_an_arn_is_refused_with_the_ids_that_are_in_it(session):
    arn = "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:agent-alias/AGENT12345/ALIAS12345"
    told = "InvokeAgent takes no ARN; this one says agent_id='AGENT12345', agent_alias_id='ALIAS12345'"
    with pytest.raises(ConfigurationError, match=re.escape(told)):
        BedrockAgent(session, agent_id="A", agent_alias_id=arn)
    with pytest.raises(ConfigurationError, match=re.escape("this one says agent_id='AGENT12345'")):
        BedrockAgent(session, agent_id="arn:aws:bedrock:us-east-1:123456789012:agent/AGENT12345", agent_alias_id="A")


def test_options_have_aws_form(bedrock, agent):
    agent.invoke(  # noqa: B018 - reads the stream
        "Hi",
        session_attributes={"tenant": "t1"},
        prompt_session_attributes={"today": "Monday"},
        knowledge_bases={"KB1": F.year >= 2024, "KB2": {"equals": {"key": "k", "value": 1}}},
        apply_guardrail_interval=100,
        latency="optimized",
        sessionState={"conversationHistory": {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}},
        promptCreationConfigurations={"previousConversationTurnsToInclude": 2},
    ).response
    body = bedrock.requests[0].body
    configurations = body["sessionState"].pop("knowledgeBaseConfigurations")
    assert [each["knowledgeBaseId"] for each in configurations] == ["KB1", "KB2"]
    assert [each["retrievalConfiguration"] for each in configurations] == [
        {"vectorSearchConfiguration": {"filter": {"greaterThanOrEquals": {"key": "year", "value": 2024}}}},
        {"vectorSearchConfiguration": {"filter": {"equals": {"key": "k", "value": 1}}}},
    ]
    assert body == {
        "inputText": "Hi",
        "sessionState": {
            "sessionAttributes": {"tenant": "t1"},
            "promptSessionAttributes": {"today": "Monday"},
            "conversationHistory": {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]},
        },
        "streamingConfigurations": {"streamFinalResponse": True, "applyGuardrailInterval": 100},
        "bedrockModelConfigurations": {"performanceConfig": {"latency": "optimized"}},
        "promptCreationConfigurations": {"previousConversationTurnsToInclude": 2},
    }


def test_a_whole_retrieval_configuration_may_hold_a_filter_expression(bedrock, agent):
    wanted = {"vectorSearchConfiguration": {"numberOfResults": 3, "filter": (F.year >= 2024) & (F.lang == "en")}}
    agent.invoke("Hi", knowledge_bases={"KB1": wanted}).response  # noqa: B018 - reads the stream
    (sent,) = bedrock.requests[0].body["sessionState"]["knowledgeBaseConfigurations"]
    search = sent["retrievalConfiguration"]["vectorSearchConfiguration"]
    assert (search["numberOfResults"], [*search["filter"]]) == (3, ["andAll"])


@pytest.mark.parametrize(
    "options",
    [{"stream_final_response": False}, {"streamingConfigurations": {"streamFinalResponse": False}}],
    ids=["ours", "theirs"],
)
def test_the_whole_answer_in_one_chunk_can_be_asked_for(bedrock, agent, options):
    bedrock.agent = ["A rather long answer, which would come in several chunks."]
    assert len(list(agent.invoke("Hi", **options))) == 1
    assert bedrock.requests[0].body["streamingConfigurations"] == {"streamFinalResponse": False}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"memory_id": "ab", "memoryId": "ab"}, "memoryId"),
        ({"inputText": "secret"}, "inputText"),
        ({"colour": "red"}, "colour"),
        ({"said": {"text": "secret"}}, "inputText"),
        ({"session_attributes": {"n": 3}}, "sessionAttributes"),
        ({"knowledge_bases": {"no id": {}}}, "knowledge_bases"),
    ],
)
def test_what_cannot_be_sent_is_named_and_never_shown(bedrock, agent, options, named):
    with pytest.raises(ConfigurationError) as caught:
        agent.invoke(**{"said": "private", **options})
    assert named in str(caught.value)
    assert "private" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert bedrock.requests == []


def test_inline_agents_are_made_in_the_request_and_stream_alike(bedrock, inline):
    bedrock.agent = ["Hello."]
    chat = inline.conversation(session_attributes={"a": "b"})
    with chat.invoke("Hi") as stream:
        assert "".join(stream.text_stream) == "Hello."
    (request,) = bedrock.requests
    assert (request.operation, request.session_id) == ("InvokeInlineAgent", chat.session_id)
    assert request.body == {
        "foundationModel": "amazon.nova-lite-v1:0",
        "instruction": INSTRUCTION,
        "idleSessionTTLInSeconds": 600,
        "inputText": "Hi",
        "inlineSessionState": {"sessionAttributes": {"a": "b"}},
        "streamingConfigurations": {"streamFinalResponse": True},
    }
    with pytest.raises(ConfigurationError, match="memoryId"):
        inline.invoke("Hi", memory_id="ab")


EMPTY = [chunk("")]


def test_an_empty_answer_is_an_answer(bedrock, agent):
    bedrock.agent = [EMPTY]
    assert agent.invoke("Hi").response.text == ""


WHOLE = [trace("orchestrationTrace", {"rationale": {"text": "so"}}), chunk("Three ", "claims", ".")]


def failure(stream):
    with pytest.raises(BedrockError) as caught:
        for _ in stream:
            pass
    with pytest.raises(BedrockError) as again:
        stream.response  # noqa: B018 - raises
    assert again.value is caught.value
    assert caught.value.operation == "InvokeAgent"
    assert isinstance(caught.value.partial, AgentResponse)
    return caught.value


def test_every_way_to_end_early_is_told_apart(bedrock, hasty, no_backoff):
    ways = {
        Cut(after_events=2): (ConnectionLostError, "ConnectionClosed", "Three "),
        Stall(after_events=2): (ConnectionLostError, "ReadTimeout", "Three "),
        Truncate(after_events=2, mid_frame=True): (IncompleteStreamError, "IncompleteStream", "Three "),
        CorruptChecksum(after_events=2): (DecodeError, "ChecksumMismatch", "Three "),
        Truncate(after_events=1): (IncompleteStreamError, "NoAnswer", ""),
        EmptyStream(): (IncompleteStreamError, "NoAnswer", ""),
    }
    for fault, (kind, code, text) in ways.items():
        asked = len(bedrock.requests)
        bedrock.agent = [AgentReply(WHOLE, fault=fault)]
        with hasty.invoke("Hi", enable_trace=True) as stream:
            error = failure(stream)
        assert (type(error), error.code, error.partial.text) == (kind, code, text), fault
        assert error.in_stream
        assert not error.retryable
        assert len(bedrock.requests) == asked + 1, "an agent that may have acted is not asked again"


def test_half_a_character_at_the_end_is_no_whole_answer(bedrock, agent):
    bedrock.agent = [[chunk("Hi ", b"\xe2\x82")]]
    error = failure(agent.invoke("Hi"))
    assert (error.code, error.partial.text) == ("IncompleteStream", "Hi ")


@pytest.mark.parametrize(
    "name",
    [
        "accessDeniedException",
        "badGatewayException",
        "conflictException",
        "dependencyFailedException",
        "internalServerException",
        "modelNotReadyException",
        "resourceNotFoundException",
        "serviceQuotaExceededException",
        "throttlingException",
        "validationException",
        "hologramException",
    ],
)
def test_each_exception_in_the_stream_is_of_the_family_with_what_had_come(bedrock, agent, name):
    bedrock.agent = [AgentReply(WHOLE, fault=StreamException(name, "no", after_events=1))]
    error = failure(agent.invoke("Hi"))
    assert error.code == name[0].upper() + name[1:]
    assert isinstance(error, ClientError)
    assert error.partial.text == "Three "
    assert error.in_stream
    assert error.request_id


def test_a_refusal_before_the_stream_is_of_the_family_too(bedrock, agent):
    bedrock.fault(ServiceError("AccessDeniedException", 403, "not you"))
    with pytest.raises(AccessDeniedError) as caught:
        agent.invoke("Hi")
    assert (caught.value.operation, caught.value.in_stream) == ("InvokeAgent", False)


def test_throttling_and_failures_before_the_stream_are_sent_again(bedrock, session, no_backoff):
    told = []
    agent = BedrockAgent(session, agent_id="A1", agent_alias_id="B1", listeners=[told.append])
    bedrock.fault(Throttle(), ServiceError("InternalServerException", 500))
    assert agent.invoke("Hi").response.text
    assert len(bedrock.requests) == 3
    assert [event.code for event in told] == ["ThrottlingException", "InternalServerException"]
    assert {request.session_id for request in bedrock.requests} == {bedrock.requests[0].session_id}
    bedrock.fault(Throttle())
    with pytest.raises(ThrottledError):
        BedrockAgent(session, agent_id="A1", agent_alias_id="B1", retries=1).invoke("Hi")


@pytest.mark.parametrize("maker", ["agent", "inline"])
@pytest.mark.parametrize(
    "fault",
    [
        StreamException("throttlingException", "slow down", after_events=0),
        StreamException("internalServerException", after_events=0),
        CorruptChecksum(after_events=0),
        Cut(after_events=0),
    ],
    ids=lambda fault: getattr(fault, "code", type(fault).__name__),
)
def test_what_fails_inside_the_stream_is_never_sent_again(bedrock, request, no_backoff, maker, fault):
    bedrock.fault(fault)
    with request.getfixturevalue(maker).invoke("Hi") as stream, pytest.raises(BedrockError) as caught:
        list(stream)
    assert (caught.value.in_stream, caught.value.retryable, len(bedrock.requests)) == (True, False, 1)


def at(url, **settings):
    """An agent behind this address."""
    client = boto3.Session("AKIAEXAMPLE", "secret", region_name="us-east-1").client("bedrock-agent-runtime", endpoint_url=url)
    return BedrockAgent(client=client, agent_id="A1", agent_alias_id="B1", **settings)


def test_a_connection_that_is_lost_before_the_answer_began_is_not_made_again(no_backoff):
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    asked.append(connection.recv(65536))

        threading.Thread(target=hang_up, daemon=True).start()
        with pytest.raises(ConnectionLostError) as caught:
            at(f"http://127.0.0.1:{listener.getsockname()[1]}").invoke("Hi", session_id="user-42")
        listener.shutdown(socket.SHUT_RDWR)
    assert (caught.value.code, caught.value.retryable, len(asked)) == ("ConnectionClosed", False, 1)
    assert "user-42" not in str(caught.value)


def test_a_connection_that_cannot_be_made_is_tried_again_without_naming_the_session(no_backoff):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    told = []
    with pytest.raises(ConnectionLostError) as caught:
        at(url, listeners=[told.append]).invoke("Hi", session_id="user-42")
    assert (caught.value.code, caught.value.retryable, len(told)) == ("ConnectionFailed", True, 2)
    assert url in str(caught.value)
    assert "user-42" not in str(caught.value)


def test_an_invocation_that_timed_out_is_not_sent_again(bedrock, hasty, no_backoff):
    bedrock.agent = [AgentReply("Hi", fault=Stall(after_events=0))]
    with hasty.invoke("Hi") as stream:
        error = failure(stream)
    assert (error.code, error.retryable, len(bedrock.requests)) == ("ReadTimeout", False, 1)


def test_an_agent_that_does_not_even_begin_to_answer_is_not_asked_again(connect):
    peer, _ = connect(ends=True, wait=1)
    client = boto3.Session("AKIAEXAMPLE", "secret", region_name="us-east-1").client(
        "bedrock-agent-runtime", endpoint_url=peer.url, config=Config(read_timeout=0.2)
    )
    with pytest.raises(ConnectionLostError) as caught:
        BedrockAgent(client=client, agent_id="A1", agent_alias_id="B1").invoke("Hi")
    assert (caught.value.code, caught.value.retryable, peer.connections) == ("ReadTimeout", False, 1)


def test_a_page_instead_of_a_stream_says_so(bedrock, agent):
    bedrock.fault(NotAnEventStream())
    assert failure(agent.invoke("Hi")).code == "NotAnEventStream"


class _Json:
    """An answer in the content type that AWS gives InvokeAgent's."""

    def __init__(self, client, body):
        self.body = body
        client.meta.events.register("before-send", self._answer)

    def _answer(self, request, **_):
        return AWSResponse(request.url, 200, {"Content-Type": "application/json"}, Body(self.body))


@pytest.mark.parametrize(
    ("body", "code"),
    [(encode_event("chunk", b'{"bytes": "SGk="}'), None), (encode_event("trace", b"{}"), "NoAnswer"), (b"", "NoAnswer")],
    ids=["whole", "no answer", "nothing"],
)
def test_a_stream_that_aws_calls_json_is_read_as_what_it_is(session, body, code):
    client = session.client("bedrock-agent-runtime")
    _Json(client, body)
    stream = BedrockAgent(client=client, agent_id="A1", agent_alias_id="B1").invoke("Hi")
    if code is None:
        assert stream.response.text == "Hi"
    else:
        assert failure(stream).code == code


def test_two_returns_of_control_are_none_of_which_one_is_lost(bedrock, agent):
    events = [("returnControl", {"invocationId": name, "invocationInputs": [function_input("g", name)]}) for name in "ab"]
    bedrock.agent = [RawEvents(events)]
    error = failure(agent.invoke("Hi"))
    assert (type(error), error.code, error.retryable) == (DecodeError, "MalformedEvent", False)
    assert "returned control twice" in str(error)
    assert error.partial.return_control.invocation_id == "a"


def test_leaving_early_is_no_answer_and_no_error_until_one_asks_for_it(bedrock, agent):
    bedrock.agent = [["a", "b", "c"]]
    with agent.invoke("Hi") as stream:
        next(stream)
    assert list(stream) == []
    with pytest.raises(IncompleteStreamError) as caught:
        stream.response  # noqa: B018 - raises
    assert (caught.value.code, caught.value.partial.text) == ("StreamClosed", "a")


def test_a_client_of_ones_own_serves_and_another_services_is_refused(bedrock, session):
    own = BedrockAgent(client=session.client("bedrock-agent-runtime"), agent_id="A1", agent_alias_id="B1")
    assert own.invoke("Hi").response.text
    with pytest.raises(ConfigurationError, match="client must be one of bedrock-agent-runtime"):
        BedrockAgent(client=session.client("bedrock-runtime"), agent_id="A1", agent_alias_id="B1")
    with pytest.raises(ConfigurationError, match="BedrockAgent takes a session or a client=, not neither"):
        BedrockAgent(agent_id="A1", agent_alias_id="B1")


def test_asyncio_has_the_same_streams(bedrock, agent):
    async def main():
        bedrock.agent = ["Three claims.", "Goodbye."]
        chat = agent.conversation()
        async with chat.ainvoke("Hi") as stream:
            texts = [text async for text in stream.text_stream]
        response = await stream.get_response()
        end = await chat.aend()
        return texts, response, end

    texts, response, end = asyncio.run(main())
    assert "".join(texts) == response.text == "Three claims."
    assert end.text == "Goodbye."
    assert response.session_id == end.session_id


def test_asyncio_has_the_same_errors(bedrock, agent):
    async def main():
        bedrock.agent = [AgentReply(WHOLE, fault=Cut(after_events=1))]
        async with agent.ainvoke("Hi") as stream:
            return await stream.get_response()

    with pytest.raises(ConnectionLostError) as caught:
        asyncio.run(main())
    assert caught.value.partial.text == "Three "
