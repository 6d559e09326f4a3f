"""Models as Transformers keeps them (safetensors), in this process by PyTorch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from breeze.contracts.capability import Backend, Capability, RunnerKind
from breeze.contracts.errors import CapabilityError
from breeze.contracts.events import ChatEvent, Finish, SpeakEvent, TranscribeEvent, joined
from breeze.contracts.fields import Choice
from breeze.contracts.requests import ChatRequest, SpeakRequest, TranscribeRequest
from breeze.contracts.runner import ModelInfo, runner
from breeze.contracts.threads import Outlet, from_thread
from breeze.contracts.values import Usage
from breeze.runners._heard_parts import parts_of
from breeze.runners._local_models import Found
from breeze.runners._local_runner import LocalModelRunner
from breeze.runners._local_speech import Voice, speak_all
from breeze.runners._transformers_chat import Generation
from breeze.runners._transformers_ears import Ear, Speller, Writer
from breeze.runners._transformers_files import Kind, config_of, opens
from breeze.runners._transformers_hearing import Hearing
from breeze.runners._transformers_load import BACKENDS, Native, gpu_device
from breeze.runners._transformers_model import LanguageModel
from breeze.runners._transformers_parameters import (
    TransformersParameters as TransformersParameters,
)
from breeze.runners._transformers_seeing import SeeingModel, seen
from breeze.runners._transformers_settings import settings
from breeze.runners._transformers_voices import Mouth, Spectra, Waves

N = TypeVar("N", bound=Native)
_CLASSES: dict[Kind | None, type[Native]] = {
    Kind.TEXT: LanguageModel,
    Kind.PICTURES: SeeingModel,
    Kind.SOUND_TO_TEXT: Writer,
    Kind.SOUND_TO_LETTERS: Speller,
    Kind.WAVES: Waves,
    Kind.SPECTRA: Spectra,
}


@runner(
    "transformers",
    vendor="Transformers",
    kind=RunnerKind.LOCAL,
    needs=("torch", "transformers", "numpy", "PIL", "av", "webrtcvad"),
    extra="transformers",
    concurrency=2,
    queue=32,
    one_model=True,
    ram_gb=0.5,
    isolation="process",
)
class TransformersRunner(LocalModelRunner[TransformersParameters, Native]):
    """Chat, vision, hearing and speech with models of the Transformers library, by PyTorch.

    What a model does is told by its config.json; the rest is refused (E405). Only what lies on
    this disk is opened, as safetensors; no code of a model's maker is run. Streams take turns. A
    prompt beyond the context is refused with both figures, never cut.
    """

    vision = True
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

    def _open(self, path: Path) -> Native:
        return _CLASSES[config_of(path).kind](path, self.parameters)

    def _about(self, found: Found) -> ModelInfo:
        config, known = config_of(found.path), found.definition
        return ModelInfo(
            found.id,
            config.capabilities,
            known.description if known else config.model_type,
            config.context,
            found.size,
            licence=known.licence if known else "",
        )

    def _native(self, kind: type[N], capability: Capability) -> tuple[str, N]:
        """The loaded model's id, and what is loaded. Raises CapabilityError."""
        loaded = self._loaded()
        if not isinstance(loaded.native, kind):
            able = ", ".join(config_of(loaded.found.path).capabilities)
            raise CapabilityError(
                f"{loaded.id} does {able}, not {capability}: choose another model.",
                runner=self.info.name,
                model=loaded.id,
            )
        return loaded.id, loaded.native

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        id, model = self._native(LanguageModel, request.needs)
        p = self.parameters_for(request)
        if isinstance(model, SeeingModel):
            given = await seen(model, request, p)
        else:
            given = await asyncio.to_thread(partial(model.prompt, request, p))
        asked = settings(request, p, model, given.tokens)
        for note in asked.notes:
            yield note
        generation = Generation(id, model, request, given, asked, self.work)
        with self.work.stream():
            async with aclosing(from_thread(generation.run, join=joined)) as events:
                async for event in events:
                    yield event

    async def transcribe(self, request: TranscribeRequest) -> AsyncGenerator[TranscribeEvent]:
        id, ear = self._native(Ear, Capability.ASR)  # type: ignore[type-abstract]  # only asked for
        p = self.parameters_for(request)
        for note in ear.unmet(request):
            yield note
        hearing = Hearing(ear, request, p.seed, self.work)
        sound = parts_of(request, p.max_seconds, p.silence_ms / 1000, whole=False)
        with self.work.stream():
            async with aclosing(sound) as parts:
                async for part in parts:
                    heard = from_thread(partial(hearing.hear, part))
                    async with aclosing(heard) as transcripts:
                        async for transcript in transcripts:
                            yield transcript
        yield Usage(audio_seconds=round(hearing.seconds, 3))
        facts = {"model_name": id, "runtime_backend": ear.backend}
        yield Finish(metadata=facts | hearing.facts())

    async def voices(self) -> tuple[Choice, ...]:
        """The speakers of the loaded model."""
        _, mouth = self._native(Mouth, Capability.TTS)  # type: ignore[type-abstract]  # likewise
        return tuple(Choice(name, name) for name in mouth.speakers)

    async def speak(self, request: SpeakRequest) -> AsyncGenerator[SpeakEvent]:
        id, mouth = self._native(Mouth, Capability.TTS)  # type: ignore[type-abstract]  # likewise
        p = self.parameters_for(request)
        speaker = mouth.speaker("" if request.voice == id else request.voice)
        for note in mouth.unmet(request):
            yield note
        pace = request.speed if mouth.paced else 1.0
        who = Voice(speaker or id, id, mouth.rate, pace)

        def produce(outlet: Outlet[SpeakEvent]) -> None:
            def say(text: str) -> Generator[tuple[int, bytes]]:
                sound = b""
                with mouth.turn(outlet) as mine:
                    sound = mouth.say(text, speaker, pace, p.seed) if mine else b""
                yield mouth.rate, sound

            speak_all(request, who, p, say, self.work)(outlet)

        async with aclosing(from_thread(produce)) as events:
            async for event in events:
                yield event
