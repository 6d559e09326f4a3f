"""ElevenLabs: speech in the voices of an account, and hearing with the time of every word."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.errors import NotFoundError
from breeze.contracts.events import SpeakEvent, TranscribeEvent
from breeze.contracts.fields import Choice
from breeze.contracts.request import AUTO
from breeze.contracts.requests import SpeakRequest, TranscribeRequest
from breeze.contracts.runner import ModelInfo, runner
from breeze.runners._elevenlabs_body import speak_body
from breeze.runners._elevenlabs_errors import SAYS
from breeze.runners._elevenlabs_events import Speaking
from breeze.runners._elevenlabs_format import sound_for
from breeze.runners._elevenlabs_hearing import heard
from breeze.runners._elevenlabs_models import Lengths, list_models
from breeze.runners._elevenlabs_parameters import ElevenLabsParameters
from breeze.runners._elevenlabs_speech import TimedReader, pieces_of
from breeze.runners._elevenlabs_turns import Turns
from breeze.runners._elevenlabs_upload import form_parts, sound_part
from breeze.runners._elevenlabs_voices import Voice, is_id, list_voices, named
from breeze.runners._http import HttpClient
from breeze.runners._http_errors import refusal
from breeze.runners._http_json import encoded
from breeze.runners._http_multipart import multipart
from breeze.runners._http_target import segment, with_query
from breeze.runners._remote import RemoteRunner

_ROUTES = {(False, False): "/stream", (True, False): "",
           (False, True): "/stream/with-timestamps", (True, True): "/with-timestamps"}  # fmt: skip
"""Whether it is wanted whole, and with the times of characters."""


@runner(
    "elevenlabs",
    vendor="ElevenLabs",
    kind=RunnerKind.CLOUD,
    needs=("httptools",),
    extra="remote",
    concurrency=256,
    queue=1024,
)
class ElevenLabsRunner(RemoteRunner[ElevenLabsParameters]):
    """Speech in the voices of an ElevenLabs account, and hearing with the time of every word.

    Without a model the vendor's usual one speaks; which one hears must be said. The vendor limits
    how many requests run at once: those beyond wait here.
    """

    def __init__(self, parameters: ElevenLabsParameters) -> None:
        super().__init__(parameters)
        self._forget()

    def _forget(self) -> None:
        self._voices: tuple[Voice, ...] = ()
        self._lengths, self._turns = Lengths(), Turns()

    async def unload(self) -> None:
        self._forget()
        await super().unload()

    async def models(self) -> tuple[ModelInfo, ...]:
        async with self._connection() as http:
            found = await list_models(http, self._secrets)
        self._lengths.learn(found)
        hears = self.parameters.transcription_model
        return (*found, *((ModelInfo(hears, (Capability.ASR,)),) if hears else ()))

    async def voices(self) -> tuple[Choice, ...]:
        """The voices of the account, which `voice` may name by id or by name."""
        async with self._connection() as http:
            return tuple(voice.choice() for voice in await list_voices(http, self._secrets))

    async def speak(self, request: SpeakRequest) -> AsyncGenerator[SpeakEvent]:
        http = self._http or self._unloaded()
        p = self.parameters_for(request)
        model = "" if request.model == AUTO else request.model
        sound, notes = sound_for(request, p.output_format, int(p.bitrate))
        body, more = speak_body(request, model, p)
        for note in (*notes, *more):
            yield note
        await self._lengths.check(request.text, model, http, self._secrets)
        voice = await self._voice(http, request.voice or p.voice)
        query = {"output_format": sound.wire, "enable_logging": None if p.keep_logs else False}
        timed = p.timestamps or p.verify_end
        route = f"/v1/text-to-speech/{segment(voice)}{_ROUTES[request.whole, timed]}"
        data = encoded(body, "text")
        facts: dict[str, Any] = {"model_name": model} if model else {}
        facts |= {"voice_used": voice, "speaking_rate": body.get("voice_settings", {}).get("speed")}
        facts = {name: value for name, value in facts.items() if value is not None}
        speaking = await Speaking.begin(
            request, sound, int(p.bitrate), facts, tells_words=p.timestamps
        )
        with self.work.stream() as work:
            async with self._turns.turn():
                with await http.post(with_query(route, query), data, whole=request.whole) as answer:
                    self._turns.learn(answer)
                    if answer.status != 200:
                        raise await refusal(answer, secrets=self._secrets, field="text", says=SAYS)
                    reader = (
                        TimedReader(answer, request.text, sound, self._secrets) if timed else None
                    )
                    found = pieces_of(answer, request.whole, reader, self._secrets)
                    async with aclosing(found) as pieces:
                        async for piece in pieces:
                            work.steps += 1
                            for event in await speaking.take(*piece):
                                yield event
                    verified = reader is not None and reader.verified
                    for event in await speaking.end(answer, verified=verified):
                        yield event

    async def transcribe(self, request: TranscribeRequest) -> AsyncGenerator[TranscribeEvent]:
        http = self._http or self._unloaded()
        p = self.parameters_for(request)
        model = p.transcription_model if request.model in (AUTO, "") else request.model
        if not model:
            raise NotFoundError(
                "Which model hears? Set modelId in config.json or the parameter "
                "transcription_model, such as scribe_v2.",
                field="model",
            )
        with self.work.stream() as work:
            sound = await sound_part(request, p.max_mb)
            parts, notes = form_parts(request, model, p, sound)
            for note in notes:
                yield note
            body, kind = multipart(parts)
            path = with_query(
                "/v1/speech-to-text", {"enable_logging": None if p.keep_logs else False}
            )
            with await http.post(path, body, kind, whole=True) as answer:
                if answer.status != 200:
                    raise await refusal(answer, secrets=self._secrets, field="audio", says=SAYS)
                work.steps += 1
                for event in heard(answer, request, model, self._secrets):
                    yield event

    async def _voice(self, http: HttpClient, name: str) -> str:
        """The id of the voice of that name; without a name the first of the account."""
        if is_id(name):
            return name
        if not self._voices:
            self._voices = await list_voices(http, self._secrets)
        if name:
            return named(self._voices, name).voice_id
        if not self._voices:
            raise NotFoundError(
                "The account has no voice: add one, or name one by its id.", field="voice"
            )
        return self._voices[0].voice_id
