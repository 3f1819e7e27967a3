"""create_session and whoami: a real boto3 session that signs as its provider, whatever lies around."""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bedrock_auth.audit import LogListener, Retrieved
from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import ConfigurationError, RetrievalError
from bedrock_auth.host import Host
from bedrock_auth.policy import RefreshPolicy
from bedrock_auth.pool import Pool, shared
from bedrock_auth.providers.assume_role import AssumeRole
from bedrock_auth.providers.from_callable import FromCallable
from bedrock_auth.providers.static import Static
from bedrock_auth.refresh import Refresher
from bedrock_auth.session import create_session, whoami
from support.sts import REFUSAL, LocalSts
from support.wire import EXPIRED_JSON, Wire

KEY, SECRET = "AKIAOURSOURSOURSOUR0", "our-secret-canary"
OURS = Static(KEY, SECRET)
ROLE = "arn:aws:iam::123456789012:role/Bedrock"

DECOYS = {
    "keys": {"AWS_ACCESS_KEY_ID": "AKIADECOYDECOYDECOY0", "AWS_SECRET_ACCESS_KEY": "decoy", "AWS_SESSION_TOKEN": "decoy"},
    "existing profile": {"AWS_PROFILE": "decoy"},
    "missing profile": {"AWS_PROFILE": "there-is-no-such-profile"},
    "default profile name": {"AWS_DEFAULT_PROFILE": "decoy"},
    "bearer token": {"AWS_BEARER_TOKEN_BEDROCK": "bedrock-api-key-decoy"},
    "scheme": {"AWS_AUTH_SCHEME_PREFERENCE": "httpBearerAuth"},
    "role": {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": "/does/not/exist"},
    "container": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/creds"},
}
SETS = [{name} for name in DECOYS] + [set(pair) for pair in itertools.combinations(DECOYS, 2)] + [set(DECOYS)]
CALLS = {
    "bedrock-runtime": lambda client: client.converse(modelId="m", messages=[{"role": "user", "content": [{"text": "Hi"}]}]),
    "bedrock": lambda client: client.list_foundation_models(),
    "bedrock-agent-runtime": lambda client: client.retrieve(knowledgeBaseId="ABCDEFGHIJ", retrievalQuery={"text": "x"}),
    "bedrock-agent": lambda client: client.list_agents(),
    "sts": lambda client: client.get_session_token(),
    "s3": lambda client: client.list_buckets(),
}

XML = {
    "sts": b"<GetSessionTokenResponse><GetSessionTokenResult/></GetSessionTokenResponse>",
    "s3": b"<ListAllMyBucketsResult/>",
}


def lie_around(monkeypatch, tmp_path, decoys) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[profile decoy]\naws_access_key_id = AKIADECOYPROFILE0000\naws_secret_access_key = decoy\nregion = eu-west-3\n"
        "[default]\naws_access_key_id = AKIADECOYDEFAULT0000\naws_secret_access_key = decoy\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name in decoys:
        for variable, value in DECOYS[name].items():
            monkeypatch.setenv(variable, value)


@pytest.mark.parametrize("decoys", SETS, ids=lambda names: "+".join(sorted(names)) if len(names) < 3 else "all")
def test_no_environment_variable_ever_changes_who_signs(monkeypatch, tmp_path, decoys):
    if {"existing profile", "missing profile"} <= decoys and len(decoys) == 2:
        pytest.skip("AWS_PROFILE names one profile")
    lie_around(monkeypatch, tmp_path, decoys)
    session = create_session(OURS, region_name="us-east-1")
    for service, call in CALLS.items():
        client = session.client(service)
        wire = Wire(client, (200, XML.get(service, {})))
        call(client)
        assert wire.signers() == [KEY], service
        assert wire.authorizations()[0].startswith("AWS4-HMAC-SHA256 "), service


def test_a_decoy_does_take_over_a_plain_boto3_session(monkeypatch, tmp_path):
    """The tests above would notice nothing if botocore had no such rule."""
    lie_around(monkeypatch, tmp_path, {"keys", "bearer token"})
    client = boto3.Session(region_name="us-east-1", aws_access_key_id=KEY, aws_secret_access_key=SECRET).client("bedrock-runtime")
    wire = Wire(client)
    CALLS["bedrock-runtime"](client)
    assert wire.signers() == ["Bearer"]


def test_decoys_that_appear_later_change_nothing(monkeypatch, tmp_path):
    session = create_session(OURS, region_name="us-east-1")
    early = session.client("bedrock-runtime")
    lie_around(monkeypatch, tmp_path, set(DECOYS))
    for client in (early, session.client("bedrock-runtime", config=Config(read_timeout=7))):
        wire = Wire(client)
        CALLS["bedrock-runtime"](client)
        assert wire.signers() == [KEY]


def test_a_bearer_token_that_lies_around_signs_nothing_even_where_only_a_token_can(monkeypatch, tmp_path):
    lie_around(monkeypatch, tmp_path, {"bearer token"})
    (tmp_path / "config").write_text(
        "[default]\nsso_session = s\nsso_account_id = 111122223333\nsso_role_name = R\n"
        "[sso-session s]\nsso_start_url = https://x.test\nsso_region = us-east-1\n"
    )
    cache = Path.home() / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    token = {"accessToken": "somebody-elses-token", "expiresAt": "2999-01-01T00:00:00Z"}
    (cache / f"{hashlib.sha1(b's').hexdigest()}.json").write_text(json.dumps(token))  # the name that AWS's tools use
    session = create_session(OURS, region_name="us-east-1")
    for service, call, config in (
        ("codecatalyst", lambda client: client.list_spaces(), None),
        ("bedrock-runtime", CALLS["bedrock-runtime"], Config(signature_version="bearer")),
    ):
        client = session.client(service, config=config)
        wire = Wire(client)
        with pytest.raises(BotoCoreError, match="[Tt]oken"):
            call(client)
        assert wire.requests == []


def test_an_explicit_scheme_is_the_callers_word(monkeypatch, tmp_path):
    lie_around(monkeypatch, tmp_path, {"bearer token"})
    client = create_session(OURS, region_name="us-east-1").client("bedrock-runtime", config=Config(signature_version=UNSIGNED))
    wire = Wire(client)
    CALLS["bedrock-runtime"](client)
    assert wire.authorizations() == [""]


@pytest.mark.parametrize("decoys", [set(), {"bearer token"}, {"keys", "existing profile"}])
def test_directory_buckets_work_as_in_boto3(monkeypatch, tmp_path, decoys):
    lie_around(monkeypatch, tmp_path, decoys)
    client = create_session(OURS, region_name="us-east-1").client("s3")
    keys = b"<AccessKeyId>ASIAEXPRESS</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
    expiry = b"<Expiration>2999-01-01T00:00:00Z</Expiration>"
    made = b"<CreateSessionResult><Credentials>" + keys + expiry + b"</Credentials></CreateSessionResult>"
    wire = Wire(client, (200, made), (200, b"<ListBucketResult/>"))
    client.list_objects_v2(Bucket="bucket--use1-az4--x-s3")
    assert wire.signers() == [KEY, "ASIAEXPRESS"]


def test_it_is_a_real_boto3_session():
    session = create_session(OURS, region_name="eu-central-1")
    assert type(session) is boto3.Session
    assert session.region_name == "eu-central-1"
    assert session.get_credentials().get_frozen_credentials()[:2] == (KEY, SECRET)
    assert session.client("ec2").meta.region_name == "eu-central-1"
    assert session.resource("s3").meta.client.meta.service_model.service_name == "s3"
    assert "bedrock-runtime" in session.get_available_services()
    assert SECRET not in repr(session)


def test_it_serves_code_that_uses_the_default_session(monkeypatch):
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", create_session(OURS, region_name="us-east-1"))
    client = boto3.client("bedrock-runtime")
    wire = Wire(client)
    CALLS["bedrock-runtime"](client)
    assert wire.signers() == [KEY]


def test_the_user_agent_names_the_library_and_survives_a_users_own():
    session = create_session(OURS, region_name="us-east-1")
    for config in (None, Config(user_agent_extra="mine/1.0")):
        client = session.client("bedrock-runtime", config=config)
        wire = Wire(client)
        CALLS["bedrock-runtime"](client)
        assert "bedrock-auth/" in wire.header("User-Agent")[0]
    assert "mine/1.0" in wire.header("User-Agent")[0]


# -------------------------------------------------------------------- what it takes


def test_a_function_is_a_provider():
    session = create_session(lambda: {"AccessKeyId": KEY, "SecretAccessKey": SECRET})
    assert session.get_credentials().access_key == KEY


def test_a_source_is_taken_as_it_is():
    refresher = Refresher(OURS)
    session = create_session(refresher)
    assert session.get_credentials().source is refresher


@pytest.mark.parametrize(
    ("provider", "found"),
    [
        (None, "not None; nothing is signed with whatever lies around"),
        (Static, "not the class Static; pass an instance of it"),
        ("default", "not str"),
        (5, "not int"),
        (Refresher, "not the class Refresher"),
        (boto3.Session(region_name="us-east-1"), "not Session"),
    ],
)
def test_nothing_falls_back_silently(provider, found):
    with pytest.raises(ConfigurationError, match=found):
        create_session(provider)


def test_a_policy_is_not_for_a_source():
    with pytest.raises(ConfigurationError, match="policy cannot be set for a source"):
        create_session(Refresher(OURS), policy=RefreshPolicy())


# -------------------------------------------------------------------- region


def test_the_region_comes_from_argument_hint_environment_or_profile(monkeypatch, tmp_path):
    hinted = AssumeRole(ROLE, source=OURS, region_name="eu-north-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    (tmp_path / "config").write_text("[default]\nregion = sa-east-1\n[profile p]\nregion = ca-central-1\n")
    assert create_session(OURS).region_name == "sa-east-1"
    monkeypatch.setenv("AWS_PROFILE", "p")
    assert create_session(OURS).region_name == "ca-central-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-1")
    assert create_session(OURS).region_name == "us-west-1"
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert create_session(OURS).region_name == "us-west-2"
    assert create_session(hinted).region_name == "eu-north-1"
    assert create_session(Refresher(hinted)).region_name == "eu-north-1"
    assert create_session(hinted, region_name="us-east-2").region_name == "us-east-2"


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_an_empty_variable_names_no_region_and_hides_none(monkeypatch, tmp_path, name):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    (tmp_path / "config").write_text("[default]\nregion = sa-east-1\n")
    monkeypatch.setenv(name, "")
    assert create_session(OURS).client("sts").meta.region_name == "sa-east-1"


def test_a_broken_config_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "p")
    (tmp_path / "config").write_text("this is no [config file\n")
    with pytest.raises(ConfigurationError, match="the AWS config file cannot be read"):
        create_session(OURS)


# -------------------------------------------------------------------- one fetch for many sessions


def test_a_hundred_sessions_from_equal_providers_make_one_source_call():
    calls = []

    def fetch() -> Credentials:
        calls.append(1)
        return Credentials(KEY, SECRET, expiration=datetime.now(UTC) + timedelta(hours=1))

    for _ in range(100):
        assert create_session(FromCallable(fetch, name="counted")).get_credentials().access_key == KEY
    assert len(calls) == 1
    create_session(FromCallable(fetch, name="counted"), policy=RefreshPolicy(advisory_window=60)).get_credentials().access_key  # noqa: B018 - the read fetches
    assert len(calls) == 2, "another policy is another Refresher"


def test_the_pool_is_bounded_and_closes_nothing_that_is_in_use():
    pool = Pool(maxsize=2)
    first = pool.refresher(OURS, RefreshPolicy())
    assert pool.refresher(Static(KEY, SECRET), RefreshPolicy()) is first
    for number in range(5):
        pool.refresher(Static(f"AKIAOTHER{number:011d}", SECRET), RefreshPolicy())
    assert len(pool) == 2
    assert first.current().access_key_id == KEY
    assert pool.refresher(OURS, RefreshPolicy()) is not first


def test_a_provider_without_a_hash_is_not_pooled():
    class Odd:
        name = "odd"
        __hash__ = None

        def retrieve(self) -> Credentials:
            return Credentials(KEY, SECRET)

    odd = Odd()
    assert shared.refresher(odd, RefreshPolicy()) is not shared.refresher(odd, RefreshPolicy())
    assert create_session(odd).get_credentials().access_key == KEY


def test_nothing_is_fetched_before_the_first_request():
    def fetch() -> Credentials:
        pytest.fail("fetched too early")

    session = create_session(fetch, region_name="us-east-1")
    session.client("bedrock-runtime")


def test_a_failing_source_is_heard_as_what_it_is():
    def fetch() -> Credentials:
        msg = "the vault is closed"
        raise RetrievalError(msg, provider="vault", code="Closed")

    client = create_session(fetch, region_name="us-east-1").client("bedrock-runtime")
    with pytest.raises(RetrievalError, match="the vault is closed") as caught:
        CALLS["bedrock-runtime"](client)
    assert caught.value.code == "Closed"


# -------------------------------------------------------------------- listeners, secrets


def test_listeners_live_as_long_as_the_sessions_clients(caplog):
    heard = []
    client = create_session(OURS, region_name="us-east-1", listeners=[heard.append, LogListener()]).client("bedrock-runtime")
    Wire(client)
    with caplog.at_level(logging.INFO, "bedrock_auth.audit"):
        CALLS["bedrock-runtime"](client)
    assert [type(event) for event in heard] == [Retrieved]
    assert "Retrieved provider=static" in caplog.text
    assert KEY not in caplog.text


def test_listeners_need_a_source_that_tells():
    class Silent:
        def current(self) -> Credentials:
            return Credentials(KEY, SECRET)

        def invalidate(self, access_key_id: str) -> None:
            pass

    with pytest.raises(ConfigurationError, match="listeners cannot be told anything by Silent"):
        create_session(Silent(), listeners=[print])
    assert create_session(Silent()).get_credentials().access_key == KEY


def test_no_secret_reaches_a_log_at_debug(caplog):
    token = "FwoGZXIvYXdzEJr//canary-token"
    provider = Static("ASIAOURSOURSOURSOUR0", SECRET, token)
    with caplog.at_level(logging.DEBUG):
        client = create_session(provider, region_name="us-east-1").client("bedrock-runtime")
        Wire(client, EXPIRED_JSON, (200, {}))
        with pytest.raises(client.exceptions.ClientError):
            CALLS["bedrock-runtime"](client)
    assert "CanonicalRequest" in caplog.text, "botocore did log what it signed"
    for secret in (SECRET, token, "ASIAOURSOURSOURSOUR0"):
        assert secret not in caplog.text


# -------------------------------------------------------------------- whoami, expected_account


@pytest.fixture
def sts(moto, monkeypatch) -> str:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto)
    return moto


def test_whoami_tells_who_signs(sts):
    session = create_session(AssumeRole(ROLE, source=OURS, session_name="me"), region_name="us-east-1")
    identity = whoami(session)
    assert identity.arn == "arn:aws:sts::123456789012:assumed-role/Bedrock/me"
    assert identity.account == "123456789012"
    assert identity.source == f"assume-role {ROLE}"
    assert identity.expiration == session.get_credentials().source.current().expiration
    assert SECRET not in repr(identity)


def test_whoami_knows_sessions_that_are_not_ours(sts):
    identity = whoami(boto3.Session(aws_access_key_id=KEY, aws_secret_access_key=SECRET))
    assert (identity.source, identity.expiration) == ("explicit", None)


def test_whoami_waits_for_seconds_and_asks_twice(monkeypatch):
    sent, configs = [], []
    session = create_session(OURS, region_name="us-east-1")
    session.events.register("before-parameter-build", lambda context, **_: configs.append(context["client_config"]))
    session.events.register("before-send", lambda request, **_: sent.append(request.url))
    with LocalSts(503, REFUSAL.format("ServiceUnavailable", "later")) as failing:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", failing.url)
        with pytest.raises(ClientError, match="later"):
            whoami(session)
    assert [(config.connect_timeout, config.read_timeout) for config in configs] == [(5, 20)]
    assert sent == [f"{failing.url}/"] * 2


def test_whoami_without_credentials_says_so():
    with pytest.raises(ConfigurationError, match="the session has no credentials"):
        whoami(boto3.Session(region_name="us-east-1"))


def test_keys_of_another_account_sign_nothing(sts):
    session = create_session(OURS, region_name="us-east-1", expected_account="999999999999")
    client = session.client("bedrock-runtime")
    wire = Wire(client)
    with pytest.raises(ConfigurationError, match="999999999999"):
        CALLS["bedrock-runtime"](client)
    assert wire.requests == []


@pytest.mark.parametrize("source", [OURS, Refresher(OURS), lambda: Credentials(KEY, SECRET)])
def test_keys_of_the_expected_account_sign(sts, source):
    session = create_session(source, region_name="us-east-1", expected_account="123456789012")
    client = session.client("bedrock-runtime")
    wire = Wire(client)
    CALLS["bedrock-runtime"](client)
    assert wire.signers() == [KEY]


def test_the_account_is_asked_for_in_the_sessions_own_partition(monkeypatch):
    asked = []
    monkeypatch.setattr(Host, "client", lambda self, service, region: asked.append(region) or pytest.fail("enough"))
    session = create_session(OURS, region_name="us-gov-west-1", expected_account="123456789012")
    with pytest.raises(BaseException, match="enough"):
        session.get_credentials().get_frozen_credentials()
    assert asked == ["us-gov-west-1"]


def test_a_closed_refresher_does_not_spoil_the_sessions_of_others():
    create_session(OURS).get_credentials().source.close()
    assert create_session(OURS).get_credentials().access_key == KEY


# -------------------------------------------------------------------- botocore's data


def test_a_custom_data_path_gets_a_loader_of_its_own(monkeypatch, tmp_path):
    ours = create_session(OURS)._session.get_component("data_loader")
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    custom = create_session(OURS)._session.get_component("data_loader")
    assert type(custom) is not type(ours)
    assert str(tmp_path) in custom.search_paths


def test_sessions_share_data_and_not_search_paths():
    loaders = [create_session(OURS)._session.get_component("data_loader") for _ in range(3)]
    assert len({id(loader.load_service_model("sts", "service-2")) for loader in loaders}) == 1
    assert len({id(loader.search_paths) for loader in loaders}) == 3
    assert len({len(loader.search_paths) for loader in loaders}) == 1


@pytest.mark.parametrize("times", [1, 2, 3])
def test_s3_addresses_buckets_alike_in_every_session(times):
    """botocore edits the S3 model in place, and the sessions share it."""
    client = create_session(OURS, region_name="us-east-1").client("s3")
    wire = Wire(client, (200, b""))
    client.get_object(Bucket="bucket", Key="a/b")
    assert wire.requests[0].url == "https://bucket.s3.amazonaws.com/a/b"
