"""Programs that know nothing of us take our credentials in each way there is, over expiries, whatever else lies around."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise, product

import pytest

from support.strangers import BEARER, DECOY_KEYS, PROFILE, WAYS, Story, World, after_evaluating, stranger, tell

STRANGERS = ("awscli", "boto3", "javascript")
ROUNDS = 4  # over three expiries


@pytest.fixture(scope="module")
def told(stack, strangers, tmp_path_factory) -> Iterator[dict[tuple[str, str], Future[Story]]]:
    """What each of them does in each way, a few at a time: most of it is waiting for keys to expire."""

    def do(name: str, way: str) -> Story:
        with World(stack, tmp_path_factory.mktemp(f"{name}-{way}")) as world:
            return tell(world, strangers[name], way, ROUNDS)

    with ThreadPoolExecutor(5) as pool:
        yield {pair: pool.submit(do, *pair) for pair in product(STRANGERS, WAYS)}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", STRANGERS)
def test_a_stranger_goes_on_while_the_keys_expire_three_times_and_every_request_is_ours(told, name, way):
    story = told[name, way].result()
    answers = 1 if name == "awscli" else 2  # it cannot stream
    assert story.texts == [[f"You said: “{number}”"] * answers for number in range(ROUNDS)]
    assert {(request.signed, request.status) for request in story.requests} == {("sigv4", 200)}
    assert set().union(*story.signers) <= story.issued
    assert not any(earlier & later for earlier, later in pairwise(story.signers))


@pytest.mark.parametrize("name", STRANGERS)
def test_without_us_a_stranger_signs_as_somebody_else(stack, strangers, tmp_path, name):
    with World(stack, tmp_path) as world, stranger(strangers[name], world.environ(without=[BEARER]), tmp_path) as left_alone:
        assert "token" in left_alone.fail("Who are you?")  # STS knows none of them
        signers = {request.access_key_id for request in world.bedrock.requests}
    assert signers
    assert signers <= {keys.access_key_id for keys in DECOY_KEYS}


@pytest.mark.parametrize("name", STRANGERS)
def test_a_bearer_token_wins_over_a_profile_so_it_has_to_be_unset(stack, strangers, tmp_path, name):
    with World(stack, tmp_path) as world:
        world.install_profile()
        with stranger([*strangers[name], PROFILE], world.environ(), tmp_path) as misled:
            assert re.search("Bearer|API Key", misled.fail("Who are you?"))
        assert {request.signed for request in world.bedrock.requests} <= {"bearer"}  # boto3 sends none without TLS


@pytest.mark.parametrize("name", STRANGERS)
def test_keys_that_were_exported_into_a_shell_sign_there(stack, strangers, tmp_path, name):
    with World(stack, tmp_path, lifetime=900) as world, after_evaluating(world, "export", "", strangers[name]) as started:
        signer = world.signer(started.ask("Who are you?")["arn"])
        assert {(request.signed, request.access_key_id) for request in world.bedrock.requests} == {("sigv4", signer)}
