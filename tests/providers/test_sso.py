"""IAM Identity Center: the login in the cache, its renewal, the exchange for keys, and what a person is told to run."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bedrock_auth.contracts import Stability
from bedrock_auth.credentials import parse_expiration
from bedrock_auth.errors import (
    ConfigurationError,
    CredentialsExpiredError,
    DeniedError,
    LoginRequiredError,
    RetrievalError,
)
from bedrock_auth.host import Host
from bedrock_auth.providers.sso import SsoSession
from providers.conformance import FUTURE, KEY_ID, PAST, SECRET, TOKEN, Conformance, leaks
from support.endpoint import Endpoint, Reply

START = "https://example.awsapps.com/start"
ACCESS = "c4n4ry-access-token"
LOGIN = {"startUrl": START, "region": "eu-west-1", "accessToken": ACCESS, "expiresAt": FUTURE}
RENEWABLE = {
    **LOGIN,
    "expiresAt": PAST,
    "refreshToken": "c4n4ry-refresh-token",
    "clientId": "client",
    "clientSecret": "c4n4ry-client-secret",
    "registrationExpiresAt": FUTURE,
}
SOON = 4_000_000_000_000
COMMAND = "aws sso login --sso-session corp"
NAME = "sso-session 123456789012 Dev"


def issued(**instead: object) -> Reply:
    keys = {"accessKeyId": KEY_ID, "secretAccessKey": SECRET, "sessionToken": TOKEN, "expiration": SOON, **instead}
    return Reply(body={"roleCredentials": keys})


def refusal(status: int, code: str, message: str = "no") -> Reply:
    return Reply(status, {"message": message}, {"x-amzn-ErrorType": code})


class Portal(Endpoint):
    """The access portal and the token service of IAM Identity Center."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        super().__init__(issued())

    def _handler(self) -> Any:
        handler, bodies = super()._handler(), self.bodies

        def do_post(self: Any) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.do_GET()

        handler.do_POST = do_post
        return handler


@pytest.fixture
def portal():
    with Portal() as running:
        yield running


class Machine:
    """Somebody's home directory, with or without a login in its cache."""

    def __init__(self, home: Path, portal: Portal | None) -> None:
        self.home = home
        self.url = "http://127.0.0.1:9" if portal is None else portal.url

    def host(self, **given: Any) -> Host:
        return Host.isolated({"HOME": str(self.home), "AWS_ENDPOINT_URL": self.url, **given.pop("environ", {})}, **given)

    def login(self, token: object = LOGIN, name: str = "corp") -> Path:
        path = self.home / ".aws" / "sso" / "cache" / f"{hashlib.sha1(name.encode()).hexdigest()}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(token if isinstance(token, str) else json.dumps(token), encoding="utf-8")
        return path


@pytest.fixture
def machine(tmp_path, portal):
    return Machine(tmp_path, portal)


def session(**given) -> SsoSession:
    settings = {
        "start_url": START,
        "region": "eu-west-1",
        "account_id": "123456789012",
        "role_name": "Dev",
        "session_name": "corp",
    }
    return SsoSession(**{**settings, **given})


class TestConformance(Conformance):
    kind = "sso-session"
    stability = Stability.STABLE
    exempt = {"absent": "a login that is missing is a person's to make"}  # noqa: RUF012 - as in its base

    @pytest.fixture(autouse=True)
    def _at_a_machine(self, machine, portal):
        self.machine, self.portal = machine, portal
        machine.login()

    def make(self, **settings):
        return session(**settings)

    def other(self):
        return session(role_name="Other")

    def working(self):
        return session(host=self.machine.host())

    def answering(self, reply):
        self.portal.replies = [reply]
        self.working().retrieve()

    def misconfigured(self):
        self.answering(refusal(400, "InvalidRequestException", f"bad token {ACCESS}"))

    def refused(self):
        self.answering(refusal(403, "ForbiddenException", f"No access for {ACCESS}"))

    def unreachable(self):
        session(host=Machine(self.machine.home, None).host()).retrieve()

    def malformed(self):
        self.answering(issued(sessionToken=None))

    def oversized(self):
        self.answering(issued(more=SECRET * 5000))

    def expired(self):
        self.answering(issued(expiration=1000))


# -------------------------------------------------------------------- with a login


def test_the_token_of_the_login_is_exchanged_for_keys(machine, portal):
    machine.login()
    keys = session(host=machine.host()).retrieve()
    (asked,) = portal.asked
    assert (keys.access_key_id, keys.account_id, keys.expiration) == (
        KEY_ID,
        "123456789012",
        parse_expiration("2096-10-02T07:06:40Z"),
    )
    assert urlsplit(asked.path).path == "/federation/credentials"
    assert parse_qs(urlsplit(asked.path).query) == {"role_name": ["Dev"], "account_id": ["123456789012"]}
    assert asked.headers["x-amz-sso_bearer_token"] == ACCESS
    assert "authorization" not in asked.headers


@pytest.mark.parametrize("expires", [FUTURE, "2999-01-01T00:00:00UTC"])
def test_a_login_by_start_url_serves_until_it_is_over(machine, expires):
    machine.login({**LOGIN, "expiresAt": expires}, START)
    assert session(session_name=None, host=machine.host()).retrieve().access_key_id == KEY_ID


def test_a_login_that_is_about_to_end_is_renewed_and_kept_for_everybody(machine, portal):
    path = machine.login(RENEWABLE)
    path.chmod(0o600)
    renewed = {"accessToken": "c4n4ry-second", "expiresIn": 3600, "refreshToken": "c4n4ry-refresh-2", "tokenType": "Bearer"}
    portal.routes["POST /token"] = [Reply(body=renewed)]
    session(host=machine.host()).retrieve()
    assert portal.bodies[0]["refreshToken"] == RENEWABLE["refreshToken"]
    assert portal.asked[-1].headers["x-amz-sso_bearer_token"] == "c4n4ry-second"
    kept = json.loads(path.read_text())
    assert (kept["accessToken"], kept["refreshToken"]) == ("c4n4ry-second", "c4n4ry-refresh-2")
    assert kept["expiresAt"].endswith("Z")
    if os.name == "posix":
        assert path.stat().st_mode & 0o077 == 0
    session(host=machine.host()).retrieve()
    assert len(portal.bodies) == 1


@pytest.mark.parametrize("name", ["corp", None])
def test_the_hosts_clock_tells_whether_a_login_is_over(machine, name):
    machine.login(LOGIN, name or START)
    late = machine.host(clock=lambda: parse_expiration("2999-01-02T00:00:00Z").timestamp())
    with pytest.raises(LoginRequiredError, match="its login is"):
        session(session_name=name, host=late).retrieve()


def test_keys_that_have_expired_are_refused(machine, portal):
    machine.login()
    portal.replies = [issued(expiration=1000)]
    with pytest.raises(CredentialsExpiredError, match=NAME):
        session(host=machine.host()).retrieve()


# -------------------------------------------------------------------- without one


def demands_login(provider: SsoSession, command: str = COMMAND) -> str:
    with pytest.raises(LoginRequiredError) as caught:
        provider.retrieve()
    assert caught.value.command == command
    assert str(caught.value).startswith(f"{NAME}: ")
    assert str(caught.value).endswith(f"; run: {command}")
    assert not leaks(str(caught.value))
    return str(caught.value)


def test_without_a_login_the_error_says_what_to_run(machine, portal):
    assert "nobody is logged in" in demands_login(session(host=machine.host()))
    demands_login(session(session_name="my corp", host=machine.host()), "aws sso login --sso-session 'my corp'")
    demands_login(session(session_name=None, profile_name="dev", host=machine.host()), "aws sso login --profile dev")
    demands_login(session(session_name=None, host=machine.host()), "aws sso login")
    assert not portal.asked


def test_a_login_that_is_over_and_cannot_be_renewed(machine, portal):
    machine.login({**LOGIN, "expiresAt": PAST})
    assert "its login is missing or over" in demands_login(session(host=machine.host()))
    machine.login({**LOGIN, "expiresAt": PAST}, START)
    demands_login(session(session_name=None, host=machine.host()), "aws sso login")
    assert not portal.asked


def test_a_renewal_that_is_refused_demands_a_login(machine, portal, caplog):
    machine.login(RENEWABLE)
    said = {"error": "invalid_grant", "error_description": f"bad {RENEWABLE['refreshToken']}"}
    portal.routes["POST /token"] = [Reply(400, said, {"x-amzn-ErrorType": "InvalidGrantException"})]
    with caplog.at_level("DEBUG"):
        demands_login(session(host=machine.host()))
    assert not leaks(caplog.text)


def test_a_renewal_that_nobody_answers_may_pass(machine):
    machine.login(RENEWABLE)
    nowhere = machine.host(environ={"AWS_ENDPOINT_URL_SSO_OIDC": "http://127.0.0.1:9"})
    with pytest.raises(RetrievalError, match=f"{NAME} failed with EndpointConnectionError"):
        session(host=nowhere).retrieve()


def test_a_login_that_was_ended_elsewhere(machine, portal):
    machine.login()
    portal.replies = [refusal(401, "UnauthorizedException", "Session token not found or invalid")]
    assert "its login is over or was ended" in demands_login(session(host=machine.host()))


JUNK = ["", "{", "[]", "7", "null", '"text"', "{}", "c4n4ry", json.dumps({"accessToken": ACCESS})]
JUNK += [json.dumps({**LOGIN, "expiresAt": expires}) for expires in ("later", 5, None, "2999-01-01T00:00:00")]


@pytest.mark.parametrize("content", JUNK)
@pytest.mark.parametrize("name", ["corp", None])
def test_a_cache_file_that_holds_something_else_demands_a_login(machine, content, name):
    machine.login(content, name or START)
    demands_login(session(session_name=name, host=machine.host()), COMMAND if name else "aws sso login")


# -------------------------------------------------------------------- refusals, and what cannot be


@pytest.mark.parametrize("code", ["ForbiddenException", "ResourceNotFoundException"])
def test_a_role_that_was_not_granted_is_a_refusal_for_good(machine, portal, code):
    machine.login()
    portal.replies = [refusal(403, code, "No access")]
    with pytest.raises(DeniedError, match=f"{NAME}: {code}: No access; whoever logged in must have") as caught:
        session(host=machine.host()).retrieve()
    assert type(caught.value) is DeniedError


@pytest.mark.parametrize(("status", "code"), [(429, "TooManyRequestsException"), (500, "InternalServerException")])
def test_throttling_and_server_errors_may_pass(machine, portal, status, code):
    machine.login()
    portal.replies = [refusal(status, code)]
    with pytest.raises(RetrievalError, match=f"{NAME}: IAM Identity Center failed: {code}") as caught:
        session(host=machine.host()).retrieve()
    assert caught.value.code == code


@pytest.mark.parametrize("expiration", [None, "soon", 10**30, []])
def test_an_answer_without_a_usable_expiration_is_malformed(machine, portal, expiration):
    machine.login()
    portal.replies = [issued(expiration=expiration)]
    with pytest.raises(RetrievalError, match=f"{NAME}: .* cannot be read") as caught:
        session(host=machine.host()).retrieve()
    assert caught.value.code == "MalformedAnswer"


def test_plain_http_elsewhere_is_never_asked(machine):
    machine.login()
    elsewhere = machine.host(environ={"AWS_ENDPOINT_URL_SSO": "http://portal.example.com"})
    with pytest.raises(ConfigurationError, match="credentials are exchanged over https only"):
        session(host=elsewhere).retrieve()
    machine.login(RENEWABLE)
    elsewhere = machine.host(environ={"AWS_ENDPOINT_URL_SSO_OIDC": "http://portal.example.com"})
    with pytest.raises(ConfigurationError, match="credentials are exchanged over https only"):
        session(host=elsewhere).retrieve()


def test_without_a_home_there_is_no_login():
    with pytest.raises(ConfigurationError, match=f"{NAME}: HOME is not set") as caught:
        session(host=Host.isolated()).retrieve()
    assert caught.value.setting == "HOME"


@pytest.mark.parametrize(
    ("setting", "bad"),
    [
        ("start_url", "http://example.awsapps.com/start"),
        ("start_url", ""),
        ("start_url", None),
        ("region", "EU West"),
        ("account_id", "12345678901"),
        ("account_id", 123456789012),
        ("role_name", "a role"),
        ("role_name", ""),
        ("session_name", " "),
        ("session_name", 5),
        ("profile_name", "\n"),
    ],
)
def test_a_setting_that_cannot_be_right_is_named(setting, bad):
    with pytest.raises(ConfigurationError, match=f"^sso-session: {setting} must be") as caught:
        session(**{setting: bad})
    assert caught.value.setting == setting
