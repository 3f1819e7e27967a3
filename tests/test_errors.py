from __future__ import annotations

import copy
import inspect
import pickle

import pytest
from botocore.exceptions import BotoCoreError, CredentialRetrievalError

from bedrock_auth import errors
from bedrock_auth.bedrock import errors as bedrock_errors
from bedrock_auth.errors import (
    BedrockAuthError,
    ChainError,
    ConfigurationError,
    CredentialError,
    DeniedError,
    LoginRequiredError,
    RetrievalError,
    fresh,
)
from bedrock_auth.function_url import errors as function_url_errors

CREDENTIAL_CLASSES = [thing for _, thing in inspect.getmembers(errors, inspect.isclass) if issubclass(thing, CredentialError)]
ALL_CLASSES = sorted(
    {
        thing
        for module in (errors, bedrock_errors, function_url_errors)
        for _, thing in inspect.getmembers(module, inspect.isclass)
        if issubclass(thing, BedrockAuthError)
    },
    key=lambda cls: cls.__name__,
)


@pytest.mark.parametrize("cls", ALL_CLASSES)
def test_every_error_is_built_copied_pickled_and_caught_alike(cls):
    details = {"code": "Throttling"} if "code" in cls._known else {}
    error = cls("what happened and what to do", **details)
    for twin in (error, copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error)), fresh(error)):
        assert type(twin) is cls
        assert str(twin) == twin.message == "what happened and what to do"
        assert twin.args == error.args
        for name, value in details.items():
            assert getattr(twin, name) == value
        with pytest.raises(BedrockAuthError):
            raise twin


@pytest.mark.parametrize("cls", CREDENTIAL_CLASSES)
def test_handlers_written_for_botocore_keep_working(cls):
    with pytest.raises(CredentialRetrievalError) as caught:
        raise cls("no keys", provider="assume-role x")
    assert isinstance(caught.value, BotoCoreError)
    assert caught.value.kwargs == {"provider": "assume-role x", "error_msg": "no keys"}


def test_the_docstring_draws_every_class():
    for cls in CREDENTIAL_CLASSES:
        assert cls.__name__ in errors.__doc__


def test_details_have_defaults_and_unknown_ones_are_refused():
    error = RetrievalError("down")
    assert (error.provider, error.code, error.retry_after) == ("", "", None)
    with pytest.raises(TypeError, match="RetrievalError has no detail 'reason'; it knows code, provider, retry_after"):
        RetrievalError("down", reason="x")


def test_details_that_are_set_later_are_kept():
    error = RetrievalError("busy")
    error.retry_after = 900.0
    assert fresh(error).retry_after == 900.0
    assert pickle.loads(pickle.dumps(error)).retry_after == 900.0


def test_the_tree_is_as_designed():
    assert issubclass(ConfigurationError, ValueError)
    assert issubclass(LoginRequiredError, DeniedError)
    assert LoginRequiredError("log in", command="aws sso login").command == "aws sso login"
    assert ChainError("nothing", attempts=(("env", RetrievalError("x")),)).attempts[0][0] == "env"


def test_a_fresh_error_keeps_the_cause_and_has_no_traceback():
    try:
        try:
            raise OSError("socket")
        except OSError as cause:
            raise RetrievalError("down") from cause
    except RetrievalError as caught:
        error = caught
    twin = fresh(error)
    assert twin is not error
    assert isinstance(twin.__cause__, OSError)
    assert twin.__traceback__ is None


def test_an_error_that_cannot_be_copied_is_raised_itself():
    class OddError(CredentialError):
        def __init__(self) -> None:
            super().__init__("odd")

    odd = OddError()
    assert fresh(odd) is odd
