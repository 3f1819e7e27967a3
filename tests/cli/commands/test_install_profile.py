"""``bedrock-auth install-profile`` and ``uninstall-profile``, and what AWS's tools make of what they write."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from filelock import FileLock

from bedrock_auth.cli import main
from bedrock_auth.cli.profiles import change as config_change, interpreter
from support.commands import environment_with_the_package, vended
from support.endpoint import Endpoint

ROLE = "arn:aws:iam::123456789012:role/Bedrock"
ODD = ["--role-arn", ROLE, "--external-id", "a=b", "--profile", 'it\'s "100%" #1 ;$HOME`id`']


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """An interpreter in a folder with a space and a percent sign, as an installed one."""
    return str(environment_with_the_package(tmp_path_factory.mktemp("a 100% 'new' environment") / "venv"))


@pytest.fixture
def quick(monkeypatch):
    """Any interpreter will do."""
    monkeypatch.setattr(interpreter, "_finds_us", lambda path, flags: True)


@pytest.fixture
def install(quick, capsys):
    """Install a profile, with any interpreter; the status, what programs read and what people read."""

    def install(*arguments, command="install-profile"):
        python = [] if command == "uninstall-profile" else ["--python", "/opt/venv/bin/python"]
        status = main([command, *arguments, *python])
        shown = capsys.readouterr()
        return status, json.loads(shown.out) if shown.out else None, shown.err

    return install


def config():
    return Path(os.environ["HOME"], ".aws", "config")


def write(text, name="config"):
    config().parent.mkdir(exist_ok=True)
    config().with_name(name).write_bytes(text.encode())


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


# -------------------------------------------------------------------------------- what AWS's tools make of it


def run_boto3(profile):
    script = (
        "import sys, boto3; c = boto3.Session(profile_name=sys.argv[1]).get_credentials(); "
        "print(c.method, c.get_frozen_credentials().access_key)"
    )
    return subprocess.run([sys.executable, "-c", script, profile], capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("profile", ["default", "two words 50%"])
def test_boto3_in_a_process_of_its_own_gets_the_keys_of_the_profile(python, profile, tmp_path):
    odd = tmp_path / "a 'key' 100% #1"
    odd.write_text("the-api-key", encoding="utf-8")
    with Endpoint(vended()) as vending:
        options = ["--vending-url", f"{vending.url}/a%20b/%7E", "--vending-key-file", str(odd), "--region", "eu-west-1"]
        assert main(["install-profile", profile, *options, "--python", python]) == 0
        for _ in range(2):
            assert run_boto3(profile) == "custom-process ASIAVENDEDVENDED0001\n"
        (asked,) = vending.asked
        assert (asked.path, asked.headers["x-api-key"]) == ("/a%20b/%7E/credentials", "the-api-key")
    assert boto3.Session(profile_name=profile).region_name == "eu-west-1"


def test_neither_the_folder_nor_pythonpath_decides_what_is_imported(python, tmp_path, monkeypatch):
    (tmp_path / "bedrock_auth").mkdir()
    (tmp_path / "bedrock_auth" / "__init__.py").write_text("raise SystemExit('not this one')", encoding="utf-8")
    with Endpoint(vended()) as vending:
        assert main(["install-profile", "p", "--vending-url", vending.url, "--python", python]) == 0
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        assert boto3.Session(profile_name="p").get_credentials().access_key == "ASIAVENDEDVENDED0001"


def test_a_shell_runs_the_line_as_well(python):
    with Endpoint(vended()) as vending:
        assert main(["install-profile", "p", "--vending-url", vending.url, "--python", python]) == 0
        line = config().read_text(encoding="utf-8").partition("credential_process = ")[2].strip()
        ran = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(ran.stdout)["AccessKeyId"] == "ASIAVENDEDVENDED0001"


# -------------------------------------------------------------------------------- what is written


def test_the_line_names_the_interpreter_the_profile_and_the_options(install):
    status, said, told = install("p", "--role-arn", ROLE, "--region", "eu-west-1")
    line = f"/opt/venv/bin/python -I -m bedrock_auth.cli credential-process --for-profile p --role-arn={ROLE} --region=eu-west-1"
    text = f"[profile p]\n# made by bedrock-auth install-profile\nregion = eu-west-1\ncredential_process = {line}\n"
    assert (status, config().read_text(encoding="utf-8")) == (0, text)
    assert (said["profile"], said["config_file"], said["changed"], said["credential_process"]) == ("p", str(config()), True, line)
    assert f"{config()}: changed\n" in told
    assert (mode(config()), mode(config().parent)) == (0o600, 0o700)


def test_a_second_run_changes_nothing(install):
    install("p", *ODD)
    before = config().stat()
    status, said, told = install("p", *ODD)
    assert (status, said["changed"]) == (0, False)
    assert "nothing to change" in told
    after = config().stat()  # reading it may change st_atime
    assert (after.st_ino, after.st_mtime_ns, after.st_ctime_ns) == (before.st_ino, before.st_mtime_ns, before.st_ctime_ns)


def test_uninstalling_gives_the_file_back_and_the_first_backup_is_kept(install):
    original = "# mine\r\n[default]\r\nregion = us-east-1\r\n"
    write(original)
    config().chmod(0o644)
    _, _, told = install("p", *ODD)
    backup = config().with_name("config.bedrock-auth-backup")
    assert (backup.read_bytes().decode(), mode(backup), mode(config())) == (original, 0o600, 0o600)
    assert str(backup) in told
    install("q", *ODD)
    assert install("p", command="uninstall-profile")[1]["changed"] is True
    assert install("q", command="uninstall-profile")[1]["changed"] is True
    assert install("q", command="uninstall-profile")[1]["changed"] is False
    assert config().read_bytes().decode() == original == backup.read_bytes().decode()
    assert sorted(path.name for path in config().parent.iterdir() if not path.name.startswith(".")) == [
        "config",
        "config.bedrock-auth-backup",
    ]


def test_a_dry_run_shows_the_lines_and_writes_nothing(install):
    write("[profile p]\nsecret_thing = s3cr3t\n")
    status, said, told = install("p", "--role-arn", ROLE, "--dry-run")
    assert (status, said["changed"]) == (0, False)
    assert said["difference"] == [f"+credential_process = {said['credential_process']}"]
    assert "would change" in told
    assert "s3cr3t" not in told + json.dumps(said)
    assert config().read_bytes() == b"[profile p]\nsecret_thing = s3cr3t\n"
    assert [path.name for path in config().parent.iterdir()] == ["config"]


def test_a_dry_run_without_a_file_makes_no_folder(install):
    assert install("p", "--role-arn", ROLE, "--dry-run")[0] == 0
    assert install("p", command="uninstall-profile")[0] == 0
    assert not config().parent.exists()


def test_the_file_is_the_one_that_the_environment_names(install, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "elsewhere" / "config"))
    install("p", "--role-arn", ROLE)
    assert "[profile p]" in (tmp_path / "elsewhere" / "config").read_text(encoding="utf-8")
    assert not config().exists()


def test_a_link_is_kept_and_what_it_leads_to_is_changed(install, tmp_path):
    target = tmp_path / "dotfiles" / "aws-config"
    target.parent.mkdir()
    target.write_text("[default]\n", encoding="utf-8")
    config().parent.mkdir()
    config().symlink_to(target)
    _, said, _ = install("p", "--role-arn", ROLE)
    assert config().is_symlink()
    assert "[profile p]" in target.read_text(encoding="utf-8")
    assert said["config_file"] == str(target)


@pytest.mark.slow
def test_installs_at_the_same_time_all_arrive(python):
    names = [f"p{number}" for number in range(4)]

    def installed(name):
        command = [python, "-m", "bedrock_auth.cli", "install-profile", name, "--role-arn", ROLE, "--python", python]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).returncode

    write("[default]\nregion = us-east-1\n")
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(installed, names)) == [0] * 4
    assert set(boto3.Session().available_profiles) == {"default", *names}


def test_what_somebody_else_wrote_while_we_waited_is_not_lost():
    write("[default]\n")
    seen = []

    def edit(text):
        seen.append(text)
        if len(seen) == 1:
            write("[default]\n[profile other]\n")
        return text + "[profile mine]\n"

    config_change.change(str(config()), edit)
    assert config().read_text(encoding="utf-8") == "[default]\n[profile other]\n[profile mine]\n"


def test_a_lock_that_is_held_for_too_long_is_an_error(install, monkeypatch):
    monkeypatch.setattr(config_change, "_PATIENCE", 0.1)
    write("")
    with FileLock(config().with_name(".config.bedrock-auth-lock")):
        status, _, told = install("p", "--role-arn", ROLE)
    assert status == 1
    assert "another bedrock-auth command is changing" in told


# -------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("config", "[profile p]\naws_access_key_id = AKIA\naws_secret_access_key = s3cr3t\n", "keys from aws_access_key_id in"),
        (
            "credentials",
            "[p]\naws_access_key_id = AKIA\naws_secret_access_key = s3cr3t\n",
            "aws_access_key_id in {home}/.aws/cred",
        ),
        ("config", f"[profile p]\nrole_arn = {ROLE}\nsource_profile = x\n", "a role from role_arn"),
        ("config", "[profile p]\nsso_session = s\n", "IAM Identity Center from sso_session"),
        ("config", "[profile p]\nlogin_session = s\n", "a login from login_session"),
        ("config", "[DEFAULT]\naws_access_key_id = AKIA\n", "keys from aws_access_key_id"),
        ("config", "[profile p]\ncredential_process = /bin/helper\n", "another program from credential_process"),
        (
            "credentials",
            "[p]\ncredential_process = /bin/helper\n",
            "another program from credential_process in {home}/.aws/credentials",
        ),
        ("config", "[profile p]\nregion = us-east-1\n", "has the region us-east-1"),
        ("config", "what\n", "cannot be parsed"),
    ],
)
def test_a_profile_with_keys_from_elsewhere_is_refused_and_left_alone(install, file, text, words):
    write(text, file)
    status, said, told = install("p", "--vending-url", "https://v.example", "--region", "eu-west-1")
    assert (status, said) == (2, None)
    assert words.format(home=os.environ["HOME"]) in told
    assert "s3cr3t" not in told
    assert config().with_name(file).read_text(encoding="utf-8") == text
    assert not config().with_name("config.bedrock-auth-backup").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["p"], "name a source"),
        (["p", "--profile", "p"], "ask itself"),
        (["default", "--role-arn", ROLE], "ask itself"),
        (["default", "--source", "default"], "ask itself"),
        (["default", "--source", "default", "--role-arn", ROLE], "ask itself"),
        (["p", "--profile", "a", "--source", "default"], "two sources"),
        (["p", "--role-arn", "nonsense"], "role_arn"),
        (["p]", "--role-arn", ROLE], "profile name"),
        (["p", "--profile", "a\nb"], "name of a profile"),
    ],
)
def test_options_that_cannot_work_are_refused(install, arguments, words):
    status, said, told = install(*arguments)
    assert (status, said) == (2, None)
    assert words in told
    assert not config().parent.exists()


@pytest.mark.parametrize("url", ["https://v.example/prod?key=c4n4ry", "https://v.example?c4n4ry", "https://u:c4n4ry@v.example"])
def test_a_vending_url_that_may_hold_a_key_is_neither_written_nor_shown(install, url):
    status, said, told = install("p", "--vending-url", url)
    assert (status, said) == (2, None)
    assert "--vending-key-file" in told or "user name or password" in told
    assert "c4n4ry" not in told
    assert not config().parent.exists()


@pytest.mark.parametrize("name", ["p", "default"])
def test_a_source_that_builds_on_the_profile_itself_is_refused(install, name):
    circle = f"[profile a]\nsource_profile = b\nrole_arn = {ROLE}\n[profile b]\nsource_profile = {name}\nrole_arn = {ROLE}\n"
    write(circle)
    status, said, told = install(name, "--profile", "a")
    assert (status, said) == (2, None)
    assert f"a -> b -> {name}" in told
    assert config().read_text(encoding="utf-8") == circle


def test_sources_that_go_in_a_circle_of_their_own_do_not_hang_it(install):
    write(f"[profile a]\nsource_profile = b\nrole_arn = {ROLE}\n[profile b]\nsource_profile = a\nrole_arn = {ROLE}\n")
    assert install("p", "--profile", "a")[0] == 0


def test_a_source_profile_that_is_not_there_is_told(install):
    write("[profile a]\nregion = eu-west-1\n")
    assert "--profile b is in neither" in install("p", "--profile", "b")[2]
    assert "is in neither" not in install("q", "--profile", "a")[2]


@pytest.mark.parametrize("place", ["~/elsewhere/config", "$HOME/elsewhere/config", "${HOME}/elsewhere/config"])
def test_the_file_is_found_where_botocore_finds_it(install, monkeypatch, place):
    monkeypatch.setenv("AWS_CONFIG_FILE", place)
    status, said, _ = install("p", "--source", "environment")
    assert (status, said["config_file"]) == (0, str(Path(os.environ["HOME"], "elsewhere", "config")))
    assert boto3.Session(profile_name="p").available_profiles == ["p"]
    assert main(["which", "--profile", "p"]) == 0


def test_keys_in_a_credentials_file_that_botocore_finds_are_seen(install, monkeypatch):
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "$HOME/.aws/keys")
    write("[p]\naws_access_key_id = A\naws_secret_access_key = s3cr3t\n", "keys")
    assert "which would win" in install("p", "--source", "environment")[2]


def test_a_file_that_botocore_could_not_read_afterwards_is_left_as_it_is(install):
    write("[DEFAULT]\nregion =\n  not a block\n")
    status, _, told = install("p", "--role-arn", ROLE)
    assert status == 2
    assert "botocore could not read" in told
    assert config().read_bytes() == b"[DEFAULT]\nregion =\n  not a block\n"
    assert {path.name for path in config().parent.iterdir()} == {
        "config",
        "config.bedrock-auth-backup",
        ".config.bedrock-auth-lock",
    }


def test_a_file_that_is_no_text_and_one_that_is_no_file_are_refused(install, monkeypatch):
    write("")
    config().write_bytes(b"[profile \xff]\n")
    assert install("p", "--role-arn", ROLE)[0] == 2
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    status, _, told = install("p", "--role-arn", ROLE)
    assert status == 2
    assert "no regular file" in told


# -------------------------------------------------------------------------------- the interpreter


@pytest.mark.parametrize(
    "path",
    [
        "~/.cache/uv/archive-v0/abc/bin/python",
        "~/.cache/pipx/abc/bin/python",
        "~/.local/pipx/.cache/abc/bin/python",
        "~/Library/Caches/uv/archive-v0/abc/bin/python",
        "~/project/.nox/tests/bin/python",
        "~/project/.tox/py311/bin/python",
        "~/.cache/pre-commit/repo/py_env/bin/python",
        "/tmp/build-env-x/bin/python",
        "{TMPDIR}/venv/bin/python",
        "{UV_CACHE_DIR}/builds-v0/x/bin/python",
    ],
)
def test_an_interpreter_that_will_be_thrown_away_is_refused(monkeypatch, capsys, path, quick):
    monkeypatch.setattr(interpreter.tempfile, "gettempdir", lambda: "/scratch")
    monkeypatch.setenv("UV_CACHE_DIR", "/caches/of-uv")
    monkeypatch.setattr(Path, "is_file", lambda self: True)
    path = path.format(TMPDIR="/scratch", UV_CACHE_DIR="/caches/of-uv").replace("~", "/home/me")
    monkeypatch.setattr(sys, "executable", path)
    assert main(["install-profile", "p", "--role-arn", ROLE]) == 2
    told = capsys.readouterr().err
    assert f"{path} will not last" in told
    assert "--python" in told
    assert "uv tool install" in told


@pytest.mark.parametrize(
    "path",
    [
        "~/project/.venv/bin/python",
        "~/.local/share/uv/tools/bedrock-auth/bin/python",
        "~/.local/pipx/venvs/bedrock-auth/bin/python",
        "~/miniconda3/envs/a/bin/python",
        "~/.cache/pypoetry/virtualenvs/a/bin/python",
        "/usr/bin/python3",
        "/tmpfs/python",
    ],
)
def test_an_interpreter_that_stays_is_taken(monkeypatch, path):
    monkeypatch.setattr(Path, "is_file", lambda self: True)
    monkeypatch.setattr(interpreter.tempfile, "gettempdir", lambda: "/scratch")
    assert interpreter.throw_away(path.replace("~", "/home/me")) is None


def test_no_interpreter_at_all_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "executable", "")
    assert main(["install-profile", "p", "--role-arn", ROLE]) == 2
    assert "not an interpreter of its own" in capsys.readouterr().err


def test_an_interpreter_that_does_not_find_the_package_by_itself_is_refused(tmp_path, capsys):
    bare = environment_with_the_package(tmp_path / "bare")
    for path in tmp_path.rglob("needed.pth"):
        path.unlink()
    assert main(["install-profile", "p", "--role-arn", ROLE, "--python", str(bare)]) == 2
    assert "does not find the package bedrock_auth by itself" in capsys.readouterr().err
    assert main(["install-profile", "p", "--role-arn", ROLE, "--python", str(tmp_path / "missing")]) == 2


def test_an_interpreter_is_found_as_a_shell_finds_it_and_links_stay(python, monkeypatch, tmp_path, quick):
    monkeypatch.setenv("PATH", str(Path(python).parent))
    assert interpreter.command_prefix("python") == [python, "-I"]
    assert Path(python).is_symlink()
    monkeypatch.chdir(Path(python).parent)
    assert interpreter.command_prefix("./python") == [python, "-I"]


def test_a_package_of_this_user_alone_is_found_without_isolation(python, monkeypatch):
    seen = []
    monkeypatch.setattr(interpreter, "_finds_us", lambda path, flags: seen.append(flags) or flags == "-P")
    assert interpreter.command_prefix(python) == [python, "-P"]
    assert seen == ["-I", "-P"]


def test_a_bearer_token_that_would_win_over_the_profile_is_told(install, monkeypatch):
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-secret")
    status, _, said = install("bedrock", "--role-arn", ROLE)
    assert status == 0
    assert "AWS_BEARER_TOKEN_BEDROCK is set here" in said
    assert "secret" not in said
