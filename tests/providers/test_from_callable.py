from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

import attrs
import pytest

from bedrock_auth.credentials import Credentials, parse_expiration
from bedrock_auth.errors import ConfigurationError, DeniedError, NotConfiguredError, RetrievalError
from bedrock_auth.providers.from_callable import FromCallable
from bedrock_auth.refresh import Refresher
from providers.conformance import ANSWER, KEY_ID, KEYS, PAST, SECRET, TOKEN, Conformance, leaks


def deliver() -> Credentials:
    return KEYS


def deliver_old() -> Credentials:
    return attrs.evolve(KEYS, expiration=parse_expiration(PAST))


async def deliver_later() -> dict:
    await asyncio.sleep(0)
    return ANSWER


def raising(error: BaseException):
    def fail():
        raise error

    return fail


class TestConformance(Conformance):
    kind = "function"
    exempt: ClassVar = {"oversized": "nothing is read"}

    def make(self, **settings):
        return FromCallable(deliver, **settings)

    def other(self):
        return FromCallable(deliver_old)

    def absent(self):
        FromCallable(raising(NotConfiguredError("function: no keys here", provider="function"))).retrieve()

    def misconfigured(self):
        FromCallable(lambda: [SECRET]).retrieve()

    def refused(self):
        FromCallable(raising(DeniedError("function: no", provider="function"))).retrieve()

    def unreachable(self):
        FromCallable(raising(ConnectionError("nobody at home"))).retrieve()

    def malformed(self):
        FromCallable(lambda: {**ANSWER, "Expiration": SECRET}).retrieve()

    def expired(self):
        FromCallable(deliver_old).retrieve()


@pytest.mark.parametrize(
    "answer",
    [
        KEYS,
        attrs.evolve(KEYS, source="whatever"),
        ANSWER,
        {"AccessKeyId": KEY_ID, "SecretAccessKey": SECRET, "Token": TOKEN},
        {"access_key": KEY_ID, "secret_key": SECRET, "token": TOKEN, "expiry_time": "2999-01-01T00:00:00Z"},
        {"AccessKeyId": KEY_ID, "SecretAccessKey": SECRET, "SessionToken": TOKEN, "Expiration": datetime(2999, 1, 1, tzinfo=UTC)},
    ],
)
def test_credentials_and_mappings_of_aws_and_botocore_are_understood(answer):
    keys = FromCallable(lambda: answer, name="mine").retrieve()
    assert (keys.access_key_id, keys.secret_access_key, keys.session_token, keys.source) == (KEY_ID, SECRET, TOKEN, "mine")


@pytest.mark.parametrize("answer", [None, "text", 7, (KEY_ID, SECRET), [ANSWER]])
def test_anything_else_is_a_mistake_in_the_function(answer):
    with pytest.raises(ConfigurationError, match=f"mine returned {type(answer).__name__}; it must return Credentials") as caught:
        FromCallable(lambda: answer, name="mine").retrieve()
    assert not leaks(str(caught.value))


def test_the_function_is_called_once_for_each_fetch():
    calls = []
    provider = FromCallable(lambda: calls.append(1) or KEYS)
    provider.retrieve()
    provider.retrieve()
    assert len(calls) == 2


def test_a_foreign_exception_is_wrapped_with_its_type_and_text_and_is_the_cause():
    cause = OSError("the vault is sealed")
    with pytest.raises(RetrievalError, match="the vault failed with OSError: the vault is sealed") as caught:
        FromCallable(raising(cause), name="the vault").retrieve()
    assert caught.value.__cause__ is cause


def test_a_foreign_exception_that_tells_a_secret_is_redacted_and_not_the_cause():
    telling = OSError(f'vault said "SecretAccessKey": "{SECRET}"')
    with pytest.raises(RetrievalError, match='the vault failed with OSError: vault said "SecretAccessKey":') as caught:
        FromCallable(raising(telling), name="the vault").retrieve()
    assert not leaks("".join(traceback.format_exception(caught.value)))


def test_an_exception_that_cannot_even_be_shown_is_wrapped():
    class UnspeakableError(Exception):
        def __str__(self) -> str:
            raise ValueError

    with pytest.raises(RetrievalError, match="the vault failed with UnspeakableError$"):
        FromCallable(raising(UnspeakableError()), name="the vault").retrieve()


def test_a_mapping_that_fails_while_it_is_read_is_wrapped():
    class Lazy(Mapping):
        def __getitem__(self, name):
            raise OSError("the vault is sealed")

        __iter__ = __len__ = None

    with pytest.raises(RetrievalError, match="failed with OSError"):
        FromCallable(Lazy).retrieve()


def test_errors_of_ours_pass_unchanged():
    error = NotConfiguredError("not here")
    with pytest.raises(NotConfiguredError) as caught:
        FromCallable(raising(error)).retrieve()
    assert caught.value is error


def test_being_interrupted_is_not_a_failure_of_the_source():
    with pytest.raises(KeyboardInterrupt):
        FromCallable(raising(KeyboardInterrupt())).retrieve()


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (deliver, "function deliver"),
        (functools.partial(deliver), "function deliver"),
        (KEYS.unexpired, "function Credentials.unexpired"),
        (type("Vault", (), {"__call__": lambda self: KEYS})(), "function Vault"),
    ],
)
def test_the_name_is_the_functions_own(function, name):
    assert FromCallable(function).name == name


def test_a_function_that_holds_a_secret_is_not_shown():
    provider = FromCallable(functools.partial(Credentials, KEY_ID, SECRET))
    assert not leaks(f"{provider!r} {provider.name}")
    assert provider.retrieve().secret_access_key == SECRET


@pytest.mark.parametrize("bad", [None, KEYS, "deliver"])
def test_what_cannot_be_called_is_refused_at_once(bad):
    with pytest.raises(ConfigurationError, match="function: function must be callable") as caught:
        FromCallable(bad)
    assert caught.value.setting == "function"


@pytest.mark.parametrize("bad", ["", "  ", 7])
def test_a_name_must_say_something(bad):
    with pytest.raises(ConfigurationError, match="name must be text"):
        FromCallable(deliver, name=bad)


# -------------------------------------------------------------------- asynchronous functions


def test_a_coroutine_function_runs_in_a_loop_of_its_own():
    assert FromCallable(deliver_later).retrieve().access_key_id == KEY_ID


def test_a_plain_function_may_return_something_to_await():
    assert FromCallable(lambda: asyncio.sleep(0, ANSWER)).retrieve().access_key_id == KEY_ID


def test_a_coroutine_function_works_where_a_loop_runs_already():
    async def application() -> str:
        return FromCallable(deliver_later).retrieve().access_key_id

    assert asyncio.run(application()) == KEY_ID


def test_the_refresher_may_fetch_inline_inside_a_running_loop():
    async def application() -> tuple[str, str]:
        refresher = Refresher(FromCallable(deliver_later))
        return refresher.current().access_key_id, (await refresher.acurrent()).access_key_id

    assert asyncio.run(application()) == (KEY_ID, KEY_ID)


def test_the_loop_that_the_thread_already_has_is_left_alone():
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        FromCallable(deliver_later).retrieve()
        assert asyncio.get_event_loop_policy().get_event_loop() is loop
        assert not loop.is_closed()
    finally:
        asyncio.set_event_loop(None)
        loop.close()


@pytest.mark.parametrize("inside_a_loop", [False, True])
def test_a_coroutine_function_sees_the_callers_context(inside_a_loop):
    tenant = contextvars.ContextVar("tenant")

    async def deliver_by_tenant() -> dict:
        return {**ANSWER, "SessionToken": tenant.get()}

    async def application() -> Credentials:
        return FromCallable(deliver_by_tenant).retrieve()

    tenant.set("acme")
    keys = asyncio.run(application()) if inside_a_loop else FromCallable(deliver_by_tenant).retrieve()
    assert keys.session_token == "acme"


@pytest.mark.parametrize("error", [OSError("down"), asyncio.CancelledError(), TimeoutError()])
def test_a_coroutine_that_fails_is_wrapped(error):
    async def fail() -> None:
        raise error

    with pytest.raises(RetrievalError, match=f"failed with {type(error).__name__}"):
        FromCallable(fail).retrieve()


def test_a_coroutine_functions_tasks_end_with_its_loop():
    ended = threading.Event()

    async def linger() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async def deliver_and_leave_a_task() -> dict:
        task = asyncio.create_task(linger())
        await asyncio.sleep(0)
        assert not task.done()
        return ANSWER

    FromCallable(deliver_and_leave_a_task).retrieve()
    assert ended.is_set()
