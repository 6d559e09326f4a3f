"""`system`: what this machine's own programs offer: speech (say, espeak-ng, flite) and reading
(tesseract).

Nothing is installed by us; what is on the PATH is used. Unlike the runner of the speech library,
which works in this process with word times, each sentence here is said by a program that is
started for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import aclosing
from typing import ClassVar, Literal

from breeze.contracts.capability import Capability, Priority, RunnerKind
from breeze.contracts.errors import NotFoundError, NotLoadedError
from breeze.contracts.events import Adjusted, ChatEvent, SpeakEvent
from breeze.contracts.fields import Choice
from breeze.contracts.requests import AUTO, ChatRequest, SpeakRequest
from breeze.contracts.runner import ModelInfo, Runner, runner
from breeze.contracts.threads import Outlet, from_thread
from breeze.runners._local_speech import Voice as Speaker
from breeze.runners._local_speech import speak_all
from breeze.runners._system_parameters import SystemParameters as SystemParameters
from breeze.runners._system_reading import PROGRAM, reader
from breeze.runners._system_viewing import Viewing
from breeze.runners._system_voices import Program, Voice, chosen, speaker
from breeze.runners._vision_request import adjustments, fetched, shown, until

_INSTALL = "Debian, Ubuntu: apt install espeak-ng tesseract-ocr; macOS: brew install tesseract"


@runner(
    "system",
    vendor="the system",
    kind=RunnerKind.LOCAL,
    priority=Priority.LOW,
    concurrency=4,
    queue=32,
    ram_gb=0.05,
)
class SystemRunner(Runner[SystemParameters]):
    """Speech and reading by the programs of this machine: say, espeak-ng or flite; tesseract.

    To questions about pictures it answers with what is written in them, and says that it does no
    more. It comes after the runners that do the same in this process.
    """

    vision: ClassVar[bool | Literal["only"]] = "only"

    def __init__(self, parameters: SystemParameters) -> None:
        super().__init__(parameters)
        self._speaker: tuple[Program, tuple[Voice, ...]] | None = None
        self._reader: str | None = None

    @classmethod
    def capabilities_of(cls, parameters: SystemParameters) -> tuple[Capability, ...]:
        able = [Capability.VLM] if reader() else []
        able += [Capability.TTS] if speaker(parameters.speech_program) else []
        return tuple(able) or cls.info.capabilities

    def check(self) -> str | None:
        wanted = self.parameters.speech_program
        if speaker(wanted) or reader():
            return None
        named = "say, espeak-ng, flite" if wanted == "auto" else wanted
        return f"none of its programs is on the PATH: {named}, {PROGRAM} ({_INSTALL})"

    async def load(self, model: str) -> None:
        if self._speaker is not None or self._reader is not None:
            self._known(model)
            return
        if reason := self.check():
            raise NotLoadedError(f"system: {reason}.", runner=self.info.name)
        program = speaker(self.parameters.speech_program)
        self._known(model)
        self._reader = reader()
        if program is not None:
            self._speaker = program, await asyncio.to_thread(program.voices)

    async def unload(self) -> None:
        self._speaker = self._reader = None

    async def voices(self) -> tuple[Choice, ...]:
        """The voices of the program that speaks, which `voice` may name."""
        program = speaker(self.parameters.speech_program)
        found = await asyncio.to_thread(program.voices) if program else ()
        return tuple(Choice(v.key, v.key, f"speaks {v.language}") for v in found)

    async def models(self) -> tuple[ModelInfo, ...]:
        return tuple(self._models())

    def _models(self) -> Iterator[ModelInfo]:
        """Each program that is here counts as a model."""
        if program := speaker(self.parameters.speech_program):
            about = f"Speech by the program {program.name}"
            yield ModelInfo(program.name, (Capability.TTS,), about)
        if reader():
            about = "Reads what is written in pictures, nothing else"
            yield ModelInfo(PROGRAM, (Capability.VLM,), about)

    def _known(self, model: str) -> None:
        names = [known.id for known in self._models()]
        if model not in ("", AUTO, *names):
            raise NotFoundError(
                f"system has no program {model!r}: it has {', '.join(names)}.",
                field="model",
                runner=self.info.name,
            )

    async def speak(self, request: SpeakRequest) -> AsyncGenerator[SpeakEvent]:
        if self._speaker is None:
            raise self._not_loaded("say, espeak-ng or flite")
        program, voices = self._speaker
        p = self.parameters_for(request)
        voice, notes = chosen(program, voices, request, p.voice)
        for note in notes:
            yield note
        if request.instructions:
            why = "this voice follows none: use the parameters voice and pace"
            yield Adjusted("instructions", request.instructions, "", why)
        pace = p.pace * request.speed
        who = Speaker(voice or program.name, program.name, program.rate, pace)

        def produce(outlet: Outlet[SpeakEvent]) -> None:
            def say(text: str) -> Generator[tuple[int, bytes]]:
                return program.say(text, voice, pace, lambda: outlet.closed)

            speak_all(request, who, p, say, self.work)(outlet)

        async with aclosing(from_thread(produce)) as events:
            async for event in events:
                yield event

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        """What is written in the last pictures, line by line, each with its place."""
        path = self._reader
        if path is None:
            raise self._not_loaded(PROGRAM)
        p = self.parameters_for(request)
        pictures = await fetched(shown(request, p.max_images), p)
        for note in adjustments(request):
            yield note

        def produce(outlet: Outlet[ChatEvent]) -> None:
            viewing = Viewing(path, p, lambda: outlet.closed, self.work)
            for event in until(viewing.events(pictures), request.stop):
                if not outlet.send(event):
                    return

        with self.work.stream():
            async with aclosing(from_thread(produce)) as events:
                async for event in events:
                    yield event

    def _not_loaded(self, programs: str) -> NotLoadedError:
        return NotLoadedError(
            f"system is not loaded, or {programs} is not on the PATH ({_INSTALL}).",
            runner=self.info.name,
        )
