"""The seam: what botocore's clients do with a source of ours."""

from __future__ import annotations

import io
import os
import threading

import boto3
import pytest
from botocore.config import Config
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import ClientError
from botocore.session import Session

from bedrock_auth.bridge import SourceCredentials, connect
from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import DeniedError, RetrievalError
from bedrock_auth.host import Host
from bedrock_auth.providers.profile import Profile
from bedrock_auth.refresh import Refresher
from bedrock_auth.session import create_session
from support.wire import EXPIRED_JSON, EXPIRED_S3, EXPIRED_XML, IDENTITY_XML, Wire
from support.worlds import Clock, Source, fails, world

HOUR = 3600.0
KEYS = [f"ASIATESTTESTTEST{number:04d}" for number in range(10)]


@pytest.fixture
def clock() -> Clock:
    return Clock()


def connected(clock: Clock, *behaviours) -> tuple[boto3.Session, Refresher]:
    source = Source(clock)
    source.behaviours = list(behaviours) or [source.gives(HOUR)]
    refresher = Refresher(source, host=world(clock))
    session = Session()
    connect(session, refresher)
    return boto3.Session(botocore_session=session, region_name="us-east-1"), refresher


def bedrock(session: boto3.Session, *answers, **config):
    client = session.client("bedrock-runtime", config=Config(retries={"total_max_attempts": 3}, **config))
    return client, Wire(client, *answers)


def converse(client) -> dict:
    return client.converse(modelId="m", messages=[{"role": "user", "content": [{"text": "Hi"}]}])


def test_every_read_is_answered_by_the_source(clock):
    session, refresher = connected(clock)
    credentials = session.get_credentials()
    assert isinstance(credentials, SourceCredentials)
    assert isinstance(credentials, RefreshableCredentials)
    current = refresher.current()
    assert credentials.access_key == current.access_key_id
    assert credentials.secret_key == current.secret_access_key
    assert credentials.token == current.session_token
    assert credentials.account_id is current.account_id
    assert credentials._expiry_time == current.expiration
    assert credentials.refresh_needed() is False
    assert credentials.get_deferred_property("account_id")() is None
    assert credentials.method == "bedrock-auth"
    frozen = credentials.get_frozen_credentials()
    assert (frozen.access_key, frozen.secret_key, frozen.token) == (
        current.access_key_id, current.secret_access_key, current.session_token,
    )  # fmt: skip
    assert credentials.get_frozen_credentials() is frozen
    assert current.secret_access_key not in repr(credentials)


def test_frozen_credentials_are_never_a_mixture(clock):
    session, refresher = connected(clock)
    credentials = session.get_credentials()
    stop = threading.Event()
    mixtures = []

    def read() -> None:
        while not stop.is_set():
            frozen = credentials.get_frozen_credentials()
            if int(frozen.access_key[-4:]) != int(frozen.secret_key.partition("-")[2]):
                mixtures.append(frozen)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for _ in range(300):
        refresher.invalidate(refresher.current().access_key_id)
        refresher.current()
    stop.set()
    for reader in readers:
        reader.join(10)
    assert mixtures == []


def test_a_client_made_earlier_signs_with_the_keys_of_now(clock):
    session, refresher = connected(clock)
    client, wire = bedrock(session)
    converse(client)
    refresher.invalidate(KEYS[1])
    converse(client)
    assert wire.signers() == [KEYS[1], KEYS[2]]
    assert wire.header("X-Amz-Security-Token") == ["token", "token"]


def retrieve(client) -> dict:
    return client.retrieve(knowledgeBaseId="ABCDEFGHIJ", retrievalQuery={"text": "x"})


@pytest.mark.parametrize(
    ("service", "call", "expired", "fine"),
    [
        ("bedrock-runtime", converse, EXPIRED_JSON, (200, {})),
        ("bedrock", lambda client: client.list_foundation_models(), EXPIRED_JSON, (200, {})),
        ("bedrock-agent-runtime", retrieve, EXPIRED_JSON, (200, {})),
        ("sts", lambda client: client.get_caller_identity(), EXPIRED_XML, IDENTITY_XML),
        ("s3", lambda client: client.put_object(Bucket="b", Key="k", Body=io.BytesIO(b"seekable")), EXPIRED_S3, (200, b"")),
        ("dynamodb", lambda client: client.list_tables(), EXPIRED_JSON, (200, {})),
    ],
)  # fmt: skip
def test_expired_keys_are_renewed_and_the_request_sent_once_more(clock, service, call, expired, fine):
    session, _ = connected(clock)
    client = session.client(service)
    wire = Wire(client, expired, fine)
    call(client)
    assert wire.signers() == [KEYS[1], KEYS[2]]


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "InvalidToken"])
def test_every_code_for_expired_keys_is_known(clock, code):
    session, _ = connected(clock)
    client, wire = bedrock(session, (403, {"__type": code, "message": "m"}), (200, {}))
    converse(client)
    assert wire.signers() == [KEYS[1], KEYS[2]]


def test_a_request_is_sent_again_once_not_for_ever(clock):
    session, _ = connected(clock)
    client, wire = bedrock(session, EXPIRED_JSON)
    with pytest.raises(ClientError, match="ExpiredTokenException"):
        converse(client)
    assert wire.signers() == [KEYS[1], KEYS[2]]
    with pytest.raises(ClientError, match="ExpiredTokenException"):
        converse(client)
    assert len(wire.requests) == 4, "the next call has its own chance"


@pytest.mark.parametrize("code", ["AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException"])
def test_a_refusal_renews_nothing(clock, code):
    session, refresher = connected(clock)
    client, wire = bedrock(session, (403, {"__type": code, "message": "m"}))
    with pytest.raises(ClientError, match=code):
        converse(client)
    assert len(wire.requests) == 1
    assert refresher.provider.calls == 1


@pytest.mark.parametrize("code", ["UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"])
def test_keys_without_expiration_that_aws_does_not_know_are_read_again(clock, code):
    source = Source(clock)
    session, _ = connected(clock, source.gives(None))
    client, wire = bedrock(session, (403, {"__type": code, "message": "m"}), (200, {}))
    converse(client)
    assert wire.signers() == [KEYS[1], KEYS[2]]


def test_a_profile_whose_file_was_rotated_signs_with_the_new_keys(tmp_path):
    path = tmp_path / "credentials"

    def write(key: str) -> None:
        path.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = s\n")

    write(KEYS[1])
    profile = Profile(host=Host.isolated({"AWS_SHARED_CREDENTIALS_FILE": str(path), "AWS_CONFIG_FILE": str(tmp_path / "none")}))
    client, wire = bedrock(
        create_session(profile, region_name="us-east-1"),
        (200, {}),
        (403, {"__type": "UnrecognizedClientException", "message": "m"}),
        (200, {}),
    )
    converse(client)
    write(KEYS[2])
    converse(client)
    assert wire.signers() == [KEYS[1], KEYS[1], KEYS[2]]


def test_the_same_keys_again_are_not_sent_again(clock):
    expiration = Credentials(KEYS[1], "s", "t")
    session, refresher = connected(clock, lambda: expiration)
    client, wire = bedrock(session, EXPIRED_JSON)
    with pytest.raises(ClientError, match="ExpiredTokenException"):
        converse(client)
    assert len(wire.requests) == 1
    assert refresher.provider.calls == 2


@pytest.mark.parametrize("error", [RetrievalError("the source is down"), DeniedError("no longer trusted")])
def test_awss_own_answer_stands_where_no_new_keys_can_be_had(clock, error, caplog):
    source = Source(clock)
    session, _ = connected(clock, source.gives(HOUR), fails(error))
    client, wire = bedrock(session, EXPIRED_JSON)
    with pytest.raises(ClientError, match="ExpiredTokenException"):
        converse(client)
    assert len(wire.requests) == 1
    if isinstance(error, DeniedError):
        assert "no new ones could be had: no longer trusted" in caplog.text


def test_a_pipe_cannot_be_sent_again_and_awss_answer_stands(clock):
    session, _ = connected(clock)
    client = session.client(
        "s3", config=Config(request_checksum_calculation="when_required", s3={"payload_signing_enabled": False})
    )
    wire = Wire(client, EXPIRED_S3)
    reading, writing = os.pipe()
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe, pytest.raises(ClientError, match="ExpiredToken"):
        client.upload_part(Bucket="b", Key="k", PartNumber=1, UploadId="u", Body=pipe, ContentLength=0)
    assert len(wire.requests) == 1


def test_throttling_is_still_retried_by_botocore(clock, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    session, _ = connected(clock)
    client, wire = bedrock(session, (429, {"__type": "ThrottlingException", "message": "m"}), EXPIRED_JSON, (200, {}))
    converse(client)
    assert wire.signers() == [KEYS[1], KEYS[1], KEYS[2]]


def test_keys_passed_to_a_client_are_the_callers_own_word_and_are_not_renewed(clock):
    session, refresher = connected(clock)
    client = session.client("bedrock-runtime", aws_access_key_id="AKIAEXPLICIT", aws_secret_access_key="s")
    wire = Wire(client, EXPIRED_JSON)
    with pytest.raises(ClientError, match="ExpiredTokenException"):
        converse(client)
    assert wire.signers() == ["AKIAEXPLICIT"]
    assert refresher.provider.calls == 0


def test_a_source_that_breaks_while_it_is_told_does_not_hide_awss_answer(clock, caplog):
    class Broken:
        asked = 0

        def current(self) -> Credentials:
            self.asked += 1
            if self.asked > 1:
                raise KeyError("SecretAccessKey=abcdefgh")
            return Credentials(KEYS[1], "s", "t")

        def invalidate(self, access_key_id: str) -> None:
            pass

    session = Session()
    connect(session, Broken())
    client = boto3.Session(botocore_session=session, region_name="us-east-1").client("bedrock-runtime")
    Wire(client, EXPIRED_JSON)
    with pytest.raises(ClientError, match="ExpiredTokenException"):
        converse(client)
    assert "abcdefgh" not in caplog.text
