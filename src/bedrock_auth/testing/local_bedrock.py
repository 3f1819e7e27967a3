"""`LocalBedrock`: Amazon Bedrock's runtime and the lists of its control plane on loopback, in the real wire format."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from attrs import evolve

from bedrock_auth.testing.agent_replies import AGENT_OPERATIONS, AgentReply, quote_input
from bedrock_auth.testing.answers import document_answer, error_answer
from bedrock_auth.testing.api_keys import verify_api_key
from bedrock_auth.testing.catalog import find_profile, list_models, list_profiles
from bedrock_auth.testing.checks import check_body, check_names
from bedrock_auth.testing.documents import search
from bedrock_auth.testing.guardrails import APPLY_GUARDRAIL, GuardrailReply, let_pass
from bedrock_auth.testing.keys import KeyRing, make_credentials
from bedrock_auth.testing.knowledge_bases import KnowledgeBases, rerank
from bedrock_auth.testing.received import RequestLog, read_request
from bedrock_auth.testing.script import Script
from bedrock_auth.testing.server import Server
from bedrock_auth.testing.sessions import Sessions
from bedrock_auth.testing.verify import Refused, refuse, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from ssl import SSLContext
    from typing import Any, Self

    from bedrock_auth.credentials import Credentials
    from bedrock_auth.testing.agent_replies import Agent
    from bedrock_auth.testing.answers import Answer
    from bedrock_auth.testing.catalog import Summary
    from bedrock_auth.testing.documents import Document, Hit
    from bedrock_auth.testing.faults import Fault
    from bedrock_auth.testing.guardrails import LocalGuardrail
    from bedrock_auth.testing.keys import KeyLookup
    from bedrock_auth.testing.received import ReceivedRequest
    from bedrock_auth.testing.replies import AnyReply
    from bedrock_auth.testing.script import Model
    from bedrock_auth.testing.verify import HttpRequest


class LocalBedrock:
    """A Bedrock endpoint on 127.0.0.1 that verifies who signs and says and breaks what a test wants.

    It serves Converse, ConverseStream, InvokeModel, InvokeModelWithResponseStream, CountTokens and ApplyGuardrail;
    InvokeAgent, InvokeInlineAgent, Retrieve, RetrieveAndGenerate, RetrieveAndGenerateStream and Rerank; of the control
    plane ListFoundationModels, ListInferenceProfiles and GetInferenceProfile; to any SDK over HTTP/1.1. It checks Signature
    Version 4, or the short-term API key, session token and expiry of every request and keeps what it received::

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
        tls: SSLContext | None = None,
    ) -> None:
        """Accept these keys, and always those of `credentials`.

        Args:
            keys: credentials, a mapping of access key ids to them, or a function from an access key id to its credentials
                or ``None``, asked at every request (such as ``moto_keys()``).
            clock: seconds since the epoch; judges whether keys have expired. The date in a signature is compared with the
                machine's clock, because that is what clients sign with.
            region_name: what `environ` tells clients; requests signed for any region are served.
            tls: a server's context with a certificate for 127.0.0.1; then it speaks https, without which botocore sends no API
                key. Clients have to trust the certificate (``AWS_CA_BUNDLE``).
        """
        self.credentials = make_credentials()
        """Long-term keys that are always accepted, unless revoked."""
        self._keys = KeyRing(keys)
        self._keys.add(self.credentials)
        self._clock = clock
        self._region_name = region_name
        self._tls = tls
        self.input_tokens = 10
        """What CountTokens counts."""
        self.foundation_models: Sequence[Summary] = ()
        """What ListFoundationModels lists; `foundation_model` makes one, or a dict as boto3 returns it."""
        self.inference_profiles: Sequence[Summary] = ()
        """What ListInferenceProfiles and GetInferenceProfile know; `inference_profile` makes one."""
        self._script = Script()
        self._agent = Script(quote_input, AgentReply)
        self._guardrail = Script(let_pass, GuardrailReply)
        self._others = dict.fromkeys(AGENT_OPERATIONS, self._agent) | {APPLY_GUARDRAIL: self._guardrail}
        """Who answers what the model does not."""
        self._knowledge_bases = KnowledgeBases()
        self._sessions = Sessions()
        self._lookups: Mapping[str | None, Callable[[ReceivedRequest], Mapping[str, Any]]] = {
            "CountTokens": lambda _: {"inputTokens": self.input_tokens},
            "ListFoundationModels": lambda received: list_models(self.foundation_models, received.query),
            "ListInferenceProfiles": lambda received: list_profiles(self.inference_profiles, received.query),
            "GetInferenceProfile": lambda received: find_profile(self.inference_profiles, received.model_id),
            "Retrieve": self._knowledge_bases.retrieve,
            "Rerank": rerank,
        }
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
        self._server = Server(self._respond, self._tls)
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
            "AWS_ENDPOINT_URL_BEDROCK_AGENT_RUNTIME": self.endpoint_url,
            "AWS_ENDPOINT_URL_BEDROCK": self.endpoint_url,
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
            replies: a text, content blocks (made by `text`, `tool_use`, `reasoning`, or dicts as boto3 returns them), a
                `Reply`, `RawEvents`, a `Payload`, a fault, which breaks the default reply, or a function that is called with
                the `ReceivedRequest` and returns one of these.

        Raises:
            TypeError: something is none of these.
        """
        self._script.add_replies(replies)

    @property
    def model(self) -> Model:
        """Who speaks: a function that is called with every `ReceivedRequest` and returns a reply, or a script.

        A script is a list of replies as `reply` takes them, one for each request; the last one is repeated. Setting it drops
        what was queued before.

        Raises:
            TypeError: it is neither; everything stays as it was then.
        """
        model: Model = self._script.model
        return model

    @model.setter
    def model(self, model: Model) -> None:
        self._script.set_model(model)

    @property
    def agent(self) -> Agent:
        """Who answers InvokeAgent and InvokeInlineAgent: a function that is called with every `ReceivedRequest`, or a script.

        Either gives a text, parts of an answer (made by `chunk`, `trace`, `return_control`, `output_files`, or events as boto3
        returns them), an `AgentReply`, `RawEvents` or a fault. By default the input is quoted.

        Raises:
            TypeError: it is neither; everything stays as it was then.
        """
        agent: Agent = self._agent.model
        return agent

    @agent.setter
    def agent(self, agent: Agent) -> None:
        self._agent.set_model(agent)

    @property
    def guardrail(self) -> LocalGuardrail:
        """Who answers ApplyGuardrail: a function that is called with every `ReceivedRequest`, or a script.

        Either gives ``None`` where it has nothing against the texts, what to show instead, a `GuardrailReply` or a fault. By
        default everything passes.

        Raises:
            TypeError: it is neither; everything stays as it was then.
        """
        guardrail: LocalGuardrail = self._guardrail.model
        return guardrail

    @guardrail.setter
    def guardrail(self, guardrail: LocalGuardrail) -> None:
        self._guardrail.set_model(guardrail)

    def add_knowledge_base(self, knowledge_base_id: str, documents: Iterable[Document | str]) -> None:
        """Have Retrieve and RetrieveAndGenerate know a knowledge base; one of the same id gets these documents instead.

        Args:
            knowledge_base_id: AWS's have ten letters and digits.
            documents: bare texts have no location and no metadata.
        """
        self._knowledge_bases.put(knowledge_base_id, documents)

    def search(self, knowledge_base_id: str, question: str, number_of_results: int = 5) -> list[Hit]:
        """What Retrieve finds, for an agent or model of a test's own.

        Raises:
            Refused: there is no such knowledge base; as a model's or agent's own, it reaches the client as AWS's error.
        """
        return search(self._knowledge_bases.find(knowledge_base_id), question)[:number_of_results]

    def expire_sessions(self) -> None:
        """Forget what was said to agents, and refuse the session ids that RetrieveAndGenerate gave."""
        self._sessions.expire()

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
        received, answer = self._answer(request, read_request(request, self._clock()))
        self._log.add(evolve(received, status=answer.status))
        return answer

    def _answer(self, request: HttpRequest, received: ReceivedRequest) -> tuple[ReceivedRequest, Answer]:
        try:
            self._admit(request, received)
            received = self._in_session(received)
            return received, self._script.through_fault(lambda: self._serve(received))
        except Refused as refused:
            return received, error_answer(refused.code, refused.message, refused.status)
        except Exception as error:  # noqa: BLE001 - a test's own functions may raise anything; 400 is what no SDK retries
            message = f"a reply, fault or key function failed: {error!r}"
            return received, error_answer("LocalBedrockError", message, HTTPStatus.BAD_REQUEST)

    def _admit(self, request: HttpRequest, received: ReceivedRequest) -> None:
        if received.operation is None:
            refuse("UnknownOperationException", "LocalBedrock has no such route.", HTTPStatus.NOT_FOUND)
        identify = verify_api_key if received.signed == "bearer" else verify
        identify(request, self._keys.find, now=self._clock())
        check_body(received.operation, request.body)
        check_names(received)

    def _in_session(self, received: ReceivedRequest) -> ReceivedRequest:
        if received.operation in AGENT_OPERATIONS:
            return self._sessions.of_agent(received)
        if str(received.operation).startswith("RetrieveAndGenerate"):
            return evolve(self._sessions.of_generation(received), retrieved=self._knowledge_bases.found_for(received))
        return received

    def _serve(self, received: ReceivedRequest) -> Answer:
        if received.operation in self._lookups:
            return document_answer(self._lookups[received.operation](received))
        answer = self._others.get(str(received.operation), self._script).say(received)
        if received.session_id is not None:
            self._sessions.note(received, answer.awaits)
        return answer
