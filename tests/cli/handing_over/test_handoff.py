"""The variables that decide who signs."""

from __future__ import annotations

import re
from pathlib import Path

import botocore
from hypothesis import given, strategies as st

from bedrock_auth import settings
from bedrock_auth.cli.handing_over import handoff
from bedrock_auth.providers import container, environment, http_vending

NAMES = st.sampled_from(sorted(name for names in handoff.DECIDERS.values() for name in names)) | st.sampled_from(
    ["PATH", "HOME", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE", "AWS_ENDPOINT_URL", "AWS_BEARER_TOKEN_ANYTHING"]
)
ENVIRONMENTS = st.dictionaries(NAMES, st.text(max_size=5))
ABOUT_SOMETHING_ELSE = re.compile(
    r"AWS_(ACCOUNT_ID_ENDPOINT_MODE|CA_BUNDLE|CSM_.*|DATA_PATH|DEFAULTS_MODE|(DEFAULT_)?REGION|DISABLE_.*|ENDPOINT_.*|EXECUTION_ENV"
    r"|IGNORE_.*|LAMBDA_FUNCTION_NAME|MAX_ATTEMPTS|METADATA_SERVICE_.*|REQUEST_.*|RESPONSE_.*|RETRY_MODE|S3_.*|SDK_UA_APP_ID"
    r"|SIGV4A_.*|STS_REGIONAL_ENDPOINTS|USE_.*|NEW_RETRIES_.*)"
)


def test_every_variable_that_botocore_reads_either_decides_who_signs_or_is_known_to_be_about_something_else():
    folder = Path(botocore.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    read = set(re.findall(r"""['"](AWS_[A-Z0-9_]+|BOTO_CONFIG)['"]""", source)) - {"AWS_BEARER_TOKEN_"}
    assert len(read) > 40
    assert {name for name in read if handoff.kind_of(name) is None and not ABOUT_SOMETHING_ELSE.fullmatch(name)} == set()


def test_every_variable_that_this_librarys_own_sources_read_decides_who_signs():
    for module in (settings, environment, container, http_vending):
        text = Path(module.__file__).read_text(encoding="utf-8")
        for name in re.findall(r"\bAWS_[A-Z0-9_]+[A-Z0-9]\b", text):
            assert handoff.kind_of(name) or name in {"AWS_REGION", "AWS_DEFAULT_REGION"}, name


@given(ENVIRONMENTS)
def test_a_cleaned_environment_has_nothing_left_that_decides_and_all_of_the_rest(environ):
    left = handoff.cleaned(environ)
    assert handoff.found_in(left) == {}
    assert {**left, **{name: environ[name] for name in handoff.found_in(environ)}} == environ


@given(ENVIRONMENTS, st.sets(NAMES))
def test_unsetting_and_setting_leaves_only_what_was_given(environ, given_names):
    unset = handoff.to_unset(environ, given=given_names)
    after = {name: value for name, value in environ.items() if name not in unset} | dict.fromkeys(given_names, "x")
    assert set(handoff.found_in(after)) <= given_names
    assert not given_names & set(unset)


def test_what_keys_win_over_may_be_left_alone():
    unset = handoff.to_unset({}, leave=handoff.WEAKER_THAN_KEYS)
    assert "AWS_PROFILE" in unset
    assert "AWS_BEARER_TOKEN_BEDROCK" in unset
    assert "AWS_CONFIG_FILE" not in unset
    assert "AWS_EC2_METADATA_DISABLED" not in unset


def test_the_bearer_token_of_any_service_decides():
    assert handoff.kind_of("AWS_BEARER_TOKEN_SOME_SERVICE") == handoff.BEARER
    assert handoff.kind_of("AWS_BEARER_TOKEN_of-mine") is None
    assert handoff.cleaned({"AWS_BEARER_TOKEN_SOME_SERVICE": "x"}) == {}
    assert "AWS_BEARER_TOKEN_SOME_SERVICE" in handoff.to_unset({"AWS_BEARER_TOKEN_SOME_SERVICE": "x"})
