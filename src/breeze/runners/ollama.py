"""Ollama: open models on a server of your own, over its native protocol."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, TypeVar

from breeze.contracts.capability import RunnerKind
from breeze.contracts.errors import CapabilityError, NotFoundError
from breeze.contracts.events import Adjusted, ChatEvent, EmbedEvent, Progress
from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.contracts.runner import ModelInfo, runner
from breeze.runners._catalogue import CatalogueRunner
from breeze.runners._http import HttpClient
from breeze.runners._http_errors import refusal
from breeze.runners._http_json import encoded
from breeze.runners._ollama_body import chat_body, embed_body
from breeze.runners._ollama_errors import CHAT, EMBED
from breeze.runners._ollama_models import list_models
from breeze.runners._ollama_parameters import OllamaParameters
from breeze.runners._ollama_pull import pulled
from breeze.runners._ollama_reply import Reply
from breeze.runners._ollama_vectors import vectors_of

E = TypeVar("E")
Json = dict[str, Any]
_CHAT, _EMBED = "/api/chat", "/api/embed"


@runner(
    "ollama",
    vendor="Ollama",
    kind=RunnerKind.CLOUD,
    needs=("httptools",),
    extra="remote",
    automatic=False,
    concurrency=1024,
    queue=4096,
)
class OllamaRunner(CatalogueRunner[OllamaParameters]):
    """Chat, vision and embeddings by the models of an Ollama server.

    The model is the one asked for, else the only one of the server that can do the work. The
    server loads it when it is first asked, which takes a while, and keeps it for `keep_alive`.
    """

    vision = True

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        http = self._http or self._unloaded()
        parameters = self.parameters_for(request)
        model = await self._model(http, request)
        body, adjusted = await chat_body(request, model, parameters)
        for note in adjusted:
            yield note
        answered = self._adjusting if request.reasoning_effort else self._answered
        fetched = self._fetching(
            http, model, parameters.pull, lambda: answered(http, request, body)
        )
        async with aclosing(fetched) as events:
            async for event in events:
                yield event

    async def _answered(
        self, http: HttpClient, request: ChatRequest, body: Json
    ) -> AsyncGenerator[ChatEvent]:
        """The events of one answer, streamed or whole."""
        data = encoded(body, "messages")
        with await http.post(_CHAT, data, whole=request.whole) as answer:
            if answer.status != 200:
                raise await refusal(answer, secrets=self._secrets, field="messages", says=CHAT)
            reply = Reply(answer, request, self._secrets)
            if request.whole:
                self.work.steps += 1
                for event in reply.take_whole(answer.body()):
                    yield event
            else:
                async for piece in answer:
                    self.work.steps += 1
                    for event in reply.take(piece):
                        yield event
                    if reply.over:
                        break
            for event in reply.end():
                yield event

    async def _adjusting(
        self, http: HttpClient, request: ChatRequest, body: Json
    ) -> AsyncGenerator[ChatEvent]:
        """The same, by a model that need not be able to think as it was asked to."""
        begun = False
        try:
            async with aclosing(self._answered(http, request, body)) as events:
                async for event in events:
                    begun = True
                    yield event
            return
        except CapabilityError as error:
            if begun or error.field != "reasoning_effort":
                raise
        why = f"{body['model']} does not think before it answers"
        yield Adjusted("reasoning_effort", request.reasoning_effort, "", why)
        plain = {name: value for name, value in body.items() if name != "think"}
        async with aclosing(self._answered(http, request, plain)) as events:
            async for event in events:
                yield event

    async def embed(self, request: EmbedRequest) -> AsyncGenerator[EmbedEvent]:
        http = self._http or self._unloaded()
        parameters = self.parameters_for(request)
        model = await self._model(http, request)
        data = encoded(embed_body(request, model, parameters), "texts")
        fetched = self._fetching(
            http, model, parameters.pull, lambda: self._vectors(http, request, data)
        )
        async with aclosing(fetched) as events:
            async for event in events:
                yield event

    async def _vectors(
        self, http: HttpClient, request: EmbedRequest, body: bytes
    ) -> AsyncGenerator[EmbedEvent]:
        answer = await http.post(_EMBED, body, whole=True)
        if answer.status != 200:
            raise await refusal(answer, secrets=self._secrets, field="texts", says=EMBED)
        self.work.steps += 1
        for event in vectors_of(answer.body(), request, answer.where):
            yield event

    async def _fetching(
        self, http: HttpClient, model: str, pull: bool, once: Callable[[], AsyncGenerator[E]]
    ) -> AsyncGenerator[E | Progress]:
        """The events of `once`; if the server lacks the model, those of fetching it go before."""
        with self.work.stream():
            for may_pull in (pull, False):
                try:
                    async with aclosing(once()) as events:
                        async for event in events:
                            may_pull = False  # it is there
                            yield event
                    return
                except NotFoundError as error:
                    if not (may_pull and error.detail == "not_pulled"):
                        raise
                async with aclosing(pulled(http, model, self._secrets)) as steps:
                    async for step in steps:
                        yield step

    async def _listed(self, http: HttpClient) -> tuple[ModelInfo, ...]:
        return await list_models(http, self._secrets, self.parameters.num_ctx)
