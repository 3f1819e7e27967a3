from __future__ import annotations

import io
import logging

import pytest
from hypothesis import given, strategies as st

from bedrock_auth.redaction import RedactingFilter, guard_loggers, presentable, redact

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY="

SHAPES = [
    '{"SecretAccessKey": "%s", "x": 1}',
    '{"SecretKey":"%s"}',
    "{'SecretAccessKey': '%s', 'SessionToken': '%s'}",
    '{"Token" : "%s"}',
    '{\\"SessionToken\\": \\"%s\\"}',
    "<SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken>",
    "<Token>%s</Token>",
    "Action=AssumeRole&ExternalId=%s&TokenCode=%s&Version=2011-06-15",
    "{'body': {'ExternalId': '%s', 'WebIdentityToken': '%s'}}",
    "x-amz-security-token:%s\nx-amz-date:20300101",
    "{'X-Amz-Security-Token': b'%s'}",
    "x-api-key: %s",
    "'x-api-key': '%s'",
    "aws_secret_access_key = %s",
    "AWS_SESSION_TOKEN=%s",
    "export AWS_SECRET_ACCESS_KEY=%s",
    "Authorization: Bearer %s",
    "https://x/?X-Amz-Security-Token=%s&X-Amz-Signature=1",
    'client_secret="%s"',
    "{'TokenCode': ['%s']}",
    "password=%s",
    "{'SSECustomerKey': '%s'}",
]


def test_who_an_address_is_asked_as_is_masked():
    assert redact("Invalid endpoint: https://user:c4n4ry@a host/x") == "Invalid endpoint: https://***@a host/x"
    assert redact("https://c4n4ry@host, https://host/a@b") == "https://***@host, https://host/a@b"


@pytest.mark.parametrize("shape", SHAPES)
def test_secrets_are_masked_in_every_shape_they_are_logged_in(shape):
    text = redact(shape.replace("%s", SECRET))
    assert SECRET not in text
    assert SECRET[:12] not in text
    assert "***" in text


@pytest.mark.parametrize(
    "text",
    [
        "NextToken=abc",
        '{"NextToken": "abc"}',
        "maxTokens: 500, inputTokens: 12",
        '{"nextToken":"x","outputTokens":5}',
        "the token expired at 12:00",
        "arn:aws:iam::123456789012:role/Bedrock",
        "usage {'inputTokens': 3}",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text):
    assert redact(text) == text


def test_key_ids_keep_four_characters_wherever_they_stand():
    text = redact("Credential=AKIAIOSFODNN7EXAMPLE/20300101/us-east-1, key ASIAIOSFODNN7EXAMPLE.")
    assert text == "Credential=…MPLE/20300101/us-east-1, key …MPLE."


def test_bedrock_api_keys_and_json_web_tokens_are_masked_anywhere():
    assert redact("got bedrock-api-key-YmVkcm9jay5hbWF6b25hd3M= now") == "got *** now"
    assert redact("AWS_BEARER_TOKEN_BEDROCK=ABSKQmVkcm9ja0FQSUtleS1h/Yg+= now") == "AWS_BEARER_TOKEN_BEDROCK=*** now", "long-term"
    assert redact("saw eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln once") == "saw *** once"


def test_known_secrets_are_masked_exactly_the_longest_first():
    assert redact("pw=hunter22 and hunter2", secrets=["hunter2", "hunter22", ""]) == "pw=*** and ***"


@given(st.text(), st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=4))
def test_known_secrets_never_survive(text, secret):
    assert secret not in redact(f"{text} {secret} {text}", secrets=[secret]).replace("***", "")


@given(st.text())
def test_any_text_can_be_redacted(text):
    assert isinstance(redact(text), str)


def test_a_cause_is_presentable_unless_it_or_its_own_causes_tell_a_secret():
    plain, telling = ValueError("no such file"), ValueError(f"SecretAccessKey={SECRET}")
    assert presentable(plain) is plain
    assert presentable(telling) is None
    plain.__cause__ = telling
    assert presentable(plain) is None


def _logged(call) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactingFilter(secrets=["swordfish"]))
    logger = logging.getLogger("some.application")
    logger.addHandler(handler)
    try:
        call(logger)
    finally:
        logger.removeHandler(handler)
    return stream.getvalue()


def test_the_filter_covers_message_and_arguments():
    text = _logged(lambda logger: logger.error("sent %s with %r", {"SecretAccessKey": SECRET}, "swordfish"))
    assert text == "sent {'SecretAccessKey': '***'} with '***'\n"


def test_the_filter_covers_tracebacks():
    def call(logger) -> None:
        try:
            msg = f"SessionToken={SECRET}"
            raise ValueError(msg)
        except ValueError:
            logger.exception("failed")

    text = _logged(call)
    assert "ValueError: SessionToken=***" in text
    assert "Traceback" in text
    assert SECRET not in text


def test_a_wrong_format_string_does_not_lose_the_record():
    assert "its arguments do not fit" in _logged(lambda logger: logger.error("%s %s", "one"))  # noqa: PLE1206 - the mistake under test


def test_botocores_loggers_are_guarded_once():
    logger = logging.getLogger("botocore.parsers")
    guard_loggers()
    guard_loggers()
    assert sum(isinstance(one, RedactingFilter) for one in logger.filters) == 1
    assert not logging.getLogger("some.application").filters
