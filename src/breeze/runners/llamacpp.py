"""GGUF models in this process by llama.cpp (package xllamacpp): chat and embeddings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.dialects.openai import UpstreamError
from breeze.contracts.errors import CapabilityError, InputError, NotLoadedError
from breeze.contracts.events import ChatEvent, Embedding, EmbedEvent, Finish
from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.contracts.runner import ModelInfo, Runner, runner
from breeze.contracts.threads import Outlet, from_thread
from breeze.contracts.values import Usage
from breeze.runners._llamacpp_body import prepare
from breeze.runners._llamacpp_chat import Generation
from breeze.runners._llamacpp_errors import reported
from breeze.runners._llamacpp_models import EMBEDDED, default_id, find, listed
from breeze.runners._llamacpp_parameters import LlamaCppParameters
from breeze.runners._llamacpp_server import LlamaServer


@runner(
    "llamacpp",
    vendor="llama.cpp",
    kind=RunnerKind.LOCAL,
    needs=("xllamacpp",),
    extra="local",
    concurrency=4,
    queue=64,
    one_model=True,
    default_model=EMBEDDED,
    ram_gb=0.1,
)
class LlamaCppRunner(Runner[LlamaCppParameters]):
    """Chat and embeddings with GGUF models on this machine, by llama.cpp; a tiny one is built in.

    A loaded model either chats or embeds: `models()` tells which, the other is refused (E405).
    Tools need a model whose chat template knows them; with others they are refused (E400).
    A prompt beyond the context is refused with both figures, never cut.
    """

    def __init__(self, parameters: LlamaCppParameters) -> None:
        super().__init__(parameters)
        self._server: LlamaServer | None = None

    async def load(self, model: str) -> None:
        wanted = model or default_id(self.parameters)
        if self._server is not None and self._server.model.id == wanted:
            return
        await self.unload()
        self._server = await asyncio.to_thread(_open, wanted, self.parameters)

    async def unload(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            await asyncio.to_thread(server.close)

    async def models(self) -> tuple[ModelInfo, ...]:
        return await asyncio.to_thread(listed, self.parameters)

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        server = self._loaded(Capability.LLM)
        body, adjusted = prepare(request, self.parameters_for(request), server.model)
        for event in adjusted:
            yield event
        generation = Generation(server, request, body, self.work)
        with self.work.stream():
            async with aclosing(from_thread(generation.run)) as events:
                async for made in events:
                    yield made

    async def embed(self, request: EmbedRequest) -> AsyncGenerator[EmbedEvent]:
        server = self._loaded(Capability.EMBEDDING)
        if request.dimensions not in (None, server.model.dimensions):
            raise InputError(
                f"{server.model.id} makes vectors of {server.model.dimensions} dimensions, "
                f"not {request.dimensions}: leave dimensions out.",
                field="dimensions",
            )

        def embed_all(outlet: Outlet[EmbedEvent]) -> None:
            self._embed(request.texts, server, outlet)

        with self.work.stream():
            async with aclosing(from_thread(embed_all)) as events:
                async for event in events:
                    yield event

    def _embed(
        self, texts: tuple[str, ...], server: LlamaServer, outlet: Outlet[EmbedEvent]
    ) -> None:
        """One text after the other; requests at the same time take turns."""
        tokens = 0
        for index, text in enumerate(texts):
            with server.slot(outlet) as free:
                if not free:
                    return
                try:
                    vector, used = server.embed(text)
                except UpstreamError as error:
                    raise reported(error, server.model.id, f"texts[{index}]") from error
            self.work.steps += 1
            tokens += used
            if not outlet.send(Embedding(index, vector)):
                return
        outlet.send(Usage(prompt_tokens=tokens))
        outlet.send(Finish(metadata={"model_name": server.model.id}))

    def _loaded(self, capability: Capability) -> LlamaServer:
        server = self._server
        if server is None:
            raise NotLoadedError("No model is loaded: call load first.", runner=self.info.name)
        able = Capability.EMBEDDING if server.model.embeds else Capability.LLM
        if capability is not able:
            raise CapabilityError(
                f"{server.model.id} does {able}, not {capability}: choose another model.",
                runner=self.info.name,
                model=server.model.id,
            )
        return server


def _open(model: str, parameters: LlamaCppParameters) -> LlamaServer:
    return LlamaServer(find(model, parameters), parameters)
