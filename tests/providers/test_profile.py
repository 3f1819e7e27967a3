"""Profiles: the files as they are read, and what each kind of plan comes to."""

from __future__ import annotations

import json
import os
import time
import traceback
from pathlib import Path

import boto3
import pytest
from hypothesis import given, strategies as st

from bedrock_auth.contracts import Stability, traits
from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import (
    ConfigurationError,
    CredentialError,
    DeniedError,
    LoginRequiredError,
    NotConfiguredError,
    RetrievalError,
)
from bedrock_auth.host import Host
from bedrock_auth.providers import _shared_config
from bedrock_auth.providers.profile import Profile
from bedrock_auth.providers.static import Static
from bedrock_auth.refresh import Refresher
from bedrock_auth.session import create_session
from providers.conformance import ANSWER, FUTURE, KEY_ID, KEYS, PAST, SECRET, TOKEN, Conformance, leaks
from providers.stub import ROLE_KEY_ID, issued, nobody, refusal
from support.worlds import Clock

ROLE = "arn:aws:iam::123456789012:role/Bedrock"
STORED = f"aws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\naws_session_token = {TOKEN}\n"


class Home:
    """A home directory with AWS's two files, and hosts that live there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / ".aws").mkdir(exist_ok=True)

    def config(self, text: str) -> Path:
        return self._write("config", text)

    def credentials(self, text: str) -> Path:
        return self._write("credentials", text)

    def _write(self, name: str, text: str) -> Path:
        path = self.path / ".aws" / name
        path.write_text(text, encoding="utf-8")
        return path

    def host(self, like: Host | None = None, **environ: str) -> Host:
        return Host.isolated({**(like.environ if like else {}), "HOME": str(self.path), **environ})

    def program(self, answer: object) -> str:
        """A command that prints this."""
        path = self.path / "answer.json"
        path.write_text(answer if isinstance(answer, str) else json.dumps(answer), encoding="utf-8")
        return f"cat '{path}'"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


class TestConformance(Conformance):
    kind = "profile"

    @pytest.fixture(autouse=True)
    def _at_home(self, home):
        self.home = home

    def make(self, **settings):
        return Profile("dev", **settings)

    def other(self):
        return Profile("other")

    def working(self):
        self.home.credentials(f"[dev]\n{STORED}")
        return self.make(host=self.home.host())

    def in_role(self, host):
        self.home.config(f"[profile dev]\nrole_arn = {ROLE}\nsource_profile = dev\nexternal_id = c4n4ry\n{STORED}")
        self.make(host=self.home.host(host)).retrieve()

    def printing(self, answer):
        self.home.config(f"[profile dev]\ncredential_process = {self.home.program(answer)}\n")
        self.make(host=self.home.host(PATH=os.environ["PATH"])).retrieve()

    def absent(self):
        Profile(host=self.home.host()).retrieve()

    def misconfigured(self):
        self.home.credentials(f"[dev]\naws_secret_access_key = {SECRET}\n {TOKEN}\nno equals sign {SECRET}\n")
        self.make(host=self.home.host()).retrieve()

    def refused(self):
        self.sts.answers = [refusal("AccessDenied", f"not with c4n4ry by {SECRET}")]
        self.in_role(self.sts.host())

    def unreachable(self):
        self.in_role(nobody())

    def malformed(self):
        self.printing({**ANSWER, "AccessKeyId": ""})

    def oversized(self):
        self.printing({**ANSWER, "More": SECRET * 20_000})

    def expired(self):
        self.printing({**ANSWER, "Expiration": PAST})


# -------------------------------------------------------------------- which profile, from which files


def test_the_name_is_the_argument_then_what_the_environment_says_then_default(home):
    home.credentials("".join(f"[{name}]\naws_access_key_id = AKIA{name:>016}\naws_secret_access_key = s\n" for name in "abc"))
    home.config("[default]\naws_access_key_id = AKIADEFAULTDEFAULT00\naws_secret_access_key = s\n")
    both = home.host(AWS_PROFILE="b", AWS_DEFAULT_PROFILE="c")
    assert Profile("a", host=both).retrieve().access_key_id.endswith("a")
    assert Profile(host=both).retrieve().access_key_id.endswith("b")
    assert Profile(host=home.host(AWS_PROFILE=" ", AWS_DEFAULT_PROFILE="c")).retrieve().source == "profile c"
    assert Profile(host=home.host()).retrieve().source == "profile default"


def test_the_files_are_those_that_the_environment_names(home, tmp_path):
    home.credentials(f"[dev]\n{STORED}")
    (tmp_path / "c").write_text("[profile dev]\naws_access_key_id = AKIAELSEWHERE0000000\naws_secret_access_key = s\n")
    host = home.host(AWS_CONFIG_FILE="~/c", AWS_SHARED_CREDENTIALS_FILE="/dev/null")
    assert Profile("dev", host=host).retrieve().access_key_id == "AKIAELSEWHERE0000000"


def test_boto3_finds_the_same_keys(home, monkeypatch):
    home.credentials(f"[dev]\n{STORED}")
    home.config("[profile dev]\naws_access_key_id = AKIACONFIGCONFIG0000\naws_secret_access_key = s\nregion = eu-west-1\n")
    monkeypatch.setenv("HOME", str(home.path))
    theirs = boto3.Session(profile_name="dev")
    ours = Profile("dev").retrieve()
    assert theirs.get_credentials().get_frozen_credentials()[:3] == (KEY_ID, SECRET, TOKEN)
    assert (ours.access_key_id, ours.secret_access_key, ours.session_token) == (KEY_ID, SECRET, TOKEN)
    assert Profile("dev").region_name == theirs.region_name


def test_a_misspelt_profile_is_told_with_those_that_there_are(home):
    home.config("[profile dev]\nregion = eu-west-1\n[default]\n")
    for host, name in ((home.host(AWS_PROFILE="dve"), None), (home.host(), "dve")):
        with pytest.raises(ConfigurationError, match="profile dve: it is neither in .* there are: default, dev$"):
            Profile(name, host=host).retrieve()


def test_without_any_file_or_home_nothing_is_set_up(tmp_path):
    for host in (Host.isolated(), Host.isolated({"HOME": str(tmp_path)})):
        with pytest.raises(NotConfiguredError, match=r"profile default: it is neither in .*config nor in .*credentials"):
            Profile(host=host).retrieve()


def test_a_file_that_cannot_be_parsed_is_named_with_the_line_and_not_with_its_text(home):
    path = home.credentials(f"[dev]\n{STORED}\nnonsense {SECRET}\n")
    with pytest.raises(ConfigurationError) as caught:
        Profile("dev", host=home.host()).retrieve()
    assert caught.value.setting == str(path)
    assert str(caught.value) == f"profile dev: {path} cannot be parsed; see line 6"


def test_a_session_does_not_show_the_text_of_a_broken_file_either(home, monkeypatch):
    home.credentials(f"[dev]\nnonsense {SECRET}\n")
    monkeypatch.setenv("HOME", str(home.path))
    with pytest.raises(ConfigurationError, match="the AWS config file cannot be read: .*credentials cannot be parsed") as caught:
        create_session(Static("AKIAOTHEROTHEROTHER0", "s"))
    assert not leaks("".join(traceback.format_exception(caught.value)))


@pytest.mark.parametrize(
    "text", ["[dev]\na = 1\na = 2\n", "[dev]\n[dev]\n", "a = 1\n", "[dev]\nkey =\n  no pair\n", "[dev\n", "\0"]
)
def test_other_broken_files_are_named_too(text, home):
    path = home.config(text)
    with pytest.raises(ConfigurationError, match=f"{path} cannot be parsed"):
        Profile("dev", host=home.host()).retrieve()


def test_a_file_that_cannot_be_read_is_named(home):
    path = "/" + "x" * 5000
    with pytest.raises(ConfigurationError, match=r"x cannot be read \(File name too long\)") as caught:
        Profile("dev", host=home.host(AWS_CONFIG_FILE=path)).retrieve()
    assert caught.value.setting == path


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_this_user_may_not_read_is_named(home):
    home.credentials(f"[dev]\n{STORED}").chmod(0)
    with pytest.raises(ConfigurationError, match=r"cannot be read \(Permission denied\)"):
        Profile("dev", host=home.host()).retrieve()


def test_keys_that_somebody_rotates_are_noticed_within_a_minute(home):
    clock = Clock()
    host = Host({"HOME": str(home.path)}, clock, 1)
    home.credentials(f"[dev]\n{STORED}")
    refresher = Refresher(Profile("dev", host=host), host=host)
    assert refresher.current().access_key_id == KEY_ID
    home.credentials("[dev]\naws_access_key_id = AKIAROTATEDROTATED00\naws_secret_access_key = s\n")
    assert refresher.current().access_key_id == KEY_ID
    clock.now += 61
    refresher.current()
    for _ in range(100):
        if refresher.current().access_key_id != KEY_ID:
            break
        clock.now += 1
        time.sleep(0.01)
    assert refresher.current().access_key_id == "AKIAROTATEDROTATED00"
    refresher.close()


# -------------------------------------------------------------------- roles


def test_a_role_is_asked_for_with_the_keys_of_its_source_profile(home, sts):
    home.credentials(f"[base]\n{STORED}")
    home.config(
        f"[profile dev]\nrole_arn = {ROLE}\nsource_profile = base\nexternal_id = an-id\nrole_session_name = me\n"
        "duration_seconds = 900\nregion = eu-west-1\n"
    )
    keys = Profile("dev", host=home.host(sts.host())).retrieve()
    (sent,) = sts.received
    assert (keys.access_key_id, keys.source) == (ROLE_KEY_ID, "profile dev")
    assert sent.is_signed_with(KEYS)
    assert sent.scope[2] == "eu-west-1"
    stated = {"RoleArn": ROLE, "ExternalId": "an-id", "RoleSessionName": "me", "DurationSeconds": "900"}
    assert stated.items() <= sent.form.items()


def test_the_environments_region_comes_before_the_profiles(home, sts):
    home.config(f"[profile dev]\nrole_arn = {ROLE}\nsource_profile = dev\nregion = eu-west-1\n{STORED}")
    profile = Profile("dev", host=home.host(sts.host(), AWS_REGION="us-west-2"))
    profile.retrieve()
    assert sts.received[0].scope[2] == profile.region_name == "us-west-2"


def test_a_role_may_be_assumed_from_a_role(home, sts):
    home.credentials(f"[base]\n{STORED}")
    home.config(
        f"[profile dev]\nrole_arn = {ROLE}2\nsource_profile = middle\n"
        f"[profile middle]\nrole_arn = {ROLE}1\nsource_profile = base\n"
    )
    Profile("dev", host=home.host(sts.host())).retrieve()
    assert [(sent.signer, sent.form["RoleArn"]) for sent in sts.received] == [(KEY_ID, f"{ROLE}1"), (ROLE_KEY_ID, f"{ROLE}2")]


def test_a_role_with_the_keys_of_the_environment(home, sts):
    home.config(f"[profile dev]\nrole_arn = {ROLE}\ncredential_source = Environment\n")
    given = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN}
    Profile("dev", host=home.host(sts.host(), **given)).retrieve()
    assert sts.received[0].is_signed_with(KEYS)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Environment", "environment: neither AWS_ACCESS_KEY_ID nor"),
        ("EcsContainer", "container: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
        ("Ec2InstanceMetadata", "instance-metadata: AWS_EC2_METADATA_DISABLED is set"),
    ],
)
def test_a_named_source_that_is_not_set_up_here_is_a_mistake(name, said, home):
    home.config(f"[profile dev]\nrole_arn = {ROLE}\ncredential_source = {name}\n")
    with pytest.raises(ConfigurationError) as caught:
        Profile("dev", host=home.host(AWS_EC2_METADATA_DISABLED="true")).retrieve()
    assert caught.value.setting == "credential_source"
    assert str(caught.value).startswith("profile dev: ")
    assert said in str(caught.value)


def test_mfa_asks_the_function_or_says_how_to_give_one(home, sts):
    home.config(f"[profile dev]\nrole_arn = {ROLE}\nsource_profile = dev\nmfa_serial = arn:aws:iam::1:mfa/me\n{STORED}")
    host = home.host(sts.host())
    with pytest.raises(ConfigurationError, match=r"profile dev: mfa_serial asks for .* Profile\('dev', mfa_token=lambda: input"):
        Profile("dev", host=host).retrieve()
    asking = Profile("dev", mfa_token=lambda: "123456", host=host)
    asking.retrieve()
    assert sts.received[0].form["TokenCode"] == "123456"
    assert traits(asking).interactive
    home.config(f"[profile dev]\n{STORED}")
    assert not traits(asking).interactive


def test_a_web_identity(home, tmp_path, sts):
    (tmp_path / "token").write_text("c4n4ry.jwt")
    home.config(f"[profile dev]\nrole_arn = {ROLE}\nweb_identity_token_file = {tmp_path / 'token'}\nrole_session_name = pod\n")
    sts.answers = [issued(operation="AssumeRoleWithWebIdentity")]
    assert Profile("dev", host=home.host(sts.host())).retrieve().access_key_id == ROLE_KEY_ID
    assert (sts.received[0].form["RoleSessionName"], sts.received[0].signer) == ("pod", "")


def test_moto_assumes_the_role_of_a_profile(home, moto):
    home.config(f"[profile dev]\nrole_arn = {ROLE}\nsource_profile = dev\n{STORED}")
    keys = Profile("dev", host=home.host(AWS_ENDPOINT_URL_STS=moto)).retrieve()
    assert (keys.account_id, keys.access_key_id[:4]) == ("123456789012", "ASIA")


# -------------------------------------------------------------------- other ways


def test_a_process(home):
    home.config(f"[profile dev]\ncredential_process = {home.program({**ANSWER, 'Expiration': FUTURE})}\n")
    keys = Profile("dev", host=home.host(PATH=os.environ["PATH"])).retrieve()
    assert (keys.access_key_id, keys.source, keys.expiration.year) == (KEY_ID, "profile dev", 2999)


def test_a_login_that_is_missing_comes_with_the_command(home):
    portal = "sso_start_url = https://example.awsapps.com/start\nsso_region = us-east-1\n"
    permission = "sso_account_id = 123456789012\nsso_role_name = Dev\n"
    home.config(
        f"[profile old style]\n{portal}{permission}[profile 'old style']\n{portal}{permission}"
        f"[profile new]\nsso_session = corp\n{permission}[sso-session corp]\n{portal}"
    )
    for name, command in (("new", "aws sso login --sso-session corp"), ("old style", "aws sso login --profile 'old style'")):
        with pytest.raises(LoginRequiredError) as caught:
            Profile(name, host=home.host()).retrieve()
        assert caught.value.command == command
        assert str(caught.value).startswith(f"profile {name}: sso-session 123456789012 Dev: nobody is logged in; run: {command}")


@pytest.mark.parametrize(
    ("entries", "key"),
    [
        (f"role_arn = role/Dev\nsource_profile = dev\n{STORED}", "role_arn"),
        (f"role_arn = {ROLE}\nsource_profile = dev\nrole_session_name = a b\n{STORED}", "role_session_name"),
        (f"role_arn = {ROLE}\nsource_profile = dev\nduration_seconds = 99999\n{STORED}", "duration_seconds"),
        (f"role_arn = {ROLE}\nsource_profile = dev\nexternal_id = c4n4ry!\n{STORED}", "external_id"),
        (f"role_arn = {ROLE}\nsource_profile = dev\nregion = US EAST\n{STORED}", "region"),
        ("credential_process = 'helper c4n4ry\n", "credential_process"),
        ("sso_start_url = x\nsso_region = y\nsso_account_id = 1\nsso_role_name = z\n", "sso_start_url"),
        (f"aws_access_key_id = {KEY_ID}\naws_secret_access_key = c4n4ry\x01x\n", "aws_secret_access_key"),
    ],
)
def test_an_entry_that_is_not_usable_is_called_as_in_the_file(entries, key, home):
    home.config(f"[profile dev]\n{entries}")
    with pytest.raises(ConfigurationError, match=f"^profile dev: {key} ") as caught:
        Profile("dev", host=home.host()).retrieve()
    assert caught.value.setting == key
    assert not leaks(str(caught.value))


@pytest.mark.parametrize("bad", ["", " ", 7, b"dev", "a\nb"])
def test_a_name_is_text(bad):
    with pytest.raises(ConfigurationError, match="profile: name must be the name of a profile"):
        Profile(bad)
    assert Profile(name="dev") == Profile("dev") != Profile()


def test_a_function_for_codes_is_one():
    with pytest.raises(ConfigurationError, match="profile: mfa_token must be a function"):
        Profile("dev", mfa_token="123456")


# -------------------------------------------------------------------- traits


def test_traits_are_those_of_what_the_profile_comes_to(home, sts):
    profile = Profile("dev", host=home.host(sts.host()))
    assert traits(profile).stability is Stability.STRICT
    home.config(f"[profile dev]\nrole_arn = {ROLE}\nsource_profile = dev\nregion = eu-west-1\n{STORED}")
    said = traits(profile)
    assert (said.stability, said.region_name, said.revalidate_after) == (Stability.STABLE, "eu-west-1", 60)
    assert said.timeout > 20


def test_a_region_is_known_even_where_the_profile_cannot_deliver(home):
    home.config("[profile dev]\nregion = eu-west-1\n")
    assert Profile("dev", host=home.host()).region_name == "eu-west-1"
    home.config("broken")
    assert Profile("dev", host=home.host()).region_name is None


def test_asking_for_traits_again_reads_no_file_that_has_not_changed(home, monkeypatch):
    home.credentials(f"[dev]\n{STORED}")
    profile = Profile("dev", host=home.host())
    said = traits(profile)
    monkeypatch.setattr(_shared_config, "read", lambda _: pytest.fail("read again"))
    assert traits(profile) == said


# -------------------------------------------------------------------- whatever the files say

LINES = [
    *("[dev]", "[profile dev]", "[default]", "[DEFAULT]", "[sso-session corp]", "[profile", "\ufeff[dev]", "]", "=", " ", "\x00"),
    *("key", "  indented = c4n4ry/x", "; c4n4ry/x", "%(x)s = %(y)s", SECRET, "aws_session_token =", f"  {TOKEN}"),
    *(*STORED.splitlines(), f"role_arn = {ROLE}", "source_profile = dev", "source_profile = default"),
    *("credential_process = c4n4ry/x 'y", "mfa_serial = arn:aws:iam::1:mfa/me"),
    *("sso_session = corp", "sso_account_id = 123456789012", "sso_role_name = Dev"),
]
FILE = st.lists(st.sampled_from(LINES), max_size=8)


@given(config=FILE, credentials=FILE, name=st.sampled_from([None, "dev"]))
def test_any_file_gives_keys_or_an_error_of_ours_that_tells_no_secret(tmp_path_factory, config, credentials, name):
    home = Home(tmp_path_factory.getbasetemp())
    home.config("\n".join(config))
    home.credentials("\n".join(credentials))
    try:
        keys = Profile(name, host=home.host(nobody_at_all())).retrieve()
    except CredentialError as error:
        assert str(error).startswith("profile ")
        assert "c4n4ry/" not in f"{error}{error!r}"
        assert isinstance(error, ConfigurationError | NotConfiguredError | DeniedError | RetrievalError)
    else:
        assert isinstance(keys, Credentials)


def nobody_at_all() -> Host:
    return Host.isolated({"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_EC2_METADATA_DISABLED": "true"})
