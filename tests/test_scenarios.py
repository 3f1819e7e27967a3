"""Plays every directory of ``scenarios/``: what a machine has set up, and the keys or the error that must come of it.

``scenarios/README.md`` tells how to write one.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
import sys
import threading
import tomllib
import traceback
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote_plus

import attrs
import pytest

from bedrock_auth.contracts import CredentialProvider
from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import CredentialError
from bedrock_auth.host import Host
from bedrock_auth.providers.assume_role import AssumeRole
from bedrock_auth.providers.cognito import CognitoGuest, CognitoIdentity
from bedrock_auth.providers.default import Default
from bedrock_auth.providers.http_vending import HttpVending
from bedrock_auth.providers.instance_metadata import InstanceMetadata
from bedrock_auth.providers.profile import Profile
from bedrock_auth.providers.sso import SsoSession
from bedrock_auth.providers.static import Static
from bedrock_auth.providers.web_identity import WebIdentity
from bedrock_auth.settings import Settings

SCENARIOS = Path(__file__).parent / "scenarios"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
MARK = "CANARY"
"""Part of every made-up secret."""
_NAMED_LIKE_A_SECRET = re.compile(
    r"""(?<![/\w-])([\w-]*(?:secret|token|api[_-]?key)[\w-]*)["']?\s*[=:>]\s*["']?([^\s"'<{,]+)""", re.IGNORECASE
)
_NO_SECRETS = ("file", "FILE", "ttl-seconds")
_PARTS = {"scenario.toml", "environment", "files", "http.json", "expected.json"}

PROVIDERS = {
    "Default": Default,
    "Settings": lambda host: Settings.from_environ(host=host).provider,
    "Profile": Profile,
    "AssumeRole": AssumeRole,
    "WebIdentity": WebIdentity,
    "HttpVending": HttpVending,
    "CognitoIdentity": CognitoIdentity,
    "CognitoGuest": CognitoGuest,
    "InstanceMetadata": InstanceMetadata,
    "SsoSession": SsoSession,
    "Static.from_files": Static.from_files,
}


class Recorded(HTTPServer):
    """Answers with the recorded responses in order, and notes every request that is not the one recorded."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.exchanges: list[Any] = []
        self.problems: list[str] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def response_to(self, asked: BaseHTTPRequestHandler, body: str) -> dict[str, Any]:
        line = f"{asked.command} {asked.path}"
        if not self.exchanges:
            self.problems.append(f"{line} was asked and nothing more is recorded")
            return {"status": 410}
        recorded: dict[str, Any] = self.exchanges.pop(0)
        self.problems += [f"{line}: {problem}" for problem in _differences(recorded["request"], line, asked.headers, body)]
        return dict(recorded["response"])


def _differences(recorded: dict[str, Any], line: str, headers: Any, body: str) -> list[str]:
    found = [] if line == f"{recorded['method']} {recorded['path']}" else [f"recorded is {recorded}"]
    for name, wanted in recorded.get("headers", {}).items():
        value = headers.get(name)
        if (value is not None) if wanted is None else (wanted not in (value or "")):
            found.append(f"its header {name} is {value!r}, not {wanted!r}")
    return found + [f"{text!r} is not in its body {body!r}" for text in recorded.get("body", []) if text not in body]


class _Handler(BaseHTTPRequestHandler):
    server: Recorded

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        response = self.server.response_to(self, unquote_plus(self.rfile.read(length).decode()))
        body = response.get("body", "")
        text = "\n".join(body) if isinstance(body, list) else body if isinstance(body, str) else json.dumps(body)
        self.send_response(response["status"])
        for name, value in {"Content-Length": str(len(text.encode())), **response.get("headers", {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    do_PUT = do_POST = do_GET  # noqa: N815 - the base class's names

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""


def play(folder: Path, home: Path, log: pytest.LogCaptureFixture) -> None:
    """Set the machine up, ask the provider, and compare with what is expected; an ``AssertionError`` says what differs."""
    log.set_level(logging.DEBUG)
    with Recorded() as server:
        places = {"{home}": home.as_posix(), "{endpoint}": server.url, "{python}": Path(sys.executable).as_posix()}
        _furnish(folder, home, places)
        server.exchanges += json.loads(_text(folder / "http.json", places) or "[]")
        expected = json.loads(_text(folder / "expected.json", places))
        outcome = _outcome(_provider(folder, places, _environment(folder, places)))
        assert not server.problems, f"other HTTP than recorded: {server.problems}; it came to {outcome!r}"
        assert not server.exchanges, f"recorded and never asked: {[left['request'] for left in server.exchanges]}"
    shown = f"{outcome!r} {''.join(traceback.format_exception(outcome)) if isinstance(outcome, Exception) else ''} {log.text}"
    assert MARK not in shown, f"a secret is shown: {[line for line in shown.splitlines() if MARK in line]}"
    _compare(outcome, expected)


def _text(file: Path, places: dict[str, str]) -> str:
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    for name, place in places.items():
        text = text.replace(name, place)
    return text


def _furnish(folder: Path, home: Path, places: dict[str, str]) -> None:
    if (folder / "files").exists():
        shutil.copytree(folder / "files", home, dirs_exist_ok=True)
    for file in home.rglob("*"):
        if file.is_file():
            file.write_text(_text(file, places), encoding="utf-8")


def _environment(folder: Path, places: dict[str, str]) -> dict[str, str]:
    """The scenario's variables; unless it says otherwise the machine has a home and is no EC2 instance."""
    lines = _text(folder / "environment", places).splitlines()
    stated = dict(line.split("=", 1) for line in lines if line.strip() and not line.startswith("#"))
    return {"HOME": places["{home}"], "AWS_EC2_METADATA_DISABLED": "true", **stated}


def _provider(folder: Path, places: dict[str, str], environ: dict[str, str]) -> Any:
    scenario = tomllib.loads(_text(folder / "scenario.toml", places))
    host = Host.isolated(environ, clock=lambda: NOW, seed=1, sleep=lambda _: None)
    make: Any = PROVIDERS[scenario.get("provider", "Default")]
    return lambda: make(**scenario.get("arguments", {}), host=host)


def _outcome(make: Any) -> Credentials | CredentialError:
    try:
        provider: CredentialProvider = make()
        return provider.retrieve()
    except CredentialError as error:
        return error


def _compare(outcome: Credentials | CredentialError, expected: dict[str, Any]) -> None:
    if isinstance(outcome, Credentials):
        values = {name: value for name, value in attrs.asdict(outcome).items() if value is not None}
        if outcome.expiration is not None:
            values["expiration"] = f"{outcome.expiration:%Y-%m-%dT%H:%M:%SZ}"
        assert {"credentials": values} == expected, "it came to other keys"
        return
    assert "error" in expected, f"it came to {outcome!r}"
    wanted = dict(expected["error"])
    missing = [text for text in wanted.pop("message") if text not in str(outcome)]
    assert not missing, f"its message {str(outcome)!r} lacks {missing}"
    found = {name: type(outcome).__name__ if name == "class" else getattr(outcome, name) for name in wanted}
    assert found == wanted, "it came to another error"


@pytest.mark.parametrize("name", sorted(folder.name for folder in SCENARIOS.iterdir() if folder.is_dir()))
def test_scenario(name, tmp_path, caplog):
    play(SCENARIOS / name, tmp_path, caplog)


@pytest.mark.parametrize("folder", sorted(folder for folder in SCENARIOS.iterdir() if folder.is_dir()), ids=lambda f: f.name)
def test_a_scenario_is_named_by_a_sentence_and_says_what_it_is_about(folder):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+){2,}", folder.name)
    assert tomllib.loads((folder / "scenario.toml").read_text(encoding="utf-8"))["about"].endswith(".")
    assert {part.name for part in folder.iterdir()} <= _PARTS
    assert unmarked_secrets(folder) == []


def unmarked_secrets(folder: Path) -> list[str]:
    """What is named like a secret and would not be found in a message."""
    files = [file for file in folder.rglob("*") if file.is_file() and file.name != "expected.json"]
    found = [pair for file in files for pair in _NAMED_LIKE_A_SECRET.findall(file.read_text(encoding="utf-8"))]
    marked_or_none = [value == "null" or MARK in value for _, value in found]
    return [name for (name, _), fine in zip(found, marked_or_none, strict=True) if not fine and not name.endswith(_NO_SECRETS)]


@pytest.fixture
def scenario(tmp_path):
    """A small one that comes out as expected, to be spoilt."""
    folder = tmp_path / "a-small-scenario"
    folder.mkdir()
    (folder / "scenario.toml").write_text('about = "A vending endpoint."\nprovider = "Settings"\n')
    (folder / "environment").write_text("AWS_GET_TEMP_CREDS_API_URL={endpoint}\nAWS_GET_TEMP_CREDS_API_KEY=CANARY-key\n")
    _record(folder, {"AccessKeyId": "ASIA0000000000000000", "SecretAccessKey": "CANARY-secret"})
    _expect(folder, {"credentials": {"access_key_id": "ASIA0000000000000000", "secret_access_key": "CANARY-secret", **SOURCE}})
    return folder


SOURCE = {"source": "http-vending from the environment"}
ASKED = {"method": "GET", "path": "/credentials", "headers": {"x-api-key": "CANARY-key", "Authorization": None}}


def _record(folder: Path, answer: object, *more: object, status: int = 200, **asked: object) -> None:
    exchange = {"request": {**ASKED, **asked}, "response": {"status": status, "body": answer}}
    (folder / "http.json").write_text(json.dumps([exchange, *more]))


def _expect(folder: Path, outcome: object) -> None:
    (folder / "expected.json").write_text(json.dumps(outcome))


@pytest.fixture
def fails(scenario, tmp_path, caplog):
    """The scenario is played and must fail with this message."""

    def played(message: str) -> None:
        with pytest.raises(AssertionError, match=message):
            play(scenario, tmp_path / "home", caplog)

    (tmp_path / "home").mkdir()
    return played


def test_the_small_scenario_passes_until_it_is_spoilt(scenario, tmp_path, caplog):
    play(scenario, tmp_path, caplog)


def test_a_scenario_with_an_unused_recorded_request_fails(scenario, fails):
    recorded = json.loads((scenario / "http.json").read_text())
    (scenario / "http.json").write_text(json.dumps(recorded * 2))
    fails("recorded and never asked")


def test_a_scenario_whose_provider_asks_for_more_than_is_recorded_fails(scenario, fails):
    (scenario / "http.json").write_text("[]")
    _expect(scenario, {"error": {"class": "ConfigurationError", "message": ["410"]}})
    fails("GET /credentials was asked and nothing more is recorded")


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        ({"path": "/other"}, "recorded is"),
        ({"method": "POST"}, "recorded is"),
        ({"headers": {"x-api-key": "CANARY-other"}}, "its header x-api-key is"),
        ({"headers": {"x-api-key": None}}, "its header x-api-key is"),
        ({"body": ["Action=AssumeRole"]}, "'Action=AssumeRole' is not in its body"),
    ],
)
def test_a_scenario_whose_recorded_request_is_another_one_fails(scenario, fails, other, problem):
    _record(scenario, {"AccessKeyId": "ASIA0000000000000000", "SecretAccessKey": "CANARY-secret"}, **other)
    fails(problem)


@pytest.mark.parametrize("name", ["session_token", "secret_access_key", "source"])
def test_a_scenario_that_comes_to_other_keys_fails(scenario, fails, name):
    expected = json.loads((scenario / "expected.json").read_text())
    _expect(scenario, {"credentials": {**expected["credentials"], name: "CANARY-other"}})
    fails("it came to other keys")


def test_a_scenario_that_expects_an_error_and_gets_keys_fails(scenario, fails):
    _expect(scenario, {"error": {"class": "DeniedError", "message": []}})
    fails("it came to other keys")


@pytest.mark.parametrize(
    ("expected", "problem"),
    [
        ({"credentials": {}}, "it came to DeniedError"),
        ({"error": {"class": "RetrievalError", "message": []}}, "it came to another error"),
        ({"error": {"class": "DeniedError", "message": ["it is Tuesday"]}}, "lacks .'it is Tuesday'"),
        ({"error": {"class": "DeniedError", "message": [], "code": "403"}}, "it came to another error"),
    ],
)
def test_a_scenario_that_comes_to_another_error_fails(scenario, fails, expected, problem):
    _record(scenario, {}, status=401)
    _expect(scenario, expected)
    fails(problem)


def test_a_scenario_whose_error_shows_a_secret_fails(scenario, fails, monkeypatch):
    def leaky(host: Host) -> CredentialProvider:
        raise CredentialError(f"the key is {host.setting('AWS_GET_TEMP_CREDS_API_KEY')}")

    monkeypatch.setitem(PROVIDERS, "Settings", leaky)
    (scenario / "http.json").unlink()
    fails("a secret is shown")


def test_a_scenario_whose_secret_would_not_be_recognised_is_refused(scenario):
    assert unmarked_secrets(scenario) == []
    with (scenario / "environment").open("a") as file:
        file.write("AWS_SECRET_ACCESS_KEY=something\nAWS_WEB_IDENTITY_TOKEN_FILE=/token\n")
    assert unmarked_secrets(scenario) == ["AWS_SECRET_ACCESS_KEY"]
