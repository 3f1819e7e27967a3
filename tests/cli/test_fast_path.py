"""The answer from the cache that loads nothing, and everything that must keep it from answering."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from bedrock_auth import Host, cache_files
from bedrock_auth.cli import fast_path, main
from bedrock_auth.cli.fast_path import SHORTCUT
from bedrock_auth.cli.options import add_provider_options, settings_from
from bedrock_auth.disk_cache import DiskCache
from support.commands import vended
from support.endpoint import Endpoint

ROLE = "arn:aws:iam::123456789012:role/Bedrock"
PROFILE = f"[profile p]\nrole_arn = {ROLE}\ncredential_source = Environment\nregion = us-east-1\n"


@pytest.fixture
def vending():
    with Endpoint(vended(1), vended(2)) as endpoint:
        yield endpoint


@pytest.fixture
def known(vending, capsys):
    """Arguments that have been asked with once, and what was printed."""
    arguments = ["--vending-url", vending.url]
    assert main(["credential-process", *arguments]) == 0
    return arguments, capsys.readouterr().out


def the_file(ending):
    (path,) = Path(os.environ["HOME"], ".cache", "bedrock-auth").glob(f"*{ending}")
    return path


def test_it_prints_what_the_long_way_prints(known):
    arguments, printed = known
    assert fast_path.answer(arguments) == printed


def test_it_loads_neither_json_nor_argparse_nor_anything_that_is_not_pythons_own(known):
    arguments, printed = known
    script = "import sys; from bedrock_auth.cli import main; status = main(sys.argv[1:]); sys.stderr.write(' '.join(sys.modules))"
    command = [sys.executable, "-c", script, "credential-process", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout == printed
    loaded = {name.partition(".")[0] for name in ran.stderr.split()}
    assert not loaded & {
        "attr",
        "attrs",
        "boto3",
        "botocore",
        "filelock",
        "json",
        "re",
        "argparse",
        "typing",
        "pathlib",
        "asyncio",
    }
    ours = {name for name in ran.stderr.split() if name.startswith("bedrock_auth.")}
    assert ours == {
        "bedrock_auth._exports",
        "bedrock_auth.cache_entry",
        "bedrock_auth.cache_files",
        "bedrock_auth.cache_safety",
        "bedrock_auth.cli",
        "bedrock_auth.cli.fast_path",
    }


@pytest.mark.parametrize("more", [["--refresh"], ["--check-expiration"], ["--help"], ["--region", "eu-west-1"]], ids=" ".join)
def test_other_arguments_go_the_long_way(known, more):
    arguments, _ = known
    assert fast_path.answer([*arguments, *more]) is None
    assert fast_path.answer([*more, *arguments]) is None


def test_arguments_that_only_look_alike_when_joined_go_the_long_way(known):
    arguments, _ = known
    assert fast_path.answer(["\0".join(arguments)]) is None


@pytest.mark.parametrize(
    "name",
    ["AWS_PROFILE", "AWS_GET_TEMP_CREDS_API_KEY", "AWS_ANYTHING", "BEDROCK_AUTH_ANYTHING", "HOME", "USER", "XDG_CACHE_HOME"],
)
def test_another_environment_goes_the_long_way(known, monkeypatch, name):
    arguments, _ = known
    monkeypatch.setenv(name, "/changed")
    assert fast_path.answer(arguments) is None


class Watched(dict):
    """Variables, and which of them were asked for."""

    def __init__(self, variables):
        super().__init__(variables)
        self.asked = set()

    def get(self, name, default=None):
        self.asked.add(name)
        return super().get(name, default)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--profile", "p"],
        ["--source", "container"],
        ["--source", "instance-metadata"],
        ["--role-arn", ROLE],
        ["--role-arn", ROLE, "--web-identity-token-file", "/token"],
        ["--identity-pool-id", "eu-west-1:00000000-0000-0000-0000-000000000000"],
        ["--vending-url", "https://v.example"],
    ],
    ids=" ".join,
)
def test_every_variable_that_the_long_way_asks_for_is_one_that_counts_here(options, tmp_path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(PROFILE, encoding="utf-8")
    environ = Watched({"HOME": str(tmp_path)})
    parser = argparse.ArgumentParser()
    add_provider_options(parser)
    settings = settings_from(parser.parse_args(options), Host.isolated(environ))
    assert DiskCache(settings.provider).entry() is not None
    assert len(environ.asked) > 2
    assert {name for name in environ.asked if not name.startswith(fast_path._PREFIXES)} <= fast_path._NAMES


def test_a_variable_that_decides_nothing_changes_nothing(known, monkeypatch):
    arguments, printed = known
    monkeypatch.setenv("TERM", "other")
    monkeypatch.setenv("EDITOR", "other")
    assert fast_path.answer(arguments) == printed


def test_with_the_cache_off_there_is_no_answer(known, monkeypatch):
    arguments, _ = known
    monkeypatch.setenv("BEDROCK_AUTH_CACHE", "off")
    assert fast_path.answer(arguments) is None


def test_another_version_of_this_library_asks_anew(known, monkeypatch):
    arguments, _ = known
    monkeypatch.setattr(fast_path, "__version__", "9.9.9")
    assert fast_path.answer(arguments) is None


@pytest.mark.parametrize("passed", [2700, 3599, 3601, 10**7, -3600], ids="after {} seconds".format)
def test_a_set_that_is_not_fresh_is_no_answer(known, passed):
    arguments, printed = known
    assert fast_path._answer(arguments, os.environ, time.time() + passed) is None
    assert fast_path._answer(arguments, os.environ, time.time() + 2500) == printed


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
@pytest.mark.parametrize("ending", [SHORTCUT, cache_files.ENTRY])
def test_a_file_that_others_may_read_is_no_answer(known, ending, mode):
    arguments, _ = known
    the_file(ending).chmod(mode)
    assert fast_path.answer(arguments) is None


def test_a_folder_that_others_may_enter_is_no_answer(known):
    arguments, _ = known
    the_file(SHORTCUT).parent.chmod(0o750)
    assert fast_path.answer(arguments) is None


@pytest.mark.parametrize("ending", [SHORTCUT, cache_files.ENTRY, cache_files.KEY])
def test_a_link_is_no_answer(known, ending, tmp_path):
    arguments, _ = known
    path = the_file(ending)
    elsewhere = path.rename(tmp_path / "elsewhere")
    path.symlink_to(elsewhere)
    assert fast_path.answer(arguments) is None


def test_an_entry_under_another_name_is_no_answer(known, vending, capsys):
    arguments, _ = known
    mine = the_file(cache_files.ENTRY)
    assert main(["credential-process", *arguments, "--region=eu-west-1", "--role-session-name=x"]) == 2  # nothing is kept of it
    kept = mine.read_bytes()
    other = mine.with_name("0" * 64 + cache_files.ENTRY)
    other.write_bytes(kept)
    with cache_files.Folder(str(mine.parent)) as folder:
        shortcut = the_file(SHORTCUT).name
        folder.write(shortcut, b"0" * 64)
    other.chmod(0o600)
    assert fast_path.answer(arguments) is None


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([SHORTCUT, cache_files.ENTRY]), st.data())
def test_whatever_happened_to_a_file_there_is_the_right_answer_or_none(known, ending, data):
    arguments, printed = known
    path = the_file(ending)
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content)), label="at")
    cut = data.draw(st.integers(0, 5), label="cut")
    try:
        path.write_bytes(content[:at] + data.draw(st.binary(max_size=5), label="instead") + content[at + cut :])
        changed = path.read_bytes() != content
        assert fast_path.answer(arguments) == (None if changed else printed)
    finally:
        path.write_bytes(content)


def test_a_set_that_another_process_has_renewed_is_found(known, capsys):
    arguments, printed = known
    assert main(["credential-process", *arguments, "--refresh"]) == 0
    renewed = capsys.readouterr().out
    assert renewed != printed
    assert fast_path.answer(arguments) == renewed


def test_an_entry_that_is_gone_is_no_answer(known):
    arguments, _ = known
    the_file(cache_files.ENTRY).unlink()
    assert fast_path.answer(arguments) is None


# -------------------------------------------------------------------------------- files that decide


@pytest.fixture
def profile(moto, monkeypatch, capsys):
    """A config file whose profile's keys have been asked for once."""
    for name, value in {
        "AWS_ENDPOINT_URL": moto,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI",
    }.items():
        monkeypatch.setenv(name, value)
    path = Path(os.environ["HOME"], ".aws", "config")
    path.parent.mkdir()
    path.write_text(PROFILE, encoding="utf-8")
    assert main(["credential-process", "--profile", "p"]) == 0
    capsys.readouterr()
    assert fast_path.answer(["--profile", "p"]) is not None
    return path


def rewrite(path):
    """Other content of the same length, and the old time."""
    before = path.stat()
    path.write_text(PROFILE.replace("Bedrock", "Another"), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        rewrite,
        Path.unlink,
        lambda path: path.with_name("credentials").write_text("[p]\nrole_arn = x\n", encoding="utf-8"),
        lambda path: path.write_text(PROFILE + "# c\n", encoding="utf-8"),
    ],
    ids=["rewritten", "removed", "another file", "longer"],
)
def test_a_changed_file_goes_the_long_way(profile, change):
    change(profile)
    assert fast_path.answer(["--profile", "p"]) is None


def test_a_profile_that_now_means_another_role_gives_the_other_roles_keys(profile, capsys):
    first = fast_path.answer(["--profile", "p"])
    rewrite(profile)
    assert main(["credential-process", "--profile", "p"]) == 0
    second = capsys.readouterr().out
    assert second != first
    assert fast_path.answer(["--profile", "p"]) == second


def test_keys_of_a_program_are_cached_but_found_the_long_way_only(tmp_path, capsys):
    program = tmp_path / "keys.py"
    program.write_text(f"print({vended().body.decode()!r})\nopen({str(tmp_path / 'ran')!r}, 'a').write('x')\n", encoding="utf-8")
    path = Path(os.environ["HOME"], ".aws", "config")
    path.parent.mkdir()
    path.write_text(f"[profile p]\ncredential_process = {sys.executable} {program}\n", encoding="utf-8")
    for _ in range(2):
        assert main(["credential-process", "--profile", "p"]) == 0
    assert (tmp_path / "ran").read_text(encoding="utf-8") == "x"
    assert fast_path.answer(["--profile", "p"]) is None


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems take UTF-8 only")
def test_a_path_that_is_no_utf_8_is_a_path(profile, monkeypatch, capsys):
    odd = os.fsdecode(os.fsencode(profile.parent) + b"/conf\xffig")
    Path(odd).write_text(PROFILE, encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", odd)
    assert main(["credential-process", "--profile", "p"]) == 0
    assert fast_path.answer(["--profile", "p"]) == capsys.readouterr().out
    Path(odd).write_text(PROFILE + "# c\n", encoding="utf-8")
    assert fast_path.answer(["--profile", "p"]) is None
