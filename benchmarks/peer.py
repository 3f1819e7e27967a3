"""A Bedrock in a process of its own that costs little: prepared frames over chunked HTTP, no checks, one thread.

    python peer.py EVENTS FIRST PAUSE

Answers every request with a stream of so many text deltas, one HTTP chunk each: the first after FIRST seconds, the others
PAUSE seconds apart, or all at once.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import contextmanager

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n"
    b"x-amzn-RequestId: 00000000-0000-0000-0000-000000000000\r\nTransfer-Encoding: chunked\r\n\r\n"
)
LAST = b"0\r\n\r\n"


def chunks(events: int) -> list[bytes]:
    """The HTTP chunks of an answer."""
    from bedrock_auth.testing import encode_event

    delta = {"contentBlockIndex": 0, "delta": {"text": "token "}, "p": "abcdefghijklm"}
    usage = {"inputTokens": 1, "outputTokens": events, "totalTokens": events + 1}
    said = [
        ("messageStart", {"role": "assistant"}),
        *[("contentBlockDelta", delta)] * events,
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "end_turn"}),
        ("metadata", {"usage": usage, "metrics": {"latencyMs": 1}}),
    ]
    frames = [encode_event(kind, json.dumps(document).encode()) for kind, document in said]
    return [b"%x\r\n%b\r\n" % (len(frame), frame) for frame in frames]


class Model:
    def __init__(self, events: int, first: float, pause: float) -> None:
        self.answer, self.first, self.pause = chunks(events), first, pause

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length or 0))
                await self.say(writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def say(self, writer: asyncio.StreamWriter) -> None:
        if self.first:
            await asyncio.sleep(self.first)
        writer.write(HEAD)
        if not self.pause:
            writer.write(b"".join(self.answer) + LAST)
            await writer.drain()
            return
        due = asyncio.get_running_loop().time()
        for chunk in self.answer:
            writer.write(chunk)
            due += self.pause
            if (early := due - asyncio.get_running_loop().time()) > 0:
                await asyncio.sleep(early)
        writer.write(LAST)


async def main() -> None:
    model = Model(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
    server = await asyncio.start_server(model.serve, "127.0.0.1", 0, backlog=512)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)  # the parent closes it, also by dying


@contextmanager
def peer(events: int, first: float = 0, pause: float = 0):
    """Its address, while it runs."""
    command = [sys.executable, __file__, str(events), str(first), str(pause)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.stdin.close()


if __name__ == "__main__":
    asyncio.run(main())
