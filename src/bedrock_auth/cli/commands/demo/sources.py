"""The sources that the demo shows, each with real HTTP to the stand-ins."""

from __future__ import annotations

import json
import secrets
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import frozen

from bedrock_auth.cli.commands.demo.vending import vending_endpoint
from bedrock_auth.host import Host
from bedrock_auth.providers.assume_role import AssumeRole
from bedrock_auth.providers.cognito import CognitoGuest
from bedrock_auth.providers.environment import Environment
from bedrock_auth.providers.from_callable import FromCallable
from bedrock_auth.providers.http_vending import HttpVending
from bedrock_auth.providers.process import Process
from bedrock_auth.providers.profile import Profile
from bedrock_auth.providers.static import Static
from bedrock_auth.providers.web_identity import WebIdentity
from bedrock_auth.session import create_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from bedrock_auth.contracts import CredentialProvider

REGION = "us-east-1"
EXTERNAL_ID = "demo-customer-7"
_POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "bedrock:InvokeModel*", "Resource": "*"}]}
_TRUST = {"Version": "2012-10-17", "Statement": []}
_PRINT_FILE = "import sys; print(open(sys.argv[1]).read())"


@frozen
class Account:
    """What the demo made in the stand-in account."""

    user: Static
    role_arn: str
    identity_pool_id: str

    def assumed(self, session_name: str) -> AssumeRole:
        """The role, on the user's keys, with an external id and a session policy."""
        return AssumeRole(self.role_arn, source=self.user, external_id=EXTERNAL_ID, policy=_POLICY, session_name=session_name)


def make_account() -> Account:
    """Make a user with keys, a role and an identity pool for guests."""
    setup = create_session(Static("AKIASETUPSETUPSETUP0", "setup"), region_name=REGION)
    iam: Any = setup.client("iam")
    iam.create_user(UserName="demo")
    key = iam.create_access_key(UserName="demo")["AccessKey"]
    role = iam.create_role(RoleName="DemoBedrock", AssumeRolePolicyDocument=json.dumps(_TRUST))["Role"]
    cognito: Any = setup.client("cognito-identity")
    pool = cognito.create_identity_pool(IdentityPoolName="demo", AllowUnauthenticatedIdentities=True, AllowClassicFlow=True)
    return Account(Static(key["AccessKeyId"], key["SecretAccessKey"]), role["Arn"], pool["IdentityPoolId"])


@contextmanager
def all_sources(
    account: Account, endpoints: Mapping[str, str], folder: Path
) -> Iterator[tuple[tuple[str, CredentialProvider], ...]]:
    """Label and provider of each source; the vending endpoint runs inside the block."""
    user, api_key = account.user, secrets.token_urlsafe()
    keys = {"AWS_ACCESS_KEY_ID": user.access_key_id, "AWS_SECRET_ACCESS_KEY": user.secret_access_key}
    config = _private_file(folder / "config", _profiles(account))
    helper = _private_file(folder / "keys.json", json.dumps(account.assumed("process").retrieve().to_process_json()))
    token_file = _private_file(folder / "token", f"{secrets.token_hex()}.{secrets.token_hex()}.{secrets.token_hex()}")
    with vending_endpoint(api_key, account.assumed("vended").retrieve) as url:
        yield (
            ("Static", user),
            ("Environment", Environment(host=Host.isolated(keys))),
            ("Profile", Profile("demo", host=Host.isolated({**endpoints, "AWS_CONFIG_FILE": config}))),
            ("AssumeRole", account.assumed("demo")),
            ("WebIdentity", WebIdentity(account.role_arn, token_file=token_file, session_name="web-identity")),
            ("HttpVending", HttpVending(url, api_key=api_key)),
            ("CognitoGuest", CognitoGuest(account.identity_pool_id, flow="classic", role_arn=account.role_arn)),
            ("Process", Process([sys.executable, "-c", _PRINT_FILE, helper])),
            ("FromCallable", FromCallable(_asking_sts(account), name="a function")),
        )


def _private_file(path: Path, text: str) -> str:
    path.touch(0o600)
    path.write_text(text)
    return str(path)


def _profiles(account: Account) -> str:
    user = account.user
    return (
        f"[profile demo]\nrole_arn = {account.role_arn}\nrole_session_name = profile\nsource_profile = keys\n"
        f"[profile keys]\naws_access_key_id = {user.access_key_id}\naws_secret_access_key = {user.secret_access_key}\n"
    )


def _asking_sts(account: Account) -> Callable[[], dict[str, Any]]:
    def ask() -> dict[str, Any]:
        sts: Any = create_session(account.user, region_name=REGION).client("sts")
        answer: dict[str, Any] = sts.assume_role(RoleArn=account.role_arn, RoleSessionName="function")["Credentials"]
        return answer

    return ask
