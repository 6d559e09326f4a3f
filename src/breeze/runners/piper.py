"""Piper in this process (package piper-tts): natural voices, each a model of some 60 MB."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import aclosing
from pathlib import Path

from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.errors import RunnerError
from breeze.contracts.events import Adjusted, SpeakEvent
from breeze.contracts.fields import Choice
from breeze.contracts.requests import SpeakRequest
from breeze.contracts.runner import ModelInfo, runner
from breeze.contracts.threads import Outlet, from_thread
from breeze.runners._local_models import Found
from breeze.runners._local_runner import LocalModelRunner
from breeze.runners._local_speech import Voice as Speaker
from breeze.runners._local_speech import speak_all
from breeze.runners._piper_parameters import PiperParameters as PiperParameters
from breeze.runners._piper_voice import Manner, Voice, checked_language, config_of, opens
from breeze.runners._vision_stop import Stop


@runner(
    "piper",
    vendor="Piper",
    kind=RunnerKind.LOCAL,
    needs=("piper",),
    extra="piper",
    concurrency=4,
    queue=64,
    one_model=True,
    ram_gb=0.1,
    isolation="process",
)
class PiperRunner(LocalModelRunner[PiperParameters, Voice]):
    """Natural speech by Piper voices on this machine, sentence by sentence.

    A model is a voice; `voice` of a request names a speaker of one that has several. The text is
    plain text: brackets begin no phonemes.
    """

    example = "en_US-lessac-medium"

    @staticmethod
    def _opens(path: Path) -> Path | None:
        return opens(path)

    def _open(self, path: Path) -> Voice:
        return Voice(path, self.parameters.threads)

    def _about(self, found: Found) -> ModelInfo:
        try:
            config = config_of(found.path)
        except RunnerError as error:
            return ModelInfo(found.id, description=f"cannot be used: {error.message}")
        speakers = list(config.speaker_id_map)[:100]
        return found.info(
            Capability.TTS,
            languages=(config.spoken,) if config.spoken else (),
            metadata={"voices": speakers} if speakers else {},
        )

    async def voices(self) -> tuple[Choice, ...]:
        """The speakers of the loaded voice."""
        known = self._loaded().native.config.speaker_id_map
        return tuple(Choice(name, name) for name in known)

    async def speak(self, request: SpeakRequest) -> AsyncGenerator[SpeakEvent]:
        loaded = self._loaded()
        voice, p = loaded.native, self.parameters_for(request)
        named = "" if request.voice == loaded.id else request.voice
        length = p.length_scale or voice.length
        manner = Manner(voice.speaker(named or p.speaker), length / request.speed, p)
        for note in _unmet(request, voice):
            yield note
        pace = request.speed * voice.length / length
        who = Speaker(
            named or p.speaker or loaded.id, loaded.id, voice.config.audio.sample_rate, pace
        )

        def produce(outlet: Outlet[SpeakEvent]) -> None:
            stop = Stop(lambda: outlet.closed)

            def say(text: str) -> Generator[tuple[int, bytes]]:
                return voice.say(text, manner, stop)

            speak_all(request, who, p, say, self.work)(outlet)

        async with aclosing(from_thread(produce)) as events:
            async for event in events:
                yield event


def _unmet(request: SpeakRequest, voice: Voice) -> Iterator[Adjusted]:
    if used := checked_language(voice.config.spoken, request.language):
        yield Adjusted("language", request.language, used, "it is what the voice speaks")
    if request.instructions:
        why = "this voice follows none: use the parameters length_scale, noise_scale and volume"
        yield Adjusted("instructions", request.instructions, "", why)
