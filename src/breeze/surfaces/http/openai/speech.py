"""POST /v1/audio/speech. The sound is sent as it is made."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec

from breeze.contracts.answers import Adjustment, Speech
from breeze.contracts.dialects.openai_reading import in_their_words
from breeze.contracts.dialects.openai_speech import (
    PCM_RATE,
    delta_json,
    done_json,
    speech_from_json,
)
from breeze.contracts.errors import InputError, NotFoundError, RunnerError, SynthesisError
from breeze.contracts.events import AnyEvent, AudioChunk, Finish, Restarted
from breeze.contracts.requests import SpeakRequest
from breeze.contracts.results import cut
from breeze.engine.stream import EventStream
from breeze.surfaces.http.call import Call
from breeze.surfaces.http.form import MIB
from breeze.surfaces.http.openai._audio import (
    Opening,
    facts_of,
    named,
    opened,
    withdrawn,
)
from breeze.surfaces.http.openai._sse import event as sse
from breeze.surfaces.http.openai._sse import failed
from breeze.surfaces.http.openai.voices import VOICES, with_voice
from breeze.surfaces.http.reply import SSE, Answer, Facts, Stream
from breeze.surfaces.http.routes import Role, Route

TYPES = {
    "mp3": b"audio/mpeg",
    "opus": b"audio/ogg",
    "aac": b"audio/aac",
    "flac": b"audio/flac",
    "wav": b"audio/wav",
    "pcm": b"audio/pcm",
}
"""Format -> content type."""
_NAMES = {"text": "input", "format": "response_format"}


async def speak(call: Call) -> Answer:
    """The text in the body, said: bytes of the format asked for, or events that hold them."""
    request, as_events = speech_from_json(await call.json())
    request, aside = await with_voice(call.app.engine, request)
    request, events, opening = await _begun(call, request, aside)
    sound = _Sound.of(opening.first)
    opening.adjustments += sound.unmet(request, opening)
    told = in_their_words(tuple(opening.adjustments), _NAMES)
    headers = facts_of(Facts.of(events), told).headers()
    if as_events:
        return Stream(_told(events, opening), SSE, headers=headers)
    return Stream(_chunks(events, opening), sound.type, headers=headers)


async def _begun(
    call: Call, request: SpeakRequest, aside: tuple[Adjustment, ...]
) -> tuple[SpeakRequest, EventStream[Any], Opening]:
    """What is asked, the events of the answer, and what comes before its sound.

    Who turns out not to have a voice of OpenAI's name speaks in one of its own.
    """
    with named(_NAMES):
        events = call.stream(request)
    try:
        return request, events, await opened(events, AudioChunk, aside, _NAMES)
    except NotFoundError as error:
        if error.field != "voice":
            raise
        if request.voice not in VOICES:
            raise _no_voice(error) from error
    told = Adjustment("voice", request.voice, None, "the runner has voices of its own")
    return await _begun(call, msgspec.structs.replace(request, voice=""), (*aside, told))


class _Sound(msgspec.Struct):
    """What the first output shows of the whole: its format and its rate in Hz.

    `of` raises SynthesisError when the first output is the end, and it holds no sound.
    """

    format: str
    rate: int

    @classmethod
    def of(cls, first: AnyEvent) -> _Sound:
        if isinstance(first, AudioChunk):
            return cls(first.format, first.sample_rate)
        whole = first.result if isinstance(first, Finish) else None
        if not isinstance(whole, Speech) or not whole.audio:
            raise SynthesisError("There is nothing to hear in this: give a text with words.")
        return cls(whole.format, whole.sample_rate)

    @property
    def type(self) -> bytes:
        """The content type; raw samples say their rate when it is not the usual one."""
        if self.format == "pcm" and self.rate != PCM_RATE:
            return b"audio/pcm;rate=%d" % self.rate
        return TYPES.get(self.format, b"application/octet-stream")

    def unmet(self, request: SpeakRequest, opening: Opening) -> list[Adjustment]:
        """What the runner made otherwise without saying so."""
        said = {adjustment.field for adjustment in opening.adjustments}
        found = []
        if self.format != request.format and "format" not in said:
            why = "the runner makes no other"
            found.append(Adjustment("format", request.format, self.format, why))
        elif request.sample_rate and self.rate != request.sample_rate and "sample_rate" not in said:
            why = "the runner makes no other rate"
            found.append(Adjustment("sample_rate", request.sample_rate, self.rate, why))
        return found


async def _chunks(events: EventStream[Any], opening: Opening) -> AsyncGenerator[bytes]:
    """The bytes of the sound. Raises RunnerError when it does not come to its end: the connection
    is cut then, as an end must never be made up.
    """
    async with aclosing(events):
        event: AnyEvent = opening.first
        while not isinstance(event, Finish):
            if isinstance(event, AudioChunk):
                yield event.data
            elif isinstance(event, Restarted):
                raise withdrawn(event)
            opening.note(event)
            try:
                event = await events.__anext__()
            except StopAsyncIteration:
                raise cut(events.route.delivered) from None
        if event is opening.first and isinstance(event.result, Speech):
            yield event.result.audio


async def _told(events: EventStream[Any], opening: Opening) -> AsyncGenerator[bytes]:
    """The sound in events, ending in `speech.audio.done`, or in an error event."""
    async with aclosing(_chunks(events, opening)) as chunks:
        try:
            async for data in chunks:
                yield sse(delta_json(data))
        except RunnerError as error:
            yield failed(error)
            return
    told = in_their_words(tuple(opening.adjustments), _NAMES)
    yield sse(done_json(opening.usage, [msgspec.to_builtins(one) for one in told]))


def _no_voice(error: NotFoundError) -> InputError:
    names = ", ".join(VOICES)
    return InputError(f"{error.message} These names are known too: {names}.", field="voice")


ROUTES = (Route("POST", "/v1/audio/speech", Role.USE, speak, "Say a text", MIB),)
