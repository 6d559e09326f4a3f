"""Whisper in this process by faster-whisper (CTranslate2): speech to text in some 100 languages."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from breeze.contracts.capability import Backend, Capability, RunnerKind
from breeze.contracts.events import Adjusted, Finish, TranscribeEvent, Transcript
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.runner import ModelInfo, runner
from breeze.contracts.threads import Outlet, from_thread
from breeze.contracts.values import Usage
from breeze.runners._heard_parts import Part, parts_of
from breeze.runners._local_models import Found
from breeze.runners._local_runner import LocalModelRunner
from breeze.runners._whisper_model import Ear, Heard, built_for_gpu, opens
from breeze.runners._whisper_parameters import WhisperParameters as WhisperParameters


@runner(
    "whisper",
    vendor="faster-whisper",
    kind=RunnerKind.LOCAL,
    needs=("faster_whisper", "webrtcvad", "av"),
    extra="whisper",
    concurrency=2,
    queue=32,
    one_model=True,
    ram_gb=0.3,
    isolation="process",
)
class WhisperRunner(LocalModelRunner[WhisperParameters, Ear]):
    """Speech to text in some 100 languages by Whisper models on this machine.

    Segments come as they are heard; a live source is cut into utterances, each heard when it
    ends. A cancel takes effect between two stretches of 30 seconds.
    """

    example = "faster-whisper-tiny"

    @classmethod
    def backends_of(
        cls, parameters: WhisperParameters, home: Path | None = None
    ) -> tuple[Backend, ...]:
        if parameters.device == "cpu" or not built_for_gpu():
            return (Backend.CPU,)
        return (Backend.GPU,) if parameters.device == "cuda" else (Backend.GPU, Backend.CPU)

    @classmethod
    def parameters_on(cls, backend: Backend) -> dict[str, Any]:
        if backend is Backend.CPU:
            return {"device": "cpu"}
        return {"device": "cuda"} if backend is Backend.GPU and built_for_gpu() else {}

    @staticmethod
    def _opens(path: Path) -> Path | None:
        return opens(path)

    def _open(self, path: Path) -> Ear:
        return Ear(path, self.parameters)

    def _about(self, found: Found) -> ModelInfo:
        return found.info(Capability.ASR)

    async def transcribe(self, request: TranscribeRequest) -> AsyncGenerator[TranscribeEvent]:
        loaded = self._loaded()
        ear, p = loaded.native, self.parameters_for(request)
        language = ear.language(request.language)
        if language is not None and (note := _unmet(request.language, language)):
            yield note
        told = _Told(request)
        with self.work.stream() as work:
            async with aclosing(
                parts_of(request, self.parameters.max_seconds, p.silence_ms / 1000)
            ) as parts:
                async for part in parts:
                    told.seconds = max(told.seconds, part.start + part.seconds)

                    def hear(outlet: Outlet[Heard], part: Part = part) -> None:
                        for segment in ear.hear(part, request, language, p):
                            work.steps += 1
                            if not outlet.send(segment):
                                return
                        work.steps += 1

                    async with aclosing(from_thread(hear)) as segments:
                        async for segment in segments:
                            yield told.transcript(segment)
        yield Usage(audio_seconds=round(told.seconds, 3))
        place = {"model_name": loaded.id, "runtime_backend": ear.backend}
        yield Finish(metadata={**place, **told.facts()})


def _unmet(asked: str, used: str) -> Adjusted | None:
    """What is said of a country in the language asked for (en-US, the usual one, goes unsaid)."""
    if "-" not in asked or asked.lower() == "en-us":
        return None
    return Adjusted("language", asked, used, "the model tells languages apart, not countries")


class _Told:
    """What was told so far, as events."""

    def __init__(self, request: TranscribeRequest) -> None:
        self._request = request
        self._segments = self._words = 0
        self._sure: list[float] = []
        self._language = ""
        self.seconds = 0.0

    def transcript(self, heard: Heard) -> Transcript:
        """A segment as an event; each is final."""
        index, self._segments = self._segments, self._segments + 1
        self._words += len(heard.words) or len(heard.text.split())
        self._sure.append(heard.confidence)
        self._language = heard.language
        return Transcript(
            heard.text,
            True,
            index,
            start=heard.start,
            end=heard.end,
            confidence=heard.confidence,
            language=heard.language,
            words=heard.words if self._request.timestamps == "word" else (),
            metadata={"is_final": True, "segment_index": index, **self.facts()},
        )

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "audio_duration_processed_ms": round(self.seconds * 1000),
            "words_recognized": self._words,
        }
        if self._language:
            facts["language_detected"] = self._language
        if self._sure:
            facts["overall_confidence"] = round(sum(self._sure) / len(self._sure), 3)
        return facts
