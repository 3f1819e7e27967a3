"""A bound client's calls are its caller's, and nothing else is: not what runs inside of them, not what is kept."""

from __future__ import annotations

import gc
import io
import weakref

import pytest
from attrs import field, frozen

from bedrock_auth import AssumeRole, ConfigurationError, Credentials, DeniedError, Environment, Host, MissingIdentityError, Static
from bedrock_auth.contracts import is_shareable
from bedrock_auth.pool import shared
from scope.people import ANN, BEN, ask
from support.wire import Wire

ROLE = "arn:aws:iam::123456789012:role/Bedrock"


def test_a_private_entry_to_a_bound_client_is_its_callers_too(scope, session, bedrock):
    with scope.bind(BEN) as ben, scope.use(ANN):
        ben.client("bedrock-runtime")._make_api_call(
            "Converse", {"modelId": "m", "messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
        )
    assert [request.access_key_id for request in bedrock.requests] == [BEN.access_key_id]


def test_what_runs_inside_a_bound_clients_call_is_not_its_callers(scope, session, client, bedrock):
    class Body(io.BytesIO):
        def read(self, *size: int) -> bytes:
            ask(client)
            return super().read(*size)

    with scope.bind(BEN) as ben, scope.use(ANN):
        s3 = ben.client("s3")
        wire = Wire(s3, (200, b""))
        s3.meta.events.register("before-send", lambda request, **_: request.body.read(), unique_id="reads")
        s3.put_object(Bucket="b", Key="k", Body=Body(b"text"))
    assert set(wire.signers()) == {BEN.access_key_id}
    assert {request.access_key_id for request in bedrock.requests} == {ANN.access_key_id}


def test_a_call_that_signs_a_copy_of_itself_works(scope, session):
    ec2 = session.client("ec2")
    wire = Wire(ec2, (200, b"<CopySnapshotResponse><snapshotId>snap-1</snapshotId></CopySnapshotResponse>"))
    with scope.use(ANN):
        ec2.copy_snapshot(SourceRegion="eu-west-1", SourceSnapshotId="snap-0")
    assert wire.signers() == [ANN.access_key_id]
    assert ANN.access_key_id in str(wire.requests[0].body)


def test_a_block_that_is_entered_by_hand_and_forgotten_ends(scope, client, bedrock):
    scope.use(ANN).__enter__()
    gc.collect()
    with pytest.raises(MissingIdentityError):
        ask(client)
    assert bedrock.requests == []


def test_transfers_that_keep_one_clients_credentials_for_the_process_are_refused(scope, session):
    with scope.bind(ANN) as ann, pytest.raises(ConfigurationError, match="preferred_transfer_client"):
        ann.client("s3")._get_credentials()


@pytest.mark.parametrize("option", ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"])
def test_a_caller_takes_no_other_keys(scope, session, option):
    with scope.bind(ANN) as ann, pytest.raises(ConfigurationError, match=option) as caught:
        ann.client("sts", **{option: "canary"})
    assert "canary" not in str(caught.value)
    assert len(scope.clients) == 0


@frozen
class Vault:
    """A user's own provider."""

    tenant: str = field(eq=False)
    api_key: str = "plain"
    name = "vault"

    def retrieve(self) -> Credentials:
        return {"ann": ANN, "ben": BEN}[self.tenant]


class Tenants(AssumeRole):
    """An heir with more than its fields say."""


@pytest.mark.parametrize(
    "provider",
    [
        Vault("ann"),
        Tenants(ROLE, source=Environment()),
        AssumeRole(ROLE, source=Vault("ann")),
        Environment(host=Host.isolated({"AWS_SECRET_ACCESS_KEY": "canary"})),
        Static(ANN.access_key_id, ANN.secret_access_key),
    ],
    ids=type,
)
def test_what_may_have_a_secret_that_nobody_sees_stays_out_of_the_pool(scope, session, provider):
    assert not is_shareable(provider)
    with scope.use(provider):
        pass
    assert len(shared) == 0


def test_callers_of_providers_that_count_as_equal_are_not_mixed_up(scope, client, bedrock):
    for tenant in ("ann", "ben"):
        with scope.use(Vault(tenant)):
            ask(client)
    assert [request.access_key_id for request in bedrock.requests] == [ANN.access_key_id, BEN.access_key_id]


def test_an_error_that_is_remembered_keeps_nothing_of_who_asked(scope):
    class Asked:
        """What the request at hand has on its stack."""

    @frozen
    class Refusing:
        name = "refusing"
        is_shareable = True

        def retrieve(self) -> Credentials:
            try:
                raise ValueError
            except ValueError as error:
                msg = "refused"
                raise DeniedError(msg) from error

    def serve() -> weakref.ref[Asked]:
        asked = Asked()
        with scope.use(Refusing()) as caller, pytest.raises(DeniedError):
            caller.current()
        return weakref.ref(asked)

    left = serve()
    gc.collect()
    assert len(shared) == 1
    assert left() is None


def test_a_bound_clients_call_leaves_nothing_in_the_context(scope, session, bedrock):
    before = scope.acting.get()
    with scope.bind(BEN) as ben:
        ask(ben.client("bedrock-runtime"))
    assert scope.acting.get() is before


def test_closing_a_caller_leaves_what_others_share(scope, session, bedrock, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ANN.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", ANN.secret_access_key)
    monkeypatch.setenv("AWS_SESSION_TOKEN", ANN.session_token or "")
    with scope.bind(Environment()) as other:
        with scope.bind(Environment()) as first:
            ask(first.client("bedrock-runtime"))
        ask(other.client("bedrock-runtime"))
    assert [request.access_key_id for request in bedrock.requests] == [ANN.access_key_id] * 2
