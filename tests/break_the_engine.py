"""Break the refresh engine, then the request scope, on purpose, one rule at a time, and see whether their tests notice.

Run it as ``python tests/break_the_engine.py`` (or ``nox -s mutants``). Each breakage is applied to a copy of the package and
the tests of what it breaks are run against that copy; a breakage that survives makes the script fail. The last column is the
first test that caught it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

ENGINE = [
    ("expired answers are accepted", "refresh.py", "return answer.unexpired(self._now())", "return answer"),
    ("a wait after a failure is too short", "policy.py", "BACKOFF = (5 * MINUTE, 10 * MINUTE)", "BACKOFF = (4 * MINUTE, 10 * MINUTE)"),
    ("a wait after a failure is too long", "policy.py", "BACKOFF = (5 * MINUTE, 10 * MINUTE)", "BACKOFF = (5 * MINUTE, 11 * MINUTE)"),
    ("a wait goes on past the mandatory moment", "snapshot.py", "return min(now + wait, self.moments.mandatory)", "return now + wait"),
    ("a strict source's wait goes on past expiry", "snapshot.py", "return min(now + wait, self.moments.expiry)", "return now + wait"),
    ("a stable source's wait ends at expiry", "snapshot.py", "        return now + wait\n", "        return min(now + wait, self.moments.expiry)\n"),
    ("strict serves expired keys", "snapshot.py", "(now < self.moments.expiry or stability is Stability.STABLE)", "True"),
    ("stable does not serve expired keys", "snapshot.py", "(now < self.moments.expiry or stability is Stability.STABLE)", "now < self.moments.expiry"),
    ("a clock set back prolongs a wait", "snapshot.py", "return self.started <= now < self.until", "return now < self.until"),
    ("the jitter goes past the window", "policy.py", "draw(expiry - window, expiry - 0.75 * window)", "draw(expiry - window, expiry - 0.5 * window)"),
    ("no jitter", "policy.py", "draw(expiry - window, expiry - 0.75 * window)", "expiry - window - 1"),
    ("short lifetimes are refreshed per call", "policy.py", "if lifetime <= window:", "if False:"),
    ("the mandatory window ignores short lifetimes", "policy.py", "0.75 * window, lifetime / 3)", "0.75 * window)"),
    ("a set of ninety minutes gets the short window", "policy.py", "if lifetime < 90 * MINUTE", "if lifetime <= 90 * MINUTE"),
    ("an advisory refresh is waited for", "refresh.py", "and not self._must_run(flight, mine=mine)", "and not mine"),
    ("an advisory refresh never starts", "snapshot.py", "return State.ADVISORY if now >= self.moments.advisory else State.VALID", "return State.VALID"),
    ("a rejected set is not refreshed", "snapshot.py", "if self.invalidated or now >=", "if now >="),
    ("any key invalidates", "refresh.py", "held.access_key_id != access_key_id", "False"),
    ("invalidate bypasses a wait", "snapshot.py", "return evolve(self, invalidated=True)", "return evolve(self, invalidated=True, hold=None)"),
    ("a refusal in the background becomes an error", "snapshot.py", "if lasting and not (nobody_waits and still_good):", "if lasting:"),
    ("a refusal is not remembered", "snapshot.py", "return evolve(self, hold=Hold(now, now + rules.draw(*MEMORY), error))\n        if self.credentials", "return self\n        if self.credentials"),
    ("a failure starts no wait", "snapshot.py", "return evolve(self, hold=Hold(now, self._backoff_end(error, now, rules)))", "return self"),
    ("retry_after is ignored", "snapshot.py", "wait = max(wait, min(asked, LONGEST_RETRY_AFTER))", "pass"),
    ("not configured is final after success", "refresh.py", "if self._snapshot.credentials is None:\n                raise\n", "raise\n"),
    ("each waiter fetches for itself", "refresh.py", "if flight.patience() > 0 or self._abandoned is not None:", "if self._abandoned is not None:"),
    ("a third fetch may start", "refresh.py", "if flight.patience() > 0 or self._abandoned is not None:", "if flight.patience() > 0:"),
    ("an old fetch overwrites a newer set", "refresh.py", "if snapshot.closed or flight.number < snapshot.flight:", "if snapshot.closed:"),
    ("a closed refresher takes a late set", "refresh.py", "if snapshot.closed or flight.number < snapshot.flight:", "if flight.number < snapshot.flight:"),
    ("a child inherits the lock", "refresh.py", '"""Start the child with the set at hand and nothing in the air."""\n        self._begin()\n', '"""Nothing."""\n'),
    ("a fetch holds the lock", "refresh.py", "            with listening(self._audience.tell):\n", "            with self._lock, listening(self._audience.tell):\n"),
    ("one awaiter's cancellation reaches the rest", "flight.py", "        self.future.set_running_or_notify_cancel()  # no awaiter can cancel it for the others\n", ""),
    ("stale keys are told of at every call", "refresh.py", "            if self._stale_told is snapshot.hold:\n                return\n", ""),
    ("a fetch waits for itself", "refresh.py", "if flight in FLYING.get():", "if False:"),
    ("a failure that was overtaken is raised", "refresh.py", "flight.nobody_waits or overtaken", "flight.nobody_waits"),
    ("a person is asked ahead of time", "snapshot.py", "if rules.traits.interactive:", "if False:"),
    ("errors are shared between threads", "errors.py", "        twin = copy.copy(error)", "        return error"),
]  # fmt: skip

SCOPE = [
    ("a caller that is closed gives way to the one around it", "scope.py", "        self._scope._here.set((caller, ", "        around = self._around and self._around[0]\n        if around:\n            caller._open = lambda: caller._source or around._open()\n        self._scope._here.set((caller, "),
    ("a closed caller signs", "caller.py", "source, self._source = self._source, None", "source = self._source"),
    ("leaving a block does not close its caller", "scope.py", "            return\n        caller.close()\n", "            return\n"),
    ("leaving a block changes other contexts", "scope.py", "if self._scope.caller is caller:", "if True:"),
    ("leaving a block does not restore the one around it", "scope.py", "self._scope._here.set(around)", "self._scope._here.set(None)"),
    ("the caller is looked for at signing", "signing.py", 'events.register("before-parameter-build", capture, ', 'events.register("before-sign", lambda request, **_: capture(request.context), '),
    ("a call that nobody makes is signed by who comes meanwhile", "bridge.py", "return SourceCredentials(bound or self.scope.caller or self.scope.nobody)", "return SourceCredentials(bound or self.scope.caller) if bound or self.scope.caller else None"),
    ("the first caller's set is kept for the others", "bridge.py", "return SourceCredentials(bound or self.scope.caller or self.scope.nobody)", 'return vars(self).setdefault("kept", SourceCredentials(bound or self.scope.caller or self.scope.nobody))'),
    ("a set is kept through its renewal", "bridge.py", "if pair is not None and pair[0] is credentials:", "if pair is not None:"),
    ("a renewal asks whoever the context is in", "renewal.py", "context.get(signing.SIGNER, self._credentials)", "self._credentials"),
    ("a paginator is nobody's own", "bound_clients.py", "super(ScopedClient, _for_caller(self, scope)).get_paginator(operation_name)", "super().get_paginator(operation_name)"),
    ("a bound client signs as whoever the context is in", "bridge.py", "bound = None if acting is None else acting.take()", "bound = None"),
    ("a bound client leaves its caller in the context", "bound_clients.py", "scope.acting.reset(token)", "pass"),
    ("all callers have the same bound client", "bound_clients.py", "twin: _Client = object.__new__(type(client))", "twin = client"),
    ("what a caller brings along enters the pool", "scope.py", "if is_shareable(provider):", "if True:"),
    ("closing a caller closes what others share", "scope.py", "return shared.refresher(provider, self._policy), False", "return shared.refresher(provider, self._policy), True"),
    ("closing a caller closes a source that it was given", "scope.py", "return identity, False", "return identity, True"),
]  # fmt: skip

ENGINE_TESTS = ("tests/refresh", "tests/test_policy.py")
SCOPE_TESTS = ("tests/scope/test_bound_clients.py", "tests/scope/test_machine.py")


def broken_copy(folder: Path, file: str, old: str, new: str) -> None:
    """Copy the package and apply one breakage; the text must stand there exactly once."""
    shutil.copytree(ROOT / "src" / "bedrock_auth", folder / "bedrock_auth", ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "bedrock_auth" / file
    text = path.read_text()
    if text.count(old) != 1:
        msg = f"{file} has {text.count(old)} times: {old!r}"
        raise SystemExit(msg)
    path.write_text(text.replace(old, new))


def caught_by(breakage: tuple[str, str, str, str], tests: tuple[str, ...]) -> str | None:
    """The first test that fails on this breakage, or ``None``."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broken_copy(folder, *breakage[1:])
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
            "-o",
            "timeout=60",
            *tests,
        ]
        environ = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "ONLY_CATCH": "1"}
        environ["HYPOTHESIS_STORAGE_DIRECTORY"] = name
        ran = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=900)
    if ran.returncode == 0:
        return None
    found = re.search(r"^(?:FAILED|ERROR) \S*?::(\S+)", ran.stdout, re.MULTILINE)
    return found[1] if found else "the run was ended" if "Timeout" in ran.stdout + ran.stderr else f"pytest exit {ran.returncode}"


UNBROKEN = ("nothing", "policy.py", "MINUTE = 60.0", "MINUTE = 60.0")


def main() -> int:
    """See that what is not broken passes; then break, run, tell."""
    planned = [(breakage, SCOPE_TESTS) for breakage in SCOPE] + [(breakage, ENGINE_TESTS) for breakage in ENGINE]
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        unbroken = [workers.submit(caught_by, UNBROKEN, tests) for tests in (SCOPE_TESTS, ENGINE_TESTS)]
        results = list(workers.map(caught_by, *zip(*planned, strict=True)))
    if any(failures := [run.result() for run in unbroken]):
        print(f"the unbroken package does not pass its tests here: {failures}")
        return 2
    for ((name, file, *_), _), test in zip(planned, results, strict=True):
        print(f"{'caught  ' if test else 'SURVIVED'}  {name} ({file})  {test or ''}")
    survivors = results.count(None)
    print(f"{len(results) - survivors} of {len(results)} breakages caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    raise SystemExit(main())
