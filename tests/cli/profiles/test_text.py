"""Config files of any kind with a profile of ours put in and taken out."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from botocore.configloader import load_config
from botocore.exceptions import ConfigParseError
from hypothesis import assume, example, given, settings, strategies as st

from bedrock_auth.cli.profiles.command_line import as_arguments, as_text
from bedrock_auth.cli.profiles.text import MARK, MODULE, checked_name, is_ours, with_profile, without_profile
from bedrock_auth.errors import ConfigurationError

REGION = "eu-west-1"
ARGUMENTS = ["/opt/my venv/bin/python", "-I", *MODULE, "--role-arn=a %b 'c' \"d\" #e é", f"--region={REGION}"]
COMMAND = as_text(ARGUMENTS)
OTHER = as_text([*ARGUMENTS, "--external-id=x"])

END = st.sampled_from(["\n", "\n", "\r\n", "\r"])
WORDS = st.text(st.sampled_from("abü %$'\"=:#;[]\\~"), max_size=10)
HEADERS = [
    "[default]",
    "[profile x]",
    '[profile  "two words"] # why',
    "  [profile y]",
    "[x]",
    "[DEFAULT]",
    "[sso-session s]",
    "[profile 'y z']",
    "[profile default]",
]
NAMES = ["region", "output", "s3", "Aws_Account_Id", "ü", "%"]
INDENT = st.sampled_from(["", "", "   ", "\t"])
REMARK = st.one_of(st.just(""), st.just("  "), st.builds("{}{} {}".format, INDENT, st.sampled_from("#;"), WORDS))
ENTRY = st.builds(
    lambda indent, delimiter, value, more: [f"{indent}{{}} {delimiter} {value}", *(f"{indent}    {one}" for one in more)],
    INDENT,
    st.sampled_from("=:"),
    WORDS,
    st.lists(st.builds("{} = {}".format, st.sampled_from(NAMES), WORDS) | REMARK, max_size=2),
)


@st.composite
def texts(draw):
    """A config file: sections with entries of any look, and comments and empty lines anywhere."""
    lines = draw(st.lists(REMARK, max_size=2))
    for header in draw(st.lists(st.sampled_from(HEADERS), max_size=4, unique=True)):
        lines.append(header)
        for name in draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True)):
            lines += draw(st.lists(REMARK, max_size=1))
            lines += [line.replace("{}", name) for line in draw(ENTRY)]
        lines += draw(st.lists(REMARK, max_size=2))
    end = draw(END)
    ends = [draw(END) if draw(st.integers(0, 9)) == 0 else end for _ in lines]
    if lines and draw(st.booleans()):
        ends[-1] = ""
    return "".join(line + end for line, end in zip(lines, ends, strict=True))


TEXTS = texts()


def read(text):
    """What botocore reads in a file of this text."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "config")
        path.write_bytes(text.encode())
        loaded = load_config(str(path))
        profiles = loaded.pop("profiles")
        return loaded, profiles


@settings(max_examples=60)
@given(TEXTS, st.sampled_from(["x", "default", "two words", "new"]), st.sampled_from([None, REGION]))
@example("[profile x]\n   region = eu\n   output = json\n", "x", None)
@example("[profile x]\n   # c\n   s3 =\n      a = b", "x", REGION)
@example("[profile x]", "x", REGION)
@example("[profile x]\n\noutput = json\r", "x", REGION)
@example("", "new", REGION)
@example("# only a comment", "new", REGION)
@example("[DEFAULT]\nregion = eu-west-1\n", "new", REGION)
def test_what_was_put_in_is_read_by_botocore_and_can_be_taken_out_without_a_trace(text, profile, region):
    try:
        others, profiles = read(text)
        done = with_profile(text, "config", profile, COMMAND, region)
        others_after, profiles_after = read(done)
    except (ConfigParseError, ConfigurationError):  # refused, since botocore cannot read it before, or could not afterwards
        assume(False)
        raise
    assert with_profile(done, "config", profile, COMMAND, region) == done
    assert others_after == others
    found = profiles_after.pop(profile)
    assert as_arguments(found["credential_process"]) == ARGUMENTS
    assert region is None or found["region"] == region
    before = profiles.pop(profile, {})
    assert {name: value for name, value in found.items() if name in before and name != "credential_process"} == {
        name: value for name, value in before.items() if name != "credential_process"
    }
    assert profiles_after == profiles
    if "credential_process" not in before:
        assert without_profile(done, "config", profile) == text
        assert without_profile(with_profile(done, "config", profile, OTHER, region), "config", profile) == text


@given(TEXTS, st.sampled_from(["x", "default", "new"]))
def test_where_nothing_of_ours_is_there_is_nothing_to_take_out(text, profile):
    try:
        taken_out = without_profile(text, "config", profile)
    except ConfigurationError:
        assume(False)
        raise
    assert taken_out == text


def test_a_new_profile_is_added_at_the_end_and_says_who_made_it():
    text = "[default]\nregion = us-east-1\n"
    assert with_profile(text, "config", "my dev", "c", REGION) == (
        f'{text}\n[profile "my dev"]\n{MARK}\nregion = {REGION}\ncredential_process = c\n'
    )


def test_the_default_profile_has_a_header_of_its_own():
    assert with_profile("", "config", "default", "c", None) == f"[default]\n{MARK}\ncredential_process = c\n"


def test_an_existing_profile_gets_one_line_indented_as_its_others_are():
    text = "; mine\r\n[profile x] \r\n  # where\r\n  region = us-east-1\r\n"
    assert with_profile(text, "config", "x", "c", "us-east-1") == (
        "; mine\r\n[profile x] \r\n  credential_process = c\r\n  # where\r\n  region = us-east-1\r\n"
    )


def test_another_command_takes_the_place_of_the_old_one():
    text = with_profile("[profile x]\nregion = us-east-1\n", "config", "x", COMMAND, None)
    assert with_profile(text, "config", "x", OTHER, None) == text.replace(COMMAND, OTHER)


def test_our_region_goes_when_the_new_command_has_none():
    text = with_profile("[profile a]\n", "config", "x", COMMAND, REGION)
    assert f"region = {REGION}\n" in text
    assert f"region = {REGION}\n" not in with_profile(text, "config", "x", OTHER, None)


def test_a_region_that_somebody_else_set_is_not_overruled():
    with pytest.raises(ConfigurationError, match="has the region us-east-1"):
        with_profile("[profile x]\nregion = us-east-1\n", "config", "x", COMMAND, REGION)


def test_a_section_that_somebody_has_added_to_stays_with_what_was_added():
    text = with_profile("", "config", "x", COMMAND, REGION) + "# mine\noutput = json\n"
    assert without_profile(text, "config", "x") == "[profile x]\n# mine\noutput = json\n"


def test_comments_stay_when_the_section_goes():
    text = with_profile("", "config", "x", COMMAND, None) + "# the next one\n[profile y]\nregion = a\n"
    assert without_profile(text, "config", "x") == "# the next one\n[profile y]\nregion = a\n"


def test_an_empty_section_that_was_there_before_stays():
    text = with_profile("[profile x]\n", "config", "x", COMMAND, REGION)
    assert without_profile(text, "config", "x") == "[profile x]\n"


def test_a_command_of_somebody_else_is_not_taken_out():
    text = "[profile x]\ncredential_process = /bin/helper -m other\n"
    assert without_profile(text, "config", "x") == text


def test_a_default_that_came_later_is_no_obstacle():
    text = with_profile("", "config", "x", COMMAND, REGION) + "[DEFAULT]\nregion = us-east-1\n"
    assert without_profile(text, "config", "x") == "[DEFAULT]\nregion = us-east-1\n"


def test_a_command_that_somebody_has_continued_on_the_next_line_is_not_ours_any_more():
    text = with_profile("", "config", "x", COMMAND, None) + "   --external-id=x\n"
    assert without_profile(text, "config", "x") == text
    with pytest.raises(ConfigurationError, match="credential_process"):
        with_profile(text, "config", "x", COMMAND, None)


@pytest.mark.parametrize("text", ["[profile x]\n[profile x]\n", "key = value\n", "[profile x\n", "[a]\nwhat\n"])
def test_a_file_that_botocore_cannot_read_is_refused(text):
    with pytest.raises(ConfigurationError, match=r"^config cannot be parsed \(line \d"):
        with_profile(text, "config", "x", COMMAND, None)


def test_the_refusal_shows_nothing_of_the_file():
    with pytest.raises(ConfigurationError) as refused:
        with_profile("[a]\naws_secret_access_key wJalrXUtnFEMI\n", "config", "x", COMMAND, None)
    assert "wJalr" not in str(refused.value)
    assert "wJalr" not in repr(refused.value.__cause__)


def test_two_sections_for_one_profile_are_refused():
    with pytest.raises(ConfigurationError, match="both the profile default"):
        with_profile("[default]\n[profile default]\n", "config", "default", COMMAND, None)


@pytest.mark.parametrize("name", ["x", "a.b@c+d%e/f-g:h_1", "two words"])
def test_names_that_aws_tools_take(name):
    assert checked_name(name) == name


@pytest.mark.parametrize("name", ["", " x", "x ", "a]b", "a\nb", "ü", "a'b", 'a"b', "a\\b", "a#b", "a;b", "[a"])
def test_names_that_they_do_not_take(name):
    with pytest.raises(ConfigurationError, match="profile name"):
        checked_name(name)


@pytest.mark.parametrize(
    ("command", "ours"),
    [
        (COMMAND, True),
        ("/v/python -m bedrock_auth.cli credential-process", True),
        ("/v/python -m bedrock_auth.cli export", False),
        ("/v/other -m bedrock_auth 'x", False),
        ("echo '-m bedrock_auth.cli credential-process'", False),
        (None, False),
    ],
)
def test_our_own_command_line_is_known(command, ours):
    assert is_ours(command) is ours
