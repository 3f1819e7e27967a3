import sys
import time

import boto3
import pytest
from botocore.exceptions import ClientError

from bedrock_auth.credentials import Credentials
from bedrock_auth.testing import LocalBedrock, moto_keys

REQUEST = {"modelId": "some.model", "messages": [{"role": "user", "content": [{"text": "Hello"}]}]}
ROLE = "arn:aws:iam::123456789012:role/Bedrock"


@pytest.fixture(scope="session")
def moto_url():
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - moto takes a second to import

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(moto_url, shared_session):
    made = []

    def client(name):
        made.append(shared_session.client(name, endpoint_url=moto_url, aws_access_key_id="test", aws_secret_access_key="test"))
        return made[-1]

    yield client
    for opened in made:
        opened.close()


def refused(client):
    with pytest.raises(ClientError) as caught:
        client.converse(**REQUEST)
    return caught.value.response["Error"]["Code"]


def test_the_keys_of_a_role_that_moto_assumed_are_accepted_until_they_expire(aws, client_for):
    answer = aws("sts").assume_role(RoleArn=ROLE, RoleSessionName="test", DurationSeconds=900)
    keys = Credentials.from_answer(answer["Credentials"], source="moto")
    ahead = [0.0]
    with LocalBedrock(moto_keys(), clock=lambda: time.time() + ahead[0]) as bedrock:
        client = client_for(bedrock, keys)
        client.converse(**REQUEST)
        assert bedrock.requests[0].access_key_id == keys.access_key_id
        ahead[0] = 890
        client.converse(**REQUEST)
        ahead[0] = 901
        assert refused(client) == "ExpiredTokenException"


def test_a_role_of_another_account_and_a_second_set_are_found_as_well(aws, client_for):
    other = "arn:aws:iam::999999999999:role/Bedrock"
    with LocalBedrock(moto_keys()) as bedrock:
        for role in (ROLE, other, other):
            answer = aws("sts").assume_role(RoleArn=role, RoleSessionName="test")
            client_for(bedrock, Credentials.from_answer(answer["Credentials"], source="moto")).converse(**REQUEST)
        assert len({request.access_key_id for request in bedrock.requests}) == 3


def test_the_token_that_moto_issued_must_come_along(aws, client_for):
    answer = aws("sts").assume_role(RoleArn=ROLE, RoleSessionName="test")["Credentials"]
    with LocalBedrock(moto_keys()) as bedrock:
        without = Credentials(answer["AccessKeyId"], answer["SecretAccessKey"])
        assert refused(client_for(bedrock, without)) == "UnrecognizedClientException"


def test_the_keys_of_a_user_are_accepted_while_they_are_active(aws, client_for):
    iam = aws("iam")
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    with LocalBedrock(moto_keys()) as bedrock:
        client = client_for(bedrock, Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
        client.converse(**REQUEST)
        iam.update_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"], Status="Inactive")
        assert refused(client) == "UnrecognizedClientException"


def test_moto_knows_no_keys_that_it_did_not_issue():
    assert moto_keys()("AKIAIOSFODNN7EXAMPLE") is None


def test_without_moto_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "moto.iam.models", None)
    with pytest.raises(ImportError, match=r'python3 -m pip install "bedrock-auth\[testing\]"'):
        moto_keys()


def test_keys_are_given_as_values_as_a_mapping_or_as_a_function(client_for):
    keys = Credentials("ASIAIOSFODNN7EXAMPLE", "secret", "token")
    for given in ([keys], (key for key in [keys]), {keys.access_key_id: keys}, {keys.access_key_id: keys}.get):
        with LocalBedrock(given) as bedrock:
            client_for(bedrock, keys).converse(**REQUEST)
            client_for(bedrock).converse(**REQUEST)


def test_a_key_is_refused_once_revoked_and_accepted_once_added_again(bedrock, client):
    client.converse(**REQUEST)
    bedrock.revoke(bedrock.credentials.access_key_id)
    assert refused(client) == "UnrecognizedClientException"
    bedrock.add_key(bedrock.credentials)
    client.converse(**REQUEST)


def test_a_key_that_a_function_finds_can_be_revoked_too(client_for):
    keys = Credentials("ASIAIOSFODNN7EXAMPLE", "secret")
    with LocalBedrock(lambda _: keys) as bedrock:
        bedrock.revoke(keys.access_key_id)
        assert refused(client_for(bedrock, keys)) == "UnrecognizedClientException"


def test_a_key_function_that_fails_is_an_error_that_says_so(client_for):
    def broken(_):
        msg = "no keys today"
        raise LookupError(msg)

    with LocalBedrock(broken) as bedrock:
        assert refused(client_for(bedrock, Credentials("ASIAIOSFODNN7EXAMPLE", "secret"))) == "LocalBedrockError"


def test_each_server_has_a_key_of_its_own():
    first, second = LocalBedrock().credentials, LocalBedrock().credentials
    assert first.access_key_id != second.access_key_id
    assert boto3.Session(first.access_key_id, first.secret_access_key).get_credentials().token is None
    assert first.access_key_id not in repr(LocalBedrock())
