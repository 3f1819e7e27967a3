"""The keys that LocalBedrock accepts, and those that moto issued in this process."""

from __future__ import annotations

import base64
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC
from typing import Any, TypeAlias

from bedrock_auth.credentials import Credentials

KeyLookup: TypeAlias = Callable[[str], Credentials | None]
"""From an access key id to the credentials it belongs to, asked at every request."""


def make_credentials() -> Credentials:
    """A new random pair of long-term keys that no AWS account knows."""
    key_id = "AKIA" + base64.b32encode(secrets.token_bytes(10)).decode()
    return Credentials(key_id, secrets.token_urlsafe(30), source="local-bedrock")


class KeyRing:
    """Keys that were added, then those that a function finds, without those that were revoked."""

    def __init__(self, keys: Mapping[str, Credentials] | Iterable[Credentials] | KeyLookup = ()) -> None:
        """Begin with these keys, or with a function to ask at every request."""
        self._lookup: KeyLookup | None = None
        self._keys: dict[str, Credentials] = {}
        self._revoked: set[str] = set()
        self._lock = threading.Lock()
        if callable(keys):
            self._lookup = keys
            return
        for credentials in keys.values() if isinstance(keys, Mapping) else keys:
            self.add(credentials)

    def add(self, credentials: Credentials) -> None:
        """Accept these from now on, even if they were revoked."""
        with self._lock:
            self._keys[credentials.access_key_id] = credentials
            self._revoked.discard(credentials.access_key_id)

    def revoke(self, access_key_id: str) -> None:
        """Refuse this key from now on."""
        with self._lock:
            self._revoked.add(access_key_id)

    def find(self, access_key_id: str) -> Credentials | None:
        """The credentials that belong to the id, if it is accepted."""
        with self._lock:
            if access_key_id in self._revoked:
                return None
            found = self._keys.get(access_key_id)
        return self._lookup(access_key_id) if found is None and self._lookup is not None else found


def moto_keys() -> KeyLookup:
    """A lookup of the keys that moto issued in this process: assumed roles, with token and expiration, and IAM users' keys.

    For ``LocalBedrock(keys=moto_keys())``. It reads moto's memory, so the moto server has to run in this process
    (``ThreadedMotoServer``, ``mock_aws``).

    Raises:
        ImportError: moto is not installed.
    """
    try:
        from moto.iam.models import iam_backends  # noqa: PLC0415 - moto is an extra, and slow to import
        from moto.sts.models import sts_backends  # noqa: PLC0415
    except ImportError as error:
        msg = 'moto_keys() needs moto: python3 -m pip install "bedrock-auth[testing]"'
        raise ImportError(msg) from error

    def find(access_key_id: str) -> Credentials | None:
        for role in _roles(sts_backends):
            if role.access_key_id == access_key_id:
                expiration = role.expiration.replace(tzinfo=UTC)  # moto keeps naive UTC
                return Credentials(role.access_key_id, role.secret_access_key, role.session_token, expiration, source="moto")
        for key in _user_keys(iam_backends):
            if key.access_key_id == access_key_id and key.status == "Active":
                return Credentials(key.access_key_id, key.secret_access_key, source="moto")
        return None

    return find


def _roles(by_account: Mapping[str, Any]) -> Iterator[Any]:
    for backend in _backends(by_account):
        yield from list(backend.assumed_roles)


def _user_keys(by_account: Mapping[str, Any]) -> Iterator[Any]:
    for backend in _backends(by_account):
        for user in list(backend.users.values()):
            yield from list(user.access_keys)


def _backends(by_account: Mapping[str, Any]) -> Iterator[Any]:
    for by_partition in list(by_account.values()):
        yield from list(by_partition.values())
