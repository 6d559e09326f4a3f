"""Transcriptions: what is asked as a form, and what was heard as it comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator

from breeze.contracts.dialects.openai_languages import code_of
from breeze.contracts.events import Adjusted, TranscribeEvent
from breeze.contracts.requests import TranscribeRequest
from breeze.runners._http_multipart import Part, multipart
from breeze.runners._openai_heard import Heard
from breeze.runners._openai_server import Server
from breeze.runners._openai_sound import sound_file
from breeze.runners._sound_file import SoundFile

_MIB = 1024 * 1024
_TIMED = "whisper"
"""How the names of models begin that give times, on OpenAI's own host."""


async def heard(
    request: TranscribeRequest, model: str, server: Server
) -> AsyncGenerator[TranscribeEvent]:
    """The events of a request."""
    p = server.parameters
    sound = await sound_file(request, int(p.upload_limit * _MIB))
    form = p.transcript_format
    if form == "auto":
        named = model.rsplit("/", 1)[-1].lower()
        plain = request.timestamps == "none" or (p.at_home and not named.startswith(_TIMED))
        form = "json" if plain else "verbose_json"
    for note in unheard(request, form):
        yield note
    body, kind = multipart(form_parts(request, model, form, sound))
    field = "file" if request.file else "audio"
    with await server.ask("/audio/transcriptions", body, field, kind) as answer:
        reading = Heard(server, answer, field, sound.seconds)
        async for data in answer:
            for event in reading.take(data):
                yield event
        for event in reading.end():
            yield event


def unheard(request: TranscribeRequest, form: str) -> Iterator[Adjusted]:
    """What of the request the answer will not hold."""
    if form != "verbose_json" and request.timestamps != "none":
        why = "this model tells no times: set transcript_format where it does"
        yield Adjusted("timestamps", request.timestamps, "none", why)


def form_parts(
    request: TranscribeRequest, model: str, form: str, sound: SoundFile
) -> Iterator[Part]:
    """The fields, the file last, as the official client orders them."""
    said = {"model": model, "language": _language(request.language), "prompt": request.prompt}
    if request.temperature is not None:
        said["temperature"] = f"{request.temperature:g}"
    said["response_format"] = form
    for name, value in said.items():
        if value:
            yield Part(name, value.encode())
    if form == "verbose_json":
        # Segments come with the words: without them a text would have no parts.
        wanted = ("word", "segment") if request.timestamps == "word" else ("segment",)
        yield from (Part("timestamp_granularities[]", each.encode()) for each in wanted)
    elif form == "json" and not request.whole:
        yield Part("stream", b"true")
    yield Part("file", sound.data, sound.name, sound.mime)


def _language(tag: str) -> str:
    """`en-US` as `en`: servers know languages, not countries."""
    return code_of(tag).replace("_", "-").partition("-")[0].lower()
