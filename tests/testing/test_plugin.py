import os
import subprocess
import sys
from pathlib import Path

import pytest

from bedrock_auth import testing

A_USERS_TEST = """
import os
import boto3
import pytest

def converse(local_bedrock):
    keys = local_bedrock.credentials
    session = boto3.Session(keys.access_key_id, keys.secret_access_key)
    answer = session.client("bedrock-runtime").converse(
        modelId="some.model", messages=[{"role": "user", "content": [{"text": "Hello"}]}]
    )
    return answer["output"]["message"]["content"][0]["text"]

def test_plain_boto3_finds_it(local_bedrock):
    local_bedrock.reply("from the fixture")
    assert converse(local_bedrock) == "from the fixture"
    assert os.environ["AWS_REGION"] == "us-east-1"

def test_the_next_test_has_a_fresh_one(local_bedrock):
    assert not local_bedrock.requests
    assert "Hello" in converse(local_bedrock)

def test_nothing_is_left_behind():
    assert not [name for name in os.environ if name.startswith("AWS_")]
"""


def run(folder, *arguments, code=A_USERS_TEST):
    (folder / "test_mine.py").write_text(code)
    (folder / "pytest.ini").write_text("[pytest]\n")  # else pytest looks upwards and may find this project's settings
    source = str(Path(testing.__file__).parents[2])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": source}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "bedrock_auth.testing.plugin", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_fixture_gives_each_test_a_server_of_its_own_and_leaves_nothing_behind(tmp_path):
    done = run(tmp_path, "-W", "error", "-W", "ignore:datetime.datetime.utc:DeprecationWarning")  # the oldest botocore's
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def test_the_fixture_is_listed_with_its_description(tmp_path):
    done = run(tmp_path, "--fixtures")
    assert "local_bedrock" in done.stdout
    assert "A running `LocalBedrock`" in done.stdout


def test_a_run_that_does_not_use_the_fixture_imports_nothing_heavy(tmp_path):
    code = """
import sys

def test_light():
    heavy = {"attrs", "attr", "boto3", "botocore", "moto", "http.server", "bedrock_auth.testing.local_bedrock"}
    assert not heavy & set(sys.modules)
"""
    done = run(tmp_path, code=code)
    assert "1 passed" in done.stdout, done.stdout


def test_every_public_name_is_there_and_listed():
    assert sorted(testing.__all__) == testing.__all__
    for name in testing.__all__:
        assert getattr(testing, name).__doc__, name
    assert set(testing.__all__) <= set(dir(testing))


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = testing.Nothing
