"""AWS clients for commands in front of which somebody waits: they give up soon, and say what keeps them from being made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bedrock_auth.errors import ConfigurationError
from bedrock_auth.redaction import redact

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config

CONNECT_TIMEOUT, READ_TIMEOUT = 5, 20
"""Seconds for each of two attempts."""


def client_config(read_timeout: int = READ_TIMEOUT) -> Config:
    """Two attempts, each within these seconds."""
    from botocore.config import Config  # noqa: PLC0415 - --help does not pay for botocore

    retries: Any = {"mode": "standard", "total_max_attempts": 2}
    return Config(connect_timeout=CONNECT_TIMEOUT, read_timeout=read_timeout, retries=retries)


def client_of(session: boto3.Session, service: str, region_name: str) -> Any:
    """A client of this session.

    Raises:
        ConfigurationError: none can be made, such as for an endpoint that is no address.
        botocore.exceptions.BotoCoreError: what botocore says of other settings.
    """
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - the same

    client: Any = session.client  # its overloads know names of services, not text
    try:
        return client(service, region_name=region_name, config=client_config())
    except BotoCoreError:
        raise
    except ValueError as error:  # the one that botocore has for an endpoint
        raise ConfigurationError(redact(f"no {service} client can be made: {error}"), setting="endpoint_url") from None
