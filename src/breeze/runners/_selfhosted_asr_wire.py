"""What is sent to a recogniser: a form, or the sound alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from breeze.contracts.errors import NotFoundError
from breeze.contracts.events import Adjusted
from breeze.contracts.requests import TranscribeRequest
from breeze.runners._http_error_words import MODEL, Kind, Says
from breeze.runners._http_multipart import Part, multipart
from breeze.runners._http_target import with_query
from breeze.runners._selfhosted_asr_parameters import FORM, SelfhostedASRParameters
from breeze.runners._sound_file import SoundFile

_USUAL = TranscribeRequest(audio=b"-")
_ROUTE = Kind(NotFoundError, "Check base_url and endpoint.", field="endpoint")


def _judge(found: Mapping[str, Any], status: int) -> Kind | None:
    if status not in (404, 405):
        return None
    return MODEL if "model" in str(found.get("message") or found.get("detail")).lower() else _ROUTE


SAYS = Says(judge=_judge)


class Sent(NamedTuple):
    """A request: path with query, body, its type."""

    path: str
    body: bytes
    kind: str


def sent(
    request: TranscribeRequest, model: str, sound: SoundFile, p: SelfhostedASRParameters
) -> Sent:
    """What goes out for `request`."""
    language = language_of(request, p)
    if p.endpoint != FORM:
        path = with_query(p.endpoint, {"language": language or None})
        return Sent(path, sound.data, "application/octet-stream")
    return Sent(FORM, *multipart(_fields(request, model, language, sound, p)))


def _fields(
    request: TranscribeRequest,
    model: str,
    language: str,
    sound: SoundFile,
    p: SelfhostedASRParameters,
) -> Iterator[Part]:
    """The fields of the form, the file last."""
    streamed = p.stream and not request.whole
    timed = request.timestamps != "none" and not streamed
    said = {"model": model, "language": language, "prompt": request.prompt}
    if request.temperature is not None:
        said["temperature"] = f"{request.temperature:g}"
    said["response_format"] = "verbose_json" if timed else "json"
    yield from (Part(name, value.encode()) for name, value in said.items() if value)
    if timed:
        # Segments come with the words: without them a text would have no parts.
        wanted = ("word", "segment") if request.timestamps == "word" else ("segment",)
        yield from (Part("timestamp_granularities[]", each.encode()) for each in wanted)
    if streamed:
        yield Part("stream", b"true")
    yield Part("file", sound.data, sound.name, sound.mime)


def language_of(request: TranscribeRequest, p: SelfhostedASRParameters) -> str:
    """`en-US` as `en`: servers know languages, not countries. "" lets the server find out."""
    wanted = p.language or request.language
    return "" if wanted == "auto" else wanted.replace("_", "-").partition("-")[0].lower()


def unheard(request: TranscribeRequest, p: SelfhostedASRParameters) -> Iterator[Adjusted]:
    """What of the request the server is not told."""
    if p.language and request.language not in (_USUAL.language, p.language):
        why = "the parameter language says otherwise"
        yield Adjusted("language", request.language, p.language, why)
    if p.endpoint == FORM:
        return
    why = f"{p.endpoint} takes the sound and its language alone"
    if request.prompt:
        yield Adjusted("prompt", request.prompt, "", why)
    if request.temperature is not None:
        yield Adjusted("temperature", request.temperature, None, why)
