"""Many callers, one client: a threaded service in which each request is signed with the keys of whoever sent it.

    python many_callers_threads.py

No AWS account is needed: a local endpoint stands in for Amazon Bedrock. It verifies every signature, and says who signed what.
"""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from bedrock_auth import Credentials, MissingIdentityError, RequestScope, create_session
from bedrock_auth.bedrock import BedrockRuntime
from bedrock_auth.testing import LocalBedrock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bedrock_auth import Caller

MODEL_ID = "us.amazon.nova-lite-v1:0"
THREADS, CALLERS, REQUESTS = 16, 20, 200
OK = 200


class Service:
    """What all requests share: one scope, one session, one runtime."""

    def __init__(self) -> None:
        """Make them at start: the first client takes a while."""
        self.scope = RequestScope()
        self.runtime = BedrockRuntime(create_session(self.scope, region_name="us-east-1"))

    def handle(self, keys: Credentials, question: str) -> str:
        """Answer one request, as the caller who sent it. Other threads are in other blocks meanwhile."""
        with self.scope.use(keys):
            draft = self.runtime.converse(MODEL_ID, question).text
            return self.runtime.converse(MODEL_ID, f"Shorten this: {draft}").text

    def handle_in_parts(self, keys: Credentials, question: str) -> Iterator[str]:
        """The same, streamed: a generator binds its caller, because its reader goes on between the parts."""
        with self.scope.bind(keys) as caller:
            runtime = BedrockRuntime(client=caller.client("bedrock-runtime"))
            with runtime.converse_stream(MODEL_ID, question) as stream:
                yield from stream.text_stream

    def handle_two_questions(self, keys: Credentials, *questions: str) -> list[str]:
        """The same for a request that needs threads of its own: they are given the caller's client."""
        with self.scope.bind(keys) as caller, ThreadPoolExecutor(len(questions)) as helpers:
            runtime = BedrockRuntime(client=caller.client("bedrock-runtime"))
            return list(helpers.map(lambda question: runtime.converse(MODEL_ID, question).text, questions))


def many_at_once(service: Service, callers: dict[str, Credentials]) -> None:
    """Requests of all callers at once, in whatever order the threads take them."""
    names = sorted(callers) * (REQUESTS // CALLERS)
    with ThreadPoolExecutor(THREADS) as server:
        list(server.map(lambda name: service.handle(callers[name], f"Who am I? I am {name}."), names))


def a_thread_that_runs_on(service: Service, keys: Credentials) -> str:
    """What happens to code that outlives its caller: nothing is signed, by nobody."""
    caught: list[str] = []
    block_is_left = threading.Event()

    def later(caller: Caller) -> None:
        block_is_left.wait()
        try:
            caller.client("bedrock-runtime")
        except MissingIdentityError as error:
            caught.append(str(error))

    with service.scope.use(keys) as caller:
        thread = threading.Thread(target=later, args=(caller,))
        thread.start()
    block_is_left.set()
    thread.join()
    return caught[0]


def signed_by_another(bedrock: LocalBedrock, callers: dict[str, Credentials]) -> int:
    """How many requests name one caller and were signed by another, as the endpoint saw them."""
    names = {keys.access_key_id: name for name, keys in callers.items()}
    return sum(
        request.status != OK or f"I am {names.get(request.access_key_id or '')}." not in str(request.body)
        for request in bedrock.requests
    )


def main() -> int:
    """Serve, and count at the endpoint who signed; 1 if anybody signed for somebody else."""
    callers = {f"caller-{i}": Credentials(f"AKIACALLER{i:010}", f"the-secret-of-{i}") for i in range(CALLERS)}
    with LocalBedrock(callers.values()) as bedrock:
        os.environ.update(bedrock.environ)  # leave this out, and the requests go to Amazon Bedrock
        service = Service()

        many_at_once(service, callers)
        calls = len(bedrock.requests)
        print(f"{REQUESTS} requests of {CALLERS} callers, {calls} calls, over {THREADS} threads, through one client")

        in_turn = [service.handle_in_parts(callers[name], f"I am {name}.") for name in ("caller-3", "caller-4")]
        for parts in zip(*in_turn, strict=True):
            print("two streams, read in turn:", *map(repr, parts))
        answers = service.handle_two_questions(callers["caller-5"], "I am caller-5.", "Yes, I am caller-5.")
        print("two threads of one request:", *answers)

        mistaken = signed_by_another(bedrock, callers)
        print(f"signed by another caller: {mistaken} of {len(bedrock.requests)}")
        print("a thread that outlives its block:", a_thread_that_runs_on(service, callers["caller-6"]))
    return 1 if mistaken else 0


if __name__ == "__main__":
    sys.exit(main())
