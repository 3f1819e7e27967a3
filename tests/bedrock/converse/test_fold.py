"""From events to the message: the same one, however it was cut up."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from bedrock_auth.bedrock import (
    ConverseResponse,
    DecodeError,
    IncompleteStreamError,
    Message,
    MessageFold,
    ReasoningBlock,
    TextBlock,
    ToolInputError,
    ToolUseBlock,
    UnknownBlock,
    Usage,
    decode,
)
from bedrock_auth.bedrock.content import (
    Citation,
    CitationsBlock,
    ImageBlock,
    JsonBlock,
    S3Location,
    ToolResultBlock,
    block_from_api,
)
from bedrock_auth.bedrock.events import CitationDelta, ImageDelta, ImageStart, TextDelta, ToolResultDelta, ToolResultStart

TEXT = st.text(min_size=1, max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
CITATIONS = st.lists(
    st.fixed_dictionaries(
        {"title": TEXT, "location": st.just({"web": {"url": "u", "later": 1}})},
        optional={"source": TEXT, "sourceContent": st.just([{"text": "w"}]), "later": JSON},
    ),
    min_size=1,
    max_size=2,
)
RESULTS = st.lists(st.builds(TextBlock, TEXT) | st.builds(JsonBlock, st.dictionaries(TEXT, JSON, max_size=2)), max_size=3).filter(
    lambda parts: not any(isinstance(part, TextBlock) and isinstance(after, TextBlock) for part, after in pairwise(parts))
)
BLOCKS = st.lists(
    st.builds(TextBlock, TEXT)
    | st.builds(ToolUseBlock, TEXT, TEXT, st.dictionaries(st.text(max_size=4), JSON, max_size=3))
    | st.builds(ReasoningBlock, TEXT, st.none() | TEXT)
    | st.builds(lambda content: ReasoningBlock(redacted_content=content), st.binary(min_size=1, max_size=9))
    | st.builds(
        lambda text, said: block_from_api({"citationsContent": {"content": [{"text": text}], "citations": said}}), TEXT, CITATIONS
    )
    | st.builds(ToolResultBlock, TEXT, RESULTS.map(tuple), st.none() | st.just("error"), st.none() | TEXT)
    | st.builds(ImageBlock, st.just("png"), st.binary(min_size=1, max_size=9) | st.builds(S3Location, TEXT), st.none() | TEXT),
    max_size=5,
)


def cut(random, whole):
    """Any cutting of a text or bytes into pieces, empty ones included."""
    marks = sorted(random.randint(0, len(whole)) for _ in range(random.randint(0, 4)))
    return [whole[begin:end] for begin, end in zip([0, *marks], [*marks, len(whole)], strict=True)]


def cut_result(random, part):
    """A part of a tool's result, in deltas."""
    if isinstance(part, JsonBlock):
        return [[part.to_api()]]
    return [[{"text": piece}] for piece in cut(random, part.text)]


def spelled(random, index, block):
    """The raw events that spell a block."""

    def event(name, **body):
        return {name: {"contentBlockIndex": index, **body}}

    match block:
        case TextBlock(text):
            deltas = [{"text": piece} for piece in cut(random, text)]
        case ToolUseBlock(tool_use_id, name, value):
            yield event("contentBlockStart", start={"toolUse": {"toolUseId": tool_use_id, "name": name}})
            written = "" if value == {} and random.random() < 0.5 else json.dumps(value)
            deltas = [{"toolUse": {"input": piece}} for piece in cut(random, written)]
        case ReasoningBlock(redacted_content=bytes(content)):
            deltas = [{"reasoningContent": {"redactedContent": piece}} for piece in cut(random, content)]
        case ReasoningBlock(text, signature):
            deltas = [{"reasoningContent": {"text": piece}} for piece in cut(random, text)]
            deltas += [{"reasoningContent": {"signature": piece}} for piece in cut(random, signature or "") if signature]
        case CitationsBlock():
            deltas = [{"text": piece} for piece in cut(random, block.text)]
            deltas += [{"citation": said} for said in block.to_api()["citationsContent"]["citations"]]
        case ToolResultBlock(content=content):
            said = block.to_api()["toolResult"]
            yield event("contentBlockStart", start={"toolResult": {name: said[name] for name in said if name != "content"}})
            deltas = [{"toolResult": pieces} for part in content for pieces in cut_result(random, part)]
            deltas.append({"toolResult": []})
        case ImageBlock(source=source, error=error):
            yield event("contentBlockStart", start={"image": {"format": block.format}})
            in_s3 = isinstance(source, S3Location)
            deltas = [{"image": {"source": {"s3Location": source.to_api()}}}] if in_s3 else []
            deltas += [] if in_s3 else [{"image": {"source": {"bytes": piece}}} for piece in cut(random, source)]
            deltas += [] if error is None else [{"image": {"error": {"message": error}}}]
    for delta in deltas:
        yield event("contentBlockDelta", delta=delta)
    yield event("contentBlockStop")


def sent(blocks, random):
    """A message, and the raw events of one way of sending it: any pieces, any interleaving of the blocks."""
    waiting = [list(spelled(random, index, block)) for index, block in enumerate(blocks)]
    events = []
    while waiting := [block for block in waiting if block]:
        events.append(random.choice(waiting).pop(0))
    stop = [{"messageStop": {"stopReason": "end_turn"}}, {"metadata": {"usage": {"totalTokens": 3}, "metrics": {}}}]
    return Message("assistant", blocks), [{"messageStart": {"role": "assistant"}}, *events, *stop]


STREAMS = st.builds(sent, BLOCKS, st.randoms(use_true_random=True))


def folded(events):
    fold = MessageFold()
    for raw in events:
        fold.add(decode(raw))
    return fold


@given(STREAMS)
def test_any_cutting_and_interleaving_folds_to_the_same_message(stream):
    message, events = stream
    response = folded(events).complete()
    assert response == ConverseResponse(message, "end_turn", Usage(total_tokens=3))
    assert response.message.to_api() == message.to_api()
    assert folded(events).partial() == response


def is_beginning(part, whole):  # noqa: PLR0911 - one for each kind
    match part, whole:
        case TextBlock(), TextBlock():
            return whole.text.startswith(part.text)
        case ToolUseBlock(), ToolUseBlock():
            written = part.input_text is None or json.dumps(whole.input).startswith(part.input_text)
            return written and part.input == (whole.input if part.input_text is None else None)
        case ReasoningBlock(redacted_content=bytes(begun)), ReasoningBlock(redacted_content=bytes(content)):
            return content.startswith(begun)
        case ReasoningBlock(text=str()), ReasoningBlock(text=str()):
            return whole.text.startswith(part.text) and (whole.signature or "").startswith(part.signature or "")
        case TextBlock() | CitationsBlock(), CitationsBlock():
            cited = part.citations if isinstance(part, CitationsBlock) else ()
            return whole.text.startswith(part.text) and whole.citations[: len(cited)] == cited
        case ToolResultBlock(), ToolResultBlock():
            *begun, last = part.content or [None]
            rest = whole.content[len(begun) :]
            return whole.content[: len(begun)] == tuple(begun) and (
                last is None or last == rest[0] or is_beginning(last, rest[0])
            )
        case ImageBlock(source=bytes(begun)), ImageBlock(source=bytes(content)):
            return content.startswith(begun) and part.error in {None, whole.error}
        case ImageBlock(), ImageBlock():
            return part.source in {None, whole.source} and part.error in {None, whole.error}
    return False


@given(STREAMS, st.floats(0, 1))
def test_a_stream_cut_anywhere_is_incomplete_and_its_partial_is_what_had_come(stream, where):
    message, events = stream
    fold = folded(events[: int(where * (len(events) - 2))])
    assert not fold.is_complete
    with pytest.raises(IncompleteStreamError) as caught:
        fold.complete()
    partial = caught.value.partial
    assert partial == fold.partial()
    assert (partial.stop_reason, partial.usage) == (None, None)
    rest = iter(message.content)
    assert all(any(is_beginning(part, whole) for whole in rest) for part in partial.message.content)


def tool_events(*pieces, stop=True):
    start = {"contentBlockStart": {"start": {"toolUse": {"toolUseId": "t", "name": "f"}}, "contentBlockIndex": 0}}
    deltas = [{"contentBlockDelta": {"delta": {"toolUse": {"input": piece}}, "contentBlockIndex": 0}} for piece in pieces]
    return [start, *deltas, *([{"contentBlockStop": {"contentBlockIndex": 0}}] if stop else [])]


def message_stop(reason="tool_use"):
    return {"messageStop": {"stopReason": reason}}


@pytest.mark.parametrize("pieces", [(), ("",), ("", "")])
def test_a_tool_without_arguments_has_an_empty_input(pieces):
    assert folded([*tool_events(*pieces), message_stop()]).complete().tool_uses == (ToolUseBlock("t", "f", {}),)


@pytest.mark.parametrize("text", ['{"a": 1', "{", " ", '{"a": NaN}', "[" * 100_000, '{"a": 1}}'], ids=lambda text: text[:9])
def test_an_input_that_is_no_json_is_an_error_and_never_an_empty_dict(text):
    fold = folded([*tool_events(text), message_stop()])
    with pytest.raises(ToolInputError, match="input for the tool 'f'") as caught:
        fold.complete()
    assert (caught.value.tool_use_id, caught.value.name, caught.value.input_text) == ("t", "f", text)
    assert caught.value.partial.tool_uses == (ToolUseBlock("t", "f", None, input_text=text),)
    assert caught.value.code == "InvalidToolInput"


def test_an_input_that_was_cut_by_max_tokens_says_so():
    with pytest.raises(ToolInputError, match="was cut by max_tokens"):
        folded([*tool_events('{"a": "lo', stop=False), message_stop("max_tokens")]).complete()


CUTS = ["max_tokens", "model_context_window_exceeded", "stop_sequence", "content_filtered", "guardrail_intervened"]


@pytest.mark.parametrize("pieces", [(), ("",)])
@pytest.mark.parametrize("stop", [True, False])
@pytest.mark.parametrize("reason", CUTS)
def test_an_input_that_was_cut_before_its_first_character_is_not_one_without_arguments(reason, stop, pieces):
    fold = folded([*tool_events(*pieces, stop=stop), message_stop(reason)])
    with pytest.raises(ToolInputError, match="input for the tool 'f'") as caught:
        fold.complete()
    assert caught.value.input_text == ""
    assert caught.value.partial.tool_uses == (ToolUseBlock("t", "f", None, input_text=""),)


def test_only_the_last_block_can_have_been_cut():
    events = [*tool_events(), started(text={}), delta(text="and so on"), message_stop("max_tokens")]
    assert folded(events).complete().tool_uses == (ToolUseBlock("t", "f", {}),)


def test_an_input_that_was_cut_by_the_context_window_says_so():
    with pytest.raises(ToolInputError, match="was cut at the end of the model's context window; shorten the conversation"):
        folded([*tool_events("{"), message_stop("model_context_window_exceeded")]).complete()


@pytest.mark.parametrize("text", ["", "1", '{"a": 1}'])
def test_an_input_that_may_go_on_is_not_taken_for_whole(text):
    assert folded(tool_events(text, stop=False)).partial().tool_uses == (ToolUseBlock("t", "f", None, input_text=text),)


def test_an_input_without_a_tool_is_refused():
    fold = folded([*tool_events("{}")[1:], message_stop()])
    with pytest.raises(DecodeError, match="without saying which tool"):
        fold.complete()


def started(index=1, **union):
    return {"contentBlockStart": {"start": union, "contentBlockIndex": index}}


def delta(index=1, **union):
    return {"contentBlockDelta": {"delta": union, "contentBlockIndex": index}}


def test_what_is_not_known_is_kept_with_its_events():
    events = [started(hologram={"x": 1}), delta(hologram={"y": 2})]
    response = folded([*events, delta(0, text="look"), {"later": {}}, {"odd": b"\0"}, message_stop("end_turn")]).complete()
    assert response.message.content == (TextBlock("look"), UnknownBlock("hologram", {}, tuple(events)))


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("image", [delta(image={"source": {"bytes": b"x"}}), delta(image={"source": {"bytes": b"y"}})]),
        ("toolResult", [delta(toolResult=[{"text": "a"}])]),
    ],
)
def test_a_block_that_was_never_announced_is_kept_with_its_events(name, events):
    response = folded([*events, message_stop()]).complete()
    assert response.message.content == (UnknownBlock(name, {}, tuple(events)),)


def test_a_text_in_a_tools_result_goes_on_only_where_the_next_delta_begins_with_one():
    pieces = [[{"text": "a"}], [{"text": "b"}, {"text": "c"}], [], [{"text": "d"}, {"json": {}}], [{"text": "e"}]]
    start = started(toolResult={"toolUseId": "t", "later": 1})
    response = folded([start, *(delta(toolResult=piece) for piece in pieces), message_stop()]).complete()
    (block,) = response.message.content
    content = [{"text": "ab"}, {"text": "cd"}, {"json": {}}, {"text": "e"}]
    assert block.to_api() == {"toolResult": {"toolUseId": "t", "later": 1, "content": content}}


def test_an_image_of_a_later_aws_keeps_what_its_start_said():
    image = {"format": "png", "later": 1}
    response = folded([started(image=image), delta(image={"source": {"bytes": b"x"}}), message_stop()]).complete()
    assert response.message.to_api()["content"] == [{"image": {**image, "source": {"bytes": b"x"}}}]


def test_an_image_that_could_not_be_made_says_why():
    response = folded([started(image={"format": "png"}), delta(image={"error": {"message": "no"}}), message_stop()]).complete()
    assert response.message.content == (ImageBlock("png", None, "no"),)


def test_citations_without_text_are_kept():
    response = folded([delta(citation={"title": "t"}), message_stop("end_turn")]).complete()
    assert response.message.to_api()["content"] == [{"citationsContent": {"citations": [{"title": "t"}]}}]


def test_events_made_by_hand_fold_too():
    fold = MessageFold()
    for event in [
        TextDelta(0, "a"),
        CitationDelta(0, Citation("t")),
        ToolResultStart(1, "t"),
        ToolResultDelta(1, (TextBlock("b"),)),
        ImageStart(2, "png"),
        ImageDelta(2, b"x"),
    ]:
        fold.add(event)
    assert fold.partial().message.content == (
        CitationsBlock("a", [Citation("t")]),
        ToolResultBlock("t", "b"),
        ImageBlock("png", b"x"),
    )


def test_a_server_tool_and_fields_of_tomorrow_survive_the_stream():
    tool = {"toolUseId": "t", "name": "f", "type": "server_tool_use", "later": 1}
    start = {"contentBlockStart": {"start": {"toolUse": tool}, "contentBlockIndex": 0}}
    (block,) = folded([start, message_stop()]).complete().tool_uses
    assert block.type == "server_tool_use"
    assert block.to_api() == {"toolUse": {**tool, "input": {}}}


def test_text_of_nothing_is_no_block():
    empty = {"contentBlockDelta": {"delta": {"text": ""}, "contentBlockIndex": 0}}
    assert folded([empty, message_stop("end_turn")]).complete().message == Message("assistant", ())


def test_reasoning_that_is_only_a_signature_keeps_it():
    delta = {"contentBlockDelta": {"delta": {"reasoningContent": {"signature": "s"}}, "contentBlockIndex": 0}}
    (block,) = folded([delta, message_stop("end_turn")]).complete().message.content
    assert block.to_api() == {"reasoningContent": {"reasoningText": {"text": "", "signature": "s"}}}


def test_metadata_before_the_stop_and_fields_of_the_stop_are_kept():
    metadata = {
        "metadata": {"usage": {"totalTokens": 3}, "metrics": {"latencyMs": 4}, "trace": {"t": 1}, "serviceTier": {"type": "flex"}}
    }
    stop = {"messageStop": {"stopReason": "end_turn", "additionalModelResponseFields": {"k": 1}}}
    response = folded([metadata, stop]).complete()
    assert (response.usage, response.metrics, response.trace) == (Usage(total_tokens=3), {"latencyMs": 4}, {"t": 1})
    assert response.additional_model_response_fields == {"k": 1}
    assert response.service_tier == "flex"
    assert response.raw == {**metadata["metadata"], **stop["messageStop"]}
