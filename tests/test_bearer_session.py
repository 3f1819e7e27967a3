"""create_session(auth="bearer"): over TLS, with API keys that the endpoint verifies, and SigV4 wherever no key is taken."""

from __future__ import annotations

import logging

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, NoAuthTokenError

from bedrock_auth.bedrock import BedrockRuntime
from bedrock_auth.contracts import Stability
from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import ConfigurationError, CredentialsExpiredError, RetrievalError
from bedrock_auth.providers.static import Static
from bedrock_auth.refresh import Refresher
from bedrock_auth.scope import RequestScope
from bedrock_auth.session import create_session
from bedrock_auth.testing import LocalBedrock
from bedrock_auth.testing.api_keys import presigned_call
from bedrock_auth.testing.verify import HttpRequest
from support.tls import authority
from support.wire import EXPIRED_JSON, Wire
from support.worlds import Clock, Source, fails, world

HOUR = 3600.0
OURS = Static("AKIAOURSOURSOURSOUR0", "our-secret-canary")
XML = {"sts": b"<GetSessionTokenResponse><GetSessionTokenResult/></GetSessionTokenResponse>", "s3": b""}
EXPIRED_KEY = (403, {"__type": "AccessDeniedException", "message": "Bearer Token has expired"})
INVALID_KEY = (
    403,
    {"__type": "AccessDeniedException", "message": "Authentication failed: Please make sure your API Key is valid."},
)
NOT_ALLOWED = (
    403,
    {
        "__type": "AccessDeniedException",
        "message": "User: arn:aws:iam::1:user/u is not authorized to perform: bedrock:InvokeModel because no identity-based "
        "policy allows the bedrock:InvokeModel action",
    },
)


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(autouse=True)
def _trust(tls, monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", tls[1])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def endpoint(tls, clock, monkeypatch):
    """A Bedrock in the same time as the sources of these tests, over https."""
    with LocalBedrock(clock=clock, tls=tls[0]) as running:
        for name, value in running.environ.items():
            monkeypatch.setenv(name, value)
        yield running


def refreshed(clock, endpoint, *behaviours, stability=Stability.STRICT) -> Refresher:
    """A source whose sets the endpoint knows."""
    source = Source(clock, stability=stability)
    deliver = source.gives(HOUR)

    def give() -> Credentials:
        credentials = deliver()
        endpoint.add_key(credentials)
        return credentials

    source.behaviours = [give, *behaviours]
    return Refresher(source, host=world(clock))


def converse(client) -> str:
    answer = client.converse(modelId="m", messages=[{"role": "user", "content": [{"text": "Hi"}]}])
    return answer["output"]["message"]["content"][0]["text"]


def keys_of(wire: Wire) -> list[str]:
    """The access key ids in the API keys that were sent."""
    calls = [presigned_call(HttpRequest("POST", "/", {"authorization": line}, b"")) for line in wire.authorizations()]
    return [call.claim.access_key_id for call in calls]


def wired(session, *answers):
    client = session.client("bedrock-runtime", config=Config(retries={"total_max_attempts": 3}))
    return client, Wire(client, *answers)


# -------------------------------------------------------------------- over TLS, verified


def test_bedrock_gets_keys_and_everything_else_sigv4_of_the_same_identity(clock, endpoint):
    session = create_session(refreshed(clock, endpoint), auth="bearer")
    assert type(session) is boto3.Session
    assert converse(session.client("bedrock-runtime")) == "You said: “Hi”"
    session.client("bedrock").list_foundation_models()
    assert [request.signed for request in endpoint.requests] == ["bearer", "bearer"]
    current = session.get_credentials().access_key
    assert {request.access_key_id for request in endpoint.requests} == {current}
    for service, call in (
        ("bedrock-agent-runtime", lambda client: client.retrieve(knowledgeBaseId="ABCDEFGHIJ", retrievalQuery={"text": "x"})),
        ("bedrock-agent", lambda client: client.list_agents()),
        ("sts", lambda client: client.get_session_token()),
        ("s3", lambda client: client.put_object(Bucket="b", Key="a b/~", Body=b"x")),
    ):
        client = session.client(service)
        wire = Wire(client, (200, XML.get(service, {})))
        call(client)
        assert wire.signers() == [current], service


def test_directory_buckets_work_as_in_boto3():
    client = create_session(OURS, region_name="us-east-1", auth="bearer").client("s3")
    keys = b"<AccessKeyId>ASIAEXPRESS</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
    expiry = b"<Expiration>2999-01-01T00:00:00Z</Expiration>"
    made = b"<CreateSessionResult><Credentials>" + keys + expiry + b"</Credentials></CreateSessionResult>"
    wire = Wire(client, (200, made), (200, b"<ListBucketResult/>"))
    client.list_objects_v2(Bucket="bucket--use1-az4--x-s3")
    assert wire.signers() == ["AKIAOURSOURSOURSOUR0", "ASIAEXPRESS"]


def test_one_client_goes_on_over_every_expiry(clock, endpoint):
    client = create_session(refreshed(clock, endpoint), auth="bearer").client("bedrock-runtime")
    for _ in range(4):
        converse(client)
        converse(client)
        clock.now += HOUR + 1
    assert [request.status for request in endpoint.requests] == [200] * 8
    assert len({request.headers["authorization"] for request in endpoint.requests}) == 4
    assert len({request.access_key_id for request in endpoint.requests}) == 4


def test_a_key_that_the_endpoint_refuses_is_replaced_and_the_call_sent_again(clock, endpoint):
    client = create_session(refreshed(clock, endpoint), auth="bearer").client("bedrock-runtime")
    converse(client)
    first = endpoint.requests[0].access_key_id
    endpoint.revoke(first)
    converse(client)
    assert [request.status for request in endpoint.requests] == [200, 403, 200]
    assert [request.access_key_id == first for request in endpoint.requests] == [True, True, False]


def test_no_key_is_made_of_expired_credentials_and_nothing_is_sent(clock, endpoint):
    source = refreshed(clock, endpoint, fails(RetrievalError("down")), stability=Stability.STABLE)
    client = create_session(source, auth="bearer").client("bedrock-runtime")
    converse(client)
    clock.now += HOUR + 1
    with pytest.raises(CredentialsExpiredError, match="no Bedrock API key is made of expired ones"):
        converse(client)
    assert len(endpoint.requests) == 1


def test_the_typed_wrapper_uses_the_sessions_scheme_unless_its_config_states_one(clock, endpoint):
    session = create_session(refreshed(clock, endpoint), auth="bearer")
    assert BedrockRuntime(session).converse("m", "Hi").text == "You said: “Hi”"
    with BedrockRuntime(session).converse_stream("m", "Hi") as stream:
        assert "".join(stream.text_stream) == "You said: “Hi”"
    assert BedrockRuntime(session, config=Config(auth_scheme_preference="sigv4")).converse("m", "Hi").text == "You said: “Hi”"
    assert [request.signed for request in endpoint.requests] == ["bearer", "bearer", "sigv4"]


@pytest.mark.parametrize("decoy", ["AWS_BEARER_TOKEN_BEDROCK", "AWS_BEARER_TOKEN_BEDROCK_RUNTIME"])
def test_a_token_that_lies_around_is_not_used(clock, endpoint, monkeypatch, decoy):
    monkeypatch.setenv(decoy, "bedrock-api-key-of-somebody-else")
    session = create_session(refreshed(clock, endpoint), auth="bearer")
    converse(session.client("bedrock-runtime"))
    monkeypatch.setenv("AWS_AUTH_SCHEME_PREFERENCE", "sigv4")
    converse(session.client("bedrock-runtime", config=Config(read_timeout=7)))
    assert [(request.signed, request.status) for request in endpoint.requests] == [("bearer", 200), ("bearer", 200)]


def test_no_key_reaches_a_log_at_debug(clock, endpoint, caplog):
    with caplog.at_level(logging.DEBUG):
        client = create_session(refreshed(clock, endpoint), auth="bearer").client("bedrock-runtime")
        converse(client)
    (request,) = endpoint.requests
    text = request.headers["authorization"].removeprefix("Bearer ")
    assert "Sending http request" in caplog.text
    for secret in (text, text[20:60], request.access_key_id, "secret-1"):
        assert secret not in caplog.text


# -------------------------------------------------------------------- what a client may say


@pytest.mark.parametrize("config", [None, Config(signature_version="bearer"), Config(auth_scheme_preference="httpBearerAuth")])
def test_a_key_is_bound_to_the_region_of_its_client(config):
    session = create_session(OURS, region_name="us-east-1", auth="bearer")
    for region in ("us-east-1", "eu-west-3", "us-east-1"):
        client = session.client("bedrock-runtime", region_name=region, config=config)
        wire = Wire(client, (200, {}))
        client.converse(modelId="m", messages=[])
        call = presigned_call(HttpRequest("POST", "/", {"authorization": wire.authorizations()[0]}, b""))
        assert call.claim.region_name == region


@pytest.mark.parametrize("config", [Config(auth_scheme_preference="sigv4"), Config(signature_version="v4")])
def test_a_clients_own_scheme_wins(config):
    client = create_session(OURS, region_name="us-east-1", auth="bearer").client("bedrock-runtime", config=config)
    wire = Wire(client)
    client.converse(modelId="m", messages=[])
    assert wire.signers() == ["AKIAOURSOURSOURSOUR0"]


def test_keys_given_to_a_client_never_become_the_sessions_identity():
    session = create_session(OURS, region_name="us-east-1", auth="bearer")
    keys = {"aws_access_key_id": "AKIAEXPLICIT", "aws_secret_access_key": "s"}
    client = session.client("bedrock-runtime", **keys)
    wire = Wire(client)
    with pytest.raises(ConfigurationError, match="keys were given to client"):
        client.converse(modelId="m", messages=[])
    assert wire.requests == []
    client = session.client("bedrock-runtime", config=Config(auth_scheme_preference="sigv4"), **keys)
    wire = Wire(client)
    client.converse(modelId="m", messages=[])
    assert wire.signers() == ["AKIAEXPLICIT"]


@pytest.mark.parametrize("config", [None, Config(signature_version="bearer")])
def test_plain_http_is_refused_with_what_to_do(config):
    session = create_session(OURS, region_name="us-east-1", auth="bearer")
    client = session.client("bedrock-runtime", endpoint_url="http://user:secret@127.0.0.1:1", config=config)
    wire = Wire(client)
    with pytest.raises(ConfigurationError) as caught:
        client.converse(modelId="m", messages=[])
    assert str(caught.value).startswith(
        "a Bedrock API key travels over https only, and the endpoint is http://127.0.0.1: name an"
    )
    assert wire.requests == []


def test_a_service_that_comes_to_take_both_but_is_not_bedrock_is_signed_with_sigv4():
    client = create_session(OURS, region_name="us-east-1", auth="bearer").client("lambda")
    both = ["aws.auth#sigv4", "smithy.api#httpBearerAuth"]
    client.meta.events.register("before-call", lambda context, **_: context.update(auth_options=both))
    wire = Wire(client, (200, {}))
    client.list_functions()
    assert wire.signers() == ["AKIAOURSOURSOURSOUR0"]


def test_a_service_that_takes_other_tokens_gets_no_key_of_bedrock():
    client = create_session(OURS, region_name="us-east-1", auth="bearer").client("codecatalyst")
    wire = Wire(client)
    with pytest.raises(NoAuthTokenError):
        client.list_spaces()
    assert wire.requests == []


def test_a_presigned_url_is_signed_with_sigv4():
    client = create_session(OURS, region_name="us-east-1", auth="bearer").client("bedrock")
    assert "X-Amz-Credential=AKIAOURSOURSOURSOUR0" in client.generate_presigned_url("list_foundation_models")


@pytest.mark.parametrize("auth", ["", "Bearer", "token", None, ["bearer"]])
def test_another_auth_is_refused(auth):
    with pytest.raises(ConfigurationError, match="auth must be 'sigv4' or 'bearer'"):
        create_session(OURS, region_name="us-east-1", auth=auth)


def test_a_scope_is_refused():
    with pytest.raises(ConfigurationError, match="auth cannot be set for the session of a RequestScope, whose callers differ"):
        create_session(RequestScope(), region_name="us-east-1", auth="bearer")
    create_session(RequestScope(), region_name="us-east-1", auth="sigv4")


# -------------------------------------------------------------------- rejected keys


@pytest.mark.parametrize("answer", [EXPIRED_KEY, INVALID_KEY, EXPIRED_JSON], ids=["expired", "invalid", "expired set"])
def test_a_rejected_key_is_made_anew_once_where_the_source_has_other_credentials(clock, answer):
    source = Source(clock)
    source.behaviours = [source.gives(HOUR)]
    session = create_session(Refresher(source, host=world(clock)), region_name="us-east-1", auth="bearer")
    client, wire = wired(session, answer, (200, {}))
    client.converse(modelId="m", messages=[])
    assert keys_of(wire) == ["ASIATESTTESTTEST0001", "ASIATESTTESTTEST0002"]
    client, wire = wired(session, answer)
    with pytest.raises(ClientError):
        client.converse(modelId="m", messages=[])
    assert len(wire.requests) == 2


def test_what_the_identity_may_not_do_is_no_reason_for_other_credentials(clock):
    source = Source(clock)
    source.behaviours = [source.gives(HOUR)]
    client, wire = wired(
        create_session(Refresher(source, host=world(clock)), region_name="us-east-1", auth="bearer"), NOT_ALLOWED
    )
    with pytest.raises(ClientError, match="not authorized to perform"):
        client.converse(modelId="m", messages=[])
    assert (len(wire.requests), source.calls) == (1, 1)


@pytest.mark.parametrize("answer", [EXPIRED_KEY, INVALID_KEY], ids=["expired", "invalid"])
def test_a_set_whose_keys_are_never_accepted_is_not_fetched_again_at_every_call(clock, answer):
    """The endpoint may be another region's: each fetch may cost a call of STS, or ask a person for a code."""
    source = Source(clock)
    source.behaviours = [source.gives(HOUR)]
    session = create_session(Refresher(source, host=world(clock)), region_name="us-east-1", auth="bearer")
    client, wire = wired(session, answer)
    for _ in range(4):
        with pytest.raises(ClientError):
            client.converse(modelId="m", messages=[])
    assert (source.calls, len(wire.requests)) == (2, 5)
    clock.now += HOUR
    with pytest.raises(ClientError):
        client.converse(modelId="m", messages=[])
    assert source.calls == 4, "what is fetched in its own time is a set like the first"


def test_sigv4_that_was_accepted_says_nothing_about_keys(clock):
    source = Source(clock)
    source.behaviours = [source.gives(HOUR)]
    session = create_session(Refresher(source, host=world(clock)), region_name="us-east-1", auth="bearer")
    client, _ = wired(session, INVALID_KEY)
    agents = session.client("bedrock-agent")
    Wire(agents, (200, {}))
    for _ in range(3):
        with pytest.raises(ClientError):
            client.converse(modelId="m", messages=[])
        agents.list_agents()
    assert source.calls == 2


@pytest.mark.parametrize("auth", ["sigv4", "bearer"])
def test_what_a_service_says_about_api_keys_of_its_own_renews_nothing_that_signed_with_sigv4(clock, auth):
    source = Source(clock)
    source.behaviours = [source.gives(HOUR)]
    session = create_session(Refresher(source, host=world(clock)), region_name="us-east-1", auth=auth)
    client = session.client("bedrock-agent", config=Config(retries={"total_max_attempts": 3}))
    wire = Wire(client, (403, {"__type": "AccessDeniedException", "message": "The API key of the connector is not valid"}))
    with pytest.raises(ClientError, match="of the connector"):
        client.list_agents()
    assert (len(wire.requests), source.calls) == (1, 1)


def test_the_same_credentials_again_are_not_sent_again():
    client, wire = wired(create_session(OURS, region_name="us-east-1", auth="bearer"), INVALID_KEY)
    with pytest.raises(ClientError, match="make sure your API Key is valid"):
        client.converse(modelId="m", messages=[])
    assert len(wire.requests) == 1
