"""Vosk in this process: streaming speech to text in some 20 languages, with small models."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.events import Finish, TranscribeEvent
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.runner import ModelInfo, runner
from breeze.contracts.values import Usage
from breeze.runners._audio import blocks
from breeze.runners._audio_source import sound_of
from breeze.runners._awaited import done
from breeze.runners._local_models import Found
from breeze.runners._local_runner import LocalModelRunner
from breeze.runners._one_language import unmet
from breeze.runners._vosk_hearing import RATE, Ear, Hearing, language_of, opens
from breeze.runners._vosk_parameters import VoskParameters as VoskParameters

BLOCK = 0.1
"""Seconds of sound heard at once: the time between partial transcripts."""
_PHRASES = "give the expected phrases in params.phrases"


@runner(
    "vosk",
    vendor="Vosk",
    kind=RunnerKind.LOCAL,
    needs=("vosk", "av"),
    extra="vosk",
    concurrency=4,
    queue=64,
    one_model=True,
    ram_gb=0.2,
    isolation="process",
)
class VoskRunner(LocalModelRunner[VoskParameters, Ear]):
    """Speech to text by Vosk models on this machine, word by word while somebody speaks.

    The store unpacks its archives; `model_path` names a folder that was unpacked elsewhere.
    """

    example = "vosk-model-small-en-us-0.15"

    @staticmethod
    def _opens(path: Path) -> Path | None:
        return opens(path)

    def _open(self, path: Path) -> Ear:
        return Ear(path, self.parameters.language)

    def _about(self, found: Found) -> ModelInfo:
        spoken = language_of(found.path, self.parameters.language)
        return found.info(Capability.ASR, languages=(spoken,) if spoken else ())

    async def transcribe(self, request: TranscribeRequest) -> AsyncGenerator[TranscribeEvent]:
        loaded = self._loaded()
        ear, p = loaded.native, self.parameters_for(request)
        for note in unmet(request, ear.language, _PHRASES):
            yield note
        given = map(str.strip, p.phrases.replace("|", "\n").splitlines())
        phrases = [phrase for phrase in given if phrase]
        with self.work.stream():
            hearing = await done(Hearing, ear, phrases, request.timestamps)
            async with aclosing(sound_of(request, RATE, p.max_seconds)) as sound:
                async for pcm in sound:
                    for block in blocks(pcm, BLOCK, RATE):
                        for transcript in await done(hearing.hear, block):
                            yield transcript
                        self.work.steps += 1
            for transcript in await done(hearing.finish):
                yield transcript
        yield Usage(audio_seconds=round(hearing.seconds, 3))
        facts = {
            "audio_duration_processed_ms": round(hearing.seconds * 1000),
            "words_recognized": hearing.words,
        }
        yield Finish(metadata={"model_name": loaded.id, "runtime_backend": "CPU", **facts})
