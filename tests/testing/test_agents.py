import json
from contextlib import closing

import pytest
from botocore.exceptions import ClientError, EventStreamError, ReadTimeoutError
from urllib3.exceptions import ProtocolError, ReadTimeoutError as StreamTimeoutError

from bedrock_auth.testing import (
    AgentReply,
    Cut,
    EmptyStream,
    RawEvents,
    Reply,
    Stall,
    StreamException,
    Throttle,
    Truncate,
    api_input,
    chunk,
    citation,
    function_input,
    output_files,
    return_control,
    trace,
)

AGENT = {"agentId": "AGENT12345", "agentAliasId": "ALIAS12345"}
THOUGHT = {"rationale": {"text": "Let me see.", "traceId": "t-1"}}
STREAMED = {"streamingConfigurations": {"streamFinalResponse": True}}
INLINE = {"foundationModel": "amazon.nova-lite-v1:0", "instruction": "You help people who want to know what the weather is like."}


@pytest.fixture
def client(bedrock, client_for):
    return client_for(bedrock, service="bedrock-agent-runtime")


def ask(client, text="Hello", session="first", **more):
    return list(client.invoke_agent(**AGENT, sessionId=session, inputText=text, **more)["completion"])


def said(events):
    return b"".join(event["chunk"]["bytes"] for event in events if "chunk" in event).decode()


def report(client, invocation_id, *results, **more):
    state = {"invocationId": invocation_id, "returnControlInvocationResults": list(results)}
    return list(client.invoke_agent(**AGENT, sessionId="first", sessionState=state, **more)["completion"])


def test_the_default_agent_quotes_its_input_in_one_chunk(bedrock, client):
    answer = client.invoke_agent(**AGENT, sessionId="first", inputText="Hello", memoryId="memory-1")
    assert (answer["sessionId"], answer["contentType"], answer["memoryId"]) == ("first", "application/json", "memory-1")
    assert list(answer["completion"]) == [{"chunk": {"bytes": "You said: “Hello”".encode()}}]
    (received,) = bedrock.requests
    assert (received.operation, received.agent_id, received.agent_alias_id) == ("InvokeAgent", *AGENT.values())
    assert (received.session_id, received.text, received.signed, received.status) == ("first", "Hello", "sigv4", 200)


def test_text_is_streamed_only_where_the_request_asks_for_it(bedrock, client):
    bedrock.agent = lambda _: [chunk("A te", b"\xc3", b"\xa9"), "xt of some length"]
    assert ask(client) == [{"chunk": {"bytes": "A teéxt of some length".encode()}}]
    pieces = [event["chunk"]["bytes"] for event in ask(client, **STREAMED)]
    assert pieces[:3] == [b"A te", b"\xc3", b"\xa9"]
    assert len(pieces) > 5
    assert b"".join(pieces).decode() == "A teéxt of some length"


def test_citations_come_with_the_last_piece_of_their_text(bedrock, client):
    hit = {"content": {"type": "TEXT", "text": "It is blue."}, "location": {"type": "CUSTOM"}, "score": 0.5}
    cited = citation("Blue it is.", hit)
    bedrock.agent = [[chunk("Blue ", "it is.", citations=[cited])]]
    assert ask(client, **STREAMED) == [
        {"chunk": {"bytes": b"Blue "}},
        {"chunk": {"bytes": b"it is.", "attribution": {"citations": [cited]}}},
    ]
    assert ask(client) == [{"chunk": {"bytes": b"Blue it is.", "attribution": {"citations": [cited]}}}]
    assert cited["generatedResponsePart"]["textResponsePart"]["span"] == {"start": 0, "end": 10}
    assert "score" not in cited["retrievedReferences"][0]


def test_traces_are_sent_only_where_the_request_asks_for_them(bedrock, client):
    bedrock.agent = [[trace("orchestrationTrace", THOUGHT, collaboratorName="Weather"), "Done."]]
    assert ask(client) == [{"chunk": {"bytes": b"Done."}}]
    traced = ask(client, enableTrace=True)[0]["trace"]
    assert traced["trace"] == {"orchestrationTrace": THOUGHT}
    assert (traced["agentId"], traced["sessionId"], traced["collaboratorName"]) == (AGENT["agentId"], "first", "Weather")
    assert traced["callerChain"][0]["agentAliasArn"].endswith("agent-alias/AGENT12345/ALIAS12345")


def test_an_inline_agent_is_the_same_agent_without_an_id(bedrock, client):
    bedrock.agent = lambda request: [trace("orchestrationTrace", THOUGHT), f"{request.operation}: {request.text}"]
    answer = client.invoke_inline_agent(sessionId="first", inputText="Hi", enableTrace=True, **INLINE)
    assert answer["sessionId"] == "first"
    traced, spoken = answer["completion"]
    assert "agentId" not in traced["trace"]
    assert spoken == {"chunk": {"bytes": b"InvokeInlineAgent: Hi"}}


def test_an_agent_asks_for_actions_and_is_told_their_results(bedrock, client):
    def agent(request):
        if request.action_results:
            return f"Done, {len(request.earlier)} earlier."
        weather = function_input("Weather", "forecast", {"city": "Oslo", "days": 3, "snow": False, "hours": [6, 12]})
        order = api_input(
            "Shop", "/orders", "POST", body={"item": "umbrella"}, asks_for="USER_CONFIRMATION", agentId="SUB1234567"
        )
        return return_control(weather, order, invocation_id="inv-1")

    bedrock.agent = agent
    (event,) = ask(client)
    function, api = event["returnControl"]["invocationInputs"]
    assert function["functionInvocationInput"]["parameters"] == [
        {"name": "city", "type": "string", "value": "Oslo"},
        {"name": "days", "type": "integer", "value": "3"},
        {"name": "snow", "type": "boolean", "value": "false"},
        {"name": "hours", "type": "array", "value": "[6, 12]"},
    ]
    assert function["functionInvocationInput"]["actionInvocationType"] == "RESULT"
    assert api["apiInvocationInput"]["agentId"] == "SUB1234567"
    assert api["apiInvocationInput"]["actionInvocationType"] == "USER_CONFIRMATION"
    assert api["apiInvocationInput"]["requestBody"]["content"]["application/json"]["properties"][0]["name"] == "item"

    done = {"functionResult": {"actionGroup": "Weather", "function": "forecast", "responseBody": {"TEXT": {"body": "cold"}}}}
    denied = {"apiResult": {"actionGroup": "Shop", "apiPath": "/orders", "confirmationState": "DENY", "agentId": "SUB1234567"}}
    nameless = {"apiResult": {"actionGroup": "Shop", "apiPath": "/orders", "confirmationState": "DENY"}}
    with pytest.raises(ClientError, match="exactly one for each"):  # it must be said whose action it was
        report(client, "inv-1", nameless, done)
    assert said(report(client, "inv-1", denied, done)) == "Done, 1 earlier."
    assert [result["actionGroup"] for result in bedrock.requests[-1].action_results] == ["Shop", "Weather"]


WEATHER = {"functionResult": {"actionGroup": "Weather", "function": "forecast"}}


@pytest.mark.parametrize(
    ("invocation_id", "results", "words"),
    [
        ("inv-2", [WEATHER, WEATHER], "invocationId"),
        ("inv-1", [WEATHER], "exactly one for each"),
        ("inv-1", [WEATHER, WEATHER, WEATHER], "exactly one for each"),
        ("inv-1", [WEATHER, {"functionResult": {"actionGroup": "Weather", "function": "past"}}], "exactly one for each"),
        ("inv-1", [WEATHER, {"apiResult": {"actionGroup": "Weather"}}], "exactly one for each"),
    ],
)
def test_results_that_do_not_fit_what_was_asked_are_refused(bedrock, client, invocation_id, results, words):
    wanted = function_input("Weather", "forecast")
    bedrock.agent = [return_control(wanted, wanted, invocation_id="inv-1"), "Thank you."]
    ask(client)
    with pytest.raises(ClientError, match=words):
        report(client, invocation_id, *results)
    assert said(report(client, "inv-1", WEATHER, WEATHER)) == "Thank you."
    with pytest.raises(ClientError, match="invocationId"):  # the session waits for nothing any more
        report(client, "inv-1", WEATHER, WEATHER)


def test_an_action_that_failed_is_a_failed_dependency(bedrock, client):
    bedrock.agent = [return_control(function_input("Weather", "forecast"), invocation_id="i"), "never said"]
    ask(client)
    with pytest.raises(ClientError) as caught:
        report(client, "i", {"functionResult": {"actionGroup": "Weather", "function": "forecast", "responseState": "FAILURE"}})
    assert caught.value.response["Error"]["Code"] == "DependencyFailedException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 424


def test_a_session_remembers_its_turns_until_it_ends(bedrock, client):
    bedrock.agent = lambda request: ", ".join(turn.text for turn in (*request.earlier, request))
    assert said(ask(client, "one")) == "one"
    assert said(ask(client, "two")) == "one, two"
    assert said(ask(client, "other", session="second")) == "other"
    assert said(ask(client, "three", endSession=True)) == "one, two, three"
    assert said(ask(client, "four")) == "four"
    bedrock.expire_sessions()
    assert said(ask(client, "five")) == "five"


def test_what_was_refused_is_no_turn_of_the_session(bedrock, client):
    bedrock.agent = lambda request: str(len(request.earlier))
    bedrock.fault(Throttle())
    with pytest.raises(ClientError):
        ask(client)
    assert said(ask(client)) == "0"


def test_files_go_both_ways(bedrock, client):
    bedrock.agent = lambda request: [
        "Here.",
        output_files((request.session_state["files"][0]["name"], b"\x89PNG", "image/png")),
    ]
    source = {"sourceType": "BYTE_CONTENT", "byteContent": {"data": b"a,b", "mediaType": "text/csv"}}
    state = {"files": [{"name": "plot.csv", "source": source, "useCase": "CODE_INTERPRETER"}]}
    assert ask(client, sessionState=state)[1] == {
        "files": {"files": [{"name": "plot.csv", "bytes": b"\x89PNG", "type": "image/png"}]}
    }


def test_an_agent_can_be_a_script_of_everything_that_a_reply_can_be(bedrock, client):
    bedrock.agent = [
        "text",
        {"chunk": {"bytes": b"as boto3 returns it"}},
        {"files": {"files": [{"name": "plot.png", "type": "image/png", "bytes": b"PNG"}]}},
        RawEvents([("somethingNew", {"a": 1}), ("chunk", {"bytes": b"raw"})]),
        function_input("Group", "name"),
        lambda request: AgentReply(request.text),
    ]
    assert [said(ask(client)) for _ in range(2)] == ["text", "as boto3 returns it"]
    assert ask(client)[0]["files"]["files"][0]["name"] == "plot.png"
    assert said(ask(client)) == "raw"
    assert ask(client)[0]["returnControl"]["invocationInputs"][0]["functionInvocationInput"]["function"] == "name"
    assert said(ask(client, "from a function")) == "from a function"
    assert callable(bedrock.agent) is False


@pytest.mark.parametrize("agent", ["just a text", 7, None])
def test_an_agent_is_a_function_or_a_list(bedrock, agent):
    with pytest.raises(TypeError, match="function of the request or a list"):
        bedrock.agent = agent


@pytest.mark.parametrize("part", [7, {"a": 1, "b": 2}, ["text", object()]])
def test_what_is_no_part_of_an_answer_is_refused_when_it_is_given(bedrock, part):
    with pytest.raises(TypeError, match="a part of an agent's answer"):
        bedrock.agent = [part]


def test_a_model_cannot_speak_for_an_agent_nor_an_agent_for_a_model(bedrock, client, client_for):
    bedrock.agent = [Reply("of a model")]
    with pytest.raises(ClientError, match="AgentReply"):
        ask(client)
    bedrock.model = [AgentReply("of an agent")]
    with pytest.raises(ClientError, match="give LocalBedrock.model a Reply"):
        client_for(bedrock).converse(modelId="m", messages=[{"role": "user", "content": [{"text": "Hi"}]}])


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"agentId": "not-an-id"}, "agent_id"),
        ({"agentId": "ELEVENCHARS"}, "agent_id"),
        ({"agentAliasId": "a_b"}, "agent_alias_id"),
        ({"sessionId": "a session"}, "session_id"),
        ({"sessionId": "s" * 101}, "session_id"),
    ],
)
def test_ids_that_aws_does_not_take_are_refused(client, names, words):
    with pytest.raises(ClientError, match=words) as caught:
        client.invoke_agent(**{**AGENT, "sessionId": "first", "inputText": "Hi", **names})
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_an_instruction_that_is_too_short_is_refused(wire):
    status, code, document = wire.send(
        wire.signed(path="/agents/first", body=b'{"instruction": "Help.", "foundationModel": "m"}')
    )
    assert (status, code) == (400, "ValidationException")
    assert "'instruction'" in document["message"]


@pytest.mark.parametrize(
    "state",
    [
        [],
        {"returnControlInvocationResults": {}},
        {"returnControlInvocationResults": [{"apiResult": {}, "functionResult": {}}]},
        {"returnControlInvocationResults": [{"apiResult": []}]},
        {"returnControlInvocationResults": [{"apiResult": {}}] * 6},
    ],
)
def test_results_that_are_none_are_refused(wire, state):
    path = "/agents/AGENT12345/agentAliases/ALIAS12345/sessions/first/text"
    status, code, document = wire.send(wire.signed(path=path, body=json.dumps({"sessionState": state}).encode()))
    assert (status, code) == (400, "ValidationException")
    assert "'returnControlInvocationResults'" in document["message"]


@pytest.mark.parametrize("service", ["bedrock-agent-runtime", "lambda"])
def test_a_signature_is_for_bedrock_alone(wire, service):
    path = "/agents/AGENT12345/agentAliases/ALIAS12345/sessions/first/text"
    assert wire.send(wire.signed(path=path, body=b'{"inputText": "Hi"}', service=service))[:2] == (
        403,
        "InvalidSignatureException",
    )


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (Cut(after_events=1), ProtocolError, "ended prematurely|Connection broken"),
        (Stall(after_events=1), (ReadTimeoutError, StreamTimeoutError), "timed out"),
        (StreamException("dependencyFailedException", "Lambda timed out", after_events=1), EventStreamError, "Lambda timed out"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_agent_breaks_off_within_its_answer(bedrock, client_for, fault, error, words):
    client = client_for(bedrock, service="bedrock-agent-runtime", read_timeout=0.3)
    bedrock.agent = [AgentReply("A longer answer", fault=fault)]
    with closing(client.invoke_agent(**AGENT, sessionId="first", inputText="Hi", **STREAMED)["completion"]) as stream:
        events = iter(stream)
        assert next(events) == {"chunk": {"bytes": b"A longer"}}
        with pytest.raises(error, match=words):
            list(events)


def test_an_answer_that_ends_early_looks_complete_to_boto3(bedrock, client):
    bedrock.agent = ["A longer answer"]
    bedrock.fault(Truncate(after_events=1), EmptyStream())
    assert said(ask(client, **STREAMED)) == "A longer"
    assert ask(client) == []


@pytest.mark.parametrize(
    ("exception", "status"),
    [
        ("accessDeniedException", 403), ("badGatewayException", 502), ("conflictException", 409),
        ("dependencyFailedException", 424), ("resourceNotFoundException", 404), ("serviceQuotaExceededException", 400),
    ],
)  # fmt: skip
def test_an_exception_of_streams_is_the_http_error_of_its_name_elsewhere(bedrock, client, exception, status):
    bedrock.add_knowledge_base("KB12345678", ["Hello there."])
    bedrock.fault(StreamException(exception, "Told to."))
    with pytest.raises(ClientError, match="Told to") as caught:
        client.retrieve(knowledgeBaseId="KB12345678", retrievalQuery={"text": "Hello"})
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert caught.value.response["Error"]["Code"].lower() == exception.lower()
