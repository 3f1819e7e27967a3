from __future__ import annotations

from typing import ClassVar

import attrs
import pytest

from bedrock_auth.contracts import Stability, traits
from bedrock_auth.credentials import parse_expiration
from bedrock_auth.errors import ConfigurationError, DeniedError, NotConfiguredError, RetrievalError
from bedrock_auth.host import Host
from bedrock_auth.providers.from_callable import FromCallable
from bedrock_auth.providers.from_source import FromSource
from bedrock_auth.providers.static import Static
from bedrock_auth.refresh import Refresher
from providers.conformance import ANSWER, KEY_ID, KEYS, PAST, SECRET, TOKEN, Conformance


@attrs.frozen
class Source:
    """A `CredentialSource` without anything else."""

    error: Exception | None = None
    name: str = "source of the test"
    rejected: list[str] = attrs.field(factory=list, eq=False)

    def current(self):
        if self.error is not None:
            raise self.error
        return attrs.evolve(KEYS, source=self.name)

    def invalidate(self, access_key_id):
        self.rejected.append(access_key_id)


def failing(error: Exception) -> FromSource:
    return FromSource(Source(error))


class TestConformance(Conformance):
    kind = "source"
    exempt: ClassVar = {"oversized": "nothing is read"}

    def make(self, **settings):
        return FromSource(Source(), **settings)

    def other(self):
        return FromSource(Source(name="another source"))

    def absent(self):
        failing(NotConfiguredError("source: not here", provider="source")).retrieve()

    def misconfigured(self):
        FromSource(SECRET)

    def refused(self):
        failing(DeniedError("source: no", provider="source")).retrieve()

    def unreachable(self):
        failing(RetrievalError("source: nobody there", provider="source")).retrieve()

    def malformed(self):
        FromSource(Refresher(FromCallable(lambda: {**ANSWER, "AccessKeyId": ""}, name="source"))).retrieve()

    def expired(self):
        old = attrs.evolve(KEYS, expiration=parse_expiration(PAST), source="source")
        source = Source()
        FromSource(type("Stale", (), {"current": lambda _: old, "invalidate": source.invalidate})()).retrieve()


def test_each_fetch_takes_what_the_source_has_at_that_moment():
    sets = iter([KEYS, attrs.evolve(KEYS, session_token="second")])
    refresher = Refresher(FromCallable(lambda: next(sets)))
    provider = FromSource(refresher)
    assert provider.retrieve().session_token == TOKEN
    provider.invalidate(KEY_ID)
    assert provider.retrieve().session_token == "second"


def test_name_traits_and_host_are_those_of_the_sources_provider():
    @attrs.frozen
    class Provider:
        name = "the inner one"
        stability = Stability.STABLE
        timeout = 7.0
        interactive = True
        region_name = "eu-west-1"
        revalidate_after = 5.0
        host = Host.isolated()

        def retrieve(self):
            return KEYS

    made = FromSource(Refresher(Provider()))
    assert made.name == "the inner one"
    assert traits(made) == traits(Provider())
    assert made.host is Provider.host


def test_a_source_without_a_provider_is_asked_again_every_minute():
    assert traits(FromSource(Source())).revalidate_after == 60
    assert traits(FromSource(Refresher(Static(KEY_ID, SECRET)))).revalidate_after is None


def test_a_source_without_a_name_is_called_by_its_type():
    class Plain:
        def current(self):
            return KEYS

        def invalidate(self, access_key_id):
            """Nothing to forget."""

    assert FromSource(Plain()).name == "source Plain"


@pytest.mark.parametrize("bad", [None, Static(KEY_ID, SECRET), Source, dict])
def test_anything_else_is_refused(bad):
    with pytest.raises(ConfigurationError, match=r"source: source must have current\(\) and invalidate"):
        FromSource(bad)
