from __future__ import annotations

import itertools
import re

import pytest

from bedrock_auth.errors import ChainError, ConfigurationError, RetrievalError
from bedrock_auth.host import Host
from bedrock_auth.providers import default
from bedrock_auth.providers.default import ORDER, Default
from bedrock_auth.refresh import Refresher

ABSENT = {"AWS_EC2_METADATA_DISABLED": "true"}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAENVIRONMENT00000", "AWS_SECRET_ACCESS_KEY": "environment"}


@pytest.fixture
def home(tmp_path):
    (tmp_path / ".aws").mkdir()
    return tmp_path


def world(home, **variables: str) -> Host:
    return Host.isolated({"HOME": str(home), **ABSENT, **variables}, sleep=lambda _: None)


def with_profile(home) -> None:
    (home / ".aws" / "credentials").write_text(
        "[default]\naws_access_key_id = AKIAPROFILE000000000\naws_secret_access_key = profile\n"
    )


def test_the_docstring_lists_the_order():
    listed = re.findall(r"^\d+\. `(\w+)`", default.__doc__, re.MULTILINE)
    assert listed == [kind.__name__ for kind in ORDER]


def test_where_nothing_is_set_up_it_tells_of_every_source(home):
    with pytest.raises(ChainError) as caught:
        Default(host=world(home)).retrieve()
    assert len(caught.value.attempts) == len(ORDER)
    assert len(str(caught.value).splitlines()) == 1 + len(ORDER)


SOURCES = ["environment", "web identity", "profile", "container", "instance metadata"]


@pytest.mark.parametrize(("earlier", "later"), list(itertools.combinations(SOURCES, 2)))
def test_of_two_sources_that_are_set_up_the_earlier_wins(home, earlier, later):
    """Keys where the source is local; where it would have to ask the network, that it is asked and nobody after it."""
    variables = {}
    for name in (earlier, later):
        if name == "environment":
            variables |= KEYS
        elif name == "profile":
            with_profile(home)
        elif name == "container":
            variables |= {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/creds"}
        elif name == "instance metadata":
            variables |= {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:9"}
        else:
            variables |= {
                "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/R",
                "AWS_WEB_IDENTITY_TOKEN_FILE": str(home / "missing"),
            }
    chain = Default(host=world(home, **variables))
    if earlier == "environment":
        assert chain.retrieve().access_key_id == KEYS["AWS_ACCESS_KEY_ID"]
    elif earlier == "profile":
        assert chain.retrieve().access_key_id == "AKIAPROFILE000000000"
    elif earlier == "container":
        with pytest.raises(RetrievalError, match="^container"):
            chain.retrieve()
    else:
        with pytest.raises(ConfigurationError, match="missing"):
            chain.retrieve()


def test_it_has_the_winner_and_its_traits(home):
    with_profile(home)
    host = world(home)
    chain = Default(host=host)
    assert chain.winner is None
    assert Refresher(chain).current().access_key_id == "AKIAPROFILE000000000"
    assert type(chain.winner).__name__ == "Profile"
    assert chain.revalidate_after == chain.winner.revalidate_after
    assert chain.name == "default chain"


def test_equal_hosts_make_equal_chains(home):
    host = world(home)
    assert Default(host=host) == Default(host=host)
    assert hash(Default(host=host)) == hash(Default(host=host))
    assert Default() != Default(host=host)
