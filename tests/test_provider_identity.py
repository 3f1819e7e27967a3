from __future__ import annotations

import base64
import hashlib
import json
import os
import platform
import sys
from datetime import timedelta
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Any

import attrs
import pytest
from hypothesis import given, settings, strategies as st

from bedrock_auth.cli.options import ask_for_code
from bedrock_auth.disk_cache import DiskCache
from bedrock_auth.errors import ConfigurationError
from bedrock_auth.host import Host
from bedrock_auth.provider_identity import require_known, resolved_identity
from bedrock_auth.providers import _shared_config
from bedrock_auth.providers.assume_role import AssumeRole
from bedrock_auth.providers.chain import Chain
from bedrock_auth.providers.cognito import CognitoGuest, CognitoIdentity
from bedrock_auth.providers.container import Container
from bedrock_auth.providers.default import Default
from bedrock_auth.providers.environment import Environment
from bedrock_auth.providers.expected_account import ExpectedAccount
from bedrock_auth.providers.from_callable import FromCallable
from bedrock_auth.providers.from_session import FromSession
from bedrock_auth.providers.from_source import FromSource
from bedrock_auth.providers.http_vending import HttpVending, HttpVendingFromEnvironment
from bedrock_auth.providers.instance_metadata import InstanceMetadata
from bedrock_auth.providers.process import Process
from bedrock_auth.providers.profile import Profile
from bedrock_auth.providers.sso import SsoSession
from bedrock_auth.providers.static import Static
from bedrock_auth.providers.web_identity import WebIdentity, WebIdentityFromEnvironment
from bedrock_auth.refresh import Refresher
from bedrock_auth.settings import Settings

ROLE = "arn:aws:iam::123456789012:role/Bedrock"
OTHER_ROLE = "arn:aws:iam::123456789012:role/Other"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}


def text(provider: object, key: str | None = None) -> str:
    return resolved_identity(provider, key).text


def host(**environ: str) -> Host:
    return Host.isolated(environ)


def jwt(**claims: Any) -> str:
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"header.{part}.signature"


SETTINGS: list[tuple[Any, Any]] = [
    (AssumeRole(ROLE), AssumeRole(OTHER_ROLE)),
    (AssumeRole(ROLE), AssumeRole(ROLE, external_id="two")),
    (AssumeRole(ROLE), AssumeRole(ROLE, duration=900)),
    (AssumeRole(ROLE), AssumeRole(ROLE, policy={"Version": "2012-10-17"})),
    (AssumeRole(ROLE), AssumeRole(ROLE, policy_arns=["arn:aws:iam::aws:policy/ReadOnlyAccess"])),
    (AssumeRole(ROLE), AssumeRole(ROLE, tags={"team": "a"})),
    (AssumeRole(ROLE), AssumeRole(ROLE, source_identity="me")),
    (AssumeRole(ROLE), AssumeRole(ROLE, source=Environment())),
    (AssumeRole(ROLE, source=Static("A" * 20, "one")), AssumeRole(ROLE, source=Static("A" * 20, "two"))),
    (AssumeRole(ROLE, source=AssumeRole(ROLE)), AssumeRole(ROLE, source=AssumeRole(OTHER_ROLE))),
    (Static("A" * 20, "one"), Static("A" * 20, "one", "token")),
    (HttpVending("https://a.example"), HttpVending("https://b.example")),
    (HttpVending("https://a.example", api_key="one"), HttpVending("https://a.example", api_key="two")),
    (HttpVending("https://a.example", api_key="one"), HttpVending("https://a.example", api_key="one", header="x-other")),
    (CognitoGuest("us-east-1:1"), CognitoGuest("us-east-1:2")),
    (CognitoGuest("us-east-1:1"), CognitoIdentity("us-east-1:1")),
    (CognitoIdentity("us-east-1:1", logins={"a": "one"}), CognitoIdentity("us-east-1:1", logins={"a": "two"})),
    (Chain(Environment(), Container()), Chain(Container(), Environment())),
    (Environment(), Chain(Environment())),
    (Process("one"), Process("one two")),
    (ExpectedAccount(Environment(), "123456789012"), ExpectedAccount(Environment(), "123456789013")),
    (InstanceMetadata(), InstanceMetadata(allow_v1=True)),
]


@pytest.mark.parametrize(("one", "other"), SETTINGS, ids=range(len(SETTINGS)))
def test_another_setting_anywhere_in_the_tree_is_another_identity(one, other):
    assert text(one) != text(other)
    assert text(one) == text(attrs.evolve(one))


VARIABLES: list[tuple[Any, tuple[str, ...]]] = [
    (Environment, ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_ACCOUNT_ID")),
    (Environment, ("AWS_CREDENTIAL_EXPIRATION",)),
    (WebIdentityFromEnvironment, ("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_SESSION_NAME", "AWS_REGION")),
    (Container, ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")),
    (Container, ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")),
    (InstanceMetadata, ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_DISABLED")),
    (HttpVendingFromEnvironment, ("AWS_GET_TEMP_CREDS_API_URL", "AWS_GET_TEMP_CREDS_API_KEY")),
    (Profile, ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")),
    (Default, ("AWS_ACCESS_KEY_ID", "AWS_ROLE_ARN", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI")),
    (lambda **given: AssumeRole(ROLE, **given), ("AWS_ACCESS_KEY_ID", "AWS_ROLE_SESSION_NAME", "AWS_ENDPOINT_URL_STS")),
    (lambda **given: Chain(Default(**given), **given), ("AWS_ACCESS_KEY_ID", "AWS_PROFILE")),
    (lambda **given: CognitoGuest("us-east-1:1", **given), ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_COGNITO_IDENTITY")),
    (lambda **given: Process("prints-keys", **given), ("VAULT_ADDR", "HOME", "AWS_PROFILE")),
]


@pytest.mark.parametrize(("make", "names"), VARIABLES, ids=range(len(VARIABLES)))
def test_another_value_of_a_variable_that_a_source_reads_is_another_identity(make, names):
    plain = text(make(host=host()))
    for name in names:
        texts = {plain, text(make(host=host(**{name: "one"}))), text(make(host=host(**{name: "two"})))}
        assert len(texts) == 3, name


@pytest.mark.parametrize(("make", "names"), VARIABLES, ids=range(len(VARIABLES)))
def test_a_host_with_the_same_surroundings_is_the_same_identity(make, names):
    environ = {**dict.fromkeys(names, "one"), "TERM": "x"}
    assert text(make(host=host(**environ))) == text(make(host=host(**environ, PWD="/elsewhere")))


def test_what_settings_choose_from_the_environment_has_an_identity():
    for environ in (
        {},
        KEYS,
        {"AWS_ROLE_ARN": ROLE, **KEYS},
        {"AWS_PROFILE": "me"},
        {"AWS_GET_TEMP_CREDS_API_URL": "https://a.b"},
    ):
        assert text(Settings.from_environ(host=host(**environ)).provider)


# -------------------------------------------------------------------- profiles


CONFIG = """
[default]
role_arn = arn:aws:iam::123456789012:role/Bedrock
source_profile = base
[profile base]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
aws_secret_access_key = one
[profile unrelated]
region = eu-west-1
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config"
    path.write_text(CONFIG)
    return path


def of_profile(config: Path, **environ: str) -> str:
    return text(Profile(host=host(AWS_CONFIG_FILE=str(config), AWS_SHARED_CREDENTIALS_FILE="/dev/null", **environ)))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("role/Bedrock", "role/Other"),
        ("source_profile", "external_id = abc\nsource_profile"),
        ("key = one", "key = two"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLF"),
        ("source_profile = base", "credential_source = Environment"),
        ("source_profile = base", "source_profile = missing"),
        ("[default]", "[profile other]"),
    ],
)
def test_another_section_or_key_in_the_profile_is_another_identity(before, after, config):
    plain = of_profile(config)
    config.write_text(CONFIG.replace(before, after))
    assert of_profile(config) != plain


def test_what_does_not_concern_the_profile_changes_nothing(config):
    plain = of_profile(config)
    config.write_text(f"# a comment\n{CONFIG}\noutput = json\n")
    assert of_profile(config) == plain


def test_a_profiles_named_source_is_looked_into(config):
    config.write_text(CONFIG.replace("source_profile = base", "credential_source = Environment"))
    assert of_profile(config, **KEYS) != of_profile(config, **{**KEYS, "AWS_SECRET_ACCESS_KEY": "other"})


def test_a_profile_with_a_function_for_the_code_needs_a_key():
    with pytest.raises(ConfigurationError, match="a function is part of it"):
        require_known(Profile(mfa_token=lambda: "123456"))


# -------------------------------------------------------------------- files


def test_the_subject_of_a_token_counts_and_not_the_token(tmp_path):
    path = tmp_path / "token"
    texts = []
    for claims in ({"sub": "a", "exp": 1}, {"sub": "a", "exp": 2, "iat": 1, "nbf": 1, "jti": "x"}, {"sub": "b", "exp": 1}):
        path.write_text(jwt(**claims))
        texts.append(text(WebIdentity(ROLE, token_file=path, host=host())))
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("content", ["opaque", "a.b.c", "..", f"a.{base64.b64encode(b'[1]').decode()}.c", "é.é"])
def test_of_any_other_token_everything_counts(content, tmp_path):
    path = tmp_path / "token"
    path.write_text(content)
    one = text(WebIdentity(ROLE, token_file=path, host=host()))
    path.write_text(f"{content}2")
    two = text(WebIdentity(ROLE, token_file=path, host=host()))
    path.unlink()
    assert len({one, two, text(WebIdentity(ROLE, token_file=path, host=host()))}) == 3


def test_keys_in_files_count_as_they_are_now(tmp_path):
    files = [tmp_path / "id", tmp_path / "secret"]
    for file in files:
        file.write_text("one")
    makes = [lambda: Static.from_files(*files, host=host()), lambda: HttpVending("https://a.b", api_key=files[1])]
    before = [text(make()) for make in makes]
    files[1].write_text("two")
    assert all(text(make()) != seen for make, seen in zip(makes, before, strict=True))
    assert str(files[1]) in resolved_identity(makes[0]()).files


def test_a_pipe_in_place_of_a_file_holds_nobody_up(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert text(HttpVending("https://a.b", api_key=tmp_path / "pipe"))


def test_the_files_that_were_looked_at_are_told(config, tmp_path):
    found = resolved_identity(
        Chain(
            Profile(host=host(AWS_CONFIG_FILE=str(config), AWS_SHARED_CREDENTIALS_FILE="/dev/null")),
            WebIdentityFromEnvironment(host=host(AWS_WEB_IDENTITY_TOKEN_FILE=str(tmp_path / "absent"), AWS_ROLE_ARN=ROLE)),
        )
    )
    own = _shared_config.paths(Host.system())  # whose endpoints a web identity's STS would have
    assert found.files == tuple(sorted((str(config), "/dev/null", str(tmp_path / "absent"), *own)))


def sso(**environ: str) -> SsoSession:
    settings = {"start_url": "https://a.awsapps.com/start", "region": "us-east-1", "account_id": "123456789012", "role_name": "R"}
    return SsoSession(**settings, session_name="my-sso", host=host(**environ))


def test_logging_out_is_another_identity(tmp_path):
    before = resolved_identity(sso(HOME=str(tmp_path)))
    login = tmp_path / ".aws/sso/cache" / f"{hashlib.sha1(b'my-sso').hexdigest()}.json"
    assert str(login) in before.files
    login.parent.mkdir(parents=True)
    login.touch()
    assert text(sso(HOME=str(tmp_path))) != before.text


def test_a_login_of_somebody_else_is_another_identity_also_where_nobody_looked_in_between(tmp_path):
    login = tmp_path / ".aws/sso/cache" / f"{hashlib.sha1(b'my-sso').hexdigest()}.json"
    login.parent.mkdir(parents=True)
    login.write_text('{"accessToken": "of alice"}')
    before = text(sso(HOME=str(tmp_path)))
    login.write_text('{"accessToken": "of bob"}')
    assert text(sso(HOME=str(tmp_path))) != before


def test_without_a_home_there_is_no_login():
    assert resolved_identity(sso()).files == ()


@pytest.mark.parametrize("folder", [None, "logins"])
def test_the_end_of_a_profiles_login_is_another_identity(folder, tmp_path):
    (tmp_path / "config").write_text("[profile me]\nlogin_session = arn:aws:iam::123456789012:user/me\n")
    stated = {} if folder is None else {"AWS_LOGIN_CACHE_DIRECTORY": f"~/{folder}"}
    world = host(
        HOME=str(tmp_path),
        AWS_CONFIG_FILE=str(tmp_path / "config"),
        AWS_SHARED_CREDENTIALS_FILE="/dev/null",
        **stated,
    )
    name = f"{hashlib.sha256(b'arn:aws:iam::123456789012:user/me').hexdigest()}.json"
    login = tmp_path / (folder or ".aws/login/cache") / name
    before = resolved_identity(Profile("me", host=world))
    assert str(login) in before.files
    login.parent.mkdir(parents=True)
    login.touch()
    assert text(Profile("me", host=world)) != before.text


@pytest.mark.parametrize(
    "provider",
    [AssumeRole(ROLE, source=Environment()), WebIdentity(ROLE, token_file="t"), CognitoGuest("us-east-1:1"), sso(HOME="/absent")],
    ids=["role", "web identity", "guest", "sso"],
)
@pytest.mark.parametrize(
    "entry",
    ["endpoint_url = http://localhost:4566", "services = local", "ignore_configured_endpoint_urls = true"],
    ids=["profile", "services", "ignored"],
)
def test_another_address_in_the_config_file_is_another_identity(provider, entry, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "local")
    services = "[services local]\nsts =\n  endpoint_url = http://localhost:4566\n"
    (tmp_path / "config").write_text(f"{services}[profile local]\nregion = us-east-1\n")
    before = resolved_identity(provider)
    assert str(tmp_path / "config") in before.files
    (tmp_path / "config").write_text(f"{services}[profile local]\nregion = us-east-1\n{entry}\n")
    assert text(provider) != before.text
    monkeypatch.setenv("AWS_PROFILE", "other")
    assert text(provider) == before.text


def test_a_config_file_that_cannot_be_read_is_no_reason_to_fail(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    (tmp_path / "config").write_text("no section")
    assert text(WebIdentity(ROLE, token_file="t"))


def test_a_machine_with_another_name_has_another_role_of_its_own(monkeypatch):
    before = text(InstanceMetadata(host=host())), text(Container(host=host()))
    monkeypatch.setattr(platform, "node", lambda: "another")
    assert text(InstanceMetadata(host=host())) != before[0]
    assert text(Container(host=host())) != before[1]


def test_a_program_may_look_at_the_folder_that_it_runs_in(tmp_path, monkeypatch):
    program = Process("/bin/true", host=host())
    before = text(program)
    monkeypatch.chdir(tmp_path)
    here = text(program)
    assert here != before
    tmp_path.rmdir()
    assert text(program) not in (before, here)


@pytest.mark.parametrize("command", ["helper", "./helper", "sh helper"])
def test_a_program_that_was_replaced_may_be_another_one(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    program = Process(command, host=host(PATH=f"{tmp_path}:/bin"))
    (tmp_path / "helper").write_text("#!/bin/sh\n")
    (tmp_path / "helper").chmod(0o700)
    before = text(program)
    (tmp_path / "helper").write_text("#!/bin/sh\n# of somebody else\n")
    assert text(program) != before


# -------------------------------------------------------------------- what nobody can look into


def ask() -> str:
    return "something"


UNKNOWN: dict[str, Any] = {
    "a function": FromCallable(ask),
    "a function in a chain": Chain(Environment(), ask),
    "a function that gives a token": WebIdentity(ROLE, token=ask),
    "a function that gives a key": HttpVending("https://a.b", api_key=ask),
    "a function among logins": CognitoIdentity("us-east-1:1", logins={"a": ask}),
    "a function for the code": AssumeRole(ROLE, mfa_serial="123456789", mfa_token=ask),
    "a source": FromSource(Refresher(Environment())),
    "a source of a role": AssumeRole(ROLE, source=Refresher(Environment())),
    "a session": FromSession(type("Session", (), {"get_credentials": lambda self: None})()),
}


@pytest.mark.parametrize("provider", UNKNOWN.values(), ids=UNKNOWN)
def test_what_nobody_can_look_into_needs_a_key(provider):
    for look in (require_known, resolved_identity, DiskCache):
        with pytest.raises(ConfigurationError, match="pass key='…'") as caught:
            look(provider)
        assert caught.value.setting == "key"
    assert text(provider, "one") != text(provider, "two")


def test_the_rest_of_the_tree_counts_beside_the_key():
    one, other = AssumeRole(ROLE, source=FromCallable(ask)), AssumeRole(OTHER_ROLE, source=FromCallable(ask))
    assert text(one, "mine") != text(other, "mine")


def test_the_function_that_asks_on_the_terminal_is_known():
    role = AssumeRole(ROLE, mfa_serial="123456789", mfa_token=ask_for_code)
    require_known(role)
    assert text(role) != text(AssumeRole(ROLE))


def test_a_function_that_holds_nothing_may_still_be_anybodys():
    def harmless() -> None:
        """Never asked here."""

    harmless.is_shareable = True
    with pytest.raises(ConfigurationError, match="a function is part of it"):
        require_known(FromCallable(harmless))


# -------------------------------------------------------------------- providers of one's own


@attrs.frozen
class Own:
    value: Any
    ignored: Any = attrs.field(default=None, eq=False)
    name = "own"

    def retrieve(self) -> None:
        """Never asked here."""


class Plain:
    name = "plain"

    def __init__(self, said: object) -> None:
        self.said = said

    def retrieve(self) -> None:
        """Never asked here."""


class Saying(Plain):
    def cache_identity(self) -> object:
        return self.said


class Colour(Enum):
    RED = 1
    BLUE = 2


PAIRS: list[tuple[Any, Any]] = [
    (1, "1"),
    (None, "None"),
    (True, "True"),
    (b"a", "61"),
    (("a", "b"), ("ab",)),
    ({"a": 1}, {"a": 2}),
    ({"a": 1}, (("a", 1),)),
    ({}, ()),
    ({}, frozenset()),
    ({"a", "b"}, {"a"}),
    (Colour.RED, Colour.BLUE),
    (PurePosixPath("/a"), "/a"),
    (timedelta(seconds=1), timedelta(seconds=2)),
    (Own(1), Own(2)),
    (Saying("a"), Saying("b")),
]


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=range(len(PAIRS)))
def test_an_attrs_class_is_what_its_fields_are(one, other):
    assert text(Own(one)) != text(Own(other))
    assert text(Own(one, ignored=object())) == text(Own(one))


def test_unordered_settings_have_one_order():
    assert text(Own({"a": 1, "b": 2})) == text(Own({"b": 2, "a": 1}))
    assert text(Own(frozenset("abcdefgh"))) == text(Own(set("hgfedcba")))


def test_a_class_of_ones_own_can_say_whose_keys_it_gives():
    assert text(Saying("a")) != text(Saying("b"))
    assert text(Saying("a")) != text(Own("a"))


@pytest.mark.parametrize("said", ["", None, 7])
def test_what_it_says_must_be_a_text(said):
    require_known(Saying(said))
    with pytest.raises(ConfigurationError, match="Saying.cache_identity\\(\\) must return a text"):
        text(Saying(said))


def test_a_class_that_says_nothing_needs_a_key():
    with pytest.raises(ConfigurationError, match="an object of the class Plain is part of it"):
        text(Plain("a"))
    assert text(Plain("a"), "key")


def test_two_programs_with_a_class_of_one_name_have_two_identities(tmp_path, monkeypatch):
    before = text(Own(1))
    elsewhere = tmp_path / "program.py"
    monkeypatch.setattr(sys.modules[__name__], "__file__", str(elsewhere))
    absent = text(Own(1))
    elsewhere.write_text("url = 'https://a'")
    one = text(Own(1))
    elsewhere.write_text("url = 'https://b'")
    assert len({before, absent, one, text(Own(1))}) == 4


@pytest.mark.parametrize("file", ["<stdin>", None])
def test_a_class_whose_code_is_in_no_file_needs_a_key(file, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "__file__", file)
    with pytest.raises(ConfigurationError, match="an object of the class Own is part of it"):
        require_known(Own(1))
    assert text(Own(1), "key") != text(Own(2), "key")


def test_a_class_that_a_function_makes_may_hold_anything():
    @attrs.frozen
    class Made:
        name = "made"

    with pytest.raises(ConfigurationError, match="an object of the class .*Made is part of it"):
        require_known(Made())


@attrs.frozen
class Heir(Environment):
    more: str = "more"


def test_an_heir_of_ours_looks_where_its_parent_does():
    assert text(Heir(host=host(**KEYS))) != text(Heir(host=host()))
    assert text(Heir(host=host())) != text(Environment(host=host()))


def test_an_heir_that_may_have_more_than_its_fields_needs_a_key():
    class Heir(Environment):
        """May read anything."""

    with pytest.raises(ConfigurationError, match="an object of the class .*Heir is part of it"):
        text(Heir(host=host()))


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=4))
values = st.recursive(scalars, lambda inner: st.one_of(st.tuples(inner, inner), st.dictionaries(st.text(max_size=3), inner)))


@settings(max_examples=50, deadline=None)
@given(values, values)
def test_different_settings_never_have_one_identity(one, other):
    assert (repr(one) == repr(other)) <= (text(Own(one)) == text(Own(other)))
    if one != other:
        assert text(Own(one)) != text(Own(other))


def test_the_text_is_never_shown():
    found = resolved_identity(Static("AKIAIOSFODNN7EXAMPLE", "c4n4ry"))
    assert "c4n4ry" in found.text
    assert "c4n4ry" not in repr(found)
