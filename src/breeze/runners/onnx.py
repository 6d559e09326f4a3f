"""ONNX models in this process: chat by onnxruntime-genai, embeddings by onnxruntime."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar

from breeze.contracts.capability import Backend, Capability, Priority, RunnerKind
from breeze.contracts.errors import CapabilityError, InputError, NotLoadedError, RunnerError
from breeze.contracts.events import ChatEvent, EmbedEvent, joined
from breeze.contracts.fields import Choice
from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.contracts.runner import ModelInfo, Runner, runner
from breeze.contracts.threads import Outlet, from_thread
from breeze.runners import _onnx_providers as onnx_providers
from breeze.runners._memory import give_back, loaded
from breeze.runners._onnx_chat import OnnxWriter, Writing
from breeze.runners._onnx_models import REMEDY, able, find, listed, served
from breeze.runners._onnx_options import plan
from breeze.runners._onnx_parameters import OnnxParameters
from breeze.runners._onnx_vectors import OnnxVectors
from breeze.runners._plain_chat import turns

T = TypeVar("T", OnnxWriter, OnnxVectors)
_RUNTIME_BYTES = 60_000_000
"""What the runtime takes beside a model's weights."""


@runner(
    "onnx",
    vendor="ONNX Runtime",
    kind=RunnerKind.LOCAL,
    priority=Priority.LOW,
    needs=("onnxruntime", "onnxruntime_genai", "tokenizers", "numpy"),
    extra="onnx",
    concurrency=4,
    queue=64,
    one_model=True,
    ram_gb=0.2,
    isolation="process",
)
class OnnxRunner(Runner[OnnxParameters]):
    """Chat and embeddings with ONNX models on this machine, by ONNX Runtime.

    A folder with `genai_config.json` chats, one with `model.onnx` and `tokenizer.json` embeds:
    `models()` tells which, the other is refused (E405). The runtime cannot offer tools (E400).
    A prompt beyond the context is refused with both figures, never cut.
    """

    def __init__(self, parameters: OnnxParameters) -> None:
        super().__init__(parameters)
        self._model: OnnxWriter | OnnxVectors | None = None

    def check(self) -> str | None:
        missing = super().check()
        if missing is not None:
            return missing
        try:
            there = served(self.parameters, self.home)
        except OSError as error:
            return f"models_dir cannot be read: {error}"
        return None if there else f"there is no model: {REMEDY}"

    def memory(self, model: str) -> int:
        try:
            return find(model, self.parameters, self.home).size + _RUNTIME_BYTES
        except (RunnerError, OSError):
            return 0

    async def load(self, model: str) -> None:
        found = await asyncio.to_thread(find, model, self.parameters, self.home)
        if self._model is not None and self._model.model.id == found.id:
            return
        await self.unload()
        text = found.capability is Capability.LLM
        await asyncio.to_thread(onnx_providers.check, self.parameters.provider, text=text)
        make = OnnxWriter if text else OnnxVectors
        self._model = await loaded(lambda: make(found, self.parameters))

    async def unload(self) -> None:
        if self._model is not None:
            self._model = None
            await asyncio.to_thread(give_back)

    async def models(self) -> tuple[ModelInfo, ...]:
        return await asyncio.to_thread(listed, self.parameters, self.home)

    async def providers(self) -> tuple[Choice, ...]:
        """Where this machine can compute."""
        return await asyncio.to_thread(onnx_providers.available)

    @classmethod
    def backends_of(
        cls, parameters: OnnxParameters, home: Path | None = None
    ) -> tuple[Backend, ...]:
        return (onnx_providers.kind(parameters.provider),)

    @classmethod
    def parameters_on(cls, backend: Backend) -> dict[str, Any]:
        provider = onnx_providers.built_for(backend)
        return {"provider": provider} if provider else {}

    @classmethod
    def model_of(cls, parameters: OnnxParameters, capability: Capability) -> str:
        return next((id for id, does in able(parameters, None) if does is capability), "")

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        writer = self._loaded(OnnxWriter, Capability.LLM)
        parameters = self.parameters_for(request)
        said = turns(request, parameters.system_prompt)
        wanted = plan(request, parameters, writer.model.vocabulary)
        for event in wanted.adjusted:
            yield event
        writing = Writing(writer, request, wanted, said, self.work)
        with self.work.stream():
            async with aclosing(from_thread(writing.run, join=joined)) as events:
                async for made in events:
                    yield made

    async def embed(self, request: EmbedRequest) -> AsyncGenerator[EmbedEvent]:
        vectors = self._loaded(OnnxVectors, Capability.EMBEDDING)
        self.parameters_for(request)  # which refuses what is not a caller's to set
        if vectors.dimensions and request.dimensions not in (None, vectors.dimensions):
            raise InputError(
                f"{vectors.model.id} makes vectors of {vectors.dimensions} dimensions, "
                f"not {request.dimensions}: leave dimensions out.",
                field="dimensions",
            )

        def embed_all(outlet: Outlet[EmbedEvent]) -> None:
            vectors.run(request.texts, self.work, outlet)

        with self.work.stream():
            async with aclosing(from_thread(embed_all)) as events:
                async for event in events:
                    yield event

    def _loaded(self, kind: type[T], capability: Capability) -> T:
        model = self._model
        if model is None:
            raise NotLoadedError("No model is loaded: call load first.", runner=self.info.name)
        if not isinstance(model, kind):
            raise CapabilityError(
                f"{model.model.id} does {model.model.capability}, not {capability}: choose "
                "another model.",
                runner=self.info.name,
                model=model.model.id,
            )
        return model
