from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from bedrock_auth import cache_files
from bedrock_auth.cache_files import Folder, folder_path, is_on
from bedrock_auth.cache_safety import UnsafeError

FILE, KEY = "name.json", "bedrock-auth.key"
posix = pytest.mark.skipif(os.name != "posix", reason="modes and owners are a POSIX promise")


@pytest.fixture
def folder(tmp_path):
    with Folder(str(tmp_path / "cache"), create=True) as opened:
        yield opened


def path_of(folder: Folder, file: str = FILE) -> Path:
    return Path(folder.file(file))


def files(path: str | Path) -> list[str]:
    return sorted(found.name for found in Path(path).iterdir())


# -------------------------------------------------------------------- reading and writing


def test_what_was_written_is_read_again_also_after_opening_the_folder_anew(folder):
    folder.write(FILE, b"content\nof two lines")
    assert folder.read(FILE) == b"content\nof two lines"
    with Folder(folder.path) as again:
        assert again.read(FILE) == b"content\nof two lines"


def test_a_file_takes_the_place_of_the_one_before(folder):
    folder.write(FILE, b"before")
    before = path_of(folder).stat().st_ino
    folder.write(FILE, b"after")
    assert folder.read(FILE) == b"after"
    assert path_of(folder).stat().st_ino != before
    assert files(folder.path) == [KEY, FILE]


def test_what_is_not_there_is_nothing(folder):
    assert folder.read(FILE) is None
    assert folder.delete(FILE) is False
    assert folder.names() == []


def test_entries_are_listed_and_deleted(folder):
    first, second = sorted((folder.name_of("one"), folder.name_of("two")))
    for file in (f"{second}.json", f"{first}.json", f"{first}.lock", "mine.json", f"{'x' * 64}.json"):
        folder.write(file, b"x")
    assert folder.names() == [first, second]
    assert folder.delete(f"{first}.json") is True
    assert folder.names() == [second]


def test_only_what_the_cache_has_made_is_ever_swept_away(folder):
    name = folder.name_of("one")
    ours = [f"{name}.json", f"{name}.lock", f".{name}.json.17.0123456789abcdef"]
    theirs = ["key", "id_ed25519", "notes.json", f"{name[1:]}.json", name.upper() + ".json", "..", KEY]
    for file in (*ours, *theirs):
        if file != "..":
            path_of(folder, file).touch()
            os.utime(path_of(folder, file), (0, 0))
    folder.write("now.json", b"x")
    folder.sweep("now.json")
    assert files(folder.path) == sorted({*theirs, "now.json"} - {".."})


def test_a_write_that_fails_leaves_nothing_behind(folder, monkeypatch):
    folder.write(FILE, b"before")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        folder.write(FILE, b"after")
    monkeypatch.undo()
    assert folder.read(FILE) == b"before"
    assert files(folder.path) == [KEY, FILE]


def test_a_replacement_that_fails_leaves_nothing_behind(folder):
    path_of(folder).mkdir()
    (path_of(folder) / "something").touch()
    with pytest.raises(OSError, match=FILE):
        folder.write(FILE, b"x")
    assert files(folder.path) == [KEY, FILE]


def test_a_folder_that_is_not_there_is_said_to_be_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        Folder(str(tmp_path / "cache"))


def test_a_folder_and_the_one_above_it_are_made_for_this_user_alone(tmp_path):
    with Folder(str(tmp_path / "a" / "b" / "cache"), create=True):
        for made in (tmp_path / "a" / "b" / "cache", tmp_path / "a" / "b"):
            assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_root_makes_nothing_in_the_home_of_another_user(tmp_path, monkeypatch):
    if os.geteuid() == 0:
        os.chown(tmp_path, 65534, 65534)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(UnsafeError, match="belongs to another user than root; use sudo -H"):
        Folder(str(tmp_path / ".cache" / "bedrock-auth"), create=True)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_root_left_behind_is_said_to_be_anothers(folder, monkeypatch):
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "supports_dir_fd", {refuse})
    own = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: own + 1)
    with pytest.raises(UnsafeError, match="belongs to another user; remove it"):
        Folder(folder.path)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux tells which descriptors are open")
def test_descriptors_are_let_go(folder):
    def use() -> None:
        with Folder(folder.path) as opened:
            opened.write("a.json", b"x")
            opened.read("a.json")
            with pytest.raises(UnsafeError):
                opened.read("folder.json")
        Path(folder.path).chmod(0o755)
        with pytest.raises(UnsafeError):
            Folder(folder.path)
        Path(folder.path).chmod(0o700)

    path_of(folder, "folder.json").mkdir()
    use()
    before = files("/proc/self/fd")
    use()
    assert len(files("/proc/self/fd")) == len(before)


def test_without_descriptors_of_folders_it_works_by_path_as_on_windows(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "supports_dir_fd", set())
    with Folder(str(tmp_path / "cache"), create=True) as folder:
        name = folder.name_of("one")
        folder.write(f"{name}.json", b"x")
        folder.sweep(f"{name}.json")
        assert folder.read(f"{name}.json") == b"x"
        assert folder.names() == [name]
        assert folder.delete(f"{name}.json") is True
    (tmp_path / "link").symlink_to(tmp_path / "cache")
    with pytest.raises(UnsafeError, match="link is no folder"):
        Folder(str(tmp_path / "link"))


# -------------------------------------------------------------------- names and the key


def test_a_name_tells_nothing_and_is_the_same_for_the_same_text(folder):
    name = folder.name_of("assume-role with c4n4ry")
    with Folder(folder.path) as again:
        assert again.name_of("assume-role with c4n4ry") == name
    assert folder.name_of("another") != name
    assert len(name) == 64
    assert "c4n4ry" not in name


def test_another_users_key_gives_other_names(folder, tmp_path):
    with Folder(str(tmp_path / "other"), create=True) as other:
        assert other.name_of("one") != folder.name_of("one")


def test_any_text_has_a_name(folder):
    assert len({folder.name_of(text) for text in ("", "\0", "\ud800", "é", "x" * 100_000)}) == 5


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_key_that_was_cut_is_replaced(content, folder):
    name = folder.name_of("one")
    path_of(folder, KEY).write_bytes(content)
    with Folder(folder.path) as again:
        assert again.name_of("one") != name
    assert len(path_of(folder, KEY).read_bytes()) == 32


def test_a_key_comes_about_without_hard_links_too(folder, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert len(folder.name_of("one")) == 64
    assert files(folder.path) == [KEY]


NAME_ONE = "import sys; from bedrock_auth.cache_files import Folder; print(Folder(sys.argv[1], create=True).name_of('one'))"


def test_processes_that_start_at_once_agree_on_one_key(tmp_path):
    command = [sys.executable, "-c", NAME_ONE, str(tmp_path / "cache")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    assert len({process.communicate(timeout=30)[0] for process in started}) == 1
    assert files(tmp_path / "cache") == [KEY]


def test_it_costs_no_heavy_import():
    script = "import sys, bedrock_auth.cache_files, bedrock_auth.cache_entry; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True, env=with_source())
    heavy = {"typing", "attr", "json", "re", "hmac", "hashlib", "datetime", "pathlib", "dataclasses", "filelock", "botocore"}
    assert heavy.isdisjoint(loaded.stdout.split())


def with_source() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(cache_files.__file__).parent.parent)}


# -------------------------------------------------------------------- what is not safe is not used


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o666, 0o777])
def test_a_file_that_is_open_to_others_is_refused(mode, folder):
    folder.write(FILE, b"x")
    path_of(folder).chmod(mode)
    with pytest.raises(UnsafeError, match=f"chmod 600 '{path_of(folder)}'"):
        folder.read(FILE)


@posix
def test_a_file_of_another_user_is_refused(folder, monkeypatch):
    folder.write(FILE, b"x")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(UnsafeError, match="name.json belongs to another user"):
        folder.read(FILE)
    with pytest.raises(UnsafeError, match="cache belongs to another user; remove it, or set BEDROCK_AUTH_CACHE_DIR"):
        Folder(folder.path)


@posix
@pytest.mark.parametrize("mode", [0o750, 0o701, 0o777])
def test_a_folder_that_others_may_enter_is_refused(mode, folder):
    Path(folder.path).chmod(mode)
    with pytest.raises(UnsafeError, match=f"chmod 700 '{folder.path}'"):
        Folder(folder.path, create=True)


@posix
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_folder_that_is_a_link_is_refused(slash, folder, tmp_path):
    (tmp_path / "link").symlink_to(folder.path)
    path = folder_path({"BEDROCK_AUTH_CACHE_DIR": f"{tmp_path}/link{slash}"})
    with pytest.raises(UnsafeError, match="is a link"):
        Folder(path, create=True)


@posix
def test_a_link_in_place_of_a_file_is_neither_read_nor_written_through(folder, tmp_path):
    folder.write("elsewhere.json", b"x")
    target = tmp_path / "target"
    shutil.copy(path_of(folder, "elsewhere.json"), target)
    target.chmod(0o600)
    path_of(folder).symlink_to(target)
    before = target.read_bytes()
    with pytest.raises(UnsafeError, match="name.json is a link"):
        folder.read(FILE)
    folder.write(FILE, b"new")
    assert target.read_bytes() == before
    assert folder.read(FILE) == b"new"


@posix
def test_a_pipe_or_folder_in_place_of_a_file_is_refused_at_once(folder):
    os.mkfifo(folder.file(FILE), 0o600)
    path_of(folder, "folder.json").mkdir(0o700)
    for file in (FILE, "folder.json"):
        with pytest.raises(UnsafeError, match="is no regular file"):
            folder.read(file)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "cache").touch(0o600)
    with pytest.raises(UnsafeError, match="cache is a link, or not what it should be"):
        Folder(str(tmp_path / "cache"), create=True)


def test_more_than_any_entry_has_is_not_read(folder):
    folder.write(FILE, b"x" * (cache_files.MAX_BYTES + 1))
    assert folder.read(FILE) is None


def test_a_file_under_another_name_is_none(folder):
    folder.write(FILE, b"x")
    os.link(folder.file(FILE), folder.file("linked.json"))
    shutil.copy(path_of(folder), path_of(folder, "copied.json"))
    assert folder.read("linked.json") is None
    assert folder.read("copied.json") is None
    assert folder.read(FILE) == b"x"


def test_a_file_that_was_made_with_another_key_is_none(folder):
    folder.write(FILE, b"x")
    path_of(folder, KEY).write_bytes(bytes(32))
    with Folder(folder.path) as again:
        assert again.read(FILE) is None
    path_of(folder, KEY).unlink()
    with Folder(folder.path) as again:
        assert again.read(FILE) is None


def test_nothing_but_the_very_bytes_that_were_written_is_ever_read(folder):
    folder.write(FILE, b"content\nof two lines")
    written = path_of(folder).read_bytes()
    places = st.integers(0, len(written))

    @settings(max_examples=300, deadline=None)
    @given(
        st.one_of(
            st.binary(max_size=200),
            places.map(lambda end: written[:end]),
            places.map(lambda start: written[start:]),
            st.builds(lambda at, more: written[:at] + more + written[at:], places, st.binary(max_size=3)),
            st.builds(lambda at, other: written[:at] + other + written[at + len(other) :], places, st.binary(max_size=3)),
        )
    )
    def check(changed: bytes) -> None:
        path_of(folder).write_bytes(changed)
        assert folder.read(FILE) == (b"content\nof two lines" if changed == written else None)

    check()


# -------------------------------------------------------------------- where the folder is


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({}, None),
        ({"HOME": "/home/me"}, "/home/me/.cache/bedrock-auth"),
        ({"HOME": "/home/me", "XDG_CACHE_HOME": "/var/me"}, "/var/me/bedrock-auth"),
        ({"HOME": "/home/me", "XDG_CACHE_HOME": "relative"}, "/home/me/.cache/bedrock-auth"),
        ({"XDG_CACHE_HOME": "relative"}, None),
        ({"HOME": "/home/me", "BEDROCK_AUTH_CACHE_DIR": "/mine"}, "/mine"),
        ({"HOME": "/home/me", "BEDROCK_AUTH_CACHE_DIR": " /mine// "}, "/mine"),
        ({"HOME": "/home/me", "BEDROCK_AUTH_CACHE_DIR": "~/mine"}, "/home/me/mine"),
        ({"BEDROCK_AUTH_CACHE_DIR": "~/mine"}, None),
        ({"HOME": "/home/me", "BEDROCK_AUTH_CACHE_DIR": "mine"}, None),
        ({"HOME": "/home/me", "BEDROCK_AUTH_CACHE_DIR": "  "}, "/home/me/.cache/bedrock-auth"),
        ({"HOME": "relative"}, None),
        ({"HOME": "/home/me", "BEDROCK_AUTH_CACHE_DIR": "/"}, None),
    ],
)
@posix
def test_where_the_folder_is(environ, path):
    assert folder_path(environ) == path


def test_the_switch():
    assert [is_on({"BEDROCK_AUTH_CACHE": value}) for value in ("off", "0", "FALSE", " no ")] == [False] * 4
    assert is_on({})
    assert is_on({"BEDROCK_AUTH_CACHE": "on"})
