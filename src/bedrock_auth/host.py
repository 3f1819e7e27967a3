"""Host: the one object through which this library touches the world around it.

Providers and the refresh engine ask their host for the environment, the time, chance and AWS clients, never the modules
that give them, so a test replaces the world by passing another host and constructing a provider touches nothing at all.

`Host.system()` is the real world, one object per process; it pickles as a reference to itself. `Host.isolated()` has an
environment and clock of its own. After a fork the child's hosts forget their clients (sockets must not be shared) and
draw new random numbers.

The AWS clients that a host hands out are for exchanging credentials: built once per service, region and endpoint, without
credentials of their own, each call signed by `bedrock_auth.signing`. They refuse plain http except on loopback.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import random
import threading
import time
import weakref
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bedrock_auth.credentials import MAX_ANSWER_BYTES
from bedrock_auth.errors import ConfigurationError, RetrievalError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from botocore.client import BaseClient
    from botocore.session import Session

    from bedrock_auth.http import Answer

_log = logging.getLogger(__name__)

MEMORY_SIZE = 1000

_forked: weakref.WeakSet[Any] = weakref.WeakSet()


def call_after_fork(thing: Any) -> None:
    """Have ``thing.after_fork()`` called in every forked child, for as long as the thing lives."""
    _forked.add(thing)


def _after_fork_in_child() -> None:
    for thing in list(_forked):
        thing.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


class Host:
    """Environment, clock, chance and AWS clients."""

    environ: Mapping[str, str]
    clock: Callable[[], float]
    """Wall-clock seconds since the epoch: a laptop's sleep must count."""
    sleep: Callable[[float], None]
    """Wait so many seconds."""

    def __init__(
        self,
        environ: Mapping[str, str],
        clock: Callable[[], float],
        seed: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Make a host of these parts; users take `system` or `isolated`."""
        self.environ = environ
        self.clock = clock
        self.sleep = sleep
        self._seed = seed
        self._memory: OrderedDict[Hashable, Any] = OrderedDict()
        self._begin()
        call_after_fork(self)

    def _begin(self) -> None:
        self._random = random.Random(self._seed)  # noqa: S311 - jitter, not secrets
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str, str | None], BaseClient] = {}

    def after_fork(self) -> None:
        """Forget clients, locks and random state."""
        self._begin()

    @staticmethod
    def system() -> Host:
        """The world as it is; the same object every time."""
        return _SYSTEM

    @classmethod
    def isolated(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        clock: Callable[[], float] = time.time,
        seed: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Host:
        """A world of its own: these variables, this clock, and reproducible chance where a seed is given.

        It governs what this library reads. AWS clients take their endpoint from here too, but their proxies, CA bundle and
        AWS config file from the process, as botocore does.
        """
        return cls({} if environ is None else environ, clock, seed, sleep)

    def __repr__(self) -> str:
        """Tell the system host from others, show nothing."""
        return "Host.system()" if self is _SYSTEM else "<isolated Host>"

    def __reduce__(self) -> tuple[Any, ...]:
        """The system host pickles as a reference; another one as its parts."""
        if self is _SYSTEM:
            return Host.system, ()
        return Host, (self.environ, self.clock, self._seed, self.sleep)

    @property
    def is_shareable(self) -> bool:
        """Whether it is everybody's; another one may have a caller's secrets in its environment."""
        return self is _SYSTEM

    def setting(self, name: str) -> str | None:
        """An environment variable without surrounding white space; blank counts as unset (AWS's rule)."""
        return self.environ.get(name, "").strip() or None

    def uniform(self, low: float, high: float) -> float:
        """A random number in [low, high]."""
        return self._random.uniform(low, high)

    def region(self) -> str | None:
        """The region that the environment names."""
        return self.setting("AWS_REGION") or self.setting("AWS_DEFAULT_REGION")

    @property
    def home(self) -> Path | None:
        """The home directory, where there is one."""
        stated = self.setting("HOME") or self.setting("USERPROFILE")
        return None if stated is None else Path(stated)

    @property
    def ca_bundle(self) -> str | None:
        """The file with the certificates to trust that the environment names, as botocore reads it."""
        return self.setting("AWS_CA_BUNDLE") or self.setting("REQUESTS_CA_BUNDLE")

    def http(self, method: str, url: str, headers: Mapping[str, str], *, timeout: float) -> Answer:
        """One HTTP request without a body; see `bedrock_auth.http.exchange`.

        Raises:
            NoAnswerError: nothing answered.
            OversizedAnswerError: more came than credentials need.
        """
        from bedrock_auth.http import exchange  # noqa: PLC0415 - brings attrs

        return exchange(method, url, headers, timeout=timeout, ca_bundle=self.ca_bundle)

    def addresses(self, hostname: str, *, timeout: float) -> tuple[str, ...]:
        """Every address of a name; see `bedrock_auth.http.resolve`.

        Raises:
            NoAnswerError: it has none.
        """
        from bedrock_auth.http import resolve  # noqa: PLC0415 - brings attrs

        return resolve(hostname, timeout=timeout)

    def recall(self, key: Hashable) -> Any:
        """What was kept under this key, or ``None``."""
        with self._lock:
            if key in self._memory:
                self._memory.move_to_end(key)
            return self._memory.get(key)

    def keep(self, key: Hashable, value: Any) -> None:
        """Remember something that must outlive a fetch, such as a chain's winner; the least used is forgotten in time."""
        with self._lock:
            self._memory[key] = value
            self._memory.move_to_end(key)
            while len(self._memory) > MEMORY_SIZE:
                self._memory.popitem(last=False)

    def forget(self, key: Hashable) -> None:
        """Drop what was kept under this key."""
        with self._lock:
            self._memory.pop(key, None)

    def freezes_between_requests(self) -> bool:
        """Whether background threads stand still between requests, as in AWS Lambda."""
        return self.setting("AWS_LAMBDA_FUNCTION_NAME") is not None

    def client(self, service_name: str, region_name: str) -> BaseClient:
        """The client for exchanging credentials with this service, without credentials of its own; built once.

        Raises:
            ConfigurationError: its endpoint is plain http off loopback, or not usable at all.
        """
        endpoint = self._endpoint(service_name)
        key = (service_name, region_name, endpoint)
        with self._lock:
            client = self._clients.get(key)
        if client is None:
            client = self._build_client(service_name, region_name, endpoint)
            with self._lock:
                client = self._clients.setdefault(key, client)
        return client

    def new_client(self, service_name: str, region_name: str) -> BaseClient:
        """The same, built for this caller alone, who may register handlers on it.

        Raises:
            ConfigurationError: as `client`.
        """
        return self._build_client(service_name, region_name, self._endpoint(service_name))

    def _build_client(self, service_name: str, region_name: str, endpoint: str | None) -> BaseClient:
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - importing bedrock_auth must not load botocore

        from bedrock_auth import signing  # noqa: PLC0415 - the same
        from bedrock_auth.aws import new_botocore_session, no_credentials, sigv4_config  # noqa: PLC0415 - the same

        session: Session = new_botocore_session()
        session.register_component("credential_provider", no_credentials)
        signing.install(session.get_component("event_emitter"))
        session.get_component("event_emitter").register("before-parse", _refuse_oversized)
        config = sigv4_config(
            connect_timeout=5,
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 2},
            parameter_validation=False,  # providers check, and show no value; a stand-in may issue keys for two seconds
        )
        stated = None if self.environ is os.environ else endpoint  # botocore reads the process's variables and files itself
        try:
            client = session.create_client(service_name, region_name, endpoint_url=stated, config=config)
        except (BotoCoreError, ValueError) as error:
            msg = f"no {service_name} client can be made for region {region_name!r}: {error}"
            raise ConfigurationError(msg, setting="region_name") from error
        refuse_plain_http(client.meta.endpoint_url, setting=f"the {service_name} endpoint")
        return client

    def _endpoint(self, service_name: str) -> str | None:
        """What the environment says; an endpoint from the config file botocore finds itself."""
        if (self.setting("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") or "").lower() == "true":
            return None
        return self.setting(f"AWS_ENDPOINT_URL_{service_name.upper().replace('-', '_')}") or self.setting("AWS_ENDPOINT_URL")


def _refuse_oversized(response_dict: dict[str, Any], **_: Any) -> None:
    if len(response_dict["body"]) > MAX_ANSWER_BYTES:
        msg = f"AWS's answer is larger than {MAX_ANSWER_BYTES} bytes, so it is no set of credentials"
        raise RetrievalError(msg, code="OversizedAnswer")


def refuse_plain_http(url: str, *, setting: str) -> None:
    """Let https pass, and http to this very machine.

    Raises:
        ConfigurationError: credentials would cross a network in the clear.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        return
    msg = f"{setting} is {parts.scheme}://{parts.hostname}: credentials are exchanged over https only, loopback excepted"
    raise ConfigurationError(msg, setting=setting)


def is_loopback(hostname: str) -> bool:
    """Whether the name or address is this machine; names are not resolved."""
    if hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False


_SYSTEM = Host(os.environ, time.time)
