"""`KnowledgeBase`: what a knowledge base of Amazon Bedrock holds, and answers made of it, typed."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from bedrock_auth.bedrock.forms.api_form import given
from bedrock_auth.bedrock.retrieval.generation_conversation import GenerationCalls, KnowledgeBaseConversation
from bedrock_auth.bedrock.retrieval.generation_stream import AsyncRetrieveAndGenerateStream, RetrieveAndGenerateStream
from bedrock_auth.bedrock.retrieval.limits import checked_hits, checked_knowledge_base_id
from bedrock_auth.bedrock.retrieval.request import generate_request, retrieve_request
from bedrock_auth.bedrock.retrieval.response import Pages, RetrieveAndGenerateResponse, RetrieveResponse, decoded
from bedrock_auth.bedrock.transport.clients import client_maker
from bedrock_auth.bedrock.transport.service import ServiceWrapper
from bedrock_auth.bedrock.transport.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
    from typing import Unpack

    from botocore.client import BaseClient
    from botocore.config import Config

    from bedrock_auth.bedrock.retrieval.generation_conversation import SessionRestarted
    from bedrock_auth.bedrock.retrieval.hits import Hit
    from bedrock_auth.bedrock.retrieval.request import GenerationOptions, RetrievalOptions
    from bedrock_auth.bedrock.retry import RetryListener
    from bedrock_auth.bedrock.transport.clients import MakesClients

_RETRIEVE, _GENERATE, _STREAM = "Retrieve", "RetrieveAndGenerate", "RetrieveAndGenerateStream"
_SEARCH_TIMEOUT = 60
"""Seconds that a search may take: botocore's own default."""
_MAX_HITS = 1000


class KnowledgeBase(ServiceWrapper):
    """Searches a knowledge base, and has models answer from what it finds, with any boto3 session or client.

    ::

        handbook = KnowledgeBase(session, knowledge_base_id="KB12345678")
        for hit in handbook.retrieve("How long is the warranty?", top_k=3, filter=F.year >= 2024):
            print(hit.score, hit.uri, hit.text)

    Its clients and what it sends again are those of every `ServiceWrapper`, but for searches: they may take a minute, and are
    sent again even where no answer came in that time.
    """

    _SERVICE = "bedrock-agent-runtime"

    def __init__(  # noqa: PLR0913 - two kinds of client, and their settings
        self,
        session: MakesClients | None = None,
        *,
        knowledge_base_id: str,
        client: BaseClient | None = None,
        region_name: str | None = None,
        config: Config | None = None,
        retries: int | None = None,
        listeners: Iterable[RetryListener] = (),
    ) -> None:
        """Use this session, or this client as it is.

        Args:
            session: from `bedrock_auth.create_session`, or any other boto3 session, or whatever makes clients as one does.
            knowledge_base_id: its id; where only searches are made, its ARN will do.
            client: a ``bedrock-agent-runtime`` client; its timeouts and its way of signing are the caller's choice.
            region_name: by default the session's.
            config: a ``botocore.config.Config`` that overrides the defaults.
            retries: how often a call is sent at most, the first time included: 1 never sends again. By default what botocore's
                own settings say, else 3.
            listeners: called with a `Retried` whenever a call is going to be sent again.

        Raises:
            ConfigurationError: neither or both of session and client are given, the client is one of another service, the id is
                none, ``retries`` is no such number, or there is no region.
        """
        self.knowledge_base_id = checked_knowledge_base_id(knowledge_base_id)
        super().__init__(session, client=client, region_name=region_name, config=config, retries=retries, listeners=listeners)
        self._search_client = self._client
        if client is None:
            make = partial(client_maker, session, self._SERVICE, region_name=region_name, config=config)
            self._search_client = make(read_timeout=_SEARCH_TIMEOUT)

    def retrieve(
        self, text: str | Mapping[str, Any], *, next_token: str | None = None, **options: Unpack[RetrievalOptions]
    ) -> RetrieveResponse:
        """Search, and return a page of what is found.

        Args:
            text: what to search for, at most 20 000 characters; or AWS's ``retrievalQuery``, which may hold an image.
            next_token: of the page before; everything else must be as it was there.
            options: see `RetrievalOptions`; also any other parameter under AWS's own name.

        Raises:
            BedrockError: the call failed; see `bedrock_auth.bedrock.errors`.
            ConfigurationError: a limit is exceeded, a filter is none, or botocore does not take a parameter; the message names
                which.
            CredentialError: there are no credentials to sign with.
        """
        return self._retrieve(text, given(nextToken=next_token) | options)

    async def aretrieve(
        self, text: str | Mapping[str, Any], *, next_token: str | None = None, **options: Unpack[RetrievalOptions]
    ) -> RetrieveResponse:
        """`retrieve` for asyncio, in a thread of its own and in a copy of the caller's context; cancelling returns at once.

        Raises:
            Exception: as there.
        """
        return await in_thread(partial(self._retrieve, text, given(nextToken=next_token) | options))

    def retrieve_all(
        self, text: str | Mapping[str, Any], *, max_hits: int = _MAX_HITS, **options: Unpack[RetrievalOptions]
    ) -> Iterator[Hit]:
        """Search, and yield what is found, page after page; each page is asked for when its first hit is wanted.

        Args:
            text: as `retrieve`.
            max_hits: how many hits are yielded at most; so many pages are asked for at most, too.
            options: as `retrieve`; ``top_k`` is the size of a page.

        Raises:
            ConfigurationError: at once, where ``max_hits`` is not at least 1; else as `retrieve`, while it is iterated.
        """
        return self._hits(text, Pages(checked_hits(max_hits)), options)

    def _hits(self, text: str | Mapping[str, Any], pages: Pages, options: Mapping[str, Any]) -> Iterator[Hit]:
        while not pages.are_over:
            yield from pages.take(self._retrieve(text, {**given(nextToken=pages.next_token), **options}))

    async def aretrieve_all(
        self, text: str | Mapping[str, Any], *, max_hits: int = _MAX_HITS, **options: Unpack[RetrievalOptions]
    ) -> AsyncIterator[Hit]:
        """`retrieve_all` for asyncio: ``async for hit in knowledge_base.aretrieve_all(…)``.

        Raises:
            Exception: as there, while it is iterated.
        """
        pages = Pages(checked_hits(max_hits))
        while not pages.are_over:
            page = await in_thread(partial(self._retrieve, text, given(nextToken=pages.next_token) | options))
            for hit in pages.take(page):
                yield hit

    def retrieve_and_generate(
        self, text: str, model_id: str, **options: Unpack[GenerationOptions]
    ) -> RetrieveAndGenerateResponse:
        """Ask, and wait for the whole answer that a model gives from what is found.

        Args:
            text: the question, at most 1000 characters.
            model_id: id or ARN of a model, or ARN of an inference profile.
            options: see `GenerationOptions`; also any other parameter under AWS's own name.

        Raises:
            BedrockError: the call failed. One that timed out is not sent again: the model may be at work on it.
            SessionExpiredError: the service does not know the session any more.
            ConfigurationError: as `retrieve`.
            CredentialError: there are no credentials to sign with.
        """
        return self._generate(text, model_id, options)

    async def aretrieve_and_generate(
        self, text: str, model_id: str, **options: Unpack[GenerationOptions]
    ) -> RetrieveAndGenerateResponse:
        """`retrieve_and_generate` for asyncio; cancelling returns at once and nothing is sent again.

        Raises:
            Exception: as there.
        """
        return await in_thread(partial(self._generate, text, model_id, options))

    def retrieve_and_generate_stream(
        self, text: str, model_id: str, **options: Unpack[GenerationOptions]
    ) -> RetrieveAndGenerateStream:
        """Ask now, and read the answer while it is being given.

        Takes what `retrieve_and_generate` takes. Use the stream in a ``with`` block: leaving it closes the connection.

        Raises:
            Exception: as there; what goes wrong later, the stream raises.
        """
        request = self._generate_request(model_id, text, options)
        return self._open_generation(RetrieveAndGenerateStream(), request)

    def aretrieve_and_generate_stream(
        self, text: str, model_id: str, **options: Unpack[GenerationOptions]
    ) -> AsyncRetrieveAndGenerateStream:
        """`retrieve_and_generate_stream` for asyncio: ``async with knowledge_base.aretrieve_and_generate_stream(…) as stream``.

        The question is sent when the block is entered, and whatever that raises is raised there; who signs, and any other context
        variable, is that of this call.
        """
        stream = RetrieveAndGenerateStream()
        make = partial(self._generate_request, model_id, text, options)
        return AsyncRetrieveAndGenerateStream(stream, lambda: self._open_generation(stream, make()))

    def conversation(
        self,
        model_id: str,
        *,
        restart: bool = True,
        on_restart: Callable[[SessionRestarted], object] | None = None,
        **options: Unpack[GenerationOptions],
    ) -> KnowledgeBaseConversation:
        """A conversation whose session the service makes with the first answer, and keeps.

        Args:
            model_id: as `retrieve_and_generate`.
            restart: whether to go on in a new session where the service does not know the old one any more; else a
                `SessionExpiredError` is raised.
            on_restart: called with a `SessionRestarted` where that happens, in the thread that asks. What it raises is
                raised, and the question is not asked again.
            options: see `GenerationOptions`; those of all questions. ``session_id`` goes on with an earlier conversation.
        """
        calls = GenerationCalls(partial(self._generate_request, model_id), self._send_generation, self._open_generation)
        return KnowledgeBaseConversation(calls, options, restart=restart, on_restart=on_restart)

    def _retrieve(
        self, query: str | Mapping[str, Any], options: Mapping[str, Any], pause: Callable[[float], object] = time.sleep
    ) -> RetrieveResponse:
        request = retrieve_request(self.knowledge_base_id, query, options, self._model_arn)
        return decoded(RetrieveResponse.from_api, self._send(_RETRIEVE, request, pause), _RETRIEVE)

    def _generate(
        self, text: str, model_id: str, options: Mapping[str, Any], pause: Callable[[float], object] = time.sleep
    ) -> RetrieveAndGenerateResponse:
        return self._send_generation(self._generate_request(model_id, text, options), pause)

    def _generate_request(self, model_id: str, text: str, options: Mapping[str, Any]) -> dict[str, Any]:
        return generate_request(self.knowledge_base_id, text, model_id, options, self._model_arn)

    def _send_generation(self, request: Mapping[str, Any], pause: Callable[[float], object]) -> RetrieveAndGenerateResponse:
        return decoded(RetrieveAndGenerateResponse.from_api, self._send(_GENERATE, request, pause), _GENERATE)

    def _open_generation(self, stream: RetrieveAndGenerateStream, request: Mapping[str, Any]) -> RetrieveAndGenerateStream:
        return self._open(stream, _STREAM, "stream", request)

    def _client_for(self, operation: str) -> BaseClient:
        return self._search_client() if operation == _RETRIEVE else self._client()

    def _model_arn(self, model: str) -> str:
        if model.startswith("arn:"):
            return model
        where = self._search_client().meta
        return f"arn:{where.partition}:bedrock:{where.region_name}::foundation-model/{model}"
