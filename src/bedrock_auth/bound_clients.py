"""The clients of a session with a `RequestScope`: each call, paginator, waiter and transfer keeps the caller it was made for.

`scoped` is the handler that botocore calls while it makes a client's class; it puts ``ScopedClient`` among its bases, which makes
calls as the client's own caller, where it has one. `bound` gives a client in a caller's own form: the same object
in all but that. Services for which botocore keeps something per identity inside the client are refused here:

- endpoint discovery: where the service requires it, as ``timestream-query`` does, when the client is made; where it is switched
  on for another one, when it is called;
- S3 Express (directory buckets), whose session keys botocore caches by bucket, when a request is signed.
"""

from __future__ import annotations

import functools
import inspect
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from bedrock_auth.errors import ConfigurationError
from bedrock_auth.signing import Acting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.client import BaseClient

    from bedrock_auth.caller import Caller
    from bedrock_auth.scope import RequestScope

_Client = TypeVar("_Client", bound="BaseClient")
_CALLER = "bedrock_auth.caller"
"""The key in a client's ``__dict__``; no attribute, so that it can hide none of the service's."""


def bound(client: _Client, caller: Caller) -> _Client:
    """The client in this caller's own form. Connections, settings and events stay shared."""
    twin: _Client = object.__new__(type(client))
    vars(twin).update(vars(client))
    vars(twin)[_CALLER] = caller
    return twin


def scoped(scope: RequestScope, own_credentials: object) -> Callable[..., None]:
    """The handler for ``creating-client-class`` of a session with this scope.

    Args:
        scope: whose callers sign.
        own_credentials: what clients of the session get from it; any other were given to ``client()``.
    """
    base = _scoped_client(scope, own_credentials)

    def handle(class_attributes: dict[str, Any], base_classes: list[type], **_: Any) -> None:
        base_classes.insert(0, base)
        for name, attribute in class_attributes.items():
            if name.startswith("generate_") and inspect.isfunction(attribute):  # signs without making a call
                class_attributes[name] = _signing_as_its_caller(attribute, scope)

    return handle


def _scoped_client(scope: RequestScope, own_credentials: object) -> type:
    class ScopedClient:
        """What the clients of the session have in common."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            _refuse_keys(kwargs.get("request_signer"), own_credentials)
            _refuse_discovering(self)

        def get_paginator(self, operation_name: str) -> Any:
            return super(ScopedClient, _for_caller(self, scope)).get_paginator(operation_name)  # type: ignore[misc]  # BaseClient's

        def get_waiter(self, waiter_name: str) -> Any:
            return super(ScopedClient, _for_caller(self, scope)).get_waiter(waiter_name)  # type: ignore[misc]  # BaseClient's

        def _make_api_call(self, operation_name: str, api_params: Any) -> Any:
            with _acting(scope, vars(self).get(_CALLER)):
                return super()._make_api_call(operation_name, api_params)  # type: ignore[misc]  # BaseClient's

        def _get_credentials(self) -> Any:
            msg = (
                "transfers with the AWS CRT keep the credentials of one client for the whole process, so they do not work with a "
                'RequestScope: use TransferConfig(preferred_transfer_client="classic")'
            )
            raise ConfigurationError(msg, setting="preferred_transfer_client")

        def close(self) -> None:
            if _CALLER not in vars(self):  # else the connections are everybody's
                super().close()  # type: ignore[misc]  # BaseClient's

    return ScopedClient


def _signing_as_its_caller(method: Callable[..., Any], scope: RequestScope) -> Callable[..., Any]:
    """A method that signs something, such as ``generate_presigned_url``, as the client's caller where it has one."""

    @functools.wraps(method)
    def sign(self: Any, *args: Any, **kwargs: Any) -> Any:
        with _acting(scope, vars(self).get(_CALLER)):
            return method(self, *args, **kwargs)

    return sign


@contextmanager
def _acting(scope: RequestScope, caller: Caller | None) -> Iterator[None]:
    """The call inside is made for this caller; what it runs of the user's, such as a body that reads itself, is not."""
    token = scope.acting.set(Acting(caller))
    try:
        yield
    finally:
        scope.acting.reset(token)


def _for_caller(client: Any, scope: RequestScope) -> Any:
    """The client in the form of whoever pages or waits with it: its own caller, or the one of this block."""
    return client if _CALLER in vars(client) else bound(client, scope.required())


def _refuse_keys(signer: Any, own_credentials: object) -> None:
    if getattr(signer, "_credentials", own_credentials) not in {own_credentials, None}:  # there is no public way to see them
        msg = (
            "keys cannot be given to a client of a session with a RequestScope: use scope.bind(Static(…)).client(…), or a "
            "session of their own, create_session(Static(…))"
        )
        raise ConfigurationError(msg, setting="aws_access_key_id")


def _refuse_discovering(client: Any) -> None:
    model = client.meta.service_model
    if model.endpoint_discovery_required:
        raise _discovers(model, "make a session for the one caller, create_session(provider)")


def refuse_discovery(model: Any, context: dict[str, Any], **_: Any) -> None:
    """A handler for ``before-call``: no call of a scope goes to an endpoint that botocore discovered for somebody."""
    if "discovery" in context:  # botocore's own note of what it is going to look up; only where that is switched on
        raise _discovers(model.service_model, "switch endpoint_discovery_enabled off")


def _discovers(model: Any, fix: str) -> ConfigurationError:
    msg = f"{model.service_name} discovers its endpoints, which botocore remembers per client and not per caller: {fix}"
    return ConfigurationError(msg, setting="endpoint_discovery_enabled")


def refuse_s3_express(signature_version: Any, **_: Any) -> None:
    """A handler for ``before-sign``: no request of a scope is signed with the session keys of a directory bucket."""
    if isinstance(signature_version, str) and signature_version.startswith("v4-s3express"):
        msg = (
            "S3 Express (a directory bucket) does not work with a RequestScope, because botocore would sign one caller's request "
            "with another's session keys: make a session for the one caller, create_session(provider)"
        )
        raise ConfigurationError(msg, setting="Bucket")
