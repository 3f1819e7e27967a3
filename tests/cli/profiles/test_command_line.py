"""Provider options as arguments, and arguments as one line, and back."""

from __future__ import annotations

import argparse
import re
import subprocess

import pytest
from botocore.compat import compat_shell_split
from hypothesis import example, given, settings, strategies as st

from bedrock_auth.cli.options import add_provider_options
from bedrock_auth.cli.profiles.command_line import as_arguments, as_text, provider_arguments
from bedrock_auth.errors import ConfigurationError

TEXT = st.text(st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" '\"#;$%\\`&|<>!"), max_size=12)
CHOICES = {"source": ["default", "environment"], "cognito_flow": ["enhanced", "classic"]}
PATHS = {"vending_key_file", "web_identity_token_file"}


def parsed(arguments):
    parser = argparse.ArgumentParser()
    add_provider_options(parser)
    return parser.parse_args(arguments)


def values(name):
    if name in CHOICES:
        return st.sampled_from(CHOICES[name])
    if name in PATHS:
        return TEXT.map("/keys/a{}".format)
    return st.integers(-10, 100_000) if name == "duration_seconds" else TEXT.filter(str.strip)


OPTIONS = st.fixed_dictionaries({}, optional={name: values(name) for name in vars(parsed([]))})


@given(OPTIONS)
def test_every_provider_option_survives_the_way_through_a_command_line(given_options):
    options = argparse.Namespace(**{**vars(parsed([])), **given_options})
    again = parsed(as_arguments(as_text(provider_arguments(options))))
    assert vars(again) == vars(options) | {name: abspath(vars(options)[name]) for name in PATHS}


def abspath(path):
    return path and re.sub("/+$", "", re.sub("/{2,}", "/", path))


@given(st.lists(TEXT))
@example(["a #b", "c ;d", " #", "# #"])
def test_a_line_comes_apart_into_the_same_arguments_and_no_reader_sees_a_comment_in_it(arguments):
    line = as_text(arguments)
    assert compat_shell_split(line) == arguments
    assert not re.search(r"\s[#;]", line)


@settings(max_examples=15)
@given(st.lists(TEXT.filter(bool), min_size=1))
@example(["$HOME", "`id`", "a'b\"c", "%PATH%", "a #b", "!x", "~"])
def test_a_shell_takes_the_line_apart_into_the_same_arguments(arguments):
    said = subprocess.run(["sh", "-c", f"printf '%s\\n' {as_text(arguments)}"], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == arguments


@pytest.mark.parametrize("wrong", ["a\nb", "a\tb", "a\x00", "a\u2028b"])
def test_what_no_config_file_can_hold_is_refused(wrong):
    with pytest.raises(ConfigurationError, match="config file"):
        as_text(["--profile=" + wrong])


def test_an_open_quote_is_no_command_line():
    assert as_arguments("python 'x") == []


def test_files_are_found_from_any_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    options = parsed(["--vending-url", "https://v.example", "--vending-key-file", "key"])
    assert provider_arguments(options) == ["--vending-url=https://v.example", f"--vending-key-file={tmp_path}/key"]
