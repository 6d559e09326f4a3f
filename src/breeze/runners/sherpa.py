"""sherpa-onnx in this process: speech to text, word by word or utterance by utterance."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.errors import RecognitionError
from breeze.contracts.events import Finish, TranscribeEvent, Transcript
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.runner import ModelInfo, runner
from breeze.contracts.values import Usage
from breeze.runners._audio import blocks
from breeze.runners._audio_source import sound_of
from breeze.runners._awaited import done
from breeze.runners._local_models import Found
from breeze.runners._local_runner import LocalModelRunner
from breeze.runners._one_language import unmet
from breeze.runners._sherpa_files import opens
from breeze.runners._sherpa_hearing import Hearing, Offline, Streaming
from breeze.runners._sherpa_model import RATE, Recogniser
from breeze.runners._sherpa_parameters import SherpaParameters as SherpaParameters

BLOCK = 0.1
"""Seconds of sound heard at once: the time between partial transcripts."""


@runner(
    "sherpa",
    vendor="sherpa-onnx",
    kind=RunnerKind.LOCAL,
    needs=("sherpa_onnx", "webrtcvad", "av"),
    extra="sherpa",
    concurrency=4,
    queue=64,
    one_model=True,
    ram_gb=0.1,
    isolation="process",
)
class SherpaRunner(LocalModelRunner[SherpaParameters, Recogniser]):
    """Speech to text by models for sherpa-onnx on this machine, streaming ones and others.

    A streaming model tells its words while somebody speaks; another hears each utterance when it
    has ended.
    """

    example = "sherpa-onnx-whisper-tiny"

    @staticmethod
    def _opens(path: Path) -> Path | None:
        return opens(path)

    def _open(self, path: Path) -> Recogniser:
        return Recogniser(path, self.parameters)

    def _about(self, found: Found) -> ModelInfo:
        language = self.parameters.language
        return found.info(Capability.ASR, languages=(language,) if language else ())

    async def transcribe(self, request: TranscribeRequest) -> AsyncGenerator[TranscribeEvent]:
        loaded = self._loaded()
        recogniser, p = loaded.native, self.parameters_for(request)
        for note in unmet(request, recogniser.language):
            yield note
        kind: type[Hearing] = Streaming if recogniser.streaming else Offline
        with self.work.stream():
            hearing = await done(kind, recogniser, request.timestamps)
            async with aclosing(sound_of(request, RATE, p.max_seconds)) as sound:
                async for pcm in sound:
                    for block in blocks(pcm, BLOCK, RATE):
                        for transcript in await done(_tried, hearing, block):
                            yield transcript
                        self.work.steps += 1
            for transcript in await done(_tried, hearing, None):
                yield transcript
        yield Usage(audio_seconds=round(hearing.seconds, 3))
        facts = {
            "audio_duration_processed_ms": round(hearing.seconds * 1000),
            "words_recognized": hearing.words,
        }
        yield Finish(metadata={"model_name": loaded.id, "runtime_backend": "CPU", **facts})


def _tried(hearing: Hearing, block: bytes | None) -> list[Transcript]:
    """What a block brings, the end for None; failures of the runtime as errors of recognition."""
    try:
        return hearing.finish() if block is None else hearing.hear(block)
    except RuntimeError as error:
        raise RecognitionError(f"sherpa-onnx gave up: {error}. Send the sound again.") from error
