"""One role for each tenant: the service's own keys assume it, narrowed to the tenant, and each request is signed with it.

    python3 -m pip install ".[testing]"
    python tenant_roles.py

No AWS account is needed: moto stands in for AWS STS, and a local endpoint for Amazon Bedrock. It verifies every signature.
"""

from __future__ import annotations

import logging
import os
import sys
from collections import Counter
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from moto.server import ThreadedMotoServer

from bedrock_auth import AssumeRole, Environment, Refresher, RequestScope, Retrieved, create_session, whoami
from bedrock_auth.bedrock import BedrockRuntime
from bedrock_auth.testing import LocalBedrock, moto_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bedrock_auth import Event

MODEL_ID = "us.amazon.nova-lite-v1:0"
ROLE = "arn:aws:iam::123456789012:role/Tenants"
ROUNDS = 25
EXTERNAL_IDS = {"acme": "of-acme-7d1f", "globex": "of-globex-90ab", "initech": "of-initech-3c44"}
"""A tenant's external id never comes from its request: it is what the service has noted."""

tenant: ContextVar[str] = ContextVar("tenant")
fetches: Counter[str] = Counter()


def note(event: Event) -> None:
    """Count the fetches by tenant. The role is the same for all, so its name does not tell them apart."""
    if isinstance(event, Retrieved):
        fetches[tenant.get()] += 1


service_keys = Refresher(Environment())
"""The service's own keys, fetched once for all tenants; in production `InstanceMetadata()`, `Container()` and the like."""
scope = RequestScope(listeners=[note])


def role_of(name: str) -> AssumeRole:
    """The tenant's role. Equal settings are the same role, so nothing in them may differ from request to request."""
    return AssumeRole(
        ROLE,
        source=service_keys,
        external_id=EXTERNAL_IDS[name],
        session_name=f"tenant-{name}",
        tags={"tenant": name},
        policy={
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"},
                {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::documents/{name}/*"},
            ],
        },
    )


def serve(runtime: BedrockRuntime, name: str) -> str:
    """One request of a tenant."""
    tenant.set(name)
    with scope.use(role_of(name)):
        return runtime.converse(MODEL_ID, f"Hello from {name}").text


@contextmanager
def stand_ins() -> Iterator[LocalBedrock]:
    """AWS STS and Amazon Bedrock on loopback; leave them out to use your account."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    sts = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    sts.start()
    host, port = sts.get_host_and_port()
    try:
        with LocalBedrock(moto_keys()) as bedrock:
            os.environ.update(bedrock.environ)
            os.environ.update(AWS_ENDPOINT_URL_STS=f"http://{host}:{port}")
            os.environ["AWS_ACCESS_KEY_ID"] = "AKIASERVICE000000000"
            os.environ["AWS_SECRET_ACCESS_KEY"] = "of-the-service"  # noqa: S105 - moto takes any
            os.environ.pop("AWS_SESSION_TOKEN", None)
            yield bedrock
    finally:
        sts.stop()


def main() -> int:
    """Serve all tenants in turn, and show who signed; 1 if a key signed for two tenants."""
    with stand_ins() as bedrock:
        session = create_session(scope, region_name="us-east-1")
        runtime = BedrockRuntime(session)
        for _ in range(ROUNDS):
            for name in EXTERNAL_IDS:
                serve(runtime, name)
        for name in EXTERNAL_IDS:
            with scope.use(role_of(name)):
                arn = whoami(session).arn
            sent = [request for request in bedrock.requests if f"Hello from {name}" in str(request.body)]
            print(f"{name:8} {len(sent)} requests, {fetches[name]} call of STS, signed as {arn}")
        pairs = {(request.access_key_id, str(request.body)) for request in bedrock.requests}
        print(f"{len(pairs)} tenants, {len({key_id for key_id, _ in pairs})} sets of keys, {fetches.total()} calls of STS")
    return 0 if len(pairs) == len({key_id for key_id, _ in pairs}) == len(EXTERNAL_IDS) else 1


if __name__ == "__main__":
    sys.exit(main())
