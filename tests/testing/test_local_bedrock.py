import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from attrs import evolve
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from bedrock_auth.credentials import Credentials
from bedrock_auth.testing import LocalBedrock, Throttle

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
HELLO = {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}


def events(answer):
    return list(answer["stream"])


def streamed_text(answer):
    deltas = (event.get("contentBlockDelta", {}).get("delta", {}) for event in answer["stream"])
    return "".join(delta.get("text", "") for delta in deltas)


def code(caught):
    error = caught.value
    return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize("model_id", [MODEL, "us." + MODEL, "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.x/1"])
def test_model_ids_and_arns_arrive_decoded(bedrock, client, model_id):
    client.converse(modelId=model_id, **HELLO)
    events(client.converse_stream(modelId=model_id, **HELLO))
    assert [(r.operation, r.model_id) for r in bedrock.requests] == [("Converse", model_id), ("ConverseStream", model_id)]


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        (b"{", "SerializationException", "not a JSON object"),
        (b"[]", "SerializationException", "not a JSON object"),
        (b"\xff\xfe", "SerializationException", "not a JSON object"),
        (b"{}", "ValidationException", "'messages'"),
        (b'{"messages": []}', "ValidationException", "'messages'"),
        (b'{"messages": ["Hi"]}', "ValidationException", "'messages.0'"),
        (b'{"messages": [{"role": "user", "content": "Hi"}]}', "ValidationException", "'messages.0'"),
        (b'{"messages": [{"role": "user", "content": []}]}', "ValidationException", "'messages.0'"),
        (b'{"messages": [{"role": "robot", "content": [{"text": "Hi"}]}]}', "ValidationException", "'messages.0'"),
        (b'{"messages": [{"role": "assistant", "content": [{"text": "Hi"}]}]}', "ValidationException", "start with a user"),
    ],
)
def test_a_body_that_is_no_conversation_is_a_validation_error(wire, bedrock, body, error, words):
    status, found, document = wire.send(wire.signed(body=body))
    assert (status, found) == (400, error)
    assert words in document["message"]
    assert bedrock.requests[0].status == 400


@pytest.mark.parametrize("path", ["/", "/model/some.model/apply", "/model/a/b/converse", "/model//converse"])
def test_another_route_is_an_unknown_operation(wire, bedrock, path):
    assert wire.send(wire.signed(path=path))[:2] == (404, "UnknownOperationException")
    assert bedrock.requests[0].operation is None


def test_another_method_is_an_unknown_operation(wire):
    assert wire.send(wire.signed() | {"method": "GET"})[:2] == (404, "UnknownOperationException")


def test_every_refusal_reaches_boto3_under_the_name_that_aws_gives_it(bedrock, client_for):
    good = bedrock.credentials
    now = datetime.now(UTC)
    expired = Credentials("ASIAEXPIREDEXPIREDXX", "secret", "token", now - timedelta(seconds=1))
    bedrock.add_key(expired)
    for keys, expected in [
        (evolve(good, secret_access_key="guessed"), "InvalidSignatureException"),
        (evolve(good, access_key_id="AKIAUNKNOWNUNKNOWNXX"), "UnrecognizedClientException"),
        (evolve(good, session_token="stray"), "UnrecognizedClientException"),
        (expired, "ExpiredTokenException"),
    ]:
        for method in ("converse", "converse_stream"):
            with pytest.raises(ClientError) as caught:
                getattr(client_for(bedrock, keys), method)(modelId=MODEL, **HELLO)
            assert code(caught) == (expected, 403)


def test_an_unsigned_request_is_refused_and_recorded_as_such(wire, bedrock):
    request = wire.signed()
    del request["headers"]["Authorization"]
    assert wire.send(request)[:2] == (403, "MissingAuthenticationTokenException")
    received = bedrock.requests[0]
    assert (received.signed, received.access_key_id, received.status) == ("none", None, 403)


def test_a_bearer_decoy_that_took_over_can_be_seen(wire, bedrock):
    request = wire.signed()
    request["headers"]["Authorization"] = "Bearer bedrock-api-key-Zm9v"
    assert wire.send(request)[:2] == (403, "AccessDeniedException")
    assert (bedrock.requests[0].signed, bedrock.requests[0].access_key_id) == ("bearer", None)
    assert "Zm9v" not in repr(bedrock.requests)


def test_a_request_that_was_tampered_with_on_the_way_is_refused(wire):
    request = wire.signed()
    assert wire.send(request)[0] == 200
    tampered = request | {"body": request["body"].replace(b"Hello", b"HELLO")}
    assert wire.send(tampered)[:2] == (403, "InvalidSignatureException")
    assert wire.send(request | {"path": "/model/dearer.model/converse"})[:2] == (403, "InvalidSignatureException")


def test_expiry_is_judged_by_the_given_clock_alone(client_for):
    clock = itertools.chain([1000.0] * 2, itertools.repeat(2000.0))
    keys = Credentials("ASIAIOSFODNN7EXAMPLE", "secret", "token", datetime.fromtimestamp(1500, UTC))
    with LocalBedrock([keys], clock=lambda: next(clock)) as bedrock:
        client = client_for(bedrock, keys)
        client.converse(modelId=MODEL, **HELLO)
        with pytest.raises(ClientError, match="expired"):
            client.converse(modelId=MODEL, **HELLO)
        assert [request.received_at for request in bedrock.requests] == [1000.0, 2000.0]


def test_a_request_is_recorded_before_its_answer_goes_out(bedrock, client):
    answer = client.converse_stream(modelId=MODEL, **HELLO)
    (received,) = bedrock.requests
    assert received.body == HELLO
    assert received.access_key_id == bedrock.credentials.access_key_id
    assert received.signed == "sigv4"
    assert received.status == 200
    assert received.headers["content-type"] == "application/json"
    events(answer)


def test_the_repr_of_a_request_shows_no_secret(client_for):
    keys = Credentials("ASIAIOSFODNN7EXAMPLE", "canary-secret", "canary-token")
    with LocalBedrock({keys.access_key_id: keys}) as bedrock:
        client_for(bedrock, keys).converse(modelId=MODEL, **HELLO)
        assert bedrock.requests[0].headers["x-amz-security-token"] == "canary-token"
        shown = repr(bedrock.requests)
        assert "canary" not in shown
        assert "ASIAIOSFODNN7EXAMPLE" not in shown
        assert "…MPLE" in shown


def test_waiting_for_requests_returns_when_they_are_there(bedrock, client):
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(bedrock.wait_for, 2, timeout=10)
        client.converse(modelId=MODEL, **HELLO)
        client.converse(modelId=MODEL, **HELLO)
        assert len(waiting.result(timeout=2)) == 2


def test_waiting_in_vain_says_how_many_came(bedrock, client):
    client.converse(modelId=MODEL, **HELLO)
    with pytest.raises(TimeoutError, match=r"^1 of 3 requests arrived within 0\.01 seconds$"):
        bedrock.wait_for(3, timeout=0.01)


def test_twenty_threads_get_their_own_answers_and_every_request_is_kept(bedrock, client_for):
    client = client_for(bedrock, max_pool_connections=20)
    barrier = threading.Barrier(20)

    def talk(number):
        barrier.wait()
        found = []
        for turn in range(5):
            messages = [{"role": "user", "content": [{"text": f"{number}/{turn}"}]}]
            found.append(streamed_text(client.converse_stream(modelId=MODEL, messages=messages)))
            found.append(client.converse(modelId=MODEL, messages=messages)["output"]["message"]["content"][0]["text"])
        return found

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(talk, range(20)))
    assert answers == [[f"You said: “{number}/{turn}”" for turn in range(5) for _ in "ab"] for number in range(20)]
    assert len(bedrock.requests) == 200


def test_each_queued_reply_and_fault_is_used_once_however_many_ask(bedrock, client_for):
    client = client_for(bedrock, max_pool_connections=20)
    bedrock.reply(*map(str, range(40)))
    bedrock.fault(Throttle(), times=10)

    def ask(_):
        try:
            return client.converse(modelId=MODEL, **HELLO)["output"]["message"]["content"][0]["text"]
        except ClientError:
            return "throttled"

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(ask, range(50)))
    assert sorted(answers) == sorted([*map(str, range(40)), *["throttled"] * 10])


def test_two_at_once_know_nothing_of_each_other(bedrock, client_for):
    with LocalBedrock() as other:
        with pytest.raises(ClientError, match="security token included in the request is invalid"):
            client_for(other, bedrock.credentials).converse(modelId=MODEL, **HELLO)
        assert not bedrock.requests


def test_the_environment_variables_lead_any_client_to_it(bedrock, monkeypatch):
    for name, value in bedrock.environ.items():
        monkeypatch.setenv(name, value)
    keys = bedrock.credentials
    session = boto3.Session(keys.access_key_id, keys.secret_access_key)
    client = session.client("bedrock-runtime")
    assert client.converse(modelId=MODEL, **HELLO)["stopReason"] == "end_turn"
    assert client.meta.region_name == "us-east-1"
    client.close()


def test_it_is_reachable_from_start_to_close_and_not_after(client_for):
    bedrock = LocalBedrock()
    with pytest.raises(RuntimeError, match="not started"):
        _ = bedrock.endpoint_url
    bedrock.close()
    assert bedrock.start() is bedrock
    assert bedrock.endpoint_url.startswith("http://127.0.0.1:")
    client = client_for(bedrock)
    client.converse(modelId=MODEL, **HELLO)
    with pytest.raises(RuntimeError, match="started before"):
        bedrock.start()
    bedrock.close()
    bedrock.close()
    assert len(bedrock.requests) == 1
    with pytest.raises(EndpointConnectionError):
        client.converse(modelId=MODEL, **HELLO)


def test_a_bearer_token_in_the_environment_is_never_served(bedrock, monkeypatch):
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "decoy")
    keys = bedrock.credentials
    session = boto3.Session(keys.access_key_id, keys.secret_access_key, region_name="us-east-1")
    client = session.client("bedrock-runtime", endpoint_url=bedrock.endpoint_url)
    with pytest.raises((ClientError, BotoCoreError)):
        client.converse(modelId=MODEL, **HELLO)
    # botocore 1.40 sends the token, 1.44 refuses to over plain http
    assert all((request.signed, request.status) == ("bearer", 403) for request in bedrock.requests)
    client.close()
