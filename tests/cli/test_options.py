"""What the provider options choose."""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import pytest

from bedrock_auth import (
    AssumeRole,
    CognitoGuest,
    ConfigurationError,
    Container,
    Default,
    Environment,
    Host,
    HttpVending,
    InstanceMetadata,
    Profile,
    WebIdentity,
)
from bedrock_auth.cli.options import add_provider_options, ask_for_code, settings_from

ROLE = "arn:aws:iam::123456789012:role/Bedrock"
POOL = "eu-west-1:00000000-0000-0000-0000-000000000000"


def chosen(*arguments, **environ):
    parser = argparse.ArgumentParser()
    add_provider_options(parser)
    return settings_from(parser.parse_args(arguments), Host.isolated(environ=environ))


def provider(*arguments, **environ):
    return chosen(*arguments, **environ).provider


def test_without_an_option_the_environment_decides():
    assert isinstance(provider(), Default)
    assert isinstance(provider(AWS_PROFILE="dev"), Profile)


@pytest.mark.parametrize(
    ("source", "kind"),
    [("default", Default), ("environment", Environment), ("container", Container), ("instance-metadata", InstanceMetadata)],
)
def test_a_source_can_be_named(source, kind):
    assert type(provider("--source", source, AWS_PROFILE="dev")) is kind


def test_an_option_wins_over_the_environment():
    settings = chosen("--profile", "mine", "--region", "eu-west-3", AWS_PROFILE="dev", AWS_REGION="us-east-2")
    assert settings.provider.profile_name == "mine"
    assert settings.region_name == "eu-west-3"


def test_a_vending_api_takes_its_key_from_a_file_or_the_environment():
    one = provider("--vending-url", "https://v.example", "--vending-key-file", "/keys/v")
    assert isinstance(one, HttpVending)
    assert one.api_key == Path("/keys/v")
    assert provider("--vending-url", "https://v.example", AWS_GET_TEMP_CREDS_API_KEY="k").api_key == "k"


def test_a_pool_has_guests():
    assert isinstance(provider("--identity-pool-id", POOL), CognitoGuest)
    classic = provider("--identity-pool-id", POOL, "--cognito-flow", "classic", "--cognito-role-arn", ROLE)
    assert (classic.flow, classic.role_arn) == ("classic", ROLE)


def test_a_role_is_assumed_with_the_named_source_or_with_the_environment():
    of_profile = provider("--profile", "dev", "--role-arn", ROLE, "--external-id", "abc", "--duration-seconds", "900")
    assert isinstance(of_profile, AssumeRole)
    assert (of_profile.source.profile_name, of_profile.external_id, of_profile.duration) == ("dev", "abc", 900)
    assert isinstance(provider("--role-arn", ROLE).source, Default)
    assert isinstance(provider("--role-arn", ROLE, AWS_PROFILE="dev").source, Profile)


def test_a_role_with_a_token_file_is_a_web_identity():
    made = provider("--role-arn", ROLE, "--web-identity-token-file", "/token", "--role-session-name", "me")
    assert isinstance(made, WebIdentity)
    assert (made.token_file, made.session_name) == ("/token", "me")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--profile", "a", "--source", "default"], "--profile and --source"),
        (["--profile", "a", "--vending-url", "https://v"], "--profile and --vending-url"),
        (["--vending-key-file", "x"], "--vending-key-file needs --vending-url"),
        (["--external-id", "abc"], "--external-id needs --role-arn"),
        (["--web-identity-token-file", "/t"], "--web-identity-token-file needs --role-arn"),
        (["--cognito-flow", "classic"], "--cognito-flow needs --identity-pool-id"),
        (["--role-arn", ROLE, "--web-identity-token-file", "/t", "--external-id", "abc"], "--external-id is not for a web"),
        (["--role-arn", "nonsense"], "role_arn"),
    ],
)
def test_contradictions_are_refused_by_name(arguments, words):
    with pytest.raises(ConfigurationError, match=words):
        provider(*arguments)


@pytest.mark.parametrize("option", ["--region", "--role-arn", "--profile", "--vending-key-file", "--external-id"])
@pytest.mark.parametrize("text", ["", " "])
def test_an_empty_value_is_refused_by_name_and_nothing_is_used_instead(option, text, capsys):
    with pytest.raises(SystemExit, match="2"):
        chosen(option, text, AWS_REGION="us-east-2")
    assert f"argument {option}: it is empty" in capsys.readouterr().err


def test_without_a_terminal_nobody_is_asked_for_a_code(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(ConfigurationError, match="no terminal"):
        ask_for_code()


def test_no_option_takes_a_secret():
    parser = argparse.ArgumentParser()
    add_provider_options(parser)
    names = {flag for action in parser._actions for flag in action.option_strings}
    assert not [name for name in names if "secret" in name or name.endswith(("-key", "-token", "-api-key", "-password"))]
