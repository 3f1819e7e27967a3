"""`Container`: keys from the endpoint that ECS, EKS Pod Identity and their like give a container.

==============================================  ===============================================================
``AWS_CONTAINER_CREDENTIALS_RELATIVE_URI``      a path on ``http://169.254.170.2``; wins over the full one
``AWS_CONTAINER_CREDENTIALS_FULL_URI``          https anywhere; plain http on this machine, ``169.254.170.2``,
                                                ``169.254.170.23`` and ``fd00:ec2::23``
``AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE``      file with what is sent as ``Authorization``; wins over the next one
``AWS_CONTAINER_AUTHORIZATION_TOKEN``           the same as text
==============================================  ===============================================================

All of them are read at every fetch, the file too: EKS replaces it. As in AWS's SDKs a token that holds a line break is refused.

A fetch makes three attempts of two seconds at most, as botocore does. Source of the rules: "Container credential provider" in
the AWS SDKs and Tools Reference Guide.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from bedrock_auth.contracts import Stability
from bedrock_auth.errors import ConfigurationError, CredentialError, DeniedError, NotConfiguredError, RetrievalError
from bedrock_auth.host import Host
from bedrock_auth.providers import _endpoint
from bedrock_auth.providers._settings import wrong

if TYPE_CHECKING:
    from collections.abc import Collection

    from bedrock_auth.credentials import Credentials
    from bedrock_auth.http import Answer
    from bedrock_auth.providers._endpoint import Target

_log = logging.getLogger(__name__)

_KIND = "container"
_RELATIVE, _FULL = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"
_TOKEN_FILE, _TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN"
_ECS = "169.254.170.2"
_FIXED = (_ECS, "169.254.170.23", "fd00:ec2::23")
_ATTEMPTS, _TIMEOUT, _PAUSE = 3, 2.0, 1.0


@frozen
class Container:
    """The container's own role, as the environment says where to ask for it."""

    host: Host = field(factory=Host.system, kw_only=True, repr=False)

    name = _KIND
    """``container``."""
    stability = Stability.STABLE
    """AWS runs the issuer."""
    timeout = _TIMEOUT + _ATTEMPTS * _TIMEOUT + (_ATTEMPTS - 1) * _PAUSE
    """Seconds: resolving a name, three attempts and the pauses between them."""

    def retrieve(self) -> Credentials:
        """Ask the endpoint for keys.

        Raises:
            NotConfiguredError: neither URI is set.
            ConfigurationError: the URI or the token is not usable, or the endpoint does not know the path.
            DeniedError: the endpoint refuses (401, 403).
            RetrievalError: it cannot be reached, fails, or answers with something else.
            CredentialsExpiredError: the keys that it gave have expired.
        """
        targets, token = self._targets(), self._token()
        for attempt in range(_ATTEMPTS - 1):
            try:
                return self._attempt(targets[attempt % len(targets)], token)
            except RetrievalError as error:
                if error.retry_after is not None:
                    raise
            self.host.sleep(self.host.uniform(_PAUSE / 2, _PAUSE))
        return self._attempt(targets[(_ATTEMPTS - 1) % len(targets)], token)

    def _targets(self) -> tuple[Target, ...]:
        relative, full = self.host.setting(_RELATIVE), self.host.setting(_FULL)
        if relative is None and full is None:
            raise NotConfiguredError(f"{_KIND}: neither {_RELATIVE} nor {_FULL} is set", provider=_KIND)
        if relative is not None and not relative.startswith("/"):
            raise wrong(_KIND, _RELATIVE, f"must be a path that begins with '/'; an address belongs into {_FULL}")
        setting, url = (_FULL, full) if relative is None else (_RELATIVE, f"http://{_ECS}{relative}")
        parts = _endpoint.web_url(_KIND, setting, url)
        return _endpoint.allowed_targets(parts, kind=_KIND, setting=setting, host=self.host, fixed=_FIXED, timeout=_TIMEOUT)

    def _token(self) -> str | None:
        path = self.host.setting(_TOKEN_FILE)
        if path is not None:
            return _endpoint.header_value(_KIND, _TOKEN_FILE, _endpoint.file_text(_KIND, _TOKEN_FILE, Path(path)))
        token = self.host.environ.get(_TOKEN, "")
        return _endpoint.header_value(_KIND, _TOKEN, token) if token.strip() else None

    def _attempt(self, target: Target, token: str | None) -> Credentials:
        headers = {"Accept": "application/json", **target.headers}
        if token is not None:
            headers["Authorization"] = token
        secrets = (token or "", target.url.partition(_endpoint.origin(target.url))[2])
        answer = _endpoint.ask(self.host, _KIND, target.url, headers, timeout=_TIMEOUT, secrets=secrets)
        if answer.status != _endpoint.OK:
            raise self._meaning(answer, secrets)
        return _endpoint.issued(answer, asker=_KIND, now=self.host.clock())

    def _meaning(self, answer: Answer, secrets: Collection[str]) -> CredentialError:
        status = answer.status
        said = _endpoint.for_the_log(_endpoint.said(answer, "message", "Message"), secrets)
        _log.debug("%s: the endpoint answered with status %d: %s", _KIND, status, said)
        if status in (401, 403):
            meaning = f"it refuses; check the token that {_TOKEN_FILE} or {_TOKEN} gives, and the role of the container"
            return _endpoint.status_error(DeniedError, answer, _KIND, meaning)
        if status == 404 or 300 <= status < 400:  # noqa: PLR2004 - not found, redirects
            setting = _FULL if self.host.setting(_RELATIVE) is None else _RELATIVE
            meaning = f"it has no credentials at that path and redirects are not followed; check {setting}"
            return _endpoint.status_error(ConfigurationError, answer, _KIND, meaning, setting=setting)
        wait = _endpoint.retry_after(answer, self.host.clock())
        return _endpoint.status_error(RetrievalError, answer, _KIND, "it has none to give now", retry_after=wait)
