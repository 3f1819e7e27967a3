"""The refresh engine against a model that was written from its specification and shares no code with it.

The model knows intervals instead of drawn moments: from when on the source may be asked, and from when on it must be.
A background fetch runs when the machine says so, through a stand-in for `threading.Thread`.
"""

from __future__ import annotations

import copy
import math
import os
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bedrock_auth.contracts import Stability
from bedrock_auth.credentials import Credentials
from bedrock_auth.errors import (
    ConfigurationError,
    CredentialError,
    CredentialsExpiredError,
    DeniedError,
    NotConfiguredError,
    RetrievalError,
)
from bedrock_auth.policy import RefreshPolicy
from bedrock_auth.refresh import Refresher
from support.worlds import Clock, Source, fails, world

LIFETIMES = st.sampled_from([2, 30, 59, 61, 180, 299, 301, 540, 900, 1200, 1201, 3600, 5399, 5400, 43200]) | st.integers(
    1, 50_000
)
TRANSIENT = [
    RetrievalError("the network is down"),
    RetrievalError("slow down", retry_after=700.0),
    NotConfiguredError("gone"),
    KeyError("a foreign error"),
]
MOMENTS = ["now", "may", "must", "minute", "mandatory", "expiry", "wait", "wait over"]
LASTING = [DeniedError("refused"), ConfigurationError("misspelt")]


class Model:
    """What the specification says about a source's set and its failures, as intervals of time."""

    def __init__(self, window: float | None, stability: Stability) -> None:
        self.window = window
        self.stability = stability
        self.held: Credentials | None = None
        self.rejected = False
        self.wait: tuple[float, float, float, bool] | None = None  # failed at, may ask again from, must from, raises

    def delivered(self, credentials: Credentials, now: float) -> None:
        assert credentials.expiration is not None
        self.held, self.rejected, self.wait = credentials, False, None
        self.expiry = credentials.expiration.timestamp()
        life = self.expiry - now
        default = 300.0 if life <= 1200 else 900.0 if life < 5400 else 3600.0
        w = self.window or default
        self.mandatory = self.expiry - min(60.0, 0.75 * w, life / 3)
        if life <= w:
            self.may_ask = self.must_ask = self.mandatory
        else:
            self.may_ask = min(self.expiry - w, self.mandatory)
            self.must_ask = min(self.expiry - 0.75 * w, self.mandatory)

    def failed(self, error: Exception, now: float, *, background: bool) -> None:
        lasting = isinstance(error, DeniedError | ConfigurationError)
        unharmed = self.held is not None and now < self.mandatory and not self.rejected
        if lasting and not (background and unharmed):
            self.wait = (now, now + 1, now + 5, True)
        elif self.held is None:
            self.wait = None
        elif now >= self.expiry and self.stability is Stability.STRICT:
            self.wait = (now, now + 1, now + 5, True)
        else:
            asked = getattr(error, "retry_after", None) or 0.0
            low, high = max(300.0, asked), max(600.0, asked)
            end = math.inf
            if now < self.mandatory:
                end = self.mandatory
            elif self.stability is Stability.STRICT:
                end = self.expiry
            self.wait = (now, min(now + low, end), min(now + high, end), False)

    def expects(self, now: float) -> str:
        """Whether a call now ``must``, ``may`` or must ``never`` contact the source."""
        if self.wait is not None and self.wait[0] <= now:
            if now < self.wait[1]:
                return "never"
            if now < self.wait[2]:
                return "may"
        if self.held is None or self.rejected:
            return "must"
        if now < self.may_ask:
            return "never"
        return "must" if now >= self.must_ask else "may"

    def waits(self, now: float) -> bool:
        """Whether a call now would wait for a fetch that is under way."""
        return self.held is None or self.rejected or now >= self.mandatory


class Threads:
    """Stands in for `threading.Thread`: what is started waits here until the machine runs it."""

    def __init__(self) -> None:
        self.started: list[object] = []

    def __call__(self, *, target, args, kwargs, name, daemon):
        assert daemon
        thread = mock.Mock()
        thread.start = lambda: self.started.append(lambda: target(*args, **kwargs))
        return thread


class Engine(RuleBasedStateMachine):
    @initialize(
        seed=st.integers(0, 1000),
        stability=st.sampled_from(Stability),
        mode=st.sampled_from(["inline", "background"]),
        window=st.sampled_from([None, None, 60.0, 240.0, 3600.0]),
        first=LIFETIMES,
    )
    def begin(self, seed, stability, mode, window, first) -> None:
        self.clock = Clock()
        self.source = Source(self.clock, stability=stability)
        self.source.behaviours = [self.source.gives(first)]
        self.healthy = True
        self.mode = mode
        self.threads = Threads()
        self.patch = mock.patch("bedrock_auth.refresh.threading.Thread", self.threads)
        self.patch.start()
        policy = RefreshPolicy(advisory_window=window, advisory_refresh=mode)
        self.refresher = Refresher(self.source, policy, world(self.clock, seed=seed))
        self.model = Model(window, stability)
        self.generation = 0
        self.original = self.source.retrieve
        self.source.retrieve = self.observed
        self.background = False
        self.expired_answers: set[str] = set()

    def teardown(self) -> None:
        if hasattr(self, "patch"):
            self.patch.stop()

    def observed(self) -> Credentials:
        """Fetch, and let the model know what came of it."""
        now = self.clock.now
        try:
            answer = self.original()
        except Exception as error:
            self.model.failed(error, now, background=self.background)
            raise
        if answer.remaining(now) <= 0:
            self.expired_answers.add(answer.access_key_id)
            self.model.failed(CredentialsExpiredError("expired"), now, background=self.background)
        else:
            self.model.delivered(answer, now)
        return answer

    # ------------------------------------------------------------ the world turns

    @rule(seconds=st.integers(1, 700) | st.integers(1, 50_000) | st.floats(0.01, 6))
    def time_passes(self, seconds) -> None:
        self.clock.now += seconds

    @rule(seconds=st.integers(1, 5000))
    def the_clock_is_set_back(self, seconds) -> None:
        self.clock.now -= seconds

    def jump(self, which: str, delta: int) -> None:
        """Go to a moment that matters, never back."""
        model = self.model
        if model.held is None:
            return
        wait = model.wait or (0.0, self.clock.now, self.clock.now, False)
        moments = {
            "now": self.clock.now, "may": model.may_ask, "must": model.must_ask, "minute": model.expiry - 60,
            "mandatory": model.mandatory, "expiry": model.expiry, "wait": wait[1], "wait over": wait[2],
        }  # fmt: skip
        self.clock.now = max(self.clock.now, moments[which] + delta)

    @rule(which=st.sampled_from(MOMENTS), delta=st.sampled_from([-1, 0, 1]))
    def somebody_signs_at_a_moment_that_matters(self, which, delta) -> None:
        self.jump(which, delta)
        self.somebody_signs()

    @rule(lifetime=LIFETIMES)
    def the_source_is_well(self, lifetime) -> None:
        self.source.behaviours = [self.source.gives(lifetime)]
        self.healthy = True

    @rule(error=st.sampled_from(TRANSIENT + LASTING), which=st.sampled_from(MOMENTS), delta=st.sampled_from([-1, 0, 1]))
    def the_source_breaks_and_is_asked(self, error, which, delta) -> None:
        self.source.behaviours = [fails(error)]
        self.healthy = False
        self.jump(which, delta)
        self.somebody_signs()
        if self.threads.started:
            self.land()

    @rule(age=st.integers(0, 1000))
    def the_source_answers_with_expired_keys(self, age) -> None:
        self.source.behaviours = [self.source.gives(-age)]
        self.healthy = False

    # ------------------------------------------------------------ what people do

    def land(self) -> None:
        """Run the background fetch that is under way."""
        run = self.threads.started.pop(0)
        self.background = True
        try:
            run()
        finally:
            self.background = False

    @precondition(lambda self: self.threads.started)
    @rule()
    def the_background_fetch_ends(self) -> None:
        self.land()

    @rule()
    def somebody_signs(self) -> None:  # noqa: C901 - one look at one call
        if self.threads.started and self.model.waits(self.clock.now):
            self.land()
        now, model = self.clock.now, self.model
        expected, pending = model.expects(now), bool(self.threads.started)
        held, waits, was_held = self.refresher.peek(), model.waits(now), model.held
        calls, launched = self.source.calls, len(self.threads.started)
        try:
            answer = self.refresher.current()
        except CredentialError as error:
            answer, raised = None, error
        else:
            raised = None
        contacts = self.source.calls - calls + len(self.threads.started) - launched

        assert contacts <= 1
        if expected == "never":
            assert contacts == 0
        if expected == "must":
            assert contacts == 1 or pending
        if self.mode == "background" and was_held is not None and not waits:
            assert raised is None or (model.wait is not None and model.wait[3])
            assert raised is not None or answer is held
        if contacts and self.healthy:
            assert raised is None
        if answer is not None:
            assert answer.access_key_id not in self.expired_answers
            if model.stability is Stability.STRICT or (self.healthy and contacts):
                assert answer.remaining(now) > 0
        if answer is None and model.held is not None and model.wait is not None and not model.wait[3]:
            pytest.fail("valid keys were turned into an error")

    @precondition(lambda self: self.model.held is not None)
    @rule()
    def aws_rejects_the_keys(self) -> None:
        self.refresher.invalidate(self.model.held.access_key_id)
        self.model.rejected = True
        assert self.refresher.peek() is self.model.held

    @rule()
    def somebody_invalidates_another_key(self) -> None:
        before = self.refresher._snapshot
        self.refresher.invalidate("ASIASOMEBODYELSE0000")
        assert self.refresher._snapshot is before

    @rule()
    def the_process_forks(self) -> None:
        self.threads.started.clear()
        self.refresher.after_fork()

    @rule()
    def the_refresher_is_copied(self) -> None:
        self.threads.started.clear()
        self.refresher = copy.copy(self.refresher)

    # ------------------------------------------------------------ what always holds

    @invariant()
    def moments_are_in_order_and_generations_grow(self) -> None:
        if not hasattr(self, "refresher"):
            return
        snapshot = self.refresher._snapshot
        assert snapshot.generation >= self.generation
        self.generation = snapshot.generation
        if snapshot.credentials is not None:
            moments = snapshot.moments
            assert moments.advisory <= moments.mandatory <= moments.expiry
            assert self.model.may_ask <= moments.advisory <= self.model.must_ask
            assert math.isclose(moments.mandatory, self.model.mandatory, abs_tol=1e-3)

    @invariant()
    def the_set_in_use_is_the_one_delivered_last(self) -> None:
        if hasattr(self, "refresher"):
            assert self.refresher.peek() is self.model.held

    @invariant()
    def at_most_one_fetch_is_under_way(self) -> None:
        if hasattr(self, "refresher"):
            assert len(self.threads.started) <= 1


# Whoever only asks whether a broken engine is caught (tests/break_the_engine.py) has no use for the smallest example.
PHASES = [Phase.explicit, Phase.generate] if "ONLY_CATCH" in os.environ else list(Phase)
TestEngine = Engine.TestCase
TestEngine.settings = settings(
    max_examples=400, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=PHASES
)
TestEngine.pytestmark = [pytest.mark.slow]
if "ONLY_CATCH" not in os.environ:  # a broken engine that hangs is to be ended sooner
    TestEngine.pytestmark.append(pytest.mark.timeout(280))
