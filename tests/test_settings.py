"""Who wins among whatever the environment names, and what is told about the rest."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bedrock_auth
from bedrock_auth.errors import ConfigurationError
from bedrock_auth.host import Host
from bedrock_auth.providers.assume_role import AssumeRole
from bedrock_auth.providers.chain import Chain
from bedrock_auth.providers.default import Default
from bedrock_auth.providers.environment import Environment
from bedrock_auth.providers.http_vending import HttpVendingFromEnvironment
from bedrock_auth.providers.profile import Profile
from bedrock_auth.providers.static import Static
from bedrock_auth.providers.web_identity import WebIdentityFromEnvironment
from bedrock_auth.session import create_session
from bedrock_auth.settings import Settings

ROLE = "arn:aws:iam::123456789012:role/Bedrock"
METHODS = {
    "web identity": ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": ROLE}, WebIdentityFromEnvironment),
    "role": ({"AWS_ROLE_ARN": ROLE}, AssumeRole),
    "profile": ({"AWS_PROFILE": "work"}, Profile),
    "static keys": ({"AWS_ACCESS_KEY_ID": "AKIAENVIRONMENT00000", "AWS_SECRET_ACCESS_KEY": "canary-secret"}, Environment),
    "vending": (
        {"AWS_GET_TEMP_CREDS_API_URL": "https://x.test", "AWS_GET_TEMP_CREDS_API_KEY": "canary-key"},
        HttpVendingFromEnvironment,
    ),
}
REGION = {"AWS_REGION": "eu-west-1"}


def read(**variables: str) -> Settings:
    return Settings.from_environ(host=Host.isolated(variables))


def test_with_nothing_set_it_is_the_default_chain():
    settings = read(**REGION)
    assert isinstance(settings.provider, Default)
    assert (settings.method, settings.unused, settings.warnings) == ("default chain", (), ())


@pytest.mark.parametrize("name", METHODS)
def test_each_method_is_found(name):
    variables, kind = METHODS[name]
    settings = read(**variables, **REGION)
    assert type(settings.provider) is kind
    assert settings.method.startswith(name)
    assert settings.region_name == "eu-west-1"


@pytest.mark.parametrize(("earlier", "later"), list(itertools.combinations(METHODS, 2)))
def test_of_every_two_the_earlier_wins_and_the_other_is_told(earlier, later):
    settings = read(**{**METHODS[earlier][0], **METHODS[later][0], **REGION})
    assert type(settings.provider) is METHODS[earlier][1]
    if (earlier, later) == ("web identity", "role"):
        assert settings.unused == ()  # the same variable
        return
    ((what, why),) = settings.unused
    assert what.startswith(later)
    if earlier == "role":
        assert why == "its keys assume the role"
        assert type(settings.provider.source) is METHODS[later][1]
        assert settings.warnings == ()
    else:
        assert why.endswith("comes first")
        assert len(settings.warnings) >= 1
        assert later in settings.warnings[0]
    assert later in settings.describe()


def test_all_at_once():
    variables = {name: value for one, _ in METHODS.values() for name, value in one.items()}
    settings = read(**variables, **REGION)
    assert type(settings.provider) is WebIdentityFromEnvironment
    assert [what.partition(" (")[0] for what, _ in settings.unused] == ["profile", "static keys", "vending"]
    assert "canary" not in settings.describe() + repr(settings) + "".join(settings.warnings)


def test_a_provider_passed_in_code_wins_over_everything():
    mine = Static("AKIAMINE", "s")
    host = Host.isolated({**METHODS["profile"][0], **REGION})
    settings = Settings.from_environ(provider=mine, region_name="us-west-2", host=host)
    assert settings.provider is mine
    assert settings.region_name == "us-west-2"
    assert settings.unused[0][0].startswith("profile")


def test_a_role_takes_its_settings_from_the_environment():
    settings = read(
        AWS_ROLE_ARN=ROLE, AWS_EXTERNAL_ID="customer-7", AWS_ROLE_SESSION_NAME="me", AWS_ROLE_SESSION_DURATION="1800", **REGION
    )
    role = settings.provider
    assert (role.external_id, role.session_name, role.duration) == ("customer-7", "me", 1800)
    assert isinstance(role.source, Chain)
    assert not any(isinstance(link, WebIdentityFromEnvironment) for link in role.source.providers)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/token"}, "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not"),
        ({"AWS_ACCESS_KEY_ID": "AKIAX"}, "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not"),
        ({"AWS_SECRET_ACCESS_KEY": "canary"}, "AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not"),
        ({"AWS_GET_TEMP_CREDS_API_KEY": "canary"}, "AWS_GET_TEMP_CREDS_API_URL is not"),
        (
            {"AWS_ROLE_ARN": ROLE, "AWS_ROLE_SESSION_DURATION": "1h"},
            "AWS_ROLE_SESSION_DURATION must be a whole number of seconds",
        ),
        ({"AWS_ROLE_ARN": "Bedrock"}, "role_arn must be a role's ARN"),
        ({"AWS_ROLE_ARN": ROLE, "AWS_EXTERNAL_ID": "?"}, "external_id must be"),
    ],
)
def test_halves_and_nonsense_are_named(variables, named):
    with pytest.raises(ConfigurationError, match=named) as caught:
        read(**variables)
    assert "canary" not in str(caught.value)


def test_warnings_are_kept_and_logged(caplog):
    settings = read(**METHODS["static keys"][0])
    assert settings.warnings == (
        "no region is set: set AWS_REGION, or pass region_name=",
        "only long-lived keys were found (AWS_ACCESS_KEY_ID without AWS_SESSION_TOKEN): prefer a role",
    )
    assert [record.getMessage() for record in caplog.records] == list(settings.warnings)
    assert read(**METHODS["static keys"][0], AWS_SESSION_TOKEN="t", **REGION).warnings == ()


def test_blank_is_unset():
    assert isinstance(read(AWS_PROFILE="  ", AWS_ROLE_ARN="", **REGION).provider, Default)


def test_what_won_is_described():
    text = read(**METHODS["role"][0], **METHODS["profile"][0], **REGION).describe()
    assert text.splitlines() == [
        f"credentials: role (AWS_ROLE_ARN): assume-role {ROLE}",
        "not used: profile (AWS_PROFILE): its keys assume the role",
        "region: eu-west-1",
    ]


def test_settings_make_a_session(monkeypatch):
    for name, value in {**METHODS["static keys"][0], **REGION}.items():
        monkeypatch.setenv(name, value)
    session = create_session(Settings.from_environ())
    assert session.region_name == "eu-west-1"
    assert session.get_credentials().access_key == "AKIAENVIRONMENT00000"
    assert create_session(Settings.from_environ(), region_name="us-east-2").region_name == "us-east-2"


def test_without_arguments_a_session_uses_the_default_chain(monkeypatch):
    for name, value in METHODS["static keys"][0].items():
        monkeypatch.setenv(name, value)
    assert create_session().get_credentials().access_key == "AKIAENVIRONMENT00000"


def test_no_dotenv_file_is_ever_loaded_and_nothing_is_read_at_import(tmp_path):
    (tmp_path / ".env").write_text("AWS_PROFILE=from-dotenv\n")
    script = (
        "import os\n"
        "class Watched(type(os.environ)):\n"
        "    def __getitem__(self, key):\n"
        "        assert not key.startswith('AWS_'), key\n"
        "        return super().__getitem__(key)\n"
        "os.environ.__class__ = Watched\n"
        "import bedrock_auth, bedrock_auth.settings\n"
        "print(sorted(name for name in os.environ if name == 'AWS_PROFILE'))\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(bedrock_auth.__file__).parent.parent)}
    ran = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True, env=environ)
    assert ran.stdout == "[]\n"
