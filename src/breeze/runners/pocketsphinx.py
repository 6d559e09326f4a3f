"""PocketSphinx in this process (package pocketsphinx): English speech to text, model included."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError, RecognitionError
from breeze.contracts.events import Adjusted, Finish, TranscribeEvent, Transcript
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.runner import ModelInfo, Runner, runner
from breeze.contracts.values import Usage
from breeze.runners._audio import blocks
from breeze.runners._audio_source import sound_of
from breeze.runners._pocketsphinx_ear import RATE, Ear, Models
from breeze.runners._pocketsphinx_ears import Ears
from breeze.runners._pocketsphinx_grammar import of_phrases
from breeze.runners._pocketsphinx_hearing import Hearing, Manner
from breeze.runners._pocketsphinx_parameters import PocketsphinxParameters
from breeze.runners._vad import Utterances

T = TypeVar("T")
BLOCK = 0.1
"""Seconds of sound heard at once: the time between partial transcripts."""


@runner(
    "pocketsphinx",
    vendor="PocketSphinx",
    kind=RunnerKind.LOCAL,
    needs=("pocketsphinx", "webrtcvad", "av"),
    extra="local",
    concurrency=2,
    queue=64,
    default_model="en-us",
    ram_gb=0.2,
)
class PocketsphinxRunner(Runner[PocketsphinxParameters]):
    """US English speech to text by PocketSphinx, word by word while the sound still comes in.

    Segments end at silences. Best with clear speech; `phrases` makes commands reliable. Models
    of other languages can be configured.
    """

    def __init__(self, parameters: PocketsphinxParameters) -> None:
        super().__init__(parameters)
        self.info = replace(self.info, concurrency=parameters.concurrency)  # type: ignore[misc]  # this instance's own limit
        self._ears: Ears | None = None

    @property
    def _model(self) -> str:
        return self.parameters.language.lower()

    async def load(self, model: str) -> None:
        if model not in ("", self._model):
            raise NotFoundError(
                f"pocketsphinx is configured for the model {self._model}, not {model!r}: set "
                "language, acoustic_model, dictionary and language_model for another.",
                field="model",
            )
        if self._ears is not None:
            return
        ears = Ears(await asyncio.to_thread(_models, self.parameters), self.parameters.concurrency)
        try:
            await ears.make()
        except BaseException:  # cancelled, too: no thread may stay behind
            await ears.close()
            raise
        self._ears = ears

    async def unload(self) -> None:
        ears, self._ears = self._ears, None
        if ears is not None:
            await ears.close()

    async def models(self) -> tuple[ModelInfo, ...]:
        return (
            ModelInfo(
                self._model,
                (Capability.ASR,),
                "Continuous speech, 130,000 words",
                languages=(self.parameters.language,),
                licence="BSD-2-Clause",
            ),
        )

    async def transcribe(self, request: TranscribeRequest) -> AsyncGenerator[TranscribeEvent]:
        ears = self._ears
        if ears is None:
            raise NotLoadedError("pocketsphinx is not loaded: call load first.")
        p = self.parameters_for(request)
        for note in _unmet(request, p.language):
            yield note
        sound = sound_of(request, RATE, self.parameters.max_seconds)
        async with aclosing(sound), ears.one() as ear:
            with self.work.stream():
                await ears.work(lambda: _attend(ear, p.phrases))
                hearing = Hearing(ear, _utterances(p), Manner(p.language, request.timestamps))
                async with aclosing(self._heard(ears, hearing, sound)) as transcripts:
                    async for transcript in transcripts:
                        yield transcript
                await ears.work(ear.leave)
        yield Usage(audio_seconds=round(hearing.seconds, 3))
        yield Finish(metadata={"model_name": self._model, **hearing.summary()})

    async def _heard(
        self, ears: Ears, hearing: Hearing, sound: AsyncGenerator[bytes]
    ) -> AsyncGenerator[Transcript]:
        async for pcm in sound:
            for block in blocks(pcm, BLOCK, RATE):
                found = await ears.work(partial(_tried, hearing.hear, block), hearing.stop)
                self.work.steps += 1
                for transcript in found:
                    yield transcript
        for transcript in await ears.work(partial(_tried, hearing.finish), hearing.stop):
            yield transcript


def _models(p: PocketsphinxParameters) -> Models:
    grammar = p.grammar
    if p.grammar_file is not None:
        grammar = p.grammar_file.read_text(encoding="utf-8")
    return Models(p.acoustic_model, p.dictionary, p.language_model, grammar)


def _tried(work: Callable[..., T], *given: bytes) -> T:
    """The decoder's own failures as an error of recognition."""
    try:
        return work(*given)
    except RuntimeError as error:
        raise RecognitionError(f"PocketSphinx gave up: {error}. Send the sound again.") from error


def _attend(ear: Ear, phrases: str) -> None:
    try:
        ear.attend(of_phrases(phrases, ear.knows) if phrases else "")
    except ValueError as error:
        raise InputError(
            f"The phrases cannot be heard: {error}.", field="params.phrases"
        ) from error


def _utterances(p: PocketsphinxParameters) -> Utterances:
    return Utterances(p.aggressiveness, p.silence_ms / 1000, p.padding_ms / 1000, p.longest_segment)


def _unmet(request: TranscribeRequest, language: str) -> Iterator[Adjusted]:
    """What of the request is not used as asked. Raises InputError for another language."""
    asked = request.language
    if asked and not language.lower().startswith(asked.lower()):
        if asked.lower() != "auto" and asked[:2].lower() != language[:2].lower():
            raise InputError(
                f"pocketsphinx hears {language}, not {asked}: choose another runner, "
                "or configure its models for that language.",
                field="language",
            )
        why = "the language is that of the configured models and is not detected"
        yield Adjusted("language", asked, language, why)
    if request.prompt:
        why = "the decoder takes no prompt: give the expected phrases in params.phrases"
        yield Adjusted("prompt", request.prompt, "", why)
    if request.temperature is not None:
        yield Adjusted("temperature", request.temperature, None, "decoding has no chance in it")
