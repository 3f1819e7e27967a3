"""`CognitoIdentity` and `CognitoGuest`: keys from an Amazon Cognito identity pool, for people who logged in, or for guests.

Nothing is signed and no keys are needed: the pool decides whom it gives keys, by the login tokens or for being a guest. In the
enhanced flow (``GetId``, ``GetCredentialsForIdentity``) the pool chooses the role. In the classic flow (``GetId``,
``GetOpenIdToken``, then ``AssumeRoleWithWebIdentity`` of STS), which the pool must allow, ``role_arn`` says which role.

**Guests of the enhanced flow cannot call Amazon Bedrock**, whatever their role allows: AWS narrows their keys with a session
policy that has no Bedrock action. They can call AWS Lambda and API Gateway. Direct calls need ``flow="classic"`` or a login.

The identity that ``GetId`` gave is remembered by the host, per pool, account and logins: else every fetch of a guest would leave
another identity in the pool. Where Cognito no longer knows it, or refuses it, it is dropped and a new one is asked for, once.

Source of the flows: "Identity pools authentication flow" in the Amazon Cognito Developer Guide.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from attrs import field, frozen

from bedrock_auth.contracts import Stability
from bedrock_auth.errors import CredentialError, DeniedError
from bedrock_auth.host import Host
from bedrock_auth.providers import _role, _tokens
from bedrock_auth.providers._identity_pool import UNKNOWN_OR_REFUSED, IdentityPool
from bedrock_auth.providers._settings import wrong
from bedrock_auth.providers._sts import CALL_TIMEOUT, Sts

if TYPE_CHECKING:
    from collections.abc import Hashable

    from bedrock_auth.credentials import Credentials

_KIND = "cognito"
ENHANCED, CLASSIC = "enhanced", "classic"

GUEST_HINT = (
    "guests of the enhanced flow cannot call Amazon Bedrock, whatever their role allows, because AWS narrows their keys with a "
    "session policy; use flow='classic', which the pool must allow, or a login"
)
_NO_GUESTS = "the pool must let guests in (unauthenticated access), or give logins"
_NO_LOGIN = "check that the login tokens are current, and that the pool trusts their providers and audiences"
_NO_TRUST = (
    "the trust policy of role_arn must allow sts:AssumeRoleWithWebIdentity to cognito-identity.amazonaws.com (Principal "
    "Federated), with this pool as aud and authenticated, or for guests unauthenticated, as amr"
)
_REFUSALS = ("AccessDenied", "AccessDeniedException", "InvalidIdentityToken", "IDPRejectedClaim")
_MEANINGS = dict.fromkeys(_REFUSALS, (DeniedError, _NO_TRUST))

_POOL_ID = re.compile(r"[a-z0-9-]{1,18}:[0-9a-f-]{1,36}")
_ACCOUNT_ID = re.compile(r"\d{12}", re.ASCII)
_LOGIN_NAME = re.compile(r"[!-~]{1,128}")
_MOST_LOGINS, _LONGEST_TOKEN = 10, 50_000

Login = str | Callable[[], str]
Logins = tuple[tuple[str, Login], ...]


def _pool_id(value: str) -> str:
    if isinstance(value, str) and _POOL_ID.fullmatch(value):
        return value
    raise wrong(_KIND, "identity_pool_id", "must be a region and an id such as us-east-1:01234567-89ab-cdef-0123-456789abcdef")


def _logins(value: Mapping[str, Login] | Iterable[tuple[str, Login]] | None) -> Logins | None:
    if value is None:
        return None
    try:
        logins = dict(value)
    except (TypeError, ValueError):
        logins = {}
    if not 1 <= len(logins) <= _MOST_LOGINS or not all(isinstance(name, str) and _LOGIN_NAME.fullmatch(name) for name in logins):
        problem = f"must map 1 to {_MOST_LOGINS} names of login providers to their tokens; without any it is a CognitoGuest"
        raise wrong(_KIND, "logins", problem)
    return tuple((name, _login(logins[name])) for name in sorted(logins))


def _login(value: Login) -> Login:
    if isinstance(value, str):
        return _tokens.checked(_KIND, "logins", value, _LONGEST_TOKEN)
    return _tokens.plain_function(_KIND, "logins", value)


def _shown(logins: Logins | None) -> str:
    return repr(logins and tuple(name for name, _ in logins))


def _flow(value: str) -> str:
    if value in (ENHANCED, CLASSIC):
        return value
    raise wrong(_KIND, "flow", f"must be {ENHANCED!r} or {CLASSIC!r}")


def _role_arn(value: str | None) -> str | None:
    return _role.optional_text(_KIND, "role_arn", value)


def _account_id(value: str | None) -> str | None:
    if value is None or (isinstance(value, str) and _ACCOUNT_ID.fullmatch(value)):
        return value
    raise wrong(_KIND, "account_id", "must be an account's twelve digits, as text")


@frozen
class CognitoIdentity:
    """The keys of an identity of the pool.

    Args:
        identity_pool_id: such as ``us-east-1:01234567-89ab-cdef-0123-456789abcdef``; it says the region.
        logins: maps each login provider, as the pool names it, to its token, or to a function that returns the token, called at
            every fetch. ``None`` for a guest.
        flow: ``"enhanced"``, or ``"classic"`` where the pool allows it.
        role_arn: the role to take. The classic flow needs it; in the enhanced flow a login may choose one of several that it has.
        account_id: the account that the pool belongs to, where that must be said.

    Raises:
        ConfigurationError: one of these is not usable; the message names it and never shows a token.
    """

    identity_pool_id: str = field(converter=_pool_id)
    logins: Logins | None = field(default=None, kw_only=True, converter=_logins, repr=_shown)
    flow: str = field(default=ENHANCED, kw_only=True, converter=_flow)
    role_arn: str | None = field(default=None, kw_only=True, converter=_role_arn)
    account_id: str | None = field(default=None, kw_only=True, converter=_account_id)
    host: Host = field(factory=Host.system, kw_only=True, repr=False)

    stability = Stability.STABLE
    """AWS runs the issuer."""

    def __attrs_post_init__(self) -> None:
        """Check what concerns two settings."""
        if self.flow == CLASSIC and self.role_arn is None:
            raise wrong(_KIND, "role_arn", "is missing: the classic flow takes the role that it names")
        if self.denied_hint and self.role_arn is not None:
            raise wrong(_KIND, "role_arn", "is not for guests of the enhanced flow, whose role the pool says; set flow='classic'")

    @property
    def name(self) -> str:
        """``cognito``, whether as a guest, and the pool."""
        return f"{_KIND}{' guest' if self.logins is None else ''} {self.identity_pool_id}"

    @property
    def region_name(self) -> str:
        """The pool's region."""
        return self.identity_pool_id.partition(":")[0]

    @property
    def timeout(self) -> float:
        """Seconds of the flow's calls."""
        return CALL_TIMEOUT * (2 if self.flow == ENHANCED else 3)

    @property
    def denied_hint(self) -> str:
        """Why AWS refuses calls with these keys that their role allows; empty where nothing of the kind is known."""
        return GUEST_HINT if self.logins is None and self.flow == ENHANCED else ""

    def retrieve(self) -> Credentials:
        """Go through the flow, once more with a new identity where the remembered one is no longer good.

        Raises:
            DeniedError: the pool does not let guests in or does not accept a login, or the role does not trust the pool.
            ConfigurationError: the pool does not exist, has no roles or does not allow the flow; or a login gave no token.
            RetrievalError: Cognito or STS cannot be reached, fails or throttles.
            CredentialError: what a function in ``logins`` raises.
        """
        pool = self._pool()
        key = self._memory_key(pool)
        identity = self.host.recall(key)
        if identity is not None:
            try:
                return self._keys(pool, identity)
            except CredentialError as error:
                if error.code not in UNKNOWN_OR_REFUSED:
                    raise
                self.host.forget(key)
        identity = pool.new_identity()
        self.host.keep(key, identity)
        return self._keys(pool, identity)

    def _pool(self) -> IdentityPool:
        tokens = {name: self._token(login) for name, login in self.logins or ()}
        hint = _NO_LOGIN if tokens else "; ".join(filter(None, (_NO_GUESTS, self.denied_hint)))
        return IdentityPool(self.host, self.identity_pool_id, self.account_id, self.name, tokens, hint)

    def _token(self, login: Login) -> str:
        return login if isinstance(login, str) else _tokens.from_function(self.name, "logins", login, _LONGEST_TOKEN)

    def _memory_key(self, pool: IdentityPool) -> Hashable:
        """One key for the same logins; a digest, so the memory holds no token."""
        digest = hashlib.sha256(json.dumps(pool.tokens).encode()).hexdigest()
        return _KIND, self.identity_pool_id, self.account_id, digest

    def _keys(self, pool: IdentityPool, identity: str) -> Credentials:
        exchange = self._enhanced if self.flow == ENHANCED else self._classic
        return exchange(pool, identity).unexpired(self.host.clock())

    def _enhanced(self, pool: IdentityPool, identity: str) -> Credentials:
        return pool.credentials(identity, self.role_arn)

    def _classic(self, pool: IdentityPool, identity: str) -> Credentials:
        token = pool.open_id_token(identity)
        sts = Sts(self.host, self.region_name, self.name, meanings=_MEANINGS)
        request = {
            "RoleArn": self.role_arn,
            "RoleSessionName": _role.default_session_name(self.host),
            "WebIdentityToken": token,
        }
        return sts.credentials(sts.ask("assume_role_with_web_identity", request, None, [token]))


@frozen
class CognitoGuest(CognitoIdentity):
    """The keys of a guest of the pool: a `CognitoIdentity` without logins.

    In the enhanced flow they **cannot call Amazon Bedrock**, see ``GUEST_HINT``. With ``flow="classic"`` they can, where the role
    allows it.

    Args:
        identity_pool_id: such as ``us-east-1:01234567-89ab-cdef-0123-456789abcdef``; it says the region.
        flow: ``"enhanced"``, or ``"classic"`` where the pool allows it.
        role_arn: the role to take in the classic flow.
        account_id: the account that the pool belongs to, where that must be said.

    Raises:
        ConfigurationError: one of these is not usable; the message names it.
    """

    logins: None = field(default=None, init=False, repr=False)
