"""``bedrock-auth cache``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bedrock_auth import cache_files
from bedrock_auth.cli import main
from support.commands import vended
from support.endpoint import Endpoint


@pytest.fixture
def cached(capsys):
    """Two cached sets."""
    for number in (1, 2):
        with Endpoint(vended(number)) as vending:
            assert main(["credential-process", "--vending-url", vending.url]) == 0
    capsys.readouterr()
    return Path(os.environ["HOME"], ".cache", "bedrock-auth")


@pytest.fixture
def cache(capsys):
    """Run it; what it printed for programs, and for people."""

    def cache(*arguments, status=0):
        assert main(["cache", *arguments]) == status
        shown = capsys.readouterr()
        return (json.loads(shown.out) if shown.out else None), shown.err

    return cache


def put_foreign_files(folder):
    """What is none of the cache's business: notes, a key of somebody's, a folder and a link."""
    (folder / "notes.json").write_text("{}", encoding="utf-8")
    (folder / "id_rsa").write_text("key", encoding="utf-8")
    (folder / ("0" * 64)).mkdir()
    (folder / f"{'1' * 64}.json").symlink_to(folder / "notes.json")
    (folder / f"{'2' * 64}.json").write_text('{"Version": 1}', encoding="utf-8")
    (folder / f"{'3' * 64}.json").mkdir()


def test_the_list_tells_whose_keys_they_are_and_no_key(cached, cache):
    shown, _ = cache("list")
    assert shown["folder"] == str(cached)
    assert sorted(entry["access_key_id"] for entry in shown["entries"]) == ["…0001", "…0002"]
    for entry in shown["entries"]:
        assert entry["source"].startswith("http-vending http://127.0.0.1:")
        assert entry["fresh"] is True
        assert 3500 < entry["remaining"] <= 3600
        assert entry["bytes"] > 100
        assert (cached / f"{entry['name']}.json").exists()
    assert "secret" not in json.dumps(shown)
    assert "token" not in json.dumps(shown)
    assert "ASIA" not in json.dumps(shown)


def test_what_is_no_entry_is_told_or_left_out(cached, cache):
    put_foreign_files(cached)
    shown, _ = cache("list")
    problems = {
        entry["name"][0]: entry["problem"] for entry in shown["entries"] if "problem" in entry and len(set(entry["name"])) == 1
    }
    assert set(problems) == {"1", "2", "3"}
    assert len(shown["entries"]) == 5


def test_clear_removes_every_set_and_nothing_else(cached, cache):
    put_foreign_files(cached)
    shown, told = cache("clear")
    assert len(shown["cleared"]) == 4
    assert told == "4 cached sets of keys removed\n"
    left = {path.name for path in cached.iterdir() if not path.name.endswith(cache_files.LOCK)}
    assert left == {"notes.json", "id_rsa", "0" * 64, f"{'3' * 64}.json", cache_files.KEY}
    assert (cached / "notes.json").read_text(encoding="utf-8") == "{}"


def test_clear_removes_one_set_by_how_its_name_begins(cached, cache):
    name = cache("list")[0]["entries"][0]["name"]
    assert cache("clear", name[:10])[0]["cleared"] == [name]
    assert len(cache("list")[0]["entries"]) == 1


@pytest.mark.parametrize("name", ["", "ab", "../../etc", "f" * 64, "*", "[0-9]", "key"])
def test_a_name_that_is_not_one_entrys_clears_nothing(cached, cache, name):
    _, told = cache("clear", name, status=2)
    assert "0 entries" in told
    assert len(cache("list")[0]["entries"]) == 2


def test_keys_are_asked_for_again_after_clear(cache, capsys):
    with Endpoint(vended(1), vended(2)) as vending:
        ask = ["credential-process", "--vending-url", vending.url]
        assert main(ask) == main(ask) == 0
        capsys.readouterr()
        cache("clear")
        assert main(ask) == 0
        assert json.loads(capsys.readouterr().out)["AccessKeyId"][-1] == "2"


def test_without_a_folder_there_is_nothing_to_list_or_clear(cache):
    assert cache("list")[0] == {"folder": None, "entries": []}
    assert cache("clear")[0] == {"folder": None, "cleared": []}
    assert not Path(os.environ["HOME"], ".cache").exists()


def test_a_folder_that_is_not_safe_is_refused(cached, cache):
    cached.chmod(0o755)
    assert "open to other users" in cache("list", status=2)[1]
    assert "open to other users" in cache("clear", status=2)[1]
    cached.chmod(0o700)
    assert len(cache("list")[0]["entries"]) == 2


def test_no_home_is_an_error_that_says_what_to_set(cache, monkeypatch):
    monkeypatch.delenv("HOME")
    assert "BEDROCK_AUTH_CACHE_DIR" in cache("list", status=2)[1]
