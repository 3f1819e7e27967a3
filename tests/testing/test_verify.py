import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from attrs import evolve
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given, settings, strategies as st

from bedrock_auth.credentials import Credentials
from bedrock_auth.testing.verify import Authorization, HttpRequest, Refused, signature, verify

KEYS = Credentials("ASIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token/with+signs==")
NOW = 1_800_000_000.0


def signed(target="/model/some.model/converse", body=b"{}", headers=None, keys=KEYS):
    request = AWSRequest("POST", f"http://127.0.0.1:8080{target}", {"Host": "127.0.0.1:8080", **(headers or {})}, body)
    frozen = ReadOnlyCredentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    SigV4Auth(frozen, "bedrock", "eu-west-1").add_auth(request)
    return HttpRequest("POST", target, {name.lower(): value for name, value in request.headers.items()}, body)


def accepted(request, keys=KEYS, **when):
    return verify(request, {keys.access_key_id: keys}.get, now=NOW, **when)


def refusal(request, keys=KEYS, **when):
    with pytest.raises(Refused) as caught:
        accepted(request, keys, **when)
    assert caught.value.status == 403
    return caught.value.code, caught.value.message


def test_aws_own_example_has_the_signature_that_aws_published():
    # "get-vanilla" of the Signature Version 4 test suite
    request = HttpRequest("GET", "/", {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}, b"")
    claim = Authorization("AKIDEXAMPLE", "20150830", "us-east-1", "service", ("host", "x-amz-date"), "")
    published = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    assert signature(request, claim, "20150830T123600Z", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY") == published


visible = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
segments = st.text(max_size=20).map(lambda text: quote(text, safe=""))
queries = st.lists(st.tuples(segments.filter(bool), segments), max_size=4)


@settings(max_examples=200)
@given(st.lists(segments, max_size=4), queries, st.dictionaries(st.sampled_from(["x-a", "x-b", "Accept"]), visible), st.binary())
def test_whatever_botocore_signs_is_accepted(path, query, headers, body):
    target = "/" + "/".join(path) + ("?" if query else "") + "&".join(f"{name}={value}" for name, value in query)
    assert accepted(signed(target, body, headers)) is KEYS


def test_an_arn_in_the_path_is_accepted_in_the_form_in_which_it_travelled():
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
    assert accepted(signed(f"/model/{quote(arn, safe='')}/converse-stream")) is KEYS


@pytest.mark.parametrize(
    "tamper",
    [
        lambda request: evolve(request, body=b'{"more": 1}'),
        lambda request: evolve(request, body=b""),
        lambda request: evolve(request, target="/model/other.model/converse"),
        lambda request: evolve(request, target=request.target + "?debug=1"),
        lambda request: evolve(request, method="PUT"),
        lambda request: evolve(request, headers={**request.headers, "x-signed": "changed"}),
        lambda request: evolve(request, headers={**request.headers, "host": "elsewhere.example"}),
        lambda request: evolve(request, headers={k: v for k, v in request.headers.items() if k != "x-signed"}),
        lambda request: replaced(request, request.headers["authorization"][-64:], "0" * 64),
        lambda request: replaced(request, "/eu-west-1/", "/us-east-1/"),
    ],
)
def test_whatever_is_changed_after_signing_breaks_the_signature(tamper):
    request = signed(headers={"X-Signed": "as it was"})
    assert accepted(request)
    code, message = refusal(tamper(request))
    assert code == "InvalidSignatureException"
    assert message.startswith("The request signature we calculated does not match the signature you provided.")


def replaced(request, old, new):
    header = request.headers["authorization"]
    assert old in header
    return evolve(request, headers={**request.headers, "authorization": header.replace(old, new)})


def test_a_claimed_payload_hash_does_not_hide_another_body():
    request = signed(headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    assert refusal(evolve(request, body=b"other"))[0] == "InvalidSignatureException"


def test_a_wrong_secret_is_a_bad_signature():
    assert refusal(signed(keys=evolve(KEYS, secret_access_key="guessed")))[0] == "InvalidSignatureException"


@pytest.mark.parametrize(
    "keys",
    [
        evolve(KEYS, access_key_id="ASIAUNKNOWNUNKNOWNXX"),
        evolve(KEYS, session_token="another"),
        evolve(KEYS, session_token=None),
    ],
)
def test_an_unknown_key_and_a_wrong_token_are_an_invalid_security_token(keys):
    code, message = refusal(signed(keys=keys))
    assert (code, message) == ("UnrecognizedClientException", "The security token included in the request is invalid.")


def test_a_token_on_a_key_without_one_is_an_invalid_security_token():
    assert refusal(signed(), evolve(KEYS, session_token=None))[0] == "UnrecognizedClientException"


def test_keys_are_dead_from_the_second_in_which_they_expire():
    expiring = evolve(KEYS, expiration=datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=1))
    assert accepted(signed(), expiring) is expiring
    expired = evolve(KEYS, expiration=datetime.fromtimestamp(NOW, UTC))
    code, message = refusal(signed(), expired)
    assert (code, message) == ("ExpiredTokenException", "The security token included in the request is expired")


@pytest.mark.parametrize(
    ("away", "text"), [(timedelta(minutes=-6), "Signature not yet current: "), (timedelta(minutes=6), "Signature expired: ")]
)
def test_a_clock_that_is_six_minutes_off_is_refused_and_told(away, text):
    code, message = refusal(signed(), received_at=datetime.now(UTC) + away)
    assert code == "InvalidSignatureException"
    assert message.startswith(text)
    assert message.endswith("5 min.)")


@pytest.mark.parametrize("away", [timedelta(minutes=-4), timedelta(minutes=4)])
def test_a_clock_that_is_four_minutes_off_is_accepted(away):
    assert accepted(signed(), received_at=datetime.now(UTC) + away)


@pytest.mark.parametrize(
    ("old", "new", "code", "text"),
    [
        ("host;", "", "InvalidSignatureException", "'Host'"),
        ("/bedrock/", "/s3/", "InvalidSignatureException", "correct service: 'bedrock'"),
        ("/202", "/102", "InvalidSignatureException", "Date in Credential scope"),
        ("Signature=", "Sign=", "IncompleteSignatureException", "requires"),
    ],
)
def test_a_wrong_scope_says_what_is_wrong_with_it(old, new, code, text):
    found, message = refusal(replaced(signed(), old, new))
    assert found == code
    assert text in message


def test_a_signature_without_a_date_is_incomplete():
    request = signed()
    undated = {name: value for name, value in request.headers.items() if name != "x-amz-date"}
    assert refusal(evolve(request, headers=undated))[0] == "IncompleteSignatureException"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "MissingAuthenticationTokenException"),
        ("Basic dXNlcjpwYXNz", "MissingAuthenticationTokenException"),
        ("Bearer bedrock-api-key-AAAA", "AccessDeniedException"),
        ("bearer token", "AccessDeniedException"),
    ],
)
def test_what_is_not_signed_is_refused(header, code):
    headers = {"host": "127.0.0.1"} | ({} if header is None else {"authorization": header})
    assert refusal(HttpRequest("POST", "/model/m/converse", headers, json.dumps({}).encode()))[0] == code


def test_no_secret_is_in_the_repr_of_a_request():
    shown = repr(signed(body=b"private words"))
    assert "token/with" not in shown
    assert "private words" not in shown
