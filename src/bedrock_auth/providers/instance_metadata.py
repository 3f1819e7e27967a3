"""`InstanceMetadata`: the keys of an EC2 instance's role, from its metadata service (IMDS).

Version 2 of the service only: a token first, which is kept until it expires, then the name of the role, anew at every fetch,
then its keys. The newer path, which also tells the account, is asked first; which of the two works is remembered.

Silence is how most machines that are no EC2 instance answer. So there is one attempt until the service has answered once, and it
is `NotConfiguredError` if that fails: a chain goes on. From then on there are four, and failure is `RetrievalError`.

==========================================  ===================================================================
``AWS_EC2_METADATA_DISABLED``               ``true``: the service is not asked
``AWS_EC2_METADATA_SERVICE_ENDPOINT``       where to ask: https anywhere, plain http on this machine and the next
                                            two addresses
``AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE``  ``IPv4`` (169.254.169.254) or ``IPv6`` (fd00:ec2::254)
``AWS_METADATA_SERVICE_TIMEOUT``            seconds for one request, 1 by default
``AWS_EC2_METADATA_V1_DISABLED``            ``true``: version 1 is not used, whatever ``allow_v1`` says
==========================================  ===================================================================

Source of the rules: "IMDS credential provider" in the AWS SDKs and Tools Reference Guide.
"""

from __future__ import annotations

import logging
import math
import re
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from bedrock_auth.contracts import Stability
from bedrock_auth.errors import CredentialError, DeniedError, NotConfiguredError, RetrievalError
from bedrock_auth.host import Host
from bedrock_auth.providers import _endpoint
from bedrock_auth.providers._settings import wrong

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bedrock_auth.credentials import Credentials
    from bedrock_auth.http import Answer
    from bedrock_auth.providers._endpoint import Target

_log = logging.getLogger(__name__)

_KIND = "instance-metadata"
_ENDPOINT, _MODE = "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"
_DISABLED, _V1_DISABLED = "AWS_EC2_METADATA_DISABLED", "AWS_EC2_METADATA_V1_DISABLED"
_TIMEOUT = "AWS_METADATA_SERVICE_TIMEOUT"
_FIXED = ("169.254.169.254", "fd00:ec2::254")
_BY_MODE = {"ipv4": "http://169.254.169.254", "ipv6": "http://[fd00:ec2::254]"}
_ATTEMPTS, _PAUSE, _DEFAULT_TIMEOUT = 4, 0.5, 1.0
_MOST_REQUESTS = 8
"""Of one attempt: token, roles on both paths and keys, and the same again where the token was not accepted."""

_TOKEN_PATH, _TOKEN_TTL = "/latest/api/token", 21_600
_TTL_HEADER, _TOKEN_HEADER = "x-aws-ec2-metadata-token-ttl-seconds", "x-aws-ec2-metadata-token"
_TOKEN_MARGIN = 60
_OLD_PATH = "/latest/meta-data/iam/security-credentials/"
_NEW_PATH = "/latest/meta-data/iam/security-credentials-extended/"
_ROLE = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
_CODE = re.compile(r"[\w.-]{1,64}", re.ASCII)
_NO_SUCH_PATH = 404
_HOP_LIMIT = "in a container on EC2, raise the instance's HttpPutResponseHopLimit to 2"


def _allow_v1(value: bool) -> bool:  # noqa: FBT001 - a setting's value
    if isinstance(value, bool):
        return value
    raise wrong(_KIND, "allow_v1", "must be True or False")


@frozen
class InstanceMetadata:
    """The role of the instance that this runs on, whichever it is at the moment of the fetch.

    Args:
        allow_v1: fall back on version 1 of the service, which needs no token, where version 2 gives none.

    Raises:
        ConfigurationError: ``allow_v1`` is neither ``True`` nor ``False``.
    """

    allow_v1: bool = field(default=False, kw_only=True, converter=_allow_v1)
    host: Host = field(factory=Host.system, kw_only=True, repr=False)

    name = _KIND
    """``instance-metadata``."""
    stability = Stability.STABLE
    """AWS runs the issuer."""

    @property
    def timeout(self) -> float:
        """Seconds that four attempts take at most."""
        return _ATTEMPTS * (_MOST_REQUESTS * (_seconds(self.host) or _DEFAULT_TIMEOUT) + _PAUSE)

    def retrieve(self) -> Credentials:
        """Ask the service for the role's keys.

        Raises:
            NotConfiguredError: the service is disabled, has never answered, or the instance has no role.
            ConfigurationError: one of the variables is not usable.
            DeniedError: the service refuses (403) although it gave a token.
            RetrievalError: it cannot be reached any more, fails, or answers with something else.
            CredentialsExpiredError: the keys that it gave have expired.
        """
        if _is_true(self.host, _DISABLED):
            raise NotConfiguredError(f"{_KIND}: {_DISABLED} is set, so the service is not asked", provider=_KIND)
        service = self._service()
        for _ in range(_ATTEMPTS - 1):
            try:
                return service.credentials()
            except RetrievalError as error:
                if not service.has_answered:
                    raise _absent(error) from None
                if error.retry_after is not None:
                    raise
            self.host.sleep(self.host.uniform(_PAUSE / 5, _PAUSE))
        return service.credentials()

    def _service(self) -> _Service:
        setting, url = _address(self.host)
        parts = _endpoint.web_url(_KIND, setting, url)
        if parts.query:
            raise wrong(_KIND, setting, "must not have a query (?)")
        timeout = _seconds(self.host)
        if timeout is None:
            raise wrong(_KIND, _TIMEOUT, "must be a positive number of seconds")
        targets = _endpoint.allowed_targets(parts, kind=_KIND, setting=setting, host=self.host, fixed=_FIXED, timeout=timeout)
        return _Service(self.host, targets[0], timeout, self.allow_v1 and not _is_true(self.host, _V1_DISABLED))


def _is_true(host: Host, name: str) -> bool:
    return (host.setting(name) or "").lower() == "true"


def _address(host: Host) -> tuple[str, str]:
    """The address to ask, and the variable that is to blame for it."""
    stated = host.setting(_ENDPOINT)
    if stated is not None:
        return _ENDPOINT, stated
    address = _BY_MODE.get((host.setting(_MODE) or "IPv4").lower())
    if address is None:
        raise wrong(_KIND, _MODE, "must be IPv4 or IPv6")
    return _MODE, address


def _seconds(host: Host) -> float | None:
    """Seconds for one request; ``None`` where the variable is no such number."""
    try:
        number = float(host.setting(_TIMEOUT) or _DEFAULT_TIMEOUT)
    except ValueError:
        return None
    return number if 0 < number < math.inf else None


def _absent(error: RetrievalError) -> CredentialError:
    """What a failure means of a service that has never answered: most likely there is none."""
    if error.code == "429" or error.code.startswith("5"):
        return error
    return NotConfiguredError(error.message, provider=_KIND, code=error.code)


@frozen
class _Service:
    """The metadata service, and what is known about it from one fetch to the next."""

    host: Host
    target: Target
    timeout: float
    allow_v1: bool

    @property
    def has_answered(self) -> bool:
        """Whether this is known to be an instance."""
        return self.host.recall(self._key("answered")) is True

    def credentials(self) -> Credentials:
        """The role's keys; a token that is no longer accepted is replaced once."""
        try:
            return self._keys()
        except RetrievalError as error:
            if error.code != "401" or self.host.recall(self._key("token")) is None:
                raise
        self.host.forget(self._key("token"))
        return self._keys()

    def _keys(self) -> Credentials:
        token = self._token()
        answer = self._get(self._role_path(token), token)
        if answer.status != _endpoint.OK:
            raise self._meaning(answer)
        decoded = _endpoint.json_object(answer.body) or {}
        if decoded.get("Code", "Success") != "Success":
            raise self._no_keys(decoded)
        return _endpoint.issued(answer, asker=_KIND, now=self.host.clock())

    def _token(self) -> str | None:
        """The token at hand or a new one; ``None`` where version 1 has to do."""
        token, expires = self.host.recall(self._key("token")) or ("", 0.0)
        if self.host.clock() < expires:
            return str(token)
        try:
            return self._new_token()
        except RetrievalError:
            if not self.allow_v1:
                raise
            return None

    def _new_token(self) -> str:
        try:
            answer = self._ask("PUT", _TOKEN_PATH, {_TTL_HEADER: str(_TOKEN_TTL)})
        except RetrievalError as error:
            raise RetrievalError(f"{error.message}; {_HOP_LIMIT}", provider=_KIND, code=error.code) from None
        if answer.status != _endpoint.OK:
            meaning = "it gives no token; it is turned off, or not the metadata service of EC2 in version 2"
            raise _endpoint.status_error(RetrievalError, answer, _KIND, meaning)
        token = _text(answer)
        if not token or not (token.isascii() and token.isprintable()):
            raise _unreadable("its token is not one line of ASCII text")
        lifetime = _ttl(answer) - _TOKEN_MARGIN
        self.host.keep(self._key("token"), (token, self.host.clock() + lifetime))
        self.host.keep(self._key("answered"), True)
        return token

    def _role_path(self, token: str | None) -> str:
        """Where the role's keys are; its name is asked for every time, since roles are replaced."""
        missing = self.host.recall(self._key("new path is missing")) is True
        answer = self._get(_OLD_PATH if missing else _NEW_PATH, token)
        if missing or answer.status in (_endpoint.OK, 401):
            return self._role(answer, _OLD_PATH if missing else _NEW_PATH)
        if answer.status == _NO_SUCH_PATH:
            self.host.keep(self._key("new path is missing"), True)
        return self._role(self._get(_OLD_PATH, token), _OLD_PATH)

    def _role(self, answer: Answer, path: str) -> str:
        names = _text(answer).splitlines()
        if answer.status == _NO_SUCH_PATH or (answer.status == _endpoint.OK and not names):
            msg = f"{_KIND}: the instance has no IAM role; attach an instance profile"
            raise NotConfiguredError(msg, provider=_KIND, code=str(answer.status))
        if answer.status != _endpoint.OK:
            raise self._meaning(answer)
        if not _ROLE.fullmatch(names[0]):
            raise _unreadable("its list of roles holds no name of a role")
        self.host.keep(self._key("answered"), True)
        return path + names[0]

    def _no_keys(self, decoded: Mapping[str, Any]) -> RetrievalError:
        code = decoded["Code"] if isinstance(decoded["Code"], str) and _CODE.fullmatch(decoded["Code"]) else "unknown"
        _log.debug("%s: %s: %s", _KIND, code, _endpoint.for_the_log(str(decoded.get("Message", "")), ()))
        msg = f"{_KIND}: the service has no keys for the role: {code}; may EC2 assume it, by its trust policy?"
        return RetrievalError(msg, provider=_KIND, code=code)

    def _meaning(self, answer: Answer) -> CredentialError:
        if answer.status == 403:  # noqa: PLR2004 - Forbidden
            return _endpoint.status_error(DeniedError, answer, _KIND, "it refuses although it gave a token")
        meanings = {401: "it wants a token of version 2 that it knows", _NO_SUCH_PATH: "the role is no longer there"}
        meaning = meanings.get(answer.status, "it has no keys to give now")
        wait = _endpoint.retry_after(answer, self.host.clock())
        return _endpoint.status_error(RetrievalError, answer, _KIND, meaning, retry_after=wait)

    def _get(self, path: str, token: str | None) -> Answer:
        return self._ask("GET", path, {} if token is None else {_TOKEN_HEADER: token})

    def _ask(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        url, headers = self.target.url.rstrip("/") + path, {**self.target.headers, **headers}
        secrets = [headers.get(_TOKEN_HEADER, "")]
        return _endpoint.ask(self.host, _KIND, url, headers, timeout=self.timeout, method=method, secrets=secrets)

    def _key(self, what: str) -> tuple[str, str, str]:
        """Under which the host remembers something about this service."""
        return _KIND, self.target.url, what


def _unreadable(problem: str) -> RetrievalError:
    msg = f"{_KIND}: the service gave an answer that cannot be read: {problem}"
    return RetrievalError(msg, provider=_KIND, code="MalformedAnswer")


def _text(answer: Answer) -> str:
    return answer.body.decode("ascii", "replace").strip()


def _ttl(answer: Answer) -> float:
    text = answer.headers.get(_TTL_HEADER, "")
    return min(float(text), _TOKEN_TTL) if text.isdecimal() and text.isascii() else _TOKEN_TTL
