"""A function URL with AWS_IAM on MiniStack, which runs the function and checks who signed."""

from __future__ import annotations

import asyncio
import io
import json
import time
import zipfile
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import boto3
import httpx
import pytest

from bedrock_auth import AssumeRole, Host, Refresher, Static, create_session
from bedrock_auth.function_url import (
    FunctionFailedError,
    FunctionUrlClient,
    FunctionUrlDeniedError,
    FunctionUrlError,
    FunctionUrlSignatureError,
)
from bedrock_auth.integrations.httpx import SigV4Auth
from support.ministack import EXTERNAL_ID, REGION, allow

CODE = """
import json
def handler(event, context):
    if event["rawPath"] == "/fail":
        raise ValueError("as it was told")
    said = {name: event.get(name) for name in ("rawPath", "rawQueryString", "body")}
    return {"statusCode": 404 if event["rawPath"] == "/none" else 200, "body": json.dumps(said)}
"""


def zipped(code: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", code)
    return packed.getvalue()


@pytest.fixture(scope="module")
def admin(stack) -> Any:
    return boto3.Session("test", "test", region_name=REGION)


def published(stack, admin, name: str, mode: str) -> str:
    """The address on this machine of a new function's URL."""
    functions = admin.client("lambda", endpoint_url=stack.url)
    functions.create_function(
        FunctionName=name, Runtime="python3.12", Handler="app.handler", Code={"ZipFile": zipped(CODE)}, Role=stack.role_arn
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    config = functions.create_function_url_config(FunctionName=name, AuthType="AWS_IAM", InvokeMode=mode)
    return f"{stack.url}/_aws/lambda-url/{(urlsplit(config['FunctionUrl']).hostname or '').partition('.')[0]}"


@pytest.fixture(scope="module")
def url(stack, admin) -> str:
    return published(stack, admin, "chat", "BUFFERED")


@pytest.fixture(scope="module")
def streaming_url(stack, admin) -> str:
    return published(stack, admin, "stream", "RESPONSE_STREAM")


@pytest.fixture(scope="module")
def role(stack, admin) -> AssumeRole:
    """Somebody who may call the functions."""
    actions = ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction")
    iam = admin.client("iam", endpoint_url=stack.url)
    iam.put_role_policy(RoleName="Bedrock", PolicyName="may-call", PolicyDocument=allow(*actions))
    user = Static(stack.access_key_id, stack.secret_access_key)
    host = Host.isolated({"AWS_ENDPOINT_URL": stack.url})
    return AssumeRole(stack.role_arn, source=user, external_id=EXTERNAL_ID, duration=2, host=host)


def test_a_signed_request_runs_the_function(url, role):
    with FunctionUrlClient(url, create_session(role), region_name=REGION) as client:
        answer = client.post("/chat room/ü?a=b c", json={"text": "grüß"})
        assert json.loads(answer.json()["body"]) == {"text": "grüß"}
        assert answer.request_id
        assert client.get("/").json()["rawPath"] == "/"


@pytest.mark.parametrize("path", ["/a b", "/ü", "/a%2Fb", "/(a)!*'", "/a+b", "/?a=1&a=0&b", "/?q=a+b%2Bc", "//x//y"])
def test_odd_paths_are_let_in(url, role, path):
    with FunctionUrlClient(url, create_session(role), region_name=REGION) as client:
        assert client.get(path).status == 200


def test_httpx_is_let_in_sync_and_async(url, role):
    source = Refresher(role)
    with httpx.Client(auth=SigV4Auth(source, region_name=REGION), timeout=60) as client:
        assert client.post(f"{url}/chat", json=1).json()["body"] == "1"

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(auth=SigV4Auth(source, region_name=REGION), timeout=60) as client:
            return await client.post(f"{url}/chat room?q=a+b", json=2)

    assert asyncio.run(ask()).json()["body"] == "2"


def test_an_unsigned_request_is_refused(url):
    with pytest.raises(OSError, match="403"):
        urlopen(Request(f"{url}/chat", method="POST", data=b"1"), timeout=60)


def test_wrong_keys_and_somebody_who_may_not_are_told_apart(url, stack):
    wrong = Refresher(Static(stack.access_key_id, "wrong-secret"))
    with pytest.raises(FunctionUrlSignatureError, match="does not fit the request"):
        FunctionUrlClient(url, wrong, region_name=REGION).get("/")
    nobody = Refresher(Static(stack.access_key_id, stack.secret_access_key))
    with pytest.raises(FunctionUrlDeniedError):
        FunctionUrlClient(url, nobody, region_name=REGION).get("/")


def test_keys_that_live_two_seconds_are_renewed_between_requests(url, role):
    with FunctionUrlClient(url, create_session(role), region_name=REGION) as client:
        began = time.monotonic()
        while time.monotonic() - began < 5:
            assert client.post("/", json=1).status == 200


def test_what_the_function_answers_is_told_apart_from_what_it_fails_with(url, role):
    with FunctionUrlClient(url, create_session(role), region_name=REGION) as client:
        with pytest.raises(FunctionUrlError) as none:
            client.get("/none")
        assert (none.value.code, none.value.response.json()["rawPath"]) == ("NotFound", "/none")
        with pytest.raises(FunctionFailedError, match="its logs"):
            client.get("/fail")


def test_an_answer_is_read_as_a_stream(streaming_url, role):
    """MiniStack sends it in one piece, as it comes from the function."""
    with FunctionUrlClient(streaming_url, create_session(role), region_name=REGION) as client:
        with client.stream("POST", "/chat", content="grüß 🙂", headers={"Content-Type": "text/plain"}) as stream:
            answer = json.loads("".join(stream.iter_text()))
        assert json.loads(answer["body"])["body"] == "grüß 🙂"
