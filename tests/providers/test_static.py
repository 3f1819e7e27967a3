from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

import pytest

from bedrock_auth.contracts import traits
from bedrock_auth.errors import ConfigurationError
from bedrock_auth.providers.static import Static, StaticFiles
from providers.conformance import KEY_ID, SECRET, TOKEN, Conformance, leaks


class TestConformance(Conformance):
    kind = "static"
    exempt: ClassVar = {
        "absent": "the keys are arguments",
        "refused": "nobody is asked",
        "unreachable": "nobody is asked",
        "malformed": "what is not text is refused when it is constructed",
        "oversized": "nothing is read",
        "expired": "the keys have no expiration",
    }

    def make(self, **settings):
        return Static(KEY_ID, SECRET, TOKEN, **settings)

    def other(self):
        return Static(KEY_ID, SECRET)

    def misconfigured(self):
        Static(KEY_ID, f"{SECRET}\n{SECRET}")


@pytest.mark.parametrize("nothing", [None, "", " \t"])
def test_an_empty_token_is_none(nothing):
    assert Static(KEY_ID, SECRET, nothing).session_token is None
    assert Static(KEY_ID, SECRET, nothing) == Static(KEY_ID, SECRET)


def test_white_space_around_a_key_is_not_part_of_it():
    assert Static(f" {KEY_ID}\n", f"{SECRET} ", f"\t{TOKEN}") == Static(KEY_ID, SECRET, TOKEN)


@pytest.mark.parametrize("bad", ["", "  ", None, 7, b"bytes", "two\nlines", "nul\0"])
@pytest.mark.parametrize("place", ["access_key_id", "secret_access_key"])
def test_half_a_pair_is_an_error_that_names_the_field(place, bad):
    given = {"access_key_id": KEY_ID, "secret_access_key": SECRET, place: bad}
    with pytest.raises(ConfigurationError, match=f"static: {place} must be") as caught:
        Static(**given)
    assert caught.value.setting == place


def test_a_token_that_is_no_text_is_an_error():
    with pytest.raises(ConfigurationError, match="session_token") as caught:
        Static(KEY_ID, SECRET, 5)
    assert caught.value.setting == "session_token"


def test_two_static_sources_can_be_told_apart_by_name():
    assert Static("AKIAIOSFODNN7EXAMPLE", "s").name == "static …MPLE"


# -------------------------------------------------------------------- files

posix = pytest.mark.skipif(os.name != "posix", reason="modes are a POSIX promise")


class Mounted:
    """A folder with the three files, as a platform mounts it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write(KEY_ID, SECRET, TOKEN)

    def write(self, *texts: str) -> None:
        for name, text in zip(("id", "secret", "token"), texts, strict=False):
            (self.folder / name).unlink(missing_ok=True)
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o444)

    def provider(self, **given) -> StaticFiles:
        return Static.from_files(self.folder / "id", str(self.folder / "secret"), self.folder / "token", **given)


@pytest.fixture
def mounted(tmp_path):
    return Mounted(tmp_path)


class TestConformanceOfFiles(Conformance):
    kind = "static"
    exempt: ClassVar = {
        "absent": "files that somebody named and that are not there are misconfigured",
        "refused": "nobody is asked",
        "unreachable": "nobody is asked",
        "malformed": "what is in the files is somebody's setting",
        "oversized": "the same",
        "expired": "the keys have no expiration",
    }

    @pytest.fixture(autouse=True)
    def _with_files(self, mounted):
        self.mounted = mounted

    def make(self, **settings):
        return self.mounted.provider(**settings)

    def other(self):
        return Static.from_files(self.mounted.folder / "id", self.mounted.folder / "secret")

    def misconfigured(self):
        self.mounted.write(KEY_ID, f"{SECRET}\n{SECRET}")
        self.make().retrieve()


def test_white_space_around_the_keys_in_files_is_dropped(mounted):
    mounted.write(f"\n {KEY_ID}\r\n")
    assert mounted.provider().retrieve().access_key_id == KEY_ID


def test_the_token_may_be_left_out(mounted):
    assert Static.from_files(mounted.folder / "id", mounted.folder / "secret").retrieve().session_token is None


def test_a_rotation_is_noticed_even_where_a_link_is_exchanged_as_kubernetes_does(tmp_path):
    for version, key_id in (("v1", KEY_ID), ("v2", "AKIAROTATEDROTATED00")):
        (tmp_path / version).mkdir()
        Mounted(tmp_path / version).write(key_id)
    (tmp_path / "data").symlink_to("v1")
    provider = Static.from_files(tmp_path / "data" / "id", tmp_path / "data" / "secret")
    assert provider.retrieve().access_key_id == KEY_ID
    (tmp_path / "next").symlink_to("v2")
    (tmp_path / "next").replace(tmp_path / "data")
    assert provider.retrieve().access_key_id == "AKIAROTATEDROTATED00"
    assert traits(provider).revalidate_after == 60


def test_a_set_that_is_exchanged_while_it_is_read_is_read_again(mounted, monkeypatch):
    readings = ["AKIAOLDOLDOLDOLDOLD0", "AKIANEXTNEXTNEXTNEX0", "AKIANEWNEWNEWNEWNEW0", "AKIANEWNEWNEWNEWNEW0"]
    sets = iter([(key_id, "secret", "") for key_id in readings])
    monkeypatch.setattr(StaticFiles, "_read", lambda _: next(sets))
    assert mounted.provider().retrieve().access_key_id == "AKIANEWNEWNEWNEWNEW0"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \n\t", "is empty"),
        (b"c4n4ry\nc4n4ry", "holds more than one line"),
        (b"\xff\xfe", "is not text"),
        (b"c4n4ry" * 4000, "is larger than 16384 bytes"),
    ],
)
@pytest.mark.parametrize("name", ["id", "secret", "token"])
def test_a_file_that_holds_no_key_is_named_and_not_shown(mounted, name, content, said):
    path = mounted.folder / name
    path.unlink()
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match=f"^static .*: {path} {said}") as caught:
        mounted.provider().retrieve()
    assert caught.value.setting == str(path)
    assert not leaks(str(caught.value))


def test_a_file_that_is_missing_is_named(mounted):
    (mounted.folder / "token").unlink()
    with pytest.raises(ConfigurationError, match=r"token cannot be read \(No such file or directory\); check that it is mounted"):
        mounted.provider().retrieve()


@posix
def test_what_is_no_regular_file_is_named_and_blocks_nobody(mounted):
    path = mounted.folder / "secret"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ConfigurationError, match=f"{path} is no regular file"):
        mounted.provider().retrieve()


@posix
@pytest.mark.parametrize("mode", [0o622, 0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_to_is_refused(mounted, mode):
    path = mounted.folder / "secret"
    path.chmod(mode)
    with pytest.raises(
        ConfigurationError, match=f"{path} may be written to by others than its owner .mode 0{mode:o}.; chmod go-w"
    ):
        mounted.provider().retrieve()


@posix
@pytest.mark.parametrize("mode", [0o400, 0o440, 0o444, 0o600, 0o644])
def test_a_file_that_only_its_owner_may_write_to_is_read(mounted, mode):
    (mounted.folder / "secret").chmod(mode)
    assert mounted.provider().retrieve().secret_access_key == SECRET


@pytest.mark.parametrize("bad", ["", " ", None, 5, b"/run/secrets/x", "a\0b"])
def test_a_path_that_is_none_is_refused(bad):
    with pytest.raises(ConfigurationError, match="static: secret_access_key must be the path of the file that holds it"):
        Static.from_files("/run/secrets/id", bad)
