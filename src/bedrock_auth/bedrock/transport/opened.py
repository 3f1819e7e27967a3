"""`Opened`: a response whose events come later, whoever brings them: a `FrameStream`, boto3's own stream, or a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bedrock_auth.bedrock.errors import Call
    from bedrock_auth.bedrock.transport.connection import StreamConnection


@frozen
class Opened:
    """A response whose events have not been read yet."""

    events: Iterable[Mapping[str, Any]]
    """In boto3's form: dicts with one key, an event's name."""
    call: Call
    """What errors say about the call."""
    response: Mapping[str, Any] = field(factory=dict, repr=False)
    """boto3's response: what came in its headers is there before the first event."""

    @classmethod
    def of(cls, response: Mapping[str, Any], call: Call, member: str) -> Opened:
        """boto3's response to ``call``, which has its events under ``member``."""
        metadata = response.get("ResponseMetadata", {})
        kind = metadata.get("HTTPHeaders", {}).get("content-type")
        about = evolve(call, request_id=metadata.get("RequestId"), content_type=kind, in_stream=True)
        return cls(response[member], about, response)

    @property
    def is_cut(self) -> bool:
        """Whether the end of a frame is missing, as far as anybody knows."""
        return bool(getattr(self.events, "is_cut", False))

    @property
    def connection(self) -> StreamConnection | None:
        """Where the next event comes from, if that can be waited for elsewhere."""
        return getattr(self.events, "connection", None)

    @property
    def has_more(self) -> bool:
        """Whether the next event is probably there without waiting, as far as anybody knows."""
        return bool(getattr(self.events, "has_more", True))

    def hang_up(self) -> None:
        """Wake whoever reads; does not wait. Nothing where the events are not those of a `FrameStream`."""
        getattr(self.events, "hang_up", _nothing)()

    def close(self) -> None:
        """Close the connection, where there is one."""
        getattr(self.events, "close", _nothing)()


def _nothing() -> None:
    pass
