"""Many callers, one client, on one event loop: each task signs as the caller whose request it serves.

    python many_callers_asyncio.py

No AWS account is needed: a local endpoint stands in for Amazon Bedrock. It verifies every signature, and says who signed what.
"""

from __future__ import annotations

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from bedrock_auth import Credentials, MissingIdentityError, RequestScope, create_session
from bedrock_auth.bedrock import BedrockRuntime
from bedrock_auth.testing import LocalBedrock

MODEL_ID = "us.amazon.nova-lite-v1:0"
CALLERS, REQUESTS = 20, 300
OK = 200


class Service:
    """What all requests share: one scope, one session, one runtime."""

    def __init__(self) -> None:
        """Make them before the loop serves anybody: the first client takes a while, and would block it."""
        self.scope = RequestScope()
        self.runtime = BedrockRuntime(create_session(self.scope, region_name="us-east-1"))

    def ask(self, question: str) -> str:
        """Ask as whoever this code runs for."""
        return self.runtime.converse(MODEL_ID, question).text

    async def handle(self, keys: Credentials, question: str) -> str:
        """Answer one request. boto3 blocks, so it works in a thread; `asyncio.to_thread` takes the caller along."""
        with self.scope.use(keys):
            return await asyncio.to_thread(self.ask, question)

    async def handle_several(self, keys: Credentials, *questions: str) -> list[str]:
        """Several calls for one request, at once: tasks that begin in the block are in it as well, while it lasts."""
        with self.scope.use(keys):
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(asyncio.to_thread(self.ask, question)) for question in questions]
        return [task.result() for task in tasks]

    async def handle_in(self, pool: ThreadPoolExecutor, keys: Credentials, question: str) -> str:
        """The same in a pool of your own: `run_in_executor` does not take the caller along, a bound client is the caller's."""
        with self.scope.bind(keys) as caller:
            runtime = BedrockRuntime(client=caller.client("bedrock-runtime"))
            answer = await asyncio.get_running_loop().run_in_executor(pool, runtime.converse, MODEL_ID, question)
        return answer.text


async def a_task_that_runs_on(service: Service, keys: Credentials) -> str:
    """What happens to a task that outlives its block: nothing is signed, by nobody."""
    block_is_left = asyncio.Event()

    async def later() -> str:
        await block_is_left.wait()
        return await asyncio.to_thread(service.ask, "Am I too late?")

    with service.scope.use(keys):
        task = asyncio.create_task(later())
        await asyncio.sleep(0)
    block_is_left.set()
    try:
        return await task
    except MissingIdentityError as error:
        return str(error)


async def serve(bedrock: LocalBedrock, callers: dict[str, Credentials]) -> None:
    """Requests of all callers at once, some of them given up in the middle."""
    service = Service()
    names = sorted(callers) * (REQUESTS // CALLERS)
    tasks = [asyncio.create_task(service.handle(callers[name], f"Who am I? I am {name}.")) for name in names]
    await asyncio.sleep(0)
    for task in tasks[::10]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    given_up = sum(isinstance(result, asyncio.CancelledError) for result in results)
    print(f"{len(names)} requests of {CALLERS} callers on one loop, {given_up} of them cancelled")

    keys = callers["caller-3"]
    print("a task group of one request:", *await service.handle_several(keys, "I am caller-3.", "Yes, I am caller-3."))
    with ThreadPoolExecutor(4) as pool:
        print("a pool of one's own:", await service.handle_in(pool, callers["caller-4"], "I am caller-4."))

    mistaken = signed_by_another(bedrock, callers)
    print(f"signed by another caller: {mistaken}")
    print("a task that outlives its block:", await a_task_that_runs_on(service, callers["caller-5"]))


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
        asyncio.run(serve(bedrock, callers))
        return 1 if signed_by_another(bedrock, callers) else 0


if __name__ == "__main__":
    sys.exit(main())
