"""Llama Stack servers, and OGX, as they are called since version 1."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, NoReturn

from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.errors import NotLoadedError
from breeze.contracts.events import Adjusted, ChatEvent, EmbedEvent, Finish, ModerateEvent, Usage
from breeze.contracts.requests import ChatRequest, EmbedRequest, ModerateRequest
from breeze.contracts.runner import ModelInfo, Runner, runner
from breeze.runners._http_json import encoded
from breeze.runners._llama_stack_chat import completion, native, oldest, response
from breeze.runners._llama_stack_files import read_all
from breeze.runners._llama_stack_guard import judged, shields, verdict_of
from breeze.runners._llama_stack_parameters import LlamaStackParameters
from breeze.runners._llama_stack_prompt import with_pictures, with_sources
from breeze.runners._llama_stack_route import Route, route_of
from breeze.runners._llama_stack_server import Server
from breeze.runners._llama_stack_shelf import Shelf
from breeze.runners._only_model import ANY
from breeze.runners._openai_vectors import MOST_TEXTS, vectors_body, vectors_of


@runner(
    "llama_stack",
    vendor="Meta",
    kind=RunnerKind.CLOUD,
    needs=("httptools",),
    extra="remote",
    concurrency=4096,
    queue=4096,
    automatic=False,
)
class LlamaStackRunner(Runner[LlamaStackParameters]):
    """Chat, pictures, file search, tools, embeddings and shields of a Llama Stack or OGX server.

    Load finds out which version the server is and uses what that one offers. Files are put on
    the server once each and removed at unload. What the server cannot do is said, never dropped.
    """

    vision = True

    def __init__(self, parameters: LlamaStackParameters) -> None:
        super().__init__(parameters)
        self._server: Server | None = None
        self._shelf: Shelf | None = None

    @classmethod
    def model_of(cls, parameters: LlamaStackParameters, capability: Capability) -> str:
        if capability is Capability.EMBEDDING:
            return parameters.embedding_model
        return parameters.guardian_model if capability is Capability.GUARDIAN else ""

    async def load(self, model: str) -> None:
        if self._server is not None:
            return
        server = Server(self.parameters)
        try:
            await server.look()
        except BaseException:  # a cancellation too
            await server.http.close()
            raise
        self._server, self._shelf = server, Shelf(server)

    async def unload(self) -> None:
        server, self._server = self._server, None
        shelf, self._shelf = self._shelf, None
        if server is not None and shelf is not None:
            await shelf.clear()
            await server.http.close()

    def check(self) -> str | None:
        if missing := super().check():
            return missing
        if self.parameters.at_home and not self.parameters.key:
            return "no API key: set LLAMA_STACK_CLIENT_API_KEY, or endpoint to a server of your own"
        return None

    async def models(self) -> tuple[ModelInfo, ...]:
        if self._server is not None:
            return await self._listed(self._server)
        server = Server(self.parameters)
        try:
            await server.look()
            return await self._listed(server)
        finally:
            await server.http.close()

    async def _listed(self, server: Server) -> tuple[ModelInfo, ...]:
        vision = self.parameters.enable_vision
        found = [model.info(vision) for model in await server.models(anew=True)]
        guards = [str(one.get("identifier", "")) for one in await shields(server)]
        guardian = (Capability.GUARDIAN,)
        return (*found, *(ModelInfo(name, guardian) for name in guards if name))

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        begun = time.monotonic()
        server, shelf = self._loaded()
        p = self.parameters_for(request)
        route = route_of(request, p, server.offer)
        for note in route.adjusted:
            yield note
        model = await self._model(server, request.model, p.chosen_model)
        if route.way == "VLM":
            route.request = await with_pictures(route.request)
        with self.work.stream() as work:
            if route.inline:
                read = await read_all(route.sources, p)
                written = with_sources(route.request, read)
                route.request, route.sources = written.request, route.sources[: written.used]
                for note in written.adjusted:
                    yield note
            if route.responses:
                events = response(server, shelf, route, p, model)
            elif oldest(server.offer):
                events = native(server, route.request, p, model)
            else:
                events = completion(server, route.request, p, model)
            async with aclosing(events):
                async for event in events:
                    work.steps += 1
                    if isinstance(event, Finish):
                        event = self._told(event, route, model, begun)
                    yield event

    def _told(self, finish: Finish, route: Route, model: str, begun: float) -> Finish:
        """The end with what an operator watches."""
        server, _ = self._loaded()
        used: dict[str, Any] = {
            "model_name": model,
            "rag_sources_used": len(route.sources),
            "tools_available": len(route.tools) + len(route.request.tools),
            **(finish.metadata or {}),
            "processing_time_ms": round((time.monotonic() - begun) * 1000, 3),
            "inference_mode": "remote",
            "request_type": route.way,
            "capability_type": route.way,
            "llama_stack_version": server.offer.version,
            "endpoint_used": self.parameters.root,
            "model_used": model,
        }
        return Finish(finish.reason, metadata=used)

    async def embed(self, request: EmbedRequest) -> AsyncGenerator[EmbedEvent]:
        server, _ = self._loaded()
        self.parameters_for(request)
        asked = self.parameters.embedding_model if request.model in ANY else request.model
        model = await self._embedding_model(server, asked)
        used = 0
        with self.work.stream() as work:
            for first in range(0, len(request.texts), MOST_TEXTS):
                texts = request.texts[first : first + MOST_TEXTS]
                body = vectors_body(texts, model, request.dimensions, "base64")
                path, data = server.at("/embeddings"), encoded(body, "texts")
                answer = await server.ask("POST", path, data, whole=True)
                await server.read(answer, "texts")  # an error is raised
                found = vectors_of(answer.body(), first, len(texts), answer.where)
                used += found.tokens or 0
                for event in found.events:
                    work.steps += 1
                    yield event
        yield Usage(prompt_tokens=used)
        yield Finish(metadata={"model_name": model})

    async def moderate(self, request: ModerateRequest) -> AsyncGenerator[ModerateEvent]:
        server, _ = self._loaded()
        self.parameters_for(request)
        for note in judged(request):
            yield note
        with self.work.stream() as work:
            verdict, judge = await verdict_of(server, request)
            work.steps += 1
            if request.model not in (*ANY, judge, judge.rpartition("/")[2]):
                yield Adjusted("model", request.model, judge, "no shield is called so")
            yield verdict
        yield Usage(characters=len(request.whole_text))
        yield Finish(metadata={"model_name": judge})

    async def _model(self, server: Server, asked: str, chosen: str) -> str:
        name = chosen if asked in ANY else asked
        if not name:
            return await server.only("llm", "model_id")
        return await server.model_named(name)

    async def _embedding_model(self, server: Server, asked: str) -> str:
        if not asked:
            return await server.only("embedding", "embedding_model")
        return await server.model_named(asked)

    def _loaded(self) -> tuple[Server, Shelf]:
        if self._server is None or self._shelf is None:
            self._unloaded()
        return self._server, self._shelf

    def _unloaded(self) -> NoReturn:
        raise NotLoadedError("No connection is open: call load first.", runner=self.info.name)
