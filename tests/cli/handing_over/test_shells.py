"""Variables as text: what a shell or a reader of a file makes of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from bedrock_auth import ConfigurationError
from bedrock_auth.cli.handing_over.shells import SHELLS, render

VALUES = st.text(st.characters(codec="utf-8"), max_size=30).filter(str.isprintable)
ODD = """a'b"c\\d$e`f!g#h;i&j|k*l?m~n%o^p(q)r{s}t<u>v [w] =x, \u2018\u2019"""
SHOW = f"{sys.executable} -c 'import json, os; print(json.dumps(dict(os.environ)))'"
DECOYS = {"AWS_PROFILE": "decoy", "AWS_BEARER_TOKEN_BEDROCK": "decoy"}
COMMANDS = {
    "env": [("sh", "-c"), ("bash", "-c"), ("dash", "-c"), ("zsh", "-c")],
    "fish": [("fish", "-c")],
    "powershell": [("pwsh", "-NoProfile", "-Command")],
}
INSTALLED = [(shell, command) for shell, commands in COMMANDS.items() for command in commands if shutil.which(command[0])]


def environment_after(shell, command, values, unset):
    show = SHOW if shell != "powershell" else f"& {SHOW}"
    script = render(shell, values, unset) + show
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONUTF8": "1", **DECOYS}
    ran = subprocess.run([*command, script], env=environ, capture_output=True, check=True, timeout=60)
    assert ran.stderr == b""
    return json.loads(ran.stdout)


@pytest.mark.parametrize(("shell", "command"), INSTALLED, ids=[command[0] for _, command in INSTALLED])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=VALUES, second=VALUES)
def test_a_real_shell_sets_exactly_these_values_and_unsets_what_it_should(shell, command, first, second):
    after = environment_after(
        shell, command, {"AWS_ONE": first, "AWS_TWO": second, "AWS_THREE": ODD}, ("AWS_PROFILE", "AWS_NONE")
    )
    assert (after["AWS_ONE"], after["AWS_TWO"], after["AWS_THREE"]) == (first, second, ODD)
    assert "AWS_PROFILE" not in after
    assert after["AWS_BEARER_TOKEN_BEDROCK"] == "decoy"


def unquoted(text, quotes, escapes):
    """What is between the quotes, read by the rules of a shell that is perhaps not installed; nothing may end it early."""
    assert text[0] == text[-1] == "'"
    found, rest = "", text[1:-1]
    while rest:
        escape = next((escape for escape in escapes if rest.startswith(escape)), None)
        if escape is None:
            assert rest[0] not in quotes, "the text would end here"
            found, rest = found + rest[0], rest[1:]
        else:
            found, rest = found + escapes[escape], rest[len(escape) :]
    return found


@given(VALUES)
def test_fish_reads_the_same_value_by_its_rules(value):
    line = render("fish", {"NAME": value}).removesuffix("\n")
    assert line.startswith("set -gx NAME '")
    assert unquoted(line.removeprefix("set -gx NAME "), "'\\", {"\\\\": "\\", "\\'": "'"}) == value


@given(st.text("'\u2018\u2019\u201a\u201b\\$`\"ab ", max_size=20))
def test_powershell_reads_the_same_value_by_its_rules_typographic_quotes_included(value):
    line = render("powershell", {"NAME": value}).removesuffix("\n")
    quotes = "'\u2018\u2019\u201a\u201b"
    assert unquoted(line.removeprefix("$env:NAME = "), quotes, {quote * 2: quote for quote in quotes}) == value


@given(VALUES)
def test_a_docker_file_has_the_value_as_it_is(value):
    assert render("docker", {"NAME": value}, ("AWS_PROFILE",)) == f"NAME={value}\n"


@given(VALUES)
def test_a_dotenv_value_stands_as_it_is_or_in_quotes_that_it_cannot_end(value):
    try:
        line = render("dotenv", {"NAME": value})
    except ConfigurationError as error:
        assert error.setting == "NAME"
        assert "'" in value or "\\" in value
        return
    text = line.removeprefix("NAME=").removesuffix("\n")
    assert text in {value, f"'{value}'"}
    assert text == f"'{value}'" or not set(value) & set(" '\"\\#$`")


@pytest.mark.parametrize("shell", sorted(SHELLS))
@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b", "\x1b[31m", "a\u2028b"])
def test_more_than_one_line_is_refused_without_showing_it(shell, value):
    with pytest.raises(ConfigurationError, match="NAME is not one line of text") as refused:
        render(shell, {"NAME": value})
    assert value not in str(refused.value)


@pytest.mark.parametrize("shell", sorted(SHELLS))
@pytest.mark.parametrize("name", ["A-B", "A;rm", "", "1A", "A B", "Ä"])
def test_a_name_that_is_no_variables_is_refused(shell, name):
    with pytest.raises(ConfigurationError, match="cannot be the name of a variable"):
        render(shell, {"OK": "x"}, (name,))
