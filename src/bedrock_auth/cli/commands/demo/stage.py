"""Where the demo plays: AWS stand-ins in this process, or the caller's own account.

The stand-ins are moto's server for STS and IAM, and `LocalBedrock`, which verifies every signature with the keys that moto
issued. Decoys lie around all the while: environment keys, a missing profile and a Bedrock bearer token of somebody else.
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

from attrs import evolve, frozen
from moto.server import ThreadedMotoServer

from bedrock_auth.cli.commands.demo.sources import REGION, all_sources, make_account
from bedrock_auth.contracts import Stability, traits
from bedrock_auth.errors import RetrievalError
from bedrock_auth.host import Host
from bedrock_auth.providers.assume_role import AssumeRole
from bedrock_auth.providers.environment import Environment
from bedrock_auth.testing import LocalBedrock, Reply, moto_keys, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bedrock_auth.contracts import CredentialProvider
    from bedrock_auth.credentials import Credentials

MODEL = "us.demo.talker-v1:0"
_ANSWER = "Signed, verified and streamed: every word of this came as an event-stream frame."
_DECOYS = {
    "AWS_ACCESS_KEY_ID": "AKIADECOYDECOYDECOY0",
    "AWS_SECRET_ACCESS_KEY": "the-secret-of-somebody-else",
    "AWS_PROFILE": "a-profile-that-does-not-exist",
    "AWS_BEARER_TOKEN_BEDROCK": "bedrock-api-key-of-somebody-else",
}


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Set these environment variables for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class FastClock:
    """A clock that runs ``speed`` times as fast as the wall's, from now on."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._start = time.time()

    def __call__(self) -> float:
        """Seconds since the epoch, as this clock has it."""
        return self._start + (time.time() - self._start) * self.speed


class Reissued:
    """Another provider's real keys with the lifetime told by another clock, or cut short; tells whom it gave what."""

    def __init__(
        self,
        provider: CredentialProvider,
        clock: Callable[[], float],
        issued: Callable[[Credentials], None] = lambda _: None,
        *,
        lifetime: float | None = None,
        slow: float = 0.0,
    ) -> None:
        self.name = provider.name
        self.stability = Stability.STRICT
        self.region_name = traits(provider).region_name
        self.host = Host.isolated(os.environ, clock=clock)
        self._provider, self._clock, self._issued, self._lifetime, self._slow = provider, clock, issued, lifetime, slow
        self.dead = False

    def retrieve(self) -> Credentials:
        """Fetch, and set the expiration."""
        time.sleep(self._slow)
        if self.dead:
            raise RetrievalError(f"{self.name} has been killed", provider=self.name)
        fetched = self._provider.retrieve()
        lifetime = fetched.remaining() if self._lifetime is None else self._lifetime
        credentials = evolve(fetched, expiration=datetime.fromtimestamp(self._clock() + lifetime, UTC))
        self._issued(credentials)
        return credentials


@frozen
class Stage:
    """What the scenes play with."""

    sources: tuple[tuple[str, CredentialProvider], ...]
    """Label and provider of each source to show."""
    region_name: str | None
    model_id: str
    bedrock: LocalBedrock | None
    """The stand-in, where there is one."""
    renewable: CredentialProvider
    """The source whose keys are let expire."""
    kill_sources: Callable[[], None]
    """Stop what issues keys, where it is ours."""


@contextmanager
def local_stage() -> Iterator[Stage]:
    """Start the stand-ins, lay out the decoys, make a user and a role."""
    with ExitStack() as stack:
        stack.enter_context(_quiet("werkzeug"))
        server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        server.start()
        stack.callback(_stop, server)
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        forget_everything(url)
        bedrock = stack.enter_context(LocalBedrock(keys=moto_keys()))
        bedrock.reply(Reply([text(_ANSWER)], delay=0.02, chunk_size=6))
        names = ("STS", "IAM", "COGNITO_IDENTITY")
        endpoints = {**{f"AWS_ENDPOINT_URL_{name}": url for name in names}, **bedrock.environ}
        stack.enter_context(environment(**endpoints))
        account = make_account()  # before the decoys: moto itself uses boto3, which a missing profile breaks
        stack.enter_context(environment(**_DECOYS))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sources = stack.enter_context(all_sources(account, endpoints, folder))
        yield Stage(sources, REGION, MODEL, bedrock, account.assumed("demo"), lambda: _stop(server))


def forget_everything(url: str, attempts: int = 3) -> None:
    """Empty moto, which keeps what it was told as long as the process lives.

    Raises:
        OSError: it drops every connection; one that has just started may drop the first.
    """
    for last in range(1, attempts + 1):
        try:
            urlopen(Request(f"{url}/moto-api/reset", method="POST"), timeout=10).close()  # noqa: S310 - our own loopback server
        except ConnectionResetError:
            if last == attempts:
                raise
            time.sleep(0.2)
        else:
            return


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Keep a logger's every-day lines off the screen."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


def _stop(server: ThreadedMotoServer) -> None:
    with suppress(AttributeError):  # moto's stop() cannot be called twice
        server.stop()


@contextmanager
def live_stage(region_name: str | None, model_id: str, role_arn: str | None) -> Iterator[Stage]:
    """The caller's own account: the environment's keys, and a role on top of them where one is named."""
    base = Environment()
    sources: tuple[tuple[str, CredentialProvider], ...] = (("Environment", base),)
    if role_arn is not None:
        sources += (("AssumeRole", AssumeRole(role_arn, source=base, region_name=region_name)),)
    yield Stage(sources, region_name, model_id, None, sources[-1][1], lambda: None)
