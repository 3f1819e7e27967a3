"""Profiles with a ``login_session``: what ``aws login`` left, through botocore's own provider."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

import botocore.credentials
import pytest

from bedrock_auth.contracts import Stability, traits
from bedrock_auth.errors import ConfigurationError, DeniedError, LoginRequiredError, RetrievalError
from bedrock_auth.host import Host
from bedrock_auth.providers.profile import Profile
from providers.conformance import FUTURE, KEY_ID, PAST, SECRET, TOKEN, leaks
from providers.test_sso import Portal
from support.endpoint import Reply

LOGIN = "arn:aws:iam::123456789012:user/me"
KEYS = {"accessKeyId": KEY_ID, "secretAccessKey": SECRET, "sessionToken": TOKEN, "accountId": "123456789012"}
CACHED = {
    "accessToken": {**KEYS, "expiresAt": FUTURE},
    "refreshToken": "c4n4ry-refresh",
    "dpopKey": "-----BEGIN EC PRIVATE KEY-----\nYzRuNHJ5\n-----END EC PRIVATE KEY-----\n",
    "clientId": "arn:aws:signin:::devtools/same-device",
}
OVER = {**CACHED, "accessToken": {**KEYS, "expiresAt": PAST}}
COMMAND = "aws login --profile dev"
SECOND = "ASIAC4N4RYC4N4RY0002"

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")
needs_botocore = pytest.mark.skipif(not hasattr(botocore.credentials, "LoginProvider"), reason="this botocore knows no login")


class _Key:
    """Signs nothing; the real one needs the extra package awscrt."""

    @staticmethod
    def new_key_from_der_data(_: bytes) -> _Key:
        return _Key()

    def get_public_coords(self):
        return b"x" * 32, b"y" * 32

    def sign(self, _: bytes) -> bytes:
        return b"s"

    @staticmethod
    def decode_der_signature_to_padded_pair(_: bytes, pad_to: int) -> bytes:
        return b"p" * pad_to * 2


@pytest.fixture
def _crypto(monkeypatch):
    monkeypatch.setattr(botocore.credentials, "EC", _Key, raising=False)


@pytest.fixture
def portal():
    with Portal() as running:
        yield running


@pytest.fixture
def profile(tmp_path, portal):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(f"[profile dev]\nlogin_session = {LOGIN}\nregion = eu-west-1\n")
    return Profile("dev", host=Host.isolated({"HOME": str(tmp_path), "AWS_ENDPOINT_URL_SIGNIN": portal.url}))


def remember(folder, login: object = CACHED):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(LOGIN.encode()).hexdigest()}.json"
    path.write_text(login if isinstance(login, str) else json.dumps(login))
    return path


@needs_botocore
@pytest.mark.usefixtures("_crypto")
def test_the_keys_of_a_login_that_is_fresh(profile, tmp_path, portal, caplog):
    remember(tmp_path / ".aws" / "login" / "cache")
    with caplog.at_level("DEBUG"):
        keys = profile.retrieve()
    assert (keys.access_key_id, keys.account_id, keys.source) == (KEY_ID, "123456789012", "profile dev")
    assert keys.expiration.year == 2999
    assert traits(profile).stability is Stability.STABLE
    assert not portal.asked
    assert not leaks(caplog.text)


@needs_botocore
@pytest.mark.usefixtures("_crypto")
def test_keys_that_are_about_to_expire_are_renewed_for_everybody(profile, tmp_path, portal, caplog):
    folder = tmp_path / "elsewhere"
    path = remember(folder, OVER)
    new = {**KEYS, "accessKeyId": SECOND}
    portal.replies = [Reply(body={"accessToken": new, "refreshToken": "c4n4ry-2", "expiresIn": 900, "tokenType": "aws_sigv4"})]
    host = Host.isolated({**profile.host.environ, "AWS_LOGIN_CACHE_DIRECTORY": "~/elsewhere"})
    with caplog.at_level("DEBUG"):
        keys = Profile("dev", host=host).retrieve()
    assert keys.access_key_id == SECOND
    assert keys.expiration - datetime.now(UTC) < timedelta(seconds=901)
    assert json.loads(path.read_text())["refreshToken"] == "c4n4ry-2"
    assert portal.asked[0].headers["dpop"]
    assert "authorization" not in portal.asked[0].headers
    assert not leaks(caplog.text)


@needs_botocore
@pytest.mark.usefixtures("_crypto")
@pytest.mark.parametrize("login", [None, "", "{", "[]", "7", "{}", {**CACHED, "accessToken": 5}, {**CACHED, "accessToken": {}}])
def test_without_a_login_that_can_be_read_the_error_says_what_to_run(profile, tmp_path, login):
    if login is not None:
        remember(tmp_path / ".aws" / "login" / "cache", login)
    with pytest.raises(LoginRequiredError) as caught:
        profile.retrieve()
    assert caught.value.command == COMMAND
    assert str(caught.value).startswith(f"profile dev: login {LOGIN}: its login ")
    assert not leaks(str(caught.value))


@needs_botocore
@pytest.mark.usefixtures("_crypto")
@pytest.mark.parametrize(
    ("status", "kind", "reason", "error"),
    [
        (403, "AccessDeniedException", "TOKEN_EXPIRED", LoginRequiredError),
        (403, "AccessDeniedException", "INSUFFICIENT_PERMISSIONS", DeniedError),
        (500, "InternalServerException", "", RetrievalError),
    ],
)
def test_a_renewal_that_fails(profile, tmp_path, portal, status, kind, reason, error):
    remember(tmp_path / ".aws" / "login" / "cache", OVER)
    portal.replies = [
        Reply(status, {"error": reason, "message": f"not with {CACHED['refreshToken']}"}, {"x-amzn-ErrorType": kind})
    ]
    with pytest.raises(error, match=f"profile dev: login {LOGIN}") as caught:
        profile.retrieve()
    assert type(caught.value) is error
    assert not leaks(str(caught.value))


@needs_botocore
def test_without_the_package_that_botocore_needs_for_it_the_error_names_it(profile, tmp_path, monkeypatch):
    monkeypatch.setattr(botocore.credentials, "EC", None)
    remember(tmp_path / ".aws" / "login" / "cache")
    with pytest.raises(ConfigurationError, match=r"profile dev: login .*pip install \"botocore\[crt\]\""):
        profile.retrieve()


def test_a_botocore_that_knows_no_login_is_named(profile, tmp_path, monkeypatch):
    monkeypatch.delattr(botocore.credentials, "LoginProvider", raising=False)
    remember(tmp_path / ".aws" / "login" / "cache")
    with pytest.raises(ConfigurationError, match=r"profile dev: login .*: botocore [\d.]+ knows no login_session") as caught:
        profile.retrieve()
    assert caught.value.setting == "login_session"


@needs_botocore
def test_a_login_gets_a_client_of_its_own_since_its_key_signs_what_that_sends():
    host = Host.isolated()
    assert host.new_client("signin", "eu-west-1") is not host.new_client("signin", "eu-west-1")
