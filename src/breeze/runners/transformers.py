"""Models as Transformers keeps them (safetensors), in this process by PyTorch: chat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

from breeze.contracts.capability import Backend, RunnerKind
from breeze.contracts.events import ChatEvent, joined
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import ModelInfo, runner
from breeze.contracts.threads import from_thread
from breeze.runners._local_models import Found
from breeze.runners._local_runner import LocalModelRunner
from breeze.runners._transformers_chat import Generation
from breeze.runners._transformers_files import config_of, opens
from breeze.runners._transformers_model import BACKENDS, LanguageModel, gpu_device
from breeze.runners._transformers_parameters import (
    TransformersParameters as TransformersParameters,
)
from breeze.runners._transformers_settings import settings


@runner(
    "transformers",
    vendor="Transformers",
    kind=RunnerKind.LOCAL,
    needs=("torch", "transformers"),
    extra="transformers",
    concurrency=2,
    queue=32,
    one_model=True,
    ram_gb=0.5,
    isolation="process",
)
class TransformersRunner(LocalModelRunner[TransformersParameters, LanguageModel]):
    """Chat with models of the Transformers library on this machine, by PyTorch.

    Only what lies on this disk is opened, as safetensors; no code of a model's maker is run.
    Streams take turns. A prompt beyond the context is refused with both figures, never cut.
    """

    example = "smollm2-135m-instruct"

    @classmethod
    def backends_of(
        cls, parameters: TransformersParameters, home: Path | None = None
    ) -> tuple[Backend, ...]:
        return (BACKENDS[parameters.device],)

    @classmethod
    def parameters_on(cls, backend: Backend) -> dict[str, Any]:
        device = "cpu" if backend is Backend.CPU else gpu_device() if backend is Backend.GPU else ""
        return {"device": device} if device else {}

    @staticmethod
    def _opens(path: Path) -> Path | None:
        return opens(path)

    def _open(self, path: Path) -> LanguageModel:
        return LanguageModel(path, self.parameters)

    def _about(self, found: Found) -> ModelInfo:
        config, known = config_of(found.path), found.definition
        return ModelInfo(
            found.id,
            config.capabilities,
            known.description if known else config.model_type,
            config.max_position_embeddings,
            found.size,
            licence=known.licence if known else "",
        )

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        loaded = self._loaded()
        model, p = loaded.native, self.parameters_for(request)
        ids = await asyncio.to_thread(partial(model.prompt, request, p))
        asked = settings(request, p, model, int(ids.shape[1]))
        for note in asked.notes:
            yield note
        generation = Generation(loaded.id, model, request, ids, asked, self.work)
        with self.work.stream():
            async with aclosing(from_thread(generation.run, join=joined)) as events:
                async for event in events:
                    yield event
