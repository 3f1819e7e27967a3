"""One suite that every provider passes.

A provider's test class inherits `Conformance`, says how to make one, and for each way in which a source can fail either how
to bring that about (a method of the situation's name that makes the provider and lets it fail) or, in ``exempt``, why it cannot.
"""

from __future__ import annotations

import logging
import math
import pickle
import traceback
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import pytest

from bedrock_auth.contracts import CredentialProvider, Stability, traits
from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import (
    ConfigurationError,
    CredentialError,
    CredentialsExpiredError,
    DeniedError,
    NotConfiguredError,
    RetrievalError,
)
from bedrock_auth.host import Host

if TYPE_CHECKING:
    from providers.stub import StsStub

KEY_ID = "ASIAC4N4RYC4N4RY0001"
SECRET = "c4n4ry/secret+access/key"
TOKEN = "c4n4ry-session-token=="
KEYS = Credentials(KEY_ID, SECRET, TOKEN)
ANSWER = {"Version": 1, "AccessKeyId": KEY_ID, "SecretAccessKey": SECRET, "SessionToken": TOKEN}
PAST, FUTURE = "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"

SITUATIONS: dict[str, type[CredentialError]] = {
    "absent": NotConfiguredError,
    "misconfigured": ConfigurationError,
    "refused": DeniedError,
    "unreachable": RetrievalError,
    "malformed": RetrievalError,
    "oversized": RetrievalError,
    "expired": CredentialsExpiredError,
}


def leaks(text: str) -> list[str]:
    """The lines that hold a canary: every secret and every whole key id of these tests has the word in it."""
    return [line for line in text.splitlines() if "c4n4ry" in line.lower()]


class UntouchableHost(Host):
    """A world that must not be touched."""

    def __init__(self) -> None:
        """Skip the real one's."""

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return object.__getattribute__(self, name)
        pytest.fail(f"the host's {name} was touched")


class Conformance:
    """What holds for every provider."""

    kind: ClassVar[str]
    """The first word of its messages."""
    stability: ClassVar[Stability] = Stability.STRICT
    exempt: ClassVar[dict[str, str]] = {}
    """Situation and why it cannot occur."""
    sts: StsStub

    @pytest.fixture(autouse=True)
    def _with_sts(self, sts: StsStub) -> None:
        self.sts = sts

    def make(self, **settings: Any) -> Any:
        """A provider with fixed settings, and these."""
        raise AssertionError("say how to make one")

    def other(self) -> Any:
        """One with another setting."""
        raise AssertionError("say how to make another one")

    def working(self) -> Any:
        """One that delivers `KEYS`, or a role's."""
        return self.make()

    def expected(self) -> tuple[str, str, str | None]:
        """The keys that `working` delivers."""
        return KEY_ID, SECRET, TOKEN

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "situation" in metafunc.fixturenames:
            metafunc.parametrize("situation", [name for name in SITUATIONS if name not in self.exempt])

    # ---------------------------------------------------------------- a value

    def test_it_is_a_provider(self):
        assert isinstance(self.make(), CredentialProvider)

    def test_constructing_one_touches_nothing_and_says_nothing(self, caplog):
        with caplog.at_level(logging.DEBUG):
            self.make(host=UntouchableHost())
        assert not caplog.records

    def test_equal_settings_make_equal_providers_with_equal_hashes(self):
        one, two = self.make(), self.make()
        assert one == two
        assert hash(one) == hash(two)

    def test_another_setting_or_host_makes_another_provider(self):
        assert self.make() != self.other()
        assert self.make(host=Host.isolated()) != self.make(host=Host.isolated())

    def test_it_cannot_be_changed(self):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            self.make().host = Host.isolated()

    def test_it_survives_pickling(self):
        made = self.make()
        assert pickle.loads(pickle.dumps(made)) == made

    def test_copies_with_another_setting_keep_the_rest(self):
        made, host = self.make(), Host.isolated()
        assert attrs.evolve(attrs.evolve(made, host=host), host=made.host) == made

    def test_repr_and_name_show_no_secret(self):
        made = self.make()
        assert not leaks(f"{made!r} {made} {made.name}")
        assert made.name.startswith(self.kind)

    def test_its_traits_are_what_the_engine_can_use(self):
        said = traits(self.make())
        assert said.stability is self.stability
        assert 0 <= said.timeout < math.inf
        assert said.interactive is False
        assert said.revalidate_after is None or said.revalidate_after > 0

    # ---------------------------------------------------------------- what it delivers

    def test_it_delivers_keys_that_bear_its_name(self, caplog):
        provider = self.working()
        with caplog.at_level(logging.DEBUG):
            keys = provider.retrieve()
        assert (keys.access_key_id, keys.secret_access_key, keys.session_token) == self.expected()
        assert keys.source == provider.name
        assert not leaks(caplog.text)

    # ---------------------------------------------------------------- how it fails

    def test_a_failure_has_its_class_and_names_the_source(self, situation):
        error = self._failure(situation)
        assert type(error) is SITUATIONS[situation]
        assert error.message.startswith(self.kind)
        assert error.provider

    def test_a_failure_tells_no_secret(self, situation, caplog):
        with caplog.at_level(logging.DEBUG):
            error = self._failure(situation)
        shown = [str(error), repr(error), "".join(traceback.format_exception(error)), caplog.text]
        assert not leaks("\n".join(shown))
        assert b"c4n4ry" not in pickle.dumps(error).lower()

    def test_a_failure_survives_pickling(self, situation):
        error = self._failure(situation)
        twin = pickle.loads(pickle.dumps(error))
        assert (type(twin), str(twin), twin.provider, twin.code) == (type(error), str(error), error.provider, error.code)

    def test_what_cannot_happen_has_a_reason_and_everything_else_is_shown(self):
        assert all(self.exempt.values())
        assert self.exempt.keys() <= SITUATIONS.keys()
        for name in SITUATIONS.keys() - self.exempt.keys():
            assert callable(getattr(self, name, None)), f"neither {name}() nor a reason for its absence"

    def _failure(self, situation: str) -> CredentialError:
        with pytest.raises(CredentialError) as caught:
            getattr(self, situation)()
        return caught.value
