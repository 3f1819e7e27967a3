"""A proxy that nobody here wrote drops, cuts and corrupts the frames of a stream: no damage goes unnoticed.

Two Bedrocks stand behind it, LocalBedrock and MiniStack. Both verify signatures, so what arrives is what was signed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from attrs import frozen
from botocore.config import Config

from bedrock_auth import AssumeRole, Static, create_session
from bedrock_auth.bedrock import BedrockError, BedrockRuntime, MessageStop, UnknownEvent
from bedrock_auth.testing import LocalBedrock
from support.ministack import EXTERNAL_ID, REGION
from support.peers import Microburst

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODEL = "amazon.titan-text-lite-v1"  # without a colon: microburst decodes it on the way, so that the signature no longer fits
QUESTION = "Why is the sky blue, and the sunset red?"


@frozen
class Place:
    """A Bedrock, and the proxy before it."""

    url: str
    microburst: Microburst
    provider: Any
    text: str
    """What the model answers."""
    stop: int
    """Which frame is messageStop, from 0."""

    def runtime(self, **settings: Any) -> BedrockRuntime:
        config = Config(proxies={"http": self.microburst.url}, read_timeout=30)
        return BedrockRuntime(create_session(self.provider, region_name=REGION), config=config, **settings)


def look(url: str, microburst: Microburst, provider: Any, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Read the stream once through the proxy, which does nothing to it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", url)
    place = Place(url, microburst, provider, "", 0)
    with place.runtime().converse_stream(MODEL, QUESTION) as stream:
        events = list(stream)
    (stop,) = [number for number, event in enumerate(events) if isinstance(event, MessageStop)]
    return Place(url, microburst, provider, stream.response.text, stop)


@pytest.fixture(scope="module")
def bedrock() -> Iterator[LocalBedrock]:
    with LocalBedrock() as running:
        running.model = lambda request: f"You said: “{request.text}” That is all."
        yield running


@pytest.fixture(scope="module", params=["local", "ministack"])
def place(request: pytest.FixtureRequest, start_microburst: Callable[[str], Microburst]) -> Iterator[Place]:
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "local":
            bedrock = request.getfixturevalue("bedrock")
            keys = bedrock.credentials
            url, provider = bedrock.endpoint_url, Static(keys.access_key_id, keys.secret_access_key)
        else:
            stack = request.getfixturevalue("stack")
            url, user = stack.url, Static(stack.access_key_id, stack.secret_access_key)
            patch.setenv("AWS_ENDPOINT_URL_STS", url)
            provider = AssumeRole(stack.role_arn, source=user, external_id=EXTERNAL_ID, session_name="e2e")
        yield look(url, start_microburst(url), provider, patch)


@pytest.fixture(autouse=True)
def _proxied(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", place.url)


def outcome(place: Place, **settings: Any) -> str:
    """What a reader is told; whatever text it has been given by then is the beginning of the answer."""
    pieces: list[str] = []
    failure = read(place.runtime(**settings), pieces)
    text = "".join(pieces)
    if failure is None:
        assert text == place.text
        return "whole"
    assert place.text.startswith(text)
    assert (failure.partial.text if failure.in_stream else "") == text
    return f"{type(failure).__name__} {failure.code}, {'retryable' if failure.retryable else 'not retryable'}"


def read(runtime: BedrockRuntime, pieces: list[str]) -> BedrockError | None:
    try:
        with runtime.converse_stream(MODEL, QUESTION) as stream:
            pieces.extend(stream.text_stream)
    except BedrockError as error:
        return error
    return None


def frame(at: int | str, **action: Any) -> Any:
    return lambda place: {"response": {"event_frames": [{"at": place.stop if at == "messageStop" else at, **action}]}}


def always(**rule: Any) -> Any:
    return lambda _: rule


SPOILT = {
    "nothing": (always(), "whole"),
    "slow": (always(response={"bandwidth_kbps": 8}), "whole"),
    "a bad checksum": (frame(2, bad_crc=True), "DecodeError ChecksumMismatch, retryable"),
    "another payload": (frame(2, payload='{"nope": 1}'), "DecodeError MalformedEvent, not retryable"),
    "a payload that is no text": (frame(2, corrupt_payload=True), "DecodeError MalformedEvent, not retryable"),
    "a frame cut in its middle": (frame(2, cut=0.5), "IncompleteStreamError IncompleteStream, retryable"),
    "no messageStop": (frame("messageStop", drop=True), "IncompleteStreamError IncompleteStream, retryable"),
    "the end cut off": (frame("messageStop", cut=0.9), "IncompleteStreamError IncompleteStream, retryable"),
    "an error frame": (frame(2, error={"code": "ThrottlingException"}), "ThrottledError ThrottlingException, retryable"),
    "an unknown event": (frame(2, inject={"event_type": "news", "payload": '{"a": 1}'}), "whole"),
    "a body that ends early": (always(response={"truncate_bytes": 300}), "IncompleteStreamError IncompleteStream, retryable"),
    "a connection that breaks": (always(response={"abort_bytes": 300}), "ConnectionLostError ConnectionClosed, retryable"),
    "a gateway's timeout": (always(timeout_ms=50), "UnavailableError RequestTimeout, not retryable"),
    "a refusal": (always(error={"code": "AccessDeniedException"}), "AccessDeniedError AccessDeniedException, not retryable"),
}


@pytest.mark.parametrize("case", SPOILT.values(), ids=SPOILT)
def test_a_spoilt_stream_is_told_as_what_it_is(place, case):
    rule, told = case
    place.microburst.spoil(**rule(place))
    assert outcome(place, retries=1) == told


@pytest.mark.parametrize("flipped", [1, 2, 3, 4, 16])
def test_no_flipped_byte_is_ever_shown_to_a_reader(place, flipped):
    place.microburst.spoil(response={"corrupt_bytes": flipped})
    told = outcome(place, retries=1)
    assert told.startswith(("DecodeError", "IncompleteStreamError")), told


def test_an_event_from_the_future_arrives_with_its_content(place):
    place.microburst.spoil(**frame(2, inject={"event_type": "news", "payload": '{"a": 1}'})(place))
    with place.runtime().converse_stream(MODEL, QUESTION) as stream:
        (news,) = [event for event in stream if isinstance(event, UnknownEvent)]
    assert (news.name, news.raw) == ("news", {"news": {"a": 1}})
    assert stream.response.text == place.text


EARLY = {
    "a frame cut in its middle": frame(0, cut=0.5),
    "a bad checksum": frame(0, bad_crc=True),
    "an error frame": frame(0, error={"code": "ThrottlingException"}),
    "an empty body": always(response={"truncate_bytes": 0}),
    "a reset": always(reset=True),
    "a refusal": always(error={"code": "ThrottlingException"}),
}


@pytest.mark.parametrize("rule", EARLY.values(), ids=EARLY)
def test_what_breaks_before_the_first_event_is_sent_again_and_the_reader_sees_nothing_of_it(place, rule):
    place.microburst.spoil(times=1, **rule(place))
    before = len(place.microburst.fired())
    assert outcome(place) == "whole"
    assert len(place.microburst.fired()) - before == 1


@pytest.mark.parametrize("rule", [frame(1, bad_crc=True), frame(2, cut=0.5)], ids=["a bad checksum", "a frame cut"])
def test_what_breaks_later_is_never_sent_again(place, rule):
    place.microburst.spoil(times=1, **rule(place))
    assert outcome(place) != "whole"
    assert outcome(place) == "whole"
