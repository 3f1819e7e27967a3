"""When a caller's block ends, nothing that outlives it holds the caller's secrets any more; run by `test_forgotten_secrets`."""

from __future__ import annotations

import contextvars
import functools
import io
import json
import secrets
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from attrs import evolve, frozen
from boto3.s3.transfer import TransferConfig
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from bedrock_auth import AssumeRole, Chain, CognitoIdentity, FromCallable, HttpVending, Refresher, Static, WebIdentity
from bedrock_auth.audit import LogListener
from bedrock_auth.credentials import Credentials
from bedrock_auth.host import Host
from bedrock_auth.pool import shared
from bedrock_auth.scope import RequestScope
from bedrock_auth.session import create_session
from bedrock_auth.testing import ExpiredToken, ServiceError, Throttle
from scope.memory import holders, modules
from scope.people import ask, in_thread
from support.endpoint import Endpoint, Reply

ROLE = "arn:aws:iam::123456789012:role/Bedrock"
MIB = 1024 * 1024
IN_PARTS = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
MESSAGES = [{"role": "user", "content": [{"text": "Hi"}]}]


def new_keys() -> Credentials:
    """Keys that no other object has a part of."""
    key_id = f"ASIA{secrets.token_hex(8).upper()}"
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    return Credentials(key_id, f"secret-{secrets.token_hex(16)}", f"token-{secrets.token_hex(32)}", in_an_hour)


def of(keys: Credentials) -> list[str]:
    return [keys.secret_access_key, str(keys.session_token)]


@frozen
class Brought:
    """What a caller brings along, and the secrets that are in it besides the keys that it leads to."""

    identity: object
    secrets: list[str]
    leads_to_keys_of_its_own: bool = True


def static(keys: Credentials) -> Static:
    return Static(keys.access_key_id, keys.secret_access_key, keys.session_token)


def vending() -> Brought:
    keys, api_key = new_keys(), f"api-key-{secrets.token_hex(16)}"
    issued = {
        "AccessKeyId": keys.access_key_id,
        "SecretAccessKey": keys.secret_access_key,
        "SessionToken": keys.session_token,
        "Expiration": keys.expiration.isoformat(),
    }
    endpoint = Endpoint(Reply(body=json.dumps(issued)))
    endpoint.__enter__()
    ENDPOINTS.append(endpoint)
    return Brought(HttpVending(endpoint.url, api_key=api_key), [api_key])


def role_over_static() -> Brought:
    keys = new_keys()
    return Brought(AssumeRole(ROLE, source=static(keys), region_name="us-east-1", external_id="tenant-1"), of(keys))


def web_identity() -> Brought:
    token = f"header.{secrets.token_hex(32)}.signature"
    return Brought(WebIdentity(ROLE, token=lambda: token, session_name="session", region_name="us-east-1"), [token])


def cognito() -> Brought:
    client = boto3.client("cognito-identity", region_name="us-east-1", config=Config(signature_version=UNSIGNED))
    pool = client.create_identity_pool(IdentityPoolName="pool", AllowUnauthenticatedIdentities=True)["IdentityPoolId"]
    token = f"header.{secrets.token_hex(32)}.signature"
    identity = CognitoIdentity(pool, logins={"accounts.example.com": token})
    return Brought(identity, [token], leads_to_keys_of_its_own=False)  # moto gives everybody the same


def plain(make) -> Brought:
    keys = new_keys()
    return Brought(make(keys), of(keys))


ENDPOINTS: list[Endpoint] = []
KINDS = {
    "credentials": lambda: plain(lambda keys: keys),
    "Static": lambda: plain(static),
    "function": lambda: plain(lambda keys: lambda: evolve(keys)),
    "FromCallable": lambda: plain(lambda keys: FromCallable(lambda: evolve(keys))),
    "Chain of Static": lambda: plain(lambda keys: Chain(static(keys))),
    "Chain of functions": lambda: plain(lambda keys: Chain(lambda: evolve(keys))),
    "a source of its own": lambda: plain(lambda keys: Refresher(static(keys))),
    "AssumeRole over Static": role_over_static,
    "HttpVending with text": vending,
    "WebIdentity with a function": web_identity,
    "CognitoIdentity with logins": cognito,
}


@pytest.fixture(autouse=True)
def _services(moto, monkeypatch):
    for service in ("STS", "COGNITO_IDENTITY"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", moto)
    Host.system().after_fork()  # clients of earlier tests know other addresses
    yield
    for endpoint in ENDPOINTS:
        endpoint.stop()
    ENDPOINTS.clear()


@pytest.fixture
def scope() -> RequestScope:
    return RequestScope(listeners=[LogListener()])


@pytest.fixture
def roots(scope, session, client):
    def gather():
        return [session, client, scope, scope.clients, shared, Host.system(), contextvars.copy_context(), *modules()]

    return gather


def work(session, client, caller, bedrock, storage) -> None:
    """Everything that can be done in a block: calls that succeed, fail, are retried, streamed, presigned, transferred."""
    keys = caller.current()
    bedrock.add_key(keys)
    storage.keys[keys.access_key_id] = keys
    own = caller.client("bedrock-runtime")
    bedrock.fault(Throttle())
    in_thread(ask, own)
    for one in (client, own):
        ask(one)
        bedrock.fault(ServiceError("AccessDeniedException", 403))
        with pytest.raises(ClientError):
            ask(one)
        with closing(one.converse_stream(modelId="m", messages=MESSAGES)["stream"]) as stream:
            next(iter(stream))
        list(one.converse_stream(modelId="m", messages=MESSAGES)["stream"])
    session.client("sts").generate_presigned_url("get_caller_identity")
    for s3 in (session.client("s3"), caller.client("s3")):
        s3.generate_presigned_post("bucket", "key")
        s3.generate_presigned_url("get_object", {"Bucket": "bucket", "Key": "key"})
    caller.client("s3").upload_fileobj(io.BytesIO(bytes(11 * MIB)), "bucket", "key", Config=IN_PARTS)
    tables = session.client("dynamodb")
    next(iter(tables.get_paginator("list_tables").paginate()))
    tables.get_waiter("table_exists").wait(TableName="table-1", WaiterConfig={"Delay": 0})


def have_the_keys_expire(client, bedrock) -> None:
    """A call after which the caller's source has been asked once more."""
    bedrock.fault(ExpiredToken())
    with suppress(ClientError):
        ask(client)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_holds_a_callers_secrets_when_its_block_is_left(scope, session, client, bedrock, storage, roots, kind):
    brought = KINDS[kind]()
    wanted = set(brought.secrets)
    with scope.use(brought.identity) as caller:
        work(session, client, caller, bedrock, storage)
        issued = brought.leads_to_keys_of_its_own
        wanted |= set(of(caller.current())) if issued else set()
        assert set(holders(roots(), wanted)) == wanted, "the walk sees what is there to be seen"
        have_the_keys_expire(client, bedrock)
        wanted |= set(of(caller.current())) if issued else set()
        del brought  # as a request's own variables go with it
    assert holders(roots(), wanted) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_holds_a_bound_callers_secrets_when_it_is_closed(scope, session, client, bedrock, roots, kind):
    brought = KINDS[kind]()
    wanted = set(brought.secrets)
    caller = scope.bind(brought.identity)
    bedrock.add_key(caller.current())
    wanted |= set(of(caller.current())) if brought.leads_to_keys_of_its_own else set()
    del brought
    own = caller.client("bedrock-runtime")
    ask(own)
    assert set(holders([*roots(), own, caller], wanted)) == wanted
    caller.close()
    assert holders([*roots(), own, caller], wanted) == {}, "the closed caller and its client among them"


def test_nothing_holds_a_secret_after_a_fetch_that_failed(scope, session, client, bedrock, roots):
    secret = f"secret-{secrets.token_hex(16)}"

    def function() -> dict[str, str]:
        return {"AccessKeyId": "ASIA", "SecretAccessKey": secret, "Expiration": f"not a time, {secret}"}

    with scope.use(function):
        for _ in range(2):
            with pytest.raises(Exception, match="Expiration") as caught:
                ask(client)
            assert secret not in str(caught.value)
    del caught
    assert holders(roots(), [secret]) == {}


def test_nothing_holds_a_secret_after_a_block_that_ends_with_an_exception(scope, session, client, bedrock, roots):
    keys = new_keys()
    wanted = of(keys)
    bedrock.add_key(keys)

    def serve() -> None:
        with scope.use(static(keys)):
            ask(client)
            raise KeyError("mine")

    with suppress(KeyError):
        serve()
    assert holders(roots(), wanted) == {}


def test_nothing_holds_the_secrets_of_a_hundred_callers(scope, session, client, bedrock, roots):
    wanted = []
    for number in range(100):
        keys = new_keys()
        wanted += of(keys)
        bedrock.add_key(keys)
        with scope.use(static(keys) if number % 2 else keys):
            ask(client)
    assert holders(roots(), wanted) == {}
    assert len(shared) == 0


ENTERED: list[object] = []
KEPT = {
    "in an attribute": lambda scope, client, keys: setattr(scope, "kept", keys),
    "deep in a container": lambda scope, client, keys: setattr(client, "kept", {"deep": [(static(keys),)]}),
    "in a closure": lambda scope, client, keys: client.meta.events.register("before-send", lambda **_: of(keys) and None),
    "in a longer text": lambda scope, client, keys: setattr(client, "kept", " and ".join(of(keys))),
    "in bytes": lambda scope, client, keys: setattr(client, "kept", [part.encode() for part in of(keys)]),
    "in the host's memory": lambda scope, client, keys: Host.system().keep(("kept", static(keys)), 1),
    "in the pool": lambda scope, client, keys: shared.refresher(static(keys), scope._policy),
    "in a class": lambda scope, client, keys: setattr(type(client), "kept", keys),
    "in a function's memory": lambda scope, client, keys: setattr(client, "kept", functools.cache(evolve)) or client.kept(keys),
    "in a traceback": lambda scope, client, keys: setattr(client, "kept", failure(keys)),
    "in a suspended generator": lambda scope, client, keys: setattr(client, "kept", suspended(keys)),
    "in the context": lambda scope, client, keys: ENTERED.append(scope.use(keys)) or ENTERED[-1].__enter__(),
}


def failure(keys: Credentials) -> Exception:
    """An error whose traceback remembers its function's variables."""

    def fail(held: Credentials) -> None:
        raise KeyError(len(of(held)))

    try:
        fail(keys)
    except KeyError as error:
        return error


def suspended(keys: Credentials):
    def generator(held: Credentials):
        yield
        yield held

    made = generator(keys)
    next(made)
    return made


@pytest.mark.parametrize("place", KEPT)
def test_the_walk_meets_what_somebody_kept(scope, session, client, bedrock, roots, place):
    keys = new_keys()
    wanted = of(keys)
    assert holders(roots(), wanted) == {}
    context = contextvars.copy_context()
    context.run(KEPT[place], scope, client, keys)
    del keys
    try:
        assert set(context.run(lambda: holders(roots(), wanted))) == set(wanted)
    finally:
        Host.system()._memory.clear()


def test_a_session_for_one_caller_does_keep_its_keys(bedrock):
    """The same walk over a session that is meant to keep them: what a scope does not do is what it looks for."""
    keys = new_keys()
    session = create_session(static(keys), region_name="us-east-1")
    bedrock.add_key(keys)
    ask(session.client("bedrock-runtime"))
    assert set(holders([session], of(keys))) == set(of(keys))
    assert set(holders([shared], of(keys))) == set(of(keys))
