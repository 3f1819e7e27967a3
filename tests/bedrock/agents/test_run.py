"""Agents that return control, and what this program does for them, on the wire."""

import asyncio
import json

import pytest

from bedrock_auth import ConfigurationError
from bedrock_auth.bedrock import DecodeError, IncompleteStreamError
from bedrock_auth.bedrock.agent import BedrockAgent, InlineAgent
from bedrock_auth.bedrock.agents.events import AgentChunk
from bedrock_auth.bedrock.agents.parameters import ParameterError
from bedrock_auth.bedrock.agents.return_control import InvocationResult, ReturnControl
from bedrock_auth.bedrock.content import TextBlock
from bedrock_auth.bedrock.converse.media import ImageBlock
from bedrock_auth.bedrock.errors import ServiceError
from bedrock_auth.bedrock.tool_use.turns import TurnLimitError
from bedrock_auth.bedrock.tools import Tool, ToolError
from bedrock_auth.testing import (
    AgentReply,
    RawEvents,
    ServiceError as Refusal,
    StreamException,
    Throttle,
    api_input,
    chunk,
    function_input,
    return_control,
)
from support.names import plain

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def agent(session):
    return BedrockAgent(session, agent_id="AGENT12345", agent_alias_id="ALIAS12345")


def asks(bedrock, *inputs, then="Done."):
    """The agent asks for these, and then has its answer."""
    bedrock.agent = [return_control(*inputs), then]


def told(bedrock, request=-1):
    """What the agent was told, each result without its wrapper."""
    (state,) = (value for name, value in bedrock.requests[request].body.items() if name.lower().endswith("sessionstate"))
    return [next(iter(result.values())) for result in state["returnControlInvocationResults"]]


def text(result):
    ((_, body),) = result["responseBody"].items()
    return body["body"]


def book(city: str, nights: int, breakfast: bool = True) -> dict:  # noqa: FBT001, FBT002 - as an agent gives it
    return {"city": city, "nights": nights, "breakfast": breakfast}


def test_a_function_is_run_and_the_agent_goes_on(bedrock, agent):
    asks(bedrock, function_input("hotels", "book", {"city": "Oslo", "nights": 2, "breakfast": False}, agentId="COLLAB"))
    run = agent.run("Book", handlers=[book])
    events = list(run)
    assert run.response.text == "Done."
    assert [type(event) for event in events] == [ReturnControl, InvocationResult, AgentChunk]
    (result,) = told(bedrock)
    assert json.loads(text(result)) == {"city": "Oslo", "nights": 2, "breakfast": False}
    assert {name: result[name] for name in ("actionGroup", "function", "agentId")} == {
        "actionGroup": "hotels",
        "function": "book",
        "agentId": "COLLAB",
    }
    first, second = bedrock.requests
    assert first.session_id == second.session_id == run.session_id == run.response.session_id
    assert "inputText" not in second.body


def test_every_one_of_five_inputs_is_answered_in_order(bedrock, agent):
    asks(bedrock, *(function_input("g", "square", {"n": n}) for n in range(5)))
    assert agent.run("Go", handlers={"square": lambda n: n * n}).response.text == "Done."
    assert [text(result) for result in told(bedrock)] == ["0", "1", "4", "9", "16"]


def test_functions_and_apis_of_one_turn_are_told_apart(bedrock, agent):
    asks(
        bedrock,
        function_input("g", "f", {"n": 1}),
        function_input("h", "f", {"n": 2}),
        api_input("g", "/claims/{id}", "get", {"id": "7"}),
        api_input("g", "/claims/{id}", "POST", {"id": "8"}, body={"amount": 1.5, "open": False}),
    )
    handlers = {
        "f": lambda n: f"f {n}",
        "h.f": lambda n: f"h.f {n}",
        ("g", "/claims/{id}", "GET"): lambda **arguments: {"got": arguments},
        ("g", "/claims/{id}", "post"): lambda id, amount, open: {"posted": [id, amount, open]},  # noqa: A006 - the API's names
    }
    assert agent.run("Go", handlers=handlers).response.text == "Done."
    first, second, got, posted = told(bedrock)
    assert (text(first), text(second)) == ("f 1", "h.f 2")
    assert json.loads(text(got)) == {"got": {"id": "7"}}
    assert json.loads(text(posted)) == {"posted": ["8", 1.5, False]}
    assert {name: posted[name] for name in ("actionGroup", "apiPath", "httpMethod", "httpStatusCode")} == {
        "actionGroup": "g",
        "apiPath": "/claims/{id}",
        "httpMethod": "POST",
        "httpStatusCode": 200,
    }
    assert got["httpMethod"] == "get", "what AWS sent is what it gets back"


def test_turns_go_on_until_the_agent_has_its_answer(bedrock, agent):
    asked = [return_control(function_input("g", "step", {"n": n})) for n in range(3)]
    bedrock.agent = [*asked, "Done."]
    run = agent.run("Go", handlers={"step": lambda n: n}, max_turns=4)
    assert run.response.text == "Done."
    assert len(bedrock.requests) == 4
    bedrock.agent = asked
    limited = agent.run("Go", handlers={"step": lambda n: n}, max_turns=3)
    with pytest.raises(TurnLimitError) as caught:
        limited.response  # noqa: B018 - raises
    assert (caught.value.code, caught.value.operation) == ("TurnLimit", "InvokeAgent")
    assert caught.value.partial.return_control is not None


def test_what_aws_keeps_is_sent_once_and_what_holds_for_a_turn_each_time(bedrock, agent, tmp_path):
    (tmp_path / "a.csv").write_text("a,b")
    asks(bedrock, function_input("g", "f"))
    agent.run(  # noqa: B018 - plays it
        "Go",
        handlers={"f": lambda: "ok"},
        session_attributes={"step": "1"},
        prompt_session_attributes={"today": "Monday"},
        files=tmp_path / "a.csv",
        knowledge_bases={"KB1": {"equals": {"key": "k", "value": 1}}},
        memory_id="user-42",
        enable_trace=True,
    ).response
    first, second = (request.body for request in bedrock.requests)
    assert [*first["sessionState"]] == ["sessionAttributes", "promptSessionAttributes", "files", "knowledgeBaseConfigurations"]
    for name in ("promptSessionAttributes", "knowledgeBaseConfigurations"):
        assert second["sessionState"][name] == first["sessionState"][name]
    assert not {"sessionAttributes", "files"} & second["sessionState"].keys()
    assert {name: second[name] for name in ("memoryId", "enableTrace")} == {"memoryId": "user-42", "enableTrace": True}


ASKS_FOR = ["USER_CONFIRMATION", "USER_CONFIRMATION_AND_RESULT"]


@pytest.mark.parametrize("agreed", [True, False])
@pytest.mark.parametrize("asks_for", ASKS_FOR)
def test_the_user_is_asked_and_decides(bedrock, agent, asks_for, agreed):
    ran, seen = [], []
    asks(bedrock, function_input("g", "delete", {"id": 7}, asks_for=asks_for))
    run = agent.run(
        "Delete",
        handlers={"delete": lambda id: ran.append(id) or "deleted"},  # noqa: A006 - the agent's own name
        confirm=lambda invocation: seen.append((invocation.name, invocation.arguments)) or agreed,
    )
    assert run.response.text == "Done."
    assert seen == [("g.delete", {"id": 7})]
    (result,) = told(bedrock)
    assert result["confirmationState"] == ("CONFIRM" if agreed else "DENY")
    assert ran == ([7] if agreed and asks_for.endswith("RESULT") else [])
    if asks_for == "USER_CONFIRMATION":
        assert "responseBody" not in result
    else:
        assert text(result) == ("deleted" if agreed else "The user does not agree to this.")


def test_a_confirmation_needs_no_handler_but_somebody_to_ask(bedrock, agent):
    asks(bedrock, api_input("g", "/claims", "DELETE", asks_for="USER_CONFIRMATION"))
    assert agent.run("Go", handlers={}, confirm=lambda _: True).response.text == "Done."
    assert told(bedrock)[0] == {
        "actionGroup": "g",
        "apiPath": "/claims",
        "httpMethod": "DELETE",
        "confirmationState": "CONFIRM",
    }
    asks(bedrock, function_input("g", "f", asks_for="USER_CONFIRMATION"))
    with pytest.raises(ConfigurationError, match=r"asks whether it may run g\.f; give confirm="):
        agent.run("Go", handlers={}).response  # noqa: B018 - raises


@pytest.mark.parametrize("answer", ["no", "false", "", None, 0, 1])
def test_only_true_and_false_are_decisions(bedrock, agent, answer):
    ran = []
    asks(bedrock, function_input("g", "f", asks_for="USER_CONFIRMATION_AND_RESULT"))
    with pytest.raises(ConfigurationError, match="confirm returns True or False"):
        agent.run("Go", handlers={"f": lambda: ran.append(1)}, confirm=lambda _: answer).response  # noqa: B018 - raises
    assert ran == []


def test_nothing_of_a_turn_is_run_where_a_part_of_it_cannot_be_answered(bedrock, agent):
    ran = []
    handlers = {"f": lambda: ran.append(1)}
    asks(bedrock, function_input("g", "f"), function_input("g", "other"))
    with pytest.raises(ConfigurationError, match=r"no handler for g\.other; give handlers=\{'g\.other': a function\}"):
        agent.run("Go", handlers=handlers).response  # noqa: B018 - raises
    asks(bedrock, function_input("g", "f"), api_input("g", "/x", "GET"))
    with pytest.raises(ConfigurationError, match=r"no handler for g GET /x; give handlers=\{\('g', '/x', 'GET'\): a function\}"):
        agent.run("Go", handlers=handlers).response  # noqa: B018 - raises
    asks(bedrock, function_input("g", "f"), function_input("g", "f", asks_for="USER_CONFIRMATION"))
    with pytest.raises(ConfigurationError, match="give confirm="):
        agent.run("Go", handlers=handlers).response  # noqa: B018 - raises
    known = function_input("g", "f")
    bedrock.agent = [RawEvents([("returnControl", {"invocationId": "i", "invocationInputs": [known, {"hologramInput": {}}]})])]
    with pytest.raises(DecodeError, match="asks for 'hologramInput', which is not known here") as caught:
        agent.run("Go", handlers=handlers).response  # noqa: B018 - raises
    assert caught.value.code == "UnknownInvocation"
    bedrock.agent = [RawEvents([("returnControl", {"invocationId": "i"})])]
    with pytest.raises(DecodeError, match="returned control without saying what for"):
        agent.run("Go", handlers=handlers).response  # noqa: B018 - raises
    assert ran == []


@pytest.mark.parametrize(
    ("returned", "body"),
    [
        (None, "null"),
        ("", '""'),
        ("  ", '"  "'),
        ([], "[]"),
        ((), "null"),
        ({}, "{}"),
        (0, "0"),
        (False, "false"),
        ("ä", "ä"),
        ({"ä": [1, None]}, '{"ä": [1, null]}'),
        (["a", "b"], '["a", "b"]'),
    ],
    ids=plain,
)
def test_whatever_json_a_handler_returns_the_agent_gets_a_text_that_is_not_empty(bedrock, agent, returned, body):
    asks(bedrock, function_input("g", "f"), api_input("g", "/f", "GET"))
    handlers = {"f": lambda: returned, ("g", "/f", "GET"): lambda: returned}
    assert agent.run("Go", handlers=handlers).response.text == "Done."
    function, api = told(bedrock)
    assert function["responseBody"] == {"TEXT": {"body": body}}
    assert api["responseBody"] == {"application/json": {"body": body}}


def test_computer_use_answers_with_an_image(bedrock, agent):
    asks(bedrock, function_input("computer", "screenshot"))
    agent.run("Look", handlers={"screenshot": lambda: ImageBlock("png", PNG)}).response  # noqa: B018 - plays it
    (image,) = told(bedrock)[0]["responseBody"]["IMAGES"]["images"]
    assert image["format"] == "png"


@pytest.mark.parametrize("returned", [TextBlock(""), (TextBlock(""), TextBlock(" \n"))], ids=["one", "several"])
def test_blank_blocks_are_no_empty_body(bedrock, agent, returned):
    asks(bedrock, function_input("g", "f"), api_input("g", "/f", "GET"))
    handlers = {"f": lambda: returned, ("g", "/f", "GET"): lambda: returned}
    assert agent.run("Go", handlers=handlers).response.text == "Done."
    assert all(text(result).strip() for result in told(bedrock))


@pytest.mark.parametrize(
    "returned", [object(), {1, 2}, b"bytes", (ImageBlock("png", PNG), "and text")], ids=lambda v: type(v).__name__
)
def test_what_no_agent_can_read_is_a_mistake_of_the_program(bedrock, agent, returned):
    asks(bedrock, function_input("g", "f"))
    with pytest.raises(ConfigurationError, match="returned a"):
        agent.run("Go", handlers={"f": lambda: returned}, on_handler_error="report").response  # noqa: B018 - raises


def test_a_value_that_does_not_fit_is_told_to_the_agent_which_may_do_better(bedrock, agent):
    wrong = [{"name": "nights", "type": "integer", "value": "two"}, {"name": "city", "type": "string", "value": "Oslo"}]
    bedrock.agent = [
        return_control(function_input("hotels", "book", wrong)),
        return_control(function_input("hotels", "book", {"city": "Oslo"})),
        return_control(function_input("hotels", "book", {"city": "Oslo", "nights": 2})),
        "Done.",
    ]
    assert agent.run("Book", handlers=[book]).response.text == "Done."
    (first,), (second,), (third,) = (told(bedrock, request) for request in (1, 2, 3))
    assert (first["responseState"], text(first)) == ("REPROMPT", "The parameter nights must be an integer.")
    assert (second["responseState"], text(second)) == ("REPROMPT", "The input of book does not fit: nights is missing.")
    assert "responseState" not in third


def test_a_value_that_does_not_fit_can_be_raised(bedrock, agent):
    asks(bedrock, function_input("hotels", "book", [{"name": "nights", "type": "integer", "value": "two"}]))
    run = agent.run("Book", handlers=[book], on_input_error="raise")
    for _ in range(2):
        with pytest.raises(ParameterError, match="The parameter nights must be an integer") as caught:
            run.response  # noqa: B018 - raises
    assert caught.value.name == "nights"


@pytest.mark.parametrize("asks_for", ASKS_FOR)
def test_the_user_is_not_asked_about_what_does_not_fit_and_has_not_agreed(bedrock, agent, asks_for):
    asked = []
    wrong = [{"name": "id", "type": "integer", "value": "seven"}]
    asks(bedrock, function_input("g", "delete", wrong, asks_for=asks_for), api_input("g", "/x", "GET", wrong))
    handlers = {"delete": asked.append, ("g", "/x", "GET"): asked.append}
    assert agent.run("Go", handlers=handlers, confirm=asked.append).response.text == "Done."
    function, api = told(bedrock)
    assert (function["confirmationState"], function["responseState"]) == ("DENY", "REPROMPT")
    assert text(function) == text(api) == "The parameter id must be an integer."
    assert ("confirmationState" in api, api["responseState"], api["httpStatusCode"]) == (False, "REPROMPT", 400)
    assert asked == []


def test_nothing_is_run_before_all_parameters_of_a_turn_were_looked_at(bedrock, agent):
    ran = []
    wrong = [{"name": "id", "type": "integer", "value": "seven"}]
    asks(bedrock, function_input("g", "f"), function_input("g", "delete", wrong))
    handlers = {"f": lambda: ran.append(1), "delete": ran.append}
    with pytest.raises(ParameterError, match="id must be an integer"):
        agent.run("Go", handlers=handlers, on_input_error="raise").response  # noqa: B018 - raises
    assert ran == []


@pytest.mark.parametrize("is_async", [False, True])
def test_the_user_is_asked_about_all_of_a_turn_before_any_of_it_is_run(bedrock, agent, is_async):
    happened = []
    asks(bedrock, function_input("g", "f"), *(function_input("g", name, asks_for=ASKS_FOR[1]) for name in ("a", "b")))
    options = {
        "handlers": {name: lambda name=name: happened.append(f"ran {name}") for name in ("f", "a", "b")},
        "confirm": lambda invocation: happened.append(f"asked {invocation.function}") or invocation.function == "b",
    }

    async def main():
        async with agent.arun("Go", **options) as run:
            return await run.get_response()

    response = asyncio.run(main()) if is_async else agent.run("Go", **options).response
    assert response.text == "Done."
    assert happened == ["asked a", "asked b", "ran f", "ran b"]
    assert [result.get("confirmationState") for result in told(bedrock)] == [None, "DENY", "CONFIRM"]


def test_nothing_is_run_where_the_user_could_not_be_asked_about_all(bedrock, agent):
    ran = []
    asks(bedrock, function_input("g", "f"), function_input("g", "f", asks_for="USER_CONFIRMATION_AND_RESULT"))
    with pytest.raises(ZeroDivisionError):
        agent.run("Go", handlers={"f": lambda: ran.append(1)}, confirm=lambda _: 1 // 0).response  # noqa: B018 - raises
    assert ran == []


@pytest.mark.parametrize("is_async", [False, True])
def test_the_user_is_not_asked_about_what_does_not_fit_the_handler(bedrock, agent, is_async):
    asked = []
    asks(bedrock, function_input("hotels", "book", {"city": "Oslo", "nights": "2"}, asks_for=ASKS_FOR[1]))

    async def main():
        async with agent.arun("Go", handlers=[book], confirm=asked.append) as run:
            return await run.get_response()

    response = asyncio.run(main()) if is_async else agent.run("Go", handlers=[book], confirm=asked.append).response
    assert response.text == "Done."
    (result,) = told(bedrock)
    assert (result["confirmationState"], result["responseState"]) == ("DENY", "REPROMPT")
    assert text(result).startswith("The input of book does not fit: nights")
    assert asked == []


def broken(**_):
    msg = "password=hunter2"
    raise OSError(msg)


def test_a_handlers_failure_is_raised_by_default(bedrock, agent):
    asks(bedrock, function_input("g", "f"))
    with pytest.raises(OSError, match="hunter2"):
        agent.run("Go", handlers={"f": broken}).response  # noqa: B018 - raises
    assert len(bedrock.requests) == 1


@pytest.mark.parametrize(("choice", "state"), [("report", "REPROMPT"), ("fail", "FAILURE")])
def test_a_handlers_failure_can_be_told_without_its_words(bedrock, agent, choice, state):
    asks(bedrock, function_input("g", "f"), api_input("g", "/f", "GET"))
    handlers = {"f": broken, ("g", "/f", "GET"): broken}
    run = agent.run("Go", handlers=handlers, on_handler_error=choice)
    if choice == "report":
        assert run.response.text == "Done."
    else:
        with pytest.raises(ServiceError) as caught:
            run.response  # noqa: B018 - raises
        assert caught.value.code == "DependencyFailedException"
    function, api = told(bedrock)
    assert (function["responseState"], text(function)) == (state, "g.f failed (OSError).")
    assert (api["responseState"], text(api), api["httpStatusCode"]) == (state, "g GET /f failed (OSError).", 500)
    assert "httpStatusCode" not in function


def test_a_handler_tells_the_agent_what_to_do_better(bedrock, agent):
    def f():
        msg = "no such claim; give its number"
        raise ToolError(msg)

    asks(bedrock, function_input("g", "f", asks_for="USER_CONFIRMATION_AND_RESULT"))
    agent.run("Go", handlers=[f], confirm=lambda _: True).response  # noqa: B018 - plays it
    (result,) = told(bedrock)
    assert (result["responseState"], result["confirmationState"]) == ("REPROMPT", "CONFIRM")
    assert text(result) == "no such claim; give its number"


def test_a_tool_is_a_handler_and_is_held_to_its_schema(bedrock, agent):
    schema = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 3}}, "required": ["n"]}
    tool = Tool("triple", input_schema=schema, handler=lambda n: 3 * n)
    asks(bedrock, function_input("g", "triple", {"n": 2}), function_input("g", "triple", {"n": 9}))
    agent.run("Go", handlers=[tool]).response  # noqa: B018 - plays it
    good, bad = told(bedrock)
    assert text(good) == "6"
    assert text(bad) == "The input of triple does not fit: n must be at most 3."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"handlers": {"f": 3}}, "the handler for 'f' is a function or a Tool, not int"),
        ({"handlers": [3]}, "is a function or a Tool, not int"),
        ({"handlers": {3: book}}, "a key of handlers is"),
        ({"handlers": {("g", "/x"): book}}, "a key of handlers is"),
        ({"handlers": {"": book}}, "a key of handlers is"),
        ({"handlers": [book, Tool("book", handler=book)]}, "two handlers have the name 'book'"),
        ({"handlers": [Tool("f")]}, "the tool 'f' has no handler"),
        ({"handlers": {}, "confirm": True}, "confirm is a function"),
        ({"handlers": {}, "on_handler_error": "ignore"}, "on_handler_error is"),
        ({"handlers": {}, "on_input_error": "ignore"}, "on_input_error is"),
        ({"handlers": {}, "max_turns": 0}, "max_turns is"),
        ({"handlers": {}, "end_session": True}, "end_session would end the session"),
        ({}, "handlers"),
    ],
    ids=range(13),
)
def test_a_wrong_setting_is_told_before_anything_is_sent(bedrock, agent, options, message):
    with pytest.raises(ConfigurationError, match=message):
        agent.run("Go", **options)
    assert bedrock.requests == []


def test_a_run_that_is_left_is_over(bedrock, agent):
    asks(bedrock, function_input("g", "f"))
    with agent.run("Go", handlers={"f": lambda: "ok"}) as run:
        next(run)
    assert list(run) == []
    with pytest.raises(IncompleteStreamError) as caught:
        run.response  # noqa: B018 - raises
    assert (caught.value.code, caught.value.operation) == ("StreamClosed", "InvokeAgent")
    assert len(bedrock.requests) == 1


def test_a_failure_in_a_later_turn_is_the_runs(bedrock, agent):
    failing = AgentReply([chunk("Half")], fault=StreamException("dependencyFailedException", "no", after_events=1))
    bedrock.agent = [return_control(function_input("g", "f")), failing]
    run = agent.run("Go", handlers={"f": lambda: "ok"})
    for _ in range(2):
        with pytest.raises(ServiceError) as caught:
            list(run)
    assert (caught.value.code, caught.value.partial.text) == ("DependencyFailedException", "Half")


def test_inline_agents_return_control_alike(bedrock, session):
    inline = InlineAgent(
        session, foundation_model="amazon.nova-lite-v1:0", instruction="You help people with everything they ask."
    )
    asks(bedrock, function_input("g", "f", agentId="INLINE_AGENT"))
    assert inline.conversation().run("Go", handlers={"f": lambda: "ok"}).response.text == "Done."
    assert told(bedrock)[0]["agentId"] == "INLINE_AGENT"
    assert "inlineSessionState" in bedrock.requests[-1].body


def test_asyncio_runs_coroutines_in_the_loop_and_functions_in_threads(bedrock, agent):
    async def slow(n: int) -> int:
        await asyncio.sleep(0)
        return n + asyncio.get_running_loop().is_running()

    def plain() -> str:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return "plain"

    async def confirm(invocation):
        await asyncio.sleep(0)
        return invocation.name == "g.slow"

    async def main():
        asks(
            bedrock,
            function_input("g", "slow", {"n": 1}, asks_for="USER_CONFIRMATION_AND_RESULT"),
            function_input("g", "plain"),
            function_input("g", "other", asks_for="USER_CONFIRMATION"),
        )
        async with agent.conversation().arun("Go", handlers=[slow, plain], confirm=confirm) as run:
            texts = [text async for text in run.text_stream]
        return texts, await run.get_response()

    texts, response = asyncio.run(main())
    assert "".join(texts) == response.text == "Done."
    slow_result, plain_result, other = told(bedrock)
    assert (text(slow_result), slow_result["confirmationState"]) == ("2", "CONFIRM")
    assert text(plain_result) == "plain"
    assert other["confirmationState"] == "DENY"


def test_a_coroutine_function_cannot_confirm_without_a_loop(bedrock, agent):
    async def confirm(_):
        return True

    asks(bedrock, function_input("g", "f", asks_for="USER_CONFIRMATION"))
    with pytest.raises(ConfigurationError, match="a coroutine function needs arun"):
        agent.run("Go", handlers={}, confirm=confirm).response  # noqa: B018 - raises


def test_asyncio_leaves_and_fails_alike(bedrock, agent):
    async def main():
        asks(bedrock, function_input("g", "f"))
        async with agent.arun("Go", handlers={"f": broken}) as run:
            with pytest.raises(OSError, match="hunter2"):
                await run.get_response()
        asks(bedrock, function_input("g", "f"))
        async with agent.arun("Go", handlers={"f": lambda: "ok"}) as run:
            await anext(run)
        with pytest.raises(IncompleteStreamError) as caught:
            await run.get_response()
        return caught.value.code

    assert asyncio.run(main()) == "StreamClosed"


@pytest.mark.parametrize("kind", ["USER_CONFIRMATION_TWICE", "", "result"])
def test_an_action_to_be_done_in_a_way_that_is_not_known_is_not_done(bedrock, agent, kind):
    ran = []
    unknown = function_input("g", "f")
    unknown["functionInvocationInput"]["actionInvocationType"] = kind
    inputs = [function_input("g", "f"), unknown]
    bedrock.agent = [RawEvents([("returnControl", {"invocationId": "i", "invocationInputs": inputs})])]
    with pytest.raises(DecodeError, match="upgrade bedrock-auth") as caught:
        agent.run("Go", handlers={"f": lambda: ran.append(1)}, confirm=ran.append).response  # noqa: B018 - raises
    assert caught.value.code == "UnknownInvocation"
    assert repr(kind) in str(caught.value)
    assert ran == []


def exhausted(*_):
    return next(iter(()))


@pytest.mark.parametrize("asks_for", ["RESULT", "USER_CONFIRMATION"])
def test_asyncio_does_not_wait_for_ever_where_a_function_lets_a_stop_iteration_out(bedrock, agent, asks_for):
    async def main():
        asks(bedrock, function_input("g", "f", asks_for=asks_for))
        async with asyncio.timeout(10), agent.arun("Go", handlers={"f": exhausted}, confirm=exhausted) as run:
            await run.get_response()

    with pytest.raises(RuntimeError, match="StopIteration") as caught:
        asyncio.run(main())
    assert isinstance(caught.value.__cause__, StopIteration)


@pytest.mark.parametrize(
    ("fault", "requests"), [(Throttle(), 3), (Refusal("InternalServerException", 500), 2), (Refusal("Odd", 502), 2)], ids=plain
)
def test_results_are_sent_again_only_where_aws_has_not_taken_them(bedrock, agent, no_backoff, fault, requests):
    asks(bedrock, function_input("g", "f"))
    response = agent.invoke("Go").response
    control = response.return_control
    bedrock.fault(fault)
    answer = control.answered(control.invocations[0].result("ok"))
    if requests > 2:
        assert agent.invoke(answer, session_id=response.session_id).response.text == "Done."
    else:
        with pytest.raises(ServiceError) as caught:
            agent.invoke(answer, session_id=response.session_id)
        assert not caught.value.retryable
    assert len(bedrock.requests) == requests
