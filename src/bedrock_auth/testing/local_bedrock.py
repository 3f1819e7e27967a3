"""`LocalBedrock`: Amazon Bedrock's runtime on loopback, speaking the real wire format."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from attrs import evolve

from bedrock_auth.testing.answers import error_answer
from bedrock_auth.testing.keys import KeyRing, make_credentials
from bedrock_auth.testing.received import RequestLog, check_body, read_request
from bedrock_auth.testing.script import Script
from bedrock_auth.testing.server import Server
from bedrock_auth.testing.verify import Refused, refuse, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Self

    from bedrock_auth.credentials import Credentials
    from bedrock_auth.testing.answers import Answer
    from bedrock_auth.testing.faults import Fault
    from bedrock_auth.testing.keys import KeyLookup
    from bedrock_auth.testing.received import ReceivedRequest
    from bedrock_auth.testing.replies import AnyReply
    from bedrock_auth.testing.verify import HttpRequest


class LocalBedrock:
    """A Bedrock runtime endpoint on 127.0.0.1 that verifies who signs and says and breaks what a test wants.

    It serves Converse and ConverseStream to any SDK over HTTP/1.1, checks Signature Version 4, session token and expiry of
    every request and keeps what it received::

        with LocalBedrock() as bedrock:
            bedrock.reply("Hello")
            client = boto3.client("bedrock-runtime", endpoint_url=bedrock.endpoint_url, ...)

    It starts at `start` or on entering a ``with`` block and ends at `close`, which never hangs. Any thread may use it.
    """

    def __init__(
        self,
        keys: Mapping[str, Credentials] | Iterable[Credentials] | KeyLookup = (),
        *,
        clock: Callable[[], float] = time.time,
        region_name: str = "us-east-1",
    ) -> None:
        """Accept these keys, and always those of `credentials`.

        Args:
            keys: credentials, a mapping of access key ids to them, or a function from an access key id to its credentials
                or ``None``, asked at every request (such as ``moto_keys()``).
            clock: seconds since the epoch; judges whether keys have expired. The date in a signature is compared with the
                machine's clock, because that is what clients sign with.
            region_name: what `environ` tells clients; requests signed for any region are served.
        """
        self.credentials = make_credentials()
        """Long-term keys that are always accepted, unless revoked."""
        self._keys = KeyRing(keys)
        self._keys.add(self.credentials)
        self._clock = clock
        self._region_name = region_name
        self._script = Script()
        self._log = RequestLog()
        self._server: Server | None = None

    def start(self) -> Self:
        """Listen on a free port.

        Raises:
            RuntimeError: it was started before.
        """
        if self._server is not None:
            msg = "this LocalBedrock was started before; make a new one"
            raise RuntimeError(msg)
        self._server = Server(self._respond)
        return self

    def close(self) -> None:
        """Stop, even while clients wait; more calls change nothing. What was received stays readable."""
        if self._server is not None:
            self._server.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def endpoint_url(self) -> str:
        """For ``client(..., endpoint_url=)``.

        Raises:
            RuntimeError: it was not started.
        """
        if self._server is None:
            msg = "LocalBedrock is not started; use it in a with block, or call start()"
            raise RuntimeError(msg)
        return self._server.url

    @property
    def environ(self) -> dict[str, str]:
        """Environment variables with which any AWS SDK finds this endpoint; no keys."""
        return {
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": self.endpoint_url,
            "AWS_REGION": self._region_name,
            "AWS_DEFAULT_REGION": self._region_name,  # the one that botocore reads
        }

    def add_key(self, credentials: Credentials) -> None:
        """Accept these from now on, even if they were revoked."""
        self._keys.add(credentials)

    def revoke(self, access_key_id: str) -> None:
        """Refuse this key from now on, as AWS does with a deleted one."""
        self._keys.revoke(access_key_id)

    def reply(self, *replies: AnyReply) -> None:
        """Say these to the next requests, one each; the last one is repeated until more are given.

        Without any, the text of the last user message is quoted.

        Args:
            replies: a text, content blocks, a `Reply`, `RawEvents`, or a function that is called with the
                `ReceivedRequest` and returns one of these.

        Raises:
            TypeError: something is none of these.
        """
        self._script.add_replies(replies)

    def fault(self, *faults: Fault, times: int = 1) -> None:
        """Break the next requests that are signed and formed well, ``times`` requests for each fault, in this order."""
        self._script.add_faults([fault for fault in faults for _ in range(times)])

    @property
    def requests(self) -> list[ReceivedRequest]:
        """What was received so far, in order; noted before each answer is sent."""
        return self._log.all()

    def wait_for(self, count: int, timeout: float = 5) -> list[ReceivedRequest]:
        """Wait for so many requests, those of the past included, and return all there are.

        Raises:
            TimeoutError: fewer came within ``timeout`` seconds.
        """
        return self._log.wait_for(count, timeout)

    def _respond(self, request: HttpRequest) -> Answer:
        received = read_request(request, self._clock())
        answer = self._answer(request, received)
        self._log.add(evolve(received, status=answer.status))
        return answer

    def _answer(self, request: HttpRequest, received: ReceivedRequest) -> Answer:
        try:
            if received.operation is None:
                refuse("UnknownOperationException", "LocalBedrock has no such route.", HTTPStatus.NOT_FOUND)
            verify(request, self._keys.find, now=self._clock())
            check_body(request.body)
            return self._script.answer(received)
        except Refused as refused:
            return error_answer(refused.code, refused.message, refused.status)
        except Exception as error:  # noqa: BLE001 - a test's own functions may raise anything; 400 is what no SDK retries
            return error_answer("LocalBedrockError", f"a reply, fault or key function failed: {error!r}", HTTPStatus.BAD_REQUEST)
