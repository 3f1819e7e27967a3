"""The environment variables that decide who signs and how AWS is reached, as far as they may be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from bedrock_auth.cli.handing_over.handoff import found_in
from bedrock_auth.cli.output import shown_url
from bedrock_auth.credentials import masked_key_id
from bedrock_auth.redaction import MASK, redact

if TYPE_CHECKING:
    from collections.abc import Mapping

REGION, NETWORK = "region", "network"
_MORE = {
    **dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), REGION),
    **dict.fromkeys(("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"), NETWORK),
    **{name: NETWORK for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY") for name in (proxy, proxy.lower())},
}
_OPEN = {
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_ACCOUNT_ID",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_SESSION_NAME",
    "AWS_ROLE_SESSION_DURATION",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_AUTH_SCHEME_PREFERENCE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
    "AWS_EC2_METADATA_V1_DISABLED",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NO_PROXY",
    "no_proxy",
}
"""Their values are shown; of every other variable only that it is set, or as much as `_shown` says."""


@frozen
class Variable:
    """One variable that is set."""

    name: str
    value: str
    """What may be shown of it."""
    decides: str
    """What it has a say in, such as ``keys``, ``profile`` or ``region``."""


def deciding(environ: Mapping[str, str]) -> tuple[Variable, ...]:
    """Every variable that is set and has a say in who signs, in which region, or through which proxy; by name."""
    more = {name: kind for name, kind in _MORE.items() if name in environ}
    found = sorted({**found_in(environ), **more}.items())
    return tuple(Variable(name, _shown(name, environ[name]), kind) for name, kind in found)


def _shown(name: str, value: str) -> str:
    if not value.strip() or name in _OPEN:
        return redact(value)
    if name.endswith("ACCESS_KEY_ID"):
        return masked_key_id(value.strip())
    if name in {"AWS_GET_TEMP_CREDS_API_URL", "AWS_EC2_METADATA_SERVICE_ENDPOINT"} or name.upper().endswith("_PROXY"):
        return shown_url(value)
    return MASK
