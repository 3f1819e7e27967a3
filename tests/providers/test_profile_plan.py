"""Plans: what the entries of profiles come to, without carrying anything out."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from bedrock_auth.errors import ConfigurationError, CredentialError, NotConfiguredError
from bedrock_auth.providers._profile_plan import plan
from bedrock_auth.providers._profile_steps import (
    CredentialProcess,
    LoginStep,
    NamedSource,
    Plan,
    Role,
    SharedConfig,
    SsoStep,
    StaticKeys,
    WebIdentityRole,
)
from providers.conformance import KEY_ID, SECRET, TOKEN, leaks

ROLE = "arn:aws:iam::123456789012:role/Bedrock"
RESERVED = "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Dev_Ops_0123456789abcdef"
KEYS = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET}
PORTAL = {"sso_start_url": "https://example.awsapps.com/start", "sso_region": "eu-west-1"}
PERMISSION = {"sso_account_id": "123456789012", "sso_role_name": "Dev_Ops"}
SSO = {**PORTAL, **PERMISSION}

BY_RANK = [
    ({"web_identity_token_file": "/token", "role_arn": ROLE}, WebIdentityRole),
    ({"role_arn": ROLE, "credential_source": "Environment"}, NamedSource),
    (SSO, SsoStep),
    ({"login_session": "arn:aws:iam::1:user/me"}, LoginStep),
    ({"credential_process": f"helper --secret {SECRET}"}, CredentialProcess),
    (KEYS, StaticKeys),
]


def config(profiles=None, *, credentials=None, **sso_sessions) -> SharedConfig:
    return SharedConfig(profiles or {}, sso_sessions, credentials or {})


def of(entries, **given) -> Plan:
    """The plan of the profile ``dev`` with these entries."""
    return plan(config({"dev": entries, **given}), "dev")


def complaint(entries, credentials=None, sessions=None, **given) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        plan(config({"dev": entries, **given}, credentials=credentials, **(sessions or {})), "dev")
    assert not leaks(str(caught.value))
    return caught.value


# -------------------------------------------------------------------- one profile


@pytest.mark.parametrize("rank", range(len(BY_RANK)))
def test_of_everything_that_a_profile_has_the_first_in_rank_is_taken(rank):
    entries = {key: value for method, _ in reversed(BY_RANK[rank:]) for key, value in method.items()}
    assert type(of(entries).base) is BY_RANK[rank][1]


def test_keys_in_the_credentials_file_come_before_a_login_and_those_in_the_config_file_after_the_process():
    others = {"login_session": "x", "credential_process": "y"}
    found = plan(config({"dev": others}, credentials={"dev": KEYS}), "dev").base
    assert found == StaticKeys("dev", "~/.aws/credentials", KEY_ID, SECRET)
    assert type(of({**others, **KEYS}).base) is LoginStep


def test_the_credentials_file_wins_for_every_entry():
    shared = config({"dev": {**KEYS, "region": "us-east-1"}}, credentials={"dev": {**KEYS, "region": "eu-west-1"}})
    assert plan(shared, "dev").region_name == "eu-west-1"
    assert plan(shared, "dev").base.file == "~/.aws/credentials"


@pytest.mark.parametrize("name", ["aws_session_token", "aws_security_token"])
def test_keys_come_with_their_token_and_account(name):
    found = of({**KEYS, name: f" {TOKEN} ", "aws_account_id": "123456789012"}).base
    assert found == StaticKeys("dev", "~/.aws/config", KEY_ID, SECRET, TOKEN, "123456789012")


@pytest.mark.parametrize("blank", ["", "  "])
def test_blank_counts_as_absent(blank):
    assert of({**KEYS, "role_arn": blank, "sso_account_id": blank, "aws_session_token": blank}).base.session_token is None


@pytest.mark.parametrize(("missing", "given"), [tuple(KEYS), tuple(reversed(KEYS))])
@pytest.mark.parametrize("file", ["config", "credentials"])
def test_half_a_pair_is_named_with_its_file(missing, given, file):
    half = {given: KEYS[given]}
    error = complaint(half) if file == "config" else complaint({}, credentials={"dev": half})
    assert error.setting == missing
    assert str(error) == f"profile dev: {missing} is missing in ~/.aws/{file} although {given} is there; give both or neither"


def test_the_two_halves_must_stand_in_the_same_file():
    (one, two) = ({key: value} for key, value in KEYS.items())
    assert complaint(two, credentials={"dev": one}).setting == "aws_secret_access_key"


def test_a_profile_that_somebody_named_must_exist():
    with pytest.raises(ConfigurationError) as caught:
        plan(config({"base": KEYS}, credentials={"ci": KEYS}), "dev")
    assert str(caught.value) == (
        "profile dev: it is neither in ~/.aws/config nor in ~/.aws/credentials; the profiles there are: base, ci"
    )


@pytest.mark.parametrize("entries", [{}, {"region": "us-east-1", "output": "json"}, PORTAL, {"sso_session": "token-only"}])
def test_a_profile_without_anything_that_keys_come_from(entries):
    assert "nothing in it says where keys come from" in str(complaint(entries))
    with pytest.raises(NotConfiguredError, match="profile default: nothing in it"):
        plan(config({"default": entries}), "default", named=False)


def test_the_default_profile_may_be_missing():
    with pytest.raises(NotConfiguredError, match="profile default: it is neither in"):
        plan(config({"dev": KEYS}), "default", named=False)


def test_a_default_profile_whose_source_profile_has_nothing_is_a_mistake():
    profiles = {"default": {"role_arn": ROLE, "source_profile": "base"}, "base": {}}
    with pytest.raises(ConfigurationError, match="profile base: nothing in it"):
        plan(config(profiles), "default", named=False)


def test_an_entry_that_spans_lines_is_named():
    assert str(complaint({**KEYS, "aws_session_token": {TOKEN: ""}})).startswith(
        "profile dev: aws_session_token must stand on one line"
    )


def test_a_token_file_needs_a_role():
    assert complaint({"web_identity_token_file": "/token"}).setting == "role_arn"
    found = of({"web_identity_token_file": "/t", "role_arn": ROLE, "role_session_name": "me", "duration_seconds": "900"})
    assert found.base == WebIdentityRole("dev", ROLE, "/t", "me", 900)


# -------------------------------------------------------------------- IAM Identity Center


def test_a_portal_in_the_profile_or_in_its_session_section():
    assert of(SSO).base == SsoStep("dev", *SSO.values())
    shared = config({"dev": {**PERMISSION, "sso_session": "corp"}}, corp=PORTAL)
    assert plan(shared, "dev").base == SsoStep("dev", *SSO.values(), session_name="corp")


@pytest.mark.parametrize("missing", SSO)
def test_what_the_portal_needs_is_named(missing):
    error = complaint({key: value for key, value in SSO.items() if key != missing})
    assert error.setting == missing
    assert str(error).startswith(f"profile dev: {missing} is missing; IAM Identity Center needs sso_start_url")


def test_the_session_section_must_exist_be_complete_and_not_contradict():
    entries = {**PERMISSION, "sso_session": "corp"}
    assert "has no [sso-session corp]" in str(complaint(entries))
    section = {"corp": {"sso_region": "eu-west-1"}}
    assert "sso_start_url is missing here and in [sso-session corp]" in str(complaint(entries, sessions=section))
    other = {"corp": {**PORTAL, "sso_region": "us-east-1"}}
    assert "sso_region is another one in [sso-session corp]" in str(complaint({**entries, **PORTAL}, sessions=other))


# -------------------------------------------------------------------- roles


def test_roles_are_assumed_from_the_innermost_outwards():
    profiles = {
        "dev": {"role_arn": f"{ROLE}1", "source_profile": "middle", "region": "eu-west-1"},
        "middle": {"role_arn": f"{ROLE}2", "source_profile": "base", "region": "us-east-1"},
        "base": KEYS,
    }
    found = plan(config(profiles), "dev")
    assert [role.role_arn for role in found.roles] == [f"{ROLE}2", f"{ROLE}1"]
    assert found.base.profile == "base"
    assert found.region_name == "eu-west-1"


def test_everything_that_a_role_may_state():
    entries = {
        "role_arn": ROLE,
        "credential_source": "Ec2InstanceMetadata",
        "external_id": "an-id",
        "role_session_name": "me",
        "duration_seconds": "3600",
        "mfa_serial": "arn:aws:iam::1:mfa/me",
    }
    assert of(entries) == Plan(
        NamedSource("dev", "Ec2InstanceMetadata"), (Role("dev", ROLE, "an-id", "me", 3600, "arn:aws:iam::1:mfa/me"),)
    )


def test_the_region_of_the_source_profile_serves_where_the_profile_has_none():
    assert of({"role_arn": ROLE, "source_profile": "base"}, base={**KEYS, "region": "eu-west-1"}).region_name == "eu-west-1"


@pytest.mark.parametrize("name", ["Environment", "Ec2InstanceMetadata", "EcsContainer"])
def test_each_named_source(name):
    assert of({"role_arn": ROLE, "credential_source": name}).base == NamedSource("dev", name)


def test_a_profile_may_be_its_own_source_where_it_has_keys():
    itself = {"role_arn": ROLE, "source_profile": "dev"}
    assert of({**itself, **KEYS}) == Plan(StaticKeys("dev", "~/.aws/config", KEY_ID, SECRET), (Role("dev", ROLE),))
    assert complaint({**itself, "credential_process": "x"}).setting == "source_profile"


def test_a_source_profile_with_keys_lends_them_whatever_else_it_has():
    for more in ({"role_arn": f"{ROLE}2", "source_profile": "dev"}, SSO, {"login_session": "x"}):
        found = of({"role_arn": ROLE, "source_profile": "base"}, base={**KEYS, **more})
        assert found == Plan(StaticKeys("base", "~/.aws/config", KEY_ID, SECRET), (Role("dev", ROLE),))


def test_a_source_profile_may_get_its_keys_in_any_way():
    for entries, step in BY_RANK:
        assert type(of({"role_arn": ROLE, "source_profile": "base"}, base=entries).base) is step


@pytest.mark.parametrize(
    ("entries", "setting", "said"),
    [
        ({}, "credential_source", "credential_source and source_profile are both missing; role_arn needs one of the two"),
        ({"source_profile": "base", "credential_source": "Environment"}, "credential_source", "is given together with source"),
        ({"credential_source": "environment"}, "credential_source", "must be one of Environment, Ec2InstanceMetadata, EcsCont"),
        ({"source_profile": "bas"}, "source_profile", "names 'bas', which does not exist; the profiles are: base, dev, empty"),
        ({"source_profile": "loop"}, "source_profile", "profile loop: source_profile goes in a circle: dev -> loop -> dev"),
        ({"source_profile": "base", "duration_seconds": "1h"}, "duration_seconds", "must be a whole number of seconds"),
        ({"source_profile": "empty"}, "profile", "profile empty: nothing in it says where keys come from"),
        ({"source_profile": "half"}, "aws_secret_access_key", "profile half: aws_secret_access_key is missing"),
    ],
)
def test_what_is_wrong_with_a_role_is_named(entries, setting, said):
    others = {
        "base": KEYS,
        "empty": {},
        "half": {"aws_access_key_id": KEY_ID},
        "loop": {"role_arn": ROLE, "source_profile": "dev"},
    }
    error = complaint({"role_arn": ROLE, **entries}, **others)
    assert error.setting == setting
    assert said in str(error)


# -------------------------------------------------------------------- roles that are reserved for IAM Identity Center


def test_a_reserved_role_is_not_assumed_where_the_login_gives_its_keys_already():
    entries = {"role_arn": RESERVED, "source_profile": "login"}
    assert of(entries, login=SSO) == Plan(SsoStep("login", *SSO.values()))
    outer = {"role_arn": ROLE, "source_profile": "middle"}
    assert of(outer, middle=entries, login=SSO).roles == (Role("dev", ROLE),)


@pytest.mark.parametrize("base", [{**SSO, "sso_role_name": "Other"}, {**SSO, "sso_account_id": "210987654321"}, KEYS])
@pytest.mark.parametrize("role_arn", [RESERVED, RESERVED.replace("eu-west-1/", ""), RESERVED.rpartition("_")[0]])
def test_no_other_keys_can_assume_a_reserved_role(base, role_arn):
    error = complaint({"role_arn": role_arn, "source_profile": "base"}, base=base)
    assert error.setting == "role_arn"
    assert "is reserved for IAM Identity Center, which alone can hand it out; set sso_session" in str(error)


# -------------------------------------------------------------------- for people


def test_a_plan_tells_its_steps_in_order_and_no_secret():
    session = config(
        {
            "dev": {"role_arn": ROLE, "source_profile": "base", "external_id": "c4n4ry-id", "mfa_serial": "arn:mfa"},
            "sso": {**PERMISSION, "sso_session": "corp"},
            "process": {"credential_process": f"helper {SECRET}"},
        },
        credentials={"base": {**KEYS, "aws_session_token": TOKEN}},
        corp=PORTAL,
    )
    assert plan(session, "dev").describe() == [
        "profile base: the keys …0001 in ~/.aws/credentials",
        f"profile dev: role {ROLE}, assumed with these keys, with a code of arn:mfa",
    ]
    assert plan(session, "sso").describe() == [
        "profile sso: role Dev_Ops in account 123456789012 through IAM Identity Center (sso-session corp)"
    ]
    for name in ("dev", "sso", "process"):
        found = plan(session, name)
        assert not leaks(f"{found!r} {found.describe()} {session!r}")


@pytest.mark.parametrize("entries", [entries for entries, _ in BY_RANK])
def test_every_kind_of_step_can_be_told(entries):
    (line, *_) = of(entries).describe()
    assert line.startswith("profile dev: ")
    assert not leaks(line)


# -------------------------------------------------------------------- whatever the files say

NAMES = ["dev", "base", "default"]
SECRET_ENTRIES = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token", "credential_process", "external_id"]
ENTRIES = [key for entries, _ in BY_RANK for key in entries if key not in SECRET_ENTRIES]
ENTRIES += ["source_profile", "sso_session", "duration_seconds", "mfa_serial", "region"]
VALUES = [ROLE, RESERVED, *NAMES, "Environment", "EcsContainer", "corp", "123456789012", "Dev_Ops", "900", "x", " "]
SECTION = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(ENTRIES, st.sampled_from(VALUES)),
        **dict.fromkeys(SECRET_ENTRIES, st.sampled_from([SECRET, " ", {SECRET: SECRET}])),
    },
)
SECTIONS = st.dictionaries(st.sampled_from(NAMES), SECTION)


@given(profiles=SECTIONS, credentials=SECTIONS, session=SECTION, name=st.sampled_from(NAMES), named=st.booleans())
def test_it_is_always_a_plan_or_an_error_that_tells_no_secret(profiles, credentials, session, name, named):
    try:
        found = plan(config(profiles, credentials=credentials, corp=session), name, named=named)
    except CredentialError as error:
        assert type(error) in {ConfigurationError, NotConfiguredError}
        assert str(error).startswith("profile ")
        assert "c4n4ry/" not in str(error)
    else:
        assert len(found.describe()) == 1 + len(found.roles)
        assert all(role.role_arn != RESERVED for role in found.roles)
