"""LocalBedrock and short-term API keys: AWS's own are accepted, and whatever is changed in one is refused."""

import base64
import gc
import re
import ssl
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from attrs import evolve
from aws_bedrock_token_generator import provide_token
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given, settings, strategies as st

from bedrock_auth.credentials import Credentials
from bedrock_auth.testing import LocalBedrock
from bedrock_auth.testing.api_keys import presigned_call, verify_api_key
from bedrock_auth.testing.verify import HttpRequest, Refused
from support.tls import authority

KEYS = Credentials("ASIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token/with+signs==")
INVALID = "Authentication failed: Please make sure your API Key is valid."
EXPIRED = "Bearer Token has expired"
PREFIX = "bedrock-api-key-"


def made(keys=KEYS, region="eu-west-1", expiry=timedelta(hours=12)):
    """A key of AWS's own generator."""

    class Provider:
        def load(self):
            return BotocoreCredentials(keys.access_key_id, keys.secret_access_key, keys.session_token)

    return provide_token(region, Provider(), expiry)


def request(text, path="/model/m/converse", method="POST"):
    return HttpRequest(method, path, {"authorization": f"Bearer {text}"}, b"")


def now():
    return datetime.now(UTC).timestamp()


def accepted(text, keys=KEYS, at=0.0, **where):
    return verify_api_key(request(text, **where), {keys.access_key_id: keys}.get, now=now() + at)


def refusal(text, keys=KEYS, at=0.0, **where):
    with pytest.raises(Refused) as caught:
        accepted(text, keys, at, **where)
    assert (caught.value.status, caught.value.code) == (403, "AccessDeniedException")
    return caught.value.message


def decoded(text):
    return base64.b64decode(text.removeprefix(PREFIX)).decode()


def encoded(url):
    return PREFIX + base64.b64encode(url.encode()).decode()


@pytest.mark.parametrize("keys", [KEYS, evolve(KEYS, session_token=None)], ids=["session", "long-term"])
def test_a_key_of_awss_generator_is_accepted(keys):
    assert accepted(made(keys), keys) is keys
    assert accepted(made(keys, "us-gov-west-1"), keys, path="/foundation-models", method="GET") is keys


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        ("^bedrock", "elsewhere"),
        (r"\?Action=CallWithBearerToken&", "?"),
        ("CallWithBearerToken", "DeleteEverything"),
        ("eu-west-1", "us-east-1"),
        ("%2Fbedrock%2F", "%2Fs3%2F"),
        ("Expires=43200", "Expires=43199"),
        ("Expires=43200", "Expires=86400"),
        ("Expires=43200", "Expires=soon"),
        (r"Date=\d{8}", "Date=20200101"),
        ("SignedHeaders=host", "SignedHeaders=host%3Bx"),
        ("&X-Amz-Security-Token=[^&]*", ""),
        ("X-Amz-Security-Token=token", "X-Amz-Security-Token=other"),
        ("ASIAIOSFODNN7EXAMPLE", "ASIAUNKNOWNUNKNOWN00"),
        ("&X-Amz-Signature=[0-9a-f]+", ""),
        ("(?<=Signature=)[0-9a-f]{64}", "0" * 64),
        ("&Version=1", ""),
        ("Version=1", "Version=2"),
        ("$", "&More=1"),
    ],
)
def test_whatever_is_changed_in_a_key_makes_it_invalid(pattern, replacement):
    url = decoded(made())
    changed = re.sub(pattern, replacement, url, count=1)
    assert changed != url
    assert refusal(encoded(changed)) == INVALID


@settings(max_examples=100)
@given(st.one_of(st.text(), st.binary().map(lambda data: PREFIX + base64.b64encode(data).decode())))
def test_no_text_breaks_the_reading_of_a_key(text):
    assert refusal(text) == INVALID


@pytest.mark.parametrize("token", ["another", None])
def test_another_session_token_is_an_invalid_key(token):
    assert refusal(made(evolve(KEYS, session_token=token))) == INVALID


def test_another_presigned_request_of_the_same_credentials_is_no_key():
    keys = BotocoreCredentials(KEYS.access_key_id, KEYS.secret_access_key, KEYS.session_token)

    def presigned(action):
        host = "bedrock.amazonaws.com"
        call = AWSRequest("POST", f"https://{host}/", {"host": host}, params={"Action": action})
        SigV4QueryAuth(keys, "bedrock", "eu-west-1", expires=900).add_auth(call)
        return encoded(f"{call.url.removeprefix('https://')}&Version=1")

    assert accepted(presigned("CallWithBearerToken"))
    assert refusal(presigned("ListFoundationModels")) == INVALID


def test_a_wrong_secret_is_an_invalid_key():
    assert refusal(made(evolve(KEYS, secret_access_key="guessed"))) == INVALID


def test_a_key_is_dead_when_its_time_or_that_of_its_credentials_is_over():
    text = made(expiry=timedelta(minutes=10))
    assert accepted(text, at=590)
    assert refusal(text, at=601) == EXPIRED
    dead = evolve(KEYS, expiration=datetime.now(UTC) - timedelta(seconds=1))
    assert refusal(text, dead) == EXPIRED


def test_a_key_of_the_future_is_invalid():
    assert accepted(made(), at=-290)
    assert refusal(made(), at=-310) == INVALID


@pytest.mark.parametrize(
    "path", ["/agents/A/agentAliases/B/sessions/s1/text", "/knowledgebases/KB/retrieve", "/retrieveAndGenerate", "/rerank"]
)
def test_agents_and_knowledge_bases_take_no_key(path):
    assert refusal(made(), path=path) == INVALID


def test_the_claim_can_be_read_where_the_key_is_refused():
    call = presigned_call(request(made(evolve(KEYS, secret_access_key="guessed"))))
    assert (call.claim.access_key_id, call.claim.region_name, call.expires) == (KEYS.access_key_id, "eu-west-1", 43200)
    assert "token" not in repr(call).replace("session_token", "")


# -------------------------------------------------------------------- over TLS


@pytest.fixture
def secure(tmp_path, monkeypatch):
    context, bundle = authority(tmp_path)
    monkeypatch.setenv("AWS_CA_BUNDLE", bundle)
    with LocalBedrock([KEYS], tls=context) as running:
        yield running


def test_plain_boto3_with_a_key_in_the_environment_is_served_over_https(secure, monkeypatch):
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", made(region="us-east-1"))
    client = boto3.Session(region_name="us-east-1").client("bedrock-runtime", endpoint_url=secure.endpoint_url)
    stream = client.converse_stream(modelId="m", messages=[{"role": "user", "content": [{"text": "Hi"}]}])["stream"]
    assert [event for event in stream if "messageStop" in event]
    (received,) = secure.requests
    assert (received.signed, received.access_key_id, received.status) == ("bearer", KEYS.access_key_id, 200)
    assert secure.endpoint_url.startswith("https://127.0.0.1:")
    client.close()


def test_a_context_that_is_no_servers_is_refused_and_no_port_stays_open():
    with pytest.raises(ValueError, match="server"):
        LocalBedrock(tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)).start()
    gc.collect()


def test_a_client_that_trusts_nobody_here_is_no_matter_to_the_others(secure, monkeypatch, capsys):
    keys = {"aws_access_key_id": secure.credentials.access_key_id, "aws_secret_access_key": secure.credentials.secret_access_key}
    session = boto3.Session(region_name="us-east-1", **keys)
    config = Config(retries={"total_max_attempts": 1})
    trusting = session.client("bedrock", endpoint_url=secure.endpoint_url, config=config)
    monkeypatch.delenv("AWS_CA_BUNDLE")
    wary = session.client("bedrock", endpoint_url=secure.endpoint_url, config=config)
    with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
        wary.list_foundation_models()
    assert trusting.list_foundation_models()["modelSummaries"] == []
    assert capsys.readouterr().err == ""
    trusting.close()
