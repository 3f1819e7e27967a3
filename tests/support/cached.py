"""A source that counts, and the disk cache over it in a world of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import attrs

from bedrock_auth.contracts import Stability
from bedrock_auth.credentials import Credentials
from bedrock_auth.disk_cache import DiskCache
from bedrock_auth.host import Host
from support.worlds import START, Clock

if TYPE_CHECKING:
    from pathlib import Path

HOUR = 3600.0
SECRET, TOKEN = "c4n4ry-cached-secret", "c4n4ry-cached-token"


@attrs.frozen
class Counted:
    """A user's own provider: an attrs value that hands out a new set at every call."""

    label: str = "one"
    host: Host = attrs.field(factory=Host.isolated, repr=False)
    lifetime: float | None = attrs.field(default=HOUR, eq=False)
    errors: list[Exception] = attrs.field(factory=list, eq=False, repr=False)
    """Raised one after the other, before anything is handed out."""
    calls: list[float] = attrs.field(factory=list, eq=False, repr=False)
    rejected: list[str] = attrs.field(factory=list, eq=False, repr=False)
    stability: Stability = attrs.field(default=Stability.STRICT, eq=False)
    prefix: str = attrs.field(default="ASIA", eq=False)
    token: str | None = attrs.field(default=TOKEN, eq=False, repr=False)

    @property
    def name(self) -> str:
        return f"counted {self.label}"

    def retrieve(self) -> Credentials:
        self.calls.append(self.host.clock())
        if self.errors:
            raise self.errors.pop(0)
        lifetime = self.lifetime
        expiration = None if lifetime is None else datetime.fromtimestamp(self.host.clock() + lifetime, UTC)
        key_id = f"{self.prefix}C4N4RYCACHED{len(self.calls):04d}"
        return Credentials(key_id, SECRET, self.token, expiration, "123456789012", self.name)

    def invalidate(self, access_key_id: str) -> None:
        self.rejected.append(access_key_id)


@attrs.define
class World:
    """A folder for the cache and a clock; each provider made here is as if in a process of its own."""

    folder: Path
    clock: Clock = attrs.field(factory=Clock)
    environ: dict[str, str] = attrs.field(factory=dict)

    def host(self, **environ: str) -> Host:
        return Host.isolated({"BEDROCK_AUTH_CACHE_DIR": str(self.folder), **self.environ, **environ}, clock=self.clock)

    def cached(self, label: str = "one", **settings: Any) -> DiskCache:
        """A cache over a source of its own."""
        return DiskCache(Counted(label, settings.pop("host", None) or self.host(), **settings))

    def entries(self) -> list[Path]:
        return sorted(self.folder.glob("*.json")) if self.folder.is_dir() else []


def calls(cache: DiskCache) -> int:
    """How often the source was asked."""
    return len(cache.provider.calls)


__all__ = ["HOUR", "SECRET", "START", "TOKEN", "Counted", "World", "calls"]
