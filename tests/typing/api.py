"""What type checkers must accept, as users write it. Checked by mypy --strict, never run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_auth import (
    AssumeRole,
    Caller,
    CallerAnswer,
    CallerSettings,
    CallerSettingsError,
    Chain,
    CognitoGuest,
    CognitoIdentity,
    Container,
    CredentialProvider,
    Credentials,
    CredentialSource,
    Default,
    DiskCache,
    Environment,
    FromCallable,
    FromSession,
    HttpVending,
    InstanceMetadata,
    LogListener,
    Process,
    Profile,
    Refresher,
    RefreshPolicy,
    RequestScope,
    Settings,
    Static,
    WebIdentity,
    answer_for,
    create_session,
    whoami,
)

if TYPE_CHECKING:
    import boto3
    from botocore.client import BaseClient

    from bedrock_auth import Event


class Mine:
    """A provider of a user's own."""

    name = "mine"

    def retrieve(self) -> Credentials:
        """Deliver."""
        return Credentials("AKIAEXAMPLE", "secret")


def hear(event: Event) -> None:
    """Listen as a plain function."""
    print(event.provider)


def fetch() -> dict[str, str]:
    """Deliver as a plain function."""
    return {"AccessKeyId": "AKIAEXAMPLE", "SecretAccessKey": "secret"}


def fetch_key() -> str:
    """Deliver an API key."""
    return "key"


providers: list[CredentialProvider] = [
    Static("AKIAEXAMPLE", "secret"),
    Environment(),
    FromCallable(fetch),
    Process(["vault", "aws"]),
    Process("vault aws"),
    AssumeRole("arn:aws:iam::123456789012:role/R", source=Environment(), policy={"Version": "2012-10-17"}, tags={"a": "b"}),
    AssumeRole("arn:aws:iam::123456789012:role/R"),
    Profile("dev"),
    WebIdentity("arn:aws:iam::123456789012:role/R", token_file="/var/run/token"),
    HttpVending("https://example.com", api_key=fetch_key),
    CognitoIdentity("us-east-1:0000", logins={"accounts.example.com": "token"}),
    CognitoGuest("us-east-1:0000", flow="classic", role_arn="arn:aws:iam::123456789012:role/R"),
    Container(),
    InstanceMetadata(),
    Chain(Environment(), Default(), fetch),
    Default(),
    DiskCache(Profile("dev")),
    DiskCache(FromCallable(fetch), key="mine"),
    Mine(),
]
source: CredentialSource = Refresher(Mine(), RefreshPolicy(advisory_window=120))
session: boto3.Session = create_session(providers[0], region_name="us-east-1", listeners=[LogListener(), hear])
other: boto3.Session = create_session(source)
third: boto3.Session = create_session(fetch)
fourth: boto3.Session = create_session()
fifth: boto3.Session = create_session(Settings.from_environ())
sixth: boto3.Session = create_session(FromSession(fourth))
account: str = whoami(session).account
credentials: Credentials = source.current()


def serve(body: dict[str, object]) -> tuple[int, dict[str, str]]:
    """Read what a caller sent."""
    try:
        caller = CallerSettings.from_mapping(body, agent=False, regions={"us-east-1"})
    except CallerSettingsError as error:
        return error.status, error.body
    keys: Credentials = caller.credentials
    agent: str | None = caller.agent_id
    answer: CallerAnswer = answer_for(TimeoutError(keys.source, agent))
    return answer.status, answer.body


scope = RequestScope(policy=RefreshPolicy(advisory_window=120), listeners=[LogListener(), hear])
shared: boto3.Session = create_session(scope, region_name="us-east-1")
everybodys: BaseClient = shared.client("bedrock-runtime")


def one_request() -> str:
    """Sign as whoever sent it."""
    for identity in (Mine(), source, credentials, fetch):
        with scope.use(identity) as caller:
            here: Caller | None = scope.caller
            print(caller.name, here is caller)
    with scope.bind(Static("AKIAEXAMPLE", "secret"), region_name="us-east-1") as bound:
        theirs: BaseClient = bound.client("bedrock-runtime", "eu-west-1", endpoint_url="http://localhost:1")
        print(theirs, bound.is_closed, bound.region_name)
        also: CredentialSource = bound
    bound.close()
    return also.current().source


@scope.use(Environment())
def decorated(number: int) -> str:
    """Sign as the same at each call."""
    return str(number)


async def later(refresher: Refresher) -> Credentials:
    """Fetch from asyncio."""
    return await refresher.acurrent()
