"""Where botocore works in threads of its own or remembers something: each caller's own, or refused."""

from __future__ import annotations

import ast
import gzip
import inspect
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import boto3
import botocore
import botocore.auth
import botocore.utils
import pytest
import s3transfer
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import NoAuthTokenError

from bedrock_auth import AssumeRole, Chain, FromCallable, FromSession, Refresher, Static, create_session
from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import ConfigurationError, CredentialError, MissingIdentityError
from bedrock_auth.pool import shared
from bedrock_auth.providers.from_source import FromSource
from scope.people import ANN, BEN, ask, signers
from scope.storage import posted_by
from support.wire import Wire

MIB = 1024 * 1024
IN_PARTS = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=4)
CONTENT = bytes(range(256)) * (11 * MIB // 256)
V4 = Config(signature_version="s3v4", s3={"addressing_style": "path"})
EXPRESS_BUCKET = "b--usw2-az1--x-s3"

# ---------------------------------------------------------------- managed transfers


def test_every_part_of_a_bound_clients_transfers_is_signed_by_its_caller(scope, session, storage, tmp_path):
    path = tmp_path / "content"
    path.write_bytes(CONTENT)
    with scope.bind(ANN) as ann, scope.use(BEN):
        s3 = ann.client("s3")
        s3.upload_file(str(path), "bucket", "key", Config=IN_PARTS)
        s3.upload_fileobj(io.BytesIO(CONTENT), "bucket", "other", Config=IN_PARTS)
        back = io.BytesIO()
        s3.download_fileobj("bucket", "key", back, Config=IN_PARTS)
        s3.download_file("bucket", "other", str(tmp_path / "back"), Config=IN_PARTS)
    assert back.getvalue() == CONTENT
    assert (tmp_path / "back").read_bytes() == CONTENT
    assert [seen.action for seen in storage.seen].count("UploadPart") == 6
    assert [seen.action for seen in storage.seen].count("GetObject") == 6
    assert set(storage.signers) == {"ann"}


@pytest.mark.parametrize("content", [b"small", CONTENT], ids=["whole", "in parts"])
def test_a_transfer_through_a_block_fails_closed_in_its_threads(scope, session, storage, content):
    s3 = session.client("s3")
    with scope.use(ANN), pytest.raises(MissingIdentityError, match=r"scope\.bind"):
        s3.upload_fileobj(io.BytesIO(content), "bucket", "key", Config=IN_PARTS)
    storage.objects["/bucket/key"] = content
    with scope.use(ANN), pytest.raises(MissingIdentityError, match=r"scope\.bind"):
        s3.download_fileobj("bucket", "key", io.BytesIO(), Config=IN_PARTS)
    assert storage.seen == []


def test_a_transfer_without_threads_works_in_a_block(scope, session, storage):
    with scope.use(ANN):
        session.client("s3").upload_fileobj(io.BytesIO(CONTENT), "bucket", "key", Config=TransferConfig(use_threads=False))
    assert storage.objects["/bucket/key"] == CONTENT
    assert set(storage.signers) == {"ann"}


def test_two_callers_transfers_at_once_never_mix(scope, session, storage):
    with scope.bind(ANN) as ann, scope.bind(BEN) as ben, ThreadPoolExecutor(2) as pool:
        uploads = [
            pool.submit(caller.client("s3").upload_fileobj, io.BytesIO(CONTENT), name, "key", Config=IN_PARTS)
            for name, caller in {"ann": ann, "ben": ben}.items()
        ]
        for upload in uploads:
            upload.result(60)
    assert storage.objects == {"/ann/key": CONTENT, "/ben/key": CONTENT}
    assert sorted(storage.signers) == ["ann"] * 5 + ["ben"] * 5


def test_a_transfer_whose_caller_is_closed_meanwhile_stops(scope, session, storage):
    with scope.bind(ANN) as ann:
        s3 = ann.client("s3")
        one_by_one = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, use_threads=False)
        with pytest.raises(MissingIdentityError, match="closed"):
            s3.upload_fileobj(io.BytesIO(CONTENT), "bucket", "key", Config=one_by_one, Callback=lambda _: ann.close())
    assert storage.objects == {}


# ---------------------------------------------------------------- presigned


def test_presigned_urls_are_signed_by_the_block_or_the_bound_caller(scope, session, storage):
    storage.objects["/bucket/key"] = b"content"
    s3, where = session.client("s3", config=V4), {"Bucket": "bucket", "Key": "key"}
    with scope.use(ANN) as ann, scope.bind(BEN) as ben:
        urls = [client.generate_presigned_url("get_object", where) for client in (s3, ann.client("s3", config=V4))]
        urls.append(ben.client("s3", config=V4).generate_presigned_url("get_object", where))
    for url in urls:
        with urlopen(url, timeout=10) as answer:
            assert answer.read() == b"content"
    assert storage.signers == ["ann", "ann", "ben"]
    assert parse_qs(urlsplit(urls[2]).query)["X-Amz-Security-Token"] == [BEN.session_token]
    with pytest.raises(MissingIdentityError):
        s3.generate_presigned_url("get_object", where)


def test_presigned_posts_are_signed_by_the_block_or_the_bound_caller(scope, session, storage):
    s3 = session.client("s3", config=V4)
    with scope.use(ANN), scope.bind(BEN) as ben:
        anns = s3.generate_presigned_post("bucket", "key")["fields"]
        bens = ben.client("s3", config=V4).generate_presigned_post("bucket", "key")["fields"]
    assert posted_by(anns, ANN)
    assert posted_by(bens, BEN)
    with pytest.raises(MissingIdentityError):
        s3.generate_presigned_post("bucket", "key")


def test_database_tokens_are_signed_by_the_block_or_the_bound_caller(scope, session):
    rds, where = session.client("rds"), {"DBHostname": "db", "Port": 5432, "DBUsername": "u"}
    with scope.use(ANN), scope.bind(BEN) as ben:
        assert ANN.access_key_id in rds.generate_db_auth_token(**where)
        assert BEN.access_key_id in ben.client("rds").generate_db_auth_token(**where)
    with pytest.raises(MissingIdentityError):
        rds.generate_db_auth_token(**where)


# ---------------------------------------------------------------- S3 Express, endpoint discovery, accounts, tokens, keys


@pytest.mark.parametrize(
    "call",
    [
        lambda s3: s3.get_object(Bucket=EXPRESS_BUCKET, Key="k"),
        lambda s3: s3.put_object(Bucket=EXPRESS_BUCKET, Key="k", Body=b"x"),
        lambda s3: list(s3.get_paginator("list_objects_v2").paginate(Bucket=EXPRESS_BUCKET)),
        lambda s3: s3.generate_presigned_url("get_object", {"Bucket": EXPRESS_BUCKET, "Key": "k"}),
        lambda s3: s3.upload_fileobj(io.BytesIO(b"x"), EXPRESS_BUCKET, "k", Config=TransferConfig(use_threads=False)),
    ],
    ids=["get", "put", "page", "presign", "upload"],
)
@pytest.mark.parametrize("explicit", [False, True], ids=["use", "bind"])
def test_a_directory_bucket_is_refused_before_a_session_is_created(scope, session, call, explicit):
    s3 = session.client("s3", region_name="us-west-2")
    with scope.use(ANN) as ann:
        client = ann.client("s3", region_name="us-west-2") if explicit else s3
        wire = Wire(client, (200, b"<CreateSessionResult/>"))
        with pytest.raises(ConfigurationError, match="S3 Express"):
            call(client)
    assert wire.requests == []


def test_a_directory_bucket_works_where_its_own_sessions_are_switched_off(scope, session):
    """Then every request is signed with the caller's keys, and nothing is remembered."""
    s3 = session.client("s3", region_name="us-west-2", config=Config(s3={"disable_s3_express_session_auth": True}))
    wire = Wire(s3, (200, b"x"))
    for keys in (ANN, BEN):
        with scope.use(keys):
            s3.get_object(Bucket=EXPRESS_BUCKET, Key="k")
    assert wire.signers() == [ANN.access_key_id, BEN.access_key_id]


ON = Config(endpoint_discovery_enabled=True)


@pytest.mark.parametrize("service", ["timestream-query", "timestream-write"])
def test_services_that_require_endpoint_discovery_are_refused(scope, session, service):
    with pytest.raises(ConfigurationError, match="endpoints"):
        session.client(service)
    with scope.bind(ANN) as ann, pytest.raises(ConfigurationError, match="endpoints"):
        ann.client(service)


def refused_discovery(client) -> bool:
    """Whether listing tables is refused; nothing may have been sent then."""
    wire = Wire(client, (200, {"TableNames": []}))
    try:
        client.list_tables()
    except ConfigurationError as error:
        assert error.setting == "endpoint_discovery_enabled"
        assert wire.requests == []
        return True
    assert wire.signers() == [ANN.access_key_id]
    return False


def test_calls_are_refused_where_a_config_switches_endpoint_discovery_on(scope, session):
    client = session.client("dynamodb", config=ON)
    with scope.use(ANN):
        assert refused_discovery(client)
    with scope.bind(ANN) as ann:
        assert refused_discovery(ann.client("dynamodb", config=ON))


@pytest.mark.parametrize(("value", "refused"), [("true", True), ("TRUE", True), ("false", False), ("auto", False)])
def test_calls_are_refused_where_the_environment_switches_endpoint_discovery_on(scope, monkeypatch, value, refused):
    monkeypatch.setenv("AWS_ENDPOINT_DISCOVERY_ENABLED", value)
    session = create_session(scope, region_name="us-east-1")
    off = session.client("dynamodb", config=Config(endpoint_discovery_enabled=False))
    with scope.use(ANN):
        assert refused_discovery(session.client("dynamodb")) is refused
        assert not refused_discovery(off)


def test_an_endpoint_with_the_account_in_its_name_is_the_callers_own(scope, session):
    tables = session.client("dynamodb")
    wire = Wire(tables, (200, {"TableNames": []}))
    accounts = {"111111111111": ANN, "222222222222": BEN}
    callers = [
        Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token, account_id=account)
        for account, keys in accounts.items()
    ]
    for keys in callers:
        with scope.use(keys) as caller:
            tables.list_tables()
            bound = Wire(caller.client("dynamodb"), (200, {"TableNames": []}))
            caller.client("dynamodb").list_tables()
            assert keys.account_id in bound.requests[-1].url
    assert [keys.account_id in request.url for keys, request in zip(callers, wire.requests, strict=True)] == [True, True]


@pytest.mark.parametrize(
    "keys",
    [
        {"aws_access_key_id": "AKIA", "aws_secret_access_key": "s3cr3t-canary"},
        {"aws_access_key_id": "AKIA", "aws_secret_access_key": "s3cr3t-canary", "aws_session_token": "t0ken-canary"},
    ],
)
def test_explicit_keys_for_a_client_or_resource_are_refused(scope, session, keys):
    attempts = [lambda: session.client("s3", **keys), lambda: session.resource("s3", **keys)]
    with scope.bind(ANN) as ann:
        attempts.append(lambda: ann.client("s3", **keys))
        for attempt in attempts:
            with pytest.raises(ConfigurationError, match=r"scope\.bind") as caught:
                attempt()
            assert "canary" not in str(caught.value)
    with scope.use(BEN), pytest.raises(ConfigurationError):
        session.client("s3", **keys)


def test_bearer_schemes_find_no_token(scope, session, bedrock, monkeypatch):
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "somebody-else")
    asks_for_one = session.client("bedrock-runtime", config=Config(signature_version="bearer"))
    with scope.use(ANN), pytest.raises(NoAuthTokenError):
        ask(asks_for_one)
    assert bedrock.requests == []


# ---------------------------------------------------------------- a scope is nobody's source


@pytest.mark.parametrize(
    "make",
    [
        lambda scope: AssumeRole("arn:aws:iam::123456789012:role/R", source=scope),
        FromSource,
        FromSession,
        FromCallable,
        Chain,
        Refresher,
        lambda scope: scope.use(scope).__enter__(),
        lambda scope: scope.bind(scope),
        lambda scope: create_session(scope, expected_account="123456789012"),
    ],
    ids=["AssumeRole", "FromSource", "FromSession", "FromCallable", "Chain", "Refresher", "use", "bind", "expected_account"],
)
def test_a_scope_as_the_source_of_something_cached_is_refused_when_it_is_made(scope, make):
    with pytest.raises(ConfigurationError):
        make(scope)


@pytest.mark.parametrize(
    "make",
    [
        lambda session: AssumeRole("arn:aws:iam::123456789012:role/R", source=session),
        FromSession,
        lambda session: FromSession(session._session),
        lambda session: Chain(FromSession(session)),
    ],
    ids=["AssumeRole", "FromSession", "botocore session", "Chain"],
)
def test_a_scopes_session_as_the_source_of_something_cached_is_refused_at_the_first_fetch(scope, session, make):
    provider = make(session)
    with scope.use(ANN):
        with pytest.raises(ConfigurationError):
            Refresher(provider).current()
        with pytest.raises(ConfigurationError):
            create_session(provider, region_name="us-east-1").client("sts").get_caller_identity()
    with scope.bind(provider) as caller, scope.use(ANN), pytest.raises(ConfigurationError):
        caller.current()


FETCHES = {
    "the caller": lambda scope, session: scope.caller.current(),
    "the caller that must be there": lambda scope, session: scope.required().current(),
    "the session": lambda scope, session: session.get_credentials().get_frozen_credentials()._asdict(),
    "a call": lambda scope, session: (ask(session.client("bedrock-runtime")), BEN)[1],
}


@pytest.mark.parametrize("fetch", FETCHES.values(), ids=FETCHES)
def test_a_function_that_fetches_as_whoever_is_at_hand_gets_nothing(scope, session, bedrock, fetch):
    """What it gave would be kept, and sign everybody's calls."""
    everybodys = create_session(lambda: fetch(scope, session), region_name="us-east-1").client("bedrock-runtime")
    with scope.use(ANN), pytest.raises(CredentialError):
        ask(everybodys)
    with scope.use(BEN), pytest.raises(CredentialError):
        ask(everybodys)
    assert bedrock.requests == []


def test_a_function_may_fetch_as_somebody_that_it_names(scope, client, bedrock):
    def fetch() -> Credentials:
        ask(helper.client("bedrock-runtime"))
        with scope.use(BEN):
            ask(client)
        return ANN

    with scope.bind(BEN) as helper, scope.use(fetch):
        ask(client)
    assert signers(bedrock) == ["ben", "ben", "ann"]


def test_what_a_caller_brings_never_enters_the_shared_pool(scope, client, bedrock):
    for identity in (ANN, Static(ANN.access_key_id, ANN.secret_access_key, ANN.session_token), lambda: ANN, Chain(lambda: ANN)):
        with scope.use(identity):
            ask(client)
    assert len(shared) == 0
    assert signers(bedrock) == ["ann"] * 4


# ---------------------------------------------------------------- what botocore remembers

REMEMBERS = {
    "boto3.crt": {"CRT_S3_CLIENT": "asks the scope for keys in a thread of its own, where there is no caller"},
    "botocore.auth": {"S3ExpressAuth": "refused by refuse_s3_express"},
    "botocore.utils": {
        "S3ExpressIdentityCache": "refused by refuse_s3_express",
        "S3ExpressIdentityResolver": "refused by refuse_s3_express",
        "S3RegionRedirector": "in which region a bucket is",
        "S3RegionRedirectorv2": "in which region a bucket is",
        "SSOTokenLoader": "belongs to a source of credentials",
        "LoginTokenLoader": "belongs to a source of credentials",
    },
    "botocore.discovery": {"EndpointDiscoveryManager": "refused when the client is made or called"},
    "botocore.tokens": {"SSOTokenProvider": "no session of ours has a token provider"},
    "botocore.credentials": dict.fromkeys(
        (
            "ProfileProviderBuilder",
            "CachedCredentialFetcher",
            "AssumeRoleProvider",
            "AssumeRoleWithWebIdentityProvider",
            "SSOProvider",
            "LoginProvider",
        ),
        "no session of ours looks for credentials with it",
    ),
    "botocore.client": {"BaseClient": "models of paginators and waiters"},
    "botocore.model": dict.fromkeys(("Shape", "ServiceModel", "ShapeResolver", "ShapeNameGenerator"), "the service's model"),
    "botocore.loaders": {"Loader": "files"},
    "botocore.regions": {"EndpointRulesetResolver": "parameters of operations"},
    "botocore.endpoint_provider": {"EndpointProvider": "the endpoint of parameters, the account among them"},
    "botocore.hooks": {"HierarchicalEmitter": "handlers of an event", "EventAliaser": "names of events"},
    "botocore.errorfactory": {"ClientExceptionsFactory": "exception classes of a service"},
    "s3transfer.subscribers": {"BaseSubscriber": "methods of a class"},
}
"""Every class of botocore and its neighbours that keeps something, and why that is no matter of who calls."""
IGNORED = {"CachedProperty"}
"""What it keeps is computed from the object alone."""


def remembering(package) -> set[tuple[str, str]]:
    """Module and class of everything that has a cache."""
    root = Path(package.__file__).parent
    found = set()
    for path in root.rglob("*.py"):
        module = ".".join([root.name, *path.relative_to(root).with_suffix("").parts])
        text = path.read_text("utf-8")
        if "vendored" not in module and "cache" in text:
            classes = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
            found |= {(module, node.name) for node in classes if _keeps_something(node)}
    return found


def _keeps_something(node: ast.ClassDef) -> bool:
    for inner in ast.walk(node):
        targets = inner.targets if isinstance(inner, ast.Assign) else [getattr(inner, "target", None)]
        if any(isinstance(target, ast.Attribute) and "cache" in target.attr.lower() for target in targets):
            return True
        decorators = map(ast.unparse, getattr(inner, "decorator_list", ()))
        if any("cache" in decorator.lower() and decorator not in IGNORED for decorator in decorators):
            return True
    return False


def test_botocore_remembers_nothing_that_this_library_does_not_know_of():
    known = {(module, name) for module, names in REMEMBERS.items() for name in names}
    found = remembering(botocore) | remembering(boto3) | remembering(s3transfer)
    assert found - known == set(), "does one of these keep anything of one caller for the next? Refuse it, or say here why not"
    assert ("botocore.utils", "S3ExpressIdentityCache") in found, "the search finds what it is there for"
    assert ("botocore.discovery", "EndpointDiscoveryManager") in found


def test_only_s3_express_signs_with_identities_of_a_cache():
    wants = {name for name, scheme in botocore.auth.AUTH_TYPE_MAPS.items() if getattr(scheme, "REQUIRES_IDENTITY_CACHE", False)}
    assert wants == {"v4-s3express", "v4-s3express-query", "v4-s3express-presign-post"}
    caches = [kind for _, kind in inspect.getmembers(botocore.utils, inspect.isclass) if kind.__name__.endswith("IdentityCache")]
    assert {kind.__name__ for kind in caches} == {"IdentityCache", "S3ExpressIdentityCache"}
    assert {kind.__name__ for kind in botocore.utils.IdentityCache.__subclasses__()} == {"S3ExpressIdentityCache"}


def model_files(name: str) -> dict[str, bytes]:
    data = Path(botocore.__file__).parent / "data"
    found: dict[str, bytes] = {}
    for path in data.glob(f"*/*/{name}.json*"):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        found[path.parts[-3]] = found.get(path.parts[-3], b"") + content.replace(b" ", b"").replace(b"\n", b"")
    return found


def test_the_services_with_endpoint_discovery_and_directory_buckets_are_those_that_are_tested_here():
    discovers = {service for service, model in model_files("service-2").items() if b'"endpointoperation":true' in model}
    express = {service for service, rules in model_files("endpoint-rule-set-1").items() if b'"name":"sigv4-s3express"' in rules}
    assert discovers == {"dynamodb", "timestream-query", "timestream-write"}
    assert express == {"s3"}
