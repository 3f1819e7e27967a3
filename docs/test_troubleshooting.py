"""Errors as users meet them are found on the troubleshooting page, under their class and by their text."""

from __future__ import annotations

import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.credentials import CredentialResolver

from bedrock_auth import (
    AssumeRole,
    BedrockAuthError,
    CallerSettings,
    Chain,
    CognitoGuest,
    Container,
    Default,
    Environment,
    FromCallable,
    FromSession,
    Host,
    HttpVending,
    InstanceMetadata,
    Process,
    Profile,
    Refresher,
    RefreshPolicy,
    RequestScope,
    Settings,
    SsoSession,
    Static,
    WebIdentity,
    create_session,
)
from bedrock_auth.bedrock import BedrockRuntime, ServiceError
from bedrock_auth.providers.web_identity import WebIdentityFromEnvironment
from bedrock_auth.testing import (
    CorruptChecksum,
    Cut,
    ExpiredToken,
    NotAnEventStream,
    RawEvents,
    ServiceError as Answer,
    Stall,
    StreamException,
    Throttle,
    Truncate,
)

# ruff: noqa: PLW0108 - tests, as those under tests/

PAGE = (Path(__file__).parent / "troubleshooting.md").read_text(encoding="utf-8")
KEYS = Static("AKIAIOSFODNN7EXAMPLE", "secret")
ROLE = "arn:aws:iam::123456789012:role/Bedrock"
RESERVED = "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_R_0123456789abcdef"
PAST = {"AccessKeyId": "ASIAIOSFODNN7EXAMPLE", "SecretAccessKey": "s", "Expiration": "2001-01-01T00:00:00Z"}
HALF = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}
PAIR = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "s"}
WHOLE = {**HALF, "AWS_SECRET_ACCESS_KEY": "s"}
NO_EC2 = {"AWS_EC2_METADATA_DISABLED": "true"}
NO_ANSWER = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:9"}


def entries(error_class: str) -> list[str]:
    """The texts under a class, as patterns; an ellipsis stands for anything."""
    section = PAGE.partition(f"\n### {error_class}\n")[2].partition("\n### ")[0]
    texts = [text for line in re.findall(r"^- (.*)\\$", section, re.MULTILINE) for text in re.findall(r"`([^`]+)`", line)]
    return [".*".join(map(re.escape, text.split("…"))) for text in texts]


def is_explained(error: BedrockAuthError) -> bool:
    text = f"{error.code}: {error}" if isinstance(error, ServiceError) else str(error)
    return any(re.search(entry, text, re.DOTALL) for entry in entries(type(error).__name__))


def printing(script: str) -> Process:
    return Process([sys.executable, "-c", script], timeout=5)


def asked(code: str):
    """A function that fails as an STS call with this code would."""
    return lambda: AssumeRole(ROLE, source=KEYS, mfa_serial="arn:aws:iam::123456789012:mfa/me", mfa_token=lambda: code).retrieve()


def closed() -> Refresher:
    refresher = Refresher(KEYS)
    refresher.close()
    return refresher


def broken() -> None:
    raise OSError


def winner_that_is_gone() -> None:
    variables = dict(WHOLE)
    chain = Chain(Environment(host=Host.isolated(variables)))
    chain.retrieve()
    variables.clear()
    chain.retrieve()


def fetch_that_needs_itself() -> None:
    sessions: list[boto3.Session] = []
    sessions.append(create_session(lambda: sessions[0].client("sts", "us-east-1").get_caller_identity()))
    sessions[0].get_credentials().get_frozen_credentials()


def without_keys() -> FromSession:
    session = botocore.session.Session()
    session.register_component("credential_provider", CredentialResolver([]))
    return FromSession(session)


def container(url: str) -> Container:
    return Container(host=Host.isolated({"AWS_CONTAINER_CREDENTIALS_FULL_URI": url}, sleep=lambda _: None))


def scoped() -> tuple[RequestScope, boto3.Session]:
    scope = RequestScope()
    return scope, create_session(scope, region_name="us-east-1")


def in_a_scope(call) -> None:
    """Make a call with a session of a scope, as somebody."""
    scope, session = scoped()
    with scope.use(KEYS):
        call(session)


def closed_caller() -> None:
    scope, session = scoped()
    with scope.use(KEYS):
        pages = session.client("s3").get_paginator("list_objects_v2").paginate(Bucket="bucket")
    list(pages)


def block_in_a_generator() -> None:
    scope = RequestScope()

    def keys():
        with scope.use(KEYS) as caller:
            yield caller.current()

    next(keys())


def block_in_a_block() -> None:
    block = RequestScope().use(KEYS)
    with block, block:
        pass


def values():
    yield 1


CALLER = {
    "region": "us-east-1",
    "agentId": "AGENT12345",
    "agentAliasId": "TSTALIASID",
    "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
    "secretAccessKey": "s",
}
ABOUT_CREDENTIALS = {
    "no keys in the environment": lambda: Environment(host=Host.isolated()).retrieve(),
    "half a pair": lambda: Environment(host=Host.isolated(HALF)).retrieve(),
    "no such time": lambda: Environment(host=Host.isolated({**WHOLE, "AWS_CREDENTIAL_EXPIRATION": "soon"})).retrieve(),
    "no provider": lambda: create_session(None),
    "a class": lambda: create_session(Static),
    "a boto3 session": lambda: create_session(boto3.Session()),
    "a blank key": lambda: Static("AKIAIOSFODNN7EXAMPLE", " "),
    "a wrong setting": lambda: AssumeRole(ROLE, source=KEYS, duration=1),
    "no such program": lambda: Process("no-such-program").retrieve(),
    "another account": lambda: create_session(KEYS, expected_account="999999999999").client("s3").list_buckets(),
    "no TLS": lambda: AssumeRole(
        ROLE, source=KEYS, host=Host.isolated({"AWS_ENDPOINT_URL_STS": "http://sts.example.com"})
    ).retrieve(),
    "STS not reached": lambda: AssumeRole(
        ROLE, source=KEYS, host=Host.isolated({"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9"})
    ).retrieve(),
    "a program that fails": lambda: printing("import sys; sys.exit('log in first')").retrieve(),
    "a program that is slow": lambda: Process("sleep 9", timeout=0.1).retrieve(),
    "a program that chats": lambda: printing("print('hello')").retrieve(),
    "a program that prints something else": lambda: printing("print('{\"Version\": 1}')").retrieve(),
    "a function that raises": lambda: FromCallable(broken).retrieve(),
    "no MFA code": asked("later"),
    "expired keys": lambda: FromCallable(lambda: PAST).retrieve(),
    "a closed refresher": lambda: closed().current(),
    "an empty chain": lambda: Chain(),
    "a chain of nothing": lambda: Default(host=Host.isolated(NO_EC2)).retrieve(),
    "a winner that is gone": lambda: winner_that_is_gone(),
    "a fetch that needs itself": lambda: fetch_that_needs_itself(),
    "half a method": lambda: Settings.from_environ(host=Host.isolated({"AWS_WEB_IDENTITY_TOKEN_FILE": "/t"})),
    "a wrong session duration": lambda: Settings.from_environ(
        host=Host.isolated({"AWS_ROLE_ARN": ROLE, "AWS_ROLE_SESSION_DURATION": "1h"})
    ),
    "no secret file": lambda: Static.from_files("/no/such/id", "/no/such/secret").retrieve(),
    "no token file": lambda: WebIdentity(ROLE, token_file="/no/such/token").retrieve(),  # noqa: S106 - a path
    "no token file named": lambda: WebIdentityFromEnvironment(host=Host.isolated({})).retrieve(),
    "a token file without a role": lambda: WebIdentityFromEnvironment(
        host=Host.isolated({"AWS_WEB_IDENTITY_TOKEN_FILE": "/t"})
    ).retrieve(),
    "a token in code": lambda: WebIdentity(ROLE, token="eyJ"),  # noqa: S106 - no token of anybody
    "a token function that raises": lambda: WebIdentity(ROLE, token=broken).retrieve(),
    "no session": lambda: FromSession("no"),
    "a session without keys": lambda: without_keys().retrieve(),
    "no pool id": lambda: CognitoGuest("pool"),
    "a classic guest without a role": lambda: CognitoGuest("us-east-1:0", flow="classic"),
    "no container": lambda: Container(host=Host.isolated({})).retrieve(),
    "a container of somebody else": lambda: container("http://10.0.0.1/creds").retrieve(),
    "a container endpoint that is gone": lambda: container("http://127.0.0.1:9/creds").retrieve(),
    "a container of a bad path": lambda: Container(
        host=Host.isolated({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "creds"})
    ).retrieve(),
    "no instance": lambda: InstanceMetadata(host=Host.isolated(NO_ANSWER)).retrieve(),
    "an instance that is disabled": lambda: InstanceMetadata(host=Host.isolated(NO_EC2)).retrieve(),
    "vending without TLS": lambda: HttpVending("http://api.example.com"),
    "no vending key": lambda: HttpVending("http://127.0.0.1:9", api_key=Path("/no/such/key")).retrieve(),
    "vending that is gone": lambda: HttpVending("http://127.0.0.1:9").retrieve(),
    "no keys of a caller": lambda: CallerSettings.from_mapping({"region": "us-east-1"}),
    "no agent of a caller": lambda: CallerSettings.from_mapping({**CALLER, "agentId": None}),
    "a malformed key of a caller": lambda: CallerSettings.from_mapping({**CALLER, "accessKeyId": "AKIA"}),
    "a malformed token of a caller": lambda: CallerSettings.from_mapping({**CALLER, "sessionToken": "a\nb"}),
    "a malformed agent of a caller": lambda: CallerSettings.from_mapping({**CALLER, "agentId": "my-agent"}),
    "no region of AWS": lambda: CallerSettings.from_mapping({**CALLER, "region": "here"}),
    "another region": lambda: CallerSettings.from_mapping(CALLER, regions=["eu-west-1"]),
    "two regions": lambda: CallerSettings.from_mapping({**CALLER, "Region": "eu-west-1"}),
    "no mapping": lambda: CallerSettings.from_mapping([]),
    "no caller": lambda: scoped()[1].client("s3").list_buckets(),
    "a closed caller": lambda: closed_caller(),
    "a block in a generator": lambda: block_in_a_generator(),
    "a generator function": lambda: RequestScope().use(KEYS)(values),
    "a block twice": lambda: block_in_a_block(),
    "keys for a client of a scope": lambda: scoped()[1].client("s3", **PAIR),
    "endpoint discovery": lambda: scoped()[1].client("timestream-query"),
    "S3 Express": lambda: in_a_scope(lambda session: session.client("s3").list_objects_v2(Bucket="b--use1-az4--x-s3")),
    "a scope without a session": lambda: RequestScope().bind(KEYS).client("s3"),
    "a policy for a scope": lambda: create_session(RequestScope(), policy=RefreshPolicy()),
    "listeners for a scope": lambda: create_session(RequestScope(), listeners=[print]),
    "an account for a scope": lambda: create_session(RequestScope(), expected_account="123456789012"),
    "a scope as a source": lambda: FromSession(scoped()[1]).retrieve(),
    "no SSO login": lambda: SsoSession(
        start_url="https://x.awsapps.com/start", region="us-east-1", account_id="123456789012", role_name="R", session_name="s"
    ).retrieve(),
}


@pytest.mark.parametrize("situation", ABOUT_CREDENTIALS)
def test_an_error_about_credentials_has_an_entry(situation, local_aws):  # noqa: ARG001 - the world to be in
    with pytest.raises(BedrockAuthError) as caught:
        ABOUT_CREDENTIALS[situation]()
    assert is_explained(caught.value), caught.value


def test_a_caller_of_the_parent_process_has_an_entry():
    scope = RequestScope()
    caller = scope.bind(KEYS)
    scope.after_fork()
    with pytest.raises(BedrockAuthError) as caught:
        caller.current()
    assert is_explained(caught.value), caught.value


def test_a_broken_config_file_has_an_entry(local_aws, monkeypatch, tmp_path):  # noqa: ARG001 - the same
    (tmp_path / "config").write_text("this is no [config file\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with pytest.raises(BedrockAuthError) as caught:
        create_session(KEYS)
    assert is_explained(caught.value), caught.value


KEY_PAIR = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = s\n"
SSO_ROLE = "sso_account_id = 123456789012\nsso_role_name = R\n"
PROFILES = {
    "absent": "[profile b]\n",
    "absent, and not named": "",
    "empty": "[profile a]\nregion = us-east-1\n",
    "a role without a source": f"[profile a]\nrole_arn = {ROLE}\n",
    "a source that is none": f"[profile a]\nrole_arn = {ROLE}\ncredential_source = Magic\n",
    "a source that does not exist": f"[profile a]\nrole_arn = {ROLE}\nsource_profile = b\n",
    "a source that is not here": f"[profile a]\nrole_arn = {ROLE}\ncredential_source = EcsContainer\n",
    "a circle": f"[profile a]\nrole_arn = {ROLE}\nsource_profile = b\n[profile b]\nrole_arn = {ROLE}\nsource_profile = a\n",
    "half a pair": "[profile a]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n",
    "no sso-session": f"[profile a]\nsso_session = s\n{SSO_ROLE}",
    "half of SSO": f"[profile a]\n{SSO_ROLE}",
    "MFA": f"[profile a]\nrole_arn = {ROLE}\nmfa_serial = 123456789\nsource_profile = b\n[profile b]\n{KEY_PAIR}",
    "reserved": f"[profile a]\nrole_arn = {RESERVED}\nsource_profile = b\n[profile b]\n{KEY_PAIR}",
    "no home": f"[profile a]\nsso_start_url = https://x.test\nsso_region = us-east-1\n{SSO_ROLE}",
    "not parsable": "nonsense\n",
}


@pytest.mark.parametrize("situation", PROFILES)
def test_an_error_about_a_profile_has_an_entry(situation, tmp_path):
    (tmp_path / "config").write_text(PROFILES[situation], encoding="utf-8")
    files = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none")}
    name = None if situation == "absent, and not named" else "a"
    with pytest.raises(BedrockAuthError) as caught:
        Profile(name, host=Host.isolated(files)).retrieve()
    assert is_explained(caught.value), caught.value


class Refusing(BaseHTTPRequestHandler):
    """Answers every request as the server was told."""

    def do_GET(self) -> None:
        status, body = self.server.says
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


ANSWERS = [
    (200, b"<html>"),
    (301, b""),
    (401, b'{"message": "Unauthorized"}'),
    (403, b'{"Message": "not authorized with an explicit deny"}'),
    (403, b""),
    (404, b""),
    (429, b""),
    (500, b'{"error": "assume_role_failed", "detail": "d"}'),
    (503, b""),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
@pytest.mark.parametrize("kind", ["vending", "container", "metadata"])
def test_an_error_of_an_endpoint_has_an_entry(kind, answer, endpoint):
    endpoint.says = answer
    url = f"http://127.0.0.1:{endpoint.server_port}"
    quick = Host.isolated({"AWS_EC2_METADATA_SERVICE_ENDPOINT": url}, sleep=lambda _: None)
    providers = {
        "vending": HttpVending(url, host=quick),
        "container": container(f"{url}/creds"),
        "metadata": InstanceMetadata(host=quick),
    }
    with pytest.raises(BedrockAuthError) as caught:
        providers[kind].retrieve()
    assert is_explained(caught.value), caught.value


CUT_TOOL = RawEvents([
    ("messageStart", {"role": "assistant"}),
    ("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t", "name": "weather"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": '{"city'}}}),
    ("contentBlockStop", {"contentBlockIndex": 0}),
    ("messageStop", {"stopReason": "max_tokens"}),
])  # fmt: skip
FAULTS = {
    "AccessDeniedException": Answer("AccessDeniedException", 403),
    "no access": Answer("AccessDeniedException", 403, "You don't have access to the model with the specified model ID."),
    "no use case form": Answer("ResourceNotFoundException", 404, "Model use case details have not been submitted."),
    "on demand": Answer("ValidationException", 400, "Invocation with on-demand throughput isn’t supported."),
    "too long": Answer("ValidationException", 400, "Input is too long for requested model."),
    "invalid": Answer("ValidationException", 400),
    "no such model": Answer("ValidationException", 400, "The provided model identifier is invalid."),
    "throttled": Throttle(),
    "throttled for the day": Throttle(message="Too many tokens per day, please wait before trying again."),
    "quota": Answer("ServiceQuotaExceededException", 400),
    "not ready": Answer("ModelNotReadyException", 429),
    "unavailable": Answer("ServiceUnavailableException", 503),
    "conflict": Answer("ConflictException", 409),
    "expired": ExpiredToken(),
    "unknown key": Answer("UnrecognizedClientException", 403),
    "an API key": Answer("AccessDeniedException", 403, "Authentication failed: Please make sure your API Key is valid."),
    "the model fails": StreamException("modelStreamErrorException", "failed"),
    "ended early": Truncate(),
    "silent": Stall(),
    "cut": Cut(),
    "damaged": CorruptChecksum(),
    "a web page": NotAnEventStream(),
}


@pytest.fixture
def runtime(local_aws) -> BedrockRuntime:  # noqa: ARG001 - the same
    return BedrockRuntime(create_session(Environment()), config=Config(read_timeout=1, retries={"total_max_attempts": 1}))


@pytest.mark.parametrize("fault", FAULTS)
def test_an_error_of_a_call_has_an_entry(fault, runtime, local_aws):
    local_aws.fault(FAULTS[fault])
    with pytest.raises(BedrockAuthError) as caught:
        _ = runtime.converse_stream("any.model", "Hello").response
    assert is_explained(caught.value), caught.value


def test_an_error_of_a_tools_input_has_an_entry(runtime, local_aws):
    local_aws.reply(CUT_TOOL)
    with pytest.raises(BedrockAuthError) as caught:
        _ = runtime.converse_stream("any.model", "Hello").response
    assert is_explained(caught.value), caught.value


def closed_early(runtime) -> None:
    stream = runtime.converse_stream("any.model", "Hello")
    stream.close()
    _ = stream.response


UNUSABLE = {
    "closed early": closed_early,
    "a parameter": lambda runtime: runtime.converse("any.model", "Hello", max_tokens="many"),
    "another client": lambda _: BedrockRuntime(client=boto3.client("bedrock")),
}


@pytest.mark.parametrize("situation", UNUSABLE)
def test_an_error_of_the_callers_has_an_entry(situation, runtime):
    with pytest.raises(BedrockAuthError) as caught:
        UNUSABLE[situation](runtime)
    assert is_explained(caught.value), caught.value
