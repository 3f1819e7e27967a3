"""Who signs in another process is decided by environment variables; these are all of them, and how they are taken away.

`DECIDERS` was put together from what botocore and AWS's SDKs for Java, JavaScript, Go and .NET read, boto 2's settings that
botocore still honours, and this library's own `Settings`. Standard library only.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KEYS, PROFILE, ROLE, CONTAINER, BEARER = "keys", "profile", "role", "container", "bearer token"
VENDING, SCHEME, FILES, METADATA = "vending API", "signing scheme", "files", "instance metadata"

DECIDERS: dict[str, tuple[str, ...]] = {
    KEYS: (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_CREDENTIAL_SCOPE",
        "AWS_ACCOUNT_ID",
        "AWS_ACCESS_KEY",
        "AWS_SECRET_KEY",
    ),
    PROFILE: ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
    ROLE: (
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ROLE_SESSION_NAME",
        "AWS_ROLE_SESSION_DURATION",
        "AWS_EXTERNAL_ID",
    ),
    CONTAINER: (
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    ),
    BEARER: ("AWS_BEARER_TOKEN_BEDROCK",),
    VENDING: ("AWS_GET_TEMP_CREDS_API_URL", "AWS_GET_TEMP_CREDS_API_KEY"),
    SCHEME: ("AWS_AUTH_SCHEME_PREFERENCE",),
    FILES: (
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_CREDENTIAL_FILE",
        "AWS_CREDENTIAL_PROFILES_FILE",
        "BOTO_CONFIG",
        "AWS_LOGIN_CACHE_DIRECTORY",
    ),
    METADATA: (
        "AWS_EC2_METADATA_DISABLED",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
        "AWS_EC2_METADATA_V1_DISABLED",
        "AWS_IMDS_USE_IPV6",
    ),
}
"""What is decided, and the variables that decide it; `BEARER_PREFIX` begins more of them."""
BEARER_PREFIX = "AWS_BEARER_TOKEN_"
"""AWS's SDKs read one such variable for each service that takes bearer tokens, in capitals, digits and underscores."""
_BEARER_NAME = re.compile(BEARER_PREFIX + "[A-Z0-9_]*")
"""What is spelt in another way is read by nobody, and most shells could not even unset it."""
WEAKER_THAN_KEYS = frozenset({FILES, METADATA})
"""Keys in the environment win over these, so whoever sets keys may leave them."""

_KIND_OF = {name: kind for kind, names in DECIDERS.items() for name in names}


def kind_of(name: str) -> str | None:
    """What this variable decides, a key of `DECIDERS`; ``None`` where it has no say in who signs."""
    return BEARER if _BEARER_NAME.fullmatch(name) else _KIND_OF.get(name)


def found_in(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables in this environment that decide who signs, and what each decides; values are not looked at."""
    return {name: kind for name in sorted(environ) if (kind := kind_of(name)) is not None}


def cleaned(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without any of them."""
    return {name: value for name, value in environ.items() if kind_of(name) is None}


def to_unset(environ: Mapping[str, str], *, given: Iterable[str] = (), leave: Iterable[str] = ()) -> tuple[str, ...]:
    """What has to be unset so that nothing but the variables of ``given`` decides; kinds in ``leave`` are not touched.

    Not only what is set in ``environ``: the result may be carried into an environment that nobody has seen yet.
    """
    known = {**_KIND_OF, **found_in(environ)}
    return tuple(sorted(name for name, kind in known.items() if name not in set(given) and kind not in set(leave)))
