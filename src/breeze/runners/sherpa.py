"""sherpa-onnx in this process: speech to text, as it is spoken or by utterances, and speech."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar

from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.errors import CapabilityError, RecognitionError
from breeze.contracts.events import Finish, SpeakEvent, TranscribeEvent, Transcript
from breeze.contracts.fields import Choice
from breeze.contracts.requests import SpeakRequest, TranscribeRequest
from breeze.contracts.runner import ModelInfo, runner
from breeze.contracts.threads import Outlet, from_thread
from breeze.contracts.values import Usage
from breeze.runners._audio import blocks
from breeze.runners._audio_source import sound_of
from breeze.runners._awaited import done
from breeze.runners._local_models import Found
from breeze.runners._local_runner import LocalModelRunner
from breeze.runners._local_speech import Voice, speak_all
from breeze.runners._one_language import unmet
from breeze.runners._sherpa_files import opens, voice_family
from breeze.runners._sherpa_hearing import Hearing, Offline, Streaming
from breeze.runners._sherpa_model import RATE, Recogniser
from breeze.runners._sherpa_parameters import SherpaParameters as SherpaParameters
from breeze.runners._sherpa_voice import Mouth, unspoken
from breeze.runners._vision_stop import Stop

T = TypeVar("T", Recogniser, Mouth)
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
class SherpaRunner(LocalModelRunner[SherpaParameters, Recogniser | Mouth]):
    """Speech to text, and speech, by models for sherpa-onnx on this machine.

    A streaming model tells its words while somebody speaks; another hears each utterance when it
    has ended. A voice (VITS, Matcha, Kokoro, Kitten) speaks clause by clause. A folder's files
    tell which it is; what a model does not do is refused (E405).
    """

    example = "sherpa-onnx-whisper-tiny"

    @staticmethod
    def _opens(path: Path) -> Path | None:
        return opens(path)

    def _open(self, path: Path) -> Recogniser | Mouth:
        kind = Mouth if voice_family(path, self.parameters.family) else Recogniser
        return kind(path, self.parameters)

    def _about(self, found: Found) -> ModelInfo:
        language = self.parameters.language
        return found.info(self._does(found), languages=(language,) if language else ())

    def _does(self, found: Found) -> Capability:
        speaks = voice_family(found.path, self.parameters.family)
        return Capability.TTS if speaks else Capability.ASR

    def _native(self, kind: type[T], capability: Capability) -> tuple[str, T]:
        """The loaded model's id, and what is loaded. Raises CapabilityError."""
        loaded = self._loaded()
        if not isinstance(loaded.native, kind):
            raise CapabilityError(
                f"{loaded.id} does {self._does(loaded.found)}, not {capability}: choose another "
                "model.",
                runner=self.info.name,
                model=loaded.id,
            )
        return loaded.id, loaded.native

    async def voices(self) -> tuple[Choice, ...]:
        """The speakers of the loaded voice."""
        _, mouth = self._native(Mouth, Capability.TTS)
        return tuple(Choice(name, name) for name in mouth.speakers)

    async def speak(self, request: SpeakRequest) -> AsyncGenerator[SpeakEvent]:
        id, mouth = self._native(Mouth, Capability.TTS)
        p = self.parameters_for(request)
        number = mouth.number("" if request.voice == id else request.voice)
        for note in unspoken(request, p.language):
            yield note
        who = Voice(request.voice or id, id, mouth.rate, request.speed)

        def produce(outlet: Outlet[SpeakEvent]) -> None:
            stop = Stop(lambda: outlet.closed)

            def say(text: str) -> Generator[tuple[int, bytes]]:
                return mouth.say(text, number, request.speed, stop)

            speak_all(request, who, p, say, self.work)(outlet)

        async with aclosing(from_thread(produce)) as events:
            async for event in events:
                yield event

    async def transcribe(self, request: TranscribeRequest) -> AsyncGenerator[TranscribeEvent]:
        id, recogniser = self._native(Recogniser, Capability.ASR)
        p = self.parameters_for(request)
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
        yield Finish(metadata={"model_name": id, "runtime_backend": "CPU", **facts})


def _tried(hearing: Hearing, block: bytes | None) -> list[Transcript]:
    """What a block brings, the end for None; failures of the runtime as errors of recognition."""
    try:
        return hearing.finish() if block is None else hearing.hear(block)
    except RuntimeError as error:
        raise RecognitionError(f"sherpa-onnx gave up: {error}. Send the sound again.") from error
