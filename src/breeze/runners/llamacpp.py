"""GGUF models in this process by llama.cpp (package xllamacpp): chat and embeddings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from breeze.contracts.capability import Backend, Capability, RunnerKind
from breeze.contracts.errors import CapabilityError, NotLoadedError, RunnerError
from breeze.contracts.events import ChatEvent, EmbedEvent, joined
from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.contracts.runner import ModelInfo, Runner, runner
from breeze.contracts.threads import from_thread
from breeze.runners._llamacpp_body import prepare
from breeze.runners._llamacpp_chat import Generation
from breeze.runners._llamacpp_images import with_pictures
from breeze.runners._llamacpp_memory import needed
from breeze.runners._llamacpp_native import built_for_gpu
from breeze.runners._llamacpp_parameters import LlamaCppParameters
from breeze.runners._llamacpp_reading import read_ahead
from breeze.runners._llamacpp_server import LlamaServer
from breeze.runners._llamacpp_shelf import EMBEDDED, default_id, find, listed, sees
from breeze.runners._llamacpp_vectors import Vectors
from breeze.runners._memory import loaded


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
    isolation="process",
)
class LlamaCppRunner(Runner[LlamaCppParameters]):
    """Chat and embeddings with GGUF models on this machine, by llama.cpp; a tiny one is built in.

    A loaded model chats, with pictures where it has a projector, or it embeds, or it ranks:
    `models()` tells which, the others are refused (E405). One that ranks gives each text one
    number, how well it answers the parameter `query`.
    Tools need a model whose chat template knows them; with others they are refused (E400).
    A prompt beyond the context is refused with both figures, never cut.
    A session, or a conversation that goes on, comes back to what llama.cpp still knows of it:
    `Usage.cached_tokens` counts what was not read again.
    """

    vision = True

    def __init__(self, parameters: LlamaCppParameters) -> None:
        super().__init__(parameters)
        self._server: LlamaServer | None = None

    @classmethod
    def capabilities_of(cls, parameters: LlamaCppParameters) -> tuple[Capability, ...]:
        able = cls.info.capabilities
        return able if sees(parameters) else tuple(c for c in able if c is not Capability.VLM)

    @classmethod
    def backends_of(
        cls, parameters: LlamaCppParameters, home: Path | None = None
    ) -> tuple[Backend, ...]:
        if parameters.gpu_layers == 0 or not built_for_gpu():
            return (Backend.CPU,)
        return (Backend.GPU, Backend.CPU) if parameters.gpu_layers is None else (Backend.GPU,)

    @classmethod
    def parameters_on(cls, backend: Backend) -> dict[str, Any]:
        layers = {Backend.CPU: 0, Backend.GPU: None}
        there = backend is not Backend.GPU or built_for_gpu()
        return {"gpu_layers": layers[backend]} if backend in layers and there else {}

    def memory(self, model: str) -> int:
        try:
            return needed(find(model, self.parameters, self.home), self.parameters)
        except RunnerError:
            return super().memory(model)

    async def load(self, model: str) -> None:
        wanted = model or default_id(self.parameters)
        if self._server is not None and self._server.model.id == wanted:
            return
        await self.unload()
        found = await asyncio.to_thread(find, wanted, self.parameters, self.home)
        await read_ahead(found.files, self.progress)
        self._server = await loaded(lambda: LlamaServer(found, self.parameters))

    async def unload(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            await asyncio.to_thread(server.close)

    async def models(self) -> tuple[ModelInfo, ...]:
        return await asyncio.to_thread(listed, self.parameters, self.home)

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        server = self._loaded(Capability.LLM)
        parameters = self.parameters_for(request)
        messages = await with_pictures(
            request.messages,
            fetch_images=parameters.fetch_images,
            sees=server.model.projector is not None,
        )
        request = replace(request, messages=messages)
        body, adjusted = prepare(request, parameters, server.model)
        for event in adjusted:
            yield event
        generation = Generation(server, request, body, self.work)
        with self.work.stream():
            async with aclosing(from_thread(generation.run, join=joined)) as events:
                async for made in events:
                    yield made

    async def embed(self, request: EmbedRequest) -> AsyncGenerator[EmbedEvent]:
        server = self._loaded(Capability.EMBEDDING)
        vectors = Vectors(server, request, self.parameters_for(request).query, self.work)
        with self.work.stream():
            async with aclosing(from_thread(vectors.run)) as events:
                async for event in events:
                    yield event

    def _loaded(self, capability: Capability) -> LlamaServer:
        server = self._server
        if server is None:
            raise NotLoadedError("No model is loaded: call load first.", runner=self.info.name)
        able = server.model.able
        if capability not in able:
            raise CapabilityError(
                f"{server.model.id} does {', '.join(able)}, not {capability}: choose another "
                "model.",
                runner=self.info.name,
                model=server.model.id,
            )
        return server
