"""Against a stand-in that enforces signatures, identity and session policies, external ids and expiry."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from attrs import evolve

from bedrock_auth import (
    AssumeRole,
    ConfigurationError,
    DeniedError,
    Environment,
    FromCallable,
    Host,
    Process,
    Refresher,
    RetrievalError,
    Static,
    create_session,
    whoami,
)
from bedrock_auth.bedrock import BedrockRuntime, ServiceError
from support.ministack import ACCOUNT, EXTERNAL_ID, REGION

MODEL = "amazon.nova-lite-v1:0"


@pytest.fixture
def user(stack) -> Static:
    return Static(stack.access_key_id, stack.secret_access_key)


def role(stack, user, **settings) -> AssumeRole:
    return AssumeRole(stack.role_arn, **{"source": user, "external_id": EXTERNAL_ID, "session_name": "e2e", **settings})


def short_role(stack, user) -> AssumeRole:
    """Keys for two seconds; only a host of its own may ask a stand-in for that, since AWS issues none under 900."""
    return role(stack, user, duration=2, host=Host.isolated({"AWS_ENDPOINT_URL": stack.url}))


def runtime(provider) -> BedrockRuntime:
    return BedrockRuntime(create_session(provider, region_name=REGION))


def test_a_role_with_an_external_id_streams_an_answer(stack, user):
    session = create_session(role(stack, user), region_name=REGION, expected_account=ACCOUNT)
    identity = whoami(session)
    assert identity.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/Bedrock/e2e"
    with BedrockRuntime(session).converse_stream(MODEL, "Hello") as stream:
        text = "".join(stream.text_stream)
    assert "ministack" in text
    assert stream.response.text == text
    assert stream.response.stop_reason == "end_turn"
    assert stream.response.usage.total_tokens > 0


@pytest.mark.parametrize("settings", [{"external_id": None}, {"external_id": "customer-8"}])
def test_a_role_without_its_external_id_is_refused(stack, user, settings):
    with pytest.raises(DeniedError, match="external"):
        role(stack, user, **settings).retrieve()


def test_a_session_policy_takes_away(stack, user):
    nothing = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}
    with pytest.raises(ServiceError) as refused:
        runtime(role(stack, user, policy=nothing)).converse(MODEL, "Hello")
    assert refused.value.code == "AccessDeniedException"
    some = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}]})
    assert runtime(role(stack, user, policy=some)).converse(MODEL, "Hello").text


def test_the_user_itself_may_not_ask(user):
    with pytest.raises(ServiceError) as refused:
        runtime(user).converse(MODEL, "Hello")
    assert refused.value.code == "AccessDeniedException"


def test_a_wrong_secret_and_an_unknown_key_are_told_apart(stack):
    for keys, code in (
        (Static(stack.access_key_id, "wrong-secret"), {"InvalidSignatureException", "SignatureDoesNotMatch"}),
        (Static("AKIAUNKNOWNUNKNOWN00", "x"), {"UnrecognizedClientException", "InvalidClientTokenId"}),
    ):
        with pytest.raises(ServiceError) as refused:
            runtime(keys).converse(MODEL, "Hello")
        assert refused.value.code in code


def test_a_role_on_keys_that_aws_does_not_know_names_them(stack):
    with pytest.raises(RetrievalError, match="does not accept the keys of static"):
        role(stack, Static("AKIAUNKNOWNUNKNOWN00", "x")).retrieve()


def test_keys_of_another_account_sign_nothing(stack, user):
    session = create_session(role(stack, user), region_name=REGION, expected_account="999999999999")
    with pytest.raises(ConfigurationError, match="999999999999"):
        BedrockRuntime(session).converse(MODEL, "Hello")


def test_every_source_signs_as_itself(stack, user, tmp_path):
    issued = role(stack, user, session_name="helper").retrieve()
    printed = tmp_path / "keys.json"
    printed.touch(0o600)
    printed.write_text(json.dumps(issued.to_process_json()))
    world = Host.isolated({"AWS_ACCESS_KEY_ID": stack.access_key_id, "AWS_SECRET_ACCESS_KEY": stack.secret_access_key})
    sources = {
        "user/kit": [user, Environment(host=world)],
        "assumed-role/Bedrock/helper": [
            Process([sys.executable, "-c", "import sys; print(open(sys.argv[1]).read())", str(printed)]),
            FromCallable(lambda: issued, name="issued"),
        ],
        "assumed-role/Bedrock/e2e": [role(stack, Environment(host=world)), role(stack, Refresher(user))],
    }
    for who, providers in sources.items():
        for provider in providers:
            assert whoami(create_session(provider, region_name=REGION)).arn.endswith(who), provider.name


def test_a_hundred_calls_with_keys_that_live_two_seconds(stack, user):
    fetched = []
    provider = short_role(stack, user)
    session = create_session(provider, region_name=REGION, listeners=[fetched.append])
    short = BedrockRuntime(session)
    started = time.monotonic()
    for _ in range(100):
        assert short.converse(MODEL, "Hello").stop_reason == "end_turn"
        time.sleep(0.08)
    assert time.monotonic() - started > 8
    assert 4 <= len(fetched) <= 25, "a fetch per set, not per call"
    assert {type(event).__name__ for event in fetched} <= {"Retrieved", "Invalidated"}


def test_threads_and_streams_live_through_expiries(stack, user):
    streaming = BedrockRuntime(create_session(short_role(stack, user), region_name=REGION))

    def ask(number: int) -> str:
        time.sleep(number % 8 * 0.1)
        with streaming.converse_stream(MODEL, f"Question {number}") as stream:
            return stream.response.stop_reason

    with ThreadPoolExecutor(8) as people:
        assert set(people.map(ask, range(100))) == {"end_turn"}


def test_keys_that_expired_unnoticed_are_renewed_once_aws_says_so(stack, user):
    """The source lies about the lifetime; AWS's answer is what counts."""
    short = short_role(stack, user)
    session = create_session(FromCallable(lambda: evolve(short.retrieve(), expiration=None), name="boasting"), region_name=REGION)
    boasting = BedrockRuntime(session)
    first = session.get_credentials().access_key
    assert boasting.converse(MODEL, "Hello").text
    time.sleep(3)
    assert boasting.converse(MODEL, "Hello").text
    assert session.get_credentials().access_key != first


def test_a_chain_of_roles_refreshes_its_base(stack, user):
    base = Refresher(role(stack, user))
    with pytest.raises(DeniedError):  # the role may not assume itself: its trust policy names the user
        AssumeRole(stack.role_arn, source=base, external_id=EXTERNAL_ID).retrieve()
