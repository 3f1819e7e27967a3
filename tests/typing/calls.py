"""What type checkers must accept of `bedrock_auth.bedrock`, as users write it. Checked by mypy --strict, never run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, assert_type

from bedrock_auth import Environment, create_session
from bedrock_auth.bedrock import (
    AgentChunk,
    AgentResponse,
    AgentStream,
    AsyncStream,
    BedrockAgent,
    BedrockError,
    BedrockRuntime,
    CachePoint,
    ClientHistory,
    Conversation,
    ConverseOptions,
    ConverseResponse,
    ConverseStream,
    DocumentBlock,
    Event,
    Explanation,
    F,
    Fence,
    Filter,
    Guardrail,
    GuardrailCheck,
    Handlers,
    Hit,
    HitCitation,
    ImageBlock,
    InlineAgent,
    InputFile,
    Invocation,
    InvocationResult,
    KnowledgeBase,
    Message,
    ModelRef,
    RagChat,
    RagResponse,
    RagSettings,
    Reranking,
    Retried,
    RetrieveAndGenerateResponse,
    TextBlock,
    TextDelta,
    TextRules,
    ThrottledError,
    Tool,
    ToolResultBlock,
    ToolRun,
    TranscriptSigner,
    UnmatchedMarker,
    all_of,
    available_models,
    explain,
    to_html,
    typed_stream,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

MODEL = "us.amazon.nova-lite-v1:0"


def heard(retried: Retried) -> None:
    """Listen as a plain function."""
    print(retried.operation, retried.wait)


session = create_session(Environment(), region_name="us-east-1")
runtime = BedrockRuntime(session, retries=5, listeners=[heard])


def weather(city: str) -> dict[str, Any]:
    """Be a tool."""
    return {"city": city}


def messages() -> str:
    """Send content of all kinds."""
    image = ImageBlock.from_bytes(b"", format="png")
    user = Message("user", ["What is this?", image, DocumentBlock.from_bytes(b"", name="notes", format="txt")])
    options: ConverseOptions = {"max_tokens": 200, "guardrail": Guardrail("gr1abc", "3"), "system": ["Be brief.", CachePoint()]}
    answer = runtime.converse(MODEL, [user, {"role": "assistant", "content": []}], **options)
    for block in answer.message.content:
        if isinstance(block, TextBlock):
            print(block.text)
    tokens: int = runtime.count_tokens(MODEL, user)
    return f"{answer.text} {answer.usage.output_tokens if answer.usage else tokens}"


def streams(response: dict[str, Any]) -> ConverseResponse:
    """Read streams."""
    with runtime.converse_stream(MODEL, "Hello", temperature=0.2) as stream:
        assert_type(stream, ConverseStream)
        for event in stream:
            assert_type(event, Event)
            match event:
                case TextDelta(text=text):
                    print(text.upper())
    with typed_stream(response) as theirs:
        print("".join(theirs.text_stream))
    with runtime.invoke_model_stream(MODEL, {"prompt": "Hello"}) as chunks:
        print([chunk.raw for chunk in chunks], chunks.metrics)
    return stream.response


async def in_a_loop() -> str:
    """Read streams from asyncio."""
    async with runtime.aconverse_stream(MODEL, "Hello") as stream:
        either: AsyncStream[Event, ConverseResponse] = stream
        async for event in either:
            print(event.raw)
        print([text async for text in stream.text_stream])
    chat = Conversation()
    await chat.asend(runtime, MODEL, "Hello")
    async with chat.arun(runtime, MODEL, "Do I need a coat?", tools=[weather]) as run:
        return (await run.get_response()).text


def conversations() -> Conversation:
    """Use tools, and keep what was said."""
    chat = Conversation(["Hello", Message("assistant", "Hello yourself."), "And now?"])
    tools = [
        weather,
        Tool("day", "The day.", {"type": "object"}, handler=lambda: "Monday"),
        Tool.from_function(weather, name="w"),
    ]
    with chat.run(runtime, MODEL, tools=tools, tool_choice="any", max_turns=3) as run:
        assert_type(run, ToolRun)
        results = [event.content for event in run if isinstance(event, ToolResultBlock)]
    print(run.response.text, results)
    return Conversation.from_json(chat.trimmed(max_turns=5).to_json())


def errors() -> Explanation | None:
    """Tell what went wrong."""
    try:
        runtime.converse(MODEL, "Hello")
    except ThrottledError as error:
        print(error.retryable, error.response["Error"])
    except BedrockError as error:
        return explain(error, region_name="us-east-1")
    return None


def models() -> list[str]:
    """Choose one."""
    kind: str | None = ModelRef.parse(MODEL).provider
    return [model.id for model in available_models(session, region_name="eu-west-1") if model.provider != kind]


def ask(invocation: Invocation) -> bool:
    """Confirm what an agent wants."""
    return invocation.name != "delete"


def tools_day() -> str:
    """Be a handler of another type."""
    return "Monday"


def agents() -> AgentResponse:
    """Talk to agents."""
    agent = BedrockAgent(session, agent_id="AGENT12345", agent_alias_id="ALIAS12345")
    chat = agent.conversation(memory_id="user-42", session_attributes={"tenant": "blue"})
    with chat.invoke("Hello", files=InputFile.from_bytes(b"", name="a.csv"), knowledge_bases={"KB": F.year == 2026}) as stream:
        assert_type(stream, AgentStream)
        for event in stream:
            if isinstance(event, AgentChunk):
                print(event.text)
    run = agent.run("Go on", handlers={"weather": weather, ("api", "/day", "GET"): tools_day}, confirm=ask)
    by_name: Handlers = {"weather": weather, "claims.day": tools_day}
    named: dict[str, Callable[..., str]] = {"day": tools_day}
    print(agent.run("And on", handlers=by_name).response.text, agent.run("And on", handlers=named).response.text)
    print([event.to_api() for event in run if isinstance(event, InvocationResult)])
    inline = InlineAgent(
        session, foundation_model=MODEL, instruction="You help people with their insurance claims, whatever they are."
    )
    control = inline.invoke("Hello").response.return_control
    if control is not None:
        print(control.answered(*(each.result("done") for each in control.invocations if isinstance(each, Invocation))))
    return chat.end()


async def agents_in_a_loop(agent: BedrockAgent) -> str:
    """Talk to agents from asyncio."""
    async with agent.arun("Hello", handlers=[weather]) as run:
        print([text async for text in run.text_stream])
    return (await run.get_response()).text


def searches() -> RetrieveAndGenerateResponse:
    """Ask a knowledge base."""
    handbook = KnowledgeBase(session, knowledge_base_id="KB12345678")
    recent: Filter = all_of(
        (F.year >= 2024) & ~F.tag.in_(["old"]), F["x-y"].starts_with("a") | {"equals": {"key": "a", "value": 1}}
    )
    page = handbook.retrieve("warranty", top_k=5, filter=recent, reranking=Reranking("amazon.rerank-v1:0"), search="hybrid")
    hits: list[Hit] = [*page, *handbook.retrieve_all("warranty", max_hits=10)]
    print([(hit.uri, hit.score) for hit in hits])
    with handbook.conversation(MODEL, top_k=3).stream("And now?") as stream:
        print("".join(stream.text_stream))
    return stream.response


@dataclass(frozen=True)
class Paragraph:
    """What a search of a user's own finds."""

    path: Path
    text: str


def search(_text: str) -> list[Paragraph]:
    """Search elsewhere."""
    return []


def questions(handbook: KnowledgeBase) -> RagResponse:
    """Ask over documents."""
    settings = RagSettings(instructions="Be brief.", document_rules=TextRules(4_000, too_long="cut"))
    check = GuardrailCheck("gr1abc", session)
    for retriever in (partial(handbook.retrieve, top_k=8), search):
        RagChat(runtime, retriever, MODEL)
    chat = RagChat(runtime, handbook, MODEL, settings=settings, check=check)
    with chat.stream("How long?", max_tokens=300) as stream:
        for event in stream:
            if isinstance(event, HitCitation | UnmatchedMarker):
                print(event.numbers)
    return chat.ask("And now?")


def texts(brought: Iterable[dict[str, str]], key: bytes) -> str:
    """Keep other people's text apart."""
    fence = Fence()
    signer = TranscriptSigner(key)
    chat = ClientHistory(signer=signer).read(brought, signature="…", context="user-17")
    print(fence.around("email", TextRules(5_000).apply("Hello", "e-mail"), title="T"), fence.rules("email"))
    return to_html(signer.sign(chat, context="user-17"))
