"""Speech: what is asked, and the sound as it comes, in bytes or in events."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import msgspec

from breeze.contracts.dialects.openai_speech import PCM_RATE
from breeze.contracts.errors import RunnerError
from breeze.contracts.events import Adjusted, AudioChunk, Finish, SpeakEvent
from breeze.contracts.requests import SpeakRequest
from breeze.contracts.values import Usage
from breeze.runners._http_answer import Answer
from breeze.runners._http_json import encoded
from breeze.runners._http_sse import EventSplitter
from breeze.runners._openai_server import Server, kind_of
from breeze.runners._sound_form import ENOUGH, Form, form_of, length_of

_LONGEST = 64 * 1024
"""Bytes of an error that are read."""
_PIECE = 64 * 1024
"""Bytes of one event at most: a reader wants to begin playing."""
_WORDS = (b"{", b"<", b"data:", b"event:")
"""How what is no sound begins, whatever its type says."""


def speech_body(request: SpeakRequest, model: str, voice: str, stream: str) -> dict[str, Any]:
    """What to send. Fields that have their default are left out."""
    body: dict[str, Any] = {
        "input": request.text,
        "model": model,
        "voice": request.voice or voice,
        "response_format": request.format,
    }
    if request.speed != 1:
        body["speed"] = request.speed
    if request.instructions:
        body["instructions"] = request.instructions
    if stream == "sse":
        body["stream_format"] = stream
    return body


def unspoken(request: SpeakRequest) -> Iterator[Adjusted]:
    """What of the request has no place here."""
    if request.language:
        why = "the voice speaks the language of the text"
        yield Adjusted("language", request.language, "", why)


async def spoken(request: SpeakRequest, model: str, server: Server) -> AsyncGenerator[SpeakEvent]:
    """The events of a request."""
    p = server.parameters
    for note in unspoken(request):
        yield note
    body = encoded(speech_body(request, model, p.voice, p.speech_stream), "text")
    with await server.ask("/audio/speech", body, "text") as answer:
        sound = Sound(request, server, answer)
        async for data in answer:
            for event in sound.take(data):
                yield event
        for event in sound.end():
            yield event


class Sound:
    """The answer as it comes. `take` gives the events of a piece, `end` the last ones."""

    def __init__(self, request: SpeakRequest, server: Server, answer: Answer) -> None:
        self._request, self._server, self._answer = request, server, answer
        self._kind = kind_of(answer)
        self._split = EventSplitter() if self._kind == "text/event-stream" else None
        self._odd = self._kind in ("application/json", "text/html", "text/plain")
        self._held = b""
        self._form: Form | None = None
        self._index = self._bytes = self._promised = 0
        self._done = self._split is None
        self._usage = Usage(characters=len(request.text))

    def take(self, data: bytes) -> list[SpeakEvent]:
        if self._split is not None:
            data = b"".join(self._read(event) for event in self._split.feed(data))
        if self._form is None:
            self._held += data
            if self._odd and len(self._held) > _LONGEST:
                raise self._refused()
            if self._odd or len(self._held) < ENOUGH:
                return []
            if _is_text(self._held):
                self._odd = True
                return []
            data = self._held
        return self._chunks(data)

    def end(self) -> list[SpeakEvent]:
        if self._split is not None:
            self._held += b"".join(self._read(event) for event in self._split.end())
        if self._odd or (self._form is None and _is_text(self._held)):
            raise self._refused()
        events = self._chunks(self._held) if self._form is None and self._held else []
        if not self._done or self._bytes < self._promised:
            raise self._server.cut(self._answer)
        if not self._index:
            raise self._server.malformed(self._answer, "it held no sound")
        return [*events, self._usage, Finish()]

    def _chunks(self, data: bytes) -> list[SpeakEvent]:
        events: list[SpeakEvent] = []
        if self._form is None:
            self._form = form_of(data, self._request.format)
            self._promised = length_of(data)
            events += self._otherwise(self._form)
        form = self._form
        self._bytes += len(data)
        for at in range(0, len(data), _PIECE):
            piece = data[at : at + _PIECE]
            rate, channels = form.rate or PCM_RATE, form.channels
            events.append(AudioChunk(piece, self._index, rate, channels, form.format))
            self._index += 1
        return events

    def _otherwise(self, form: Form) -> Iterator[SpeakEvent]:
        asked, why = self._request, "the server chose it"
        if form.format != asked.format:
            yield Adjusted("format", asked.format, form.format, why)
        rate = form.rate or PCM_RATE
        if asked.sample_rate not in (None, rate):
            yield Adjusted("sample_rate", asked.sample_rate, rate, why)

    def _read(self, event: bytes) -> bytes:
        """The sound in one event."""
        if event.startswith(b"[DONE]"):
            return b""
        said = self._server.found(self._answer, event, "text")
        kind, audio = said.get("type"), said.get("audio")
        if kind == "speech.audio.done":
            self._done = True
            self._usage = _used(said.get("usage"), self._usage)
        if kind != "speech.audio.delta" or not isinstance(audio, str):
            return b""
        try:
            return base64.b64decode(audio, validate=True)
        except ValueError as error:  # binascii.Error is one
            raise self._server.malformed(self._answer, f"{error}") from error

    def _refused(self) -> RunnerError:
        """The error in an answer that is no sound."""
        if self._kind == "application/json" or self._held.startswith(b"{"):
            self._server.found(self._answer, self._held, "text")
        events = EventSplitter()
        for event in (*events.feed(self._held), *events.end()):
            if event.startswith(b"{"):
                self._server.found(self._answer, event, "text")
        return self._server.malformed(self._answer, f"it is {self._kind}, and holds text")


def _is_text(data: bytes) -> bool:
    """Whether it begins as an error or a page does; sound has bytes that no text has."""
    begin = data[:ENOUGH].translate(None, b"\r\n\t")
    return data.startswith(_WORDS) and begin.isascii() and begin.decode("ascii").isprintable()


class _Used(msgspec.Struct):
    """Tokens."""

    input_tokens: int | None = None
    output_tokens: int | None = None


def _used(said: object, usual: Usage) -> Usage:
    try:
        found = msgspec.convert(said, _Used)
    except msgspec.ValidationError:
        return usual
    return msgspec.structs.replace(
        usual,
        prompt_tokens=found.input_tokens or 0,
        completion_tokens=found.output_tokens or 0,
    )
